//! One cycle from the command line: read, run, write aside, rename into place.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, bail};
use playbook_batch::{BatchOptions, BatchSource};
use playbook_cycle::{
    CycleOptions, CycleRun, DataSource, Intake, Laps, Prepared, Progress, SourceError, TakeMembers,
    run_cycle,
};
use playbook_ledger::{CycleRef, Ledger, LedgerError};
use playbook_model::{Digest, Frame};
use playbook_report::{Evidence, Lang};
use playbook_runtime::Metering;
use playbook_toml::{Loaded, Override};
use serde_json::{Value, json};

use crate::cli::{CycleArgs, LangArg, MeteringArg};
use crate::evidence::{self, Invocation, LedgerMark, Recording, SavedOverride};
use crate::page::{PageFacts, report};
use crate::session::{Pinned, Session, keep_components};
use crate::terminal::{Shown, Terminal, grouped, money};
use crate::{clock, outputs};

/// File in the state folder with the components that closed the last cycle.
const LAST_GOOD_FILE: &str = "last-good.json";
/// File of members in the folder of outputs.
const MEMBERS_FILE: &str = "members.parquet";
/// Folder of components in the state folder.
const COMPONENTS: &str = "components";

/// What a cycle is run with, after defaults.
pub(crate) struct Job {
    pub(crate) file: PathBuf,
    pub(crate) overrides: Vec<Override>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) state: Option<PathBuf>,
    pub(crate) as_of: Option<String>,
    pub(crate) threads: usize,
    pub(crate) metering: Metering,
    pub(crate) lang: LangArg,
    pub(crate) dry_run: bool,
    pub(crate) quiet: bool,
    /// Components by stage, for a replay.
    pub(crate) pinned: Pinned,
    /// How far the ledger was, for a replay.
    pub(crate) ledger: Option<LedgerMark>,
}

impl Job {
    pub(crate) fn new(file: &Path, args: &CycleArgs, dry_run: bool) -> Self {
        Self {
            file: std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf()),
            overrides: Vec::new(),
            data: args.data.clone(),
            state: args.state.clone(),
            as_of: args.as_of.clone(),
            threads: args.threads.unwrap_or_else(cores).clamp(1, 256),
            metering: match args.metering {
                MeteringArg::Fuel => Metering::FuelAndEpoch,
                MeteringArg::Epoch => Metering::EpochOnly,
            },
            lang: args.lang,
            dry_run,
            quiet: args.json,
            pinned: Pinned::new(),
            ledger: None,
        }
    }
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// A finished cycle, before anything of it is written.
pub(crate) struct Finished {
    pub(crate) loaded: Loaded,
    pub(crate) stages: Vec<Prepared>,
    pub(crate) run: CycleRun,
    pub(crate) intake: Intake,
    pub(crate) rejects: Vec<playbook_batch::Reject>,
    pub(crate) ledger: Ledger,
    pub(crate) ledger_mark: LedgerMark,
    pub(crate) run_key: Digest,
    pub(crate) data: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) dry_run: bool,
    pub(crate) laps: Laps,
}

