//! A finished run again, from what it saved, byte by byte.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use playbook_cycle::{Cancel, Laps, Progress, Silent};
use playbook_files::{WholeFolder, read_regular};
use playbook_model::Digest;
use playbook_report::Lang;
use playbook_runtime::Metering;
use playbook_toml::Override;
use serde_json::Value;

use crate::evidence::{
    PLAYBOOK_FOLDER, Recorded, SavedFiles, comparable, outputs, read_record, read_value,
};
use crate::finished::Finished;
use crate::host::Pinned;
use crate::places::{Kept, RUN_FILE, check_results, temporary_folder};
use crate::run::{Opened, cycle};
use crate::taking::{SOURCES_FOLDER, Taking};
use crate::write::write;
use crate::{AppError, Host, Job, Result};

/// What a second run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differences {
    /// Files that were compared.
    pub files: usize,
    /// One line for each difference; none: not a byte differs.
    pub lines: Vec<String>,
}

/// Runs a run again and compares every byte that it writes. Grants nothing. The outputs of the second run are kept
/// at `out`, in place of an earlier run. `progress` hears how far it is.
///
/// # Errors
/// Where the folder is no run's, the data changed since, or the second run does not end.
pub fn replay(
    host: &Host,
    run: &Path,
    out: Option<&Path>,
    progress: Arc<dyn Progress>,
) -> Result<Differences> {
    let recorded = read_record(run)?;
    if let Some(out) = out {
        check_out(host, &recorded, run, out)?;
    }
    match out {
        Some(out) => {
            let folder = WholeFolder::create(out)?;
            let (_, differences) = again(host, run, &recorded, folder.dir(), progress)?;
            folder.put()?;
            Ok(differences)
        }
        None => Ok(again(host, run, &recorded, temporary_folder()?.path(), progress)?.1),
    }
}

/// A run again, with a line for each difference between the two.
///
/// # Errors
/// As [`replay`].
pub(crate) fn repeat(
    host: &Host,
    run: &Path,
    progress: Arc<dyn Progress>,
) -> Result<(Finished, Vec<String>)> {
    let recorded = read_record(run)?;
    let (finished, differences) =
        again(host, run, &recorded, temporary_folder()?.path(), progress)?;
    Ok((finished, differences.lines))
}

/// The second run, written into `dir` and compared.
fn again(
    host: &Host,
    run: &Path,
    recorded: &Recorded,
    dir: &Path,
    progress: Arc<dyn Progress>,
) -> Result<(Finished, Differences)> {
    let files = SavedFiles::new(run, &recorded.invocation.saved)?;
    check_kept(run, recorded)?;
    let taking = Taking::Kept(run.join(SOURCES_FOLDER));
    let job = Job { progress, taking, ..job(recorded)? };
    let opened = Opened::read(host, &job, &files)?;
    let mut finished = cycle(host, &job, opened, Some(dir), Laps::start())?;
    let now = finished.intake.digest.map(|d| d.hex());
    if now != recorded.input_digest {
        let named = |digest: Option<String>| digest.unwrap_or_else(|| "none".to_owned());
        return Err(AppError::OtherData {
            data: finished.data,
            now: named(now),
            then: named(recorded.input_digest.clone()),
        });
    }
    // A replay never books; what it writes says what the first run said.
    finished.dry_run = recorded.dry_run;
    finished.run.booked = !recorded.dry_run;
    let record = write(host, &job, &finished, None, dir)?;
    let lines = compare(run, recorded, dir, &record)?;
    let files = recorded.outputs.keys().filter(|name| !is_saved(name)).count() + 1;
    Ok((finished, Differences { files, lines }))
}

