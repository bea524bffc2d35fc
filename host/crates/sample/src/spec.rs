//! What is asked for, and what comes of it.

use std::num::NonZero;
use std::path::PathBuf;

use playbook_files::FileError;

use crate::truth::Counts;

/// Fewest members of a sample.
pub const MEMBERS_MIN: u64 = 1_000;
/// Most members of a sample.
pub const MEMBERS_MAX: u64 = 10_000_000;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSpec {
    /// Members, [`MEMBERS_MIN`] to [`MEMBERS_MAX`].
    pub members: u64,
    /// Same seed, same sample.
    pub seed: u64,
    /// Format of the files.
    pub format: Format,
    /// Threads that draw; `None`: as many as there are cores. The bytes do not depend on it.
    pub threads: Option<NonZero<usize>>,
}

/// Format of a sample's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet, snappy, categories as dictionaries.
    Parquet,
    /// Comma-separated with a header.
    Csv,
}

impl Format {
    /// Ending of file names, without the point.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
        }
    }
}

/// How far a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Members written.
    pub members: u64,
    /// Members in all.
    pub members_total: u64,
    /// Events written.
    pub events: u64,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Members, events, orders and what is true of them.
    pub counts: Counts,
    /// Files, in order of name.
    pub files: Vec<PathBuf>,
}

/// Why a sample cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Too few or too many members.
    #[error("a sample has 1000 to 10000000 members, not {0}")]
    Members(u64),
    /// The folder or a file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Parquet cannot be written.
    #[error("cannot write {path}")]
    Parquet {
        /// What was being written.
        path: PathBuf,
        /// What the encoder says.
        #[source]
        source: parquet::errors::ParquetError,
    },
}
