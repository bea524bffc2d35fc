//! What the brand's wall clock shows at an event: fields that every event has, though no source maps them.

use crate::recipe::DAY_MS;

const HOUR_MS: i64 = 3_600_000;

/// A field that the time of an event gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WallField {
    /// Hour of the day, 0 to 23.
    Hour,
    /// Day of the week as in ISO 8601: 1 for Monday to 7 for Sunday.
    Weekday,
}

impl WallField {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Hour, Self::Weekday];

    /// The field of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Its name among the fields of events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Weekday => "weekday",
        }
    }

    /// The function of SQL that gives it for a time in unix-ms.
    #[must_use]
    pub fn function(self) -> &'static str {
        match self {
            Self::Hour => "local_hour",
            Self::Weekday => "local_weekday",
        }
    }

    /// Its value where the wall clock shows `local_ms`, milliseconds since 1970-01-01T00:00.
    #[must_use]
    pub fn of(self, local_ms: i64) -> i64 {
        match self {
            Self::Hour => local_ms.rem_euclid(DAY_MS) / HOUR_MS,
            // 1970-01-01 was a Thursday.
            Self::Weekday => (local_ms.div_euclid(DAY_MS) + 3).rem_euclid(7) + 1,
        }
    }

    /// All values as texts, ascending as texts: a split has a column for each, whether or not an event has it.
    #[must_use]
    pub fn values(self) -> Vec<String> {
        let all = match self {
            Self::Hour => 0..=23,
            Self::Weekday => 1..=7,
        };
        let mut texts: Vec<String> = all.map(|value: i64| value.to_string()).collect();
        texts.sort();
        texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_shows_hours_and_days_of_the_week() {
        let of = |local_ms| WallField::ALL.map(|field| field.of(local_ms));
        assert_eq!(of(0), [0, 4], "1970-01-01T00:00, a Thursday");
        assert_eq!(
            of(3 * DAY_MS + 23 * HOUR_MS + HOUR_MS - 1),
            [23, 7],
            "the Sunday's last millisecond"
        );
        assert_eq!(of(4 * DAY_MS), [0, 1], "the Monday after");
        assert_eq!(of(-1), [23, 3], "the Wednesday before");
        assert_eq!(WallField::Weekday.values(), ["1", "2", "3", "4", "5", "6", "7"]);
        assert_eq!(WallField::Hour.values().len(), 24);
    }
}
