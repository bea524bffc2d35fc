//! The sandbox: loads plugin components and calls them under limits.
//!
//! A [`Runtime`] holds the engines. [`Runtime::load`] judges a component's names, compiles it in a child process or
//! finds it compiled and authenticated, and gives a [`Plugin`]. [`Plugin::open`] gives an [`OpenedPlugin`] that
//! any number of threads may call; [`Plugin::begin_fit`] gives a [`Fitting`]. What a guest does wrong is a
//! [`playbook_model::Fault`] inside the outcome; what the host does wrong is a [`RuntimeError`].
//!
//! No WASI is linked. A guest sees its rows, its settings, the context it is given, and `log`; nothing else.

mod bindings;
mod cache;
mod compile;
mod contract;
mod convert;
mod engine;
mod engines;
mod error;
mod fit;
mod held;
mod idle;
mod input;
mod instance;
mod languages;
mod opened;
mod options;
mod parts;
mod plugin;
mod pool;
mod runtime;
mod sampling;
mod state;
mod usage;

pub use compile::compile_child_main;
pub use contract::{CONTRACT_NEWEST, CONTRACT_OLDEST};
pub use error::{LoadError, RuntimeError};
pub use fit::{Fitting, Starting};
pub use languages::languages;
pub use opened::{OpenedPlugin, Opening};
pub use options::{Compiler, LoadOptions, Metering, Reuse, RuntimeOptions};
pub use plugin::{Plugin, refusal};
pub use runtime::Runtime;
pub use sampling::Stacks;
pub use state::{LogLine, Severity};
pub use usage::{Usage, metered};
