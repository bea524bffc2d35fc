//! Integer overflow: the fault, and how it is found in the chain of an engine's error.

use std::error::Error;

/// An integer result beyond 64 bits.
#[derive(Debug, thiserror::Error)]
#[error("an integer goes beyond 64 bits; sums and products of `cast(x as double)` are reals")]
pub(crate) struct Overflow;

/// Whether an error is, at its root, an [`Overflow`].
pub(crate) fn is_overflow(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| (*error).source())
        .any(|error| error.is::<Overflow>())
}

/// Returns a real in millionths, rounded half away from zero; `None` for NaN.
///
/// # Errors
/// [`Overflow`] for values that 64 bits do not hold: a sum that left them out would be another number.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(crate) fn micro(value: f64) -> Result<Option<i64>, Overflow> {
    let scaled = (value * 1e6).round();
    if scaled.abs() < 9e18 {
        Ok(Some(scaled as i64))
    } else if scaled.is_nan() {
        Ok(None)
    } else {
        Err(Overflow)
    }
}
