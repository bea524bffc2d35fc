//! Sources that fill the same table, as one view of the engine with one type per column.

use std::collections::BTreeMap;

use playbook_features::{FieldType, RowTable, quote_name};
use playbook_model::{FeatureDef, MapType, SourceTable, UnixMs};

use crate::Result;
use crate::identity::{Aliases, CANONICAL};
use crate::intake::job::MappedSource;
use crate::schema::{TABLES, field_type, fields_needed, merged_columns, sql_type, view_columns};
use crate::session::Session;

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
            session.add_view(name, &sql)?;
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
        session.add_view(&mapped_name(name), &selects.join(" UNION ALL "))?;
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
