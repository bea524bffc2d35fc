//! How a plan is made of the items of a request: slots that items share, and what each class of rows adds to them.

use std::collections::BTreeMap;

use playbook_model::Digest;

use super::plan::{Dimension, Field, Fold, Op, Output, Reading, Rule, TallyPlan, Update};
use super::{NEVER_FIRST, NEVER_LAST};
use crate::FeatureError;
use crate::plan::{Planned, Request, planned};
use crate::recipe::{Part, Recipe, RowGrain};
use crate::rows::FieldType;

/// Most classes of rows that a plan may tell apart: of items that would need more some are left to another plan.
const CLASSES_MAX: usize = 1 << 16;

/// An interval of time relative to T, in milliseconds: from, inclusive, and to, exclusive.
type Interval = (Option<i64>, i64);
/// Items with equal keys share a slot. Conditions that all present rows meet are left out of the conditions, so the
/// window is a part of the key by itself: later rows may lie outside it.
type SlotKey = (Part, Option<usize>, Interval, Vec<String>);
/// Items with equal keys share a list: grain, field, window, conditions, cap.
type ListKey<'a> = (RowGrain, Option<usize>, Interval, &'a [String], Option<u32>);

impl TallyPlan {
    /// Plans the items that a tally can hold; returns the positions of all others, ascending: those that tell too many
    /// kinds of rows apart for one plan, which another one may hold, and those that SQL computes. The plan serves every
    /// moment, not only that of the request.
    ///
    /// # Errors
    /// As [`crate::plan()`].
    pub fn new(request: &Request<'_>) -> Result<(Self, Vec<usize>), FeatureError> {
        let all = planned(request)?;
        let rows = request.rows;
        let can: Vec<usize> =
            (0..all.len()).filter(|at| rows.timed && holds(&all[*at], rows.lines)).collect();
        let taken = together(&all, can);
        let rest = (0..all.len()).filter(|at| taken.binary_search(at).is_err()).collect();
        let taken: Vec<&Planned<'_>> = taken.into_iter().map(|at| &all[at]).collect();
        let (dimensions, bounds) = (dimensions(&taken), bounds(&taken));
        let classes = classes(&dimensions, &bounds);
        let mut plan = Self { dimensions, bounds, ..Self::empty(rows.weighted) };
        plan.updates = vec![Vec::new(); classes];
        plan.take(&taken);
        plan.fingerprint = Digest::of(format!("{plan:?}").as_bytes()).first();
        Ok((plan, rest))
    }

    /// Gives slots to items, and enters their updates in the table of classes.
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
                let wanted = wanted(one, &dimension.column);
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
}

/// The texts that an item wants of a column or a condition; none: all.
fn wanted<'a>(one: &'a Planned<'_>, column: &str) -> Vec<&'a str> {
    let item = one.item;
    if one.condition.as_deref() == Some(column) {
        return vec![TallyPlan::MET];
    }
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

/// The items that one plan holds, ascending: all, where they tell few enough kinds of rows apart; else as many as there
/// is room for, those that tell the fewest apart first. The columns of a split stay together.
fn together(all: &[Planned<'_>], can: Vec<usize>) -> Vec<usize> {
    let fits = |items: &[usize]| {
        let items: Vec<&Planned<'_>> = items.iter().map(|at| &all[*at]).collect();
        classes(&dimensions(&items), &bounds(&items)) <= CLASSES_MAX
    };
    if fits(&can) {
        return can;
    }
    let is_split = |at: usize| all[at].item.by_value.is_some();
    let mut units: Vec<&[usize]> = can
        .chunk_by(|a, b| {
            is_split(*a) && is_split(*b) && all[*a].item.aggregate == all[*b].item.aggregate
        })
        .collect();
    units.sort_by_key(|unit| unit.len());
    let mut taken: Vec<usize> = Vec::new();
    for unit in units {
        taken.extend(unit);
        if !fits(&taken) {
            taken.truncate(taken.len() - unit.len());
        }
    }
    taken.sort_unstable();
    taken
}

/// Times relative to T at which any window begins or ends, ascending.
fn bounds(taken: &[&Planned<'_>]) -> Vec<i64> {
    let of_windows = taken.iter().flat_map(|one| {
        let (from, to) = window(one);
        from.into_iter().chain([to])
    });
    let mut bounds: Vec<i64> = std::iter::once(0).chain(of_windows).collect();
    bounds.sort_unstable();
    bounds.dedup();
    bounds
}

/// How many classes of rows these tell apart.
fn classes(dimensions: &[Dimension], bounds: &[i64]) -> usize {
    dimensions.iter().fold(bounds.len() + 1, |classes, dimension| {
        classes.saturating_mul(dimension.texts.len() + 1)
    })
}

/// The columns that classify rows for these items.
fn dimensions(taken: &[&Planned<'_>]) -> Vec<Dimension> {
    let splits = taken
        .iter()
        .filter_map(|one| one.item.by_value.as_ref().and(one.item.aggregate.by.as_deref()));
    let conditions: BTreeMap<&str, &str> = taken
        .iter()
        .filter_map(|one| {
            Some((one.condition.as_deref()?, one.item.aggregate.filter.condition.as_deref()?))
        })
        .collect();
    let mut columns: Vec<&str> =
        ["kind", "channel"].into_iter().chain(splits).chain(conditions.keys().copied()).collect();
    columns.sort_unstable();
    columns.dedup();
    let dimension = |column: &str| {
        let mut texts: Vec<String> =
            taken.iter().flat_map(|one| wanted(one, column)).map(str::to_owned).collect();
        texts.sort();
        texts.dedup();
        let condition = conditions.get(column).map(|text| (*text).to_owned());
        let met = TallyPlan::MET;
        let sql = condition.is_some().then(|| format!("CASE WHEN {column} THEN '{met}' END"));
        Dimension { column: column.to_owned(), texts, sql, condition }
    };
    columns.into_iter().map(dimension).filter(|dimension| !dimension.texts.is_empty()).collect()
}

/// The interval of time in which rows count for an item.
fn window(one: &Planned<'_>) -> Interval {
    let window = one.item.aggregate.window;
    (window.from_ms.map(i64::saturating_neg), window.to_ms.saturating_neg())
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

/// Whether a tally can hold an item. Where rows may be lines of one order, SQL counts them.
fn holds(one: &Planned<'_>, lines: bool) -> bool {
    let counts = |part: &Part| matches!(part, Part::Rows | Part::Present | Part::CappedRows(_));
    let counts_rows = match one.recipe.grain {
        RowGrain::Row => one.recipe.parts.iter().any(counts),
        RowGrain::Day => cap_of(&one.recipe).is_some(),
        RowGrain::Value => false,
    };
    if lines && counts_rows {
        return false;
    }
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
