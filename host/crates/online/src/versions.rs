//! Versions of a brand's playbook: offered, tried on recorded decisions, made the one that decides, and taken back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use playbook_cycle::{AskedTransfer, Prepared, StageGround};
use playbook_model::{Batch, Digest};
use playbook_toml::Problems;
use serde::{Deserialize, Serialize};

use crate::candidate::{Breach, Terms};
use crate::facts::VersionFacts;
use crate::previous::{Keeping, Outputs};
use crate::version::{Grounds, Version};

/// Versions that stay open, so that a step back takes no time.
const OPEN_MAX: usize = 4;
/// Decisions that a version is tried on.
const TRIED_MAX: usize = 200;

/// What opens a version again: its files as they were, and the components that its stages took.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Name of the top file.
    pub file: String,
    /// Every file by the name under which it was read.
    pub files: Vec<(String, String)>,
    /// Digests of components by stage; empty: what is installed.
    pub components: BTreeMap<String, String>,
    /// What the last closed cycle left for decisions.
    pub closed: Closed,
    /// Whether it came over a network just now: then it names no file of the host.
    #[serde(skip)]
    pub is_from_outside: bool,
}

/// What a closed cycle leaves for the decisions that follow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Closed {
    /// Its end, unix-ms; `None`: none was closed yet.
    pub at: Option<i64>,
    /// Models and whole tables of stages.
    pub grounds: Vec<KeptGround>,
    /// Values of splits by the name of the feature.
    pub splits: BTreeMap<String, Vec<String>>,
    /// What stages call `previous`, where any reads it; the newest first.
    #[serde(skip)]
    pub outputs: Vec<Outputs>,
    /// Transfers between pools that its stages ask for, until they are judged: no part of what it leaves.
    #[serde(skip)]
    pub transfers: Vec<AskedTransfer>,
}

/// What a stage is opened with beside its settings. It serves a stage of another version, too, which has the same name,
/// component and settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptGround {
    /// Name of the stage.
    pub stage: String,
    /// Digest of its component.
    pub component: String,
    /// Its settings, canonical JSON.
    pub settings: String,
    /// Model of its fit, where it has one.
    pub model: Option<Vec<u8>>,
    /// Whole tables of its shape.
    pub tables: Vec<Batch>,
    /// Running phase of a campaign.
    pub phase: u32,
}

impl KeptGround {
    /// What a stage of a closed cycle was opened with.
    #[must_use]
    pub fn of(stage: &Prepared, ground: &StageGround) -> Self {
        Self {
            stage: stage.def.name.clone(),
            component: stage.plugin.digest().hex(),
            settings: stage.settings.to_string(),
            model: ground.model.as_ref().map(|model| model.to_vec()),
            tables: ground.tables.to_vec(),
            phase: ground.phase,
        }
    }

    fn fits(&self, stage: &Prepared) -> bool {
        self.stage == stage.def.name
            && self.component == stage.plugin.digest().hex()
            && self.settings == *stage.settings
    }
}

impl Closed {
    /// What is left for these stages, by position in the playbook.
    #[must_use]
    pub fn grounds_of(&self, stages: &[Prepared]) -> Grounds {
        let ground = |stage: &Prepared| {
            let kept = self.grounds.iter().find(|kept| kept.fits(stage))?;
            let ground = StageGround {
                model: kept.model.as_deref().map(Into::into),
                tables: kept.tables.clone().into(),
                phase: kept.phase,
            };
            Some((stage.position, ground))
        };
        stages.iter().filter_map(ground).collect()
    }

