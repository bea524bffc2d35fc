//! Which rows add to which slots: made once for the items of a request, for whatever moment they are asked.

use std::collections::BTreeMap;

use playbook_model::Digest;
use serde::{Deserialize, Serialize};

use super::{NEVER_FIRST, NEVER_LAST};
use crate::plan::{Planned, Request, planned};
use crate::recipe::{Finish, Part, Recipe, RowGrain};
use crate::rows::FieldType;
use crate::{FeatureError, Item};

/// Classes of rows that a plan may tell apart.
const CLASSES_MAX: usize = 1 << 16;

/// A stretch of time relative to T, in milliseconds: from, inclusive, and to, exclusive.
type Stretch = (Option<i64>, i64);
/// What items must have alike to share a slot. Conditions leave out what all rows at hand meet, so the window, which
/// other rows may not meet, stands beside them.
type SlotKey = (Part, Option<usize>, Stretch, Vec<String>);
/// What items must have alike to share a list: grain, field, window, conditions, cap.
type ListKey<'a> = (RowGrain, Option<usize>, Stretch, &'a [String], Option<u32>);

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
    /// Its field, where it is the one to pick.
    Pick(usize),
}

/// How two values of a number become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    Sum,
    Least,
    Greatest,
    Bits,
}

/// Which row a slot of picked values takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// That of the least time; ids, then values, settle which of equal ones.
    First,
    /// That of the greatest time.
    Last,
    /// That of the least value.
    Least,
    /// That of the greatest value.
    Greatest,
}

/// One operation and the slot that it works on; counts, numbers, lists and picks are numbered apart.
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
    /// Whether its slot is one of picked values.
    pub(super) is_picked: bool,
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
    /// Texts as [`super::code`] numbers them, to be told apart.
    Code,
    /// Texts as they are: [`super::Row::text`] gives them.
    Text,
}

/// A field that rows must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Column.
    pub name: String,
    /// How its values are read.
    pub reading: Reading,
}

/// A column by whose texts rows are told apart: kinds, channels, the columns of splits. Numbers are split by the text
/// form that SQL's `CAST(... AS VARCHAR)` gives them.
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

/// The moment for which features are asked: T.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// T, unix-ms.
    pub as_of: i64,
    /// Its day on the brand's calendar, days since 1970-01-01.
    pub local_day: i64,
}

impl Moment {
    /// A time relative to T, in milliseconds; negative before it.
    #[must_use]
    pub fn relative(&self, time: i64) -> i64 {
        time.saturating_sub(self.as_of)
    }
}

/// Which rows add what.
#[derive(Debug)]
pub struct TallyPlan {
    dimensions: Vec<Dimension>,
    /// Times relative to T at which any window begins or ends, ascending.
    bounds: Vec<i64>,
    fields: Vec<Field>,
    pub(super) updates: Vec<Vec<Update>>,
    pub(super) counts: usize,
    /// What each number is before any row.
    pub(super) numbers: Vec<i64>,
    /// Of each number, how two become one.
    pub(super) folds: Vec<Fold>,
    /// Of each picked value, which row it is of.
    pub(super) picks: Vec<Rule>,
    /// Of each list, the cap under which rows of a day are counted, and whether rows have a value.
    pub(super) lists: Vec<(Option<u32>, bool)>,
    pub(super) outputs: Vec<Output>,
    pub(super) weighted: bool,
    /// Stands for all of the above in the bytes of a tally.
    pub(super) fingerprint: [u8; 8],
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

/// The stretch of time in which rows count for an item.
fn window(one: &Planned<'_>) -> Stretch {
    let window = one.item.aggregate.window;
    (window.from_ms.map(i64::saturating_neg), window.to_ms.saturating_neg())
}

impl TallyPlan {
    /// Plans the items that numbers can hold; the positions of all others come back, for SQL to compute. The plan serves
    /// every moment, whatever that of the request is.
    ///
    /// # Errors
    /// As [`crate::plan()`].
    pub fn new(request: &Request<'_>) -> Result<(Self, Vec<usize>), FeatureError> {
        let all = planned(request)?;
        let rows = request.rows;
        let (taken, rest): (Vec<usize>, Vec<usize>) =
            (0..all.len()).partition(|at| rows.timed && holds(&all[*at]));
        let taken: Vec<&Planned<'_>> = taken.into_iter().map(|at| &all[at]).collect();
        let mut plan =
            Self { dimensions: dimensions(&taken), bounds: vec![0], ..Self::empty(rows.weighted) };
        for one in &taken {
            let (from, to) = window(one);
            plan.bounds.extend(from.into_iter().chain([to]));
        }
        plan.bounds.sort_unstable();
        plan.bounds.dedup();
        let classes = plan.dimensions.iter().fold(plan.bounds.len() + 1, |classes, dimension| {
            classes.saturating_mul(dimension.texts.len() + 1)
        });
        if classes > CLASSES_MAX {
            let rest = (0..all.len()).collect();
            return Ok((Self::empty(rows.weighted), rest));
        }
        plan.updates = vec![Vec::new(); classes];
        plan.take(&taken);
        plan.fingerprint = Digest::of(format!("{plan:?}").as_bytes()).first();
        Ok((plan, rest))
    }

