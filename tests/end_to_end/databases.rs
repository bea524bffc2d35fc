//! Sources that are databases: what a run takes of them is what is in them, exactly, at one moment, and a fault is told
//! without a secret.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::bench::{Place, command, coupons, csv, error, files, playbook, succeed, write};
use crate::servers::{MariaDb, PASSWORD, Postgres, certificate};

/// A shop; its sources are put before the rest.
const SHOP: &str = concat!(
    r#"
[playbook]
id = "shop"
brand = "shop"
currency = "USD"
time_zone = "Europe/Berlin"
pseudonym_salt = "salt"

[cycle]
as_of = 2026-07-01
length = "28d"

[features]
orders_365d = { count = "order_paid", window = "365d" }
spend_minor = { sum = "amount_minor", events = "order_paid" }
spend_90d_minor = { sum = "amount_minor", events = "order_paid", window = "90d" }
last_order_days = { recency = "order_paid" }
region = { attribute = "attr_region" }
age_band = { attribute = "age_band" }
points_90d = { expression = "spend_90d_minor / 10", type = "integer", unit = "count" }
aov_minor = { mean = "amount_minor", events = "order_paid", window = "365d", type = "integer" }
"#,
    coupons!()
);

/// Orders of a shop: id, customer, moment, total. Letters, quotes and empty cells as databases have them.
fn orders() -> Vec<[String; 4]> {
    (0..5_000_u32)
        .map(|number| {
            let customer = match number % 97 {
                0 => "陳, \"美\"".to_owned(),
                member => format!("c{member}"),
            };
            let (day, hour) = (number % 180, number % 24);
            let date = date_of(day);
            let total = format!("{}.{:02}", number % 1_000, number % 100);
            [format!("o{number}"), customer, format!("{date}T{hour:02}:30:00+01:00"), total]
        })
        .collect()
}

/// Members of the shop, with their regions.
fn members() -> Vec<[String; 2]> {
    let known = |number: u32| match number {
        0 => ["陳, \"美\"".to_owned(), String::new()],
        1 => ["c1".to_owned(), "North".to_owned()],
        member => [format!("c{member}"), String::new()],
    };
    (0..97).map(known).collect()
}

/// The members as rows of an SQL statement.
fn member_rows() -> String {
    let row = |[id, region]: &[String; 2]| match region.as_str() {
        "" => format!("('{id}', null, 'adult')"),
        region => format!("('{id}', '{region}', 'adult')"),
    };
    members().iter().map(row).collect::<Vec<_>>().join(",")
}

/// The day of 2026 after `day` others.
fn date_of(day: u32) -> String {
    let lengths = [31, 28, 31, 30, 31, 30, 31];
    let (mut month, mut left) = (0, day);
    while left >= lengths[month] {
        left -= lengths[month];
        month += 1;
    }
    format!("2026-{:02}-{:02}", month + 1, left + 1)
}

fn quoted_csv(rows: &[[String; 4]]) -> String {
    let cell = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
    let row = |row: &[String; 4]| row.iter().map(cell).collect::<Vec<_>>().join(",");
    rows.iter().map(|r| row(r) + "\n").collect()
}

/// The connections of the host: the server, under two names, one of them with a wrong password.
fn connections(place: &Place, kind: &str, port: u16, database: &str) -> PathBuf {
    let one = |name: &str, variable: &str| {
        format!(
            "[connection.{name}]\nkind = \"{kind}\"\nbrands = [\"shop\"]\nhost = \"127.0.0.1\"\nport = {port}\n\
             database = \"{database}\"\nuser = \"admin\"\npassword_env = \"{variable}\"\ntls = \"off\"\ndeliver = true\n"
        )
    };
    let text = one("warehouse", "SHOP_DB") + &one("mistaken", "SHOP_DB_WRONG");
    write(place, "connections.toml", &text)
}

/// A run of a playbook over connections, with the secrets in the environment.
fn call(file: &Path, place: &Place, out: &Path, more: &[&str]) -> Output {
    let mut call = command(["run".as_ref(), file.as_os_str()]);
    call.arg("--connections").arg(place.beside("connections.toml"));
    call.arg("--state").arg(&place.state).arg("--out").arg(out).args(more);
    with_secrets(call).output().unwrap()
}

