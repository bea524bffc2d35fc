//! The values of sequences, and the rows of the table that they belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use playbook_features::{Asked, Number, Parts};
use playbook_model::{CellType, Column, Give};

use super::Whose;
use crate::Result;
use crate::cells::{Target, column};
use crate::keys::Keys;

/// The values of a sequence, before the rows of the table are known.
pub(crate) struct Sequenced {
    pub(super) asked: Asked,
    /// Values of the split, each of which is a column; `None` without a split.
    pub(super) values: Option<Vec<String>>,
    pub(super) answers: Vec<Answers>,
}

/// The columns for one value of the split.
pub(super) struct Answers {
    pub(super) by: Box<str>,
    pub(super) of: Of,
    /// For each column that features ask for, a value for each row.
    pub(super) columns: Vec<ArrayRef>,
}

/// The member or key of each value.
pub(super) enum Of {
    Members(Vec<u32>),
    Keys(Vec<Box<str>>),
}

/// Group and member of each row, and the values that features ask for, one row after the other.
pub(super) type MemberRows = (Vec<(u32, u32)>, Vec<Number<'static>>);

/// The values of the ranges of members that were folded so far.
pub(super) enum Folded {
    Members { gives: Vec<Give>, rows: Vec<MemberRows> },
    Subject { gives: Vec<Give>, sums: BTreeMap<u32, Parts> },
}

impl Folded {
    pub(super) fn new(whose: Whose<'_>, asked: &Asked) -> Self {
        let gives = asked.asks.iter().map(|ask| ask.give).collect();
        match whose {
            Whose::Members => Self::Members { gives, rows: Vec::new() },
            Whose::Subject(_) => Self::Subject { gives, sums: BTreeMap::new() },
        }
    }

    pub(super) fn finish(
        self,
        groups: &[[Box<str>; 2]],
        value: impl Fn(&Parts, Give) -> Number<'static>,
    ) -> Vec<Answers> {
        let mut answers: BTreeMap<&str, (Of, Vec<Vec<Number<'static>>>)> = BTreeMap::new();
        match self {
            Self::Members { gives, rows } => {
                for (of, values) in rows {
                    for ((group, member), values) in of.iter().zip(values.chunks(gives.len())) {
                        let by = &*groups[*group as usize][1];
                        let none = || (Of::Members(Vec::new()), vec![Vec::new(); gives.len()]);
                        let (of, columns) = answers.entry(by).or_insert_with(none);
                        if let Of::Members(members) = of {
                            members.push(*member);
                        }
                        columns.iter_mut().zip(values).for_each(|(all, value)| all.push(*value));
                    }
                }
                column_arrays(answers, &gives)
            }
            Self::Subject { gives, sums } => {
                for (group, parts) in &sums {
                    let [key, by] = &groups[*group as usize];
                    let none = || (Of::Keys(Vec::new()), vec![Vec::new(); gives.len()]);
                    let (of, columns) = answers.entry(by).or_insert_with(none);
                    if let Of::Keys(keys) = of {
                        keys.push(key.clone());
                    }
                    columns.iter_mut().zip(&gives).for_each(|(all, g)| all.push(value(parts, *g)));
                }
                column_arrays(answers, &gives)
            }
        }
    }
}

fn column_arrays(
    answers: BTreeMap<&str, (Of, Vec<Vec<Number<'static>>>)>,
    gives: &[Give],
) -> Vec<Answers> {
    let arrays = |columns: Vec<Vec<Number<'static>>>| {
        columns.into_iter().zip(gives).map(|(values, give)| array(*give, &values)).collect()
    };
    let of =
        |(by, (of, columns)): (&str, _)| Answers { by: by.into(), of, columns: arrays(columns) };
    answers.into_iter().map(of).collect()
}

/// Values as a column of the engine.
fn array(give: Give, values: &[Number<'static>]) -> ArrayRef {
    let integer = |value: &Number<'_>| match value {
        Number::Integer(value) => Some(*value),
        _ => None,
    };
    let real = |value: &Number<'_>| match value {
        Number::Real(value) => Some(*value),
        _ => None,
    };
    match give.cell_type() {
        CellType::Integer => Arc::new(values.iter().map(integer).collect::<Int64Array>()),
        _ => Arc::new(values.iter().map(real).collect::<Float64Array>()),
    }
}

impl Sequenced {
    /// The keys that have a value.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Box<str>> {
        self.answers.iter().flat_map(|answers| match &answers.of {
            Of::Keys(keys) => keys.as_slice(),
            Of::Members(_) => &[],
        })
    }

    /// Puts each value into the row of its member or key; the one row of the brand has no key.
    pub(crate) fn place(
        &self,
        keys: &Keys,
        is_keyed: bool,
        columns: &mut BTreeMap<String, Column>,
    ) -> Result<()> {
        let place_of = |key: &Box<str>| if is_keyed { keys.place_of(key) } else { 0 };
        let places: Vec<Vec<u32>> = self
            .answers
            .iter()
            .map(|answers| match &answers.of {
                Of::Members(members) => members.clone(),
                Of::Keys(keys) => keys.iter().map(place_of).collect(),
            })
            .collect();
        let splits: Vec<Option<&str>> = match &self.values {
            None => vec![None],
            Some(values) => values.iter().map(|value| Some(value.as_str())).collect(),
        };
        for (at, ask) in self.asked.asks.iter().enumerate() {
            for split in &splits {
                let name = match split {
                    None => format!("{}{}", ask.feature.name, ask.suffix),
                    Some(value) => format!("{}.{value}", ask.feature.name),
                };
                let target = Target {
                    name: &name,
                    unit: &ask.feature.unit,
                    cell_type: ask.feature.cell_type,
                    rows: keys.len(),
                    zero_when_empty: ask.give.zero_when_empty(),
                };
                let parts: Vec<_> = self
                    .answers
                    .iter()
                    .zip(&places)
                    .filter(|(answers, _)| split.is_none_or(|value| value == &*answers.by))
                    .map(|(answers, places)| (&answers.columns[at], places.as_slice()))
                    .collect();
                let column = column(&target, &parts)?;
                columns.insert(name, column);
            }
        }
        Ok(())
    }
}

/// The values of a split, ascending.
pub(super) fn found_values(answers: &[Answers]) -> Vec<String> {
    let values: BTreeSet<&str> = answers.iter().map(|answers| &*answers.by).collect();
    values.into_iter().map(str::to_owned).collect()
}
