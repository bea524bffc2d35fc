//! Engines: one per way of metering, with the same settings in this process and in the compiling child.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use playbook_model::{Digest, Limits};
use sha2::{Digest as _, Sha256};
use wasmtime::{
    Config, Enabled, Engine, Inlining, InstanceAllocationStrategy, OptLevel,
    PoolingAllocationConfig, Strategy,
};

use crate::{Metering, RuntimeError};

/// Depth of guest calls, in bytes of stack.
pub(crate) const STACK_BYTES_MAX: usize = 512 << 10;
/// Elements of all function tables of an instance; a Python guest needs about ten thousand.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 1 << 16;
/// Time between two ticks of the epoch; a deadline is met to within one tick.
const TICK: Duration = Duration::from_millis(2);
/// Memory of a dropped instance that is zeroed and kept rather than given back, in bytes.
const KEPT_BYTES: usize = 2 << 20;
/// The same for function tables.
const KEPT_TABLE_BYTES: usize = 8 << 10;
/// Core instances of one component: the guest itself and what the component tools put around it. Python has 38. A place that is
/// not used takes address space alone.
pub(crate) const CORE_INSTANCES_MAX: u32 = 64;
/// Linear memories of one component. QuickJS has 3, of which two are empty.
pub(crate) const MEMORIES_MAX: u32 = 4;
/// Tables of one component.
const TABLES_MAX: u32 = 24;

/// Settings that decide what compiled code looks like, without those of the pool.
pub(crate) fn settings(metering: Metering) -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .wasm_component_model(true)
        .concurrency_support(false)
        .wasm_simd(true)
        // Results of relaxed instructions differ by machine.
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        // Canonical NaNs cost a scoring kernel a factor of 6 to 8; answers are checked instead.
        .cranelift_nan_canonicalization(false)
        .consume_fuel(metering == Metering::FuelAndEpoch)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES_MAX)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        // A tenth faster, for three times the compilation and twice the code: for long batches.
        .compiler_inlining(match metering {
            Metering::EpochOnly => Inlining::Yes,
            Metering::FuelAndEpoch => Inlining::No,
        });
    config
}

/// Returns an engine that allocates instances from a pool.
pub(crate) fn pooling(
    metering: Metering,
    instances_max: u32,
    ceiling: &Limits,
) -> Result<Engine, RuntimeError> {
    let memory_bytes_max = ceiling.memory_bytes_max.max(ceiling.fit_memory_bytes_max);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances_max)
        .total_core_instances(instances_max.saturating_mul(CORE_INSTANCES_MAX))
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .total_memories(instances_max.saturating_mul(MEMORIES_MAX))
        .max_memories_per_component(MEMORIES_MAX)
        .total_tables(instances_max.saturating_mul(TABLES_MAX))
        .max_tables_per_component(TABLES_MAX)
        .max_tables_per_module(4)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memory_size(usize::try_from(memory_bytes_max).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(KEPT_BYTES)
        .table_keep_resident(KEPT_TABLE_BYTES)
        // Where the kernel can tell, only pages that were written are zeroed.
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(instances_max);
    let mut config = settings(metering);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).map_err(|e| RuntimeError::Engine { detail: format!("{e:#}") })
}

/// Returns an engine that only compiles: it reserves no pool, so it fits under a memory limit.
pub(crate) fn compiling(metering: Metering) -> Result<Engine, RuntimeError> {
    let mut config = settings(metering);
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    Engine::new(&config).map_err(|e| RuntimeError::Engine { detail: format!("{e:#}") })
}

/// Digest of everything that compiled code depends on besides the component: wasmtime's version,
/// target, settings.
pub(crate) fn settings_digest(engine: &Engine) -> Digest {
    struct Sink(Sha256);
    impl Hasher for Sink {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut sink = Sink(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut sink);
    Digest(sink.0.finalize().into())
}

/// The thread that moves the epoch of all engines on; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    stops: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(engines: Vec<Engine>) -> Result<Self, RuntimeError> {
        let stops = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stops);
        let thread = thread::Builder::new()
            .name("playbook-epoch".to_owned())
            .spawn(move || {
                while !seen.load(Ordering::Relaxed) {
                    thread::park_timeout(TICK);
                    engines.iter().for_each(Engine::increment_epoch);
                }
            })
            .map_err(|e| RuntimeError::Engine { detail: e.to_string() })?;
        Ok(Self { stops, thread: Some(thread) })
    }

    /// Ticks that a deadline of `ms` milliseconds spans, at least one whole tick.
    pub(crate) fn ticks(ms: u64) -> u64 {
        ms.div_ceil(TICK.as_millis() as u64).saturating_add(1)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A ticker that panicked has nothing left to clean up.
            drop(thread.join());
        }
    }
}
