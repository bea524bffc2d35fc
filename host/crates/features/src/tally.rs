//! Aggregates by member kept as numbers: which slots a row adds to, and how slots become values.
//!
//! A row's kind, channel and window decide once, in a table, what it adds; no condition is tested per row. All
//! parts are integers whose order of addition does not show, so that rows may come in any order.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::plan::{Planned, Request, planned};
use crate::recipe::{DAY_MS, Finish, Part, Recipe, RowGrain};
use crate::rows::FieldType;
use crate::{FeatureError, Item};

/// Millionths of a unit, in which reals are summed.
const MICRO_PER_UNIT: f64 = 1e6;
/// Members whose numbers a processor's nearest memory holds while columns are made of them.
const BLOCK_MEMBERS: usize = 256;
/// Classes of rows that a plan may tell apart.
const CLASSES_MAX: usize = 1 << 16;
/// No first time yet.
const NEVER_FIRST: i64 = i64::MAX;
/// No last time yet.
const NEVER_LAST: i64 = i64::MIN;

/// What items must have alike to share a list: grain, field, conditions, cap.
type ListKey<'a> = (RowGrain, Option<usize>, &'a [String], Option<u32>);

/// What a row adds to one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    /// Its weight, to a count.
    Rows,
    /// 1 where it holds the field, to a count.
    Present(usize),
    /// Its field, to a number.
    Sum(usize),
    /// Its time, where it is the least so far.
    FirstTime,
    /// Its time, where it is the greatest so far.
    LastTime,
    /// The bit of its local day.
    DayBits,
    /// Its local day with its field, to a list of days.
    Day(Option<usize>),
    /// The code of its field, to a list of codes.
    Value(usize),
}

/// One operation and the slot that it works on; counts, numbers and lists are numbered apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Update {
    op: Op,
    slot: usize,
}

/// A column that a tally gives.
#[derive(Debug)]
struct Output {
    recipe: Recipe,
    is_micro: bool,
    slots: Vec<usize>,
    /// List of days, for recipes over days.
    list: usize,
}

/// Which rows add what: made once for the items of a request.
#[derive(Debug)]
pub struct TallyPlan {
    as_of: i64,
    as_of_day: i64,
    kinds: Vec<String>,
    channels: Vec<String>,
    /// Times at which any window begins or ends, ascending.
    bounds: Vec<i64>,
    fields: Vec<(String, FieldType)>,
    updates: Vec<Vec<Update>>,
    counts: usize,
    /// What each number is before any row.
    numbers: Vec<i64>,
    /// Of each list of days, the cap under which rows are counted, and whether rows have a value.
    lists: Vec<(Option<u32>, bool)>,
    outputs: Vec<Output>,
    weighted: bool,
}

/// What a tally reads of a row.
pub trait Row {
    /// Its time, unix-ms.
    fn time(&self) -> i64;
    /// Days since 1970-01-01 on the brand's calendar.
    fn local_day(&mut self) -> i64;
    /// 0 for a row that corrects a sum, 1 for all others.
    fn weight(&self) -> i64;
    /// The value of a field by its position in [`TallyPlan::fields`]; reals in millionths, texts as codes.
    fn value(&self, field: usize) -> Option<i64>;
}

/// A finished value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// None.
    Missing,
    /// An integer.
    Integer(i64),
    /// A real.
    Real(f64),
}

/// One row of a member: its day with what it adds there. Members come first in the order of the packed part, then
/// days, then rows that correct a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Dated {
    packed: u64,
    value: i64,
}

/// Rows for one list of days.
#[derive(Debug)]
enum List {
    /// Of items without a field.
    Days(Vec<u64>),
    /// Of items with one.
    Values(Vec<Dated>),
}

/// The numbers of a stretch of members.
#[derive(Debug)]
pub struct Tally {
    members: usize,
    counts: Counts,
    numbers: Vec<i64>,
    lists: Vec<List>,
}

/// Counts, of which next to none are large.
#[derive(Debug)]
struct Counts {
    small: Vec<u16>,
    /// What goes beyond the greatest small count, by position.
    beyond: BTreeMap<usize, u32>,
}

