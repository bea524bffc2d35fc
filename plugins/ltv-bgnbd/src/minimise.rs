//! Finds the minimum of a smooth function of a few unbounded numbers, the same way every time.

use playbook_sdk::libm::exp;

/// Value and slope of a function at a point.
pub type Function<'f> = dyn Fn(&[f64]) -> (f64, Vec<f64>) + 'f;

/// Where the search ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// The point of the least value seen.
    pub at: Vec<f64>,
    /// The function there.
    pub value: f64,
    /// Greatest absolute slope there.
    pub slope_max: f64,
    /// Steps taken.
    pub rounds: u32,
}

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
/// Slope of the mean log-likelihood at which the search is over.
const SLOPE_ENOUGH: f64 = 1e-12;

/// Finds the logarithms of the `parameters` under which `members` are likeliest.
///
/// `log_likelihood` gives the logarithm over all members and its slope on the parameters. The value of the minimum is
/// the negative mean log-likelihood.
#[must_use]
pub fn likeliest(parameters: usize, members: f64, log_likelihood: &Function<'_>) -> Minimum {
    minimise(vec![0.0; parameters], SLOPE_ENOUGH, &|logs| {
        let (sum, mut slope) = log_likelihood(&exponentials(logs));
        let mut value = -sum / members;
        for (log, g) in logs.iter().zip(&mut slope) {
            *g = -*g / members * exp(*log);
            let beyond = log.abs() - LOG_MAX;
            if beyond > 0.0 {
                value += beyond * beyond;
                *g += 2.0 * beyond * log.signum();
            }
        }
        (value, slope)
    })
}

/// Parameters of their logarithms.
#[must_use]
pub fn exponentials(logs: &[f64]) -> Vec<f64> {
    logs.iter().map(|log| exp(*log)).collect()
}

struct Point {
    at: Vec<f64>,
    value: f64,
    slope: Vec<f64>,
}

impl Point {
    fn of(function: &Function<'_>, at: Vec<f64>) -> Self {
        let (value, slope) = function(&at);
        Self { at, value, slope }
    }
}

/// Walks down from `start` by BFGS with a backtracking line search.
///
/// Ends when every slope is at most `slope_enough`, when no step lowers the value any more, or after 300 steps;
/// the caller judges `slope_max`.
#[must_use]
pub fn minimise(start: Vec<f64>, slope_enough: f64, function: &Function<'_>) -> Minimum {
    let mut point = Point::of(function, start);
    let mut inverse = identity(point.at.len());
    let mut fresh = true;
    let mut rounds = 0;
    while rounds < ROUNDS_MAX && greatest(&point.slope) > slope_enough {
        rounds += 1;
        let mut direction = scaled(&times(&inverse, &point.slope), -1.0);
        if dot(&direction, &point.slope) >= 0.0 {
            inverse = identity(point.at.len());
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
            inverse = identity(point.at.len());
            fresh = true;
            continue;
        };
        let moved = sum(&next.at, -1.0, &point.at);
        let bent = sum(&next.slope, -1.0, &point.slope);
        let curvature = dot(&moved, &bent);
        if curvature > 1e-14 * dot(&bent, &bent).sqrt() * dot(&moved, &moved).sqrt() {
            if fresh {
                let scale = curvature / dot(&bent, &bent);
                for (i, row) in inverse.iter_mut().enumerate() {
                    row[i] = scale;
                }
                fresh = false;
            }
            update(&mut inverse, &moved, &bent, curvature);
        }
        point = next;
    }
    Minimum { slope_max: greatest(&point.slope), at: point.at, value: point.value, rounds }
}

/// First halving of `direction` that lowers the value enough (Armijo), or none.
///
/// Near the end rounding hides the fall of the value while the slope is still exact: there a step counts
/// that keeps the value within rounding and lowers the greatest slope.
fn step(from: &Point, direction: &[f64], function: &Function<'_>) -> Option<Point> {
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
fn update(inverse: &mut [Vec<f64>], moved: &[f64], bent: &[f64], curvature: f64) {
    let turned = times(inverse, bent);
    let weight = (1.0 + dot(bent, &turned) / curvature) / curvature;
    for (i, row) in inverse.iter_mut().enumerate() {
        for (j, cell) in row.iter_mut().enumerate() {
            *cell += weight * moved[i] * moved[j]
                - (turned[i] * moved[j] + moved[i] * turned[j]) / curvature;
        }
    }
}

#[inline(never)]
fn identity(width: usize) -> Vec<Vec<f64>> {
    let mut square = vec![vec![0.0; width]; width];
    square.iter_mut().enumerate().for_each(|(i, row)| row[i] = 1.0);
    square
}

// These are a few numbers long: inlined and unrolled they would be most of the code of a guest.
#[inline(never)]
fn scaled(vector: &[f64], factor: f64) -> Vec<f64> {
    vector.iter().map(|v| v * factor).collect()
}

/// `left + factor * right`
#[inline(never)]
fn sum(left: &[f64], factor: f64, right: &[f64]) -> Vec<f64> {
    left.iter().zip(right).map(|(l, r)| l + factor * r).collect()
}

#[inline(never)]
fn times(square: &[Vec<f64>], vector: &[f64]) -> Vec<f64> {
    square.iter().map(|row| dot(row, vector)).collect()
}

#[inline(never)]
fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(l, r)| l * r).sum()
}

#[inline(never)]
fn greatest(vector: &[f64]) -> f64 {
    vector.iter().fold(0.0, |most, v| v.abs().max(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banana_valley_is_walked_to_its_end() {
        let found = minimise(vec![-1.2, 1.0], 1e-9, &|at| {
            let (bend, off) = (at[1] - at[0] * at[0], 1.0 - at[0]);
            let slope = vec![-400.0 * at[0] * bend - 2.0 * off, 200.0 * bend];
            (100.0 * bend * bend + off * off, slope)
        });
        assert!((found.at[0] - 1.0).abs() < 1e-7 && (found.at[1] - 1.0).abs() < 1e-7, "{found:?}");
    }

    #[test]
    fn a_function_without_a_minimum_ends_with_a_slope() {
        let found = minimise(vec![0.0], 1e-9, &|at| (-at[0], vec![-1.0]));
        assert_eq!(found.rounds, ROUNDS_MAX);
        assert!(found.slope_max > 0.5);
    }
}
