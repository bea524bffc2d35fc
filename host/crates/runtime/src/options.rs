//! What a host sets once, what a playbook sets per plugin, and how calls are metered.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use playbook_model::{Digest, Limits};

/// How the instructions of a guest are bounded. Each way has an artefact of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metering {
    /// Fuel, the same on every machine, and the wall clock as a backstop.
    FuelAndEpoch,
    /// The wall clock alone: faster for batches; how far a runaway guest comes differs by machine.
    EpochOnly,
}

impl Metering {
    /// Name as the compile command and records write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FuelAndEpoch => "fuel-and-epoch",
            Self::EpochOnly => "epoch-only",
        }
    }

    /// Reads a name that [`Metering::name`] gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::FuelAndEpoch, Self::EpochOnly].into_iter().find(|m| m.name() == name)
    }
}

/// Where components are compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// In a child process under limits of CPU and memory: the only choice for what strangers send.
    Child {
        /// Program that calls [`crate::compile_child_main`].
        program: PathBuf,
        /// What comes before the arguments of [`crate::compile_child_main`], such as a subcommand.
        arguments: Vec<OsString>,
    },
    /// In this process, without limits: only for components that were built here a moment ago.
    InProcess,
}

/// What a host sets once.
#[derive(Debug, Clone)]
pub struct RuntimeOptions {
    /// Folder of compiled code; created where absent. Anybody may read or lose it.
    pub cache_dir: PathBuf,
    /// Folder of the key that authenticates compiled code; created where absent, mode 0700.
    pub key_dir: PathBuf,
    /// Where components are compiled.
    pub compiler: Compiler,
    /// Most instances alive at once, over all plugins.
    pub instances_max: u32,
    /// How long a call waits for an instance before it fails with [`crate::RuntimeError::Busy`].
    pub wait_max: Duration,
    /// Greatest limits that a playbook may ask for.
    pub ceiling: Limits,
    /// Whether the host lets plugins keep log text; the playbook must grant it too.
    pub grants_log: bool,
}

impl RuntimeOptions {
    /// Returns the defaults with cache and key below `state_dir`.
    #[must_use]
    pub fn new(state_dir: &Path, compiler: Compiler) -> Self {
        Self {
            cache_dir: state_dir.join("compiled"),
            key_dir: state_dir.join("keys"),
            compiler,
            instances_max: 64,
            wait_max: Duration::from_secs(30),
            ceiling: Limits::ceiling(),
            grants_log: true,
        }
    }
}

/// What a playbook sets for one plugin.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Bounds of the plugin's instances and calls, each at most the host's ceiling.
    pub limits: Limits,
    /// How calls are metered.
    pub metering: Metering,
    /// Whether the playbook lets the plugin keep log text; the host must grant it too.
    pub grants_log: bool,
    /// Digest that the component must have, where the playbook pins one.
    pub digest: Option<Digest>,
    /// Whether stacks of running calls are noted, for whoever wants to know where the time goes. Calls are slower then.
    pub samples: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            metering: Metering::FuelAndEpoch,
            grants_log: false,
            digest: None,
            samples: false,
        }
    }
}

/// How long an opened instance lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// Opened once, then used for up to so many calls.
    Warm {
        /// Calls after which an instance is replaced, at least 1.
        calls_max: u32,
    },
    /// A fresh instance for every call: replay and conformance.
    Fresh,
}

impl Default for Reuse {
    fn default() -> Self {
        Self::Warm { calls_max: 10_000 }
    }
}
