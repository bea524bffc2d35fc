//! What the host takes in of a draft: the files are read through the drafted mapping by the intake of a run.

use std::collections::BTreeMap;
use std::path::Path;

use playbook_batch::{BatchOptions, BatchSource};
use playbook_cycle::{DataSource, IntakeFinding, SourceIntake};
use playbook_files::FileError;
use playbook_model::SourceDef;
use playbook_toml::Override;

use super::outline::{Draft, DraftSource};
use super::{Known, Unwritten, write};
use crate::Result;
use crate::host::Host;
use crate::places::temporary_folder;

/// As-of time of data that has none of its own: nothing is computed of it but the members.
const NO_EVENTS_AS_OF: &str = "2100-01-01";

/// What was taken in.
#[derive(Debug)]
pub struct TakenIn {
    /// In the order of the draft's sources, without those that ask for something first.
    pub sources: Vec<TakenSource>,
    /// Members, accounts of one person being one; `None` where no table tells of members.
    pub members: Option<u64>,
    /// What of the data would mislead.
    pub findings: Vec<IntakeFinding>,
}

/// What was taken in of one source.
#[derive(Debug)]
pub struct TakenSource {
    /// Name in the draft.
    pub name: String,
    /// Rows of all files.
    pub read: u64,
    /// Rows that went into the table.
    pub kept: u64,
    /// Rows that are repeats.
    pub duplicates: u64,
    /// Rows that were refused, by reason, without those that are set aside.
    pub rejected: BTreeMap<String, u64>,
    /// Rows that the mapping sets aside.
    pub set_aside: u64,
}

impl TakenSource {
    /// Rows that were refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Whether a run would end here: more rows are refused than are allowed by default.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share of rows")]
    pub fn stops_a_run(&self) -> bool {
        self.refused() as f64 > self.read as f64 * SourceDef::REJECTS_MAX
    }
}

/// The draft as a playbook that reads its files and computes nothing.
///
/// # Errors
/// What is not known, or is no currency or time zone.
pub fn mapping(draft: &Draft, known: &Known<'_>) -> Result<String> {
    Ok(write::sources(draft, &known.facts(draft)?))
}

/// Reads all of the draft's files through the playbook that was made of it, whatever is refused.
///
/// # Errors
/// What the intake says of files that it cannot read at all.
pub fn take_in(host: &Host, draft: &Draft, text: &str) -> Result<Option<TakenIn>> {
    let read: Vec<_> = draft.sources.iter().filter(|source| source.asks.is_none()).collect();
    if read.is_empty() {
        return Ok(None);
    }
    let file = Path::new("draft.toml");
    let file = std::path::absolute(file).map_err(FileError::of("read", file))?;
    let mut overrides: Vec<Override> = read
        .iter()
        .map(|source| Override::Set {
            path: format!("source.{}.rejects_max", source.name),
            value: "1.0".to_owned(),
        })
        .collect();
    let has = |table: &str| read.iter().any(|source| source.table == table);
    if !has("events") {
        let (path, value) = ("cycle.as_of".to_owned(), NO_EVENTS_AS_OF.to_owned());
        overrides.push(Override::Set { path, value });
    }
    let loaded = host.load(&file, &overrides, &Unwritten { path: &file, text })?;
    let scratch = temporary_folder()?;
    let mut options = BatchOptions::new(&draft.dir, scratch.path());
    options.cancel = host.cancel().clone();
    for source in read.iter().filter(|source| !source.taken.is_empty()) {
        options.taken.insert(source.name.clone(), source.taken.clone());
    }
    for lookup in draft.lookups.iter().filter(|lookup| !lookup.source.taken.is_empty()) {
        options.taken.insert(format!("lookup.{}", lookup.source.name), lookup.source.taken.clone());
    }
    let mut source = BatchSource::open(&loaded.playbook, options)?;
    let members = match has("events") || has("members") {
        true => Some(source.members()?.rows() as u64),
        false => None,
    };
    let intake = source.intake();
    let sources = intake.sources.iter().zip(&read).map(|(taken, drafted)| taken_of(taken, drafted));
    Ok(Some(TakenIn { sources: sources.collect(), members, findings: intake.findings.clone() }))
}

/// What was taken in of a source; a reason begins with the column that it is about.
fn taken_of(taken: &SourceIntake, drafted: &DraftSource) -> TakenSource {
    let aside: Vec<String> = drafted
        .rows
        .iter()
        .filter(|row| row.on_error == Some("quarantine"))
        .map(|row| format!("`{}` ", row.column.name))
        .collect();
    let is_aside = |reason: &str| aside.iter().any(|column| reason.starts_with(column));
    let (set_aside, rejected): (BTreeMap<_, _>, BTreeMap<_, _>) =
        taken.rejected.clone().into_iter().partition(|(reason, _)| is_aside(reason));
    TakenSource {
        name: taken.name.clone(),
        read: taken.rows_read,
        kept: taken.rows_kept,
        duplicates: taken.duplicates,
        rejected,
        set_aside: set_aside.values().sum(),
    }
}
