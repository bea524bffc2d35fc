//! Fits a few parameters above 0 by maximum likelihood, the same way every time, and says how sure they are.

use libm::exp;

/// Most parameters of a fit; what a model does not use stays 0 in its slope.
pub const WIDTH: usize = 4;
/// A number a parameter.
pub type Numbers = [f64; WIDTH];
/// Value and slope of a function at a point.
pub type Function<'f> = dyn Fn(&Numbers) -> (f64, Numbers) + 'f;

/// Where the search ended.
#[derive(Debug, Clone, PartialEq)]
struct Minimum {
    /// The point of the least value seen.
    at: Numbers,
    /// The function there.
    value: f64,
    /// Greatest absolute slope there.
    slope_max: f64,
    /// Steps taken.
    rounds: u32,
}

/// Parameters of greatest likelihood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeliest {
    /// The parameters; 1 for those that the model does not use.
    pub parameters: Numbers,
    /// Standard errors as shares of the parameters: those of their logarithms. None where the likelihood
    /// has no curvature in some direction.
    pub shares: Option<Numbers>,
    /// Log-likelihood of all members.
    pub log_likelihood: f64,
    /// Greatest slope of the mean log-likelihood on the logarithms of the parameters.
    pub slope_max: f64,
    /// Steps of the search.
    pub rounds: u32,
}

/// Slope of the mean log-likelihood beyond which a fit has not settled.
const SLOPE_SETTLED: f64 = 1e-6;
/// Steps after which the search ends, met or not.
const ROUNDS_MAX: u32 = 300;
/// Halvings of one step.
const HALVINGS_MAX: u32 = 40;
/// Longest step per coordinate: an order of magnitude and a half on logarithms.
const STEP_MAX: f64 = 1.5;
/// Relative noise of a value that is a mean over many terms.
const ROUNDING: f64 = 1e-13;

/// Logarithms beyond this are pulled back: the data do not bound the parameter.
const LOG_MAX: f64 = 10.0;
/// Beyond this the likelihood has become flat on its way to a bound that is none.
const LOG_BOUNDED: f64 = 9.0;
/// Slope of the mean log-likelihood at which the search is over.
const SLOPE_ENOUGH: f64 = 1e-12;
/// Step on logarithms of the differences that give the curvature: their error is some 1e-8 of it.
const CURVATURE_STEP: f64 = 1e-4;

/// Finds the parameters under which `members` are likeliest, in a unit that keeps them near 1.
///
/// `log_likelihood` gives the logarithm over all members and its slope on the parameters, of which the first `count` are
/// used.
#[must_use]
pub fn likeliest(count: usize, members: f64, log_likelihood: &Function<'_>) -> Likeliest {
    let mean = |logs: &Numbers| {
        let (sum, mut slope) = log_likelihood(&exponentials(logs));
        let mut value = -sum / members;
        for (log, g) in logs[..count].iter().zip(&mut slope) {
            *g = -*g / members * exp(*log);
            let beyond = log.abs() - LOG_MAX;
            if beyond > 0.0 {
                value += beyond * beyond;
                *g += 2.0 * beyond * log.signum();
            }
        }
        (value, slope)
    };
    let found = minimise(count, [0.0; WIDTH], SLOPE_ENOUGH, &mean);
    Likeliest {
        parameters: exponentials(&found.at),
        shares: errors(count, members, &found.at, &mean),
        log_likelihood: -found.value * members,
        slope_max: found.slope_max,
        rounds: found.rounds,
    }
}

/// Names and values that tell how fits went.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told(pub Vec<(String, f64)>);

impl Told {
    /// Adds a value, unless it is not finite.
    pub fn add(&mut self, name: &str, value: f64) {
        self.add_part("", name, value);
    }

    #[inline(never)]
    fn add_part(&mut self, before: &str, name: &str, value: f64) {
        if value.is_finite() {
            self.0.push(([before, name].concat(), value));
        }
    }

