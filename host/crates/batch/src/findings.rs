//! Findings: what in the data would mislead who reads the results, in words.

use playbook_cycle::IntakeFinding;
use playbook_model::Words;

/// Letters of an id that a finding shows.
const ID_LETTERS: usize = 40;

/// Ids that a finding names.
pub(crate) const IDS_NAMED: usize = 3;

/// A finding about a source, or about several, in English and in traditional Chinese.
pub(crate) fn finding(
    code: &'static str,
    source: Option<&str>,
    count: u64,
    en: String,
    zh: String,
) -> IntakeFinding {
    let text = Words { en, zh: Some(zh) };
    IntakeFinding { code, source: source.map(str::to_owned), count, text }
}

/// The first of `count` ids in words: "`a`, `b`, ...".
pub(crate) fn first_ids(first: &[String], count: u64) -> String {
    let mut text = first.iter().map(|id| named(id)).collect::<Vec<_>>().join(", ");
    if count > first.len() as u64 {
        text.push_str(", ...");
    }
    text
}

/// An id in backticks, cut where it is long.
pub(crate) fn named(id: &str) -> String {
    match id.char_indices().nth(ID_LETTERS) {
        None => format!("`{id}`"),
        Some((at, _)) => format!("`{}...`", &id[..at]),
    }
}
