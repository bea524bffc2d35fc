//! Texts of a playbook that stand for numbers: durations, sizes, money, times, names.

use std::net::SocketAddr;

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
    number.checked_mul(*factor).filter(|ms| *ms <= DURATION_MS_MAX)
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

/// Reads "127.0.0.1:8750" and "[::1]:8750"; names of machines are not looked up.
pub(crate) fn address(text: &str) -> Option<SocketAddr> {
    text.parse().ok()
}

/// Whether a text names a table of a database, perhaps with its schema: `shop.orders`.
#[must_use]
pub fn is_relation(text: &str) -> bool {
    let is_name = |part: &str| {
        let mut chars = part.chars();
        chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
            && chars.all(|c| c.is_alphanumeric() || "_$-".contains(c))
    };
    text.split('.').count() <= 3 && text.split('.').all(is_name)
}

/// Reads a decimal amount of at most `digits` decimals, such as "1_000_000.00", to minor units.
pub(crate) fn money(text: &str, digits: u8) -> Option<Minor> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let whole: String = whole.chars().filter(|c| *c != '_').collect();
    if !plain(&whole) || (text.contains('.') && !plain(part)) || part.len() > usize::from(digits) {
        return None;
    }
    format!("{whole}{part:0<width$}", width = usize::from(digits)).parse().ok().map(Minor)
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
        text.parse::<Date>().ok()?.to_zoned(zone.clone()).ok()?.timestamp()
    } else {
        text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok()?.timestamp()
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
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == joint)
}

/// Whether `text` may name a feature, `feature.value` of a split one, or `stage.output`.
pub(crate) fn is_reference(text: &str) -> bool {
    let part = |text: &str| {
        !text.is_empty()
            && text.len() <= 64
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
    };
    match text.split_once('.') {
        Some((stage, output)) => {
            (is_kebab(stage) || is_snake(stage)) && output.split('.').all(part)
        }
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
#[must_use]
pub fn currency_digits(code: &str) -> Option<u8> {
    let other = OTHER_DIGITS.iter().find(|(name, _)| *name == code).map(|(_, digits)| *digits);
    other.or_else(|| TWO_DIGITS.contains(&code).then_some(2))
}

/// All currency codes.
pub(crate) fn currencies() -> impl Iterator<Item = &'static str> {
    TWO_DIGITS.iter().copied().chain(OTHER_DIGITS.iter().map(|(code, _)| *code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_numbers_with_a_unit() {
        assert_eq!(duration_ms("30d"), Some(30 * 86_400_000));
        assert_eq!(duration_ms("4 w"), Some(28 * 86_400_000));
        assert_eq!(duration_ms("250ms"), Some(250));
        for wrong in
            ["", "d", "30", "-1d", "1.5d", "30 days", "1M", "99999999999999999999d", "40000d"]
        {
            assert_eq!(duration_ms(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(size_bytes("64MiB"), Some(64 << 20));
        assert_eq!(size_bytes("2 GiB"), Some(2 << 30));
        for wrong in ["", "MiB", "64MB", "64mib", "99999999999GiB"] {
            assert_eq!(size_bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn money_is_exact() {
        assert_eq!(money("1_000_000.00", 2), Some(Minor(100_000_000)));
        assert_eq!(money("0.1", 2), Some(Minor(10)));
        assert_eq!(money("92233720368547758.07", 2), Some(Minor(i64::MAX)));
        assert_eq!(money("7", 0), Some(Minor(7)));
        for wrong in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "1,000",
            "1.005",
            "1e3",
            "92233720368547758.08",
            "_",
            "1.0_0",
        ] {
            assert_eq!(money(wrong, 2), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_that_starts_late_starts_at_its_first_moment() {
        // Clocks in Sao Paulo went from 00:00 to 01:00 on that day.
        let zone = TimeZone::get("America/Sao_Paulo").expect("the zone is known");
        assert_eq!(parse_instant("2018-11-04", &zone), Some(UnixMs(1_541_300_400_000)));
        assert_eq!(parse_instant("2018-11-04T03:00:00Z", &zone), Some(UnixMs(1_541_300_400_000)));
        assert_eq!(parse_instant("2018-13-04", &zone), None);
    }

    #[test]
    fn names_and_references_have_their_letters() {
        assert!(
            is_kebab("ladder-3") && !is_kebab("3-ladder") && !is_kebab("a_b") && !is_kebab("a-")
        );
        assert!(is_snake("orders_365d") && !is_snake("orders-365d") && !is_snake(""));
        assert!(is_reference("orders_30d") && is_reference("tier-interactions.segment"));
        assert!(is_reference("revenue_by_tier.core"));
        assert!(!is_reference("tier-interactions") && !is_reference("a.") && !is_reference("A.b"));
    }

    #[test]
    fn currencies_have_the_digits_of_iso_4217() {
        assert_eq!(currency_digits("CNY"), Some(2));
        assert_eq!(currency_digits("JPY"), Some(0));
        assert_eq!(currency_digits("KWD"), Some(3));
        assert_eq!(currency_digits("cny"), None);
        let mut codes: Vec<&str> = currencies().collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count, "each code once");
    }
}
