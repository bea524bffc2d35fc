//! Tiers by monthly interactions, with downward moves held back (domain SG-1).

/// Number of tiers.
pub const TIERS: usize = 4;

/// Returns the tier of a count, 0 for silent to 3 for core; `bounds` are the least counts of tiers 1 to 3.
#[must_use]
pub fn tier(interactions: i64, bounds: [i64; TIERS - 1]) -> usize {
    bounds.iter().filter(|bound| interactions >= **bound).count()
}

/// Where a member stood at the last evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stood {
    /// The tier that was given.
    pub tier: usize,
    /// Evaluations in a row, up to then, in which the count alone gave a lower tier.
    pub lower_run: i64,
}

/// Returns where a member stands now: up at once, down after `cycles` lower evaluations in a row.
///
/// Without an earlier evaluation the count alone decides; `cycles` of 0 or 1 hold nothing back.
#[must_use]
pub fn settle(counted: usize, before: Option<Stood>, cycles: i64) -> Stood {
    match before {
        Some(before) if counted < before.tier => {
            let lower_run = before.lower_run.max(0).saturating_add(1);
            if lower_run >= cycles {
                Stood { tier: counted, lower_run: 0 }
            } else {
                Stood { tier: before.tier, lower_run }
            }
        }
        _ => Stood { tier: counted, lower_run: 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [i64; 3] = [1, 11, 51];

    #[test]
    fn bounds_belong_to_the_upper_tier() {
        for (count, want) in
            [(-3, 0), (0, 0), (1, 1), (10, 1), (11, 2), (50, 2), (51, 3), (i64::MAX, 3)]
        {
            assert_eq!(tier(count, BOUNDS), want, "{count}");
        }
    }

    fn walk(counted: &[usize], cycles: i64) -> Vec<usize> {
        let mut before = None;
        let mut tiers = Vec::new();
        for counted in counted {
            let now = settle(*counted, before, cycles);
            tiers.push(now.tier);
            before = Some(now);
        }
        tiers
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
        assert_eq!(settle(0, None, 9).tier, 0);
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
