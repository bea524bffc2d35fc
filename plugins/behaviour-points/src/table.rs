//! Points of behaviours from daily counts, totals and orders (domain SC-1).

use playbook_domain::product;

/// Days that a month of the table has.
pub const DAYS: usize = 30;

/// Points of one kind of behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worth {
    /// Points of one event.
    pub points: i64,
    /// Events of a day that count; none: all.
    pub daily_cap: Option<i64>,
}

impl Worth {
    /// Events of one day that count.
    fn counted(&self, count: i64) -> i64 {
        self.daily_cap.map_or(count, |cap| count.min(cap)).max(0)
    }

    /// Returns the points of one day's count.
    #[must_use]
    pub fn of_day(&self, count: i64) -> i64 {
        product(self.counted(count), self.points)
    }

    /// Returns the points of daily counts, oldest first; of more than 30 the last 30 count.
    #[must_use]
    pub fn of_days(&self, counts: &[i64]) -> i64 {
        let recent = &counts[counts.len().saturating_sub(DAYS)..];
        let counted = recent.iter().fold(0, |sum: i64, n| sum.saturating_add(self.counted(*n)));
        product(counted, self.points)
    }

    /// Returns the points of a 30-day total, which can only be capped as a whole.
    #[must_use]
    pub fn of_total(&self, count: i64) -> i64 {
        let cap = self.daily_cap.map(|cap| cap.saturating_mul(DAYS as i64));
        Self { daily_cap: cap, ..*self }.of_day(count)
    }
}

/// Returns how many full units the amounts of orders hold, each order for itself.
///
/// An order that was refunded more than it cost counts as none.
#[must_use]
pub fn full_units(amounts_minor: &[i64], unit_minor: i64) -> i64 {
    amounts_minor
        .iter()
        .fold(0, |sum: i64, amount| sum.saturating_add((amount / unit_minor).max(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIKE: Worth = Worth { points: 1, daily_cap: Some(10) };

    #[test]
    fn each_day_is_capped_for_itself() {
        assert_eq!(LIKE.of_days(&[12, 3, 0, 10]), 10 + 3 + 10);
        assert_eq!(LIKE.of_total(25), 25);
        assert_eq!(LIKE.of_total(301), 300);
        let uncapped = Worth { points: 30, daily_cap: None };
        assert_eq!(uncapped.of_days(&[2, 1]), 90);
        assert_eq!(uncapped.of_total(400), 12_000);
    }

    #[test]
    fn only_the_last_thirty_days_count() {
        let mut counts = vec![1; 31];
        counts[0] = 9;
        assert_eq!(LIKE.of_days(&counts), 30);
        assert_eq!(LIKE.of_days(&[]), 0);
    }

    #[test]
    fn negative_counts_take_nothing_away() {
        assert_eq!(LIKE.of_days(&[-4, 2]), 2);
    }

    #[test]
    fn units_are_floored_per_order() {
        assert_eq!(full_units(&[999, 1_000, 2_999], 1_000), 3);
        assert_eq!(full_units(&[-2_500, 0], 1_000), 0);
    }

    #[test]
    fn huge_numbers_stay_at_the_end_of_the_scale() {
        assert_eq!(Worth { points: 50, daily_cap: None }.of_days(&[i64::MAX, i64::MAX]), i64::MAX);
    }
}
