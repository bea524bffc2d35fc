//! Sources that fill the same table, as one view of the engine with one type per column.

use std::collections::BTreeMap;

use playbook_features::{FieldType, RowTable, quote_name};
use playbook_model::UnixMs;
use playbook_toml::{MapType, SourceTable};

use crate::Result;
use crate::intake::{MappedSource, sql_type};
use crate::session::Session;

/// All tables with their names in the engine.
const TABLES: [(SourceTable, &str); 6] = [
    (SourceTable::Events, "events"),
    (SourceTable::Members, "members"),
    (SourceTable::Identities, "identities"),
    (SourceTable::Costs, "costs"),
    (SourceTable::Entries, "entries"),
    (SourceTable::Consents, "consents"),
];

/// Tables of the cycle.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    by_table: BTreeMap<SourceTable, RowTable>,
    /// Whether member ids are integers in every source.
    pub(crate) member_is_integer: bool,
}

impl Tables {
    pub(crate) fn rows(&self, table: SourceTable) -> Option<&RowTable> {
        self.by_table.get(&table)
    }

    /// Completes the tables once the as-of time is known; returns the accounts that were joined to another.
    pub(crate) fn finish(&mut self, _session: &Session, _as_of: UnixMs) -> Result<u64> {
        Ok(0)
    }
}

/// Creates a view per table that any source fills.
pub(crate) fn create_tables(session: &Session, mapped: &[MappedSource]) -> Result<Tables> {
    let members: Vec<_> = mapped.iter().filter_map(|s| s.fields.get("member")).collect();
    let member_is_integer =
        !members.is_empty() && members.iter().all(|map_type| **map_type == MapType::Integer);
    let mut tables = Tables { member_is_integer, ..Tables::default() };
    for (table, name) in TABLES {
        let sources: Vec<_> = mapped.iter().filter(|source| source.table == table).collect();
        if sources.is_empty() {
            continue;
        }
        let columns = merged_columns(&sources, member_is_integer);
        let selects: Vec<_> = sources.iter().map(|source| select(source, &columns)).collect();
        session.create_view(name, &selects.join(" UNION ALL "))?;
        let fields = columns.iter().map(|(name, map_type)| (name.clone(), field_type(*map_type)));
        tables.by_table.insert(
            table,
            RowTable {
                name: name.to_owned(),
                columns: fields.collect(),
                timed: columns.contains_key("time"),
                weighted: false,
            },
        );
    }
    Ok(tables)
}

fn field_type(map_type: MapType) -> FieldType {
    match map_type {
        MapType::Text => FieldType::Text,
        MapType::Real => FieldType::Real,
        MapType::Integer | MapType::Money | MapType::Time | MapType::Flag => FieldType::Integer,
    }
}

/// One type per column over all sources: the common one, else real for numbers, else text.
fn merged_columns(
    sources: &[&MappedSource],
    member_is_integer: bool,
) -> BTreeMap<String, MapType> {
    let mut columns: BTreeMap<String, MapType> = BTreeMap::new();
    for (name, map_type) in sources.iter().flat_map(|source| &source.fields) {
        let merged = match columns.get(name) {
            None => *map_type,
            Some(known) if known == map_type => *map_type,
            Some(known) => match (field_type(*known), field_type(*map_type)) {
                (FieldType::Text, _) | (_, FieldType::Text) => MapType::Text,
                (FieldType::Integer, FieldType::Integer) => MapType::Integer,
                _ => MapType::Real,
            },
        };
        columns.insert(name.clone(), merged);
    }
    if let Some(member) = columns.get_mut("member") {
        *member = if member_is_integer { MapType::Integer } else { MapType::Text };
    }
    columns
}

fn select(source: &MappedSource, columns: &BTreeMap<String, MapType>) -> String {
    let columns: Vec<_> = columns
        .iter()
        .map(|(name, wanted)| {
            let quoted = quote_name(name);
            match source.fields.get(name) {
                Some(found) if sql_type(*found) == sql_type(*wanted) => quoted,
                Some(_) => format!("CAST({quoted} AS {}) AS {quoted}", sql_type(*wanted)),
                None => format!("CAST(NULL AS {}) AS {quoted}", sql_type(*wanted)),
            }
        })
        .collect();
    format!("SELECT {} FROM {}", columns.join(", "), source.view)
}
