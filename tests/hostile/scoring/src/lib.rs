//! A scoring plugin that misbehaves in the way its settings name; made without the SDK, which would not let it.
//!
//! Settings are `{"mode":"..."}`. Mode `good` behaves: the score is twice the input.

#![allow(unsafe_code, missing_docs, unreachable_pub, reason = "generated from wit/v0.1")]
#![allow(clippy::all, reason = "generated from wit/v0.1")]
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only guests export"))]

use std::cell::{Cell, RefCell};

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "fitted-scoring-plugin" });

use exports::playbook::plugin::{fitting, plugin, scoring};
use playbook::plugin::log;
use playbook::plugin::types::{
    Batch, CellType, Columns, Context, Description, Factor, FitStep, Fitted, Kind, Need, Opening,
    Problem, Produce, Role, RowAnswer, Shape, Source, Starting, TableNeed, Words,
};

struct Hostile;
#[cfg(target_arch = "wasm32")]
export!(Hostile);

thread_local! {
    static MODE: RefCell<String> = const { RefCell::new(String::new()) };
    static CALLS: Cell<u32> = const { Cell::new(0) };
    static KERNEL: Cell<bool> = const { Cell::new(false) };
    static ROWS: Cell<u64> = const { Cell::new(0) };
}

fn mode_of(settings: &str) -> Option<&str> {
    settings.strip_prefix("{\"mode\":\"")?.strip_suffix("\"}")
}

fn mode() -> String {
    MODE.with(|m| m.borrow().clone())
}

fn words(en: &str) -> Words {
    Words { en: en.to_owned(), zh: None }
}

fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or(("", 0), |l| (l.file(), l.line()));
        let said = info.payload().downcast_ref::<&str>().copied().unwrap_or("no words");
        log::panicked(said, place.0, place.1);
    }));
}

fn produce(name: &str, cell_type: CellType, unit: &str, least: Option<f64>) -> Produce {
    Produce {
        name: name.to_owned(),
        role: Role::Score,
        group: String::new(),
        input: u32::MAX,
        table: None,
        cell_type,
        unit: unit.to_owned(),
        least,
        most: None,
        categories: if cell_type == CellType::Category {
            vec!["low".to_owned(), "high".to_owned()]
        } else {
            Vec::new()
        },
        bounds: Vec::new(),
        alarms: Vec::new(),
        meaning: words(name),
    }
}

impl plugin::Guest for Hostile {
    fn describe() -> Description {
        Description {
            kind: Kind::Scoring,
            name: "hostile".to_owned(),
            version: "0.1.0".to_owned(),
            summary: words("Misbehaves on purpose"),
            settings_schema: "{\"type\":\"object\"}".to_owned(),
        }
    }

    fn check(settings: String) -> Result<Shape, Vec<Problem>> {
        report_panics();
        let Some(mode) = mode_of(&settings) else {
            return Err(vec![Problem {
                path: "/mode".to_owned(),
                message: "is not a mode".to_owned(),
                hint: Some("good".to_owned()),
            }]);
        };
        if mode == "panic-in-check" {
            panic!("these settings are too much");
        }
        let feature = |name: &str| Need {
            source: Source::Feature(name.to_owned()),
            cell_type: CellType::Real,
            unit: String::new(),
            required: true,
            categories: Vec::new(),
        };
        // What a partner's model costs: eight columns through exp and ln, for benchmarks.
        if mode == "kernel" {
            let columns = (0..8).map(|_| feature("x")).collect();
            return Ok(Shape {
                rows: Some(TableNeed { subject: "member".to_owned(), columns }),
                tables: Vec::new(),
                produces: vec![produce("score", CellType::Real, "", None)],
                segments: Vec::new(),
                actions: Vec::new(),
                reasons: Vec::new(),
                terms: Vec::new(),
                fit_passes_max: 0,
            });
        }
        let mut produces = vec![
            produce("score", CellType::Real, "", None),
            produce("paid", CellType::Integer, "minor", Some(0.0)),
            produce("tier", CellType::Category, "", None),
        ];
        if mode == "twice-declared" {
            produces.push(produce("score", CellType::Real, "", None));
        }
        Ok(Shape {
            rows: Some(TableNeed { subject: "member".to_owned(), columns: vec![feature("x")] }),
            tables: Vec::new(),
            produces,
            segments: Vec::new(),
            actions: Vec::new(),
            reasons: Vec::new(),
            terms: Vec::new(),
            fit_passes_max: 1,
        })
    }

    fn open(_ctx: Context, opening: Opening) -> Result<(), Vec<Problem>> {
        report_panics();
        let mode = mode_of(&opening.settings).unwrap_or_default().to_owned();
        if mode == "panic-in-open" {
            panic!("cannot open");
        }
        if mode == "loop-in-open" {
            spin();
        }
        KERNEL.with(|k| k.set(mode == "kernel"));
        MODE.with(|m| *m.borrow_mut() = mode);
        Ok(())
    }
}

