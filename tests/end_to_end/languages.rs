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

/// What the tests know of a language.
struct Language {
    /// As `--lang` has it.
    lang: &'static str,
    /// File of a project that holds the plugin.
    plugin: &'static str,
    /// File of a project that holds its test.
    test: &'static str,
    /// Cost of the template's reward, and the same with what is expected of it.
    reward: [&'static str; 2],
    /// Page for its authors, and what its blocks of code begin with.
    page: &'static str,
    block: &'static str,
}

const JAVASCRIPT: Language = Language {
    lang: "js",
    plugin: "plugin.js",
    test: "test/rules.test.js",
    reward: [
        "cost: quantity * settings.point_minor",
        "cost: quantity * settings.point_minor, expectedOutput: quantity * 10",
    ],
    page: "docs/partners/javascript.md",
    block: "\n```js\n",
};

const PYTHON: Language = Language {
    lang: "python",
    plugin: "plugin.py",
    test: "tests/test_rules.py",
    reward: [
        "cost=quantity * settings.point_minor",
        "cost=quantity * settings.point_minor, expected_output=quantity * 10",
    ],
    page: "docs/partners/python.md",
    block: "\n```python\n",
};

/// A new plugin of that language and kind, as the program writes it: no checkout is around it.
fn new(place: &Place, language: &Language, kind: &str) -> PathBuf {
    let lang = language.lang;
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

/// Replaces a text in a file, where it is.
fn replace(file: &Path, [was, is]: [&str; 2]) {
    let text = fs::read_to_string(file).unwrap();
    let changed = text.replace(was, is);
    assert_ne!(changed, text, "{was}");
    fs::write(file, changed).unwrap();
}

/// A playbook whose scores, segments and rewards come of three plugins of a language, and some of crates.
fn playbook_of(place: &Place, language: &Language) -> PathBuf {
    let folders = ["scoring", "segmentation", "incentive"].map(|kind| new(place, language, kind));
    // A reward that is expected to bring nothing is refused (GR-5).
    replace(&folders[2].join(language.plugin), language.reward);
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
fn the_sdk_for_python_passes_its_own_tests() {
    let mut call = Command::new("python3");
    let call = call.args(["-m", "unittest"]).env("PYTHONDONTWRITEBYTECODE", "1");
    let call = call.current_dir(root().join("plugin-sdk/python")).output().unwrap();
    assert!(call.status.success(), "{}", String::from_utf8_lossy(&call.stderr));
}

/// Plugins of all templates pass their tests and the conformance run, and run beside those of crates.
fn run_beside_crates(language: &Language) {
    let place = Place::new();
    let file = playbook_of(&place, language);
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
fn plugins_in_javascript_are_written_tested_and_run_beside_crates() {
    run_beside_crates(&JAVASCRIPT);
}

#[test]
fn plugins_in_python_are_written_tested_and_run_beside_crates() {
    run_beside_crates(&PYTHON);
}

/// What the page for authors shows is a plugin, with a test that it passes natively and in the sandbox.
fn page_holds(language: &Language) {
    let place = Place::new();
    let folder = new(&place, language, "scoring");
    let page = fs::read_to_string(root().join(language.page)).unwrap();
    let blocks: Vec<&str> = page
        .split(language.block)
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap())
        .collect();
    let [plugin, test] = blocks[..] else {
        panic!("{} has {} blocks", language.page, blocks.len())
    };
    fs::write(folder.join(language.plugin), format!("{plugin}\n")).unwrap();
    fs::write(folder.join(language.test), format!("{test}\n")).unwrap();
    tested(&folder);
}

#[test]
fn the_plugin_on_the_page_for_javascript_passes_its_test() {
    page_holds(&JAVASCRIPT);
}

#[test]
fn the_plugin_on_the_page_for_python_passes_its_test() {
    page_holds(&PYTHON);
}

/// A fault that its own tests would tell first: the component alone tells it too, with those words.
fn fault_is_told(language: &Language, change: [&str; 2], words: &[&str]) {
    let place = Place::new();
    let folder = new(&place, language, "scoring");
    replace(&folder.join(language.plugin), change);
    let said = succeed(&command(["plugin", "build", "--json"]).arg(&folder).output().unwrap());
    let built: serde_json::Value = serde_json::from_str(&said).unwrap();
    let call =
        command(["plugin", "test", built[0]["component"].as_str().unwrap()]).output().unwrap();
    assert_eq!(call.status.code(), Some(1));
    let said = String::from_utf8_lossy(&call.stdout).into_owned();
    assert!(words.iter().all(|word| said.contains(word)), "{said}");
}

#[test]
fn an_exception_of_javascript_reaches_its_author_with_type_text_and_place() {
    let change = ["const active = days.get(row);", "const active = days.gte(row);"];
    fault_is_told(&JAVASCRIPT, change, &["TypeError", "plugin.js:"]);
}

#[test]
fn an_exception_of_python_reaches_its_author_with_type_text_and_place() {
    let change = ["full = call.settings.days_full", "full = call.settings.days_ful"];
    fault_is_told(&PYTHON, change, &["AttributeError", "'days_ful'", "at plugin.py:"]);
}

#[test]
fn a_kind_without_a_template_is_refused_with_what_there_is() {
    let place = Place::new();
    for (lang, language) in [("js", "JavaScript"), ("python", "Python")] {
        let mut call = command(["plugin", "new", "my-plan", "--kind", "campaign", "--lang", lang]);
        let said = crate::bench::error(&call.current_dir(place.dir.path()).output().unwrap());
        let wanted = format!("no template of kind campaign in {language}");
        assert!(said.contains(&wanted), "{said}");
        assert!(!place.beside("my-plan").exists());
    }
}
