//! Classes of data: which features carry what no plugin receives (domain H5), and that no stage asks for one.

use std::collections::BTreeMap;

use playbook_features::{Expression, key_column};
use playbook_model::{
    AggregateDef, DataClass, Definition, EventFilter, FeatureDef, Grain, SequenceDef, SequenceRule,
    SourceDef, SourceTable,
};

use super::Reading;
use super::host_tables::host_fields;
use crate::problem::Problem;

/// Classes of the fields that are withheld, by table and name.
type Fields<'s> = BTreeMap<(SourceTable, &'s str), DataClass>;

fn fields(sources: &[SourceDef]) -> Fields<'_> {
    let mut fields = Fields::new();
    for source in sources {
        for row in source.mapping.iter().filter(|row| row.class.is_withheld()) {
            let known = fields.entry((source.table, row.to.as_str())).or_insert(row.class);
            *known = row.class.max(*known);
        }
    }
    fields
}

/// The features that carry data of a withheld class, with that class. Whatever reads such a field, or such a feature, carries
/// it: a condition or a split tells of a value as much as the value itself.
pub(super) fn withheld(
    sources: &[SourceDef],
    features: &[FeatureDef],
) -> BTreeMap<String, DataClass> {
    let fields = fields(sources);
    let mut withheld: BTreeMap<String, DataClass> = BTreeMap::new();
    if fields.is_empty() {
        return withheld;
    }
    // Features rest on each other without loops: each pass settles one more layer.
    loop {
        let mut grows = false;
        for feature in features {
            let class = class_of(feature, &fields, &withheld);
            if class > withheld.get(&feature.name).copied() {
                withheld.extend(class.map(|class| (feature.name.clone(), class)));
                grows = true;
            }
        }
        if !grows {
            return withheld;
        }
    }
}

fn class_of(
    feature: &FeatureDef,
    fields: &Fields<'_>,
    withheld: &BTreeMap<String, DataClass>,
) -> Option<DataClass> {
    let of_field = |table: SourceTable, name: &str| fields.get(&(table, name)).copied();
    match &feature.definition {
        Definition::Aggregate(aggregate) => {
            let of = |name: &str| match aggregate.over {
                Grain::Events => of_field(SourceTable::Events, name),
                Grain::Costs => of_field(SourceTable::Costs, name),
                Grain::Entries => of_field(SourceTable::Entries, name),
                Grain::Members => {
                    let of_feature = withheld.get(name).copied();
                    of_feature.max(of_field(SourceTable::Members, name))
                }
            };
            names_of_aggregate(aggregate).iter().filter_map(|name| of(name)).max()
        }
        Definition::Sequence(sequence) => names_of_sequence(sequence)
            .iter()
            .filter_map(|name| of_field(SourceTable::Events, name))
            .max(),
        Definition::Attribute { field } => of_field(SourceTable::Members, field),
        Definition::Expression(text) => {
            names_in(text).iter().filter_map(|name| withheld.get(name).copied()).max()
        }
        // Of free SQL nothing tells what it reads but its words.
        Definition::Sql(text) => {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let words: Vec<&str> = text.split(|c| !is_word(c)).collect();
            let named = |(_, name): &&(SourceTable, &str)| words.contains(name);
            fields.keys().filter(named).filter_map(|key| fields.get(key).copied()).max()
        }
        Definition::Constant(_) => None,
    }
}

fn names_in(text: &str) -> Vec<String> {
    let Ok(expression) = Expression::parse(text) else { return Vec::new() };
    expression.names().into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// Names in a definition that may be those of features: every feature that it rests on is among them.
pub(super) fn rests_on(feature: &FeatureDef) -> Vec<String> {
    let names = match &feature.definition {
        Definition::Aggregate(aggregate) if aggregate.over == Grain::Members => {
            names_of_aggregate(aggregate)
        }
        Definition::Expression(text) => names_in(text),
        // These read fields of rows.
        _ => Vec::new(),
    };
    let stem =
        |name: String| name.split_once('.').map_or(name.clone(), |(stem, _)| stem.to_owned());
    names.into_iter().map(stem).collect()
}

/// A field of the host's tables that a feature reads and no source maps.
pub(super) fn unmapped(feature: &FeatureDef, sources: &[SourceDef]) -> Option<String> {
    let subject = feature.subject.0.as_str();
    let key = match subject {
        "member" | "brand" | "day" | "segment" => None,
        other => Some(key_column(other).to_owned()),
    };
    let (table, names) = match &feature.definition {
        Definition::Aggregate(aggregate) => {
            let mut names = names_of_aggregate(aggregate);
            if !aggregate.filter.channels.is_empty() {
                names.push("channel".to_owned());
            }
            let (table, key) = match aggregate.over {
                Grain::Events => (SourceTable::Events, key),
                Grain::Costs => (SourceTable::Costs, key),
                Grain::Entries => (SourceTable::Entries, key.map(|_| "key".to_owned())),
                Grain::Members => (SourceTable::Members, key),
            };
            names.extend(key);
            (table, names)
        }
        Definition::Sequence(sequence) => {
            let mut names = names_of_sequence(sequence);
            names.extend(key);
            (SourceTable::Events, names)
        }
        Definition::Attribute { field } => (SourceTable::Members, vec![field.clone()]),
        _ => return None,
    };
    let is_field = |name: &str| host_fields(table).any(|(field, _)| field == name);
    let rows = || sources.iter().filter(|s| s.table == table).flat_map(|source| &source.mapping);
    let is_mapped = |name: &str| rows().any(|row| row.to == name);
    // The kind of an event may be said by its source as a whole.
    names.into_iter().find(|name| name != "kind" && is_field(name) && !is_mapped(name))
}

fn names_of_filter(filter: &EventFilter) -> Vec<String> {
    filter.condition.as_deref().map(names_in).unwrap_or_default()
}

fn names_of_aggregate(aggregate: &AggregateDef) -> Vec<String> {
    let mut names = names_of_filter(&aggregate.filter);
    names.extend(aggregate.field.iter().chain(&aggregate.by).cloned());
    names
}

fn names_of_sequence(sequence: &SequenceDef) -> Vec<String> {
    let mut names = names_of_filter(&sequence.filter);
    names.extend(sequence.by.clone());
    match &sequence.rule {
        SequenceRule::SessionsByGap(_) => {}
        SequenceRule::SessionsById(field) => names.push(field.clone()),
        SequenceRule::Funnel(steps) | SequenceRule::Conversion(steps) => {
            names.extend(steps.steps.iter().flat_map(names_of_filter));
        }
    }
    names
}

impl Reading<'_> {
    /// Refuses needs of plugins that are bound to what no plugin receives.
    pub(super) fn withheld_binds(&mut self, withheld: &BTreeMap<String, DataClass>) {
        if withheld.is_empty() {
            return;
        }
        for stage in self.root.list("stage") {
            let bind = stage.table().and_then(|table| table.table("bind"));
            for entry in bind.map(|table| table.entries.as_slice()).unwrap_or_default() {
                let Some(name) = entry.node.text() else { continue };
                let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
                let Some(class) = withheld.get(stem) else { continue };
                self.add(
                    Problem::new(
                        "withheld-data",
                        entry.node.place,
                        format!("`{name}` is data of class {}", class.name()),
                    )
                    .expected(
                        "a feature without data of class D or E: no plugin receives such (H5)",
                    )
                    .hint("let a guardrail read it, or a feature that does not rest on its field"),
                );
            }
        }
    }
}
