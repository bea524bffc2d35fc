//! How a column writes its times.

use crate::BrandClock;
use crate::intake::field::TIMES_MS;
use crate::intake::moment::TimeFormat;

use super::Sure;
use super::names::Names;

/// Dates as they are written, the first of two that read as many values is meant. Each may be followed by a clock.
const DATES: [&str; 18] = [
    "%Y%m%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d, %Y",
    "%Y年%m月%d日",
];
/// Clocks after a date.
const CLOCKS: [&str; 6] = ["", " %H:%M", " %H:%M:%S", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p"];
/// Others.
const WHOLE: [&str; 4] =
    ["%Y-%m-%d %H:%M:%S %z", "%Y%m%d%H%M%S", "%d/%b/%Y:%H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z"];
/// Numbers that are times, where the column's name says so.
const NUMBERS: [&str; 2] = ["unix-s", "unix-ms"];
/// Numbers that are times of our days, which no count of other things is likely to be: from 2001 on.
const NUMBERS_FROM_MS: i64 = 1_000_000_000_000;
/// Values by which formats that read hardly any are passed over.
const FIRST_VALUES: usize = 200;

/// How times of a column are written.
pub(super) struct Reading {
    pub(super) format: String,
    /// Times in unix-ms on the wall clock, per value.
    pub(super) times: Vec<Option<i64>>,
    pub(super) sure: Sure,
    pub(super) note: Option<String>,
}

/// The best reading of the values as times; `None` where less than half of them are.
pub(super) fn reading(name: &str, values: &[&str], is_id: bool) -> Option<Reading> {
    if values.is_empty() {
        return None;
    }
    let clock = BrandClock::new("UTC").ok()?;
    let mut offsets = clock.offsets();
    let mut read = |format: &str, values: &[&str]| -> Vec<Option<i64>> {
        let compiled = TimeFormat::compile(Some(format));
        let from = if NUMBERS.contains(&format) { NUMBERS_FROM_MS } else { TIMES_MS.start };
        let within = |ms: &i64| (from..TIMES_MS.end).contains(ms);
        // Seven digits have a day of one, and so has many a count.
        let plain = |v: &&str| format != "%Y%m%d" || v.len() == 8;
        let mut time = |v: &str| compiled.read(v.as_bytes(), &mut offsets).filter(within);
        values.iter().map(|v| if plain(v) { time(v) } else { None }).collect()
    };
    let counted = |times: &[Option<i64>]| times.iter().flatten().count();
    let first = &values[..values.len().min(FIRST_VALUES)];
    let fit = |format: &String, read: &mut dyn FnMut(&str, &[&str]) -> Vec<Option<i64>>| {
        counted(&read(format, first)) * 2 >= first.len()
    };
    let mut found: Vec<(String, Vec<Option<i64>>)> = Vec::new();
    for format in formats(name, first, is_id) {
        if fit(&format, &mut read) {
            let times = read(&format, values);
            found.push((format, times));
        }
    }
    let most = found.iter().map(|(_, times)| counted(times)).max()?;
    if most * 2 < values.len() {
        return None;
    }
    found.retain(|(_, times)| counted(times) == most);
    let mut sure = match most {
        all if all == values.len() => Sure::Sure,
        many if many * 100 >= values.len() * 95 => Sure::Likely,
        _ => Sure::Unsure,
    };
    let at = in_order(&found);
    let (format, times) = found.swap_remove(at);
    let other = found.into_iter().find(|(_, others)| *others != times);
    let note = other.map(|(other, others)| {
        let steps = descents(&others) != descents(&times);
        sure = if steps { sure.min(Sure::Likely) } else { Sure::Unsure };
        let why = if steps { ", in which the rows are less in order" } else { "" };
        format!("reads as `{other}` too{why}")
    });
    Some(Reading { format, times, sure, note })
}

/// Formats that may be tried on values.
fn formats(name: &str, first: &[&str], is_id: bool) -> Vec<String> {
    let digits_only = first.iter().all(|v| v.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    if digits_only && is_id {
        return Vec::new();
    }
    let mut formats = vec!["rfc3339".to_owned()];
    for date in DATES {
        formats.extend(CLOCKS.iter().map(|clock| format!("{date}{clock}")));
    }
    formats.extend(WHOLE.map(str::to_owned));
    if Names::TIME.are_in(name) {
        formats.extend(NUMBERS.map(str::to_owned));
    }
    formats
}

/// Of several readings the one in which rows follow each other best: exports are mostly written in order.
fn in_order(found: &[(String, Vec<Option<i64>>)]) -> usize {
    let least = found.iter().enumerate().min_by_key(|(_, (_, times))| descents(times));
    least.map_or(0, |(at, _)| at)
}

/// Steps back in time from row to row.
fn descents(times: &[Option<i64>]) -> usize {
    let known: Vec<i64> = times.iter().flatten().copied().collect();
    known.windows(2).filter(|pair| pair[1] < pair[0]).count()
}

/// Whether a text is a date or time, however it is written; numbers alone are not.
pub(super) fn is_time(text: &str) -> bool {
    !text.bytes().all(|b| b.is_ascii_digit()) && reading("", &[text], false).is_some()
}
