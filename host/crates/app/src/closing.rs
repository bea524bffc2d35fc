//! Closing a cycle of a brand that answers: the batch loop runs over a snapshot of its log, beside the service.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use playbook_batch::{BatchOptions, BatchSource, ClosingCycle, TakenFile, write_table};
use playbook_cycle::{
    CycleOptions, CycleRun, DataSource, Intake, Prepared, Silent, SourceError, cycle_number,
    run_cycle,
};
use playbook_files::FileError;
use playbook_ledger::Vault;
use playbook_model::{
    Container, Dedupe, Digest, Frame, MapRow, MapType, Origin, Playbook, SourceDef, SourceFormat,
    SourceTable, Subject, UnixMs,
};
use playbook_online::{Closed, Keeping, KeptGround, LogPart, Version, export_log};

use crate::places::temporary_folder;
use crate::{AppError, Host, Result};

/// Folder in the state folder with files of sources that are not of the log.
pub(crate) const FILES: &str = "files";

/// Files of the log by table.
#[derive(Default)]
pub(crate) struct LogFiles {
    events: Vec<TakenFile>,
    members: Vec<TakenFile>,
    consents: Vec<TakenFile>,
    identities: Vec<TakenFile>,
    /// Rows of each, identities last.
    pub(crate) rows: [u64; 4],
}

/// Runs the cycle that ends at `at`, unix-ms, over the log of a brand, and closes it. Grants nothing.
///
/// # Errors
/// What is wrong with the data, a plugin or the ledger.
pub(crate) fn close(
    host: &Host,
    (state, vault): (&Path, &dyn Vault),
    (version, keeping): (&Version, &Keeping<'_>),
    stages: &[Prepared],
    at: i64,
) -> Result<Closed> {
    let scratch = temporary_folder()?;
    let folder = scratch.path().join("log");
    fs::create_dir_all(&folder).map_err(FileError::of("create", &folder))?;
    let files = write_log(vault, version, &folder)?;
    // Costs and figures: what no event tells comes as files.
    let other_files = state.join(FILES);
    fs::create_dir_all(&other_files).map_err(FileError::of("create", &other_files))?;
    let mut options = BatchOptions::new(&other_files, scratch.path());
    options.state = Some(state.to_owned());
    options.as_of = Some(UnixMs(at));
    options.cancel = host.cancel().clone();
    let playbook = over_log(version, &files, &mut options);
    let source = BatchSource::open(&playbook, options)?;
    let mut source = OverLog { source, version, keeping };
    let rehearsal = vault.rehearse(&playbook.brand);
    let rehearsal = rehearsal.map_err(|fault| AppError::from(fault).in_ledger(vault.place()))?;
    let run_key = |_: &_| Digest::of_parts([&version.digest().0[..], &at.to_be_bytes()]);
    let how = CycleOptions {
        run_key: &run_key,
        books: false,
        threads: 2,
        cancel: host.cancel().clone(),
        progress: &Silent,
        members_done: None,
    };
    let run = run_cycle(&playbook, stages, &mut source, &rehearsal, &how)?;
    let outputs = keeping.keep(&playbook.id, run.number, &run.members, run.kept_tables());
    let outputs = outputs
        .map_err(|error| AppError::Serve { brand: playbook.brand.clone(), why: Box::new(error) })?;
    // What the cycle after this one calls `previous`.
    let written = scratch.path().join("members.parquet");
    write_table(&written, &run.members, &playbook.outputs.omit_features, how.threads)?;
    ClosingCycle::copy(state, &playbook.id, &written)?.close(run.number, run.kept_tables())?;
    Ok(Closed { outputs, ..left_by(&run, &playbook, stages, at) })
}

/// The tables of a cycle over a brand's log. What stages call `previous` is what the brand keeps, for decisions and for cycles that
/// any of its hosts closes; what it does not keep may lie in the state folder.
struct OverLog<'a> {
    source: BatchSource,
    version: &'a Version,
    keeping: &'a Keeping<'a>,
}

impl DataSource for OverLog<'_> {
    fn intake(&self) -> &Intake {
        self.source.intake()
    }

    fn digested(&mut self) -> Result<&Intake, SourceError> {
        self.source.digested()
    }

    fn members(&mut self) -> Result<Frame, SourceError> {
        self.source.members()
    }

    fn table(&mut self, subject: &Subject, outputs: &Frame) -> Result<Frame, SourceError> {
        self.source.table(subject, outputs)
    }

    fn previous(
        &mut self,
        cycles_ago: u8,
        subject: &Subject,
        wanted: &[String],
        rows: &Frame,
    ) -> Result<Frame, SourceError> {
        let playbook = self.version.playbook();
        let cycle = cycle_number(self.intake().local_min, playbook.cycle.length_days);
        let of = (playbook.id.as_str(), cycle, cycles_ago);
        let kept = self.keeping.previous(of, subject, wanted, rows).map_err(SourceError::new)?;
        let others: Vec<String> =
            wanted.iter().filter(|name| kept.column(name).is_none()).cloned().collect();
        // The folder of one of several hosts may hold other cycles.
        let is_other = self.keeping.is_shared() && !kept.columns().is_empty();
        let mut frame = match others.is_empty() || is_other {
            true => Frame::with_rows(rows.rows()),
            false => self.source.previous(cycles_ago, subject, &others, rows)?,
        };
        kept.columns().iter().for_each(|column| frame.push(column.clone()));
        Ok(frame)
    }
}

