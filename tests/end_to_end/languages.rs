//! Plugins in other languages than Rust: written by the program, tested by their own runner, held to the contract, run in a playbook
//! beside plugins of crates.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::{Place, command, community, csv, root, run, succeed, write};

/// What begins a playbook over the sample community; features and stages follow.
fn sources() -> String {
    let text = fs::read_to_string(root().join("playbooks/club.toml")).unwrap();
    text.split("\n[features]").next().unwrap().to_owned()
}

/// A new plugin of that language and kind, as the program writes it: no checkout is around it.
fn new(place: &Place, lang: &str, kind: &str) -> PathBuf {
    let name = format!("{lang}-{kind}");
    let mut call = command(["plugin", "new", &name, "--kind", kind, "--lang", lang]);
    succeed(&call.current_dir(place.dir.path()).output().unwrap());
    place.beside(&name)
}

/// The component of a plugin that passes all its tests, natively and in the sandbox.
fn tested(folder: &Path) -> PathBuf {
    let said = succeed(&command(["plugin", "test"]).arg(folder).output().unwrap());
    assert!(said.contains("of the native test"), "{said}");
    assert!(said.contains("checks hold in the sandbox"), "{said}");
    let said = succeed(&command(["plugin", "build", "--json"]).arg(folder).output().unwrap());
    let built: serde_json::Value = serde_json::from_str(&said).unwrap();
    PathBuf::from(built[0]["component"].as_str().unwrap())
}

/// A playbook whose scores, segments and rewards come of three plugins of a language, and some of crates.
fn playbook_of(place: &Place, lang: &str) -> PathBuf {
    let folders = ["scoring", "segmentation", "incentive"].map(|kind| new(place, lang, kind));
    // A reward that is expected to bring nothing is refused (GR-5).
    let plugin = folders[2].join("plugin.js");
    let text = fs::read_to_string(&plugin).unwrap();
    let cost = "cost: quantity * settings.point_minor";
    let hopeful = text.replace(cost, &format!("{cost}, expectedOutput: quantity * 10"));
    assert_ne!(hopeful, text);
    fs::write(&plugin, hopeful).unwrap();
    let [scoring, segmentation, incentive] =
        folders.map(|folder| tested(&folder).display().to_string());
    let text = format!(
        r#"{}
[features]
days_since_last_order = {{ recency = "order_paid" }}
orders_365d = {{ count = "order_paid", window = "365d" }}
spend_365d_minor = {{ sum = "amount_minor", events = "order_paid", window = "365d" }}
interactions_30d = {{ count = "interaction", window = "30d" }}
active_days_30d = {{ distinct-days = "active", window = "30d" }}
reviews_90d = {{ count = "review", window = "90d" }}

[[stage]]
kind = "scoring"
plugin = "value-rfm@^0.1"

[[stage]]
name = "share"
kind = "scoring"
plugin = {{ path = "{scoring}" }}

[[stage]]
name = "tier"
kind = "segmentation"
plugin = {{ path = "{segmentation}" }}

[[stage]]
name = "thanks"
kind = "incentive"
plugin = {{ path = "{incentive}" }}

[budget]
total = "1000.00"

[guardrails]
holdout = 0.0
"#,
        sources()
    );
    write(place, "brand.toml", text)
}

#[test]
fn the_sdk_for_javascript_passes_its_own_tests() {
    let mut call = Command::new("node");
    let call = call.arg("--test").current_dir(root().join("plugin-sdk/js")).output().unwrap();
    assert!(call.status.success(), "{}", String::from_utf8_lossy(&call.stdout));
}

#[test]
fn plugins_in_javascript_are_written_tested_and_run_beside_crates() {
    let place = Place::new();
    let file = playbook_of(&place, "js");
    let said = run(&file, &community(), &place, &[]);
    assert!(said.is_object(), "{said}");
    let granted = csv(&place.out.join("grants.csv"));
    let thanks: Vec<_> = granted.iter().filter(|row| row["stage"] == "thanks").collect();
    assert!(!thanks.is_empty(), "members with reviews are thanked");
    for row in &thanks {
        assert_eq!(row["action"], "review-points");
        let quantity: i64 = row["quantity"].parse().unwrap();
        assert!(quantity > 0 && quantity <= 100 && quantity % 20 == 0, "{row:?}");
    }
    // The same again gives the same bytes.
    succeed(&command(["replay"]).arg(&place.out).output().unwrap());
}

#[test]
fn an_exception_of_javascript_reaches_its_author_with_type_text_and_place() {
    let place = Place::new();
    let folder = new(&place, "js", "scoring");
    let plugin = folder.join("plugin.js");
    let text = fs::read_to_string(&plugin).unwrap();
    let broken = text.replace("const active = days.get(row);", "const active = days.gte(row);");
    assert_ne!(broken, text);
    fs::write(&plugin, broken).unwrap();
    // Its own tests would tell first; the component alone tells it too.
    let said = succeed(&command(["plugin", "build", "--json"]).arg(&folder).output().unwrap());
    let built: serde_json::Value = serde_json::from_str(&said).unwrap();
    let call =
        command(["plugin", "test", built[0]["component"].as_str().unwrap()]).output().unwrap();
    assert_eq!(call.status.code(), Some(1));
    let said = String::from_utf8_lossy(&call.stdout).into_owned();
    assert!(said.contains("TypeError") && said.contains("plugin.js:"), "{said}");
}

#[test]
fn a_kind_without_a_template_is_refused_with_what_there_is() {
    let place = Place::new();
    let mut call = command(["plugin", "new", "my-plan", "--kind", "campaign", "--lang", "js"]);
    let said = crate::bench::error(&call.current_dir(place.dir.path()).output().unwrap());
    assert!(said.contains("no template of kind campaign in JavaScript"), "{said}");
    assert!(!place.beside("my-plan").exists());
}
