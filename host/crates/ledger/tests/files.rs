//! The ledger as a file: one run at a time, looks beside it, rehearsals, damage that shows.
#![allow(clippy::unwrap_used, reason = "tests")]

mod shared;

use std::path::Path;

use playbook_ledger::{Flaw, GrantAnswer, Ledger, LedgerError, Proof};
use playbook_model::Minor;
use rusqlite::Connection;
use shared::{BRAND, NOW, assert_sound, cycle, key, plan, request};

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A ledger of 8 grants in two groups, four of them settled.
fn written(path: &Path) {
    let ledger = Ledger::open(path, BRAND).unwrap();
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    for half in NAMES.chunks(4) {
        let requests: Vec<_> = half.iter().map(|name| request(name, points, 100)).collect();
        ledger.grant_batch(&cycle(1), NOW, &requests).unwrap();
    }
    for name in &NAMES[..4] {
        ledger.settle(&cycle(1), &key(name), Minor(60), NOW).unwrap();
    }
    ledger.close_cycle(&cycle(1), key("summary"), NOW).unwrap();
}

#[test]
fn a_second_run_of_a_brand_is_told_that_the_ledger_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let first = Ledger::open(&path, BRAND).unwrap();
    let error = Ledger::open(&path, BRAND).unwrap_err();
    assert!(matches!(&error, LedgerError::Busy { brand, .. } if brand == BRAND), "{error}");
    assert!(error.to_string().starts_with("ledger of brand `aurora` is in use by another run"));
    drop(first);
    Ledger::open(&path, BRAND).unwrap();
}

#[test]
fn a_waiting_run_goes_on_when_the_first_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let first = Ledger::open(&path, BRAND).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let second = Ledger::open_waiting(&path, BRAND).unwrap();
            second.balances().unwrap().len()
        });
        first.ensure_budget(&plan(1_000), NOW).unwrap();
        drop(first);
        assert_eq!(waiting.join().unwrap(), 8, "it sees what the first run did");
    });
}

#[test]
fn looking_works_beside_a_run_and_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let run = Ledger::open(&path, BRAND).unwrap();
    run.ensure_budget(&plan(1_000), NOW).unwrap();
    let look = Ledger::read(&path, BRAND).unwrap();
    assert_eq!(look.balances().unwrap(), run.balances().unwrap());
    assert!(matches!(look.ensure_budget(&plan(2_000), NOW), Err(LedgerError::Storage(_))));
    assert_sound(&look);
}

#[test]
fn a_ledger_is_of_one_brand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Ledger::open(&path, BRAND).unwrap());
    let error = Ledger::open(&path, "other").unwrap_err();
    assert!(matches!(error, LedgerError::OtherBrand { .. }), "{error}");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let error = Ledger::open(&path, BRAND).unwrap_err();
    assert!(matches!(error, LedgerError::OtherLayout { found: 9, .. }), "{error}");
}

#[test]
fn a_rehearsal_answers_like_a_run_and_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let absent = Ledger::rehearse(&path, BRAND).unwrap();
    absent.ensure_budget(&plan(1_000_000), NOW).unwrap();
    drop(absent);
    assert!(!path.exists(), "a dry run makes no ledger");

    written(&path);
    let before = Ledger::read(&path, BRAND).unwrap().head().unwrap();
    let rehearsal = Ledger::rehearse(&path, BRAND).unwrap();
    let points = rehearsal.ensure_budget(&plan(2_000_000), NOW).unwrap().plugins["points"];
    rehearsal.begin_cycle(&cycle(2), key("run"), NOW).unwrap();
    let requests = [request("new", points, 300_000), request("newer", points, 300_000)];
    let answers = rehearsal.grant_batch(&cycle(2), NOW, &requests).unwrap();
    assert!(matches!(answers[0], GrantAnswer::Granted { .. }));
    assert!(matches!(answers[1], GrantAnswer::Refused { .. }));
    assert_sound(&rehearsal);
    drop(rehearsal);
    let after = Ledger::open(&path, BRAND).unwrap();
    assert_eq!(after.head().unwrap(), before);
    assert_eq!(after.balances().unwrap()[0].allocated, Minor(1_000_000));
    assert_sound(&after);
}

