//! A ledger in a database is opened, looked at, kept for one run and proven as one in a file is.

use std::fs;
use std::os::unix::fs::chown;
use std::sync::Arc;

use playbook_ledger::{Ledger, LedgerError, PostgresServer, Proof};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::brands::written;
use crate::servers::{PASSWORD, Postgres, certificate, user};
use crate::shared::{BRAND, Calls as _, NOW, assert_sound, cycle, key, plan, request};
use crate::{Home, USER, reached};

#[test]
fn a_ledger_is_made_where_it_may_be_and_only_found_elsewhere() {
    let home = Home::new();
    for open in [Ledger::postgres_open, Ledger::postgres_read] {
        let error = open(&home.at, BRAND).unwrap_err();
        assert!(matches!(error, LedgerError::Absent { .. }), "{error}");
    }
    assert_eq!(home.sql("SELECT to_regnamespace('playbook_ledger') IS NULL").trim(), "t");
    let made = home.open();
    made.ensure_budget(&plan(1_000), NOW).unwrap();
    for open in [Ledger::postgres, Ledger::postgres_open, Ledger::postgres_read] {
        assert_eq!(open(&home.at, BRAND).unwrap().balances().unwrap(), made.balances().unwrap());
        assert!(matches!(open(&home.at, "a/b"), Err(LedgerError::Name(_))));
    }
    let error = Ledger::postgres_open(&home.at, "other").unwrap_err();
    assert!(matches!(error, LedgerError::Absent { .. }), "{error}");
}

#[test]
fn looking_works_beside_a_run_and_cannot_write() {
    let home = Home::new();
    let run = home.open();
    run.ensure_budget(&plan(1_000), NOW).unwrap();
    let _turn = run.turn().unwrap();
    let look = Ledger::postgres_read(&home.at, BRAND).unwrap();
    assert_eq!(look.balances().unwrap(), run.balances().unwrap());
    assert!(matches!(look.ensure_budget(&plan(2_000), NOW), Err(LedgerError::Storage(_))));
    assert_sound(&look);
}

#[test]
fn a_later_layout_is_refused() {
    let home = Home::new();
    drop(home.open());
    home.sql("INSERT INTO layouts (number) VALUES (9)");
    for open in [Ledger::postgres, Ledger::postgres_open, Ledger::postgres_read] {
        let error = open(&home.at, BRAND).unwrap_err();
        assert!(matches!(error, LedgerError::OtherLayout { found: 9, .. }), "{error}");
        assert!(error.to_string().contains("PostgreSQL at 127.0.0.1"), "{error}");
    }
}

#[test]
fn a_run_whose_lease_was_lost_books_nothing_once_another_has_it() {
    let home = Home::new();
    let [one, other] = [(), ()].map(|()| home.open());
    let points = one.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    one.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let asked = |name| [request(name, points, 100)];
    let turn = one.turn().unwrap();
    turn.grant_batch(&cycle(1), NOW, &asked("a")).unwrap();
    // The session of the lease ends, and nobody has told the run.
    let ended = home.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_locks JOIN pg_database d ON d.oid = database \
         WHERE locktype = 'advisory' AND granted AND d.datname = current_database()",
    );
    assert_eq!(ended.trim(), "1");
    turn.grant_batch(&cycle(1), NOW, &asked("b")).unwrap();
    other.grant_batch(&cycle(1), NOW, &asked("c")).unwrap();
    let error = turn.grant_batch(&cycle(1), NOW, &asked("d")).unwrap_err();
    assert!(matches!(error, LedgerError::Overtaken { .. }), "{error}");
    drop(turn);
    one.grant_batch(&cycle(1), NOW, &asked("d")).unwrap();
    assert_eq!(other.balances().unwrap()[0].reserved.0, 400);
    assert_sound(&one);
}

