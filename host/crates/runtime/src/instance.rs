//! One instance of a plugin in a store of its own, and the one way in which any of its functions is called.

use std::time::{Duration, Instant};

use playbook_model::{Fault, Kind, Limit, Limits, Outcome};
use wasmtime::component::InstancePre;
use wasmtime::{OutOfMemory, PoolConcurrencyLimitError, Store, Trap};

use crate::bindings::exports::playbook::plugin as exports;
use crate::engine::{STACK_BYTES_MAX, Ticker};
use crate::pool::Place;
use crate::sampling::{Sampling, Stacks, sample};
use crate::state::{LogLine, State, escaped};
use crate::{LoadError, Metering, RuntimeError};

/// What wasmtime says where an answer is larger than `set_hostcall_fuel` allows; its type is private.
const ANSWER_TOO_LARGE: &str = "fuel allocated for hostcalls has been exhausted";
/// What errors of the system end with; the engine's type of them is private.
const OS_ERROR: &str = "(os error ";
/// Letters of a guest's own words that are kept.
pub(crate) const WORDS_BYTES_MAX: usize = 4 << 10;

/// Places of a plugin's functions, found once per component.
#[derive(Clone)]
pub(crate) struct Indices {
    plugin: exports::plugin::GuestIndices,
    kind: KindIndices,
    fitting: Option<exports::fitting::GuestIndices>,
}

#[derive(Clone)]
enum KindIndices {
    Scoring(exports::scoring::GuestIndices),
    Segmentation(exports::segmentation::GuestIndices),
    Incentive(exports::incentive::GuestIndices),
    Campaign(exports::campaign::GuestIndices),
    Roi(exports::roi::GuestIndices),
    Diagnosis(exports::diagnosis::GuestIndices),
}

/// A plugin's functions in one store.
pub(crate) struct Guests {
    pub(crate) plugin: exports::plugin::Guest,
    pub(crate) kind: KindGuest,
    pub(crate) fitting: Option<exports::fitting::Guest>,
}

pub(crate) enum KindGuest {
    Scoring(exports::scoring::Guest),
    Segmentation(exports::segmentation::Guest),
    Incentive(exports::incentive::Guest),
    Campaign(exports::campaign::Guest),
    Roi(exports::roi::Guest),
    Diagnosis(exports::diagnosis::Guest),
}

impl Indices {
    /// Finds the functions of the contract.
    pub(crate) fn find(
        pre: &InstancePre<State>,
        kind: Kind,
        fitted: bool,
    ) -> Result<Self, LoadError> {
        let find = || -> wasmtime::Result<Self> {
            Ok(Self {
                plugin: exports::plugin::GuestIndices::new(pre)?,
                kind: match kind {
                    Kind::Scoring => {
                        KindIndices::Scoring(exports::scoring::GuestIndices::new(pre)?)
                    }
                    Kind::Segmentation => {
                        KindIndices::Segmentation(exports::segmentation::GuestIndices::new(pre)?)
                    }
                    Kind::Incentive => {
                        KindIndices::Incentive(exports::incentive::GuestIndices::new(pre)?)
                    }
                    Kind::Campaign => {
                        KindIndices::Campaign(exports::campaign::GuestIndices::new(pre)?)
                    }
                    Kind::Roi => KindIndices::Roi(exports::roi::GuestIndices::new(pre)?),
                    Kind::Diagnosis => {
                        KindIndices::Diagnosis(exports::diagnosis::GuestIndices::new(pre)?)
                    }
                },
                fitting: if fitted {
                    Some(exports::fitting::GuestIndices::new(pre)?)
                } else {
                    None
                },
            })
        };
        find().map_err(|e| LoadError::ContractMismatch { detail: format!("{e:#}") })
    }

