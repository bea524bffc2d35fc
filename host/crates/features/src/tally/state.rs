//! The slots of a range of members, and adding rows to them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pick::{Given, Pick, take};
use super::plan::{Moment, Op, Reading, TallyPlan, Update};

/// What a tally reads of a row.
pub trait Row {
    /// Its time, unix-ms.
    fn time(&self) -> i64;
    /// Days since 1970-01-01 on the brand's calendar.
    fn local_day(&mut self) -> i64;
    /// 0 for a row that corrects a sum, 1 for all others.
    fn weight(&self) -> i64;
    /// The value of a field by its position in [`TallyPlan::fields`], read as that says.
    fn value(&self, field: usize) -> Option<i64>;
    /// The value of a field that is read as a text.
    fn text(&self, field: usize) -> Option<&str>;
    /// What settles which of two rows of the same time comes first: the event's id, where rows have one.
    fn tie(&self) -> Given<'_>;
}

/// The slots of a range of members at one moment; slots of one kind and member are adjacent.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tally {
    pub(super) moment: Moment,
    pub(super) members: usize,
    pub(super) counts: Counts,
    pub(super) numbers: Vec<i64>,
    /// How often sums went beyond 64 bits, less how often they came back, by position in `numbers`.
    pub(super) carries: BTreeMap<usize, i64>,
    pub(super) lists: Vec<List>,
    /// By member, its picked values.
    pub(super) picks: Vec<Option<Box<Pick>>>,
}

impl Tally {
    /// Numbers of `members` members before any row.
    #[must_use]
    pub fn new(plan: &TallyPlan, moment: Moment, members: usize) -> Self {
        Self {
            moment,
            members,
            counts: Counts { small: vec![0; members * plan.counts], beyond: BTreeMap::new() },
            numbers: plan.numbers.repeat(members),
            carries: BTreeMap::new(),
            lists: plan
                .lists
                .iter()
                .map(
                    |(_, valued)| {
                        if *valued { List::Values(Vec::new()) } else { List::Days(Vec::new()) }
                    },
                )
                .collect(),
            picks: vec![None; members * plan.picks.len()],
        }
    }

    /// Adds a row of a member; `class` is what [`TallyPlan::classes`] says of it.
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
                    let (sum, is_beyond) = numbers[*slot].overflowing_add(value);
                    numbers[*slot] = sum;
                    if is_beyond {
                        *self.carries.entry(member * width + slot).or_default() += value.signum();
                    }
                }
                Op::Least(field) if weight == 1 => {
                    if let Some(value) = row.value(*field) {
                        numbers[*slot] = numbers[*slot].min(value);
                    }
                }
                Op::Greatest(field) if weight == 1 => {
                    if let Some(value) = row.value(*field) {
                        numbers[*slot] = numbers[*slot].max(value);
                    }
                }
                Op::FirstTime if weight == 1 => numbers[*slot] = numbers[*slot].min(row.time()),
                Op::LastTime if weight == 1 => numbers[*slot] = numbers[*slot].max(row.time()),
                Op::DayBits if weight == 1 => {
                    let before = self.moment.local_day - row.local_day();
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
                Op::Pick(field) if weight == 1 => {
                    let value = match plan.fields()[*field].reading {
                        Reading::Text => row.text(*field).into(),
                        _ => row.value(*field).into(),
                    };
                    let at = member * plan.picks.len() + slot;
                    take(&mut self.picks[at], plan.picks[*slot], row.time(), row.tie(), value);
                }
                Op::Rows
                | Op::Present(_)
                | Op::Least(_)
                | Op::Greatest(_)
                | Op::FirstTime
                | Op::LastTime
                | Op::DayBits
                | Op::Value(_)
                | Op::Pick(_) => {}
            }
        }
    }
}

/// One row of a member: its day with what it adds there. Members come first in the order of the packed part, then
/// days, then rows that correct a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Dated {
    pub(super) packed: u64,
    pub(super) value: i64,
}

/// Rows kept one by one, for aggregates that first fold rows by day or by value.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum List {
    /// Of items without a field.
    Days(Vec<u64>),
    /// Of items with one.
    Values(Vec<Dated>),
}

/// Counts of 16 bits, and a map for the few that go beyond.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) small: Vec<u16>,
    /// What goes beyond the greatest small count, by position.
    pub(super) beyond: BTreeMap<usize, u32>,
}

impl Counts {
    fn add(&mut self, at: usize) {
        match self.small[at].checked_add(1) {
            Some(count) => self.small[at] = count,
            None => *self.beyond.entry(at).or_default() += 1,
        }
    }

    pub(super) fn get(&self, at: usize) -> i64 {
        let small = self.small[at];
        let beyond = if small == u16::MAX { self.beyond.get(&at).copied() } else { None };
        i64::from(small) + i64::from(beyond.unwrap_or_default())
    }
}

/// The day that is packed as 0; earlier ones are taken for it.
const DAY_LEAST: i64 = -(1 << 30);

/// Packs a member (32 bits), a day (31) and whether the row is no correction (the lowest bit): packed rows sort by
/// member, then by day, corrections first.
fn pack(member: usize, day: i64, is_real: bool) -> u64 {
    let day = day.clamp(DAY_LEAST, -DAY_LEAST - 1) - DAY_LEAST;
    (member as u64) << 32 | day.cast_unsigned() << 1 | u64::from(is_real)
}

pub(super) fn member_of(packed: u64) -> u64 {
    packed >> 32
}

#[expect(clippy::cast_possible_wrap, reason = "31 bits")]
pub(super) fn day_of(packed: u64) -> i64 {
    ((packed & 0xffff_ffff) >> 1) as i64 + DAY_LEAST
}

impl List {
    fn add(&mut self, packed: u64, value: i64) {
        match self {
            Self::Days(rows) => rows.push(packed),
            Self::Values(rows) => rows.push(Dated { packed, value }),
        }
    }
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
