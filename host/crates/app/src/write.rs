//! Writes what a finished cycle came to into one folder; the record comes last and holds the digest of every file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;

use playbook_cycle::{CycleRun, Intake, Laps};
use playbook_files::FileError;
use playbook_report::{Evidence, Lang, render};
use serde_json::{Map, Value, json};

use crate::clock;
use crate::counts::Counts;
use crate::evidence::{self, Invocation, Recording, SavedOverride};
use crate::finished::Finished;
use crate::page::{PageFacts, report};
use crate::places::{RUN_FILE, absolute};
use crate::{Host, Job, Result, outputs};

/// Letters of the run key that people see.
const RUN_ID_LETTERS: usize = 16;

/// Writes all outputs but the table of members into `dir`, which exists; returns the record.
pub(crate) fn write(
    host: &Host,
    job: &Job,
    finished: &Finished,
    recording: Option<&Recording>,
    dir: &Path,
) -> Result<Value> {
    let Finished { loaded, run, ledger, .. } = finished;
    let mut laps = finished.laps.clone();
    laps.resume();
    let cycle = finished.cycle();
    thread::scope(|scope| {
        let entries = scope.spawn(|| outputs::ledger(dir, ledger, &cycle, run.ledger.booked_to.0));
        let grants = scope.spawn(|| outputs::grants(dir, run, &loaded.playbook, &finished.intake));
        let rest = write_rest(host, job, finished, dir);
        let [entries, grants] =
            [entries, grants].map(|written| written.join().expect("writing does not panic"));
        entries.and(grants).and(rest)
    })?;
    outputs::deliveries(dir, run, &loaded.playbook)?;
    laps.end("outputs");
    let saved = match recording {
        Some(recording) => recording.save(dir)?,
        None => BTreeMap::new(),
    };
    let record = record(host, job, finished, saved, &laps, dir)?;
    outputs::write_json(&dir.join(RUN_FILE), &record)?;
    Ok(record)
}

/// Writes what neither the members nor the ledger fill.
fn write_rest(host: &Host, job: &Job, finished: &Finished, dir: &Path) -> Result<()> {
    let Finished { loaded, run, intake, rejects, .. } = finished;
    let playbook = &loaded.playbook;
    outputs::refused(dir, run)?;
    outputs::roi(dir, run)?;
    outputs::transfers(dir, run)?;
    outputs::diagnosis(dir, run)?;
    outputs::campaign(dir, run, intake.local_min)?;
    outputs::tables(dir, run)?;
    outputs::rejects(dir, rejects)?;
    let page = report(&PageFacts {
        playbook,
        run,
        intake,
        evidence: page_evidence(host, job, finished)?,
        run_id: run_id(finished),
    });
    write_page(dir, "report.html", &render(&page, job.lang))?;
    for lang in [Lang::En, Lang::Zh].into_iter().filter(|lang| *lang != job.lang) {
        if playbook.outputs.languages.iter().any(|l| l == lang.code()) {
            write_page(dir, &format!("report.{}.html", lang.code()), &render(&page, lang))?;
        }
    }
    Ok(())
}

fn write_page(dir: &Path, name: &str, page: &str) -> Result<()> {
    let path = dir.join(name);
    Ok(fs::write(&path, page).map_err(FileError::of("write", &path))?)
}

/// What people call a run.
pub(crate) fn run_id(finished: &Finished) -> String {
    finished.run_key.hex()[..RUN_ID_LETTERS].to_owned()
}

