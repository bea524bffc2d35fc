//! What there is to build a playbook of: presets that run as they are, models with their pages, features of the catalogue.

use std::fs;

use serde_json::Value;

use crate::bench::{Place, command, run, succeed};
use crate::kept::refused;

fn listed(what: &str) -> Value {
    let told = command(["list", what, "--json"]).output().unwrap();
    succeed(&told);
    serde_json::from_slice(&told.stdout).unwrap()
}

fn names(listed: &Value) -> Vec<String> {
    let rows = listed.as_array().unwrap();
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_preset_makes_a_short_playbook_that_checks_and_runs() {
    let place = Place::new();
    let sample = crate::both_ways::sample(&place, "parquet", 1_000);
    let presets = names(&listed("presets")["presets"]);
    assert_eq!(presets.len(), 19, "18 industries and the base: {presets:?}");
    for preset in presets {
        let new = |file: &str, more: &[&str]| {
            let path = place.beside(file);
            let arguments = ["new", "--industry", &preset, "--brand", "tea-house", "--out"];
            succeed(&command(arguments).arg(&path).args(more).output().unwrap());
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= 25, "{preset}: {lines} lines");
            path
        };
        let own = new(&format!("{preset}-own.toml"), &[]);
        succeed(&command(["check"]).arg(&own).output().unwrap());
        let file = new(&format!("{preset}.toml"), &["--sample"]);
        let (out, state) =
            (place.beside(&format!("{preset}-run")), place.beside(&format!("{preset}-state")));
        let run = command(["run"])
            .arg(&file)
            .arg("--data")
            .arg(&sample)
            .arg("--out")
            .arg(&out)
            .arg("--state")
            .arg(&state)
            .output()
            .unwrap();
        succeed(&run);
        let page = fs::read_to_string(out.join("report.html")).unwrap();
        assert!(page.contains("id=\"targets\""), "{preset} shows no targets");
    }
}

#[test]
fn y113_fifteen_indicators_begin_the_report_with_their_change_and_what_makes_them() {
    let place = Place::new();
    let sample = crate::both_ways::sample(&place, "parquet", 1_000);
    let file = crate::bench::root().join("playbooks/demo-club.toml");
    let tiles = || {
        let page = fs::read_to_string(place.out.join("report.html")).unwrap();
        let section = page.split_once("<section id=\"indicators\"").unwrap().1;
        section.split_once("</section>").unwrap().0.to_owned()
    };
    run(&file, &sample, &place, &["--as-of", "2026-06-03"]);
    let first = tiles();
    assert_eq!(first.matches("<dt>").count(), 15);
    assert!(!first.contains('▲') && !first.contains('▼'), "nothing came before");
    run(&file, &sample, &place, &[]);
    let second = tiles();
    let moved = second.matches('▲').count() + second.matches('▼').count();
    assert!(moved >= 10, "{moved} of 14 figures moved since the last cycle");
    // Each figure leads to its formula, its threshold and the component that made it.
    for made in ["id=\"made-wau-ratio\"", "targets.wau_ratio", "roi-base 0.1.0", "budget.use"] {
        assert!(second.contains(made), "{made}");
    }
    let linked = second.matches("href=\"#made-").count();
    assert_eq!(linked, second.matches("id=\"made-").count());
}

#[test]
fn a_model_is_told_by_its_page_and_its_card() {
    let models = listed("models")["models"].clone();
    let card = models
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "health-7x28" && row["engine"].is_string())
        .unwrap();
    assert_eq!((&card["kind"], &card["model"]), (&"diagnosis".into(), &"DG-1, Y066".into()));
    let told = command(["explain", "health-7x28"]).output().unwrap();
    succeed(&told);
    let told = String::from_utf8(told.stdout).unwrap();
    for part in ["# health-7x28", "## Formula", "[stage.settings", "score-card"] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    let unknown = refused(&["explain", "health-7x29"], &[]);
    assert!(unknown.contains("did you mean `health-7x28`"), "{unknown}");
}

#[test]
fn a_playbook_is_not_written_over_another_nor_on_a_preset_that_is_none() {
    let place = Place::new();
    let path = place.beside("own.toml");
    fs::write(&path, "kept").unwrap();
    let text = refused(&["new", "--brand", "tea-house"], &[("--out", path.as_path())]);
    assert!(text.contains("is there already"), "{text}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
    let other = place.beside("other.toml");
    let text =
        refused(&["new", "--industry", "beuaty", "--brand", "tea"], &[("--out", other.as_path())]);
    assert!(text.contains("did you mean `beauty`") && !other.exists(), "{text}");
    let text = refused(&["new", "--brand", "Tea House"], &[("--out", other.as_path())]);
    assert!(text.contains("no name of a brand"), "{text}");
}

#[test]
fn an_attribution_over_touches_runs_as_its_page_says() {
    let place = Place::new();
    let page = crate::bench::root().join("docs/models/attribution-matrix.md");
    let page = fs::read_to_string(page).unwrap();
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let head = "playbook = { id = \"paths\", brand = \"paths\", currency = \"CNY\", time_zone = \"Asia/Shanghai\", \
        pseudonym_salt = \"paths-2026\" }\ncycle = { as_of = 2026-07-01 }\n\n\
        [[source]]\nname = \"events\"\ntable = \"events\"\npath = \"events.csv\"\n\
        map = { event_id = \"id\", member = \"member\", kind = \"kind\", time = \"time\", campaign = \"campaign\", amount_minor = \"amount\" }\n\n";
    let file = place.beside("paths.toml");
    fs::write(&file, format!("{head}{example}")).unwrap();
    let data = place.beside("data");
    fs::create_dir(&data).unwrap();
    // One order after three touches, the second of which is a view that is too old to count; one after none.
    let events = "id,member,kind,time,campaign,amount\n\
        1,a,message_clicked,2026-06-10T09:00:00Z,spring,\n\
        2,a,view,2026-06-12T09:00:00Z,summer,\n\
        3,a,message_clicked,2026-06-14T09:00:00Z,vip,\n\
        4,a,order_paid,2026-06-14T20:00:00Z,,100.00\n\
        5,b,order_paid,2026-06-20T20:00:00Z,,300.00\n";
    fs::write(data.join("events.csv"), events).unwrap();
    run(&file, &data, &place, &[]);
    let rows = crate::bench::csv(&place.out.join("tables/strategy.csv"));
    let share = |key: &str| {
        let row = rows.iter().find(|row| row["strategy"] == key).unwrap();
        row["attribution-matrix.revenue"].parse::<f64>().unwrap()
    };
    // By position: half of 100.00 for the first touch and half for the last one, of 400.00 in all.
    assert_eq!(["spring", "summer", "vip"].map(share), [0.125, 0.0, 0.125]);
}
