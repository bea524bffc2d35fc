//! Mean and deviation of measures (domain DG-8).

/// Mean of values and how far they lie around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of a sample; exactly 0 where all values are equal.
    pub deviation: f64,
}

impl Spread {
    /// Returns mean and deviation of values; none of fewer than two.
    #[must_use]
    pub fn of(values: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let first = values.clone().next()?;
        let count = values.clone().count();
        if count < 2 {
            return None;
        }
        if values.clone().all(|value| value == first) {
            // Rounding of the mean would leave a deviation, and every value would stand out.
            return Some(Self { mean: first, deviation: 0.0 });
        }
        let mean = values.clone().sum::<f64>() / count as f64;
        let squares: f64 = values.map(|value| (value - mean) * (value - mean)).sum();
        Some(Self { mean, deviation: (squares / (count - 1) as f64).sqrt() })
    }

    /// Returns mean and deviation from exact sums: how many values, their sum, the sum of their squares; none of fewer than two.
    #[must_use]
    pub fn of_sums(count: i128, sum: i128, squares: i128) -> Option<Self> {
        if count < 2 {
            return None;
        }
        let spread = count.saturating_mul(squares).saturating_sub(sum.saturating_mul(sum)).max(0);
        let variance = spread as f64 / (count as f64 * (count - 1) as f64);
        Some(Self { mean: sum as f64 / count as f64, deviation: variance.sqrt() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_of_a_sample() {
        let spread = Spread::of([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].into_iter())
            .unwrap_or_else(|| unreachable!());
        assert!((spread.mean - 5.0).abs() < 1e-12);
        assert!((spread.deviation - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!(Spread::of([3.0].into_iter()), None);
    }

    #[test]
    fn sums_give_what_values_give() {
        let spread = Spread::of_sums(8, 40, 232).unwrap_or_else(|| unreachable!());
        assert!((spread.mean - 5.0).abs() < 1e-12);
        assert!((spread.deviation - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!(Spread::of_sums(1, 4, 16), None);
        assert_eq!(Spread::of_sums(3, 9, 27), Some(Spread { mean: 3.0, deviation: 0.0 }));
    }

    #[test]
    fn equal_values_have_no_deviation_at_all() {
        let equal = std::iter::repeat_n(0.1, 14);
        assert_eq!(Spread::of(equal), Some(Spread { mean: 0.1, deviation: 0.0 }));
    }
}
