//! The budget tree: how money is shared out, changed, bound and freed.

use std::collections::BTreeMap;

use crate::fresh;
use crate::shared::{Calls as _, NOW, assert_sound, cycle, key, plan, request};
use playbook_ledger::{
    Closing, Closure, CycleState, GrantAnswer, GrantState, GroupWork, Ledger, LedgerError, Moved,
    Movement, SettleAnswer, StageUse, Through, Turn,
};
use playbook_model::{Digest, Minor, UnixMs};

fn allocated(ledger: &Ledger, path: &str) -> i64 {
    let rows = ledger.balances().unwrap();
    rows.iter().find(|row| row.path == path).unwrap().allocated.0
}

#[test]
fn a_million_splits_as_the_domain_says() {
    let (_home, ledger) = fresh();
    ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    for (path, amount) in [
        ("aurora", 1_000_000),
        ("aurora/club", 1_000_000),
        ("aurora/club/reserve", 100_000),
        ("aurora/club/base", 360_000),
        ("aurora/club/daily", 315_000),
        ("aurora/club/burst", 225_000),
    ] {
        assert_eq!(allocated(&ledger, path), amount, "{path}");
    }
    assert_sound(&ledger);
}

#[test]
fn what_rounding_leaves_goes_to_the_daily_pool() {
    let (_home, ledger) = fresh();
    ledger.ensure_budget(&plan(1_003), NOW).unwrap();
    let pools: Vec<i64> = ["reserve", "base", "daily", "burst"]
        .map(|p| allocated(&ledger, &format!("aurora/club/{p}")))
        .into();
    assert_eq!(pools, [100, 361, 317, 225]);
}

#[test]
fn the_same_plan_again_writes_nothing() {
    let (_home, ledger) = fresh();
    let first = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    let head = ledger.head().unwrap();
    assert_eq!(ledger.ensure_budget(&plan(1_000_000), NOW).unwrap(), first);
    assert_eq!(ledger.head().unwrap(), head);
}

#[test]
fn spent_money_carries_over_and_a_raise_gives_the_difference() {
    let (_home, ledger) = fresh();
    let accounts = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    let points = accounts.plugins["points"];
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    ledger.grant_batch(&cycle(1), NOW, &[request("a", points, 100_000)]).unwrap();
    ledger.settle_all(&cycle(1));
    assert_eq!(ledger.available(accounts.pools["daily"]), Minor(215_000));
    ledger.ensure_budget(&plan(2_000_000), NOW).unwrap();
    assert_eq!(ledger.available(accounts.pools["daily"]), Minor(530_000));
    assert_sound(&ledger);
}

#[test]
fn a_total_below_what_is_bound_is_refused_and_changes_nothing() {
    let (_home, ledger) = fresh();
    let accounts = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let points = accounts.plugins["points"];
    ledger.grant_batch(&cycle(1), NOW, &[request("a", points, 150_000)]).unwrap();
    let before = ledger.balances().unwrap();
    let refused = ledger.ensure_budget(&plan(100_000), NOW).unwrap_err();
    let LedgerError::Committed { account, asked, committed } = refused else { panic!("{refused}") };
    assert_eq!(
        (account.as_str(), asked, committed),
        ("aurora/club/daily", Minor(31_500), Minor(150_000))
    );
    assert_eq!(ledger.balances().unwrap(), before);
    ledger.ensure_budget(&plan(500_000), NOW).unwrap();
    assert_eq!(ledger.available(points), Minor(7_500));
    assert_sound(&ledger);
}

#[test]
fn a_plugin_stops_at_its_limit_of_the_cycle_and_the_next_cycle_renews_it() {
    let (_home, ledger) = fresh();
    let accounts = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    let coupons = accounts.plugins["coupons"];
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let asked =
        [request("a", coupons, 112_000), request("b", coupons, 501), request("c", coupons, 500)];
    let answers = ledger.grant_batch(&cycle(1), NOW, &asked).unwrap();
    assert!(matches!(answers[0], GrantAnswer::Granted { .. }));
    assert_eq!(answers[1], GrantAnswer::Refused { account: coupons, available: Minor(500) });
    assert!(matches!(answers[2], GrantAnswer::Granted { .. }));
    ledger.close_cycle(&cycle(1), key("summary"), NOW).unwrap();
    let opening = ledger.begin_cycle(&cycle(2), key("run"), NOW).unwrap();
    assert_eq!(opening.available[&coupons], Minor(112_500));
    assert_eq!(opening.available[&accounts.pools["burst"]], Minor(112_500));
    assert_sound(&ledger);
}

