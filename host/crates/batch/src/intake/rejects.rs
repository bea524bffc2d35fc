//! Rows that could not be read: counted by reason, the first of them kept for the rejects file.

use std::collections::BTreeMap;

use playbook_cycle::SourceIntake;
use playbook_model::{SourceDef, one_line};

use crate::{BatchError, Result};

/// Rejected rows kept of one source; the counts are of all.
pub const REJECTS_KEPT_MAX: usize = 100_000;

/// Rejects that an error shows.
const SHOWN_MAX: usize = 5;

/// Letters of a value that an error shows.
const VALUE_LETTERS_MAX: usize = 40;

/// Bytes kept of a rejected row.
const RAW_BYTES_MAX: usize = 2048;

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Source of the playbook.
    pub source: String,
    /// File relative to the data folder.
    pub file: String,
    /// Line of a text file, row of a Parquet file; from 1.
    pub line: u64,
    /// Why, with the name of the field at fault.
    pub reason: String,
    /// The field's raw text; empty where the row as a whole is at fault.
    pub value: String,
    /// The row as it was, cut at 2,048 bytes.
    pub raw: String,
}

/// Why a row cannot be read.
#[derive(Debug)]
pub(crate) struct Refused {
    /// In words, with the name of the field at fault.
    pub(crate) reason: String,
    /// Whether it counts against the bound of rejected rows.
    pub(crate) counts: bool,
    /// The field's raw text, cut to the bound of rows.
    pub(crate) value: String,
}

impl Refused {
    /// A row that is at fault as a whole.
    pub(crate) fn row(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), counts: true, value: String::new() }
    }
}

/// Rejects of a range of rows: counts, and the first rows.
#[derive(Debug, Default)]
pub(crate) struct RejectTally {
    pub(crate) by_reason: BTreeMap<String, u64>,
    pub(crate) counted: u64,
    pub(crate) kept: Vec<Reject>,
}

impl RejectTally {
    /// Adds a row; `counts` says whether it counts against the bound.
    pub(crate) fn push(&mut self, reject: Reject, counts: bool) {
        *self.by_reason.entry(reject.reason.clone()).or_default() += 1;
        self.counted += u64::from(counts);
        if self.kept.len() < REJECTS_KEPT_MAX {
            self.kept.push(reject);
        }
    }

    /// Appends the rejects of the rows that follow.
    pub(crate) fn append(&mut self, next: Self) {
        for (reason, count) in next.by_reason {
            *self.by_reason.entry(reason).or_default() += count;
        }
        self.counted += next.counted;
        let room = REJECTS_KEPT_MAX - self.kept.len();
        self.kept.extend(next.kept.into_iter().take(room));
    }

    /// Fails where more rows were rejected than the playbook allows.
    pub(crate) fn check(&mut self, source: &SourceDef, intake: &SourceIntake) -> Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "a share of row counts")]
        let allowed = self.counted as f64 <= source.rejects_max * intake.rows_read as f64;
        if self.counted == 0 || allowed {
            return Ok(());
        }
        let most = self.by_reason.iter().max_by_key(|(_, count)| **count);
        let reason = most.map_or_else(String::new, |(reason, _)| reason.clone());
        Err(BatchError::TooManyRejects {
            source_name: source.name.clone(),
            rejected: self.counted,
            rows: intake.rows_read,
            max: source.rejects_max,
            reason,
            kept: Rejects(std::mem::take(&mut self.kept)),
        })
    }
}

/// Rejected rows. Displayed, they are the first few with their places and values.
#[derive(Clone, PartialEq, Eq)]
pub struct Rejects(pub Vec<Reject>);

impl std::fmt::Display for Rejects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for Reject { file, line, reason, value, .. } in self.0.iter().take(SHOWN_MAX) {
            write!(f, "\n{}, line {line}: {}", one_line(file), one_line(reason))?;
            if !value.is_empty() {
                let cut: String = value.chars().take(VALUE_LETTERS_MAX).collect();
                let tail = if cut.len() < value.len() { "..." } else { "" };
                write!(f, ": `{}{tail}`", one_line(&cut))?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Rejects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rejects", self.0.len())
    }
}

/// Cuts a row for the rejects file.
pub(crate) fn raw_text(raw: &[u8]) -> String {
    String::from_utf8_lossy(&raw[..raw.len().min(RAW_BYTES_MAX)]).into_owned()
}
