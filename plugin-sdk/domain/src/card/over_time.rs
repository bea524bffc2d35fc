//! What a card sees over its last evaluations: falls, runs, plans that stay open (domain 0.1, DG-3, DG-4).

/// Rounding of sums such as 4.2 - 2.7, which are meant to reach their bound.
const ROUNDING: f64 = 1e-9;

/// Returns how many evaluations in a row have met a condition, this one included; none without a measure.
///
/// `before` holds what was returned one and two evaluations ago: one without a measure leaves the count as it is, two
/// of them in a row start it again.
#[must_use]
pub fn run(before: [Option<i64>; 2], met: Option<bool>) -> Option<i64> {
    let so_far = before[0].or(before[1]).unwrap_or(0).max(0);
    Some(if met? { so_far.saturating_add(1) } else { 0 })
}

/// Whether a score fell twice in a row: by at least `by` in both steps together, or in `each` of them.
///
/// `before` holds the scores one and two evaluations ago.
#[must_use]
pub fn falls(before: [Option<f64>; 2], now: Option<f64>, by: f64, each: bool) -> bool {
    let (Some(now), [Some(last), Some(first)]) = (now, before) else { return false };
    let steps = [first - last, last - now];
    let fell = |step: f64, by: f64| step > 0.0 && step >= by - ROUNDING;
    if each {
        steps.iter().all(|step| fell(*step, by))
    } else {
        steps.iter().all(|step| fell(*step, 0.0)) && fell(first - now, by)
    }
}

/// Whether one score rose twice in a row while another fell twice in a row; the earliest first.
#[must_use]
pub fn diverges(up: [Option<f64>; 3], down: [Option<f64>; 3]) -> bool {
    let rises = |of: [Option<f64>; 3]| matches!(of, [Some(first), Some(last), Some(now)] if first < last && last < now);
    rises(up) && rises(down.map(|score| score.map(|score| -score)))
}

/// Whether a plan is open: from a value below `open_below` until one of at least `close_at`; without a value as before.
#[must_use]
pub fn latch(
    was_open: Option<bool>,
    now: Option<f64>,
    open_below: f64,
    close_at: f64,
) -> Option<bool> {
    match now {
        None => was_open,
        Some(now) => Some(now < open_below || was_open == Some(true) && now < close_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_outlives_one_gap_and_not_two() {
        let mut before = [None, None];
        let mut next = |met| {
            let now = run(before, met);
            before = [now, before[0]];
            now
        };
        assert_eq!(
            [Some(true), Some(true), None, Some(true)].map(&mut next),
            [Some(1), Some(2), None, Some(3)]
        );
        assert_eq!([None, None, Some(true)].map(&mut next), [None, None, Some(1)]);
        assert_eq!([Some(false), Some(true)].map(&mut next), [Some(0), Some(1)]);
    }

    #[test]
    fn a_fall_counts_two_steps_down() {
        let together = |first, last, now| falls([Some(last), Some(first)], Some(now), 1.5, false);
        assert!(together(4.2, 3.6, 2.6) && together(4.2, 3.0, 2.7));
        assert!(!together(4.2, 2.5, 2.6) && !together(4.2, 4.2, 2.0) && !together(4.2, 3.6, 2.8));
        let each = |first, last, now| falls([Some(last), Some(first)], Some(now), 1.5, true);
        assert!(each(4.5, 3.0, 1.5) && !each(4.2, 3.6, 2.0) && !each(4.2, 2.6, 1.4));
        for before in [[None, Some(4.2)], [Some(3.6), None]] {
            assert!(!falls(before, Some(1.0), 1.5, false));
        }
        assert!(!falls([Some(3.6), Some(4.2)], None, 1.5, false));
    }

    #[test]
    fn scores_diverge_over_two_steps() {
        let some = |of: [f64; 3]| of.map(Some);
        assert!(diverges(some([1.0, 2.0, 3.0]), some([3.0, 2.0, 1.0])));
        assert!(!diverges(some([1.0, 2.0, 2.0]), some([3.0, 2.0, 1.0])));
        assert!(!diverges(some([1.0, 2.0, 3.0]), some([3.0, 3.0, 1.0])));
        assert!(!diverges([None, Some(2.0), Some(3.0)], some([3.0, 2.0, 1.0])));
    }

    #[test]
    fn a_plan_stays_open_until_its_close() {
        let open = |was, now| latch(was, now, 80.0, 95.0);
        assert_eq!([79.9, 80.0].map(|now| open(None, Some(now))), [Some(true), Some(false)]);
        assert_eq!([94.9, 95.0].map(|now| open(Some(true), Some(now))), [Some(true), Some(false)]);
        assert_eq!(open(Some(false), Some(90.0)), Some(false));
        assert_eq!([open(Some(true), None), open(None, None)], [Some(true), None]);
    }
}
