//! The tables `[[source]]` with their mapping tables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Reading;
use crate::layout::EVENT_KINDS;
use crate::problem::{Place, Problem};
use crate::spec::one_of;
use crate::tree::{Entry, Node, Table, Value};
use crate::types::{
    Dedupe, MapRow, MapType, OnError, SourceDef, SourceFormat, SourceTable, Transform,
};

/// A field of a host table: name, type, whether every row must have it.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) map_type: MapType,
    pub(crate) required: bool,
}

const fn field(name: &'static str, map_type: MapType, required: bool) -> Field {
    Field {
        name,
        map_type,
        required,
    }
}

use MapType::{Flag, Integer, Money, Real, Text, Time};

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
];

/// Values that some fields of a table are limited to.
const CLOSED: &[(SourceTable, &str, &[&str])] = &[
    (SourceTable::Events, "kind", EVENT_KINDS),
    (
        SourceTable::Events,
        "severity",
        &["minor", "major", "fraud"],
    ),
    (
        SourceTable::Members,
        "age_band",
        &["under_14", "14_17", "adult", "unknown"],
    ),
    (
        SourceTable::Identities,
        "key_kind",
        &["phone", "email", "union-id", "card"],
    ),
    (
        SourceTable::Costs,
        "kind",
        &["people", "platform", "tech", "media", "reward"],
    ),
    (
        SourceTable::Consents,
        "purpose",
        &[
            "service",
            "marketing",
            "profiling",
            "location",
            "sharing",
            "cross-border",
        ],
    ),
    (
        SourceTable::Consents,
        "state",
        &[
            "none",
            "requested",
            "pending_second",
            "granted",
            "withdrawn",
            "expired",
        ],
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

/// Whether a table may have fields of the brand's own, `attr_*`.
pub(crate) fn of_attribute(table: SourceTable) -> bool {
    table == SourceTable::Members
}

/// Values that a field of a table is limited to.
pub(crate) fn closed_values(table: SourceTable, field: &str) -> Option<&'static [&'static str]> {
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
    }
}