/// Reads everything and runs the cycle; grants are booked unless the run is dry. The table of members is written
/// into the folder `outputs`, where one is given.
pub(crate) fn execute(
    session: &Session,
    job: &Job,
    files: &dyn playbook_toml::ReadFiles,
    outputs: Option<&Path>,
) -> Result<Finished> {
    let mut laps = Laps::start();
    let loaded = session.load(&job.file, &job.overrides, files)?;
    let playbook = &loaded.playbook;
    let state = job.state.clone().unwrap_or_else(|| session.home.state_dir(&playbook.brand));
    let data = job.data.clone().unwrap_or_else(|| playbook.folder.clone());
    let data = if data.as_os_str().is_empty() { PathBuf::from(".") } else { data };
    let components = state.join(COMPONENTS);
    let last_good = last_good(&state, &playbook.id)?;
    let stages = session.prepare(&loaded, job.metering, &components, &job.pinned, &last_good)?;
    laps.end("prepare");

    let progress = Arc::new(Shown::new(session.terminal, job.quiet));
    let scratch = tempfile::tempdir().context("cannot make a folder for temporary files")?;
    let mut options = BatchOptions::new(&data, scratch.path());
    options.state = Some(state.clone());
    options.partitions = job.threads;
    options.progress = Arc::clone(&progress) as Arc<dyn Progress>;
    options.cancel = session.cancel.clone();
    options.as_of = match &job.as_of {
        Some(text) => Some(clock::read(text, &playbook.time_zone)?),
        None => None,
    };
    let mut source = BatchSource::open(playbook, options)?;
    laps.end("intake");

    let run_key = |intake: &Intake| run_key(playbook.digest, intake, &stages, job.metering);
    let ledger = open_ledger(&state, &playbook.brand, job.dry_run, job.ledger.as_ref())?;
    let mut ledger_mark = LedgerMark::of(&ledger)?;
    let write_members = outputs.map(|dir| {
        let path = dir.join(MEMBERS_FILE);
        move |members: &Frame| {
            playbook_batch::write_members(
                &path,
                members,
                &playbook.outputs.omit_features,
                job.threads,
            )
            .map_err(SourceError::new)
        }
    });
    let options = CycleOptions {
        run_key: &run_key,
        books: !job.dry_run,
        threads: job.threads,
        cancel: session.cancel.clone(),
        progress: progress.as_ref(),
        members_done: write_members.as_ref().map(|write| write as &TakeMembers<'_>),
    };
    let run = run_cycle(playbook, &stages, &mut source, &ledger, &options)?;
    laps.append(&run.laps);
    progress.clear();
    let rejects = source.rejects().to_vec();
    let intake = source.digested()?.clone();
    let run_key = run_key(&intake);
    if !job.dry_run {
        keep_components(session, &stages, &components)?;
        ledger_mark = LedgerMark::at(run.ledger.decided_at);
    }
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
        dry_run,
        laps,
    })
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

fn open_ledger(
    state: &Path,
    brand: &str,
    dry_run: bool,
    mark: Option<&LedgerMark>,
) -> Result<Ledger> {
    let path = ledger_path(state);
    // A brand without a ledger gets one only if nothing shows that it had one.
    let is_new = playbook_ledger::is_blank(&path) && !has_run(state)?;
    let rehearse = |head: Option<(i64, Digest)>| match head {
        Some(head) if is_new && head.0 > 0 => Err(LedgerError::OtherHistory { group: head.0 }),
        _ if is_new => Ledger::in_memory(brand),
        Some(head) => Ledger::rehearse_at(&path, brand, head),
        None => Ledger::rehearse(&path, brand),
    };
    if let Some(head) = mark.and_then(LedgerMark::head) {
        match rehearse(Some(head)) {
            Err(LedgerError::OtherHistory { .. }) => {
                tracing::warn!(
                    "`{}` is not the ledger of the run: what it granted may differ",
                    path.display()
                );
            }
            other => return Ok(other?),
        }
    }
    if dry_run {
        return Ok(rehearse(None)?);
    }
    if !is_new {
        return Ok(Ledger::open(&path, brand)?);
    }
    fs::create_dir_all(state).with_context(|| format!("cannot create `{}`", state.display()))?;
    Ok(Ledger::open_or_create(&path, brand)?)
}

/// Whether the brand of this state folder has run before: it then had a ledger.
fn has_run(state: &Path) -> Result<bool> {
    let holds = |folder: PathBuf| match fs::read_dir(&folder) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e).with_context(|| format!("cannot read `{}`", folder.display())),
    };
    Ok(state.join(LAST_GOOD_FILE).is_file()
        || holds(state.join(playbook_batch::CLOSED_FOLDER))?
        || holds(state.join(COMPONENTS))?)
}

pub(crate) fn ledger_path(state: &Path) -> PathBuf {
    state.join("ledger.sqlite")
}

