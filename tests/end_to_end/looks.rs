//! From what is no text file to a playbook that checks and runs, without an edit: workbooks, SQLite files, tables and queries
//! of databases, objects, beside files of text.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::bench::{Place, command, error, playbook, succeed, write};
use crate::servers::{MariaDb, PASSWORD, Postgres, Served, python};

const KNOWN: [&str; 4] = ["--currency", "EUR", "--time-zone", "Europe/Berlin"];

fn with_secrets(mut call: Command) -> Output {
    call.env("KEY_ID", "id").env("KEY", PASSWORD).output().unwrap()
}

fn init(place: &Place, words: &[&str]) -> Output {
    let mut call = command(["init"]);
    call.args(words).args(["--brand", "shop"]).args(KNOWN);
    call.arg("--connections").arg(place.beside("connections.toml"));
    call.current_dir(place.dir.path());
    with_secrets(call)
}

fn profile(place: &Place, words: &[&str]) -> Output {
    let mut call = command(["profile"]);
    call.args(words).arg("--connections").arg(place.beside("connections.toml"));
    with_secrets(call)
}

/// Checks and runs a playbook as `init` left it; returns the record.
fn run(place: &Place, file: &Path) -> Value {
    assert!(succeed(&playbook(["check".as_ref(), file.as_os_str()])).contains("in order"));
    let mut call = command(["run".as_ref(), file.as_os_str(), "--json".as_ref()]);
    call.arg("--dry-run").arg("--state").arg(&place.state).arg("--out").arg(&place.out);
    call.arg("--connections").arg(place.beside("connections.toml"));
    serde_json::from_str(&succeed(&with_secrets(call))).unwrap()
}

/// Name, rows read and kept of each source.
fn rows(record: &Value) -> Vec<(&str, u64, u64)> {
    let sources = record["sources"].as_array().unwrap().iter();
    let row = |source: &'_ Value, key: &str| source[key].as_u64().unwrap();
    sources
        .map(|s| (s["name"].as_str().unwrap(), row(s, "rows_read"), row(s, "rows_kept")))
        .collect()
}

