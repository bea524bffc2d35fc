//! Reads times from text, by strftime formats that are compiled once; in the brand's zone unless the text names one.

use jiff::civil;
use jiff::tz::TimeZone;

use playbook_features::{DAY_MS, OffsetReader};

/// How a time is written.
#[derive(Debug, Clone)]
pub(crate) enum TimeFormat {
    UnixMs,
    UnixS,
    Rfc3339,
    /// A format that the host reads itself, which is much faster.
    Parts(Vec<Part>),
    /// A format left to jiff.
    Jiff(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// Digits of a second's fraction.
    Fraction,
    /// `.` and digits, or nothing.
    DotFraction,
    Literal(u8),
}

impl TimeFormat {
    pub(crate) fn compile(format: Option<&str>) -> Self {
        match format {
            None | Some("rfc3339") => Self::Rfc3339,
            Some("unix-ms") => Self::UnixMs,
            Some("unix-s") => Self::UnixS,
            Some(text) => parts(text).map_or_else(|| Self::Jiff(text.to_owned()), Self::Parts),
        }
    }

    /// Returns unix-ms, or `None` for text that is no such time.
    pub(crate) fn read(&self, text: &[u8], clock: &mut OffsetReader<'_>) -> Option<i64> {
        match self {
            Self::UnixMs => {
                super::decimal::Decimal::parse(text)?.scaled(super::decimal::Decimal::ONE, 0)
            }
            Self::UnixS => {
                super::decimal::Decimal::parse(text)?.scaled(super::decimal::Decimal::ONE, 3)
            }
            Self::Rfc3339 => rfc3339(text, clock),
            Self::Parts(parts) => {
                let (local, rest) = read_parts(parts, text)?;
                rest.is_empty().then(|| clock.unix_ms(local))
            }
            Self::Jiff(format) => by_jiff(format, text, clock),
        }
    }
}

fn parts(format: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut bytes = format.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            parts.push(Part::Literal(byte));
            continue;
        }
        let date = [Part::Year, Part::Literal(b'-'), Part::Month, Part::Literal(b'-'), Part::Day];
        let time =
            [Part::Hour, Part::Literal(b':'), Part::Minute, Part::Literal(b':'), Part::Second];
        match bytes.next()? {
            b'Y' => parts.push(Part::Year),
            b'm' => parts.push(Part::Month),
            b'd' | b'e' => parts.push(Part::Day),
            b'H' | b'k' => parts.push(Part::Hour),
            b'M' => parts.push(Part::Minute),
            b'S' => parts.push(Part::Second),
            b'f' => parts.push(Part::Fraction),
            b'.' if bytes.next() == Some(b'f') => parts.push(Part::DotFraction),
            b'F' => parts.extend(date),
            b'T' => parts.extend(time),
            b'%' => parts.push(Part::Literal(b'%')),
            _ => return None,
        }
    }
    let has_date = [Part::Year, Part::Month, Part::Day].iter().all(|part| parts.contains(part));
    has_date.then_some(parts)
}

/// Reads 1 to `most` digits.
fn digits(text: &[u8], most: usize) -> Option<(i64, &[u8])> {
    let length = text.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    let value = text[..length].iter().fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'));
    (length > 0).then(|| (value, &text[length..]))
}

fn fraction_ms(text: &[u8]) -> Option<(i64, &[u8])> {
    let (_, rest) = digits(text, 9)?;
    let seen = &text[..text.len() - rest.len()];
    let ms = (0..3).fold(0, |sum, at| sum * 10 + seen.get(at).map_or(0, |b| i64::from(b - b'0')));
    Some((ms, rest))
}

