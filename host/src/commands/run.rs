//! `playbook run`: one cycle of a playbook.

use anyhow::Result;
use playbook_app as app;

use crate::cli::RunArgs;
use crate::commands::cycle::{job, print_summary};
use crate::session::Session;
use crate::terminal::Terminal;

pub(crate) fn run(session: &Session, args: &RunArgs) -> Result<()> {
    let shown = session.shown(args.cycle.json);
    let mut job = job(&args.file, &args.cycle, &shown);
    job.dry_run = args.dry_run;
    job.earlier = args.earlier_cycle;
    let (place, record, finished) = app::run(&session.host, &job, &args.out)?;
    shown.clear();
    if args.cycle.json {
        Terminal::json(&record)
    } else {
        print_summary(session, &finished, Some(&place))
    }
}
