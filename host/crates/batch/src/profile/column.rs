//! One column: what its values seem to be, and what they are.

use std::collections::HashMap;

use playbook_model::NumberMarks;

use super::contact::{has_address, is_contact, masked};
use super::names::{Names, names_an_id};
use super::sample::Cells;
use super::{BINS, ColumnKind, ColumnProfile, SHOWN, Sure, WORDS_MAX};
use super::{moments, numbers};
use crate::intake::field::flag;

/// Letters of the longest id.
const ID_LETTERS_MAX: usize = 64;
/// Most distinct words of a column of categories whose name looks like an id's.
const SORTS_MAX: usize = 12;
/// Letters of a value that are shown.
const SHOWN_LETTERS: usize = 48;
/// Digits of a whole number that may be counted with; more are an id.
const INTEGER_DIGITS_MAX: usize = 15;

/// What a column is taken for, with the place of each value in its order; `None`: it is no such value.
struct Guess {
    kind: ColumnKind,
    sure: Sure,
    note: Option<String>,
    places: Option<Vec<Option<f64>>>,
}

impl Guess {
    fn plain(kind: ColumnKind, sure: Sure) -> Self {
        Self { kind, sure, note: None, places: None }
    }
}

/// Looks at a column of a sample of so many rows.
pub(super) fn profile(cells: &Cells, rows: usize) -> ColumnProfile {
    let values: Vec<&str> = cells.values.iter().map(String::as_str).collect();
    let mut counts: HashMap<&str, u64> = HashMap::new();
    let mut firsts = Vec::new();
    for value in &values {
        let count = counts.entry(value).or_insert(0);
        if *count == 0 && firsts.len() < SHOWN {
            firsts.push(*value);
        }
        *count += 1;
    }
    let guess = guess(cells, &values, &counts, rows);
    let show = |value: &str| shown(&cells.name, value);
    let is_contact = is_contact(&cells.name, &values);
    let doubtful: Vec<&str> = match &guess.places {
        Some(places) => {
            let pairs = values.iter().zip(places);
            pairs.filter(|(_, place)| place.is_none()).map(|(value, _)| *value).collect()
        }
        None => Vec::new(),
    };
    let (least, greatest) = ends(&values, guess.places.as_deref());
    let is_text = matches!(guess.kind, ColumnKind::Words | ColumnKind::Flag | ColumnKind::Text);
    let small = is_text && counts.len() <= WORDS_MAX && !counts.keys().any(|v| has_address(v));
    let mut words: Vec<(String, u64)> = match small {
        true => counts.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect(),
        false => Vec::new(),
    };
    words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ColumnProfile {
        name: cells.name.clone(),
        filled: values.len() as u64 + cells.compound,
        distinct: counts.len() as u64,
        whole_reals: are_whole_reals(&values),
        is_contact,
        least: least.map(show),
        greatest: greatest.map(show),
        samples: firsts.into_iter().map(show).collect(),
        doubtful: doubtful.len() as u64 + if values.is_empty() { 0 } else { cells.compound },
        doubtful_samples: doubtful.into_iter().take(SHOWN).map(show).collect(),
        words,
        histogram: guess.places.as_deref().map(histogram).unwrap_or_default(),
        hours: hours(&guess),
        kind: guess.kind,
        sure: guess.sure,
        note: guess.note,
    }
}

/// Whether some values are whole numbers written as reals, and all are whole numbers.
fn are_whole_reals(values: &[&str]) -> bool {
    let is_whole = |value: &&str| {
        let number = numbers::number(value, NumberMarks::default());
        value.len() <= INTEGER_DIGITS_MAX && number.is_some_and(|number| number.decimals == 0)
    };
    values.iter().any(|value| value.ends_with(".0")) && values.iter().all(is_whole)
}

/// A value as people see it: without contact data, and not too long.
fn shown(name: &str, value: &str) -> String {
    let masked = masked(name, value);
    match masked.char_indices().nth(SHOWN_LETTERS) {
        Some((at, _)) => format!("{}…", &masked[..at]),
        None => masked.into_owned(),
    }
}

fn guess(cells: &Cells, values: &[&str], counts: &HashMap<&str, u64>, rows: usize) -> Guess {
    if values.is_empty() {
        let kind = if cells.compound > 0 { ColumnKind::Compound } else { ColumnKind::Empty };
        return Guess::plain(kind, Sure::Sure);
    }
    let named_id = names_an_id(&cells.name) && !Names::TIME.are_in(&cells.name);
    let is_flag = |value: &&str| flag(value.as_bytes()).is_some() && !numbers::is_number(value);
    if values.iter().all(is_flag) {
        return Guess::plain(ColumnKind::Flag, Sure::Sure);
    }
    if let Some(times) = moments::reading(&cells.name, values, named_id) {
        let format = (!cells.times).then_some(times.format);
        let (sure, note) = if cells.times { (Sure::Sure, None) } else { (times.sure, times.note) };
        let places = times.times.into_iter().map(|time| time.map(|ms| ms as f64)).collect();
        return Guess { kind: ColumnKind::Time { format }, sure, note, places: Some(places) };
    }
    numeric(&cells.name, values, named_id)
        .unwrap_or_else(|| texts(&cells.name, values, counts, named_id, rows))
}

