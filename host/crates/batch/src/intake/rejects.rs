//! Rows that could not be read: counted by reason, the first of them kept for the rejects file.

use std::collections::BTreeMap;

use playbook_cycle::SourceIntake;
use playbook_model::SourceDef;

use crate::{BatchError, Result};

/// Rejected rows kept of one source; the counts are of all.
pub const REJECTS_KEPT_MAX: usize = 100_000;

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
    /// Why.
    pub reason: String,
    /// The row as it was, cut at 2,048 bytes.
    pub raw: String,
}

/// Rejects of one stretch of rows.
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
    pub(crate) fn check(&self, source: &SourceDef, intake: &SourceIntake) -> Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "a share of row counts")]
        let allowed = self.counted as f64 <= source.rejects_max * intake.rows_read as f64;
        if self.counted == 0 || allowed {
            return Ok(());
        }
        let most = self.by_reason.iter().max_by_key(|(_, count)| **count);
        Err(BatchError::TooManyRejects {
            source_name: source.name.clone(),
            rejected: self.counted,
            rows: intake.rows_read,
            max: source.rejects_max,
            reason: most.map_or_else(String::new, |(reason, _)| reason.clone()),
        })
    }
}

/// Cuts a row for the rejects file.
pub(crate) fn raw_text(raw: &[u8]) -> String {
    String::from_utf8_lossy(&raw[..raw.len().min(RAW_BYTES_MAX)]).into_owned()
}
