//! The participation index: capped shares of eight targets, weighted over what is known (domain SC-2).

/// Number of indicators.
pub const INDICATORS: usize = 8;

/// Returns the index, 0..=100, and the share of the weight that was known; none below half of it.
///
/// `values` that are missing leave the index to the others (domain 0.1). Weights add up to more than 0
/// and targets are above 0.
#[must_use]
pub fn index(
    values: &[Option<i64>; INDICATORS],
    targets: &[f64; INDICATORS],
    weights: &[f64; INDICATORS],
) -> (Option<f64>, f64) {
    let (mut sum, mut known, mut whole) = (0.0, 0.0, 0.0);
    for i in 0..INDICATORS {
        whole += weights[i];
        if let Some(value) = values[i] {
            known += weights[i];
            sum += weights[i] * share(value, targets[i]);
        }
    }
    let covered = known / whole;
    // Weights such as 0.1 add up with rounding; half is meant to count as half.
    let enough = covered >= 0.5 - 1e-9 && known > 0.0;
    (enough.then(|| (100.0 * sum / known).min(100.0)), covered.min(1.0))
}

/// Share of a target that a value reaches, 0..=1.
#[must_use]
pub fn share(value: i64, target: f64) -> f64 {
    (value as f64 / target).clamp(0.0, 1.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const TARGETS: [f64; INDICATORS] = [50.0, 8.0, 3.0, 20.0, 10.0, 4.0, 2.0, 3.0];
    const EQUAL: [f64; INDICATORS] = [0.125; INDICATORS];

    fn near(got: Option<f64>, want: f64) {
        let got = got.unwrap();
        assert!((got - want).abs() < 5e-5, "{got} is not {want}");
    }

    #[test]
    fn the_check_of_the_model_is_met() {
        let values = [25, 2, 1, 10, 5, 2, 0, 0].map(Some);
        near(index(&values, &TARGETS, &EQUAL).0, 32.2917);
    }

    #[test]
    fn targets_cap_what_counts() {
        near(index(&[10_000; INDICATORS].map(Some), &TARGETS, &EQUAL).0, 100.0);
        near(index(&[0; INDICATORS].map(Some), &TARGETS, &EQUAL).0, 0.0);
        near(index(&[-5; INDICATORS].map(Some), &TARGETS, &EQUAL).0, 0.0);
    }

    #[test]
    fn half_of_the_weight_is_enough_and_less_is_none() {
        let mut values = [None; INDICATORS];
        for value in &mut values[..4] {
            *value = Some(1_000);
        }
        let (got, covered) = index(&values, &TARGETS, &EQUAL);
        near(got, 100.0);
        assert!((covered - 0.5).abs() < 1e-12);
        values[3] = None;
        assert_eq!(index(&values, &TARGETS, &EQUAL).0, None);
    }

    #[test]
    fn weights_need_not_add_up_to_one() {
        let mut weights = [0.0; INDICATORS];
        weights[0] = 3.0;
        near(
            index(&[Some(25), None, None, None, None, None, None, None], &TARGETS, &weights).0,
            50.0,
        );
    }
}
