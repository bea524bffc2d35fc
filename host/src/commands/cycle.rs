//! A cycle from the command line: the job that arguments ask for, and what it came to in words.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use playbook_app::{Counts, Finished, Job, shown};
use playbook_model::Kind;
use playbook_toml::Override;

use crate::cli::{ChangeArgs, CycleArgs};
use crate::progress::Shown;
use crate::session::Session;
use crate::terminal::{Terminal, counted, money};
use crate::text::Text;

/// The job that arguments ask for.
pub(crate) fn job(file: &Path, args: &CycleArgs, shown: &Arc<Shown>) -> Job {
    let mut job = Job::new(file);
    job.data.clone_from(&args.data);
    job.data_also.clone_from(&args.data_also);
    job.state.clone_from(&args.state);
    job.as_of.clone_from(&args.as_of);
    job.threads = args.threads.unwrap_or_else(cores).clamp(1, 256);
    job.metering = args.metering.metering();
    job.lang = args.lang.lang();
    job.progress = Arc::<Shown>::clone(shown);
    job
}

/// The changes of a playbook that arguments ask for.
pub(crate) fn overrides(args: &ChangeArgs) -> Result<Vec<Override>> {
    let split = |text: &str, what: &str| {
        let parts = text.split_once('=').map(|(a, b)| (a.trim().to_owned(), b.trim().to_owned()));
        parts.with_context(|| format!("`{text}` is not {what}"))
    };
    let mut changes = Vec::new();
    for swap in &args.swap {
        let (stage, plugin) = split(swap, "STAGE=PLUGIN")?;
        // What is typed here starts here; in a file it starts at the file.
        let is_file = plugin.contains('/') || plugin.ends_with(".wasm");
        let plugin = match std::path::absolute(&plugin) {
            Ok(path) if is_file => path.to_string_lossy().into_owned(),
            _ => plugin,
        };
        changes.push(Override::Swap { stage, plugin });
    }
    for set in &args.set {
        let (path, value) = split(set, "PATH=VALUE")?;
        changes.push(Override::Set { path, value });
    }
    Ok(changes)
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// Prints what a run came to, for people.
pub(crate) fn print_summary(
    session: &Session,
    finished: &Finished,
    place: Option<&Path>,
) -> Result<()> {
    let Finished { loaded, run, intake, .. } = finished;
    let playbook = &loaded.playbook;
    let terminal = session.terminal;
    let mut text = Text::default();
    let title = playbook.title.in_lang("en");
    text.push(&terminal.heading(&format!(
        "{title} ({}), as of {}, cycle {}{}\n",
        playbook.brand,
        shown(intake.as_of, &playbook.time_zone),
        run.number,
        if finished.dry_run { ", dry run: nothing was granted" } else { "" },
    )));
    let rows: Vec<Vec<String>> = intake
        .sources
        .iter()
        .map(|s| {
            vec![
                s.name.clone(),
                counted(s.rows_read),
                counted(s.rows_kept),
                counted(s.rejected.values().sum()),
                counted(s.duplicates),
            ]
        })
        .collect();
    text.push(&terminal.table(
        &["source", "rows read", "kept", "rejected", "duplicates"],
        &[1, 2, 3, 4],
        &rows,
    ));
    text.push_str("\n");
    for finding in &intake.findings {
        let source = finding.source.as_deref().unwrap_or("");
        text.push(&terminal.warning(source, &finding.text.en));
    }
    let rows: Vec<Vec<String>> = run
        .stages
        .iter()
        .map(|s| {
            vec![
                s.name.clone(),
                s.kind().name().to_owned(),
                format!("{} {}", s.about.name, s.about.version),
                counted(s.usage.calls),
                counted(s.usage.rows),
                format!("{:.0}", s.usage.wall.as_secs_f64() * 1e3),
                s.fault_told().map_or_else(|| "ok".to_owned(), |f| format!("left out: {f}")),
            ]
        })
        .collect();
    text.push(&terminal.table(
        &["stage", "kind", "plugin", "calls", "rows", "ms in calls", "outcome"],
        &[3, 4, 5],
        &rows,
    ));
    text.push_str("\n");
    text.push_str(&segments(finished));
    text.push_str(&decisions(finished));
    if let Some(place) = place {
        text.push_str(&format!("report   {}\n", place.join("report.html").display()));
        text.push_str(&format!("results  {}\n", place.display()));
    }
    Terminal::out(text)
}

fn segments(finished: &Finished) -> String {
    let run = &finished.run;
    let mut text = String::new();
    for stage in run.stages.iter().filter(|s| s.kind() == Kind::Segmentation) {
        let Some(column) = run.members.column(&format!("{}.segment", stage.name)) else { continue };
        let counts: Vec<String> = stage
            .shape
            .segments
            .iter()
            .map(|segment| {
                let n = (0..run.members.rows())
                    .filter(|r| column.text(*r) == Some(&segment.name))
                    .count();
                format!("{} {}", segment.name, counted(n as u64))
            })
            .collect();
        text.push_str(&format!("segments {}: {}\n", stage.name, counts.join(", ")));
    }
    text
}

fn decisions(finished: &Finished) -> String {
    let Finished { run, loaded, .. } = finished;
    let counts = Counts::of(&run.decisions);
    let (currency, digits) = (&loaded.playbook.currency, loaded.playbook.currency_digits);
    let refused: Vec<String> = counts
        .refused
        .iter()
        .map(|(code, of)| format!("{} {}", code.code(), counted(of.proposals)))
        .collect();
    let before = match counts.before.grants {
        0 => String::new(),
        n => format!("before   {} were granted by an earlier run of the cycle\n", counted(n)),
    };
    format!(
        "members  {}\ngrants   {} for {} {currency}, expected output {} {currency}\nrefused  {}\n",
        counted(run.members.rows() as u64),
        counted(counts.granted.grants),
        money(counts.granted.cost.0, digits),
        money(counts.granted.expected_output.0, digits),
        if refused.is_empty() { "none".to_owned() } else { refused.join(", ") },
    ) + &before
}
