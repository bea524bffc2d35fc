//! What the steps of the intake share: the job, and a source once it is a table.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::thread::JoinHandle;

use playbook_cycle::{IntakeFinding, SourceIntake};
use playbook_model::{Digest, MapType, Playbook, SourceTable};

use crate::intake::files::{DataPlaces, TakenFile};
use crate::intake::rejects::RejectTally;
use crate::session::Session;
use crate::{BrandClock, Cancel, Progress, Result};

/// A thread that makes the digests of the files of a source.
pub(crate) type Digesting = JoinHandle<Result<Vec<(String, Digest)>>>;

/// A source as a table of the engine.
#[derive(Debug)]
pub(crate) struct MappedSource {
    pub(crate) table: SourceTable,
    /// View with the mapped columns.
    pub(crate) view: String,
    /// Table of the files as they came, or of the scratch file.
    pub(crate) raw: String,
    /// Mapped columns with their types.
    pub(crate) fields: BTreeMap<String, MapType>,
    pub(crate) intake: SourceIntake,
    pub(crate) rejects: RejectTally,
    /// What of the files would mislead.
    pub(crate) findings: Vec<IntakeFinding>,
    /// Between which values integer columns lie, of those whose files tell it.
    pub(crate) ranges: BTreeMap<String, RangeInclusive<i64>>,
    /// Whether several of its rows may be lines of one order.
    pub(crate) lines: bool,
    /// Digests of the files, where they are made while other work goes on.
    pub(crate) digesting: Option<Digesting>,
}

/// What all sources share.
pub(crate) struct IntakeJob<'a> {
    pub(crate) playbook: &'a Playbook,
    pub(crate) places: &'a DataPlaces,
    /// What was taken of sources before.
    pub(crate) taken: &'a BTreeMap<String, Vec<TakenFile>>,
    pub(crate) scratch: &'a Path,
    pub(crate) clock: &'a BrandClock,
    pub(crate) threads: usize,
    pub(crate) cancel: &'a Cancel,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) session: &'a Session,
}
