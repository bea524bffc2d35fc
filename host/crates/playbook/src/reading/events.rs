//! The table `[events]`: kinds of events of the brand's own, and which kinds a name stands for.

use std::collections::BTreeSet;

use super::Reading;
use crate::layout::{EVENT_GROUPS, EVENT_KINDS, INTERACTION_KINDS, ORDER_KINDS};
use crate::problem::{Place, Problem};
use crate::spec::one_of;
use crate::tree::{Entry, Table};

/// A kind of events that the playbook declares.
#[derive(Debug)]
pub(crate) struct OwnKind {
    pub(crate) name: String,
    /// Kind of the host that it counts as, wherever that is named or stands in a group.
    counts_as: Option<String>,
    is_interaction: bool,
    is_commercial: bool,
}

/// All kinds that a playbook may name: the host's, then its own.
pub(crate) fn all_kinds(own: &[OwnKind]) -> impl Iterator<Item = &str> + Clone {
    EVENT_KINDS.iter().copied().chain(own.iter().map(|kind| kind.name.as_str()))
}

/// The kinds that names of kinds and groups stand for: the host's in the order of the domain, then the playbook's own.
pub(crate) fn expanded(names: &BTreeSet<&str>, own: &[OwnKind]) -> Vec<String> {
    let mut wanted = names.clone();
    if names.contains("interaction") || names.contains("active") {
        wanted.extend(INTERACTION_KINDS);
        wanted.extend(own.iter().filter(|k| k.is_interaction).map(|k| k.name.as_str()));
    }
    if names.contains("active") {
        wanted.insert("order_paid");
        wanted.extend(own.iter().filter(|k| k.is_commercial).map(|k| k.name.as_str()));
    }
    let counted =
        |own: &&OwnKind| own.counts_as.as_deref().is_some_and(|kind| wanted.contains(kind));
    let counted: Vec<&str> = own.iter().filter(counted).map(|kind| kind.name.as_str()).collect();
    wanted.extend(counted);
    all_kinds(own).filter(|kind| wanted.contains(kind)).map(str::to_owned).collect()
}

/// Adds how a kind is declared to the problem of one that nobody knows, where none is near.
pub(crate) fn with_own_kind(problem: Problem, name: &str) -> Problem {
    if problem.hint.is_some() || !crate::values::is_snake(name) {
        return problem;
    }
    problem
        .hint(format!("declare a kind of your own: [events] {name} = {{ counts_as = \"view\" }}"))
}

impl Reading<'_> {
    /// Reads the kinds of the brand's own, ascending by name.
    pub(super) fn read_own_kinds(&mut self) -> Vec<OwnKind> {
        let Some(table) = self.root.table("events") else { return Vec::new() };
        let mut kinds = Vec::new();
        for entry in &table.entries {
            let Some(keys) = entry.node.table() else { continue };
            if EVENT_GROUPS.iter().chain(EVENT_KINDS).any(|known| *known == entry.key) {
                self.add(
                    Problem::new(
                        "duplicate-name",
                        entry.key_place,
                        format!("`{}` is a kind or group of the host", entry.key),
                    )
                    .expected("a name of the brand's own, such as `product_view`"),
                );
            }
            kinds.push(self.own_kind(entry, keys));
        }
        kinds.sort_by(|a, b| a.name.cmp(&b.name));
        kinds
    }

    fn own_kind(&mut self, entry: &Entry, keys: &Table) -> OwnKind {
        let counts_as = keys.get("counts_as").and_then(|node| Some((node.text()?, node.place)));
        if let Some((kind, place)) = counts_as {
            self.counts_as(&entry.key, kind, place);
            for key in ["interaction", "commercial"].into_iter().filter_map(|key| keys.entry(key)) {
                self.add(
                    Problem::new(
                        "conflicting-keys",
                        key.key_place,
                        format!("`counts_as` and `{}` exclude each other", key.key),
                    )
                    .expected("`counts_as`, which takes over what that kind is, or the flags")
                    .related(place, "what it counts as"),
                );
            }
        }
        OwnKind {
            name: entry.key.clone(),
            counts_as: counts_as.map(|(kind, _)| kind.to_owned()),
            is_interaction: keys.flag("interaction").unwrap_or(false),
            is_commercial: keys.flag("commercial").unwrap_or(false),
        }
    }

    fn counts_as(&mut self, own: &str, kind: &str, place: Place) {
        if ORDER_KINDS.contains(&kind) {
            self.add(
                Problem::new("bad-choice", place, format!("`counts_as` cannot be `{kind}`"))
                    .expected("a kind that is no order: refunds are set off against their orders")
                    .hint(format!("map the word: kind = {{ from = \"...\", values = {{ {own} = \"{kind}\" }} }}")),
            );
        } else if !EVENT_KINDS.contains(&kind) {
            self.sink.add_with(|| {
                Problem::new("unknown-event", place, format!("`{kind}` is no kind of the host"))
                    .expected(one_of(EVENT_KINDS))
                    .nearest(kind, EVENT_KINDS.iter().copied())
            });
        }
    }
}
