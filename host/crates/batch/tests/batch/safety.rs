//! What nobody knows counts for nobody, and what of the data would mislead is told.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use playbook_batch::{Aggregation, BatchOptions, BatchSource};
use playbook_cycle::{DataSource as _, IntakeFinding};
use playbook_model::Frame;

use crate::world::cells;

/// What came of a playbook over a folder of files.
struct Seen {
    members: Frame,
    findings: Vec<IntakeFinding>,
    rejects: Vec<String>,
}

impl Seen {
    fn column(&self, name: &str) -> Vec<String> {
        cells(&self.members, name)
    }

    fn finding(&self, code: &str) -> &IntakeFinding {
        let found = self.findings.iter().find(|finding| finding.code == code);
        found.unwrap_or_else(|| panic!("no {code} in {:?}", self.findings))
    }

    fn codes(&self) -> Vec<&str> {
        self.findings.iter().map(|finding| finding.code).collect()
    }
}

const HEAD: &str = r#"
[playbook]
id = "shop"
brand = "shop"
currency = "USD"
time_zone = "UTC"
pseudonym_salt = "salt"
[cycle]
as_of = 2026-07-01
"#;

const ORDERS: &str = r#"
[[source]]
name = "orders"
table = "events"
path = "orders.csv"
event = "order_paid"
map = { member = "id", time = { from = "date", format = "%Y-%m-%d" }, amount_minor = "total" }
"#;

/// A source of table `table` from `NAME.csv`.
fn source(name: &str, table: &str, map: &str) -> String {
    format!(
        "[[source]]\nname = \"{name}\"\ntable = \"{table}\"\npath = \"{name}.csv\"\nrejects_max = 1.0\nmap = {{ {map} }}\n"
    )
}