fn page_evidence(host: &Host, job: &Job, finished: &Finished) -> Result<Evidence> {
    let mut digests = vec![("playbook".to_owned(), finished.loaded.playbook.digest)];
    digests.extend(finished.intake.digest.map(|d| ("input".to_owned(), d)));
    for stage in &finished.run.stages {
        if let Some(model) = &stage.model {
            digests.push((format!("model {}", stage.name), model.digest));
        }
    }
    let engine = host.runtime()?.settings_digest(job.metering);
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
    host: &Host,
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
        data_also: job.data_also.iter().map(|folder| absolute(folder)).collect(),
        state: absolute(&finished.state),
        threads: job.threads,
        saved,
        overrides: job.overrides.iter().map(SavedOverride::from).collect(),
        ledger: Some(finished.ledger_mark.clone()),
    };
    Ok(json!({
        "host_version": env!("CARGO_PKG_VERSION"),
        "run_id": run_id(finished),
        "run_key": run_key.hex(),
        "playbook": playbook.id, "brand": playbook.brand, "playbook_digest": playbook.digest.hex(),
        "currency": playbook.currency,
        "as_of": clock::rfc3339(intake.as_of, &playbook.time_zone), "as_of_ms": intake.as_of.0,
        "cycle": run.number, "seed": playbook.seed,
        "metering": job.metering.name(),
        "engine_digest": host.runtime()?.settings_digest(job.metering).hex(),
        "lang": job.lang.code(), "dry_run": finished.dry_run,
        "input_digest": intake.digest.map(|d| d.hex()),
        "sources": sources(intake),
        "findings": findings(intake),
        "counts": counts(run, intake),
        "plugins": plugins(run),
        "outputs": evidence::outputs(dir)?,
        "invocation": invocation,
        "timings": timings(run, laps),
    }))
}

fn plugins(run: &CycleRun) -> Vec<Value> {
    run.stages
        .iter()
        .map(|s| {
            json!({
                "stage": s.name, "kind": s.kind().name(), "plugin": s.about.name, "version": s.about.version,
                "digest": s.digest.hex(),
                "model": s.model.as_ref().map(|m| json!({
                    "digest": m.digest.hex(), "bytes": m.bytes, "passes": m.passes,
                    "measures": m.measures.iter().map(|m| (m.name.clone(), json!(m.value))).collect::<Map<_, _>>(),
                })),
                "calls": s.usage.calls, "rows": s.usage.rows, "fuel": s.usage.fuel, "faults": s.usage.faults,
                "log_lines": s.usage.log_lines, "log": s.log,
                "skipped": s.fault_told(),
            })
        })
        .collect()
}

fn sources(intake: &Intake) -> Vec<Value> {
    intake
        .sources
        .iter()
        .map(|s| {
            let files: Vec<Value> = s
                .files
                .iter()
                .map(|(name, digest)| json!({ "file": name, "sha256": digest.hex() }))
                .collect();
            json!({
                "name": s.name, "rows_read": s.rows_read, "rows_kept": s.rows_kept,
                "duplicates": s.duplicates, "rejected": s.rejected, "unmapped_fields": s.unmapped_fields,
                "files": files,
            })
        })
        .collect()
}

fn findings(intake: &Intake) -> Vec<Value> {
    intake
        .findings
        .iter()
        .map(|f| {
            json!({
                "code": f.code, "level": "warning", "source": f.source, "count": f.count,
                "text": outputs::words_json(&f.text),
            })
        })
        .collect()
}

fn counts(run: &CycleRun, intake: &Intake) -> Value {
    let counts = Counts::of(&run.decisions);
    let refused: BTreeMap<&str, u64> =
        counts.refused.iter().map(|(code, of)| (code.code(), of.proposals)).collect();
    json!({
        "members": run.members.rows(),
        "accounts_merged": intake.accounts_merged,
        "grants": counts.granted.grants, "grants_cost_minor": counts.granted.cost.0,
        "expected_output_minor": counts.granted.expected_output.0,
        "granted_before": counts.before.grants, "refused": refused,
    })
}

fn timings(run: &CycleRun, laps: &Laps) -> Value {
    let ms = |s: &playbook_cycle::StageRun| json!(s.usage.wall.as_secs_f64() * 1e3);
    let stages: Map<String, Value> = run.stages.iter().map(|s| (s.name.clone(), ms(s))).collect();
    let seconds: Map<String, Value> =
        laps.parts().iter().map(|(part, took)| (part.clone(), json!(took.as_secs_f64()))).collect();
    json!({ "seconds": seconds, "plugin_calls_ms": stages })
}
