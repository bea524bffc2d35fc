//! `playbook sample`: a synthetic community with known truth.

use std::path::Path;

use anyhow::Result;
use playbook_sample::{Format, SampleSpec, Summary, write_sample};

use crate::cli::{SampleArgs, SampleFormat};
use crate::session::Session;
use crate::terminal::{Shown, Terminal, grouped};

pub(crate) fn sample(session: &Session, args: &SampleArgs) -> Result<()> {
    let format = match args.format {
        SampleFormat::Parquet => Format::Parquet,
        SampleFormat::Csv => Format::Csv,
    };
    let spec = SampleSpec { members: args.members, seed: args.seed, format, threads: None };
    let summary = write(session, &spec, &args.out)?;
    let counts = &summary.counts;
    let big = |n: u64| grouped(i64::try_from(n).unwrap_or(i64::MAX));
    let mut text = format!(
        "{} members, {} events in `{}`\n",
        big(counts.members),
        big(counts.events),
        args.out.display()
    );
    for file in &summary.files {
        text.push_str(&format!("  {}\n", file.display()));
    }
    Terminal::out(&text);
    Ok(())
}

/// Writes a sample with a progress bar.
pub(crate) fn write(session: &Session, spec: &SampleSpec, out: &Path) -> Result<Summary> {
    use playbook_cycle::Progress as _;
    let shown = Shown::new(session.terminal, false);
    let mut before = 0;
    let summary = write_sample(spec, out, &mut |progress| {
        shown.advanced("sample members", progress.members - before, Some(progress.members_total));
        before = progress.members;
    })?;
    shown.finished("sample members");
    Ok(summary)
}
