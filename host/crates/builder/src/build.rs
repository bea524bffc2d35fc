//! The build: one run of cargo for each workspace, then one component for each module that changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use playbook_files::write_whole;
use playbook_model::Digest;
use serde_json::Value;

use crate::component::componentise;
use crate::crates::{Crate, crates_at};
use crate::error::BuildError;
use crate::options::{Options, Progress};
use crate::process::run_lines;
use crate::toolchain::{TARGET, Toolchain, clean_environment, find_or_install};

/// Profile of all plugins. It is given on the command line, so that no partner's manifest needs it.
const PROFILE: [&str; 8] = [
    "profile.plugin.inherits=\"release\"",
    "profile.plugin.opt-level=3",
    "profile.plugin.lto=true",
    "profile.plugin.codegen-units=1",
    "profile.plugin.panic=\"abort\"",
    "profile.plugin.strip=true",
    "profile.plugin.debug=false",
    "profile.plugin.overflow-checks=false",
];
/// Fixed-width SIMD and bulk memory; not relaxed SIMD, whose results differ between machines.
const FEATURES: &str =
    "target.wasm32-unknown-unknown.rustflags=[\"-C\", \"target-feature=+simd128,+bulk-memory\"]";

/// A component that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Name of the plugin's crate.
    pub plugin: String,
    /// The component's file.
    pub component: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Whether it was there already.
    pub fresh: bool,
}

