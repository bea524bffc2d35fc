//! The shifted beta-geometric model of renewals (Fader and Hardie 2007): likelihood, fit and expectations.
//!
//! At each renewal a subscriber ends with a share of a beta distribution (alpha, beta) of its own, so that those who
//! have stayed long stay more surely.

use playbook_domain::fit::{Likeliest, Numbers, likeliest};
use playbook_domain::special::ln;

/// Parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retention {
    /// First shape of the shares of ending.
    pub alpha: f64,
    /// Second shape of them.
    pub beta: f64,
}

/// Subscribers by renewals: how many run and how many ended right after so many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renewals {
    /// Subscriptions that run, by renewals so far.
    pub running: Vec<u64>,
    /// Subscriptions that ended, by renewals before.
    pub ended: Vec<u64>,
}

impl Renewals {
    /// Counts a subscriber.
    pub fn add(&mut self, renewals: usize, ended: bool) {
        let counts = if ended { &mut self.ended } else { &mut self.running };
        counts.resize(counts.len().max(renewals + 1), 0);
        counts[renewals] += 1;
    }

    /// Counts those of another count too.
    pub fn join(&mut self, other: &Self) {
        for (mine, theirs) in [(&mut self.running, &other.running), (&mut self.ended, &other.ended)]
        {
            mine.resize(mine.len().max(theirs.len()), 0);
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine += theirs;
            }
        }
    }

    /// Subscribers, those who ended, and those who renewed.
    #[must_use]
    pub fn totals(&self) -> [u64; 3] {
        let all = |counts: &[u64]| counts.iter().sum::<u64>();
        let new = [&self.running, &self.ended].map(|counts| counts.first().copied().unwrap_or(0));
        let (running, ended) = (all(&self.running), all(&self.ended));
        [running + ended, ended, running + ended - new[0] - new[1]]
    }

    /// Of each renewal, from the first: who was asked for it and who ended instead.
    fn asked(&self) -> Vec<(f64, f64)> {
        let longest = self.running.len().max(self.ended.len());
        let at = |counts: &[u64], at: usize| counts.get(at).copied().unwrap_or(0);
        let mut later = 0;
        let mut asked: Vec<(f64, f64)> = (0..longest)
            .rev()
            .map(|renewals| {
                let ended = at(&self.ended, renewals);
                let asked = later + ended;
                later += ended + at(&self.running, renewals);
                (asked as f64, ended as f64)
            })
            .collect();
        asked.reverse();
        asked
    }

    /// Fits alpha and beta. Somebody must have ended and somebody renewed, else the likelihood has no maximum.
    #[must_use]
    pub fn fit(&self) -> Likeliest {
        let asked = self.asked();
        let members: f64 = self.totals()[0] as f64;
        likeliest(2, members, &|parameters| log_likelihood(&asked, parameters))
    }

    /// Greatest gap between the share of subscribers whom the model expects to stay for so many renewals and those who did
    /// (Kaplan and Meier), over renewals that at least `least` were asked for.
    #[must_use]
    pub fn calibration_error(&self, model: &Retention, least: f64) -> f64 {
        let (mut made, mut expected, mut greatest) = (1.0, 1.0, 0.0_f64);
        for (renewals, (asked, ended)) in self.asked().into_iter().enumerate() {
            if asked < least {
                break;
            }
            made *= 1.0 - ended / asked;
            expected *= model.renews(renewals as f64);
            greatest = greatest.max((made - expected).abs());
        }
        greatest
    }
}

/// Log-likelihood of all subscribers and its slope on (alpha, beta): of each renewal, who ended and who did not.
fn log_likelihood(asked: &[(f64, f64)], &[alpha, beta, ..]: &Numbers) -> (f64, Numbers) {
    let (mut sum, mut slope) = (0.0, [0.0; 4]);
    for (renewals, (asked, ended)) in asked.iter().enumerate() {
        let (stays, whole) = (beta + renewals as f64, alpha + beta + renewals as f64);
        let renewed = asked - ended;
        sum += ended * ln(alpha / whole) + renewed * ln(stays / whole);
        slope[0] += ended / alpha - asked / whole;
        slope[1] += renewed / stays - asked / whole;
    }
    (sum, slope)
}

impl Retention {
    /// Returns the probability that a subscriber of so many renewals renews again.
    #[must_use]
    pub fn renews(&self, renewals: f64) -> f64 {
        (self.beta + renewals) / (self.alpha + self.beta + renewals)
    }

    /// Returns the renewals to come within `horizon`, each worth `kept` times the one before.
    #[must_use]
    pub fn expected(&self, renewals: f64, horizon: u32, kept: f64) -> f64 {
        let (mut stays, mut sum) = (1.0, 0.0);
        for ahead in 0..horizon {
            stays *= self.renews(renewals + f64::from(ahead)) * kept;
            sum += stays;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slope_agrees_with_differences() {
        let mut counts = Renewals::default();
        for (renewals, ended) in
            [(0, true), (0, true), (1, false), (3, true), (5, false), (0, false)]
        {
            counts.add(renewals, ended);
        }
        let asked = counts.asked();
        assert_eq!(asked, [(5.0, 2.0), (2.0, 0.0), (2.0, 0.0), (2.0, 1.0), (1.0, 0.0), (0.0, 0.0)]);
        let at = [0.7, 2.5, 1.0, 1.0];
        let (_, slope) = log_likelihood(&asked, &at);
        for i in 0..2 {
            let mut shifted = [at, at];
            shifted[0][i] -= 1e-6;
            shifted[1][i] += 1e-6;
            let [below, above] = shifted.map(|p| log_likelihood(&asked, &p).0);
            assert!(((above - below) / 2e-6 - slope[i]).abs() < 1e-7, "{i}");
        }
    }

    #[test]
    fn counts_join_in_any_order() {
        let (mut left, mut right) = (Renewals::default(), Renewals::default());
        left.add(3, true);
        left.add(0, false);
        right.add(7, false);
        let mut both = left.clone();
        both.join(&right);
        right.join(&left);
        assert_eq!(both, right);
        assert_eq!(both.totals(), [3, 1, 2]);
    }

    #[test]
    fn expectations_are_sums_of_survival() {
        let model = Retention { alpha: 0.668, beta: 3.806 };
        assert!((model.renews(0.0) - 3.806 / 4.474).abs() < 1e-12);
        // Those who stay, stay more surely.
        assert!(model.renews(5.0) > model.renews(0.0));
        let two = model.renews(1.0) * (1.0 + model.renews(2.0));
        assert!((model.expected(1.0, 2, 1.0) - two).abs() < 1e-12);
        let kept = 0.9;
        let less = kept * model.renews(1.0) * (1.0 + kept * model.renews(2.0));
        assert!((model.expected(1.0, 2, kept) - less).abs() < 1e-12);
    }
}
