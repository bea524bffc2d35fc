//! `playbook check`: every problem of a playbook, the plugins' own included.

use std::path::Path;

use anyhow::Result;
use playbook_app::{AppError, Pinned, Stages};
use playbook_runtime::Metering;
use playbook_toml::Disk;
use serde_json::json;

use crate::cli::CheckArgs;
use crate::failure::{Answered, problems_json};
use crate::session::Session;
use crate::terminal::Terminal;

/// Checks a playbook; a faulty one is [`AppError::Faulty`].
pub(crate) fn check(session: &Session, args: &CheckArgs) -> Result<()> {
    match checked(session, &args.file, args.file_only) {
        Ok(_) if args.json => Terminal::json(&json!({ "ok": true, "problems": [] })),
        Ok(text) => Terminal::out(&text),
        Err(error) => {
            let mut answer = json!({ "ok": false });
            if let Some(AppError::Faulty(problems)) = error.downcast_ref() {
                answer["problems"] = problems_json(problems).into();
            }
            Err(Answered::with(answer, error))
        }
    }
}

fn checked(session: &Session, file: &Path, file_only: bool) -> Result<String> {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
    let loaded = session.host.load(&file, &[], &Disk)?;
    let playbook = &loaded.playbook;
    let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    if file_only {
        return Ok(format!("{name}: the file is in order (plugins were not asked)"));
    }
    let none = Pinned::new();
    let how = Stages {
        metering: Metering::FuelAndEpoch,
        components: Path::new(""),
        pinned: &none,
        last_good: &none,
    };
    let stages = session.host.prepare(&loaded, &how)?;
    let order: Vec<&str> = stages.iter().map(|s| s.def.name.as_str()).collect();
    Ok(format!(
        "{name}: in order. {} sources, {} features, {} stages: {}",
        playbook.sources.len(),
        playbook.features.len(),
        stages.len(),
        order.join(" -> "),
    ))
}
