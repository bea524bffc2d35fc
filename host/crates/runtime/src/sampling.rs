//! Where a guest spends its time: a sampling profiler that notes the stack at each tick of the epoch.

use std::collections::BTreeMap;

use rustc_demangle::demangle;
use wasmtime::{FrameInfo, StoreContextMut, Trap, UpdateDeadline, WasmBacktrace};

use crate::state::State;

/// Stacks of functions, the outermost first, with how often each was seen.
pub type Stacks = BTreeMap<Vec<String>, u64>;

/// What is noted of the running call.
#[derive(Debug, Default)]
pub(crate) struct Sampling {
    pub(crate) stacks: Stacks,
    /// Ticks until the deadline of the call.
    pub(crate) ticks_left: u64,
}

/// Notes the stack of the guest; called at every tick while it runs.
pub(crate) fn sample(mut store: StoreContextMut<'_, State>) -> wasmtime::Result<UpdateDeadline> {
    let trace = WasmBacktrace::force_capture(&store);
    let stack: Vec<String> = trace.frames().iter().rev().map(name_of).collect();
    let Some(sampling) = store.data_mut().sampling.as_mut() else {
        return Err(Trap::Interrupt.into());
    };
    *sampling.stacks.entry(stack).or_default() += 1;
    sampling.ticks_left = sampling.ticks_left.saturating_sub(1);
    match sampling.ticks_left {
        0 => Err(Trap::Interrupt.into()),
        _ => Ok(UpdateDeadline::Continue(1)),
    }
}

/// The name of a function, as its language writes it; its number where the build keeps no names.
fn name_of(frame: &FrameInfo) -> String {
    match frame.func_name() {
        Some(name) => format!("{:#}", demangle(name)),
        None => format!("function {}", frame.func_index()),
    }
}
