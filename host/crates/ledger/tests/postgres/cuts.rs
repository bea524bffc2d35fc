//! Connections that break: between transactions, within one, and at the very moment of a commit.

use playbook_ledger::{AccountId, GrantAnswer, Ledger, LedgerError, PostgresServer};

use crate::Home;
use crate::servers::line::{Cut, Line};
use crate::shared::{BRAND, Calls as _, NOW, assert_sound, cycle, key, plan, request};

/// A ledger behind a line, with a cycle that has begun and one grant.
fn behind_a_line() -> (Home, Line, Ledger, AccountId) {
    let home = Home::new();
    let line = Line::to(home.at.port);
    let at = PostgresServer { port: line.port, ..home.at.clone() };
    let ledger = Ledger::postgres(&at, BRAND).unwrap();
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    ledger.grant_batch(&cycle(1), NOW, &[request("first", points, 5)]).unwrap();
    (home, line, ledger, points)
}

const COMMIT: &[u8] = b"COMMIT\0";

#[test]
fn a_commit_whose_answer_never_came_is_told_as_unknown_and_asked_for_by_its_keys() {
    for (cut, kept) in [(Cut::Before, false), (Cut::After, true)] {
        let (home, line, ledger, points) = behind_a_line();
        let asked = ["a", "b"].map(|name| request(name, points, 100));
        let turn = ledger.turn().unwrap();
        line.cut_at(COMMIT, cut);
        let error = turn.grant_batch(&cycle(1), NOW, &asked).unwrap_err();
        assert!(matches!(error, LedgerError::UnknownCommit { .. }), "{cut:?}: {error:?}");
        assert!(error.to_string().contains("ask for its keys"), "{error}");
        assert!(!line.waits(), "it was cut at the commit");
        // The same unit of work goes on, on another connection; the keys tell what was kept.
        for answer in turn.grant_batch(&cycle(1), NOW, &asked).unwrap() {
            let again = matches!(answer, GrantAnswer::AlreadyGranted { .. });
            let first = matches!(answer, GrantAnswer::Granted { .. });
            assert!(if kept { again } else { first }, "{cut:?}: {answer:?}");
        }
        drop(turn);
        for ledger in [&ledger, &home.open()] {
            assert_eq!(ledger.balances().unwrap()[0].reserved.0, 205, "{cut:?}");
            assert_sound(ledger);
        }
    }
}

#[test]
fn a_group_for_many_callers_is_told_as_unknown_too_and_counted_once() {
    for cut in [Cut::Before, Cut::After] {
        let (_home, line, ledger, points) = behind_a_line();
        let turn = ledger.turn().unwrap();
        let mut standing = None;
        let book = |standing: &mut Option<_>| {
            turn.group(&cycle(1), NOW, standing, |group| {
                let asked = ["a", "b", "c"].map(|name| request(name, points, 10));
                group.foresee(&asked.map(|request| request.key))?;
                asked.iter().map(|request| group.grant(request)).collect::<Result<Vec<_>, _>>()
            })
        };
        line.cut_at(COMMIT, cut);
        let error = book(&mut standing).unwrap_err();
        assert!(matches!(error, LedgerError::UnknownCommit { .. }), "{cut:?}: {error:?}");
        assert!(standing.is_none(), "nobody goes on with what may not have been kept");
        let answers = book(&mut standing).unwrap();
        let known = answers.iter().all(|a| matches!(a, GrantAnswer::AlreadyGranted { .. }));
        assert_eq!(known, cut == Cut::After, "{answers:?}");
        assert_eq!(standing, Some(ledger.standing(&cycle(1)).unwrap()));
        assert_eq!(standing.unwrap().grants.len(), 4);
    }
}

#[test]
fn connections_that_broke_are_opened_again_for_the_next_unit_of_work() {
    let (_home, line, ledger, points) = behind_a_line();
    for name in ["a", "b", "c"] {
        line.cut_all();
        assert!(!ledger.balances().unwrap().is_empty());
        line.cut_all();
        let answers = ledger.grant_batch(&cycle(1), NOW, &[request(name, points, 10)]).unwrap();
        assert!(matches!(answers[0], GrantAnswer::Granted { .. }), "{answers:?}");
    }
    assert_eq!(ledger.balances().unwrap()[0].reserved.0, 35);
    assert_sound(&ledger);
}

#[test]
fn what_breaks_before_the_commit_was_sent_leaves_nothing() {
    for cut in [Cut::Before, Cut::After] {
        let (_home, line, ledger, points) = behind_a_line();
        let turn = ledger.turn().unwrap();
        // The entries' texts come by when the group is sent.
        let asked = request("a", points, 10);
        line.cut_at(b"points", cut);
        let error = turn.grant_batch(&cycle(1), NOW, &[asked]).unwrap_err();
        assert!(matches!(error, LedgerError::Storage(_)), "{cut:?}: {error:?}");
        assert!(!line.waits());
        let answers = turn.grant_batch(&cycle(1), NOW, &[asked]).unwrap();
        assert!(matches!(answers[0], GrantAnswer::Granted { .. }), "{answers:?}");
        drop(turn);
        assert_eq!(ledger.balances().unwrap()[0].reserved.0, 15);
        assert_sound(&ledger);
    }
}

#[test]
fn a_server_that_is_gone_is_a_fault() {
    let (_home, line, ledger, points) = behind_a_line();
    line.end();
    let gone = ledger.grant_batch(&cycle(1), NOW, &[request("a", points, 10)]).unwrap_err();
    assert!(matches!(gone, LedgerError::Storage(_)), "{gone:?}");
    assert!(ledger.balances().is_err());
}
