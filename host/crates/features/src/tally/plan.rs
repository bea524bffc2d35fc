//! Which rows add to which slots: made once for the items of a request.

use std::collections::BTreeMap;

use super::{NEVER_FIRST, NEVER_LAST};
use crate::plan::{Planned, Request, planned};
use crate::recipe::{Finish, Part, Recipe, RowGrain};
use crate::rows::FieldType;
use crate::{FeatureError, Item};

/// Classes of rows that a plan may tell apart.
const CLASSES_MAX: usize = 1 << 16;

/// What items must have alike to share a list: grain, field, conditions, cap.
type ListKey<'a> = (RowGrain, Option<usize>, &'a [String], Option<u32>);

/// What a row adds to one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    /// Its weight, to a count.
    Rows,
    /// 1 where it holds the field, to a count.
    Present(usize),
    /// Its field, to a number.
    Sum(usize),
    /// Its field, where it is the least so far.
    Least(usize),
    /// Its field, where it is the greatest so far.
    Greatest(usize),
    /// Its time, where it is the least so far.
    FirstTime,
    /// Its time, where it is the greatest so far.
    LastTime,
    /// The bit of its local day.
    DayBits,
    /// Its local day with its field, to a list of days.
    Day(Option<usize>),
    /// Its field, to a list of values.
    Value(usize),
}

/// One operation and the slot that it works on; counts, numbers and lists are numbered apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) op: Op,
    pub(super) slot: usize,
}

/// A column that a tally gives.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) recipe: Recipe,
    pub(super) is_real: bool,
    pub(super) slots: Vec<usize>,
    /// List of days or values, for recipes over such.
    pub(super) list: usize,
}

/// How the values of a field become integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Integers as they are.
    Integer,
    /// Reals in millionths, to be summed.
    Micro,
    /// Reals by [`super::ordered`], to be compared.
    Ordered,
    /// Texts as codes; which is whose does not matter.
    Code,
}

/// A field that rows must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Column.
    pub name: String,
    /// How its values are read.
    pub reading: Reading,
}

/// A column of texts by which rows are told apart: kinds, channels, the columns of splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// Column.
    pub column: String,
    /// Texts that any item names, ascending; all others are one.
    pub texts: Vec<String>,
}

impl Dimension {
    /// Code of a text.
    #[must_use]
    pub fn code(&self, text: Option<&str>) -> u16 {
        let found =
            text.and_then(|text| self.texts.binary_search_by(|k| k.as_str().cmp(text)).ok());
        u16::try_from(found.unwrap_or(self.texts.len())).unwrap_or(u16::MAX)
    }
}

/// Which rows add what.
#[derive(Debug)]
pub struct TallyPlan {
    pub(super) as_of: i64,
    pub(super) as_of_day: i64,
    dimensions: Vec<Dimension>,
    /// Times at which any window begins or ends, ascending.
    bounds: Vec<i64>,
    fields: Vec<Field>,
    pub(super) updates: Vec<Vec<Update>>,
    pub(super) counts: usize,
    /// What each number is before any row.
    pub(super) numbers: Vec<i64>,
    /// Of each list, the cap under which rows of a day are counted, and whether rows have a value.
    pub(super) lists: Vec<(Option<u32>, bool)>,
    pub(super) outputs: Vec<Output>,
    pub(super) weighted: bool,
}

