//! Means over what is known (domain 0.1).

/// Rounding that weights such as 0.1 carry when they are added up: half is meant to count as half.
const ROUNDING: f64 = 1e-9;

/// Whether at least half of a weight is known; of nothing, nothing is.
#[inline]
#[must_use]
pub fn is_enough(known: f64, whole: f64) -> bool {
    known > 0.0 && known / whole >= 0.5 - ROUNDING
}

/// A weighted mean in the making: parts are added one by one, missing ones leave it to the others.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Known {
    sum: f64,
    known: f64,
    whole: f64,
}

impl Known {
    /// Returns the mean of `parts`: weight and value, 0 to 1 each.
    #[inline]
    #[must_use]
    pub fn of(parts: impl IntoIterator<Item = (f64, Option<f64>)>) -> Self {
        let mut mean = Self::default();
        for (weight, value) in parts {
            mean.whole += weight;
            if let Some(value) = value {
                mean.known += weight;
                mean.sum += weight * value;
            }
        }
        mean
    }

    /// Share of the weight that is known, 0 to 1.
    #[inline]
    #[must_use]
    pub fn covered(&self) -> f64 {
        if self.whole > 0.0 { (self.known / self.whole).min(1.0) } else { 0.0 }
    }

    /// `max` times the mean, at most `max`; none where less than half of the weight is known.
    #[inline]
    #[must_use]
    pub fn mean(&self, max: f64) -> Option<f64> {
        is_enough(self.known, self.whole).then(|| (max * self.sum / self.known).min(max))
    }

    /// Weighted sum over all parts, those that are missing at the mean of those that are known; none where less
    /// than half of the weight is known.
    #[inline]
    #[must_use]
    pub fn sum(&self) -> Option<f64> {
        is_enough(self.known, self.whole).then(|| self.sum * (self.whole / self.known))
    }

    /// Weight that is known.
    #[inline]
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.known
    }
}

/// Returns the plain mean of the values that are known, or none where they are fewer than `least`.
#[inline]
#[must_use]
pub fn mean(values: &[Option<f64>], least: usize) -> Option<f64> {
    let known = values.iter().flatten();
    let count = known.clone().count();
    (count >= least.max(1)).then(|| known.sum::<f64>() / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: Option<f64>, want: f64) {
        assert!(got.is_some_and(|got| (got - want).abs() < 1e-12), "{got:?} is not {want}");
    }

    #[test]
    fn weights_of_missing_parts_go_to_the_others() {
        near(Known::of([(0.5, Some(0.2)), (0.3, None), (0.2, Some(0.9))]).mean(1.0), 0.28 / 0.7);
        near(Known::of([(3.0, Some(0.5)), (1.0, None)]).mean(100.0), 50.0);
    }

    #[test]
    fn a_sum_counts_missing_parts_at_the_mean_of_the_others() {
        near(Known::of([(2.0, Some(3.0)), (1.0, Some(4.0))]).sum(), 10.0);
        near(Known::of([(2.0, Some(3.0)), (1.0, None)]).sum(), 9.0);
        assert_eq!(Known::of([(1.0, Some(3.0)), (2.0, None)]).sum(), None);
    }

    #[test]
    fn half_of_the_weight_is_enough_and_less_is_none() {
        let tenths = |known: usize| Known::of((0..10).map(|at| (0.1, (at < known).then_some(1.0))));
        near(tenths(5).mean(1.0), 1.0);
        assert!((tenths(5).covered() - 0.5).abs() < 1e-12);
        assert_eq!(tenths(4).mean(1.0), None);
        assert_eq!((Known::of([]).mean(1.0), Known::of([]).covered()), (None, 0.0));
        assert_eq!(Known::of([(0.0, Some(1.0))]).mean(1.0), None);
    }

    #[test]
    fn a_mean_never_exceeds_its_greatest_value() {
        let full = Known::of([(0.1, Some(1.0)), (0.2, Some(1.0)), (0.7, Some(1.0))]);
        assert!(full.mean(100.0).is_some_and(|mean| mean <= 100.0));
        assert!(full.covered() <= 1.0);
    }

    #[test]
    fn a_plain_mean_needs_enough_values() {
        near(mean(&[Some(1.0), None, Some(4.0)], 2), 2.5);
        assert_eq!(mean(&[Some(1.0), None], 2), None);
        assert_eq!(mean(&[None], 0), None);
    }
}
