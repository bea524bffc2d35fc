//! Sources that fill the same table, as one view of the engine with one type per column.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, Schema};
use playbook_features::{FieldType, RowTable, quote_name};
use playbook_model::{FeatureDef, MapType, Playbook, SourceFormat, SourceTable, UnixMs};

use crate::Result;
use crate::identity::{Aliases, CANONICAL};
use crate::intake::{INTEGER_IDS, MappedSource, fields_needed, mapped_fields, sql_type};
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
    /// Columns of each table with the type of the mapping.
    mapped: BTreeMap<SourceTable, BTreeMap<String, MapType>>,
    /// Whether member ids are integers in every source.
    pub(crate) member_is_integer: bool,
    aliases: Aliases,
}

/// Name of the view of a table as mapped, before accounts are joined and refunds set off.
fn mapped_name(name: &str) -> String {
    format!("{name}_mapped")
}

impl Tables {
    pub(crate) fn rows(&self, table: SourceTable) -> Option<&RowTable> {
        self.by_table.get(&table)
    }

    /// Whether any account was joined to another.
    pub(crate) fn has_aliases(&self) -> bool {
        !self.aliases.is_empty()
    }

    /// Members to whom other accounts were joined.
    pub(crate) fn joined_members(&self) -> impl Iterator<Item = &str> {
        self.aliases.members()
    }

    /// Completes the tables once the as-of time is known; returns the accounts that were joined to another.
    pub(crate) fn finish(
        &mut self,
        session: &Session,
        as_of: UnixMs,
        features: &[FeatureDef],
    ) -> Result<u64> {
        let identities = self.mapped.get(&SourceTable::Identities);
        if identities.is_some_and(|columns| columns.contains_key("verified")) {
            let joined = self.mapped.get(&SourceTable::Members);
            let has_joined = joined.is_some_and(|columns| columns.contains_key("joined"));
            self.aliases = Aliases::find(session, self.member_is_integer, has_joined)?;
            self.aliases.register(session, self.member_is_integer);
        }
        for (table, name) in TABLES {
            let Some(columns) = self.mapped.get(&table) else { continue };
            let names = view_columns(table, columns);
            let refunds = match table {
                SourceTable::Events => {
                    crate::refunds::create(session, columns, &self.member(), as_of, features)?
                }
                _ => None,
            };
            let selected: Vec<_> = names
                .iter()
                .map(|(name, _)| match name.as_str() {
                    "member" => format!("{} AS member", self.member()),
                    "account" => "member AS account".to_owned(),
                    "time" if !columns.contains_key("time") => "day AS time".to_owned(),
                    "weight" => "CAST(1 AS BIGINT) AS weight".to_owned(),
                    name => quote_name(name),
                })
                .collect();
            let mut sql = format!("SELECT {} FROM {}", selected.join(", "), mapped_name(name));
            if let Some(refunds) = &refunds {
                let order: Vec<_> = names.iter().map(|(name, _)| quote_name(name)).collect();
                let order = order.join(", ");
                sql.push_str(&format!(" UNION ALL SELECT {order} FROM ({refunds})"));
            }
            session.create_view(name, &sql)?;
            if let Some(rows) = self.by_table.get_mut(&table) {
                rows.weighted = refunds.is_some();
            }
        }
        // What a playbook's own SQL may name are the tables, not the files as they came.
        for (_, name) in TABLES {
            session.forget(&mapped_name(name))?;
        }
        Ok(self.aliases.len())
    }

    /// Notes the time of the last event.
    pub(crate) fn set_latest(&mut self, last_event: Option<UnixMs>) {
        if let Some(rows) = self.by_table.get_mut(&SourceTable::Events) {
            rows.latest = last_event;
        }
    }

    /// SQL of the member that an account belongs to.
    fn member(&self) -> String {
        if self.has_aliases() { format!("{CANONICAL}(member)") } else { "member".to_owned() }
    }
}

/// Creates a view per table that any source fills, as it is mapped.
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
        let fields = sources.iter().map(|source| &source.fields);
        let columns = merged_columns(fields, member_is_integer);
        let selects: Vec<_> = sources.iter().map(|source| select(source, &columns)).collect();
        session.create_view(&mapped_name(name), &selects.join(" UNION ALL "))?;
        let mut fields: BTreeMap<String, FieldType> =
            columns.iter().map(|(name, map_type)| (name.clone(), field_type(*map_type))).collect();
        let timed = fields.contains_key("time") || fields.contains_key("day");
        if timed {
            fields.insert("time".to_owned(), FieldType::Integer);
        }
        let always = fields_needed(table).1.iter().map(|field| (*field).to_owned());
        let rows = RowTable {
            name: name.to_owned(),
            columns: fields,
            timed,
            complete: always.collect(),
            ..RowTable::default()
        };
        tables.by_table.insert(table, rows);
        tables.mapped.insert(table, columns);
    }
    Ok(tables)
}

/// The columns that a table has for queries, with their types: those that are mapped, and what the host adds.
fn view_columns(table: SourceTable, columns: &BTreeMap<String, MapType>) -> Vec<(String, MapType)> {
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
    }
    shown
}

/// The tables that a playbook's SQL may name, with their columns as the mapping alone tells them. Whether ids are
/// integers in Parquet files only the files tell: `integer_ids` says what is taken to be so.
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
        schemas.push((name, Schema::new(fields.collect::<Vec<_>>())));
    }
    schemas
}

fn field_type(map_type: MapType) -> FieldType {
    match map_type {
        MapType::Text => FieldType::Text,
        MapType::Real => FieldType::Real,
        MapType::Integer | MapType::Money | MapType::Time | MapType::Flag => FieldType::Integer,
    }
}

/// One type per column over all sources: the common one, else real for numbers, else text.
fn merged_columns<'a>(
    sources: impl Iterator<Item = &'a BTreeMap<String, MapType>>,
    member_is_integer: bool,
) -> BTreeMap<String, MapType> {
    let mut columns: BTreeMap<String, MapType> = BTreeMap::new();
    for (name, map_type) in sources.flatten() {
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
