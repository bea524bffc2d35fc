//! Shares of a whole, and amounts that round down (domain 0.1).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Scales weights, none below 0, so that they add up to 1; where all are 0 they become equal.
pub fn normalise(weights: &mut [f64]) {
    let sum: f64 = weights.iter().sum();
    let equal = 1.0 / weights.len().max(1) as f64;
    for weight in weights {
        *weight = if sum > 0.0 { *weight / sum } else { equal };
    }
}

/// Scales weights, none below 0, so that they add up to 1 and none is below `least`: those that would be stand at it,
/// the others share the rest. Where `least` is too much for all of them, all are equal.
pub fn normalise_above(weights: &mut [f64], least: f64) {
    normalise(weights);
    if least * weights.len() as f64 >= 1.0 {
        weights.fill(0.0);
        normalise(weights);
        return;
    }
    // Each round sets at least one more weight to the least one.
    for _ in 0..weights.len() {
        let is_free = |weight: &f64| *weight > least;
        let free: f64 = weights.iter().filter(|weight| is_free(weight)).sum();
        let held = weights.iter().filter(|weight| !is_free(weight)).count();
        let scale = (1.0 - held as f64 * least) / free;
        let mut is_done = true;
        for weight in weights.iter_mut() {
            *weight = if is_free(weight) { *weight * scale } else { least };
            is_done &= *weight >= least;
        }
        if is_done {
            return;
        }
    }
}

/// Returns an amount of minor units rounded down, as rewards and expectations are.
#[inline]
#[must_use]
pub fn floored(minor: f64) -> i64 {
    minor.floor() as i64
}

/// Returns the product of two numbers, at the end of the scale where it does not fit.
///
/// In the sandbox a product of 64 bits that tells of its overflow is a call of a function over 128 bits; of numbers of 32
/// bits, as nearly all counts, points and prices are, it is an instruction.
#[inline]
#[must_use]
pub fn product(left: i64, right: i64) -> i64 {
    match (i32::try_from(left), i32::try_from(right)) {
        (Ok(left), Ok(right)) => i64::from(left) * i64::from(right),
        _ => left.saturating_mul(right),
    }
}

/// Splits an amount by shares without losing a unit: floors first, then one unit each to the greatest
/// remainders, ties to the lower position. Shares need not add up to 1.
#[must_use]
pub fn split(amount: i64, shares: &[f64]) -> Vec<i64> {
    let sum: f64 = shares.iter().sum();
    if amount <= 0 || sum <= 0.0 {
        return vec![0; shares.len()];
    }
    let exact: Vec<f64> = shares.iter().map(|share| amount as f64 * (share / sum)).collect();
    let mut parts: Vec<i64> = exact.iter().map(|part| part.floor() as i64).collect();
    // Remainders are not negative, so that their bits stand in their order. A heap is a tenth of the code of a sort.
    let remainders = exact.iter().map(|part| (part - part.floor()).to_bits());
    let mut order: BinaryHeap<(u64, Reverse<usize>)> = remainders.zip((0..).map(Reverse)).collect();
    let mut left = i128::from(amount) - parts.iter().map(|part| i128::from(*part)).sum::<i128>();
    while let Some((_, Reverse(at))) = order.pop() {
        // Rounding of very large amounts may leave more than one unit each, or take some back.
        let step = if left > 0 { 1.min(left) } else { left.max(-i128::from(parts[at])) };
        parts[at] = i64::try_from(i128::from(parts[at]) + step).unwrap_or(i64::MAX);
        left -= step;
    }
    if let Some(first) = parts.first_mut() {
        *first = i64::try_from(i128::from(*first) + left).unwrap_or(i64::MAX);
    }
    parts
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

    #[test]
    fn a_product_is_the_saturating_one_at_every_width() {
        let ends = [0, 1, -1, 7, 1 << 31, (1 << 31) - 1, -(1 << 31), 1 << 40, i64::MAX, i64::MIN];
        for left in ends {
            for right in ends {
                assert_eq!(product(left, right), left.saturating_mul(right), "{left} {right}");
            }
        }
    }

    #[test]
    fn split_loses_nothing() {
        assert_eq!(split(100, &[1.0, 1.0, 1.0]), [34, 33, 33]);
        assert_eq!(split(10, &[0.2, 0.5, 0.3]), [2, 5, 3]);
        assert_eq!(split(0, &[1.0]), [0]);
        assert_eq!(split(7, &[0.0, 0.0]), [0, 0]);
        let large = split(i64::MAX, &[0.3, 0.7]);
        assert_eq!(large[0] + large[1], i64::MAX);
    }

    #[test]
    fn no_weight_falls_below_the_least_one() {
        let held = |mut weights: [f64; 4], least| {
            normalise_above(&mut weights, least);
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{weights:?}");
            assert!(weights.iter().all(|weight| *weight >= least - 1e-12), "{weights:?}");
            weights.map(|weight| (weight * 1e4).round() / 1e4)
        };
        assert_eq!(held([4.0, 3.0, 2.0, 1.0], 0.05), [0.4, 0.3, 0.2, 0.1]);
        assert_eq!(held([9.0, 1.0, 0.0, 0.0], 0.05), [0.81, 0.09, 0.05, 0.05]);
        // The second falls below only once the first has given.
        assert_eq!(held([9.0, 0.5, 0.0, 0.0], 0.05), [0.85, 0.05, 0.05, 0.05]);
        assert_eq!(held([0.0; 4], 0.05), [0.25; 4]);
        let mut too_much = [1.0, 0.0, 0.0, 0.0];
        normalise_above(&mut too_much, 0.3);
        assert_eq!(too_much, [0.25; 4]);
        normalise_above(&mut [], 0.05);
    }
}