    /// Gives slots to items, and spreads what adds to them over the classes of rows.
    fn take(&mut self, taken: &[&Planned<'_>]) {
        let mut known: BTreeMap<SlotKey, usize> = BTreeMap::new();
        // Lists with a field first: items without one share them.
        let mut order: Vec<usize> = (0..taken.len()).collect();
        order.sort_by_key(|at| taken[*at].field.is_none());
        let mut outputs: BTreeMap<usize, Output> = BTreeMap::new();
        let mut lists: Vec<ListKey<'_>> = Vec::new();
        for at in order {
            let one = taken[at];
            let is_real = one.field.is_some_and(|(_, t)| t == FieldType::Real);
            let mut output = Output {
                recipe: one.recipe.clone(),
                is_real,
                slots: Vec::new(),
                list: 0,
                is_picked: is_picked(one),
            };
            let mut add = Vec::new();
            if one.recipe.grain == RowGrain::Row {
                for part in slots_of(one) {
                    let field = one.field.filter(|_| reads_field(part));
                    let field = field.map(|(name, t)| self.field(name, reading(part, t)));
                    let key = (part, field, window(one), one.conditions.clone());
                    let slot = *known.entry(key).or_insert_with(|| {
                        let update = if output.is_picked {
                            self.pick(part, field.unwrap_or(0))
                        } else {
                            self.slot(part, field.unwrap_or(0))
                        };
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
        self.lists = lists.iter().map(|(_, field, .., cap)| (*cap, field.is_some())).collect();
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
        let part = if grain == RowGrain::Value { Part::Present } else { Part::Sum };
        let field = one.field.map(|(name, t)| self.field(name, reading(part, t)));
        let shared = lists.iter().position(|(of_grain, of, of_window, conditions, of_cap)| {
            *of_grain == grain
                && *of_window == window(one)
                && *conditions == one.conditions
                && (field.is_none() || *of == field)
                && *of_cap == cap
        });
        shared.unwrap_or_else(|| {
            lists.push((grain, field, window(one), &one.conditions, cap));
            let op = match (grain, field) {
                (RowGrain::Value, Some(field)) => Op::Value(field),
                _ => Op::Day(field),
            };
            add.push(Update { op, slot: lists.len() - 1 });
            lists.len() - 1
        })
    }

    fn empty(weighted: bool) -> Self {
        Self {
            dimensions: Vec::new(),
            bounds: Vec::new(),
            fields: Vec::new(),
            updates: vec![Vec::new()],
            counts: 0,
            numbers: Vec::new(),
            folds: Vec::new(),
            picks: Vec::new(),
            lists: Vec::new(),
            outputs: Vec::new(),
            weighted,
            fingerprint: [0; 8],
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
            Part::Sum => (Op::Sum(field), Some((0, Fold::Sum))),
            Part::Least => (Op::Least(field), Some((i64::MAX, Fold::Least))),
            Part::Greatest => (Op::Greatest(field), Some((i64::MIN, Fold::Greatest))),
            Part::FirstTime => (Op::FirstTime, Some((NEVER_FIRST, Fold::Least))),
            Part::LastTime => (Op::LastTime, Some((NEVER_LAST, Fold::Greatest))),
            _ => (Op::DayBits, Some((0, Fold::Bits))),
        };
        let slot = match before {
            Some((before, fold)) => {
                self.numbers.push(before);
                self.folds.push(fold);
                self.numbers.len() - 1
            }
            None => {
                self.counts += 1;
                self.counts - 1
            }
        };
        Update { op, slot }
    }

    fn pick(&mut self, part: Part, field: usize) -> Update {
        self.picks.push(match part {
            Part::FirstValue => Rule::First,
            Part::LastValue => Rule::Last,
            Part::Greatest => Rule::Greatest,
            _ => Rule::Least,
        });
        Update { op: Op::Pick(field), slot: self.picks.len() - 1 }
    }

    /// Adds updates to every class of rows that counts for an item.
    fn spread(&mut self, add: &[Update], one: &Planned<'_>) {
        let (from, to) = window(one);
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

    /// Class of a row by its codes, in the order of [`Self::dimensions`], and its time relative to T
    /// ([`Moment::relative`]).
    #[must_use]
    pub fn class(&self, codes: impl Iterator<Item = u16>, relative: i64) -> usize {
        let bucket: usize = self.bounds.iter().map(|bound| usize::from(relative >= *bound)).sum();
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

    /// Whether rows must say what settles which of two of the same time comes first: [`super::Row::tie`].
    #[must_use]
    pub fn needs_ties(&self) -> bool {
        self.picks.iter().any(|rule| matches!(rule, Rule::First | Rule::Last))
    }

    /// Whether a column holds integers that are small as a rule: counts and days.
    #[must_use]
    pub fn is_small(&self, column: usize) -> bool {
        let output = &self.outputs[column];
        match output.recipe.finish {
            Finish::Same => {
                !output.is_picked
                    && !matches!(output.recipe.parts[0], Part::Sum | Part::Least | Part::Greatest)
            }
            Finish::Mean | Finish::SumButFirst | Finish::GapMean | Finish::GapSd => false,
            _ => true,
        }
    }

    /// Least time, relative to T, of a row that adds to anything; `None`: there is no bound.
    #[must_use]
    pub fn oldest(&self) -> Option<i64> {
        let buckets = self.bounds.len() + 1;
        let is_used = |bucket: usize| {
            self.updates.iter().skip(bucket).step_by(buckets).any(|u| !u.is_empty())
        };
        let first = (0..buckets).find(|bucket| is_used(*bucket))?;
        first.checked_sub(1).map(|before| self.bounds[before])
    }
}

/// Whether an item keeps the value of one row: the first, the last, or the least and greatest of texts.
fn is_picked(one: &Planned<'_>) -> bool {
    let is_text = matches!(one.field, Some((_, FieldType::Text)));
    match one.recipe.parts[0] {
        Part::FirstValue | Part::LastValue => true,
        Part::Least | Part::Greatest => is_text,
        _ => false,
    }
}

/// The slots that an item over rows keeps: the least and the greatest of numbers need to know whether there is any.
fn slots_of(one: &Planned<'_>) -> Vec<Part> {
    let mut parts = one.recipe.parts.clone();
    if matches!(parts[0], Part::Least | Part::Greatest) && !is_picked(one) {
        parts.push(Part::Present);
    }
    parts
}

fn reads_field(part: Part) -> bool {
    matches!(
        part,
        Part::Present
            | Part::Sum
            | Part::Least
            | Part::Greatest
            | Part::FirstValue
            | Part::LastValue
    )
}

/// How a part reads a field of a type.
fn reading(part: Part, field_type: FieldType) -> Reading {
    match (field_type, part) {
        (FieldType::Integer, _) => Reading::Integer,
        (FieldType::Text, Part::Present) => Reading::Code,
        (FieldType::Text, _) => Reading::Text,
        (FieldType::Real, Part::Sum) => Reading::Micro,
        (FieldType::Real, _) => Reading::Ordered,
    }
}

/// Whether numbers can hold an item.
fn holds(one: &Planned<'_>) -> bool {
    let is_number = one.field.is_none_or(|(_, field_type)| field_type != FieldType::Text);
    let parts = |part: &Part| match part {
        Part::Rows | Part::FirstTime | Part::LastTime | Part::DayBits | Part::Present => true,
        Part::FirstValue | Part::LastValue | Part::Least | Part::Greatest => true,
        Part::Sum => is_number,
        _ => false,
    };
    match one.recipe.grain {
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
