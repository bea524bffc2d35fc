//! Money in minor units of a playbook's one currency.

use std::fmt;

/// An amount in minor units (cents, fen), signed; arithmetic is checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor(pub i64);

impl Minor {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Returns the sum, or `None` where it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Returns the difference, or `None` where it does not fit.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Returns `share` of the amount, rounded down: the rule for rewards (domain 0.1).
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "shares are 0..=1, amounts far below 2^53"
    )]
    pub fn share_down(self, share: f64) -> Self {
        // The tiny lift undoes representation error, so that 0.1 of 1000 is 100 and not 99.
        Self((self.0 as f64 * share + 1e-6).floor() as i64)
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
