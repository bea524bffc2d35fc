//! The host's side of the sandbox: engines, cache, and the way from bytes to a loaded plugin.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use playbook_model::{Digest, Limits};
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::bindings::playbook::plugin::{log, types};
use crate::cache::{Cache, CodeId};
use crate::engine::Ticker;
use crate::instance::Indices;
use crate::pool::Places;
use crate::state::State;
use crate::{LoadError, LoadOptions, Metering, Plugin, RuntimeError, RuntimeOptions};
use crate::{compile, contract, engine};

/// Runs plugins; cheap to clone, one per process.
#[derive(Debug, Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) options: RuntimeOptions,
    fuel_and_epoch: Metered,
    epoch_only: Metered,
    cache: Cache,
    pub(crate) places: Arc<Places>,
    _ticker: Ticker,
}

/// An engine with everything that belongs to it.
struct Metered {
    engine: Engine,
    linker: Linker<State>,
    settings: Digest,
}

impl std::fmt::Debug for Metered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metered").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Metered {
    fn new(metering: Metering, options: &RuntimeOptions) -> Result<Self, RuntimeError> {
        let engine = engine::pooling(metering, options.instances_max.max(1), &options.ceiling)?;
        let mut linker = Linker::new(&engine);
        // The only import with functions; `types` is an instance that holds types alone. No WASI, ever.
        log::add_to_linker::<State, State>(&mut linker, |state| state)
            .and_then(|()| types::add_to_linker::<State, State>(&mut linker, |state| state))
            .map_err(|e| RuntimeError::Engine { detail: format!("{e:#}") })?;
        let settings = engine::settings_digest(&engine);
        Ok(Self { engine, linker, settings })
    }
}

impl Runtime {
    /// Starts the engines, the ticker and the cache.
    ///
    /// # Errors
    /// The engine refuses its settings, or folders or the key cannot be read or made.
    pub fn new(options: RuntimeOptions) -> Result<Self, RuntimeError> {
        let fuel_and_epoch = Metered::new(Metering::FuelAndEpoch, &options)?;
        let epoch_only = Metered::new(Metering::EpochOnly, &options)?;
        let cache = Cache::open(&options.cache_dir, &options.key_dir)?;
        let ticker = Ticker::start(vec![fuel_and_epoch.engine.clone(), epoch_only.engine.clone()])?;
        let places = Arc::new(Places::new(options.instances_max));
        let inner = Inner { options, fuel_and_epoch, epoch_only, cache, places, _ticker: ticker };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Loads a component from a file; at most `component_bytes_max` of it are read.
    ///
    /// # Errors
    /// As [`Runtime::load`], or the file cannot be read.
    pub fn load_file(&self, path: &Path, options: &LoadOptions) -> Result<Plugin, LoadError> {
        let fault = |source| LoadError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(fault)?;
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

    /// Loads a component: judges its names, compiles it or finds it compiled, links it.
    ///
    /// No guest code runs here.
    ///
    /// # Errors
    /// A component that is not accepted, or a fault of the host.
    pub fn load(&self, bytes: &[u8], options: &LoadOptions) -> Result<Plugin, LoadError> {
        below_ceiling(&options.limits, &self.inner.options.ceiling)?;
        let max = options.limits.component_bytes_max;
        if bytes.len() as u64 > max {
            return Err(LoadError::TooLarge { bytes: bytes.len() as u64, max });
        }
        let digest = Digest::of(bytes);
        if let Some(wanted) = options.digest.filter(|wanted| *wanted != digest) {
            return Err(LoadError::DigestMismatch { found: digest, wanted });
        }
        let names = contract::read(bytes)?;
        let metered = self.inner.metered(options.metering);
        let id = CodeId { component: digest, settings: metered.settings };
        let component = match self.inner.cache.load(&metered.engine, id) {
            Some(component) => component,
            None => {
                let compiler = &self.inner.options.compiler;
                let code = compile::compile(bytes, options.metering, compiler, &options.limits)?;
                self.inner.cache.store(&metered.engine, id, &code)?
            }
        };
        let pre = metered
            .linker
            .instantiate_pre(&component)
            .map_err(|e| LoadError::ContractMismatch { detail: format!("{e:#}") })?;
        let indices = Indices::find(&pre, names.kind, names.fitted)?;
        Ok(Plugin::new(Arc::clone(&self.inner), digest, names, pre, indices, options))
    }

    /// Digest of the engine's settings for `metering`: wasmtime's version, target, features. Part of a run's record.
    #[must_use]
    pub fn settings_digest(&self, metering: Metering) -> Digest {
        self.inner.metered(metering).settings
    }
}

impl Inner {
    fn metered(&self, metering: Metering) -> &Metered {
        match metering {
            Metering::FuelAndEpoch => &self.fuel_and_epoch,
            Metering::EpochOnly => &self.epoch_only,
        }
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
