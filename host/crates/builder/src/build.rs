//! The build: one run of cargo for each workspace, then one component for each module that changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use playbook_files::write_whole;
use playbook_model::Digest;

use crate::cargo::{cargo, compile, limit_jobs, own_run};
use crate::component::componentise;
use crate::crates::{Package, Workspace, workspaces_of};
use crate::error::BuildError;
use crate::options::{Options, Progress};
use crate::process::run_lines;
use crate::project::Project;
use crate::toolchain::{Toolchain, find_or_install};
use crate::turn::Turn;

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
    let is_crate = |path: &&Path| !Project::is_at(path);
    let (crates, others): (Vec<&Path>, Vec<&Path>) = paths.iter().copied().partition(is_crate);
    let mut of_crates = build_crates(&crates, options, progress)?.into_iter();
    let mut of_others = Vec::with_capacity(others.len());
    for project in others.into_iter().filter_map(Project::at) {
        of_others.push(project?.build(options, progress)?);
    }
    let mut of_others = of_others.into_iter();
    let next = |path: &&Path| if is_crate(path) { of_crates.next() } else { of_others.next() };
    let built: Vec<Built> = paths.iter().filter_map(next).collect();
    for Built { plugin, bytes, fresh, .. } in &built {
        progress(Progress::Ready { plugin: plugin.clone(), bytes: *bytes, fresh: *fresh });
    }
    Ok(built)
}

/// Builds the crates at `paths`, in that order.
fn build_crates(
    paths: &[&Path],
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Built>, BuildError> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let toolchain = find_or_install(options, progress)?;
    let (workspaces, manifests) = workspaces_of(&toolchain, paths)?;
    let mut turn = Turn::take(&options.target_dir, progress)?;
    let mut make = |workspace| make_all(&toolchain, workspace, &mut turn, options, progress);
    let made: Result<Vec<_>, _> = workspaces.iter().map(&mut make).collect();
    // A crate that does not compile is no reason to build all others again.
    turn.end()?;
    let made: BTreeMap<&Path, Built> = made?.into_iter().flatten().collect();
    Ok(manifests.iter().filter_map(|manifest| made.get(manifest.as_path()).cloned()).collect())
}

/// Builds the wanted crates of one workspace; components by their manifests.
fn make_all<'a>(
    toolchain: &Toolchain,
    workspace: &'a Workspace,
    turn: &mut Turn,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<(&'a Path, Built)>, BuildError> {
    let modules = compile(toolchain, workspace, turn, options, progress)?;
    let component = |one: &'a Package| {
        let module = modules.get(&one.manifest).ok_or_else(|| BuildError::Componentise {
            plugin: one.name.clone(),
            reason: "cargo reported no module".to_owned(),
        })?;
        Ok((one.manifest.as_path(), make(one, module, options)?))
    };
    workspace.wanted.iter().map(component).collect()
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
/// the components, or those of a project with its language's own runner. They see the variables of `environment` beside the caller's.
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
    if let Some(project) = Project::at(path) {
        return project?.test(environment, progress);
    }
    let toolchain = find_or_install(options, progress)?;
    let (workspaces, _) = workspaces_of(&toolchain, &[path])?;
    let workspace = workspaces.first().expect("one path gives one workspace");
    let one = workspace.wanted.first().expect("one path gives one crate");
    let folder = options.target_dir.join("native");
    let mut turn = Turn::take(&folder, progress)?;
    progress(Progress::Testing(one.name.clone()));
    let command = || {
        let mut command = cargo(&toolchain, workspace);
        command.envs(environment.iter().copied());
        command.args(["test", "--package", &one.id, "--target-dir"]).arg(&folder);
        limit_jobs(&mut command, options);
        command
    };
    let compile = || {
        let mut command = command();
        command.args(["--no-run", "--quiet", "--message-format", "json"]);
        command
    };
    let remove = || {
        let mut command = cargo(&toolchain, workspace);
        command.args(["clean", "--quiet", "--target-dir"]).arg(&folder);
        command
    };
    // What does not compile is told by the run that follows, in cargo's own words.
    own_run(workspace, &mut turn, &compile, &remove, &mut |_, _| {})?;
    let tests = NativeTests::run(&mut command())?;
    turn.end()?;
    Ok(tests)
}

impl NativeTests {
    /// Runs tests; those that fail are a result.
    pub(crate) fn run(command: &mut Command) -> Result<Self, BuildError> {
        let mut output = String::new();
        let ran = run_lines(command, |line| {
            output.push_str(line);
            output.push('\n');
        })?;
        Ok(Self { passed: ran.status.success(), output: format!("{}{output}", ran.stderr) })
    }
}

/// Makes the component of a module, unless the one that is there was made from the same bytes.
fn make(one: &Package, module: &Path, options: &Options) -> Result<Built, BuildError> {
    let core = std::fs::read(module).map_err(BuildError::file(module, "read"))?;
    let component = place_of(&one.name, &one.manifest, options)?;
    let from = format!("{} {}", Digest::of(&core), env!("CARGO_PKG_VERSION"));
    if let Some(built) = reuse(&one.name, &component, &from) {
        return Ok(built);
    }
    keep(&one.name, component, &from, &componentise(&one.name, &core)?)
}

/// Writes a component with a note of what it was made from, by which [`reuse`] knows it.
pub(crate) fn keep(
    name: &str,
    component: PathBuf,
    from: &str,
    bytes: &[u8],
) -> Result<Built, BuildError> {
    write_whole(&component, bytes)?;
    let digest = Digest::of(bytes);
    write_whole(&component.with_extension("from"), format!("{from} {digest}").as_bytes())?;
    let plugin = name.to_owned();
    Ok(Built { plugin, component, bytes: bytes.len() as u64, digest, fresh: false })
}

/// Where the component of a plugin lies. Crates of two partners may share a name: the place of their sources tells them apart.
pub(crate) fn place_of(
    name: &str,
    source: &Path,
    options: &Options,
) -> Result<PathBuf, BuildError> {
    let folder = options.target_dir.join("components");
    std::fs::create_dir_all(&folder).map_err(BuildError::file(&folder, "made"))?;
    let place = Digest::of(source.as_os_str().as_encoded_bytes()).hex();
    Ok(folder.join(format!("{name}-{}.wasm", &place[..8])))
}

/// The component that is there, where its note tells of the same source and of its own bytes.
pub(crate) fn reuse(name: &str, component: &Path, from: &str) -> Option<Built> {
    let noted = std::fs::read_to_string(component.with_extension("from")).ok()?;
    let bytes = std::fs::read(component).ok()?;
    let digest = Digest::of(&bytes);
    (noted == format!("{from} {digest}")).then(|| Built {
        plugin: name.to_owned(),
        component: component.to_path_buf(),
        bytes: bytes.len() as u64,
        digest,
        fresh: true,
    })
}
