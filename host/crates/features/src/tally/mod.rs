//! Aggregates by member kept as numbers.
//!
//! [`TallyPlan`] says which rows add to which slots: a row's texts and its window decide once, in a table, what it
//! adds, and no condition is tested per row. [`Tally`] holds the slots of a stretch of members and adds rows to
//! them. `finish.rs` turns slots into values. All parts are integers whose order of addition does not show, so that
//! rows may come in any order.

mod finish;
mod plan;
mod state;

pub use plan::{Dimension, Field, Reading, TallyPlan};
pub use state::{Row, Tally};

/// Milliseconds, days and reals are kept as integers; this one stands for "no first time yet".
const NEVER_FIRST: i64 = i64::MAX;
/// No last time yet.
const NEVER_LAST: i64 = i64::MIN;

/// A finished value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// None.
    Missing,
    /// An integer.
    Integer(i64),
    /// A real.
    Real(f64),
    /// A sum that 64 bits do not hold.
    TooLarge,
}

/// A real as an integer of the same order; [`from_ordered`] is the way back.
#[must_use]
pub fn ordered(value: f64) -> i64 {
    flip(value.to_bits().cast_signed())
}

/// The real that [`ordered`] made an integer of.
#[must_use]
pub fn from_ordered(value: i64) -> f64 {
    f64::from_bits(flip(value).cast_unsigned())
}

/// Reals are ordered as integers are once the bits of negative ones, but for their sign, are flipped.
fn flip(bits: i64) -> i64 {
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

#[cfg(test)]
mod tests {
    use super::{from_ordered, ordered};

    #[test]
    fn reals_keep_their_order_as_integers() {
        let all = [f64::MIN, -1e9, -1.5, -f64::MIN_POSITIVE, 0.0, 1e-300, 2.5, f64::MAX];
        assert!(all.windows(2).all(|two| ordered(two[0]) < ordered(two[1])));
        assert!(all.iter().all(|value| from_ordered(ordered(*value)) == *value));
    }
}
