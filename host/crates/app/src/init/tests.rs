//! Folders of small exports and the playbooks that are made of them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use playbook_cycle::Cancel;
use playbook_model::{MapRow, Playbook, SourceTable};
use playbook_runtime::Compiler;

use super::{Draft, Known, draft, init};
use crate::{Home, Host};

struct Folder {
    dir: tempfile::TempDir,
    host: Host,
}

impl Folder {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("data")).unwrap();
        for (name, bytes) in files {
            std::fs::write(dir.path().join("data").join(name), bytes).unwrap();
        }
        let compiler = Compiler::Child { program: PathBuf::from("none"), arguments: Vec::new() };
        let host =
            Host::new(Home::open(&dir.path().join("home")).unwrap(), compiler, Cancel::default());
        Self { dir, host }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn out(&self) -> PathBuf {
        self.data().join("shop.toml")
    }

    fn draft(&self) -> Draft {
        draft(&self.data()).unwrap()
    }

    fn write(&self, known: &Known<'_>) -> Result<String, String> {
        init(&self.host, &self.draft(), known, &self.out()).map_err(|fault| {
            format!("{fault} {:?}", std::error::Error::source(&fault).map(ToString::to_string))
        })
    }

    fn load(&self, file: &Path) -> Playbook {
        self.host.load(file, &[], &playbook_toml::Disk).unwrap().playbook
    }
}

const EUR: Known<'_> =
    Known { brand: "shop", currency: Some("EUR"), time_zone: Some("Europe/Berlin") };

fn rows(playbook: &Playbook, source: usize) -> Vec<(&str, Option<&str>, Option<&str>)> {
    let key = |row: &'_ MapRow| row.to.clone();
    let mut rows: Vec<&MapRow> = playbook.sources[source].mapping.iter().collect();
    rows.sort_by_key(|row| key(row));
    rows.iter().map(|r| (r.to.as_str(), r.from.as_deref(), r.format.as_deref())).collect()
}

#[test]
fn a_shops_export_becomes_a_playbook_that_checks() {
    let folder = Folder::with(&[
        ("orders-2026-05.csv", "\u{feff}Order No;Customer;Order date;Total;Status\n1;A1;01.05.2026;1.012,50;paid\n2;A2;17.05.2026;7,00;cancelled\n".as_bytes()),
        ("orders-2026-06.csv", b"Order No;Customer;Order date;Total;Status\n3;A1;01.06.2026;2,50;paid\n4;A3;18.06.2026;7,00;refunded\n"),
        ("customers.csv", b"Customer,Signup date,Region\nA1,2026-01-01,North\nA2,2026-01-02,North\nA3,2026-02-01,South\n"),
        ("logo.png", b"\x89PNG"),
    ]);
    let text = folder.write(&EUR).unwrap();
    let playbook = folder.load(&folder.out());
    assert_eq!(playbook.sources.len(), 2, "{text}");
    let (members, orders) = (&playbook.sources[0], &playbook.sources[1]);
    assert_eq!((members.table, orders.table), (SourceTable::Members, SourceTable::Events));
    assert_eq!(orders.path, "orders-2026-0*.csv");
    assert_eq!(
        rows(&playbook, 1),
        [
            ("amount_minor", Some("Total"), None),
            ("event_id", Some("Order No"), None),
            ("kind", Some("Status"), None),
            ("member", Some("Customer"), None),
            ("time", Some("Order date"), Some("%d.%m.%Y")),
        ]
    );
    let amount = orders.mapping.iter().find(|row| row.to == "amount_minor").unwrap();
    assert_eq!((amount.marks.decimal, amount.marks.thousands), (',', Some('.')));
    assert!(text.contains("own_cancelled = {}") && text.contains("# Not read: logo.png"), "{text}");
    // A second time nothing is overwritten.
    assert!(folder.write(&EUR).unwrap_err().contains("is there already"));
    assert_eq!(std::fs::read_to_string(folder.out()).unwrap(), text);
}