    /// Adds parameters, their standard errors as `se_NAME`, and as `PART_rounds` and `PART_slope` how the search ended.
    #[inline(never)]
    pub fn fit(&mut self, part: &str, fit: &Likeliest, names: &[&str], values: &[f64]) {
        let shares = fit.shares.unwrap_or([f64::NAN; WIDTH]);
        for (i, (name, value)) in names.iter().zip(values).enumerate() {
            self.add(name, *value);
            self.add_part("se_", name, shares[i] * value);
        }
        self.add_part(part, "_rounds", f64::from(fit.rounds));
        self.add_part(part, "_slope", fit.slope_max);
    }
}

impl Likeliest {
    /// Whether the search ended at a top, or on a way that rises no more.
    #[must_use]
    pub fn has_settled(&self) -> bool {
        self.slope_max <= SLOPE_SETTLED
    }

    /// Says in words why no model can rest on the fit, if none can; `names` are those of the parameters.
    #[must_use]
    pub fn refusal(&self, names: &[&str]) -> Option<String> {
        if !self.has_settled() {
            return Some("the fit has not settled".to_owned());
        }
        let bounded = |parameter: &f64| crate::special::ln(*parameter).abs() <= LOG_BOUNDED;
        let free = names.iter().zip(&self.parameters).find(|(_, at)| !bounded(at));
        if let Some((name, _)) = free {
            return Some(["the likelihood grows without end in ", name].concat());
        }
        self.shares.is_none().then(|| "the likelihood is flat at its top".to_owned())
    }
}

/// Standard errors at the top: the roots of the diagonal of the inverse of the curvature.
fn errors(count: usize, members: f64, at: &Numbers, mean: &Function<'_>) -> Option<Numbers> {
    let mut curvature = [[0.0; WIDTH]; WIDTH];
    for i in 0..count {
        let (mut below, mut above) = (*at, *at);
        below[i] -= CURVATURE_STEP;
        above[i] += CURVATURE_STEP;
        let bent = sum(&mean(&above).1, -1.0, &mean(&below).1);
        curvature[i] = scaled(&bent, 0.5 / CURVATURE_STEP);
    }
    // Gauss and Jordan in place: what is left is the inverse. In a bowl every pivot is above 0, in any order.
    for pivot in 0..count {
        let mut own = curvature[pivot];
        let by = std::mem::replace(&mut own[pivot], 1.0);
        if by.is_nan() || by <= FLAT {
            return None;
        }
        own = scaled(&own, 1.0 / by);
        for row in &mut curvature {
            let factor = -std::mem::take(&mut row[pivot]);
            *row = sum(row, factor, &own);
        }
        curvature[pivot] = own;
    }
    let mut shares = [0.0; WIDTH];
    for i in 0..count {
        shares[i] = (curvature[i][i] / members).sqrt();
    }
    Some(shares)
}

/// Curvature of the mean log-likelihood up to which a direction is flat: the noise of its differences.
const FLAT: f64 = 1e-8;

/// Parameters of their logarithms.
#[inline(never)]
fn exponentials(logs: &Numbers) -> Numbers {
    logs.map(exp)
}

struct Point {
    at: Numbers,
    value: f64,
    slope: Numbers,
}

impl Point {
    fn of(function: &Function<'_>, at: Numbers) -> Self {
        let (value, slope) = function(&at);
        Self { at, value, slope }
    }
}

