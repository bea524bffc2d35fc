//! Linear mapping of score cards (domain 0.3).

/// Returns `max * clamp((x - low) / (high - low), 0, 1)`; with `low > high` less is better.
#[inline]
#[must_use]
pub fn map(x: f64, low: f64, high: f64, max: f64) -> f64 {
    // Falling bounds make a score of -0; adding 0 makes it the 0 that every other worst score is.
    max * ((x - low) / (high - low)).clamp(0.0, 1.0) + 0.0
}

/// Returns the share of `full` that `x` reaches, 0 to 1: `map(x, 0, full, 1)`.
#[inline]
#[must_use]
pub fn reached(x: f64, full: f64) -> f64 {
    (x / full).clamp(0.0, 1.0)
}

/// Returns `x` held between two bounds that are no constants.
///
/// `f64::clamp` prints its bounds where they are wrong, and the code that prints numbers is 20 KB of a guest. Where
/// `low` is above `high` this gives `high`.
#[inline]
#[must_use]
pub fn held(x: f64, low: f64, high: f64) -> f64 {
    x.max(low).min(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_held_between_its_bounds() {
        assert_eq!(
            [held(0.1, 0.2, 0.4), held(0.3, 0.2, 0.4), held(9.0, 0.2, 0.4)],
            [0.2, 0.3, 0.4]
        );
        assert_eq!(held(0.3, 0.4, 0.2), 0.2);
    }

    #[test]
    fn the_checks_of_the_health_card_are_met() {
        assert!((map(0.20, 0.05, 0.30, 5.0) - 3.0).abs() < 1e-12);
        assert!((map(15.0, 60.0, 5.0, 5.0) - 4.0909).abs() < 5e-5);
    }

    #[test]
    fn less_is_better_where_the_bounds_fall() {
        assert!((map(0.20, 0.50, 0.20, 5.0) - 5.0).abs() < 1e-12);
        assert!(map(0.90, 0.50, 0.20, 5.0).abs() < 1e-12);
        assert_eq!(map(60.0, 60.0, 5.0, 5.0).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn what_is_reached_is_the_mapping_from_nothing() {
        for x in [-3.0, 0.0, 0.1, 7.0, 49.9, 50.0, 1e9] {
            assert_eq!(reached(x, 50.0).to_bits(), map(x, 0.0, 50.0, 1.0).to_bits(), "{x}");
        }
    }
}
