//! Installing components: what stands under a name and a version is not replaced unasked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use playbook_app::AppError;
use playbook_files::read_regular;
use playbook_model::Description;
use playbook_runtime::Plugin;
use serde_json::{Value, json};

use crate::commands::plugin::shape_json;
use crate::conformance::guest;
use crate::session::Session;
use crate::terminal::Terminal;

/// What becomes of other bytes under the same name and version.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Installs {
    /// They stay; what differs is told.
    Beside,
    /// They are replaced.
    Over,
}

impl Installs {
    pub(crate) fn new(replaces: bool) -> Self {
        if replaces { Self::Over } else { Self::Beside }
    }

    /// Installs the component of a plugin; returns where it is.
    pub(crate) fn install(
        self,
        session: &Session,
        file: &Path,
        plugin: &Plugin,
        about: &Description,
    ) -> Result<PathBuf> {
        let (bytes, home) = (read_regular(file)?, session.host.home());
        let done = match self {
            Self::Over => home.replace(&bytes, &about.name, &about.version),
            Self::Beside => home.install(&bytes, &about.name, &about.version),
        };
        match done {
            Err(AppError::OtherBytes { name, version, path }) => {
                let changes = match changes(session, &path, plugin, about) {
                    Ok(changes) => changes,
                    Err(error) => format!("  the one that is installed cannot be read: {error:#}"),
                };
                Err(anyhow!(
                    "`{name}` {version} is installed with other bytes, and playbooks that name it would change:\n{changes}\n\
                     give the plugin a new version, or install over it with --replace"
                ))
            }
            done => Ok(done?),
        }
    }
}

pub(crate) fn install(session: &Session, files: &[PathBuf], how: Installs) -> Result<()> {
    for file in files {
        let plugin = session.host.accepted(file)?;
        let about = guest(&file.to_string_lossy(), plugin.describe()?)?;
        let path = how.install(session, file, &plugin, &about)?;
        let (name, version) = (&about.name, &about.version);
        Terminal::out(&format!("{name} {version} is installed as {}", path.display()))?;
    }
    Ok(())
}

/// What a component says otherwise than the one that is installed, a line each.
fn changes(
    session: &Session,
    installed: &Path,
    plugin: &Plugin,
    about: &Description,
) -> Result<String> {
    let old = session.host.accepted(installed)?;
    let was = said(&old, &guest("the installed one", old.describe()?)?)?;
    let is = said(plugin, about)?;
    let lines = differences(&was, &is);
    let digests = format!("  digest: {} -> {}", old.digest(), plugin.digest());
    if lines.is_empty() {
        return Ok(format!(
            "{digests}\n  needs, outputs and settings are the same; the code differs"
        ));
    }
    Ok(format!("{digests}\n{}", lines.join("\n")))
}

/// What a component says of itself under its default settings, by kind and name.
fn said(plugin: &Plugin, about: &Description) -> Result<BTreeMap<String, Value>> {
    let schema: Value = serde_json::from_str(&about.settings_schema).unwrap_or_default();
    let mut said = BTreeMap::from([
        ("kind".to_owned(), json!({ "is": about.kind.name() })),
        ("fit".to_owned(), json!({ "possible": plugin.is_fitted() })),
    ]);
    for (name, setting) in schema["properties"].as_object().into_iter().flatten() {
        said.insert(format!("setting `{name}`"), setting.clone());
    }
    match guest(&about.name, plugin.check("{}")?) {
        Ok(shape) => said.extend(of_shape(&shape_json(&shape))),
        Err(error) => {
            said.insert("default settings".to_owned(), json!({ "refused": error.to_string() }));
        }
    }
    Ok(said)
}

fn of_shape(shape: &Value) -> Vec<(String, Value)> {
    let mut said = Vec::new();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut tables = list(&shape["tables"]);
    tables.extend((!shape["rows"].is_null()).then(|| shape["rows"].clone()));
    for table in tables {
        for need in list(&table["columns"]) {
            let (subject, source) = (text(&table["subject"]), text(&need["source"]));
            said.push((format!("need `{source}` of {subject}"), need));
        }
    }
    for (what, of, name) in [
        ("output", "produces", "name"),
        ("segment", "segments", "name"),
        ("action", "actions", "name"),
        ("reason", "reasons", "code"),
    ] {
        let named = list(&shape[of]).into_iter();
        said.extend(named.map(|one| (format!("{what} `{}`", text(&one[name])), one)));
    }
    said
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What is new, gone or different, a line each.
fn differences(was: &BTreeMap<String, Value>, is: &BTreeMap<String, Value>) -> Vec<String> {
    let mut lines = Vec::new();
    for (what, old) in was {
        match is.get(what) {
            None => lines.push(format!("  {what} is gone")),
            Some(new) if new != old => {
                lines.push(format!("  {what} changes: {}", parts(old, new).join(", ")));
            }
            Some(_) => {}
        }
    }
    let new = is.keys().filter(|what| !was.contains_key(*what));
    lines.extend(new.map(|what| format!("  {what} is new")));
    lines
}

/// The parts of two records that differ.
fn parts(old: &Value, new: &Value) -> Vec<String> {
    let keys = |value: &Value| {
        value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
    };
    let mut all: Vec<String> = keys(old);
    let more: Vec<String> = keys(new);
    all.extend(more.into_iter().filter(|key| old.get(key).is_none()));
    let told = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), Value::to_string);
    let differs = all.into_iter().filter(|key| old.get(key) != new.get(key));
    differs.map(|key| format!("{key} {} -> {}", told(old.get(&key)), told(new.get(&key)))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_gone_or_different_is_told_by_name() {
        let said = |setting: Value, need: &str| {
            BTreeMap::from([
                ("setting `days`".to_owned(), setting),
                (format!("need `{need}` of member"), json!({ "type": "integer" })),
            ])
        };
        let was = said(json!({ "type": "integer", "default": 20 }), "days_30d");
        let is = said(json!({ "type": "integer", "default": 30, "maximum": 30 }), "days_90d");
        assert_eq!(
            differences(&was, &is),
            [
                "  need `days_30d` of member is gone",
                "  setting `days` changes: default 20 -> 30, maximum none -> 30",
                "  need `days_90d` of member is new",
            ]
        );
        assert!(differences(&was, &was).is_empty());
    }
}
