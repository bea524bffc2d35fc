//! The tables of the host that sources fill: their fields, types and closed lists.

use playbook_model::{MapType, SourceDef, SourceTable};

use crate::layout::EVENT_KINDS;
use MapType::{Flag, Integer, Money, Real, Text, Time};

/// A field of a host table: name, type, whether every row must have it.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) map_type: MapType,
    pub(crate) required: bool,
}

const fn field(name: &'static str, map_type: MapType, required: bool) -> Field {
    Field { name, map_type, required }
}

/// Fields of the events table.
pub(crate) const EVENTS: &[Field] = &[
    field("member", Text, true),
    field("time", Time, true),
    field("kind", Text, false),
    field("event_id", Text, false),
    field("amount_minor", Money, false),
    field("cost_of_goods_minor", Money, false),
    field("quantity", Integer, false),
    field("channel", Text, false),
    field("community", Text, false),
    field("campaign", Text, false),
    field("topic", Text, false),
    field("place", Text, false),
    field("object", Text, false),
    field("original_order", Text, false),
    field("severity", Text, false),
    field("sentiment", Real, false),
    field("value", Real, false),
    field("text_hash", Text, false),
    field("partner", Text, false),
];

/// Fields of the members table; `attr_*` beside them.
pub(crate) const MEMBERS: &[Field] = &[
    field("member", Text, true),
    field("joined", Time, false),
    field("region", Text, false),
    field("age_band", Text, false),
    field("community", Text, false),
    field("channel", Text, false),
];

const IDENTITIES: &[Field] = &[
    field("member", Text, true),
    field("key_kind", Text, true),
    field("key_hash", Text, true),
    field("verified", Flag, false),
    field("channel", Text, false),
];

/// Fields of the costs table.
pub(crate) const COSTS: &[Field] = &[
    field("day", Time, true),
    field("amount_minor", Money, true),
    field("channel", Text, false),
    field("campaign", Text, false),
    field("community", Text, false),
    field("kind", Text, false),
    field("delivered", Integer, false),
    field("complaints", Integer, false),
];

/// Fields of the entries table.
pub(crate) const ENTRIES: &[Field] = &[
    field("day", Time, true),
    field("subject", Text, true),
    field("metric", Text, true),
    field("value", Real, true),
    field("key", Text, false),
];

const CONSENTS: &[Field] = &[
    field("member", Text, true),
    field("purpose", Text, true),
    field("state", Text, true),
    field("time", Time, false),
    field("text_version", Text, false),
    field("channel", Text, false),
];

/// Purposes of consents.
pub(crate) const PURPOSES: &[&str] =
    &["service", "marketing", "profiling", "location", "sharing", "cross-border", "guardian"];

/// Values that some fields of a table are limited to.
const CLOSED: &[(SourceTable, &str, &[&str])] = &[
    (SourceTable::Events, "kind", EVENT_KINDS),
    (SourceTable::Events, "severity", &["minor", "major", "fraud"]),
    (SourceTable::Members, "age_band", &["under_14", "14_17", "adult", "unknown"]),
    (SourceTable::Identities, "key_kind", &["phone", "email", "union-id", "card"]),
    (SourceTable::Costs, "kind", &["people", "platform", "tech", "media", "reward"]),
    (SourceTable::Consents, "purpose", PURPOSES),
    (
        SourceTable::Consents,
        "state",
        &["none", "requested", "pending_second", "granted", "withdrawn", "expired"],
    ),
];

/// Tables of the host with the names that playbooks use.
pub(crate) fn tables() -> &'static [(&'static str, SourceTable)] {
    &[
        ("events", SourceTable::Events),
        ("members", SourceTable::Members),
        ("identities", SourceTable::Identities),
        ("costs", SourceTable::Costs),
        ("entries", SourceTable::Entries),
        ("consents", SourceTable::Consents),
    ]
}

/// What fields of the brand's own begin with, in tables that may have such.
pub(crate) fn own_prefix(table: SourceTable) -> Option<&'static str> {
    match table {
        SourceTable::Members => Some("attr_"),
        SourceTable::Events | SourceTable::Costs => Some("field_"),
        _ => None,
    }
}

/// Fields of a table with their types; sources may give fields of the brand's own beside them.
pub fn host_fields(table: SourceTable) -> impl Iterator<Item = (&'static str, MapType)> {
    fields(table).iter().map(|field| (field.name, field.map_type))
}

/// Values that a field of a table is limited to; `None`: it takes any.
#[must_use]
pub fn closed_values(table: SourceTable, field: &str) -> Option<&'static [&'static str]> {
    CLOSED
        .iter()
        .find(|(of, name, _)| *of == table && *name == field)
        .map(|(_, _, allowed)| *allowed)
}

/// Fields of a host table.
pub(crate) fn fields(table: SourceTable) -> &'static [Field] {
    match table {
        SourceTable::Events => EVENTS,
        SourceTable::Members => MEMBERS,
        SourceTable::Identities => IDENTITIES,
        SourceTable::Costs => COSTS,
        SourceTable::Entries => ENTRIES,
        SourceTable::Consents => CONSENTS,
        // What a lookup holds its own file says.
        SourceTable::Lookup => &[],
    }
}

/// Name of a type as playbooks write it.
pub(crate) fn type_name(map_type: MapType) -> &'static str {
    match map_type {
        Text => "text",
        Integer => "integer",
        Real => "real",
        Money => "money",
        Time => "time",
        Flag => "flag",
    }
}

/// Rows of the mappings of members: field and type.
pub(super) fn members_rows(sources: &[SourceDef]) -> impl Iterator<Item = (&str, MapType)> {
    let rows = sources
        .iter()
        .filter(|source| source.table == SourceTable::Members)
        .flat_map(|source| &source.mapping);
    rows.map(|row| (row.to.as_str(), row.map_type))
}

/// Type of an own field of members, where a source maps it.
pub(super) fn attribute_row(name: &str, sources: &[SourceDef]) -> Option<MapType> {
    members_rows(sources).find(|(to, _)| *to == name).map(|(_, map_type)| map_type)
}