fn with_secrets(mut call: Command) -> Command {
    call.env("SHOP_DB", PASSWORD).env("SHOP_DB_WRONG", "not-the-password");
    call
}

/// A run over connections that is under way.
fn begun(place: &Place, file: &Path, more: &[&str]) -> Child {
    let mut run = command(["run".as_ref(), file.as_os_str()]);
    run.arg("--connections").arg(place.beside("connections.toml"));
    run.arg("--state").arg(&place.state).arg("--out").arg(&place.out).args(more);
    run.stdout(Stdio::piped()).stderr(Stdio::piped());
    with_secrets(run).spawn().unwrap()
}

/// No byte of what a run leaves behind, or says, is a secret.
fn no_secret(place: &Place, said: &[&Output]) {
    let mut texts: Vec<Vec<u8>> = files(place.dir.path()).into_values().collect();
    texts.extend(said.iter().flat_map(|said| [said.stdout.clone(), said.stderr.clone()]));
    for secret in [PASSWORD, "not-the-password"] {
        let shown =
            |text: &Vec<u8>| text.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!texts.iter().any(shown), "a secret is shown");
    }
}

/// The same shop with its orders in a CSV file.
fn as_csv(place: &Place) -> PathBuf {
    let out = place.beside("out-csv");
    write(place, "orders.csv", &format!("id,customer,paid_at,total\n{}", quoted_csv(&orders())));
    let source = "[[source]]\nname = \"orders\"\ntable = \"events\"\npath = \"orders.csv\"\nevent = \"order_paid\"\n\
        join = { people = \"customer\" }\n\
        map = { event_id = \"id\", member = \"customer\", time = \"paid_at\", amount_minor = \"total\", field_region = \"people.region\" }\n\
        [[lookup]]\nname = \"people\"\npath = \"members.csv\"\nkey = \"id\"\n\
        [features.north_minor]\nsum = \"amount_minor\"\nevents = \"order_paid\"\nwhere = \"field_region = 'North'\"\n\
        [[source]]\nname = \"members\"\ntable = \"members\"\npath = \"members.csv\"\n\
        map = { member = \"id\", attr_region = \"region\", age_band = \"age\" }\n\
        [[source]]\nname = \"consents\"\ntable = \"consents\"\npath = \"members.csv\"\n\
        map = { member = \"id\", purpose = { constant = \"marketing\" }, state = { constant = \"granted\" } }\n";
    let members: String = members()
        .iter()
        .map(|[id, region]| format!("\"{}\",{region},adult\n", id.replace('"', "\"\"")))
        .collect();
    write(place, "members.csv", &format!("id,region,age\n{members}"));
    let file = write(place, "csv.toml", &format!("{SHOP}{source}"));
    let mut call = command(["run".as_ref(), file.as_os_str()]);
    call.arg("--state").arg(place.beside("state-csv")).arg("--out").arg(&out);
    succeed(&call.output().unwrap());
    out
}

/// What two runs of the same data under other sources have in common.
fn same_outcome(a: &Path, b: &Path) {
    let (a, b) = (files(a), files(b));
    for name in ["members.parquet", "refused.csv", "roi.csv", "tables/brand.csv"] {
        assert_eq!(a.get(name), b.get(name), "{name}");
    }
    let grants = |files: &std::collections::BTreeMap<String, Vec<u8>>| {
        String::from_utf8(files["grants.csv"].clone()).unwrap()
    };
    assert_eq!(grants(&a), grants(&b));
    assert!(grants(&a).lines().count() > 2, "{}", grants(&a));
}

const DATABASE_SOURCES: &str = r#"
[[source]]
name = "orders"
table = "events"
connection = "warehouse"
query = "select id, customer, paid_at, total from shop.orders where not cancelled order by id"
event = "order_paid"
join = { people = "customer" }
map = { event_id = "id", member = "customer", time = "paid_at", amount_minor = "total", field_region = "people.region" }

[[source]]
name = "members"
table = "members"
connection = "warehouse"
from = "shop.members"
map = { member = "id", attr_region = "region", age_band = "age" }

[[source]]
name = "consents"
table = "consents"
connection = "warehouse"
query = "select id from shop.members"
map = { member = "id", purpose = { constant = "marketing" }, state = { constant = "granted" } }

