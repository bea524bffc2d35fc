//! The tables `[[lookup]]`, and the rows of `[source.join]`: which columns of which table a source has beside its own.

use std::collections::{BTreeMap, BTreeSet};

use playbook_features::Expression;
use playbook_model::{
    Dedupe, JoinDef, LookupDef, MapRow, MapType, NumberMarks, SourceDef, SourceTable,
};

use super::Reading;
use super::origin::Rows;
use crate::problem::{Place, Problem};
use crate::spec::one_of;
use crate::tree::{Node, Table, Value};

/// What a mapping may read: the columns of a source as far as the playbook names them, and what it joins.
pub(super) struct Readable<'a> {
    pub(super) columns: &'a [String],
    pub(super) joins: &'a [JoinDef],
}

/// Every name that the rows of a source read: of columns of its own, and of what it joins.
fn names_read(source: &SourceDef) -> Vec<String> {
    let mut names: Vec<String> = source.mapping.iter().filter_map(|row| row.from.clone()).collect();
    names.extend(source.joins.iter().map(|join| join.by.clone()));
    for text in source.mapping.iter().filter_map(|row| row.compute.as_ref()) {
        let Ok(expression) = Expression::parse(text) else { continue };
        names.extend(expression.names().into_iter().map(|(name, _)| name.to_owned()));
    }
    names
}

impl Reading<'_> {
    /// Reads the lookups, without the columns that sources read of them.
    pub(super) fn lookups(&mut self) -> Vec<LookupDef> {
        let nodes = self.root.list("lookup");
        self.unique_names(nodes, "lookup");
        nodes.iter().filter_map(|node| self.lookup(node.table()?, node.place)).collect()
    }

    fn lookup(&mut self, table: &Table, whole: Place) -> Option<LookupDef> {
        let Rows { origin, container, format } = self.rows(table, "lookup", whole)?;
        self.columns(table, &format);
        let columns = Self::column_names(table);
        let key = table.get("key")?;
        let key_name = key.text()?.to_owned();
        if !columns.is_empty() && !columns.contains(&key_name) {
            self.no_column(&key_name, &columns, key.place);
        }
        let source = SourceDef {
            name: table.text("name").unwrap_or_default().to_owned(),
            table: SourceTable::Lookup,
            path: table.text("path").unwrap_or_default().to_owned(),
            origin,
            container,
            format,
            encoding: table.text("encoding").map(str::to_owned),
            time_zone: None,
            columns,
            joins: Vec::new(),
            mapping: vec![MapRow {
                required: true,
                ..MapRow::plain(&key_name, &key_name, MapType::Text)
            }],
            event: None,
            dedupe: Dedupe::None,
            lines: false,
            rejects_max: table.real("rejects_max").unwrap_or(SourceDef::REJECTS_MAX),
            optional: false,
        };
        Some(LookupDef { source, key: key_name })
    }

    /// Reads what a source joins; each join reads columns of the source, or of the joins before it.
    pub(super) fn joins(&mut self, source: &Table, columns: &[String]) -> Vec<JoinDef> {
        let mut joins: Vec<JoinDef> = Vec::new();
        // Of a faulty one its own fault is told.
        let known = self.root.list("lookup").iter().filter_map(Node::table);
        let names: Vec<&str> = known.filter_map(|lookup| lookup.text("name")).collect();
        let entries = source.get("join").and_then(Node::table).map(|table| &table.entries);
        for entry in entries.into_iter().flatten() {
            let (by, lookup) = match &entry.node.value {
                Value::Text(_) => (Some(&entry.node), None),
                Value::Table(long) => (long.get("by"), long.get("lookup")),
                _ => (None, None),
            };
            let Some((by, by_name)) = by.and_then(|by| Some((by, by.text()?))) else { continue };
            let lookup_name = lookup.and_then(Node::text).unwrap_or(&entry.key);
            if !names.contains(&lookup_name) {
                let place = lookup.map_or(entry.key_place, |node| node.place);
                self.add(
                    Problem::new(
                        "unknown-lookup",
                        place,
                        format!("there is no lookup `{lookup_name}`"),
                    )
                    .expected(if names.is_empty() {
                        "the name of a [[lookup]]; the playbook has none".to_owned()
                    } else {
                        one_of(&names)
                    })
                    .nearest(lookup_name, names.iter().copied()),
                );
            }
            let readable = Readable { columns, joins: &joins };
            self.readable(&readable, by_name, by.place);
            joins.push(JoinDef {
                name: entry.key.clone(),
                lookup: lookup_name.to_owned(),
                by: by_name.to_owned(),
            });
        }
        joins
    }

    /// Refuses a name that a mapping cannot read, as far as the playbook tells.
    pub(super) fn readable(&mut self, readable: &Readable<'_>, name: &str, place: Place) {
        let is_column = readable.columns.iter().any(|column| column == name);
        if readable.columns.is_empty()
            || is_column
            || JoinDef::read_by(readable.joins, name).is_some()
        {
            return;
        }
        self.no_column(name, readable.columns, place);
    }

    fn no_column(&mut self, name: &str, columns: &[String], place: Place) {
        self.sink.add_with(|| {
            Problem::new("unknown-column", place, format!("there is no column `{name}`"))
                .expected(one_of(columns))
                .nearest(name, columns.iter().map(String::as_str))
        });
    }

    /// Checks an expression that computes a field; returns its text.
    pub(super) fn computed(
        &mut self,
        node: &Node,
        readable: &Readable<'_>,
        marks: NumberMarks,
    ) -> Option<String> {
        let text = node.text()?;
        let checked = Expression::parse(text).and_then(|expression| {
            expression.compile_written(marks)?;
            let names = expression.names().into_iter();
            Ok(names.map(|(name, at)| (name.to_owned(), at)).collect::<Vec<_>>())
        });
        match checked {
            Ok(names) => {
                for (name, at) in names {
                    let place = node.inside(self.texts, at);
                    self.readable(readable, &name, place);
                }
            }
            Err(fault) => {
                let place = node.inside(self.texts, fault.at.clone());
                self.add(super::references::bad_expression(&fault, place));
            }
        }
        Some(text.to_owned())
    }
}

/// Adds to each lookup the columns that sources read of it.
pub(super) fn with_columns_read(lookups: &mut [LookupDef], sources: &[SourceDef]) {
    let mut read: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        for name in names_read(source) {
            if let Some((join, column)) = JoinDef::read_by(&source.joins, &name) {
                let lookup = &source.joins[join].lookup;
                read.entry(lookup).or_default().insert(column.to_owned());
            }
        }
    }
    for lookup in lookups {
        let columns = read.remove(lookup.source.name.as_str()).unwrap_or_default();
        let others = columns.iter().filter(|column| **column != lookup.key);
        lookup.source.mapping.extend(others.map(|c| MapRow::plain(c, c, MapType::Text)));
    }
}
