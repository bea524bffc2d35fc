//! What a cycle sees of the time before it, and what an extract holds.
#![allow(clippy::unwrap_used, reason = "tests")]

mod shared;

use playbook_ledger::{CycleRef, EntryKind, GrantRequest, Ledger};
use playbook_model::{Minor, UnixMs};
use shared::{BRAND, DAY, NOW, cycle, key, plan, request};

fn later(days: i64) -> UnixMs {
    UnixMs(NOW.0 + days * DAY)
}

#[test]
fn a_cycle_sees_earlier_grants_of_the_window_but_never_its_own() {
    let ledger = Ledger::in_memory(BRAND).unwrap();
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    let one = GrantRequest { member: 9, ..request("a", points, 5) };
    let two =
        GrantRequest { member: 3, family: "coupon", commercial: true, ..request("b", points, 5) };
    let gone = GrantRequest { member: 3, ..request("gone", points, 5) };
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    ledger.grant_batch(&cycle(1), NOW, &[one, two, gone]).unwrap();
    ledger.release(&cycle(1), &key("gone"), NOW).unwrap();
    let own = ledger.grants_since(&cycle(1), UnixMs(0)).unwrap();
    assert!(own.grants.is_empty(), "a rerun must see what the first run saw");

    ledger.begin_cycle(&cycle(2), key("run"), later(1)).unwrap();
    ledger.grant_batch(&cycle(2), later(1), &[request("c", points, 5)]).unwrap();
    let seen = ledger.grants_since(&cycle(2), UnixMs(NOW.0 - 1)).unwrap();
    assert_eq!(seen.families, ["coupon", "points"]);
    let rows: Vec<_> =
        seen.grants.iter().map(|g| (g.member, g.family, g.at, g.commercial)).collect();
    assert_eq!(rows, [(3, 0, NOW, true), (9, 1, NOW, false)]);
    assert_eq!(seen.of_member(9).len(), 1);
    assert!(seen.of_member(4).is_empty());
    let outside = ledger.grants_since(&cycle(2), NOW).unwrap();
    assert!(outside.grants.is_empty(), "the window is open at its old end");
}

#[test]
fn another_playbook_of_the_brand_is_seen_too() {
    let ledger = Ledger::in_memory(BRAND).unwrap();
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    let mut second = plan(500);
    second.playbook = "shop".to_owned();
    ledger.ensure_budget(&second, NOW).unwrap();
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    ledger.grant_batch(&cycle(1), NOW, &[request("a", points, 5)]).unwrap();
    let shop = CycleRef { playbook: "shop".to_owned(), number: 1 };
    ledger.begin_cycle(&shop, key("run"), NOW).unwrap();
    assert_eq!(ledger.grants_since(&shop, UnixMs(0)).unwrap().grants.len(), 1);
}

#[test]
fn an_extract_holds_the_entries_of_one_cycle_in_order() {
    let ledger = Ledger::in_memory(BRAND).unwrap();
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    for number in [1, 2] {
        ledger.begin_cycle(&cycle(number), key("run"), later(number)).unwrap();
        let name = if number == 1 { "a" } else { "b" };
        ledger
            .grant_batch(&cycle(number), later(number), &[request(name, points, 10 * number)])
            .unwrap();
    }
    ledger.settle(&cycle(1), &key("a"), Minor(7), later(3)).unwrap();
    let mut lines = Vec::new();
    ledger
        .extract(&cycle(1), |entry, path, at| {
            lines.push((entry.kind, path.to_owned(), entry.amount, at));
        })
        .unwrap();
    let path = "aurora/club/daily/points".to_owned();
    let coupons = "aurora/club/burst/coupons".to_owned();
    assert_eq!(
        lines,
        [
            (EntryKind::Adjust, path.clone(), Minor(157_500), later(1)),
            (EntryKind::Adjust, coupons, Minor(112_500), later(1)),
            (EntryKind::Reserve, path.clone(), Minor(10), later(1)),
            (EntryKind::Settle, path, Minor(7), later(3)),
        ]
    );
}
