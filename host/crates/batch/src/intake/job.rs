//! Values that the steps of the intake share: the job, and a mapped source.

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

/// A thread that digests the files of a source.
pub(crate) type Digesting = JoinHandle<Result<Vec<(String, Digest)>>>;

/// A source after its mapping, as a view of the engine.
#[derive(Debug)]
pub(crate) struct MappedSource {
    pub(crate) table: SourceTable,
    /// View with the mapped columns.
    pub(crate) view: String,
    /// Table below the view: the Parquet files themselves, or the scratch file.
    pub(crate) raw: String,
    /// Mapped columns with their types.
    pub(crate) fields: BTreeMap<String, MapType>,
    pub(crate) intake: SourceIntake,
    pub(crate) rejects: RejectTally,
    /// What in the files would mislead who reads the results.
    pub(crate) findings: Vec<IntakeFinding>,
    /// Ranges of integer columns, where the pages were read for them.
    pub(crate) ranges: BTreeMap<String, RangeInclusive<i64>>,
    /// Whether rows that share an order id are lines of that order.
    pub(crate) lines: bool,
    /// The thread that digests the files while other work goes on; `None` where they were digested as they were read.
    pub(crate) digesting: Option<Digesting>,
}

/// The inputs of the intake that all sources share.
pub(crate) struct IntakeJob<'a> {
    pub(crate) playbook: &'a Playbook,
    pub(crate) places: &'a DataPlaces,
    /// Copies of sources that lie elsewhere, by name of the source.
    pub(crate) taken: &'a BTreeMap<String, Vec<TakenFile>>,
    pub(crate) scratch: &'a Path,
    pub(crate) clock: &'a BrandClock,
    pub(crate) threads: usize,
    pub(crate) cancel: &'a Cancel,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) session: &'a Session,
}
