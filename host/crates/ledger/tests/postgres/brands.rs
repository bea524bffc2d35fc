//! Many brands in one database: none sees or changes what is another's, and who could is refused.

use playbook_ledger::store::{OnRow, Row, RowScope};
use playbook_ledger::{Ledger, LedgerError, PostgresServer};
use postgres::error::SqlState;
use postgres::{Client, Config, NoTls};

use crate::servers::PASSWORD;
use crate::shared::{Calls as _, NOW, assert_sound, cycle, key, plan, request};
use crate::{Home, USER};

/// Tables of the layout.
const TABLES: [&str; 7] = ["accounts", "brands", "cycles", "entries", "groups", "openings", "rows"];

/// A ledger that has something in every table.
pub(crate) fn written(ledger: &Ledger) {
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let asked = ["a", "b", "c"].map(|name| request(name, points, 100));
    ledger.grant_batch(&cycle(1), NOW, &asked).unwrap();
    ledger.settle(&key("a"), 60);
    ledger.close_cycle(&cycle(1), key("summary"), NOW).unwrap();
    ledger.begin_cycle(&cycle(2), key("next"), NOW).unwrap();
    let turn = ledger.turn().unwrap();
    let row = Row { space: 3, owner: 9, key: b"key", value: ledger.brand().as_bytes() };
    turn.group(&cycle(2), NOW, &mut None, |group| group.put_rows(&[row], OnRow::Stays)).unwrap();
}

fn rows(ledger: &Ledger) -> Vec<Vec<u8>> {
    let mut rows = Vec::new();
    let all = RowScope::After(None);
    ledger
        .rows(3, all, &mut |_, _, value| {
            rows.push(value.to_vec());
            Ok(true)
        })
        .unwrap();
    rows
}

/// A connection past the ledger, as the user of a host.
fn connected(at: &PostgresServer, brand: Option<&str>) -> Client {
    let mut config = Config::new();
    config.host(&at.host).port(at.port).dbname(&at.database).user(&at.user).password(PASSWORD);
    let mut client = config.connect(NoTls).unwrap();
    client.batch_execute("SET search_path = playbook_ledger").unwrap();
    if let Some(brand) = brand {
        client.execute("SELECT set_config('playbook.brand', $1, false)", &[&brand]).unwrap();
    }
    client
}

