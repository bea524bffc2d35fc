//! `playbook plugin dev`: each time a file of a plugin changes it is built, tested and held against the build before.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};
use notify_debouncer_mini::notify::RecursiveMode;
use notify_debouncer_mini::{DebounceEventResult, new_debouncer};
use playbook_app::{Offer, changes};
use playbook_builder::{Options, build};
use playbook_runtime::Plugin;

use crate::cases;
use crate::cli::PluginDevArgs;
use crate::commands::plugin::canonical;
use crate::commands::plugin_test::{native_tests, show_check, show_log};
use crate::commands::publish::offer;
use crate::conformance::{self, Answer, Check};
use crate::session::Session;
use crate::terminal::{Terminal, counted};

/// A save is several events: so long none may come before it is taken for done.
const QUIET: Duration = Duration::from_millis(60);
/// How often the keyboard's Ctrl-C is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// Answers that differ and are shown.
const ANSWERS_SHOWN: usize = 3;
/// Folders that tools write into while they build.
const WRITTEN_BY_TOOLS: [&str; 6] =
    ["target", "node_modules", "__pycache__", ".venv", ".playbook", ".git"];

/// What is known of a build, for the next one to be held against.
struct Round {
    offer: Offer,
    answers: Vec<Answer>,
    failing: Vec<String>,
}

/// Watches the folder until Ctrl-C.
pub(crate) fn dev(session: &Session, args: &PluginDevArgs) -> Result<()> {
    let path = args.path.as_path();
    if !path.is_dir() {
        bail!("`{}` is no folder of a plugin; `playbook plugin new` writes one", path.display());
    }
    let settings = canonical(&args.settings)?;
    let (send, changed) = channel();
    let mut debouncer = new_debouncer(QUIET, move |found: DebounceEventResult| {
        // The receiver is gone where the command ends.
        drop(send.send(found));
    })
    .context("files cannot be watched")?;
    let watched = debouncer.watcher().watch(path, RecursiveMode::Recursive);
    watched.with_context(|| format!("`{}` cannot be watched", path.display()))?;
    let mut before = None;
    let mut seen = BTreeMap::new();
    let mut since = Instant::now();
    loop {
        // Tools write into the folder too, a lock file for one: only another state of the sources is a change.
        let now = sources(path)?;
        if now != seen {
            seen = now;
            before = round(session, args, &settings, since, before.take());
            Terminal::note(&format!("watching `{}`; Ctrl-C ends", path.display()));
        }
        if !wait(session, &changed)? {
            return Ok(());
        }
        since = Instant::now();
    }
}

