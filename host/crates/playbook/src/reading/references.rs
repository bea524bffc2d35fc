//! Names that refer to features and stages: what exists, what an expression names, what leads back to itself.

use std::collections::{BTreeMap, BTreeSet};

use playbook_features::{Expression, ExpressionError};
use playbook_model::{Definition, FeatureDef, Subject};

use super::Reading;
use crate::merge::entry_name;
use crate::problem::{Place, Problem};
use crate::spec::one_of;
use crate::tree::{Entry, Table};

/// Names that references may point at.
pub(crate) struct Names {
    /// Features with their subjects.
    pub(crate) features: BTreeMap<String, String>,
    /// Stages.
    pub(crate) stages: BTreeSet<String>,
}

impl Names {
    pub(crate) fn of(root: &Table) -> Self {
        let mut features = BTreeMap::new();
        // What the playbook states itself stands over the catalogue.
        let tables = ["catalogue", "features"].into_iter().filter_map(|table| root.table(table));
        for entry in tables.flat_map(|table| &table.entries) {
            let subject =
                entry.node.table().and_then(|table| table.text("subject")).unwrap_or("member");
            features.insert(entry.key.clone(), subject.to_owned());
        }
        let stages = root
            .list("stage")
            .iter()
            .filter_map(|node| node.table().and_then(entry_name))
            .collect();
        Self { features, stages }
    }
}

