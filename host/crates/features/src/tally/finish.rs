//! From slots to values: the finishes of the recipes over numbers, as `crate::finish` writes them over SQL.

use std::ops::Range;

use super::pick::{Given, Pick};
use super::plan::{Output, TallyPlan};
use super::state::{List, Tally, day_of, member_of};
use super::{NEVER_FIRST, NEVER_LAST, Number, from_ordered};
use crate::recipe::{DAY_MS, Finish, Part, RowGrain};

/// Millionths of a unit, in which reals are summed.
const MICRO_PER_UNIT: f64 = 1e6;
/// Members of a block. All columns are made block by block, so that its slots stay in the first-level cache.
const BLOCK_MEMBERS: usize = 256;

impl Tally {
    /// Calls `take` with the values of each column, by ranges of members: column, first member, values. `local_ms`
    /// converts to the brand's local time.
    pub fn finish(
        mut self,
        plan: &TallyPlan,
        local_ms: impl Fn(i64) -> i64,
        mut take: impl FnMut(usize, usize, &[Number<'_>]),
    ) {
        let lists = std::mem::take(&mut self.lists).into_iter().zip(&plan.lists);
        let lists: Vec<Vec<(usize, Days)>> =
            lists.map(|(list, (cap, _))| list.fold(*cap)).collect();
        let mut values: Vec<Number<'_>> = Vec::with_capacity(BLOCK_MEMBERS);
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
    fn fill<'a>(
        &'a self,
        plan: &TallyPlan,
        output: &Output,
        block: Range<usize>,
        local_ms: &impl Fn(i64) -> i64,
        values: &mut Vec<Number<'a>>,
    ) {
        if output.is_picked {
            let picked = |member: usize| &self.picks[member * plan.picks.len() + output.slots[0]];
            values.extend(block.map(|member| match picked(member).as_deref().map(Pick::value) {
                None | Some(Given::Nothing) => Number::Missing,
                Some(Given::Text(text)) => Number::Text(text),
                Some(Given::Number(value)) if output.is_real => Number::Real(from_ordered(value)),
                Some(Given::Number(value)) => Number::Integer(value),
            }));
            return;
        }
        let slot = |at: usize| output.slots.get(at).copied().unwrap_or(0);
        let (width, first, second) = (plan.numbers.len(), slot(0), slot(1));
        let number = |member: usize, slot: usize| self.numbers[member * width + slot];
        let is_beyond = |member: usize| {
            !self.carries.is_empty()
                && self.carries.get(&(member * width + first)).is_some_and(|carries| *carries != 0)
        };
        let sum = |member: usize, value: Number<'a>| {
            if is_beyond(member) { Number::TooLarge } else { value }
        };
        let count = |member: usize, slot: usize| self.counts.get(member * plan.counts + slot);
        let as_of = local_ms(self.moment.as_of);
        let days = |from: i64, local_to: i64| {
            Number::Integer((local_to - local_ms(from)).div_euclid(DAY_MS))
        };
        let bits = |member: usize| i64::from(number(member, first).count_ones());
        let unit = if output.is_real { MICRO_PER_UNIT } else { 1.0 };
        match output.recipe.finish {
            Finish::Same if matches!(output.recipe.parts[0], Part::Least | Part::Greatest) => {
                values.extend(block.map(|member| match count(member, second) {
                    0 => Number::Missing,
                    _ if output.is_real => Number::Real(from_ordered(number(member, first))),
                    _ => Number::Integer(number(member, first)),
                }));
            }
            Finish::Same if output.recipe.parts[0] != Part::Sum => {
                values.extend(block.map(|member| Number::Integer(count(member, first))));
            }
            Finish::Same if output.is_real => {
                let real = |member| Number::Real(number(member, first) as f64 / unit);
                values.extend(block.map(|member| sum(member, real(member))));
            }
            Finish::Same => {
                let integer = |member| Number::Integer(number(member, first));
                values.extend(block.map(|member| sum(member, integer(member))));
            }
            Finish::Mean => values.extend(block.map(|member| match count(member, second) {
                0 => Number::Missing,
                rows => {
                    sum(member, Number::Real(number(member, first) as f64 / (rows as f64 * unit)))
                }
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

impl List {
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
                    let sum = rows.iter().map(|row| i128::from(row.value)).sum();
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
    sum: i128,
    /// Distinct values.
    values: i64,
}

/// The days of a member, folded.
#[derive(Debug, Clone, Copy)]
struct Days {
    days: i64,
    first: i64,
    last: i64,
    sum: i128,
    first_sum: i128,
    gap_squares: i128,
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
        self.sum += rows.sum;
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
            self.gap_squares += i128::from(gap) * i128::from(gap);
        }
        self.last = day;
        self.days += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "SQL casts the same way")]
    fn value(&self, output: &Output) -> Number<'static> {
        if output.recipe.grain == RowGrain::Value {
            return Number::Integer(self.values);
        }
        let gaps = self.days - 1;
        let stretch = self.last - self.first;
        match output.recipe.finish {
            Finish::RowsButFirst => Number::Integer(gaps.max(0)),
            Finish::SumButFirst => {
                // Both sums must fit in 64 bits, as they must in SQL.
                let fits = |sum: i128| i64::try_from(sum).ok();
                match (fits(self.sum), fits(self.first_sum), fits(self.sum - self.first_sum)) {
                    (Some(_), Some(_), Some(rest)) if output.is_real => {
                        Number::Real(rest as f64 / MICRO_PER_UNIT)
                    }
                    (Some(_), Some(_), Some(rest)) => Number::Integer(rest),
                    _ => Number::TooLarge,
                }
            }
            Finish::GapMean if gaps < 1 => Number::Missing,
            Finish::GapMean => Number::Real(stretch as f64 / gaps as f64),
            Finish::GapSd if self.days < 3 => Number::Missing,
            Finish::GapSd => {
                let above =
                    i128::from(gaps) * self.gap_squares - i128::from(stretch) * i128::from(stretch);
                Number::Real((above as f64 / (gaps * (gaps - 1)) as f64).sqrt())
            }
            _ if matches!(output.recipe.parts[0], Part::CappedRows(_)) => {
                Number::Integer(self.capped)
            }
            _ => Number::Integer(self.days),
        }
    }
}
