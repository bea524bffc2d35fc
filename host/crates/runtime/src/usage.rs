//! What a plugin's calls took in all.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use playbook_model::CallMeter;

use crate::instance::Spent;
use crate::pool::lock;
use crate::sampling::Stacks;
use crate::state::LogLine;

/// Lines that are kept per opened plugin; later ones are counted only.
const LINES_KEPT_MAX: usize = 1_000;

thread_local! {
    /// Fuel of the calls that this thread made.
    static FUEL: Cell<u64> = const { Cell::new(0) };
}

/// Does some work, and says how much fuel the calls of plugins took that this thread made for it; 0 where calls are not metered by fuel.
/// A call that a limit or a trap ended counts in full.
pub fn metered<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = FUEL.get();
    let done = work();
    (done, FUEL.get().wrapping_sub(before))
}

/// Sums over all calls of an opened plugin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls, faults included.
    pub calls: u64,
    /// Rows handed over.
    pub rows: u64,
    /// Fuel; 0 where calls are not metered by it. Differs a little with the number of threads, because a
    /// warm guest's allocator remembers earlier calls.
    pub fuel: u64,
    /// Time inside calls, summed over threads.
    pub wall: Duration,
    /// Calls that ended with a guest's fault.
    pub faults: u64,
    /// Instances that were made.
    pub instances: u64,
    /// Lines logged, whether kept or not.
    pub log_lines: u64,
    /// Greatest linear memory of an instance that was called, in bytes.
    pub memory_bytes: u64,
}

/// Counts from many threads.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    calls: AtomicU64,
    rows: AtomicU64,
    fuel: AtomicU64,
    wall_ns: AtomicU64,
    faults: AtomicU64,
    instances: AtomicU64,
    log_lines: AtomicU64,
    memory_bytes: AtomicU64,
    log: std::sync::Mutex<Vec<LogLine>>,
    stacks: std::sync::Mutex<Stacks>,
    /// Counts over all plugins of a kind; `None` for fits, whose calls are of another size.
    meter: Option<Arc<CallMeter>>,
}

impl Counters {
    /// Counts that add to those of the kind.
    pub(crate) fn metered(meter: &Arc<CallMeter>) -> Self {
        Self { meter: Some(Arc::clone(meter)), ..Self::default() }
    }

    pub(crate) fn add(&self, rows: u64, spent: Spent) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.fuel.fetch_add(spent.fuel, Ordering::Relaxed);
        FUEL.set(FUEL.get().wrapping_add(spent.fuel));
        // Memory rarely grows once an instance is warm, and a look is cheaper than a write.
        if spent.memory_bytes > self.memory_bytes.load(Ordering::Relaxed) {
            self.memory_bytes.fetch_max(spent.memory_bytes, Ordering::Relaxed);
        }
        let wall_ns = u64::try_from(spent.wall.as_nanos()).unwrap_or(u64::MAX);
        self.wall_ns.fetch_add(wall_ns, Ordering::Relaxed);
        if let Some(meter) = &self.meter {
            meter.micros.note(wall_ns.div_ceil(1_000));
            meter.fuel.note(spent.fuel);
        }
        if !spent.stacks.is_empty() {
            let mut stacks = lock(&self.stacks);
            for (stack, seen) in spent.stacks {
                *stacks.entry(stack).or_default() += seen;
            }
        }
        if spent.log_lines > 0 {
            self.log_lines.fetch_add(spent.log_lines, Ordering::Relaxed);
            let mut log = lock(&self.log);
            let free = LINES_KEPT_MAX.saturating_sub(log.len());
            log.extend(spent.log.into_iter().take(free));
        }
    }

    pub(crate) fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
        if let Some(meter) = &self.meter {
            meter.fault();
        }
    }

    pub(crate) fn instance(&self) {
        self.instances.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage {
            calls: self.calls.load(Ordering::Relaxed),
            rows: self.rows.load(Ordering::Relaxed),
            fuel: self.fuel.load(Ordering::Relaxed),
            wall: Duration::from_nanos(self.wall_ns.load(Ordering::Relaxed)),
            faults: self.faults.load(Ordering::Relaxed),
            instances: self.instances.load(Ordering::Relaxed),
            log_lines: self.log_lines.load(Ordering::Relaxed),
            memory_bytes: self.memory_bytes.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn take_stacks(&self) -> Stacks {
        std::mem::take(&mut lock(&self.stacks))
    }

    pub(crate) fn take_log(&self) -> Vec<LogLine> {
        std::mem::take(&mut lock(&self.log))
    }
}
