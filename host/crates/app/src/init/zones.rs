//! In which zone the times of a source are meant, as far as its stamps and their names tell.

use playbook_batch::BrandClock;
use playbook_batch::profile::{ColumnKind, Sure, words_of};

use super::outline::DraftSource;

/// Stamps that it takes to tell day from night.
const STAMPS_MIN: u64 = 500;
/// The night, in which hardly anybody buys: hours of the brand's clock.
const NIGHT: std::ops::Range<i64> = 1..5;
/// So many times as many stamps at night as the other reading has.
const TIMES: u64 = 4;
/// Hours that a zone must be away from UTC: the nights of nearer ones are nearly the same.
const HOURS_MIN: i64 = 3;
/// A winter's day, for the offset of a zone.
const WINTER_MS: i64 = 1_705_320_000_000;
const HOUR_MS: i64 = 3_600_000;

/// What is said of the zone of a source.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Zone {
    /// Zone that its times are meant in, where it is another than the brand's.
    pub(super) name: Option<&'static str>,
    pub(super) sure: Sure,
    /// Why.
    pub(super) why: String,
}

/// What the times of a source tell of their zone; nothing of days, and of tables without times.
pub(super) fn zone(source: &DraftSource, brand: &str) -> Option<Zone> {
    let time = source.rows.iter().find(|row| ["time", "joined"].contains(&row.field.as_str()))?;
    let column = &time.column;
    if column.hours.is_empty() {
        return None;
    }
    let unix = matches!(&column.kind, ColumnKind::Time { format: Some(format) } if format.starts_with("unix"));
    if unix || !column.samples.is_empty() && column.samples.iter().all(|stamp| has_offset(stamp)) {
        let why = "times carry their offset, whatever the zone of the playbook".to_owned();
        return Some(Zone { name: None, sure: Sure::Sure, why });
    }
    let says_utc = |word: &String| ["utc", "gmt"].contains(&word.as_str());
    if words_of(&column.name).iter().any(says_utc) {
        let why = format!("`{}` is named so", column.name);
        return Some(Zone { name: Some("UTC"), sure: Sure::Likely, why });
    }
    if let Some((here, utc, all)) = nights(&column.hours, brand) {
        let why = format!(
            "as times of {brand} {here} of {all} stamps would be between one and five at night, as times of UTC {utc}"
        );
        return Some(Zone { name: Some("UTC"), sure: Sure::Likely, why });
    }
    let why = format!(
        "times carry no offset and are taken for times of {brand}; where the tool writes UTC, say time_zone = \"UTC\""
    );
    Some(Zone { name: None, sure: Sure::Unsure, why })
}

/// Stamps at night as they are written, as times of UTC, and all of them, where the second says that they are of UTC.
fn nights(hours: &[u64], brand: &str) -> Option<(u64, u64, u64)> {
    let clock = BrandClock::new(brand).ok()?;
    let offset = (clock.local_ms(WINTER_MS) - WINTER_MS) / HOUR_MS;
    let at_night = |offset: i64| -> u64 {
        let hours = (0_i64..).zip(hours);
        let of_night = hours.filter(|(hour, _)| NIGHT.contains(&(hour + offset).rem_euclid(24)));
        of_night.map(|(_, stamps)| stamps).sum()
    };
    let (here, utc, all) = (at_night(0), at_night(offset), hours.iter().sum::<u64>());
    let tells =
        offset.abs() >= HOURS_MIN && all >= STAMPS_MIN && here >= TIMES * (utc + all / 1_000);
    tells.then_some((here, utc, all))
}

/// Whether a stamp ends as one with an offset does: `Z`, `+0200`, `-05:00`.
fn has_offset(stamp: &str) -> bool {
    if stamp.ends_with(['Z', 'z']) {
        return stamp.starts_with(|c: char| c.is_ascii_digit());
    }
    let Some((clock, offset)) = stamp.rsplit_once(['+', '-']) else { return false };
    let digits = offset.bytes().filter(u8::is_ascii_digit).count();
    let plain = offset.bytes().all(|b| b.is_ascii_digit() || b == b':');
    // Behind a clock: the last part of a date is no offset.
    clock.contains(':') && plain && (digits == 4 || digits == 2)
}

#[cfg(test)]
mod tests {
    use super::{has_offset, nights};

    #[test]
    fn an_offset_stands_behind_a_clock() {
        for stamp in
            ["2026-03-07 23:30:00 -0500", "2026-03-07T23:30:00Z", "2026-03-07T23:30:00+02:00"]
        {
            assert!(has_offset(stamp), "{stamp}");
        }
        for stamp in ["2026-03-07", "07-03-2026", "2026-03-07 23:30:00", "20260307T2330"] {
            assert!(!has_offset(stamp), "{stamp}");
        }
    }

    #[test]
    fn stamps_of_utc_are_known_by_a_night_that_is_none() {
        // A shop in New York that is open from eight to ten, written in UTC: one in the afternoon to three at night.
        let mut hours = vec![0; 24];
        (13..27).for_each(|hour| hours[hour % 24] = 100);
        assert_eq!(nights(&hours, "America/New_York"), Some((200, 0, 1_400)));
        // The same stamps in the shop's own clock.
        hours.fill(0);
        (8..22).for_each(|hour| hours[hour] = 100);
        assert_eq!(nights(&hours, "America/New_York"), None);
        // Nobody can tell near Greenwich, of few stamps, or of people who never sleep.
        assert_eq!(nights(&hours, "Europe/Berlin"), None);
        assert_eq!(nights(&[10; 24], "America/New_York"), None);
        assert_eq!(nights(&[100; 24], "America/New_York"), None);
    }
}
