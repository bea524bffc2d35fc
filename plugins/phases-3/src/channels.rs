//! Weights of channels from their health (domain RO-9) inside the band of core platforms (RO-10).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use playbook_domain::{Known, held, mean, normalise, reached};

use crate::Settings;

/// One channel as the host measured it; `none` where there was nothing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Channel {
    /// Share of the budget so far.
    pub weight: Option<f64>,
    /// Output per unit of cost.
    pub roi: Option<f64>,
    /// Weekly active members per member.
    pub wau_ratio: Option<f64>,
    /// Messages that arrived per message sent.
    pub delivery_rate: Option<f64>,
    /// Complaints per message that arrived.
    pub complaint_rate: Option<f64>,
    /// One of the core platforms.
    pub core: bool,
    /// On trial, with a ceiling.
    pub trial: bool,
}

/// Returns the health of a channel, 0..=1, or none where less than half of the weight is known.
#[must_use]
pub fn health(channel: &Channel, rules: &Settings) -> Option<f64> {
    let parts = [
        (0.4, channel.roi.map(|v| reached(v, rules.roi_full))),
        (0.2, channel.wau_ratio.map(|v| reached(v, rules.wau_full))),
        (0.2, channel.delivery_rate.map(|v| reached(v, 1.0))),
        (0.2, channel.complaint_rate.map(|v| 1.0 - reached(v, rules.complaint_worst))),
    ];
    Known::of(parts).mean(1.0)
}

/// Returns the new weights, adding up to 1, from the old ones and the health of each channel.
///
/// A channel of unknown health keeps its weight before normalising. A missing weight is the least one; where
/// all are missing, all are equal.
#[must_use]
pub fn reweigh(channels: &[Channel], health: &[Option<f64>], rules: &Settings) -> Vec<f64> {
    let mean = mean(health, 1).unwrap_or(0.0);
    let mut weights = old_weights(channels, rules);
    for ((weight, channel), health) in weights.iter_mut().zip(channels).zip(health) {
        let wanted = *weight * (1.0 + health.map_or(0.0, |h| rules.health_pull * (h - mean)));
        let limited = held(
            wanted,
            *weight * (1.0 - rules.weight_change_max),
            *weight * (1.0 + rules.weight_change_max),
        );
        let floored = limited.max(rules.weight_min);
        *weight = if channel.trial { floored.min(rules.trial_weight_max) } else { floored };
    }
    normalise(&mut weights);
    hold_core_share(channels, &mut weights, rules.core_share);
    weights
}

fn old_weights(channels: &[Channel], rules: &Settings) -> Vec<f64> {
    let mut weights: Vec<f64> = if channels.iter().all(|channel| channel.weight.is_none()) {
        vec![1.0; channels.len()]
    } else {
        channels
            .iter()
            .map(|channel| channel.weight.map_or(rules.weight_min, |w| w.max(0.0)))
            .collect()
    };
    normalise(&mut weights);
    weights
}

/// Scales both groups to the nearest bound where the core sum leaves its band.
fn hold_core_share(channels: &[Channel], weights: &mut [f64], [least, most]: [f64; 2]) {
    let core: f64 = weights.iter().zip(channels).filter(|(_, c)| c.core).map(|(w, _)| w).sum();
    let other = 1.0 - core;
    let both = channels.iter().any(|c| c.core) && channels.iter().any(|c| !c.core);
    if !both || core <= 0.0 || other <= 0.0 {
        return;
    }
    let held = held(core, least, most);
    for (weight, channel) in weights.iter_mut().zip(channels) {
        *weight *= if channel.core { held / core } else { (1.0 - held) / other };
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
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn channel(weight: f64, core: bool) -> Channel {
        Channel { weight: Some(weight), core, ..Channel::default() }
    }

    #[test]
    fn the_four_channels_of_the_check_get_their_weights() {
        let channels =
            [channel(0.30, true), channel(0.28, true), channel(0.22, false), channel(0.20, false)];
        let weights = reweigh(&channels, &[0.8, 0.6, 0.5, 0.3].map(Some), &Settings::default());
        for (got, want) in weights.iter().zip([0.3243, 0.2757, 0.2203, 0.1797]) {
            assert!((got - want).abs() < 5e-5, "{weights:?}");
        }
    }

    #[test]
    fn health_adds_its_four_parts() {
        let full = Channel {
            roi: Some(1.6),
            wau_ratio: Some(0.15),
            delivery_rate: Some(0.9),
            complaint_rate: Some(0.002),
            ..Channel::default()
        };
        assert!(
            (health(&full, &Settings::default()).unwrap() - (0.2 + 0.1 + 0.18 + 0.16)).abs()
                < 1e-12
        );
        // The return and one more part are enough; two small parts are not.
        let half = Channel { roi: Some(6.4), wau_ratio: Some(0.0), ..Channel::default() };
        assert!((health(&half, &Settings::default()).unwrap() - 0.4 / 0.6).abs() < 1e-12);
        let thin =
            Channel { delivery_rate: Some(1.0), complaint_rate: Some(0.0), ..Channel::default() };
        assert_eq!(health(&thin, &Settings::default()), None);
    }

    #[test]
    fn a_channel_on_trial_stays_at_its_ceiling_before_normalising() {
        let trial = Channel { trial: true, ..channel(0.5, false) };
        let weights = reweigh(&[channel(0.5, false), trial], &[None, None], &Settings::default());
        assert!((weights[1] - 0.1 / 0.6).abs() < 1e-12);
    }

    #[test]
    fn weights_move_a_fifth_at_most_and_none_means_equal() {
        let rules = Settings { health_pull: 5.0, ..Settings::default() };
        let weights =
            reweigh(&[channel(0.5, false), channel(0.5, false)], &[Some(1.0), Some(0.0)], &rules);
        assert!((weights[0] - 0.6).abs() < 1e-12 && (weights[1] - 0.4).abs() < 1e-12);
        assert_eq!(reweigh(&[Channel::default(); 4], &[None; 4], &Settings::default()), [0.25; 4]);
        assert!(reweigh(&[], &[], &Settings::default()).is_empty());
    }

    #[test]
    fn a_low_core_sum_is_lifted_to_the_band() {
        let weights = reweigh(
            &[channel(0.2, true), channel(0.8, false)],
            &[None, None],
            &Settings::default(),
        );
        assert!((weights[0] - 0.55).abs() < 1e-12 && (weights[1] - 0.45).abs() < 1e-12);
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
}
