//! The SDK for Rust as it travels with the program: its sources and those of the contract, with manifests that need no workspace.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use toml::{Table, Value};

use crate::BuildError;
use crate::sdk::CONTRACT;

/// Folder of the copy in a new crate.
pub(crate) const FOLDER: &str = "playbook-sdk";
/// The crate of the SDK below it.
pub(crate) const CRATE: &str = "playbook-sdk/plugin-sdk";
/// Versions that the SDK was tested with; cargo drops what is not used.
pub(crate) const LOCK: &str = include_str!("../../../../Cargo.lock");

static SDK_SOURCES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../../plugin-sdk/src");
static CONTRACT_SOURCES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../../wit/src");
const SDK_MANIFEST: &str = include_str!("../../../../plugin-sdk/Cargo.toml");
/// The guide is the documentation of the crate.
const GUIDE: &str = include_str!("../../../../plugin-sdk/docs/guide.md");
const CONTRACT_MANIFEST: &str = include_str!("../../../../wit/Cargo.toml");
const WORKSPACE: &str = include_str!("../../../../Cargo.toml");

/// Parts of a manifest that only a checkout can use.
const OF_THE_CHECKOUT: [&str; 5] = ["lints", "dev-dependencies", "example", "test", "bench"];

/// Files of the copy by their paths in it.
///
/// # Errors
/// Manifests that cannot be read: a fault of the program.
pub(crate) fn files() -> Result<Vec<(PathBuf, String)>, BuildError> {
    let mut files = vec![
        (PathBuf::from("plugin-sdk/Cargo.toml"), standalone(SDK_MANIFEST)?),
        (PathBuf::from("wit/Cargo.toml"), standalone(CONTRACT_MANIFEST)?),
        (PathBuf::from("plugin-sdk/docs/guide.md"), GUIDE.to_owned()),
        (PathBuf::from("wit/v0.1/plugin.wit"), CONTRACT.to_owned()),
    ];
    sources(&SDK_SOURCES, Path::new("plugin-sdk/src"), &mut files);
    sources(&CONTRACT_SOURCES, Path::new("wit/src"), &mut files);
    Ok(files)
}

fn sources(folder: &Dir<'_>, place: &Path, files: &mut Vec<(PathBuf, String)>) {
    for file in folder.files() {
        let text = String::from_utf8_lossy(file.contents()).into_owned();
        files.push((place.join(file.path()), text));
    }
    for below in folder.dirs() {
        sources(below, place, files);
    }
}

/// A manifest in which nothing is left to the workspace.
fn standalone(manifest: &str) -> Result<String, BuildError> {
    let read = |text: &str| text.parse::<Table>().map_err(|e| BuildError::Sdk(e.to_string()));
    let workspace = read(WORKSPACE)?;
    let of = |part: &str| workspace.get("workspace").and_then(|all| all.get(part)?.as_table());
    let nothing = Table::new();
    let (package, dependencies) =
        (of("package").unwrap_or(&nothing), of("dependencies").unwrap_or(&nothing));
    let mut manifest = read(manifest)?;
    manifest.retain(|part, _| !OF_THE_CHECKOUT.contains(&part));
    filled(manifest.get_mut("package"), package);
    filled(manifest.get_mut("dependencies"), dependencies);
    let targets = manifest.get_mut("target").and_then(Value::as_table_mut);
    for (_, target) in targets.into_iter().flatten() {
        filled(target.get_mut("dependencies"), dependencies);
    }
    Ok(manifest.to_string())
}

/// Puts what the workspace says where a table leaves it to the workspace; paths lead out of the crate's folder.
fn filled(table: Option<&mut Value>, workspace: &Table) {
    let entries = table.and_then(Value::as_table_mut).into_iter().flatten();
    for (name, value) in entries {
        let is_of_workspace = value.get("workspace").and_then(Value::as_bool) == Some(true);
        let Some(said) = workspace.get(name).filter(|_| is_of_workspace) else { continue };
        let own = value.as_table().cloned().unwrap_or_default();
        *value = said.clone();
        if let Some(path) = value.get_mut("path")
            && let Some(text) = path.as_str()
        {
            *path = Value::String(format!("../{text}"));
        }
        // Features of the crate's own stand beside those of the workspace.
        let more = own.into_iter().filter(|(key, _)| key != "workspace");
        for (key, own) in more {
            if let Value::String(version) = value {
                *value = Table::from_iter([("version".to_owned(), Value::String(version.clone()))])
                    .into();
            }
            let Some(table) = value.as_table_mut() else { continue };
            match (table.get_mut(&key).and_then(Value::as_array_mut), own) {
                (Some(said), Value::Array(own)) => said.extend(own),
                (_, own) => drop(table.insert(key, own)),
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn manifests_of_the_copy_leave_nothing_to_a_workspace() {
        let files = files().unwrap();
        let manifests: Vec<_> =
            files.iter().filter(|(path, _)| path.ends_with("Cargo.toml")).collect();
        assert_eq!(manifests.len(), 2);
        for (path, text) in manifests {
            let manifest: Table = text.parse().unwrap();
            assert!(!text.contains("workspace"), "{}: {text}", path.display());
            assert_eq!(manifest["package"]["edition"].as_str(), Some("2024"));
        }
        let sdk = files.iter().find(|(path, _)| path == Path::new("plugin-sdk/Cargo.toml"));
        let sdk: Table = sdk.unwrap().1.parse().unwrap();
        assert_eq!(sdk["dependencies"]["playbook-contract"]["path"].as_str(), Some("../wit"));
        assert!(files.iter().any(|(path, _)| path == Path::new("plugin-sdk/src/testing/cases.rs")));
    }
}
