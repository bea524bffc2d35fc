//! What a new version of a plugin changes for the playbooks that use it, and which version it has to be.

use std::collections::BTreeMap;
use std::fmt;

use playbook_model::{ActionInfo, Description, Need, Produce, ReasonInfo, Shape};
use semver::{Comparator, Op, Prerelease, Version};
use serde_json::Value;

/// A version of a plugin, as playbooks meet it.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What it says of itself.
    pub description: Description,
    /// What it needs and gives under the settings that are compared.
    pub shape: Shape,
    /// Version of the contract.
    pub contract: String,
    /// Bytes of its component.
    pub bytes: u64,
}

/// What a change does to a playbook that uses the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Nothing that a playbook could see.
    Fix,
    /// It stays in order, and can have more.
    Addition,
    /// It may be refused, or mean something else.
    Breaking,
}

/// A change from one version to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it does to playbooks.
    pub weight: Weight,
    /// "settings", "needs", "outputs" ...
    pub what: &'static str,
    /// In words.
    pub text: String,
}

impl Weight {
    /// As JSON and tables write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fix => "fix",
            Self::Addition => "addition",
            Self::Breaking => "breaking",
        }
    }
}

/// What a set of changes weighs.
#[must_use]
pub fn weight(changes: &[Change]) -> Weight {
    changes.iter().map(|change| change.weight).max().unwrap_or(Weight::Fix)
}

/// The least version after `old` that changes of this weight may have, by the rules of Semantic Versioning as cargo reads them.
#[must_use]
pub fn next_version(old: &Version, weight: Weight) -> Version {
    let (major, minor, patch) = (old.major, old.minor, old.patch);
    // Of a version before its release, the release itself is next.
    let is_early = old.pre != Prerelease::EMPTY;
    match (weight, major, minor) {
        _ if is_early => Version::new(major, minor, patch),
        (Weight::Breaking, 1.., _) => Version::new(major + 1, 0, 0),
        (Weight::Breaking, 0, 1..) => Version::new(0, minor + 1, 0),
        (Weight::Addition, 1.., _) => Version::new(major, minor + 1, 0),
        (Weight::Breaking | Weight::Addition | Weight::Fix, ..) => {
            Version::new(major, minor, patch + 1)
        }
    }
}

/// Whether a playbook that takes `old` with a requirement as `^0.1.2` takes `new` too.
#[must_use]
pub fn is_compatible(old: &Version, new: &Version) -> bool {
    let compatible = Comparator {
        op: Op::Caret,
        major: old.major,
        minor: Some(old.minor),
        patch: Some(old.patch),
        pre: old.pre.clone(),
    };
    compatible.matches(new)
}

/// What changed from one version to another, the heaviest first.
#[must_use]
pub fn changes(old: &Offer, new: &Offer) -> Vec<Change> {
    let mut found = Found::default();
    let (was, is) = (&old.description, &new.description);
    found.differs("name", Weight::Breaking, "the name", &was.name, &is.name);
    found.differs("kind", Weight::Breaking, "the kind", was.kind.name(), is.kind.name());
    found.differs("contract", Weight::Fix, "the contract", &old.contract, &new.contract);
    settings(&mut found, was, is);
    tables(&mut found, &old.shape, &new.shape);
    outputs(&mut found, &old.shape, &new.shape);
    segments(&mut found, &old.shape, &new.shape);
    actions(&mut found, &old.shape, &new.shape);
    reasons(&mut found, &old.shape, &new.shape);
    let passes = |shape: &Shape| shape.fit_passes_max.to_string();
    found.differs(
        "fit",
        Weight::Fix,
        "the passes of its fit",
        passes(&old.shape),
        passes(&new.shape),
    );
    found.differs("size", Weight::Fix, "the size in bytes", old.bytes, new.bytes);
    found.0.sort_by_key(|change| std::cmp::Reverse(change.weight));
    found.0
}

#[derive(Default)]
struct Found(Vec<Change>);

impl Found {
    fn add(&mut self, what: &'static str, weight: Weight, text: String) {
        self.0.push(Change { weight, what, text });
    }

    fn differs<T: PartialEq + fmt::Display>(
        &mut self,
        what: &'static str,
        weight: Weight,
        name: &str,
        was: T,
        is: T,
    ) {
        if was != is {
            self.add(what, weight, format!("{name} was `{was}` and is `{is}`"));
        }
    }

    /// Tells of what went and of what came; returns what stayed, before and after.
    fn matched<'a, T>(
        &mut self,
        what: &'static str,
        noun: &str,
        was: &BTreeMap<String, &'a T>,
        is: &BTreeMap<String, &'a T>,
        weights: (Weight, impl Fn(&T) -> Weight),
    ) -> Vec<(String, &'a T, &'a T)> {
        let (gone, come) = weights;
        for name in was.keys().filter(|name| !is.contains_key(*name)) {
            self.add(what, gone, format!("{noun} `{name}` is gone"));
        }
        for (name, item) in is.iter().filter(|(name, _)| !was.contains_key(*name)) {
            self.add(what, come(item), format!("{noun} `{name}` is new"));
        }
        let both = was.iter().filter_map(|(name, old)| Some((name.clone(), *old, *is.get(name)?)));
        both.collect()
    }
}

