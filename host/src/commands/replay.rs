//! `playbook replay`: runs a finished run again, from what it saved, and compares bytes.

use std::sync::Arc;

use anyhow::{Result, bail};
use playbook_app::{self as app, Differences};
use serde_json::json;

use crate::cli::ReplayArgs;
use crate::session::Session;
use crate::terminal::{Shown, Terminal};

/// Runs a run again. Fails where a byte differs.
pub(crate) fn replay(session: &Session, args: &ReplayArgs) -> Result<()> {
    let shown = session.shown(args.json);
    let progress = Arc::<Shown>::clone(&shown);
    let differences = app::replay(&session.host, &args.run, args.out.as_deref(), progress)?;
    shown.clear();
    let Differences { files, lines } = differences;
    if args.json {
        let text = serde_json::to_string_pretty(
            &json!({ "same": lines.is_empty(), "files": files, "differences": lines }),
        )?;
        Terminal::out(&text);
    } else if lines.is_empty() {
        Terminal::out(&format!("{files} files, not a byte differs"));
    }
    if lines.is_empty() {
        return Ok(());
    }
    bail!("{} of {files} files differ:\n  {}", lines.len(), lines.join("\n  "))
}
