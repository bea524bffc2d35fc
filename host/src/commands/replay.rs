//! `playbook replay`: runs a finished run again, from what it saved, and compares bytes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use playbook_model::Digest;
use playbook_runtime::Metering;
use playbook_toml::Override;
use serde_json::{Value, json};

use crate::cli::{LangArg, ReplayArgs};
use crate::commands::cycle::{self, Aside, Job};
use crate::evidence::{self, RUN_FILE, Recorded, SavedFiles};
use crate::session::{Pinned, Session};
use crate::terminal::Terminal;

/// Runs a run again. Fails where a byte differs.
pub(crate) fn replay(session: &Session, args: &ReplayArgs) -> Result<()> {
    let recorded = evidence::read(&args.run)?;
    let files = SavedFiles::new(&args.run, &recorded.invocation.saved)?;
    let job = job(&recorded)?;
    let kept;
    let scratch;
    let dir: &Path = match &args.out {
        Some(out) => {
            kept = Aside::new(out)?;
            kept.dir()
        }
        None => {
            scratch = tempfile::tempdir().context("cannot make a folder for temporary files")?;
            scratch.path()
        }
    };
    let finished = cycle::execute(session, &job, &files, Some(dir))?;
    let input = finished.intake.digest.map(|d| d.hex());
    if input != recorded.input_digest {
        bail!(
            "the data in `{}` is not what the run read: its digest is {}, then it was {}",
            finished.data.display(),
            input.as_deref().unwrap_or("none"),
            recorded.input_digest.as_deref().unwrap_or("none"),
        );
    }
    // A replay never books; what it writes says what the first run said.
    let mut finished = finished;
    finished.dry_run = recorded.dry_run;
    finished.run.booked = !recorded.dry_run;
    let record = cycle::write(session, &job, &finished, None, dir)?;
    let differences = compare(&args.run, &recorded, dir, &record)?;
    let checked = recorded.outputs.keys().filter(|name| !is_saved(name)).count() + 1;
    if args.json {
        let text = serde_json::to_string_pretty(
            &json!({ "same": differences.is_empty(), "files": checked, "differences": differences }),
        )?;
        Terminal::out(&text);
    } else if differences.is_empty() {
        Terminal::out(&format!("{checked} files, not a byte differs"));
    }
    if differences.is_empty() {
        return Ok(());
    }
    bail!("{} of {checked} files differ:\n  {}", differences.len(), differences.join("\n  "))
}

fn job(recorded: &Recorded) -> Result<Job> {
    let metering = Metering::from_name(&recorded.metering)
        .with_context(|| format!("the record names an unknown metering `{}`", recorded.metering))?;
    let pinned: Pinned = recorded
        .plugins
        .iter()
        .filter_map(|p| Some((p.stage.clone(), Digest::from_hex(&p.digest)?)))
        .collect();
    let as_of = jiff::Timestamp::from_millisecond(recorded.as_of_ms)
        .context("the record's as-of time is out of range")?;
    Ok(Job {
        file: recorded.invocation.file.clone(),
        overrides: recorded.invocation.overrides.iter().map(Override::from).collect(),
        data: Some(recorded.invocation.data.clone()),
        state: Some(recorded.invocation.state.clone()),
        as_of: Some(as_of.to_string()),
        threads: recorded.invocation.threads,
        metering,
        lang: if recorded.lang == "zh" { LangArg::Zh } else { LangArg::En },
        dry_run: true,
        quiet: true,
        pinned,
        ledger: recorded.invocation.ledger.clone(),
    })
}

/// Saved playbook files are inputs of the replay, not outputs.
fn is_saved(name: &str) -> bool {
    name.starts_with(evidence::PLAYBOOK_FOLDER)
}

fn compare(run: &Path, recorded: &Recorded, dir: &Path, record: &Value) -> Result<Vec<String>> {
    let again = evidence::outputs(dir)?;
    let names: BTreeSet<&String> =
        recorded.outputs.keys().chain(again.keys()).filter(|name| !is_saved(name)).collect();
    let mut differences = Vec::new();
    for name in names {
        let now = fs::read(run.join(name)).ok();
        let altered = match (&now, recorded.outputs.get(name)) {
            (Some(bytes), Some(file)) => Digest::of(bytes).hex() != file.sha256,
            (None, Some(_)) => true,
            _ => false,
        };
        if altered {
            differences.push(format!("{name}: altered since the run wrote it"));
        }
        match (recorded.outputs.get(name), again.get(name)) {
            (Some(then), Some(now)) if then.sha256 == now.sha256 => {}
            (Some(then), Some(now)) => {
                let first = now_differs_at(run, dir, name)?;
                differences
                    .push(format!("{name}: {} bytes then, {} now{first}", then.bytes, now.bytes));
            }
            (Some(_), None) => differences.push(format!("{name}: not written again")),
            (None, _) => differences.push(format!("{name}: was not there then")),
        }
    }
    let then: Value = serde_json::from_str(&fs::read_to_string(run.join(RUN_FILE))?)?;
    let (then, now) = (evidence::comparable(&then), evidence::comparable(record));
    for (key, value) in then.as_object().into_iter().flatten() {
        // Digests of outputs were compared above; saved playbook files are no outputs.
        if key != "outputs" && now.get(key) != Some(value) {
            differences.push(format!("{RUN_FILE}: `{key}` differs"));
        }
    }
    Ok(differences)
}

fn now_differs_at(run: &Path, dir: &Path, name: &str) -> Result<String> {
    let (then, now) = (fs::read(run.join(name)).unwrap_or_default(), fs::read(dir.join(name))?);
    let at = then.iter().zip(&now).position(|(a, b)| a != b);
    Ok(at.map_or_else(String::new, |at| format!(", first at byte {at}")))
}