/// Settings by their schema: what was accepted has to be accepted, and to mean the same.
fn settings(found: &mut Found, old: &Description, new: &Description) {
    let read = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    schema(found, "", &read(&old.settings_schema), &read(&new.settings_schema));
}

fn schema(found: &mut Found, at: &str, old: &Value, new: &Value) {
    const WHAT: &str = "settings";
    let properties = |schema: &Value| schema["properties"].as_object().cloned().unwrap_or_default();
    let required = |schema: &Value, name: &str| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name))
    };
    let (was, is) = (properties(old), properties(new));
    for (name, before) in &was {
        let path = format!("{at}{name}");
        let Some(after) = is.get(name) else {
            found.add(WHAT, Weight::Breaking, format!("setting `{path}` is gone"));
            continue;
        };
        if required(new, name) && !required(old, name) {
            found.add(WHAT, Weight::Breaking, format!("setting `{path}` must be given now"));
        }
        setting(found, &path, before, after);
        schema(found, &format!("{path}."), before, after);
        schema(found, &format!("{path}[]."), &before["items"], &after["items"]);
    }
    for name in is.keys().filter(|name| !was.contains_key(*name)) {
        let (weight, more) = match required(new, name) {
            true => (Weight::Breaking, " and must be given"),
            false => (Weight::Addition, ""),
        };
        found.add(WHAT, weight, format!("setting `{at}{name}` is new{more}"));
    }
}

fn setting(found: &mut Found, path: &str, old: &Value, new: &Value) {
    let mut differs = |key: &str, words: &str, weight: &dyn Fn(&Value, &Value) -> Weight| {
        let (was, is) = (&old[key], &new[key]);
        if was != is {
            let said =
                |value: &Value| if value.is_null() { "none".to_owned() } else { value.to_string() };
            let text = format!("{words} of setting `{path}` was {} and is {}", said(was), said(is));
            found.add("settings", weight(was, is), text);
        }
    };
    let breaking = |_: &Value, _: &Value| Weight::Breaking;
    // A bound that is gone, or that lets in more, refuses nothing that was accepted.
    let least = |was: &Value, is: &Value| narrower(is.as_f64(), was.as_f64(), f64::gt);
    let most = |was: &Value, is: &Value| narrower(is.as_f64(), was.as_f64(), f64::lt);
    let list = |was: &Value, is: &Value| match (was.as_array(), is.as_array()) {
        (Some(was), Some(is)) if was.iter().all(|one| is.contains(one)) => Weight::Addition,
        (Some(_), None) => Weight::Addition,
        _ => Weight::Breaking,
    };
    differs("type", "the type", &breaking);
    // Playbooks that leave it out mean another value now.
    differs("default", "the default", &breaking);
    differs("enum", "the choices", &list);
    for (key, words) in [
        ("minimum", "the least value"),
        ("exclusiveMinimum", "the least value"),
        ("minItems", "the fewest items"),
        ("minLength", "the fewest letters"),
    ] {
        differs(key, words, &least);
    }
    for (key, words) in [
        ("maximum", "the greatest value"),
        ("exclusiveMaximum", "the greatest value"),
        ("maxItems", "the most items"),
        ("maxLength", "the most letters"),
    ] {
        differs(key, words, &most);
    }
    differs("pattern", "the pattern", &breaking);
}

fn narrower(is: Option<f64>, was: Option<f64>, beyond: fn(&f64, &f64) -> bool) -> Weight {
    match (is, was) {
        (None, _) => Weight::Addition,
        (Some(is), Some(was)) if !beyond(&is, &was) => Weight::Addition,
        _ => Weight::Breaking,
    }
}

fn tables(found: &mut Found, old: &Shape, new: &Shape) {
    fn by_name(shape: &Shape) -> BTreeMap<String, &Need> {
        let rows = shape.rows.iter().map(|table| ("rows", table));
        let tables = shape.tables.iter().map(|table| ("table", table));
        let needs = rows.chain(tables).flat_map(|(what, table)| {
            let name =
                move |need: &Need| format!("{} ({what} of {})", need.source.name(), table.subject);
            table.columns.iter().map(move |need| (name(need), need))
        });
        needs.collect()
    }
    let come = |need: &Need| if need.required { Weight::Breaking } else { Weight::Addition };
    let both =
        found.matched("needs", "need", &by_name(old), &by_name(new), (Weight::Addition, come));
    for (name, before, after) in both {
        let need = format!("of need `{name}`");
        let mut differs = |words: &str, was: &str, is: &str| {
            found.differs("needs", Weight::Breaking, &format!("the {words} {need}"), was, is);
        };
        differs("type", before.cell_type.name(), after.cell_type.name());
        differs("unit", &before.unit, &after.unit);
        if before.categories != after.categories {
            found.add("needs", Weight::Breaking, format!("the categories {need} differ"));
        }
        match (before.required, after.required) {
            (false, true) => {
                found.add("needs", Weight::Breaking, format!("need `{name}` must be filled now"))
            }
            (true, false) => found.add(
                "needs",
                Weight::Addition,
                format!("need `{name}` may be left unfilled now"),
            ),
            _ => {}
        }
    }
}

