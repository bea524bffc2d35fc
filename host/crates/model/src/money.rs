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

    /// Returns as much of the amount as `part` is of `whole`, rounded towards nothing: exact, and all of it where `part` is
    /// all of `whole` or more.
    #[must_use]
    pub fn portion(self, part: Self, whole: Self) -> Self {
        if whole.0 <= 0 || part.0 >= whole.0 {
            return self;
        }
        let portion = i128::from(self.0) * i128::from(part.0.max(0)) / i128::from(whole.0);
        Self(i64::try_from(portion).unwrap_or(self.0))
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

impl Minor {
    /// The amount as people write it, of a currency with `digits` digits after the point: "2,500,315.63".
    #[must_use]
    pub fn text(self, digits: u8) -> String {
        let digits = usize::from(digits);
        let text = format!("{:0>width$}", self.0.unsigned_abs(), width = digits + 1);
        let (units, rest) = text.split_at(text.len() - digits);
        let sign = if self.0 < 0 { "-" } else { "" };
        let point = if digits == 0 { "" } else { "." };
        format!("{sign}{}{point}{rest}", grouped(units))
    }
}

/// Digits in groups of three: "1,234,567".
#[must_use]
pub fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Minor, grouped};

    #[test]
    fn portions_are_exact_and_never_more_than_all() {
        let of = |amount, part, whole| Minor(amount).portion(Minor(part), Minor(whole)).0;
        assert_eq!([of(100, 1, 3), of(67, 1, 2), of(34, 1, 1)], [33, 33, 34]);
        assert_eq!(of(i64::MAX, i64::MAX - 1, i64::MAX), i64::MAX - 1);
        assert_eq!(
            [of(100, 5, 3), of(100, 0, 0), of(100, -1, 3), of(-100, 1, 3)],
            [100, 100, 0, -33]
        );
    }

    #[test]
    fn amounts_are_written_with_the_digits_of_their_currency() {
        assert_eq!(Minor(250_031_563).text(2), "2,500,315.63");
        assert_eq!(Minor(5).text(2), "0.05");
        assert_eq!(Minor(-5).text(2), "-0.05");
        assert_eq!(Minor(1_234).text(0), "1,234");
        assert_eq!(Minor(1_234).text(3), "1.234");
        assert_eq!(Minor(i64::MIN).text(2), "-92,233,720,368,547,758.08");
        assert_eq!(grouped("999"), "999");
        assert_eq!(grouped("1000"), "1,000");
    }
}
