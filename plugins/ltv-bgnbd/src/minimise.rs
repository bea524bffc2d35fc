//! Finds the minimum of a smooth function of a few unbounded numbers, the same way every time.

/// Where the search ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum<const N: usize> {
    /// The point of the least value seen.
    pub at: [f64; N],
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

type Square<const N: usize> = [[f64; N]; N];

/// Walks down from `start` by BFGS with a backtracking line search.
///
/// `function` gives value and slope. Ends when every slope is at most `slope_enough`, when no step
/// lowers the value any more, or after 300 steps; the caller judges `slope_max`.
pub fn minimise<const N: usize>(
    start: [f64; N],
    slope_enough: f64,
    mut function: impl FnMut(&[f64; N]) -> (f64, [f64; N]),
) -> Minimum<N> {
    let mut at = start;
    let (mut value, mut slope) = function(&at);
    let mut inverse = identity::<N>();
    let mut fresh = true;
    let mut rounds = 0;
    while rounds < ROUNDS_MAX && greatest(&slope) > slope_enough {
        rounds += 1;
        let mut direction = times(&inverse, &slope).map(|d| -d);
        if dot(&direction, &slope) >= 0.0 {
            inverse = identity();
            fresh = true;
            direction = slope.map(|g| -g);
        }
        let longest = greatest(&direction);
        if longest > STEP_MAX {
            direction = direction.map(|d| d * STEP_MAX / longest);
        }
        let Some((next, next_value, next_slope)) =
            step(&at, value, &slope, &direction, &mut function)
        else {
            if fresh {
                break;
            }
            inverse = identity();
            fresh = true;
            continue;
        };
        let moved: [f64; N] = std::array::from_fn(|i| next[i] - at[i]);
        let bent: [f64; N] = std::array::from_fn(|i| next_slope[i] - slope[i]);
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
        (at, value, slope) = (next, next_value, next_slope);
    }
    Minimum { at, value, slope_max: greatest(&slope), rounds }
}

/// First halving of `direction` that lowers the value enough (Armijo), or none.
///
/// Near the end rounding hides the fall of the value while the slope is still exact: there a step counts
/// that keeps the value within rounding and lowers the greatest slope.
fn step<const N: usize>(
    at: &[f64; N],
    value: f64,
    slope: &[f64; N],
    direction: &[f64; N],
    function: &mut impl FnMut(&[f64; N]) -> (f64, [f64; N]),
) -> Option<([f64; N], f64, [f64; N])> {
    let descent = dot(direction, slope);
    let mut length = 1.0;
    for _ in 0..HALVINGS_MAX {
        let next: [f64; N] = std::array::from_fn(|i| at[i] + length * direction[i]);
        let (next_value, next_slope) = function(&next);
        let falls = next_value < value + 1e-4 * length * descent;
        let flattens = (next_value - value).abs() <= ROUNDING * (1.0 + value.abs())
            && greatest(&next_slope) < 0.5 * greatest(slope);
        if next_value.is_finite() && next_slope.iter().all(|g| g.is_finite()) && (falls || flattens)
        {
            return Some((next, next_value, next_slope));
        }
        length *= 0.5;
    }
    None
}

/// The BFGS formula for the inverse of the curvature.
fn update<const N: usize>(
    inverse: &mut Square<N>,
    moved: &[f64; N],
    bent: &[f64; N],
    curvature: f64,
) {
    let turned = times(inverse, bent);
    let weight = (1.0 + dot(bent, &turned) / curvature) / curvature;
    for i in 0..N {
        for j in 0..N {
            inverse[i][j] += weight * moved[i] * moved[j]
                - (turned[i] * moved[j] + moved[i] * turned[j]) / curvature;
        }
    }
}

fn identity<const N: usize>() -> Square<N> {
    std::array::from_fn(|i| std::array::from_fn(|j| if i == j { 1.0 } else { 0.0 }))
}

fn times<const N: usize>(square: &Square<N>, vector: &[f64; N]) -> [f64; N] {
    std::array::from_fn(|i| dot(&square[i], vector))
}

fn dot<const N: usize>(left: &[f64; N], right: &[f64; N]) -> f64 {
    (0..N).map(|i| left[i] * right[i]).sum()
}

fn greatest<const N: usize>(vector: &[f64; N]) -> f64 {
    vector.iter().fold(0.0, |most, v| v.abs().max(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banana_valley_is_walked_to_its_end() {
        let found = minimise([-1.2, 1.0], 1e-9, |&[x, y]| {
            let (bend, off) = (y - x * x, 1.0 - x);
            (100.0 * bend * bend + off * off, [-400.0 * x * bend - 2.0 * off, 200.0 * bend])
        });
        assert!((found.at[0] - 1.0).abs() < 1e-7 && (found.at[1] - 1.0).abs() < 1e-7, "{found:?}");
    }

    #[test]
    fn a_function_without_a_minimum_ends_with_a_slope() {
        let found = minimise([0.0], 1e-9, |&[x]| (-x, [-1.0]));
        assert_eq!(found.rounds, ROUNDS_MAX);
        assert!(found.slope_max > 0.5);
    }
}
