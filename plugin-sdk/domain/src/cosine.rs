//! How alike two directions are (domain SC-5).

use crate::is_enough;

/// Returns the cosine of two vectors over the coordinates that are known of the second; 0 to 1 where none is negative.
///
/// None where the known coordinates hold less than half of the length of the first vector (squared), or where one
/// of the vectors is 0 there.
#[must_use]
pub fn cosine(pairs: impl IntoIterator<Item = (f64, Option<f64>)>) -> Option<f64> {
    let (mut whole, mut left, mut right, mut both) = (0.0, 0.0, 0.0, 0.0);
    for (x, y) in pairs {
        whole += x * x;
        if let Some(y) = y {
            left += x * x;
            right += y * y;
            both += x * y;
        }
    }
    let lengths = left.sqrt() * right.sqrt();
    let known = lengths > 0.0 && is_enough(left, whole);
    known.then(|| (both / lengths).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: Option<f64>, want: f64) {
        assert!(got.is_some_and(|got| (got - want).abs() < 1e-12), "{got:?} is not {want}");
    }

    #[test]
    fn a_cosine_depends_on_directions_alone() {
        near(cosine([(3.0, Some(30.0)), (4.0, Some(40.0))]), 1.0);
        near(cosine([(3.0, Some(4.0)), (4.0, Some(3.0))]), 24.0 / 25.0);
        near(cosine([(1.0, Some(0.0)), (0.0, Some(2.0))]), 0.0);
        near(cosine([(1.0, Some(-2.0))]), -1.0);
    }

    #[test]
    fn gaps_are_left_out_of_both_and_too_many_give_nothing() {
        near(cosine([(3.0, Some(1.0)), (3.0, None), (0.0, Some(0.0))]), 1.0);
        assert_eq!(cosine([(3.0, Some(1.0)), (4.0, None)]), None);
        assert_eq!(cosine([(1.0, Some(0.0))]), None);
        assert_eq!(cosine([]), None);
    }
}
