//! Sources in object stores, on web servers, in SQLite files and workbooks; results that go to tables and objects.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::bench::{Place, command, coupons, csv, error, files, playbook, succeed, write};
use crate::servers::{MariaDb, PASSWORD, Postgres, Served, certificate, python};

const SHOP: &str = concat!(
    r#"
[playbook]
id = "shop"
brand = "shop"
currency = "EUR"
time_zone = "Europe/Berlin"
pseudonym_salt = "salt"

[cycle]
as_of = 2026-07-01
length = "28d"

[[source]]
name = "members"
table = "members"
path = "members.csv"
map = { member = "id", age_band = "age" }

[[source]]
name = "consents"
table = "consents"
path = "members.csv"
map = { member = "id", purpose = { constant = "marketing" }, state = { constant = "granted" } }

[features]
age_band = { attribute = "age_band" }
orders_365d = { count = "order_paid", window = "365d" }
spend_90d_minor = { sum = "amount_minor", events = "order_paid", window = "90d" }
points_90d = { expression = "spend_90d_minor / 10", type = "integer", unit = "count" }
aov_minor = { mean = "amount_minor", events = "order_paid", window = "365d", type = "integer" }
interactions_30d = { count = "order_paid", window = "30d" }

[[stage]]
card = "tier-interactions"
"#,
    coupons!()
);

const MAP: &str = "event = \"order_paid\"\n\
    map = { event_id = \"id\", member = \"customer\", time = \"paid_at\", amount_minor = \"total\" }\n";

fn source(keys: &str) -> String {
    format!("[[source]]\nname = \"orders\"\ntable = \"events\"\n{keys}\n{MAP}")
}

/// Orders of the months, as CSV with a header each.
fn months() -> [String; 2] {
    [5, 6].map(|month| {
        let row = |n: u32| {
            let (day, member, cents) = (1 + n % 28, n % 11, n % 100);
            format!("{month}-{n},c{member},2026-0{month}-{day:02}T10:00:00,{n}.{cents:02}\n")
        };
        format!("id,customer,paid_at,total\n{}", (0..200).map(row).collect::<String>())
    })
}

fn call(words: &[&str], file: &Path, place: &Place, out: &Path) -> Output {
    let mut call = command(words);
    call.arg(file).arg("--state").arg(place.beside(&format!("state-{}", name(out))));
    call.arg("--connections").arg(place.beside("connections.toml"));
    call.arg("--out").arg(out);
    secrets(&mut call).output().unwrap()
}

fn secrets(call: &mut std::process::Command) -> &mut std::process::Command {
    call.env("KEY_ID", "id").env("KEY", PASSWORD)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn run(place: &Place, keys: &str, out: &str) -> Output {
    let file = write(place, &format!("{out}.toml"), format!("{SHOP}{}", source(keys)));
    call(&["run", "--json"], &file, place, &place.beside(out))
}

fn record(output: &Output) -> Value {
    serde_json::from_str(&succeed(output)).unwrap()
}

/// What a record says of the orders.
fn of_orders(record: &Value) -> &Value {
    let sources = record["sources"].as_array().unwrap();
    sources.iter().find(|source| source["name"] == "orders").unwrap()
}

/// The run over the months as files of the data folder.
fn over_files(place: &Place) -> PathBuf {
    for (number, text) in months().iter().enumerate() {
        write(place, &format!("here/2026/orders-{number}.csv"), text);
    }
    let members: String = (0..11).map(|n| format!("c{n},adult\n")).collect();
    write(place, "members.csv", format!("id,age\n{members}"));
    write(place, "connections.toml", "");
    let record = record(&run(place, "path = \"here/2026/orders-*.csv\"", "files"));
    assert_eq!(of_orders(&record)["rows_kept"], 400);
    place.beside("files")
}

/// Two runs over the same rows come to the same.
fn same_outcome(a: &Path, b: &Path) {
    let (a, b) = (files(a), files(b));
    for name in ["members.parquet", "grants.csv", "refused.csv", "tables/brand.csv"] {
        assert_eq!(a.get(name), b.get(name), "{name}");
    }
    assert!(a["grants.csv"].split(|byte| *byte == b'\n').count() > 5);
}

/// Puts objects into a new bucket and says what is there: a program of Python, so that another client than ours does it.
const BUCKET: &str = r#"
import boto3, sys
port, bucket, *rest = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url="http://127.0.0.1:" + port, region_name="us-east-1", aws_access_key_id="id", aws_secret_access_key="x")
if rest:
    s3.create_bucket(Bucket=bucket)