/// Walks down from `start` by BFGS with a backtracking line search, over the first `count` numbers.
///
/// Ends when every slope is at most `slope_enough`, when no step lowers the value any more, or after 300 steps;
/// the caller judges `slope_max`.
fn minimise(count: usize, start: Numbers, slope_enough: f64, function: &Function<'_>) -> Minimum {
    let mut point = Point::of(function, start);
    let mut inverse = identity();
    let mut fresh = true;
    let mut rounds = 0;
    while rounds < ROUNDS_MAX && greatest(&point.slope) > slope_enough {
        rounds += 1;
        let mut direction = scaled(&times(&inverse, &point.slope), -1.0);
        if dot(&direction, &point.slope) >= 0.0 {
            inverse = identity();
            fresh = true;
            direction = scaled(&point.slope, -1.0);
        }
        let longest = greatest(&direction);
        if longest > STEP_MAX {
            direction.iter_mut().for_each(|d| *d = *d * STEP_MAX / longest);
        }
        let Some(next) = step(&point, &direction, function) else {
            if fresh {
                break;
            }
            inverse = identity();
            fresh = true;
            continue;
        };
        let moved = sum(&next.at, -1.0, &point.at);
        let bent = sum(&next.slope, -1.0, &point.slope);
        let curvature = dot(&moved, &bent);
        if curvature > 1e-14 * dot(&bent, &bent).sqrt() * dot(&moved, &moved).sqrt() {
            if fresh {
                let scale = curvature / dot(&bent, &bent);
                for (i, row) in inverse[..count].iter_mut().enumerate() {
                    row[i] = scale;
                }
                fresh = false;
            }
            update(&mut inverse[..count], &moved, &bent, curvature);
        }
        point = next;
    }
    Minimum { slope_max: greatest(&point.slope), at: point.at, value: point.value, rounds }
}

/// First halving of `direction` that lowers the value enough (Armijo), or none.
///
/// Near the end rounding hides the fall of the value while the slope is still exact: there a step counts
/// that keeps the value within rounding and lowers the greatest slope.
fn step(from: &Point, direction: &Numbers, function: &Function<'_>) -> Option<Point> {
    let descent = dot(direction, &from.slope);
    let mut length = 1.0;
    for _ in 0..HALVINGS_MAX {
        let next = Point::of(function, sum(&from.at, length, direction));
        let falls = next.value < from.value + 1e-4 * length * descent;
        let flattens = (next.value - from.value).abs() <= ROUNDING * (1.0 + from.value.abs())
            && greatest(&next.slope) < 0.5 * greatest(&from.slope);
        let finite = next.value.is_finite() && next.slope.iter().all(|g| g.is_finite());
        if finite && (falls || flattens) {
            return Some(next);
        }
        length *= 0.5;
    }
    None
}

/// The BFGS formula for the inverse of the curvature.
fn update(inverse: &mut [Numbers], moved: &Numbers, bent: &Numbers, curvature: f64) {
    let turned = times(inverse, bent);
    let weight = (1.0 + dot(bent, &turned) / curvature) / curvature;
    let count = inverse.len();
    for (i, row) in inverse.iter_mut().enumerate() {
        for (j, cell) in row[..count].iter_mut().enumerate() {
            *cell += weight * moved[i] * moved[j]
                - (turned[i] * moved[j] + moved[i] * turned[j]) / curvature;
        }
    }
}

// Inlined and unrolled, as loops of a known length are, these would be most of the code of a guest.
#[inline(never)]
fn identity() -> [Numbers; WIDTH] {
    let mut square = [[0.0; WIDTH]; WIDTH];
    square.iter_mut().enumerate().for_each(|(i, row)| row[i] = 1.0);
    square
}

#[inline(never)]
fn scaled(vector: &Numbers, factor: f64) -> Numbers {
    vector.map(|v| v * factor)
}

/// `left + factor * right`
#[inline(never)]
fn sum(left: &Numbers, factor: f64, right: &Numbers) -> Numbers {
    std::array::from_fn(|i| left[i] + factor * right[i])
}

#[inline(never)]
fn times(square: &[Numbers], vector: &Numbers) -> Numbers {
    let mut product = [0.0; WIDTH];
    for (cell, row) in product.iter_mut().zip(square) {
        *cell = dot(row, vector);
    }
    product
}

#[inline(never)]
fn dot(left: &Numbers, right: &Numbers) -> f64 {
    left.iter().zip(right).map(|(l, r)| l * r).sum()
}