/// Waits for a change; false: the user is done.
fn wait(session: &Session, changed: &Receiver<DebounceEventResult>) -> Result<bool> {
    loop {
        match changed.recv_timeout(LOOK) {
            Ok(found) => {
                found.context("files cannot be watched any more")?;
                return Ok(true);
            }
            Err(RecvTimeoutError::Timeout) if session.host.cancel().is_cancelled() => {
                return Ok(false);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("files cannot be watched any more"),
        }
    }
}

/// One build with its tests. What fails is told, and what is known of the build before is kept for the next one.
fn round(
    session: &Session,
    args: &PluginDevArgs,
    settings: &str,
    since: Instant,
    before: Option<Round>,
) -> Option<Round> {
    let told =
        |what: Result<()>| what.unwrap_or_else(|error| Terminal::note(&format!("{error:#}")));
    let (plugin, now) = match built(session, args, settings, since) {
        Ok(built) => built,
        Err(error) => {
            Terminal::note(&format!("FAIL  {error:#}"));
            return before;
        }
    };
    if let Some(before) = &before {
        told(show_differences(before, &now));
    }
    if !args.no_native {
        told(natively(&plugin, &now.offer.description.name, &args.path));
    }
    Some(now)
}

/// Builds the component, and holds it to the contract and to the cases.
fn built(
    session: &Session,
    args: &PluginDevArgs,
    settings: &str,
    since: Instant,
) -> Result<(Plugin, Round)> {
    let built = build(&[args.path.as_path()], &Options::of_user(), &mut |_| {})?.remove(0);
    let plugin = session.host.accepted(&built.component)?;
    let offer = offer(&plugin, &built.plugin, settings, built.bytes)?;
    let mut run = conformance::run(&plugin, settings)?;
    run.checks.extend(cases::of_files(&plugin, &offer.description.name, &args.cases)?);
    let failing = show_failing(&run.checks)?;
    show_log(&run.log)?;
    Terminal::out(&format!(
        "{} {}: {} of {} checks hold in the sandbox, {:.1} s after the change",
        offer.description.name,
        offer.description.version,
        run.checks.len() - failing.len(),
        run.checks.len(),
        since.elapsed().as_secs_f64(),
    ))?;
    Ok((plugin, Round { offer, answers: run.answers, failing }))
}

/// Shows checks that do not hold; returns their names.
fn show_failing(checks: &[Check]) -> Result<Vec<String>> {
    let failing = checks.iter().filter(|check| check.failure.is_some());
    failing.map(|check| show_check(check).map(|()| check.name.to_string())).collect()
}

/// What playbooks would see of the change, which checks hold again, and which rows are answered otherwise.
fn show_differences(before: &Round, now: &Round) -> Result<()> {
    for change in changes(&before.offer, &now.offer) {
        Terminal::out(&format!("      {}: {}", change.weight.name(), change.text))?;
    }
    for name in before.failing.iter().filter(|name| !now.failing.contains(name)) {
        Terminal::out(&format!("ok    {name}, again"))?;
    }
    let was: BTreeMap<&str, &str> =
        before.answers.iter().map(|answer| (answer.row.as_str(), answer.text.as_str())).collect();
    let known = now.answers.iter().filter_map(|now| Some((now, *was.get(now.row.as_str())?)));
    let known: Vec<(&Answer, &str)> = known.collect();
    let differing: Vec<_> = known.iter().filter(|(now, was)| now.text != *was).collect();
    let (some, all) = (counted(differing.len() as u64), counted(known.len() as u64));
    Terminal::out(&match (known.first(), differing.is_empty()) {
        (None, _) => "      other needs: no made-up row is as it was before".to_owned(),
        (Some(_), true) => format!("      all {all} made-up rows are answered as before"),
        (Some(_), false) => format!("      {some} of {all} made-up rows are answered otherwise"),
    })?;
    for (now, was) in differing.into_iter().take(ANSWERS_SHOWN) {
        let row = if now.row.is_empty() { "the whole tables" } else { &now.row };
        Terminal::out(&format!("      {row}\n        was  {was}\n        is   {}", now.text))?;
    }
    Ok(())
}

/// Runs the native tests, and asks the component what they asked.
fn natively(plugin: &Plugin, name: &str, path: &Path) -> Result<()> {
    let kept = tempfile::tempdir().context("cannot make a folder for the cases of native tests")?;
    native_tests(path, kept.path())?;
    let checks = cases::of_native_tests(plugin, name, kept.path())?;
    let failing = show_failing(&checks)?;
    Terminal::out(&format!(
        "native tests pass; of what they asked, the sandbox answers {} of {} tests alike",
        checks.len() - failing.len(),
        checks.len()
    ))
}

/// Length and time of every file that a build may read.
fn sources(folder: &Path) -> Result<BTreeMap<PathBuf, (u64, SystemTime)>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            // A file may go between the two calls: the next event tells of it.
            let Ok(about) = entry.metadata() else { continue };
            let name = entry.file_name();
            if about.is_dir() {
                if !WRITTEN_BY_TOOLS.iter().any(|tools| name == *tools) {
                    folders.push(entry.path());
                }
            } else if !is_lock(&name.to_string_lossy()) {
                found.insert(entry.path(), (about.len(), about.modified()?));
            }
        }
    }
    Ok(found)
}

/// Lock files are written by builds themselves.
fn is_lock(name: &str) -> bool {
    matches!(name, "Cargo.lock" | "package-lock.json")
}
