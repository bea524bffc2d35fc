//! `playbook run`: one cycle of a playbook.

use anyhow::Result;

use crate::cli::RunArgs;
use crate::commands::cycle::{self, Job};
use crate::session::Session;
use crate::terminal::Terminal;

pub(crate) fn run(session: &Session, args: &RunArgs) -> Result<()> {
    let job = Job::new(&args.file, &args.cycle, args.dry_run);
    let (place, record, finished) = cycle::run(session, &job, &args.out)?;
    if args.cycle.json {
        Terminal::out(&serde_json::to_string_pretty(&record)?);
    } else {
        cycle::print_summary(session, &finished, Some(&place));
    }
    Ok(())
}
