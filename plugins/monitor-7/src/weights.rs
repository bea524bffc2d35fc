//! Weights that move towards what goes with the main goal (domain DG-7).

use playbook_domain::held;

/// Number of dimensions.
pub const DIMENSIONS: usize = 7;

/// How weights move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// The farthest that a weight moves.
    pub step: f64,
    /// The least weight.
    pub least: f64,
    /// The greatest weight.
    pub most: f64,
    /// Dimensions that gain, and that lose.
    pub movers: usize,
}

/// Returns the correlation of two measures over the periods in which both are known; none where these are fewer than
/// `least`, or one of the measures never changes.
#[must_use]
pub fn correlation(pairs: impl Iterator<Item = (f64, f64)> + Clone, least: usize) -> Option<f64> {
    let count = pairs.clone().count();
    if count < least.max(2) {
        return None;
    }
    let whole = count as f64;
    let (x, y) = pairs.clone().fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
    let (x, y) = (x / whole, y / whole);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        let (a, b) = (a - x, b - y);
        (xx, yy, xy) = (xx + a * a, yy + b * b, xy + a * b);
    }
    let scale = xx.sqrt() * yy.sqrt();
    let found = xy / scale;
    (scale > 0.0 && found.is_finite()).then(|| held(found, -1.0, 1.0))
}

impl Rule {
    /// Returns the weights of the next month: the dimensions of the greatest correlations gain, those of the least
    /// lose as much, none by more than a step or beyond its bounds. Ties go to the earlier dimension.
    #[must_use]
    pub fn next(
        &self,
        weights: [f64; DIMENSIONS],
        correlations: &[Option<f64>; DIMENSIONS],
    ) -> [f64; DIMENSIONS] {
        let mut ranked = [0; DIMENSIONS];
        let mut known = 0;
        for (at, found) in correlations.iter().enumerate() {
            let Some(found) = found else { continue };
            // Behind all that are at least as great.
            let before =
                ranked[..known].iter().filter(|other| correlations[**other] >= Some(*found));
            let place = before.count();
            ranked.copy_within(place..known, place + 1);
            ranked[place] = at;
            known += 1;
        }
        let movers = self.movers.min(known / 2);
        let (mut up, mut down) = ([0.0; DIMENSIONS], [0.0; DIMENSIONS]);
        for at in &ranked[..movers] {
            up[*at] = self.step.min(self.most - weights[*at]).max(0.0);
        }
        for at in &ranked[known - movers..known] {
            down[*at] = self.step.min(weights[*at] - self.least).max(0.0);
        }
        let (gains, losses): (f64, f64) = (up.iter().sum(), down.iter().sum());
        let moved = gains.min(losses);
        if moved <= 0.0 {
            return weights;
        }
        std::array::from_fn(|at| weights[at] + moved * (up[at] / gains - down[at] / losses))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const RULE: Rule = Rule { step: 0.02, least: 0.05, most: 0.30, movers: 3 };
    const EVEN: [f64; DIMENSIONS] = [1.0 / 7.0; DIMENSIONS];

    fn near(left: [f64; DIMENSIONS], right: [f64; DIMENSIONS]) {
        for (left, right) in left.iter().zip(right) {
            assert!((left - right).abs() < 1e-12, "{left} is not {right}");
        }
    }

    #[test]
    fn measures_that_move_together_correlate() {
        let of = |pairs: &[(f64, f64)], least| correlation(pairs.iter().copied(), least);
        let line = [(1.0, 3.0), (2.0, 5.0), (3.0, 7.0)];
        assert!((of(&line, 3).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(of(&line, 4), None);
        assert_eq!(of(&[(1.0, 3.0), (1.0, 5.0)], 2), None);
        let cross = [(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 4.0)];
        assert!((of(&cross, 4).unwrap() - 0.8).abs() < 1e-12);
    }

    #[test]
    fn the_greatest_gain_what_the_least_lose() {
        let some = [0.9, 0.1, 0.8, 0.5, 0.2, 0.7, 0.0].map(Some);
        let (up, down, same) = (1.0 / 7.0 + 0.02, 1.0 / 7.0 - 0.02, 1.0 / 7.0);
        near(RULE.next(EVEN, &some), [up, down, up, same, down, up, down]);
        // Two are known: one gains, one loses. One alone, or equal ones in order.
        near(
            RULE.next(EVEN, &[None, Some(0.1), None, Some(0.2), None, None, None]),
            [same, down, same, up, same, same, same],
        );
        near(RULE.next(EVEN, &[Some(0.1), None, None, None, None, None, None]), EVEN);
        near(RULE.next(EVEN, &[Some(0.5); 7]), [up, up, up, same, down, down, down]);
    }

    #[test]
    fn bounds_hold_and_weights_add_up() {
        let mut weights = EVEN;
        let some = [0.9, 0.1, 0.8, 0.5, 0.2, 0.7, 0.0].map(Some);
        for _ in 0..50 {
            let next = RULE.next(weights, &some);
            assert!((next.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(next.iter().all(|weight| (0.05 - 1e-12..=0.30 + 1e-12).contains(weight)));
            assert!(next.iter().zip(weights).all(|(next, was)| (next - was).abs() <= 0.02 + 1e-12));
            weights = next;
        }
        let least = weights[1];
        assert!((least - 0.05).abs() < 1e-9, "{weights:?}");
    }
}
