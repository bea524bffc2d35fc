//! `playbook run`: one cycle of a playbook.

use anyhow::Result;
use playbook_app as app;

use crate::cli::RunArgs;
use crate::commands::cycle::{job, overrides, print_summary};
use crate::commands::deliver;
use crate::failure::Answered;
use crate::session::Session;
use crate::terminal::Terminal;

pub(crate) fn run(session: &Session, args: &RunArgs) -> Result<()> {
    let shown = session.shown(args.cycle.json);
    let mut job = job(&args.file, &args.cycle, &shown);
    job.dry_run = args.dry_run;
    job.earlier = args.earlier_cycle;
    job.overrides = overrides(&args.changes)?;
    let (place, mut record, finished) = app::run(&session.host, &job, &args.out)?;
    // Where there are connections for it, and the cycle is booked.
    let delivers = !job.dry_run && finished.delivers();
    let done = if delivers { app::deliver(&session.host, &place)? } else { Vec::new() };
    shown.clear();
    if delivers {
        record["deliveries"] = deliver::told(&done);
    }
    if let Some(fault) = deliver::fault(&place, &done) {
        if !args.cycle.json {
            print_summary(session, &finished, Some(&place))?;
        }
        return Err(Answered::with(record, fault));
    }
    if args.cycle.json {
        Terminal::json(&record)
    } else {
        print_summary(session, &finished, Some(&place))?;
        if done.is_empty() { Ok(()) } else { Terminal::out(deliver::words(&done)) }
    }
}