/// The log as Parquet files, in parts.
pub(crate) fn write_log(vault: &dyn Vault, version: &Version, folder: &Path) -> Result<LogFiles> {
    let mut files = LogFiles::default();
    let rows = &mut files.rows;
    let brand = version.playbook().brand.clone();
    export_log(vault, &brand, version, |part| -> Result<()> {
        let (at, name, frame, list): (usize, &str, Frame, &mut Vec<TakenFile>) = match part {
            LogPart::Events(frame) => (0, "events", frame, &mut files.events),
            LogPart::Members(frame) => (1, "members", frame, &mut files.members),
            LogPart::Consents(frame) => (2, "consents", frame, &mut files.consents),
            LogPart::Identities(frame) => (3, "identities", frame, &mut files.identities),
        };
        rows[at] += frame.rows() as u64;
        let name = format!("{name}-{}.parquet", list.len());
        let path: PathBuf = folder.join(&name);
        write_table(&path, &frame, &[], 2)?;
        list.push(TakenFile { path, name, original: None });
        Ok(())
    })?;
    Ok(files)
}

/// The tables that the log has.
pub(crate) const OF_LOG: [(SourceTable, &str); 4] = [
    (SourceTable::Events, "events"),
    (SourceTable::Members, "members"),
    (SourceTable::Consents, "consents"),
    (SourceTable::Identities, "identities"),
];

/// Whether the log has a table: a source of the playbook for it gives way.
pub(crate) fn is_of_log(table: SourceTable) -> bool {
    OF_LOG.iter().any(|(known, _)| *known == table)
}

/// The playbook with the log in place of its own events, members, consents and identities. Its other sources stay, and may be absent.
fn over_log(version: &Version, files: &LogFiles, options: &mut BatchOptions) -> Playbook {
    let mut playbook = version.playbook().clone();
    playbook.sources.retain(|source| !is_of_log(source.table) && source.origin == Origin::Files);
    playbook.sources.iter_mut().for_each(|source| source.optional = true);
    let files = [&files.events, &files.members, &files.consents, &files.identities];
    for ((table, _), files) in OF_LOG.into_iter().zip(files) {
        let source = log_source_of(version, table);
        options.taken.insert(source.key(), files.clone());
        playbook.sources.push(source);
    }
    playbook
}

/// The source that reads a table of the log.
pub(crate) fn log_source_of(version: &Version, table: SourceTable) -> SourceDef {
    let (name, columns, always): (&str, _, &[&str]) = match table {
        SourceTable::Events => {
            ("events of the log", version.events(), &["event_id", "member", "kind"])
        }
        SourceTable::Members => ("members of the log", version.members(), &["member"]),
        SourceTable::Identities => {
            ("identities of the log", version.identities(), &["member", "key_kind", "key_hash"])
        }
        _ => ("consents of the log", version.consents(), &["member", "purpose", "state"]),
    };
    let mut types = columns.types().clone();
    for name in always {
        types.entry((*name).to_owned()).or_insert(MapType::Text);
    }
    if matches!(table, SourceTable::Events | SourceTable::Consents) {
        types.entry("time".to_owned()).or_insert(MapType::Time);
    }
    log_source(table, name, types, version.playbook().currency_digits)
}

fn log_source(
    table: SourceTable,
    name: &str,
    types: BTreeMap<String, MapType>,
    currency_digits: u8,
) -> SourceDef {
    let mapping = types.into_iter().map(|(name, map_type)| {
        let plain = MapRow::plain(&name, &name, map_type);
        let format = (map_type == MapType::Time).then(|| "unix-ms".to_owned());
        // Money is kept in minor units.
        let factor = match map_type {
            MapType::Money => 1.0 / 10.0_f64.powi(i32::from(currency_digits)),
            _ => plain.factor,
        };
        MapRow { format, factor, ..plain }
    });
    SourceDef {
        name: name.to_owned(),
        table,
        path: String::new(),
        origin: Origin::Files,
        container: Container::Rows,
        format: SourceFormat::Parquet,
        encoding: None,
        time_zone: None,
        columns: Vec::new(),
        joins: Vec::new(),
        mapping: mapping.collect(),
        event: None,
        dedupe: Dedupe::None,
        lines: false,
        rejects_max: 0.0,
        optional: false,
    }
}

/// Models, tables, the values of splits, and what stages would move.
fn left_by(run: &CycleRun, playbook: &Playbook, stages: &[Prepared], at: i64) -> Closed {
    let answered = run.stages.iter().filter(|stage| stage.fault.is_none());
    let ground = |ran: &playbook_cycle::StageRun| {
        let stage = stages.iter().find(|stage| stage.position == ran.position)?;
        let of_members = stage.shape.rows.as_ref().is_some_and(|rows| rows.subject == "member");
        of_members.then(|| KeptGround::of(stage, &ran.ground))
    };
    let split = playbook.features.iter().filter(|feature| feature.definition.by().is_some());
    let of_members = split.filter(|feature| feature.subject.0 == "member");
    let splits = of_members.map(|feature| {
        let prefix = format!("{}.", feature.name);
        let names = run.members.columns().iter().filter_map(|c| c.name.strip_prefix(&prefix));
        (feature.name.clone(), names.map(str::to_owned).collect())
    });
    Closed {
        at: Some(at),
        grounds: answered.filter_map(ground).collect(),
        splits: splits.collect(),
        outputs: Vec::new(),
        transfers: run.asked_transfers(playbook.budget.as_ref().and_then(|b| b.transfers.as_ref())),
    }
}
