//! The BG/BB model of orders at discrete opportunities (Fader, Hardie and Shang 2010): likelihood, fit and expectations.
//!
//! At each opportunity a member who is still there orders with a share of a beta distribution (alpha, beta) of its own;
//! before it, the member leaves for good with a share of another one (gamma, delta). Every quantity here is a sum of
//! products that follow from one another by a factor: nothing cancels, and no special function is called.

use playbook_domain::buyers::History;
use playbook_domain::fit::{Likeliest, Numbers, WIDTH, likeliest};
use playbook_domain::special::ln;

/// Parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Orders {
    /// First shape of the shares of opportunities that are taken.
    pub alpha: f64,
    /// Second shape of them.
    pub beta: f64,
    /// First shape of the shares of leaving.
    pub gamma: f64,
    /// Second shape of them.
    pub delta: f64,
}

/// Fits alpha, beta, gamma and delta to histories and their member counts, sorted by history.
///
/// In a history days stand for opportunities: those taken after the first order (x), the last of them (t_x), and how many
/// there were (n). At least one must have been taken.
#[must_use]
pub fn fit(groups: &[(History, u32)]) -> Likeliest {
    let members = groups.iter().map(|(_, members)| f64::from(*members)).sum();
    likeliest(4, members, &|parameters| log_likelihood(groups, parameters))
}

/// Returns whether a history can be: of each opportunity at most one order.
#[must_use]
pub fn is_possible(history: &History) -> bool {
    history.is_consistent() && history.repeat_days <= history.span_days
}

/// Logarithm of a rising product `from (from + 1) ...` and its slope, up to where it was asked for last.
struct Rising {
    from: f64,
    reached: i64,
    log: f64,
    slope: f64,
}

impl Rising {
    fn new(from: f64) -> Self {
        Self { from, reached: 0, log: 0.0, slope: 0.0 }
    }

    /// Logarithm and slope of the product of `count` factors.
    fn to(&mut self, count: i64) -> (f64, f64) {
        if count < self.reached {
            *self = Self::new(self.from);
        }
        for j in self.reached..count {
            let factor = self.from + j as f64;
            self.log += ln(factor);
            self.slope += 1.0 / factor;
        }
        self.reached = count;
        (self.log, self.slope)
    }
}

/// Log-likelihood of all members and its slope on (alpha, beta, gamma, delta).
fn log_likelihood(groups: &[(History, u32)], at: &Numbers) -> (f64, Numbers) {
    let [alpha, beta, gamma, delta] = *at;
    let mut sum = 0.0;
    let mut slope = [0.0; WIDTH];
    let mut taken = Rising::new(alpha);
    let mut passed = Rising::new(beta);
    let mut shown = Rising::new(alpha + beta);
    let mut stayed = Rising::new(delta);
    let mut chances = Rising::new(gamma + delta);
    for (history, members) in groups {
        let (x, last) = (history.repeat_days, history.span_days);
        // Until the last order: sure to have been there.
        let ((a, a_slope), (b, b_slope)) = (taken.to(x), passed.to(last - x));
        let (ab, ab_slope) = shown.to(last);
        let ((d, d_slope), (gd, gd_slope)) = (stayed.to(last), chances.to(last));
        let mut own = [a_slope - ab_slope, b_slope - ab_slope, -gd_slope, d_slope - gd_slope];
        // After it: `there` is the share of those who are still there and did not order, `gone` of those who left.
        let (mut there, mut gone) = (1.0, 0.0);
        let (mut there_slope, mut gone_slope) = ([0.0; WIDTH], [0.0; WIDTH]);
        for m in (last..history.age_days).map(|m| m as f64) {
            let (offered, chance) = (alpha + beta + m, gamma + delta + m);
            let leaves = there * gamma / chance;
            gone += leaves;
            for (i, all) in gone_slope.iter_mut().enumerate() {
                let own = there_slope[i] - if i > 1 { 1.0 / chance } else { 0.0 };
                *all += leaves * (own + if i == 2 { 1.0 / gamma } else { 0.0 });
            }
            let (passes, stays) = (beta + m - x as f64, delta + m);
            there *= passes / offered * (stays / chance);
            there_slope[0] -= 1.0 / offered;
            there_slope[1] += 1.0 / passes - 1.0 / offered;
            there_slope[2] -= 1.0 / chance;
            there_slope[3] += 1.0 / stays - 1.0 / chance;
        }
        let both = there + gone;
        let weight = f64::from(*members);
        sum += weight * (a + b - ab + d - gd + ln(both));
        for i in 0..WIDTH {
            own[i] += (there * there_slope[i] + gone_slope[i]) / both;
            slope[i] += weight * own[i];
        }
    }
    (sum, slope)
}

/// What is expected of a member.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// Probability that the member is there at the next opportunity.
    pub alive: f64,
    /// Probability of an order at one of the opportunities of the tendency.
    pub tendency: f64,
    /// Orders over the horizon.
    pub orders: f64,
}

