//! Everything that can go wrong between a plugin's sources and its component.

use std::path::PathBuf;

use playbook_files::FileError;

/// Why a build, a scaffold or a reading failed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// No toolchain compiles for the sandbox, and none could be installed.
    #[error(
        "no toolchain for {target} was found or could be installed\n\n\
         {tried}\n\
         Run one of these, then try again:\n{commands}"
    )]
    NoToolchain {
        /// The target triple.
        target: &'static str,
        /// What was tried and why it did not do, one line each.
        tried: String,
        /// The exact commands that would help.
        commands: String,
    },
    /// The tools of a language are not there, and could not be installed.
    #[error("{what}\n\nRun these, then try again:\n{commands}")]
    NoTool {
        /// What is missing.
        what: String,
        /// The exact commands that would help.
        commands: String,
    },
    /// A tool could not make a component; what it said is part of the text.
    #[error("`{tool}` made no component of {plugin}\n\n{messages}")]
    Tool {
        /// Name of the plugin.
        plugin: String,
        /// The tool.
        tool: &'static str,
        /// What it said.
        messages: String,
    },
    /// The sources of the SDK that the program carries are not in order.
    #[error("the SDK that travels with the program cannot be read: {0}")]
    Sdk(String),
    /// The path is no plugin crate.
    #[error("`{path}` is no plugin crate: {reason}")]
    NotAPlugin {
        /// The path.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A program could not be started.
    #[error("`{program}` could not be started")]
    Start {
        /// Its name.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A program took too long and was stopped.
    #[error("`{program}` was stopped after {seconds} seconds")]
    TooLong {
        /// Its name.
        program: String,
        /// The bound.
        seconds: u64,
    },
    /// Cargo failed; the compiler's messages are part of the text.
    #[error("the build of {crates} failed\n\n{messages}")]
    Cargo {
        /// Names of the crates.
        crates: String,
        /// What cargo and the compiler said.
        messages: String,
    },
    /// The core module could not become a component.
    #[error("`{plugin}` cannot become a component: {reason}")]
    Componentise {
        /// Name of the plugin's crate.
        plugin: String,
        /// Why not.
        reason: String,
    },
    /// The module or component wants something that no host offers.
    #[error(
        "`{plugin}` imports `{import}`, which no playbook host offers: a plugin imports nothing but \
         `playbook:plugin/log`\n{advice}"
    )]
    Import {
        /// Name of the plugin.
        plugin: String,
        /// Name of the import.
        import: String,
        /// How to build without it.
        advice: String,
    },
    /// The component exports no complete world of the contract.
    #[error("`{plugin}` is no plugin of the contract: {reason}")]
    World {
        /// Name of the plugin.
        plugin: String,
        /// What is missing or too much.
        reason: String,
    },
    /// The bytes are no component.
    #[error("not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// A name that a crate or plugin cannot have.
    #[error("`{name}` is no plugin name: {reason}")]
    Name {
        /// The name.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// A file or folder could not be used.
    #[error("`{path}` could not be {action}")]
    File {
        /// Its path.
        path: PathBuf,
        /// "read", "written" or "made".
        action: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// There is no start of that kind in that language.
    #[error(
        "there is no template of kind {kind} in {language}; `--lang rust` has all kinds, {language} scoring, segmentation and incentive"
    )]
    NoTemplate {
        /// The kind.
        kind: &'static str,
        /// The language.
        language: &'static str,
    },
    /// The folder for a new plugin holds something already.
    #[error("`{0}` exists and is not empty")]
    Exists(PathBuf),
}

impl From<FileError> for BuildError {
    fn from(fault: FileError) -> Self {
        Self::File { path: fault.path, action: "written", source: fault.source }
    }
}

impl BuildError {
    /// Wraps an error of the file system.
    pub(crate) fn file(
        path: impl Into<PathBuf>,
        action: &'static str,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, action, source }
    }
}