/// The texts that an item wants of a column; none: all.
fn wanted<'a>(item: &'a Item<'_>, column: &str) -> Vec<&'a str> {
    let filter = &item.aggregate.filter;
    let mut texts: Vec<&str> = match column {
        "kind" => filter.kinds.iter().map(String::as_str).collect(),
        "channel" => filter.channels.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    if let (Some(by), Some(value)) = (&item.aggregate.by, &item.by_value)
        && by == column
    {
        // A row has one text: of a column that a filter names too, the split's value must be one of those.
        texts = if texts.is_empty() || texts.contains(&value.as_str()) {
            vec![value]
        } else {
            vec!["\0"]
        };
    }
    texts
}

/// The columns by which rows are told apart for these items.
fn dimensions(taken: &[&Planned<'_>]) -> Vec<Dimension> {
    let splits = taken
        .iter()
        .filter_map(|one| one.item.by_value.as_ref().and(one.item.aggregate.by.as_deref()));
    let mut columns: Vec<&str> = ["kind", "channel"].into_iter().chain(splits).collect();
    columns.sort_unstable();
    columns.dedup();
    let dimension = |column: &str| {
        let mut texts: Vec<String> =
            taken.iter().flat_map(|one| wanted(one.item, column)).map(str::to_owned).collect();
        texts.sort();
        texts.dedup();
        Dimension { column: column.to_owned(), texts }
    };
    columns.into_iter().map(dimension).filter(|dimension| !dimension.texts.is_empty()).collect()
}

/// The stretch of time in which rows count for an item: from, to.
fn window(one: &Planned<'_>, as_of: i64) -> (Option<i64>, i64) {
    let window = one.item.aggregate.window;
    (window.from_ms.map(|from| as_of.saturating_sub(from)), as_of.saturating_sub(window.to_ms))
}

impl TallyPlan {
    /// Plans the items that numbers can hold; the positions of all others come back, for SQL to compute.
    /// `as_of_day` is the local day of T.
    ///
    /// # Errors
    /// As [`crate::plan()`].
    pub fn new(request: &Request<'_>, as_of_day: i64) -> Result<(Self, Vec<usize>), FeatureError> {
        let all = planned(request)?;
        let rows = request.rows;
        let as_of = request.as_of.0;
        let (taken, rest): (Vec<usize>, Vec<usize>) =
            (0..all.len()).partition(|at| rows.timed && holds(&all[*at], request));
        let taken: Vec<&Planned<'_>> = taken.into_iter().map(|at| &all[at]).collect();
        let mut plan = Self {
            dimensions: dimensions(&taken),
            bounds: vec![as_of],
            ..Self::empty(as_of, as_of_day, rows.weighted)
        };
        for one in &taken {
            let (from, to) = window(one, as_of);
            plan.bounds.extend(from.into_iter().chain([to]));
        }
        plan.bounds.sort_unstable();
        plan.bounds.dedup();
        let classes = plan.dimensions.iter().fold(plan.bounds.len() + 1, |classes, dimension| {
            classes.saturating_mul(dimension.texts.len() + 1)
        });
        if classes > CLASSES_MAX {
            let rest = (0..all.len()).collect();
            return Ok((Self::empty(as_of, as_of_day, rows.weighted), rest));
        }
        plan.updates = vec![Vec::new(); classes];
        plan.take(&taken);
        Ok((plan, rest))
    }

    /// Gives slots to items, and spreads what adds to them over the classes of rows.
    fn take(&mut self, taken: &[&Planned<'_>]) {
        let mut known: BTreeMap<(Part, Option<usize>, Vec<String>), usize> = BTreeMap::new();
        // Lists with a field first: items without one share them.
        let mut order: Vec<usize> = (0..taken.len()).collect();
        order.sort_by_key(|at| taken[*at].field.is_none());
        let mut outputs: BTreeMap<usize, Output> = BTreeMap::new();
        let mut lists: Vec<ListKey<'_>> = Vec::new();
        for at in order {
            let one = taken[at];
            let is_real = one.field.is_some_and(|(_, t)| t == FieldType::Real);
            let mut output =
                Output { recipe: one.recipe.clone(), is_real, slots: Vec::new(), list: 0 };
            let mut add = Vec::new();
            if one.recipe.grain == RowGrain::Row {
                for part in slots_of(&one.recipe) {
                    let field = one.field.filter(|_| reads_field(part));
                    let field = field.map(|(name, t)| self.field(name, reading(part, t)));
                    let slot =
                        *known.entry((part, field, one.conditions.clone())).or_insert_with(|| {
                            let update = self.slot(part, field.unwrap_or(0));
                            add.push(update);
                            update.slot
                        });
                    output.slots.push(slot);
                }
            } else {
                output.list = self.list(one, &mut lists, &mut add);
            }
            self.spread(&add, one);
            outputs.insert(at, output);
        }
        self.lists = lists.iter().map(|(_, field, _, cap)| (*cap, field.is_some())).collect();
        self.outputs = outputs.into_values().collect();
    }

    /// The list of an item over days or values: one that exists, or a new one.
    fn list<'a>(
        &mut self,
        one: &'a Planned<'_>,
        lists: &mut Vec<ListKey<'a>>,
        add: &mut Vec<Update>,
    ) -> usize {
        let (grain, cap) = (one.recipe.grain, cap_of(&one.recipe));
        let part = if grain == RowGrain::Value { Part::Least } else { Part::Sum };
        let field = one.field.map(|(name, t)| self.field(name, reading(part, t)));
        let shared = lists.iter().position(|(of_grain, of, conditions, of_cap)| {
            *of_grain == grain
                && *conditions == one.conditions
                && (field.is_none() || *of == field)
                && *of_cap == cap
        });
        shared.unwrap_or_else(|| {
            lists.push((grain, field, &one.conditions, cap));
            let op = match (grain, field) {
                (RowGrain::Value, Some(field)) => Op::Value(field),
                _ => Op::Day(field),
            };
            add.push(Update { op, slot: lists.len() - 1 });
            lists.len() - 1
        })
    }

    fn empty(as_of: i64, as_of_day: i64, weighted: bool) -> Self {
        Self {
            as_of,
            as_of_day,
            dimensions: Vec::new(),
            bounds: Vec::new(),
            fields: Vec::new(),
            updates: vec![Vec::new()],
            counts: 0,
            numbers: Vec::new(),
            lists: Vec::new(),
            outputs: Vec::new(),
            weighted,
        }
    }

    fn field(&mut self, name: &str, reading: Reading) -> usize {
        let is_it = |known: &Field| known.name == name && known.reading == reading;
        self.fields.iter().position(is_it).unwrap_or_else(|| {
            self.fields.push(Field { name: name.to_owned(), reading });
            self.fields.len() - 1
        })
    }

    fn slot(&mut self, part: Part, field: usize) -> Update {
        let (op, before) = match part {
            Part::Rows => (Op::Rows, None),
            Part::Present => (Op::Present(field), None),
            Part::Sum => (Op::Sum(field), Some(0)),
            Part::Least => (Op::Least(field), Some(i64::MAX)),
            Part::Greatest => (Op::Greatest(field), Some(i64::MIN)),
            Part::FirstTime => (Op::FirstTime, Some(NEVER_FIRST)),
            Part::LastTime => (Op::LastTime, Some(NEVER_LAST)),
            _ => (Op::DayBits, Some(0)),
        };
        let slot = match before {
            Some(before) => {
                self.numbers.push(before);
                self.numbers.len() - 1
            }
            None => {
                self.counts += 1;
                self.counts - 1
            }
        };
        Update { op, slot }
    }

    /// Adds updates to every class of rows that counts for an item.
    fn spread(&mut self, add: &[Update], one: &Planned<'_>) {
        let (from, to) = window(one, self.as_of);
        let buckets = self.bounds.len() + 1;
        // Of each dimension, which codes count.
        let counts: Vec<Vec<bool>> = self
            .dimensions
            .iter()
            .map(|dimension| {
                let wanted = wanted(one.item, &dimension.column);
                let codes = 0..=dimension.texts.len();
                let text = |code: usize| dimension.texts.get(code).map(String::as_str);
                codes
                    .map(|code| {
                        wanted.is_empty() || text(code).is_some_and(|t| wanted.contains(&t))
                    })
                    .collect()
            })
            .collect();
        for class in 0..self.updates.len() {
            let (bucket, mut rest) = (class % buckets, class / buckets);
            let time = bucket.checked_sub(1).map_or(i64::MIN, |before| self.bounds[before]);
            let in_window = from.is_none_or(|from| time >= from) && time < to;
            // The last dimension changes fastest.
            let all = counts.iter().rev().all(|codes| {
                let code = rest % codes.len();
                rest /= codes.len();
                codes[code]
            });
            if in_window && all {
                self.updates[class].extend_from_slice(add);
            }
        }
    }

    /// Class of a row by its codes, in the order of [`Self::dimensions`], and its time.
    #[must_use]
    pub fn class(&self, codes: impl Iterator<Item = u16>, time: i64) -> usize {
        let bucket: usize = self.bounds.iter().map(|bound| usize::from(time >= *bound)).sum();
        let mut class = 0;
        for (code, dimension) in codes.zip(&self.dimensions) {
            class = class * (dimension.texts.len() + 1) + usize::from(code);
        }
        class * (self.bounds.len() + 1) + bucket
    }

    /// Whether rows of a class add to anything.
    #[must_use]
    pub fn counts(&self, class: usize) -> bool {
        !self.updates[class].is_empty()
    }

    /// Columns of texts that rows must give.
    #[must_use]
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// Fields that rows must give.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether a column holds integers that are small as a rule: counts and days.
    #[must_use]
    pub fn is_small(&self, column: usize) -> bool {
        let output = &self.outputs[column];
        match output.recipe.finish {
            Finish::Same => {
                !matches!(output.recipe.parts[0], Part::Sum | Part::Least | Part::Greatest)
            }
            Finish::Mean | Finish::SumButFirst | Finish::GapMean | Finish::GapSd => false,
            _ => true,
        }
    }

    /// Least time of a row that adds to anything; `None`: there is no bound.
    #[must_use]
    pub fn least_time(&self) -> Option<i64> {
        let buckets = self.bounds.len() + 1;
        let is_used = |bucket: usize| {
            self.updates.iter().skip(bucket).step_by(buckets).any(|u| !u.is_empty())
        };
        let first = (0..buckets).find(|bucket| is_used(*bucket))?;
        first.checked_sub(1).map(|before| self.bounds[before])
    }
}

/// The slots that a recipe over rows keeps: the least and the greatest need to know whether there is any.
fn slots_of(recipe: &Recipe) -> Vec<Part> {
    let mut parts = recipe.parts.clone();
    if matches!(parts[0], Part::Least | Part::Greatest) {
        parts.push(Part::Present);
    }
    parts
}

fn reads_field(part: Part) -> bool {
    matches!(part, Part::Present | Part::Sum | Part::Least | Part::Greatest)
}

/// How a part reads a field of a type.
fn reading(part: Part, field_type: FieldType) -> Reading {
    match (field_type, part) {
        (FieldType::Integer, _) => Reading::Integer,
        (FieldType::Text, _) => Reading::Code,
        (FieldType::Real, Part::Sum) => Reading::Micro,
        (FieldType::Real, _) => Reading::Ordered,
    }
}

/// Whether numbers can hold an item.
fn holds(one: &Planned<'_>, request: &Request<'_>) -> bool {
    let is_number = one.field.is_none_or(|(_, field_type)| field_type != FieldType::Text);
    let parts = |part: &Part| match part {
        Part::Rows | Part::FirstTime | Part::LastTime | Part::DayBits | Part::Present => true,
        Part::Sum | Part::Least | Part::Greatest => is_number,
        _ => false,
    };
    let by = one.item.by_value.as_ref().and(one.item.aggregate.by.as_ref());
    // Texts tell rows apart; SQL splits by the text forms of numbers.
    let splits_texts = by.is_none_or(|by| request.rows.columns.get(by) == Some(&FieldType::Text));
    splits_texts
        && match one.recipe.grain {
            RowGrain::Row => one.recipe.parts.iter().all(parts),
            RowGrain::Day => is_number,
            RowGrain::Value => true,
        }
}

/// The cap of a recipe of capped counts.
fn cap_of(recipe: &Recipe) -> Option<u32> {
    recipe.parts.iter().find_map(|part| match part {
        Part::CappedRows(cap) => Some(*cap),
        _ => None,
    })
}
