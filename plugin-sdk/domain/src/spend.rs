//! The Gamma-Gamma model of spend per order (Fader and Hardie 2013): likelihood, fit and expectation.

use crate::fit::{Likeliest, Numbers, WIDTH, likeliest};
use crate::special::{digamma, ln, ln_gamma};

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
    /// The search for p, q and v; none where everybody pays one price and there was nothing to search.
    pub fit: Option<Likeliest>,
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
    let moments = Moments::of(groups);
    let (buyers, mean_minor) = (moments.buyers, moments.mean_minor);
    if moments.is_one_price() {
        return SpendFit {
            // What is expected of everybody is then v.
            spend: Spend { p: 1.0, q: 2.0, v: mean_minor / unit_minor },
            fit: None,
            correlation: 0.0,
        };
    }
    let rungs = rungs(groups, mean_minor);
    let found = likeliest(3, buyers, &|parameters| log_likelihood(&rungs, parameters));
    let [p, q, v, _] = found.parameters;
    SpendFit {
        spend: Spend { p, q, v: v * mean_minor / unit_minor },
        fit: Some(found),
        correlation: moments.correlation(),
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
fn log_likelihood(rungs: &[Rung], &[p, q, v, _]: &Numbers) -> (f64, Numbers) {
    let mut sum = 0.0;
    let mut slope = [0.0; WIDTH];
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
    (sum, slope)
}

/// Repeat days and mean spend of repeat buyers: means, and sums of squared deviations and of their products.
struct Moments {
    buyers: f64,
    mean_minor: f64,
    xx: f64,
    zz: f64,
    xz: f64,
}

impl Moments {
    fn of(groups: &[(Purse, u32)]) -> Self {
        let (mut n, mut x, mut z) = (0.0, 0.0, 0.0);
        for (purse, buyers) in groups {
            let weight = f64::from(*buyers);
            n += weight;
            x += weight * purse.repeat_days as f64;
            z += weight * mean_of(*purse);
        }
        let mut moments = Self { buyers: n, mean_minor: z / n, xx: 0.0, zz: 0.0, xz: 0.0 };
        for (purse, buyers) in groups {
            let weight = f64::from(*buyers);
            let (dx, dz) = (purse.repeat_days as f64 - x / n, mean_of(*purse) - z / n);
            moments.xx += weight * dx * dx;
            moments.zz += weight * dz * dz;
            moments.xz += weight * dx * dz;
        }
        moments
    }

    /// Whether everybody pays the same, up to 1 % (coefficient of variation): Gamma-Gamma has no spread to fit then, and
    /// its likelihood grows without end.
    fn is_one_price(&self) -> bool {
        self.zz <= 1e-4 * self.buyers * self.mean_minor * self.mean_minor
    }

    /// Pearson correlation; 0 where either does not vary.
    fn correlation(&self) -> f64 {
        let Self { xx, zz, xz, .. } = *self;
        if xx > 0.0 && zz > 0.0 { xz / (xx * zz).sqrt() } else { 0.0 }
    }
}

impl Spend {
    /// Expected spend per order in minor units of a member of whom repeat days and their spend are known; none where
    /// there are some and their spend is not known. `unit_minor` is the money unit of `v` in minor units.
    #[must_use]
    pub fn order_minor(
        &self,
        repeat_days: i64,
        spend_minor: Option<i64>,
        unit_minor: u32,
    ) -> Option<f64> {
        let (repeats, unit) = (repeat_days as f64, f64::from(unit_minor));
        let mean = if repeat_days > 0 { spend_minor?.max(0) as f64 / repeats / unit } else { 0.0 };
        Some(self.expected(repeats, mean) * unit)
    }

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
        let at = [5.0, 3.0, 0.7, 1.0];
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
    fn where_everybody_pays_one_price_that_price_is_expected() {
        let purse = |repeat_days, spend| Purse { repeat_days, repeat_spend_minor: spend };
        for groups in [
            [(purse(1, 2_900), 40), (purse(3, 8_700), 9)],
            [(purse(1, 2_900), 40), (purse(3, 8_703), 9)],
        ] {
            let spend = fit(&groups, 100.0).spend;
            for (repeats, mean) in [(0.0, 0.0), (1.0, 29.0), (7.0, 29.0)] {
                assert!((spend.expected(repeats, mean) - 29.0).abs() < 0.01, "{repeats}");
            }
        }
    }

    #[test]
    fn correlation_of_a_straight_line_is_one() {
        let groups =
            [1, 2, 5].map(|x| (Purse { repeat_days: x, repeat_spend_minor: x * x * 100 }, 3));
        assert!((Moments::of(&groups).correlation() - 1.0).abs() < 1e-12);
        assert_eq!(Moments::of(&groups[..1]).correlation().to_bits(), 0.0_f64.to_bits());
    }
}
