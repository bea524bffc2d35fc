//! `playbook check`: every problem of a playbook, the plugins' own included.

use std::path::Path;

use anyhow::Result;
use playbook_app::{AppError, Pinned, Stages};
use playbook_runtime::Metering;
use playbook_toml::{Disk, Problems};
use serde_json::{Value, json};

use crate::cli::CheckArgs;
use crate::session::Session;
use crate::terminal::Terminal;

/// Checks a playbook; a faulty one is [`AppError::Faulty`].
pub(crate) fn check(session: &Session, args: &CheckArgs) -> Result<()> {
    let checked = checked(session, &args.file, args.file_only);
    match checked {
        Ok(text) => {
            if args.json {
                Terminal::out(&json!({ "ok": true, "problems": [] }).to_string());
            } else {
                Terminal::out(&text);
            }
            Ok(())
        }
        Err(error) => {
            if let (true, Some(AppError::Faulty(problems))) = (args.json, error.downcast_ref()) {
                Terminal::out(&serde_json::to_string_pretty(
                    &json!({ "ok": false, "problems": as_json(problems) }),
                )?);
            }
            Err(error)
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

fn as_json(problems: &Problems) -> Vec<Value> {
    problems
        .problems
        .iter()
        .map(|p| {
            let position = problems.position(p);
            json!({
                "code": p.code,
                "message": p.message,
                "expected": p.expected,
                "hint": p.hint,
                "file": position.map(|(file, _, _)| file),
                "line": position.map(|(_, line, _)| line),
                "column": position.map(|(_, _, column)| column),
            })
        })
        .collect()
}
