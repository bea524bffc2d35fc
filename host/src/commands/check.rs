//! `playbook check`: every problem of a playbook, the plugins' own included.

use std::path::Path;

use anyhow::Result;
use playbook_app::{AppError, Pinned, Stages, warnings, windows};
use playbook_runtime::Metering;
use playbook_toml::{Disk, Problems};
use serde_json::json;

use crate::cli::CheckArgs;
use crate::failure::{Answered, problems_json};
use crate::session::Session;
use crate::terminal::Terminal;

/// What a check found of a playbook that is in order.
struct InOrder {
    text: String,
    /// `None`: the plugins were not asked.
    warnings: Option<Problems>,
}

/// Checks a playbook; a faulty one is [`AppError::Faulty`].
pub(crate) fn check(session: &Session, args: &CheckArgs) -> Result<()> {
    match checked(session, &args.file, args.file_only) {
        Ok(found) if args.json => {
            let warnings = found.warnings.as_ref().map(problems_json).unwrap_or_default();
            Terminal::json(&json!({ "ok": true, "problems": [], "warnings": warnings }))
        }
        Ok(found) => {
            let warnings = found.warnings.filter(|warnings| !warnings.problems.is_empty());
            if let Some(warnings) = warnings {
                session.terminal.problems(&warnings);
            }
            Terminal::out(&found.text)
        }
        Err(error) => {
            let mut answer = json!({ "ok": false });
            if let Some(AppError::Faulty(problems)) = error.downcast_ref() {
                answer["problems"] = problems_json(problems).into();
            }
            Err(Answered::with(answer, error))
        }
    }
}

fn checked(session: &Session, file: &Path, file_only: bool) -> Result<InOrder> {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
    let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    if file_only {
        session.host.read(&file, &[], &Disk)?;
        let text = format!("{name}: the file is in order (plugins were not asked)");
        return Ok(InOrder { text, warnings: None });
    }
    let mut loaded = session.host.load(&file, &[], &Disk)?;
    let none = Pinned::new();
    let how = Stages {
        metering: Metering::FuelAndEpoch,
        components: Path::new(""),
        pinned: &none,
        last_good: &none,
    };
    let stages = session.host.prepare(&mut loaded, &how)?;
    let playbook = &loaded.playbook;
    let order: Vec<&str> = stages.iter().map(|s| s.def.name.as_str()).collect();
    let text = format!(
        "{name}: in order. {} sources, {} features, {} stages: {}\n{}",
        playbook.sources.len(),
        playbook.features.len(),
        stages.len(),
        order.join(" -> "),
        windows(playbook),
    );
    Ok(InOrder { text, warnings: Some(warnings(&loaded, &stages)) })
}
