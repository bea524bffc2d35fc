//! The ledger as a file: one run at a time, looks beside it, rehearsals, damage that shows.
#![allow(clippy::unwrap_used, reason = "tests")]

mod shared;

use std::path::Path;

use playbook_ledger::{Flaw, GrantAnswer, Ledger, LedgerError, Proof};
use playbook_model::Minor;
use rusqlite::Connection;
use shared::{BRAND, Calls as _, NOW, assert_sound, cycle, key, plan, request};

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A ledger of 8 grants in two groups, four of them settled, and a second cycle that has begun.
fn written(path: &Path) {
    let ledger = Ledger::open_or_create(path, BRAND).unwrap();
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    for half in NAMES.chunks(4) {
        let requests: Vec<_> = half.iter().map(|name| request(name, points, 100)).collect();
        ledger.grant_batch(&cycle(1), NOW, &requests).unwrap();
    }
    for name in &NAMES[..4] {
        ledger.settle(&key(name), 60);
    }
    ledger.close_cycle(&cycle(1), key("summary"), NOW).unwrap();
    ledger.begin_cycle(&cycle(2), key("next"), NOW).unwrap();
}

#[test]
fn looking_works_beside_a_run_and_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let run = Ledger::open_or_create(&path, BRAND).unwrap();
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
    drop(Ledger::open_or_create(&path, BRAND).unwrap());
    let error = Ledger::open(&path, "other").unwrap_err();
    assert!(matches!(error, LedgerError::OtherBrand { .. }), "{error}");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let error = Ledger::open_or_create(&path, BRAND).unwrap_err();
    assert!(matches!(error, LedgerError::OtherLayout { found: 9, .. }), "{error}");
}

#[test]
fn a_rehearsal_answers_like_a_run_and_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    assert!(matches!(Ledger::rehearse(&path, BRAND), Err(LedgerError::Absent { .. })));
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
    let after = Ledger::open_or_create(&path, BRAND).unwrap();
    assert_eq!(after.head().unwrap(), before);
    assert_eq!(after.balances().unwrap()[0].allocated, Minor(1_000_000));
    assert_sound(&after);
}

#[test]
fn rehearsals_work_beside_each_other_and_beside_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    written(&path);
    let run = Ledger::open_or_create(&path, BRAND).unwrap();
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
        assert_eq!(ledger.granted(&cycle(2)), 2);
        assert_sound(ledger);
    }
    drop((rehearsals, back));
    assert_eq!(run.granted(&cycle(2)), 2);
}

#[test]
fn a_rehearsal_goes_back_to_any_group_and_forgets_what_came_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open_or_create(&path, BRAND).unwrap();
    let empty = ledger.head().unwrap();
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    ledger.grant_batch(&cycle(1), NOW, &[request("a", points, 100)]).unwrap();
    let (then, balances) = (ledger.head().unwrap(), ledger.balances().unwrap());
    ledger.settle(&key("a"), 60);
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
    let ledger = Ledger::open_or_create(&path, BRAND).unwrap();
    assert_eq!((ledger.head().unwrap(), ledger.balances().unwrap()), (now, later));
    assert_sound(&ledger);
}

#[test]
fn a_kept_ledger_answers_the_same_after_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    written(&path);
    let ledger = Ledger::open_or_create(&path, BRAND).unwrap();
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
    match Ledger::read(&path, BRAND).unwrap().prove().unwrap() {
        Proof::Broken(flaw) => flaw,
        Proof::Sound { .. } => panic!("`{sql}` went unseen"),
    }
}

#[test]
fn y119_every_altered_field_of_an_entry_is_found_at_that_entry() {
    let first_grant = "WHERE number = 20";
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
        "closes = 19",
        "bound = 4",
    ] {
        let flaw = flaw_after(&format!("UPDATE entries SET {change} {first_grant}"));
        assert_eq!(flaw.entry, Some(20), "{change}: {flaw}");
    }
}