#[test]
fn what_is_altered_in_a_database_is_found() {
    for change in [
        "UPDATE entries SET amount = amount + 1 WHERE number = 20",
        "UPDATE entries SET stage = 'other' WHERE number = 20",
        "UPDATE entries SET key = decode(repeat('00', 32), 'hex') WHERE number = 20",
        "UPDATE entries SET flags = 3 WHERE number = 20",
        "UPDATE entries SET brand = 'other' WHERE number = 20",
        "DELETE FROM entries WHERE number = 21",
        "DELETE FROM groups WHERE number = (SELECT max(number) FROM groups)",
        "UPDATE groups SET at = at + 1 WHERE number = 3",
        "UPDATE accounts SET spent = spent + 1 WHERE id = 1",
        "UPDATE accounts SET frozen = false WHERE frozen",
        "DELETE FROM openings",
        "UPDATE cycles SET summary = NULL",
        "DELETE FROM brands",
    ] {
        let home = Home::new();
        written(&home.open());
        let look = Ledger::postgres_read(&home.at, BRAND).unwrap();
        home.sql(&format!("SET session_replication_role = replica; {change}"));
        let proof = look.prove().unwrap();
        let booked = Ledger::postgres_open(&home.at, BRAND)
            .and_then(|ledger| ledger.ensure_budget(&plan(7), NOW));
        if change == "DELETE FROM brands" {
            assert!(matches!(booked, Err(LedgerError::Absent { .. })), "{booked:?}");
        } else {
            assert!(matches!(proof, Proof::Broken(_)), "`{change}` went unseen");
        }
        if change.contains("accounts") || change.contains("entries") {
            assert!(matches!(booked, Err(LedgerError::Unsound { .. })), "{change}: {booked:?}");
        }
    }
}

#[test]
fn a_proof_asks_the_database_about_its_indexes_where_that_is_allowed() {
    let home = Home::new();
    let ledger = home.open();
    written(&ledger);
    assert_sound(&ledger);
    home.sql(&format!(
        "CREATE EXTENSION amcheck SCHEMA public; \
         GRANT EXECUTE ON FUNCTION bt_index_check(regclass, boolean) TO {USER}"
    ));
    assert_sound(&ledger);
    // Of a row the index knows nothing: what a broken index looks like.
    home.sql(
        "UPDATE pg_index SET indisready = false WHERE indexrelid = 'entries_member'::regclass; \
         SET session_replication_role = replica; \
         INSERT INTO entries SELECT brand, 1000, kind, account, recipient, amount, 999, bound, sha256('x'), request, \
         member, stage, action, family, quantity, expected_output, flags, hash FROM entries WHERE kind = 1 LIMIT 1; \
         UPDATE entries SET brand = 'gone' WHERE number = 1000; \
         UPDATE pg_index SET indisready = true WHERE indexrelid = 'entries_member'::regclass",
    );
    let Proof::Broken(flaw) = ledger.prove().unwrap() else { panic!("it went unseen") };
    assert!(flaw.what.contains("entries_member"), "{flaw}");
}

#[test]
fn a_ledger_is_reached_by_tls_and_only_from_who_is_vouched_for() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, secret) = certificate(folder.path());
    if let Some((uid, gid)) = user("postgres") {
        chown(&secret, Some(uid), Some(gid)).unwrap();
        chown(folder.path(), Some(uid), Some(gid)).unwrap();
    }
    let settings = [
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", cert.display()),
        format!("ssl_key_file={}", secret.display()),
    ];
    let server = Postgres::start(&settings.each_ref().map(String::as_str));
    server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'"));
    server.sql(&format!("CREATE DATABASE ledgers OWNER {USER}"));
    let trusting = |pem: Option<&[u8]>| {
        let mut roots = rustls::RootCertStore::empty();
        for cert in pem.into_iter().flat_map(CertificateDer::pem_slice_iter) {
            roots.add(cert.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let tls = builder.with_root_certificates(roots).with_no_client_auth();
        PostgresServer { tls: Some(tls), ..reached(server.port, "ledgers") }
    };
    let error = Ledger::postgres(&trusting(None), BRAND).unwrap_err();
    assert!(matches!(error, LedgerError::Storage(_)), "{error}");
    let ledger = Ledger::postgres(&trusting(Some(&fs::read(cert).unwrap())), BRAND).unwrap();
    written(&ledger);
    assert_sound(&ledger);
    let ways = server.sql("SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = 'ledgers'");
    assert_eq!(ways.trim(), "t");
}

#[test]
fn nothing_that_is_told_shows_the_password() {
    let home = Home::new();
    let ledger = home.open();
    let wrong = PostgresServer { password: Some("not-the-secret".to_owned()), ..home.at.clone() };
    let refused = Ledger::postgres(&wrong, BRAND).unwrap_err();
    let told = format!("{refused} {refused:?} {wrong:?} {:?} {ledger:?}", home.at);
    assert!(!told.contains(PASSWORD) && !told.contains("not-the-secret"), "{told}");
}
