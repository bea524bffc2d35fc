//! What models of repeat orders see of buyers: order histories and spend, equal ones together.

use std::collections::BinaryHeap;

use crate::fit::Told;
use crate::spend::{self, Purse, Spend};

/// Order history of equal members. Days are whole and count from the first order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct History {
    /// Days with an order after the first one (x).
    pub repeat_days: i64,
    /// Days from the first to the last order (t_x); 0 without a repeat.
    pub span_days: i64,
    /// Days from the first order to now (T).
    pub age_days: i64,
}

impl History {
    /// Returns whether the three numbers can belong to one member.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        // Two calendar days may lie less than 24 hours apart, so a repeat may have a span of 0.
        let repeats_fit = self.repeat_days > 0 || (self.repeat_days == 0 && self.span_days == 0);
        repeats_fit && (0..=self.age_days).contains(&self.span_days)
    }
}

/// Equal buyers together, in order, so that a likelihood runs over distinct histories only.
#[derive(Debug, Clone, PartialEq)]
pub struct Buyers {
    /// Distinct order histories and how many buyers have them.
    pub histories: Vec<(History, u32)>,
    /// Distinct spends of repeat buyers, of those who spent something, and how many have them.
    pub purses: Vec<(Purse, u32)>,
    /// How many buyers there are.
    pub count: u32,
    /// How many of them bought again.
    pub repeat: u32,
}

impl Buyers {
    /// Groups buyers: repeat days, span days, age days and repeat spend in minor units of each, below 1 where it is
    /// not known.
    #[must_use]
    pub fn of(rows: &mut dyn Iterator<Item = [i64; 4]>) -> Self {
        let (mut histories, mut purses) = (Vec::new(), Vec::new());
        let (mut count, mut repeat) = (0, 0);
        for [repeat_days, span_days, age_days, repeat_spend_minor] in rows {
            count += 1;
            repeat += u32::from(repeat_days > 0);
            histories.push([repeat_days, span_days, age_days]);
            if repeat_days > 0 && repeat_spend_minor > 0 {
                purses.push([repeat_days, repeat_spend_minor, 0]);
            }
        }
        let history = |[repeat_days, span_days, age_days]: [i64; 3]| History {
            repeat_days,
            span_days,
            age_days,
        };
        let purse = |[repeat_days, repeat_spend_minor, _]: [i64; 3]| Purse {
            repeat_days,
            repeat_spend_minor,
        };
        Self {
            histories: counted(histories).into_iter().map(|(h, n)| (history(h), n)).collect(),
            purses: counted(purses).into_iter().map(|(p, n)| (purse(p), n)).collect(),
            count,
            repeat,
        }
    }

    /// Says in words that they are too few to fit a model on, if they are.
    #[must_use]
    pub fn too_few(&self, least: u32, repeat_least: u32) -> Option<String> {
        (self.count < least || self.repeat < repeat_least).then(|| {
            format!(
                "{} buyers with {} repeat buyers are too few: {least} and {repeat_least} are needed",
                self.count, self.repeat
            )
        })
    }

    /// Fits spend where enough repeat buyers have some; none where no mean order exists.
    #[must_use]
    pub fn spend(&self, least: u32, unit_minor: u32, told: &mut Told) -> Option<Spend> {
        let payers: u32 = self.purses.iter().map(|(_, buyers)| buyers).sum();
        if payers < least {
            return None;
        }
        let fitted = spend::fit(&self.purses, f64::from(unit_minor));
        let Spend { p, q, v } = fitted.spend;
        let names = ["p", "q", "v"];
        if let Some(fit) = &fitted.fit {
            told.fit("spend", fit, &names, &[p, q, v]);
        }
        told.add("spend_correlation", fitted.correlation);
        // Up to q = 1 spend is so unequal that it has no mean, and no order can be valued.
        let settled = fitted.fit.is_none_or(|fit| fit.has_settled());
        (q > 1.0 && settled).then_some(fitted.spend)
    }

    /// How far the orders that a model expects of new members over these buyers' ages are from those that they made, by those.
    /// `expected` gives the repeat orders of a new member over a number of days.
    #[must_use]
    pub fn calibration_error(&self, expected: &dyn Fn(f64) -> f64) -> f64 {
        let mut ages = Vec::new();
        let mut made = 0.0;
        for (history, buyers) in &self.histories {
            ages.push([history.age_days, i64::from(*buyers), 0]);
            made += history.repeat_days as f64 * f64::from(*buyers);
        }
        let all: f64 = ascending(ages)
            .chunk_by(|left, right| left[0] == right[0])
            .map(|equal| {
                let buyers: i64 = equal.iter().map(|[_, buyers, _]| buyers).sum();
                buyers as f64 * expected(equal[0][0] as f64)
            })
            .sum();
        (all - made).abs() / made
    }
}

/// Each of the distinct ones with how often it is there, least first.
#[inline(never)]
fn counted(all: Vec<[i64; 3]>) -> Vec<([i64; 3], u32)> {
    let mut distinct: Vec<([i64; 3], u32)> = Vec::new();
    for one in ascending(all) {
        match distinct.last_mut().filter(|(last, _)| *last == one) {
            Some((_, count)) => *count += 1,
            None => distinct.push((one, 1)),
        }
    }
    distinct
}

/// Least first. One function for all that is sorted here, by a heap: a sort, or a map of each type, is ten times the code.
#[inline(never)]
fn ascending(all: Vec<[i64; 3]>) -> Vec<[i64; 3]> {
    BinaryHeap::from(all).into_sorted_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_histories_are_told_apart() {
        let history =
            |repeat_days, span_days, age_days| History { repeat_days, span_days, age_days };
        assert!(history(0, 0, 0).is_consistent());
        assert!(history(1, 0, 2).is_consistent());
        for wrong in [
            history(-1, 0, 3),
            history(0, 2, 3),
            history(1, -1, 3),
            history(1, 4, 3),
            history(0, 0, -1),
        ] {
            assert!(!wrong.is_consistent(), "{wrong:?}");
        }
    }
}
