//! The BG/NBD model of repeat orders (Fader, Hardie and Lee 2005) and MBG/NBD (Batislam, Denizel and Filiztekin 2007),
//! which lets members leave right after the first order too: likelihood, fit and expectations.

use playbook_sdk::libm::{exp, expm1, log1p};

use playbook_domain::buyers::History;
use playbook_domain::fit::{Likeliest, Numbers, WIDTH, likeliest};
use playbook_domain::special::{hypergeometric_tail, ln};

/// Parameters; `alpha` is in the time unit that the histories were divided by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Orders {
    /// Shape of the order rates.
    pub r: f64,
    /// Rate of the order rates.
    pub alpha: f64,
    /// First shape of the dropout shares.
    pub a: f64,
    /// Second shape of the dropout shares.
    pub b: f64,
    /// Chances to leave before the first repeat: 0 in BG/NBD, 1 (after the first order) in MBG/NBD.
    pub early: f64,
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

/// Members of one repeat count; rungs ascend by it.
struct Rung {
    repeats: i64,
    members: f64,
    /// Span, age and members of each distinct pair.
    times: Vec<(f64, f64, f64)>,
}

/// Fits the four parameters to histories and their member counts, sorted by history.
///
/// `unit_days` is the time unit of `alpha`, `early` the chances to leave before the first repeat. The histories must be consistent; none of them may come twice
/// and at least one must have a repeat, else the likelihood has no maximum.
#[must_use]
pub fn fit(groups: &[(History, u32)], unit_days: f64, early: f64) -> OrdersFit {
    let age_max = groups.iter().map(|(history, _)| history.age_days).max().unwrap_or(0).max(1);
    let scale_days = age_max as f64 / SEARCH_AGE;
    let rungs = rungs(groups, scale_days);
    let (mut members, mut repeats) = (0.0, 0.0);
    for rung in &rungs {
        members += rung.members;
        repeats += rung.members * rung.repeats as f64;
    }
    let found = likeliest(4, members, &|parameters| log_likelihood(&rungs, early, parameters));
    let [r, alpha, a, b] = found.parameters;
    let stretch = scale_days / unit_days;
    OrdersFit {
        orders: Orders { r, alpha: alpha * stretch, a, b, early },
        fit: Likeliest { log_likelihood: found.log_likelihood - repeats * ln(stretch), ..found },
    }
}

fn rungs(groups: &[(History, u32)], scale_days: f64) -> Vec<Rung> {
    let mut rungs: Vec<Rung> = Vec::new();
    let mut repeat_days = -1;
    for (history, members) in groups {
        let members = f64::from(*members);
        if history.repeat_days != repeat_days {
            repeat_days = history.repeat_days;
            rungs.push(Rung { repeats: repeat_days, members: 0.0, times: Vec::new() });
        }
        if let Some(rung) = rungs.last_mut() {
            rung.members += members;
            rung.times.push((
                history.span_days as f64 / scale_days,
                history.age_days as f64 / scale_days,
                members,
            ));
        }
    }
    rungs
}

/// Log-likelihood of all members and its slope on (r, alpha, a, b).
fn log_likelihood(rungs: &[Rung], early: f64, &[r, alpha, a, b]: &Numbers) -> (f64, Numbers) {
    let mut sum = 0.0;
    let mut slope = [0.0; WIDTH];
    let ln_alpha = ln(alpha);
    // Logarithms of (r)_x and of (b)_x / (a + b)_x, rising from rung to rung: differences of the gamma
    // function would lose the digits of large parameters. Beside them their slopes.
    let (mut rates, mut kept) = (0.0, 0.0);
    let (mut rates_r, mut kept_b, mut kept_ab) = (0.0, 0.0, 0.0);
    if early > 0.0 {
        kept = ln(b / (a + b));
        kept_b = 1.0 / b;
        kept_ab = 1.0 / (a + b);
    }
    let mut reached = 0;
    for rung in rungs {
        for j in (reached..rung.repeats).map(|j| j as f64) {
            rates += ln(r + j);
            rates_r += 1.0 / (r + j);
            let j = j + early;
            kept += ln((b + j) / (a + b + j));
            kept_b += 1.0 / (b + j);
            kept_ab += 1.0 / (a + b + j);
        }
        reached = rung.repeats;
        let x = rung.repeats as f64;
        sum += rung.members * (rates + kept + r * ln_alpha);
        slope[0] += rung.members * (rates_r + ln_alpha);
        slope[1] += rung.members * r / alpha;
        slope[2] -= rung.members * kept_ab;
        slope[3] += rung.members * (kept_b - kept_ab);
        let shape = r + x;
        let chances = x + early;
        let ln_odds = if chances > 0.0 { ln(a / (b + chances - 1.0)) } else { f64::NEG_INFINITY };
        for &(span, age, members) in &rung.times {
            let ln_age = ln(alpha + age);
            sum -= members * shape * ln_age;
            slope[0] -= members * ln_age;
            slope[1] -= members * shape / (alpha + age);
            if chances > 0.0 {
                let gap = ln_age - ln(alpha + span);
                let dead = ln_odds + shape * gap;
                let small = exp(-dead.abs());
                sum += members * (dead.max(0.0) + log1p(small));
                let share = members * if dead > 0.0 { 1.0 } else { small } / (1.0 + small);
                slope[0] += share * gap;
                slope[1] += share * shape * (1.0 / (alpha + age) - 1.0 / (alpha + span));
                slope[2] += share / a;
                slope[3] -= share / (b + chances - 1.0);
            }
        }
    }
    (sum, slope)
}

