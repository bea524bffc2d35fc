//! Names that refer to features and stages: what exists, what an expression names, what leads back to itself.

use std::collections::{BTreeMap, BTreeSet};

use playbook_model::{Definition, FeatureDef, Subject};

use super::{Reading, expression};
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
        for entry in
            root.table("features").map(|table| table.entries.as_slice()).unwrap_or_default()
        {
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
        let whole = way.node.place;
        // Only in a plain one-line string do bytes of the value stand where the text says.
        let at = |offset: usize, len: usize| {
            if whole.len == text.len() + 2 {
                Place { start: whole.start + 1 + offset, len, ..whole }
            } else {
                whole
            }
        };
        let found = match expression::names(text) {
            Ok(found) => found,
            Err(broken) => {
                self.add(
                    Problem::new("bad-expression", at(broken.at, 1), broken.why)
                        .expected("an SQL scalar expression"),
                );
                return;
            }
        };
        if found.is_empty() {
            self.add(
                Problem::new(
                    "bad-expression",
                    whole,
                    format!("`{}` refers to no feature", entry.key),
                )
                .expected("an SQL scalar expression over features")
                .hint("a fixed number is written constant = 0.3"),
            );
        }
        for (offset, name) in found {
            let place = at(offset, name.len());
            match names.features.get(name) {
                None => self.unknown_feature(names, name, place),
                Some(other) if *other != subject.0 => self.add(
                    Problem::new(
                        "subject-mismatch",
                        place,
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

    /// Reports expressions that lead back to themselves.
    pub(super) fn expression_loops(&mut self, table: &Table, features: &[FeatureDef]) {
        let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for feature in features {
            if let Definition::Expression(text) = &feature.definition {
                let names = expression::names(text).unwrap_or_default();
                needs.insert(&feature.name, names.into_iter().map(|(_, name)| name).collect());
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
        if !names.features.contains_key(split) {
            self.unknown_feature(names, name, place);
        }
    }

    /// Reports a feature, or the stage of `stage.output`, that does not exist.
    pub(super) fn reference_exists(&mut self, names: &Names, name: &str, place: Place) {
        match name.split_once('.') {
            Some((stage, output)) => {
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
