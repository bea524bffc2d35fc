//! Columns of the host's tables: those that a mapping gives, their types, and what the host adds.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, Schema};
use playbook_features::{FieldType, WallField, field_type, mapped_fields, merged_columns};
use playbook_model::{MapType, Playbook, SourceFormat, SourceTable};

/// All tables with their names in the engine.
pub(crate) const TABLES: [(SourceTable, &str); 6] = [
    (SourceTable::Events, "events"),
    (SourceTable::Members, "members"),
    (SourceTable::Identities, "identities"),
    (SourceTable::Costs, "costs"),
    (SourceTable::Entries, "entries"),
    (SourceTable::Consents, "consents"),
];

/// Name of the rows of events that correct sums, for a playbook's own SQL.
pub(crate) const CORRECTIONS: &str = "corrections";

/// Fields that a table cannot do without.
pub(crate) fn fields_needed(table: SourceTable) -> (&'static str, &'static [&'static str]) {
    match table {
        SourceTable::Events => ("events", &["member", "time", "kind"]),
        SourceTable::Members => ("members", &["member"]),
        SourceTable::Identities => ("identities", &["member", "key_kind", "key_hash"]),
        SourceTable::Costs => ("costs", &["day", "amount_minor"]),
        SourceTable::Entries => ("entries", &["day", "subject", "metric", "value"]),
        SourceTable::Consents => ("consents", &["member", "purpose", "state"]),
        SourceTable::Lookup => ("lookup", &[]),
    }
}

/// Fields whose integers, where a Parquet file has them as such, stay integers although they are texts by type:
/// they print the same and take an eighth of the time.
pub(crate) const INTEGER_IDS: [&str; 4] = ["member", "event_id", "original_order", "object"];

/// SQL name of a mapped type.
pub(crate) fn sql_type(map_type: MapType) -> &'static str {
    match map_type {
        MapType::Text => "VARCHAR",
        MapType::Real => "DOUBLE",
        MapType::Integer | MapType::Money | MapType::Time | MapType::Flag => "BIGINT",
    }
}

/// The columns that a table has for queries, with their types: those that are mapped, and what the host adds.
pub(crate) fn view_columns(
    table: SourceTable,
    columns: &BTreeMap<String, MapType>,
) -> Vec<(String, MapType)> {
    let is_shown = |name: &String| table != SourceTable::Identities || name != "key_hash";
    let mapped = columns.iter().filter(|(name, _)| is_shown(name));
    let mut shown: Vec<_> = mapped.map(|(name, map_type)| (name.clone(), *map_type)).collect();
    if let Some(member) = columns.get("member") {
        shown.push(("account".to_owned(), *member));
    }
    if columns.contains_key("day") && !columns.contains_key("time") {
        shown.push(("time".to_owned(), MapType::Time));
    }
    if table == SourceTable::Events {
        shown.push(("weight".to_owned(), MapType::Integer));
        let walls = WallField::ALL.map(|wall| (wall.name().to_owned(), MapType::Integer));
        shown.extend(walls);
    }
    shown
}

/// The tables that a playbook's SQL may name, with their columns by the mapping alone. Whether ids of Parquet files are
/// integers is seen only in the files; `integer_ids` assumes it.
pub(crate) fn table_schemas(playbook: &Playbook, integer_ids: bool) -> Vec<(&'static str, Schema)> {
    let mut schemas = Vec::new();
    for (table, name) in TABLES {
        let sources = playbook.sources.iter().filter(|source| source.table == table);
        let sources: Vec<_> = sources
            .map(|source| {
                let mut fields = mapped_fields(source);
                if integer_ids && source.format == SourceFormat::Parquet {
                    let ids =
                        fields.iter_mut().filter(|(name, _)| INTEGER_IDS.contains(&name.as_str()));
                    ids.for_each(|(_, map_type)| *map_type = MapType::Integer);
                }
                fields
            })
            .collect();
        if sources.is_empty() {
            continue;
        }
        let columns = merged_columns(sources.iter(), integer_ids);
        let fields = view_columns(table, &columns).into_iter().map(|(name, map_type)| {
            let data_type = match field_type(map_type) {
                FieldType::Integer => DataType::Int64,
                FieldType::Real => DataType::Float64,
                FieldType::Text => DataType::Utf8,
            };
            Field::new(name, data_type, true)
        });
        let schema = Schema::new(fields.collect::<Vec<_>>());
        if table == SourceTable::Events {
            schemas.push((CORRECTIONS, schema.clone()));
        }
        schemas.push((name, schema));
    }
    schemas
}