#[test]
fn the_reserve_is_frozen_until_it_is_opened() {
    let (_home, ledger) = fresh();
    let accounts = ledger.ensure_budget(&plan(1_000), NOW).unwrap();
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let ask = |name| {
        ledger.grant_batch(&cycle(1), NOW, &[request(name, accounts.reserve, 100)]).unwrap()[0]
    };
    assert_eq!(ask("a"), GrantAnswer::Frozen { account: accounts.reserve });
    ledger.move_money(Movement::Thaw(accounts.reserve), key("plan 7"), NOW).unwrap();
    assert!(matches!(ask("a"), GrantAnswer::Granted { .. }));
    assert!(matches!(ask("b"), GrantAnswer::Refused { .. }));
    ledger.move_money(Movement::Freeze(accounts.playbook), key("crisis"), NOW).unwrap();
    assert_eq!(
        ledger.grant_batch(&cycle(1), NOW, &[request("c", accounts.plugins["points"], 0)]).unwrap()
            [0],
        GrantAnswer::Frozen { account: accounts.playbook }
    );
    assert_sound(&ledger);
}

#[test]
fn transfers_and_recoveries_move_only_what_is_free_and_only_once() {
    let (_home, ledger) = fresh();
    let accounts = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let (base, daily) = (accounts.pools["base"], accounts.pools["daily"]);
    let tilt = Movement::Transfer { from: base, to: daily, amount: Minor(60_000) };
    ledger.move_money(tilt, key("ra-2"), NOW).unwrap();
    ledger.move_money(tilt, key("ra-2"), NOW).unwrap();
    assert_eq!(ledger.available(daily), Minor(375_000));
    let other = Movement::Transfer { from: base, to: daily, amount: Minor(1) };
    assert!(matches!(ledger.move_money(other, key("ra-2"), NOW), Err(LedgerError::KeyConflict(_))));
    let too_much = Movement::Recover { account: base, amount: Minor(300_001) };
    assert!(matches!(
        ledger.move_money(too_much, key("r"), NOW),
        Err(LedgerError::Committed { .. })
    ));
    ledger
        .move_money(Movement::Recover { account: base, amount: Minor(300_000) }, key("r"), NOW)
        .unwrap();
    assert_eq!(ledger.available(accounts.playbook), Minor(300_000));
    ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    assert_eq!(ledger.available(base), Minor::ZERO, "a plan does not undo a recovery");
    assert_sound(&ledger);
}

#[test]
fn a_transfer_of_a_cycle_is_for_the_cycles_after_it() {
    let (_home, ledger) = fresh();
    let accounts = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let (base, daily) = (accounts.pools["base"], accounts.pools["daily"]);
    let before = ledger.standing(&cycle(1)).unwrap().accounts;
    let tilt = Movement::Transfer { from: base, to: daily, amount: Minor(60_000) };
    let turn = ledger.turn().unwrap();
    let mut caught_up = turn.standing(&cycle(1)).unwrap();
    let tell = |turn: &Turn<'_>| turn.move_money(tilt, key("ra-1"), NOW, Some(&cycle(1))).unwrap();
    assert_eq!([tell(&turn), tell(&turn)], [Moved::Now, Moved::Before]);
    turn.catch_up(&mut caught_up).unwrap();
    drop(turn);
    let after = ledger.standing(&cycle(1)).unwrap();
    assert_eq!(caught_up, after);
    let free = |id| (after.accounts[&id].now, after.accounts[&id].at_opening);
    assert_eq!(free(base), (Minor(300_000), before[&base].at_opening), "what went out is gone");
    assert_eq!(free(daily), (before[&daily].now, before[&daily].at_opening));
    let Through { out, into } = after.transfers[&daily];
    assert_eq!((out, into), (Minor::ZERO, Minor(60_000)));
    ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    ledger.begin_cycle(&cycle(2), key("run"), NOW).unwrap();
    let next = ledger.standing(&cycle(2)).unwrap().accounts;
    assert_eq!((next[&base].now, next[&daily].now), (Minor(300_000), Minor(375_000)));
    let past = ledger.transfers_since(UnixMs(NOW.0 - 1)).unwrap().transfers;
    assert_eq!(past.iter().map(|past| past.amount).collect::<Vec<_>>(), [Minor(60_000)]);
    assert!(ledger.transfers_since(NOW).unwrap().transfers.is_empty());
    assert_sound(&ledger);
}