/// Builds the plugin crates at `paths`, in that order.
///
/// # Errors
/// Where there is no toolchain, a path is no plugin crate, the compiler refuses, or the result is
/// no plugin of the contract.
pub fn build(
    paths: &[&Path],
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Built>, BuildError> {
    let toolchain = find_or_install(options, progress)?;
    let crates = crates_at(&toolchain, paths)?;
    let mut workspaces: BTreeMap<&Path, Vec<&Crate>> = BTreeMap::new();
    for one in &crates {
        workspaces.entry(&one.workspace).or_default().push(one);
    }
    let mut modules = BTreeMap::new();
    for members in workspaces.values() {
        modules.append(&mut compile(&toolchain, members, options, progress)?);
    }
    let mut built = Vec::with_capacity(crates.len());
    for one in &crates {
        let module = modules.get(&one.manifest).ok_or_else(|| BuildError::Componentise {
            plugin: one.name.clone(),
            reason: "cargo reported no module".to_owned(),
        })?;
        let ready = make(one, module, options)?;
        let (plugin, bytes, fresh) = (ready.plugin.clone(), ready.bytes, ready.fresh);
        progress(Progress::Ready { plugin, bytes, fresh });
        built.push(ready);
    }
    Ok(built)
}

/// Builds the one plugin crate at `path`.
///
/// # Errors
/// As [`build`].
pub fn build_one(
    path: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Built, BuildError> {
    let mut built = build(&[path], options, progress)?;
    Ok(built.pop().expect("one path gives one component"))
}

/// What the native tests of a crate said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeTests {
    /// Whether all passed.
    pub passed: bool,
    /// What cargo and the tests printed.
    pub output: String,
}

/// Runs the native tests of the crate at `path` with `cargo test`, in a folder of their own beside
/// the components. They see the variables of `environment` beside the caller's.
///
/// # Errors
/// Where there is no toolchain, the path is no plugin crate, or cargo cannot be started. Tests that
/// fail are a result, not an error.
pub fn test_natively(
    path: &Path,
    environment: &[(&str, &Path)],
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<NativeTests, BuildError> {
    let toolchain = find_or_install(options, progress)?;
    let crates = crates_at(&toolchain, &[path])?;
    let one = crates.first().expect("one path gives one crate");
    progress(Progress::Testing(one.name.clone()));
    let mut command = Command::new(toolchain.cargo());
    clean_environment(&mut command);
    toolchain.prepare(&mut command);
    command.envs(environment.iter().copied());
    command
        .args(["test", "--package", &one.name, "--target-dir"])
        .arg(options.target_dir.join("native"))
        .current_dir(&one.workspace);
    if let Some(jobs) = options.jobs {
        command.args(["--jobs", &jobs.to_string()]);
    }
    let mut output = String::new();
    let ran = run_lines(&mut command, |line| {
        output.push_str(line);
        output.push('\n');
    })?;
    let passed = ran.status.success();
    Ok(NativeTests { passed, output: format!("{}{output}", ran.stderr) })
}

/// Runs cargo for crates of one workspace; returns the module of each manifest.
fn compile(
    toolchain: &Toolchain,
    crates: &[&Crate],
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<BTreeMap<PathBuf, PathBuf>, BuildError> {
    let names: Vec<String> = crates.iter().map(|one| one.name.clone()).collect();
    progress(Progress::Compiling(names.clone()));
    let mut command = cargo_build(toolchain, crates, options);
    tracing::debug!(command = ?command, "cargo runs");
    let (mut modules, mut messages, mut done) = (BTreeMap::new(), String::new(), 0);
    let ran = run_lines(&mut command, |line| {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return };
        match message["reason"].as_str() {
            Some("compiler-artifact") => {
                done += 1;
                let package = message["target"]["name"].as_str().unwrap_or_default().to_owned();
                progress(Progress::Compiled { package, done });
                modules.extend(module_of(&message));
            }
            Some("compiler-message") if message["message"]["level"] == "error" => {
                messages.push_str(message["message"]["rendered"].as_str().unwrap_or_default());
            }
            _ => {}
        }
    })?;
    if ran.status.success() {
        return Ok(modules);
    }
    // Cargo's own words come last: a missing crate or a broken manifest is told there alone.
    messages.push_str(ran.stderr.trim());
    Err(BuildError::Cargo { crates: names.join(", "), messages })
}

fn cargo_build(toolchain: &Toolchain, crates: &[&Crate], options: &Options) -> Command {
    let mut command = Command::new(toolchain.cargo());
    clean_environment(&mut command);
    toolchain.prepare(&mut command);
    command
        .args(["build", "--lib", "--profile", "plugin", "--message-format", "json", "--quiet"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&options.target_dir)
        .args(toolchain.arguments());
    for setting in PROFILE.iter().chain([&FEATURES]) {
        command.args(["--config", setting]);
    }
    for one in crates {
        command.args(["--package", &one.name]);
    }
    if let Some(jobs) = options.jobs {
        command.args(["--jobs", &jobs.to_string()]);
    }
    if let Some(first) = crates.first() {
        command.current_dir(&first.workspace);
    }
    command
}

/// Manifest and module of a message about a finished `cdylib`.
fn module_of(message: &Value) -> Option<(PathBuf, PathBuf)> {
    let manifest = PathBuf::from(message["manifest_path"].as_str()?);
    let files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
    let module = files.map(PathBuf::from).find(|f| f.extension().is_some_and(|e| e == "wasm"))?;
    Some((manifest, module))
}

/// Makes the component of a module, unless the one that is there was made from the same bytes.
fn make(one: &Crate, module: &Path, options: &Options) -> Result<Built, BuildError> {
    let core = std::fs::read(module).map_err(BuildError::file(module, "read"))?;
    let folder = options.target_dir.join("components");
    std::fs::create_dir_all(&folder).map_err(BuildError::file(&folder, "made"))?;
    // Crates of two partners may share a name: the place tells them apart.
    let place = Digest::of(one.manifest.as_os_str().as_encoded_bytes()).hex();
    let component = folder.join(format!("{}-{}.wasm", one.name, &place[..8]));
    let note = component.with_extension("from");
    let from = format!("{} {}", Digest::of(&core), env!("CARGO_PKG_VERSION"));
    if let Some(built) = reuse(one, &component, &note, &from) {
        return Ok(built);
    }
    let bytes = componentise(&one.name, &core)?;
    write_whole(&component, &bytes)?;
    let digest = Digest::of(&bytes);
    write_whole(&note, format!("{from} {digest}").as_bytes())?;
    Ok(Built {
        plugin: one.name.clone(),
        component,
        bytes: bytes.len() as u64,
        digest,
        fresh: false,
    })
}

/// The component that is there, where its note tells of the same module and of its own bytes.
fn reuse(one: &Crate, component: &Path, note: &Path, from: &str) -> Option<Built> {
    let noted = std::fs::read_to_string(note).ok()?;
    let bytes = std::fs::read(component).ok()?;
    let digest = Digest::of(&bytes);
    (noted == format!("{from} {digest}")).then(|| Built {
        plugin: one.name.clone(),
        component: component.to_path_buf(),
        bytes: bytes.len() as u64,
        digest,
        fresh: true,
    })
}
