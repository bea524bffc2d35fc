//! The tables of a cycle: a view of the engine for each, over all sources that fill it, with one type per column.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread;

use playbook_cycle::IntakeFinding;
use playbook_features::{FieldType, RowTable, WallField, field_type, merged_columns, quote_name};
use playbook_model::{FeatureDef, MapType, SourceTable, UnixMs};

use crate::Result;
use crate::identity::{Aliases, MEMBERS_OF_ACCOUNTS};
use crate::intake::job::MappedSource;
use crate::refunds::Corrections;
use crate::schema::{CORRECTIONS, TABLES, fields_needed, sql_type, view_columns};
use crate::session::Session;

/// Tables of the cycle.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    by_table: BTreeMap<SourceTable, RowTable>,
    /// The same rows with accounts instead of members, for tables where that makes a difference.
    by_account: BTreeMap<SourceTable, RowTable>,
    /// Columns of each table with the type of the mapping.
    mapped: BTreeMap<SourceTable, BTreeMap<String, MapType>>,
    /// Whether member ids are integers in every source.
    pub(crate) member_is_integer: bool,
    aliases: Aliases,
    /// A lower bound of all amounts of events, where the files gave one.
    least_amount: Option<i64>,
    /// Views of the sources of members, in the order of the playbook; see [`Tables::members_in_order`].
    members_in_order: Vec<String>,
}

/// Name of the view of a table as mapped, before accounts are joined and refunds set off.
fn mapped_name(name: &str) -> String {
    format!("{name}_mapped")
}

impl Tables {
    pub(crate) fn rows(&self, table: SourceTable) -> Option<&RowTable> {
        self.by_table.get(&table)
    }

    /// The rows of a table with the account in the column `member`. Readers look the member up by [`Aliases::places`],
    /// which costs less than a join of every row in the engine.
    pub(crate) fn rows_by_account(&self, table: SourceTable) -> Option<&RowTable> {
        self.by_account.get(&table).or_else(|| self.rows(table))
    }

    /// One view for each source of members, by account, in the order of the playbook. They are apart because the rows
    /// of a union have no order.
    pub(crate) fn members_in_order(&self) -> &[String] {
        &self.members_in_order
    }

    /// Mapped columns of the members but for the account.
    pub(crate) fn member_fields(&self) -> impl Iterator<Item = &str> {
        let columns = self.mapped.get(&SourceTable::Members);
        columns.into_iter().flat_map(|c| c.keys()).map(String::as_str).filter(|c| *c != "member")
    }

    /// The aliases of accounts.
    pub(crate) fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// Completes the tables once the as-of time is known; returns the number of accounts that were joined to another.
    pub(crate) fn finish(
        &mut self,
        session: &Session,
        as_of: UnixMs,
        features: &[FeatureDef],
        findings: &mut Vec<IntakeFinding>,
    ) -> Result<u64> {
        // Neither needs the other, and each has steps that keep one thread busy.
        let (aliases, corrections) = thread::scope(|scope| {
            let aliases = scope.spawn(|| self.find_aliases(session));
            let corrections = self.corrections(session, as_of, features);
            (aliases.join().unwrap_or_else(|panic| resume_unwind(panic)), corrections)
        });
        if let Some(aliases) = aliases? {
            aliases.add_table(session, self.member_is_integer)?;
            self.aliases = aliases;
        }
        let mut of_events = corrections?;
        findings.append(&mut of_events.findings);
        let of_others = Corrections::default();
        for (table, name) in TABLES {
            let Some(columns) = self.mapped.get(&table) else { continue };
            let names = view_columns(table, columns);
            let corrections = if table == SourceTable::Events { &of_events } else { &of_others };
            let wall = |name: &str| {
                let wall = WallField::named(name).filter(|_| table == SourceTable::Events)?;
                Some(format!("{}(time) AS {name}", wall.function()))
            };
            let selected: Vec<_> = names
                .iter()
                .map(|(name, _)| {
                    wall(name).unwrap_or_else(|| match name.as_str() {
                        "account" => "member AS account".to_owned(),
                        "time" if !columns.contains_key("time") => "day AS time".to_owned(),
                        "weight" => {
                            let weight =
                                corrections.weight.as_deref().unwrap_or("CAST(1 AS BIGINT)");
                            format!("{weight} AS weight")
                        }
                        name => match corrections.replaced.get(name) {
                            Some(sql) => format!("{sql} AS {}", quote_name(name)),
                            None => quote_name(name),
                        },
                    })
                })
                .collect();
            let mut sql = format!("SELECT {} FROM {}", selected.join(", "), mapped_name(name));
            if let Some(refunds) = &corrections.rows {
                let order =
                    names.iter().map(|(name, _)| wall(name).unwrap_or_else(|| quote_name(name)));
                let order: Vec<_> = order.collect();
                let order = order.join(", ");
                sql.push_str(&format!(" UNION ALL SELECT {order} FROM ({refunds})"));
            }
            let rows = self.by_table.get_mut(&table).expect("a mapped table has rows");
            rows.weighted = corrections.rows.is_some() || corrections.weight.is_some();
            if self.aliases.is_empty() || !columns.contains_key("member") {
                session.add_view(name, &sql)?;
                continue;
            }
            let by_account = RowTable { name: format!("{name}_by_account"), ..rows.clone() };
            session.add_view(&by_account.name, &sql)?;
            session.add_view(name, &of_members(&by_account.name, &names))?;
            self.by_account.insert(table, by_account);
        }
        for (_, name) in TABLES {
            session.forget(&mapped_name(name))?;
        }
        self.show(session, as_of)?;
        Ok(self.aliases.len())
    }

