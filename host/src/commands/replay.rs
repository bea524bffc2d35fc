//! `playbook replay`: runs a finished run again, from what it saved, and compares bytes.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use playbook_app::{self as app, Differences};
use serde_json::json;

use crate::cli::ReplayArgs;
use crate::failure::Answered;
use crate::progress::Shown;
use crate::session::Session;
use crate::terminal::Terminal;

/// Runs a run again. Fails where a byte differs.
pub(crate) fn replay(session: &Session, args: &ReplayArgs) -> Result<()> {
    let shown = session.shown(args.json);
    let progress = Arc::<Shown>::clone(&shown);
    let differences = app::replay(&session.host, &args.run, args.out.as_deref(), progress)?;
    shown.clear();
    let Differences { files, lines } = differences;
    let answer = json!({ "same": lines.is_empty(), "files": files, "differences": lines });
    if !lines.is_empty() {
        let told = anyhow!("{} of {files} files differ:\n{}", lines.len(), lines.join("\n"));
        return Err(Answered::with(answer, told));
    }
    match args.json {
        true => Terminal::json(&answer),
        false => Terminal::out(&format!("{files} files, not a byte differs")),
    }
}
