//! Guests that take too much: time, memory, stack, output.

use playbook_model::{Fault, Limit, Limits};
use playbook_runtime::{LoadOptions, Metering};

use crate::support::{Host, behaves, fault_of, loading, opening, score, scoring};

fn usual() -> LoadOptions {
    LoadOptions::default()
}

fn limit_of(fault: &Fault) -> Limit {
    match fault {
        Fault::LimitHit { limit, .. } => *limit,
        other => panic!("no limit was hit: {other}"),
    }
}

#[test]
fn endless_loop_is_stopped_when_its_fuel_is_gone() {
    let fault = fault_of("loop", &usual(), 2);
    let max = Limits::default().fuel_base + 2 * Limits::default().fuel_per_row;
    assert_eq!(fault, Fault::LimitHit { limit: Limit::Fuel, used: max, max });
}

#[test]
fn endless_loop_without_fuel_is_stopped_by_the_clock() {
    let limits = Limits { call_ms_max: 50, ..Limits::default() };
    let options = LoadOptions { metering: Metering::EpochOnly, ..loading(limits) };
    let fault = fault_of("loop", &options, 2);
    assert_eq!(fault, Fault::LimitHit { limit: Limit::Deadline, used: 50, max: 50 });
}

#[test]
fn guest_whose_fuel_would_last_too_long_is_stopped_by_the_clock() {
    let limits = Limits { fuel_base: 5_000_000_000, call_ms_max: 50, ..Limits::default() };
    assert_eq!(limit_of(&fault_of("loop", &loading(limits), 1)), Limit::Deadline);
}

#[test]
fn guest_growing_past_its_memory_is_stopped_and_told_apart_from_a_trap() {
    let fault = fault_of("grow", &usual(), 1);
    let Fault::LimitHit { limit: Limit::Memory, used, max } = fault else {
        panic!("not the memory limit: {fault}")
    };
    assert_eq!(max, 64 << 20);
    assert!(used > max);
}

#[test]
fn smaller_memory_limit_of_a_playbook_holds() {
    let limits = Limits { memory_bytes_max: 4 << 20, ..Limits::default() };
    let fault = fault_of("grow", &loading(limits), 1);
    assert!(
        matches!(fault, Fault::LimitHit { limit: Limit::Memory, max: 0x40_0000, .. }),
        "{fault}"
    );
}

#[test]
fn memory_too_small_for_the_guest_to_start_is_a_limit_and_not_a_host_fault() {
    let limits = Limits { memory_bytes_max: 64 << 10, ..Limits::default() };
    let host = Host::new();
    let plugin = host.runtime.load(scoring(), &loading(limits)).unwrap();
    let fault = plugin.open(opening("good")).unwrap().expect_err("it needs a megabyte of stack");
    assert_eq!(limit_of(&fault), Limit::Memory);
}

#[test]
fn deep_recursion_is_stopped_at_the_stack_limit() {
    assert_eq!(limit_of(&fault_of("recurse", &usual(), 1)), Limit::Stack);
}

#[test]
fn huge_list_is_refused_before_the_host_holds_it() {
    let fault = fault_of("huge-list", &usual(), 1);
    assert_eq!(
        fault,
        Fault::LimitHit { limit: Limit::ReturnedBytes, used: 64 << 10, max: 64 << 10 }
    );
}

#[test]
fn batch_may_return_what_its_rows_need_and_a_list_beyond_twice_that_is_refused() {
    let host = Host::new();
    let good = host.open("good", &usual());
    assert_eq!(score(&good, 65_536).map(|a| a.columns.reals.len()), Ok(65_536));
    assert_eq!(limit_of(&fault_of("huge-list", &usual(), 65_536)), Limit::ReturnedBytes);
}

#[test]
fn trap_is_reported_with_its_name() {
    let fault = fault_of("trap", &usual(), 1);
    assert_eq!(
        fault,
        Fault::Trap { trap: "wasm `unreachable` instruction executed".to_owned(), panic: None }
    );
}

#[test]
fn panic_is_reported_with_its_message_and_place() {
    let fault = fault_of("panic", &usual(), 1);
    let Fault::Trap { panic: Some(panic), .. } = fault else { panic!("no panic: {fault}") };
    assert!(panic.starts_with("on purpose at "), "{panic}");
    assert!(panic.contains("lib.rs:"), "{panic}");
}

#[test]
fn settings_that_panic_are_a_trap_in_check_and_in_open() {
    let host = Host::new();
    let good = host.open("good", &usual());
    for mode in ["panic-in-check", "panic-in-open"] {
        let fault = host.try_open(mode, &usual()).expect_err("it must not open");
        assert!(matches!(&fault, Fault::Trap { panic: Some(_), .. }), "{mode}: {fault}");
        assert!(behaves(&good));
    }
    let plugin = host.runtime.load(scoring(), &usual()).unwrap();
    let fault = plugin.check("{\"mode\":\"panic-in-check\"}").unwrap().expect_err("it panics");
    assert_eq!(
        fault.to_string().split(" at ").next(),
        Some("trapped (wasm `unreachable` instruction executed): these settings are too much")
    );
}

#[test]
fn loop_while_opening_is_stopped_too() {
    let host = Host::new();
    let fault = host.try_open("loop-in-open", &usual()).expect_err("it must not open");
    assert_eq!(limit_of(&fault), Limit::Fuel);
}

#[test]
fn fuel_of_a_call_is_the_same_on_every_fresh_instance() {
    let fuel = || {
        let host = Host::new();
        let good = host.open("good", &usual());
        assert!(behaves(&good));
        good.usage().fuel
    };
    let first = fuel();
    assert!(first > 0);
    assert_eq!(fuel(), first);
}

#[test]
fn stopped_call_is_charged_in_full() {
    let host = Host::new();
    let bad = host.open("trap", &usual());
    assert!(score(&bad, 1).is_err());
    let limits = Limits::default();
    assert_eq!(bad.usage().fuel, limits.fuel_base + limits.fuel_per_row);
}
