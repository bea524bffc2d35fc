//! Reads the sample of a file that is profiled: the cells of its first rows, by column.

use std::path::Path;

use chardetng::EncodingDetector;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use playbook_model::SourceFormat;

use super::shape::{cell, shape};
use super::{Limits, Sure};
use crate::Result;
use crate::intake::decode::TextFile;
use crate::intake::field::is_blank;
use crate::intake::header::has_header;
use crate::intake::json::{Given, each_member};
use crate::intake::records::{Record, next_record};

/// What was read.
pub(super) struct Seen {
    pub(super) packing: Option<&'static str>,
    pub(super) format: SourceFormat,
    pub(super) format_sure: Sure,
    pub(super) encoding: Option<String>,
    pub(super) encoding_sure: Sure,
    pub(super) rows: usize,
    pub(super) whole: bool,
    pub(super) broken_rows: u64,
    pub(super) columns: Vec<Cells>,
    pub(super) limits: Limits,
}

/// Cells of a column.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) name: String,
    /// Values without outer blanks, in order; rows without one are left out.
    pub(super) values: Vec<String>,
    /// Cells that are arrays or objects.
    pub(super) compound: u64,
    /// Whether the file itself says that they are times.
    pub(super) times: bool,
}

impl Cells {
    pub(super) fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    pub(super) fn push(&mut self, text: &str) {
        if !is_blank(text.as_bytes()) {
            self.values.push(text.to_owned());
        }
    }
}

/// Reads the first rows of a text file.
pub(super) fn read(path: &Path, limits: Limits) -> Result<Seen> {
    let (text, file, ended) = open(path, None, limits.bytes)?;
    let told = file.encoding();
    let (text, packing, encoding, encoding_sure, ended) = match guessed(&text, told, ended) {
        None => (text, file.packing(), told, Sure::Sure, ended),
        Some((guess, sure)) => {
            let label = guess.name().to_ascii_lowercase();
            let (text, file, ended) = open(path, Some(&label), limits.bytes)?;
            (text, file.packing(), guess, sure, ended)
        }
    };
    let shape = shape(&text, !ended);
    let mut seen = Seen {
        packing,
        format: shape.format,
        format_sure: shape.sure,
        encoding: Some(encoding.name().to_ascii_lowercase()),
        encoding_sure,
        rows: 0,
        whole: ended,
        broken_rows: 0,
        columns: Vec::new(),
        limits,
    };
    match seen.format {
        SourceFormat::JsonLines => json(&text, &mut seen),
        _ => delimited(&text, &mut seen),
    }
    Ok(seen)
}

fn open(path: &Path, encoding: Option<&str>, bytes: usize) -> Result<(Vec<u8>, TextFile, bool)> {
    let mut file = TextFile::open(path, encoding)?;
    let mut text = Vec::new();
    let ended = file.read(bytes, &mut text)?;
    Ok((text, file, ended))
}

/// The encoding of text that was read as UTF-8 and is not.
fn guessed(text: &[u8], told: &Encoding, ended: bool) -> Option<(&'static Encoding, Sure)> {
    if told != UTF_8 {
        return None;
    }
    // Every second byte of UTF-16 is zero where letters are Latin, digits and delimiters are in any script.
    let zeros = |odd: usize| {
        text.iter().take(4096).enumerate().filter(|(at, b)| at % 2 == odd && **b == 0).count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    if (even + odd) * 8 > text.len().min(4096) {
        return Some((if odd > even { UTF_16LE } else { UTF_16BE }, Sure::Likely));
    }
    match std::str::from_utf8(text) {
        Ok(_) => return None,
        // The end of the sample may cut a letter in two.
        Err(fault) if fault.error_len().is_none() && !ended => return None,
        Err(_) => {}
    }
    let mut detector = EncodingDetector::new();
    detector.feed(text, true);
    let (encoding, likely) = detector.guess_assess(None, false);
    Some((encoding, if likely { Sure::Likely } else { Sure::Unsure }))
}

impl Seen {
    /// Whether enough was read.
    fn is_full(&self) -> bool {
        self.rows >= self.limits.rows || self.rows * self.columns.len() >= self.limits.cells
    }
}

fn delimited(text: &[u8], seen: &mut Seen) {
    let (mut at, mut record, more) = (0, Record::default(), !seen.whole);
    let mut names_come = has_header(&seen.format);
    while at < text.len() {
        if seen.is_full() {
            seen.whole = false;
            return;
        }
        let Some(next) = next_record(&seen.format, text, at, more, &mut record) else { return };
        at = next;
        if record.fault.is_none() && record.len() <= 1 && cell(&record, text, 0).is_empty() {
            continue;
        }
        if names_come {
            names_come = false;
            let names = (0..record.len()).map(|i| Cells::named(cell(&record, text, i)));
            seen.columns = names.collect();
            continue;
        }
        if seen.columns.is_empty() {
            let names = 1..=record.len();
            seen.columns = names.map(|n| Cells::named(format!("column_{n}"))).collect();
        }
        if record.fault.is_some() || record.len() != seen.columns.len() {
            seen.broken_rows += 1;
            continue;
        }
        seen.rows += 1;
        for (i, column) in seen.columns.iter_mut().enumerate() {
            column.push(&cell(&record, text, i));
        }
    }
}

fn json(text: &[u8], seen: &mut Seen) {
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if seen.is_full() || !seen.whole && !line.ends_with(b"\n") {
            seen.whole = false;
            return;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let mut members = Vec::new();
        if each_member(line, |name, given| members.push((name.to_owned(), given))).is_err() {
            seen.broken_rows += 1;
            continue;
        }
        seen.rows += 1;
        for (name, given) in members {
            let at = seen.columns.iter().position(|column| column.name == name);
            let at = at.unwrap_or_else(|| {
                seen.columns.push(Cells::named(name));
                seen.columns.len() - 1
            });
            let column = &mut seen.columns[at];
            match given {
                Given::Absent | Given::Null => {}
                Given::Text(text) => column.push(text.trim()),
                Given::Flag(flag) => column.push(if flag { "true" } else { "false" }),
                Given::Compound => column.compound += 1,
            }
        }
    }
}