[[lookup]]
name = "people"
connection = "warehouse"
from = "shop.members"
key = "id"

[features.north_minor]
sum = "amount_minor"
events = "order_paid"
where = "field_region = 'North'"
"#;

fn shop_in_postgres(settings: &[&str]) -> Postgres {
    let server = Postgres::start(settings);
    server.sql(&format!(
        "create schema shop;
         create table shop.orders (id text, customer text, paid_at timestamptz, total numeric(14, 4),
           cancelled boolean not null default false);
         create table shop.members (id varchar(20), region char(5), age text, extra jsonb, since date);
         insert into shop.members (id, region, age) values {};
         update shop.members set extra = '{{\"a\": 1}}', since = '2020-01-01' where id = 'c1';
         copy shop.orders (id, customer, paid_at, total) from stdin with (format csv);\n{}\\.
         insert into shop.orders values ('gone', 'c1', '2026-01-01', 1, true);",
        member_rows(),
        quoted_csv(&orders())
    ));
    server
}

#[test]
fn a_run_over_postgresql_comes_to_what_the_same_rows_in_a_file_come_to() {
    let place = Place::new();
    let mut server = shop_in_postgres(&[]);
    connections(&place, "postgres", server.port, "postgres");
    let file = write(&place, "shop.toml", &format!("{SHOP}{DATABASE_SOURCES}"));
    let first = call(&file, &place, &place.out, &["--json"]);
    let record: Value = serde_json::from_str(&succeed(&first)).unwrap();
    assert_eq!(record["sources"][0]["rows_kept"], 5_000);
    assert_eq!(record["sources"][1]["unmapped_fields"], serde_json::json!(["extra", "since"]));
    assert_eq!(record["sources"][3]["files"][0]["file"], "sources/lookup.people.parquet");
    let findings = record["findings"].as_array().unwrap();
    assert!(!findings.iter().any(|found| found["code"] == "lookup-unmatched"), "{findings:?}");
    same_outcome(&as_csv(&place), &place.out);

    // A change of what B asks is compared on one reading of the database.
    let mut diff = command(["diff".as_ref(), file.as_os_str()]);
    diff.args(["--set", "stage.ladder-exchange.settings={}", "--connections"]);
    diff.arg(place.beside("connections.toml")).arg("--state").arg(&place.state);
    succeed(&with_secrets(diff).output().unwrap());

    // The run keeps what the database said, so that neither the server nor its secret is needed again.
    server.kill();
    assert!(!crate::servers::listens(server.port));
    succeed(&playbook(["replay".as_ref(), place.out.as_os_str()]));
    let explained =
        playbook(["explain".as_ref(), place.out.as_os_str(), "--member".as_ref(), "c1".as_ref()]);
    assert!(succeed(&explained).contains("c1"));
    no_secret(&place, &[&first]);

    let kept = place.out.join("sources/orders.parquet");
    let mut bytes = fs::read(&kept).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&kept, bytes).unwrap();
    let told = error(&playbook(["replay".as_ref(), place.out.as_os_str()]));
    assert!(told.contains("sources/orders.parquet` was altered"), "{told}");
}