    /// Finds the accounts of one person; `None` where no source tells of verified keys.
    fn find_aliases(&self, session: &Session) -> Result<Option<Aliases>> {
        let has = |table: SourceTable, column: &str| {
            self.mapped.get(&table).is_some_and(|columns| columns.contains_key(column))
        };
        has(SourceTable::Identities, "verified")
            .then(|| {
                let has_joined = has(SourceTable::Members, "joined");
                Aliases::find(session, self.member_is_integer, has_joined)
            })
            .transpose()
    }

    /// Works out what events need so that sums are net of refunds.
    fn corrections(
        &self,
        session: &Session,
        as_of: UnixMs,
        features: &[FeatureDef],
    ) -> Result<Corrections> {
        let table = SourceTable::Events;
        let Some(columns) = self.mapped.get(&table) else { return Ok(Corrections::default()) };
        let counted = self.by_table[&table].in_time(as_of, Some("amount_minor"));
        crate::refunds::create(session, columns, &counted, features, self.least_amount)
    }

    /// Shows the tables to the playbook's own SQL: rows before T, and correcting rows in a table of their own, so that
    /// `count(*)` counts events.
    fn show(&self, session: &Session, as_of: UnixMs) -> Result<()> {
        for (table, name) in TABLES {
            let Some(rows) = self.by_table.get(&table) else { continue };
            let may_lack = table == SourceTable::Consents;
            let before = match rows.timed {
                false => "true".to_owned(),
                true if may_lack => format!("(time IS NULL OR time < {})", as_of.0),
                true => format!("time < {}", as_of.0),
            };
            let all = format!("SELECT * FROM {name} WHERE {before}");
            if table != SourceTable::Events {
                session.show(name, &all)?;
                continue;
            }
            let of = |weight: &str| format!("{all} AND {weight}");
            let (events, corrections) = match rows.weighted {
                true => (of("weight = 1"), of("weight = 0")),
                false => (all.clone(), of("false")),
            };
            session.show(name, &events)?;
            session.show(CORRECTIONS, &corrections)?;
        }
        Ok(())
    }

    /// Notes the time of the last event.
    pub(crate) fn set_latest(&mut self, last_event: Option<UnixMs>) {
        if let Some(rows) = self.by_table.get_mut(&SourceTable::Events) {
            rows.latest = last_event;
        }
    }
}

/// SQL of rows by account in which aliases are replaced by their members. The small table is the left side, on which
/// engines build the hash table of a join.
fn of_members(by_account: &str, columns: &[(String, MapType)]) -> String {
    let selected: Vec<_> = columns
        .iter()
        .map(|(name, map_type)| match name.as_str() {
            "member" => format!(
                "CASE WHEN a.member IS NULL THEN CAST(e.account AS {}) ELSE a.member END AS member",
                sql_type(*map_type)
            ),
            name => format!("e.{0} AS {0}", quote_name(name)),
        })
        .collect();
    format!(
        "SELECT {} FROM {MEMBERS_OF_ACCOUNTS} a RIGHT JOIN {by_account} e ON a.account = e.account",
        selected.join(", ")
    )
}

/// Creates a view per table that any source fills, as it is mapped.
pub(crate) fn create_tables(session: &Session, mapped: &[MappedSource]) -> Result<Tables> {
    let members: Vec<_> = mapped.iter().filter_map(|s| s.fields.get("member")).collect();
    let member_is_integer =
        !members.is_empty() && members.iter().all(|map_type| **map_type == MapType::Integer);
    let with_amounts = mapped.iter().filter(|source| {
        source.table == SourceTable::Events && source.fields.contains_key("amount_minor")
    });
    let least: Option<Vec<i64>> = with_amounts
        .map(|source| source.ranges.get("amount_minor").map(|range| *range.start()))
        .collect();
    let least_amount = least.and_then(|least| least.into_iter().min());
    let mut tables = Tables { member_is_integer, least_amount, ..Tables::default() };
    for (table, name) in TABLES {
        let sources: Vec<_> = mapped.iter().filter(|source| source.table == table).collect();
        if sources.is_empty() {
            continue;
        }
        let fields = sources.iter().map(|source| &source.fields);
        let columns = merged_columns(fields, member_is_integer);
        let selects: Vec<_> = sources.iter().map(|source| select(source, &columns)).collect();
        session.add_view(&mapped_name(name), &selects.join(" UNION ALL "))?;
        if table == SourceTable::Members {
            for (at, select) in selects.iter().enumerate() {
                let view = format!("members_of_source_{at}");
                session.add_view(&view, select)?;
                tables.members_in_order.push(view);
            }
        }
        let mut fields: BTreeMap<String, FieldType> =
            columns.iter().map(|(name, map_type)| (name.clone(), field_type(*map_type))).collect();
        let timed = fields.contains_key("time") || fields.contains_key("day");
        if timed {
            fields.insert("time".to_owned(), FieldType::Integer);
        }
        if table == SourceTable::Events {
            fields.extend(WallField::ALL.map(|wall| (wall.name().to_owned(), FieldType::Integer)));
        }
        let always = fields_needed(table).1.iter().map(|field| (*field).to_owned());
        let rows = RowTable {
            name: name.to_owned(),
            columns: fields,
            timed,
            complete: always.collect(),
            lines: sources.iter().any(|source| source.lines),
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
