//! How to build, and how to tell what is going on.

use std::path::PathBuf;

/// Where and how plugins are built.
#[derive(Debug, Clone)]
pub struct Options {
    /// Target folder that all plugins share, so that the standard library and the SDK are compiled
    /// once. One build uses it at a time. Components end up in its `components` folder.
    pub target_dir: PathBuf,
    /// Which toolchain to take.
    pub toolchain: Preference,
    /// Whether a missing toolchain may be installed.
    pub may_install: bool,
    /// Compiler processes at a time; `None`: as many as cargo likes.
    pub jobs: Option<usize>,
    /// Whether components keep the names of functions, for a profile; such ones are of other bytes.
    pub names: bool,
}

impl Options {
    /// Options for a shared target folder.
    #[must_use]
    pub fn new(target_dir: impl Into<PathBuf>) -> Self {
        Self {
            target_dir: target_dir.into(),
            toolchain: Preference::Any,
            may_install: true,
            jobs: None,
            names: false,
        }
    }

    /// The same, in a folder of its own below, for components that keep the names of functions.
    #[must_use]
    pub fn with_names(self) -> Self {
        Self { target_dir: self.target_dir.join("with-names"), names: true, ..self }
    }

    /// Options for this user: the folder that `PLAYBOOK_WASM_TARGET_DIR` names, else
    /// `playbook-host/wasm` in the user's cache folder, else in the system's temporary folder.
    #[must_use]
    pub fn of_user() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let cache = || {
            set("XDG_CACHE_HOME")
                .or_else(|| set("HOME").map(|home| home.join(".cache")))
                .unwrap_or_else(std::env::temp_dir)
                .join("playbook-host/wasm")
        };
        Self::new(set("PLAYBOOK_WASM_TARGET_DIR").unwrap_or_else(cache))
    }
}

/// Which toolchains may be taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Preference {
    /// Whatever is at hand.
    #[default]
    Any,
    /// The compiler on the search path with an installed target.
    InstalledTarget,
    /// The compiler in `/usr/bin`, which builds its standard library from source.
    Debian,
}

/// What a build is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// This toolchain is used.
    Toolchain(String),
    /// Something is being installed; the command that does it.
    Installing(String),
    /// Another build uses this folder; this one goes on after it.
    Waiting(PathBuf),
    /// Cargo begins with crates of one workspace.
    Compiling(Vec<String>),
    /// Cargo has compiled (or found fresh) one more package.
    Compiled {
        /// Name of the package.
        package: String,
        /// How many packages are done.
        done: usize,
    },
    /// The native tests of this crate are compiled and run.
    Testing(String),
    /// A component is ready.
    Ready {
        /// Name of the plugin's crate.
        plugin: String,
        /// Size of the component.
        bytes: u64,
        /// Whether it was there already.
        fresh: bool,
    },
}