#[test]
fn rehearsals_work_beside_each_other_and_beside_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    written(&path);
    let run = Ledger::open(&path, BRAND).unwrap();
    let points = run.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    run.begin_cycle(&cycle(2), key("run"), NOW).unwrap();
    let grant = |ledger: &Ledger, name: &str| {
        ledger.grant_batch(&cycle(2), NOW, &[request(name, points, 100)]).unwrap()[0]
    };
    let rehearsals = [(), ()].map(|()| Ledger::rehearse(&path, BRAND).unwrap());
    let then = run.head().unwrap();
    for name in ["x", "y"] {
        for ledger in rehearsals.iter().chain([&run]) {
            let answer = grant(ledger, name);
            assert!(matches!(answer, GrantAnswer::Granted { .. }), "{name}: {answer:?}");
        }
    }
    let back = Ledger::rehearse_at(&path, BRAND, then).unwrap();
    assert_eq!(back.head().unwrap(), then, "a replay works beside a run, too");
    // What each of them booked, the others neither saw nor waited for.
    for ledger in rehearsals.iter().chain([&run]) {
        assert_eq!(ledger.reserved(&cycle(2)).unwrap().len(), 2);
        assert_sound(ledger);
    }
    drop((rehearsals, back));
    assert_eq!(run.reserved(&cycle(2)).unwrap().len(), 2);
}

#[test]
fn a_rehearsal_goes_back_to_any_group_and_forgets_what_came_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path, BRAND).unwrap();
    let empty = ledger.head().unwrap();
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    ledger.grant_batch(&cycle(1), NOW, &[request("a", points, 100)]).unwrap();
    let (then, balances) = (ledger.head().unwrap(), ledger.balances().unwrap());
    ledger.settle(&cycle(1), &key("a"), Minor(60), NOW).unwrap();
    ledger.begin_cycle(&cycle(2), key("next"), NOW).unwrap();
    ledger.grant_batch(&cycle(2), NOW, &[request("b", points, 500)]).unwrap();
    let (now, later) = (ledger.head().unwrap(), ledger.balances().unwrap());
    drop(ledger);

    let back = Ledger::rehearse_at(&path, BRAND, then).unwrap();
    assert_eq!(back.head().unwrap(), then);
    assert_eq!(back.balances().unwrap(), balances);
    assert_sound(&back);
    // What was granted is granted still; what came later never was.
    let requests = [request("a", points, 100), request("b", points, 500)];
    let answers = back.grant_batch(&cycle(1), NOW, &requests).unwrap();
    assert!(matches!(answers[0], GrantAnswer::AlreadyGranted { .. }), "{answers:?}");
    assert!(matches!(answers[1], GrantAnswer::Granted { .. }), "{answers:?}");
    drop(back);

    let start = Ledger::rehearse_at(&path, BRAND, empty).unwrap();
    assert_eq!(start.balances().unwrap(), []);
    drop(start);
    let other = Ledger::rehearse_at(&path, BRAND, (then.0, key("other"))).unwrap_err();
    assert!(matches!(other, LedgerError::OtherHistory { .. }), "{other}");
    let ledger = Ledger::open(&path, BRAND).unwrap();
    assert_eq!((ledger.head().unwrap(), ledger.balances().unwrap()), (now, later));
    assert_sound(&ledger);
}

#[test]
fn a_kept_ledger_answers_the_same_after_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    written(&path);
    let ledger = Ledger::open(&path, BRAND).unwrap();
    assert_sound(&ledger);
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    let again: Vec<_> = NAMES.iter().map(|name| request(name, points, 100)).collect();
    let answers = ledger.grant_batch(&cycle(1), NOW, &again).unwrap();
    assert!(answers.iter().all(|answer| matches!(answer, GrantAnswer::AlreadyGranted { .. })));
    assert_eq!(ledger.balances().unwrap()[0].spent, Minor(240));
}