#[test]
fn a_connection_of_one_brand_sees_and_changes_nothing_of_another() {
    let home = Home::new();
    // Names that could mean something to the database.
    let names = ["aurora", "o'neil \"x\"; --", "极光 %\n$1"];
    let ledgers = names.map(|name| home.of_brand(name));
    ledgers.iter().for_each(written);
    let before =
        ledgers.each_ref().map(|ledger| (ledger.head().unwrap(), ledger.balances().unwrap()));

    let mut client = connected(&home.at, Some("aurora"));
    for table in TABLES {
        // No statement here says which brand it means.
        let seen = client.query_one(
            &format!("SELECT count(*), count(*) FILTER (WHERE brand <> 'aurora') FROM {table}"),
            &[],
        );
        let seen = seen.unwrap();
        assert!(seen.get::<_, i64>(0) > 0, "{table} shows what is its own");
        assert_eq!(seen.get::<_, i64>(1), 0, "{table} shows what is another's");
        let copied = format!(
            "CREATE TEMP TABLE copy AS SELECT * FROM {table} LIMIT 1; UPDATE copy SET brand = 'another'"
        );
        client.batch_execute(&copied).unwrap();
        let put = client.batch_execute(&format!("INSERT INTO {table} SELECT * FROM copy"));
        assert_eq!(put.unwrap_err().code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{table}");
        client.batch_execute("DROP TABLE copy").unwrap();
        let emptied = client.batch_execute(&format!("TRUNCATE {table}"));
        assert!(emptied.is_err(), "{table} was emptied for all brands");
        if table != "entries" {
            let moved = client.batch_execute(&format!("UPDATE {table} SET brand = 'mine too'"));
            assert!(moved.is_err(), "rows of {table} went to another brand");
            client.batch_execute(&format!("DELETE FROM {table}")).unwrap();
        }
    }
    for sql in ["UPDATE entries SET amount = 0", "DELETE FROM entries"] {
        let error = client.batch_execute(sql).unwrap_err();
        let said = error.as_db_error().unwrap().message();
        assert!(said.contains("entries of a ledger never"), "{said}");
    }
    let mut nobody = connected(&home.at, None);
    for table in TABLES {
        let seen = nobody.query_one(&format!("SELECT count(*) FROM {table}"), &[]).unwrap();
        assert_eq!(seen.get::<_, i64>(0), 0, "{table} shows something to who is of no brand");
    }
    for (ledger, (head, balances)) in ledgers.iter().zip(&before).skip(1) {
        assert_eq!((&ledger.head().unwrap(), &ledger.balances().unwrap()), (head, balances));
        assert_eq!(rows(ledger), [ledger.brand().as_bytes()]);
        assert_sound(ledger);
    }
    let gone = Ledger::postgres_open(&home.at, "aurora").unwrap_err();
    assert!(matches!(gone, LedgerError::Absent { .. }), "{gone}");
}

#[test]
fn a_user_who_may_pass_by_the_rules_is_refused() {
    let home = Home::new();
    home.sql(&format!("CREATE ROLE passing LOGIN BYPASSRLS PASSWORD '{PASSWORD}'"));
    for user in ["admin", "passing"] {
        let at = PostgresServer { user: user.to_owned(), ..home.at.clone() };
        for open in [Ledger::postgres, Ledger::postgres_open, Ledger::postgres_read] {
            let error = open(&at, "aurora").unwrap_err();
            assert!(matches!(error, LedgerError::Unguarded { .. }), "{error}");
            assert!(error.to_string().contains("without SUPERUSER"), "{error}");
        }
    }
    home.sql("DROP ROLE passing");
}

#[test]
fn what_keeps_brands_apart_and_entries_in_place_is_looked_for_at_each_opening() {
    let home = Home::new();
    written(&home.open());
    for (change, back) in [
        (
            "ALTER TABLE rows NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE rows FORCE ROW LEVEL SECURITY",
        ),
        (
            "ALTER TABLE accounts DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE accounts ENABLE ROW LEVEL SECURITY",
        ),
        (
            "ALTER TABLE entries DISABLE TRIGGER entries_stay",
            "ALTER TABLE entries ENABLE TRIGGER entries_stay",
        ),
        (
            "ALTER POLICY own_brand ON groups USING (true)",
            "ALTER POLICY own_brand ON groups USING (brand = current_setting('playbook.brand', true))",
        ),
        ("CREATE POLICY all_see ON rows USING (true)", "DROP POLICY all_see ON rows"),
        (
            "ALTER INDEX entries_closes RENAME TO other",
            "ALTER INDEX other RENAME TO entries_closes",
        ),
    ] {
        home.sql(change);
        let error = Ledger::postgres(&home.at, "aurora").map(|_| change).unwrap_err();
        assert!(matches!(error, LedgerError::Unsound { .. }), "{change}: {error}");
        home.sql(back);
        assert_sound(&home.open());
    }
}

#[test]
fn a_user_with_rights_on_rows_alone_writes_and_makes_no_layout() {
    let home = Home::new();
    home.sql(&format!("CREATE ROLE second LOGIN PASSWORD '{PASSWORD}'"));
    let at = PostgresServer { user: "second".to_owned(), ..home.at.clone() };
    let refused = Ledger::postgres(&at, "aurora").unwrap_err();
    assert!(matches!(refused, LedgerError::Rights { .. }), "{refused}");
    drop(home.open());
    home.sql(&format!(
        "SET ROLE {USER}; GRANT USAGE ON SCHEMA playbook_ledger TO second; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA playbook_ledger TO second"
    ));
    let ledger = Ledger::postgres(&at, "second brand").unwrap();
    written(&ledger);
    assert_sound(&ledger);
    drop(ledger);
    home.sql("DROP OWNED BY second; DROP ROLE second");
}