impl Counts {
    fn add(&mut self, at: usize) {
        match self.small[at].checked_add(1) {
            Some(count) => self.small[at] = count,
            None => *self.beyond.entry(at).or_default() += 1,
        }
    }

    fn get(&self, at: usize) -> i64 {
        let small = self.small[at];
        let beyond = if small == u16::MAX { self.beyond.get(&at).copied() } else { None };
        i64::from(small) + i64::from(beyond.unwrap_or_default())
    }
}

/// Days are packed from this one on.
const DAY_LEAST: i64 = -(1 << 30);

/// A member, a day and whether the row is no correction, in the order of their bits.
fn pack(member: usize, day: i64, is_real: bool) -> u64 {
    let day = day.clamp(DAY_LEAST, -DAY_LEAST - 1) - DAY_LEAST;
    (member as u64) << 32 | day.cast_unsigned() << 1 | u64::from(is_real)
}

fn member_of(packed: u64) -> u64 {
    packed >> 32
}

#[expect(clippy::cast_possible_wrap, reason = "31 bits")]
fn day_of(packed: u64) -> i64 {
    ((packed & 0xffff_ffff) >> 1) as i64 + DAY_LEAST
}

impl List {
    fn add(&mut self, packed: u64, value: i64) {
        match self {
            Self::Days(rows) => rows.push(packed),
            Self::Values(rows) => rows.push(Dated { packed, value }),
        }
    }

    /// Rows to days, days to the members that have any, ascending.
    fn fold(self, cap: Option<u32>) -> Vec<(usize, Days)> {
        let mut folded: Vec<(usize, Days)> = Vec::new();
        let mut add = |first: u64, day: &DayRows| {
            let member = usize::try_from(member_of(first)).unwrap_or(usize::MAX);
            if folded.last().is_none_or(|(last, _)| *last != member) {
                folded.push((member, Days::NONE));
            }
            if let Some((_, days)) = folded.last_mut() {
                days.add(day_of(first), day, cap);
            }
        };
        match self {
            Self::Days(mut rows) => {
                rows.sort_unstable();
                for rows in rows.chunk_by(|a, b| a >> 1 == b >> 1) {
                    // Corrections come first.
                    let corrections = rows.partition_point(|packed| packed & 1 == 0);
                    let real = i64::try_from(rows.len() - corrections).unwrap_or(i64::MAX);
                    add(rows[0], &DayRows { real, sum: 0, values: 1 });
                }
            }
            Self::Values(mut rows) => {
                rows.sort_unstable();
                for rows in rows.chunk_by(|a, b| a.packed >> 1 == b.packed >> 1) {
                    let real = rows.iter().map(|row| i64::from(row.packed & 1 == 1)).sum();
                    let sum = rows.iter().fold(0_i64, |sum, row| sum.wrapping_add(row.value));
                    let values = rows.chunk_by(|a, b| a.value == b.value).count();
                    let values = i64::try_from(values).unwrap_or(i64::MAX);
                    add(rows[0].packed, &DayRows { real, sum, values });
                }
            }
        }
        folded
    }
}