    fn load(
        &self,
        store: &mut Store<State>,
        instance: &wasmtime::component::Instance,
    ) -> wasmtime::Result<Guests> {
        Ok(Guests {
            plugin: self.plugin.load(&mut *store, instance)?,
            kind: match &self.kind {
                KindIndices::Scoring(i) => KindGuest::Scoring(i.load(&mut *store, instance)?),
                KindIndices::Segmentation(i) => {
                    KindGuest::Segmentation(i.load(&mut *store, instance)?)
                }
                KindIndices::Incentive(i) => KindGuest::Incentive(i.load(&mut *store, instance)?),
                KindIndices::Campaign(i) => KindGuest::Campaign(i.load(&mut *store, instance)?),
                KindIndices::Roi(i) => KindGuest::Roi(i.load(&mut *store, instance)?),
                KindIndices::Diagnosis(i) => KindGuest::Diagnosis(i.load(&mut *store, instance)?),
            },
            fitting: match &self.fitting {
                Some(i) => Some(i.load(&mut *store, instance)?),
                None => None,
            },
        })
    }
}

/// Bounds of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) fuel: u64,
    pub(crate) wall_ms: u64,
    pub(crate) returned_bytes: u64,
}

/// What one call took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spent {
    pub(crate) fuel: u64,
    pub(crate) wall: Duration,
    /// Linear memory of the instance after the call.
    pub(crate) memory_bytes: u64,
    pub(crate) log_lines: u64,
    pub(crate) log: Vec<LogLine>,
    /// Stacks that were seen, where they are noted.
    pub(crate) stacks: Stacks,
}

/// An instance with its store; after a trap or a limit it is spoilt and must be dropped.
pub(crate) struct Instance {
    store: Store<State>,
    guests: Guests,
    metering: Metering,
    pub(crate) calls: u32,
    pub(crate) spoilt: bool,
    // After the store, so that the place is free only once the pool's slot is.
    _place: Place,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance")
            .field("calls", &self.calls)
            .field("spoilt", &self.spoilt)
            .finish_non_exhaustive()
    }
}

/// Facts of a plugin that every instance of it starts from.
pub(crate) struct Origin<'a> {
    pub(crate) pre: &'a InstancePre<State>,
    pub(crate) indices: &'a Indices,
    pub(crate) metering: Metering,
    pub(crate) limits: &'a Limits,
    pub(crate) memory_bytes_max: u64,
    pub(crate) keeps_log: bool,
    pub(crate) samples: bool,
}

impl Instance {
    /// Instantiates a component; its start code runs under `budget`.
    pub(crate) fn new(
        origin: &Origin<'_>,
        budget: Budget,
        place: Place,
    ) -> Result<Outcome<Self>, RuntimeError> {
        let state = State::new(
            origin.memory_bytes_max,
            origin.keeps_log,
            origin.limits.log_bytes_max,
            origin.limits.log_lines_max,
        );
        let mut store = Store::new(origin.pre.engine(), state);
        store.limiter(|state| state);
        if origin.samples {
            store.data_mut().sampling = Some(Sampling::default());
            store.epoch_deadline_callback(sample);
        } else {
            store.epoch_deadline_trap();
        }
        arm(&mut store, origin.metering, budget);
        let made = origin
            .pre
            .instantiate(&mut store)
            .and_then(|instance| origin.indices.load(&mut store, &instance));
        match made {
            Ok(guests) => Ok(Ok(Self {
                store,
                guests,
                metering: origin.metering,
                calls: 0,
                spoilt: false,
                _place: place,
            })),
            Err(e) if is_of_host(&e) => Err(RuntimeError::Instance { detail: format!("{e:#}") }),
            Err(e) => Ok(Err(fault(&e, store.data(), budget))),
        }
    }

