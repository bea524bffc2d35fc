//! What a cycle sees of the time before it, and what an extract holds.

use crate::fresh;
use crate::shared::{Calls as _, DAY, NOW, cycle, key, plan, request};
use playbook_ledger::{CycleRef, EntryFilter, EntryKind, GrantRequest, PastGrant, PastGrants};
use playbook_model::{Minor, UnixMs};

fn later(days: i64) -> UnixMs {
    UnixMs(NOW.0 + days * DAY)
}

#[test]
fn a_window_shows_every_grant_that_was_not_released_whatever_its_cycle() {
    let (_home, ledger) = fresh();
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    let one = GrantRequest { member: 9, ..request("a", points, 5) };
    let two = GrantRequest {
        member: 3,
        family: "coupon",
        commercial: true,
        priority: 5,
        ..request("b", points, 5)
    };
    let gone = GrantRequest { member: 3, ..request("gone", points, 5) };
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    ledger.grant_batch(&cycle(1), NOW, &[one, two, gone]).unwrap();
    ledger.release(&key("gone"));
    ledger.begin_cycle(&cycle(2), key("run"), later(1)).unwrap();
    let own = GrantRequest { member: 9, ..request("c", points, 5) };
    ledger.grant_batch(&cycle(2), later(1), &[own]).unwrap();

    let seen = ledger.grants_since(UnixMs(NOW.0 - 1)).unwrap();
    assert_eq!(seen.families, ["coupon", "points"]);
    let rows: Vec<_> =
        seen.grants.iter().map(|g| (g.member, g.family, g.at, g.commercial, g.priority)).collect();
    assert_eq!(rows, [(3, 0, NOW, true, 5), (9, 1, NOW, false, 2), (9, 1, later(1), false, 2)]);
    assert_eq!(seen.of_member(9).len(), 2);
    assert!(seen.of_member(4).is_empty());
    let inside = ledger.grants_since(NOW).unwrap();
    assert_eq!(inside.grants.len(), 1, "the window is open at its old end");
}

#[test]
fn the_history_of_one_member_is_the_members_part_of_all() {
    let (_home, ledger) = fresh();
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    for turn in 0..40 {
        let name = format!("{turn}");
        let family = if turn % 3 == 0 { "coupon" } else { "points" };
        let asked =
            GrantRequest { member: turn % 4, family, ..request(&name, points, 1 + turn % 5) };
        ledger.grant_batch(&cycle(1), later(turn / 10), &[asked]).unwrap();
        if turn % 5 == 0 {
            ledger.release(&key(&name));
        }
    }
    for from in [UnixMs(0), NOW, later(1), later(9)] {
        let all = ledger.grants_since(from).unwrap();
        for member in 0..5 {
            let one = ledger.grants_of(&[member], from).unwrap();
            let by_name = |past: &PastGrants, grants: &[PastGrant]| -> Vec<_> {
                let name = |g: &PastGrant| past.families[g.family as usize].clone();
                grants.iter().map(|g| (g.entry, g.at, name(g), g.contacts_member)).collect()
            };
            assert_eq!(by_name(&one, &one.grants), by_name(&all, all.of_member(member)));
        }
    }
}

#[test]
fn another_playbook_of_the_brand_is_seen_too() {
    let (_home, ledger) = fresh();
    let mut second = plan(500);
    second.playbook = "shop".to_owned();
    let points = ledger.ensure_budget(&second, NOW).unwrap().plugins["points"];
    let shop = CycleRef { playbook: "shop".to_owned(), number: 1 };
    ledger.begin_cycle(&shop, key("run"), NOW).unwrap();
    ledger.grant_batch(&shop, NOW, &[request("a", points, 5)]).unwrap();
    assert_eq!(ledger.grants_since(UnixMs(0)).unwrap().grants.len(), 1);
}

