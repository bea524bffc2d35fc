//! A plugin opened with settings, model and tables, and the one way of all its calls; any number of threads call.

mod calls;
mod returned;

use std::sync::{Arc, Weak};

use playbook_model::{Batch, Context, Fault, Outcome, Shape, Validator};
use wasmtime::Store;

use crate::idle::Idle;
use crate::input::{check_rows, check_tables};
use crate::instance::{Budget, Guests, Instance, KindGuest};
use crate::plugin::{Plugin, refusal};
use crate::pool::GiveUp;
use crate::sampling::Stacks;
use crate::state::{LogLine, State};
use crate::usage::{Counters, Usage};
use crate::{Reuse, RuntimeError, convert};

/// What an instance is opened with. Shared rather than copied: instances are made from it again and again, and the
/// host keeps it for the decisions that follow.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// As-of time of the cycle, and its seed.
    pub context: Context,
    /// Settings, canonical JSON.
    pub settings: Arc<str>,
    /// Model that a fit gave for the same settings.
    pub model: Option<Arc<[u8]>>,
    /// The tables of the shape, in its order.
    pub tables: Arc<[Batch]>,
    /// How long instances live.
    pub reuse: Reuse,
}

/// A plugin ready to answer. Calls take a warm instance or open another; a trap or a limit costs that
/// instance and nothing else.
#[derive(Debug)]
pub struct OpenedPlugin {
    plugin: Plugin,
    validator: Validator,
    opening: Opening,
    table_rows: Vec<u32>,
    idle: Arc<Idle>,
    counters: Counters,
}

/// Result of a generated call: the guest's answer, or its own words why not.
type Said<R> = wasmtime::Result<Result<R, String>>;

impl Plugin {
    /// Checks settings and opens the first instance with them; further ones are opened as calls ask for them.
    ///
    /// # Errors
    /// A host's fault, such as a table without the columns of the shape.
    pub fn open(&self, opening: Opening) -> Result<Outcome<OpenedPlugin>, RuntimeError> {
        OpenedPlugin::open(self.clone(), opening)
    }
}

impl OpenedPlugin {
    pub(crate) fn open(plugin: Plugin, opening: Opening) -> Result<Outcome<Self>, RuntimeError> {
        let mut instance = match plugin.loaded.instance(plugin.loaded.limits.memory_bytes_max)? {
            Ok(instance) => instance,
            Err(fault) => return Ok(Err(fault)),
        };
        let shape = match plugin.loaded.check(&mut instance, &opening.settings)? {
            Ok(shape) => shape,
            Err(fault) => return Ok(Err(fault)),
        };
        let validator = Validator::new(shape);
        check_tables(&validator, &opening.tables)?;
        let table_rows = opening.tables.iter().map(|t| t.rows).collect();
        let idle = Arc::new(Idle::default());
        plugin.loaded.runtime.places.register(Arc::downgrade(&idle) as Weak<dyn GiveUp>);
        let counters = Counters::metered(plugin.loaded.runtime.meters.of(plugin.kind()));
        let opened = Self { plugin, validator, opening, table_rows, idle, counters };
        Ok(match opened.open_instance(&mut instance)? {
            Ok(()) => {
                opened.give_back(instance);
                Ok(opened)
            }
            Err(fault) => Err(fault),
        })
    }

