//! The engines of a runtime, the cache of compiled code and the places for instances.

use std::sync::Arc;

use playbook_model::{CallMeters, Digest};
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::bindings::playbook::plugin::{log, types};
use crate::cache::Cache;
use crate::engine::{self, Ticker};
use crate::held::Held;
use crate::pool::Places;
use crate::state::State;
use crate::{Metering, RuntimeError, RuntimeOptions};

/// What a runtime shares with the plugins that it loaded, which may outlive it.
#[derive(Debug)]
pub(crate) struct Engines {
    pub(crate) options: RuntimeOptions,
    fuel_and_epoch: Metered,
    epoch_only: Metered,
    pub(crate) cache: Cache,
    pub(crate) held: Held,
    pub(crate) places: Arc<Places>,
    /// What calls of opened plugins take.
    pub(crate) meters: Arc<CallMeters>,
    _ticker: Ticker,
}

/// An engine with everything that belongs to it.
pub(crate) struct Metered {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) settings: Digest,
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

impl Engines {
    /// Starts the engines, the ticker and the cache.
    pub(crate) fn start(options: RuntimeOptions) -> Result<Self, RuntimeError> {
        let fuel_and_epoch = Metered::new(Metering::FuelAndEpoch, &options)?;
        let epoch_only = Metered::new(Metering::EpochOnly, &options)?;
        let cache = Cache::open(&options.cache_dir, &options.key_dir)?;
        let ticker = Ticker::start(vec![fuel_and_epoch.engine.clone(), epoch_only.engine.clone()])?;
        let places = Arc::new(Places::new(options.instances_max));
        let (held, meters) = (Held::default(), Arc::default());
        let _ticker = ticker;
        Ok(Self { options, fuel_and_epoch, epoch_only, cache, held, places, meters, _ticker })
    }

    pub(crate) fn metered(&self, metering: Metering) -> &Metered {
        match metering {
            Metering::FuelAndEpoch => &self.fuel_and_epoch,
            Metering::EpochOnly => &self.epoch_only,
        }
    }
}
