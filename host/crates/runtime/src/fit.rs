//! Fitting: one instance sees the rows of one bucket, gives its part, merges parts, finishes.

use playbook_contract::check_fit_step;
use playbook_model::{Batch, Context, Fault, FitStep, Outcome, Validator};
use wasmtime::Store;

use crate::bindings::exports::playbook::plugin::fitting::Guest;
use crate::bindings::playbook::plugin::types as wit;
use crate::input::check_tables;
use crate::instance::{Budget, Guests, Instance};
use crate::plugin::{Plugin, refusal};
use crate::state::{LogLine, State};
use crate::usage::{Counters, Usage};
use crate::{RuntimeError, convert};

/// What one pass of a fit over one bucket starts from.
#[derive(Debug, Clone, Copy)]
pub struct Starting<'a> {
    /// The shape that `check` gave for the settings.
    pub validator: &'a Validator,
    /// Settings, canonical JSON.
    pub settings: &'a str,
    /// From 0.
    pub pass: u32,
    /// What `finish` of the pass before carried over; empty in pass 0.
    pub carried: &'a [u8],
    /// The tables of the shape, in its order.
    pub tables: &'a [Batch],
}

/// An instance within one pass of a fit. After a guest's fault it answers no more.
#[derive(Debug)]
pub struct Fitting {
    plugin: Plugin,
    validator: Validator,
    instance: Instance,
    counters: Counters,
}

impl Plugin {
    /// Begins one pass of a fit over one bucket, on an instance of its own with the limits of fits.
    ///
    /// # Errors
    /// A host's fault, such as a plugin without `fitting`.
    pub fn begin_fit(
        &self,
        context: &Context,
        starting: &Starting<'_>,
    ) -> Result<Outcome<Fitting>, RuntimeError> {
        Fitting::begin(self, context, starting)
    }
}

impl Fitting {
    pub(crate) fn begin(
        plugin: &Plugin,
        context: &Context,
        starting: &Starting<'_>,
    ) -> Result<Outcome<Self>, RuntimeError> {
        if !plugin.is_fitted() {
            return Err(RuntimeError::WrongKind { kind: plugin.kind(), call: "begin" });
        }
        check_tables(starting.validator, starting.tables)?;
        let instance = match plugin.loaded.instance(plugin.loaded.limits.fit_memory_bytes_max)? {
            Ok(instance) => instance,
            Err(fault) => return Ok(Err(fault)),
        };
        let counters = Counters::default();
        counters.instance();
        let validator = starting.validator.clone();
        let mut fitting = Self { plugin: plugin.clone(), validator, instance, counters };
        let wides: Vec<_> = starting.tables.iter().map(|t| convert::wides(&t.columns)).collect();
        let tables: Vec<_> = starting
            .tables
            .iter()
            .zip(&wides)
            .map(|(table, wides)| convert::table(table, wides.as_deref()))
            .collect();
        let given = wit::Starting {
            settings: starting.settings,
            pass: starting.pass,
            carried: starting.carried,
            tables: &tables,
        };
        let rows = starting.tables.iter().map(|t| u64::from(t.rows)).sum();
        let context = convert::context(context);
        let said = fitting.call(rows, |store, guest| guest.call_begin(store, context, given))?;
        Ok(match said {
            Ok(Ok(())) => Ok(fitting),
            Ok(Err(problems)) => Err(Fault::Settings(convert::problems(problems))),
            Err(fault) => Err(fault),
        })
    }

    /// Shows rows of the bucket, in key order.
    ///
    /// # Errors
    /// A host's fault: rows without the shape's columns, or a fit that has ended.
    pub fn observe(&mut self, batch: &Batch) -> Result<Outcome<()>, RuntimeError> {
        self.validator.batch(batch).map_err(|detail| RuntimeError::Input { detail })?;
        let wides = convert::wides(&batch.columns);
        let said = self.call(u64::from(batch.rows), |store, guest| {
            guest.call_observe(store, convert::batch(batch, wides.as_deref()))
        })?;
        Ok(said.and_then(|said| said.map_err(|words| refusal(&words))))
    }

    /// Returns the state of all rows since the beginning.
    ///
    /// # Errors
    /// A fit that has ended.
    pub fn part(&mut self) -> Result<Outcome<Vec<u8>>, RuntimeError> {
        let said = self.call(0, |store, guest| guest.call_part(store))?;
        Ok(said.and_then(|said| said.map_err(|words| refusal(&words))))
    }

    /// Joins two states, left before right.
    ///
    /// # Errors
    /// A fit that has ended.
    pub fn merge(&mut self, left: &[u8], right: &[u8]) -> Result<Outcome<Vec<u8>>, RuntimeError> {
        let said = self.call(0, |store, guest| guest.call_merge(store, left, right))?;
        Ok(said.and_then(|said| said.map_err(|words| refusal(&words))))
    }

    /// Turns the state of all rows into a model, or into what another pass starts from.
    ///
    /// Data that cannot support a fit is a [`Fault::Refusal`].
    ///
    /// # Errors
    /// A fit that has ended.
    pub fn finish(&mut self, state: &[u8]) -> Result<Outcome<FitStep>, RuntimeError> {
        let said = self.call(0, |store, guest| guest.call_finish(store, state))?;
        Ok(said.and_then(|said| {
            let outcome = said.map_err(|words| refusal(&words))?;
            let step = convert::fit_step(outcome);
            check_fit_step(&step).map_err(Fault::Malformed)?;
            match step {
                FitStep::Refused(words) => Err(refusal(&words)),
                FitStep::Model(_) | FitStep::Again(_) => Ok(step),
            }
        }))
    }

    /// What the calls of this fit took so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.counters.usage()
    }

    /// Takes the lines that were logged and kept since the last time.
    #[must_use]
    pub fn take_log(&self) -> Vec<LogLine> {
        self.counters.take_log()
    }

    fn call<R>(
        &mut self,
        rows: u64,
        call: impl FnOnce(&mut Store<State>, &Guest) -> wasmtime::Result<R>,
    ) -> Result<Outcome<R>, RuntimeError> {
        if self.instance.spoilt {
            return Err(RuntimeError::FitEnded);
        }
        let limits = &self.plugin.loaded.limits;
        let budget = Budget {
            fuel: limits.fit_fuel_base.saturating_add(limits.fit_fuel_per_row.saturating_mul(rows)),
            wall_ms: limits.fit_call_ms_max,
            // States are bounded by the guest's memory already.
            returned_bytes: limits.fit_memory_bytes_max,
        };
        let (outcome, spent) = self.instance.call(budget, |store, guests: &Guests| {
            let guest =
                guests.fitting.as_ref().ok_or_else(|| wasmtime::Error::msg("no `fitting`"))?;
            call(store, guest)
        });
        self.counters.add(rows, spent);
        if outcome.is_err() {
            self.counters.fault();
        }
        Ok(outcome)
    }
}
