//! Times as people read and type them; none is read from a clock.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use playbook_model::UnixMs;

use crate::{AppError, Result};

/// "2026-03-01 00:00 (Asia/Shanghai)".
#[must_use]
pub fn shown(time: UnixMs, zone: &str) -> String {
    match at(time, zone) {
        Some(zoned) => format!("{} ({zone})", zoned.strftime("%Y-%m-%d %H:%M")),
        None => format!("{} ms", time.0),
    }
}

/// "2026-03-01", in the brand's zone.
pub(crate) fn day(time: UnixMs, zone: &str) -> String {
    at(time, zone).map_or_else(String::new, |zoned| zoned.strftime("%Y-%m-%d").to_string())
}

/// The end of the calendar month that a moment lies in, in the brand's zone.
pub(crate) fn month_end(time: UnixMs, zone: &str) -> UnixMs {
    months_end(time, zone, 1)
}

/// The end of the calendar quarter that a moment lies in, in the brand's zone.
pub(crate) fn quarter_end(time: UnixMs, zone: &str) -> UnixMs {
    months_end(time, zone, 3)
}

/// The end of the stretch of so many calendar months that a moment lies in; the moment itself where the calendar ends.
fn months_end(time: UnixMs, zone: &str, months: i8) -> UnixMs {
    let end = at(time, zone).and_then(|zoned| {
        let date = zoned.date();
        let first = (date.month() - 1) / months * months + 1;
        let begins = jiff::civil::Date::new(date.year(), first, 1).ok()?;
        let ends = begins.checked_add(jiff::Span::new().months(months)).ok()?;
        Some(ends.to_zoned(zoned.time_zone().clone()).ok()?.timestamp().as_millisecond())
    });
    end.map_or(time, UnixMs)
}

/// RFC 3339 in the brand's zone, to the second.
pub(crate) fn rfc3339(time: UnixMs, zone: &str) -> String {
    at(time, zone)
        .map_or_else(String::new, |zoned| zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

fn at(time: UnixMs, zone: &str) -> Option<Zoned> {
    let zone = TimeZone::get(zone).ok()?;
    Some(Timestamp::from_millisecond(time.0).ok()?.to_zoned(zone))
}

/// Reads an as-of time as playbook files spell it: a date, a date with time, or RFC 3339; without an offset in `zone`.
pub(crate) fn read(text: &str, zone: &str) -> Result<UnixMs> {
    let zone = TimeZone::get(zone).ok();
    let read = zone.and_then(|zone| playbook_toml::parse_instant(text, &zone));
    read.ok_or_else(|| AppError::Time(text.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{day, month_end, quarter_end, read, rfc3339, shown};

    #[test]
    fn a_date_is_midnight_in_the_brands_zone() {
        let time = read("2026-03-01", "Asia/Shanghai").unwrap();
        assert_eq!(time, read("2026-02-28T16:00:00Z", "UTC").unwrap());
        assert_eq!(shown(time, "Asia/Shanghai"), "2026-03-01 00:00 (Asia/Shanghai)");
        assert_eq!(rfc3339(time, "Asia/Shanghai"), "2026-03-01T00:00:00+08:00");
        assert_eq!(time, read("2026-03-01T00:00", "Asia/Shanghai").unwrap());
        assert!(read("yesterday", "UTC").is_err());
    }

    #[test]
    fn months_and_quarters_end_on_the_brands_calendar() {
        let zone = "Asia/Shanghai";
        let at = |text: &str| read(text, zone).unwrap();
        for (now, month, quarter) in [
            ("2026-02-28T23:59", "2026-03-01", "2026-04-01"),
            ("2026-03-01", "2026-04-01", "2026-04-01"),
            ("2026-12-31", "2027-01-01", "2027-01-01"),
        ] {
            assert_eq!(month_end(at(now), zone), at(month), "{now}");
            assert_eq!(quarter_end(at(now), zone), at(quarter), "{now}");
        }
        assert_eq!(day(at("2026-03-01"), zone), "2026-03-01");
    }
}
