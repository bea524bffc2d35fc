//! Claims about taking back what was paid, and about closing grants of any cycle in one transaction.

use crate::fresh;
use crate::shared::{Calls as _, NOW, assert_sound, cycle, key, plan, request};
use playbook_ledger::{
    Closure, CycleStanding, EntryKind, Flows, GrantState, GroupWork, Hold, Ledger, LedgerError,
    SettleAnswer,
};
use playbook_model::{Minor, UnixMs};

/// A group of cycle 2, on a standing that goes on from call to call.
fn in_second<T>(
    ledger: &Ledger,
    standing: &mut Option<CycleStanding>,
    step: impl FnOnce(&mut GroupWork<'_, '_>) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let turn = ledger.turn()?;
    turn.group(&cycle(2), UnixMs(NOW.0 + 1), standing, step)
}

/// Grants a, b and c of 100 in the first cycle and d of 100 in the second.
fn granted() -> ((impl Sized, Ledger), Option<CycleStanding>) {
    let home = fresh();
    let ledger = &home.1;
    let accounts = ledger.ensure_budget(&plan(100_000), NOW).unwrap();
    let ask = |name| request(name, accounts.plugins["points"], 100);
    ledger.begin_cycle(&cycle(1), key("one"), NOW).unwrap();
    ledger.grant_batch(&cycle(1), NOW, &["a", "b", "c"].map(ask)).unwrap();
    ledger.begin_cycle(&cycle(2), key("two"), NOW).unwrap();
    ledger.grant_batch(&cycle(2), NOW, &[ask("d")]).unwrap();
    (home, None)
}

#[test]
fn what_came_back_of_what_was_reserved_is_counted_once() {
    let ((_home, ledger), mut standing) = granted();
    let mut flows = Flows::default();
    let all = ledger.balances().unwrap();
    let share = |flows: &Flows, path: &str| {
        let account = all.iter().find(|account| account.path == path).unwrap();
        flows.of(account, &all).returned_share()
    };
    assert!(ledger.count_flows(&mut flows).unwrap());
    let paths = ["aurora", "aurora/club/daily", "aurora/club/daily/points"];
    assert_eq!(
        paths.map(|path| share(&flows, path)),
        [Some(0.0); 3],
        "four times 100 are reserved"
    );
    assert_eq!(share(&flows, "aurora/club/base"), None, "nothing was reserved there");
    in_second(&ledger, &mut standing, |group| {
        let paid = Closure::Settle(Some(Minor(60)));
        group.close_of(&cycle(1), &key("a"), paid)?;
        group.close_of(&cycle(1), &key("b"), Closure::Release)?;
        group.close(&key("d"), Closure::Settle(None))?;
        group.recover(&cycle(2), &key("d"), Minor(20))
    })
    .unwrap();
    // 40 left over, 100 released, 20 recovered, of 400; asking again counts nothing twice.
    for _ in 0..2 {
        assert!(ledger.count_flows(&mut flows).unwrap());
        assert_eq!(paths.map(|path| share(&flows, path)), [Some(0.4); 3]);
    }
    let mut anew = Flows::default();
    ledger.count_flows(&mut anew).unwrap();
    assert_eq!(anew, flows);
}

#[test]
fn what_was_paid_comes_back_in_parts_and_never_more_than_it_was() {
    let ((_home, ledger), mut standing) = granted();
    in_second(&ledger, &mut standing, |group| {
        assert_eq!(group.hold(&key("d"))?, Hold::Reserved(Minor(100)));
        assert!(matches!(
            group.recover(&cycle(2), &key("d"), Minor(1)),
            Err(LedgerError::NoGrant(_))
        ));
        group.close(&key("d"), Closure::Settle(Some(Minor(80))))?;
        group.recover(&cycle(2), &key("d"), Minor(30))?;
        assert_eq!(group.hold(&key("d"))?, Hold::Paid(Minor(50)));
        assert!(group.recover(&cycle(2), &key("d"), Minor(51)).is_err());
        assert!(group.recover(&cycle(2), &key("d"), Minor(-1)).is_err());
        group.recover(&cycle(2), &key("d"), Minor(50))?;
        assert_eq!(group.hold(&key("d"))?, Hold::Paid(Minor(0)));
        assert!(group.recover(&cycle(2), &key("d"), Minor(1)).is_err());
        Ok(())
    })
    .unwrap();
    let spent = ledger.balances().unwrap()[0].spent;
    assert_eq!(spent, Minor(0));
    let read = ledger.standing(&cycle(2)).unwrap();
    assert_eq!(standing.as_ref(), Some(&read), "what is held is what is read");
    assert_eq!(read.grants[&key("d")].state, GrantState::Settled(Minor(0)));
    assert_eq!(read.stages["points"].bound, Minor(0));
    assert_eq!(read.stages["points"].cost, Minor(0));
    assert_sound(&ledger);
}

#[test]
fn grants_of_another_cycle_are_closed_in_the_same_transaction_and_count_there() {
    let ((_home, ledger), mut standing) = granted();
    let before = ledger.head().unwrap().0;
    in_second(&ledger, &mut standing, |group| {
        group.close_of(&cycle(1), &key("a"), Closure::Release)?;
        group.close_of(&cycle(1), &key("b"), Closure::Settle(None))?;
        group.close(&key("d"), Closure::Settle(None))?;
        group.recover(&cycle(1), &key("b"), Minor(25))?;
        assert_eq!(group.hold(&key("a"))?, Hold::Released);
        let again = group.close_of(&cycle(1), &key("a"), Closure::Release)?;
        assert!(matches!(again, SettleAnswer::Already { .. }));
        Ok(())
    })
    .unwrap();
    assert!(ledger.head().unwrap().0 > before + 1, "each cycle has groups of its own");
    assert_eq!(standing, Some(ledger.standing(&cycle(2)).unwrap()));
    let first = ledger.standing(&cycle(1)).unwrap();
    assert_eq!(first.grants[&key("a")].state, GrantState::Released);
    assert_eq!(first.grants[&key("b")].state, GrantState::Settled(Minor(75)));
    assert_eq!(first.stages["points"].bound, Minor(175));
    let mut kinds = Vec::new();
    let head = ledger.head().unwrap().0;
    ledger.extract(&cycle(1), head, |entry, _, _| kinds.push(entry.kind)).unwrap();
    kinds
        .retain(|kind| matches!(kind, EntryKind::Release | EntryKind::Settle | EntryKind::Recover));
    assert_eq!(kinds, [EntryKind::Release, EntryKind::Settle, EntryKind::Recover]);
    assert_sound(&ledger);

    // A step that fails leaves nothing of any cycle.
    let head = ledger.head().unwrap();
    let failed = in_second(&ledger, &mut standing, |group| {
        group.close_of(&cycle(1), &key("c"), Closure::Release)?;
        group.close_of(&cycle(1), &key("nobody"), Closure::Release)
    });
    assert!(matches!(failed, Err(LedgerError::NoGrant(_))));
    assert_eq!(ledger.head().unwrap(), head);
}
