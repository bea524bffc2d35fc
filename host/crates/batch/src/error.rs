//! Errors of this room.

use std::ops::Range;
use std::path::PathBuf;

use playbook_features::{ComputeError, FeatureError, UnknownTimeZone};
use playbook_files::FileError;
use playbook_model::one_line;

use crate::intake::rejects::Rejects;

use crate::intake::text_fault::TextFault;

/// Why data could not be read, computed or written.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// A path pattern that is no pattern.
    #[error("source `{source_name}`: `{pattern}` is not a path pattern")]
    Pattern {
        /// Source of the playbook.
        source_name: String,
        /// Its path.
        pattern: String,
    },
    /// No file where a source must have one.
    #[error("source `{source_name}`: no file at `{}`", .path.display())]
    NoFile {
        /// Source of the playbook.
        source_name: String,
        /// Path or pattern.
        path: PathBuf,
    },
    /// A source or lookup in a database or elsewhere, used by a command that does not copy its rows first.
    #[error("{what} lies in no files; `run`, `diff` and `replay` take its rows")]
    NotTaken {
        /// What the playbook calls it.
        what: String,
    },
    /// A source that reads where the host does not let it.
    #[error(
        "source `{source_name}`: `{}` lies outside the data folder `{}`, links followed; the host reads there only \
         with --data-also FOLDER",
        .path.display(), .data.display()
    )]
    OutsideData {
        /// Source of the playbook.
        source_name: String,
        /// What it would read.
        path: PathBuf,
        /// The data folder.
        data: PathBuf,
    },
    /// Reading or writing failed.
    #[error("cannot {action} `{}`", .path.display())]
    Io {
        /// "read", "write" or "create".
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A Parquet file that cannot be read or written.
    #[error("parquet file `{}` cannot be used", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the format says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A mapping row names a column that a file does not have.
    #[error("source `{source_name}`: `{}` has no column `{field}`{has}; {hint}", .path.display())]
    NoColumn {
        /// Source of the playbook.
        source_name: String,
        /// The file.
        path: PathBuf,
        /// Column of the mapping row.
        field: String,
        /// Columns that exist, in words.
        has: String,
        /// What to do.
        hint: &'static str,
    },
    /// A mapping row names a column that a file has twice.
    #[error("source `{source_name}`: `{}` has two columns `{field}`; give each a name of its own, or name them with `columns` and `header = false`", .path.display())]
    ColumnTwice {
        /// Source of the playbook.
        source_name: String,
        /// The file.
        path: PathBuf,
        /// Column of the mapping row.
        field: String,
    },
    /// A key of a lookup that stands for several rows.
    #[error("lookup `{lookup}` has the key `{}` with `{column}` `{}` and with `{}`; keep one row for a key", one_line(.key), one_line(&.values.0), one_line(&.values.1))]
    LookupTwice {
        /// Lookup of the playbook.
        lookup: String,
        /// The key.
        key: String,
        /// A column in which its rows differ.
        column: String,
        /// What the rows hold in it.
        values: (String, String),
    },
    /// A lookup that is too large to be held in memory.
    #[error(
        "lookup `{lookup}` takes more than {bytes_max} bytes in memory; a lookup holds products, campaigns or stores: join larger tables before the run, or with a feature's `sql`"
    )]
    LookupTooLarge {
        /// Lookup of the playbook.
        lookup: String,
        /// Most bytes that it may take.
        bytes_max: usize,
    },
    /// A text file that cannot be read as text.
    #[error("`{}` cannot be read", .path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: TextFault,
    },
    /// A mapping that leaves out a field that its table cannot do without.
    #[error("source `{source_name}`: the mapping of table `{table}` gives no `{field}`")]
    NoField {
        /// Source of the playbook.
        source_name: String,
        /// Table that it fills.
        table: &'static str,
        /// Field that is absent.
        field: &'static str,
    },
    /// A mapping row that cannot be followed.
    #[error("source `{source_name}`, field `{field}`: {reason}")]
    Mapping {
        /// Source of the playbook.
        source_name: String,
        /// Field of the host's table.
        field: String,
        /// What is wrong.
        reason: String,
    },
    /// More rows were rejected than the playbook allows.
    #[error(
        "source `{source_name}`: {rejected} of {rows} rows were rejected, more than the share {max} that `rejects_max` allows; most often: {reason}{kept}"
    )]
    TooManyRejects {
        /// Source of the playbook.
        source_name: String,
        /// Rows that count against the bound.
        rejected: u64,
        /// Rows read.
        rows: u64,
        /// Greatest share.
        max: f64,
        /// Most frequent reason.
        reason: String,
        /// The rejected rows, the first of them.
        kept: Rejects,
    },
    /// A time zone that is not in the tz database.
    #[error(transparent)]
    TimeZone(#[from] UnknownTimeZone),
    /// No as-of time and no event that would give one.
    #[error("there is no event, so the cycle needs an as-of time")]
    NoAsOf,
    /// A feature that the data cannot give.
    #[error("a feature cannot be computed")]
    Feature(#[from] FeatureError),
    /// SQL of a feature that the engine refuses.
    #[error("the SQL of feature `{feature}` fails")]
    FeatureSql {
        /// The feature.
        feature: String,
        /// What the engine says.
        #[source]
        source: EngineFault,
    },
    /// SQL of a feature that [`crate::check_sql`] refuses.
    #[error("the SQL of feature `{feature}` is refused")]
    SqlRefused {
        /// The feature.
        feature: String,
        /// Why.
        #[source]
        source: SqlFault,
    },
    /// SQL of a feature that took too long.
    #[error(
        "the SQL of feature `{feature}` takes more than {ms_max} ms; make it read less, or raise `time` of the table `[sql]`"
    )]
    SqlTime {
        /// The feature.
        feature: String,
        /// Limit.
        ms_max: u64,
    },
    /// SQL of a feature that needs too much memory.
    #[error(
        "the SQL of feature `{feature}` needs more than {bytes_max} bytes; make it keep less, or raise `memory` of the table `[sql]`"
    )]
    SqlMemory {
        /// The feature.
        feature: String,
        /// Limit.
        bytes_max: u64,
        /// What the engine says.
        #[source]
        source: EngineFault,
    },
    /// SQL of a feature that gives two values for one subject.
    #[error(
        "the SQL of feature `{feature}` gives {subject} `{key}` twice; group by it, so that each has one value"
    )]
    SubjectTwice {
        /// The feature.
        feature: String,
        /// What its rows describe.
        subject: String,
        /// Which one.
        key: String,
    },
    /// A sum over rows that 64 bits do not hold.
    #[error("a sum goes beyond 64 bits in one of the features {features}")]
    SumTooLarge {
        /// Features that were computed together, in words.
        features: String,
    },
    /// A sum or result beyond 64 bits.
    #[error("feature `{feature}` has no value for {subject} `{key}`: {reason}")]
    NoValue {
        /// The feature.
        feature: String,
        /// What its rows describe.
        subject: String,
        /// Which row.
        key: String,
        /// Why.
        reason: String,
    },
    /// Constants and expressions that cannot be used.
    #[error(transparent)]
    Compute(ComputeError),
    /// A feature whose values do not fit its declared type.
    #[error("feature `{feature}` gives {found}, its declared type is {wanted}")]
    FeatureType {
        /// The feature.
        feature: String,
        /// What the engine gave.
        found: String,
        /// What the playbook declares.
        wanted: &'static str,
    },
    /// A split with more values than a table may have columns.
    #[error(
        "feature `{feature}` is split by `{by}`, which has {values} values; at most {max} are allowed"
    )]
    TooManyValues {
        /// The feature.
        feature: String,
        /// The split.
        by: String,
        /// Values found.
        values: usize,
        /// Bound.
        max: usize,
    },
    /// Rows of a subject are asked for by a column that no table has.
    #[error("no table has rows of subject `{0}`")]
    UnknownSubject(String),
    /// The engine failed.
    #[error("the batch engine failed in {stage}")]
    Engine {
        /// What it was doing.
        stage: &'static str,
        /// What it said.
        #[source]
        source: EngineFault,
    },
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// Why a query is refused, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqlFault {
    /// Bytes of the text; `None`: the whole.
    pub at: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub expected: String,
}

