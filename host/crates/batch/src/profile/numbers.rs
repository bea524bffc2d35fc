//! How a column writes its numbers: decimal mark, thousands mark, decimals.

use playbook_model::NumberMarks;

use super::Sure;
use crate::intake::decimal::{Decimal, decimals_written};

/// Ways to write numbers; of two that read as many values the first is meant.
const MARKS: [NumberMarks; 7] = [
    NumberMarks { decimal: '.', thousands: None },
    NumberMarks { decimal: ',', thousands: None },
    NumberMarks { decimal: '.', thousands: Some(',') },
    NumberMarks { decimal: ',', thousands: Some('.') },
    NumberMarks { decimal: '.', thousands: Some(' ') },
    NumberMarks { decimal: ',', thousands: Some(' ') },
    NumberMarks { decimal: '.', thousands: Some('\'') },
];

/// A number as it is written.
pub(super) struct Written {
    pub(super) value: f64,
    /// Digits after the decimal mark; none for `.0`.
    pub(super) decimals: usize,
}

/// Reads a number.
pub(super) fn number(text: &str, marks: NumberMarks) -> Option<Written> {
    let plain = marks.plain(text.as_bytes())?;
    Decimal::parse(&plain)?;
    // What is an exact decimal is a real too.
    let value = std::str::from_utf8(&plain).ok()?.parse::<f64>().ok()?;
    Some(Written { value, decimals: decimals_written(&plain) })
}

/// Whether a text is a number, however it is written.
pub(super) fn is_number(text: &str) -> bool {
    MARKS.iter().any(|marks| number(text, *marks).is_some())
}

/// Whether a text is what writers of reals put where there is no number.
fn is_no_number(text: &str) -> bool {
    ["nan", "inf", "-inf", "infinity", "-infinity"]
        .iter()
        .any(|name| text.eq_ignore_ascii_case(name))
}

/// How numbers of a column are written, and how sure that is.
pub(super) struct Reading {
    pub(super) marks: NumberMarks,
    /// Values that are read.
    pub(super) read: usize,
    pub(super) sure: Sure,
    pub(super) note: Option<String>,
}

/// The best reading of the values as numbers; `None` where hardly any is one.
pub(super) fn reading(values: &[&str]) -> Option<Reading> {
    // What a file of reals calls no number says nothing of how its numbers are written.
    let values: Vec<&str> = values.iter().copied().filter(|v| !is_no_number(v)).collect();
    let values = values.as_slice();
    let count = |marks: NumberMarks| values.iter().filter(|v| number(v, marks).is_some()).count();
    let mut best = (MARKS[0], count(MARKS[0]));
    for marks in &MARKS[1..] {
        if best.1 == values.len() {
            break;
        }
        let read = count(*marks);
        if read > best.1 {
            best = (*marks, read);
        }
    }
    let (marks, read) = best;
    if read == 0 || read * 5 < values.len() * 4 {
        return None;
    }
    let (sure, note) = match groups_or_decimals(values, marks) {
        Some(note) => (Sure::Unsure, Some(note)),
        None if read == values.len() => (Sure::Sure, None),
        None if read * 100 >= values.len() * 95 => (Sure::Likely, None),
        None => (Sure::Unsure, None),
    };
    Some(Reading { marks, read, sure, note })
}

/// `1,234` is a thousand or a bit more than one: where every mark stands before three digits, only people know.
fn groups_or_decimals(values: &[&str], marks: NumberMarks) -> Option<String> {
    if marks.thousands.is_some() {
        return None;
    }
    let mut seen = false;
    for written in values.iter().filter_map(|v| number(v, marks).map(|n| (v, n))) {
        let (text, number) = written;
        if !text.contains(marks.decimal) {
            continue;
        }
        let whole = text.split(marks.decimal).next().unwrap_or("").trim_start_matches('-');
        if number.decimals != 3 || whole == "0" || !(1..=3).contains(&whole.len()) {
            return None;
        }
        seen = true;
    }
    seen.then(|| {
        format!("`{}` may stand between thousands: say so with `thousands`", marks.decimal)
    })
}
