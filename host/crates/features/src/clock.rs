//! Local time of the brand's zone, from a table of its offsets.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::recipe::DAY_MS;

/// A time zone that the tz database does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("time zone `{0}` is not in the tz database")]
pub struct UnknownTimeZone(pub String);

/// End of the table of offsets; later times keep the last offset.
const TABLE_END_S: i64 = 7_258_118_400; // 2200-01-01

/// Offsets of one time zone: `(since unix-ms, offset in ms)`, ascending, the first from the beginning of time.
#[derive(Debug, Clone)]
pub struct BrandClock {
    spans: Vec<(i64, i64)>,
}

impl BrandClock {
    /// Reads the rules of an IANA zone.
    ///
    /// # Errors
    /// A name that the tz database does not have.
    pub fn new(time_zone: &str) -> Result<Self, UnknownTimeZone> {
        let zone = TimeZone::get(time_zone).map_err(|_| UnknownTimeZone(time_zone.to_owned()))?;
        let start = Timestamp::MIN;
        let mut spans = vec![(i64::MIN, i64::from(zone.to_offset(start).seconds()) * 1000)];
        for change in zone.following(start) {
            let at = change.timestamp();
            if at.as_second() > TABLE_END_S {
                break;
            }
            let offset = i64::from(change.offset().seconds()) * 1000;
            if spans.last().is_some_and(|(_, last)| *last != offset) {
                spans.push((at.as_millisecond(), offset));
            }
        }
        Ok(Self { spans })
    }

    fn span_at(&self, unix_ms: i64) -> usize {
        self.spans.partition_point(|(since, _)| *since <= unix_ms).saturating_sub(1)
    }

    /// Milliseconds since 1970-01-01T00:00 on the wall clock.
    #[must_use]
    pub fn local_ms(&self, unix_ms: i64) -> i64 {
        unix_ms.saturating_add(self.spans[self.span_at(unix_ms)].1)
    }

    /// Days since 1970-01-01 on the calendar.
    #[must_use]
    pub fn local_day(&self, unix_ms: i64) -> i64 {
        self.local_ms(unix_ms).div_euclid(DAY_MS)
    }

    /// The instant at which the wall clock shows `local_ms`: the earlier one where it is shown twice; where it is
    /// skipped, the time that the clock before the change would have meant.
    #[must_use]
    pub fn unix_ms(&self, local_ms: i64) -> i64 {
        let mut at = self.span_at(local_ms.saturating_sub(DAY_MS));
        loop {
            let unix = local_ms.saturating_sub(self.spans[at].1);
            match self.spans.get(at + 1) {
                Some((next, _)) if unix >= *next => {
                    // Either the next span shows this local time, or none does (it is skipped): then this offset holds.
                    let later = local_ms.saturating_sub(self.spans[at + 1].1);
                    if later < *next {
                        return unix;
                    }
                    at += 1;
                }
                _ => return unix,
            }
        }
    }

    /// The instant at which local day `day` begins.
    #[must_use]
    pub fn day_start(&self, day: i64) -> i64 {
        self.unix_ms(day.saturating_mul(DAY_MS))
    }

    /// A reader for many times. It caches the last offset, because most times lie between the same two changes of it.
    #[must_use]
    pub fn offsets(&self) -> OffsetReader<'_> {
        OffsetReader { clock: self, from: 0, to: 0, offset: 0 }
    }
}

impl crate::Clock for BrandClock {
    fn local_ms(&self, unix_ms: i64) -> i64 {
        Self::local_ms(self, unix_ms)
    }

    fn unix_ms(&self, local_ms: i64) -> i64 {
        Self::unix_ms(self, local_ms)
    }
}

/// Reads times, with a cache of one entry: the span of the last offset.
#[derive(Debug)]
pub struct OffsetReader<'a> {
    clock: &'a BrandClock,
    from: i64,
    to: i64,
    offset: i64,
}

impl OffsetReader<'_> {
    /// As [`BrandClock::local_ms`].
    pub fn local_ms(&mut self, unix_ms: i64) -> i64 {
        if unix_ms < self.from || unix_ms >= self.to {
            let at = self.clock.span_at(unix_ms);
            self.from = self.clock.spans[at].0;
            self.to = self.clock.spans.get(at + 1).map_or(i64::MAX, |(since, _)| *since);
            self.offset = self.clock.spans[at].1;
        }
        unix_ms.saturating_add(self.offset)
    }

    /// As [`BrandClock::unix_ms`], without a search where no change of the clock is near.
    pub fn unix_ms(&mut self, local_ms: i64) -> i64 {
        let unix = local_ms.saturating_sub(self.offset);
        if unix >= self.from.saturating_add(DAY_MS) && unix < self.to.saturating_sub(DAY_MS) {
            return unix;
        }
        let exact = self.clock.unix_ms(local_ms);
        self.local_ms(exact);
        exact
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn utc(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn wall(text: &str) -> i64 {
        let civil: jiff::civil::DateTime = text.parse().unwrap();
        civil.to_zoned(TimeZone::UTC).unwrap().timestamp().as_millisecond()
    }

    #[test]
    fn skipped_and_repeated_hours_are_read_as_jiff_reads_them() {
        for zone in ["America/New_York", "Asia/Shanghai", "Europe/London", "Australia/Lord_Howe"] {
            let clock = BrandClock::new(zone).unwrap();
            let tz = TimeZone::get(zone).unwrap();
            for start in
                ["1998-04-05T00:00", "1998-10-25T00:00", "1991-09-15T00:00", "2026-03-29T00:00"]
            {
                let start: jiff::civil::DateTime = start.parse().unwrap();
                let mut reader = clock.offsets();
                for quarter in 0..200_i64 {
                    let civil = start + jiff::SignedDuration::from_mins(15 * quarter);
                    let want = tz.to_timestamp(civil).unwrap().as_millisecond();
                    let local = wall(&civil.to_string());
                    assert_eq!(clock.unix_ms(local), want, "{zone} {civil}");
                    assert_eq!(reader.unix_ms(local), want, "{zone} {civil}");
                }
            }
        }
    }

    #[test]
    fn days_follow_the_brands_calendar() {
        let clock = BrandClock::new("Asia/Shanghai").unwrap();
        assert_eq!(
            clock.local_day(utc("2026-01-01T16:00:00Z")),
            clock.local_day(utc("2026-01-02T15:59:59Z"))
        );
        assert_eq!(
            clock.day_start(clock.local_day(utc("2026-01-02T03:00:00Z"))),
            utc("2026-01-01T16:00:00Z")
        );
    }

    #[test]
    fn a_zone_that_does_not_exist_is_refused() {
        assert!(
            BrandClock::new("Mars/Base").is_err_and(|UnknownTimeZone(name)| name == "Mars/Base")
        );
    }
}
