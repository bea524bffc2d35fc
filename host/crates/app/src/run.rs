//! One cycle: read, run, write aside, close, put in place.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use playbook_batch::{
    BatchError, BatchOptions, BatchSource, ClosingCycle, last_closed, write_table,
};
use playbook_cycle::{
    CycleOptions, DataSource, Intake, Laps, Prepared, SourceError, TakeMembers, run_cycle,
};
use playbook_files::{FileError, WholeFolder};
use playbook_ledger::Place;
use playbook_model::{Digest, Frame, Origin, Playbook};
use playbook_runtime::Metering;
use playbook_toml::{Disk, Loaded, ReadFiles};
use serde_json::Value;

use crate::deliver::check_deliveries;
use crate::evidence::{LedgerMark, Recording};
use crate::finished::Finished;
use crate::host::Stages;
use crate::places::{Kept, absolute, check_results, check_written, temporary_folder};
use crate::state::{components_dir, last_good, ledger_path, open_ledger, remember_good};
use crate::taking::take_sources;
use crate::write::write;
use crate::{AppError, Host, Job, Result, clock, outputs};

/// File of members in the folder of outputs.
const MEMBERS_FILE: &str = "members.parquet";

/// A playbook that was read, with the folders of its run.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) loaded: Loaded,
    pub(crate) data: PathBuf,
    pub(crate) state: PathBuf,
}

impl Opened {
    pub(crate) fn read(host: &Host, job: &Job, files: &dyn ReadFiles) -> Result<Self> {
        let loaded = host.load(&job.file, &job.overrides, files)?;
        let playbook = &loaded.playbook;
        let state = job.state.clone().unwrap_or_else(|| host.home().state_dir(&playbook.brand));
        let data = job.data.clone().unwrap_or_else(|| playbook.folder.clone());
        let data = if data.as_os_str().is_empty() { PathBuf::from(".") } else { data };
        Ok(Self { loaded, data, state })
    }

    /// Files and folders that the run reads, none of which may lie where results are replaced.
    fn kept(&self) -> Vec<(Kept, PathBuf)> {
        let mut kept = vec![(Kept::Data, self.data.clone()), (Kept::State, self.state.clone())];
        kept.extend(source_places(&self.loaded.playbook, &self.data));
        kept
    }
}

/// Where the sources of a playbook lie: their paths up to the first part that is a pattern.
fn source_places(playbook: &Playbook, data: &Path) -> Vec<(Kept, PathBuf)> {
    let fixed = |path: &str| -> PathBuf {
        let parts = Path::new(path).components();
        parts.take_while(|p| !p.as_os_str().to_string_lossy().contains(['*', '?', '['])).collect()
    };
    let all = playbook.sources_and_lookups();
    let here = all.filter(|source| source.origin == Origin::Files);
    here.map(|source| (Kept::Source, data.join(fixed(&source.path)))).collect()
}

/// Checks, before anything is read, that results may replace what is at `out`. The playbook's defaults are not known
/// then; [`run`] checks them too.
///
/// # Errors
/// [`crate::PlaceError`] with both folders and what to do.
pub fn check_job(host: &Host, job: &Job, out: &Path) -> Result<()> {
    let own = host.home().own_dirs();
    let mut kept = vec![(Kept::Playbook, job.file.as_path())];
    let data = job.data.iter().chain(&job.data_also);
    kept.extend(data.map(|data| (Kept::Data, data.as_path())));
    kept.extend(job.state.iter().map(|state| (Kept::State, state.as_path())));
    kept.push((Kept::Home, host.home().dir()));
    kept.extend(own.iter().map(|folder| (Kept::HomePart, folder.as_path())));
    Ok(check_results(out, &kept)?)
}

fn check_opened(opened: &Opened, out: &Path) -> Result<()> {
    let kept = opened.kept();
    let kept: Vec<(Kept, &Path)> =
        kept.iter().map(|(kind, path)| (*kind, path.as_path())).collect();
    Ok(check_results(out, &kept)?)
}