fn last_good(state: &Path, playbook: &str) -> Result<Pinned> {
    let path = state.join(LAST_GOOD_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Pinned::new()),
        Err(e) => return Err(e).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let all: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(&text)
        .with_context(|| format!("`{}` is damaged; remove it to go on without", path.display()))?;
    Ok(all
        .get(playbook)
        .into_iter()
        .flatten()
        .filter_map(|(stage, digest)| Some((stage.clone(), Digest::from_hex(digest)?)))
        .collect())
}

fn remember_good(state: &Path, playbook: &str, run: &CycleRun) -> Result<()> {
    let path = state.join(LAST_GOOD_FILE);
    let mut all: BTreeMap<String, BTreeMap<String, String>> = fs::read_to_string(&path)
        .ok()
        .and_then(|t| serde_json::from_str(&t).ok())
        .unwrap_or_default();
    let stages = run.stages.iter().filter(|s| s.fault.is_none());
    all.insert(playbook.to_owned(), stages.map(|s| (s.name.clone(), s.digest.hex())).collect());
    let aside = path.with_extension("aside");
    fs::write(&aside, serde_json::to_vec_pretty(&all)?)?;
    fs::rename(&aside, &path).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Writes all outputs but the table of members into `dir`, which exists.
pub(crate) fn write(
    session: &Session,
    job: &Job,
    finished: &Finished,
    recording: Option<&Recording>,
    dir: &Path,
) -> Result<Value> {
    let Finished { loaded, run, ledger, .. } = finished;
    let mut laps = finished.laps.clone();
    laps.resume();
    let cycle = CycleRef { playbook: loaded.playbook.id.clone(), number: run.number };
    thread::scope(|scope| {
        let entries = scope.spawn(|| outputs::ledger(dir, ledger, &cycle, run.ledger.booked_to.0));
        let grants =
            scope.spawn(|| outputs::grants(dir, run, &loaded.playbook, finished.intake.as_of.0));
        let rest = write_rest(session, job, finished, dir);
        let [entries, grants] =
            [entries, grants].map(|written| written.join().expect("writing does not panic"));
        entries.and(grants).and(rest)
    })?;
    laps.end("outputs");
    let saved = match recording {
        Some(recording) => recording.save(dir)?,
        None => BTreeMap::new(),
    };
    let record = record(session, job, finished, saved, &laps, dir)?;
    outputs::write_json(&dir.join(evidence::RUN_FILE), &record)?;
    Ok(record)
}

/// Writes what neither the members nor the ledger fill.
fn write_rest(session: &Session, job: &Job, finished: &Finished, dir: &Path) -> Result<()> {
    let Finished { loaded, run, intake, rejects, .. } = finished;
    let playbook = &loaded.playbook;
    outputs::refused(dir, run)?;
    outputs::roi(dir, run)?;
    outputs::diagnosis(dir, run)?;
    outputs::campaign(dir, run, intake.local_min)?;
    outputs::tables(dir, run)?;
    playbook_batch::write_rejects(&dir.join("rejects.csv"), rejects)?;
    let run_id = finished.run_key.hex()[..16].to_owned();
    let facts = PageFacts {
        playbook,
        run,
        intake,
        evidence: page_evidence(session, job, finished)?,
        run_id,
    };
    let page = report(&facts);
    let first = if job.lang == LangArg::Zh { Lang::Zh } else { Lang::En };
    fs::write(dir.join("report.html"), playbook_report::render(&page, first))?;
    for (code, lang) in [("en", Lang::En), ("zh", Lang::Zh)] {
        if playbook.outputs.languages.iter().any(|l| l == code) && lang != first {
            fs::write(
                dir.join(format!("report.{code}.html")),
                playbook_report::render(&page, lang),
            )?;
        }
    }
    Ok(())
}

fn page_evidence(session: &Session, job: &Job, finished: &Finished) -> Result<Evidence> {
    let mut digests = vec![("playbook".to_owned(), finished.loaded.playbook.digest)];
    digests.extend(finished.intake.digest.map(|d| ("input".to_owned(), d)));
    for stage in &finished.run.stages {
        if let Some(model) = &stage.model {
            digests.push((format!("model {}", stage.name), model.digest));
        }
    }
    let engine = session.runtime()?.settings_digest(job.metering);
    digests.push(("engine settings".to_owned(), engine));
    Ok(Evidence {
        digests,
        host_version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: job.metering.name().to_owned(),
        seed: finished.loaded.playbook.seed,
        replay_command: "playbook replay FOLDER".to_owned(),
    })
}

fn record(
    session: &Session,
    job: &Job,
    finished: &Finished,
    saved: BTreeMap<String, String>,
    laps: &Laps,
    dir: &Path,
) -> Result<Value> {
    let Finished { loaded, run, intake, run_key, .. } = finished;
    let playbook = &loaded.playbook;
    let invocation = Invocation {
        file: job.file.clone(),
        data: absolute(&finished.data),
        state: absolute(&finished.state),
        threads: job.threads,
        saved,
        overrides: job.overrides.iter().map(SavedOverride::from).collect(),
        ledger: Some(finished.ledger_mark.clone()),
    };
    let plugins: Vec<Value> = run
        .stages
        .iter()
        .map(|s| {
            json!({
                "stage": s.name, "kind": s.kind().name(), "plugin": s.about.name, "version": s.about.version,
                "digest": s.digest.hex(),
                "model": s.model.as_ref().map(|m| json!({
                    "digest": m.digest.hex(), "bytes": m.bytes, "passes": m.passes,
                    "measures": m.measures.iter().map(|m| (m.name.clone(), json!(m.value))).collect::<serde_json::Map<_, _>>(),
                })),
                "calls": s.usage.calls, "rows": s.usage.rows, "fuel": s.usage.fuel, "faults": s.usage.faults,
                "log_lines": s.usage.log_lines, "log": s.log,
                "skipped": s.fault.as_ref().map(ToString::to_string),
            })
        })
        .collect();
    let sources: Vec<Value> = intake
        .sources
        .iter()
        .map(|s| {
            json!({
                "name": s.name, "rows_read": s.rows_read, "rows_kept": s.rows_kept,
                "duplicates": s.duplicates, "rejected": s.rejected, "unmapped_fields": s.unmapped_fields,
                "files": s.files.iter().map(|(name, digest)| json!({ "file": name, "sha256": digest.hex() })).collect::<Vec<_>>(),
            })
        })
        .collect();
    let stage_ms: serde_json::Map<String, Value> = run
        .stages
        .iter()
        .map(|s| (s.name.clone(), json!(s.usage.wall.as_secs_f64() * 1e3)))
        .collect();
    Ok(json!({
        "host_version": env!("CARGO_PKG_VERSION"),
        "run_id": &run_key.hex()[..16],
        "run_key": run_key.hex(),
        "playbook": playbook.id, "brand": playbook.brand, "playbook_digest": playbook.digest.hex(),
        "currency": playbook.currency,
        "as_of": clock::rfc3339(intake.as_of, &playbook.time_zone), "as_of_ms": intake.as_of.0,
        "cycle": run.number, "seed": playbook.seed,
        "metering": job.metering.name(),
        "engine_digest": session.runtime()?.settings_digest(job.metering).hex(),
        "lang": job.lang.code(), "dry_run": finished.dry_run,
        "input_digest": intake.digest.map(|d| d.hex()),
        "sources": sources,
        "counts": counts(finished),
        "plugins": plugins,
        "outputs": evidence::outputs(dir)?,
        "invocation": invocation,
        "timings": {
            "seconds": laps.parts().iter().map(|(part, took)| (part.clone(), json!(took.as_secs_f64()))).collect::<serde_json::Map<_, _>>(),
            "plugin_calls_ms": stage_ms,
        },
    }))
}

fn counts(finished: &Finished) -> Value {
    let Finished { run, intake, .. } = finished;
    let granted = run.decisions.iter().filter(|d| d.is_new());
    let before = run.decisions.iter().filter(|d| d.granted_before).count();
    let (grants, cost, output) = granted.fold((0_u64, 0_i64, 0_i64), |(n, c, o), d| {
        (n + 1, c.saturating_add(d.candidate.cost), o.saturating_add(d.candidate.expected_output))
    });
    let mut refused: BTreeMap<&str, u64> = BTreeMap::new();
    for d in &run.decisions {
        if let Some(refusal) = &d.refusal {
            *refused.entry(refusal.code.code()).or_default() += 1;
        }
    }
    json!({
        "members": run.members.rows(),
        "accounts_merged": intake.accounts_merged,
        "grants": grants, "grants_cost_minor": cost, "expected_output_minor": output,
        "granted_before": before, "refused": refused,
    })
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// A folder that is written aside and then renamed into place.
pub(crate) struct Aside {
    place: PathBuf,
    aside: PathBuf,
}

impl Aside {
    /// Refuses to replace anything but the folder of an earlier run.
    pub(crate) fn new(place: &Path) -> Result<Self> {
        let place = absolute(place);
        if place.exists() {
            let empty = fs::read_dir(&place).map(|mut d| d.next().is_none()).unwrap_or(false);
            if !empty && !place.join(evidence::RUN_FILE).is_file() {
                bail!(
                    "`{}` exists and is not the folder of an earlier run; choose another --out",
                    place.display()
                );
            }
        }
        let parent = place.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create `{}`", parent.display()))?;
        let name =
            place.file_name().map_or_else(|| "run".into(), |n| n.to_string_lossy().into_owned());
        let aside = parent.join(format!(".{name}.{}", std::process::id()));
        drop(fs::remove_dir_all(&aside));
        fs::create_dir(&aside).with_context(|| format!("cannot create `{}`", aside.display()))?;
        Ok(Self { place, aside })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.aside
    }

    /// Puts the folder in its place; an earlier run there is replaced.
    pub(crate) fn publish(self) -> Result<PathBuf> {
        let old = self.aside.with_extension("old");
        if self.place.exists() {
            fs::rename(&self.place, &old)?;
        }
        fs::rename(&self.aside, &self.place)
            .with_context(|| format!("cannot put the results at `{}`", self.place.display()))?;
        drop(fs::remove_dir_all(&old));
        Ok(self.place.clone())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.aside));
    }
}

