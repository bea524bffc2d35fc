//! The store by itself, against a real server.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../../../../tests/servers/mod.rs"]
mod servers;

use std::time::Duration;

use playbook_model::{Digest, Minor, UnixMs};

use self::servers::{PASSWORD, Postgres as Server};
use super::link::Spot;
use super::statements::BY_KEY;
use super::{Postgres, PostgresServer, layout};
use crate::store::{Access, Group, OnRow, Purpose, Row, RowScope, Scope, Store as _};
use crate::work::money_entry;
use crate::{AccountId, CycleRef, Entry, EntryKind, LedgerError, conformance};

/// A server with an empty database of a user without rights.
fn started() -> (Server, PostgresServer) {
    let server = Server::start(&[]);
    server.sql(&format!("CREATE ROLE host LOGIN PASSWORD '{PASSWORD}'"));
    server.sql("CREATE DATABASE ledgers OWNER host");
    let reached = PostgresServer {
        host: "127.0.0.1".to_owned(),
        port: server.port,
        database: "ledgers".to_owned(),
        user: "host".to_owned(),
        password: Some(PASSWORD.to_owned()),
        tls: None,
        connect_wait: Duration::from_secs(10),
    };
    (server, reached)
}

/// An empty store of a brand.
fn store(reached: &PostgresServer, brand: &str) -> Result<Postgres, LedgerError> {
    let spot = Spot::of(reached, brand);
    let mut link = spot.connect()?;
    layout::make(&mut link, &spot.place)?;
    layout::admit(&mut link)?;
    Ok(Postgres::over(spot, link))
}

#[test]
fn postgres_is_a_store() {
    let (_server, reached) = started();
    let mut number = 0;
    let done = conformance::check(|| {
        number += 1;
        Ok(Box::new(store(&reached, &format!("brand {number}"))?))
    });
    assert!(done.is_ok(), "{done:?}");
}

#[test]
fn a_database_is_brought_to_the_next_layout_whole_and_by_one_host() {
    let (_server, reached) = started();
    store(&reached, "aurora").unwrap();
    let spot = Spot::of(&reached, "aurora");
    let mut link = spot.connect().unwrap();
    let half = "CREATE TABLE more (a int); SELECT 1 / 0";
    assert!(layout::bring_beyond(&mut link, &spot.place, half).is_err());
    link.undo();
    assert!(store(&reached, "aurora").is_ok(), "what failed on the way left the layout as it was");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut link = spot.connect().unwrap();
                layout::bring_beyond(&mut link, &spot.place, "CREATE TABLE more (a int)").unwrap();
            });
        }
    });
    let later = store(&reached, "aurora").unwrap_err();
    assert!(matches!(later, LedgerError::OtherLayout { found: 2, wanted: 1, .. }), "{later}");
}

#[test]
fn a_second_run_waits_its_time_and_is_told_who_writes() {
    let (server, reached) = started();
    let [one, other, third] =
        ["aurora", "aurora", "other"].map(|brand| store(&reached, brand).unwrap().leases());
    let (soon, now) = (Duration::from_millis(50), Duration::ZERO);
    for _ in 0..2 {
        let held = one.take(Duration::from_secs(5)).unwrap();
        let busy = other.take(soon).unwrap_err();
        assert!(matches!(busy, LedgerError::Busy { .. }), "{busy}");
        assert!(busy.to_string().contains("PostgreSQL at 127.0.0.1"), "{busy}");
        drop(third.take(now).expect("nobody has that of another brand"));
        drop(held);
        drop(other.take(now).expect("it came back"));
    }
    let held = one.take(now).unwrap();
    let locks = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks \
                 WHERE locktype = 'advisory' AND database <> 0";
    assert_eq!(server.sql(locks).trim(), "1");
    drop(other.take(Duration::from_secs(5)).expect("it went with the session"));
    drop(held);
    drop(one.take(now).expect("a session that is gone is opened again"));
}

