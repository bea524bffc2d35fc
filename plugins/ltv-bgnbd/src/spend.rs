//! The Gamma-Gamma model of spend per order (Fader and Hardie 2013): likelihood, fit and expectation.

use playbook_sdk::libm::log as ln;

use crate::minimise::{exponentials, likeliest};
use crate::special::{digamma, ln_gamma};

/// Spend of equal repeat buyers over their repeat days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Purse {
    /// Days with an order after the first one, at least 1.
    pub repeat_days: i64,
    /// Spend on those days together in minor units, at least 1.
    pub repeat_spend_minor: i64,
}

/// Parameters; `v` is in the money unit that the fit was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spend {
    /// Shape of the spend of one member.
    pub p: f64,
    /// Shape of the spread between members; the mean exists only above 1.
    pub q: f64,
    /// Scale of the spread between members.
    pub v: f64,
}

/// How a fit went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpendFit {
    /// The parameters of greatest likelihood.
    pub spend: Spend,
    /// Greatest slope of the mean log-likelihood on the logarithms of the parameters.
    pub slope_max: f64,
    /// Steps of the search.
    pub rounds: u32,
    /// Correlation of repeat days and mean spend; the model assumes that it is near 0.
    pub correlation: f64,
}

/// Repeat buyers of one repeat count.
struct Rung {
    repeats: f64,
    buyers: f64,
    /// Mean spend in units of the population mean, and buyers, of each distinct mean.
    means: Vec<(f64, f64)>,
}

/// Fits the three parameters to purses and their buyer counts, sorted by purse.
///
/// `unit_minor` is the money unit of `v` in minor units. The list must not be empty.
#[must_use]
pub fn fit(groups: &[(Purse, u32)], unit_minor: f64) -> SpendFit {
    let buyers: f64 = groups.iter().map(|(_, buyers)| f64::from(*buyers)).sum();
    let mean_minor =
        groups.iter().map(|(purse, n)| mean_of(*purse) * f64::from(*n)).sum::<f64>() / buyers;
    let rungs = rungs(groups, mean_minor);
    let found = likeliest(3, buyers, &|parameters| log_likelihood(&rungs, parameters));
    let [p, q, v] = three(&exponentials(&found.at));
    SpendFit {
        spend: Spend { p, q, v: v * mean_minor / unit_minor },
        slope_max: found.slope_max,
        rounds: found.rounds,
        correlation: correlation(groups),
    }
}

fn mean_of(purse: Purse) -> f64 {
    purse.repeat_spend_minor as f64 / purse.repeat_days as f64
}

fn rungs(groups: &[(Purse, u32)], mean_minor: f64) -> Vec<Rung> {
    let mut rungs: Vec<Rung> = Vec::new();
    let mut repeat_days = -1;
    for (purse, buyers) in groups {
        let buyers = f64::from(*buyers);
        if purse.repeat_days != repeat_days {
            repeat_days = purse.repeat_days;
            rungs.push(Rung { repeats: repeat_days as f64, buyers: 0.0, means: Vec::new() });
        }
        if let Some(rung) = rungs.last_mut() {
            rung.buyers += buyers;
            rung.means.push((mean_of(*purse) / mean_minor, buyers));
        }
    }
    rungs
}

/// Log-likelihood of all repeat buyers and its slope on (p, q, v).
fn log_likelihood(rungs: &[Rung], parameters: &[f64]) -> (f64, Vec<f64>) {
    let [p, q, v] = three(parameters);
    let mut sum = 0.0;
    let mut slope = [0.0; 3];
    let (gamma_q, psi_q, ln_v) = (ln_gamma(q), digamma(q), ln(v));
    for rung in rungs {
        let x = rung.repeats;
        let (shape, ln_x) = (p * x, ln(x));
        let psi_joint = digamma(shape + q);
        let (gap_p, gap_q) = (psi_joint - digamma(shape) + ln_x, psi_joint - psi_q + ln_v);
        sum += rung.buyers
            * (ln_gamma(shape + q) - ln_gamma(shape) - gamma_q + q * ln_v + shape * ln_x);
        slope[2] += rung.buyers * q / v;
        for &(mean, buyers) in &rung.means {
            let (total, ln_mean) = (v + x * mean, ln(mean));
            let ln_total = ln(total);
            sum += buyers * ((shape - 1.0) * ln_mean - (shape + q) * ln_total);
            slope[0] += buyers * x * (gap_p + ln_mean - ln_total);
            slope[1] += buyers * (gap_q - ln_total);
            slope[2] -= buyers * (shape + q) / total;
        }
    }
    (sum, slope.to_vec())
}

