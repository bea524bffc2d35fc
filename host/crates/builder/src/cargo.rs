//! Runs of cargo in which nothing that another folder left is taken for a workspace's own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::crates::{Package, Workspace, cdylib};
use crate::error::BuildError;
use crate::options::{Options, Progress};
use crate::process::{Ran, run_lines};
use crate::toolchain::{TARGET, Toolchain, clean_environment};
use crate::turn::Turn;

/// Profile of all plugins. It is given on the command line, so that no partner's manifest needs it.
const PROFILE: [&str; 7] = [
    "profile.plugin.inherits=\"release\"",
    "profile.plugin.opt-level=3",
    "profile.plugin.lto=true",
    "profile.plugin.codegen-units=1",
    "profile.plugin.panic=\"abort\"",
    "profile.plugin.debug=false",
    "profile.plugin.overflow-checks=false",
];
/// Fixed-width SIMD and bulk memory; not relaxed SIMD, whose results differ between machines.
const FEATURES: &str =
    "target.wasm32-unknown-unknown.rustflags=[\"-C\", \"target-feature=+simd128,+bulk-memory\"]";

/// Runs cargo for the wanted crates of one workspace; returns the module of each manifest.
pub(crate) fn compile(
    toolchain: &Toolchain,
    workspace: &Workspace,
    turn: &mut Turn,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<BTreeMap<PathBuf, PathBuf>, BuildError> {
    progress(Progress::Compiling(workspace.names()));
    let build = || cargo_build(toolchain, workspace, options);
    let remove = || {
        let mut command = cargo(toolchain, workspace);
        command.args(["clean", "--quiet", "--profile", "plugin", "--target", TARGET]);
        command.arg("--target-dir").arg(&options.target_dir);
        configure(&mut command, options);
        command
    };
    let told = own_run(workspace, turn, &build, &remove, &mut |package, done| {
        progress(Progress::Compiled { package: package.to_owned(), done });
    })?;
    if told.ran.status.success() {
        return distinct(told.modules);
    }
    // Cargo's own words come last: a missing crate or a broken manifest is told there alone.
    let messages = format!("{}{}", told.messages, told.ran.stderr.trim());
    Err(BuildError::Cargo { crates: workspace.names().join(", "), messages })
}

/// Two crates of one workspace whose libraries have one name have one module, that of either.
fn distinct(modules: BTreeMap<PathBuf, PathBuf>) -> Result<BTreeMap<PathBuf, PathBuf>, BuildError> {
    let mut seen: BTreeMap<&Path, &Path> = BTreeMap::new();
    for (manifest, module) in &modules {
        if let Some(other) = seen.insert(module, manifest) {
            return Err(BuildError::NotAPlugin {
                path: manifest.clone(),
                reason: format!("its library has the name of that of `{}`", other.display()),
            });
        }
    }
    Ok(modules)
}

/// Cargo in the root of a workspace.
pub(crate) fn cargo(toolchain: &Toolchain, workspace: &Workspace) -> Command {
    let mut command = Command::new(toolchain.cargo());
    clean_environment(&mut command);
    toolchain.prepare(&mut command);
    command.current_dir(&workspace.root);
    command
}

fn cargo_build(toolchain: &Toolchain, workspace: &Workspace, options: &Options) -> Command {
    let mut command = cargo(toolchain, workspace);
    command
        .args(["build", "--lib", "--profile", "plugin", "--message-format", "json", "--quiet"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&options.target_dir)
        .args(toolchain.arguments());
    configure(&mut command, options);
    for one in &workspace.wanted {
        command.args(["--package", &one.id]);
    }
    limit_jobs(&mut command, options);
    command
}

fn configure(command: &mut Command, options: &Options) {
    let strip =
        if options.names { "profile.plugin.strip=false" } else { "profile.plugin.strip=true" };
    for setting in PROFILE.into_iter().chain([strip, FEATURES]) {
        command.args(["--config", setting]);
    }
}

pub(crate) fn limit_jobs(command: &mut Command, options: &Options) {
    if let Some(jobs) = options.jobs {
        command.args(["--jobs", &jobs.to_string()]);
    }
}

/// What a run of cargo told.
pub(crate) struct Told {
    ran: Ran,
    /// Packages of folders that it made or found fresh.
    packages: BTreeSet<Package>,
    /// Manifests and modules of plugins.
    modules: BTreeMap<PathBuf, PathBuf>,
    /// Words of the compiler about what is wrong.
    messages: String,
}

/// Runs cargo so that nothing which another folder left is taken for this workspace's own; hands over the name and number of what is
/// done. The last run may have failed.
pub(crate) fn own_run(
    workspace: &Workspace,
    turn: &mut Turn,
    compile: &dyn Fn() -> Command,
    remove: &dyn Fn() -> Command,
    done: &mut dyn FnMut(&str, usize),
) -> Result<Told, BuildError> {
    let mut foreign: BTreeSet<Package> =
        turn.take_over(&workspace.root, &workspace.members).into_iter().cloned().collect();
    loop {
        if !foreign.is_empty() {
            forget(remove(), &foreign).inspect_err(|_| turn.disown())?;
        }
        let told = run_cargo(compile(), done).inspect_err(|_| turn.disown())?;
        if told.ran.status.code().is_none() {
            // It was killed, so it may have left more than it told.
            turn.disown();
            return Ok(told);
        }
        // Packages that are no members show when they are used.
        foreign = turn.take_over(&workspace.root, &told.packages).into_iter().cloned().collect();
        if foreign.is_empty() {
            return Ok(told);
        }
    }
}

/// Removes what lies in the folder under the names of these packages.
fn forget(mut command: Command, packages: &BTreeSet<Package>) -> Result<(), BuildError> {
    for one in packages {
        command.args(["--package", &one.id]);
    }
    let ran = run_lines(&mut command, |_| {})?;
    if ran.status.success() {
        return Ok(());
    }
    let names: Vec<&str> = packages.iter().map(|one| one.name.as_str()).collect();
    Err(BuildError::Cargo { crates: names.join(", "), messages: ran.stderr.trim().to_owned() })
}

fn run_cargo(mut command: Command, done: &mut dyn FnMut(&str, usize)) -> Result<Told, BuildError> {
    tracing::debug!(command = ?command, "cargo runs");
    let (mut packages, mut modules) = (BTreeSet::new(), BTreeMap::new());
    let (mut messages, mut count) = (String::new(), 0);
    let ran = run_lines(&mut command, |line| {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return };
        match message["reason"].as_str() {
            Some("compiler-artifact") => {
                count += 1;
                done(message["target"]["name"].as_str().unwrap_or_default(), count);
                packages.extend(package_of(&message));
                modules.extend(module_of(&message));
            }
            Some("compiler-message") if message["message"]["level"] == "error" => {
                messages.push_str(message["message"]["rendered"].as_str().unwrap_or_default());
            }
            _ => {}
        }
    })?;
    Ok(Told { ran, packages, modules, messages })
}

/// The package of a message about something finished, where it lies in a folder.
fn package_of(message: &Value) -> Option<Package> {
    let id = message["package_id"].as_str()?;
    let place = id.strip_prefix("path+")?;
    // "path+file:///folder#name@version", or without the name where the folder has it.
    let (folder, name) = place.rsplit_once('#')?;
    let name = match name.split_once('@') {
        Some((name, _)) => name,
        None => folder.rsplit('/').next()?,
    };
    Some(Package {
        name: name.to_owned(),
        id: id.to_owned(),
        manifest: PathBuf::from(message["manifest_path"].as_str()?),
        library: cdylib(&message["target"]),
    })
}

/// Manifest and module of a message about a finished `cdylib`.
fn module_of(message: &Value) -> Option<(PathBuf, PathBuf)> {
    let manifest = PathBuf::from(message["manifest_path"].as_str()?);
    let files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
    let module = files.map(PathBuf::from).find(|f| f.extension().is_some_and(|e| e == "wasm"))?;
    Some((manifest, module))
}