#[test]
fn a_folder_of_text_workbooks_and_sqlite_files_becomes_a_playbook_that_runs() {
    let place = Place::new();
    write(
        &place,
        "data/customers.csv",
        "customer,joined,region\nA1,2026-01-01,North\nA2,2026-01-02,South\nA3,2026-01-03,South\n",
    );
    write(&place, "data/broken.xlsx", "no workbook");
    write(&place, "connections.toml", "");
    let script = r#"
import datetime, sqlite3, sys, openpyxl
folder, = sys.argv[1:]
for month in (5, 6):
    book = openpyxl.Workbook()
    book.active.title = "Orders"
    book.active.append(["Order No", "Customer", "Order date", "Total"])
    for day in (1, 2, 3):
        book.active.append([f"{month}-{day}", f"A{day}", datetime.datetime(2026, month, day, 12), day + 0.5])
    about = book.create_sheet("About")
    hidden = book.create_sheet("Hidden")
    hidden.append(["a"])
    hidden.sheet_state = "hidden"
    book.save(f"{folder}/orders-{month}.xlsx")
base = sqlite3.connect(folder + "/shop.sqlite")
base.execute('create table "page views" (customer text, at text, event text)')
base.executemany('insert into "page views" values (?, ?, ?)', [("A1", "2026-06-01 10:00:00", "view"), ("A2", "2026-06-02 10:00:00", "view")])
base.execute("create table refunds (customer text, date text, total numeric, original_order text)")
base.execute("insert into refunds values ('A1', '2026-06-03', 1.5, '6-1')")
base.commit()
"#;
    let data = place.beside("data");
    succeed(&python(script, &[data.to_str().unwrap()]).output().unwrap());
    let shown = succeed(&init(&place, &["data"]));
    for part in [
        "orders-*.xlsx",
        "a sheet of an Excel workbook",
        "shop.sqlite: page views",
        "a SQLite file",
        "not read: broken.xlsx: ",
        "orders-5.xlsx: About",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert!(!shown.contains("Hidden"), "{shown}");
    let file = data.join("shop.toml");
    let text = fs::read_to_string(&file).unwrap();
    for part in [
        "path = \"orders-*.xlsx\"\nsheet = \"Orders\"\n",
        "path = \"shop.sqlite\"\nquery = \"select * from \\\"page views\\\"\"\n",
        "path = \"shop.sqlite\"\nfrom = \"refunds\"\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let record = run(&place, &file);
    assert_eq!(
        rows(&record),
        [("customers", 3, 3), ("orders", 6, 6), ("page-views", 2, 2), ("refunds", 1, 1)]
    );
    assert_eq!(record["counts"]["members"], 3);

    // Each part of a file is shown by itself, with what a run would make of it.
    let book = data.join("orders-5.xlsx");
    let shown = succeed(&profile(&place, &[book.to_str().unwrap()]));
    for part in ["orders-5.xlsx: Orders", "3 rows, 3 kept", "members: 3", "About: not shown"] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let base = data.join("shop.sqlite");
    let told = succeed(&profile(&place, &[base.to_str().unwrap(), "--json"]));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert!(told["files"][0]["file"].as_str().unwrap().ends_with("shop.sqlite: page views"));
    assert_eq!(told["files"][1]["intake"]["sources"][0]["rows_kept"], 1);
    let broken = data.join("broken.xlsx");
    assert!(error(&profile(&place, &[broken.to_str().unwrap()])).contains("no Excel workbook"));
}

/// What a shop has in its database, in the words of both kinds of servers.
const TABLES: &str = "create table orders (id varchar(9), customer varchar(9), paid_at timestamp, total decimal(12, 2));
    insert into orders values ('o1', 'c1', '2026-05-01 10:00:00', 12.50), ('o2', 'c2', '2026-05-02 10:00:00', 7.00),
      ('o3', 'c1', '2026-06-01 10:00:00', 2.50);
    create table customers (customer varchar(9), joined date, region varchar(9));
    insert into customers values ('c1', '2026-01-01', 'North'), ('c2', '2026-01-02', 'South'), ('c3', '2026-01-03', 'South');";

fn of_a_database(place: &Place, kind: &str, port: u16, database: &str) {
    let text = format!(
        "[connection.warehouse]\nkind = \"{kind}\"\nbrands = [\"shop\"]\nhost = \"127.0.0.1\"\nport = {port}\n\
         database = \"{database}\"\nuser = \"admin\"\npassword_env = \"KEY\"\ntls = \"off\"\n"
    );
    write(place, "connections.toml", text);
    let (over, query) = (["--connection", "warehouse"], "select * from orders where total > 5");
    let tables = [&over[..], &["--table", "shop.orders", "--table", "shop.customers"]].concat();
    let out = place.beside("tables.toml");
    let shown = succeed(&init(place, &[&tables[..], &["--out", out.to_str().unwrap()]].concat()));
    assert!(shown.contains("warehouse: shop.orders") && shown.contains("a database"), "{shown}");
    assert!(shown.contains("--connections"), "{shown}");
    let text = fs::read_to_string(&out).unwrap();
    assert!(text.contains("connection = \"warehouse\"\nfrom = \"shop.orders\"\n"), "{text}");
    let record = run(place, &out);
    assert_eq!(rows(&record), [("orders", 3, 3), ("customers", 3, 3)]);
    assert_eq!(record["counts"]["members"], 3);

    // Rows of a query beside files of a folder.
    write(
        place,
        "mixed/customers.csv",
        "customer,joined,region\nc1,2026-01-01,North\nc2,2026-01-02,South\n",
    );
    let mixed = [&["mixed"][..], &over, &["--query", query]].concat();
    succeed(&init(place, &mixed));
    let record = run(place, &place.beside("mixed/shop.toml"));
    assert_eq!(rows(&record), [("customers", 2, 2), ("events", 2, 2)]);

    let brand = ["--brand", "shop"];
    let asked = [&over[..], &["--query", query], &brand].concat();
    let shown = succeed(&profile(place, &asked));
    assert!(shown.contains("2 rows, 2 kept") && shown.contains("members: 2"), "{shown}");
    assert!(succeed(&profile(place, &[&asked[..], &["--quick"]].concat())).contains("as events"));
    for (words, told) in [
        (
            &["--connection", "warehouse", "--table", "shop.nowhere", "--brand", "shop"][..],
            "nowhere",
        ),
        (&["--connection", "other", "--table", "orders", "--brand", "shop"], "it has `warehouse`"),
        (
            &["--connection", "warehouse", "--table", "orders", "--brand", "another"],
            "for brand `another`",
        ),
        (&["--connection", "warehouse", "--table", "orders"], "pass --brand NAME"),
        (&["--connection", "warehouse", "--brand", "shop"], "pass --table TABLE"),
        (&["--connection", "warehouse", "--path", "x.csv", "--brand", "shop"], "is a database"),
        (&["--connection", "warehouse", "--table", "a b", "--brand", "shop"], "names no table"),
    ] {
        let said = error(&profile(place, words));
        assert!(said.contains(told), "{told}\n{said}");
        assert!(!said.contains(PASSWORD), "{said}");
    }
}

#[test]
fn tables_and_queries_of_postgresql_become_a_playbook_that_runs() {
    let (place, server) = (Place::new(), Postgres::start(&[]));
    server.sql(&format!("create schema shop; alter role admin set search_path = shop, public; set search_path = shop; {TABLES}"));
    of_a_database(&place, "postgres", server.port, "postgres");
}

#[test]
fn tables_and_queries_of_mariadb_become_a_playbook_that_runs() {
    let (place, server) = (Place::new(), MariaDb::start());
    server.sql(&format!("use shop; {TABLES}"));
    of_a_database(&place, "mysql", server.port, "shop");
}

#[test]
fn objects_and_files_of_a_web_server_become_a_playbook_that_runs() {
    let place = Place::new();
    for month in [5, 6] {
        let row =
            |day: u32| format!("{month}-{day},c{day},2026-0{month}-0{day}T10:00:00,{day}.50\n");
        let rows: String = (1..=3).map(row).collect();
        write(
            &place,
            &format!("web/exports/orders-{month}.csv"),
            format!("order,customer,paid_at,total\n{rows}"),
        );
    }
    let server = Served::web(place.dir.path(), &place.beside("web"), None);
    let text = format!(
        "[connection.web]\nkind = \"objects\"\nbrands = [\"shop\"]\naddress = \"http://127.0.0.1:{}/exports\"\ntls = \"off\"\n\
         secret_env = \"KEY\"\n",
        server.port
    );
    write(&place, "connections.toml", text);
    let shown = succeed(&init(
        &place,
        &["--connection", "web", "--path", "orders-5.csv", "--path", "orders-6.csv"],
    ));
    assert!(shown.contains("told by all 3 rows"), "{shown}");
    let record = run(&place, &place.beside("shop.toml"));
    assert_eq!(rows(&record), [("orders-5", 3, 3), ("orders-6", 3, 3)]);

    let store = Served::s3(place.dir.path(), 1_000_000);
    let script = r#"
import boto3, sys
port, *files = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url="http://127.0.0.1:" + port, region_name="us-east-1", aws_access_key_id="id", aws_secret_access_key="x")
s3.create_bucket(Bucket="exports")
for path in files:
    s3.upload_file(path, "exports", "shop/2026/" + path.rsplit("/", 1)[1])
"#;
    let [may, june] = [5, 6].map(|n| place.beside(&format!("web/exports/orders-{n}.csv")));
    let port = store.port.to_string();
    let files = [&*port, may.to_str().unwrap(), june.to_str().unwrap()];
    succeed(&python(script, &files).output().unwrap());
    let text = format!(
        "[connection.lake]\nkind = \"objects\"\nbrands = [\"shop\"]\naddress = \"s3://exports/shop\"\n\
         endpoint = \"http://127.0.0.1:{port}\"\naccount_env = \"KEY_ID\"\nsecret_env = \"KEY\"\ntls = \"off\"\n"
    );
    write(&place, "connections.toml", text);
    let out = place.beside("lake.toml");
    let over = ["--connection", "lake", "--path", "2026/orders-*.csv", "--out"];
    let shown = succeed(&init(&place, &[&over[..], &[out.to_str().unwrap()]].concat()));
    assert!(shown.contains("2 files") && shown.contains("told by all 6 rows"), "{shown}");
    let text = fs::read_to_string(&out).unwrap();
    assert!(text.contains("connection = \"lake\"\npath = \"2026/orders-*.csv\"\n"), "{text}");
    assert_eq!(rows(&run(&place, &out)), [("orders", 6, 6)]);
    let place_profile = ["--connection", "lake", "--path", "2026/orders-*.csv", "--brand", "shop"];
    let shown = succeed(&profile(&place, &place_profile));
    assert!(shown.contains("lake: 2026/orders-6.csv"), "{shown}");
}