/// The parameters of a search that began with three.
fn three(parameters: &[f64]) -> [f64; 3] {
    std::array::from_fn(|at| parameters[at])
}

/// Pearson correlation of repeat days and mean spend; 0 where either does not vary.
fn correlation(groups: &[(Purse, u32)]) -> f64 {
    let (mut n, mut x, mut z) = (0.0, 0.0, 0.0);
    for (purse, buyers) in groups {
        let weight = f64::from(*buyers);
        n += weight;
        x += weight * purse.repeat_days as f64;
        z += weight * mean_of(*purse);
    }
    let (mut xx, mut zz, mut xz) = (0.0, 0.0, 0.0);
    for (purse, buyers) in groups {
        let weight = f64::from(*buyers);
        let (dx, dz) = (purse.repeat_days as f64 - x / n, mean_of(*purse) - z / n);
        xx += weight * dx * dx;
        zz += weight * dz * dz;
        xz += weight * dx * dz;
    }
    if xx > 0.0 && zz > 0.0 { xz / (xx * zz).sqrt() } else { 0.0 }
}

impl Spend {
    /// Returns the expected spend per order of a member, in the unit of `v`; `mean` is that of the
    /// repeat orders, without meaning where `repeats` is 0. The parameter `q` must be above 1.
    #[must_use]
    pub fn expected(&self, repeats: f64, mean: f64) -> f64 {
        self.p * (self.v + repeats * mean) / (self.p * repeats + self.q - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: Spend = Spend { p: 6.25, q: 3.74, v: 15.45 };

    #[test]
    fn expectation_lies_between_population_and_own_mean() {
        let population = PRINTED.expected(0.0, 0.0);
        assert!((population - 6.25 * 15.45 / 2.74).abs() < 1e-12);
        let own = PRINTED.expected(2.0, 22.35);
        assert!(own > 22.35 && own < population, "{own}");
        // Many orders leave nothing of the population.
        assert!((PRINTED.expected(1e9, 22.35) - 22.35).abs() < 1e-6);
    }

    #[test]
    fn slope_agrees_with_differences() {
        let purse = |repeat_days, repeat_spend_minor| Purse { repeat_days, repeat_spend_minor };
        let groups = [
            (purse(1, 1_500), 4),
            (purse(1, 3_000), 2),
            (purse(3, 9_999), 3),
            (purse(9, 7_000), 1),
        ];
        let rungs = rungs(&groups, 2_000.0);
        let at = [5.0, 3.0, 0.7];
        let (_, slope) = log_likelihood(&rungs, &at);
        for i in 0..3 {
            let mut shifted = [at, at];
            shifted[0][i] -= 1e-6;
            shifted[1][i] += 1e-6;
            let [below, above] = shifted.map(|p| log_likelihood(&rungs, &p).0);
            let difference = (above - below) / 2e-6;
            assert!((difference - slope[i]).abs() < 1e-6 * slope[i].abs().max(1.0), "{i}");
        }
    }

    #[test]
    fn correlation_of_a_straight_line_is_one() {
        let groups =
            [1, 2, 5].map(|x| (Purse { repeat_days: x, repeat_spend_minor: x * x * 100 }, 3));
        assert!((correlation(&groups) - 1.0).abs() < 1e-12);
        assert_eq!(correlation(&groups[..1]).to_bits(), 0.0_f64.to_bits());
    }
}
