//! The trait through which the loop reads data. The batch room implements it with an SQL engine.

use std::collections::BTreeMap;

use playbook_model::{Context, Digest, Frame, Subject, UnixMs, Words};

/// Tables of one cycle.
pub trait DataSource: Send {
    /// What was read, and how well. Known from the start but for the digests.
    fn intake(&self) -> &Intake;

    /// Waits for the digests of the files, which are made while the members are computed.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    fn digested(&mut self) -> Result<&Intake, SourceError>;

    /// Returns the members, one row each, ascending by id.
    ///
    /// The first column is the text column `member`; then every feature of subject member, and a
    /// flag column `consent.<purpose>` (1 granted, 0 not, missing: never asked) per purpose seen.
    ///
    /// # Errors
    /// A host's fault only: rows that cannot be read are part of the intake.
    fn members(&mut self) -> Result<Frame, SourceError>;

    /// Returns the rows of another subject, ascending by key; the first column is named after the
    /// subject and holds the key (text), then one column per feature of that subject.
    ///
    /// `outputs` are the outputs of the stages so far, row for row as `members` gave them, its first
    /// column `member`; features over members and features split `by` an output read them.
    ///
    /// # Errors
    /// A host's fault, or a feature whose SQL fails.
    fn table(&mut self, subject: &Subject, outputs: &Frame) -> Result<Frame, SourceError>;

    /// Returns the columns of a subject's table, such as `stage.output`, as they were `cycles_ago` closed cycles ago, as far as
    /// `wanted` is stored: aligned with `rows`, whose first column holds the keys, and missing where a row is new.
    ///
    /// # Errors
    /// A host's fault only.
    fn previous(
        &mut self,
        cycles_ago: u8,
        subject: &Subject,
        wanted: &[String],
        rows: &Frame,
    ) -> Result<Frame, SourceError>;
}

/// Facts of reading the sources.
#[derive(Debug, Clone, Default)]
pub struct Intake {
    /// Per source, in the order of the playbook.
    pub sources: Vec<SourceIntake>,
    /// Time of the last event, where there is one.
    pub last_event: Option<UnixMs>,
    /// As-of time that the cycle uses.
    pub as_of: UnixMs,
    /// The as-of time as minutes since 1970-01-01T00:00 on the brand's clock.
    pub local_min: i64,
    /// Digest over all input files, order-independent of how they were found; see [`DataSource::digested`].
    pub digest: Option<Digest>,
    /// Accounts that were joined to another member (domain H2).
    pub accounts_merged: u64,
    /// What of the data would mislead whoever reads the results.
    pub findings: Vec<IntakeFinding>,
}

/// Something about the data that would mislead whoever reads the results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntakeFinding {
    /// Kebab-case code, as `orders-in-the-future`.
    pub code: &'static str,
    /// Source of the playbook that it concerns; `None`: several.
    pub source: Option<String>,
    /// Rows, members or files that it concerns.
    pub count: u64,
    /// What was seen, what the host did, what to do about it.
    pub text: Words,
}

impl Intake {
    /// What plugins are told of time and chance.
    #[must_use]
    pub fn context(&self, seed: u64) -> Context {
        Context { now: self.as_of.0, local_min: self.local_min, seed }
    }
}

/// Facts of one source.
#[derive(Debug, Clone, Default)]
pub struct SourceIntake {
    /// Name in the playbook.
    pub name: String,
    /// Files with their digests, sorted by path relative to the data folder; see [`DataSource::digested`].
    pub files: Vec<(String, Digest)>,
    /// Rows seen.
    pub rows_read: u64,
    /// Rows that entered the table.
    pub rows_kept: u64,
    /// Rows with an error, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Rows dropped as repeats.
    pub duplicates: u64,
    /// Columns of the files that no mapping row names.
    pub unmapped_fields: Vec<String>,
}

/// A fault of the data room, with its own words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl SourceError {
    /// Wraps the data room's error.
    #[must_use]
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}
