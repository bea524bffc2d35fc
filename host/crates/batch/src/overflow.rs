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
