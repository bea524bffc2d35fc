//! Months of the calendar, counted in days from a day.

/// Days of a cycle of 400 years, after which the calendar begins again.
const ERA: i64 = 146_097;

/// Returns the days since 1970-01-01 of a date; `month` counts from March as 0, `day` from 0.
fn number(year: i64, month: i64, day: i64) -> i64 {
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 719_468
}

/// Returns year, month and day as [`number`] takes them; the year begins in March, so that a leap day is its last.
fn date(number: i64) -> (i64, i64, i64) {
    let days = number + 719_468;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    (era * 400 + year, month, of_year - (153 * month + 2) / 5)
}

/// Returns how many days after the day `from` (since 1970-01-01) that many months end: the same day of a later month,
/// or its last day.
pub(crate) fn days_of(from: i64, months: u32) -> u32 {
    let (year, month, day) = date(from);
    let months = month + i64::from(months);
    let (year, month) = (year + months / 12, months % 12);
    let next = number(year + (month + 1) / 12, (month + 1) % 12, 0);
    let end = number(year, month, day).min(next - 1);
    u32::try_from(end - from).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_numbers_are_each_others_opposite() {
        assert_eq!(number(1969, 10, 0), 0, "1970-01-01");
        assert_eq!(date(0), (1969, 10, 0));
        for day in [-1, 0, 59, 11_016, 20_089, 60_000] {
            let (year, month, of_month) = date(day);
            assert_eq!(number(year, month, of_month), day);
        }
    }

    #[test]
    fn months_end_on_the_same_day_or_the_last_of_a_shorter_one() {
        // 2025-01-01 and 2025-01-31.
        let first = 20_089;
        assert_eq!([1, 2, 3, 12, 24].map(|months| days_of(first, months)), [31, 59, 90, 365, 730]);
        assert_eq!([1, 2].map(|months| days_of(first + 30, months)), [28, 59]);
        // 2024-02-29: a year on it is the 28th.
        assert_eq!(days_of(19_782, 12), 365);
        // 2024-01-01: a leap year.
        assert_eq!([2, 12].map(|months| days_of(19_723, months)), [60, 366]);
    }
}
