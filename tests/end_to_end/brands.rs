//! The product's promise: two brands on one binary, each swaps a plugin by TOML alone.

use std::fs;
use std::path::{Path, PathBuf};

use playbook_model::Digest;
use serde_json::Value;

use crate::bench::{Place, command, community, different, root, run, succeed};

fn binary() -> Digest {
    Digest::of(&fs::read(env!("CARGO_BIN_EXE_playbook")).unwrap())
}

/// A brand's own playbook on top of the demo's.
fn brand(dir: &Path, name: &str, more: &str) -> PathBuf {
    let base = root().join("playbooks/club.toml");
    let copy = dir.join("base.toml");
    fs::copy(base, copy).unwrap();
    let file = dir.join(format!("{name}.toml"));
    fs::write(&file, brand_text(name, more)).unwrap();
    file
}

fn brand_text(name: &str, more: &str) -> String {
    format!("extends = \"base.toml\"\n\n[playbook]\nid = \"{name}\"\nbrand = \"{name}\"\n\n{more}")
}

fn diff(a: &Path, b: &Path) -> Value {
    let call = command(["diff".as_ref(), a.as_os_str(), b.as_os_str()])
        .arg("--data")
        .arg(community())
        .arg("--json")
        .output()
        .unwrap();
    serde_json::from_str(&succeed(&call)).unwrap()
}

#[test]
fn each_brand_swaps_a_plugin_by_toml_alone_and_the_other_does_not_notice() {
    let folder = tempfile::tempdir().unwrap();
    let program = binary();
    let (red, blue) = (brand(folder.path(), "red", ""), brand(folder.path(), "blue", ""));
    let (red_before, blue_before) = (Place::new(), Place::new());
    run(&red, &community(), &red_before, &[]);
    run(&blue, &community(), &blue_before, &[]);

    // Red takes another segmentation: k-means instead of tiers.
    let red_next = folder.path().join("red-next.toml");
    fs::write(&red_next, brand_text("red", SWAPPED_SEGMENTATION)).unwrap();
    let seen = diff(&red, &red_next);
    let migration = &seen["migration"]["members"];
    assert!(migration.as_array().is_some_and(|rows| rows.len() > 1), "{seen}");
    let (red_after, blue_again) = (Place::new(), Place::new());
    let record = run(&red_next, &community(), &red_after, &[]);
    assert!(
        plugin(&record, "tier-interactions").is_some_and(|p| p["plugin"] == "kmeans"),
        "{record}"
    );
    assert_ne!(different(&red_before.out, &red_after.out), [""; 0]);
    run(&blue, &community(), &blue_again, &[]);
    assert_eq!(different(&blue_before.out, &blue_again.out), [""; 0], "blue noticed red's change");

    // Blue swaps its ROI plugin for a build of its own.
    let blue_next = folder.path().join("blue-next.toml");
    let own = crate::bench::root().join("tests/end_to_end/roi-margin");
    let built: Value = serde_json::from_str(&succeed(
        &command(["plugin", "build", "--json"]).arg(own).output().unwrap(),
    ))
    .unwrap();
    let component = built[0]["component"].as_str().unwrap();
    fs::write(&blue_next, brand_text("blue", &format!("[[stage]]\nname = \"roi-base\"\nkind = \"roi\"\nplugin = {{ path = \"{component}\" }}\nsettings = {{ margin = 0.5 }}\n"))).unwrap();
    let seen = diff(&blue, &blue_next);
    assert_ne!(seen["roi"][0]["a"], seen["roi"][0]["b"], "{seen}");
    let (blue_after, red_again) = (Place::new(), Place::new());
    let record = run(&blue_next, &community(), &blue_after, &[]);
    assert!(plugin(&record, "roi-base").is_some_and(|p| p["plugin"] == "roi-margin"), "{record}");
    run(&red_next, &community(), &red_again, &[]);
    assert_eq!(different(&red_after.out, &red_again.out), [""; 0], "red noticed blue's change");

    assert_eq!(binary(), program, "the program changed");
}

const SWAPPED_SEGMENTATION: &str = "[features]\nrevenue_by_tier = { sum = \"amount_minor\", events = \"order_paid\", window = \"28d\", subject = \"channel\", by = \"tier-interactions.segment\" }\n\n[[stage]]\nname = \"tier-interactions\"\nkind = \"segmentation\"\nplugin = \"kmeans\"\nsettings = { features = [\"interactions_30d\", \"orders_90d\"] }\n";

fn plugin<'a>(record: &'a Value, stage: &str) -> Option<&'a Value> {
    record["plugins"].as_array()?.iter().find(|p| p["stage"] == stage)
}

#[test]
fn a_swap_on_the_command_line_shows_who_moves_before_anything_changes() {
    let place = Place::new();
    let file = root().join("playbooks/club.toml");
    let page = place.beside("diff.html");
    let call = command(["diff".as_ref(), file.as_os_str()])
        .args(["--set", "stage.tier-interactions.settings.numbers={ prospect = 1, active = 3, core = 6, min_history_days = 7 }", "--json", "--data"])
        .arg(community())
        .arg("--html")
        .arg(&page)
        .output()
        .unwrap();
    let seen: Value = serde_json::from_str(&succeed(&call)).unwrap();
    let moved = seen["figures"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["figure"] == "members whose segment differs");
    assert!(moved.is_some_and(|m| m["b"].as_i64() > Some(0)), "{seen}");
    assert!(fs::read_to_string(page).unwrap().starts_with("<!DOCTYPE html>"));
}
