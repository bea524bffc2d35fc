//! Months of the brand's calendar from its local minutes.

/// A day of the brand's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Months since January of the year 0.
    pub month: i64,
    /// Day of the month, from 1.
    pub day: i64,
}

/// Returns the day that a local minute, counted from 1970-01-01T00:00, lies in.
#[must_use]
pub fn local_day(local_min: i64) -> Day {
    // Years begin in March, so that the leap day is the last; eras of 400 years are alike.
    let days = local_min.div_euclid(24 * 60) + 719_468;
    let (era, in_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    Day { month: (era * 400 + year_of_era) * 12 + from_march + 2, day }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: i64) -> (i64, i64, i64) {
        let Day { month, day } = local_day(days * 1_440);
        (month.div_euclid(12), month.rem_euclid(12) + 1, day)
    }

    #[test]
    fn days_of_the_calendar_are_found() {
        assert_eq!(at(0), (1970, 1, 1));
        assert_eq!(at(-1), (1969, 12, 31));
        assert_eq!(at(11_016), (2000, 2, 29));
        assert_eq!(at(11_017), (2000, 3, 1));
        assert_eq!(at(20_089), (2025, 1, 1));
        assert_eq!(at(20_819), (2027, 1, 1));
        assert_eq!(at(47_540), (2100, 2, 28));
        assert_eq!(at(47_541), (2100, 3, 1));
    }

    #[test]
    fn every_day_follows_the_one_before() {
        for days in -1_000..60_000 {
            let (before, now) = (local_day(days * 1_440), local_day((days + 1) * 1_440 + 1_439));
            let next_day = now.month == before.month && now.day == before.day + 1;
            let next_month = now.month == before.month + 1 && now.day == 1 && before.day >= 28;
            assert!(next_day || next_month, "{days}");
        }
    }
}