/// A column of numbers, or of ids that are written with digits.
fn numeric(name: &str, values: &[&str], named_id: bool) -> Option<Guess> {
    let reading = numbers::reading(values)?;
    let written: Vec<_> = values.iter().map(|v| numbers::number(v, reading.marks)).collect();
    let decimals = written.iter().flatten().map(|n| n.decimals).max().unwrap_or(0);
    let marks = reading.marks;
    let digits = |v: &str| v.bytes().filter(u8::is_ascii_digit).count();
    let long = values.iter().any(|v| decimals == 0 && digits(v) > INTEGER_DIGITS_MAX);
    let zeros = values
        .iter()
        .any(|v| v.len() > 1 && v.starts_with('0') && decimals == 0 && !v.contains('.'));
    if decimals == 0 && (named_id || long || zeros) {
        let sure = if reading.read == values.len() { Sure::Sure } else { Sure::Likely };
        return Some(Guess::plain(ColumnKind::Id, sure));
    }
    let two = written.iter().flatten().filter(|n| n.decimals == 2).count();
    let is_money = !Names::MEASURE.are_in(name)
        && (Names::AMOUNT.are_in(name) || two * 2 >= reading.read && decimals <= 4);
    let named = Names::AMOUNT.are_in(name);
    let (kind, sure) = match decimals {
        0 if named && !Names::MEASURE.are_in(name) => {
            (ColumnKind::Amount { marks, decimals: 0 }, reading.sure.min(Sure::Likely))
        }
        0 => (ColumnKind::Integer { marks }, reading.sure),
        _ if is_money => {
            let decimals = u8::try_from(decimals).unwrap_or(u8::MAX);
            let sure = if named { reading.sure } else { reading.sure.min(Sure::Likely) };
            (ColumnKind::Amount { marks, decimals }, sure)
        }
        _ => (ColumnKind::Real { marks }, reading.sure),
    };
    let places = written.iter().map(|n| n.as_ref().map(|n| n.value)).collect();
    Some(Guess { kind, sure, note: reading.note, places: Some(places) })
}

/// A column of texts: ids, a few words, or prose.
fn texts(
    name: &str,
    values: &[&str],
    counts: &HashMap<&str, u64>,
    named_id: bool,
    rows: usize,
) -> Guess {
    let compact =
        |v: &&str| !v.contains(char::is_whitespace) && v.chars().count() <= ID_LETTERS_MAX;
    let compact = values.iter().filter(|v| compact(v)).count() == values.len();
    let with_digits = values.iter().filter(|v| v.bytes().any(|b| b.is_ascii_digit())).count();
    let repeated = counts.len() <= WORDS_MAX && counts.len() * 2 <= values.len();
    // Few words without digits, each in many rows, are categories and no ids.
    let sorts = counts.len() <= SORTS_MAX && counts.len() * 10 <= values.len() && with_digits == 0;
    if named_id && compact && !(sorts && !Names::MEMBER.are_in(name)) {
        return Guess::plain(ColumnKind::Id, Sure::Sure);
    }
    if repeated || counts.len() <= 3 && rows <= 3 && with_digits == 0 {
        let sure = if repeated && values.len() >= 20 { Sure::Sure } else { Sure::Likely };
        return Guess::plain(ColumnKind::Words, sure);
    }
    if compact && with_digits * 2 >= values.len() {
        return Guess::plain(ColumnKind::Id, Sure::Likely);
    }
    if named_id {
        return Guess::plain(ColumnKind::Id, Sure::Likely);
    }
    Guess::plain(ColumnKind::Text, Sure::Likely)
}

/// Least and greatest value, by their places where they have some.
fn ends<'a>(
    values: &[&'a str],
    places: Option<&[Option<f64>]>,
) -> (Option<&'a str>, Option<&'a str>) {
    let Some(places) = places else {
        return (values.iter().min().copied(), values.iter().max().copied());
    };
    let placed = || values.iter().zip(places).filter_map(|(v, place)| Some((*v, (*place)?)));
    let least = placed().min_by(|a, b| a.1.total_cmp(&b.1));
    let greatest = placed().max_by(|a, b| a.1.total_cmp(&b.1));
    (least.map(|(v, _)| v), greatest.map(|(v, _)| v))
}

/// Times by their hours of the day; none where all are at midnight, as days are.
fn hours(guess: &Guess) -> Vec<u64> {
    const HOUR_MS: f64 = 3_600_000.0;
    let (ColumnKind::Time { .. }, Some(places)) = (&guess.kind, &guess.places) else {
        return Vec::new();
    };
    let mut hours = vec![0; 24];
    let mut clock = false;
    for ms in places.iter().flatten() {
        // Between 0 and 24.
        let hour = ms.rem_euclid(24.0 * HOUR_MS) / HOUR_MS;
        clock |= hour > 0.0;
        hours[(hour as usize).min(23)] += 1;
    }
    if clock { hours } else { Vec::new() }
}

/// Counts of values in equal bins from the least to the greatest.
fn histogram(places: &[Option<f64>]) -> Vec<u64> {
    let known = || places.iter().flatten().copied();
    let (least, greatest) = (known().fold(f64::MAX, f64::min), known().fold(f64::MIN, f64::max));
    if greatest <= least {
        return Vec::new();
    }
    let mut bins = vec![0; BINS];
    for place in known() {
        let share = (place - least) / (greatest - least);
        // The share is 0 to 1; 1 belongs to the last bin.
        bins[((share * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    bins
}
