//! What the sandbox costs: one warm decision, a batch of 4,096 rows by metering, against the same kernel native.
//!
//! `cargo bench --workspace --bench sandbox` prints plain text; with `--json` after `--bench sandbox --` it prints one JSON
//! object a line. All figures are medians of one run on one machine; only the ratios mean anything. Each contender is
//! a [`Contender`], so that another runtime is one more entry.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints")]

use std::hint::black_box;
use std::time::Instant;

use playbook_builder::{Options, build_one};
use playbook_model::{Batch, Columns, Context};
use playbook_runtime::{
    Compiler, LoadOptions, Metering, OpenedPlugin, Opening, Reuse, Runtime, RuntimeOptions,
};

/// Rows of the batch.
const ROWS: u32 = 4_096;
/// Real columns in the batch.
const COLUMNS: u32 = 8;
/// Repetitions that the median is taken of.
const REPEATS: usize = 31;

/// One way to score rows.
struct Contender<'a> {
    name: &'static str,
    score: Box<dyn FnMut(&Batch) -> f64 + 'a>,
}

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let folder = tempfile::TempDir::new().unwrap();
    let options = RuntimeOptions::new(folder.path(), Compiler::InProcess);
    let runtime = Runtime::new(options).unwrap();
    let guest = std::env::current_dir().unwrap().join("../../../tests/hostile/scoring");
    let component = build_one(&guest, &Options::of_user(), &mut |_| {}).unwrap().component;
    let open = |metering, reuse| {
        let loading = LoadOptions { metering, ..LoadOptions::default() };
        let settings = "{\"mode\":\"kernel\"}".into();
        let opening = Opening { settings, reuse, ..Opening::default() };
        runtime.load_file(&component, &loading).unwrap().open(opening).unwrap().unwrap()
    };
    let warm = Reuse::Warm { calls_max: u32::MAX };
    let fuel = open(Metering::FuelAndEpoch, warm);
    let epoch = open(Metering::EpochOnly, warm);
    let fresh = open(Metering::FuelAndEpoch, Reuse::Fresh);
    let mut contenders = vec![
        // A guest brings its own exp and ln; the first line is the same source without the sandbox.
        Contender { name: "native, the guest's math", score: Box::new(native_as_guest) },
        Contender { name: "native, the system's math", score: Box::new(native) },
        sandboxed("sandbox, epoch", &epoch),
        sandboxed("sandbox, fuel and epoch", &fuel),
        sandboxed("sandbox, fuel, fresh instance", &fresh),
    ];
    for (rows, calls) in [(1, 2_000), (ROWS, 8)] {
        let batch = batch(rows);
        compare(&mut contenders, &batch, calls, json);
    }
    if !json {
        let usage = fuel.usage();
        println!("fuel: {} a row over all calls", usage.fuel / usage.rows);
    }
}

fn sandboxed<'a>(name: &'static str, opened: &'a OpenedPlugin) -> Contender<'a> {
    let context = Context::default();
    let score = move |batch: &Batch| {
        let answer = opened.score(&context, batch).unwrap().unwrap();
        answer.columns.reals.iter().sum()
    };
    Contender { name, score: Box::new(score) }
}

/// The kernel of the guest, over the same columns.
fn native(batch: &Batch) -> f64 {
    kernel(batch, |x| (-x * 0.01).exp() * (1.0 + x).ln())
}

/// The same with the functions that Rust's standard library has on wasm.
fn native_as_guest(batch: &Batch) -> f64 {
    kernel(batch, |x| libm::exp(-x * 0.01) * libm::log(1.0 + x))
}

fn kernel(batch: &Batch, term: impl Fn(f64) -> f64) -> f64 {
    let mut scores = vec![0.0_f64; batch.rows as usize];
    for column in batch.columns.reals.chunks_exact(batch.rows as usize) {
        for (score, x) in scores.iter_mut().zip(column) {
            *score += term(*x);
        }
    }
    black_box(&scores).iter().sum()
}

fn batch(rows: u32) -> Batch {
    let reals = (0..rows * COLUMNS).map(|i| f64::from(i % 97)).collect();
    Batch { rows, columns: Columns { reals, ..Columns::default() } }
}

/// Runs all contenders in turn, so that noise falls on each alike, and prints medians and ratios to the first.
fn compare(contenders: &mut [Contender<'_>], batch: &Batch, calls: u32, json: bool) {
    let first = (contenders[0].score)(batch);
    let mut times = vec![Vec::with_capacity(REPEATS); contenders.len()];
    for _ in 0..REPEATS {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            let begun = Instant::now();
            for _ in 0..calls {
                let sum = (contender.score)(black_box(batch));
                assert!((sum - first).abs() <= 1e-9 * first.abs(), "{} differs", contender.name);
            }
            times.push(begun.elapsed().as_secs_f64() * 1e9 / f64::from(calls));
        }
    }
    if !json {
        println!("{} rows of {COLUMNS} columns, medians of {REPEATS}", batch.rows);
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let base = median(&mut times[0]);
    for (contender, times) in contenders.iter().zip(&mut times) {
        let ns = median(times);
        if json {
            println!(
                "{{\"name\": \"{}\", \"rows\": {}, \"ns_per_call\": {ns:.1}}}",
                contender.name, batch.rows
            );
            continue;
        }
        let (a_call, a_row) = (ns / 1e3, ns / f64::from(batch.rows));
        println!(
            "  {:30} {a_call:10.3} us a call {a_row:9.1} ns a row {:6.2} x",
            contender.name,
            ns / base
        );
    }
}
