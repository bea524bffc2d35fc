//! The engine: settings that are refused, periods in a row, and a card of one's own.
#![allow(clippy::unwrap_used, reason = "tests")]

use monitor::Monitor;
use playbook_sdk::Level;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, Test, json, plugin};

/// The first TOML block under the heading of the page of the engine.
fn card_of_the_page() -> &'static str {
    let page = include_str!("../../../docs/models/monitor.md");
    let block = page.split("## Make a card of your own").nth(1).unwrap();
    block.split("```toml\n").nth(1).unwrap().split("```").next().unwrap()
}

#[test]
fn the_card_of_the_page_gives_what_the_page_says() {
    let data = Data::new()
        .real("reply_median_min", [Some(31.0), Some(31.0), Some(10.0), None])
        .integer("previous.1.slow_run", [Some(1), None, Some(5), Some(2)])
        .integer("previous.1.slow_gaps", [Some(0), None, Some(0), Some(0)]);
    let given = plugin::<Monitor>()
        .card(card_of_the_page())
        .table(data)
        .open()
        .unwrap()
        .diagnose()
        .unwrap();
    let levels: Vec<_> = (0..4).map(|row| given.table(0).category("level", row).unwrap()).collect();
    assert_eq!(levels, ["warn", "none", "none", "warn"]);
    let runs: Vec<_> = (0..4).map(|row| given.table(0).integer("slow_run", row).unwrap()).collect();
    assert_eq!(runs, [2, 1, 0, 2]);
    let first = &given.findings[0];
    assert_eq!((first.level, first.value, first.threshold), (Level::Warn, Some(31.0), Some(30.0)));
}

fn small() -> Test<Monitor> {
    let words = json!({ "en": "x" });
    plugin::<Monitor>().settings(json!({
        "rule": {
            "low": { "when": "points < 5", "words": words, "periods": 2, "suggests": ["help"] },
            "lower": { "when": "points < 2", "words": words, "level": "critical" },
        },
        "package": { "help": { "words": words } },
    }))
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    let cases: [(Value, &str, &str); 10] = [
        (json!({ "among": "3" }), "/among", "a condition"),
        (json!({ "rule": { "low": { "when": "points <" } } }), "/rule/low/when", "column 9"),
        (json!({ "rule": { "low": { "value": "points < 1" } } }), "/rule/low/value", "a number"),
        (json!({ "rule": { "low": { "effect": "'x'" } } }), "/rule/low/effect", "a number"),
        (json!({ "rule": { "low": { "periods": 0 } } }), "/rule/low/periods", ""),
        (json!({ "rule": { "low": { "level": "high" } } }), "/rule/low/level", ""),
        (json!({ "rule": { "low": { "suggests": ["gone"] } } }), "/rule/low/suggests/0", "no name"),
        (
            json!({ "rule": { "Low": { "when": "true", "words": { "en": "x" } } } }),
            "/rule/Low",
            "small letters",
        ),
        (
            json!({ "rule": { "low": { "when": "previous.1.lower_run > 1" } } }),
            "",
            "previous.1.lower_run",
        ),
        (json!({ "rank": { "most": 0 } }), "/rank/most", ""),
    ];
    for (over, path, message) in cases {
        let problems = small().with(over.clone()).problems();
        let told = problems.list().iter().any(|p| p.path == path && p.message.contains(message));
        assert!(told, "{over}: {problems}");
    }
    assert!(small().problems().is_empty());
    let problems = plugin::<Monitor>().settings(json!({ "rank": {} })).problems();
    assert_eq!(problems.list()[0].path, "/rank");
}

#[test]
fn a_name_that_nothing_uses_is_refused() {
    let ranked = |over: Value| small().with(json!({ "rank": {} })).with(over);
    let low = |more: Value| json!({ "rule": { "low": more } });
    for (test, path) in [
        (small().with(json!({ "numbers": { "few": 1 } })), "/numbers/few"),
        (small().with(low(json!({ "evidence": "3" }))), "/rule/low/evidence"),
        (ranked(low(json!({ "effect": "3" }))), "/rule/low/effect"),
    ] {
        let problems = test.problems();
        assert_eq!((problems.len(), problems.list()[0].path.as_str()), (1, path), "{problems}");
    }
    let effect = json!({ "effect": "3", "evidence": "3" });
    assert_eq!(small().with(low(effect.clone())).problems().len(), 2);
    assert!(ranked(low(effect)).problems().is_empty());
}

#[test]
fn a_rank_names_three_and_believes_an_effect_of_three_cases() {
    let low = json!({ "effect": "0.2", "evidence": "cases", "periods": 1 });
    let test = small().with(json!({ "rank": {}, "rule": { "low": low } }));
    let shape = test.shape().unwrap();
    let named = shape.produces.iter().filter(|p| p.name.ends_with("_effect"));
    assert_eq!(named.count(), 3);
    let data = Data::new().integer("points", [4, 4]).integer("cases", [2, 3]);
    let given = test.table(data).open().unwrap().diagnose().unwrap();
    let effects = [0, 1].map(|row| given.table(0).real("suggestion_1_effect", row));
    assert_eq!(effects, [None, Some(0.2)]);
}

#[test]
fn a_rule_waits_for_its_periods_and_gaps_follow_the_rule_of_gaps() {
    let data = Data::new()
        .integer("points", [Some(4), Some(4), None, None, None, Some(5)])
        .integer("previous.1.low_run", [None, Some(1), Some(2), Some(2), Some(1), Some(9)])
        .integer("previous.1.low_gaps", [None, Some(0), Some(0), Some(1), Some(0), Some(0)]);
    let given = small().table(data).open().unwrap().diagnose().unwrap();
    let table = given.table(0);
    let seen: Vec<_> = (0..6)
        .map(|row| {
            (
                table.integer("low_run", row).unwrap(),
                table.integer("low_gaps", row).unwrap(),
                table.integer("fired", row).unwrap(),
            )
        })
        .collect();
    assert_eq!(seen, [(1, 0, 0), (2, 0, 1), (2, 1, 1), (0, 2, 0), (1, 1, 0), (0, 0, 0)]);
}

#[test]
fn the_greatest_level_is_given_and_rows_that_are_not_watched_have_none() {
    let data = Data::new()
        .integer("points", [1, 3, 1])
        .integer("previous.1.low_run", [1, 1, 1])
        .integer("watched", [1, 1, 0]);
    let watched = small().with(json!({ "among": "watched = 1" }));
    let given = watched.table(data).open().unwrap().diagnose().unwrap();
    let levels: Vec<_> = (0..3).map(|row| given.table(0).category("level", row)).collect();
    assert_eq!(levels, [Some("critical"), Some("watch"), None]);
    assert_eq!(given.findings_of("lower").count(), 1);
    assert_eq!(given.findings_of("low").count(), 2);
}

#[test]
fn a_rule_may_ask_the_brand() {
    let over = json!({ "rule": { "lower": { "when": "points < brand.bar" } } });
    let data = Data::new().integer("points", [7, 9]);
    let brand = Data::new().real("bar", [8.0]);
    let given = small().with(over).table(data).table(brand).open().unwrap().diagnose().unwrap();
    assert_eq!(given.findings_of("lower").count(), 1);
}
