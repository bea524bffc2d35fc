//! `playbook plugin search`: installed plugins, and those of a registry, by words.

use anyhow::{Result, bail};
use playbook_app::named_by;
use playbook_model::ArtefactRef;
use playbook_registry::{About, Listed, Registry, RegistryError, Store};
use serde_json::json;

use super::publish::{about, keys, look, versions};
use crate::session::Session;
use crate::terminal::{Terminal, grouped};

/// Repositories of a registry that one search looks into.
const REPOSITORIES_MAX: usize = 500;

/// A plugin that was found.
struct Row {
    about: About,
    bytes: u64,
    /// Where it is: a path, or an artefact with its digest.
    place: String,
    /// What signatures say of it.
    signed: String,
}

pub(crate) fn search(
    session: &Session,
    words: &[String],
    registry: Option<&str>,
    as_json: bool,
) -> Result<()> {
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let mut rows = match registry {
        None => installed(session)?,
        Some(text) => listed(session.host.artefacts()?, text)?,
    };
    rows.retain(|row| words.iter().all(|word| has(&row.about, word)));
    if as_json {
        let row = |row: &Row| {
            let about = &row.about;
            json!({
                "plugin": about.name, "version": about.version, "kind": about.kind, "contract": about.contract,
                "summary": about.summary, "languages": about.languages, "needs": about.needs,
                "bytes": row.bytes, "place": row.place, "signed": row.signed,
            })
        };
        return Terminal::json(&rows.iter().map(row).collect::<Vec<_>>());
    }
    if rows.is_empty() {
        return Terminal::out("no plugin has all of these words; without words all are shown");
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.about.name.clone(),
                row.about.version.clone(),
                row.about.kind.clone(),
                row.about.summary.clone(),
                row.about.languages.join(", "),
                row.about.needs.join(", "),
                grouped(i64::try_from(row.bytes).unwrap_or(i64::MAX)),
                row.signed.clone(),
            ]
        })
        .collect();
    let header =
        ["plugin", "version", "kind", "what it does", "languages", "needs", "bytes", "signed"];
    Terminal::out(session.terminal.table(&header, &[6], &cells))?;
    if registry.is_some() {
        for row in &rows {
            Terminal::out(&format!("  {}", row.place))?;
        }
    }
    Ok(())
}

fn has(about: &About, word: &str) -> bool {
    let texts = [&about.name, &about.kind, &about.summary];
    let texts = texts.into_iter().chain(&about.languages).chain(&about.needs);
    texts.into_iter().any(|text| text.to_lowercase().contains(word))
}

fn installed(session: &Session) -> Result<Vec<Row>> {
    let store = session.host.artefacts()?;
    let mut rows = Vec::new();
    for one in session.host.home().installed()? {
        let path = one.path.to_string_lossy().into_owned();
        let looked = look(session, &path, "{}")?;
        let signed = match store.judge(&one.name, looked.plugin.digest()) {
            Ok(verdict) => verdict.to_string(),
            Err(untrusted) => untrusted.to_string(),
        };
        let signed = if store.trust().is_none() { "no policy".to_owned() } else { signed };
        rows.push(Row { about: about(&looked), bytes: looked.offer.bytes, place: path, signed });
    }
    Ok(rows)
}

/// The newest version of every plugin of a registry, or of a folder in it.
fn listed(store: &Store, text: &str) -> Result<Vec<Row>> {
    let (host, folder) = place(text)?;
    let registry = store.registry()?;
    let repositories = match registry.repositories(&host) {
        Ok(found) => {
            let inside = |name: &String| {
                folder.as_ref().is_none_or(|folder| {
                    name == folder
                        || name
                            .strip_prefix(folder.as_str())
                            .is_some_and(|rest| rest.starts_with('/'))
                })
            };
            found.into_iter().filter(inside).collect()
        }
        // Many registries tell nobody what they have; one repository can be asked all the same.
        Err(error) => match folder {
            Some(folder) if !error.is_away() => vec![folder],
            _ => bail!(
                "{error}; a registry that lists nothing can be asked for one repository: {text}/REPOSITORY"
            ),
        },
    };
    if repositories.len() > REPOSITORIES_MAX {
        let count = repositories.len();
        bail!(
            "there are {count} repositories, more than the {REPOSITORIES_MAX} that are looked into; name a folder: oci://{host}/FOLDER"
        );
    }
    let mut rows = Vec::new();
    let mut others = 0;
    for repository in repositories {
        let reference = ArtefactRef { host: host.clone(), repository, tag: None, digest: None };
        match newest(registry, &reference) {
            Ok(Some(found)) => {
                let signed = signed(store, registry, &found);
                let place = found.reference.to_string();
                rows.push(Row { about: found.about, bytes: found.bytes, place, signed });
            }
            Ok(None) | Err(RegistryError::NoPlugin { .. } | RegistryError::Absent { .. }) => {
                others += 1
            }
            Err(other) => return Err(other.into()),
        }
    }
    if others > 0 {
        Terminal::note(&format!("{others} repositories hold no plugin with a version"));
    }
    Ok(rows)
}

fn newest(registry: &Registry, reference: &ArtefactRef) -> Result<Option<Listed>, RegistryError> {
    let tags = registry.tags(reference)?;
    let Some((_, tag)) = versions(&tags).max() else { return Ok(None) };
    registry.listed(&reference.tagged(&tag)).map(Some)
}

fn signed(store: &Store, registry: &Registry, found: &Listed) -> String {
    let Some(digest) = found.reference.digest else { return String::new() };
    let signatures = match registry.signatures(&found.reference, digest) {
        Ok(signatures) => signatures,
        Err(error) => return format!("cannot be told: {error}"),
    };
    match store.trust().map(|trust| trust.judge(&found.about.name, Some(&signatures))) {
        Some(Ok(_)) => "trusted".to_owned(),
        Some(Err(_)) if signatures.keys().next().is_some() => "by others".to_owned(),
        _ => keys(&signatures).first().cloned().unwrap_or_else(|| "no".to_owned()),
    }
}

/// Host and folder of a registry that was typed.
fn place(text: &str) -> Result<(String, Option<String>)> {
    let text = text.trim_end_matches('/');
    let rest = text.strip_prefix("oci://").unwrap_or(text);
    if rest.contains('/') {
        let reference = named_by(text)?;
        return Ok((reference.host, Some(reference.repository)));
    }
    // A host alone is no reference; with any repository it is read by the same rules.
    let reference = named_by(&format!("{text}/any"))?;
    Ok((reference.host, None))
}
