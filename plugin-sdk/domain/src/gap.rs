//! Consecutive periods and the gap rule (domain 0.1).

/// Periods in a row that met a condition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Streak {
    count: u32,
    gaps: u32,
}

impl Streak {
    /// Takes up a streak where an earlier evaluation left it.
    #[must_use]
    pub fn resumed(count: u32, gaps: u32) -> Self {
        Self { count, gaps }
    }

    /// Periods in a row that have met the condition.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Periods without a measure since the last one with it.
    #[must_use]
    pub fn gaps(&self) -> u32 {
        self.gaps
    }

    /// Takes in the next period: whether it met the condition, or none without a measure. Returns how many
    /// in a row have met it.
    ///
    /// A period without a measure leaves the count as it is; two of them in a row reset it.
    pub fn next(&mut self, met: Option<bool>) -> u32 {
        match met {
            None => {
                self.gaps += 1;
                if self.gaps >= 2 {
                    self.count = 0;
                }
            }
            Some(true) => (self.count, self.gaps) = (self.count + 1, 0),
            Some(false) => *self = Self::default(),
        }
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(periods: &[Option<bool>]) -> Vec<u32> {
        let mut streak = Streak::default();
        periods.iter().map(|met| streak.next(*met)).collect()
    }

    #[test]
    fn one_gap_keeps_the_count_and_two_in_a_row_reset_it() {
        let yes = Some(true);
        assert_eq!(counts(&[yes, yes, None, yes]), [1, 2, 2, 3]);
        assert_eq!(counts(&[yes, yes, None, None, yes]), [1, 2, 2, 0, 1]);
        assert_eq!(counts(&[yes, None, yes, None, yes]), [1, 1, 2, 2, 3]);
    }

    #[test]
    fn a_streak_goes_on_where_it_was_left() {
        let mut left = Streak::default();
        left.next(Some(true));
        left.next(None);
        let mut taken_up = Streak::resumed(left.count(), left.gaps());
        assert_eq!(taken_up, left);
        assert_eq!((taken_up.next(None), taken_up.next(Some(true))), (0, 1));
    }

    #[test]
    fn a_period_that_misses_starts_over() {
        assert_eq!(counts(&[Some(true), None, Some(false), Some(true)]), [1, 1, 0, 1]);
    }
}
