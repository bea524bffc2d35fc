//! What a call into Extism costs: the kernel, the rows and the limits of the sandbox's own benchmark.
//!
//! Built from the root of the repository, the guest exactly as `host/crates/builder` compiles plugins:
//!
//! ```sh
//! cargo build --release --manifest-path tests/benchmarks/extism/Cargo.toml --target-dir target/extism
//! RUSTFLAGS="-C target-feature=+simd128,+bulk-memory" cargo build --package extism-guest --profile plugin \
//!   --target wasm32-unknown-unknown --manifest-path tests/benchmarks/extism/Cargo.toml --target-dir target/extism
//! ```
//!
//! and run as `RUST_BACKTRACE=0 extism-bench extism_guest.wasm`: with backtraces on, Extism takes one in every call
//! without fuel. `tests/benchmarks/extism.py` sets it beside the sandbox. Prints one JSON object a line. Each call
//! writes its input into a buffer that is kept and reads the answer where Extism has it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use extism::{Manifest, Plugin, PluginBuilder, Wasm};

/// Rows of the batch.
const ROWS: u32 = 4_096;
/// Real columns in the batch.
const COLUMNS: u32 = 8;
/// Repetitions that the median is taken of.
const REPEATS: usize = 31;
/// The product's default limits: a second, 64 MiB in pages, and the fuel of a whole batch. Extism has one figure for
/// all calls and fills it up before each.
const TIMEOUT: Duration = Duration::from_millis(1_000);
const PAGES_MAX: u32 = 1_024;
const FUEL: u64 = 50_000_000 + 100_000 * ROWS as u64;

/// One way to call the guest.
struct Contender {
    name: &'static str,
    plugin: Plugin,
    input: Vec<u8>,
    times: Vec<f64>,
}

impl Contender {
    fn new(name: &'static str, guest: &str, fuel: Option<u64>) -> Self {
        let manifest = Manifest::new([Wasm::file(guest)]).with_timeout(TIMEOUT).with_memory_max(PAGES_MAX);
        let mut builder = PluginBuilder::new(manifest).with_cache_disabled();
        if let Some(fuel) = fuel {
            builder = builder.with_fuel_limit(fuel);
        }
        Self { name, plugin: builder.build().unwrap(), input: Vec::new(), times: Vec::new() }
    }

    /// Scores rows and returns the sum of the scores.
    fn score(&mut self, rows: u32, reals: &[f64]) -> f64 {
        self.input.resize(4 + 8 * reals.len(), 0);
        let (head, columns) = self.input.split_first_chunk_mut().unwrap();
        *head = rows.to_le_bytes();
        for (bytes, real) in columns.as_chunks_mut::<8>().0.iter_mut().zip(reals) {
            *bytes = real.to_le_bytes();
        }
        let output: &[u8] = self.plugin.call("score", self.input.as_slice()).unwrap();
        assert_eq!(output.len(), 8 * rows as usize);
        output.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).sum()
    }
}

fn main() {
    let guest = std::env::args().nth(1).expect("the guest's file as the only argument");
    let mut contenders = [
        Contender::new("extism, timeout", &guest, None),
        Contender::new("extism, fuel and timeout", &guest, Some(FUEL)),
    ];
    for (rows, calls) in [(1, 2_000), (ROWS, 8)] {
        let reals: Vec<f64> = (0..rows * COLUMNS).map(|i| f64::from(i % 97)).collect();
        compare(&mut contenders, rows, &reals, calls);
    }
    let used = contenders[1].plugin.fuel_consumed().unwrap();
    assert!((1..FUEL).contains(&used), "{used} of {FUEL} is not what one call uses");
}

/// The kernel without a guest, with the functions that Rust's standard library has on wasm.
fn native_as_guest(rows: u32, reals: &[f64]) -> f64 {
    let mut scores = vec![0.0_f64; rows as usize];
    for column in reals.chunks_exact(rows as usize) {
        for (score, x) in scores.iter_mut().zip(column) {
            *score += libm::exp(-x * 0.01) * libm::log(1.0 + x);
        }
    }
    scores.iter().sum()
}

/// Runs the contenders in turn, so that noise falls on each alike, and prints medians.
fn compare(contenders: &mut [Contender], rows: u32, reals: &[f64], calls: u32) {
    let native = native_as_guest(rows, reals);
    for _ in 0..REPEATS {
        for contender in contenders.iter_mut() {
            let begun = Instant::now();
            for _ in 0..calls {
                let sum = contender.score(rows, black_box(reals));
                assert!((sum - native).abs() <= 1e-9 * native.abs(), "{} differs", contender.name);
            }
            contender.times.push(begun.elapsed().as_secs_f64() * 1e9 / f64::from(calls));
        }
    }
    for Contender { name, times, .. } in contenders {
        times.sort_by(f64::total_cmp);
        let ns = times[times.len() / 2];
        println!("{{\"name\": \"{name}\", \"rows\": {rows}, \"ns_per_call\": {ns:.1}}}");
        times.clear();
    }
}