/// Runs a cycle, writes it, closes it; returns where it is and its record.
///
/// # Errors
/// Where results cannot go to `out`; what is wrong with the playbook, the data, a plugin or the ledger.
pub fn run(host: &Host, job: &Job, out: &Path) -> Result<(PathBuf, Value, Finished)> {
    check_job(host, job, out)?;
    let recording = Recording::default();
    let mut laps = Laps::start();
    let opened = Opened::read(host, job, &recording)?;
    check_opened(&opened, out)?;
    if !job.dry_run {
        check_deliveries(host, &opened.loaded)?;
    }
    laps.end("prepare");
    let folder = WholeFolder::create(out)?;
    let mut finished = match cycle(host, job, opened, Some(folder.dir()), laps) {
        Err(AppError::Batch(fault)) => return Err(keep_rejects(fault, out)),
        other => other?,
    };
    let ledger = Place::File(ledger_path(&finished.state));
    let record = write(host, job, &finished, Some(&recording), folder.dir())
        .map_err(|fault| fault.in_ledger(ledger.clone()))?;
    if let Some(closing) = finished.closing.take() {
        close(&finished, closing).map_err(|fault| fault.in_ledger(ledger))?;
    }
    // Whatever came to the place meanwhile is not destroyed either.
    check_results(out, &[(Kept::State, finished.state.as_path())])?;
    Ok((folder.put()?, record, finished))
}

/// Keeps the rows that were too many to go on without them, in a folder beside the results that there are not.
///
/// A folder of its own, because a pattern such as `*.csv` may read what lies beside the results.
fn keep_rejects(fault: BatchError, out: &Path) -> AppError {
    let BatchError::TooManyRejects { kept, .. } = &fault else { return fault.into() };
    let mut folder = absolute(out).into_os_string();
    folder.push(".rejected");
    let folder = PathBuf::from(folder);
    let written = check_written(&folder, &[]).map_err(AppError::from).and_then(|()| {
        fs::create_dir_all(&folder).map_err(FileError::of("create", &folder))?;
        outputs::rejects(&folder, &kept.0)
    });
    match written {
        Ok(()) => AppError::Rejected { file: folder.join("rejects.csv"), source: Box::new(fault) },
        Err(unwritten) => {
            tracing::warn!(%unwritten, "rejected rows are not kept");
            fault.into()
        }
    }
}

/// Reads everything and runs a cycle; writes nothing. Grants are booked unless the job is dry.
///
/// # Errors
/// What is wrong with the playbook, the data, a plugin or the ledger.
pub fn execute(host: &Host, job: &Job) -> Result<Finished> {
    let mut laps = Laps::start();
    let opened = Opened::read(host, job, &Disk)?;
    laps.end("prepare");
    cycle(host, job, opened, None, laps)
}

/// Runs the cycle of a playbook that was read. The table of members is written into the folder `outputs`, where one
/// is given.
pub(crate) fn cycle(
    host: &Host,
    job: &Job,
    opened: Opened,
    outputs: Option<&Path>,
    laps: Laps,
) -> Result<Finished> {
    let ledger = Place::File(ledger_path(&opened.state));
    cycle_of(host, job, opened, outputs, laps).map_err(|fault| fault.in_ledger(ledger))
}