#[test]
fn only_what_nobody_can_see_is_asked_for_and_by_the_name_of_its_flag() {
    let folder = Folder::with(&[(
        "sales.jsonl",
        br#"{"customer":"A1","date":"2026-06-01","total":1.5,"currency":"CHF"}
{"customer":"A2","date":"2026-06-02","total":2.5,"currency":"CHF"}
"#,
    )]);
    let nothing = Known { brand: "shop", currency: None, time_zone: None };
    let asked = folder.write(&nothing).unwrap_err();
    assert!(asked.contains("--time-zone") && !asked.contains("--currency"), "{asked}");
    folder.write(&Known { time_zone: Some("Europe/Zurich"), ..nothing }).unwrap();
    assert_eq!(folder.load(&folder.out()).currency, "CHF");
    let none = Folder::with(&[("sales.csv", b"customer,date,total\nA1,2026-06-01,1.50\n")]);
    let asked = none.write(&nothing).unwrap_err();
    assert!(asked.contains("--currency") && asked.contains("--time-zone"), "{asked}");
    assert!(none.write(&Known { currency: Some("EURO"), ..EUR }).unwrap_err().contains("ISO 4217"));
    assert!(none.write(&Known { time_zone: Some("Mars"), ..EUR }).unwrap_err().contains("Mars"));
    assert!(!none.out().exists());
}

#[test]
fn kinds_are_read_from_their_column_and_words_that_nobody_knows_are_told() {
    let rows = |words: &[&str]| {
        let row = |word: &&str| format!("A1,2026-06-01,1.50,{word}\n");
        format!("customer,date,total,kind\n{}", words.iter().map(row).collect::<String>())
    };
    let known = rows(&["order_paid", "Order Paid", "refund", "like", "checkout"]);
    let text = Folder::with(&[("events.csv", known.as_bytes())]).write(&EUR).unwrap();
    let values = "values = { \"Order Paid\" = \"order_paid\", \"checkout\" = \"own_checkout\", \"like\" = \"like\", \
                  \"order_paid\" = \"order_paid\", \"refund\" = \"order_refunded\" }";
    assert!(text.contains(values), "{text}");
    let strange = rows(&["alpha", "beta"]);
    let folder = Folder::with(&[("events.csv", strange.as_bytes())]);
    assert!(folder.draft().sources[0].notes[0].contains("`kind` may say"));
    assert!(folder.write(&EUR).unwrap().contains("# `kind` may say"));
}

#[test]
fn contact_data_becomes_a_digest_and_never_a_comment() {
    let folder = Folder::with(&[(
        "orders.csv",
        b"Name,Email,Paid at,Total\n#1001,ann@shop.example.org,2026-03-07 23:30:00 -0500,65.00\n#1002,bob@shop.example.org,2026-03-08 08:00:00 -0500,5.00\n",
    )]);
    let text = folder.write(&EUR).unwrap();
    assert!(!text.contains("shop.example.org"), "{text}");
    assert!(text.contains("member = { from = \"Email\", transform = \"hash\" }"), "{text}");
    assert!(text.contains("%Y-%m-%d %H:%M:%S %z"), "{text}");
}

#[test]
fn hostile_names_stay_texts_and_what_has_no_orders_is_told() {
    let hostile = "cust\"omer\u{1b}[31m\\id\u{202e}";
    let orders = format!(
        "{},date,total\nA1,2026-06-01,1.50\nA2,2026-06-02,2.50\n",
        hostile.replace('"', "\"\"")
    )
    .replacen("cust", "\"cust", 1)
    .replacen(",date", "\",date", 1);
    let folder = Folder::with(&[
        ("or\"ders\u{7f}.csv", orders.as_bytes()),
        ("times.csv", b"date\n2026-01-01\n"),
    ]);
    let text = folder.write(&EUR).unwrap();
    assert!(!text.chars().any(|c| c != '\n' && playbook_model::steers(c)), "{text}");
    let playbook = folder.load(&folder.out());
    let member = playbook.sources[0].mapping.iter().find(|row| row.to == "member").unwrap();
    assert_eq!(member.from.as_deref(), Some(hostile));
    let empty = Folder::with(&[("times.csv", b"date\n2026-01-01\n")]);
    let told = empty.write(&EUR).unwrap_err();
    assert!(told.contains("no file has orders") && told.contains("times.csv"), "{told}");
    assert!(draft(empty.dir.path()).unwrap_err().to_string().contains("no data files"));
}
