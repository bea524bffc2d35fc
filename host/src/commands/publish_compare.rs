//! `playbook plugin compare`: what a new version changes for playbooks, and which version it has to be.

use anyhow::Result;
use playbook_app::{changes, next_version, weight};
use serde_json::json;

use super::publish::{look, version};
use crate::session::Session;
use crate::terminal::Terminal;

pub(crate) fn compare(
    session: &Session,
    (old, new): (&str, &str),
    settings: &str,
    as_json: bool,
) -> Result<()> {
    let old = look(session, old, settings)?.offer;
    let new = look(session, new, settings)?.offer;
    let found = changes(&old, &new);
    let weight = weight(&found);
    let (before, after) = (version(&old.description.version)?, version(&new.description.version)?);
    let least = next_version(&before, weight);
    let is_enough = after >= least && after > before;
    if as_json {
        let rows = found.iter().map(|change| {
            json!({ "weight": change.weight.name(), "what": change.what, "change": change.text })
        });
        return Terminal::json(&json!({
            "old": { "plugin": old.description.name, "version": before.to_string(), "bytes": old.bytes },
            "new": { "plugin": new.description.name, "version": after.to_string(), "bytes": new.bytes },
            "weight": weight.name(), "version_least": least.to_string(), "version_is_enough": is_enough,
            "changes": rows.collect::<Vec<_>>(),
        }));
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|change| {
            vec![change.weight.name().to_owned(), change.what.to_owned(), change.text.clone()]
        })
        .collect();
    match rows.as_slice() {
        [] => Terminal::out("nothing differs that a playbook could see")?,
        rows => Terminal::out(session.terminal.table(&["weight", "what", "change"], &[], rows))?,
    }
    let advice = match is_enough {
        true => format!("{before} to {after}: enough, the least would be {least}"),
        false => format!("{before} to {after}: not enough; the least after {before} is {least}"),
    };
    Terminal::out(&advice)
}