#[test]
fn values_of_postgresql_are_taken_exactly_and_what_no_host_holds_is_a_reject() {
    let place = Place::new();
    let server = Postgres::start(&[]);
    server.sql(
        "create domain amount as numeric(30, 6); create type place as enum ('Nord', 'Süd');
         create table sales (no uuid, who bigint, at timestamp, day date, amount amount, real4 real, ok bool, where_ place);
         insert into sales values
           ('00000000-0000-0000-0000-000000000001', 9007199254740993, '2026-03-29 02:30', '2026-03-29', 90071992547409.93, 1.1, true, 'Süd'),
           ('00000000-0000-0000-0000-000000000002', 7, '2026-06-01 00:00', '2026-06-01', 0.1000, 2.5, false, null),
           ('00000000-0000-0000-0000-000000000003', 7, '2026-06-02 00:00', '2026-06-01', 0.125, 0, null, 'Nord'),
           ('00000000-0000-0000-0000-000000000004', 7, 'infinity', 'infinity', 1, 0, null, 'Nord'),
           ('00000000-0000-0000-0000-000000000005', 7, '2026-06-03 00:00', '2026-06-01', 'NaN', 'NaN', null, 'Nord')",
    );
    connections(&place, "postgres", server.port, "postgres");
    let source = "[[source]]\nname = \"sales\"\ntable = \"events\"\nconnection = \"warehouse\"\nfrom = \"sales\"\n\
        event = \"order_paid\"\nrejects_max = 1.0\n\
        map = { event_id = \"no\", member = \"who\", time = \"at\", amount_minor = \"amount\", channel = \"where_\", \
        field_ok = { from = \"ok\", type = \"flag\" }, field_real = { from = \"real4\", type = \"real\", on_error = \"null\" } }\n";
    let shop = SHOP
        .replace(
            "region = { attribute = \"attr_region\" }\nage_band = { attribute = \"age_band\" }\n",
            "",
        )
        .replace("age_band_feature = \"age_band\"\n", "");
    let file = write(&place, "shop.toml", &format!("{shop}{source}"));
    let record: Value =
        serde_json::from_str(&succeed(&call(&file, &place, &place.out, &["--json"]))).unwrap();
    assert_eq!(record["sources"][0]["rows_kept"], 2, "{:#}", record["sources"]);
    let rejects = csv(&place.out.join("rejects.csv"));
    let lines: Vec<&str> = rejects.iter().map(|row| row["line"].as_str()).collect();
    assert_eq!(lines, ["3", "4", "5"], "{rejects:#?}");
    let brand = fs::read_to_string(place.out.join("members.parquet").with_file_name("run.json"));
    assert!(brand.is_ok());
    // Whole and exact: more than a binary number of 64 bits holds.
    let explained = playbook([
        "explain".as_ref(),
        place.out.as_os_str(),
        "--member".as_ref(),
        "9007199254740993".as_ref(),
        "--json".as_ref(),
    ]);
    assert!(succeed(&explained).contains("9007199254740993"), "{explained:?}");
}