impl Orders {
    /// Returns the probability that a member of this history still orders; in BG/NBD 1 without a repeat.
    ///
    /// Times are in the unit of `alpha`.
    #[must_use]
    #[inline(never)]
    pub fn alive(&self, repeats: f64, span: f64, age: f64) -> f64 {
        let chances = repeats + self.early;
        if chances <= 0.0 {
            return 1.0;
        }
        let odds = self.a / (self.b + chances - 1.0)
            * exp((self.r + repeats) * ln((self.alpha + age) / (self.alpha + span)));
        1.0 / (1.0 + odds)
    }

    /// Returns the probability of at least one order within `horizon`.
    #[must_use]
    #[inline(never)]
    pub fn tendency(&self, repeats: f64, span: f64, age: f64, horizon: f64) -> f64 {
        let kept = ln((self.alpha + age) / (self.alpha + age + horizon));
        self.alive(repeats, span, age) * -expm1((self.r + repeats) * kept)
    }

    /// Returns the expected number of orders within `horizon` (equation 10 of the paper), or a number that
    /// is not finite where parameters and history are too extreme to sum.
    #[must_use]
    #[inline(never)]
    pub fn expected(&self, repeats: f64, span: f64, age: f64, horizon: f64) -> f64 {
        let Self { r, alpha, a, b, early } = *self;
        let kept = (alpha + age) / (alpha + age + horizon);
        let (shape, chances) = (r + repeats, repeats + early);
        let c = a + b + chances - 1.0;
        let stays = if a - 1.0 > shape {
            // The sum as printed converges here.
            let left = shape * ln(kept);
            let tail = hypergeometric_tail(b + chances, shape, c, 1.0 - kept);
            -(expm1(left) + exp(left) * shape * tail) / (a - 1.0)
        } else {
            // Euler's transformation converges here and has no pole at `a = 1`.
            let left = (a - 1.0) * ln(kept);
            let growth = if left == 0.0 { -ln(kept) } else { -expm1(left) / (a - 1.0) };
            growth
                - exp(left) * hypergeometric_tail(a + b + early - 1.0 - r, a - 1.0, c, 1.0 - kept)
        };
        (c * stays).max(0.0) * self.alive(repeats, span, age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameters printed in the paper for the CDNOW sample, in weeks.
    const PRINTED: Orders = Orders { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426, early: 0.0 };
    /// Parameters of MBG/NBD for the same customers.
    const EARLY: Orders = Orders { r: 0.525, alpha: 6.183, a: 0.891, b: 1.614, early: 1.0 };

    #[test]
    fn expectation_of_the_worked_example_is_met() {
        // Customer 0001 of the CDNOW sample over the 39 weeks after calibration.
        assert!((PRINTED.expected(2.0, 30.43, 38.86, 39.0) - 1.226).abs() < 5e-4);
        // Without a repeat and at age 0 the expectation is that of a new member, near 1.0 a year.
        assert!((PRINTED.alive(2.0, 30.43, 38.86) - 0.726).abs() < 1e-3);
    }

    #[test]
    fn expectation_has_no_pole_where_a_is_one() {
        let at = |a: f64| Orders { a, ..PRINTED }.expected(3.0, 20.0, 30.0, 26.0);
        let (below, exact, above) = (at(1.0 - 1e-7), at(1.0), at(1.0 + 1e-7));
        assert!((below - exact).abs() < 1e-6 && (above - exact).abs() < 1e-6);
    }

    #[test]
    fn expectation_is_the_sum_of_small_steps() {
        // Over a short time the expectation is alive * rate; rate of the living is (r + x) / (alpha + T).
        let (x, span, age) = (4.0, 25.0, 30.0);
        let short = PRINTED.expected(x, span, age, 1e-5) / 1e-5;
        let rate = PRINTED.alive(x, span, age) * (PRINTED.r + x) / (PRINTED.alpha + age);
        assert!((short / rate - 1.0).abs() < 1e-4, "{short} {rate}");
        // Long horizons converge and grow.
        let far = PRINTED.expected(x, span, age, 10_000.0);
        let farther = PRINTED.expected(x, span, age, 20_000.0);
        assert!(far.is_finite() && farther > far);
    }

    #[test]
    fn both_forms_of_the_sum_agree_where_they_meet() {
        // The printed form holds above a = 1 + r + x, the transformed one up to it.
        let at = |a: f64| Orders { a, ..PRINTED }.expected(2.0, 20.0, 30.0, 52.0);
        let border = 1.0 + PRINTED.r + 2.0;
        assert!((at(border) - at(border + 1e-9)).abs() < 1e-7);
    }

    #[test]
    fn members_who_all_leave_alike_follow_the_closed_form() {
        // With a fixed dropout share the expectation is (1 - (kept)^(r + x)) / share for the living.
        let share = 0.03;
        let fixed =
            Orders { r: 0.8, alpha: 5.0, a: share * 1e6, b: (1.0 - share) * 1e6, early: 0.0 };
        for (repeats, span, age, horizon) in
            [(0.0, 0.0, 1.0, 500.0), (3.0, 20.0, 30.0, 26.0), (90.0, 50.0, 52.0, 52.0)]
        {
            let kept = (5.0 + age) / (5.0 + age + share * horizon);
            let closed =
                (1.0 - f64::powf(kept, 0.8 + repeats)) / share * fixed.alive(repeats, span, age);
            let summed = fixed.expected(repeats, span, age, horizon);
            assert!((summed / closed - 1.0).abs() < 1e-3, "{repeats}: {summed} {closed}");
        }
    }

    #[test]
    fn tendency_grows_with_the_horizon_to_the_living_share() {
        let alive = PRINTED.alive(2.0, 30.0, 38.0);
        let (soon, later) =
            (PRINTED.tendency(2.0, 30.0, 38.0, 4.0), PRINTED.tendency(2.0, 30.0, 38.0, 1e9));
        assert!(soon > 0.0 && soon < later && (later - alive).abs() < 1e-9);
    }

    #[test]
    fn one_time_buyers_are_alive_however_old() {
        assert_eq!(PRINTED.alive(0.0, 0.0, 500.0).to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn one_time_buyers_may_have_left_where_the_first_order_is_a_chance_to() {
        // 1 / (1 + a / b * ((alpha + T) / alpha)^r): less and less alive, from b / (a + b) on.
        let new = EARLY.alive(0.0, 0.0, 0.0);
        assert!((new - 1.614 / (1.614 + 0.891)).abs() < 1e-12, "{new}");
        let old = 1.0 / (1.0 + 0.891 / 1.614 * f64::powf((6.183 + 39.0) / 6.183, 0.525));
        assert!((EARLY.alive(0.0, 0.0, 39.0) - old).abs() < 1e-12);
        assert!(old < new);
    }

    #[test]
    fn expectations_with_an_early_chance_follow_closed_forms() {
        // All leave alike with share s after the first order and after each repeat.
        let share = 0.03;
        let fixed =
            Orders { r: 0.8, alpha: 5.0, a: share * 1e6, b: (1.0 - share) * 1e6, early: 1.0 };
        for (repeats, span, age, horizon) in [(0.0, 0.0, 0.0, 500.0), (3.0, 20.0, 30.0, 26.0)] {
            let kept = (5.0 + age) / (5.0 + age + share * horizon);
            let closed =
                (1.0 - f64::powf(kept, 0.8 + repeats)) / share * fixed.alive(repeats, span, age);
            let summed = fixed.expected(repeats, span, age, horizon);
            assert!((summed / closed - 1.0).abs() < 1e-3, "{repeats}: {summed} {closed}");
        }
        // Both forms of the sum, and short times, as without it.
        let at = |a: f64| Orders { a, ..EARLY }.expected(2.0, 20.0, 30.0, 52.0);
        let border = 1.0 + EARLY.r + 2.0;
        assert!((at(border) - at(border + 1e-9)).abs() < 1e-7);
        let short = EARLY.expected(4.0, 25.0, 30.0, 1e-5) / 1e-5;
        let rate = EARLY.alive(4.0, 25.0, 30.0) * (EARLY.r + 4.0) / (EARLY.alpha + 30.0);
        assert!((short / rate - 1.0).abs() < 1e-4, "{short} {rate}");
    }

    #[test]
    fn slope_agrees_with_differences() {
        let groups = [
            (History { repeat_days: 0, span_days: 0, age_days: 30 }, 20),
            (History { repeat_days: 1, span_days: 12, age_days: 40 }, 7),
            (History { repeat_days: 5, span_days: 31, age_days: 33 }, 3),
        ];
        let rungs = rungs(&groups, 7.0);
        let at = [0.4, 3.0, 0.9, 2.0];
        for early in [0.0, 1.0] {
            let (_, slope) = log_likelihood(&rungs, early, &at);
            for i in 0..4 {
                let mut shifted = [at, at];
                shifted[0][i] -= 1e-6;
                shifted[1][i] += 1e-6;
                let [below, above] = shifted.map(|p| log_likelihood(&rungs, early, &p).0);
                let difference = (above - below) / 2e-6;
                let near = (difference - slope[i]).abs() < 1e-6 * slope[i].abs().max(1.0);
                assert!(near, "{early} {i}");
            }
        }
    }
}