#[test]
fn who_begins_to_write_sees_what_the_writer_before_it_kept() {
    let (_server, reached) = started();
    let mut stores = [(), (), (), ()].map(|()| store(&reached, "aurora").unwrap());
    std::thread::scope(|scope| {
        for store in &mut stores {
            scope.spawn(move || {
                for _ in 0..25 {
                    // Nobody has a lease: only the transactions keep writers apart.
                    let mut tx = store.begin(Access::Write).unwrap();
                    let number = tx.head().unwrap().group + 1;
                    assert_eq!(tx.groups(1).unwrap().len() as i64, number - 1);
                    tx.append_group(&group(number)).unwrap();
                    tx.commit().unwrap();
                }
            });
        }
    });
    let [first, writer, ..] = &mut stores;
    let mut reader = first.begin(Access::Read).unwrap();
    let seen = reader.groups(1).unwrap();
    assert!(seen.iter().map(|group| group.number).eq(1..=100));
    // What a transaction reads does not change under it.
    let mut tx = writer.begin(Access::Write).unwrap();
    tx.append_group(&group(101)).unwrap();
    tx.commit().unwrap();
    assert_eq!(reader.groups(1).unwrap(), seen);
    assert_eq!(reader.head().unwrap().group, 100);
}

fn group(number: i64) -> Group {
    Group {
        number,
        purpose: Purpose::Entries,
        at: UnixMs(number),
        cycle: CycleRef::default(),
        payload: Digest([1; 32]),
        first: 1,
        end: 1,
        seal: Digest([2; 32]),
        accounts: None,
    }
}

/// Statements are planned when the tables are empty, and stay so planned.
#[test]
fn every_statement_goes_the_way_of_its_key() {
    let (_server, reached) = started();
    let mut store = store(&reached, "aurora").unwrap();
    let (link, _) = store.link().unwrap();
    for (number, sql) in BY_KEY.iter().enumerate() {
        let values = (1..9).filter(|at| sql.contains(&format!("${at}"))).map(|_| "NULL");
        let values = values.collect::<Vec<_>>().join(", ");
        link.told(&format!("PREPARE plan_{number} AS {sql}")).unwrap();
        let rows =
            link.told(&format!("EXPLAIN (COSTS OFF) EXECUTE plan_{number}({values})")).unwrap();
        let plan: Vec<&str> = rows.iter().filter_map(|row| row.get(0)).collect();
        let shown = plan.join("\n");
        assert!(!shown.contains("Seq Scan"), "{sql}\n{shown}");
        // To find the first group later than a moment is to look at groups, which are few.
        let idle = plan.iter().filter(|line| line.trim() == "Index Cond: (brand = ($1)::text)");
        assert_eq!(idle.count(), usize::from(sql.contains("min(number)")), "{sql}\n{shown}");
    }
}

#[test]
fn what_a_transaction_wrote_is_seen_by_it_however_much_it_is() {
    let (_server, reached) = started();
    let mut store = store(&reached, "aurora").unwrap();
    let mut tx = store.begin(Access::Write).unwrap();
    let key = |number: i64| Digest::of(&number.to_be_bytes());
    tx.foresee(&[key(1), key(20_000), key(20_001)]).unwrap();
    for number in 1..=20_000 {
        let amount = Minor(number);
        let entry = money_entry(EntryKind::Reserve, AccountId(1), amount, key(number), key(0));
        let entry = Entry { number, ..entry };
        tx.append_entry(&entry, &key(-number)).unwrap();
    }
    for number in [1, 9_000, 20_000] {
        let used = tx.used_key(&key(number)).unwrap().unwrap();
        assert_eq!((used.entry, used.amount), (number, Minor(number)));
    }
    assert_eq!(tx.used_key(&key(20_001)).unwrap(), None);
    let mut seen = 0;
    tx.scan(Scope::From(1), &mut |scanned| {
        seen += 1;
        assert_eq!((scanned.entry.number, scanned.hash), (seen, key(-seen)));
        Ok(true)
    })
    .unwrap();
    assert_eq!(seen, 20_000);
    // Rows of one call may have the same key.
    let row = |owner, value: &'static [u8]| Row { space: 255, owner, key: b"k", value };
    let twice = [row(1, b"first"), row(2, b"other"), row(1, b"last")];
    assert_eq!(tx.put_rows(&twice, OnRow::Stays).unwrap(), [false, false, true]);
    assert_eq!(tx.put_rows(&twice, OnRow::Goes).unwrap(), [true; 3]);
    let many: Vec<_> = (10..2_000).map(|owner| row(owner, b"more")).collect();
    tx.put_rows(&many, OnRow::Stays).unwrap();
    let mut found = Vec::new();
    tx.rows(255, RowScope::After(None), &mut |owner, _, value| {
        found.push((owner, value.to_vec()));
        Ok(true)
    })
    .unwrap();
    assert_eq!(found[0], (1, b"last".to_vec()));
    assert!(found.iter().skip(2).map(|row| row.0).eq(10..2_000), "pages join without a gap");
    tx.commit().unwrap();
}