/// The rows of a day, folded.
struct DayRows {
    /// Rows that are no correction.
    real: i64,
    /// Of their field.
    sum: i64,
    /// Distinct values.
    values: i64,
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
            (0..all.len()).partition(|at| rows.timed && holds(&all[*at]));
        let taken: Vec<&Planned<'_>> = taken.into_iter().map(|at| &all[at]).collect();
        let of = |texts: for<'x> fn(&'x Item<'_>) -> &'x [String]| {
            let mut names: Vec<String> =
                taken.iter().flat_map(|one| texts(one.item)).cloned().collect();
            names.sort();
            names.dedup();
            names
        };
        let kinds = of(|item| &item.aggregate.filter.kinds);
        let channels = of(|item| &item.aggregate.filter.channels);
        let window = |one: &Planned<'_>| {
            let window = one.item.aggregate.window;
            (
                window.from_ms.map(|from| as_of.saturating_sub(from)),
                as_of.saturating_sub(window.to_ms),
            )
        };
        let mut bounds: Vec<i64> = vec![as_of];
        for one in &taken {
            let (from, to) = window(one);
            bounds.extend(from.into_iter().chain([to]));
        }
        bounds.sort_unstable();
        bounds.dedup();
        let classes = (kinds.len() + 1) * (channels.len() + 1) * (bounds.len() + 1);
        if classes > CLASSES_MAX {
            let rest = (0..all.len()).collect();
            return Ok((Self::empty(as_of, as_of_day, rows.weighted), rest));
        }
        let mut plan = Self {
            kinds,
            channels,
            bounds,
            updates: vec![Vec::new(); classes],
            ..Self::empty(as_of, as_of_day, rows.weighted)
        };
        let mut known: BTreeMap<(Part, Option<usize>, Vec<String>), usize> = BTreeMap::new();
        // Lists with a field first: items without one share them.
        let mut order: Vec<usize> = (0..taken.len()).collect();
        order.sort_by_key(|at| taken[*at].field.is_none());
        let mut outputs: BTreeMap<usize, Output> = BTreeMap::new();
        let mut lists: Vec<ListKey<'_>> = Vec::new();
        for at in order {
            let one = taken[at];
            let (from, to) = window(one);
            let field = one.field.map(|(name, field_type)| plan.field(name, field_type));
            let is_micro = one.field.is_some_and(|(_, t)| t == FieldType::Real);
            let mut output =
                Output { recipe: one.recipe.clone(), is_micro, slots: Vec::new(), list: 0 };
            let mut add = Vec::new();
            if one.recipe.grain != RowGrain::Row {
                let (grain, cap) = (one.recipe.grain, cap_of(&one.recipe));
                let shared = lists.iter().position(|(of_grain, of, conditions, of_cap)| {
                    *of_grain == grain
                        && *conditions == one.conditions
                        && (field.is_none() || *of == field)
                        && *of_cap == cap
                });
                output.list = shared.unwrap_or_else(|| {
                    lists.push((grain, field, &one.conditions, cap));
                    let op = match (grain, field) {
                        (RowGrain::Value, Some(field)) => Op::Value(field),
                        _ => Op::Day(field),
                    };
                    add.push(Update { op, slot: lists.len() - 1 });
                    lists.len() - 1
                });
            } else {
                for part in &one.recipe.parts {
                    let read = matches!(part, Part::Present | Part::Sum).then_some(field).flatten();
                    let key = (*part, read, one.conditions.clone());
                    let slot = *known.entry(key).or_insert_with(|| {
                        let update = plan.slot(*part, read.unwrap_or(0));
                        add.push(update);
                        update.slot
                    });
                    output.slots.push(slot);
                }
            }
            let filter = &one.item.aggregate.filter;
            plan.spread(&add, |kind, channel, time| {
                (filter.kinds.is_empty() || kind.is_some_and(|kind| filter.kinds.contains(kind)))
                    && (filter.channels.is_empty()
                        || channel.is_some_and(|c| filter.channels.contains(c)))
                    && from.is_none_or(|from| time >= from)
                    && time < to
            });
            outputs.insert(at, output);
        }
        plan.lists = lists.iter().map(|(_, field, _, cap)| (*cap, field.is_some())).collect();
        plan.outputs = outputs.into_values().collect();
        Ok((plan, rest))
    }

    fn empty(as_of: i64, as_of_day: i64, weighted: bool) -> Self {
        Self {
            as_of,
            as_of_day,
            kinds: Vec::new(),
            channels: Vec::new(),
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

    fn field(&mut self, name: &str, field_type: FieldType) -> usize {
        self.fields.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.fields.push((name.to_owned(), field_type));
            self.fields.len() - 1
        })
    }

    fn slot(&mut self, part: Part, field: usize) -> Update {
        let (op, before) = match part {
            Part::Rows => (Op::Rows, None),
            Part::Present => (Op::Present(field), None),
            Part::Sum => (Op::Sum(field), Some(0)),
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

    /// Adds updates to every class of rows that `counts`.
    fn spread(
        &mut self,
        add: &[Update],
        counts: impl Fn(Option<&String>, Option<&String>, i64) -> bool,
    ) {
        for kind in 0..=self.kinds.len() {
            for channel in 0..=self.channels.len() {
                for bucket in 0..=self.bounds.len() {
                    let time = bucket.checked_sub(1).map_or(i64::MIN, |before| self.bounds[before]);
                    if counts(self.kinds.get(kind), self.channels.get(channel), time) {
                        let class = self.class_of(kind, channel, bucket);
                        self.updates[class].extend_from_slice(add);
                    }
                }
            }
        }
    }

    fn class_of(&self, kind: usize, channel: usize, bucket: usize) -> usize {
        (kind * (self.channels.len() + 1) + channel) * (self.bounds.len() + 1) + bucket
    }

    /// Class of a row by the codes of its kind and channel and its time.
    #[must_use]
    pub fn class(&self, kind: u16, channel: u16, time: i64) -> usize {
        let bucket = self.bounds.iter().map(|bound| usize::from(time >= *bound)).sum();
        self.class_of(usize::from(kind), usize::from(channel), bucket)
    }

    /// Whether rows of a class add to anything.
    #[must_use]
    pub fn counts(&self, class: usize) -> bool {
        !self.updates[class].is_empty()
    }

    /// Code of a kind; all kinds that no item names have one.
    #[must_use]
    pub fn kind_code(&self, kind: Option<&str>) -> u16 {
        code(&self.kinds, kind)
    }

    /// Code of a channel.
    #[must_use]
    pub fn channel_code(&self, channel: Option<&str>) -> u16 {
        code(&self.channels, channel)
    }

    /// Whether any item asks for the kind of a row.
    #[must_use]
    pub fn reads_kind(&self) -> bool {
        !self.kinds.is_empty()
    }

    /// Whether any item asks for the channel of a row.
    #[must_use]
    pub fn reads_channel(&self) -> bool {
        !self.channels.is_empty()
    }

    /// Fields that rows must give, with their types.
    #[must_use]
    pub fn fields(&self) -> &[(String, FieldType)] {
        &self.fields
    }

    /// Whether a column holds integers that are small as a rule: counts and days.
    #[must_use]
    pub fn is_small(&self, column: usize) -> bool {
        let output = &self.outputs[column];
        match output.recipe.finish {
            Finish::Same => output.recipe.parts[0] != Part::Sum,
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

fn code(names: &[String], name: Option<&str>) -> u16 {
    let at = name.and_then(|name| names.binary_search_by(|known| known.as_str().cmp(name)).ok());
    u16::try_from(at.unwrap_or(names.len())).unwrap_or(u16::MAX)
}

/// Whether numbers can hold an item.
fn holds(one: &Planned<'_>) -> bool {
    let is_number = one.field.is_none_or(|(_, field_type)| field_type != FieldType::Text);
    let parts = |part: &Part| match part {
        Part::Rows | Part::FirstTime | Part::LastTime | Part::DayBits => true,
        Part::Present | Part::Sum => is_number,
        _ => false,
    };
    one.item.by_value.is_none()
        && match one.recipe.grain {
            RowGrain::Row => one.recipe.parts.iter().all(parts),
            RowGrain::Day => is_number,
            // Codes are given to texts; numbers are counted by SQL.
            RowGrain::Value => !is_number,
        }
}

impl Tally {
    /// Numbers of `members` members before any row.
    #[must_use]
    pub fn new(plan: &TallyPlan, members: usize) -> Self {
        Self {
            members,
            counts: Counts { small: vec![0; members * plan.counts], beyond: BTreeMap::new() },
            numbers: plan.numbers.repeat(members),
            lists: plan
                .lists
                .iter()
                .map(
                    |(_, valued)| {
                        if *valued { List::Values(Vec::new()) } else { List::Days(Vec::new()) }
                    },
                )
                .collect(),
        }
    }

    /// Adds a row of a member.
    pub fn add(&mut self, plan: &TallyPlan, class: usize, member: usize, row: &mut impl Row) {
        let weight = if plan.weighted { row.weight() } else { 1 };
        let first_count = member * plan.counts;
        let width = plan.numbers.len();
        let numbers = &mut self.numbers[member * width..(member + 1) * width];
        for Update { op, slot } in &plan.updates[class] {
            match op {
                Op::Rows if weight == 1 => self.counts.add(first_count + slot),
                Op::Present(field) if weight == 1 && row.value(*field).is_some() => {
                    self.counts.add(first_count + slot);
                }
                Op::Sum(field) => {
                    let value = row.value(*field).unwrap_or(0);
                    numbers[*slot] = numbers[*slot].wrapping_add(value);
                }
                Op::FirstTime if weight == 1 => numbers[*slot] = numbers[*slot].min(row.time()),
                Op::LastTime if weight == 1 => numbers[*slot] = numbers[*slot].max(row.time()),
                Op::DayBits if weight == 1 => {
                    let before = plan.as_of_day - row.local_day();
                    if (0..=62).contains(&before) {
                        numbers[*slot] |= 1 << before;
                    }
                }
                Op::Day(field) => {
                    let value = field.and_then(|field| row.value(field)).unwrap_or(0);
                    let packed = pack(member, row.local_day(), weight == 1);
                    self.lists[*slot].add(packed, value);
                }
                Op::Value(field) if weight == 1 => {
                    if let Some(code) = row.value(*field) {
                        self.lists[*slot].add(pack(member, 0, true), code);
                    }
                }
                Op::Rows
                | Op::Present(_)
                | Op::FirstTime
                | Op::LastTime
                | Op::DayBits
                | Op::Value(_) => {}
            }
        }
    }

    /// Calls `take` with the values of each column, by stretches of members: column, first member, values.
    /// `local_ms` reads the brand's wall clock.
    pub fn finish(
        mut self,
        plan: &TallyPlan,
        local_ms: impl Fn(i64) -> i64,
        mut take: impl FnMut(usize, usize, &[Number]),
    ) {
        let lists = std::mem::take(&mut self.lists).into_iter().zip(&plan.lists);
        let lists: Vec<Vec<(usize, Days)>> =
            lists.map(|(list, (cap, _))| list.fold(*cap)).collect();
        let mut values = Vec::with_capacity(BLOCK_MEMBERS);
        for first in (0..self.members).step_by(BLOCK_MEMBERS) {
            let block = first..(first + BLOCK_MEMBERS).min(self.members);
            for (column, output) in plan.outputs.iter().enumerate() {
                values.clear();
                if output.recipe.grain == RowGrain::Row {
                    self.fill(plan, output, block.clone(), &local_ms, &mut values);
                } else {
                    // Members ascend in the lists as they do here.
                    let list = &lists[output.list];
                    let mut found =
                        list[list.partition_point(|(of, _)| *of < first)..].iter().peekable();
                    values.extend(block.clone().map(|member| {
                        let days = found
                            .next_if(|(of, _)| *of == member)
                            .map_or(&Days::NONE, |(_, days)| days);
                        days.value(output)
                    }));
                }
                take(column, first, &values);
            }
        }
    }

    /// Appends the values of a column over rows for the members of `block`.
    #[expect(
        clippy::cast_precision_loss,
        reason = "means of sums below 2^53 are exact; SQL casts the same way"
    )]
    fn fill(
        &self,
        plan: &TallyPlan,
        output: &Output,
        block: Range<usize>,
        local_ms: &impl Fn(i64) -> i64,
        values: &mut Vec<Number>,
    ) {
        let slot = |at: usize| output.slots.get(at).copied().unwrap_or(0);
        let (width, first, second) = (plan.numbers.len(), slot(0), slot(1));
        let number = |member: usize, slot: usize| self.numbers[member * width + slot];
        let count = |member: usize, slot: usize| self.counts.get(member * plan.counts + slot);
        let as_of = local_ms(plan.as_of);
        let days = |from: i64, local_to: i64| {
            Number::Integer((local_to - local_ms(from)).div_euclid(DAY_MS))
        };
        let bits = |member: usize| i64::from(number(member, first).count_ones());
        let unit = if output.is_micro { MICRO_PER_UNIT } else { 1.0 };
        match output.recipe.finish {
            Finish::Same if output.recipe.parts[0] != Part::Sum => {
                values.extend(block.map(|member| Number::Integer(count(member, first))));
            }
            Finish::Same if output.is_micro => {
                values
                    .extend(block.map(|member| Number::Real(number(member, first) as f64 / unit)));
            }
            Finish::Same => {
                values.extend(block.map(|member| Number::Integer(number(member, first))))
            }
            Finish::Mean => values.extend(block.map(|member| match count(member, second) {
                0 => Number::Missing,
                rows => Number::Real(number(member, first) as f64 / (rows as f64 * unit)),
            })),
            Finish::DaysSinceLast => {
                values.extend(block.map(|member| match number(member, first) {
                    NEVER_LAST => Number::Missing,
                    last => days(last, as_of),
                }))
            }
            Finish::DaysSinceFirst | Finish::DaysBetween => {
                let between = output.recipe.finish == Finish::DaysBetween;
                values.extend(block.map(|member| match number(member, first) {
                    NEVER_FIRST => Number::Missing,
                    from if between => days(from, local_ms(number(member, second))),
                    from => days(from, as_of),
                }));
            }
            Finish::CountBits => values.extend(block.map(|member| Number::Integer(bits(member)))),
            Finish::CountBitsButFirst => {
                values.extend(block.map(|member| Number::Integer((bits(member) - 1).max(0))));
            }
            Finish::RowsButFirst | Finish::SumButFirst | Finish::GapMean | Finish::GapSd => {
                values.extend(block.map(|_| Number::Missing));
            }
        }
    }
}

/// The days of a member, folded.
#[derive(Debug, Clone, Copy)]
struct Days {
    days: i64,
    first: i64,
    last: i64,
    sum: i64,
    first_sum: i64,
    gap_squares: i64,
    /// Rows under the cap of each day.
    capped: i64,
    /// Distinct values, in lists of values.
    values: i64,
}

impl Days {
    const NONE: Self = Self {
        days: 0,
        first: 0,
        last: 0,
        sum: 0,
        first_sum: 0,
        gap_squares: 0,
        capped: 0,
        values: 0,
    };

    /// Adds a day, later than all before; a day of corrections alone adds to the sum only.
    fn add(&mut self, day: i64, rows: &DayRows, cap: Option<u32>) {
        self.sum = self.sum.wrapping_add(rows.sum);
        self.values += rows.values;
        self.capped += cap.map_or(rows.real, |cap| rows.real.min(i64::from(cap)));
        if rows.real == 0 {
            return;
        }
        if self.days == 0 {
            self.first = day;
            self.first_sum = rows.sum;
        } else {
            let gap = day - self.last;
            self.gap_squares = self.gap_squares.wrapping_add(gap.wrapping_mul(gap));
        }
        self.last = day;
        self.days += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "SQL casts the same way")]
    fn value(&self, output: &Output) -> Number {
        if output.recipe.grain == RowGrain::Value {
            return Number::Integer(self.values);
        }
        let gaps = self.days - 1;
        let stretch = self.last - self.first;
        match output.recipe.finish {
            Finish::RowsButFirst => Number::Integer(gaps.max(0)),
            Finish::SumButFirst => {
                let rest = self.sum.wrapping_sub(self.first_sum);
                if output.is_micro {
                    Number::Real(rest as f64 / MICRO_PER_UNIT)
                } else {
                    Number::Integer(rest)
                }
            }
            Finish::GapMean if gaps < 1 => Number::Missing,
            Finish::GapMean => Number::Real(stretch as f64 / gaps as f64),
            Finish::GapSd if self.days < 3 => Number::Missing,
            Finish::GapSd => {
                let above = gaps * self.gap_squares - stretch * stretch;
                Number::Real((above as f64 / (gaps * (gaps - 1)) as f64).sqrt())
            }
            _ if matches!(output.recipe.parts[0], Part::CappedRows(_)) => {
                Number::Integer(self.capped)
            }
            _ => Number::Integer(self.days),
        }
    }
}

/// The cap of a recipe of capped counts.
fn cap_of(recipe: &Recipe) -> Option<u32> {
    recipe.parts.iter().find_map(|part| match part {
        Part::CappedRows(cap) => Some(*cap),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Counts;

    #[test]
    fn a_count_goes_on_beyond_what_is_small() {
        let mut counts = Counts { small: vec![0; 2], beyond: BTreeMap::new() };
        (0..70_000).for_each(|_| counts.add(1));
        assert_eq!((counts.get(0), counts.get(1)), (0, 70_000));
    }
}
