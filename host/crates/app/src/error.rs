//! Why something could not be done with a playbook.

use std::path::PathBuf;

use playbook_batch::BatchError;
use playbook_cycle::{CycleError, SourceError};
use playbook_files::FileError;
use playbook_ledger::{LedgerError, Place};
use playbook_model::{ArtefactRef, BadArtefactRef, Fault};
use playbook_runtime::{LoadError, RuntimeError};
use playbook_sources::SourcesError;
use playbook_toml::Problems;

use crate::init::InitError;
use crate::places::PlaceError;

/// What a use case comes to, or why it does not.
pub type Result<T, E = AppError> = std::result::Result<T, E>;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// The playbook itself is at fault: shown with its places, not as a chain of causes.
    #[error("the playbook has {} problems", .0.problems.len() + .0.more)]
    Faulty(Box<Problems>),
    /// Results cannot go where they were asked to go.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A file or folder that cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// No playbook is made of a folder.
    #[error(transparent)]
    Init(#[from] InitError),
    /// The cycle did not end.
    #[error(transparent)]
    Cycle(#[from] CycleError),
    /// The data cannot be read.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A connection that the host does not have, or not for this brand.
    #[error(
        "{what} names the connection `{connection}` ({at}), and the host has none of that name for brand `{brand}`; \
         {has}"
    )]
    NoConnection {
        /// The source or delivery.
        what: String,
        /// What it names.
        connection: String,
        /// Where in the playbook.
        at: String,
        /// Brand of the playbook.
        brand: String,
        /// What the host has, or where its connections are declared.
        has: String,
    },
    /// The rows of a source or lookup cannot be taken.
    #[error("{what} ({at}) cannot be taken")]
    Taking {
        /// The source or lookup.
        what: String,
        /// Where in the playbook.
        at: String,
        /// Why.
        #[source]
        source: Box<SourcesError>,
    },
    /// What is looked at cannot be read.
    #[error(transparent)]
    Looking(Box<SourcesError>),
    /// The sources of a connection cannot be taken.
    #[error("the sources of connection `{connection}` ({at}) cannot be taken")]
    TakingAll {
        /// The connection.
        connection: String,
        /// Where the first of them stands in the playbook.
        at: String,
        /// Why.
        #[source]
        source: Box<SourcesError>,
    },
    /// Results that did not arrive where a delivery sends them.
    #[error("delivery `{delivery}` ({at}) did not arrive")]
    Undelivered {
        /// The delivery.
        delivery: String,
        /// Where in the playbook.
        at: String,
        /// Why.
        #[source]
        source: Box<SourcesError>,
    },
    /// A brand that cannot go live.
    #[error("brand `{brand}` cannot be served")]
    Serve {
        /// The brand.
        brand: String,
        /// Why.
        #[source]
        why: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What a dry run came to goes nowhere.
    #[error("`{}` holds a dry run, which granted nothing, so that nothing of it is delivered", run.display())]
    DryDelivery {
        /// The folder.
        run: PathBuf,
    },
    /// The run kept no rows of a source or lookup.
    #[error("the run kept no rows of {what}, so that it cannot be repeated")]
    NothingKept {
        /// The source or lookup.
        what: String,
    },
    /// More rows could not be read than the playbook allows; the first of each source are kept.
    #[error("too many rows cannot be read; they are kept in `{}`", file.display())]
    Rejected {
        /// Where they are.
        file: PathBuf,
        /// Of which source, and the first of them.
        #[source]
        source: Box<BatchError>,
    },
    /// The cycle is earlier than one that is closed.
    #[error(
        "cycle {cycle} is earlier than cycle {last}, which is closed: what was granted since counts in its caps and budgets; \
         say --earlier-cycle if that is meant, else look at `--as-of`, or at the last event where nothing sets it"
    )]
    EarlierCycle {
        /// The cycle of this run.
        cycle: i64,
        /// The last one that was closed.
        last: i64,
    },
    /// The data cannot be read any more.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger cannot be read or written, for example on a full disk or while its server is away.
    #[error("the ledger {} cannot be read or written", shown(place))]
    LedgerPlace {
        /// Where it is.
        place: Place,
        /// What the database says.
        #[source]
        source: LedgerError,
    },
    /// A connection that no service may keep its ledgers over.
    #[error("ledgers cannot be kept over the connection `{connection}`: {why}")]
    LedgerConnection {
        /// Name of the connection.
        connection: String,
        /// Why not, and what to do.
        why: String,
    },
    /// What a connection for ledgers needs is not where it says.
    #[error("ledgers cannot be kept there")]
    LedgerAccess(#[source] Box<SourcesError>),
    /// The sandbox failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A component that the sandbox does not take.
    #[error("`{}` is not accepted", path.display())]
    Component {
        /// The component.
        path: PathBuf,
        /// Why.
        #[source]
        source: LoadError,
    },
    /// An artefact of a registry that cannot be had, or is not let in.
    #[error(transparent)]
    Registry(#[from] playbook_registry::RegistryError),
    /// A text that is no reference of an artefact.
    #[error(transparent)]
    Reference(#[from] BadArtefactRef),
    /// A component that the host's policy does not let in.
    #[error(transparent)]
    Untrusted(#[from] playbook_registry::Untrusted),
    /// A component whose name nobody knows, so that nobody can be asked who may publish it.
    #[error(
        "the component does not say its name, by which the host would trust it: the plugin {0}"
    )]
    Nameless(Fault),
    /// An artefact whose manifest speaks of another plugin than it holds.
    #[error(
        "`{artefact}` says that it is {said}, and holds {found}: its signature is of the first and must not vouch for the second; \
         do not use it, and ask its author"
    )]
    Mislabelled {
        /// The artefact.
        artefact: Box<ArtefactRef>,
        /// Name and version of its manifest.
        said: String,
        /// Name and version of its component.
        found: String,
    },
    /// No component where one was named.
    #[error("there is no component file `{0}`")]
    NoComponent(String),
    /// No installed plugin of this name and version.
    #[error("plugin `{name}` {what}")]
    NoPlugin {
        /// Name in the playbook.
        name: String,
        /// What is installed instead, and what to do.
        what: String,
    },
    /// Another component is installed under this name and version.
    #[error("`{name}` {version} is installed with other bytes")]
    OtherBytes {
        /// Name of the plugin.
        name: String,
        /// Its version.
        version: String,
        /// The component that is installed.
        path: PathBuf,
    },
    /// A version, or a requirement of one, that is not semantic.
    #[error("`{text}` is not {what}")]
    Version {
        /// "a version requirement" or "a semantic version".
        what: &'static str,
        /// What was written.
        text: String,
        /// Why not.
        #[source]
        source: semver::Error,
    },
    /// A time that cannot be read.
    #[error(
        "`{0}` is no time: write a date (2026-03-01), a date with time (2026-03-01T06:00) or an RFC 3339 time \
         (2026-03-01T00:00:00+08:00)"
    )]
    Time(String),
    /// A folder without a record.
    #[error("`{}` is no folder of a finished run: it has no run.json", run.display())]
    NoRecord {
        /// The folder.
        run: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A folder of a service, or of what is kept of it, that is not as it has to be.
    #[error("`{}` {what}", folder.display())]
    DataFolder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// A file of the host's own that does not read as it was written.
    #[error("`{}` {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        what: &'static str,
        /// What the reader says.
        #[source]
        source: serde_json::Error,
    },
    /// An output that is not what its run wrote.
    #[error("`{}` was altered since the run wrote it", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
    },
    /// No such stage in a run.
    #[error("no stage `{stage}` ran: the run has {}", known.join(", "))]
    NoStage {
        /// The name.
        stage: String,
        /// Stages of the run.
        known: Vec<String>,
    },
    /// No such member in a run.
    #[error(
        "no member `{member}` is among the {rows} of the run: ids are those of the column `member` in members.parquet \
         and grants.csv, where joined accounts stand under one"
    )]
    NoMember {
        /// The id.
        member: String,
        /// Members of the run.
        rows: usize,
    },
    /// A record with a value that this host never writes.
    #[error("the record of the run holds {what} `{value}`")]
    Record {
        /// "an unknown metering" ...
        what: &'static str,
        /// What it holds.
        value: String,
    },
    /// The data changed since a run read it.
    #[error(
        "the data in `{}` is not what the run read: its digest is {now}, then it was {then}",
        data.display()
    )]
    OtherData {
        /// Folder of the data.
        data: PathBuf,
        /// Digest of what is there.
        now: String,
        /// Digest of what the run read.
        then: String,
    },
    /// Two playbooks whose inputs differ cannot be compared.
    #[error("the two playbooks read different data; compare them on the same files with --data")]
    DifferentData,
    /// A side of a comparison could not be run.
    #[error("playbook {side}")]
    Side {
        /// "A" or "B".
        side: char,
        /// Why.
        #[source]
        source: Box<Self>,
    },
}

impl AppError {
    /// Names the ledger where its file failed.
    pub(crate) fn in_ledger(self, place: Place) -> Self {
        match self {
            Self::Ledger(source @ LedgerError::Storage(_))
            | Self::Cycle(CycleError::Ledger(source @ LedgerError::Storage(_))) => {
                Self::LedgerPlace { place, source }
            }
            other => other,
        }
    }

    /// The error itself, without the side of a comparison around it.
    #[must_use]
    pub fn inner(&self) -> &Self {
        match self {
            Self::Side { source, .. } => source.inner(),
            other => other,
        }
    }
}

/// A ledger's place in a sentence.
fn shown(place: &Place) -> String {
    match place {
        Place::File(path) => format!("`{}`", path.display()),
        Place::Database(_) => place.to_string(),
    }
}
