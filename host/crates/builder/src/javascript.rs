//! Plugins in JavaScript: their tests by node, their components by componentize-qjs, whose engine is QuickJS.
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
use crate::options::{Options, Progress};
use crate::process::{run, typed};
use crate::sdk::CONTRACT;
use crate::turn::Turn;

/// The tool, with the version that plugins are tested with.
const TOOL: &str = "componentize-qjs";
const TOOL_VERSION: &str = "0.4.5";
/// Oldest node whose test runner the SDK uses.
const NODE_MIN: u32 = 18;
const ASK_WITHIN: Duration = Duration::from_secs(30);
const INSTALL_WITHIN: Duration = Duration::from_secs(600);
const BUILD_WITHIN: Duration = Duration::from_secs(600);
/// Folder of a project for what is generated.
const GENERATED: &str = ".playbook";
/// Folders whose files are no sources of the component.
const NO_SOURCES: [&str; 4] = [GENERATED, "node_modules", "test", ".git"];

/// A project of JavaScript.
#[derive(Debug)]
pub(crate) struct Project {
    folder: PathBuf,
    name: String,
    kind: Kind,
}

impl Project {
    /// The manifest of the project at `path`, where there is one and no crate.
    pub(crate) fn at(path: &Path) -> Option<PathBuf> {
        let manifest = path.join("package.json");
        (manifest.is_file() && !path.join("Cargo.toml").is_file()).then_some(manifest)
    }

    /// Reads the project at `path`.
    pub(crate) fn read(path: &Path) -> Result<Self, BuildError> {
        let manifest = path.join("package.json");
        let faulty = |reason: String| BuildError::NotAPlugin { path: manifest.clone(), reason };
        let bytes = std::fs::read(&manifest).map_err(BuildError::file(&manifest, "read"))?;
        let value: Value =
            serde_json::from_slice(&bytes).map_err(|e| faulty(format!("it is no JSON: {e}")))?;
        let name = value["name"].as_str().ok_or_else(|| faulty("it has no `name`".to_owned()))?;
        let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        let kind = value["playbook"]["kind"].as_str();
        let kind = kind.and_then(|kind| Kind::ALL.into_iter().find(|one| one.name() == kind));
        let kind = kind.ok_or_else(|| {
            let kinds = kinds.join(", ");
            faulty(format!("it needs `\"playbook\": {{ \"kind\": KIND }}`, one of {kinds}"))
        })?;
        let folder = path.canonicalize().map_err(BuildError::file(path, "read"))?;
        Ok(Self { folder, name: name.to_owned(), kind })
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
        let tool = tool(options, progress)?;
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
        node()?;
        progress(Progress::Testing(self.name.clone()));
        let mut command = Command::new("node");
        command.arg("--test").current_dir(&self.folder).envs(environment.iter().copied());
        // A test of a test runner takes another form of output.
        command.env_remove("NODE_TEST_CONTEXT");
        NativeTests::run(&mut command)
    }

    /// What the component is made from, as one word.
    fn from(&self) -> Result<String, BuildError> {
        let mut sources = Vec::new();
        gather(&self.folder, Path::new(""), &mut sources)?;
        sources.sort();
        let mut all = format!("{TOOL} {TOOL_VERSION} {}\n", self.kind.name()).into_bytes();
        all.extend_from_slice(Digest::of(CONTRACT.as_bytes()).hex().as_bytes());
        for path in sources {
            let file = self.folder.join(&path);
            let text = std::fs::read(&file).map_err(BuildError::file(&file, "read"))?;
            all.extend_from_slice(format!("\n{} {}", path.display(), Digest::of(&text)).as_bytes());
        }
        Ok(Digest::of(&all).hex())
    }

    fn componentise(&self, tool: &Path, options: &Options) -> Result<Vec<u8>, BuildError> {
        let contract = options.target_dir.join("contract");
        write(&contract.join("plugin.wit"), CONTRACT)?;
        let kind = self.kind.name();
        let entry = format!(
            "import host from \"playbook:plugin/log@0.1.0\";\nimport definition from \"../plugin.js\";\n\
             import {{ bind }} from \"../playbook-sdk/src/guest.js\";\n\n\
             export const {{ plugin, {kind} }} = bind(definition, host);\n"
        );
        let generated = self.folder.join(GENERATED);
        write(&generated.join("entry.js"), &entry)?;
        let component = generated.join("component.wasm");
        let mut command = Command::new("node");
        command.arg(tool).current_dir(&self.folder).arg("--wit").arg(&contract);
        command.args(["--js", ".playbook/entry.js", "--module-root", ".", "--world"]);
        command.arg(format!("{kind}-plugin")).args(["--stub-wasi", "--sync", "--output"]);
        command.arg(&component);
        let ran = run(&mut command, BUILD_WITHIN)?;
        if !ran.status.success() {
            let messages = format!("{}{}", ran.stdout, ran.stderr);
            return Err(BuildError::Tool { plugin: self.name.clone(), tool: TOOL, messages });
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

/// Gathers the paths of a project's sources.
fn gather(folder: &Path, below: &Path, sources: &mut Vec<PathBuf>) -> Result<(), BuildError> {
    let here = folder.join(below);
    for entry in std::fs::read_dir(&here).map_err(BuildError::file(&here, "read"))? {
        let entry = entry.map_err(BuildError::file(&here, "read"))?;
        let path = below.join(entry.file_name());
        let is_source = path.extension().is_some_and(|e| e == "js" || e == "mjs" || e == "json");
        if folder.join(&path).is_dir() {
            if !NO_SOURCES.iter().any(|name| entry.file_name() == *name) {
                gather(folder, &path, sources)?;
            }
        } else if is_source {
            sources.push(path);
        }
    }
    Ok(())
}

fn missing(what: String) -> BuildError {
    BuildError::NoTool {
        what,
        commands: format!(
            "  sudo apt-get install -y --no-install-recommends nodejs npm\n  npm install {TOOL}@{TOOL_VERSION}"
        ),
    }
}

/// Finds node, and says so where it is absent or too old.
fn node() -> Result<(), BuildError> {
    let ran = run(Command::new("node").arg("--version"), ASK_WITHIN)
        .map_err(|_| missing("there is no `node` on the search path".to_owned()))?;
    let version = ran.stdout.trim();
    let major = version.trim_start_matches('v').split('.').next().and_then(|n| n.parse().ok());
    match major {
        Some(major) if NODE_MIN <= major => Ok(()),
        _ => Err(missing(format!("node {version} is older than {NODE_MIN}"))),
    }
}

/// The tool, installed beside the components where it is absent.
fn tool(options: &Options, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf, BuildError> {
    node()?;
    let folder = options.target_dir.join("tools").join(format!("{TOOL}-{TOOL_VERSION}"));
    let program = folder.join("node_modules").join(TOOL).join("bin").join(TOOL);
    if program.is_file() {
        return Ok(program);
    }
    if !options.may_install {
        return Err(missing(format!("`{}` is not there", program.display())));
    }
    std::fs::create_dir_all(&folder).map_err(BuildError::file(&folder, "made"))?;
    let mut command = Command::new("npm");
    command.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"]).arg(&folder);
    command.arg(format!("{TOOL}@{TOOL_VERSION}"));
    progress(Progress::Installing(typed(&command)));
    let ran = run(&mut command, INSTALL_WITHIN).map_err(|error| missing(error.to_string()))?;
    if ran.status.success() && program.is_file() {
        return Ok(program);
    }
    Err(missing(format!("`{}` failed:\n{}", typed(&command), ran.stderr.trim())))
}
