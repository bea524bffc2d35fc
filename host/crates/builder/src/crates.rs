//! Which packages lie at the paths that are to be built.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::BuildError;
use crate::process::run;
use crate::toolchain::{Toolchain, clean_environment};

const METADATA_WITHIN: Duration = Duration::from_secs(60);

/// A plugin crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crate {
    /// Name of the package.
    pub name: String,
    /// Name of its library, as in the file name of the module.
    pub library: String,
    /// Path of its `Cargo.toml`.
    pub manifest: PathBuf,
    /// Root of the workspace it belongs to, often its own folder.
    pub workspace: PathBuf,
}

/// All packages of one workspace that make a `cdylib`, and the manifests of those that do not.
#[derive(Debug)]
struct Workspace {
    crates: Vec<Crate>,
    others: Vec<PathBuf>,
}

/// Returns the plugin crates at `paths` (folders or `Cargo.toml` files), in that order.
///
/// # Errors
/// Where a path is no package, or its library is no `cdylib`.
pub fn crates_at(toolchain: &Toolchain, paths: &[&Path]) -> Result<Vec<Crate>, BuildError> {
    let mut known: Vec<Workspace> = Vec::new();
    let mut found = Vec::with_capacity(paths.len());
    for path in paths {
        let manifest = manifest_at(path)?;
        let seen = known.iter().any(|workspace| workspace.knows(&manifest));
        if !seen {
            known.push(read_workspace(toolchain, &manifest)?);
        }
        let mut crates = known.iter().flat_map(|workspace| &workspace.crates);
        match crates.find(|one| one.manifest == manifest) {
            Some(one) => found.push(one.clone()),
            None => {
                return Err(not_a_plugin(
                    path,
                    "its Cargo.toml needs `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]`",
                ));
            }
        }
    }
    Ok(found)
}

impl Workspace {
    fn knows(&self, manifest: &Path) -> bool {
        self.crates.iter().any(|one| one.manifest == manifest)
            || self.others.iter().any(|one| one == manifest)
    }
}

fn not_a_plugin(path: &Path, reason: impl Into<String>) -> BuildError {
    BuildError::NotAPlugin { path: path.to_path_buf(), reason: reason.into() }
}

fn manifest_at(path: &Path) -> Result<PathBuf, BuildError> {
    let manifest = if path.is_dir() { path.join("Cargo.toml") } else { path.to_path_buf() };
    if manifest.file_name().is_none_or(|name| name != "Cargo.toml") || !manifest.is_file() {
        return Err(not_a_plugin(path, "there is no Cargo.toml"));
    }
    manifest.canonicalize().map_err(BuildError::file(manifest, "read"))
}

fn read_workspace(toolchain: &Toolchain, manifest: &Path) -> Result<Workspace, BuildError> {
    let mut command = Command::new(toolchain.cargo());
    clean_environment(&mut command);
    toolchain.prepare(&mut command);
    command
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .current_dir(manifest.parent().unwrap_or(Path::new(".")));
    let ran = run(&mut command, METADATA_WITHIN)?;
    if !ran.status.success() {
        return Err(not_a_plugin(manifest, ran.stderr.trim()));
    }
    let value: Value = serde_json::from_str(&ran.stdout).map_err(|error| {
        not_a_plugin(manifest, format!("cargo metadata is unreadable: {error}"))
    })?;
    let root = PathBuf::from(value["workspace_root"].as_str().unwrap_or_default());
    let mut workspace = Workspace { crates: Vec::new(), others: Vec::new() };
    for package in value["packages"].as_array().into_iter().flatten() {
        let Some(manifest) = package["manifest_path"].as_str().map(PathBuf::from) else { continue };
        match cdylib(package) {
            Some((name, library)) => {
                let workspace_root = root.clone();
                workspace.crates.push(Crate { name, library, manifest, workspace: workspace_root });
            }
            None => workspace.others.push(manifest),
        }
    }
    if !workspace.knows(manifest) {
        return Err(not_a_plugin(manifest, "it is a workspace without a package of its own"));
    }
    Ok(workspace)
}

/// Names of a package and of its `cdylib` target.
fn cdylib(package: &Value) -> Option<(String, String)> {
    let targets = package["targets"].as_array()?;
    let is_cdylib = |target: &&Value| {
        let kinds = target["kind"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
    };
    let target = targets.iter().find(is_cdylib)?;
    let library = target["name"].as_str()?.replace('-', "_");
    Some((package["name"].as_str()?.to_owned(), library))
}
