//! How a cycle runs, and which one it is.

use playbook_model::{Digest, Frame};

use crate::progress::{Cancel, Progress};
use crate::source::{Intake, SourceError};

/// Takes the finished table of members.
pub type TakeMembers<'a> = dyn Fn(&Frame) -> Result<(), SourceError> + Sync + 'a;

/// Gives the run key of what was read.
pub type RunKey<'a> = dyn Fn(&Intake) -> Digest + Sync + 'a;

/// How a cycle runs.
pub struct CycleOptions<'a> {
    /// Computes the run key from the digests of all inputs.
    pub run_key: &'a RunKey<'a>,
    /// Whether grants are booked; false computes everything and grants nothing.
    pub books: bool,
    /// Threads that call plugins.
    pub threads: usize,
    /// Stops between batches.
    pub cancel: Cancel,
    /// Receives the progress.
    pub progress: &'a dyn Progress,
    /// Gets the finished table of members while decisions are made, to write it meanwhile.
    pub members_done: Option<&'a TakeMembers<'a>>,
}

impl std::fmt::Debug for CycleOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CycleOptions").field("books", &self.books).finish_non_exhaustive()
    }
}

/// Returns the number of the cycle that a local minute falls into.
#[must_use]
pub fn cycle_number(local_min: i64, length_days: u32) -> i64 {
    local_min.div_euclid(24 * 60).div_euclid(i64::from(length_days.max(1)))
}

#[cfg(test)]
mod tests {
    use super::cycle_number;

    #[test]
    fn cycles_are_numbered_by_the_local_day() {
        assert_eq!(cycle_number(28 * 24 * 60 - 1, 28), 0);
        assert_eq!(cycle_number(28 * 24 * 60, 28), 1);
        assert_eq!(cycle_number(-1, 28), -1);
    }
}