    /// Stands for all of it; `None` where no cycle was closed.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        let bytes = crate::store::bytes_of(self);
        self.at.map(|_| match self.outputs.as_slice() {
            [] => Digest::of(&bytes),
            outputs => Digest::of_parts([&bytes[..], &crate::store::bytes_of(&outputs)]),
        })
    }
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

    /// Closes the cycle that ends at `at`, unix-ms: runs the batch loop over the brand's log, grants nothing, and opens the
    /// version of `source` with what the cycle leaves; `keeping` keeps its outputs.
    ///
    /// # Errors
    /// [`OpenError`].
    fn close_cycle(
        &self,
        source: &Source,
        at: i64,
        keeping: &Keeping<'_>,
    ) -> Result<Opened, OpenError>;
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
    /// A cycle was closed: the same playbook with new models and tables.
    Cycle,
    /// It became the candidate, and decides beside, without effect.
    Shadow,
    /// It became the candidate, and decides on a share of the members.
    Share,
    /// Somebody took the candidate back.
    Withdrawn,
    /// A guard took the candidate back.
    Returned,
    /// A breaker opened: the same playbook with the component that a stage had before.
    Breaker,
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
            Self::Cycle => "cycle",
            Self::Shadow => "shadow",
            Self::Share => "share",
            Self::Withdrawn => "withdrawn",
            Self::Returned => "returned",
            Self::Breaker => "breaker",
        }
    }

    /// Whether the version is the candidate from then on.
    pub(crate) const fn is_candidate(self) -> bool {
        matches!(self, Self::Shadow | Self::Share)
    }

    /// Whether the version is the one that decides from then on. A candidate that there was ends with it.
    #[must_use]
    pub const fn decides(self) -> bool {
        !matches!(self, Self::Shadow | Self::Share | Self::Withdrawn | Self::Returned)
    }
}

/// How the version that decides came to do so.
pub(crate) fn deciding(history: &[Activation]) -> Option<&Activation> {
    history.iter().rev().find(|activation| activation.how.decides())
}

/// What a version would change, seen on recorded decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Decisions that were compared.
    pub compared: u64,
    /// Decisions that one of both versions could not make.
    pub failed: u64,
    /// Of these, those that the version before could make.
    pub fails: u64,
    /// Moves between segments: stage, from, to, how many.
    pub moves: Vec<(String, String, String, u64)>,
    /// Effects granted by the version before and by this one.
    pub granted: [u64; 2],
    /// What these cost at most, minor units.
    pub cost_minor: [i64; 2],
}

/// A version became the one that decides, or the candidate, or ceased to be it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activation {
    /// Number, from 1.
    pub number: u64,
    /// Unix-ms.
    pub at: i64,
    /// Who: id of a key, or "host".
    pub by: String,
    /// How.
    pub how: How,
    /// Digest of the version: the one that decides, or the candidate in shadow or with a share.
    pub version: [u8; 32],
    /// Digest of its playbook.
    pub playbook_digest: String,
    /// Digest of the version before; of a candidate, of the one that decides beside it; where one was taken back, its own.
    pub before: Option<[u8; 32]>,
    /// Digest of the playbook's file at that time, where there is one.
    pub file: Option<String>,
    /// What it was expected to change.
    pub expected: Trial,
    /// Terms of a candidate.
    pub terms: Option<Terms>,
    /// Which guard took a candidate back.
    pub breach: Option<Breach>,
}

impl Activation {
    /// The start of a version after what happened so far.
    pub(crate) fn after(history: &[Self], version: &VersionFacts, at: i64) -> Self {
        let last = deciding(history);
        Self {
            number: history.last().map_or(1, |last| last.number + 1),
            at,
            by: "host".to_owned(),
            how: How::Start,
            version: version.digest().0,
            playbook_digest: version.playbook_digest.clone(),
            before: last.map(|last| last.version),
            file: None,
            expected: Trial::default(),
            terms: None,
            breach: None,
        }
    }
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

    /// Forgets the decisions of a member.
    pub(crate) fn forget(&mut self, member: &str) {
        self.recent.retain(|(known, _)| known != member);
    }

    /// The last decisions: member and moment.
    pub(crate) fn recent(&self) -> Vec<(String, i64)> {
        self.recent.iter().cloned().collect()
    }
}