#[inline(never)]
fn greatest(vector: &Numbers) -> f64 {
    vector.iter().fold(0.0, |most, v| v.abs().max(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banana_valley_is_walked_to_its_end() {
        let found = minimise(2, [-1.2, 1.0, 0.0, 0.0], 1e-9, &|at| {
            let (bend, off) = (at[1] - at[0] * at[0], 1.0 - at[0]);
            let slope = [-400.0 * at[0] * bend - 2.0 * off, 200.0 * bend, 0.0, 0.0];
            (100.0 * bend * bend + off * off, slope)
        });
        assert!((found.at[0] - 1.0).abs() < 1e-7 && (found.at[1] - 1.0).abs() < 1e-7, "{found:?}");
    }

    #[test]
    fn a_function_without_a_minimum_ends_with_a_slope() {
        let found = minimise(1, [0.0; WIDTH], 1e-9, &|at| (-at[0], [-1.0, 0.0, 0.0, 0.0]));
        assert_eq!(found.rounds, ROUNDS_MAX);
        assert!(found.slope_max > 0.5);
    }

    /// Counts of a gamma distribution with shape and rate, whose information is known in closed form.
    fn gamma(shape_and_rate: &Numbers, members: f64) -> (f64, Numbers) {
        use crate::special::{digamma, ln_gamma};
        // The sufficient statistics of shape 3 and rate 2.
        let (mean, mean_log) = (1.5, digamma(3.0) - 2.0_f64.ln());
        let [k, rate, ..] = *shape_and_rate;
        let value = k * rate.ln() - ln_gamma(k) + (k - 1.0) * mean_log - rate * mean;
        let slope = [rate.ln() - digamma(k) + mean_log, k / rate - mean];
        (members * value, [members * slope[0], members * slope[1], 0.0, 0.0])
    }

    #[test]
    fn standard_errors_are_those_of_the_information() {
        let members = 500.0;
        let fit = likeliest(2, members, &|at| gamma(at, members));
        assert!((fit.parameters[0] - 3.0).abs() < 1e-9 && (fit.parameters[1] - 2.0).abs() < 1e-9);
        // Information of (k, rate): [[trigamma(k), -1/rate], [-1/rate, k/rate^2]]; trigamma(3) = pi^2/6 - 5/4.
        let trigamma = std::f64::consts::PI.powi(2) / 6.0 - 1.25;
        let determinant = trigamma * 3.0 / 4.0 - 0.25;
        let variances = [0.75 / determinant / members, trigamma / determinant / members];
        let shares = fit.shares.expect("a bowl");
        for i in 0..2 {
            let error = shares[i] * fit.parameters[i];
            assert!((error / variances[i].sqrt() - 1.0).abs() < 1e-6, "{i}: {error}");
        }
        assert_eq!(shares[2..], [0.0, 0.0]);
        assert_eq!(fit.refusal(&["k", "rate"]), None);
    }

    #[test]
    fn what_the_data_do_not_tell_is_refused_in_words() {
        // Only the sum of the logarithms matters: a valley without a lowest point.
        let ridge = likeliest(2, 1.0, &|at| {
            let off = (at[0] * at[1]).ln() - 1.0;
            (-off * off, [-2.0 * off / at[0], -2.0 * off / at[1], 0.0, 0.0])
        });
        assert_eq!(ridge.shares, None);
        assert!(ridge.refusal(&["a", "b"]).is_some_and(|text| text.contains("flat")));
        // The greater, the likelier.
        let endless =
            likeliest(1, 1.0, &|at| (-1.0 / at[0], [1.0 / (at[0] * at[0]), 0.0, 0.0, 0.0]));
        let words = endless.refusal(&["scale"]).unwrap_or_default();
        assert!(words.contains("scale") && words.contains("without end"), "{words} {endless:?}");
        let unsettled = Likeliest { slope_max: f64::NAN, ..ridge };
        assert!(unsettled.refusal(&["a", "b"]).is_some_and(|text| text.contains("not settled")));
    }
}