fn outputs(found: &mut Found, old: &Shape, new: &Shape) {
    fn by_name(shape: &Shape) -> BTreeMap<String, &Produce> {
        let subject = |produce: &Produce| match produce.table {
            None => shape.rows.as_ref(),
            Some(at) => shape.tables.get(at as usize),
        };
        let name = |produce: &Produce| {
            let of = subject(produce).map_or("?", |table| table.subject.as_str());
            format!("{} ({of})", produce.name)
        };
        shape.produces.iter().map(|produce| (name(produce), produce)).collect()
    }
    let weights = (Weight::Breaking, |_: &Produce| Weight::Addition);
    let both = found.matched("outputs", "output", &by_name(old), &by_name(new), weights);
    for (name, was, is) in both {
        let output = format!("of output `{name}`");
        let mut differs = |weight: Weight, words: &str, was: &str, is: &str| {
            found.differs("outputs", weight, &format!("the {words} {output}"), was, is);
        };
        differs(Weight::Breaking, "type", was.cell_type.name(), is.cell_type.name());
        differs(Weight::Breaking, "unit", &was.unit, &is.unit);
        differs(Weight::Breaking, "role", was.role.name(), is.role.name());
        differs(Weight::Fix, "group", &was.group, &is.group);
        let bound = |bound: Option<f64>| bound.map_or("none".to_owned(), |bound| bound.to_string());
        let range = |one: &Produce| format!("{} to {}", bound(one.least), bound(one.most));
        differs(Weight::Breaking, "range", &range(was), &range(is));
        if was.categories != is.categories {
            let weight = match is.categories.starts_with(&was.categories) {
                true => Weight::Addition,
                false => Weight::Breaking,
            };
            differs(weight, "categories", &was.categories.join(", "), &is.categories.join(", "));
        }
        if was.bounds != is.bounds {
            found.add("outputs", Weight::Breaking, format!("the bounds of levels {output} differ"));
        }
        if was.alarms != is.alarms {
            found.add("outputs", Weight::Breaking, format!("the alarms of levels {output} differ"));
        }
    }
}

/// Segments have a rank: what was above another has to stay above it.
fn segments(found: &mut Found, old: &Shape, new: &Shape) {
    let names =
        |shape: &Shape| -> Vec<String> { shape.segments.iter().map(|s| s.name.clone()).collect() };
    let (was, is) = (names(old), names(new));
    for name in was.iter().filter(|name| !is.contains(name)) {
        found.add("segments", Weight::Breaking, format!("segment `{name}` is gone"));
    }
    for name in is.iter().filter(|name| !was.contains(name)) {
        found.add("segments", Weight::Addition, format!("segment `{name}` is new"));
    }
    let stayed = |names: &[String], others: &[String]| -> Vec<String> {
        names.iter().filter(|name| others.contains(name)).cloned().collect()
    };
    if stayed(&was, &is) != stayed(&is, &was) {
        found.add("segments", Weight::Breaking, "the rank of segments differs".to_owned());
    }
}

fn actions(found: &mut Found, old: &Shape, new: &Shape) {
    fn by_name(shape: &Shape) -> BTreeMap<String, &ActionInfo> {
        shape.actions.iter().map(|action| (action.name.clone(), action)).collect()
    }
    let weights = (Weight::Breaking, |_: &ActionInfo| Weight::Addition);
    for (name, was, is) in found.matched("actions", "action", &by_name(old), &by_name(new), weights)
    {
        let mut differs = |words: &str, was: String, is: String| {
            let name = format!("the {words} of action `{name}`");
            // Guardrails, caps and consent hang on each of them.
            found.differs("actions", Weight::Breaking, &name, was, is);
        };
        differs("priority", was.priority.name().to_owned(), is.priority.name().to_owned());
        differs("family", was.family.clone(), is.family.clone());
        differs("purpose", was.purpose.clone(), is.purpose.clone());
        differs("frequency", was.frequency.name().to_owned(), is.frequency.name().to_owned());
        differs("flag `commercial`", was.commercial.to_string(), is.commercial.to_string());
        differs(
            "flag `contacts_member`",
            was.contacts_member.to_string(),
            is.contacts_member.to_string(),
        );
        differs(
            "flag `needs_approval`",
            was.needs_approval.to_string(),
            is.needs_approval.to_string(),
        );
    }
}

/// Codes of reasons: whoever counts a code misses it.
fn reasons(found: &mut Found, old: &Shape, new: &Shape) {
    fn by_code(shape: &Shape) -> BTreeMap<String, &ReasonInfo> {
        shape.reasons.iter().map(|reason| (reason.code.clone(), reason)).collect()
    }
    let weights = (Weight::Breaking, |_: &ReasonInfo| Weight::Addition);
    found.matched("reasons", "reason", &by_code(old), &by_code(new), weights);
}

#[cfg(test)]
#[path = "versions_tests.rs"]
mod tests;