/// Changes the file behind the ledger's back and returns what the proof finds.
fn flaw_after(sql: &str) -> Flaw {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    written(&path);
    let file = Connection::open(&path).unwrap();
    file.execute_batch("DROP TRIGGER entries_stay; DROP TRIGGER entries_remain;").unwrap();
    file.execute_batch(sql).unwrap();
    drop(file);
    match Ledger::open(&path, BRAND).unwrap().prove().unwrap() {
        Proof::Broken(flaw) => flaw,
        Proof::Sound { .. } => panic!("`{sql}` went unseen"),
    }
}

#[test]
fn every_altered_field_of_an_entry_is_found_at_that_entry() {
    let tenth = "WHERE number = 10";
    for change in [
        "amount = amount + 1",
        "amount = 0",
        "member = member + 1",
        "stage = 'other'",
        "action = 'other'",
        "family = 'other'",
        "quantity = 7",
        "expected_output = 0",
        "flags = 3",
        "kind = 3",
        "kind = 0",
        "account = 2",
        "key = zeroblob(32)",
        "request = zeroblob(32)",
        "hash = zeroblob(32)",
        "recipient = 3",
        "closes = 9",
        "bound = 4",
    ] {
        let flaw = flaw_after(&format!("UPDATE entries SET {change} {tenth}"));
        assert_eq!(flaw.entry, Some(10), "{change}: {flaw}");
    }
}

#[test]
fn removed_added_and_swapped_rows_are_found() {
    let cases = [
        ("DELETE FROM entries WHERE number = 11", Some(12)),
        ("DELETE FROM entries WHERE number = (SELECT max(number) FROM entries)", None),
        ("UPDATE entries SET number = 99 WHERE number = 11", Some(12)),
        ("DELETE FROM groups WHERE number = 2", None),
        ("DELETE FROM groups WHERE number = (SELECT max(number) FROM groups)", None),
        ("UPDATE groups SET at = at + 1 WHERE number = 3", None),
        ("UPDATE groups SET playbook = 'other' WHERE number = 3", None),
        ("UPDATE accounts SET spent = spent + 1 WHERE id = 1", None),
        ("UPDATE accounts SET allocated = allocated + 1 WHERE id = 3", None),
        ("UPDATE accounts SET frozen = 0 WHERE frozen", None),
        ("UPDATE accounts SET path = 'aurora/club/x' WHERE path = 'aurora/club/base'", Some(5)),
        ("UPDATE cycles SET summary = NULL", None),
        ("UPDATE cycles SET run_key = zeroblob(32)", None),
        ("DELETE FROM cycles", None),
    ];
    for (sql, entry) in cases {
        let flaw = flaw_after(sql);
        if sql.contains("max(number) FROM groups") {
            // The close is gone: the cycle says closed, and nothing proves it.
            assert!(flaw.what.contains("cycle"), "{sql}: {flaw}");
        } else if entry.is_some() {
            assert_eq!(flaw.entry, entry, "{sql}: {flaw}");
        }
    }
}

#[test]
fn entries_can_neither_be_changed_nor_deleted_through_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    written(&path);
    let file = Connection::open(&path).unwrap();
    for sql in ["UPDATE entries SET amount = 0", "DELETE FROM entries"] {
        let error = file.execute_batch(sql).unwrap_err().to_string();
        assert!(error.contains("entries of a ledger never"), "{error}");
    }
}

#[test]
fn a_file_with_overwritten_pages_is_found_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    written(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 2_000].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    match Ledger::open(&path, BRAND).and_then(|ledger| ledger.prove()) {
        Ok(Proof::Sound { .. }) => panic!("the damage went unseen"),
        Ok(Proof::Broken(_)) | Err(_) => {}
    }
}