impl Reading<'_> {
    pub(super) fn expression(
        &mut self,
        entry: &Entry,
        way: &Entry,
        subject: &Subject,
        names: &Names,
    ) {
        let Some(text) = way.node.text() else { return };
        let at = |bytes| way.node.inside(self.texts, bytes);
        let found = match Expression::parse(text) {
            Ok(found) => found,
            Err(fault) => {
                let problem = bad_expression(&fault, at(fault.at.clone()));
                return self.add(problem);
            }
        };
        let found: Vec<_> =
            found.names().into_iter().map(|(name, bytes)| (name.to_owned(), at(bytes))).collect();
        if found.is_empty() {
            self.add(
                Problem::new(
                    "bad-expression",
                    way.node.place,
                    format!("`{}` refers to no feature", entry.key),
                )
                .expected("an SQL scalar expression over features")
                .hint("a fixed number is written constant = 0.3"),
            );
        }
        for (name, place) in &found {
            match names.features.get(name) {
                None => self.unknown_feature(names, name, *place),
                Some(_) if self.withheld_by_catalogue(name, *place) => {}
                Some(other) if *other != subject.0 => self.add(
                    Problem::new(
                        "subject-mismatch",
                        *place,
                        format!(
                            "`{name}` describes {other}, `{}` describes {}",
                            entry.key, subject.0
                        ),
                    )
                    .expected("features of one subject"),
                ),
                Some(_) => {}
            }
        }
    }

    /// Reports expressions whose parts do not go together, once the types of all features are known.
    pub(super) fn expression_types(&mut self, table: &Table, features: &[FeatureDef]) {
        let known: BTreeMap<&str, &FeatureDef> =
            features.iter().map(|feature| (feature.name.as_str(), feature)).collect();
        for feature in features {
            let Definition::Expression(text) = &feature.definition else { continue };
            let Ok(expression) = Expression::parse(text) else { continue };
            // Names that do not exist, or belong to another subject, are reported already.
            let type_of = |name: &str| {
                let found = known.get(name)?;
                (found.subject == feature.subject).then_some(found.cell_type)
            };
            if expression.names().iter().any(|(name, _)| type_of(name).is_none()) {
                continue;
            }
            let place = |bytes| {
                let way = table.get(&feature.name)?.table()?.get("expression")?;
                Some(way.inside(self.texts, bytes))
            };
            if let Err(fault) = expression.compile(type_of)
                && let Some(place) = place(fault.at.clone())
            {
                self.add(bad_expression(&fault, place));
            }
        }
    }

    /// Reports expressions that lead back to themselves.
    pub(super) fn expression_loops(&mut self, table: &Table, features: &[FeatureDef]) {
        let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let known = |name: &str| table.entry(name).map(|entry| entry.key.as_str());
        for feature in features {
            if let Definition::Expression(text) = &feature.definition {
                let names = Expression::parse(text).ok();
                let names = names.iter().flat_map(Expression::names);
                needs.insert(&feature.name, names.filter_map(|(name, _)| known(name)).collect());
            }
        }
        // What rests on nothing unresolved goes, then what nothing unresolved rests on: loops stay.
        let open = unresolved(&needs);
        let mut back: BTreeMap<&str, BTreeSet<&str>> =
            open.iter().map(|name| (*name, BTreeSet::new())).collect();
        for name in &open {
            for need in needs[name].iter().filter(|need| open.contains(*need)) {
                back.entry(need).or_default().insert(name);
            }
        }
        for name in unresolved(&back) {
            if let Some(entry) = table.entry(name) {
                self.add(
                    Problem::new(
                        "feature-loop",
                        entry.key_place,
                        format!("`{name}` is computed from itself"),
                    )
                    .expected("expressions over features that do not lead back here"),
                );
            }
        }
    }

    fn unknown_feature(&mut self, names: &Names, name: &str, place: Place) {
        self.sink.add_with(|| {
            Problem::new("unknown-feature", place, format!("there is no feature `{name}`"))
                .expected(one_of(names.features.keys()))
                .nearest(name, names.features.keys().map(String::as_str))
        });
    }

    /// Reports a feature that does not exist; a column of a feature with `by` counts as the feature.
    pub(super) fn feature_exists(&mut self, names: &Names, name: &str, place: Place) {
        let split = name.split_once('.').map_or(name, |(feature, _)| feature);
        self.named.insert(split.to_owned());
        if !names.features.contains_key(split) {
            self.unknown_feature(names, name, place);
        } else {
            self.withheld_by_catalogue(split, place);
        }
    }

    /// Reports a feature of the catalogue that this playbook cannot have.
    fn withheld_by_catalogue(&mut self, name: &str, place: Place) -> bool {
        let Some(reason) = self.catalogue.withheld.get(name) else { return false };
        let message = format!("the catalogue's `{name}` cannot be had here: {reason}");
        self.sink.add(
            Problem::new("unknown-feature", place, message)
                .expected("what it is computed from, or a feature of that name in [features]"),
        );
        true
    }

    /// Reports a feature, or the stage of `stage.output`, that does not exist.
    pub(super) fn reference_exists(&mut self, names: &Names, name: &str, place: Place) {
        match name.split_once('.') {
            Some((stage, output)) => {
                self.named.insert(stage.to_owned());
                if !names.stages.contains(stage) && !names.features.contains_key(stage) {
                    self.sink.add_with(|| {
                        let problem = Problem::new(
                            "unknown-stage",
                            place,
                            format!("there is no stage `{stage}`"),
                        )
                        .expected(one_of(&names.stages));
                        match crate::problem::nearest(
                            stage,
                            names.stages.iter().map(String::as_str),
                        ) {
                            Some(near) => problem.hint(format!("did you mean `{near}.{output}`?")),
                            None => problem,
                        }
                    });
                }
            }
            None => self.feature_exists(names, name, place),
        }
    }
}

pub(super) fn bad_expression(fault: &ExpressionError, place: Place) -> Problem {
    Problem::new("bad-expression", place, &fault.message).expected(&fault.expected)
}

/// Names that cannot be put in an order in which each follows what it needs.
fn unresolved<'a>(needs: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
    let mut users: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
    for (name, own) in needs {
        let known = own.iter().filter(|need| needs.contains_key(*need));
        waiting.insert(name, known.clone().count());
        known.for_each(|need| users.entry(need).or_default().push(name));
    }
    let mut open: BTreeSet<&'a str> = needs.keys().copied().collect();
    let mut free: Vec<&'a str> = open.iter().copied().filter(|name| waiting[name] == 0).collect();
    while let Some(name) = free.pop() {
        open.remove(name);
        for user in users.get(name).into_iter().flatten().copied() {
            let left = waiting.get_mut(user).expect("every user is counted");
            *left -= 1;
            if *left == 0 {
                free.push(user);
            }
        }
    }
    open
}
