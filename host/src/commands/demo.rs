//! `playbook demo`: everything from a checkout to a report, in one command.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use playbook_app::{self as app, Job};
use playbook_sample::{Format, SampleSpec};

use crate::cli::DemoArgs;
use crate::commands::cycle::{cores, print_summary};
use crate::commands::plugin::build_noisily;
use crate::commands::sample;
use crate::progress::Shown;
use crate::session::Session;
use crate::terminal::Terminal;

/// The playbook that the demo runs.
pub(crate) const PLAYBOOK: &str = "playbooks/demo-club.toml";
const SEED: u64 = 1;

pub(crate) fn demo(session: &Session, args: &DemoArgs) -> Result<()> {
    let root = checkout()?;
    let (out, data) = (args.out.join("run"), args.out.join(format!("sample-{}", args.members)));
    let shown = session.shown(false);
    let mut job = Job::new(&root.join(PLAYBOOK));
    job.data = Some(data.clone());
    job.state = Some(args.out.join("state"));
    job.threads = cores();
    job.lang = args.lang.lang();
    job.progress = std::sync::Arc::<Shown>::clone(&shown);
    // Before minutes of work are done.
    app::check_job(&session.host, &job, &out)?;
    Terminal::note("1/3 reference plugins");
    install_reference_plugins(session, &root)?;
    Terminal::note("2/3 sample community");
    if data.join("truth.json").is_file() {
        Terminal::note(&format!("  `{}` is there already", data.display()));
    } else {
        let spec = SampleSpec {
            members: args.members,
            seed: SEED,
            format: Format::Parquet,
            threads: None,
        };
        sample::write(session, &spec, &data)?;
    }
    Terminal::note(&format!("3/3 one cycle of {PLAYBOOK}"));
    let (place, _, finished) = app::run(&session.host, &job, &out)?;
    shown.clear();
    print_summary(session, &finished, Some(&place))
}

/// The checkout around the current folder or the program.
pub(crate) fn checkout() -> Result<PathBuf> {
    let starts = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    for start in starts.into_iter().flatten() {
        for folder in start.ancestors() {
            if folder.join(PLAYBOOK).is_file() && folder.join("plugins").is_dir() {
                return Ok(folder.to_path_buf());
            }
        }
    }
    bail!(
        "the demo's playbook stands in a checkout of the host, beside the sources of its plugins; run this inside one, or name a playbook"
    )
}

/// Builds and installs every plugin of the checkout; what has not changed is not built again.
pub(crate) fn install_reference_plugins(session: &Session, root: &Path) -> Result<()> {
    let folder = root.join("plugins");
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("cannot read `{}`", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect();
    paths.sort();
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    for built in build_noisily(&paths)? {
        let (_, plugin) = session.host.plugin(&built.component.to_string_lossy())?;
        let about = crate::conformance::guest(&built.plugin, plugin.describe()?)?;
        // The demo's plugins are those of the checkout, whatever an earlier one left under their versions.
        session.host.home().replace(&fs::read(&built.component)?, &about.name, &about.version)?;
    }
    Ok(())
}
