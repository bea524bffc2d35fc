//! Who is due what: agreements, points by grade, and the pool by contribution (domain IN-8).

use playbook_domain::{floored, split};

/// How a payee takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A basic agreement: nothing is due here.
    Agreement,
    /// Points by the grade, 0 for the best.
    Points(usize),
    /// A share of the pool by contribution.
    Share,
}

/// What one payee is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Due {
    /// Minor units out of the pool.
    pub payout_minor: i64,
    /// Margin that the payout stands for.
    pub margin_minor: i64,
}

/// Returns the pool: the rate of the attributed margin, rounded down; nothing of a loss.
#[must_use]
pub fn pool_minor(margin_minor: i64, rate: f64) -> i64 {
    floored(margin_minor.max(0) as f64 * rate)
}

/// Splits the pool by contribution, to the unit: the payouts add up to the pool wherever somebody contributed. A
/// missing or negative contribution is due nothing.
#[must_use]
pub fn dues(pool_minor: i64, margin_minor: i64, contributions: &[Option<f64>]) -> Vec<Due> {
    let shares: Vec<f64> =
        contributions.iter().map(|contribution| contribution.unwrap_or(0.0).max(0.0)).collect();
    let margins = split(margin_minor, &shares);
    (split(pool_minor, &shares).into_iter().zip(margins))
        .map(|(payout_minor, margin_minor)| Due { payout_minor, margin_minor })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payouts_add_up_to_the_pool_to_the_unit() {
        let contributions = [Some(1.0), Some(1.0), None, Some(1.0), Some(-4.0), Some(0.0)];
        for pool in [0, 1, 2, 100, 1_000_001, 99_999_999_999] {
            let dues = dues(pool, 10 * pool, &contributions);
            assert_eq!(dues.iter().map(|due| due.payout_minor).sum::<i64>(), pool, "{pool}");
            assert!([2, 4, 5].iter().all(|at| dues[*at] == Due::default()));
        }
    }

    #[test]
    fn nobody_is_paid_where_nobody_contributed() {
        assert_eq!(dues(100, 1_000, &[None, Some(0.0)]), [Due::default(); 2]);
        assert_eq!(dues(100, 1_000, &[]), []);
    }

    #[test]
    fn a_pool_rounds_down_and_a_loss_fills_none() {
        assert_eq!(pool_minor(10_009, 0.10), 1_000);
        assert_eq!((pool_minor(-500, 0.10), pool_minor(0, 0.10)), (0, 0));
    }
}