/// Reads a folder with a playbook of these tables, by numbers and by SQL, on one thread and on three.
fn read(folder: &Path, tables: &str) -> Seen {
    let file = folder.join("book.toml");
    std::fs::write(&file, format!("{HEAD}{tables}")).unwrap();
    let loaded = playbook_toml::load(&file).unwrap_or_else(|problems| panic!("{problems}"));
    let scratch = tempfile::tempdir().unwrap();
    let one = |partitions, aggregation| {
        let mut options = BatchOptions::new(folder, scratch.path());
        (options.partitions, options.aggregation) = (partitions, aggregation);
        let mut source = BatchSource::open(&loaded.playbook, options).unwrap();
        let members = source.members().unwrap();
        let rejects = source.rejects().iter().map(|r| format!("{} {}", r.line, r.reason));
        let rejects = rejects.collect();
        Seen { members, findings: source.intake().findings.clone(), rejects }
    };
    let seen = one(1, Aggregation::Numbers);
    for (partitions, aggregation) in [(3, Aggregation::Numbers), (2, Aggregation::Sql)] {
        let other = one(partitions, aggregation);
        assert_eq!(other.findings, seen.findings);
        for column in seen.members.columns() {
            assert_eq!(other.column(&column.name), seen.column(&column.name), "{}", column.name);
        }
    }
    seen
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

const MEMBERS: &str =
    "member = \"id\", age_band = \"age\", attr_city = \"city\", attr_mail = \"mail\"";
const ATTRIBUTES: &str = r#"
[features]
age = { attribute = "age_band" }
city = { attribute = "attr_city" }
mail = { attribute = "attr_mail" }
"#;

#[test]
fn a_member_listed_twice_has_one_row_whole_and_the_youngest_age() {
    let dir = folder(&[
        (
            "first.csv",
            "id,age,city,mail\nA,14_17,Kiel,old@a\nB,adult,Bonn,new@b\nE,adult,Jena,e@e\nA,adult,Bonn,\n",
        ),
        (
            "second.csv",
            "id,age,city,mail\nC,adult,Ulm,\nB,,Kiel,\nD,unknown,,\nE,adult,Jena,e@e\nC,adult,Ulm,c@c\n",
        ),
    ]);
    let sources = source("first", "members", MEMBERS) + &source("second", "members", MEMBERS);
    let seen = read(dir.path(), &format!("{sources}{ATTRIBUTES}"));
    assert_eq!(seen.column("member"), ["A", "B", "C", "D", "E"]);
    assert_eq!(seen.column("age"), ["14_17", "unknown", "adult", "unknown", "adult"]);
    assert_eq!(seen.column("city"), ["Bonn", "Kiel", "Ulm", "-", "Jena"]);
    assert_eq!(seen.column("mail"), ["-", "-", "c@c", "-", "e@e"]);
    // E stands there twice and the same: nothing to tell.
    let told = seen.finding("member-listed-twice");
    assert_eq!((told.count, seen.codes().len()), (3, 1));
    assert!(told.text.en.contains("`A`, `B`, `C`:"), "{}", told.text.en);
    // In the other order of the sources the other rows count.
    let sources = source("second", "members", MEMBERS) + &source("first", "members", MEMBERS);
    let seen = read(dir.path(), &format!("{sources}{ATTRIBUTES}"));
    assert_eq!(seen.column("mail"), ["-", "new@b", "c@c", "-", "e@e"]);
    assert_eq!(seen.column("age")[1], "unknown");
}

#[test]
fn accounts_of_one_person_have_one_row_whole_and_the_youngest_age() {
    let dir = folder(&[
        ("people.csv", "id,age,city,mail\na,14_17,Kiel,\nb,adult,,b@b\nc,adult,Ulm,c@c\n"),
        ("keys.csv", "id,kind,hash\na,phone,1\nb,phone,1\nc,phone,2\n"),
    ]);
    let keys =
        "member = \"id\", key_kind = \"kind\", key_hash = \"hash\", verified = { constant = true }";
    let sources = source("people", "members", MEMBERS) + &source("keys", "identities", keys);
    let more = "me = { attribute = \"member\" }\n";
    let seen = read(dir.path(), &format!("{sources}{ATTRIBUTES}{more}"));
    assert_eq!(seen.column("member"), ["a", "c"]);
    assert_eq!(seen.column("me"), ["a", "c"]);
    assert_eq!(seen.column("age"), ["14_17", "adult"]);
    assert_eq!(
        (seen.column("city"), seen.column("mail")),
        (vec!["-".into(), "Ulm".into()], vec!["b@b".into(), "c@c".into()])
    );
    assert!(seen.codes().is_empty(), "two accounts are no member listed twice");
}

fn write_parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_state_that_is_no_documented_word_is_never_a_grant_whatever_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let texts = |texts: &[&str]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
    let ids = texts(&["a", "b", "c"]);
    let ones: ArrayRef = Arc::new(Int64Array::from(vec![1, 1, 1]));
    for (state, transform, want) in [
        (texts(&["granted", "Granted", "yes"]), "copy", &["1", "-", "-"]),
        (texts(&["granted", "Granted", "yes"]), "lower", &["1", "1", "-"]),
        (texts(&[" granted", "true", "1"]), "trim", &["1", "-", "-"]),
        (ones, "copy", &["-", "-", "-"]),
    ] {
        let columns = vec![("id", Arc::clone(&ids)), ("state", state)];
        write_parquet(&dir.path().join("consents.parquet"), columns);
        std::fs::write(dir.path().join("people.csv"), "id\na\nb\nc\n").unwrap();
        let map = format!(
            "member = \"id\", purpose = {{ constant = \"marketing\" }}, state = {{ from = \"state\", transform = \"{transform}\" }}"
        );
        let consents = source("consents", "consents", &map).replace(".csv", ".parquet");
        let people = source("people", "members", "member = \"id\"");
        let seen = read(dir.path(), &format!("{people}{consents}"));
        let granted = want.iter().filter(|flag| **flag == "1").count();
        assert_eq!(seen.rejects.len(), 3 - granted, "{transform}: {:?}", seen.rejects);
        if granted > 0 {
            assert_eq!(seen.column("consent.marketing"), *want, "{transform}");
        } else {
            assert!(seen.members.column("consent.marketing").is_none());
        }
    }
}

#[test]
fn buyers_who_are_not_among_the_members_are_told() {
    let read_ids = |orders: &[&str], members: &[&str]| {
        let rows = orders.iter().map(|id| format!("{id},2026-06-01,1.00\n")).collect::<String>();
        let dir = folder(&[
            ("orders.csv", &format!("id,date,total\n{rows}")),
            ("people.csv", &format!("id\n{}\n", members.join("\n"))),
        ]);
        let people = source("people", "members", "member = \"id\"");
        let features = "[features]\norders = { count = \"order_paid\" }\n";
        read(dir.path(), &format!("{ORDERS}{people}{features}"))
    };
    let seen = read_ids(&["12345.0", "12346.0", "12345.0"], &["12345", "12346"]);
    let told = seen.finding("members-not-listed");
    assert_eq!(told.count, 2);
    assert!(told.text.en.starts_with("0 of the 2 members with events"), "{}", told.text.en);
    assert!(told.text.en.contains("`12345.0`, `12346.0`") && told.text.en.contains("\"whole\""));
    // Nothing tells a list that is partial on purpose from ids that are written in two ways: both are said.
    let seen = read_ids(&["a", "b", "c"], &["a", "x"]);
    let told = seen.finding("members-not-listed");
    assert_eq!(told.count, 2);
    for part in ["on purpose", "leading zeros"] {
        assert!(told.text.en.contains(part), "{}", told.text.en);
    }
    assert!(read_ids(&["a", "b"], &["a", "x"]).codes().is_empty());
    assert!(read_ids(&["a"], &["a", "b", "c"]).codes().is_empty());
}