for name, path in zip(rest[::2], rest[1::2]):
    s3.upload_file(path, bucket, name)
if not rest:
    for item in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        print(item["Key"], len(body), body[:60])
"#;

fn store(place: &Place, server: &Served, more: &str) -> PathBuf {
    let text = format!(
        "[connection.lake]\nkind = \"objects\"\nbrands = [\"shop\"]\naddress = \"s3://exports/shop\"\n\
         endpoint = \"http://127.0.0.1:{}\"\naccount_env = \"KEY_ID\"\nsecret_env = \"KEY\"\ntls = \"off\"\ndeliver = true\n{more}",
        server.port
    );
    write(place, "connections.toml", text)
}

#[test]
fn objects_of_a_pattern_are_read_like_the_files_that_they_are_copies_of() {
    let place = Place::new();
    let files_out = over_files(&place);
    let server = Served::s3(place.dir.path(), 1_000_000);
    store(&place, &server, "");
    let [may, june] = [0, 1].map(|n| place.beside(&format!("here/2026/orders-{n}.csv")));
    let port = server.port.to_string();
    let (may, june) = (may.to_str().unwrap(), june.to_str().unwrap());
    let put = [
        &port,
        "exports",
        "shop/2026/orders-0.csv",
        may,
        "shop/2026/orders-1.csv",
        june,
        "shop/2026/old/orders-2.csv",
        may,
        "other/2026/orders-3.csv",
        may,
    ];
    succeed(&python(BUCKET, &put).output().unwrap());
    let first = run(&place, "connection = \"lake\"\npath = \"2026/orders-*.csv\"", "objects");
    let told = record(&first);
    let names: Vec<&str> = of_orders(&told)["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["file"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["2026/orders-0.csv", "2026/orders-1.csv"]);
    same_outcome(&files_out, &place.beside("objects"));
    let out = place.beside("objects");
    let mut replay = command(["replay".as_ref(), out.as_os_str()]);
    replay.arg("--connections").arg(place.beside("connections.toml"));
    succeed(&secrets(&mut replay).output().unwrap());

    for (keys, words) in [
        ("path = \"2026/none-*.csv\"", ["no object `2026/none-*.csv`", "source `orders`"]),
        ("path = \"2026/none.csv\"", ["no object `2026/none.csv`", "s3://exports/shop"]),
        ("path = \"../other/2026/orders-3.csv\"", ["is no path below", "s3://exports/shop"]),
    ] {
        let told = error(&run(&place, &format!("connection = \"lake\"\n{keys}"), "none"));
        assert!(words.iter().all(|word| told.contains(word)), "{words:?}\n{told}");
    }
    // Not even a log of everything shows the key.
    let file = write(
        &place,
        "logged.toml",
        format!("{SHOP}{}", source("connection = \"lake\"\npath = \"2026/*.csv\"")),
    );
    let mut logged = command(["run".as_ref(), file.as_os_str()]);
    logged.arg("--connections").arg(place.beside("connections.toml")).env("PLAYBOOK_LOG", "trace");
    logged
        .arg("--state")
        .arg(place.beside("logged-state"))
        .arg("--out")
        .arg(place.beside("logged"));
    let logged = secrets(&mut logged).output().unwrap();
    succeed(&logged);
    let log = String::from_utf8_lossy(&logged.stderr);
    assert!(log.contains("TRACE hyper_util"), "{log}");
    store(&place, &server, "bytes = 1000\n");
    let told = error(&run(&place, "connection = \"lake\"\npath = \"2026/orders-*.csv\"", "none"));
    assert!(told.contains("more than 1000 bytes"), "{told}");
    assert!(!place.beside("none").exists());
    let all: Vec<u8> = files(place.dir.path()).into_values().flatten().collect();
    let said = [first.stdout, first.stderr, logged.stderr, all].concat();
    assert!(!said.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes()));
}