#[test]
fn an_extract_holds_the_entries_of_one_cycle_in_order() {
    let (_home, ledger) = fresh();
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    for number in [1, 2] {
        ledger.begin_cycle(&cycle(number), key("run"), later(number)).unwrap();
        let name = if number == 1 { "a" } else { "b" };
        ledger
            .grant_batch(&cycle(number), later(number), &[request(name, points, 10 * number)])
            .unwrap();
    }
    let (then, _) = ledger.head().unwrap();
    ledger.settle(&key("a"), 7);
    let mut lines = Vec::new();
    ledger
        .extract(&cycle(1), i64::MAX, |entry, path, at| {
            lines.push((entry.kind, path.to_owned(), entry.amount, at));
        })
        .unwrap();
    let mut before = 0;
    ledger.extract(&cycle(1), then, |_, _, _| before += 1).unwrap();
    assert_eq!(before, lines.len() - 1, "what came after a group is left out");
    let path = "aurora/club/daily/points".to_owned();
    let coupons = "aurora/club/burst/coupons".to_owned();
    assert_eq!(
        lines,
        [
            (EntryKind::Adjust, path.clone(), Minor(157_500), later(1)),
            (EntryKind::Adjust, coupons, Minor(112_500), later(1)),
            (EntryKind::Reserve, path.clone(), Minor(10), later(1)),
            (EntryKind::Settle, path, Minor(7), NOW),
        ]
    );
}

fn stage_of(stage: &str) -> EntryFilter {
    EntryFilter { stage: Some(stage.to_owned()), ..EntryFilter::default() }
}

#[test]
fn entries_are_listed_newest_first_in_parts_and_by_what_is_asked() {
    let (_home, ledger) = fresh();
    let accounts = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let (points, coupons) = (accounts.plugins["points"], accounts.plugins["coupons"]);
    let of_coupons = GrantRequest { stage: "coupons", member: 7, ..request("c", coupons, 3) };
    ledger.grant_batch(&cycle(1), later(1), &[request("a", points, 5), of_coupons]).unwrap();
    ledger.settle(&key("a"), 4);
    let last = ledger.entries(&EntryFilter::default(), None, 1).unwrap().0[0].number;
    for most in [1, 2, 5, 1_000] {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let (rows, next) = ledger.entries(&EntryFilter::default(), before, most).unwrap();
            assert!(rows.len() <= most);
            seen.extend(rows.iter().map(|row| row.number));
            before = next;
            if next.is_none() {
                break;
            }
        }
        assert!(seen.iter().copied().eq((1..=last).rev()), "{most}: {seen:?}");
    }
    let listed = |filter: EntryFilter| {
        let (rows, next) = ledger.entries(&filter, None, 100).unwrap();
        assert_eq!(next, None);
        rows.into_iter().map(|row| (row.kind, row.amount.0)).collect::<Vec<_>>()
    };
    let none = EntryFilter::default;
    let both = [(EntryKind::Settle, 4), (EntryKind::Reserve, 5)];
    let member = request("a", points, 5).member;
    assert_eq!(listed(EntryFilter { members: vec![member], ..none() }), both);
    assert_eq!(listed(EntryFilter { key: Some(key("a")), ..none() }), both);
    assert_eq!(listed(EntryFilter { key: Some(key("nobody's")), ..none() }), []);
    assert_eq!(listed(stage_of("coupons")), [(EntryKind::Reserve, 3)]);
    let settled = EntryFilter { kind: Some(EntryKind::Settle), ..none() };
    assert_eq!(listed(settled), both[..1]);
    let of = |account: &str| EntryFilter { account: Some(account.to_owned()), ..none() };
    let below = listed(of("aurora/club/daily"));
    assert!(below.len() > 2 && below[..1] == both[..1], "{below:?}");
    assert_eq!(listed(of("aurora/club/dai")), [], "a name is no part of another");
    let row = &ledger.entries(&stage_of("points"), None, 1).unwrap().0[0];
    assert_eq!(
        (row.account.as_str(), row.member, row.at),
        ("aurora/club/daily/points", member, later(1))
    );
}
