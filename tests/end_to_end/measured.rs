//! `playbook plugin bench` on real components: which figures there are, which settings they are under, what a fault does.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use playbook_contract::{Asked, Case};
use serde_json::{Value, json};

use crate::bench::{Place, command, error, home, hostile, playbook, root, succeed};

/// The figures of a call that succeeds.
fn figures(arguments: &[&str]) -> Vec<Value> {
    let call = playbook([&["plugin", "bench", "--json"], arguments].concat());
    serde_json::from_str(&succeed(&call)).unwrap()
}

/// Names of the calls, in order.
fn calls(figures: &Value) -> Vec<&str> {
    figures["calls"].as_array().unwrap().iter().map(|c| c["call"].as_str().unwrap()).collect()
}

fn text<'a>(figures: &'a Value, key: &str) -> &'a str {
    figures[key].as_str().unwrap()
}

#[test]
fn each_kind_of_plugin_is_measured_beside_its_limits() {
    let asked = [
        ("ltv-sbg", "scoring", &["fit", "score"][..]),
        ("interest-groups", "segmentation", &["assign"]),
        ("ladder-exchange", "incentive", &["propose"]),
        ("send-time", "campaign", &["fit", "plan", "touch"]),
        ("roi-base", "roi", &["value"]),
        ("content-guard", "diagnosis", &["screen"]),
    ];
    let names: Vec<&str> = asked.iter().map(|(name, ..)| *name).collect();
    let measured = figures(&names);
    assert_eq!(measured.len(), asked.len());
    for (one, (name, kind, expected)) in measured.iter().zip(asked) {
        assert_eq!((text(one, "plugin"), text(one, "kind")), (name, kind));
        assert_eq!((calls(one), &one["stopped"]), (expected.to_vec(), &json!([])), "{one}");
        let file = fs::metadata(text(one, "file")).unwrap();
        assert_eq!(one["bytes"], file.len());
        for (figure, limit) in [
            ("bytes", "bytes_max"),
            ("compile_ms", "compile_cpu_ms_max"),
            ("memory_bytes", "memory_bytes_max"),
        ] {
            let (figure, limit) = (one[figure].as_f64().unwrap(), one[limit].as_f64().unwrap());
            assert!(0.0 < figure && figure < limit, "{one}");
        }
        for figure in ["compiled_bytes", "instantiate_us", "open_us"] {
            assert!(one[figure].as_f64().unwrap() > 0.0, "{one}");
        }
        for call in one["calls"].as_array().unwrap() {
            let sizes = call["sizes"].as_array().unwrap();
            let rows: Vec<&Value> = sizes.iter().map(|size| &size["rows"]).collect();
            let expected: &[u64] = if call["call"] == "fit" { &[4_096] } else { &[1, 256, 4_096] };
            assert_eq!(rows, expected.iter().collect::<Vec<_>>(), "{call}");
            for size in sizes {
                assert!(size["timed"].as_u64().unwrap() >= 3, "{size}");
                assert!(size["us_a_call"].as_f64().unwrap() > 0.0, "{size}");
                assert!(size["call_ms_max"].as_u64().unwrap() >= 1_000, "{size}");
                let (fuel, most) = (size["fuel"].as_u64(), size["fuel_max"].as_u64());
                assert!(fuel.unwrap() > 0 && fuel < most, "{size}");
            }
        }
    }
    // A cost that grows with the rows: what is measured is work, not an empty call.
    for one in &measured {
        let sizes = one["calls"].as_array().unwrap().last().unwrap()["sizes"].as_array().unwrap();
        let fuel = |at: usize| sizes[at]["fuel"].as_u64().unwrap();
        assert!(fuel(2) > 4 * fuel(1), "{one}");
    }
}

#[test]
fn a_table_shows_the_limits_first_and_epochs_count_no_fuel() {
    let call = playbook(["plugin", "bench", "churn-7d", "--metering", "epoch"]);
    let said = succeed(&call);
    let line = |name: &str| said.lines().position(|line| line.contains(name)).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert!(line("at most") < line("churn-7d"), "{said}");
    // The goal for the size, and the limits of fuel and memory.
    for limit in [" 150.0 ", " 112,207 ", " 64.0 "] {
        assert!(lines[line("at most")].contains(limit), "{said}");
    }
    assert!(lines[line("churn-7d")].contains(" score "), "{said}");
    let [measured] = figures(&["churn-7d", "--metering", "epoch"]).try_into().unwrap();
    let sizes = &measured["calls"][0]["sizes"];
    assert_eq!((&sizes[2]["fuel"], sizes[2]["rows"].as_u64()), (&Value::Null, Some(4_096)));
    assert_eq!(measured["metering"], "epoch-only");
}

