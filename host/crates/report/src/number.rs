//! Numbers as people read them: separators, money from minor units, shares, dates.

use jiff::Span;
use jiff::civil::Date;
use playbook_model::{Minor, grouped};

/// What stands where nothing was measured.
pub const DASH: &str = "–";

/// A whole number with separators between thousands.
#[must_use]
pub fn whole(number: u64) -> String {
    grouped(&number.to_string())
}

/// A signed whole number with separators between thousands.
#[must_use]
pub fn signed(number: i64) -> String {
    format!("{}{}", if number < 0 { "−" } else { "" }, whole(number.unsigned_abs()))
}

/// An amount with `digits` digits after the point, without its currency.
#[must_use]
pub fn money(amount: Minor, digits: u8) -> String {
    // Pages have the minus sign of typesetters.
    amount.text(digits).replace('-', "−")
}

/// A real with `decimals` digits after the point and separators; a dash where it is not finite.
pub(crate) fn real(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return DASH.to_owned();
    }
    if value.abs() >= 1e15 {
        return format!("{value:.2e}").replace('-', "−");
    }
    let text = format!("{:.decimals$}", value.abs());
    let zero = text.bytes().all(|b| b == b'0' || b == b'.');
    let sign = if value < 0.0 && !zero { "−" } else { "" };
    match text.split_once('.') {
        Some((units, rest)) => format!("{sign}{}.{rest}", grouped(units)),
        None => format!("{sign}{}", grouped(&text)),
    }
}

/// A real with as many digits as it needs, four after the point at most (domain 0.1).
#[must_use]
pub fn short_real(value: f64) -> String {
    let text = real(value, if value.abs() >= 1000.0 { 1 } else { 4 });
    if text.contains('.') && !text.contains('e') {
        let text = text.trim_end_matches('0').trim_end_matches('.');
        return if text.is_empty() { "0".to_owned() } else { text.to_owned() };
    }
    text
}

/// A fraction as a percentage with one digit after the point; with up to three where it would read as a whole.
#[must_use]
pub fn share(fraction: f64) -> String {
    if !fraction.is_finite() {
        return DASH.to_owned();
    }
    let text = real(fraction * 100.0, 1);
    if text == "100.0" && fraction < 1.0 {
        let precise = real(fraction * 100.0, 3);
        return format!("{}%", precise.trim_end_matches('0').trim_end_matches('.'));
    }
    format!("{text}%")
}

/// The part of `all` that `some` is, as a percentage; a dash where there is no whole.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "display only")]
pub fn share_of(some: u64, all: u64) -> String {
    if all == 0 { DASH.to_owned() } else { share(some as f64 / all as f64) }
}

/// The sum of counts; at the greatest count it stays there.
pub(crate) fn total(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

/// Amount in units of the currency, for lengths of bars only.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "lengths of bars")]
pub fn length(amount: Minor) -> f64 {
    amount.0 as f64
}

/// The calendar date of a day counted from 1970-01-01; where no calendar reaches, the last one that does.
pub(crate) fn civil(days: i64) -> Date {
    let epoch = Date::constant(1970, 1, 1);
    let date = Span::new().try_days(days).ok().and_then(|span| epoch.checked_add(span).ok());
    date.unwrap_or(if days < 0 { Date::MIN } else { Date::MAX })
}

/// The date of a day counted from 1970-01-01, for example "2026-03-01".
#[must_use]
pub fn date_of_day(days: i64) -> String {
    civil(days).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!(whole(0), "0");
        assert_eq!(whole(999), "999");
        assert_eq!(whole(1_000), "1,000");
        assert_eq!(whole(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(signed(-12_345), "−12,345");
    }

    #[test]
    fn money_follows_the_digits_of_its_currency() {
        assert_eq!(money(Minor(250_031_563), 2), "2,500,315.63");
        assert_eq!(money(Minor(5), 2), "0.05");
        assert_eq!(money(Minor(-5), 2), "−0.05");
        assert_eq!(money(Minor(1_234), 0), "1,234");
        assert_eq!(money(Minor(1_234), 3), "1.234");
        assert_eq!(money(Minor(i64::MIN), 2), "−92,233,720,368,547,758.08");
    }

    #[test]
    fn reals_lose_only_what_does_not_matter() {
        assert_eq!(short_real(0.25), "0.25");
        assert_eq!(short_real(3.0), "3");
        assert_eq!(short_real(0.0), "0");
        assert_eq!(short_real(100.0), "100");
        assert_eq!(short_real(-0.000_01), "0");
        assert_eq!(short_real(12_345.67), "12,345.7");
        assert_eq!(real(f64::NAN, 2), DASH);
        assert_eq!(share(0.1234), "12.3%");
        assert_eq!(share(0.9995), "99.95%");
        assert_eq!(share(1.0), "100.0%");
        assert_eq!(share_of(1, 0), DASH);
    }

    #[test]
    fn days_become_dates() {
        assert_eq!(date_of_day(0), "1970-01-01");
        assert_eq!(date_of_day(20_513), "2026-03-01");
        assert_eq!(date_of_day(19_782), "2024-02-29");
        assert_eq!(date_of_day(-1), "1969-12-31");
        assert_eq!(date_of_day(i64::MAX), "9999-12-31");
    }
}
