//! A member of a finished run is explained: what stages said and why, and every grant and refusal with its reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::bench::{Place, command, community, csv, error, hostile, root, run, run_call, succeed};

fn explain(out: &Path, member: &str, more: &[&str]) -> Output {
    let arguments = ["explain".as_ref(), out.as_os_str(), "--member".as_ref(), member.as_ref()];
    command(arguments).args(more).output().unwrap()
}

fn explained(out: &Path, member: &str) -> Value {
    serde_json::from_str(&succeed(&explain(out, member, &["--json"]))).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn every_grant_and_refusal_of_a_member_is_explained() {
    let place = Place::new();
    run(&root().join("playbooks/club.toml"), &community(), &place, &[]);
    let grants = csv(&place.out.join("grants.csv"));
    let refused = csv(&place.out.join("refused.csv"));
    let granted: BTreeSet<&str> = grants.iter().map(|row| row["member"].as_str()).collect();
    let both = refused.iter().find(|row| granted.contains(row["member"].as_str())).unwrap();
    let member = both["member"].as_str();

    let said = explained(&place.out, member);
    assert_eq!(said["differences"], Value::Array(Vec::new()), "the run repeats");
    let decisions = list(&said, "decisions");
    let rows = |rows: &[std::collections::BTreeMap<String, String>]| -> BTreeSet<String> {
        let own = rows.iter().filter(|row| row["member"] == member);
        own.map(|row| format!("{}/{} {}", row["stage"], row["action"], row["cost_minor"])).collect()
    };
    let told = |refused: bool| -> BTreeSet<String> {
        let own = decisions.iter().filter(|d| d["refusal"].is_null() != refused);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        own.map(|d| format!("{}/{} {}", text(&d["stage"]), text(&d["action"]), d["cost_minor"]))
            .collect()
    };
    assert_eq!((told(false), told(true)), (rows(&grants), rows(&refused)));
    let code = |d: &Value| d["refusal"]["code"].as_str().map(ToOwned::to_owned);
    assert!(decisions.iter().filter_map(code).any(|code| code == both["code"]), "{said}");
    assert!(decisions.iter().all(|d| d["reason"]["text"]["en"].is_string()), "{said}");

    let text = succeed(&explain(&place.out, member, &[]));
    for word in [both["code"].as_str(), both["rule"].as_str(), "tier-interactions", "granted"] {
        assert!(text.contains(word), "{word} is not in\n{text}");
    }
    let chinese = succeed(&explain(&place.out, member, &["--lang", "zh"]));
    assert!(chinese.contains("分層"), "{chinese}");
}

#[test]
fn the_parts_of_a_score_add_up_to_it() {
    let place = Place::new();
    run(&root().join("playbooks/club.toml"), &community(), &place, &["--dry-run"]);
    let grants = csv(&place.out.join("grants.csv"));
    let mut parts = 0;
    for row in grants.iter().step_by(grants.len() / 4) {
        let said = explained(&place.out, &row["member"]);
        for stage in list(&said, "stages") {
            let inputs: BTreeSet<&str> =
                list(stage, "inputs").iter().filter_map(|input| input["name"].as_str()).collect();
            for output in list(stage, "outputs") {
                let factors = list(output, "factors");
                if factors.is_empty() {
                    continue;
                }
                parts += factors.len();
                assert!(factors.iter().all(|f| inputs.contains(f["input"].as_str().unwrap())));
                let sum: f64 = factors.iter().map(|f| f["contribution"].as_f64().unwrap()).sum();
                let value = output["value"].as_f64().unwrap();
                assert!((sum - value).abs() < 1e-9, "{} is {value}, not {sum}", output["name"]);
            }
        }
    }
    assert!(parts > 4, "nothing was explained in parts");
}

#[test]
fn who_is_in_no_run_and_what_cannot_be_repeated_is_an_error() {
    let place = Place::new();
    let sample = |seed: &str| {
        let data = place.beside(seed);
        let call = command(["sample", "--members", "1000", "--seed", seed, "--out"]);
        succeed(&{ call }.arg(&data).output().unwrap());
        data
    };
    let (data, other) = (sample("1"), sample("2"));
    run(&root().join("playbooks/club.toml"), &data, &place, &["--dry-run"]);
    let nobody = explain(&place.out, "nobody", &[]);
    let text = String::from_utf8_lossy(&nobody.stderr).into_owned();
    assert_eq!(nobody.status.code(), Some(1), "{text}");
    assert!(text.contains("no member `nobody`") && text.contains("grants.csv"), "{text}");

    let member = csv(&place.out.join("grants.csv"))[0]["member"].clone();
    fs::copy(other.join("costs.parquet"), data.join("costs.parquet")).unwrap();
    let changed = explain(&place.out, &member, &[]);
    let text = String::from_utf8_lossy(&changed.stderr).into_owned();
    assert_eq!(changed.status.code(), Some(1), "{text}");
    assert!(text.contains("is not what the run read"), "{text}");
}

#[test]
fn a_plugin_that_answers_otherwise_for_one_row_is_named() {
    let built: Value = serde_json::from_str(&succeed(
        &command(["plugin", "build", "--json"])
            .arg(root().join("tests/hostile/scoring"))
            .output()
            .unwrap(),
    ))
    .unwrap();
    let component = built[0]["component"].as_str().unwrap();
    let place = Place::new();
    fs::copy(root().join("playbooks/club.toml"), place.beside("base.toml")).unwrap();
    let file = place.beside("moody.toml");
    let text = format!(
        "extends = \"base.toml\"\n\n[features]\nx = {{ expression = \"orders_90d * 1.0\", type = \"real\" }}\n\n\
         [[stage]]\nname = \"moody\"\nkind = \"scoring\"\nplugin = {{ path = \"{component}\" }}\n\
         settings = {{ mode = \"count-rows\" }}\n"
    );
    fs::write(&file, text).unwrap();
    run(&file, &community(), &place, &["--dry-run"]);
    let member = csv(&place.out.join("grants.csv"))[0]["member"].clone();
    let said = explained(&place.out, &member);
    let stages = list(&said, "stages");
    let of = |name: &str| stages.iter().find(|stage| stage["stage"] == name).unwrap();
    let words = of("moody")["unexplained"].as_str().unwrap();
    assert!(words.contains("another `moody.score` of the row alone"), "{words}");
    assert!(of("value-rfm")["unexplained"].is_null());
}

#[test]
fn a_fault_names_the_member_about_whom_the_plugin_was_asked() {
    let place = Place::new();
    fs::copy(root().join("playbooks/club.toml"), place.beside("base.toml")).unwrap();
    let file = place.beside("faulty.toml");
    let with = |on_fault: &str| {
        let text = format!(
            "extends = \"base.toml\"\n\n[[stage]]\nname = \"extra\"\nkind = \"incentive\"\n\
             plugin = \"{}\"\nsettings = {{ mode = \"trap-on-some\" }}\non_fault = \"{on_fault}\"\n",
            hostile()
        );
        fs::write(&file, text).unwrap();
    };
    with("skip");
    let record = run(&file, &community(), &place, &["--dry-run"]);
    let extra = list(&record, "plugins").iter().find(|one| one["stage"] == "extra").unwrap();
    let words = extra["skipped"].as_str().unwrap();
    let member = words.split_once("; asked about member `").unwrap().1.trim_end_matches('`');
    // One of those on whom the plugin stops: every hundred-and-first key.
    let said = explained(&place.out, member);
    let extra = list(&said, "stages").iter().find(|stage| stage["stage"] == "extra").unwrap();
    let key = list(extra, "inputs").iter().find(|input| input["name"] == "key").unwrap();
    assert_eq!(key["value"].as_i64().unwrap() % 101, 0, "{key}");

    with("close");
    let call = run_call(&file, &community(), &place, &["--dry-run"]).output().unwrap();
    let told = error(&call);
    let of_member = format!("asked about member `{member}`");
    assert!(told.contains("stage `extra`: plugin `hostile-incentive 0.1.0`"), "{told}");
    assert!(told.split_whitespace().collect::<Vec<_>>().join(" ").contains(&of_member), "{told}");
}

#[test]
fn a_fixture_of_a_run_is_held_against_a_component() {
    let place = Place::new();
    run(&root().join("playbooks/club.toml"), &community(), &place, &["--dry-run"]);
    let member = csv(&place.out.join("grants.csv"))[0]["member"].clone();
    for (stage, plugin, questions) in
        [("value-rfm", "value-rfm", 1), ("phases-3", "phases-3", 1), ("roi-base", "roi-base", 1)]
    {
        let file = place.beside(&format!("{stage}.jsonl"));
        let taken = command(["plugin", "fixture"])
            .arg(&place.out)
            .args(["--stage", stage, "--members", "20", "--member", &member, "--out"])
            .arg(&file)
            .output()
            .unwrap();
        let said = succeed(&taken);
        assert!(said.contains(&format!("{questions} question")), "{said}");
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains(&member), "members stand in it by their pseudonyms");

        let component = installed(plugin);
        let held = |file: &std::path::Path| {
            command(["plugin", "test"]).arg(&component).arg("--cases").arg(file).output().unwrap()
        };
        let said = succeed(&held(&file));
        assert!(said.contains(&format!("of {stage} of the run ")), "{said}");
        // Another answer than the run had.
        let (head, tail) = text.split_once("\"Ok\":{").unwrap();
        let at = tail.find(|c: char| c.is_ascii_digit() && c != '0').unwrap();
        let digit = if &tail[at..=at] == "1" { "2" } else { "1" };
        let changed = format!("{head}\"Ok\":{{{}{digit}{}", &tail[..at], &tail[at + 1..]);
        let other = place.beside("other.jsonl");
        fs::write(&other, changed).unwrap();
        let call = held(&other);
        let said = String::from_utf8_lossy(&call.stdout).into_owned();
        assert_eq!(call.status.code(), Some(1), "{said}");
        assert!(said.contains("then ..") && said.contains("now .."), "{said}");
    }
    let call = command(["plugin", "fixture"]).arg(&place.out).args(["--stage", "no-such"]).output();
    assert!(
        error(&call.unwrap()).contains("no stage `no-such` ran: the run has "),
        "stages are named"
    );
}

