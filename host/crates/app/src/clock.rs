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

    use super::{read, rfc3339, shown};

    #[test]
    fn a_date_is_midnight_in_the_brands_zone() {
        let time = read("2026-03-01", "Asia/Shanghai").unwrap();
        assert_eq!(time, read("2026-02-28T16:00:00Z", "UTC").unwrap());
        assert_eq!(shown(time, "Asia/Shanghai"), "2026-03-01 00:00 (Asia/Shanghai)");
        assert_eq!(rfc3339(time, "Asia/Shanghai"), "2026-03-01T00:00:00+08:00");
        assert_eq!(time, read("2026-03-01T00:00", "Asia/Shanghai").unwrap());
        assert!(read("yesterday", "UTC").is_err());
    }
}
