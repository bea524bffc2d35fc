//! Plugins in Python: their tests by unittest, their components by componentize-py, which brings CPython.

use std::path::{Path, PathBuf};
use std::process::Command;

use playbook_model::Kind;
use serde_json::Value;

use crate::error::BuildError;
use crate::process::run;
use crate::project::{ASK_WITHIN, GENERATED, Tongue, missing, version_of};

/// The tool, with the version that plugins are tested with.
const TOOL: &str = "componentize-py";
const TOOL_VERSION: &str = "0.25.1";
const PYTHON: &str = "python3";
/// Oldest Python that the SDK is written for: the first that reads a manifest by itself.
const MINOR_MIN: u32 = 11;
const ENTRY: &str = "playbook_entry";
/// Prints name and kind of a manifest as JSON.
const FACTS: &str = "import json, sys, tomllib
try:
    with open(sys.argv[1], 'rb') as file:
        manifest = tomllib.load(file)
except tomllib.TOMLDecodeError as error:
    sys.exit(f'it is no TOML: {error}')
def table(of, name):
    found = of.get(name)
    return found if isinstance(found, dict) else {}
named, tool = table(manifest, 'project'), table(table(manifest, 'tool'), 'playbook')
print(json.dumps({'name': named.get('name'), 'kind': tool.get('kind')}, default=str))";

/// The language.
#[derive(Debug)]
pub(crate) struct Python;

impl Tongue for Python {
    fn manifest(&self) -> &'static str {
        "pyproject.toml"
    }

    fn facts(&self, manifest: &Path) -> Result<(Value, &'static str), BuildError> {
        let faulty = |reason: String| BuildError::NotAPlugin { path: manifest.to_owned(), reason };
        match run(python().args(["-I", "-c", FACTS]).arg(manifest), ASK_WITHIN) {
            Ok(ran) if ran.status.success() => {
                let facts =
                    serde_json::from_str(&ran.stdout).map_err(|error| faulty(error.to_string()))?;
                Ok((facts, "`kind = KIND` under `[tool.playbook]`"))
            }
            ran => {
                self.interpreter()?;
                Err(faulty(ran?.stderr.trim().to_owned()))
            }
        }
    }

    fn tool(&self) -> (&'static str, &'static str) {
        (TOOL, TOOL_VERSION)
    }

    fn install(&self, folder: &Path) -> (PathBuf, Vec<Command>) {
        // A folder of its own: many systems let pip install nowhere else.
        let mut room = python();
        // What an attempt that was stopped left there is made again.
        room.args(["-m", "venv", "--clear"]).arg(folder);
        let programs = folder.join("bin");
        let mut command = Command::new(programs.join("python3"));
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        command.arg(format!("{TOOL}=={TOOL_VERSION}"));
        (programs.join(TOOL), vec![room, command])
    }

    fn help(&self) -> String {
        format!(
            "  sudo apt-get install -y --no-install-recommends python3 python3-venv\n  \
             python3 -m venv FOLDER && FOLDER/bin/pip install {TOOL}=={TOOL_VERSION}"
        )
    }

    fn interpreter(&self) -> Result<(), BuildError> {
        let version = version_of(self, PYTHON)?;
        match minor(&version) {
            Some(minor) if MINOR_MIN <= minor => Ok(()),
            _ => Err(missing(self, format!("{version} is older than 3.{MINOR_MIN}"))),
        }
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["py", "toml", "txt"]
    }

    fn no_sources(&self) -> &'static [&'static str] {
        &["tests", ".venv", "__pycache__"]
    }

    fn tests(&self) -> Command {
        let mut command = python();
        command.args(["-m", "unittest"]);
        command
    }

    fn entry(&self, kind: Kind) -> (&'static str, String) {
        let name = kind.name();
        let class = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
        let text = format!(
            "from componentize_py_types import Err\nfrom playbook_sdk import guest, sandbox\n\
             from wit_world.imports import log, types\n\nsandbox.watch_clocks()\nimport plugin\n\n\
             Plugin, {class} = guest.bind(plugin.Plugin, \"{name}\", log, types, Err, sandbox.close)\n"
        );
        ("playbook_entry.py", text)
    }

    fn componentise(
        &self,
        tool: &Path,
        contract: &Path,
        project: &Path,
        world: &str,
        out: &Path,
    ) -> Command {
        let mut command = Command::new(tool);
        command.arg("--quiet").arg("--wit-path").arg(contract).args(["--world", world]);
        command.args(["componentize", "--stub-wasi", "--python-path", ".", "--python-path"]);
        command.arg(GENERATED).arg(ENTRY).arg("--output").arg(out);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        // Packages of the project go in where they are imported, those of whoever runs the program do not.
        let packages = project.join(".venv");
        match packages.is_dir() {
            true => command.env("VIRTUAL_ENV", packages),
            false => command.env_remove("VIRTUAL_ENV"),
        };
        command
    }
}

fn python() -> Command {
    Command::new(PYTHON)
}

/// The minor number of "Python 3.11.2".
fn minor(version: &str) -> Option<u32> {
    version.trim().strip_prefix("Python 3.")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_python_prints_them() {
        assert_eq!(minor("Python 3.11.2\n"), Some(11));
        assert_eq!(minor("Python 3.14.0rc1"), Some(14));
        assert_eq!((minor("Python 2.7.18"), minor("no such thing")), (None, None));
    }
}