    /// The plugin.
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// What it needs and gives under its settings.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        self.validator.shape()
    }

    /// What its answers are held against.
    #[must_use]
    pub fn validator(&self) -> &Validator {
        &self.validator
    }

    /// What its calls took so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.counters.usage()
    }

    /// Takes the lines that were logged and kept since the last time.
    #[must_use]
    pub fn take_log(&self) -> Vec<LogLine> {
        self.counters.take_log()
    }

    /// Takes the stacks that were seen since the last time; none where the plugin was loaded without [`LoadOptions::samples`].
    ///
    /// [`LoadOptions::samples`]: crate::LoadOptions::samples
    #[must_use]
    pub fn take_stacks(&self) -> Stacks {
        self.counters.take_stacks()
    }

    /// A call over the rows of a batch.
    fn run_rows<R, T>(
        &self,
        batch: &Batch,
        returned_bytes: u64,
        call: impl FnOnce(
            &mut Store<State>,
            &KindGuest,
            crate::bindings::playbook::plugin::types::Batch<'_>,
        ) -> Said<R>,
        convert: impl FnOnce(R) -> T,
        check: impl FnOnce(&T) -> Result<(), String>,
    ) -> Result<Outcome<T>, RuntimeError> {
        let wides = self.check_batch(batch)?;
        let lent = convert::batch(batch, wides.as_deref());
        self.run(
            batch.rows,
            returned_bytes,
            |store, guests| call(store, &guests.kind, lent),
            convert,
            check,
        )
    }

    fn run<R, T>(
        &self,
        rows: u32,
        returned_bytes: u64,
        call: impl FnOnce(&mut Store<State>, &Guests) -> Said<R>,
        convert: impl FnOnce(R) -> T,
        check: impl FnOnce(&T) -> Result<(), String>,
    ) -> Result<Outcome<T>, RuntimeError> {
        let mut instance = match self.take()? {
            Ok(instance) => instance,
            Err(fault) => {
                self.counters.fault();
                return Ok(Err(fault));
            }
        };
        let limits = &self.plugin.loaded.limits;
        let fuel = limits.call_fuel_max(u64::from(rows));
        let budget = Budget { fuel, wall_ms: limits.call_ms_max, returned_bytes };
        let (said, spent) = instance.call(budget, call);
        self.counters.add(u64::from(rows), spent);
        let outcome = said.and_then(|said| said.map_err(|words| refusal(&words))).and_then(|raw| {
            let answer = convert(raw);
            check(&answer).map_err(Fault::Malformed)?;
            Ok(answer)
        });
        match &outcome {
            Ok(_) | Err(Fault::Refusal(_)) => {}
            // A guest that broke the contract once is not asked again.
            Err(_) => instance.spoilt = true,
        }
        if outcome.is_err() {
            self.counters.fault();
        }
        self.give_back(instance);
        Ok(outcome)
    }

    fn take(&self) -> Result<Outcome<Instance>, RuntimeError> {
        if let Some(instance) = self.idle.take() {
            return Ok(Ok(instance));
        }
        let loaded = &self.plugin.loaded;
        let mut instance = match loaded.instance(loaded.limits.memory_bytes_max)? {
            Ok(instance) => instance,
            Err(fault) => return Ok(Err(fault)),
        };
        Ok(self.open_instance(&mut instance)?.map(|()| instance))
    }

    fn give_back(&self, instance: Instance) {
        let lives = match self.opening.reuse {
            // The opened instance that no call has seen yet is still fresh.
            Reuse::Fresh => instance.calls == 0,
            Reuse::Warm { calls_max } => instance.calls < calls_max.max(1),
        };
        if lives && !instance.spoilt {
            self.idle.put(instance);
        }
    }

    fn open_instance(&self, instance: &mut Instance) -> Result<Outcome<()>, RuntimeError> {
        self.counters.instance();
        let wides: Vec<_> =
            self.opening.tables.iter().map(|t| convert::wides(&t.columns)).collect();
        let tables: Vec<_> = self
            .opening
            .tables
            .iter()
            .zip(&wides)
            .map(|(table, wides)| convert::table(table, wides.as_deref()))
            .collect();
        let opening = crate::bindings::playbook::plugin::types::Opening {
            settings: &self.opening.settings,
            model: self.opening.model.as_deref(),
            tables: &tables,
        };
        let mut budget = self.plugin.loaded.said_budget();
        let limits = &self.plugin.loaded.limits;
        let rows = u64::from(self.all_table_rows());
        budget.fuel = budget.fuel.saturating_add(limits.fuel_per_row.saturating_mul(rows));
        let context = convert::context(&self.opening.context);
        let (said, _) =
            instance.call(budget, |store, guests| guests.plugin.call_open(store, context, opening));
        // Only calls that answer count from here on.
        instance.calls = 0;
        Ok(match said {
            Ok(Ok(())) => Ok(()),
            Ok(Err(problems)) => Err(Fault::Settings(convert::problems(problems))),
            Err(fault) => Err(fault),
        })
    }

    fn all_table_rows(&self) -> u32 {
        self.table_rows.iter().fold(0, |sum: u32, rows| sum.saturating_add(*rows))
    }

    fn check_batch<'a>(
        &self,
        batch: &'a Batch,
    ) -> Result<Option<Vec<WideParam<'a>>>, RuntimeError> {
        check_rows(batch.rows)?;
        self.validator.batch(batch).map_err(|detail| RuntimeError::Input { detail })?;
        Ok(convert::wides(&batch.columns))
    }
}

type WideParam<'a> = crate::bindings::playbook::plugin::types::WideParam<'a>;
