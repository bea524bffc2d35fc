//! Projects of languages whose interpreter becomes part of the component: what they share, whatever the language.
//!
//! A rebuild does not give the same bytes, so a component is kept until a source, the kind or the tool changes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use playbook_files::write_whole;
use playbook_model::{Digest, Kind};
use serde_json::Value;

use crate::build::{Built, NativeTests, keep, place_of, reuse};
use crate::component::check_component;
use crate::error::BuildError;
use crate::javascript::JavaScript;
use crate::options::{Options, Progress};
use crate::process::{run, typed};
use crate::python::Python;
use crate::sdk::CONTRACT;
use crate::turn::Turn;

/// How long a program may take that is asked something short.
pub(crate) const ASK_WITHIN: Duration = Duration::from_secs(30);
const INSTALL_WITHIN: Duration = Duration::from_secs(600);
const BUILD_WITHIN: Duration = Duration::from_secs(600);
/// Folder of a project for what is generated.
pub(crate) const GENERATED: &str = ".playbook";

/// What is a language's own.
pub(crate) trait Tongue: std::fmt::Debug + Sync {
    /// File by which a project is known.
    fn manifest(&self) -> &'static str;
    /// What that file says, and where in it the kind stands, for a person.
    fn facts(&self, manifest: &Path) -> Result<(Value, &'static str), BuildError>;
    /// The tool that makes components, with its version.
    fn tool(&self) -> (&'static str, &'static str);
    /// The program of the tool, and the commands that install it in that folder.
    fn install(&self, folder: &Path) -> (PathBuf, Vec<Command>);
    /// What a person runs to have what is missing.
    fn help(&self) -> String;
    /// Finds the interpreter, and says so where it is absent or too old.
    fn interpreter(&self) -> Result<(), BuildError>;
    /// Extensions of sources.
    fn extensions(&self) -> &'static [&'static str];
    /// Folders whose files are no sources of the component, beside what is generated.
    fn no_sources(&self) -> &'static [&'static str];
    /// The interpreter, about to run a project's tests.
    fn tests(&self) -> Command;
    /// Name and text of the module where the component begins.
    fn entry(&self, kind: Kind) -> (&'static str, String);
    /// The tool, about to make the component of the entry in a project; the contract lies in the first folder.
    fn componentise(
        &self,
        tool: &Path,
        contract: &Path,
        project: &Path,
        world: &str,
        out: &Path,
    ) -> Command;
}

/// The languages, in the order in which manifests are looked for; a crate goes before all of them.
const TONGUES: [&dyn Tongue; 2] = [&JavaScript, &Python];

/// A project of one of the languages.
#[derive(Debug)]
pub(crate) struct Project {
    tongue: &'static dyn Tongue,
    folder: PathBuf,
    name: String,
    kind: Kind,
}

/// The language of the project at `path`, where there is one and no crate.
fn tongue_at(path: &Path) -> Option<&'static dyn Tongue> {
    if path.join("Cargo.toml").is_file() {
        return None;
    }
    TONGUES.into_iter().find(|tongue| path.join(tongue.manifest()).is_file())
}

impl Project {
    /// Whether there is a project, and no crate, at `path`.
    pub(crate) fn is_at(path: &Path) -> bool {
        tongue_at(path).is_some()
    }

    /// Reads the project at `path`, where there is one and no crate.
    pub(crate) fn at(path: &Path) -> Option<Result<Self, BuildError>> {
        tongue_at(path).map(|tongue| Self::read(tongue, path))
    }

    fn read(tongue: &'static dyn Tongue, path: &Path) -> Result<Self, BuildError> {
        let manifest = path.join(tongue.manifest());
        let (facts, kind_stands) = tongue.facts(&manifest)?;
        let faulty = |reason: String| BuildError::NotAPlugin { path: manifest.clone(), reason };
        let name = facts["name"].as_str().ok_or_else(|| faulty("it has no `name`".to_owned()))?;
        let kind = facts["kind"].as_str();
        let kind = kind.and_then(|kind| Kind::ALL.into_iter().find(|one| one.name() == kind));
        let kind = kind.ok_or_else(|| {
            let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            faulty(format!("it needs {kind_stands}, one of {}", kinds.join(", ")))
        })?;
        let folder = path.canonicalize().map_err(BuildError::file(path, "read"))?;
        Ok(Self { tongue, folder, name: name.to_owned(), kind })
    }

