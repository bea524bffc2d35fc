//! Contact data in values that are shown: addresses and telephone numbers are masked.

use std::borrow::Cow;

use super::names::Names;

/// Digits of a telephone number with its country (E.164), and the least that are one.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Whether a text is an e-mail address, or has one in it.
pub(super) fn has_address(text: &str) -> bool {
    text.split_whitespace().any(is_address)
}

fn is_address(word: &str) -> bool {
    word.rsplit_once('@').is_some_and(|(person, host)| {
        !person.is_empty() && host.contains('.') && !host.starts_with('.')
    })
}

/// Whether a text is a telephone number; `named`: the column says so, and digits alone are enough.
pub(super) fn is_phone(text: &str, named: bool) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b" +-()/.".contains(&b));
    if !plain || !PHONE_DIGITS.contains(&digits) {
        return false;
    }
    let mobile =
        digits == 11 && text.len() == 11 && text.starts_with('1') && !text.starts_with("10");
    let international = text.starts_with('+') && digits >= 8;
    named || mobile || international
}

/// Whether values of a column are contact data.
pub(super) fn is_contact(name: &str, values: &[&str]) -> bool {
    let named = Names::PHONE.are_in(name);
    let contacts = values.iter().filter(|v| has_address(v) || is_phone(v, named)).count();
    contacts > 0 && contacts * 2 >= values.len()
}

/// A value as it may be shown.
pub(super) fn masked<'a>(name: &str, text: &'a str) -> Cow<'a, str> {
    if is_phone(text, Names::PHONE.are_in(name)) {
        let last: String = text.chars().skip(text.chars().count() - 2).collect();
        return format!("***{last}").into();
    }
    if !has_address(text) {
        return text.into();
    }
    let words = text.split(' ').map(|word| match word.rsplit_once('.') {
        Some((_, ending)) if has_address(word) => format!("***@***.{ending}"),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ").into()
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn addresses_and_numbers_are_masked_and_ids_are_not() {
        let cases = [
            ("contact", "ann@shop.example.org", "***@***.org"),
            ("note", "write to ann@example.org please", "write to ***@***.org please"),
            ("contact", "+49 170 1234567", "***67"),
            ("contact", "13912345678", "***78"),
            ("mobile", "0170-1234567", "***67"),
            ("customer", "0170123", "0170123"),
            ("amount", "1234.50", "1234.50"),
            ("date", "2026-06-01", "2026-06-01"),
            ("handle", "@ann", "@ann"),
        ];
        for (name, text, want) in cases {
            assert_eq!(masked(name, text), want, "{text}");
        }
    }
}
