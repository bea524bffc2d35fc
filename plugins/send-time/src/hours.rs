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
        let (own, other) =
            ((self.opens[hour], self.delivered[than]), (self.opens[than], self.delivered[hour]));
        let rates = match (product(own), product(other)) {
            (Some(own), Some(other)) => own.cmp(&other),
            // In the sandbox a product of this width is a call.
            _ => wide_product(own).cmp(&wide_product(other)),
        };
        rates.then_with(|| self.opens[hour].cmp(&self.opens[than])).is_gt()
    }
}

/// The product of two counts below 2^31, as nearly all are.
fn product((left, right): (i64, i64)) -> Option<i64> {
    (left | right <= i64::from(i32::MAX)).then(|| left * right)
}

fn wide_product((left, right): (i64, i64)) -> i128 {
    i128::from(left) * i128::from(right)
}

#[cfg(test)]
mod tests {
    use super::{HOURS, Hours};

    /// The better of the hours 3 and 7, each with its opens of what was delivered.
    fn better(of_3: (i64, i64), of_7: (i64, i64)) -> Option<u16> {
        let (mut opens, mut delivered) = ([None; HOURS], [None; HOURS]);
        for (hour, (opened, all)) in [(3, of_3), (7, of_7)] {
            (opens[hour], delivered[hour]) = (Some(opened), Some(all));
        }
        Hours::of(opens, delivered).best(0, |_| true)
    }

    #[test]
    fn counts_of_any_width_are_compared_by_rate_then_by_opens() {
        for unit in [1, 1 << 29, 1 << 31, 1 << 60] {
            assert_eq!(better((unit, 4 * unit), (unit, 3 * unit)), Some(7), "{unit}");
            assert_eq!(better((unit, 2 * unit), (2 * unit, 4 * unit)), Some(7), "{unit}");
            assert_eq!(better((2 * unit, 4 * unit), (unit, 2 * unit)), Some(3), "{unit}");
        }
        // One pair of counts is wide and the other is not.
        assert_eq!(better((1, 2), (1 << 40, 1 << 42)), Some(3));
        assert_eq!(better((1, 4), (1 << 40, 1 << 41)), Some(7));
    }
}
