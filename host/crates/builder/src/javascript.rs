//! Plugins in JavaScript: their tests by node, their components by componentize-qjs, whose engine is QuickJS.

use std::path::{Path, PathBuf};
use std::process::Command;

use playbook_model::Kind;
use serde_json::{Value, json};

use crate::error::BuildError;
use crate::project::{GENERATED, Tongue, missing, version_of};

/// The tool, with the version that plugins are tested with.
const TOOL: &str = "componentize-qjs";
const TOOL_VERSION: &str = "0.4.5";
/// Oldest node whose test runner the SDK uses.
const NODE_MIN: u32 = 18;
const ENTRY: &str = "entry.js";

/// The language.
#[derive(Debug)]
pub(crate) struct JavaScript;

impl Tongue for JavaScript {
    fn manifest(&self) -> &'static str {
        "package.json"
    }

    fn facts(&self, manifest: &Path) -> Result<(Value, &'static str), BuildError> {
        let bytes = std::fs::read(manifest).map_err(BuildError::file(manifest, "read"))?;
        let value: Value =
            serde_json::from_slice(&bytes).map_err(|error| BuildError::NotAPlugin {
                path: manifest.to_owned(),
                reason: format!("it is no JSON: {error}"),
            })?;
        let facts = json!({ "name": value["name"], "kind": value["playbook"]["kind"] });
        Ok((facts, "`\"playbook\": { \"kind\": KIND }`"))
    }

    fn tool(&self) -> (&'static str, &'static str) {
        (TOOL, TOOL_VERSION)
    }

    fn install(&self, folder: &Path) -> (PathBuf, Vec<Command>) {
        let mut command = Command::new("npm");
        command.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"]).arg(folder);
        command.arg(format!("{TOOL}@{TOOL_VERSION}"));
        (folder.join("node_modules").join(TOOL).join("bin").join(TOOL), vec![command])
    }

    fn help(&self) -> String {
        format!(
            "  sudo apt-get install -y --no-install-recommends nodejs npm\n  npm install {TOOL}@{TOOL_VERSION}"
        )
    }

    fn interpreter(&self) -> Result<(), BuildError> {
        let version = version_of(self, "node")?;
        let major = version.trim_start_matches('v').split('.').next().and_then(|n| n.parse().ok());
        match major {
            Some(major) if NODE_MIN <= major => Ok(()),
            _ => Err(missing(self, format!("node {version} is older than {NODE_MIN}"))),
        }
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["js", "mjs", "json"]
    }

    fn no_sources(&self) -> &'static [&'static str] {
        &["node_modules", "test"]
    }

    fn tests(&self) -> Command {
        let mut command = Command::new("node");
        // A test of a test runner takes another form of output.
        command.arg("--test").env_remove("NODE_TEST_CONTEXT");
        command
    }

    fn entry(&self, kind: Kind) -> (&'static str, String) {
        let kind = kind.name();
        let text = format!(
            "import host from \"playbook:plugin/log@0.1.0\";\nimport definition from \"../plugin.js\";\n\
             import {{ bind }} from \"../playbook-sdk/src/guest.js\";\n\n\
             export const {{ plugin, {kind} }} = bind(definition, host);\n"
        );
        (ENTRY, text)
    }

    fn componentise(
        &self,
        tool: &Path,
        contract: &Path,
        _project: &Path,
        world: &str,
        out: &Path,
    ) -> Command {
        let mut command = Command::new("node");
        command.arg(tool).arg("--wit").arg(contract).arg("--js");
        command.arg(Path::new(GENERATED).join(ENTRY)).args(["--module-root", ".", "--world"]);
        command.arg(world).args(["--stub-wasi", "--sync", "--output"]).arg(out);
        command
    }
}
