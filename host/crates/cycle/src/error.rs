//! Faults of a cycle: the host's own, and a guest's where the playbook says that the run stops.

use playbook_ledger::LedgerError;
use playbook_model::Fault;
use playbook_runtime::RuntimeError;

use crate::gather::WrongType;
use crate::source::SourceError;

/// Why a cycle did not end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CycleError {
    /// A column that cannot serve a need.
    #[error("stage `{stage}`: {problem}")]
    WrongType {
        /// Stage that wants it.
        stage: String,
        /// What does not fit.
        problem: WrongType,
    },
    /// A plugin's fault, where the playbook closes on it.
    #[error("stage `{stage}`: plugin `{plugin}` {fault}{}", asked_about(row.as_deref()))]
    Stage {
        /// Stage of the playbook.
        stage: String,
        /// Name and version, as the plugin says them.
        plugin: String,
        /// The guest's fault.
        fault: Fault,
        /// What it was asked about, where it fails on that row alone: "member `a7`".
        row: Option<String>,
    },
    /// A whole table with more rows than the contract allows.
    #[error(
        "stage `{stage}`: table `{subject}` has {rows} rows, at most 65536 go to a plugin as a whole"
    )]
    TableTooLong {
        /// Stage that wants it.
        stage: String,
        /// Subject of the table.
        subject: String,
        /// Its rows.
        rows: usize,
    },
    /// Rows with other columns than the stages were opened for.
    #[error("rows of {found} columns, the stages were opened for rows of {wanted}")]
    OtherColumns {
        /// Columns of the rows.
        found: usize,
        /// Columns that were shown at opening.
        wanted: usize,
    },
    /// Stopped on request.
    #[error("stopped; nothing was lost, the same command goes on where it was")]
    Cancelled,
    /// A fault of the sandbox.
    #[error("the sandbox failed")]
    Runtime(#[from] RuntimeError),
    /// A fault of the data room.
    #[error("reading the data failed")]
    Source(#[from] SourceError),
    /// A fault of the ledger.
    #[error("the ledger failed")]
    Ledger(#[from] LedgerError),
}

/// What follows the words of a fault that is one row's.
pub(crate) fn asked_about(row: Option<&str>) -> String {
    row.map_or_else(String::new, |row| format!("; asked about {row}"))
}

impl CycleError {
    /// The stage whose plugin failed, where it was one.
    #[must_use]
    pub fn stage_at_fault(&self) -> Option<&str> {
        match self {
            Self::Stage { stage, .. } => Some(stage),
            _ => None,
        }
    }

    /// In how many milliseconds the plugin may be called again, where it was not called for its breaker.
    #[must_use]
    pub fn retry_ms(&self) -> Option<u64> {
        match self {
            Self::Stage { fault: Fault::BreakerOpen { retry_ms }, .. } => Some(*retry_ms),
            _ => None,
        }
    }
}
