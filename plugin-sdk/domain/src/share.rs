//! Shares of a whole, and amounts that round down (domain 0.1).

/// Scales weights, none below 0, so that they add up to 1; where all are 0 they become equal.
pub fn normalise(weights: &mut [f64]) {
    let sum: f64 = weights.iter().sum();
    let equal = 1.0 / weights.len().max(1) as f64;
    for weight in weights {
        *weight = if sum > 0.0 { *weight / sum } else { equal };
    }
}

/// Returns an amount of minor units rounded down, as rewards and expectations are.
#[inline]
#[must_use]
pub fn floored(minor: f64) -> i64 {
    minor.floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_to_one() {
        let mut weights = [3.0, 1.0, 0.0];
        normalise(&mut weights);
        assert_eq!(weights, [0.75, 0.25, 0.0]);
        let mut nothing = [0.0; 4];
        normalise(&mut nothing);
        assert_eq!(nothing, [0.25; 4]);
        normalise(&mut []);
    }

    #[test]
    fn amounts_round_down_and_stay_on_the_scale() {
        assert_eq!([floored(2.999), floored(-0.5), floored(1e300)], [2, -1, i64::MAX]);
    }
}
