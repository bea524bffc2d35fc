//! The tables `[[source]]`: files, formats, columns.

use std::collections::{BTreeMap, BTreeSet};

use playbook_model::{Dedupe, MapRow, NumberMarks, SourceDef, SourceFormat, SourceTable};

use super::Reading;
use super::host_tables::tables;
use super::lookups::Readable;
use super::origin::Rows;
use crate::problem::{Place, Problem};
use crate::tree::{Entry, Node, Table};

impl Reading<'_> {
    pub(super) fn sources(&mut self) -> Vec<SourceDef> {
        let nodes = self.root.list("source");
        self.unique_names(nodes, "source");
        let source = |node: &Node| self.source(node.table()?, node.place);
        nodes.iter().filter_map(source).collect()
    }

    /// Refuses two tables of a list that have one name.
    pub(super) fn unique_names(&mut self, nodes: &[Node], what: &str) {
        let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
        for node in nodes {
            let Some(named) = node.table().and_then(|table| table.get("name")) else { continue };
            let Some(name) = named.text() else { continue };
            match seen.get(name) {
                Some(first) => self.add(
                    Problem::new(
                        "duplicate-name",
                        named.place,
                        format!("there are two {what}s `{name}`"),
                    )
                    .expected(format!("a name of its own for each {what}"))
                    .related(*first, "the first one"),
                ),
                None => {
                    seen.insert(name, named.place);
                }
            }
        }
    }

    /// The columns that a table names, for files without a header.
    pub(super) fn column_names(table: &Table) -> Vec<String> {
        table.list("columns").iter().filter_map(Node::text).map(str::to_owned).collect()
    }

    fn source(&mut self, table: &Table, whole: Place) -> Option<SourceDef> {
        let name = table.text("table")?;
        let kind = tables().iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)?;
        let Rows { origin, container, format } = self.rows(table, "source", whole)?;
        let columns = Self::column_names(table);
        self.columns(table, &format);
        let joins = self.joins(table, &columns);
        let marks = self.marks(table, NumberMarks::default());
        let readable = Readable { columns: &columns, joins: &joins };
        let mapping = self.mapping(table, kind, &readable, marks, whole);
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
        let lines = table.flag("lines").unwrap_or(false);
        if let Some(entry) = table.entry("lines").filter(|_| lines) {
            if kind != SourceTable::Events {
                self.needless(entry, "only events have orders");
            } else if !mapping.iter().any(|row| row.to == "event_id") {
                self.add(
                    Problem::new(
                        "missing-mapping",
                        entry.key_place,
                        "nothing names the order of a line",
                    )
                    .expected("`event_id` in the mapping: the id of the order")
                    .hint("for example event_id = \"order\""),
                );
            } else if dedupe == Dedupe::Content {
                self.needless(entry, "`dedupe = \"content\"` leaves out equal lines");
            }
        }
        Some(SourceDef {
            name: table.text("name").unwrap_or_default().to_owned(),
            table: kind,
            path: table.text("path").unwrap_or_default().to_owned(),
            origin,
            container,
            format,
            encoding: table.text("encoding").map(str::to_owned),
            time_zone: self.source_zone(table),
            columns,
            joins,
            mapping,
            event: table.text("event").map(str::to_owned),
            dedupe,
            lines,
            rejects_max: table.real("rejects_max").unwrap_or(SourceDef::REJECTS_MAX),
            optional: table.flag("optional").unwrap_or(false),
        })
    }

    fn source_zone(&mut self, table: &Table) -> Option<String> {
        let node = table.get("time_zone")?;
        let name = node.text()?;
        self.zone_of(name, node.place).map(|_| name.to_owned())
    }

    pub(super) fn needless(&mut self, entry: &Entry, why: &str) {
        self.add(
            Problem::new(
                "needless-key",
                entry.key_place,
                format!("`{}` has no effect here: {why}", entry.key),
            )
            .expected("a source without it"),
        );
    }

    /// The format of rows that a run takes: what has columns with types of its own, or texts.
    pub(super) fn taken(&mut self, table: &Table) -> SourceFormat {
        for key in ["delimiter", "header", "columns", "encoding"] {
            if let Some(entry) = table.entry(key) {
                self.needless(entry, "databases and workbooks have none");
            }
        }
        SourceFormat::Parquet
    }

    pub(super) fn format(&mut self, table: &Table, ending: &str) -> Option<SourceFormat> {
        let path = table.get("path")?;
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
        let header = table.flag("header").unwrap_or(table.get("columns").is_none());
        let unused: &[&str] = match name {
            "csv" => &[],
            "whitespace" => &["delimiter"],
            "parquet" => &["delimiter", "header", "columns", "encoding", "decimal", "thousands"],
            _ => &["delimiter", "header", "columns"],
        };
        for key in unused {
            if let Some(entry) = table.entry(key) {
                self.needless(entry, &format!("files of format {name} have none"));
            }
        }
        match name {
            "csv" => Some(SourceFormat::Csv { delimiter: self.delimiter(table, ending), header }),
            "whitespace" => Some(SourceFormat::Whitespace { header }),
            "jsonl" => Some(SourceFormat::JsonLines),
            "parquet" => Some(SourceFormat::Parquet),
            _ => None,
        }
    }

    /// How numbers are written: what the table says, else as `usual`.
    pub(super) fn marks(&mut self, table: &Table, usual: NumberMarks) -> NumberMarks {
        let mut marks = usual;
        if let Some(decimal) = table.text("decimal").and_then(|text| text.chars().next()) {
            marks.decimal = decimal;
            if marks.thousands == Some(decimal) && table.get("thousands").is_none() {
                marks.thousands = None;
            }
        }
        let Some(node) = table.get("thousands") else { return marks };
        let text = node.text().unwrap_or_default();
        let mut chars = text.chars();
        let mark = chars.next().filter(|_| chars.next().is_none());
        let is_mark = |mark: &char| {
            matches!(mark, ',' | '.' | '\'' | '\u{2019}' | ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}')
        };
        match mark.filter(is_mark).filter(|mark| *mark != marks.decimal) {
            Some(mark) => marks.thousands = Some(mark),
            None => self.add(
                Problem::new(
                    "bad-choice",
                    node.place,
                    format!(
                        "`thousands` cannot be `{text}` where `decimal` is `{}`",
                        marks.decimal
                    ),
                )
                .expected("one of `,` `.` `'` or a blank, another than `decimal`"),
            ),
        }
        marks
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
                    Problem::new("bad-delimiter", node.place, "`delimiter` is not one character")
                        .expected("one ASCII character, such as \";\" or \"\\t\""),
                );
                usual
            }
        }
    }

    pub(super) fn columns(&mut self, table: &Table, format: &SourceFormat) {
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
            (Some(entry), _) => {
                if let Some(event) = entry.node.text() {
                    self.closed_value(kind, "kind", event, entry.node.place);
                }
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
}