#[test]
fn removed_added_and_swapped_rows_are_found() {
    let cases = [
        ("DELETE FROM entries WHERE number = 21", Some(22)),
        ("DELETE FROM entries WHERE number = (SELECT max(number) FROM entries)", None),
        ("UPDATE entries SET number = 99 WHERE number = 21", Some(22)),
        ("DELETE FROM groups WHERE number = 2", None),
        ("DELETE FROM groups WHERE number = (SELECT max(number) FROM groups)", None),
        ("UPDATE groups SET at = at + 1 WHERE number = 3", None),
        ("UPDATE groups SET playbook = 'other' WHERE number = 3", None),
        ("UPDATE accounts SET spent = spent + 1 WHERE id = 1", None),
        ("UPDATE accounts SET allocated = allocated + 1 WHERE id = 3", None),
        ("UPDATE accounts SET frozen = 0 WHERE frozen", None),
        ("UPDATE accounts SET path = 'aurora/club/x' WHERE path = 'aurora/club/base'", Some(5)),
        ("UPDATE accounts SET frozen = 1 WHERE id = 4", None),
        ("UPDATE accounts SET cycle_limit = cycle_limit + 1 WHERE id = 7", None),
        ("UPDATE accounts SET planned = planned + 1 WHERE id = 4", None),
        ("INSERT INTO accounts SELECT 9, 'aurora/club/base/more', 0, 0, 0, 0, 0, 0", None),
        ("DELETE FROM accounts WHERE id = 8", Some(9)),
        ("DELETE FROM openings WHERE account = 1", None),
        ("UPDATE openings SET committed = 0 WHERE account = 1", None),
        ("INSERT INTO openings VALUES ('club', 1, 1, 5)", None),
        ("DELETE FROM openings", None),
        ("DROP INDEX entries_closes", None),
        ("DROP INDEX entries_member", None),
        ("UPDATE cycles SET summary = NULL", None),
        ("UPDATE cycles SET run_key = zeroblob(32)", None),
        ("DELETE FROM cycles", None),
    ];
    for (sql, entry) in cases {
        let flaw = flaw_after(sql);
        if sql.contains("max(number) FROM groups") {
            assert!(flaw.what.contains("group"), "{sql}: {flaw}");
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
    assert!(Ledger::open(&path, BRAND).is_err(), "a run would book on it");
    match Ledger::read(&path, BRAND).and_then(|ledger| ledger.prove()) {
        Ok(Proof::Sound { .. }) => panic!("the damage went unseen"),
        Ok(Proof::Broken(_)) | Err(_) => {}
    }
}

#[test]
fn a_bit_that_flips_in_a_key_is_found_wherever_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    written(&path);
    let whole = std::fs::read(&path).unwrap();
    let mut seen = 0;
    for name in NAMES {
        let places = whole.windows(32).enumerate().filter(|(_, bytes)| *bytes == key(name).0);
        for (place, _) in places {
            let mut bytes = whole.clone();
            bytes[place + 9] ^= 4;
            std::fs::write(&path, bytes).unwrap();
            let proof = Ledger::read(&path, BRAND).unwrap().prove().unwrap();
            assert!(matches!(proof, Proof::Broken(_)), "{name}: the bit at {place} went unseen");
            let opened = Ledger::open(&path, BRAND).map(|_| ()).unwrap_err();
            assert!(matches!(opened, LedgerError::Unsound { .. }), "{name}: {opened}");
            seen += 1;
        }
    }
    assert_eq!(seen, 2 * NAMES.len(), "each key stands in its entry and in the index");
}

#[test]
fn nothing_is_booked_on_a_ledger_that_fails_its_check() {
    for sql in [
        "UPDATE accounts SET allocated = allocated + 1 WHERE id = 3",
        "UPDATE accounts SET frozen = 0",
        "UPDATE accounts SET cycle_limit = 1000000 WHERE id = 8",
        "INSERT INTO accounts SELECT 9, 'aurora/club/base/more', 0, 0, 0, 0, 0, 0",
        "UPDATE groups SET at = 7 WHERE number = (SELECT max(number) FROM groups)",
        "DELETE FROM groups WHERE number = (SELECT max(number) FROM groups)",
        "UPDATE entries SET amount = 0 WHERE number = 20",
        "DELETE FROM entries WHERE number = 21",
        "DROP TRIGGER entries_remain",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        written(&path);
        let file = Connection::open(&path).unwrap();
        file.execute_batch("DROP TRIGGER entries_stay").unwrap();
        if !sql.starts_with("DROP") {
            file.execute_batch("DROP TRIGGER entries_remain").unwrap();
        }
        file.execute_batch(sql).unwrap();
        drop(file);
        for opened in [Ledger::open(&path, BRAND), Ledger::rehearse(&path, BRAND)] {
            let error = opened.map(|_| ()).unwrap_err();
            assert!(matches!(error, LedgerError::Unsound { .. }), "{sql}: {error}");
            let said = error.to_string();
            let folder = folder.path().display();
            let command = format!("`playbook ledger prove aurora --state {folder}`");
            assert!(said.contains(&command) && said.contains("last backup"), "{said}");
        }
    }
}

#[test]
fn only_a_ledger_is_opened_and_only_where_nothing_is_one_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let opened = |path: &Path| Ledger::open(path, BRAND).map(|_| ()).unwrap_err();
    assert!(matches!(opened(&path), LedgerError::Absent { .. }));
    assert!(!path.exists());
    std::fs::write(&path, "").unwrap();
    assert!(matches!(opened(&path), LedgerError::Foreign { .. }));
    drop(Ledger::open_or_create(&path, BRAND).unwrap());
    drop(Ledger::open(&path, BRAND).unwrap());

    std::fs::write(
        &path,
        "no database, but some text that is long enough to be read as one".repeat(9),
    )
    .unwrap();
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let versioned = folder.path().join("versioned.db");
    let file = Connection::open(&versioned).unwrap();
    file.execute_batch("CREATE TABLE t (a); PRAGMA user_version = 2").unwrap();
    drop(file);
    for path in [&path, &other, &versioned] {
        let before = std::fs::read(path).unwrap();
        for opened in [
            Ledger::open(path, BRAND),
            Ledger::open_or_create(path, BRAND),
            Ledger::rehearse(path, BRAND),
            Ledger::read(path, BRAND),
        ] {
            let error = opened.map(|_| ()).unwrap_err();
            assert!(matches!(error, LedgerError::Foreign { .. }), "{error}");
            assert!(error.to_string().contains("To restore it"), "{error}");
        }
        assert_eq!(std::fs::read(path).unwrap(), before, "a foreign file was written to");
    }
}

#[test]
fn a_ledger_comes_into_being_whole_beside_what_a_killed_run_left() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("ledger.sqlite");
    std::fs::write(path.with_extension("new"), b"half of a ledger")
        .expect("the folder is writable");
    drop(Ledger::open_or_create(&path, "lotus").expect("a new ledger"));
    assert!(!path.with_extension("new").exists());
    assert!(Ledger::open(&path, "lotus").is_ok());
}
