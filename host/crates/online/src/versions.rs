//! Versions of a brand's playbook: offered, tried on recorded decisions, made the one that decides, and taken back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use playbook_model::Digest;
use playbook_toml::Problems;
use serde::{Deserialize, Serialize};

use crate::version::Version;

/// Versions that stay open, so that a step back takes no time.
const OPEN_MAX: usize = 4;
/// Decisions that a version is tried on.
const TRIED_MAX: usize = 200;

/// What opens a version again: its files as they were, and the components that its stages took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Name of the top file.
    pub file: String,
    /// Every file by the name under which it was read.
    pub files: Vec<(String, String)>,
    /// Digests of components by stage; empty: what is installed.
    pub components: BTreeMap<String, String>,
}

/// A version with what opens it again.
#[derive(Debug)]
pub struct Opened {
    /// The version.
    pub version: Version,
    /// With the components that it took.
    pub source: Source,
}

/// Why a version cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The playbook is at fault: every problem with its place.
    #[error("the playbook has {} problems", .0.problems.len() + .0.more)]
    Faulty(Box<Problems>),
    /// The playbook is of another brand, or has another salt of pseudonyms: members would be others.
    #[error("{0}")]
    Foreign(String),
    /// All else.
    #[error("the version cannot be opened")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Opens versions; the host hands one over.
pub trait Opener: Send + Sync {
    /// Checks a playbook, takes its components and opens its stages.
    ///
    /// # Errors
    /// [`OpenError`].
    fn open(&self, source: &Source) -> Result<Opened, OpenError>;
}

/// How a version came to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// The service began with it.
    Start,
    /// The playbook's file, or a plugin, changed.
    File,
    /// Somebody made it so.
    Activated,
    /// Somebody took the one before back.
    RolledBack,
}

impl How {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::File => "file",
            Self::Activated => "activated",
            Self::RolledBack => "rolled-back",
        }
    }
}

/// What a version would change, seen on recorded decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Decisions that were compared.
    pub compared: u64,
    /// Members' moments that could not be evaluated by the new version.
    pub failed: u64,
    /// Moves between segments: stage, from, to, how many.
    pub moves: Vec<(String, String, String, u64)>,
    /// Effects granted by the version before and by this one.
    pub granted: [u64; 2],
    /// What these cost at most, minor units.
    pub cost_minor: [i64; 2],
}

/// A version became the one that decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// Number, from 1.
    pub number: u64,
    /// Unix-ms.
    pub at: i64,
    /// Who: id of a key, or "host".
    pub by: String,
    /// How.
    pub how: How,
    /// Digest of the version.
    pub version: [u8; 32],
    /// Digest of its playbook.
    pub playbook_digest: String,
    /// Digest of the version before.
    pub before: Option<[u8; 32]>,
    /// Digest of the playbook's file at that time, where there is one.
    pub file: Option<String>,
    /// What it was expected to change.
    pub expected: Trial,
}

/// Versions that are open, the newest last, and the decisions that a new one is tried on.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    open: VecDeque<Arc<Version>>,
    recent: VecDeque<(String, i64)>,
}

impl Shelf {
    pub(crate) fn put(&mut self, version: &Arc<Version>) {
        self.open.retain(|known| known.digest() != version.digest());
        self.open.push_back(Arc::clone(version));
        while self.open.len() > OPEN_MAX {
            self.open.pop_front();
        }
    }

    pub(crate) fn get(&self, digest: &Digest) -> Option<Arc<Version>> {
        self.open.iter().find(|version| version.digest() == *digest).cloned()
    }

    /// Notes a decision that was made.
    pub(crate) fn decided(&mut self, member: &str, at: i64) {
        if self.recent.len() == TRIED_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((member.to_owned(), at));
    }

    pub(crate) fn recent(&self) -> Vec<(String, i64)> {
        self.recent.iter().cloned().collect()
    }
}
