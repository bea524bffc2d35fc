//! The Pareto/NBD model of repeat orders (Schmittlein, Morrison and Colombo 1987): likelihood, fit and expectations.
//!
//! A member orders at a rate of a gamma distribution (r, alpha) until it leaves at a time whose rate is of another one
//! (s, beta). The closed form has differences of two hypergeometric functions that cancel; here stands the integral that
//! they solve, whose terms are all above 0.

use playbook_domain::buyers::History;
use playbook_domain::fit::{Likeliest, Numbers, WIDTH, likeliest};
use playbook_domain::special::ln;
use playbook_sdk::libm::{exp, expm1};

/// Parameters; `alpha` and `beta` are in the time unit that the histories were divided by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Orders {
    /// Shape of the order rates.
    pub r: f64,
    /// Rate of the order rates.
    pub alpha: f64,
    /// Shape of the rates of leaving.
    pub s: f64,
    /// Rate of the rates of leaving.
    pub beta: f64,
}

/// How a fit went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrdersFit {
    /// The parameters of greatest likelihood.
    pub orders: Orders,
    /// The search for them, with the log-likelihood in the time unit of the parameters.
    pub fit: Likeliest,
}

/// The longest age in the time unit of the search, which keeps all four parameters near 1.
const SEARCH_AGE: f64 = 10.0;

/// Fits the four parameters to histories and their member counts, sorted by history.
///
/// `unit_days` is the time unit of `alpha` and `beta`. At least one history must have a repeat, else the likelihood has no
/// maximum.
#[must_use]
pub fn fit(groups: &[(History, u32)], unit_days: f64) -> OrdersFit {
    let age_max = groups.iter().map(|(history, _)| history.age_days).max().unwrap_or(0).max(1);
    let scale_days = age_max as f64 / SEARCH_AGE;
    let (mut members, mut repeats) = (0.0, 0.0);
    for (history, count) in groups {
        members += f64::from(*count);
        repeats += f64::from(*count) * history.repeat_days as f64;
    }
    let found = likeliest(4, members, &|parameters| log_likelihood(groups, scale_days, parameters));
    let [r, alpha, s, beta] = found.parameters;
    let stretch = scale_days / unit_days;
    OrdersFit {
        orders: Orders { r, alpha: alpha * stretch, s, beta: beta * stretch },
        fit: Likeliest { log_likelihood: found.log_likelihood - repeats * ln(stretch), ..found },
    }
}

/// Log-likelihood of all members and its slope on (r, alpha, s, beta).
fn log_likelihood(
    groups: &[(History, u32)],
    scale_days: f64,
    &[r, alpha, s, beta]: &Numbers,
) -> (f64, Numbers) {
    let orders = Orders { r, alpha, s, beta };
    let mut sum = 0.0;
    let mut slope = [0.0; WIDTH];
    // Logarithm of (r)_x, and its slope: histories ascend by x.
    let (mut rates, mut rates_r, mut reached) = (0.0, 0.0, 0);
    for (history, members) in groups {
        for j in (reached..history.repeat_days).map(|j| j as f64) {
            rates += ln(r + j);
            rates_r += 1.0 / (r + j);
        }
        reached = history.repeat_days;
        let (p, q) = (r + reached as f64, s + 1.0);
        let (span, age) =
            (history.span_days as f64 / scale_days, history.age_days as f64 / scale_days);
        let Left { alive, gone, ln_alpha, ln_beta } = orders.left(p, span, age);
        let both = alive + s * gone.sum;
        let (at_alpha, at_beta) = (alpha + span, beta + span);
        let (ln_at_alpha, ln_at_beta) = (ln(at_alpha), ln(at_beta));
        let log =
            rates + r * ln(alpha) + s * ln(beta) - p * ln_at_alpha - q * ln_at_beta + ln(both);
        let (end_alpha, end_beta) = (1.0 / (alpha + age), 1.0 / (beta + age));
        let own = [
            rates_r + ln(alpha) - ln_at_alpha - (alive * ln_alpha + s * gone.ln_alpha) / both,
            r / alpha - p * (alive * end_alpha + s * gone.by_alpha) / both,
            ln(beta) - ln_at_beta + (gone.sum - alive * ln_beta - s * gone.ln_beta) / both,
            s / beta - s * (alive * end_beta + q * gone.by_beta) / both,
        ];
        let weight = f64::from(*members);
        sum += weight * log;
        for (all, own) in slope.iter_mut().zip(own) {
            *all += weight * own;
        }
    }
    (sum, slope)
}

