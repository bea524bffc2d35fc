//! Many threads on one ledger: no account ever grants more than it has.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::shared::{Calls as _, NOW, assert_sound, cycle, key, plan, request};
use crate::{Home, fresh};
use playbook_ledger::GrantAnswer;
use playbook_model::Minor;

#[test]
fn threads_that_race_for_the_last_money_never_exceed_a_budget() {
    let (_home, ledger) = fresh();
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
    let (_home, ledger) = fresh();
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

#[test]
fn two_runs_of_a_brand_take_turns() {
    let home = Home::new();
    let ledgers = [(), ()].map(|()| home.open());
    let points = ledgers[0].ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    ledgers[0].begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    std::thread::scope(|scope| {
        for (at, ledger) in ledgers.iter().enumerate() {
            scope.spawn(move || {
                for unit in 0..20 {
                    let turn = ledger.turn().unwrap();
                    let (before, _) = ledger.head().unwrap();
                    for piece in 0..3 {
                        let name = format!("{at} {unit} {piece}");
                        let asked = [request(&name, points, 1)];
                        turn.grant_batch(&cycle(1), NOW, &asked).unwrap();
                    }
                    let (after, _) = ledger.head().unwrap();
                    assert_eq!(after, before + 3, "another run booked within a unit of work");
                }
            });
        }
    });
    for ledger in &ledgers {
        assert_eq!(ledger.balances().unwrap()[0].reserved, Minor(120));
        assert_sound(ledger);
    }
}

#[test]
fn many_runs_that_come_first_make_one_ledger() {
    for _ in 0..10 {
        let home = Home::new();
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    home.open().ensure_budget(&plan(1_000), NOW).unwrap();
                });
            }
        });
        let ledger = home.open();
        assert_eq!(ledger.head().unwrap().0, 1, "the plan was booked more than once");
        assert_sound(&ledger);
    }
}

/// Threads that ask at once, over so many connections, of so many hosts each with a ledger of its own.
const ASKING: i64 = 64;
const CONNECTIONS: i64 = 4;

#[test]
fn hosts_that_race_for_the_last_money_of_a_budget_never_exceed_it() {
    let home = Home::new();
    let hosts: Vec<_> = (0..CONNECTIONS).map(|_| home.open()).collect();
    let coupons = hosts[0].ensure_budget(&plan(1_000), NOW).unwrap().plugins["coupons"];
    hosts[0].begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let limit = hosts[0].available(coupons).0;
    let granted = AtomicI64::new(0);
    let start = std::sync::Barrier::new(usize::try_from(ASKING).unwrap());
    std::thread::scope(|scope| {
        for thread in 0..ASKING {
            let (hosts, granted, start) = (&hosts, &granted, &start);
            scope.spawn(move || {
                let host = &hosts[usize::try_from(thread % CONNECTIONS).unwrap()];
                start.wait();
                for turn in 0..3 {
                    let name = format!("{thread}-{turn}");
                    let cost = 1 + (thread + turn * 5) % 7;
                    let asked = [request(&name, coupons, cost)];
                    let answer = host.grant_batch(&cycle(1), NOW, &asked).unwrap()[0];
                    if matches!(answer, GrantAnswer::Granted { .. }) {
                        granted.fetch_add(cost, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    let granted = granted.into_inner();
    assert!((limit - 6..=limit).contains(&granted), "{granted} of {limit}");
    for host in &hosts {
        assert_eq!(host.balances().unwrap()[0].reserved, Minor(granted));
        assert_eq!(host.available(coupons), Minor(limit - granted));
        assert_sound(host);
    }
}
