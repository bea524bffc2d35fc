//! What there is to build a playbook of: presets that run as they are, models with their pages, features of the catalogue.

use std::fs;

use serde_json::Value;

use crate::bench::{Place, command, succeed};
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
