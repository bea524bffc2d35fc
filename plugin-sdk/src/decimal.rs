//! Reads the decimal number of a JSON text as the nearest `f64`.
//!
//! The standard library does the same from a table of powers that would be a tenth of a small component. Settings are
//! read once for each instance, so the long division that needs no table is fast enough.

/// Digits that are kept: 768 decide the rounding of any number, and one more says whether anything follows.
const DIGITS_MAX: usize = 800;
/// A number of at least `10^310` is infinite, one below `10^-330` is 0, whatever its digits.
const MAGNITUDES: std::ops::RangeInclusive<i64> = -330..=310;
/// Largest power of ten in a word.
const CHUNK: u32 = 9;

/// Returns the number nearest to a text of JSON's grammar, ties to even: infinite where it is too large.
pub(crate) fn real(text: &str) -> f64 {
    let (digits, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (unsigned, sign) = match digits.strip_prefix('-') {
        Some(unsigned) => (unsigned, 1 << 63),
        None => (digits, 0),
    };
    f64::from_bits(sign | magnitude(unsigned, self::power(power)))
}

/// The power of ten; beyond any magnitude it may be any number as large.
fn power(text: &str) -> i64 {
    let number = text.trim_start_matches(['+', '-']).bytes().fold(0_i64, |number, digit| {
        number.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    // Digits before or behind the point move a power by less than the length of a text.
    let number = number.min(1 << 40);
    if text.starts_with('-') { -number } else { number }
}

/// Bits of `digits * 10^power`.
fn magnitude(digits: &str, mut power: i64) -> u64 {
    let mut whole = Whole(Vec::new());
    let (mut kept, mut behind_point, mut more) = (0, false, false);
    for byte in digits.bytes() {
        if byte == b'.' {
            behind_point = true;
            continue;
        }
        power -= i64::from(behind_point);
        if kept < DIGITS_MAX {
            whole.times(10, u32::from(byte - b'0'));
            kept += usize::from(!whole.0.is_empty());
        } else {
            power += 1;
            more |= byte != b'0';
        }
    }
    let exponent = kept as i64 + power;
    if whole.0.is_empty() || exponent < *MAGNITUDES.start() {
        return 0;
    }
    if exponent > *MAGNITUDES.end() {
        return f64::INFINITY.to_bits();
    }
    // Both are below the digits kept and the magnitudes together.
    let (up, down) = (power.max(0) as u32, (-power).max(0) as u32);
    for chunk in chunks(up) {
        whole.times(10_u32.pow(chunk), 0);
    }
    // A digit is less than 10/3 bits: after the division at least 64 bits stand before the point.
    let shift_words = if down == 0 { 0 } else { (down * 10 / 3 + 96) / 32 + 1 };
    whole.shift(shift_words);
    for chunk in chunks(down) {
        more |= whole.divide(10_u32.pow(chunk)) > 0;
    }
    whole.nearest(i64::from(shift_words) * 32, more)
}

/// The number as a sum of powers that fit a word.
fn chunks(count: u32) -> impl Iterator<Item = u32> {
    (0..count).step_by(CHUNK as usize).map(move |done| CHUNK.min(count - done))
}

/// A whole number in words, the lowest first, the highest not 0.
struct Whole(Vec<u32>);

impl Whole {
    #[inline(never)]
    fn times(&mut self, factor: u32, plus: u32) {
        let mut carry = u64::from(plus);
        for word in &mut self.0 {
            carry += u64::from(*word) * u64::from(factor);
            *word = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    fn shift(&mut self, words: u32) {
        let mut shifted = vec![0; words as usize];
        shifted.append(&mut self.0);
        self.0 = shifted;
    }

    /// Divides, rounding down; returns the remainder.
    #[inline(never)]
    fn divide(&mut self, divisor: u32) -> u32 {
        let mut rest = 0;
        for word in self.0.iter_mut().rev() {
            let part = (rest << 32) | u64::from(*word);
            *word = (part / u64::from(divisor)) as u32;
            rest = part % u64::from(divisor);
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        rest as u32
    }

    /// Bits of the `f64` nearest to this number over `2^shift`; `more` where a fraction follows.
    fn nearest(&self, shift: i64, more: bool) -> u64 {
        let mut words = self.0.iter().rev().map(|word| u64::from(*word));
        let mut next = || words.next().unwrap_or(0);
        let (first, second, third) = (next(), next(), next());
        let gap = first.leading_zeros() - 32;
        let top = (((first << 32) | second) << gap) | ((third << gap) >> 32);
        let mut more = more || (third << gap) as u32 != 0;
        more |= words.any(|word| word != 0);

        // The number is `top * 2^(exponent - 63)` and a little more; `f64` keeps 53 bits of it, below 2^-1022 fewer.
        let exponent = self.0.len() as i64 * 32 - i64::from(gap) - 1 - shift;
        let lost = 11 + (-1022 - exponent).max(0);
        if exponent > 1023 {
            return f64::INFINITY.to_bits();
        }
        if lost > 64 {
            return 0;
        }
        let kept = top.checked_shr(lost as u32).unwrap_or(0);
        let half = 1_u64 << (lost - 1);
        let below = top & ((half - 1) | half);
        let up = below > half || (below == half && (more || kept & 1 == 1));
        // The highest of 53 bits counts one exponent, and so does a carry out of them.
        let base = (exponent.max(-1022) + 1022) as u64;
        (base << 52) + kept + u64::from(up)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::real;

    #[track_caller]
    fn agrees(text: &str) {
        let want: f64 = text.parse().unwrap();
        assert_eq!(real(text).to_bits(), want.to_bits(), "{text}: {} for {want}", real(text));
    }

    #[test]
    fn borders_are_read_as_the_standard_library_reads_them() {
        for text in [
            "0",
            "-0",
            "0.0",
            "0e999999999999999999999",
            "1",
            "10",
            "0.1",
            "0.30",
            "1e22",
            "1e23",
            "100.0",
            "0.000001",
            "9007199254740993",
            "9007199254740992.9999999999999999999",
            "123456789012345678901234567890",
            "1.7976931348623157e308",
            "1.7976931348623158e308",
            "1.7976931348623159e308",
            "1e309",
            "1e310",
            "1e311",
            "1e99999999999999999999999",
            "-1e-99999999999999999999999",
            "2.2250738585072014e-308",
            "2.2250738585072011e-308",
            "2.2250738585072009e-308",
            "4.9e-324",
            "5e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "2.5e-324",
            "1e-329",
            "1e-331",
            "0.5",
            "6.9294956446009195e15",
            "3.5844466002796428e298",
            "8.988465674311579e307",
            "1448997445238699",
        ] {
            agrees(text);
        }
        // 2^53 + 1 lies half-way: the digit behind any number of zeros decides.
        let half = "9007199254740993.";
        agrees(&format!("{half}{}", "0".repeat(2_000)));
        agrees(&format!("{half}{}1", "0".repeat(2_000)));
        agrees(&format!("0.{}1", "0".repeat(320)));
        agrees(&format!("{}e-3000", "9".repeat(3_000)));
        agrees(&format!("1{}e-1000", "0".repeat(1_000)));
    }

    #[test]
    fn half_way_numbers_go_to_the_even_one() {
        // The exact decimals of the points half-way between neighbours, among them the smallest numbers.
        for bits in
            [1_u64, 2, 3, 0x000f_ffff_ffff_ffff, 0x0010_0000_0000_0000, 0x3ff0_0000_0000_0001]
        {
            let (low, high) = (f64::from_bits(bits), f64::from_bits(bits + 1));
            agrees(&format!("{low:.1100}"));
            let mut sum = Vec::new();
            let mut carry = 0;
            // The mean of two decimals: their sum, digit by digit, halved by a factor of five and a shift of the point.
            let (low, high) = (format!("{low:.1100}"), format!("{high:.1100}"));
            for (l, h) in low.bytes().rev().zip(high.bytes().rev()) {
                if l == b'.' {
                    continue;
                }
                let times_five = 5 * (u32::from(l - b'0') + u32::from(h - b'0')) + carry;
                sum.push(char::from_digit(times_five % 10, 10).unwrap());
                carry = times_five / 10;
            }
            let digits: String = carry.to_string().chars().chain(sum.into_iter().rev()).collect();
            agrees(&format!("{}e-1101", digits.trim_start_matches('0')));
        }
    }

    #[test]
    fn numbers_of_all_sizes_are_read_as_the_standard_library_reads_them() {
        let mut state = 1_u64;
        let mut draw = || {
            state = playbook_contract::mix(state, 7);
            state
        };
        for _ in 0..20_000 {
            let number = f64::from_bits(draw());
            if number.is_finite() {
                agrees(&format!("{number:e}"));
                agrees(&number.to_string());
            }
            let (whole, fraction, power) = (draw() >> (draw() % 64), draw(), draw() % 700);
            agrees(&format!("{whole}.{fraction}e{}", power as i64 - 350));
            agrees(&format!("-{whole}.{fraction}"));
        }
    }
}
