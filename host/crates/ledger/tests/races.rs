//! Many threads on one ledger: no account ever grants more than it has.
#![allow(clippy::unwrap_used, reason = "tests")]

mod shared;

use std::sync::atomic::{AtomicI64, Ordering};

use playbook_ledger::{GrantAnswer, Ledger};
use playbook_model::Minor;
use shared::{BRAND, Calls as _, NOW, assert_sound, cycle, key, plan, request};

#[test]
fn threads_that_race_for_the_last_money_never_exceed_a_budget() {
    let ledger = Ledger::in_memory(BRAND).unwrap();
    let accounts = ledger.ensure_budget(&plan(10_000), NOW).unwrap();
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let granted = AtomicI64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (ledger, granted, accounts) = (&ledger, &granted, &accounts);
            scope.spawn(move || {
                for turn in 0..60 {
                    let stage = if turn % 2 == 0 { "points" } else { "coupons" };
                    let name = format!("{thread}-{turn}");
                    let cost = 1 + (thread * 7 + turn * 13) % 90;
                    let asked = request(&name, accounts.plugins[stage], cost);
                    let answer = ledger.grant_batch(&cycle(1), NOW, &[asked]).unwrap()[0];
                    if matches!(answer, GrantAnswer::Granted { .. }) {
                        granted.fetch_add(cost, Ordering::SeqCst);
                    }
                    let balance = ledger.balances().unwrap();
                    assert!(balance.iter().all(|row| row.available() >= Minor::ZERO));
                }
            });
        }
    });
    let root = ledger.balances().unwrap()[0].clone();
    assert_eq!(root.reserved, Minor(granted.load(Ordering::SeqCst)));
    let left = ledger.available(accounts.plugins["points"]);
    assert!(left < Minor(20), "the race went to the end: {left} left");
    assert_sound(&ledger);
}

#[test]
fn the_same_key_from_many_threads_is_granted_once() {
    let ledger = Ledger::in_memory(BRAND).unwrap();
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let fresh = AtomicI64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let requests: Vec<_> =
                    ["a", "b", "c", "d"].map(|name| request(name, points, 10)).into();
                for answer in ledger.grant_batch(&cycle(1), NOW, &requests).unwrap() {
                    fresh.fetch_add(
                        i64::from(matches!(answer, GrantAnswer::Granted { .. })),
                        Ordering::SeqCst,
                    );
                }
            });
        }
    });
    assert_eq!(fresh.load(Ordering::SeqCst), 4);
    assert_eq!(ledger.balances().unwrap()[0].reserved, Minor(40));
    assert_sound(&ledger);
}