    /// Makes the component, unless the one that is there was made from the same.
    pub(crate) fn build(
        &self,
        options: &Options,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Built, BuildError> {
        let turn = Turn::take(&options.target_dir, progress)?;
        let component = place_of(&self.name, &self.folder, options)?;
        let from = self.from()?;
        if let Some(built) = reuse(&self.name, &component, &from) {
            turn.end()?;
            return Ok(built);
        }
        let tool = tool(self.tongue, options, progress)?;
        progress(Progress::Compiling(vec![self.name.clone()]));
        let bytes = self.componentise(&tool, options)?;
        check_component(&self.name, &bytes)?;
        let built = keep(&self.name, component, &from, &bytes)?;
        turn.end()?;
        Ok(built)
    }

    /// Runs the tests of the project.
    pub(crate) fn test(
        &self,
        environment: &[(&str, &Path)],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<NativeTests, BuildError> {
        self.tongue.interpreter()?;
        progress(Progress::Testing(self.name.clone()));
        let mut command = self.tongue.tests();
        NativeTests::run(command.current_dir(&self.folder).envs(environment.iter().copied()))
    }

    /// What the component is made from, as one word.
    fn from(&self) -> Result<String, BuildError> {
        let mut sources = Vec::new();
        self.gather(Path::new(""), &mut sources)?;
        sources.sort();
        let (tool, version) = self.tongue.tool();
        let mut all = format!("{tool} {version} {}\n", self.kind.name()).into_bytes();
        all.extend_from_slice(Digest::of(CONTRACT.as_bytes()).hex().as_bytes());
        for path in sources {
            let file = self.folder.join(&path);
            let text = std::fs::read(&file).map_err(BuildError::file(&file, "read"))?;
            all.extend_from_slice(format!("\n{} {}", path.display(), Digest::of(&text)).as_bytes());
        }
        Ok(Digest::of(&all).hex())
    }

    /// Gathers the paths of the sources below a folder of the project.
    fn gather(&self, below: &Path, sources: &mut Vec<PathBuf>) -> Result<(), BuildError> {
        let here = self.folder.join(below);
        for entry in std::fs::read_dir(&here).map_err(BuildError::file(&here, "read"))? {
            let entry = entry.map_err(BuildError::file(&here, "read"))?;
            let path = below.join(entry.file_name());
            let extension = path.extension().and_then(|extension| extension.to_str());
            if self.folder.join(&path).is_dir() {
                let mut left_out = self.tongue.no_sources().iter().chain(&[GENERATED, ".git"]);
                if !left_out.any(|name| entry.file_name() == *name) {
                    self.gather(&path, sources)?;
                }
            } else if extension.is_some_and(|e| self.tongue.extensions().contains(&e)) {
                sources.push(path);
            }
        }
        Ok(())
    }

    fn componentise(&self, tool: &Path, options: &Options) -> Result<Vec<u8>, BuildError> {
        let contract = options.target_dir.join("contract");
        write(&contract.join("plugin.wit"), CONTRACT)?;
        let generated = self.folder.join(GENERATED);
        let (name, entry) = self.tongue.entry(self.kind);
        write(&generated.join(name), &entry)?;
        let component = generated.join("component.wasm");
        let world = format!("{}-plugin", self.kind.name());
        let mut command =
            self.tongue.componentise(tool, &contract, &self.folder, &world, &component);
        let ran = run(command.current_dir(&self.folder), BUILD_WITHIN)?;
        if !ran.status.success() {
            let (tool, _) = self.tongue.tool();
            let messages = format!("{}{}", ran.stdout, ran.stderr);
            return Err(BuildError::Tool { plugin: self.name.clone(), tool, messages });
        }
        let bytes = std::fs::read(&component).map_err(BuildError::file(&component, "read"))?;
        // The component that counts is the one beside those of all other plugins.
        std::fs::remove_file(&component).map_err(BuildError::file(&component, "removed"))?;
        Ok(bytes)
    }
}

fn write(path: &Path, text: &str) -> Result<(), BuildError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(BuildError::file(folder, "made"))?;
    }
    Ok(write_whole(path, text.as_bytes())?)
}

/// What an interpreter says of its version.
pub(crate) fn version_of(tongue: &dyn Tongue, program: &str) -> Result<String, BuildError> {
    match run(Command::new(program).arg("--version"), ASK_WITHIN) {
        Ok(ran) => Ok(ran.stdout.trim().to_owned()),
        // It is there, and this machine has other things to do.
        Err(error @ BuildError::TooLong { .. }) => Err(error),
        Err(_) => Err(missing(tongue, format!("there is no `{program}` on the search path"))),
    }
}

/// Says what of a language is missing, and what to do about it.
pub(crate) fn missing(tongue: &dyn Tongue, what: String) -> BuildError {
    BuildError::NoTool { what, commands: tongue.help() }
}

/// The tool, installed beside the components where it is absent.
fn tool(
    tongue: &dyn Tongue,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, BuildError> {
    tongue.interpreter()?;
    let (name, version) = tongue.tool();
    let folder = options.target_dir.join("tools").join(format!("{name}-{version}"));
    let (program, commands) = tongue.install(&folder);
    if program.is_file() {
        return Ok(program);
    }
    let missing = |what: String| missing(tongue, what);
    if !options.may_install {
        return Err(missing(format!("`{}` is not there", program.display())));
    }
    std::fs::create_dir_all(&folder).map_err(BuildError::file(&folder, "made"))?;
    for mut command in commands {
        progress(Progress::Installing(typed(&command)));
        let ran = run(&mut command, INSTALL_WITHIN).map_err(|error| missing(error.to_string()))?;
        if !ran.status.success() {
            let said = format!("{}{}", ran.stdout, ran.stderr);
            return Err(missing(format!("`{}` failed:\n{}", typed(&command), said.trim())));
        }
    }
    if program.is_file() {
        return Ok(program);
    }
    Err(missing(format!("`{}` is not there, although it was installed", program.display())))
}
