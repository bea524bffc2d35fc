//! Faults of the host, and why a component is not accepted. A guest's fault is a value, never one of these.

use std::io;
use std::path::PathBuf;

use playbook_model::{Digest, Kind};

/// Why a component is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Too large.
    #[error("component is {bytes} bytes, the limit is {max}")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// `component_bytes_max`.
        max: u64,
    },
    /// Not the component that the playbook pins.
    #[error("component has digest {found}, the playbook pins {wanted}")]
    DigestMismatch {
        /// Digest of the bytes.
        found: Digest,
        /// Digest that is pinned.
        wanted: Digest,
    },
    /// A core module.
    #[error("this is a core WebAssembly module, not a component")]
    CoreModule,
    /// Not a valid component: truncated, corrupted, or of a feature that is not compiled in.
    #[error("not a valid component: {detail}")]
    Invalid {
        /// What the parser or compiler says.
        detail: String,
    },
    /// Nothing of this contract is exported.
    #[error("component exports nothing of `playbook:plugin`; it exports {}", list(exports))]
    Foreign {
        /// What it exports.
        exports: Vec<String>,
    },
    /// Built for a contract that this host no longer serves.
    #[error(
        "component is built for contract {found}, older than {oldest}, the oldest that this host serves; build it again with the current SDK"
    )]
    ContractTooOld {
        /// Version of its exports.
        found: String,
        /// Oldest version served.
        oldest: String,
    },
    /// Built for a contract that this host does not know yet.
    #[error(
        "component is built for contract {found}, newer than {newest}, the newest that this host serves; use a newer host, or build it with an older SDK"
    )]
    ContractTooNew {
        /// Version of its exports.
        found: String,
        /// Newest version served.
        newest: String,
    },
    /// Exports or imports of the contract in several versions, or in none.
    #[error("component mixes contract versions: `{one}` and `{other}`")]
    ContractMixed {
        /// A name.
        one: String,
        /// Another name.
        other: String,
    },
    /// Imports WASI.
    #[error(
        "component imports {}, and no WASI is offered: a plugin has no clock, files, network or randomness; build it {how}",
        list(imports)
    )]
    Wasi {
        /// What it imports.
        imports: Vec<String>,
        /// How to build without.
        how: &'static str,
    },
    /// Imports something that no host of this contract offers.
    #[error(
        "component imports {}, which is not offered; the only import is `playbook:plugin/log`",
        list(imports)
    )]
    UnknownImport {
        /// What it imports.
        imports: Vec<String>,
    },
    /// Not exactly one kind, or no `plugin` interface.
    #[error(
        "component must export `playbook:plugin/plugin` and one of scoring, segmentation, incentive, campaign, roi, diagnosis; it exports {}",
        list(exports)
    )]
    NotAPlugin {
        /// What it exports of the contract.
        exports: Vec<String>,
    },
    /// A name of the contract with a function or type of another shape.
    #[error("component does not match the contract: {detail}")]
    ContractMismatch {
        /// What differs.
        detail: String,
    },
    /// Made of more parts than an instance has places for.
    #[error(
        "component has {found} {what}, the host has places for {max}; build it with the tools that `playbook plugin build` uses"
    )]
    Parts {
        /// "core instances" or "linear memories".
        what: &'static str,
        /// How many it has.
        found: u32,
        /// Most that an instance may have.
        max: u32,
    },
    /// Compiling took more than is allowed.
    #[error("compiling the component hit the {limit} limit of {max} {unit}")]
    CompileLimit {
        /// "cpu" or "memory".
        limit: &'static str,
        /// The limit.
        max: u64,
        /// "seconds" or "bytes".
        unit: &'static str,
    },
    /// A limit above the host's ceiling.
    #[error("limit `{limit}` is {wanted}, the host's ceiling is {ceiling}")]
    AboveCeiling {
        /// Name of the limit.
        limit: &'static str,
        /// What was asked.
        wanted: u64,
        /// What is allowed.
        ceiling: u64,
    },
    /// A fault of the host.
    #[error(transparent)]
    Host(#[from] RuntimeError),
}

/// A fault of the host itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The engine refuses its settings or lacks memory.
    #[error("cannot start the WebAssembly engine: {detail}")]
    Engine {
        /// What it says.
        detail: String,
    },
    /// A folder or file of the host.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// "read", "write", "create".
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key that authenticates compiled code is not as this host wrote it.
    #[error("key file `{}` {detail}", path.display())]
    Key {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// The system gives no random bytes.
    #[error("no random bytes from the system: {detail}")]
    Random {
        /// What it says.
        detail: String,
    },
    /// The compiling child process cannot be run, or broke down.
    #[error("compiling in `{}` failed: {detail}", program.display())]
    CompileChild {
        /// Which program.
        program: PathBuf,
        /// What happened.
        detail: String,
    },
    /// All instances stayed busy.
    #[error("no free plugin instance within {waited_ms} ms")]
    Busy {
        /// How long the call waited.
        waited_ms: u64,
    },
    /// The pool cannot hold another instance.
    #[error("cannot create a plugin instance: {detail}")]
    Instance {
        /// What the engine says.
        detail: String,
    },
    /// A call that plugins of this kind do not answer.
    #[error("a {} plugin does not answer `{call}`", kind.name())]
    WrongKind {
        /// The plugin's kind.
        kind: Kind,
        /// The call.
        call: &'static str,
    },
    /// A batch or table that does not have the columns of the shape.
    #[error("input does not match the plugin's shape: {detail}")]
    Input {
        /// What differs.
        detail: String,
    },
    /// A fit was used again after the guest's fault.
    #[error("the fit ended with a fault and cannot go on")]
    FitEnded,
}

/// Writes names for a message, at most eight of them.
fn list(names: &[String]) -> String {
    const SHOWN_MAX: usize = 8;
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let mut text =
        names.iter().take(SHOWN_MAX).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN_MAX {
        text.push_str(&format!(" and {} more", names.len() - SHOWN_MAX));
    }
    text
}
