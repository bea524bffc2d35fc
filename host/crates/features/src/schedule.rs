//! When cycles close: a line of a crontab, on the brand's wall clock.

use cronexpr::{Crontab, MakeTimestamp, parse_crontab};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How far back a time is looked for, minutes: the shortest stretch that holds one is enough.
const STRETCHES_MIN: [i64; 5] = [60, 24 * 60, 32 * 24 * 60, 366 * 24 * 60, 9 * 366 * 24 * 60];
/// Further than any clock is ever put forward or back, minutes.
const SHIFT_MIN: i64 = 25 * 60;

/// When something happens again and again.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Matches wall clocks: they are read as if they were UTC, so that no time is ever missing or there twice.
    crontab: Crontab,
    zone: TimeZone,
}

/// A text that says no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// It is no line of a crontab.
    #[error("it is no line of a crontab")]
    Unreadable,
    /// No day is like that.
    #[error("no such day ever comes")]
    Never,
}

impl Schedule {
    /// Reads five fields of a crontab: minute, hour, day of the month, month, day of the week.
    ///
    /// # Errors
    /// [`ScheduleError`].
    pub fn new(text: &str, zone: TimeZone) -> Result<Self, ScheduleError> {
        // The library takes a time zone as a sixth field; a brand has one already.
        let crontab = parse_crontab(&format!("{} UTC", text.trim()));
        let crontab = crontab.map_err(|_| ScheduleError::Unreadable)?;
        let schedule = Self { crontab, zone };
        let leap_year = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);
        schedule.after(leap_year).map(|_| schedule).ok_or(ScheduleError::Never)
    }

    /// The last time that is not after `now`, both unix-ms. A wall clock that a day leaves out comes when it would have without
    /// the leap, one that a day has twice comes once, at the first.
    #[must_use]
    pub fn latest(&self, now: i64) -> Option<i64> {
        let now = Timestamp::from_millisecond(now).ok()?;
        let wall = now.to_zoned(self.zone.clone()).datetime();
        let last = wall.checked_add(SignedDuration::from_mins(SHIFT_MIN)).ok()?;
        STRETCHES_MIN.iter().find_map(|minutes| {
            let back = SignedDuration::from_mins(minutes + SHIFT_MIN);
            let mut at = wall.checked_sub(back).ok()?;
            let mut found = None;
            while let Some(next) = self.after(at).filter(|next| *next <= last) {
                let comes = self.zone.to_ambiguous_timestamp(next).compatible().ok()?;
                if comes <= now {
                    found = found.max(Some(comes));
                }
                at = next;
            }
            found.map(Timestamp::as_millisecond)
        })
    }

    /// The next wall clock that matches.
    fn after(&self, wall: DateTime) -> Option<DateTime> {
        let from = wall.to_zoned(TimeZone::UTC).ok()?.timestamp();
        Some(self.crontab.find_next(MakeTimestamp(from)).ok()?.datetime())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::{Schedule, ScheduleError};

    fn schedule(text: &str, zone: &str) -> Schedule {
        Schedule::new(text, TimeZone::get(zone).unwrap()).unwrap()
    }

    /// The last time before a moment, both with an offset.
    #[track_caller]
    fn is(schedule: &Schedule, now: &str, latest: &str) {
        let [now, latest]: [Timestamp; 2] = [now, latest].map(|text| text.parse().unwrap());
        let found = schedule.latest(now.as_millisecond());
        let found = found.map(|ms| Timestamp::from_millisecond(ms).unwrap());
        assert_eq!(found, Some(latest), "at {now}");
    }

    #[test]
    fn a_time_is_one_of_the_brands_wall_clock() {
        let daily = schedule("0 3 * * *", "Asia/Shanghai");
        is(&daily, "2026-07-01T03:00:00+08:00", "2026-07-01T03:00:00+08:00");
        is(&daily, "2026-07-01T02:59:59.999+08:00", "2026-06-30T03:00:00+08:00");
        is(&daily, "2026-06-30T19:00:00Z", "2026-07-01T03:00:00+08:00");
        let weekly = schedule("30 4 * * MON", "Asia/Shanghai");
        is(&weekly, "2026-07-01T00:00:00+08:00", "2026-06-29T04:30:00+08:00");
        let monthly = schedule("0 0 1 * *", "America/New_York");
        is(&monthly, "2026-03-31T23:00:00-04:00", "2026-03-01T00:00:00-05:00");
        is(&schedule("0 0 29 2 *", "UTC"), "2026-01-01T00:00:00Z", "2024-02-29T00:00:00Z");
        is(&schedule("*/5 * * * *", "UTC"), "2026-01-01T00:04:59Z", "2026-01-01T00:00:00Z");
    }

    #[test]
    fn a_day_that_leaves_an_hour_out_has_its_time_all_the_same_and_once() {
        // 02:00 to 03:00 is not there on 2026-03-29.
        let daily = schedule("30 2 * * *", "Europe/Berlin");
        is(&daily, "2026-03-29T03:29:59+02:00", "2026-03-28T02:30:00+01:00");
        is(&daily, "2026-03-29T03:30:00+02:00", "2026-03-29T03:30:00+02:00");
        is(&daily, "2026-03-30T02:30:00+02:00", "2026-03-30T02:30:00+02:00");
        // Midnight itself is left out there.
        let midnight = schedule("0 0 * * *", "America/Santiago");
        is(&midnight, "2026-09-06T05:00:00-03:00", "2026-09-06T01:00:00-03:00");
    }

    #[test]
    fn a_day_that_has_an_hour_twice_has_its_time_once() {
        // 02:00 to 03:00 is there twice on 2026-10-25.
        let daily = schedule("30 2 * * *", "Europe/Berlin");
        is(&daily, "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+02:00");
        is(&daily, "2026-10-25T02:45:00+01:00", "2026-10-25T02:30:00+02:00");
        is(&daily, "2026-10-26T02:29:00+01:00", "2026-10-25T02:30:00+02:00");
        // Within the hour that comes again, the first one's times hold.
        let often = schedule("*/15 * * * *", "Europe/Berlin");
        is(&often, "2026-10-25T02:20:00+01:00", "2026-10-25T02:45:00+02:00");
        is(&often, "2026-10-25T03:00:00+01:00", "2026-10-25T03:00:00+01:00");
    }

    #[test]
    fn what_says_no_time_is_refused() {
        for text in
            ["", "daily", "0 3 * *", "0 3 * * * *", "60 3 * * *", "0 3 * * * UTC", "0 24 * * *"]
        {
            let fault = Schedule::new(text, TimeZone::UTC).err();
            assert_eq!(fault, Some(ScheduleError::Unreadable), "{text}");
        }
        assert_eq!(Schedule::new("0 0 30 2 *", TimeZone::UTC).err(), Some(ScheduleError::Never));
    }
}
