//! How much of a reward may go out, from what it brought (domain IN-5).

use playbook_domain::normalise;

/// What a reward did in the trailing 28 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Record {
    /// Attributed output, net of refunds.
    pub output_minor: Option<i64>,
    /// Cost.
    pub cost_minor: Option<i64>,
    /// Days since the reward was first granted.
    pub age_days: Option<i64>,
}

/// What a record says of the reward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// No cost yet or nothing measured: the forecast alone decides.
    Unproven,
    /// In its learning window: the realised check waits.
    Learning,
    /// Output per cost at or above the floor.
    Full,
    /// Below the floor: grants shrink to this share.
    Throttled(f64),
    /// Too far below: nothing goes out.
    Paused,
}

/// Terms of the realised check.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floor {
    /// Output per cost from which on everything goes out.
    pub full: f64,
    /// Output per cost below which nothing goes out.
    pub pause: f64,
    /// Days in which the check waits.
    pub learning_days: i64,
}

/// Returns realised output per unit of cost; none without a cost.
#[must_use]
pub fn realised(record: &Record) -> Option<f64> {
    match (record.output_minor, record.cost_minor) {
        (Some(output), Some(cost)) if cost > 0 => Some(output as f64 / cost as f64),
        _ => None,
    }
}

/// Returns what a record says under the floor.
#[must_use]
pub fn judge(record: &Record, floor: &Floor) -> Verdict {
    if record.age_days.is_some_and(|days| days < floor.learning_days) {
        return Verdict::Learning;
    }
    match realised(record) {
        None => Verdict::Unproven,
        Some(r) if r >= floor.full => Verdict::Full,
        Some(r) if r >= floor.pause => Verdict::Throttled(r / floor.full),
        Some(_) => Verdict::Paused,
    }
}

impl Verdict {
    /// Returns the share of grants that goes out, 0..=1.
    #[must_use]
    pub fn factor(&self) -> f64 {
        match self {
            Self::Unproven | Self::Learning | Self::Full => 1.0,
            Self::Throttled(factor) => *factor,
            Self::Paused => 0.0,
        }
    }
}

/// Returns the shares of volume after `step` of it moved from the reward of the lowest realised output
/// per cost to that of the highest; ties to the lower position.
///
/// Nothing moves with fewer than two proven rewards or where both ends are equal. Shares add up to 1
/// after the call.
#[must_use]
pub fn adapt(shares: &[f64], realised: &[Option<f64>], step: f64) -> Vec<f64> {
    let mut shares = shares.to_vec();
    normalise(&mut shares);
    let proven = || realised.iter().enumerate().filter_map(|(at, r)| r.map(|r| (at, r)));
    // The first of equals: minima keep it by themselves, maxima are searched from the end.
    let low = proven().min_by(|left, right| left.1.total_cmp(&right.1));
    let high = proven().rev().max_by(|left, right| left.1.total_cmp(&right.1));
    if let (Some((low, least)), Some((high, most))) = (low, high)
        && least < most
    {
        let moved = step.min(shares[low]);
        shares[low] -= moved;
        shares[high] += moved;
    }
    shares
}

/// Returns the position whose stretch of `shares` holds `point`, 0..1.
#[must_use]
pub fn pick(shares: &[f64], point: f64) -> Option<usize> {
    let mut end = 0.0;
    for (at, share) in shares.iter().enumerate() {
        end += share;
        if point < end {
            return Some(at);
        }
    }
    shares.iter().rposition(|share| *share > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: Floor = Floor { full: 4.0, pause: 2.0, learning_days: 14 };

    fn record(output: i64, cost: i64) -> Record {
        Record { output_minor: Some(output), cost_minor: Some(cost), age_days: Some(60) }
    }

    #[test]
    fn the_check_of_the_rule_is_met() {
        assert_eq!(realised(&record(360_000, 100_000)), Some(3.6));
        let factor = judge(&record(360_000, 100_000), &FLOOR).factor();
        assert!((factor - 0.9).abs() < 1e-12);
    }

    #[test]
    fn bounds_belong_to_the_milder_verdict() {
        assert_eq!(judge(&record(400, 100), &FLOOR), Verdict::Full);
        assert_eq!(judge(&record(200, 100), &FLOOR), Verdict::Throttled(0.5));
        assert_eq!(judge(&record(199, 100), &FLOOR), Verdict::Paused);
        assert_eq!(judge(&record(-50, 100), &FLOOR), Verdict::Paused);
    }

    #[test]
    fn a_reward_without_cost_or_in_its_first_days_waits() {
        assert_eq!(judge(&record(0, 0), &FLOOR), Verdict::Unproven);
        assert_eq!(judge(&Record::default(), &FLOOR), Verdict::Unproven);
        let young = Record { age_days: Some(13), ..record(0, 100) };
        assert_eq!(judge(&young, &FLOOR), Verdict::Learning);
        assert_eq!(judge(&Record { age_days: Some(14), ..young }, &FLOOR), Verdict::Paused);
    }

    #[test]
    fn volume_moves_from_the_weakest_to_the_strongest() {
        let got = adapt(&[0.5, 0.3, 0.2], &[Some(3.0), Some(5.0), None], 0.1);
        for (got, want) in got.iter().zip([0.4, 0.4, 0.2]) {
            assert!((got - want).abs() < 1e-12);
        }
        assert_eq!(
            adapt(&[0.05, 0.95], &[Some(1.0), Some(2.0)], 0.1)[0].to_bits(),
            0.0_f64.to_bits()
        );
        assert_eq!(adapt(&[1.0, 1.0], &[Some(2.0), Some(2.0)], 0.1), [0.5, 0.5]);
        assert_eq!(adapt(&[1.0, 1.0], &[Some(2.0), None], 0.1), [0.5, 0.5]);
        let ties = adapt(&[0.25; 4], &[Some(1.0), Some(1.0), Some(9.0), Some(9.0)], 0.25);
        assert_eq!(ties, [0.0, 0.25, 0.5, 0.25]);
    }

    #[test]
    fn every_point_picks_a_reward_with_a_share() {
        assert_eq!(pick(&[0.5, 0.0, 0.5], 0.0), Some(0));
        assert_eq!(pick(&[0.5, 0.0, 0.5], 0.5), Some(2));
        assert_eq!(pick(&[0.5, 0.4, 0.0], 0.95), Some(1));
        assert_eq!(pick(&[0.0], 0.5), None);
    }
}
