//! The member's own wall clock: quiet hours and days (domain H9).

/// Minutes of a day.
const DAY_MIN: u32 = 1_440;

/// Hours of the day in which members get no messages, by the minute of the wall clock: from the first on, before the second,
/// through midnight where the second is not the greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// Minute of the day at which they begin.
    pub from_min: u32,
    /// Minute of the day at which they end.
    pub to_min: u32,
}

impl QuietHours {
    /// Reads "22:00-08:00".
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let minute = |text: &str| {
            let (hours, minutes) = text.trim().split_once(':')?;
            let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            let (hours, minutes) =
                (digits(hours).then_some(hours)?, digits(minutes).then_some(minutes)?);
            let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
            (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
        };
        let (from, to) = text.split_once('-')?;
        let hours = Self { from_min: minute(from)?, to_min: minute(to)? };
        (hours.from_min != hours.to_min).then_some(hours)
    }

    /// Minutes from a minute of the day until they are over; 0 outside of them.
    #[must_use]
    pub fn left(self, minute: u32) -> u32 {
        let since = (minute + DAY_MIN - self.from_min) % DAY_MIN;
        let length = (self.to_min + DAY_MIN - self.from_min) % DAY_MIN;
        length.saturating_sub(since)
    }
}

/// Names of the columns with a member's own time. No feature and no output of a stage can have them.
#[derive(Debug)]
pub struct LocalTime;

impl LocalTime {
    /// Minute of the day on the member's wall clock.
    pub const MINUTE: &str = "clock:minute";
    /// Milliseconds since its day began.
    pub const DAY_MS: &str = "clock:day-ms";
    /// Whether its own zone is known; else the clock is the brand's.
    pub const IS_OWN: &str = "clock:is-own";
}

#[cfg(test)]
mod tests {
    use super::QuietHours;

    #[test]
    fn quiet_hours_go_through_midnight() {
        let night = QuietHours::read("22:00-08:00").expect("it is written so");
        for (hour, minute, left) in
            [(21, 59, 0), (22, 0, 600), (23, 30, 510), (0, 0, 480), (7, 59, 1), (8, 0, 0)]
        {
            assert_eq!(night.left(hour * 60 + minute), left, "{hour}:{minute}");
        }
        let noon = QuietHours::read("12:00-13:30").expect("it is written so");
        assert_eq!([719, 720, 809, 810].map(|minute| noon.left(minute)), [0, 90, 1, 0]);
        for wrong in
            ["", "22:00", "22-08", "24:00-08:00", "22:60-08:00", "8:00-9:00", "08:00-08:00"]
        {
            assert_eq!(QuietHours::read(wrong), None, "{wrong}");
        }
    }
}