#[test]
fn what_goes_wrong_with_a_database_is_told_with_its_place_and_leaves_nothing() {
    let place = Place::new();
    let mut server = shop_in_postgres(&[]);
    connections(&place, "postgres", server.port, "postgres");
    let run = |sources: &str| {
        let file = write(&place, "shop.toml", &format!("{SHOP}{sources}"));
        call(&file, &place, &place.out, &[])
    };
    let cases = [
        ("shop.members", "shop.nowhere", ["does not exist", "source `members`", "shop.toml:"]),
        (
            "shop.members\"\nkey",
            "shop.nowhere\"\nkey",
            ["does not exist", "lookup `people`", "shop.toml:"],
        ),
        (
            "\"warehouse\"\nfrom = \"shop.members\"\nkey",
            "\"other\"\nfrom = \"shop.members\"\nkey",
            ["lookup `people` names the connection `other`", "`warehouse`", "shop.toml:"],
        ),
        (
            "\"warehouse\"\nquery",
            "\"mistaken\"\nquery",
            ["password authentication", "connection `mistaken`", "shop.toml:"],
        ),
        (
            "\"warehouse\"\nquery",
            "\"other\"\nquery",
            ["names the connection `other`", "`warehouse`", "shop.toml:"],
        ),
        ("order by id", "order by", ["syntax error", "source `orders`", "42601"]),
        (
            "select id,",
            "select pg_sleep(0), total as customer, id,",
            ["two columns `customer`", "source `orders`", "shop.toml:"],
        ),
        (
            "select id, customer, paid_at, total from shop.orders where not cancelled order by id",
            "delete from shop.orders returning *",
            ["syntax error", "source `orders`", "42601"],
        ),
        (
            "select id, customer, paid_at, total from shop.orders where not cancelled order by id",
            "select 1) as x; drop table shop.orders; select * from (select 1",
            ["multiple commands", "source `orders`", "shop.toml:"],
        ),
    ];
    // Not even a log of everything shows the password.
    let file = write(&place, "shop.toml", &format!("{SHOP}{DATABASE_SOURCES}"));
    let mut logged = command(["run".as_ref(), file.as_os_str()]);
    logged.arg("--connections").arg(place.beside("connections.toml")).env("PLAYBOOK_LOG", "trace");
    logged
        .arg("--state")
        .arg(place.beside("logged-state"))
        .arg("--out")
        .arg(place.beside("logged"));
    let logged = with_secrets(logged).output().unwrap();
    succeed(&logged);
    let mut said = vec![logged];
    for (right, wrong, words) in cases {
        assert!(DATABASE_SOURCES.contains(right), "{right}");
        let output = run(&DATABASE_SOURCES.replace(right, wrong));
        let told = error(&output);
        assert!(words.iter().all(|word| told.contains(word)), "{words:?}\n{told}");
        said.push(output);
    }
    assert_eq!(server.sql("select count(*) from shop.orders").trim(), "5001");
    // A server that is gone in the middle of its answer.
    let slow = DATABASE_SOURCES.replace("select id,", "select pg_sleep(0.001), id,");
    let file = write(&place, "shop.toml", &format!("{SHOP}{slow}"));
    let running = begun(&place, &file, &[]);
    let busy = "select count(*) from pg_stat_activity where query like '%pg_sleep(0.001)%' and pid <> pg_backend_pid()";
    while server.sql(busy).trim() == "0" {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    server.sql("select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(0.001)%' and pid <> pg_backend_pid()");
    let output = running.wait_with_output().unwrap();
    let told = error(&output);
    assert!(told.contains("source `orders`") && told.contains("terminating connection"), "{told}");
    said.push(output);
    // A stop is heard while the server is silent.
    let silent = DATABASE_SOURCES.replace("select id,", "select pg_sleep(100), id,");
    let file = write(&place, "shop.toml", &format!("{SHOP}{silent}"));
    let running = begun(&place, &file, &[]);
    let busy = "select count(*) from pg_stat_activity where query like '%pg_sleep(100)%' and pid <> pg_backend_pid()";
    while server.sql(busy).trim() == "0" {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let stop = Command::new("kill").args(["-INT", &running.id().to_string()]).status();
    assert!(stop.unwrap().success());
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    said.push(output);
    // So is the bound of time.
    let text = fs::read_to_string(place.beside("connections.toml")).unwrap();
    let bounded = text.replace("deliver = true", "time = \"200ms\"");
    write(&place, "connections.toml", &bounded);
    let output = call(&file, &place, &place.out, &[]);
    let told = error(&output);
    assert!(told.contains("source `orders`"), "{told}");
    assert!(told.contains("`time` is the bound") || told.contains("statement timeout"), "{told}");
    said.push(output);
    write(&place, "connections.toml", &text);
    server.kill();
    let output = run(DATABASE_SOURCES);
    let told = error(&output);
    assert!(told.contains("does not let the host in") && told.contains("127.0.0.1"), "{told}");
    said.push(output);
    assert!(!place.out.exists(), "something was left behind");
    let left = fs::read_dir(place.dir.path()).unwrap().map(|e| e.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(".out")).collect();
    assert!(left.is_empty(), "{left:?}");
    no_secret(&place, &said.iter().collect::<Vec<_>>());
}

#[test]
fn all_sources_of_a_database_are_read_at_one_moment() {
    let place = Place::new();
    let server = shop_in_postgres(&[]);
    connections(&place, "postgres", server.port, "postgres");
    // While the orders are read, the members change.
    let slow = DATABASE_SOURCES.replace("select id,", "select pg_sleep(0.0005), id,");
    let file = write(&place, "shop.toml", &format!("{SHOP}{slow}"));
    let running = begun(&place, &file, &["--json"]);
    let busy = "select count(*) from pg_stat_activity where query like '%pg_sleep(0.0005)%' and pid <> pg_backend_pid()";
    while server.sql(busy).trim() == "0" {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    server.sql("insert into shop.members select 'new' || n from generate_series(1, 100) as n");
    let output = running.wait_with_output().unwrap();
    let record: Value = serde_json::from_str(&succeed(&output)).unwrap();
    assert_eq!(record["sources"][1]["rows_kept"], 97);
    assert_eq!(record["sources"][2]["rows_kept"], 97);
    assert_eq!(record["sources"][3]["name"], "people");
    assert_eq!(record["sources"][3]["rows_kept"], 97);
    assert_eq!(server.sql("select count(*) from shop.members").trim(), "197");
}

#[test]
fn a_secret_in_a_playbook_is_an_error_that_does_not_show_it() {
    let place = Place::new();
    for line in [
        format!("password = \"{PASSWORD}\""),
        format!("connection = \"postgres://admin:{PASSWORD}@127.0.0.1/shop\""),
        format!("password = {PASSWORD}"),
    ] {
        let source = DATABASE_SOURCES
            .replace("connection = \"warehouse\"\nquery", &format!("{line}\nquery"));
        let file = write(&place, "shop.toml", &format!("{SHOP}{source}"));
        for more in [&["check"][..], &["check", "--json"][..]] {
            let mut check = command(more);
            let output = check.arg(&file).output().unwrap();
            assert_eq!(output.status.code(), Some(3));
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(!text.contains(PASSWORD), "{text}");
            assert!(text.contains("shop.toml"), "{text}");
        }
    }
}

#[test]
fn a_brand_reaches_no_connection_that_is_not_declared_for_it() {
    let place = Place::new();
    let text = "[connection.warehouse]\nkind = \"postgres\"\nbrands = [\"another\"]\nhost = \"127.0.0.1\"\n\
        port = 1\ndatabase = \"x\"\nuser = \"x\"\n\
        [connection.lake]\nkind = \"objects\"\nbrands = [\"shop\"]\naddress = \"http://127.0.0.1:1/a\"\ntls = \"off\"\n";
    write(&place, "connections.toml", text);
    let file = write(&place, "shop.toml", &format!("{SHOP}{DATABASE_SOURCES}"));
    let told = error(&call(&file, &place, &place.out, &[]));
    assert!(told.contains("none of that name for brand `shop`; it has `lake`"), "{told}");
    assert!(told.contains("shop.toml:"), "{told}");
    // Neither does an address in place of a name, nor a path that leads out of a connection's place.
    let objects = |connection: &str, path: &str| {
        let from = "connection = \"warehouse\"\nfrom = \"shop.members\"";
        let to = format!("connection = \"{connection}\"\npath = \"{path}\"");
        let first = DATABASE_SOURCES.split_once("[[source]]\nname = \"members\"").unwrap().1;
        let first = first.split_once("[[source]]").unwrap().0;
        let source = format!("[[source]]\nname = \"members\"{}", first.replace(from, &to));
        let file = write(&place, "shop.toml", &format!("{SHOP}{source}"));
        error(&call(&file, &place, &place.out, &[]))
    };
    for address in ["http://169.254.169.254/latest", "s3://other"] {
        let told = objects(address, "x.csv");
        assert!(told.contains("`connection` cannot be"), "{told}");
    }
    for path in ["../b/x.csv", "b/../../x.csv", "/etc/x.csv", "./x.csv"] {
        let told = objects("lake", path);
        assert!(told.contains("is no path below http://127.0.0.1:1/a"), "{path}: {told}");
    }
    // What is not declared at all says where it would be.
    fs::remove_file(place.beside("connections.toml")).unwrap();
    let told = error(&call(&file, &place, &place.out, &[]));
    assert!(told.contains("connections.toml` cannot be read"), "{told}");
}

#[test]
fn a_certificate_that_nobody_vouches_for_ends_the_run() {
    let place = Place::new();
    let server = shop_in_postgres(&[]);
    let (cert, key) = certificate(place.dir.path());
    // The server wants its key for itself alone.
    let own = |from: &Path, name: &str| {
        let to = server.dir.path().join(name);
        fs::write(&to, fs::read(from).unwrap()).unwrap();
        let meta = fs::metadata(server.dir.path()).unwrap();
        let ids = (
            std::os::unix::fs::MetadataExt::uid(&meta),
            std::os::unix::fs::MetadataExt::gid(&meta),
        );
        std::os::unix::fs::chown(&to, Some(ids.0), Some(ids.1)).unwrap();
        fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        to
    };
    let (server_cert, server_key) = (own(&cert, "cert.pem"), own(&key, "key.pem"));
    server.sql(&format!("alter system set ssl_cert_file = '{}'", server_cert.display()));
    server.sql(&format!("alter system set ssl_key_file = '{}'", server_key.display()));
    server.sql("alter system set ssl = on");
    server.sql("select pg_reload_conf()");
    connections(&place, "postgres", server.port, "postgres");
    let file = write(&place, "shop.toml", &format!("{SHOP}{DATABASE_SOURCES}"));
    let with = |tls: &str| {
        let path = place.beside("connections.toml");
        let text = fs::read_to_string(&path).unwrap();
        let lines =
            text.lines().map(|line| match line.starts_with("tls") || line.starts_with("ca_file") {
                true => tls,
                false => line,
            });
        fs::write(&path, lines.collect::<Vec<_>>().join("\n")).unwrap();
        call(&file, &place, &place.out, &["--json"])
    };
    let told = error(&with("tls = \"on\""));
    assert!(told.contains("does not let the host in") && told.contains("certificate"), "{told}");
    let trusted = with(&format!("ca_file = \"{}\"", cert.display()));
    let record: Value = serde_json::from_str(&succeed(&trusted)).unwrap();
    assert_eq!(record["sources"][0]["rows_kept"], 5_000);
}

/// Puts the shop into a MariaDB server.
fn fill_mariadb(server: &MariaDb) {
    let rows: Vec<String> = orders()
        .iter()
        .map(|[id, customer, at, total]| {
            // Moments are stored in UTC, an hour before the clock of the file.
            let (date, clock) = at.split_once('T').unwrap();
            format!(
                "('{id}', '{customer}', convert_tz('{date} {}', '+01:00', '+00:00'), {total}, 0)",
                &clock[..8]
            )
        })
        .collect();
    server.sql(&format!(
        "set time_zone = '+00:00'; use shop;
         create table orders (id varchar(20), customer varchar(50), paid_at timestamp, total decimal(14, 4), cancelled bool);
         create table members (id varchar(20), region char(5), age varchar(9), tags set('a', 'b'), photo blob, number bigint unsigned);
         insert into members (id, region, age) values {};
         update members set tags = 'a,b', photo = x'00ff', number = 18446744073709551615 where id = 'c1';
         insert into orders values {}; insert into orders values ('gone', 'c1', '2026-01-01', 1, 1);",
        member_rows(),
        rows.join(",")
    ));
}

#[test]
fn a_run_over_mariadb_comes_to_what_the_same_rows_in_a_file_come_to() {
    let place = Place::new();
    let server = MariaDb::start();
    fill_mariadb(&server);
    connections(&place, "mysql", server.port, "shop");
    let file = write(&place, "shop.toml", &format!("{SHOP}{DATABASE_SOURCES}"));
    let first = call(&file, &place, &place.out, &["--json"]);
    let record: Value = serde_json::from_str(&succeed(&first)).unwrap();
    assert_eq!(record["sources"][0]["rows_kept"], 5_000);
    same_outcome(&as_csv(&place), &place.out);
    let run = |sources: &str| {
        let file = write(&place, "shop.toml", &format!("{SHOP}{sources}"));
        let output = call(&file, &place, &place.beside("other"), &[]);
        let told = error(&output);
        (told, output)
    };
    let cases = [
        ("shop.members", "shop.nowhere", ["doesn't exist", "source `members`"]),
        ("\"warehouse\"\nquery", "\"mistaken\"\nquery", ["Access denied", "mistaken"]),
        (
            "select id, customer, paid_at, total from shop.orders where not cancelled order by id",
            "delete from shop.orders",
            ["syntax", "source `orders`"],
        ),
        (
            "select id, customer, paid_at, total from shop.orders where not cancelled order by id",
            "select 1) as x; drop table shop.orders; select * from (select 1",
            ["syntax", "source `orders`"],
        ),
    ];
    let mut said = vec![first];
    for (right, wrong, words) in cases {
        assert!(DATABASE_SOURCES.contains(right), "{right}");
        let (told, output) = run(&DATABASE_SOURCES.replace(right, wrong));
        assert!(words.iter().all(|word| told.contains(word)), "{words:?}\n{told}");
        said.push(output);
    }
    assert_eq!(server.sql("select count(*) from shop.orders").trim(), "5001");
    no_secret(&place, &said.iter().collect::<Vec<_>>());
}

#[test]
fn values_of_mariadb_are_taken_exactly_and_what_no_host_holds_is_a_reject() {
    let place = Place::new();
    let server = MariaDb::start();
    server.sql(
        "set sql_mode = ''; use shop;
         create table sales (no bigint unsigned, who varchar(9), at datetime(6), amount decimal(30, 6), ok bool, real4 float);
         insert into sales values
           (18446744073709551615, '美', '2026-06-01 10:00:00', 90071992547409.93, true, 1.1),
           (2, 'b', '0000-00-00', 1, null, null), (3, 'b', '2026-06-02', 0.125, false, 0), (4, 'b', '2026-06-02', 0.1, false, 0)",
    );
    connections(&place, "mysql", server.port, "shop");
    let source = "[[source]]\nname = \"sales\"\ntable = \"events\"\nconnection = \"warehouse\"\nfrom = \"sales\"\n\
        event = \"order_paid\"\nrejects_max = 1.0\n\
        map = { event_id = \"no\", member = \"who\", time = \"at\", amount_minor = \"amount\", \
        field_ok = { from = \"ok\", type = \"flag\" }, field_real = { from = \"real4\", type = \"real\", on_error = \"null\" } }\n";
    let shop = SHOP
        .replace(
            "region = { attribute = \"attr_region\" }\nage_band = { attribute = \"age_band\" }\n",
            "",
        )
        .replace("age_band_feature = \"age_band\"\n", "");
    let file = write(&place, "shop.toml", &format!("{shop}{source}"));
    let output = call(&file, &place, &place.out, &["--json"]);
    let record: Value = serde_json::from_str(&succeed(&output)).unwrap();
    assert_eq!(record["sources"][0]["rows_kept"], 2, "{:#}", record["sources"]);
    let rejects = csv(&place.out.join("rejects.csv"));
    let lines: Vec<&str> = rejects.iter().map(|row| row["line"].as_str()).collect();
    assert_eq!(lines, ["2", "3"], "{rejects:#?}");
}

#[test]
fn mariadb_is_reached_over_tls_where_its_certificate_is_vouched_for() {
    let place = Place::new();
    let (server, cert) = MariaDb::start_with_tls();
    fill_mariadb(&server);
    server.sql("alter user admin@'127.0.0.1' require ssl");
    connections(&place, "mysql", server.port, "shop");
    let file = write(&place, "shop.toml", &format!("{SHOP}{DATABASE_SOURCES}"));
    let other = place.beside("other");
    fs::create_dir(&other).unwrap();
    let (stranger, _) = certificate(&other);
    let path = place.beside("connections.toml");
    let text = fs::read_to_string(&path).unwrap();
    let with = |tls: &str| {
        fs::write(&path, text.replace("tls = \"off\"", tls)).unwrap();
        call(&file, &place, &place.out, &["--json"])
    };
    // Without TLS the server lets nobody in.
    let plain = with("tls = \"off\"");
    assert!(error(&plain).contains("Access denied"), "{plain:?}");
    let unknown = with("tls = \"on\"");
    let wrong = with(&format!("ca_file = \"{}\"", stranger.display()));
    for output in [&unknown, &wrong] {
        let told = error(output);
        assert!(
            told.contains("does not let the host in") && told.contains("certificate"),
            "{told}"
        );
    }
    assert!(!place.out.exists());
    let trusted = with(&format!("ca_file = \"{}\"", cert.display()));
    let record: Value = serde_json::from_str(&succeed(&trusted)).unwrap();
    assert_eq!(record["sources"][0]["rows_kept"], 5_000);
    no_secret(&place, &[&plain, &unknown, &wrong, &trusted]);
}

#[test]
fn a_mariadb_that_dies_in_the_middle_of_its_answer_leaves_nothing() {
    let place = Place::new();
    let mut server = MariaDb::start();
    fill_mariadb(&server);
    connections(&place, "mysql", server.port, "shop");
    let slow = DATABASE_SOURCES.replace("select id,", "select sleep(0.002) as slept, id,");
    let file = write(&place, "shop.toml", &format!("{SHOP}{slow}"));
    let running = begun(&place, &file, &[]);
    let busy = "select count(*) from information_schema.processlist where info like '%sleep(0.002)%' and id <> connection_id()";
    while server.sql(busy).trim() == "0" {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    server.kill();
    let output = running.wait_with_output().unwrap();
    let told = error(&output);
    assert!(told.contains("source `orders`") && told.contains("reading source `orders`"), "{told}");
    assert!(!place.out.exists() && !place.state.join("ledger.sqlite").exists());
    let left = fs::read_dir(place.dir.path()).unwrap().map(|e| e.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(".out")).collect();
    assert!(left.is_empty(), "{left:?}");
    no_secret(&place, &[&output]);
}
