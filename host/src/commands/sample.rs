//! `playbook sample`: a synthetic community with known truth.

use std::path::Path;

use anyhow::Result;
use playbook_app::{Kept, check_written};
use playbook_sample::{Format, SampleSpec, Summary, write_sample};

use crate::cli::{SampleArgs, SampleFormat};
use crate::progress::Shown;
use crate::session::Session;
use crate::terminal::{Terminal, counted};

pub(crate) fn sample(session: &Session, args: &SampleArgs) -> Result<()> {
    let format = match args.format {
        SampleFormat::Parquet => Format::Parquet,
        SampleFormat::Csv => Format::Csv,
    };
    let spec = SampleSpec { members: args.members, seed: args.seed, format, threads: None };
    let summary = write(session, &spec, &args.out)?;
    let counts = &summary.counts;
    let mut text = format!(
        "{} members, {} events in `{}`\n",
        counted(counts.members),
        counted(counts.events),
        args.out.display()
    );
    for file in &summary.files {
        text.push_str(&format!("  {}\n", file.display()));
    }
    Terminal::out(&text)?;
    Ok(())
}

/// Writes a sample with a progress bar, but not among the files of a run, of a brand's state or of the host.
pub(crate) fn write(session: &Session, spec: &SampleSpec, out: &Path) -> Result<Summary> {
    use playbook_cycle::Progress as _;
    let own = session.host.home().own_dirs();
    let kept: Vec<(Kept, &Path)> = own.iter().map(|own| (Kept::HomePart, own.as_path())).collect();
    check_written(out, &kept)?;
    let shown = Shown::new(session.terminal, false);
    let mut before = 0;
    let summary = write_sample(spec, out, &mut |progress| {
        shown.advanced("sample members", progress.members - before, Some(progress.members_total));
        before = progress.members;
    })?;
    shown.finished("sample members");
    Ok(summary)
}