#[test]
fn a_store_that_does_not_know_the_key_ends_the_run() {
    let place = Place::new();
    // Nobody is let in without a key that the server gave out.
    let server = Served::s3(place.dir.path(), 0);
    store(&place, &server, "");
    let told = error(&run(&place, "connection = \"lake\"\npath = \"2026/*.csv\"", "none"));
    assert!(told.contains("connection `lake` failed") && told.contains("403"), "{told}");
}

#[test]
fn files_of_a_web_server_are_read_over_tls_with_a_token() {
    let place = Place::new();
    let files_out = over_files(&place);
    let all = months().map(|month| month.split_once('\n').unwrap().1.to_owned()).concat();
    write(&place, "web/exports/orders.csv", format!("id,customer,paid_at,total\n{all}"));
    let (cert, key) = certificate(place.dir.path());
    let server = Served::web(place.dir.path(), &place.beside("web"), Some((&cert, &key)));
    let connect = |more: &str| {
        let text = format!(
            "[connection.web]\nkind = \"objects\"\nbrands = [\"*\"]\naddress = \"https://127.0.0.1:{}/exports\"\n{more}",
            server.port
        );
        write(&place, "connections.toml", text)
    };
    let keys = "connection = \"web\"\npath = \"orders.csv\"";
    let ca = format!("ca_file = \"{}\"\n", cert.display());
    let with_token = format!("{ca}secret_env = \"KEY\"\n");
    connect(&with_token);
    assert_eq!(of_orders(&record(&run(&place, keys, "web-out")))["rows_kept"], 400);
    same_outcome(&files_out, &place.beside("web-out"));
    for (more, keys, words) in [
        (ca.as_str(), keys, "401"),
        (with_token.as_str(), "connection = \"web\"\npath = \"page.csv\"", "more letters"),
        (with_token.as_str(), "connection = \"web\"\npath = \"elsewhere.csv\"", "302 found"),
        ("secret_env = \"KEY\"\n", keys, "certificate"),
        ("secret_env = \"NO_SUCH\"\n", keys, "`NO_SUCH` is not set"),
        (ca.as_str(), "connection = \"web\"\npath = \"*.csv\"", "tells no list"),
    ] {
        connect(more);
        let told = error(&run(&place, keys, "none"));
        assert!(told.to_lowercase().contains(&words.to_lowercase()), "{words}\n{told}");
        assert!(told.len() < 5_000 && !told.contains('\u{1b}'), "{told}");
    }
    assert!(!place.beside("none").exists());
}

