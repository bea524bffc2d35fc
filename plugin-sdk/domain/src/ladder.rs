//! Ladders of tiers and levels: where a value stands, and how falls are held back (domain SG-1).

/// Returns how many of the ascending `bounds` a value reaches: 0 below the first, a bound belongs above.
#[inline]
#[must_use]
pub fn rung<T: PartialOrd>(value: T, bounds: &[T]) -> usize {
    bounds.iter().filter(|bound| value >= **bound).count()
}

/// Where somebody stood at the last evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stood {
    /// The rung that was given.
    pub rung: usize,
    /// Evaluations in a row, up to then, in which the value alone gave a lower rung.
    pub lower_run: i64,
}

/// Returns where somebody stands now: up at once, down after `cycles` lower evaluations in a row.
///
/// Without an earlier evaluation the value alone decides; `cycles` of 0 or 1 hold nothing back.
#[inline]
#[must_use]
pub fn settle(counted: usize, before: Option<Stood>, cycles: i64) -> Stood {
    match before {
        Some(before) if counted < before.rung => {
            let lower_run = before.lower_run.max(0).saturating_add(1);
            if lower_run >= cycles {
                Stood { rung: counted, lower_run: 0 }
            } else {
                Stood { rung: before.rung, lower_run }
            }
        }
        _ => Stood { rung: counted, lower_run: 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_belong_to_the_upper_rung() {
        for (count, want) in
            [(-3, 0), (0, 0), (1, 1), (10, 1), (11, 2), (50, 2), (51, 3), (i64::MAX, 3)]
        {
            assert_eq!(rung(count, &[1, 11, 51]), want, "{count}");
        }
        assert_eq!(rung(f64::NAN, &[0.0]), 0);
    }

    fn walk(counted: &[usize], cycles: i64) -> Vec<usize> {
        let mut before = None;
        let step = |counted: &usize| {
            let now = settle(*counted, before, cycles);
            before = Some(now);
            now.rung
        };
        counted.iter().map(step).collect()
    }

    #[test]
    fn a_fall_waits_for_a_second_lower_evaluation() {
        assert_eq!(walk(&[3, 2, 2, 2], 2), [3, 3, 2, 2]);
        assert_eq!(walk(&[3, 0, 1], 2), [3, 3, 1]);
        assert_eq!(walk(&[3, 2, 3, 2, 2], 2), [3, 3, 3, 3, 2]);
    }

    #[test]
    fn a_rise_and_a_first_evaluation_do_not_wait() {
        assert_eq!(walk(&[0, 3], 2), [0, 3]);
        assert_eq!(settle(0, None, 9).rung, 0);
    }

    #[test]
    fn one_cycle_or_none_moves_down_at_once() {
        assert_eq!(walk(&[3, 1], 1), [3, 1]);
        assert_eq!(walk(&[3, 1], 0), [3, 1]);
    }

    #[test]
    fn three_cycles_wait_for_the_third() {
        assert_eq!(walk(&[2, 1, 1, 1], 3), [2, 2, 2, 1]);
    }
}
