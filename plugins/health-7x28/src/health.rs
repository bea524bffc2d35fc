//! Scores of one community: indicators, dimensions, total, level and what is weakest (domain DG-1).

use playbook_domain::{map, mean, rung};

use crate::indicators::{DIMENSIONS, INDICATORS};

/// Best score.
pub const SCORE_MAX: f64 = 5.0;
/// Indicators that a dimension needs.
pub const INDICATORS_MIN: usize = 2;
/// Dimensions that the total needs.
pub const DIMENSIONS_MIN: usize = 5;
/// Number of weakest indicators that are named.
pub const WEAKEST: usize = 3;

/// Levels of the total, worst first.
pub const LEVELS: [&str; 4] = ["critical", "weak", "watch", "healthy"];

/// Scores of one community.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// Score of each indicator, 0..=5.
    pub indicators: [Option<f64>; INDICATORS],
    /// Score of each dimension.
    pub dimensions: [Option<f64>; 7],
    /// Mean of the dimensions.
    pub total: Option<f64>,
    /// Position in [`LEVELS`].
    pub level: Option<usize>,
    /// Indicators of the least scores, weakest first, ties to the earlier one.
    pub weakest: Vec<usize>,
}

/// Returns the scores of measures under bounds (low, high), both in the order of the model.
#[must_use]
pub fn diagnose(
    measures: &[Option<f64>; INDICATORS],
    bounds: &[[f64; 2]; INDICATORS],
    levels: [f64; 3],
) -> Health {
    let indicators: [Option<f64>; INDICATORS] =
        std::array::from_fn(|i| measures[i].map(|x| map(x, bounds[i][0], bounds[i][1], SCORE_MAX)));
    let each = INDICATORS / DIMENSIONS.len();
    let dimensions: [Option<f64>; 7] =
        std::array::from_fn(|d| mean(&indicators[d * each..][..each], INDICATORS_MIN));
    let total = mean(&dimensions, DIMENSIONS_MIN);
    let level = total.map(|total| rung(total, &levels));
    let mut weakest = Vec::with_capacity(WEAKEST);
    for _ in 0..WEAKEST {
        let known = indicators.iter().enumerate().filter_map(|(i, score)| Some((i, (*score)?)));
        let left = known.filter(|(i, _)| !weakest.contains(i));
        // The first of equals, so that ties go to the earlier one.
        let least = left.min_by(|left, right| left.1.total_cmp(&right.1));
        weakest.extend(least.map(|(i, _)| i));
    }
    Health { indicators, dimensions, total, level, weakest }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::indicators::{PACKAGES, all};

    const LEVELS_MIN: [f64; 3] = [2.0, 3.0, 4.0];

    fn bounds() -> [[f64; 2]; INDICATORS] {
        let all: Vec<[f64; 2]> = all().map(|i| [i.low, i.high]).collect();
        all.try_into().unwrap()
    }

    fn place(name: &str) -> usize {
        all().position(|i| i.name == name).unwrap()
    }

    #[test]
    fn the_checks_of_the_model_are_met() {
        let mut measures = [None; INDICATORS];
        measures[place("wau_ratio")] = Some(0.20);
        measures[place("reply_median_min")] = Some(15.0);
        let health = diagnose(&measures, &bounds(), LEVELS_MIN);
        assert!((health.indicators[place("wau_ratio")].unwrap() - 3.0).abs() < 1e-12);
        assert!((health.indicators[place("reply_median_min")].unwrap() - 4.0909).abs() < 5e-5);
    }

    #[test]
    fn dimensions_need_two_indicators_and_the_total_five_dimensions() {
        let mut measures = [None; INDICATORS];
        for dimension in 0..4 {
            for indicator in 0..2 {
                measures[dimension * 4 + indicator] = Some(1e9);
            }
        }
        measures[16] = Some(0.65);
        let four = diagnose(&measures, &bounds(), LEVELS_MIN);
        assert!(four.dimensions[3].is_some() && four.dimensions[4].is_none());
        assert_eq!((four.total, four.level), (None, None));
        measures[18] = Some(0.70);
        let five = diagnose(&measures, &bounds(), LEVELS_MIN);
        assert!(five.total.is_some() && five.level.is_some());
    }

    #[test]
    fn levels_begin_at_their_bounds() {
        for (share, want) in [(0.0, 0), (0.39, 0), (0.4, 1), (0.6, 2), (0.8, 3), (1.0, 3)] {
            let even: [[f64; 2]; INDICATORS] = [[0.0, 1.0]; INDICATORS];
            let health = diagnose(&[Some(share); INDICATORS], &even, LEVELS_MIN);
            assert_eq!(health.level, Some(want), "{share}");
        }
    }

    #[test]
    fn the_weakest_three_are_named_with_ties_to_the_earlier() {
        let even = [[0.0, 1.0]; INDICATORS];
        let mut measures = [Some(0.5); INDICATORS];
        measures[27] = Some(0.1);
        assert_eq!(diagnose(&measures, &even, LEVELS_MIN).weakest, [27, 0, 1]);
        assert!(diagnose(&[None; INDICATORS], &even, LEVELS_MIN).weakest.is_empty());
    }

    #[test]
    fn every_indicator_has_a_name_of_its_own_and_known_packages() {
        let mut names: Vec<&str> = all().map(|i| i.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), INDICATORS);
        assert!(all().all(|i| i.packages.iter().all(|p| (*p as usize) < PACKAGES.len())));
    }
}