#[test]
fn sqlite_files_and_workbooks_are_read_like_the_same_rows_in_text() {
    let place = Place::new();
    let files_out = over_files(&place);
    let script = r#"
import csv, datetime, glob, sqlite3, sys, openpyxl
folder, = sys.argv[1:]
rows = [row for path in sorted(glob.glob(folder + "/here/2026/*.csv")) for row in csv.DictReader(open(path))]
base = sqlite3.connect(folder + "/shop.sqlite")
base.execute("create table orders (id text, customer text, paid_at text, total numeric(12, 2))")
base.executemany("insert into orders values (:id, :customer, :paid_at, :total)", rows)
base.execute("insert into orders values ('x', 'c1', '2026-06-01', x'00ff')")
base.commit()
book = openpyxl.Workbook()
book.active.title = "About"
sheet = book.create_sheet("Orders")
sheet.append([])
sheet.append(["id", "customer", "paid_at", "total"])
for row in rows:
    sheet.append([row["id"], row["customer"], datetime.datetime.fromisoformat(row["paid_at"]), float(row["total"])])
book.save(folder + "/orders.xlsx")
"#;
    succeed(&python(script, &[place.dir.path().to_str().unwrap()]).output().unwrap());
    let query = "path = \"shop.sqlite\"\nquery = \"select * from orders where id <> 'x'\"";
    let told = record(&run(&place, query, "sqlite"));
    same_outcome(&files_out, &place.beside("sqlite"));
    let digest = |path: &str| {
        let bytes = fs::read(place.beside(path)).unwrap();
        playbook_model::Digest::of(&bytes).hex()
    };
    assert_eq!(of_orders(&told)["files"][0]["file"], "shop.sqlite");
    assert_eq!(of_orders(&told)["files"][0]["sha256"], digest("shop.sqlite"));
    let told = record(&run(
        &place,
        "path = \"orders.xls*\"\nformat = \"excel\"\nsheet = \"Orders\"",
        "excel",
    ));
    assert_eq!(of_orders(&told)["rows_kept"], 400);
    assert_eq!(of_orders(&told)["files"][0]["sha256"], digest("orders.xlsx"));
    same_outcome(&files_out, &place.beside("excel"));
    // A lookup is read of the same files: its total is that of the order.
    for (out, keys) in [
        (
            "sqlite-lookup",
            "path = \"shop.sqlite\"\nquery = \"select id, total from orders where id <> 'x'\"",
        ),
        ("excel-lookup", "path = \"orders.xlsx\"\nsheet = \"Orders\""),
    ] {
        let lookup =
            format!("join = {{ totals = \"id\" }}\n{MAP}").replace("\"total\"", "\"totals.total\"");
        let orders = format!(
            "[[source]]\nname = \"orders\"\ntable = \"events\"\npath = \"here/2026/*.csv\"\n{lookup}"
        );
        let file = write(
            &place,
            "lookup.toml",
            &format!("{SHOP}{orders}[[lookup]]\nname = \"totals\"\n{keys}\nkey = \"id\"\n"),
        );
        let told = record(&call(&["run", "--json"], &file, &place, &place.beside(out)));
        let totals =
            told["sources"].as_array().unwrap().iter().find(|s| s["name"] == "totals").unwrap();
        assert_eq!(totals["rows_kept"], 400);
        same_outcome(&files_out, &place.beside(out));
    }
    for out in ["sqlite", "excel", "sqlite-lookup", "excel-lookup"] {
        succeed(&playbook(["replay".as_ref(), place.beside(out).as_os_str()]));
    }
    write(&place, "text.db", "no database at all, and long enough to be looked at");
    write(&place, "text.xlsx", "no workbook");
    for (keys, words) in [
        ("path = \"shop.sqlite\"\nfrom = \"nowhere\"", "no such table"),
        ("path = \"shop.sqlite\"\nfrom = \"orders\"", "column `total` holds bytes"),
        ("path = \"shop.sqlite\"\nquery = \"attach 'x.db' as x\"", "syntax error"),
        ("path = \"shop.sqlite\"\nquery = \"delete from orders\"", "syntax error"),
        ("path = \"text.db\"\nfrom = \"orders\"", "not a database"),
        ("path = \"text.xlsx\"", "no Excel workbook"),
        ("path = \"orders.xlsx\"\nsheet = \"Order\"", "no sheet `Order`; it has `About`, `Orders`"),
        ("path = \"orders.xlsx\"", "its sheet `About` has no row"),
        ("path = \"/etc/passwd\"\nformat = \"sqlite\"\nfrom = \"x\"", "outside the data folder"),
    ] {
        let told = error(&run(&place, keys, "none"));
        assert!(told.contains(words) && told.contains("source `orders`"), "{words}\n{told}");
    }
}