#[test]
fn a_group_moves_money_as_a_turn_does_and_says_at_once_where_its_cycle_stands() {
    let (_home, ledger) = fresh();
    let accounts = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let (base, daily) = (accounts.pools["base"], accounts.pools["daily"]);
    let mut past = ledger.transfers_since(UnixMs(NOW.0 - 1)).unwrap();
    assert!(past.transfers.is_empty());
    let turn = ledger.turn().unwrap();
    let mut standing = None;
    let later = UnixMs(NOW.0 + 5);
    // What a cycle brings about is for those after it; what a person decides is there at once.
    turn.group(&cycle(1), later, &mut standing, |group| {
        let tilt = |group: &mut GroupWork<'_, '_>, amount| {
            group.transfer([base, daily], Minor(amount), key("ra-1"))
        };
        assert_eq!([tilt(group, 60_000)?, tilt(group, 60_000)?], [Moved::Now, Moved::Before]);
        assert!(matches!(tilt(group, 1), Err(LedgerError::KeyConflict(_))));
        assert_eq!(group.amount_of(&key("ra-1"))?, Some(Minor(60_000)));
        assert_eq!(group.amount_of(&key("ra-2"))?, None);
        let asked = Movement::Transfer { from: daily, to: base, amount: Minor(5_000) };
        group.move_money(asked, key("asked"))
    })
    .unwrap();
    turn.group(&cycle(1), later, &mut standing, |group| group.catch_up(&mut past)).unwrap();
    drop(turn);
    let standing = standing.unwrap();
    assert_eq!(standing, ledger.standing(&cycle(1)).unwrap(), "as whoever reads it anew finds it");
    let free = |id| (standing.accounts[&id].now, standing.accounts[&id].at_opening);
    assert_eq!(free(base), (Minor(305_000), Minor(365_000)));
    assert_eq!(free(daily), (Minor(310_000), Minor(310_000)));
    let moves: Vec<_> =
        past.transfers.iter().map(|one| (one.from, one.to, one.amount.0, one.at)).collect();
    assert_eq!(moves, [(base, daily, 60_000, later), (daily, base, 5_000, later)]);
    assert_eq!(past.transfers, ledger.transfers_since(NOW).unwrap().transfers);
    assert_sound(&ledger);
}

#[test]
fn settling_pays_the_actual_cost_once_and_frees_the_rest() {
    let (_home, ledger) = fresh();
    let accounts = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    let points = accounts.plugins["points"];
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    ledger
        .grant_batch(&cycle(1), NOW, &[request("a", points, 100), request("b", points, 50)])
        .unwrap();
    let settle = |actual| ledger.settle(&key("a"), actual);
    assert_eq!(settle(101), SettleAnswer::TooMuch { reserved: Minor(100) });
    let SettleAnswer::Done { entry } = settle(70) else { panic!() };
    assert_eq!(settle(70), SettleAnswer::Already { entry });
    assert_eq!(settle(71), SettleAnswer::Otherwise { entry });
    assert_eq!(ledger.release(&key("a")), SettleAnswer::Otherwise { entry });
    assert!(matches!(ledger.release(&key("b")), SettleAnswer::Done { .. }));
    let root = ledger.balances().unwrap()[0].clone();
    assert_eq!((root.reserved, root.spent), (Minor::ZERO, Minor(70)));
    let unknown = ledger.close(&key("x"), Closure::Release);
    assert!(matches!(unknown, Err(LedgerError::NoGrant(_))));
    assert_sound(&ledger);
}

#[test]
fn a_closed_cycle_answers_its_grants_and_takes_no_new_ones() {
    let (_home, ledger) = fresh();
    let accounts = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    let points = accounts.plugins["points"];
    let opening = ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    assert_eq!(opening.state, CycleState::New);
    let first = request("a", points, 100);
    ledger.grant_batch(&cycle(1), NOW, &[first]).unwrap();
    let resumed = ledger.begin_cycle(&cycle(1), key("other run"), NOW).unwrap();
    assert_eq!((resumed.state, resumed.run_key), (CycleState::Resumed, key("run")));
    let standing = ledger.standing(&cycle(1)).unwrap();
    let booked = standing.grants[&first.key];
    assert_eq!((booked.cost, booked.at, booked.state), (Minor(100), NOW, GrantState::Open));
    let used = StageUse { cost: Minor(100), expected_output: Minor(500), bound: Minor(100) };
    assert_eq!(standing.stages, BTreeMap::from([("points".to_owned(), used)]));
    assert!(!standing.is_closed);
    assert_eq!(resumed.available, opening.available, "the opening is that of the first run");
    assert_eq!(ledger.close_cycle(&cycle(1), key("s"), NOW).unwrap(), Closing::Now);
    assert_eq!(ledger.close_cycle(&cycle(1), key("s"), NOW).unwrap(), Closing::Already);
    assert_eq!(ledger.close_cycle(&cycle(1), key("t"), NOW).unwrap(), Closing::Differs(key("s")));
    let closed = ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    assert_eq!(closed.state, CycleState::Closed(key("s")));
    assert!(ledger.standing(&cycle(1)).unwrap().is_closed);
    let answers = ledger.grant_batch(&cycle(1), NOW, &[first, request("new", points, 1)]).unwrap();
    assert!(matches!(answers[0], GrantAnswer::AlreadyGranted { .. }));
    assert_eq!(answers[1], GrantAnswer::CycleClosed);
    assert_sound(&ledger);
}

