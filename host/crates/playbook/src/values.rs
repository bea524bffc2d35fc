//! Texts of a playbook that stand for numbers: durations, sizes, money, times, names.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use playbook_model::{Minor, UnixMs};

const UNITS_MS: [(&str, i64); 6] = [
    ("ms", 1),
    ("s", 1_000),
    ("min", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 604_800_000),
];

/// Longest duration: a hundred years.
const DURATION_MS_MAX: i64 = 36_525 * 86_400_000;

/// Reads "30d", "12h", "4w", "90min", "1s", "250ms"; whole numbers only.
pub(crate) fn duration_ms(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: i64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim_start();
    let (_, factor) = UNITS_MS.iter().find(|(name, _)| *name == unit)?;
    number
        .checked_mul(*factor)
        .filter(|ms| *ms <= DURATION_MS_MAX)
}

/// Reads "64MiB", "4 KiB", "512B"; powers of 1024.
pub(crate) fn size_bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let shift = match text[digits..].trim_start() {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}

/// Reads a decimal amount of at most `digits` decimals, such as "1_000_000.00", to minor units.
pub(crate) fn money(text: &str, digits: u8) -> Option<Minor> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let whole: String = whole.chars().filter(|c| *c != '_').collect();
    if !plain(&whole) || (text.contains('.') && !plain(part)) || part.len() > usize::from(digits) {
        return None;
    }
    format!("{whole}{part:0<width$}", width = usize::from(digits))
        .parse()
        .ok()
        .map(Minor)
}

/// Reads an as-of time: a date (midnight at its start), a date with time, or RFC 3339.
///
/// What carries no offset is meant in `zone`. The result is exact to the millisecond.
#[must_use]
pub fn parse_instant(text: &str, zone: &TimeZone) -> Option<UnixMs> {
    let text = text.trim();
    let at = if let Ok(at) = text.parse::<jiff::Timestamp>() {
        at
    } else if text.len() == 10 {
        text.parse::<Date>()
            .ok()?
            .to_zoned(zone.clone())
            .ok()?
            .timestamp()
    } else {
        text.parse::<DateTime>()
            .ok()?
            .to_zoned(zone.clone())
            .ok()?
            .timestamp()
    };
    Some(UnixMs(at.as_millisecond()))
}

/// Whether `text` is kebab-case: `cd-shop`, `ladder-3`.
pub(crate) fn is_kebab(text: &str) -> bool {
    is_name(text, '-')
}

/// Whether `text` is snake case: `orders_365d`.
pub(crate) fn is_snake(text: &str) -> bool {
    is_name(text, '_')
}

fn is_name(text: &str, joint: char) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with(joint)
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == joint)
}

/// Whether `text` may name a feature or `stage.output`.
pub(crate) fn is_reference(text: &str) -> bool {
    let part = |text: &str| {
        !text.is_empty()
            && text.len() <= 64
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
    };
    match text.split_once('.') {
        Some((stage, output)) => is_kebab(stage) && output.split('.').all(part),
        None => is_snake(text),
    }
}

/// Currencies of ISO 4217 with their minor digits, where those are not 2.
const OTHER_DIGITS: &[(&str, u8)] = &[
    ("BHD", 3),
    ("BIF", 0),
    ("CLF", 4),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("UYI", 0),
    ("UYW", 4),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// Currencies of ISO 4217 with 2 minor digits.
const TWO_DIGITS: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BMD",
    "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP",
    "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP",
    "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS",
    "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD",
    "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN",
    "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR",
    "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE",
    "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD",
    "TWD", "TZS", "UAH", "USD", "UYU", "UZS", "VED", "VES", "WST", "XCD", "YER", "ZAR", "ZMW",
    "ZWG",
];

/// Digits after the decimal point of an ISO 4217 currency.
pub(crate) fn currency_digits(code: &str) -> Option<u8> {
    let other = OTHER_DIGITS
        .iter()
        .find(|(name, _)| *name == code)
        .map(|(_, digits)| *digits);
    other.or_else(|| TWO_DIGITS.contains(&code).then_some(2))
}

/// All currency codes.
pub(crate) fn currencies() -> impl Iterator<Item = &'static str> {
    TWO_DIGITS
        .iter()
        .copied()
        .chain(OTHER_DIGITS.iter().map(|(code, _)| *code))
}
