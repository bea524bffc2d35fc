//! What an investment is worth: risk, discount, payback (domain RO-5, RO-7, RO-13).

/// Most flows whose present value is computed: beyond it the discount at the ends of the search for a rate leaves
/// the numbers that there are.
pub const FLOWS_MAX: usize = 120;

/// Returns a return less its risk, a coefficient of 0 to 1.
#[inline]
#[must_use]
pub fn roi_adjusted(roi: f64, risk: f64) -> f64 {
    roi * (1.0 - risk)
}

/// Returns the present value of flows, the first of them now, at a rate above -1 a period.
#[must_use]
pub fn npv(flows_minor: &[i64], rate: f64) -> f64 {
    // From the last one back: multiplications and divisions alone have the same bits everywhere.
    flows_minor.iter().rev().fold(0.0, |later, flow| *flow as f64 + later / (1.0 + rate))
}

/// Returns the rate between `least` and `most` at which the present value of flows is 0, by bisection; none where
/// it has the same sign at both ends, or where there are more flows than [`FLOWS_MAX`].
#[must_use]
pub fn irr(flows_minor: &[i64], [least, most]: [f64; 2]) -> Option<f64> {
    /// Halvings after which the two ends are neighbours among the numbers that there are.
    const HALVINGS: usize = 100;
    if flows_minor.len() > FLOWS_MAX {
        return None;
    }
    let (mut low, mut high) = (least, most);
    let at_low = npv(flows_minor, low);
    let at_high = npv(flows_minor, high);
    if at_low == 0.0 || at_high == 0.0 {
        // Nothing but zeros has a value of 0 at every rate, and no rate.
        let is_nothing = flows_minor.iter().all(|flow| *flow == 0);
        return (!is_nothing).then_some(if at_low == 0.0 { low } else { high });
    }
    if (at_low > 0.0) == (at_high > 0.0) {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = low + (high - low) / 2.0;
        if (npv(flows_minor, middle) > 0.0) == (at_low > 0.0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low + (high - low) / 2.0)
}

/// Returns the first period, counted from 0, with a cumulative flow of at least 0; none where none has.
#[must_use]
pub fn payback(flows_minor: &[i64]) -> Option<usize> {
    let mut sum = 0_i128;
    flows_minor.iter().position(|flow| {
        sum += i128::from(*flow);
        sum >= 0
    })
}

/// Returns `|forecast - actual| / actual`; none where the actual amount is not above 0.
#[must_use]
pub fn forecast_error(forecast_minor: f64, actual_minor: f64) -> Option<f64> {
    (actual_minor > 0.0).then(|| (forecast_minor - actual_minor).abs() / actual_minor)
}

/// Returns an amount of minor units rounded to the nearest, halves away from zero.
#[inline]
#[must_use]
pub fn nearest(minor: f64) -> i64 {
    // A cast holds what lies beyond the scale at its end.
    minor.round() as i64
}

/// Returns what the next period needs: the mean of the same phase in the past, times the trend; none without
/// such a phase or a trend.
///
/// `used` is oldest first, one number a period, `phase` the periods after which a phase comes again. Where no
/// `trend` is given it is the sum of the last `phase` periods by the sum of those before, held between its bounds.
#[must_use]
pub fn next_need(
    used: &[f64],
    phase: usize,
    trend: Option<f64>,
    [least, most]: [f64; 2],
) -> Option<f64> {
    let phase = phase.max(1);
    let newest_first = || used.iter().rev();
    let same = || newest_first().skip(phase - 1).step_by(phase);
    let count = same().count();
    if count == 0 {
        return None;
    }
    let trend = trend.or_else(|| {
        let last: f64 = newest_first().take(phase).sum();
        let before: f64 = newest_first().skip(phase).take(phase).sum();
        let grows = used.len() >= 2 * phase && before > 0.0;
        grows.then(|| crate::scale::held(last / before, least, most))
    })?;
    Some(same().sum::<f64>() / count as f64 * trend)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const FLOWS: [i64; 4] = [-2_000_000, 900_000, 900_000, 900_000];

    #[test]
    fn the_check_of_present_values_is_met() {
        let values = [0.08, 0.10, 0.14, 0.22].map(|rate| nearest(npv(&FLOWS, rate)));
        assert_eq!(values, [319_387, 238_167, 89_469, -161_983]);
        assert!((roi_adjusted(1.98, 0.2) - 1.584).abs() < 1e-12);
    }

    #[test]
    fn a_rate_of_return_makes_the_present_value_nothing() {
        let rate = irr(&FLOWS, [-0.99, 10.0]).unwrap();
        assert!(npv(&FLOWS, rate).abs() < 1e-3, "{rate}");
        assert!((irr(&[-100, 110], [-0.99, 10.0]).unwrap() - 0.10).abs() < 1e-12);
        assert!((irr(&[100, -110], [-0.99, 10.0]).unwrap() - 0.10).abs() < 1e-12);
    }

    #[test]
    fn without_a_change_of_sign_there_is_no_rate() {
        for flows in [&[100, 100][..], &[-100, -5], &[-100], &[], &[0, 0]] {
            assert_eq!(irr(flows, [-0.99, 10.0]), None, "{flows:?}");
        }
        // Its rate is 20, beyond the end of the search.
        assert_eq!(irr(&[-100, 2_100], [-0.99, 10.0]), None);
        let long: Vec<i64> = [-100].into_iter().chain([1; FLOWS_MAX]).collect();
        assert_eq!(irr(&long, [-0.99, 10.0]), None);
        assert!(irr(&long[..FLOWS_MAX], [-0.99, 10.0]).is_some());
    }

    #[test]
    fn a_rate_at_an_end_of_the_search_is_found() {
        assert_eq!(irr(&[-100, 1_100], [-0.99, 10.0]), Some(10.0));
    }

    #[test]
    fn money_is_back_in_the_first_period_that_reaches_nothing() {
        assert_eq!(payback(&FLOWS), Some(3));
        assert_eq!(payback(&[-100, 100, -500]), Some(1));
        assert_eq!(payback(&[-100, 99]), None);
        assert_eq!((payback(&[5]), payback(&[])), (Some(0), None));
    }

    #[test]
    fn an_error_is_relative_to_what_came() {
        assert!((forecast_error(105.0, 100.0).unwrap() - 0.05).abs() < 1e-12);
        assert!((forecast_error(80.0, 100.0).unwrap() - 0.20).abs() < 1e-12);
        assert_eq!((forecast_error(5.0, 0.0), forecast_error(5.0, -1.0)), (None, None));
    }

    #[test]
    fn a_need_is_the_mean_of_its_phase_times_the_trend() {
        // Phases of 3: the next is like the third and the sixth from the end; the last three grew by a fifth.
        let used = [100.0, 500.0, 400.0, 120.0, 600.0, 480.0];
        let free = [0.0, 100.0];
        let need = |used: &[f64], trend, bounds| next_need(used, 3, trend, bounds);
        assert!((need(&used, None, free).unwrap() - 110.0 * 1.2).abs() < 1e-9);
        assert!((need(&used, Some(2.0), free).unwrap() - 220.0).abs() < 1e-9);
        assert!((need(&used, None, [0.5, 1.1]).unwrap() - 110.0 * 1.1).abs() < 1e-9);
        // One round alone shows no trend, and less than a round no phase.
        assert_eq!(need(&used[..3], None, free), None);
        assert!((need(&used[..3], Some(1.0), free).unwrap() - 100.0).abs() < 1e-9);
        assert_eq!(need(&used[..2], Some(1.0), free), None);
        assert_eq!(need(&[0.0; 6], None, free), None);
    }
}