/// The component of an installed plugin.
fn installed(plugin: &str) -> std::path::PathBuf {
    let listed = command(["plugin", "list", "--json"]).output().unwrap();
    let listed: Value = serde_json::from_str(&succeed(&listed)).unwrap();
    let one = listed.as_array().unwrap().iter().find(|one| one["name"] == plugin).unwrap();
    one["file"].as_str().unwrap().into()
}

#[test]
fn y023_a_profile_is_read_as_of_any_past_cycle() {
    let place = Place::new();
    let file = root().join("playbooks/club.toml");
    run(&file, &community(), &place, &["--as-of", "2026-06-03"]);
    let member = csv(&place.out.join("grants.csv"))[0]["member"].clone();
    let at_first = explained(&place.out, &member);
    let later = Place { out: place.beside("later"), state: place.state.clone(), ..Place::new() };
    run(&file, &community(), &later, &[]);
    let now = explained(&later.out, &member);
    // The cycle that has closed since changes nothing of what the earlier one says.
    assert_eq!(explained(&place.out, &member), at_first);
    assert!(at_first["as_of"].as_str().unwrap().starts_with("2026-06-03"), "{at_first}");
    assert_ne!((&at_first["as_of"], &at_first["cycle"]), (&now["as_of"], &now["cycle"]));
    let read = |said: &Value| -> Vec<Value> {
        list(said, "stages").iter().flat_map(|stage| list(stage, "inputs").to_vec()).collect()
    };
    assert!(read(&at_first).len() > 20, "{at_first}");
    assert_ne!(read(&at_first), read(&now), "a month went by");
}