    /// Calls into the guest under `budget`; every fault is the guest's and spoils the instance.
    pub(crate) fn call<R>(
        &mut self,
        budget: Budget,
        call: impl FnOnce(&mut Store<State>, &Guests) -> wasmtime::Result<R>,
    ) -> (Outcome<R>, Spent) {
        self.store.data_mut().begin_call();
        arm(&mut self.store, self.metering, budget);
        self.calls = self.calls.saturating_add(1);
        let begun = Instant::now();
        let result = call(&mut self.store, &self.guests);
        let wall = begun.elapsed();
        let outcome = result.map_err(|e| {
            self.spoilt = true;
            fault(&e, self.store.data(), budget)
        });
        let fuel = match (self.metering, &outcome) {
            (Metering::EpochOnly, _) => 0,
            // How far a trapped guest came is not exact; it is charged in full.
            (Metering::FuelAndEpoch, Err(_)) => budget.fuel,
            (Metering::FuelAndEpoch, Ok(_)) => {
                budget.fuel.saturating_sub(self.store.get_fuel().unwrap_or(0))
            }
        };
        let State { memory, log, sampling, .. } = self.store.data_mut();
        let spent = Spent {
            fuel,
            wall,
            memory_bytes: memory.used,
            log_lines: log.lines_seen,
            log: std::mem::take(&mut log.lines),
            stacks: sampling.as_mut().map(|of| std::mem::take(&mut of.stacks)).unwrap_or_default(),
        };
        (outcome, spent)
    }
}

fn arm(store: &mut Store<State>, metering: Metering, budget: Budget) {
    if metering == Metering::FuelAndEpoch {
        store.set_fuel(budget.fuel).expect("the engine of this metering counts fuel");
    }
    let ticks = Ticker::ticks(budget.wall_ms);
    let first = store.data_mut().sampling.as_mut().map_or(ticks, |sampling| {
        sampling.ticks_left = ticks;
        1
    });
    store.set_epoch_deadline(first);
    store.set_hostcall_fuel(usize::try_from(budget.returned_bytes).unwrap_or(usize::MAX));
}

/// Whether it is the host that cannot make an instance: it has no place or no memory left for one.
fn is_of_host(error: &wasmtime::Error) -> bool {
    error.is::<PoolConcurrencyLimitError>()
        || error.is::<OutOfMemory>()
        || format!("{error:#}").contains(OS_ERROR)
}

/// Tells what stopped a guest.
fn fault(error: &wasmtime::Error, state: &State, budget: Budget) -> Fault {
    if state.log.flooded {
        let max = state.log.lines_max;
        return Fault::LimitHit { limit: Limit::LogLines, used: state.log.lines_seen, max };
    }
    let at = |limit, max| Fault::LimitHit { limit, used: max, max };
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => at(Limit::Fuel, budget.fuel),
        Some(Trap::Interrupt) => at(Limit::Deadline, budget.wall_ms),
        Some(Trap::StackOverflow) => at(Limit::Stack, STACK_BYTES_MAX as u64),
        trap => {
            if let Some(used) = state.memory.refused {
                return Fault::LimitHit { limit: Limit::Memory, used, max: state.memory.max };
            }
            let text = format!("{error:#}");
            match trap {
                Some(trap) => Fault::Trap {
                    trap: trap.to_string().trim_start_matches("wasm trap: ").to_owned(),
                    panic: state.panic.clone(),
                },
                None if text.contains(ANSWER_TOO_LARGE) => {
                    at(Limit::ReturnedBytes, budget.returned_bytes)
                }
                None => Fault::Malformed(escaped(&text, WORDS_BYTES_MAX)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::{Error, Trap};

    use super::is_of_host;

    #[test]
    fn what_the_system_refuses_is_no_fault_of_the_guest() {
        let no_memory = std::io::Error::from_raw_os_error(12);
        assert!(is_of_host(&Error::from(no_memory).context("failed to map memory")));
        for of_guest in [
            Error::from(Trap::UnreachableCodeReached),
            Error::msg("resource limit exceeded: instance count too high at 10001"),
        ] {
            assert!(!is_of_host(&of_guest), "{of_guest:#}");
        }
    }
}