/// A well-behaved model, for benchmarks.
fn kernel(reals: &[f64], count: usize) -> RowAnswer {
    let mut scores = vec![0.0_f64; count];
    if count > 0 {
        for column in reals.chunks_exact(count) {
            for (score, x) in scores.iter_mut().zip(column) {
                *score += libm::exp(-x * 0.01) * libm::log(1.0 + x);
            }
        }
    }
    RowAnswer {
        columns: Columns { reals: scores, integers: Vec::new(), valid: None, wides: None },
        reasons: Vec::new(),
    }
}

/// Never returns, and the compiler cannot tell.
fn spin() -> u64 {
    let mut n = 1_u64;
    while std::hint::black_box(n) != 0 {
        n = n.wrapping_mul(3) | 1;
    }
    n
}

fn recurse(depth: u64) -> u64 {
    // Never 0 here, but the compiler cannot tell.
    if std::hint::black_box(depth) == 0 { 0 } else { recurse(depth + 1).wrapping_mul(3) }
}

/// Grows until growth is refused, then aborts, as allocators do.
fn grow() -> usize {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    loop {
        // Not written to: growth itself is what is tried here.
        kept.push(Vec::with_capacity(std::hint::black_box(1 << 20)));
        std::hint::black_box(&kept);
    }
}

fn stop() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort();
}

impl scoring::Guest for Hostile {
    fn score(_ctx: Context, rows: Batch) -> Result<RowAnswer, String> {
        let count = rows.rows as usize;
        if KERNEL.with(Cell::get) {
            return Ok(kernel(&rows.columns.reals, count));
        }
        let call = CALLS.with(|c| {
            c.set(c.get() + 1);
            c.get()
        });
        let mut answer = RowAnswer {
            columns: Columns {
                reals: rows.columns.reals.iter().map(|x| 2.0 * x).collect(),
                integers: vec![0; 2 * count],
                valid: None,
                wides: None,
            },
            reasons: Vec::new(),
        };
        let columns = &mut answer.columns;
        match mode().as_str() {
            "loop" => drop(std::hint::black_box(spin())),
            "grow" => drop(std::hint::black_box(grow())),
            "recurse" => drop(std::hint::black_box(recurse(1))),
            "huge-list" => columns.reals = vec![1.0; 4 << 20],
            "short-column" => drop(columns.reals.pop()),
            "long-column" => columns.integers.push(0),
            "short-validity" => columns.valid = Some(Vec::new()),
            "nan" => columns.reals[count - 1] = f64::NAN,
            "infinity" => columns.reals[count - 1] = f64::NEG_INFINITY,
            "negative-money" => columns.integers[count - 1] = -1,
            "unknown-category" => columns.integers[2 * count - 1] = 2,
            "unknown-reason" => answer.reasons = vec![0; count],
            "trap" => stop(),
            "panic" => panic!("on purpose"),
            "log-flood" => (0..u32::MAX).for_each(|_| log::log(log::Severity::Info, "again")),
            "log-much" => {
                (0..100).for_each(|_| log::log(log::Severity::Warn, &"much ".repeat(100)))
            }
            "log-escapes" => log::log(log::Severity::Error, "\u{1b}[2Jgone\r\n"),
            "refuse" => return Err("no\u{1b}[31m way".to_owned()),
            "count-calls" => columns.reals = vec![f64::from(call); count],
            "count-rows" => columns.reals = vec![f64::from(rows.rows); count],
            _ => {}
        }
        Ok(answer)
    }

    fn explain(_ctx: Context, _rows: Batch) -> Result<Vec<Factor>, String> {
        let output = if mode() == "unknown-output" { 9 } else { 0 };
        Ok(vec![Factor { input: 0, output, contribution: 1.0 }])
    }
}

impl fitting::Guest for Hostile {
    fn begin(_ctx: Context, starting: Starting) -> Result<(), Vec<Problem>> {
        report_panics();
        let mode = mode_of(&starting.settings).unwrap_or_default().to_owned();
        MODE.with(|m| *m.borrow_mut() = mode);
        ROWS.with(|r| r.set(0));
        Ok(())
    }

    fn observe(rows: Batch) -> Result<(), String> {
        match mode().as_str() {
            "loop" => drop(std::hint::black_box(spin())),
            "grow" => drop(std::hint::black_box(grow())),
            _ => {}
        }
        ROWS.with(|r| r.set(r.get() + u64::from(rows.rows)));
        Ok(())
    }

    fn part() -> Result<Vec<u8>, String> {
        Ok(ROWS.with(Cell::get).to_le_bytes().to_vec())
    }

    fn merge(left: Vec<u8>, right: Vec<u8>) -> Result<Vec<u8>, String> {
        let read = |bytes: Vec<u8>| bytes.try_into().map(u64::from_le_bytes);
        match (read(left), read(right)) {
            (Ok(left), Ok(right)) => Ok((left + right).to_le_bytes().to_vec()),
            _ => Err("a state is not eight bytes".to_owned()),
        }
    }

    fn finish(state: Vec<u8>) -> Result<FitStep, String> {
        if mode() == "refuse" {
            return Ok(FitStep::Refused("too few rows".to_owned()));
        }
        Ok(FitStep::Model(Fitted { model: state, measures: Vec::new() }))
    }
}
