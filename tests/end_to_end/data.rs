//! What of the data would mislead is said where people look, and what nobody knows never counts in favour of a grant.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::bench::{Place, command, coupons, csv, run, succeed, write};

/// A shop whose buyers get coupons: orders, members with ages, consents. The files are what the test writes.
const SHOP: &str = concat!(
    r#"
[playbook]
id = "shop"
brand = "shop"
currency = "USD"
time_zone = "UTC"
pseudonym_salt = "salt"

[cycle]
as_of = 2026-07-01
length = "28d"

[[source]]
name = "orders"
table = "events"
path = "orders.csv"
event = "order_paid"
map = { member = "customer", time = { from = "date", format = "%Y-%m-%d" }, amount_minor = "total" }

[[source]]
name = "members"
table = "members"
path = "members.csv"
rejects_max = 1.0
map = { member = "id", age_band = "age" }

[[source]]
name = "consents"
table = "consents"
path = "consents.csv"
map = { member = "id", purpose = { constant = "marketing" }, state = "state" }

[features]
age_band = { attribute = "age_band" }
orders_365d = { count = "order_paid", window = "365d" }
spend_90d_minor = { sum = "amount_minor", events = "order_paid", window = "90d" }
aov_minor = { mean = "amount_minor", events = "order_paid", window = "365d", type = "integer" }
points_90d = { expression = "spend_90d_minor / 10", type = "integer", unit = "count" }
"#,
    coupons!()
);

/// Writes the shop with these rows of members, each of whom bought and consented.
fn shop(place: &Place, members: &[(&str, &str)]) -> PathBuf {
    let write = |name: &str, text: &str| write(place, name, text);
    let rows = |head: &str, row: &dyn Fn(&(&str, &str)) -> String| {
        members.iter().fold(format!("{head}\n"), |text, member| text + &row(member) + "\n")
    };
    write("orders.csv", &rows("customer,date,total", &|(id, _)| format!("{id},2026-06-01,100.00")));
    write("members.csv", &rows("id,age", &|(id, age)| format!("{id},{age}")));
    write("consents.csv", &rows("id,state", &|(id, _)| format!("{id},granted")));
    write("shop.toml", SHOP)
}

fn run_shop(file: &Path, place: &Place) -> Value {
    run(file, place.dir.path(), place, &[])
}

#[test]
fn coupons_reach_adults_and_nobody_whose_age_is_not_known() {
    let place = Place::new();
    let members = [
        ("A", "14-17"),
        ("B", "Under_14"),
        ("C", "minor"),
        ("D", "14_17"),
        ("E", "unknown"),
        ("F", ""),
        ("G", "adult"),
        ("H", "Adult"),
    ];
    run_shop(&shop(&place, &members), &place);
    let of = |file: &str| {
        let rows = csv(&place.out.join(file));
        let mut members: Vec<_> = rows.iter().map(|row| row["member"].clone()).collect();
        members.dedup();
        members.sort();
        (rows, members)
    };
    let (_, granted) = of("grants.csv");
    assert_eq!(granted, ["G"]);
    let (rows, refused) = of("refused.csv");
    assert_eq!(refused, ["A", "B", "C", "D", "E", "F", "H"]);
    assert!(rows.iter().all(|row| row["code"] == "R07" && row["rule"] == "GR-13"), "{rows:?}");
    let page = fs::read_to_string(place.out.join("report.html")).unwrap();
    assert!(page.contains("a minor, or nobody knows the age"));
}

#[test]
fn what_of_the_data_would_mislead_is_said_wherever_people_look() {
    let place = Place::new();
    let file = shop(&place, &[("A", "adult"), ("B", "adult"), ("A", "14_17")]);
    let record = run_shop(&file, &place);
    let finding = &record["findings"][0];
    assert_eq!((&finding["code"], &finding["count"]), (&"member-listed-twice".into(), &1.into()));
    assert!(finding["text"]["en"].as_str().is_some_and(|text| text.contains("`A`")), "{record:#}");
    let page = fs::read_to_string(place.out.join("report.html")).unwrap();
    let first = page.split_once("<section id=\"").unwrap().1;
    assert!(first.starts_with("data\"") && first.contains("several rows"));
    let said = |words: &[&str]| {
        let mut call = command(words);
        call.arg(&file).arg("--data").arg(place.dir.path()).arg("--state").arg(&place.state);
        call
    };
    let text = succeed(&said(&["run"]).arg("--out").arg(&place.out).output().unwrap());
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("warning ")).collect();
    assert!(lines.len() == 1 && lines[0].starts_with("warning 1 of"), "{text}");
    let set = ["--set", "guardrails.family_window=48h"];
    let text = succeed(&said(&["diff"]).args(set).output().unwrap());
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("warning ")).collect();
    assert!(lines.len() == 1 && lines[0].contains("`A`"), "{text}");
    succeed(&command(["replay".as_ref(), place.out.as_os_str()]).output().unwrap());
}
