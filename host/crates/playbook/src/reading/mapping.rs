//! The tables `[source.map]`: which field of the source fills which field of the host.

use std::collections::BTreeMap;

use playbook_model::{DataClass, MapRow, MapType, NumberMarks, OnError, SourceTable, Transform};

use super::Reading;
use super::events::{OwnKind, all_kinds, with_own_kind};
use super::host_tables::{Field, closed_values, fields, own_prefix, type_name};
use super::lookups::Readable;
use crate::problem::{Place, Problem};
use crate::spec::one_of;
use crate::tree::{Entry, Table, Value};
use MapType::{Flag, Integer, Money, Real, Text, Time};

/// Keys of a mapping row that say where its value comes from.
const WAYS: [&str; 3] = ["from", "constant", "compute"];

/// The words that a field takes: those of the host and, of events, the kinds that the playbook declares.
fn words_of<'k>(own: &'k [OwnKind], table: SourceTable, field: &str) -> Option<Vec<&'k str>> {
    if table == SourceTable::Events && field == "kind" {
        return Some(all_kinds(own).collect());
    }
    closed_values(table, field).map(<[_]>::to_vec)
}

impl Reading<'_> {
    /// Refuses a constant or mapped value that the host's field does not take.
    pub(super) fn closed_value(
        &mut self,
        table: SourceTable,
        field: &str,
        value: &str,
        place: Place,
    ) {
        let Some(allowed) = words_of(&self.own_kinds, table, field) else {
            return;
        };
        if !allowed.contains(&value) {
            let is_kind = table == SourceTable::Events && field == "kind";
            let (code, what) = if is_kind {
                ("unknown-event", format!("`{value}` is no kind of event"))
            } else {
                ("bad-choice", format!("`{field}` cannot be `{value}`"))
            };
            self.sink.add_with(|| {
                let problem = Problem::new(code, place, what)
                    .expected(one_of(&allowed))
                    .nearest(value, allowed.iter().copied());
                if is_kind { with_own_kind(problem, value) } else { problem }
            });
        }
    }

    pub(super) fn mapping(
        &mut self,
        source: &Table,
        table: SourceTable,
        readable: &Readable<'_>,
        marks: NumberMarks,
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
            let prefix = own_prefix(table);
            let is_own = prefix.is_some_and(|prefix| entry.key.starts_with(prefix));
            if field.is_none() && !is_own {
                let names = known.iter().map(|field| field.name);
                let problem = Problem::new(
                    "unknown-field",
                    entry.key_place,
                    format!("the table has no field `{}`", entry.key),
                )
                .expected(one_of(names.clone()))
                .nearest(&entry.key, names);
                self.add(match prefix.filter(|_| problem.hint.is_none()) {
                    Some(prefix) => problem
                        .hint(format!("fields of the brand's own begin with `{prefix}` here")),
                    None => problem,
                });
            }
            rows.push(self.map_row(entry, table, field, readable, marks));
        }
        for field in known.iter().filter(|field| field.required && map.get(field.name).is_none()) {
            let place = if node.place.len > 0 { node.place } else { whole };
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
        readable: &Readable<'_>,
        marks: NumberMarks,
    ) -> MapRow {
        let usual = if matches!(entry.key.as_str(), "key_hash" | "text_hash") {
            Transform::Hash
        } else {
            Transform::Copy
        };
        let words = words_of(&self.own_kinds, table, &entry.key);
        let map_type = field.map_or(Text, |field| field.map_type);
        let mut row = MapRow {
            from: None,
            marks,
            transform: usual,
            words: words.map(|words| words.into_iter().map(str::to_owned).collect()),
            required: field.is_some_and(|field| field.required),
            ..MapRow::plain("", &entry.key, map_type)
        };
        let from = match &entry.node.value {
            Value::Text(_) => Some(&entry.node),
            Value::Table(long) => {
                self.long_row(entry, long, (table, field), readable, &mut row);
                long.get("from")
            }
            _ => None,
        };
        if let Some((node, text)) = from.and_then(|node| node.text().map(|text| (node, text))) {
            row.from = Some(text.to_owned());
            self.readable(readable, text, node.place);
        }
        row
    }

    fn long_row(
        &mut self,
        entry: &Entry,
        long: &Table,
        (table, field): (SourceTable, Option<&Field>),
        readable: &Readable<'_>,
        row: &mut MapRow,
    ) {
        let ways: Vec<&Entry> = WAYS.iter().filter_map(|way| long.entry(way)).collect();
        match ways.as_slice() {
            [] => self.add(
                Problem::new(
                    "missing-key",
                    entry.key_place,
                    format!("nothing says what `{}` is", entry.key),
                )
                .expected("`from`, a column of the source; `constant`; or `compute`")
                .hint("for example { from = \"amount\" }"),
            ),
            [first, others @ ..] => {
                for other in others {
                    self.add(
                        Problem::new(
                            "conflicting-keys",
                            other.key_place,
                            format!("`{}` and `{}` exclude each other", first.key, other.key),
                        )
                        .expected("one of them")
                        .related(first.key_place, "the other one"),
                    );
                }
            }
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
        row.marks = self.marks(long, row.marks);
        row.decimals = self.decimals(long, row.map_type);
        if let Some(node) = long.get("compute") {
            row.compute = self.computed(node, readable, row.marks);
        }
        row.optional = long.flag("optional").unwrap_or(false);
        self.transform(entry, long, table, row);
        row.required = long.flag("required").unwrap_or(row.required);
        row.class = long.text("pii_class").and_then(DataClass::of).unwrap_or(row.class);
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
                .expected(format!("type {}, which is also the default", type_name(field.map_type))),
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
                Some(1.0 / 10.0_f64.powi(i32::from(self.digits)))
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
                            crate::canonical::to_json(&entry.node).to_string().trim_matches('"')
                        ),
                    )
                    .expected("`major`, `minor` (money only), or a number above 0 such as 0.01"),
                );
                1.0
            }
        }
    }

    fn decimals(&mut self, long: &Table, map_type: MapType) -> Option<u8> {
        let entry = long.entry("decimals")?;
        if map_type != Money {
            self.needless_in_row(entry, "only amounts are rounded");
        }
        entry.node.integer().and_then(|decimals| u8::try_from(decimals).ok())
    }

    fn transform(&mut self, entry: &Entry, long: &Table, table: SourceTable, row: &mut MapRow) {
        match long.text("transform") {
            Some("copy") => row.transform = Transform::Copy,
            Some("trim") => row.transform = Transform::Trim,
            Some("lower") => row.transform = Transform::Lower,
            Some("hash") => row.transform = Transform::Hash,
            Some("whole") => row.transform = Transform::Whole,
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
        for value in values.node.table().map(|table| table.entries.as_slice()).unwrap_or_default() {
            let Some(kept) = value.node.text() else {
                continue;
            };
            self.closed_value(table, &entry.key, kept, value.node.place);
            map.insert(value.key.clone(), kept.to_owned());
        }
        row.transform = Transform::EnumMap(map);
    }
}