fn check_out(host: &Host, recorded: &Recorded, run: &Path, out: &Path) -> Result<()> {
    let own = host.home().own_dirs();
    let mut kept = vec![
        (Kept::Run, run),
        (Kept::Playbook, recorded.invocation.file.as_path()),
        (Kept::Data, recorded.invocation.data.as_path()),
        (Kept::State, recorded.invocation.state.as_path()),
        (Kept::Home, host.home().dir()),
    ];
    kept.extend(own.iter().map(|folder| (Kept::HomePart, folder.as_path())));
    Ok(check_results(out, &kept)?)
}

fn job(recorded: &Recorded) -> Result<Job> {
    let metering = Metering::from_name(&recorded.metering).ok_or_else(|| AppError::Record {
        what: "an unknown metering",
        value: recorded.metering.clone(),
    })?;
    let as_of =
        jiff::Timestamp::from_millisecond(recorded.as_of_ms).map_err(|_| AppError::Record {
            what: "an as-of time out of range,",
            value: recorded.as_of_ms.to_string(),
        })?;
    let pinned: Pinned = recorded
        .plugins
        .iter()
        .filter_map(|p| Some((p.stage.clone(), Digest::from_hex(&p.digest)?)))
        .collect();
    let called = &recorded.invocation;
    Ok(Job {
        file: called.file.clone(),
        overrides: called.overrides.iter().map(Override::from).collect(),
        data: Some(called.data.clone()),
        data_also: called.data_also.clone(),
        taking: Taking::Anew,
        state: Some(called.state.clone()),
        as_of: Some(as_of.to_string()),
        threads: called.threads,
        metering,
        lang: if recorded.lang == Lang::Zh.code() { Lang::Zh } else { Lang::En },
        dry_run: true,
        earlier: true,
        pinned,
        ledger: called.ledger.clone(),
        progress: Arc::new(Silent),
    })
}

/// Saved playbook files, and what databases answered, are inputs of the replay, not outputs.
fn is_saved(name: &str) -> bool {
    [PLAYBOOK_FOLDER, SOURCES_FOLDER]
        .iter()
        .any(|folder| name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
}

/// Fails where what databases answered is not what the run kept of it.
fn check_kept(run: &Path, recorded: &Recorded) -> Result<()> {
    let kept = recorded.outputs.iter().filter(|(name, _)| name.starts_with(SOURCES_FOLDER));
    for (name, file) in kept {
        let path = run.join(name);
        let digest = playbook_batch::digest(&path, &Cancel::default())?;
        if digest.hex() != file.sha256 {
            return Err(AppError::Altered { path });
        }
    }
    Ok(())
}

fn compare(run: &Path, recorded: &Recorded, dir: &Path, record: &Value) -> Result<Vec<String>> {
    let again = outputs(dir)?;
    let names: BTreeSet<&String> =
        recorded.outputs.keys().chain(again.keys()).filter(|name| !is_saved(name)).collect();
    let mut differences = Vec::new();
    for name in names {
        let now = read_regular(&run.join(name)).ok();
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
                let first = first_difference(&run.join(name), &dir.join(name))?;
                differences
                    .push(format!("{name}: {} bytes then, {} now{first}", then.bytes, now.bytes));
            }
            (Some(_), None) => differences.push(format!("{name}: not written again")),
            (None, _) => differences.push(format!("{name}: was not there then")),
        }
    }
    let (then, now) = (comparable(&read_value(run)?), comparable(record));
    for (key, value) in then.as_object().into_iter().flatten() {
        // Digests of outputs were compared above; saved playbook files are no outputs.
        if key != "outputs" && now.get(key) != Some(value) {
            differences.push(format!("{RUN_FILE}: `{key}` differs"));
        }
    }
    Ok(differences)
}

/// Where two files begin to differ, in words.
fn first_difference(then: &Path, now: &Path) -> Result<String> {
    // What is gone is told of as altered.
    let (then, now) = (read_regular(then).unwrap_or_default(), read_regular(now)?);
    let at = then.iter().zip(&now).position(|(a, b)| a != b);
    Ok(at.map_or_else(String::new, |at| format!(", first at byte {at}")))
}