#[test]
fn hostile_workbooks_and_queries_end_within_their_bounds() {
    let place = Place::new();
    over_files(&place);
    let script = r#"
import sqlite3, sys, zipfile, openpyxl
folder, = sys.argv[1:]
book = openpyxl.Workbook()
for row in [["id", "customer", "paid_at", "total"], ["1", "c1", "2026-06-01", 5]]:
    book.active.append(row)
book.save(folder + "/plain.xlsx")
def altered(name, change, more=()):
    with zipfile.ZipFile(folder + "/plain.xlsx") as old, zipfile.ZipFile(folder + "/" + name, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.namelist():
            data = old.read(item)
            new.writestr(item, change(data) if item == "xl/worksheets/sheet1.xml" else data)
        for item, data in more:
            new.writestr(item, data)
altered("bomb.xlsx", lambda data: data, [("xl/media/a.bin", bytes(200 << 20))])
altered("far.xlsx", lambda data: data.replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'))
altered("back.xlsx", lambda data: data.replace(b"</sheetData>", b'<row r="1"><c r="A1"><v>1</v></c></row></sheetData>'))
altered("cut.xlsx", lambda data: data[: len(data) // 2])
data = open(folder + "/plain.xlsx", "rb").read()
open(folder + "/half.xlsx", "wb").write(data[: len(data) // 2])
sqlite3.connect(folder + "/shop.sqlite").execute("create table orders (id)")
"#;
    succeed(&python(script, &[place.dir.path().to_str().unwrap()]).output().unwrap());
    assert_eq!(of_orders(&record(&run(&place, "path = \"plain.xlsx\"", "plain")))["rows_kept"], 1);
    let endless = "path = \"shop.sqlite\"\nquery = \"with recursive x(id) as (select 1 union all select id + 1 from x) \
        select id, id as customer, id as paid_at, id as total from x where id < 0\"";
    for (keys, words) in [
        ("path = \"bomb.xlsx\"", "unpacks to more than"),
        ("path = \"far.xlsx\"", "cell in column XFD"),
        ("path = \"back.xlsx\"", "do not stand in order"),
        ("path = \"cut.xlsx\"", "cannot be read"),
        ("path = \"half.xlsx\"", "no Excel workbook"),
    ] {
        let told = error(&run(&place, keys, "none"));
        assert!(told.contains(words) && told.contains("source `orders`"), "{words}\n{told}");
    }
    let file = write(&place, "endless.toml", format!("{SHOP}{}", source(endless)));
    let mut running = command(["run".as_ref(), file.as_os_str()]);
    running.arg("--state").arg(place.beside("state")).arg("--out").arg(place.beside("none"));
    running.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let running = running.spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    let stop =
        std::process::Command::new("kill").args(["-INT", &running.id().to_string()]).status();
    assert!(stop.unwrap().success());
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(!place.beside("none").exists());
}

#[test]
fn results_are_delivered_whole_once_and_again() {
    let place = Place::new();
    over_files(&place);
    let server = Served::s3(place.dir.path(), 1_000_000);
    let mut database = Postgres::start(&[]);
    let port = server.port.to_string();
    succeed(
        &python(
            BUCKET,
            &[&port, "exports", "a", place.beside("connections.toml").to_str().unwrap()],
        )
        .output()
        .unwrap(),
    );
    let crm = format!(
        "[connection.crm]\nkind = \"postgres\"\nbrands = [\"shop\"]\nhost = \"{}\"\nport = {}\ndatabase = \"postgres\"\n\
         user = \"admin\"\npassword_env = \"KEY\"\ndeliver = true\n",
        database.dir.path().display(),
        database.port
    );
    store(&place, &server, &crm);
    let deliver = "[[output.deliver]]\nname = \"tiers\"\nwhat = \"segments\"\nconnection = \"crm\"\nto = \"public.tiers\"\n\
        [[output.deliver]]\nname = \"gifts\"\nwhat = \"grants\"\nconnection = \"crm\"\nto = \"gifts\"\n\
        [[output.deliver]]\nname = \"list\"\nwhat = \"segments\"\nconnection = \"lake\"\nto = \"{playbook}/{cycle}.csv\"\n";
    let text = format!("{SHOP}{}{deliver}", source("path = \"here/2026/*.csv\""));
    let file = write(&place, "deliver.toml", text);
    let out = place.beside("delivered");
    let listing = || succeed(&python(BUCKET, &[&port, "exports"]).output().unwrap());

    // Neither a dry run nor a comparison delivers.
    succeed(&call(&["run", "--dry-run"], &file, &place, &out));
    let again = |more: &[&str]| {
        let mut deliver = command(["deliver"]);
        deliver.arg(&out).args(more).arg("--connections").arg(place.beside("connections.toml"));
        secrets(&mut deliver).output().unwrap()
    };
    assert!(error(&again(&[])).contains("dry run"));
    assert_eq!(database.sql("select to_regclass('tiers') is null").trim(), "t");
    assert!(!listing().contains("shop/"));

    let record = record(&call(&["run", "--json"], &file, &place, &out));
    let cycle = record["cycle"].as_i64().unwrap();
    assert!(record["deliveries"].as_array().unwrap().iter().all(|d| d["delivered"] == true));
    let segments = csv(&out.join("deliver/tiers.csv"));
    let count = "select count(*), count(distinct member) from tiers";
    assert_eq!(database.sql(count).trim(), format!("{0}|{0}", segments.len()));
    let one = "select segment, reason from tiers where member = 'c3'";
    let wanted = segments.iter().find(|row| row["member"] == "c3").unwrap();
    assert_eq!(database.sql(one).trim(), format!("{}|{}", wanted["segment"], wanted["reason"]));
    let granted: i64 = csv(&out.join("grants.csv"))
        .iter()
        .map(|row| row["cost_minor"].parse::<i64>().unwrap())
        .sum();
    assert_eq!(database.sql("select sum(cost_minor) from gifts").trim(), granted.to_string());
    assert!(listing().contains(&format!("shop/shop/{cycle}.csv")), "{}", listing());

    // A second time the same rows; another cycle's stay.
    database.sql(
        "insert into tiers (playbook, cycle, delivery, member) values ('shop', 1, 'tiers', 'old')",
    );
    for more in [&[][..], &["--json"][..]] {
        succeed(&again(more));
    }
    assert_eq!(
        database.sql("select count(*) from tiers where cycle > 1").trim(),
        segments.len().to_string()
    );
    assert_eq!(database.sql("select count(*) from tiers where cycle = 1").trim(), "1");

    // A delivery that breaks in the middle leaves what was there, and the others arrive.
    database.sql("alter table gifts add constraint small check (quantity < 0) not valid");
    let told = error(&again(&[]));
    assert!(told.contains("delivery `gifts`") && told.contains("small"), "{told}");
    assert!(told.contains("playbook deliver"), "{told}");
    assert_eq!(database.sql("select sum(cost_minor) from gifts").trim(), granted.to_string());

    // What cannot be delivered is told before the cycle is booked, and a server that is gone after it.
    let forbidden = crm.replace("deliver = true", "");
    store(&place, &server, &forbidden);
    let other = place.beside("forbidden");
    let told = error(&call(&["run"], &file, &place, &other));
    assert!(told.contains("may not be delivered over connection `crm`"), "{told}");
    assert!(!other.exists());
    store(&place, &server, &crm);
    database.kill();
    let output = call(&["run", "--json"], &file, &place, &other);
    let told = error(&output);
    assert!(told.contains("2 of 3 deliveries did not arrive"), "{told}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["deliveries"][2]["delivered"], true);
    assert!(other.join("run.json").exists());
    let altered = other.join("deliver/list.csv");
    fs::write(&altered, "member,segment,reason\nforged,x,y\n").unwrap();
    let mut deliver = command(["deliver".as_ref(), other.as_os_str()]);
    deliver.arg("--connections").arg(place.beside("connections.toml"));
    let told = error(&secrets(&mut deliver).output().unwrap());
    assert!(told.contains("deliver/list.csv` was altered"), "{told}");
}

#[test]
fn results_are_delivered_to_mariadb_whole_once_and_again() {
    let place = Place::new();
    over_files(&place);
    let mut server = MariaDb::start();
    let connect = |more: &str| {
        let text = format!(
            "[connection.crm]\nkind = \"mysql\"\nbrands = [\"shop\"]\nhost = \"127.0.0.1\"\nport = {}\ndatabase = \"shop\"\n\
             user = \"admin\"\npassword_env = \"KEY\"\ntls = \"off\"\n{more}",
            server.port
        );
        write(&place, "connections.toml", text)
    };
    connect("deliver = true\n");
    let deliver = "[[output.deliver]]\nname = \"tiers\"\nwhat = \"segments\"\nconnection = \"crm\"\nto = \"shop.tiers\"\n\
        [[output.deliver]]\nname = \"gifts\"\nwhat = \"grants\"\nconnection = \"crm\"\nto = \"gifts\"\n";
    let text = format!("{SHOP}{}{deliver}", source("path = \"here/2026/*.csv\""));
    let file = write(&place, "deliver.toml", text);
    let out = place.beside("delivered");
    let told = record(&call(&["run", "--json"], &file, &place, &out));
    assert!(
        told["deliveries"].as_array().unwrap().iter().all(|d| d["delivered"] == true),
        "{told}"
    );
    let again = || {
        let mut deliver = command(["deliver"]);
        deliver.arg(&out).arg("--connections").arg(place.beside("connections.toml"));
        secrets(&mut deliver).output().unwrap()
    };
    let segments = csv(&out.join("deliver/tiers.csv"));
    let count = segments.len().to_string();
    assert_eq!(server.sql("select count(distinct member) from shop.tiers").trim(), count);
    let wanted = segments.iter().find(|row| row["member"] == "c3").unwrap();
    assert!(wanted["reason"].contains("interactions_30d "), "{wanted:?}");
    assert_eq!(
        server.sql("select segment, reason from shop.tiers where member = 'c3'").trim(),
        format!("{}\t{}", wanted["segment"], wanted["reason"])
    );
    let grants = csv(&out.join("grants.csv"));
    let granted: i64 = grants.iter().map(|row| row["cost_minor"].parse::<i64>().unwrap()).sum();
    let spent = || server.sql("select sum(cost_minor) from shop.gifts").trim().to_owned();
    assert_eq!(spent(), granted.to_string());
    // Times are UTC, whatever the clock of the server.
    let one = "select date_format(not_before, '%Y-%m-%dT%H:%i:%sZ') from shop.gifts order by `key` limit 1";
    let first = csv(&out.join("deliver/gifts.csv"))
        .into_iter()
        .map(|row| (row["key"].clone(), row["not_before"].clone()))
        .min()
        .unwrap();
    assert_eq!(first.1, "2026-07-01T00:00:00+02:00");
    assert_eq!(server.sql(one).trim(), "2026-06-30T22:00:00Z");

    // A second time the same rows; another cycle's stay.
    server.sql("insert into shop.tiers (playbook, cycle, delivery, member) values ('shop', 1, 'tiers', 'old')");
    for _ in 0..2 {
        succeed(&again());
    }
    assert_eq!(server.sql("select count(*) from shop.tiers where cycle > 1").trim(), count);
    assert_eq!(server.sql("select count(*) from shop.tiers where cycle = 1").trim(), "1");

    // A delivery that breaks in the middle leaves what was there, and the others arrive.
    server.sql(
        "create trigger shop.small before insert on shop.gifts for each row \
         signal sqlstate '45000' set message_text = 'too small'",
    );
    let told = error(&again());
    assert!(told.contains("delivery `gifts`") && told.contains("too small"), "{told}");
    assert_eq!(spent(), granted.to_string());
    server.sql("drop trigger shop.small");
    // A table that cannot be taken back is refused.
    server.sql("alter table shop.tiers engine = MyISAM");
    let told = error(&again());
    assert!(told.contains("`shop.tiers`") && told.contains("ENGINE = InnoDB"), "{told}");
    assert_eq!(server.sql("select count(*) from shop.tiers where cycle > 1").trim(), count);
    connect("");
    let told = error(&call(&["run"], &file, &place, &place.beside("forbidden")));
    assert!(told.contains("may not be delivered over connection `crm`"), "{told}");
    connect("deliver = true\n");
    server.kill();
    let told = error(&again());
    assert!(told.contains("does not let the host in"), "{told}");
}

/// Reads objects over a connection; `other` is another client, which puts files and tells what is there.
fn reads(place: &Place, connection: &str, other: &dyn Fn(&[&str]) -> String) {
    let files_out = over_files(place);
    write(place, "connections.toml", connection);
    let [may, june] = [0, 1].map(|n| place.beside(&format!("here/2026/orders-{n}.csv")));
    let (may, june) = (may.to_str().unwrap(), june.to_str().unwrap());
    other(&[
        "shop/2026/orders-0.csv",
        may,
        "shop/2026/orders-1.csv",
        june,
        "shop/2026/old/orders-2.csv",
        may,
    ]);
    let keys = "connection = \"lake\"\npath = \"2026/orders-*.csv\"";
    let told = record(&run(place, keys, "objects"));
    assert_eq!(of_orders(&told)["files"].as_array().unwrap().len(), 2, "{told}");
    same_outcome(&files_out, &place.beside("objects"));
    let told = error(&run(place, "connection = \"lake\"\npath = \"2026/none.csv\"", "none"));
    assert!(told.contains("no object `2026/none.csv`"), "{told}");
}

/// Delivers over a connection; returns what the other client finds there, or why nothing arrived.
fn delivers(place: &Place, other: &dyn Fn(&[&str]) -> String) -> Result<(), String> {
    let keys = "connection = \"lake\"\npath = \"2026/orders-*.csv\"";
    let deliver = "[[output.deliver]]\nname = \"list\"\nwhat = \"segments\"\nconnection = \"lake\"\nto = \"{playbook}/{cycle}.csv\"\n";
    let file = write(place, "deliver.toml", format!("{SHOP}{}{deliver}", source(keys)));
    let out = place.beside("delivered");
    let output = call(&["run", "--json"], &file, place, &out);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    if told["deliveries"][0]["delivered"] != true {
        return Err(error(&output));
    }
    let bytes = fs::read(out.join("deliver/list.csv")).unwrap().len();
    let wanted = format!("shop/shop/{}.csv {bytes} ", told["cycle"]);
    assert!(other(&[]).contains(&wanted), "{wanted}\n{}", other(&[]));
    let mut again = command(["deliver".as_ref(), out.as_os_str()]);
    again.arg("--connections").arg(place.beside("connections.toml"));
    succeed(&secrets(&mut again).output().unwrap());
    assert_eq!(other(&[]).matches(&wanted).count(), 1);
    Ok(())
}

#[test]
fn objects_of_azure_are_read_and_delivered() {
    const CLIENT: &str = r#"
import sys
from azure.storage.blob import BlobServiceClient
port, *rest = sys.argv[1:]
key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
service = BlobServiceClient("http://127.0.0.1:" + port + "/devstoreaccount1", credential=key)
container = service.get_container_client("exports")
if rest:
    container.create_container()
for name, path in zip(rest[::2], rest[1::2]):
    container.upload_blob(name, open(path, "rb"))
if not rest:
    for item in container.list_blobs():
        print(item.name, item.size, "")
"#;
    let place = Place::new();
    let server = Served::azure(place.dir.path());
    let port = server.port.to_string();
    let other = |words: &[&str]| {
        succeed(&python(CLIENT, &[&[port.as_str()], words].concat()).output().unwrap())
    };
    let key = write(
        &place,
        "azure-key",
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    );
    let connection = |key: &Path| {
        format!(
            "[connection.lake]\nkind = \"objects\"\nbrands = [\"shop\"]\naddress = \"az://exports/shop\"\n\
             endpoint = \"http://127.0.0.1:{port}/devstoreaccount1\"\naccount = \"devstoreaccount1\"\n\
             secret_file = \"{}\"\ntls = \"off\"\ndeliver = true\n",
            key.display()
        )
    };
    reads(&place, &connection(&key), &other);
    delivers(&place, &other).unwrap();
    // A key that is not the account's lets nobody in.
    let wrong = write(&place, "wrong-key", "d3Jvbmc=");
    write(&place, "connections.toml", connection(&wrong));
    let told = error(&run(&place, "connection = \"lake\"\npath = \"2026/*.csv\"", "none"));
    assert!(told.contains("connection `lake` failed") && told.contains("403"), "{told}");
}

#[test]
fn objects_of_google_are_read_without_asking_the_machine_for_a_token() {
    const CLIENT: &str = r#"
import json, sys, urllib.request
port, *rest = sys.argv[1:]
base = "http://127.0.0.1:" + port
def post(path, body, kind):
    request = urllib.request.Request(base + path, data=body, headers={"Content-Type": kind})
    urllib.request.urlopen(request)
if rest:
    post("/storage/v1/b?project=x", json.dumps({"name": "exports"}).encode(), "application/json")
for name, path in zip(rest[::2], rest[1::2]):
    post("/upload/storage/v1/b/exports/o?uploadType=media&name=" + name, open(path, "rb").read(), "text/csv")
if not rest:
    for item in json.load(urllib.request.urlopen(base + "/storage/v1/b/exports/o"))["items"]:
        print(item["name"], item["size"], "")
"#;
    let place = Place::new();
    let server = Served::google(place.dir.path());
    let port = server.port.to_string();
    let other = |words: &[&str]| {
        succeed(&python(CLIENT, &[&[port.as_str()], words].concat()).output().unwrap())
    };
    let connection = format!(
        "[connection.lake]\nkind = \"objects\"\nbrands = [\"shop\"]\naddress = \"gs://exports/shop\"\n\
         endpoint = \"http://127.0.0.1:{port}\"\ntls = \"off\"\ndeliver = true\n"
    );
    reads(&place, &connection, &other);
    // The server takes objects in the other of Google's two ways alone. No metadata server of the machine is asked for a token.
    let told = delivers(&place, &other).unwrap_err();
    assert!(told.contains(&format!("127.0.0.1:{port}/exports")) && told.contains("400"), "{told}");
}
