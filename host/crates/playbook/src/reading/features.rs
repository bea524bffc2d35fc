//! The table `[features]`: which way a feature is computed; attributes, expressions, constants, SQL.

use playbook_model::{Aggregate, CellType, Definition, FeatureDef, MapType, SourceDef, Subject};

use super::Reading;
use super::classes::{rests_on, unmapped};
use super::host_tables::{MEMBERS, attribute_row, members_rows};
use super::references::Names;
use super::sequences::{LONG as LONG_SEQUENCE, OF_SEQUENCES, SEQUENCES};
use crate::problem::Problem;
use crate::spec::one_of;
use crate::tree::{Entry, Table};

/// Keys that say how a feature is computed, beside the short forms of aggregates and sequences.
const WAYS: [&str; 6] = ["aggregate", LONG_SEQUENCE, "attribute", "expression", "constant", "sql"];
/// Keys that aggregates and sequences have.
const OF_ROWS: [&str; 4] = ["where", "window", "channel", "by"];
/// Keys that only aggregates have.
const OF_AGGREGATES: [&str; 4] = ["field", "over", "cap", "every"];

impl Reading<'_> {
    pub(super) fn features(&mut self, names: &Names, sources: &[SourceDef]) -> Vec<FeatureDef> {
        let stated = self.root.table("features").cloned().unwrap_or_default();
        let mut features = self.catalogue(&stated, names, sources);
        features.extend(
            stated
                .entries
                .iter()
                .filter_map(|entry| self.feature(entry, entry.node.table()?, names, sources)),
        );
        let mut all = self.root.table("catalogue").cloned().unwrap_or_default();
        stated.entries.into_iter().for_each(|entry| all.put(entry));
        self.expression_loops(&all, &features);
        self.expression_types(&all, &features);
        features
    }

    /// The features of the catalogue that this playbook can have and does not state itself: what reads a table without a
    /// source, a stage that is not there or another such feature is none of them.
    fn catalogue(
        &mut self,
        stated: &Table,
        names: &Names,
        sources: &[SourceDef],
    ) -> Vec<FeatureDef> {
        let Some(table) = self.root.table("catalogue") else { return Vec::new() };
        let (before, named) = (self.sink.problems.len(), std::mem::take(&mut self.named));
        let mut features = Vec::new();
        for entry in table.entries.iter().filter(|entry| stated.get(&entry.key).is_none()) {
            let Some(definition) = entry.node.table() else { continue };
            let feature = self.feature(entry, definition, names, sources);
            match self.sink.problems.drain(before..).next() {
                Some(problem) => {
                    self.catalogue.withheld.insert(entry.key.clone(), problem.message);
                }
                None => match feature.as_ref().and_then(|feature| unmapped(feature, sources)) {
                    Some(field) => {
                        let message = format!("no source maps `{field}`");
                        self.catalogue.withheld.insert(entry.key.clone(), message);
                    }
                    None => features.extend(feature),
                },
            }
        }
        self.named = named;
        let mut left = features.len() + 1;
        while features.len() < left {
            left = features.len();
            let gone = self.catalogue.withheld.clone();
            features.retain(|feature| {
                let missing = rests_on(feature).into_iter().find(|name| gone.contains_key(name));
                if let Some(name) = &missing {
                    let message = format!("it rests on `{name}`: {}", gone[name]);
                    self.catalogue.withheld.insert(feature.name.clone(), message);
                }
                missing.is_none()
            });
        }
        features
    }

    fn feature(
        &mut self,
        entry: &Entry,
        table: &Table,
        names: &Names,
        sources: &[SourceDef],
    ) -> Option<FeatureDef> {
        let way = self.way(entry, table)?;
        let subject = Subject(table.text("subject").unwrap_or("member").to_owned());
        let short = Aggregate::ALL.iter().find(|(name, _)| *name == way.key);
        let long = (way.key == "aggregate")
            .then(|| Aggregate::ALL.iter().find(|(name, _)| Some(*name) == way.node.text()))
            .flatten();
        let is_aggregate = short.is_some() || way.key == "aggregate";
        let is_sequence = way.key == LONG_SEQUENCE || SEQUENCES.contains(&way.key.as_str());
        if !is_aggregate {
            self.needless_beside(table, way, &OF_AGGREGATES, "only aggregates have it");
        }
        if !is_aggregate && !is_sequence {
            self.needless_beside(table, way, &["events"], "only aggregates and sessions have it");
        }
        if !is_sequence {
            let of = "only `sessions`, `funnel` and `conversion` have it";
            self.needless_beside(table, way, &OF_SEQUENCES, of);
        }
        if !is_aggregate && !is_sequence {
            self.needless_beside(table, way, &OF_ROWS, "only aggregates have it");
        }
        let (definition, cell_type, unit) = match (short.or(long), way.key.as_str()) {
            (Some((_, function)), _) => {
                let (aggregate, cell_type, unit) =
                    self.aggregate(entry, table, way, *function, &subject, names, sources)?;
                (Definition::Aggregate(aggregate), cell_type, unit)
            }
            (None, _) if is_sequence => {
                let (sequence, cell_type, unit) =
                    self.sequence(table, way, &subject, names, sources)?;
                (Definition::Sequence(sequence), cell_type, unit)
            }
            (None, "attribute") => self.attribute(way, &subject, sources)?,
            (None, "expression") => {
                self.expression(entry, way, &subject, names);
                (Definition::Expression(way.node.text()?.to_owned()), CellType::Real, "")
            }
            (None, "constant") => (Definition::Constant(way.node.real()?), CellType::Real, ""),
            (None, "sql") => (Definition::Sql(way.node.text()?.to_owned()), CellType::Real, ""),
            _ => return None,
        };
        let cell_type = match table.text("type") {
            Some("real") => CellType::Real,
            Some("integer") => CellType::Integer,
            Some("category") => CellType::Category,
            Some("text") => CellType::Text,
            _ => cell_type,
        };
        let unit = table.text("unit").unwrap_or(unit).to_owned();
        let about = table.text("about").unwrap_or_default().to_owned();
        Some(FeatureDef { name: entry.key.clone(), subject, cell_type, unit, definition, about })
    }

    /// Reports keys that have no effect beside the way in which a feature is computed.
    pub(super) fn needless_beside(
        &mut self,
        table: &Table,
        way: &Entry,
        keys: &[&str],
        expected: &str,
    ) {
        for extra in keys.iter().filter_map(|key| table.entry(key)) {
            self.add(
                Problem::new(
                    "needless-key",
                    extra.key_place,
                    format!("`{}` has no effect beside `{}`", extra.key, way.key),
                )
                .expected(expected),
            );
        }
    }

    /// Returns the one key that says how the feature is computed.
    fn way<'a>(&mut self, entry: &Entry, table: &'a Table) -> Option<&'a Entry> {
        let is_way = |key: &str| {
            WAYS.contains(&key)
                || SEQUENCES.contains(&key)
                || Aggregate::ALL.iter().any(|(name, _)| *name == key)
        };
        let mut ways = table.entries.iter().filter(|entry| is_way(&entry.key));
        let first = ways.next();
        match (first, ways.next()) {
            (Some(first), Some(second)) => {
                self.add(
                    Problem::new(
                        "conflicting-keys",
                        second.key_place,
                        format!("`{}` is computed in two ways", entry.key),
                    )
                    .expected(
                        "one way: an aggregate, a sequence, `attribute`, `expression`, `constant` or `sql`",
                    )
                    .related(first.key_place, "the first way"),
                );
                None
            }
            (Some(first), None) => Some(first),
            (None, _) => {
                self.add(
                    Problem::new("missing-key", entry.key_place, format!("nothing says how `{}` is computed", entry.key))
                        .expected("an aggregate such as `count`, a sequence such as `sessions`, or `attribute`, `expression`, `constant` or `sql`")
                        .hint("for example { count = \"order_paid\", window = \"30d\" }"),
                );
                None
            }
        }
    }

    fn attribute(
        &mut self,
        way: &Entry,
        subject: &Subject,
        sources: &[SourceDef],
    ) -> Option<(Definition, CellType, &'static str)> {
        let name = way.node.text()?;
        let known = MEMBERS.iter().find(|field| field.name == name).map(|field| field.map_type);
        let mapped = attribute_row(name, sources);
        if known.is_none() && mapped.is_none() {
            let mut names: Vec<&str> = MEMBERS.iter().map(|field| field.name).collect();
            names.extend(
                members_rows(sources).map(|(to, _)| to).filter(|to| to.starts_with("attr_")),
            );
            self.add(
                Problem::new(
                    "unknown-field",
                    way.node.place,
                    format!("members have no field `{name}`"),
                )
                .expected(format!("{}, or an `attr_*` that a source maps", one_of(&names)))
                .nearest(name, names.iter().copied()),
            );
        }
        if subject.0 != "member" {
            self.add(
                Problem::new(
                    "unknown-subject",
                    way.key_place,
                    format!("`attribute` describes members, not `{}`", subject.0),
                )
                .expected("the subject `member`"),
            );
        }
        let (cell_type, unit) = match mapped.or(known) {
            Some(MapType::Time) => (CellType::Integer, "unix-ms"),
            Some(MapType::Money) => (CellType::Integer, "minor"),
            Some(MapType::Integer | MapType::Flag) => (CellType::Integer, ""),
            Some(MapType::Real) => (CellType::Real, ""),
            Some(MapType::Text) | None => (CellType::Text, ""),
        };
        Some((Definition::Attribute { field: name.to_owned() }, cell_type, unit))
    }
}