#[test]
fn grants_that_are_too_old_to_hold_are_counted() {
    let dir = folder(&[
        ("people.csv", "id\na\nb\nc\nd\n"),
        (
            "consents.csv",
            "id,state,at\na,granted,2024-06-30\nb,granted,2024-07-01\nc,granted,2023-01-01\nc,withdrawn,2023-02-01\n\
             d,granted,2020-01-01\nd,granted,2026-01-01\n",
        ),
    ]);
    let map = "member = \"id\", purpose = { constant = \"marketing\" }, state = \"state\", time = { from = \"at\", format = \"%Y-%m-%d\" }";
    let sources =
        source("people", "members", "member = \"id\"") + &source("consents", "consents", map);
    let seen = read(dir.path(), &sources);
    assert_eq!(seen.column("consent.marketing"), ["0", "1", "0", "1"]);
    assert_eq!(seen.finding("expired-consents").count, 1);
}

#[test]
fn kinds_of_the_brands_own_count_alike_in_numbers_and_in_sql() {
    let dir = folder(&[(
        "clicks.csv",
        "id,what,at\na,view,2026-06-01\na,product_view,2026-06-02\na,ping,2026-06-03\nb,checkin,2026-06-03\n\
         b,tap,2026-06-04\nb,checkout,2026-06-05\na,order_paid,2026-06-06\n",
    )]);
    let map = "member = \"id\", kind = { from = \"what\", values = { view = \"view\", product_view = \"product_view\", ping = \"ping\", checkin = \"checkin\", order_paid = \"order_paid\", checkout = \"pos_sale\" } }, time = { from = \"at\", format = \"%Y-%m-%d\" }";
    let tables = format!(
        r#"{}
[events]
product_view = {{ counts_as = "view" }}
checkin = {{ interaction = true }}
pos_sale = {{ commercial = true }}
ping = {{}}
[features]
views = {{ count = "view" }}
pings = {{ count = "ping" }}
interactions = {{ count = "interaction" }}
active = {{ distinct-days = "active" }}
all = {{ count = "any" }}
"#,
        source("clicks", "events", map)
    );
    let seen = read(dir.path(), &tables);
    assert_eq!(seen.column("member"), ["a", "b"]);
    for (feature, want) in [
        ("views", ["2", "0"]),
        ("pings", ["1", "0"]),
        ("interactions", ["0", "1"]),
        ("active", ["1", "2"]),
        ("all", ["4", "2"]),
    ] {
        assert_eq!(seen.column(feature), want, "{feature}");
    }
    // `tap` was declared nowhere.
    assert_eq!(seen.rejects.len(), 1, "{:?}", seen.rejects);
    assert!(seen.rejects[0].starts_with("6 "), "{:?}", seen.rejects);
}

#[test]
fn events_that_no_feature_counts_are_told_where_it_can_be_known() {
    let dir = folder(&[(
        "clicks.csv",
        "id,what,at\na,view,2026-06-01\na,view,2026-06-02\na,like,2026-06-03\nb,leave,2026-06-03\n\
         b,order_paid,2026-06-04\nb,order_refunded,2026-06-05\nb,view,2026-08-01\n",
    )]);
    let map = "member = \"id\", kind = \"what\", time = { from = \"at\", format = \"%Y-%m-%d\" }";
    let seen = |features: &str| {
        read(dir.path(), &format!("{}[features]\n{features}", source("clicks", "events", map)))
    };
    let orders = "orders = { count = \"order_paid\" }\n";
    let told = seen(orders);
    let told = told.finding("kinds-not-counted");
    assert_eq!(told.count, 4);
    assert!(told.text.en.contains("(`view` 2, `leave` 1, `like` 1)"), "{}", told.text.en);
    let all = "reach = { subject = \"brand\", distinct-days = \"view, leave, interaction\" }\n";
    assert!(seen(&format!("{orders}{all}")).codes().is_empty());
    assert!(seen(&format!("{orders}n = {{ count = \"any\" }}\n")).codes().is_empty());
    let sql = "n = { sql = \"SELECT member AS subject, count(*) AS value FROM events GROUP BY member\" }\n";
    assert!(seen(&format!("{orders}{sql}")).codes().is_empty());
}
