//! What holds of every ledger, in SQLite.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; a child reports to its killer"
)]

mod shared;
mod suites;

use std::path::PathBuf;

use playbook_ledger::Ledger;
use shared::BRAND;

/// A file that holds a ledger, in a folder that goes with this value, or that somebody else keeps.
struct Home {
    file: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { file: folder.path().join("ledger.db"), _folder: Some(folder) }
    }

    /// The place that another process has told.
    fn of(told: &str) -> Self {
        Self { file: told.into(), _folder: None }
    }

    fn told(&self) -> String {
        self.file.to_str().unwrap().to_owned()
    }

    fn open(&self) -> Ledger {
        Ledger::open_or_create(&self.file, BRAND).unwrap()
    }
}

fn fresh() -> ((), Ledger) {
    ((), Ledger::in_memory(BRAND).unwrap())
}