/// The two ways to a history, still there or gone, as shares of `(alpha + span)^-p (beta + span)^-(s + 1)`.
struct Left {
    /// Still there at the end.
    alive: f64,
    /// Gone between the last order and the end; times s.
    gone: Area,
    /// Logarithms of (alpha + age) / (alpha + span) and of (beta + age) / (beta + span).
    ln_alpha: f64,
    ln_beta: f64,
}

/// Integrals over y of `f(y) = ((alpha + y) / (alpha + from))^-p ((beta + y) / (beta + from))^-q`.
#[derive(Debug, Clone, Copy, Default)]
struct Area {
    /// Of f.
    sum: f64,
    /// Of f times the logarithms of the two ratios.
    ln_alpha: f64,
    ln_beta: f64,
    /// Of f by (alpha + y) and by (beta + y).
    by_alpha: f64,
    by_beta: f64,
}

/// Gauss and Legendre's 8 points of (-1, 1) and their weights.
const POINTS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];
/// Widest panel, in logarithms of time: beyond it the points no longer meet the last digits.
const PANEL_MAX: f64 = 1.0;
/// Greatest fall of the logarithm of f over a panel.
const FALL_MAX: f64 = 3.5;
/// Fall of the logarithm of f behind which nothing is left of it.
const FALL_END: f64 = 42.0;

impl Orders {
    #[inline(never)]
    fn left(&self, p: f64, span: f64, age: f64) -> Left {
        let Self { alpha, s, beta, .. } = *self;
        let ln_alpha = ln((alpha + age) / (alpha + span));
        let ln_beta = ln((beta + age) / (beta + span));
        let alive = exp(-p * ln_alpha - (s + 1.0) * ln_beta) * (beta + age);
        Left { alive, gone: self.area(p, s + 1.0, span, age), ln_alpha, ln_beta }
    }

    /// The integrals from `from` to `to`: over logarithms of time past the nearer pole, where f is smooth.
    #[inline(never)]
    fn area(&self, p: f64, q: f64, from: f64, to: f64) -> Area {
        let Self { alpha, beta, .. } = *self;
        let pole = alpha.min(beta);
        let (at_alpha, at_beta) = (alpha + from, beta + from);
        let end = ln((pole + to) / (pole + from));
        // The logarithm of f falls fastest at the end.
        let last = pole + to;
        let panel = PANEL_MAX.min(FALL_MAX / (p * last / (alpha + to) + q * last / (beta + to)));
        let mut area = Area::default();
        let (mut start, mut fell) = (0.0, 0.0);
        while start < end && fell < FALL_END {
            let half = 0.5 * panel.min(end - start);
            let middle = start + half;
            for (point, weight) in POINTS {
                for at in [middle - half * point, middle + half * point] {
                    let past = (pole + from) * exp(at);
                    let (by_alpha, by_beta) = (past - pole + alpha, past - pole + beta);
                    let (ln_alpha, ln_beta) = (ln(by_alpha / at_alpha), ln(by_beta / at_beta));
                    fell = p * ln_alpha + q * ln_beta;
                    let f = half * weight * past * exp(-fell);
                    area.sum += f;
                    area.ln_alpha += f * ln_alpha;
                    area.ln_beta += f * ln_beta;
                    area.by_alpha += f / by_alpha;
                    area.by_beta += f / by_beta;
                }
            }
            start += 2.0 * half;
        }
        area
    }

    /// Returns the probability that a member of this history still orders.
    ///
    /// Times are in the unit of `alpha`.
    #[must_use]
    #[inline(never)]
    pub fn alive(&self, repeats: f64, span: f64, age: f64) -> f64 {
        let Left { alive, gone, .. } = self.left(self.r + repeats, span, age);
        alive / (alive + self.s * gone.sum)
    }

