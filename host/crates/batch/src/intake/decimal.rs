//! Exact decimal numbers from text, for money and integers.

/// `mantissa * 10^exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) mantissa: i128,
    pub(crate) exponent: i32,
}

impl Decimal {
    pub(crate) const ONE: Self = Self { mantissa: 1, exponent: 0 };

    /// Reads `-12.50`, `+3`, `.5`, `1.2e3`; nothing else, at most 30 digits.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, mut rest) = match text.first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let mut mantissa: i128 = 0;
        let (mut digits, mut exponent, mut fraction) = (0, 0, false);
        while let Some((&byte, after)) = rest.split_first() {
            match byte {
                b'0'..=b'9' => {
                    digits += 1;
                    if digits > 30 {
                        return None;
                    }
                    mantissa = mantissa * 10 + i128::from(byte - b'0');
                    exponent -= i32::from(fraction);
                }
                b'.' if !fraction => fraction = true,
                b'e' | b'E' if digits > 0 => {
                    let power: i32 = std::str::from_utf8(after).ok()?.parse().ok()?;
                    if power.abs() > 60 {
                        return None;
                    }
                    exponent += power;
                    break;
                }
                _ => return None,
            }
            rest = after;
        }
        (digits > 0)
            .then_some(Self { mantissa: if negative { -mantissa } else { mantissa }, exponent })
    }

    /// Reads the shortest decimal text of a finite real.
    pub(crate) fn from_real(real: f64) -> Option<Self> {
        real.is_finite().then(|| Self::parse(format!("{real:e}").as_bytes()))?
    }

    /// Returns `self * factor * 10^shift` as an integer, rounded half away from zero.
    pub(crate) fn scaled(self, factor: Self, shift: i32) -> Option<i64> {
        let mut mantissa = self.mantissa.checked_mul(factor.mantissa)?;
        let exponent = self.exponent + factor.exponent + shift;
        if exponent >= 0 {
            let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
            mantissa = mantissa.checked_mul(power)?;
        } else {
            let Some(power) = 10_i128.checked_pow(exponent.unsigned_abs()) else { return Some(0) };
            let (quotient, rest) = (mantissa / power, mantissa % power);
            let away = i128::from(rest.abs() * 2 >= power) * mantissa.signum();
            mantissa = quotient + away;
        }
        i64::try_from(mantissa).ok()
    }

    /// Whether `self * factor` is a whole number.
    pub(crate) fn is_whole(self, factor: Self) -> bool {
        self.is_whole_shifted(factor, 0)
    }

    /// Whether `self * factor * 10^shift` is a whole number.
    pub(crate) fn is_whole_shifted(self, factor: Self, shift: i32) -> bool {
        let Some(mantissa) = self.mantissa.checked_mul(factor.mantissa) else { return false };
        let exponent = self.exponent + factor.exponent + shift;
        exponent >= 0
            || mantissa == 0
            || 10_i128.checked_pow(exponent.unsigned_abs()).is_some_and(|p| mantissa % p == 0)
    }
}

/// Number of digits after the point. `12.0` has none: programs write whole reals so.
pub(crate) fn decimals_written(text: &[u8]) -> usize {
    let Some(point) = memchr::memchr(b'.', text) else { return 0 };
    let fraction = &text[point + 1..];
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if &fraction[..digits] == b"0" { 0 } else { digits }
}

/// A real as decimal text, without the rounding errors of floating-point sums: where it is within such an error of a
/// number with six decimals, that number (1.8e-15 is 0), else its shortest exact text.
pub(crate) fn decimal_text(real: f64) -> String {
    let near = (real * 1e6).round() / 1e6;
    let is_near = (real - near).abs() <= 1e-11 + real.abs() * 1e-12;
    if is_near { near.to_string() } else { real.to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn cents(text: &str) -> Option<i64> {
        Decimal::parse(text.as_bytes())?.scaled(Decimal::ONE, 2)
    }

    #[test]
    fn money_is_exact_and_rounds_half_away_from_zero() {
        let cases = [
            ("11.77", Some(1177)),
            ("1.005", Some(101)),
            ("-1.005", Some(-101)),
            ("1.0049", Some(100)),
            (".5", Some(50)),
            ("7.", Some(700)),
            ("1e2", Some(10_000)),
            ("1.5E-1", Some(15)),
            ("0", Some(0)),
            ("", None),
            ("-", None),
            (".", None),
            ("1,5", None),
            ("1.2.3", None),
            ("abc", None),
            ("1e", None),
            ("92233720368547758.07", Some(i64::MAX)),
            ("92233720368547758.08", None),
        ];
        for (text, want) in cases {
            assert_eq!(cents(text), want, "{text}");
        }
    }

    #[test]
    fn a_factor_of_a_cent_is_exact() {
        let cent = Decimal::from_real(0.01).unwrap();
        assert_eq!(Decimal::parse(b"1177").unwrap().scaled(cent, 2), Some(1177));
        let ten_thousand = Decimal::from_real(10_000.0).unwrap();
        assert_eq!(Decimal::parse(b"1.23456").unwrap().scaled(ten_thousand, 2), Some(1_234_560));
    }

    #[test]
    fn decimals_are_counted_as_written() {
        for (text, want) in [("1", 0), ("1.0", 0), ("1.00", 2), ("25.000", 3), ("1.5e3", 1)] {
            assert_eq!(decimals_written(text.as_bytes()), want, "{text}");
        }
    }
}
