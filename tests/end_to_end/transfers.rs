//! Money that an ROI plugin moves between pools: checked, booked once, for the cycles that follow.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::bench::{Place, command, community, csv, root, run, succeed};

/// The demo with a pool for each channel and a plugin that moves money between the first and the last.
fn brand(place: &Place, rules: &str) -> PathBuf {
    let own = root().join("tests/end_to_end/roi-margin");
    let call = command(["plugin", "build", "--json"]).arg(own).output().unwrap();
    let built: Value = serde_json::from_str(&succeed(&call)).unwrap();
    let component = built[0]["component"].as_str().unwrap();
    fs::copy(root().join("playbooks/demo-club.toml"), place.beside("base.toml")).unwrap();
    let file = place.beside("mover.toml");
    let text = format!(
        r#"extends = "base.toml"

[playbook]
id = "mover"
brand = "mover"

[[stage]]
name = "roi-base"
kind = "roi"
plugin = {{ path = "{component}" }}
settings = {{ move_minor = 100_000 }}

[budget.pools]
base = 0.0
messaging = 0.10
short-video = 0.10
seeding = 0.08
microblog = 0.07
web-shop = 0.05

{rules}
"#
    );
    fs::write(&file, text).unwrap();
    file
}

/// What became of the transfers of a run.
fn fates(place: &Place, out: &str) -> Vec<(String, String)> {
    let rows = csv(&place.beside(out).join("transfers.csv"));
    rows.iter().map(|row| (row["became"].clone(), row["refusal"].clone())).collect()
}

/// A run into a folder of its own.
fn run_into(place: &Place, file: &std::path::Path, out: &str, more: &[&str]) -> Value {
    let other = Place {
        out: place.beside(out),
        state: place.state.clone(),
        dir: tempfile::tempdir().unwrap(),
    };
    run(file, &community(), &other, more)
}

/// What the pools of the brand hold.
fn pools(place: &Place) -> BTreeMap<String, i64> {
    let shown =
        command(["ledger", "show", "mover", "--json", "--state"]).arg(&place.state).output();
    let shown: Vec<Value> = serde_json::from_str(&succeed(&shown.unwrap())).unwrap();
    let pool = |account: &Value| {
        let path = account["account"].as_str()?;
        let name = path.strip_prefix("mover/mover/")?;
        (!name.contains('/'))
            .then(|| (name.to_owned(), account["allocated_minor"].as_i64().unwrap()))
    };
    shown.iter().filter_map(pool).collect()
}

fn replays(place: &Place, out: &str) {
    let said = succeed(&command(["replay"]).arg(place.beside(out)).output().unwrap());
    assert!(said.contains("not a byte differs"), "{said}");
}

fn pair(a: (&str, &str), b: (&str, &str)) -> Vec<(String, String)> {
    let mut both = [a, b].map(|(became, refusal)| (became.to_owned(), refusal.to_owned()));
    both.sort();
    both.into()
}

fn sorted(mut fates: Vec<(String, String)>) -> Vec<(String, String)> {
    fates.sort();
    fates
}

#[test]
fn a_transfer_moves_once_within_its_bounds_and_only_for_the_cycles_that_follow() {
    let place = Place::new();
    let file = brand(&place, "[budget.transfers]\nsubject = \"channel\"\ncool_down = \"90d\"");
    let first = run_into(&place, &file, "first", &["--as-of", "2026-06-01"]);
    let moved = pair(("moved", ""), ("refused", "not-better"));
    assert_eq!(sorted(fates(&place, "first")), moved);
    let after = pools(&place);
    assert_eq!(after.values().sum::<i64>(), 20_000_000, "nothing came or went: {after:?}");
    // First and last by name.
    let changes = [after["messaging"] - 1_800_000, after["web-shop"] - 900_000];
    assert_eq!(changes.map(i64::abs), [100_000; 2], "{after:?}");
    let page = fs::read_to_string(place.beside("first").join("report.html")).unwrap();
    assert!(page.contains("refused: the receiver promises no higher return"));
    let booked = csv(&place.beside("first").join("ledger.csv"));
    assert_eq!(booked.iter().filter(|row| row["kind"] == "transfer").count(), 1);
    replays(&place, "first");

    // The same cycle again, whatever the day: nothing moves twice, and nothing new is granted for it.
    let second = run_into(&place, &file, "second", &["--as-of", "2026-06-01"]);
    let before = pair(("moved before", ""), ("refused", "not-better"));
    assert_eq!(sorted(fates(&place, "second")), before);
    assert_eq!(pools(&place), after);
    assert_eq!(second["counts"]["grants"], 0);
    assert_eq!(second["counts"]["granted_before"], first["counts"]["grants"]);
    replays(&place, "second");

    // The next cycle has the money, and the pair must cool down.
    run_into(&place, &file, "next", &["--as-of", "2026-06-29"]);
    let cools = pair(("refused", "cool-down"), ("refused", "not-better"));
    assert_eq!(sorted(fates(&place, "next")), cools);
    assert_eq!(pools(&place), after);
    for out in ["first", "next"] {
        replays(&place, out);
    }
    let proof = command(["ledger", "prove", "mover", "--state"]).arg(&place.state).output();
    assert!(succeed(&proof.unwrap()).contains("the ledger holds"));
}

#[test]
fn without_leave_of_the_playbook_nothing_moves() {
    let place = Place::new();
    let file = brand(&place, "");
    run_into(&place, &file, "out", &["--as-of", "2026-06-01"]);
    let suggested = pair(("suggested", ""), ("suggested", ""));
    assert_eq!(fates(&place, "out"), suggested);
    assert_eq!(pools(&place)["messaging"], 1_800_000);
    let page = fs::read_to_string(place.beside("out").join("report.html")).unwrap();
    assert!(page.contains("suggestion"));
}