impl Reading<'_> {
    pub(super) fn sources(&mut self) -> Vec<SourceDef> {
        let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
        let mut sources = Vec::new();
        for node in self.root.list("source") {
            let Some(table) = node.table() else { continue };
            if let (Some(name), Some(at)) =
                (table.text("name"), table.get("name").map(|node| node.place))
            {
                match seen.get(name) {
                    Some(first) => self.add(
                        Problem::new(
                            "duplicate-name",
                            at,
                            format!("there are two sources `{name}`"),
                        )
                        .expected("a name of its own for each source")
                        .related(*first, "the first one"),
                    ),
                    None => {
                        seen.insert(name, at);
                    }
                }
            }
            sources.extend(self.source(table, node.place));
        }
        sources
    }

    fn source(&mut self, table: &Table, whole: Place) -> Option<SourceDef> {
        let name = table.text("table")?;
        let kind = tables()
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, kind)| *kind)?;
        let format = self.format(table)?;
        let columns: Vec<String> = table
            .list("columns")
            .iter()
            .filter_map(Node::text)
            .map(str::to_owned)
            .collect();
        self.columns(table, &format);
        let mapping = self.mapping(table, kind, &columns, whole);
        self.event(table, kind, &mapping, whole);
        let dedupe = match table.text("dedupe") {
            Some("content") => Dedupe::Content,
            Some("none") => Dedupe::None,
            _ => Dedupe::EventId,
        };
        if let Some(entry) = table.entry("dedupe")
            && kind != SourceTable::Events
        {
            self.needless(entry, "only events are searched for repeats");
        }
        Some(SourceDef {
            name: table.text("name").unwrap_or_default().to_owned(),
            table: kind,
            path: table.text("path").unwrap_or_default().to_owned(),
            format,
            columns,
            mapping,
            event: table.text("event").map(str::to_owned),
            dedupe,
            rejects_max: table.real("rejects_max").unwrap_or(0.01),
            optional: table.flag("optional").unwrap_or(false),
        })
    }

    fn needless(&mut self, entry: &Entry, why: &str) {
        self.add(
            Problem::new(
                "needless-key",
                entry.key_place,
                format!("`{}` has no effect here: {why}", entry.key),
            )
            .expected("a source without it"),
        );
    }

    fn format(&mut self, table: &Table) -> Option<SourceFormat> {
        let path = table.get("path")?;
        let ending = Path::new(path.text()?)
            .extension()
            .and_then(|ending| ending.to_str())
            .unwrap_or_default();
        let name = match (table.text("format"), ending) {
            (Some(name), _) => name,
            (None, "csv" | "tsv") => "csv",
            (None, "jsonl" | "ndjson") => "jsonl",
            (None, "parquet") => "parquet",
            (None, _) => {
                self.add(
                    Problem::new(
                        "missing-key",
                        path.place,
                        "`format` is missing, and the ending of `path` does not tell it",
                    )
                    .expected("one of `csv`, `whitespace`, `jsonl`, `parquet`")
                    .hint("for example format = \"whitespace\""),
                );
                return None;
            }
        };
        let header = table
            .flag("header")
            .unwrap_or(table.get("columns").is_none());
        let unused: &[&str] = match name {
            "csv" => &[],
            "whitespace" => &["delimiter"],
            _ => &["delimiter", "header", "columns"],
        };
        for key in unused {
            if let Some(entry) = table.entry(key) {
                self.needless(entry, &format!("files of format {name} have none"));
            }
        }
        match name {
            "csv" => Some(SourceFormat::Csv {
                delimiter: self.delimiter(table, ending),
                header,
            }),
            "whitespace" => Some(SourceFormat::Whitespace { header }),
            "jsonl" => Some(SourceFormat::JsonLines),
            "parquet" => Some(SourceFormat::Parquet),
            _ => None,
        }
    }

    fn delimiter(&mut self, table: &Table, ending: &str) -> u8 {
        let usual = if ending == "tsv" { b'\t' } else { b',' };
        let Some(node) = table.get("delimiter") else {
            return usual;
        };
        match node.text().map(str::as_bytes) {
            Some([one]) if one.is_ascii() && !b"\"\r\n".contains(one) => *one,
            None => usual,
            Some(_) => {
                self.add(
                    Problem::new(
                        "bad-delimiter",
                        node.place,
                        "`delimiter` is not one character",
                    )
                    .expected("one ASCII character, such as \";\" or \"\\t\""),
                );
                usual
            }
        }
    }

    fn columns(&mut self, table: &Table, format: &SourceFormat) {
        let (SourceFormat::Csv { header, .. } | SourceFormat::Whitespace { header }) = format
        else {
            return;
        };
        match (header, table.entry("columns"), table.entry("header")) {
            (true, Some(columns), Some(header)) => self.add(
                Problem::new(
                    "conflicting-keys",
                    columns.key_place,
                    "`columns` names what the header names already",
                )
                .expected("`columns` for files without a header, or `header = true`")
                .related(header.key_place, "the header"),
            ),
            (false, None, Some(header)) => self.add(
                Problem::new(
                    "missing-key",
                    header.key_place,
                    "`columns` is missing: without a header nothing names the columns",
                )
                .expected("a list of names, one for each column")
                .hint("for example columns = [\"customer\", \"date\", \"amount\"]"),
            ),
            _ => {}
        }
        let mut seen = BTreeSet::new();
        for node in table.list("columns") {
            if let Some(name) = node.text()
                && !seen.insert(name)
            {
                self.add(
                    Problem::new(
                        "duplicate-name",
                        node.place,
                        format!("there are two columns `{name}`"),
                    )
                    .expected("a name of its own for each column"),
                );
            }
        }
    }

    fn event(&mut self, table: &Table, kind: SourceTable, mapping: &[MapRow], whole: Place) {
        let mapped = mapping.iter().any(|row| row.to == "kind");
        match (table.entry("event"), kind) {
            (Some(entry), other) if other != SourceTable::Events => {
                self.needless(entry, "only events have a kind")
            }
            (None, SourceTable::Events) if !mapped && table.get("map").is_some() => self.add(
                Problem::new(
                    "missing-mapping",
                    whole,
                    "nothing says which kind of event the rows are",
                )
                .expected("`event` for all rows, or `kind` in the mapping")
                .hint("for example event = \"order_paid\""),
            ),
            _ => {}
        }
    }

    /// Refuses a constant or mapped value that the host's field does not take.
    fn closed_value(&mut self, table: SourceTable, field: &str, value: &str, place: Place) {
        let Some(allowed) = closed_values(table, field) else {
            return;
        };
        if !allowed.contains(&value) {
            let (code, what) = if allowed == EVENT_KINDS {
                ("unknown-event", format!("`{value}` is no kind of event"))
            } else {
                ("bad-choice", format!("`{field}` cannot be `{value}`"))
            };
            self.sink.add_with(|| {
                Problem::new(code, place, what)
                    .expected(one_of(allowed))
                    .nearest(value, allowed.iter().copied())
            });
        }
    }

    fn mapping(
        &mut self,
        source: &Table,
        table: SourceTable,
        columns: &[String],
        whole: Place,
    ) -> Vec<MapRow> {
        let Some(node) = source.get("map") else {
            return Vec::new();
        };
        let Some(map) = node.table() else {
            return Vec::new();
        };
        let known = fields(table);
        let mut rows = Vec::new();
        for entry in &map.entries {
            let field = known.iter().find(|field| field.name == entry.key);
            let attribute = of_attribute(table) && entry.key.starts_with("attr_");
            if field.is_none() && !attribute {
                let names = known.iter().map(|field| field.name);
                let problem = Problem::new(
                    "unknown-field",
                    entry.key_place,
                    format!("the table has no field `{}`", entry.key),
                )
                .expected(one_of(names.clone()))
                .nearest(&entry.key, names);
                let own = table == SourceTable::Members && problem.hint.is_none();
                self.add(if own {
                    problem.hint("own fields of members begin with `attr_`")
                } else {
                    problem
                });
            }
            rows.push(self.map_row(entry, table, field, columns));
        }
        for field in known
            .iter()
            .filter(|field| field.required && map.get(field.name).is_none())
        {
            let place = if node.place.len > 0 {
                node.place
            } else {
                whole
            };
            self.add(
                Problem::new(
                    "missing-mapping",
                    place,
                    format!("the mapping has no `{}`", field.name),
                )
                .expected("every field that the table needs")
                .hint(format!("for example {} = \"{}\"", field.name, field.name)),
            );
        }
        rows
    }

    fn map_row(
        &mut self,
        entry: &Entry,
        table: SourceTable,
        field: Option<&Field>,
        columns: &[String],
    ) -> MapRow {
        let usual = if matches!(entry.key.as_str(), "key_hash" | "text_hash") {
            Transform::Hash
        } else {
            Transform::Copy
        };
        let mut row = MapRow {
            from: None,
            constant: None,
            to: entry.key.clone(),
            map_type: field.map_or(Text, |field| field.map_type),
            format: None,
            factor: 1.0,
            transform: usual,
            required: field.is_some_and(|field| field.required),
            on_error: OnError::Reject,
        };
        let from = match &entry.node.value {
            Value::Text(_) => Some(&entry.node),
            Value::Table(long) => {
                self.long_row(entry, long, table, field, &mut row);
                long.get("from")
            }
            _ => None,
        };
        if let Some((node, text)) = from.and_then(|node| node.text().map(|text| (node, text))) {
            row.from = Some(text.to_owned());
            if !columns.is_empty() && !columns.iter().any(|column| column == text) {
                self.sink.add_with(|| {
                    Problem::new(
                        "unknown-column",
                        node.place,
                        format!("there is no column `{text}`"),
                    )
                    .expected(one_of(columns))
                    .nearest(text, columns.iter().map(String::as_str))
                });
            }
        }
        row
    }

    fn long_row(
        &mut self,
        entry: &Entry,
        long: &Table,
        table: SourceTable,
        field: Option<&Field>,
        row: &mut MapRow,
    ) {
        match (long.entry("from"), long.entry("constant")) {
            (Some(first), Some(second)) => self.add(
                Problem::new(
                    "conflicting-keys",
                    second.key_place,
                    "`from` and `constant` exclude each other",
                )
                .expected("one of them")
                .related(first.key_place, "the other one"),
            ),
            (None, None) => self.add(
                Problem::new(
                    "missing-key",
                    entry.key_place,
                    format!("`{}` has neither `from` nor `constant`", entry.key),
                )
                .expected("a field of the source, or a constant")
                .hint("for example { from = \"amount\" }"),
            ),
            _ => {}
        }
        if let Some(node) = long.get("constant") {
            let text = match &node.value {
                Value::Text(text) => text.clone(),
                Value::Integer(number) => number.to_string(),
                Value::Real(number) => number.to_string(),
                Value::Flag(flag) => flag.to_string(),
                _ => String::new(),
            };
            self.closed_value(table, &entry.key, &text, node.place);
            row.constant = Some(text);
        }
        self.row_type(long, field, row);
        row.format = self.time_format(long, row.map_type);
        row.factor = self.factor(long, row.map_type);
        self.transform(entry, long, table, row);
        row.required = long.flag("required").unwrap_or(row.required);
        row.on_error = match long.text("on_error") {
            Some("null") => OnError::Null,
            Some("quarantine") => OnError::Quarantine,
            _ => OnError::Reject,
        };
        if let (OnError::Null, true, Some(node)) =
            (row.on_error, row.required, long.get("on_error"))
        {
            self.add(
                Problem::new(
                    "conflicting-keys",
                    node.place,
                    format!("`{}` is required and cannot become missing", entry.key),
                )
                .expected("`reject` or `quarantine`"),
            );
        }
    }

    fn row_type(&mut self, long: &Table, field: Option<&Field>, row: &mut MapRow) {
        let Some(node) = long.get("type") else { return };
        let wanted = match node.text() {
            Some("text") => Text,
            Some("integer") => Integer,
            Some("real") => Real,
            Some("money") => Money,
            Some("time") => Time,
            Some("flag") => Flag,
            _ => return,
        };
        if let Some(field) = field
            && field.map_type != wanted
        {
            self.add(
                Problem::new(
                    "type-mismatch",
                    node.place,
                    format!("`{}` cannot be of type {}", field.name, type_name(wanted)),
                )
                .expected(format!(
                    "type {}, which is also the default",
                    type_name(field.map_type)
                )),
            );
        }
        row.map_type = wanted;
    }

    fn time_format(&mut self, long: &Table, map_type: MapType) -> Option<String> {
        let entry = long.entry("format")?;
        let text = entry.node.text()?;
        if map_type != Time {
            self.needless_in_row(entry, "only times have a format");
            return None;
        }
        let named = ["rfc3339", "unix-s", "unix-ms"].contains(&text);
        if !named {
            // A sample instant shows whether the directives are known, and whether they carry a date.
            let sample = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
            let dated = ["%Y", "%y", "%F", "%D", "%s", "%c", "%x"]
                .iter()
                .any(|directive| text.contains(directive));
            if jiff::fmt::strtime::format(text, &sample).is_err() || !dated {
                self.add(
                    Problem::new("bad-time-format", entry.node.place, format!("`{text}` is no format of a date"))
                        .expected("strftime directives such as %Y%m%d or \"%d/%m/%Y %H:%M\", or one of `rfc3339`, `unix-s`, `unix-ms`"),
                );
            }
        }
        Some(text.to_owned())
    }

    fn needless_in_row(&mut self, entry: &Entry, why: &str) {
        self.add(
            Problem::new(
                "needless-key",
                entry.key_place,
                format!("`{}` has no effect here: {why}", entry.key),
            )
            .expected("a mapping row without it"),
        );
    }

    fn factor(&mut self, long: &Table, map_type: MapType) -> f64 {
        let Some(entry) = long.entry("unit") else {
            return 1.0;
        };
        if !matches!(map_type, Money | Integer | Real) {
            self.needless_in_row(entry, "only money and numbers have a unit");
            return 1.0;
        }
        let factor = match (&entry.node.value, map_type) {
            (Value::Text(text), Money) if text == "minor" => {
                Some(0.1_f64.powi(i32::from(self.digits)))
            }
            (Value::Text(text), Money) if text == "major" => Some(1.0),
            (Value::Text(text), _) => text.parse::<f64>().ok(),
            _ => entry.node.real(),
        };
        match factor.filter(|factor| factor.is_finite() && *factor > 0.0) {
            Some(factor) => factor,
            None => {
                self.add(
                    Problem::new(
                        "bad-unit",
                        entry.node.place,
                        format!(
                            "`unit` cannot be `{}`",
                            crate::canonical::to_json(&entry.node)
                                .to_string()
                                .trim_matches('"')
                        ),
                    )
                    .expected("`major`, `minor` (money only), or a number above 0 such as 0.01"),
                );
                1.0
            }
        }
    }

    fn transform(&mut self, entry: &Entry, long: &Table, table: SourceTable, row: &mut MapRow) {
        match long.text("transform") {
            Some("copy") => row.transform = Transform::Copy,
            Some("trim") => row.transform = Transform::Trim,
            Some("lower") => row.transform = Transform::Lower,
            Some("hash") => row.transform = Transform::Hash,
            _ => {}
        }
        let Some(values) = long.entry("values") else {
            return;
        };
        if let Some(transform) = long.entry("transform") {
            self.add(
                Problem::new(
                    "conflicting-keys",
                    values.key_place,
                    "`values` and `transform` exclude each other",
                )
                .expected("one of them")
                .related(transform.key_place, "the other one"),
            );
        }
        let mut map = BTreeMap::new();
        for value in values
            .node
            .table()
            .map(|table| table.entries.as_slice())
            .unwrap_or_default()
        {
            let Some(kept) = value.node.text() else {
                continue;
            };
            self.closed_value(table, &entry.key, kept, value.node.place);
            map.insert(value.key.clone(), kept.to_owned());
        }
        row.transform = Transform::EnumMap(map);
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
