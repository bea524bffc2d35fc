//! A finished cycle, before anything of it is written.

use std::path::PathBuf;

use playbook_batch::{ClosingCycle, Reject};
use playbook_cycle::{CycleRun, Intake, Laps, Prepared};
use playbook_ledger::{CycleRef, Ledger};
use playbook_model::Digest;
use playbook_toml::Loaded;

use crate::evidence::LedgerMark;

/// A finished cycle, before anything of it is written but the members.
#[derive(Debug)]
pub struct Finished {
    /// The playbook with the texts it came from.
    pub loaded: Loaded,
    /// Its stages.
    pub stages: Vec<Prepared>,
    /// What the cycle came to.
    pub run: CycleRun,
    /// What was read.
    pub intake: Intake,
    /// Rows that could not be read, the first of them.
    pub rejects: Vec<Reject>,
    /// The ledger that was booked in, or its rehearsal.
    pub ledger: Ledger,
    /// How far it was.
    pub ledger_mark: LedgerMark,
    /// Stands for everything that the outputs depend on.
    pub run_key: Digest,
    /// Folder where relative data paths start.
    pub data: PathBuf,
    /// The brand's state folder.
    pub state: PathBuf,
    /// What later cycles will read as `previous`; none where the cycle is not closed.
    pub closing: Option<ClosingCycle>,
    /// Whether nothing was granted.
    pub dry_run: bool,
    /// Where the time went.
    pub laps: Laps,
}

impl Finished {
    /// Whether something of it goes over a connection.
    #[must_use]
    pub fn delivers(&self) -> bool {
        let deliveries = &self.loaded.playbook.outputs.deliveries;
        deliveries.iter().any(|delivery| delivery.connection.is_some())
    }

    /// Which cycle it was.
    #[must_use]
    pub fn cycle(&self) -> CycleRef {
        CycleRef { playbook: self.loaded.playbook.id.clone(), number: self.run.number }
    }
}