    /// Returns the probability of at least one order within `horizon`, for a member who is there with probability `alive`.
    #[must_use]
    #[inline(never)]
    pub fn tendency(&self, alive: f64, repeats: f64, age: f64, horizon: f64) -> f64 {
        // The next order comes at rate p / (alpha + y) to those who are still there and have not ordered until then.
        let p = self.r + repeats;
        let area = self.area(p + 1.0, self.s, age, age + horizon);
        (alive * p / (self.alpha + age) * area.sum).min(1.0)
    }

    /// Returns the expected number of orders within `horizon`, for a member who is there with probability `alive`.
    #[must_use]
    #[inline(never)]
    pub fn expected(&self, alive: f64, repeats: f64, age: f64, horizon: f64) -> f64 {
        let Self { r, alpha, s, beta } = *self;
        let ln_kept = ln((beta + age) / (beta + age + horizon));
        let left = (s - 1.0) * ln_kept;
        // No pole at s = 1.
        let growth = if left == 0.0 { -ln_kept } else { -expm1(left) / (s - 1.0) };
        alive * (r + repeats) * (beta + age) / (alpha + age) * growth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameters printed for the CDNOW sample, in weeks.
    const PRINTED: Orders = Orders { r: 0.553, alpha: 10.578, s: 0.606, beta: 11.669 };

    #[test]
    fn likelihood_and_probabilities_meet_the_closed_form() {
        // Of the printed form with hypergeometric functions, in arithmetic of 40 digits: parameters, history in days;
        // log-likelihood, probability that the member is there, and of an order within 4 weeks.
        let printed: [([f64; 4], [i64; 3], [f64; 3]); 18] = [
            (
                [0.553, 10.578, 0.606, 11.669],
                [0, 0, 272],
                [-0.5210368564101566, 0.2953033742657955, 0.01215598495868238],
            ),
            (
                [0.553, 10.578, 0.606, 11.669],
                [2, 213, 272],
                [-9.55412282414903, 0.8691861546511618, 0.1531472008527945],
            ),
            (
                [0.553, 10.578, 0.606, 11.669],
                [26, 210, 273],
                [-42.12198950720739, 0.167195352618429, 0.1436409739335337],
            ),
            (
                [0.553, 10.578, 0.606, 11.669],
                [120, 266, 273],
                [-14.92173160063101, 0.9497856574572397, 0.9450579022922655],
            ),
            (
                [0.553, 10.578, 0.606, 11.669],
                [1, 7, 273],
                [-4.342030468249264, 0.1498666101463536, 0.01663525213388811],
            ),
            (
                [0.553, 10.578, 0.606, 11.669],
                [300, 3000, 3600],
                [-424.0424246084283, 2.384993056178776e-21, 2.138306866556464e-21],
            ),
            (
                [1.7, 2.5, 0.4, 0.05],
                [0, 0, 272],
                [-0.3785008779562572, 0.0008636131083440096, 0.0001230786196616426],
            ),
            (
                [1.7, 2.5, 0.4, 0.05],
                [2, 213, 272],
                [-13.20305922369275, 0.8603314071420096, 0.2444056399448238],
            ),
            (
                [1.7, 2.5, 0.4, 0.05],
                [26, 210, 273],
                [-37.88478304972129, 0.06311829984592678, 0.05749256540869068],
            ),
            (
                [1.7, 2.5, 0.4, 0.05],
                [120, 266, 273],
                [6.803968092548046, 0.9389319897182027, 0.9356530688950531],
            ),
            (
                [1.7, 2.5, 0.4, 0.05],
                [1, 7, 273],
                [-3.867248479109143, 0.001149956297943346, 0.0002483063084683782],
            ),
            (
                [1.7, 2.5, 0.4, 0.05],
                [300, 3000, 3600],
                [-419.8847243660127, 1.206938856384168e-21, 1.087978652962354e-21],
            ),
            (
                [0.9, 0.02, 2.2, 30.0],
                [0, 0, 272],
                [-4.447133200071313, 0.01505727780206954, 0.001196197208613878],
            ),
            (
                [0.9, 0.02, 2.2, 30.0],
                [2, 213, 272],
                [-15.02913314181211, 0.6715186438357429, 0.156651199118481],
            ),
            (
                [0.9, 0.02, 2.2, 30.0],
                [26, 210, 273],
                [-38.89232017832318, 0.01565905080341916, 0.01400151893908379],
            ),
            (
                [0.9, 0.02, 2.2, 30.0],
                [120, 266, 273],
                [9.13461346943741, 0.812_586_112_700_237, 0.8042749601116307],
            ),
            (
                [0.9, 0.02, 2.2, 30.0],
                [1, 7, 273],
                [-6.507135097524407, 0.002703555743489129, 0.000431348440072696],
            ),
            (
                [0.9, 0.02, 2.2, 30.0],
                [300, 3000, 3600],
                [-423.8493042874321, 1.513154821447068e-22, 1.359065369113701e-22],
            ),
        ];
        for (at, [repeat_days, span_days, age_days], [log, alive, tendency]) in printed {
            let history = History { repeat_days, span_days, age_days };
            let (got, _) = log_likelihood(&[(history, 1)], 7.0, &at);
            assert!(
                (got - log).abs() < 1e-12 * log.abs().max(1.0),
                "{at:?} {history:?}: {got} {log}"
            );
            let [r, alpha, s, beta] = at;
            let orders = Orders { r, alpha, s, beta };
            let (x, span, age) =
                (repeat_days as f64, span_days as f64 / 7.0, age_days as f64 / 7.0);
            let there = orders.alive(x, span, age);
            assert!((there / alive - 1.0).abs() < 1e-11, "{at:?} {history:?}: {there} {alive}");
            let next = orders.tendency(there, x, age, 4.0);
            assert!((next / tendency - 1.0).abs() < 1e-11, "{at:?} {history:?}: {next} {tendency}");
        }
    }

    #[test]
    fn slope_agrees_with_differences() {
        let history =
            |repeat_days, span_days, age_days| History { repeat_days, span_days, age_days };
        let groups = [
            (history(0, 0, 30), 20),
            (history(1, 12, 40), 7),
            (history(5, 31, 33), 3),
            (history(60, 200, 200), 2),
            (history(60, 200, 260), 1),
        ];
        for at in [[0.4, 3.0, 0.9, 2.0], [2.0, 0.5, 1.0, 8.0]] {
            let (_, slope) = log_likelihood(&groups, 7.0, &at);
            for i in 0..4 {
                let mut shifted = [at, at];
                shifted[0][i] -= 1e-6;
                shifted[1][i] += 1e-6;
                let [below, above] = shifted.map(|p| log_likelihood(&groups, 7.0, &p).0);
                let difference = (above - below) / 2e-6;
                assert!(
                    (difference - slope[i]).abs() < 2e-6 * slope[i].abs().max(1.0),
                    "{at:?} {i}"
                );
            }
        }
    }

    #[test]
    fn expectation_has_no_pole_where_s_is_one() {
        let at = |s: f64| Orders { s, ..PRINTED }.expected(0.5, 3.0, 30.0, 26.0);
        let (below, exact, above) = (at(1.0 - 1e-7), at(1.0), at(1.0 + 1e-7));
        assert!((below - exact).abs() < 1e-6 && (above - exact).abs() < 1e-6);
    }

    #[test]
    fn tendency_grows_with_the_horizon_and_is_the_rate_at_first() {
        let alive = PRINTED.alive(2.0, 30.0, 38.0);
        let (soon, later) =
            (PRINTED.tendency(alive, 2.0, 38.0, 4.0), PRINTED.tendency(alive, 2.0, 38.0, 500.0));
        assert!(soon > 0.0 && soon < later && later < alive, "{soon} {later} {alive}");
        let rate = alive * (PRINTED.r + 2.0) / (PRINTED.alpha + 38.0);
        assert!((PRINTED.tendency(alive, 2.0, 38.0, 1e-5) / 1e-5 / rate - 1.0).abs() < 1e-5);
    }

    #[test]
    fn the_longer_silent_the_less_alive() {
        let silent = [10.0, 20.0, 39.0].map(|age| PRINTED.alive(0.0, 0.0, age));
        assert!(silent.is_sorted_by(|left, right| left > right), "{silent:?}");
        assert!(PRINTED.alive(0.0, 0.0, 0.0) == 1.0);
        assert!(PRINTED.alive(26.0, 30.0, 39.0) < PRINTED.alive(2.0, 30.0, 39.0));
    }
}