impl From<FileError> for BatchError {
    fn from(fault: FileError) -> Self {
        Self::Io { action: fault.doing, path: fault.path, source: fault.source }
    }
}

/// Result of the data room.
pub type Result<T, E = BatchError> = std::result::Result<T, E>;

/// What an SQL engine says when it fails, in its own words.
pub type EngineFault = Box<dyn std::error::Error + Send + Sync>;

/// Names what the engine was doing when it failed.
pub(crate) fn engine(stage: &'static str) -> impl Fn(EngineFault) -> BatchError {
    move |source| BatchError::Engine { stage, source }
}

/// Names the feature whose SQL failed.
pub(crate) fn feature_sql(feature: &str) -> impl Fn(EngineFault) -> BatchError {
    let feature = feature.to_owned();
    move |source| BatchError::FeatureSql { feature: feature.clone(), source }
}

/// Names the file on which an operation failed.
pub(crate) fn io(
    action: &'static str,
    path: &std::path::Path,
) -> impl Fn(std::io::Error) -> BatchError {
    let path = path.to_owned();
    move |source| BatchError::Io { action, path: path.clone(), source }
}

/// Names the Parquet file that failed.
pub(crate) fn parquet<E: std::error::Error + Send + Sync + 'static>(
    path: &std::path::Path,
) -> impl Fn(E) -> BatchError {
    let path = path.to_owned();
    move |source| BatchError::Parquet { path: path.clone(), source: Box::new(source) }
}

/// Fails where the run was cancelled.
pub(crate) fn go_on(cancel: &crate::Cancel) -> Result<()> {
    if cancel.is_cancelled() { Err(BatchError::Cancelled) } else { Ok(()) }
}

impl From<ComputeError> for BatchError {
    fn from(error: ComputeError) -> Self {
        match error {
            ComputeError::NoValue { feature, subject, key, fault } => {
                Self::NoValue { feature, subject, key, reason: fault.to_string() }
            }
            other => Self::Compute(other),
        }
    }
}
