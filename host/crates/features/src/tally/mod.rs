//! Tallies: aggregates by member as arrays of numbers, updated row by row.
//!
//! [`TallyPlan`] says which rows add to which slots: a row's texts and its time give its class, and a table says what
//! rows of each class add, so that no condition is tested per row. [`Tally`] holds the slots of a range of members and
//! adds rows to them. `finish.rs` turns slots into values. All parts merge: the order in which rows come, and the order
//! in which the tallies of parts of them are merged, does not show. A tally has a form of bytes to be kept in.

mod bytes;
mod column;
mod finish;
mod layout;
mod merge;
mod pick;
mod plan;
mod state;

pub use bytes::TallyError;
pub use column::{filled, filling, gives_declared_type, put};
pub use pick::Given;
pub use plan::{Dimension, Field, Moment, Reading, TallyPlan};
pub use state::{Row, Tally};

use crate::expression::FaultKind;

/// Milliseconds, days and reals are kept as integers; this one stands for "no first time yet".
const NEVER_FIRST: i64 = i64::MAX;
/// No last time yet.
const NEVER_LAST: i64 = i64::MIN;

/// A finished value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number<'a> {
    /// None.
    Missing,
    /// An integer.
    Integer(i64),
    /// A real.
    Real(f64),
    /// A text.
    Text(&'a str),
    /// A sum that 64 bits do not hold.
    TooLarge,
}

/// A hash of a text that is the same in all processes: the first 64 bits of its SHA-256. Among a million texts, two
/// share one with a chance of 3 in 100 million.
#[must_use]
pub fn code(text: &str) -> i64 {
    i64::from_be_bytes(playbook_model::Digest::of(text.as_bytes()).first())
}

/// A real as an integer that sorts the same way; [`from_ordered`] is the inverse.
#[must_use]
pub fn ordered(value: f64) -> i64 {
    flip(value.to_bits().cast_signed())
}

/// Returns a real in millionths, rounded half away from zero; `None` for NaN.
///
/// # Errors
/// [`FaultKind::Overflow`] for values that 64 bits do not hold: a sum that left them out would be another number.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub fn micro(value: f64) -> Result<Option<i64>, FaultKind> {
    let scaled = (value * 1e6).round();
    if scaled.abs() < 9e18 {
        Ok(Some(scaled as i64))
    } else if scaled.is_nan() {
        Ok(None)
    } else {
        Err(FaultKind::Overflow)
    }
}

/// The inverse of [`ordered`].
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
