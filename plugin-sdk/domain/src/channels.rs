//! Weights of channels from their health (domain RO-9) inside the band of core platforms (RO-10).

use crate::mean::{Known, mean};
use crate::scale::{held, reached};
use crate::share::normalise;

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

/// What counts as full in each part of a channel's health, and what each part weighs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HealthTerms {
    /// Weights of return, activity, delivery and complaints.
    pub parts: [f64; 4],
    /// Return that counts as full.
    pub roi_full: f64,
    /// Weekly activity that counts as full.
    pub wau_full: f64,
    /// Complaint rate that leaves nothing of its part.
    pub complaint_worst: f64,
}

impl HealthTerms {
    /// Returns the health of a channel by the parts that are known.
    #[must_use]
    pub fn health(&self, channel: &Channel) -> Known {
        let [roi, activity, delivery, complaints] = self.parts;
        Known::of([
            (roi, channel.roi.map(|v| reached(v, self.roi_full))),
            (activity, channel.wau_ratio.map(|v| reached(v, self.wau_full))),
            (delivery, channel.delivery_rate.map(|v| reached(v, 1.0))),
            (complaints, channel.complaint_rate.map(|v| 1.0 - reached(v, self.complaint_worst))),
        ])
    }
}

/// How far health moves a weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightTerms {
    /// How strongly health moves a weight.
    pub pull: f64,
    /// Greatest relative change of a weight.
    pub change_max: f64,
    /// Least weight of a channel.
    pub least: f64,
    /// Greatest weight of a channel on trial.
    pub trial_most: f64,
}

impl WeightTerms {
    /// Returns the weights so far, adding up to 1. A missing weight is the least one; where all are missing, all
    /// are equal.
    #[must_use]
    pub fn old(&self, channels: &[Channel]) -> Vec<f64> {
        let mut weights: Vec<f64> = if channels.iter().all(|channel| channel.weight.is_none()) {
            vec![1.0; channels.len()]
        } else {
            channels
                .iter()
                .map(|channel| channel.weight.map_or(self.least, |w| w.max(0.0)))
                .collect()
        };
        normalise(&mut weights);
        weights
    }

    /// Moves `weights` by the health of each channel: limit of the change, floor, ceiling of trials, then
    /// normalised.
    ///
    /// A channel of unknown health keeps its weight before normalising.
    pub fn reweigh(&self, weights: &mut [f64], channels: &[Channel], health: &[Option<f64>]) {
        let mean = mean(health, 1).unwrap_or(0.0);
        for ((weight, channel), health) in weights.iter_mut().zip(channels).zip(health) {
            let wanted = *weight * (1.0 + health.map_or(0.0, |h| self.pull * (h - mean)));
            let limited =
                held(wanted, *weight * (1.0 - self.change_max), *weight * (1.0 + self.change_max));
            let floored = limited.max(self.least);
            *weight = if channel.trial { floored.min(self.trial_most) } else { floored };
        }
        normalise(weights);
    }
}

/// Scales core platforms and others to the nearest bound where the core sum of `weights`, which add up to 1,
/// leaves its band. Returns the core sum before; none where only one of the groups has weight.
pub fn hold_core_share(
    weights: &mut [f64],
    is_core: impl Fn(usize) -> bool,
    [least, most]: [f64; 2],
) -> Option<f64> {
    let places = 0..weights.len();
    let core: f64 = places.clone().filter(|at| is_core(*at)).map(|at| weights[at]).sum();
    let other = 1.0 - core;
    let both = places.clone().any(&is_core) && places.clone().any(|at| !is_core(at));
    if !both || core <= 0.0 || other <= 0.0 {
        return None;
    }
    let held = held(core, least, most);
    for at in places {
        weights[at] *= if is_core(at) { held / core } else { (1.0 - held) / other };
    }
    Some(core)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const HEALTH: HealthTerms = HealthTerms {
        parts: [0.4, 0.2, 0.2, 0.2],
        roi_full: 3.2,
        wau_full: 0.30,
        complaint_worst: 0.01,
    };
    const WEIGHT: WeightTerms =
        WeightTerms { pull: 0.5, change_max: 0.20, least: 0.05, trial_most: 0.10 };

    fn channel(weight: f64, core: bool) -> Channel {
        Channel { weight: Some(weight), core, ..Channel::default() }
    }

    fn reweigh(terms: &WeightTerms, channels: &[Channel], health: &[Option<f64>]) -> Vec<f64> {
        let mut weights = terms.old(channels);
        terms.reweigh(&mut weights, channels, health);
        hold_core_share(&mut weights, |at| channels[at].core, [0.55, 0.60]);
        weights
    }

    #[test]
    fn the_four_channels_of_the_check_get_their_weights() {
        let channels =
            [channel(0.30, true), channel(0.28, true), channel(0.22, false), channel(0.20, false)];
        let weights = reweigh(&WEIGHT, &channels, &[0.8, 0.6, 0.5, 0.3].map(Some));
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
        let health = |channel: &Channel| HEALTH.health(channel).mean(1.0);
        assert!((health(&full).unwrap() - (0.2 + 0.1 + 0.18 + 0.16)).abs() < 1e-12);
        // The return and one more part are enough; two small parts are not.
        let half = Channel { roi: Some(6.4), wau_ratio: Some(0.0), ..Channel::default() };
        assert!((health(&half).unwrap() - 0.4 / 0.6).abs() < 1e-12);
        let thin =
            Channel { delivery_rate: Some(1.0), complaint_rate: Some(0.0), ..Channel::default() };
        assert_eq!(health(&thin), None);
    }

    #[test]
    fn a_channel_on_trial_stays_at_its_ceiling_before_normalising() {
        let trial = Channel { trial: true, ..channel(0.5, false) };
        let weights = reweigh(&WEIGHT, &[channel(0.5, false), trial], &[None, None]);
        assert!((weights[1] - 0.1 / 0.6).abs() < 1e-12);
    }

    #[test]
    fn weights_move_a_fifth_at_most_and_none_means_equal() {
        let hard = WeightTerms { pull: 5.0, ..WEIGHT };
        let pair = [channel(0.5, false), channel(0.5, false)];
        let weights = reweigh(&hard, &pair, &[Some(1.0), Some(0.0)]);
        assert!((weights[0] - 0.6).abs() < 1e-12 && (weights[1] - 0.4).abs() < 1e-12);
        assert_eq!(reweigh(&WEIGHT, &[Channel::default(); 4], &[None; 4]), [0.25; 4]);
        assert!(reweigh(&WEIGHT, &[], &[]).is_empty());
    }

    #[test]
    fn a_low_core_sum_is_lifted_to_the_band() {
        let weights = reweigh(&WEIGHT, &[channel(0.2, true), channel(0.8, false)], &[None, None]);
        assert!((weights[0] - 0.55).abs() < 1e-12 && (weights[1] - 0.45).abs() < 1e-12);
    }

    #[test]
    fn one_group_alone_is_left_as_it_is() {
        let mut weights = [0.3, 0.7];
        assert_eq!(hold_core_share(&mut weights, |_| true, [0.55, 0.60]), None);
        assert_eq!(hold_core_share(&mut weights, |_| false, [0.55, 0.60]), None);
        assert_eq!(weights, [0.3, 0.7]);
    }
}
