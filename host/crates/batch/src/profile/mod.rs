//! Looks at a data file without a playbook: its format, its columns, what their values seem to be.
//!
//! What is said here is a guess with its reasons, for people and for a first playbook; nothing is read into tables by
//! it. Cells are read by the same rules as in a run (`intake`).

mod column;
mod contact;
mod moments;
mod names;
mod numbers;
mod parquet;
mod sample;
mod shape;

use std::collections::HashSet;
use std::hash::BuildHasher as _;
use std::path::Path;

use foldhash::fast::FixedState;
use playbook_model::{NumberMarks, SourceFormat};

use crate::Result;
pub use names::{Names, is_about, words_of};

/// Most rows of a file that are looked at.
pub const ROWS_MAX: usize = 50_000;
/// Most bytes of text of a file that are looked at, unpacked.
pub const BYTES_MAX: usize = 16 << 20;
/// Most cells that are looked at, so that a file of very many columns takes no more memory than another.
pub(crate) const CELLS_MAX: usize = 2_000_000;
/// Most distinct values of a small set of words.
pub const WORDS_MAX: usize = 100;
/// Bins of a column's histogram.
pub const BINS: usize = 16;
/// Values that are shown of a column.
const SHOWN: usize = 3;

/// How far a guess can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sure {
    /// Another reading is about as good: somebody has to look.
    Unsure,
    /// Nearly all values, or the name alone, say so.
    Likely,
    /// All values say so, and nothing else fits.
    Sure,
}

/// What is seen of a file.
#[derive(Debug, Clone)]
pub struct FileProfile {
    /// Name of the compression, if any.
    pub packing: Option<&'static str>,
    /// How it is to be read.
    pub format: SourceFormat,
    /// How sure format, delimiter and header are.
    pub format_sure: Sure,
    /// Label of its encoding, `utf-8` where nothing is to be said; `None`: the format has none.
    pub encoding: Option<String>,
    /// How sure the encoding is.
    pub encoding_sure: Sure,
    /// Rows that were looked at.
    pub rows: u64,
    /// Whether these are all rows of the file.
    pub whole: bool,
    /// Rows that cannot be read, or have another number of columns than the first.
    pub broken_rows: u64,
    /// Columns in their order.
    pub columns: Vec<ColumnProfile>,
}

/// What the values of a column seem to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnKind {
    /// Nothing is filled.
    Empty,
    /// Names of things or people.
    Id,
    /// Dates or times; `None`: the file has times of its own.
    Time {
        /// As in a mapping.
        format: Option<String>,
    },
    /// Amounts of money.
    Amount {
        /// How they are written.
        marks: NumberMarks,
        /// Most decimals that one has.
        decimals: u8,
    },
    /// Whole numbers.
    Integer {
        /// How they are written.
        marks: NumberMarks,
    },
    /// Numbers with a fraction.
    Real {
        /// How they are written.
        marks: NumberMarks,
    },
    /// Yes and no.
    Flag,
    /// A small set of words.
    Words,
    /// Free text.
    Text,
    /// Arrays or objects, which no mapping reads.
    Compound,
}

impl ColumnKind {
    /// One word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Id => "id",
            Self::Time { .. } => "time",
            Self::Amount { .. } => "amount",
            Self::Integer { .. } => "integer",
            Self::Real { .. } => "real",
            Self::Flag => "flag",
            Self::Words => "words",
            Self::Text => "text",
            Self::Compound => "compound",
        }
    }
}

/// What is seen of a column. Contact data is masked in all values but [`ColumnProfile::words`], which holds none.
#[derive(Debug, Clone)]
pub struct ColumnProfile {
    /// Name in the header, else `column_1` and so on.
    pub name: String,
    /// What its values seem to be.
    pub kind: ColumnKind,
    /// How sure that is.
    pub sure: Sure,
    /// What a reader has to know of the guess.
    pub note: Option<String>,
    /// Rows with a value.
    pub filled: u64,
    /// Distinct values among these rows.
    pub distinct: u64,
    /// Whether whole numbers are written as reals (`12345.0`).
    pub whole_reals: bool,
    /// Whether it holds addresses or telephone numbers.
    pub is_contact: bool,
    /// Least value.
    pub least: Option<String>,
    /// Greatest value.
    pub greatest: Option<String>,
    /// First distinct values.
    pub samples: Vec<String>,
    /// Values that are no such thing as the others.
    pub doubtful: u64,
    /// First of them.
    pub doubtful_samples: Vec<String>,
    /// Of a text column with few values, none of them contact data, each with its rows, most first.
    pub words: Vec<(String, u64)>,
    /// Values in equal stretches from the least to the greatest, of numbers and times.
    pub histogram: Vec<u64>,
    /// Times by the hour of the clock that they are written in; empty of days, and of all else.
    pub hours: Vec<u64>,
}

