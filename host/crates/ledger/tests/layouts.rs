//! Ledgers that earlier builds wrote: each becomes one of today's, with nothing lost.
#![allow(clippy::unwrap_used, reason = "tests")]

mod shared;

use std::path::Path;

use playbook_ledger::store::{OnRow, Row, RowScope};
use playbook_ledger::{Closure, GrantAnswer, GrantState, Ledger, LedgerError, Proof, SettleAnswer};
use playbook_model::{Minor, UnixMs};
use rusqlite::Connection;
use shared::{BRAND, Calls as _, DAY, NOW, assert_sound, cycle, key, plan, request};

/// The file as the first layout wrote it, after `change`.
fn first_layout(path: &Path, change: &str) {
    let file = Connection::open(path).unwrap();
    file.execute_batch(include_str!("layout-1.sql")).unwrap();
    file.execute_batch(change).unwrap();
    file.pragma_update(None, "journal_mode", "WAL").unwrap();
}

/// The file as the second layout wrote it.
fn second_layout(path: &Path) {
    let file = Connection::open(path).unwrap();
    file.execute_batch(include_str!("layout-2.sql")).unwrap();
    file.pragma_update(None, "journal_mode", "WAL").unwrap();
}

const LATER: UnixMs = UnixMs(NOW.0 + 28 * DAY);

#[test]
fn a_ledger_of_the_first_layout_goes_on_as_one_of_todays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    first_layout(&path, "");
    let bytes = std::fs::read(&path).unwrap();
    // Who only looks sees the ledger of today and leaves the file as it is.
    let look = Ledger::read(&path, BRAND).unwrap();
    assert_sound(&look);
    let balances = look.balances().unwrap();
    let rehearsal = Ledger::rehearse(&path, BRAND).unwrap();
    assert_sound(&rehearsal);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);

    let ledger = Ledger::open(&path, BRAND).unwrap();
    assert_sound(&ledger);
    assert_eq!(ledger.balances().unwrap(), balances);
    assert_eq!(
        (balances.len(), balances[0].reserved, balances[0].spent),
        (9, Minor(700), Minor(60))
    );
    assert!(balances[2].frozen && balances[3].frozen, "the reserve and a pool were frozen");
    let first = ledger.standing(&cycle(1)).unwrap();
    assert!(first.is_closed);
    let states = ["a", "b", "c"].map(|name| first.grants[&key(name)].state);
    assert_eq!(states, [GrantState::Settled(Minor(60)), GrantState::Released, GrantState::Open]);

    // The running cycle goes on where it stood: known keys, its limits, the members' history.
    let mut more = plan(1_200_000);
    more.plugins.push(playbook_ledger::PluginLimit {
        stage: "quiet".to_owned(),
        pool: Some("base".to_owned()),
    });
    let head = ledger.head().unwrap();
    let accounts = ledger.ensure_budget(&more, LATER).unwrap();
    let opening = ledger.begin_cycle(&cycle(2), key("run 2"), LATER).unwrap();
    assert_eq!(ledger.head().unwrap(), head, "the same plan writes nothing");
    assert_eq!(opening.available[&accounts.plugins["coupons"]], Minor(135_000));
    let member = request("e", accounts.playbook, 0).member;
    assert_eq!(ledger.grants_of(&[member], NOW).unwrap().grants.len(), 1);
    let mut known = request("e", accounts.plugins["coupons"], 250);
    (known.stage, known.action, known.family, known.commercial) =
        ("coupons", "coupon", "coupon", true);
    let asked = [known, request("g", accounts.plugins["points"], 189_001)];
    let answers = ledger.grant_batch(&cycle(2), LATER, &asked).unwrap();
    assert!(matches!(answers[0], GrantAnswer::AlreadyGranted { .. }), "{answers:?}");
    let free = Minor(189_000);
    assert_eq!(
        answers[1],
        GrantAnswer::Refused { account: accounts.plugins["points"], available: free }
    );
    let settled = ledger.close(&key("c"), Closure::Settle(None)).unwrap();
    assert!(matches!(settled, SettleAnswer::Done { .. }));
    assert_sound(&ledger);
    drop(ledger);
    assert_sound(&Ledger::open(&path, BRAND).unwrap());
    let back = Ledger::rehearse_at(&path, BRAND, head).unwrap();
    assert_eq!(back.balances().unwrap(), balances);
}

#[test]
fn a_rehearsal_goes_back_to_before_the_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    first_layout(&path, "");
    let file = Connection::open(&path).unwrap();
    let seal: Vec<u8> =
        file.query_row("SELECT seal FROM groups WHERE number = 5", [], |row| row.get(0)).unwrap();
    drop(file);
    drop(Ledger::open(&path, BRAND).unwrap());
    let head = (5, playbook_model::Digest(seal.try_into().unwrap()));
    let back = Ledger::rehearse_at(&path, BRAND, head).unwrap();
    assert_eq!(back.head().unwrap(), head);
    assert_eq!(back.standing(&cycle(1)).unwrap().grants.len(), 4);
    assert!(matches!(back.standing(&cycle(2)), Err(LedgerError::NoCycle { .. })));
}

#[test]
fn an_altered_ledger_of_the_first_layout_is_not_upgraded() {
    let unlocked = "DROP TRIGGER entries_stay;";
    for change in [
        "UPDATE entries SET amount = 1 WHERE number = 10",
        "UPDATE accounts SET spent = 0 WHERE id = 1",
        "UPDATE accounts SET frozen = 0",
        "UPDATE cycles SET summary = NULL",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        first_layout(&path, &format!("{unlocked}{change}"));
        let error = Ledger::open(&path, BRAND).map(|_| ()).unwrap_err();
        assert!(matches!(error, LedgerError::Unsound { .. }), "{change}: {error}");
        let file = Connection::open(&path).unwrap();
        let layout: i64 = file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(layout, 1, "it stays what it was");
        let seen = Ledger::read(&path, BRAND).and_then(|ledger| ledger.prove());
        assert!(!matches!(seen, Ok(Proof::Sound { .. })), "{change}: {seen:?}");
    }
}

#[test]
fn a_ledger_of_the_second_layout_goes_on_as_one_of_todays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    second_layout(&path);
    let look = Ledger::read(&path, BRAND).unwrap();
    assert_sound(&look);
    let (balances, head) = (look.balances().unwrap(), look.head().unwrap());
    drop(look);
    let ledger = Ledger::open(&path, BRAND).unwrap();
    assert_sound(&ledger);
    assert_eq!((ledger.balances().unwrap(), ledger.head().unwrap()), (balances, head));
    let turn = ledger.turn().unwrap();
    let row = Row { space: 1, owner: 7, key: b"key", value: b"value" };
    let mut standing = None;
    let stood =
        turn.group(&cycle(2), LATER, &mut standing, |group| group.put_rows(&[row], OnRow::Stays));
    assert_eq!(stood.unwrap(), [false]);
    assert_eq!(turn.head().unwrap(), head, "rows alone are no group of entries");
    drop(turn);
    let mut found = Vec::new();
    ledger
        .rows(1, RowScope::Owner(7), &mut |_, key, value| {
            found.push((key.to_vec(), value.to_vec()));
            Ok(true)
        })
        .unwrap();
    assert_eq!(found, [(b"key".to_vec(), b"value".to_vec())]);
    assert_sound(&ledger);
}