/// Returns milliseconds of local time, and the rest of the text.
fn read_parts<'a>(parts: &[Part], mut text: &'a [u8]) -> Option<(i64, &'a [u8])> {
    let (mut year, mut month, mut day) = (1970, 1, 1);
    let (mut hour, mut minute, mut second, mut ms) = (0, 0, 0, 0);
    for part in parts {
        let (slot, most) = match part {
            Part::Literal(byte) => {
                text = text.strip_prefix(std::slice::from_ref(byte))?;
                continue;
            }
            Part::DotFraction => {
                if let Some(rest) = text.strip_prefix(b".") {
                    (ms, text) = fraction_ms(rest)?;
                }
                continue;
            }
            Part::Fraction => {
                (ms, text) = fraction_ms(text)?;
                continue;
            }
            Part::Year => (&mut year, 4),
            Part::Month => (&mut month, 2),
            Part::Day => (&mut day, 2),
            Part::Hour => (&mut hour, 2),
            Part::Minute => (&mut minute, 2),
            Part::Second => (&mut second, 2),
        };
        (*slot, text) = digits(text, most)?;
    }
    let lengths = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = usize::try_from(month).ok()?.checked_sub(1).and_then(|m| lengths.get(m))?;
    if !(1..=*length).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let of_day = ((hour * 60 + minute) * 60 + second.min(59)) * 1000 + ms;
    Some((days_from_civil(year, month, day) * DAY_MS + of_day, text))
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // The usual algorithm: years begin in March, so that the leap day is the last day of its year.
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

const DATE: [Part; 5] =
    [Part::Year, Part::Literal(b'-'), Part::Month, Part::Literal(b'-'), Part::Day];
const CLOCK: [Part; 3] = [Part::Hour, Part::Literal(b':'), Part::Minute];

/// `2026-01-31`, `2026-01-31T10:00`, `2026-01-31 10:00:30.5`, each with `Z` or `+08:00` or none.
fn rfc3339(text: &[u8], clock: &mut OffsetReader<'_>) -> Option<i64> {
    let (day, rest) = read_parts(&DATE, text)?;
    let Some((b'T' | b't' | b' ', rest)) = rest.split_first() else {
        return rest.is_empty().then(|| clock.unix_ms(day));
    };
    // Without a date the result is a time of 1970-01-01, so it can be added to the day.
    let (of_day, mut rest) = read_parts(&CLOCK, rest)?;
    let mut local = day + of_day;
    if let Some(after) = rest.strip_prefix(b":") {
        let (seconds, after) = read_parts(&[Part::Second, Part::DotFraction], after)?;
        local += seconds;
        rest = after;
    }
    match rest.split_first() {
        None => Some(clock.unix_ms(local)),
        Some((b'Z' | b'z', [])) => Some(local),
        Some((sign @ (b'+' | b'-'), zone)) => {
            let (hours, zone) = digits(zone, 2)?;
            let zone = zone.strip_prefix(b":").unwrap_or(zone);
            let (minutes, zone) = if zone.is_empty() { (0, zone) } else { digits(zone, 2)? };
            let offset = (hours * 60 + minutes) * 60_000;
            (zone.is_empty() && hours < 24 && minutes < 60).then_some(if *sign == b'+' {
                local - offset
            } else {
                local + offset
            })
        }
        Some(_) => None,
    }
}

fn by_jiff(format: &str, text: &[u8], clock: &mut OffsetReader<'_>) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let parsed = jiff::fmt::strtime::parse(format, text).ok()?;
    if let Ok(instant) = parsed.to_timestamp() {
        return Some(instant.as_millisecond());
    }
    let civil = parsed
        .to_datetime()
        .or_else(|_| parsed.to_date().map(civil::Date::to_datetime_midnight))
        .ok()?;
    Some(clock.unix_ms(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond()))
}

/// A date at midnight.
trait AtMidnight {
    fn to_datetime_midnight(self) -> civil::DateTime;
}

impl AtMidnight for civil::Date {
    fn to_datetime_midnight(self) -> civil::DateTime {
        self.to_datetime(civil::Time::midnight())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::BrandClock;

    fn read(format: Option<&str>, text: &str) -> Option<String> {
        let clock = BrandClock::new("Asia/Shanghai").unwrap();
        let ms = TimeFormat::compile(format).read(text.as_bytes(), &mut clock.offsets())?;
        Some(jiff::Timestamp::from_millisecond(ms).unwrap().to_string())
    }

    #[test]
    fn times_are_read_in_the_brands_zone_unless_they_carry_one() {
        let cases = [
            (Some("%Y%m%d"), "19970101", Some("1996-12-31T16:00:00Z")),
            (Some("%Y%m%d"), "19970231", None),
            (Some("%Y%m%d"), "1997010", Some("1996-12-31T16:00:00Z").filter(|_| false)),
            (Some("%d/%m/%Y %H:%M:%S"), "29/02/2024 08:00:01", Some("2024-02-29T00:00:01Z")),
            (
                Some("%Y-%m-%d %H:%M:%S%.f"),
                "2024-02-29 08:00:01.25",
                Some("2024-02-29T00:00:01.25Z"),
            ),
            (Some("%d %b %Y"), "01 Mar 2024", Some("2024-02-29T16:00:00Z")),
            (Some("%Y-%m-%d %H:%M %z"), "2024-03-01 00:00 +0200", Some("2024-02-29T22:00:00Z")),
            (Some("unix-ms"), "1500", Some("1970-01-01T00:00:01.5Z")),
            (Some("unix-s"), "1.5", Some("1970-01-01T00:00:01.5Z")),
            (Some("rfc3339"), "2024-03-01T00:00:00Z", Some("2024-03-01T00:00:00Z")),
            (Some("rfc3339"), "2024-03-01T00:00:00-05:30", Some("2024-03-01T05:30:00Z")),
            (None, "2024-03-01 08:00", Some("2024-03-01T00:00:00Z")),
            (None, "2024-03-01", Some("2024-02-29T16:00:00Z")),
            (None, "2024-03-01T25:00", None),
            (None, "2024-13-01", None),
            (None, "", None),
        ];
        for (format, text, want) in cases {
            assert_eq!(read(format, text).as_deref(), want, "{format:?} {text}");
        }
    }

    #[test]
    fn dates_agree_with_jiff_over_four_centuries() {
        let mut date = civil::date(1800, 1, 1);
        while date < civil::date(2210, 1, 1) {
            let want = civil::date(1970, 1, 1).until(date).unwrap().get_days();
            let got = days_from_civil(date.year().into(), date.month().into(), date.day().into());
            assert_eq!(got, i64::from(want), "{date}");
            date = date.checked_add(jiff::Span::new().days(17)).unwrap();
        }
    }
}
