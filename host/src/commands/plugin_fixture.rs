//! `playbook plugin fixture`: rows from life for the tests of a plugin.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use playbook_app::{Wanted, fixture as taken};
use playbook_files::write_whole;

use crate::cli::PluginFixtureArgs;
use crate::progress::Shown;
use crate::session::Session;
use crate::terminal::{Terminal, counted};

/// Repeats a run and writes what one of its stages was asked and answered.
pub(crate) fn fixture(session: &Session, args: &PluginFixtureArgs) -> Result<()> {
    let shown = session.shown(false);
    let wanted = Wanted { stage: &args.stage, named: &args.member, count: args.members };
    let taken = taken(&session.host, &args.run, wanted, Arc::<Shown>::clone(&shown))?;
    shown.clear();
    for difference in &taken.differences {
        Terminal::note(&format!("warning: the run cannot be repeated byte by byte: {difference}"));
    }
    let file = args.out.clone().unwrap_or_else(|| format!("{}.jsonl", args.stage).into());
    let mut text = Vec::new();
    for case in &taken.cases {
        serde_json::to_writer(&mut text, case)?;
        text.push(b'\n');
    }
    write_whole(&file, &text).with_context(|| format!("cannot write `{}`", file.display()))?;
    let about = match (taken.cases.len(), taken.members) {
        (1, 0) => "1 question about whole tables".to_owned(),
        (1, members) => format!("1 question about {} members", counted(members.into())),
        (many, members) => format!("{many} questions, about {} members", counted(members.into())),
    };
    Terminal::out(&format!(
        "wrote `{}`: {about}\nnext: playbook plugin test PATH --cases {}",
        file.display(),
        file.display(),
    ))
}
