//! Which packages lie at the paths that are to be built, and in which workspaces.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::BuildError;
use crate::process::run;
use crate::toolchain::{Toolchain, clean_environment};

const METADATA_WITHIN: Duration = Duration::from_secs(60);

/// A package that lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// What cargo calls it, unique.
    pub(crate) id: String,
    /// Path of its `Cargo.toml`.
    pub(crate) manifest: PathBuf,
    /// Name of its `cdylib`, as in the file name of the module; a plugin has one.
    pub(crate) library: Option<String>,
}

/// A workspace, often a single package, and which of its packages are to be built.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// All its members.
    pub(crate) members: Vec<Package>,
    /// Those that were asked for: plugins, in the order of `members`.
    pub(crate) wanted: Vec<Package>,
}

/// Returns the workspaces of the plugin crates at `paths` (folders or `Cargo.toml` files), and the crates' manifests in the order of
/// `paths`.
///
/// # Errors
/// Where a path is no package, or its library is no `cdylib`.
pub(crate) fn workspaces_of(
    toolchain: &Toolchain,
    paths: &[&Path],
) -> Result<(Vec<Workspace>, Vec<PathBuf>), BuildError> {
    let mut known: Vec<Workspace> = Vec::new();
    let mut manifests = Vec::with_capacity(paths.len());
    for path in paths {
        let manifest = manifest_at(path)?;
        if !known.iter().any(|workspace| workspace.member(&manifest).is_some()) {
            known.push(read_workspace(toolchain, &manifest)?);
        }
        let mut holders = known.iter_mut().filter(|one| one.member(&manifest).is_some());
        let workspace = holders.next().expect("a workspace that was read holds its package");
        let package = workspace.member(&manifest).expect("it was found by it").clone();
        if package.library.is_none() {
            return Err(not_a_plugin(
                path,
                "its Cargo.toml needs `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]`",
            ));
        }
        if !workspace.wanted.contains(&package) {
            workspace.wanted.push(package);
        }
        manifests.push(manifest);
    }
    Ok((known, manifests))
}

impl Workspace {
    fn member(&self, manifest: &Path) -> Option<&Package> {
        self.members.iter().find(|one| one.manifest == manifest)
    }

    /// Names of the plugins that are to be built, for a person.
    pub(crate) fn names(&self) -> Vec<String> {
        self.wanted.iter().map(|one| one.name.clone()).collect()
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
    let members = value["packages"].as_array().into_iter().flatten().filter_map(package).collect();
    let workspace = Workspace { root, members, wanted: Vec::new() };
    if workspace.member(manifest).is_none() {
        return Err(not_a_plugin(manifest, "it is a workspace without a package of its own"));
    }
    Ok(workspace)
}

/// A package as cargo's metadata tell of it.
fn package(told: &Value) -> Option<Package> {
    let targets = told["targets"].as_array()?;
    Some(Package {
        name: told["name"].as_str()?.to_owned(),
        id: told["id"].as_str()?.to_owned(),
        manifest: PathBuf::from(told["manifest_path"].as_str()?),
        library: targets.iter().find_map(cdylib),
    })
}

/// The name of a target that is a `cdylib`.
pub(crate) fn cdylib(target: &Value) -> Option<String> {
    let kinds = target["kind"].as_array()?;
    let is_cdylib = kinds.iter().any(|kind| kind == "cdylib");
    is_cdylib.then(|| target["name"].as_str().map(|name| name.replace('-', "_")))?
}