/// Runs a cycle, writes it, closes it; returns where it is and its record.
pub(crate) fn run(session: &Session, job: &Job, out: &Path) -> Result<(PathBuf, Value, Finished)> {
    let aside = Aside::new(out)?;
    let recording = Recording::default();
    let finished = execute(session, job, &recording, Some(aside.dir()))?;
    let record = write(session, job, &finished, Some(&recording), aside.dir())?;
    if !job.dry_run {
        close(&finished, aside.dir())?;
    }
    let place = aside.publish()?;
    Ok((place, record, finished))
}

/// Closes the cycle: its outputs become what the next cycle calls `previous`.
fn close(finished: &Finished, outputs: &Path) -> Result<()> {
    let playbook = &finished.loaded.playbook;
    let cycle = CycleRef { playbook: playbook.id.clone(), number: finished.run.number };
    let members = outputs.join(MEMBERS_FILE);
    playbook_batch::close_cycle(&finished.state, &playbook.id, finished.run.number, &members)?;
    remember_good(&finished.state, &playbook.id, &finished.run)?;
    // A cycle stays open for new grants until the next one begins; what it granted never comes twice.
    let before = finished.ledger.head()?;
    tracing::debug!(?cycle, group = before.0, "cycle booked");
    Ok(())
}

/// Prints what a run came to, for people.
pub(crate) fn print_summary(session: &Session, finished: &Finished, place: Option<&Path>) {
    let Finished { loaded, run, intake, .. } = finished;
    let playbook = &loaded.playbook;
    let terminal = session.terminal;
    let mut text = String::new();
    let title = playbook.title.in_lang("en");
    text.push_str(&terminal.heading(&format!(
        "{title} ({}), as of {}, cycle {}{}\n",
        playbook.brand,
        clock::shown(intake.as_of, &playbook.time_zone),
        run.number,
        if finished.dry_run { ", dry run: nothing was granted" } else { "" },
    )));
    let rows: Vec<Vec<String>> = intake
        .sources
        .iter()
        .map(|s| {
            let count = |n: u64| grouped(i64::try_from(n).unwrap_or(i64::MAX));
            vec![
                s.name.clone(),
                count(s.rows_read),
                count(s.rows_kept),
                count(s.rejected.values().sum()),
                count(s.duplicates),
            ]
        })
        .collect();
    text.push_str(&terminal.table(
        &["source", "rows read", "kept", "rejected", "duplicates"],
        &[1, 2, 3, 4],
        &rows,
    ));
    text.push('\n');
    let rows: Vec<Vec<String>> = run
        .stages
        .iter()
        .map(|s| {
            vec![
                s.name.clone(),
                s.kind().name().to_owned(),
                format!("{} {}", s.about.name, s.about.version),
                grouped(i64::try_from(s.usage.calls).unwrap_or(0)),
                grouped(i64::try_from(s.usage.rows).unwrap_or(0)),
                format!("{:.0}", s.usage.wall.as_secs_f64() * 1e3),
                s.fault.as_ref().map_or_else(|| "ok".to_owned(), |f| format!("left out: {f}")),
            ]
        })
        .collect();
    text.push_str(&terminal.table(
        &["stage", "kind", "plugin", "calls", "rows", "ms in calls", "outcome"],
        &[3, 4, 5],
        &rows,
    ));
    text.push('\n');
    text.push_str(&segments(finished));
    text.push_str(&decisions(finished));
    if let Some(place) = place {
        text.push_str(&format!("report   {}\n", place.join("report.html").display()));
        text.push_str(&format!("results  {}\n", place.display()));
    }
    Terminal::out(&text);
}

