//! What a cycle is run with, after defaults.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use playbook_cycle::{Progress, Silent};
use playbook_report::Lang;
use playbook_runtime::Metering;
use playbook_toml::Override;

use crate::evidence::LedgerMark;
use crate::host::Pinned;
use crate::places::absolute;
use crate::taking::Taking;

/// What a cycle is run with.
#[derive(Clone)]
pub struct Job {
    /// The playbook file.
    pub file: PathBuf,
    /// Changes from outside the file.
    pub overrides: Vec<Override>,
    /// Folder where relative data paths start; `None`: the playbook's.
    pub data: Option<PathBuf>,
    /// Folders outside it where sources may be read too; the host's to allow, never a playbook's.
    pub data_also: Vec<PathBuf>,
    /// Where rows of sources come from that lie in no files.
    pub(crate) taking: Taking,
    /// The brand's state folder; `None`: the one in the home folder.
    pub state: Option<PathBuf>,
    /// As-of time that replaces the playbook's, spelled as in a playbook.
    pub as_of: Option<String>,
    /// Threads that read and call plugins, at least 1. Results do not depend on it.
    pub threads: usize,
    /// How plugin calls are bounded.
    pub metering: Metering,
    /// Language of the report.
    pub lang: Lang,
    /// Whether everything is computed and nothing granted.
    pub dry_run: bool,
    /// Whether the cycle may be earlier than one that is closed.
    pub earlier: bool,
    /// Components by stage, for a replay.
    pub pinned: Pinned,
    /// How far the ledger was, for a replay.
    pub ledger: Option<LedgerMark>,
    /// Hears how far the work is.
    pub progress: Arc<dyn Progress>,
}

impl Job {
    /// A job with every default, on two threads, nobody listening.
    #[must_use]
    pub fn new(file: &Path) -> Self {
        Self {
            file: absolute(file),
            overrides: Vec::new(),
            data: None,
            data_also: Vec::new(),
            taking: Taking::Anew,
            state: None,
            as_of: None,
            threads: 2,
            metering: Metering::FuelAndEpoch,
            lang: Lang::En,
            dry_run: false,
            earlier: false,
            pinned: Pinned::new(),
            ledger: None,
            progress: Arc::new(Silent),
        }
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("file", &self.file)
            .field("data", &self.data)
            .field("state", &self.state)
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}