#[test]
fn the_same_key_for_another_request_is_refused() {
    let (_home, ledger) = fresh();
    let accounts = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap();
    let points = accounts.plugins["points"];
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    ledger.begin_cycle(&cycle(2), key("run"), NOW).unwrap();
    let first = request("a", points, 100);
    let GrantAnswer::Granted { entry } = ledger.grant_batch(&cycle(1), NOW, &[first]).unwrap()[0]
    else {
        panic!()
    };
    let mut others = [first; 6];
    others[0].cost = Minor(99);
    others[1].member += 1;
    others[2].quantity += 1;
    others[3].account = accounts.plugins["coupons"];
    others[4].commercial = true;
    others[5].family = "other";
    for other in others {
        let answer = ledger.grant_batch(&cycle(1), NOW, &[other]).unwrap()[0];
        assert_eq!(answer, GrantAnswer::KeyConflict { entry });
    }
    let elsewhere = ledger.grant_batch(&cycle(2), NOW, &[first]).unwrap()[0];
    assert_eq!(
        elsewhere,
        GrantAnswer::KeyConflict { entry },
        "a key is the ledger's, not the cycle's"
    );
    assert_eq!(ledger.available(points), Minor(157_400));
}

#[test]
fn amounts_at_the_edge_of_64_bits_are_refused_and_never_wrap() {
    let (_home, ledger) = fresh();
    assert!(matches!(ledger.ensure_budget(&plan(i64::MAX), NOW), Err(LedgerError::Overflow)));
    let mut all = plan(1 << 53);
    all.reserve_share = 0.0;
    all.pools.clear();
    all.plugins.clear();
    let accounts = ledger.ensure_budget(&all, NOW).unwrap();
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let big = request("a", accounts.playbook, 1);
    let ask = |name: &'static str, cost| {
        let request = playbook_ledger::GrantRequest { key: key(name), cost: Minor(cost), ..big };
        ledger.grant_batch(&cycle(1), NOW, &[request])
    };
    assert!(matches!(ask("a", 1 << 53).unwrap()[0], GrantAnswer::Granted { .. }));
    assert!(matches!(ask("b", i64::MAX).unwrap()[0], GrantAnswer::Refused { .. }));
    assert!(matches!(ask("b", 1).unwrap()[0], GrantAnswer::Refused { .. }));
    assert!(matches!(ask("c", i64::MIN), Err(LedgerError::Negative(_))));
    assert_sound(&ledger);
}

#[test]
fn faulty_plans_and_unknown_things_are_named() {
    let (_home, ledger) = fresh();
    let mut shares = plan(1_000);
    shares.pools.insert("extra".to_owned(), 0.2);
    assert!(matches!(ledger.ensure_budget(&shares, NOW), Err(LedgerError::Shares { .. })));
    let mut name = plan(1_000);
    name.playbook = "a/b".to_owned();
    assert!(matches!(ledger.ensure_budget(&name, NOW), Err(LedgerError::Name(_))));
    let mut reserve = plan(1_000);
    reserve.pools = [("reserve".to_owned(), 1.0)].into();
    assert!(matches!(ledger.ensure_budget(&reserve, NOW), Err(LedgerError::Name(_))));
    assert!(matches!(ledger.ensure_budget(&plan(-1), NOW), Err(LedgerError::Negative(_))));
    let nowhere =
        ledger.grant_batch(&cycle(9), NOW, &[request("a", playbook_ledger::AccountId(1), 0)]);
    assert!(matches!(nowhere, Err(LedgerError::NoCycle { number: 9, .. })));
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let unknown =
        ledger.grant_batch(&cycle(1), NOW, &[request("a", playbook_ledger::AccountId(77), 0)]);
    assert!(matches!(unknown, Err(LedgerError::NoAccount(77))));
    assert!(matches!(
        ledger.close_cycle(&cycle(9), Digest([0; 32]), NOW),
        Err(LedgerError::NoCycle { .. })
    ));
}