fn segments(finished: &Finished) -> String {
    let run = &finished.run;
    let mut text = String::new();
    for stage in run.stages.iter().filter(|s| s.kind() == playbook_model::Kind::Segmentation) {
        let Some(column) = run.members.column(&format!("{}.segment", stage.name)) else { continue };
        let counts: Vec<String> = stage
            .shape
            .segments
            .iter()
            .map(|segment| {
                let n = (0..run.members.rows())
                    .filter(|r| column.text(*r) == Some(&segment.name))
                    .count();
                format!("{} {}", segment.name, grouped(i64::try_from(n).unwrap_or(0)))
            })
            .collect();
        text.push_str(&format!("segments {}: {}\n", stage.name, counts.join(", ")));
    }
    text
}

fn decisions(finished: &Finished) -> String {
    let counts = counts(finished);
    let playbook = &finished.loaded.playbook;
    let amount = |key: &str| money(counts[key].as_i64().unwrap_or(0), playbook.currency_digits);
    let refused: Vec<String> = counts["refused"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(code, n)| format!("{code} {}", grouped(n.as_i64().unwrap_or(0))))
        .collect();
    let before = match counts["granted_before"].as_i64() {
        None | Some(0) => String::new(),
        Some(n) => format!("before   {} were granted by an earlier run of the cycle\n", grouped(n)),
    };
    format!(
        "members  {}\ngrants   {} for {} {}, expected output {} {}\nrefused  {}\n",
        grouped(counts["members"].as_i64().unwrap_or(0)),
        grouped(counts["grants"].as_i64().unwrap_or(0)),
        amount("grants_cost_minor"),
        playbook.currency,
        amount("expected_output_minor"),
        playbook.currency,
        if refused.is_empty() { "none".to_owned() } else { refused.join(", ") },
    ) + &before
}
