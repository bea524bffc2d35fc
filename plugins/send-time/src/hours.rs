//! Opens and deliveries of the hours of a day.

use playbook_sdk::codec;

/// Hours of a day.
pub(crate) const HOURS: usize = 24;

/// What was opened and what was delivered, hour by hour.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Hours {
    opens: [i64; HOURS],
    delivered: [i64; HOURS],
}

codec!(Hours { opens, delivered });

impl Hours {
    /// Takes what is known; an hour without a count has none. Nothing was opened that was not delivered.
    pub(crate) fn of(opens: [Option<i64>; HOURS], delivered: [Option<i64>; HOURS]) -> Self {
        let opens = opens.map(|count| count.unwrap_or(0).max(0));
        let delivered = std::array::from_fn(|hour| delivered[hour].unwrap_or(0).max(opens[hour]));
        Self { opens, delivered }
    }

    /// Adds the counts of another.
    pub(crate) fn add(&mut self, other: &Self) {
        let sum = |left: &mut i64, right: i64| *left = left.saturating_add(right);
        self.opens.iter_mut().zip(other.opens).for_each(|(left, right)| sum(left, right));
        self.delivered.iter_mut().zip(other.delivered).for_each(|(left, right)| sum(left, right));
    }

    /// The allowed hour with the highest rate; none of fewer opens than `opens_min` in allowed hours.
    ///
    /// Where no deliveries are told each hour with an open has the rate 1, and its opens decide.
    pub(crate) fn best(&self, opens_min: i64, is_allowed: impl Fn(u16) -> bool) -> Option<u16> {
        let (mut all, mut best): (i64, Option<usize>) = (0, None);
        for hour in (0..HOURS).filter(|hour| is_allowed(*hour as u16)) {
            all = all.saturating_add(self.opens[hour]);
            if self.opens[hour] > 0 && best.is_none_or(|best| self.is_better(hour, best)) {
                best = Some(hour);
            }
        }
        best.filter(|_| all >= opens_min).map(|hour| hour as u16)
    }

    /// Whether the rate of an hour is above that of another, or as high with more opens.
    fn is_better(&self, hour: usize, than: usize) -> bool {
        let cross = |opens: usize, delivered: usize| {
            i128::from(self.opens[opens]) * i128::from(self.delivered[delivered])
        };
        let (own, other) = (cross(hour, than), cross(than, hour));
        own > other || own == other && self.opens[hour] > self.opens[than]
    }
}
