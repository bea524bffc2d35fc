//! Files on top of each other, overrides from outside, and places for later reports.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use playbook_model::{Limits, PluginRef, Problem as SettingsProblem, canonical_json};
use playbook_toml::{
    EXTENDS_DEPTH_MAX, FILES_MAX, Loaded, Override, Problems, ReadFiles, SourceText, load_with,
};

/// Files of a test, by path.
#[derive(Debug, Default)]
struct Files(BTreeMap<PathBuf, String>);

impl ReadFiles for Files {
    fn read(&self, path: &Path, _bytes_max: usize) -> io::Result<Vec<u8>> {
        self.0
            .get(path)
            .map(|text| text.clone().into_bytes())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

const HEAD: &str = r#"
[playbook]
id = "tea-house"
brand = "tea-house"
currency = "CNY"
time_zone = "Asia/Shanghai"
"#;

const BASE: &str = r#"
[[source]]
name = "orders"
table = "events"
path = "orders.csv"
event = "order_paid"
map = { member = "customer", time = { from = "paid_at", format = "%Y%m%d" }, amount_minor = "amount" }

[features]
orders_90d = { count = "order_paid", window = "90d", unit = "count" }
orders_365d = { count = "order_paid", window = "365d" }

[[stage]]
kind = "scoring"
plugin = "value-rfm@^0.1"
settings = { r_days = [7, 30, 90, 180], weights = { r = 1, f = 2 } }

[[stage]]
kind = "scoring"
plugin = "churn-7d"
"#;

fn load(files: &[(&str, &str)], overrides: &[Override]) -> Result<Loaded, Problems> {
    let files = Files(
        files
            .iter()
            .map(|(path, text)| (Path::new("brand").join(path), (*text).to_owned()))
            .collect(),
    );
    load_with(Path::new("brand/playbook.toml"), overrides, &Limits::ceiling(), &files)
}

fn loaded(files: &[(&str, &str)], overrides: &[Override]) -> Loaded {
    load(files, overrides).unwrap_or_else(|problems| panic!("{}", problems.render()))
}

fn set(path: &str, value: &str) -> Override {
    Override::Set { path: path.to_owned(), value: value.to_owned() }
}

fn swap(stage: &str, plugin: &str) -> Override {
    Override::Swap { stage: stage.to_owned(), plugin: plugin.to_owned() }
}

fn marked(source: &SourceText, start: usize, len: usize) -> &str {
    &source.text[start..start + len]
}

#[test]
fn a_brand_says_only_what_differs_from_its_preset() {
    let top = format!(
        "extends = \"preset.toml\"\ninclude = [\"parts/more.toml\"]\nremove = [\"stage.churn-7d\", \"features.orders_365d\"]\n{HEAD}{}",
        r#"
[features]
orders_90d = { count = "order_paid", window = "60d" }

[[source]]
name = "orders"
path = "ours/*.csv"
map = { time = { from = "at" } }

[[stage]]
name = "value-rfm"
settings = { weights = { f = 3 } }
"#
    );
    let more = "[features]\nlikes_30d = { count = \"like\", window = \"30d\" }\n\n[[stage]]\nkind = \"roi\"\nplugin = \"own/roi.wasm\"\n";
    let playbook =
        loaded(&[("playbook.toml", &top), ("preset.toml", BASE), ("parts/more.toml", more)], &[])
            .playbook;

    let features: Vec<&str> =
        playbook.features.iter().map(|feature| feature.name.as_str()).collect();
    assert_eq!(features, ["orders_90d", "likes_30d"]);
    let playbook_model::Definition::Aggregate(aggregate) = &playbook.features[0].definition else {
        panic!("an aggregate")
    };
    assert_eq!(aggregate.window.from_ms, Some(60 * 86_400_000));

    let source = &playbook.sources[0];
    assert_eq!((source.path.as_str(), source.event.as_deref()), ("ours/*.csv", Some("order_paid")));
    let time = source.mapping.iter().find(|row| row.to == "time").unwrap();
    assert_eq!(
        (time.from.as_deref(), time.format.as_deref()),
        (Some("at"), None),
        "a mapping row is replaced as a whole"
    );
    assert_eq!(source.mapping.len(), 3);

    let stages: Vec<&str> = playbook.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(stages, ["value-rfm", "roi"]);
    assert_eq!(
        canonical_json(&playbook.stages[0].settings),
        r#"{"r_days":[7,30,90,180],"weights":{"f":3,"r":1}}"#,
        "settings merge key by key"
    );
    assert_eq!(
        playbook.stages[1].plugin,
        PluginRef::Path("brand/parts/own/roi.wasm".into()),
        "a component lies beside the file that names it"
    );
}

#[test]
fn another_plugin_in_a_stage_starts_with_its_own_settings() {
    let top = format!(
        "extends = \"preset.toml\"\n{HEAD}\n[[stage]]\nname = \"value-rfm\"\nplugin = \"own-value\"\n"
    );
    let playbook = loaded(&[("playbook.toml", &top), ("preset.toml", BASE)], &[]).playbook;
    assert_eq!(canonical_json(&playbook.stages[0].settings), "{}");

    let top = top.replace("own-value", "value-rfm@=0.1.3");
    let playbook = loaded(&[("playbook.toml", &top), ("preset.toml", BASE)], &[]).playbook;
    assert_ne!(
        canonical_json(&playbook.stages[0].settings),
        "{}",
        "another version of a plugin keeps them"
    );
}

#[test]
fn overrides_reach_settings_by_the_name_of_the_stage() {
    let top = format!("{HEAD}{BASE}");
    let overrides = [
        set("stage.value-rfm.settings.weights.f", "7"),
        set("stage.value-rfm.settings.mode", "quantile"),
        set("cycle.as_of", "1998-07-01"),
        set("source.orders.rejects_max", "0.5"),
    ];
    let playbook = loaded(&[("playbook.toml", &top)], &overrides).playbook;
    assert_eq!(
        canonical_json(&playbook.stages[0].settings),
        r#"{"mode":"quantile","r_days":[7,30,90,180],"weights":{"f":7,"r":1}}"#
    );
    assert_eq!(playbook.cycle.as_of.map(|at| at.0), Some(899_222_400_000), "midnight in Shanghai");
    assert_eq!(playbook.sources[0].rejects_max, 0.5);
}

#[test]
fn a_swapped_stage_keeps_its_name_and_loses_its_settings() {
    let top = format!("{HEAD}{BASE}");
    let before = loaded(&[("playbook.toml", &top)], &[]).playbook;
    let after =
        loaded(&[("playbook.toml", &top)], &[swap("value-rfm", "participation-8@^0.1")]).playbook;
    assert_eq!(after.stages[0].name, "value-rfm");
    assert_eq!(
        after.stages[0].plugin,
        PluginRef::Named { name: "participation-8".into(), version: "^0.1".into() }
    );
    assert_eq!(canonical_json(&after.stages[0].settings), "{}");
    assert_eq!(after.stages[1].name, before.stages[1].name);
    assert_ne!(after.digest, before.digest);
}

#[test]
fn the_digest_follows_content_and_nothing_else() {
    let digest =
        |files: &[(&str, &str)], overrides: &[Override]| loaded(files, overrides).playbook.digest;
    let one = format!("{HEAD}{BASE}");
    let plain = digest(&[("playbook.toml", &one)], &[]);
    let split = format!("extends = \"preset.toml\"\n{HEAD}");
    assert_eq!(
        digest(&[("playbook.toml", &split), ("preset.toml", BASE)], &[]),
        plain,
        "spread over files"
    );
    let noted = one
        .replace("[features]", "# a note\n\n[features]   # another")
        .replace("brand = \"tea-house\"\n", "")
        + "\n[playbook.title]\nen = \"x\"\n";
    assert!(load(&[("playbook.toml", &noted)], &[]).is_err(), "the brand is missing");
    let noted = one
        .replace("[features]", "# a note\n\n[features]   # another")
        .replace("r = 1, f = 2", "f = 2, r = 1");
    assert_eq!(
        digest(&[("playbook.toml", &noted)], &[]),
        plain,
        "comments, blanks and the order of keys"
    );
    assert_ne!(
        digest(&[("playbook.toml", &one)], &[set("stage.value-rfm.settings.weights.f", "3")]),
        plain
    );
    assert_ne!(digest(&[("playbook.toml", &one.replace("\"90d\"", "\"91d\""))], &[]), plain);
}

#[test]
fn what_a_plugin_refuses_is_shown_in_the_file() {
    let top = format!("extends = \"preset.toml\"\n{HEAD}");
    let loaded = loaded(
        &[("playbook.toml", &top), ("preset.toml", BASE)],
        &[set("stage.churn-7d.settings.watch", "7.5")],
    );
    let said = |stage: &str, path: &str| {
        (
            stage.to_owned(),
            SettingsProblem {
                path: path.to_owned(),
                message: "not ascending".to_owned(),
                hint: None,
            },
        )
    };
    let problems = loaded.settings_problems(&[
        said("value-rfm", "/r_days/2"),
        said("value-rfm", "/weights"),
        said("value-rfm", "/absent/3"),
        said("churn-7d", "/watch"),
    ]);
    let shown: Vec<(&str, &str)> = problems
        .problems
        .iter()
        .map(|problem| {
            let place = problem.place.unwrap();
            let source = &problems.sources[place.file];
            (source.name.as_str(), marked(source, place.start, place.len))
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("preset.toml", "{ r_days = [7, 30, 90, 180], weights = { r = 1, f = 2 } }"),
            ("preset.toml", "90"),
            ("preset.toml", "{ r = 1, f = 2 }"),
            ("--set stage.churn-7d.settings.watch", "7.5"),
        ]
    );
    assert!(problems.problems.iter().all(|problem| problem.code == "bad-setting"));
    assert_eq!(problems.position(&problems.problems[1]), Some(("preset.toml", 16, 31)));
}

#[test]
fn dotted_paths_lead_to_their_places() {
    let text = format!("{HEAD}{BASE}");
    let loaded = loaded(&[("playbook.toml", &text)], &[]);
    let at = |path: &str| {
        let place = loaded.place(path).unwrap();
        marked(&loaded.sources[place.file], place.start, place.len).to_owned()
    };
    assert_eq!(at("playbook.currency"), "\"CNY\"");
    assert_eq!(at("stage.value-rfm.settings.r_days.1"), "30");
    assert_eq!(
        at("features.orders_90d"),
        "{ count = \"order_paid\", window = \"90d\", unit = \"count\" }"
    );
    assert_eq!(at("stage.churn-7d.plugin"), "\"churn-7d\"");
    assert!(loaded.place("nothing.here").is_none());
}

#[test]
fn a_chain_of_files_has_an_end() {
    let chain = |length: usize| {
        let mut files =
            vec![("playbook.toml".to_owned(), format!("extends = \"1.toml\"\n{HEAD}{BASE}"))];
        for at in 1..length {
            files.push((format!("{at}.toml"), format!("extends = \"{}.toml\"\n", at + 1)));
        }
        files.push((format!("{length}.toml"), String::new()));
        files
    };
    let check = |files: Vec<(String, String)>| {
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        load(&files, &[])
    };
    assert!(check(chain(EXTENDS_DEPTH_MAX - 1)).is_ok());
    let problems = check(chain(EXTENDS_DEPTH_MAX)).unwrap_err();
    assert_eq!(problems.problems[0].code, "include-depth", "{}", problems.render());
}

#[test]
fn a_tree_of_files_has_a_bound() {
    // Each file includes 16 others: without a bound the count would grow sixteenfold with each level.
    let list = |level: usize| {
        (0..16).map(|at| format!("\"{level}-{at}.toml\"")).collect::<Vec<_>>().join(", ")
    };
    let mut files =
        vec![("playbook.toml".to_owned(), format!("include = [{}]\n{HEAD}{BASE}", list(1)))];
    for level in 1..6 {
        for at in 0..16 {
            files
                .push((format!("{level}-{at}.toml"), format!("include = [{}]\n", list(level + 1))));
        }
    }
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let problems = load(&files, &[]).unwrap_err();
    assert!(
        problems.problems.iter().any(|problem| problem.code == "too-many-files"),
        "{}",
        problems.render()
    );
    assert!(problems.sources.len() <= FILES_MAX);
}

/// A file that came over a network.
#[derive(Debug)]
struct Sent(String);

impl ReadFiles for Sent {
    fn read(&self, _path: &Path, _bytes_max: usize) -> io::Result<Vec<u8>> {
        Ok(self.0.clone().into_bytes())
    }

    fn may_name_files(&self) -> bool {
        false
    }
}

#[test]
fn a_playbook_that_was_sent_names_no_file_of_the_host() {
    let load =
        |text: String| load_with(Path::new("playbook.toml"), &[], &Limits::ceiling(), &Sent(text));
    let sound = format!("{HEAD}{BASE}");
    load(sound.clone()).unwrap();
    let cases = [
        ("\"value-rfm@^0.1\"", "{ path = \"/opt/plugins/a.wasm\" }"),
        ("\"value-rfm@^0.1\"", "{ path = \"a.wasm\" }"),
        ("\"value-rfm@^0.1\"", "\"./a.wasm\""),
        ("\"value-rfm@^0.1\"", "\"a.wasm\""),
        ("\"orders.csv\"", "\"/etc/passwd.csv\""),
        ("\"orders.csv\"", "\"../other-brand/orders.csv\""),
        ("\"orders.csv\"", "\"a/../../orders.csv\""),
    ];
    for (from, to) in cases {
        let text = sound.replace(from, to);
        assert_ne!(text, sound);
        let problems = load(text.clone()).expect_err(to);
        let [problem] = problems.problems.as_slice() else { panic!("{to}: {problems:?}") };
        assert_eq!(problem.code, "bad-path", "{to}");
        assert!(problem.hint.is_some() && problem.expected.is_some(), "{problem:?}");
        let (_, line, column) = problems.position(problem).unwrap();
        let said = text.lines().nth(line - 1).unwrap();
        assert!(
            said[column - 1..]
                .starts_with(to.trim_start_matches("{ path = ").trim_end_matches(" }")),
            "{said}"
        );
        // The same in a file of the host is the host's business.
        let own = Files(BTreeMap::from([(PathBuf::from("playbook.toml"), text)]));
        load_with(Path::new("playbook.toml"), &[], &Limits::ceiling(), &own).expect(to);
    }
}

const CARD: &str = r#"
[card]
name = "own-health"
version = "0.2.0"
model = "DG-1"
summary = { en = "Health as we see it", zh = "本品牌健康度" }

[stage]
kind = "diagnosis"
plugin = "score-card@^0.1"
bind = { nps = "orders_90d" }

[stage.settings]
finding_below = 3.0
indicator = { nps = { low = 0, high = 60 }, wau = { low = 0.05, high = 0.30 } }
"#;

fn with_card(stage: &str) -> Vec<(&'static str, String)> {
    vec![
        ("playbook.toml", format!("{HEAD}{BASE}{stage}")),
        ("cards/own-health.toml", CARD.to_owned()),
    ]
}

fn of_card(stage: &str, overrides: &[Override]) -> Result<Loaded, Problems> {
    let files = with_card(stage);
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    load(&files, overrides)
}

#[test]
fn a_stage_that_takes_a_card_says_only_what_differs() {
    let stage = "
[[stage]]
card = \"cards/own-health.toml\"
settings = { indicator = { nps = { high = 80 } } }
";
    let set = set("stage.own-health.settings.indicator.wau.low", "0.1");
    let loaded = of_card(stage, &[set]).unwrap_or_else(|problems| panic!("{}", problems.render()));
    let stage = loaded.playbook.stages.last().unwrap();
    assert_eq!((stage.name.as_str(), stage.kind.name()), ("own-health", "diagnosis"));
    let engine = PluginRef::Named { name: "score-card".to_owned(), version: "^0.1".to_owned() };
    assert_eq!((&stage.plugin, &stage.bind["nps"][..]), (&engine, "orders_90d"));
    assert_eq!(
        canonical_json(&stage.settings),
        r#"{"finding_below":3.0,"indicator":{"nps":{"high":80,"low":0},"wau":{"high":0.3,"low":0.1}}}"#
    );
    let card = stage.card.as_ref().unwrap();
    assert_eq!((&card.version[..], &card.model[..]), ("0.2.0", "DG-1"));
    assert_eq!(card.summary.zh.as_deref(), Some("本品牌健康度"));
    // What the plugin finds wrong stands where it was said: in the card, or in the stage.
    let line = |pointer: &str| {
        let place = loaded.settings_place("own-health", pointer).unwrap();
        loaded.sources[place.file].name.clone()
    };
    assert_eq!(line("/finding_below"), "cards/own-health.toml");
    assert_eq!(line("/indicator/nps/high"), "playbook.toml");
}

#[test]
fn a_layer_above_changes_a_stage_of_a_card_and_keeps_what_is_between() {
    let preset = format!(
        "{HEAD}{BASE}\n[[stage]]\ncard = \"cards/own-health.toml\"\nsettings = {{ finding_below = 2.5 }}\n"
    );
    let own = "extends = \"preset.toml\"\n[[stage]]\nname = \"own-health\"\nsettings = { indicator = { nps = { low = 10 } } }\n";
    let files = [("playbook.toml", own), ("preset.toml", &preset), ("cards/own-health.toml", CARD)];
    let stage = loaded(&files, &[]).playbook.stages.pop().unwrap();
    assert_eq!(stage.settings["finding_below"], 2.5);
    assert_eq!(stage.settings["indicator"]["nps"]["low"], 10);
    assert_eq!(stage.settings["indicator"]["wau"]["high"], 0.30);
    let own = "extends = \"preset.toml\"\n[[stage]]\nname = \"own-health\"\nplugin = \"other@^1\"\nkind = \"diagnosis\"\n";
    let files = [("playbook.toml", own), ("preset.toml", &preset), ("cards/own-health.toml", CARD)];
    let stage = loaded(&files, &[]).playbook.stages.pop().unwrap();
    assert_eq!((stage.settings, stage.card), (serde_json::json!({}), None));
}

#[test]
fn cards_that_cannot_be_taken_are_told_once() {
    let code_of = |stage: &str| {
        let problems = of_card(stage, &[]).unwrap_err().problems;
        let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
        codes.join(" ")
    };
    for (stage, codes) in [
        ("[[stage]]\ncard = \"no-such-card\"\n", "unknown-card"),
        ("[[stage]]\ncard = \"cards/absent.toml\"\n", "cannot-read"),
        ("[[stage]]\ncard = \"/etc/passwd.toml\"\n", "bad-path"),
        (
            "[[stage]]\ncard = \"playbook.toml\"\n",
            "missing-key unknown-key unknown-key unknown-key wrong-type",
        ),
        (
            "[[stage]]\ncard = \"cards/own-health.toml\"\nplugin = \"value-rfm\"\n",
            "conflicting-keys",
        ),
        ("[[stage]]\nname = \"x\"\n", "missing-key missing-key"),
        ("[[stage]]\nkind = \"scoring\"\n", "missing-key"),
    ] {
        assert_eq!(code_of(stage), codes, "{stage}");
    }
}

const CATALOGUE: &str = r#"
[catalogue]
orders_30d = { count = "order_paid", window = "30d", about = "Paid orders of 30 days" }
orders_90d = { count = "like", window = "90d" }
orders_gap = { expression = "orders_365d - orders_30d", type = "integer", unit = "count" }
views_30d = { count = "view", window = "30d" }
many_views = { expression = "views_30d * 2.0" }
spend_by_tier = { sum = "amount_minor", events = "order_paid", by = "no-such-stage.tier" }
rests_on_it = { mean = "spend_by_tier", over = "members", subject = "brand" }
campaigns_30d = { distinct = "campaign", window = "30d" }
mentions_by_topic = { count = "mention", subject = "topic" }
band = { attribute = "age_band" }
"#;

fn catalogued(rest: &str) -> Result<Loaded, Problems> {
    let own = format!("include = [\"catalogue.toml\"]\n{HEAD}{BASE}{rest}");
    load(&[("playbook.toml", &own), ("catalogue.toml", CATALOGUE)], &[])
}

#[test]
fn a_feature_of_the_catalogue_is_computed_where_somebody_asks_for_it() {
    let loaded = catalogued("[output]\norders = [\"orders_gap\"]\n")
        .unwrap_or_else(|problems| panic!("{}", problems.render()));
    let playbook = &loaded.playbook;
    let names = |asked: &[&str]| -> Vec<String> {
        let features = playbook.features_for(asked.iter().copied());
        features.into_iter().map(|feature| feature.name).collect()
    };
    // Named in the file, with what it rests on; `orders_90d` is the playbook's own.
    assert_eq!(names(&[]), ["orders_30d", "orders_gap", "orders_90d", "orders_365d"]);
    assert_eq!(
        names(&["many_views"]),
        ["orders_30d", "orders_gap", "views_30d", "many_views", "orders_90d", "orders_365d"]
    );
    assert!(playbook.catalogue.withheld["spend_by_tier"].contains("no-such-stage"));
    assert!(playbook.catalogue.withheld.contains_key("rests_on_it"));
    for (name, field) in
        [("campaigns_30d", "campaign"), ("mentions_by_topic", "topic"), ("band", "age_band")]
    {
        let why = format!("no source maps `{field}`");
        assert_eq!(playbook.catalogue.withheld[name], why);
    }
}

#[test]
fn a_feature_that_the_catalogue_cannot_give_is_a_problem_of_whoever_names_it() {
    let problems = catalogued("[output]\nrevenue = [\"rests_on_it\"]\n").unwrap_err().problems;
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("cannot be had here"), "{}", problems[0].message);
    let bound = "[[stage]]\nkind = \"scoring\"\nname = \"b\"\nplugin = \"value-rfm\"\nbind = { x = \"spend_by_tier\" }\n";
    assert_eq!(catalogued(bound).unwrap_err().problems[0].code, "unknown-feature");
}

#[test]
fn a_preset_that_the_program_has_not_is_told_with_those_that_it_has() {
    let own = format!("extends = \"preset:no-such-industry\"\n{HEAD}{BASE}");
    let problems = load(&[("playbook.toml", &own)], &[]).unwrap_err().problems;
    assert_eq!(problems[0].code, "cannot-read");
    assert!(problems[0].message.contains("preset:no-such-industry"));
}