/// How much of a file is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) rows: usize,
    pub(crate) cells: usize,
    pub(crate) bytes: usize,
}

/// What is looked at for people.
const SHORT: Limits = Limits { rows: ROWS_MAX, cells: CELLS_MAX, bytes: BYTES_MAX };
/// What is looked at for the keys of a table of things.
const LONG: Limits = Limits { rows: 2_000_000, cells: 20_000_000, bytes: 256 << 20 };

/// Values of a column, each once, by their hashes.
#[derive(Debug)]
pub struct Values {
    /// Hashes of the values, without outer blanks.
    pub hashes: HashSet<u64, FixedState>,
    /// Rows with a value.
    pub filled: usize,
    /// Rows that were looked at.
    pub rows: usize,
    /// Whether these are all rows of the file.
    pub whole: bool,
}

/// Reads the values of a column: of the rows that [`profile`] looks at, or, to know all keys of a table of things, of two
/// million rows at most.
///
/// # Errors
/// As [`profile`].
pub fn values(path: &Path, column: &str, all: bool) -> Result<Values> {
    let seen = read(path, if all { LONG } else { SHORT })?;
    let cells = seen.columns.iter().find(|cells| cells.name == column);
    let values = cells.map_or(&[][..], |cells| &cells.values);
    let state = FixedState::default();
    Ok(Values {
        hashes: values.iter().map(|value| state.hash_one(value.as_str())).collect(),
        filled: values.len(),
        rows: seen.rows,
        whole: seen.whole,
    })
}

/// Reads the first rows of a file.
fn read(path: &Path, limits: Limits) -> Result<sample::Seen> {
    if parquet::is_parquet(path)? {
        parquet::read(path, limits)
    } else {
        sample::read(path, limits)
    }
}

/// Looks at a file.
///
/// # Errors
/// Where it cannot be opened, is packed in a way that is not read, or is damaged.
pub fn profile(path: &Path) -> Result<FileProfile> {
    let seen = read(path, SHORT)?;
    let columns = seen.columns.iter().map(|column| column::profile(column, seen.rows)).collect();
    Ok(FileProfile {
        packing: seen.packing,
        format: seen.format,
        format_sure: seen.format_sure,
        encoding: seen.encoding,
        encoding_sure: seen.encoding_sure,
        rows: seen.rows as u64,
        whole: seen.whole,
        broken_rows: seen.broken_rows,
        columns,
    })
}

impl ColumnProfile {
    /// Adds what was seen of the same column in another file; distinct values are at least those of the one that has
    /// more.
    pub fn add(&mut self, other: &Self) {
        self.filled += other.filled;
        self.distinct = self.distinct.max(other.distinct);
        self.whole_reals |= other.whole_reals;
        self.is_contact |= other.is_contact;
        self.sure = self.sure.min(other.sure);
        self.doubtful += other.doubtful;
        for (mine, more) in [
            (&mut self.samples, &other.samples),
            (&mut self.doubtful_samples, &other.doubtful_samples),
        ] {
            mine.extend(more.iter().take(SHOWN.saturating_sub(mine.len())).cloned());
        }
        for (word, count) in &other.words {
            match self.words.iter_mut().find(|(known, _)| known == word) {
                Some((_, known)) => *known += count,
                None => self.words.push((word.clone(), *count)),
            }
        }
        match (&mut self.kind, &other.kind) {
            (
                ColumnKind::Amount { marks, decimals },
                ColumnKind::Amount { marks: more, decimals: most },
            ) => {
                marks.thousands = marks.thousands.or(more.thousands);
                *decimals = (*decimals).max(*most);
            }
            (ColumnKind::Empty, kind) => self.kind = kind.clone(),
            _ => {}
        }
        // The bins of two files have different bounds.
        self.histogram.clear();
        if self.hours.len() == other.hours.len() {
            self.hours.iter_mut().zip(&other.hours).for_each(|(mine, more)| *mine += more);
        }
        self.least = None;
        self.greatest = None;
    }
}

#[cfg(test)]
mod tests;