impl Orders {
    /// Returns what is expected of a member with this history over the next `tendency` and `horizon` opportunities.
    #[must_use]
    pub fn expected(&self, history: &History, tendency: u32, horizon: u32) -> Expected {
        let Self { alpha, beta, gamma, delta } = *self;
        let (x, n) = (history.repeat_days as f64, history.age_days as f64);
        let (mut there, mut gone) = (1.0, 0.0);
        for m in (history.span_days..history.age_days).map(|m| m as f64) {
            let chance = gamma + delta + m;
            gone += there * gamma / chance;
            there *= (beta + m - x) / (alpha + beta + m) * ((delta + m) / chance);
        }
        let still = there / (there + gone);
        let alive = still * (delta + n) / (gamma + delta + n);
        // Orders: those who are there take each with the same share. Tendency: the first order, at one of them.
        let share = (alpha + x) / (alpha + beta + n);
        let (mut stays, mut silent) = (still, still);
        let (mut orders, mut next) = (0.0, 0.0);
        for ahead in 0..horizon.max(tendency) {
            let m = n + f64::from(ahead);
            let kept = (delta + m) / (gamma + delta + m);
            stays *= kept;
            if ahead < horizon {
                orders += share * stays;
            }
            if ahead < tendency {
                let offered = alpha + beta + m;
                next += silent * kept * ((alpha + x) / offered);
                silent *= kept * ((beta + m - x) / offered);
            }
        }
        Expected { alive, tendency: next.min(1.0), orders }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameters printed for the donors of Fader, Hardie and Shang (2010).
    const PRINTED: Orders = Orders { alpha: 1.204, beta: 0.750, gamma: 0.657, delta: 2.783 };

    fn history(x: i64, last: i64, n: i64) -> History {
        History { repeat_days: x, span_days: last, age_days: n }
    }

    /// Beta function, by the gamma function.
    fn beta(a: f64, b: f64) -> f64 {
        use playbook_sdk::libm::tgamma;
        tgamma(a) * tgamma(b) / tgamma(a + b)
    }

    /// Equation 5 of the paper.
    fn printed_likelihood(at: Orders, x: i64, last: i64, n: i64) -> f64 {
        let Orders { alpha, beta: b, gamma, delta } = at;
        let (x, last, n) = (x as f64, last as f64, n as f64);
        let mut sum = beta(alpha + x, b + n - x) * beta(gamma, delta + n);
        let mut i = 0.0;
        while i < n - last {
            sum += beta(alpha + x, b + last - x + i) * beta(gamma + 1.0, delta + last + i);
            i += 1.0;
        }
        sum / (beta(alpha, b) * beta(gamma, delta))
    }

    #[test]
    fn likelihood_is_that_of_the_paper() {
        for (x, last, n) in [(0, 0, 6), (2, 5, 6), (6, 6, 6), (1, 1, 9), (3, 20, 25)] {
            let at = [PRINTED.alpha, PRINTED.beta, PRINTED.gamma, PRINTED.delta];
            let (got, _) = log_likelihood(&[(history(x, last, n), 1)], &at);
            let want = printed_likelihood(PRINTED, x, last, n).ln();
            assert!(
                (got - want).abs() < 1e-12 * want.abs().max(1.0),
                "{x} {last} {n}: {got} {want}"
            );
        }
    }

    #[test]
    fn slope_agrees_with_differences() {
        let groups = [
            (history(0, 0, 6), 20),
            (history(1, 3, 9), 7),
            (history(4, 5, 9), 3),
            (history(4, 9, 9), 2),
            (history(30, 60, 90), 2),
        ];
        let at = [0.4, 3.0, 0.9, 2.0];
        let (_, slope) = log_likelihood(&groups, &at);
        for i in 0..4 {
            let mut shifted = [at, at];
            shifted[0][i] -= 1e-6;
            shifted[1][i] += 1e-6;
            let [below, above] = shifted.map(|p| log_likelihood(&groups, &p).0);
            let difference = (above - below) / 2e-6;
            assert!((difference - slope[i]).abs() < 1e-6 * slope[i].abs().max(1.0), "{i}");
        }
    }

    #[test]
    fn tendency_is_what_the_likelihoods_leave() {
        // Who does not order at the next k opportunities has the history (x, t_x, n + k).
        for (x, last, n, ahead) in [(0, 0, 6, 1), (2, 5, 6, 3), (6, 6, 6, 10), (1, 1, 9, 5)] {
            let silent = printed_likelihood(PRINTED, x, last, n + i64::from(ahead))
                / printed_likelihood(PRINTED, x, last, n);
            let got = PRINTED.expected(&history(x, last, n), ahead, 1).tendency;
            assert!((got - (1.0 - silent)).abs() < 1e-12, "{x} {last} {n}: {got} {silent}");
        }
    }

    #[test]
    fn one_opportunity_ahead_orders_are_the_tendency() {
        let next = PRINTED.expected(&history(2, 5, 6), 1, 1);
        assert!((next.orders - next.tendency).abs() < 1e-15);
        assert!((next.alive * (1.204 + 2.0) / (1.204 + 0.750 + 6.0) - next.orders).abs() < 1e-15);
    }

    #[test]
    fn the_expectations_of_the_paper_are_met() {
        // Closed form of the expectation (equation 14): with gamma functions.
        use playbook_sdk::libm::tgamma;
        let Orders { alpha, beta: b, gamma, delta } = PRINTED;
        for (x, last) in [(0, 0), (1, 1), (3, 5), (6, 6)] {
            let n = 6.0;
            let ratio = |at: f64| tgamma(1.0 + delta + at) / tgamma(gamma + delta + at);
            let closed = beta(alpha + x as f64 + 1.0, b + n - x as f64) / beta(alpha, b) * delta
                / (gamma - 1.0)
                * (tgamma(gamma + delta) / tgamma(1.0 + delta))
                * (ratio(n) - ratio(n + 5.0))
                / printed_likelihood(PRINTED, x, last, 6);
            let got = PRINTED.expected(&history(x, last, 6), 1, 5).orders;
            assert!((got / closed - 1.0).abs() < 1e-10, "{x} {last}: {got} {closed}");
        }
    }

    #[test]
    fn more_orders_than_opportunities_are_impossible() {
        assert!(is_possible(&history(3, 3, 3)) && is_possible(&history(0, 0, 0)));
        assert!(!is_possible(&history(4, 3, 5)) && !is_possible(&history(0, 1, 5)));
    }
}