#[test]
fn an_engine_is_measured_under_its_cards_or_under_one() {
    let place = Place::new();
    // A home of its own, in which `--all` finds an engine and a plugin.
    let in_own_home = |arguments: &[&str]| {
        let mut call = Command::new(env!("CARGO_BIN_EXE_playbook"));
        call.arg("--home").arg(place.beside("home")).args(arguments);
        succeed(&call.output().unwrap())
    };
    let installed = home().join("plugins");
    for name in ["row-card@0.1.0.wasm", "churn-7d@0.1.0.wasm"] {
        in_own_home(&["plugin", "install", installed.join(name).to_str().unwrap()]);
    }
    let said = in_own_home(&["plugin", "bench", "--all", "--json"]);
    let measured: Vec<Value> = serde_json::from_str(&said).unwrap();
    let cards: BTreeSet<Option<&str>> = measured.iter().map(|one| one["card"].as_str()).collect();
    let shipped = fs::read_dir(root().join("plugins/row-card/cards")).unwrap();
    let shipped: Vec<String> = shipped
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let expected: BTreeSet<Option<&str>> =
        shipped.iter().map(|name| Some(name.as_str())).chain([None]).collect();
    assert_eq!(cards, expected);
    assert_eq!(measured.len(), expected.len());

    // A card alone brings its engine, and a file beside a playbook is a card as well.
    let [named] = figures(&["--card", "fan-4d"]).try_into().unwrap();
    assert_eq!((text(&named, "plugin"), text(&named, "card")), ("row-card", "fan-4d"));
    let shipped = fs::read_to_string(root().join("plugins/row-card/cards/fan-4d.toml")).unwrap();
    let file = place.beside("own.toml");
    fs::write(&file, shipped.replace("name = \"fan-4d\"", "name = \"own-4d\"")).unwrap();
    let file = file.to_str().unwrap();
    let [own] = figures(&["row-card", "--card", file]).try_into().unwrap();
    assert_eq!(text(&own, "card"), "own-4d");
    let fuel = |one: &Value| one["calls"][0]["sizes"][2]["fuel"].as_u64();
    assert_eq!(fuel(&own), fuel(&named));

    let other = playbook(["plugin", "bench", "churn-7d", "--card", "fan-4d"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(error(&other).contains("`fan-4d` is settings of `row-card`, not of `churn-7d`"));
    let unknown = playbook(["plugin", "bench", "--card", "fan-5d", "--json"]);
    assert_eq!(unknown.status.code(), Some(3));
    let said: Value = serde_json::from_slice(&unknown.stdout).unwrap();
    assert!(said["error"]["problems"][0]["hint"].as_str().unwrap().contains("fan-4d"), "{said}");
    let nothing = playbook(["plugin", "bench"]);
    assert_eq!(nothing.status.code(), Some(2));
}

#[test]
fn a_fault_ends_one_measurement_and_fails_the_command() {
    let hostile = hostile().split('@').next().unwrap();
    let settings = r#"{"mode":"trap"}"#;
    let call = playbook(["plugin", "bench", hostile, "--settings", settings, "--json"]);
    assert_eq!(call.status.code(), Some(1), "{}", String::from_utf8_lossy(&call.stdout));
    let measured: Vec<Value> = serde_json::from_slice(&call.stdout).unwrap();
    let stopped = measured[0]["stopped"][0].as_str().unwrap();
    assert!(stopped.starts_with("propose of 1: ") && stopped.contains("trapped"), "{stopped}");
    assert_eq!(measured[0]["calls"], json!([{ "call": "propose", "sizes": [] }]));
    assert!(error(&call).contains("1 of 1 measurements ended with a fault of the plugin"));
}

#[test]
fn what_was_measured_is_kept_as_native_tests_keep_it() {
    let place = Place::new();
    let folder = root().join("plugins/recommend");
    let kept = place.beside("kept");
    let call = command(["plugin", "bench", "--json", "--keep"]).arg(&kept).arg(&folder).output();
    let measured: Vec<Value> = serde_json::from_str(&succeed(&call.unwrap())).unwrap();
    assert_eq!(calls(&measured[0]), ["score"]);
    let lines = fs::read_to_string(kept.join("recommend.jsonl")).unwrap();
    let cases: Vec<Case> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rows: Vec<u32> = cases
        .iter()
        .map(|case| match &case.asked {
            Asked::Score(rows, Ok(answer)) => {
                assert_eq!(case.plugin, "recommend");
                assert!(!answer.columns.reals.is_empty() || !answer.columns.integers.is_empty());
                rows.rows
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(rows, [1, 256, 4_096]);
}
