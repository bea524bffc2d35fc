//! The host's side of the sandbox: the way from bytes to a loaded plugin.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use playbook_files::open_regular;
use playbook_model::{CallMeters, Digest, Limits};

use crate::cache::CodeId;
use crate::engines::Engines;
use crate::instance::Indices;
use crate::plugin::Code;
use crate::{LoadError, LoadOptions, Metering, Plugin, RuntimeError, RuntimeOptions};
use crate::{compile, contract, parts};

/// Runs plugins; cheap to clone, one per process.
#[derive(Debug, Clone)]
pub struct Runtime {
    engines: Arc<Engines>,
}

impl Runtime {
    /// Starts the engines, the ticker and the cache.
    ///
    /// # Errors
    /// The engine refuses its settings, or folders or the key cannot be read or made.
    pub fn new(options: RuntimeOptions) -> Result<Self, RuntimeError> {
        Ok(Self { engines: Arc::new(Engines::start(options)?) })
    }

    /// Loads a component from a file; at most `component_bytes_max` of it are read.
    ///
    /// # Errors
    /// As [`Runtime::load`], or the file cannot be read.
    pub fn load_file(&self, path: &Path, options: &LoadOptions) -> Result<Plugin, LoadError> {
        let fault = |source| LoadError::Read { path: path.to_owned(), source };
        let file = open_regular(path).map_err(|unread| fault(unread.source))?;
        let bytes_long = file.metadata().map_err(fault)?.len();
        let max = options.limits.component_bytes_max;
        if bytes_long > max {
            return Err(LoadError::TooLarge { bytes: bytes_long, max });
        }
        let mut bytes = Vec::new();
        // One byte more than allowed: a file that grows meanwhile is still refused.
        file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(fault)?;
        self.load(&bytes, options)
    }

    /// Loads a component: judges its names, compiles it or finds it compiled, links it. While a plugin of the same bytes is
    /// loaded, its code is shared.
    ///
    /// No guest code runs here.
    ///
    /// # Errors
    /// A component that is not accepted, or a fault of the host.
    pub fn load(&self, bytes: &[u8], options: &LoadOptions) -> Result<Plugin, LoadError> {
        below_ceiling(&options.limits, &self.engines.options.ceiling)?;
        let max = options.limits.component_bytes_max;
        if bytes.len() as u64 > max {
            return Err(LoadError::TooLarge { bytes: bytes.len() as u64, max });
        }
        let digest = Digest::of(bytes);
        if let Some(wanted) = options.digest.filter(|wanted| *wanted != digest) {
            return Err(LoadError::DigestMismatch { found: digest, wanted });
        }
        let metered = self.engines.metered(options.metering);
        let id = CodeId { component: digest, settings: metered.settings };
        let code = self.engines.held.get(id, || self.code(bytes, id, options))?;
        Ok(Plugin::new(Arc::clone(&self.engines), code, options))
    }

    /// Judges and compiles a component as a first [`Runtime::load`] does, whatever is compiled already, and keeps nothing of it.
    /// Returns the size of the machine code in bytes.
    ///
    /// # Errors
    /// As [`Runtime::load`].
    pub fn compile(&self, bytes: &[u8], options: &LoadOptions) -> Result<u64, LoadError> {
        contract::read(bytes)?;
        parts::judge(bytes)?;
        let compiler = &self.engines.options.compiler;
        let code = compile::compile(bytes, options.metering, compiler, &options.limits)?;
        Ok(code.len() as u64)
    }

    /// What a component is: judged, compiled or found compiled, linked.
    fn code(&self, bytes: &[u8], id: CodeId, options: &LoadOptions) -> Result<Code, LoadError> {
        let names = contract::read(bytes)?;
        let metered = self.engines.metered(options.metering);
        let component = match self.engines.cache.load(&metered.engine, id) {
            Some(component) => component,
            None => {
                parts::judge(bytes)?;
                let compiler = &self.engines.options.compiler;
                let code = compile::compile(bytes, options.metering, compiler, &options.limits)?;
                self.engines.cache.store(&metered.engine, id, &code)?
            }
        };
        let pre = metered
            .linker
            .instantiate_pre(&component)
            .map_err(|e| LoadError::ContractMismatch { detail: format!("{e:#}") })?;
        let indices = Indices::find(&pre, names.kind, names.fitted)?;
        Ok(Code { digest: id.component, names, pre, indices })
    }

    /// What calls of all opened plugins take, by kind.
    #[must_use]
    pub fn meters(&self) -> Arc<CallMeters> {
        Arc::clone(&self.engines.meters)
    }

    /// Digest of the engine's settings for `metering`: wasmtime's version, target, features. Part of a run's record.
    #[must_use]
    pub fn settings_digest(&self, metering: Metering) -> Digest {
        self.engines.metered(metering).settings
    }
}

/// Refuses limits that the host does not allow.
fn below_ceiling(wanted: &Limits, ceiling: &Limits) -> Result<(), LoadError> {
    let pairs = [
        ("component_bytes_max", wanted.component_bytes_max, ceiling.component_bytes_max),
        ("memory_bytes_max", wanted.memory_bytes_max, ceiling.memory_bytes_max),
        ("fit_memory_bytes_max", wanted.fit_memory_bytes_max, ceiling.fit_memory_bytes_max),
        ("fit_rows_max", wanted.fit_rows_max, ceiling.fit_rows_max),
        ("fuel_base", wanted.fuel_base, ceiling.fuel_base),
        ("fuel_per_row", wanted.fuel_per_row, ceiling.fuel_per_row),
        ("fit_fuel_base", wanted.fit_fuel_base, ceiling.fit_fuel_base),
        ("fit_fuel_per_row", wanted.fit_fuel_per_row, ceiling.fit_fuel_per_row),
        ("call_ms_max", wanted.call_ms_max, ceiling.call_ms_max),
        ("fit_call_ms_max", wanted.fit_call_ms_max, ceiling.fit_call_ms_max),
        ("returned_bytes_max", wanted.returned_bytes_max, ceiling.returned_bytes_max),
        ("log_bytes_max", wanted.log_bytes_max, ceiling.log_bytes_max),
        ("log_lines_max", wanted.log_lines_max, ceiling.log_lines_max),
        ("compile_cpu_s_max", wanted.compile_cpu_s_max, ceiling.compile_cpu_s_max),
        ("compile_bytes_max", wanted.compile_bytes_max, ceiling.compile_bytes_max),
    ];
    match pairs.into_iter().find(|(_, wanted, ceiling)| wanted > ceiling) {
        None => Ok(()),
        Some((limit, wanted, ceiling)) => Err(LoadError::AboveCeiling { limit, wanted, ceiling }),
    }
}
