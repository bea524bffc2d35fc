//! A loaded component, and what it says of itself. The ways to open and to fit it stand in `opened.rs` and `fit.rs`.

use std::sync::Arc;

use playbook_contract::{check_description, check_shape};
use playbook_model::{Description, Digest, Fault, Kind, Limits, Outcome, Shape};
use semver::Version;
use wasmtime::component::InstancePre;

use crate::contract::Names;
use crate::engines::Engines;
use crate::instance::{Budget, Indices, Instance, Origin, WORDS_BYTES_MAX};
use crate::state::{State, escaped};
use crate::{LoadOptions, Metering, RuntimeError, convert};

/// Most that `describe` and `check` may return, in bytes as the host holds them.
const SAID_BYTES_MAX: u64 = 2 << 20;
/// Largest settings, in bytes of JSON.
const SETTINGS_BYTES_MAX: usize = 256 << 10;

/// A loaded component; cheap to clone. It holds no instance.
#[derive(Debug, Clone)]
pub struct Plugin {
    pub(crate) loaded: Arc<Loaded>,
}

pub(crate) struct Loaded {
    pub(crate) runtime: Arc<Engines>,
    pub(crate) code: Arc<Code>,
    pub(crate) limits: Limits,
    pub(crate) metering: Metering,
    keeps_log: bool,
    samples: bool,
}

/// What a component is, the same for all who load it.
pub(crate) struct Code {
    pub(crate) digest: Digest,
    pub(crate) names: Names,
    pub(crate) pre: InstancePre<State>,
    pub(crate) indices: Indices,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded")
            .field("digest", &self.code.digest)
            .field("names", &self.code.names)
            .field("metering", &self.metering)
            .finish_non_exhaustive()
    }
}

impl Plugin {
    pub(crate) fn new(runtime: Arc<Engines>, code: Arc<Code>, options: &LoadOptions) -> Self {
        // Text is kept only where the host's policy and the playbook both say so.
        let keeps_log = runtime.options.grants_log && options.grants_log;
        let loaded = Loaded {
            runtime,
            code,
            limits: options.limits.clone(),
            metering: options.metering,
            keeps_log,
            samples: options.samples,
        };
        Self { loaded: Arc::new(loaded) }
    }

    /// SHA-256 of the component.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.loaded.code.digest
    }

    /// Kind that its exports say.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.loaded.code.names.kind
    }

    /// Whether it exports `fitting`.
    #[must_use]
    pub fn is_fitted(&self) -> bool {
        self.loaded.code.names.fitted
    }

    /// Version of the contract that it was built for.
    #[must_use]
    pub fn contract_version(&self) -> &Version {
        &self.loaded.code.names.version
    }

    /// Names of its imports.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.loaded.code.names.imports
    }

    /// How its calls are metered.
    #[must_use]
    pub fn metering(&self) -> Metering {
        self.loaded.metering
    }

    /// Makes an instance and drops it again, which shows that it starts.
    ///
    /// # Errors
    /// A host's fault; what the guest does wrong is in the outcome.
    pub fn instantiate(&self) -> Result<Outcome<()>, RuntimeError> {
        Ok(self.loaded.instance(self.loaded.limits.memory_bytes_max)?.map(drop))
    }

    /// Asks a fresh instance what it is.
    ///
    /// # Errors
    /// A host's fault; what the guest does wrong is in the outcome.
    pub fn describe(&self) -> Result<Outcome<Description>, RuntimeError> {
        let mut instance = match self.loaded.instance(self.loaded.limits.memory_bytes_max)? {
            Ok(instance) => instance,
            Err(fault) => return Ok(Err(fault)),
        };
        let (said, _) = instance
            .call(self.loaded.said_budget(), |store, guests| guests.plugin.call_describe(store));
        Ok(said.and_then(|said| {
            let said = convert::description(said);
            check_description(self.kind(), &said).map_err(Fault::Malformed)?;
            schema_is_json(&said.settings_schema).map_err(Fault::Malformed)?;
            Ok(said)
        }))
    }

    /// Asks a fresh instance what `settings` need and give, or every problem with them.
    ///
    /// # Errors
    /// A host's fault; refused settings are [`Fault::Settings`] in the outcome.
    pub fn check(&self, settings: &str) -> Result<Outcome<Shape>, RuntimeError> {
        let mut instance = match self.loaded.instance(self.loaded.limits.memory_bytes_max)? {
            Ok(instance) => instance,
            Err(fault) => return Ok(Err(fault)),
        };
        self.loaded.check(&mut instance, settings)
    }
}

impl Loaded {
    /// Makes an instance, waiting for a place.
    pub(crate) fn instance(
        &self,
        memory_bytes_max: u64,
    ) -> Result<Outcome<Instance>, RuntimeError> {
        let place = self.runtime.places.take(self.runtime.options.wait_max)?;
        let origin = Origin {
            pre: &self.code.pre,
            indices: &self.code.indices,
            metering: self.metering,
            limits: &self.limits,
            memory_bytes_max,
            keeps_log: self.keeps_log,
            samples: self.samples,
        };
        Instance::new(&origin, self.said_budget(), place)
    }

    /// Budget of calls that see no rows.
    pub(crate) fn said_budget(&self) -> Budget {
        Budget {
            fuel: self.limits.fuel_base,
            wall_ms: self.limits.call_ms_max,
            returned_bytes: SAID_BYTES_MAX.max(self.limits.returned_bytes_max),
        }
    }

    /// Checks settings on an instance that is not opened yet.
    pub(crate) fn check(
        &self,
        instance: &mut Instance,
        settings: &str,
    ) -> Result<Outcome<Shape>, RuntimeError> {
        if settings.len() > SETTINGS_BYTES_MAX {
            let detail =
                format!("settings are {} bytes, the limit is {SETTINGS_BYTES_MAX}", settings.len());
            return Err(RuntimeError::Input { detail });
        }
        let (said, _) = instance
            .call(self.said_budget(), |store, guests| guests.plugin.call_check(store, settings));
        Ok(match said {
            Err(fault) => Err(fault),
            Ok(Err(problems)) => Err(Fault::Settings(convert::problems(problems))),
            Ok(Ok(shape)) => {
                let shape = convert::shape(shape);
                match check_shape(self.code.names.kind, self.code.names.fitted, &shape) {
                    Ok(()) => Ok(shape),
                    Err(text) => Err(Fault::Malformed(text)),
                }
            }
        })
    }
}

fn schema_is_json(schema: &str) -> Result<(), String> {
    match serde_json::from_str::<serde_json::Value>(schema) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        Ok(_) => Err("its settings schema is not a JSON object".to_owned()),
        Err(e) => Err(format!("its settings schema is not JSON: {e}")),
    }
}

/// A refusal in the guest's own words, escaped and cut so that they are safe to print.
#[must_use]
pub fn refusal(words: &str) -> Fault {
    Fault::Refusal(escaped(words, WORDS_BYTES_MAX))
}