fn cycle_of(
    host: &Host,
    job: &Job,
    opened: Opened,
    outputs: Option<&Path>,
    mut laps: Laps,
) -> Result<Finished> {
    let Opened { mut loaded, data, state } = opened;
    let components = components_dir(&state);
    let last_good = last_good(&state, &loaded.playbook.id)?;
    let stages = host.prepare(
        &mut loaded,
        &Stages {
            metering: job.metering,
            components: &components,
            pinned: &job.pinned,
            last_good: &last_good,
        },
    )?;
    let playbook = &loaded.playbook;
    laps.end("prepare");
    let scratch = temporary_folder()?;
    let mut options = batch_options(host, job, playbook, &data, &state, scratch.path())?;
    options.taken = take_sources(host, job, &loaded, &data, scratch.path(), outputs)?;
    let mut source = BatchSource::open(playbook, options)?;
    laps.end("intake");
    if let Some(last) = last_closed(&state, &playbook.id)?.filter(|_| !job.dry_run && !job.earlier)
        && source.cycle_number() < last
    {
        return Err(AppError::EarlierCycle { cycle: source.cycle_number(), last });
    }

    let run_key = |intake: &Intake| run_key(playbook.digest, intake, &stages, job.metering);
    let ledger = open_ledger(&state, &playbook.brand, !job.dry_run, job.ledger.as_ref())?;
    let mut ledger_mark = LedgerMark::of(&ledger)?;
    let closing = Mutex::new(None);
    let write_members = outputs.map(|dir| {
        let path = dir.join(MEMBERS_FILE);
        let (state, closing) = (&state, &closing);
        move |members: &Frame| -> Result<(), SourceError> {
            let written = write_table(&path, members, &playbook.outputs.omit_features, job.threads);
            written.map_err(SourceError::new)?;
            if !job.dry_run {
                let copy = ClosingCycle::copy(state, &playbook.id, &path);
                *closing.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(copy.map_err(SourceError::new)?);
            }
            Ok(())
        }
    });
    let options = CycleOptions {
        run_key: &run_key,
        books: !job.dry_run,
        threads: job.threads,
        cancel: host.cancel().clone(),
        progress: job.progress.as_ref(),
        members_done: write_members.as_ref().map(|write| write as &TakeMembers<'_>),
    };
    let run = run_cycle(playbook, &stages, &mut source, &ledger, &options)?;
    laps.append(&run.laps);
    let rejects = source.rejects().to_vec();
    let intake = source.digested()?.clone();
    let run_key = run_key(&intake);
    if !job.dry_run {
        // One run at a time writes to the state folder.
        let _turn = ledger.turn()?;
        host.keep_components(&stages, &components)?;
        ledger_mark = LedgerMark::at(run.ledger.decided_at);
    }
    drop(write_members);
    let closing = closing.into_inner().unwrap_or_else(PoisonError::into_inner);
    let dry_run = job.dry_run;
    Ok(Finished {
        loaded,
        stages,
        run,
        intake,
        rejects,
        ledger,
        ledger_mark,
        run_key,
        data,
        state,
        closing,
        dry_run,
        laps,
    })
}

fn batch_options(
    host: &Host,
    job: &Job,
    playbook: &Playbook,
    data: &Path,
    state: &Path,
    scratch: &Path,
) -> Result<BatchOptions> {
    let mut options = BatchOptions::new(data, scratch);
    options.data_also.clone_from(&job.data_also);
    options.state = Some(state.to_owned());
    options.partitions = job.threads;
    options.progress = Arc::clone(&job.progress);
    options.cancel = host.cancel().clone();
    options.as_of = match &job.as_of {
        Some(text) => Some(clock::read(text, &playbook.time_zone)?),
        None => None,
    };
    Ok(options)
}

/// Stands for everything that the outputs depend on.
fn run_key(playbook: Digest, intake: &Intake, stages: &[Prepared], metering: Metering) -> Digest {
    let mut parts: Vec<Vec<u8>> = vec![
        playbook.0.to_vec(),
        intake.digest.map_or_else(Vec::new, |d| d.0.to_vec()),
        intake.as_of.0.to_be_bytes().to_vec(),
        metering.name().as_bytes().to_vec(),
    ];
    for stage in stages {
        parts.push(stage.def.name.clone().into_bytes());
        parts.push(stage.plugin.digest().0.to_vec());
    }
    Digest::of_parts(parts.iter().map(Vec::as_slice))
}

/// Closes the cycle: its outputs become what the next cycle calls `previous`. It stays open for new grants until the
/// next one begins; what it granted never comes twice.
fn close(finished: &Finished, closing: ClosingCycle) -> Result<()> {
    let playbook = &finished.loaded.playbook;
    // One run at a time writes to the state folder.
    let _turn = finished.ledger.turn()?;
    closing.close(finished.run.number, finished.run.kept_tables())?;
    remember_good(&finished.state, &playbook.id, &finished.run)?;
    tracing::debug!(cycle = ?finished.cycle(), group = finished.ledger.head()?.0, "cycle booked");
    Ok(())
}
