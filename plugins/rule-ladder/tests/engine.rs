//! The engine: settings that are refused, and a card of one's own.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, Test, json, plugin};
use rule_ladder::RuleLadder;

/// The first TOML block of the page of the engine.
fn card_of_the_page() -> &'static str {
    let page = include_str!("../../../docs/models/rule-ladder.md");
    let block = page.split("## Make a card of your own").nth(1).unwrap();
    block.split("```toml\n").nth(1).unwrap().split("```").next().unwrap()
}

#[test]
fn the_card_of_the_page_gives_what_the_page_says() {
    let data = Data::new()
        .integer("orders_365d", [Some(0), Some(1), Some(6), None])
        .text("churn-7d.level", ["ok", "ok", "critical", "ok"])
        .integer("days_since_join", [400, 20, 400, 400]);
    let given =
        plugin::<RuleLadder>().card(card_of_the_page()).open().unwrap().assign(&data).unwrap();
    let segments: Vec<_> = (0..4).map(|row| given.segment(row)).collect();
    assert_eq!(segments, [Some("guest"), Some("buyer"), Some("regular"), None]);
    assert_eq!([given.real("discount", 0), given.real("discount", 2)], [Some(0.0), Some(0.1)]);
    assert_eq!([given.integer("leaving", 1), given.integer("leaving", 2)], [Some(0), Some(1)]);
    assert_eq!((given.reason(2), given.reason(1)), (Some("leaving"), None));
}

fn small() -> Test<RuleLadder> {
    let words = json!({ "en": "x" });
    plugin::<RuleLadder>().settings(json!({
        "order": ["low", "high"],
        "numbers": { "bound": 5 },
        "segment": {
            "low": { "when": "points < bound", "words": words },
            "high": { "when": "points >= bound", "words": words },
        },
    }))
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    let words = json!({ "en": "x" });
    let cases: [(Value, &str, &str); 20] = [
        (json!({ "order": [] }), "/order", ""),
        (json!({ "order": ["low", "low"] }), "/order/1", "already"),
        (json!({ "order": ["low", "mid"] }), "/order/1", "no segment"),
        (json!({ "output": "Tier" }), "/output", "small letters"),
        (json!({ "output": "a-b_c" }), "/output", "small letters"),
        (json!({ "hysteresis_cycles": 53 }), "/hysteresis_cycles", ""),
        (json!({ "among": "points >" }), "/among", "column 9"),
        (
            json!({ "segment": { "low": { "when": "points << 3" } } }),
            "/segment/low/when",
            "column 9",
        ),
        (
            json!({ "segment": { "low": { "when": "points = 'x'" } } }),
            "/segment/high/when",
            "the other side is one",
        ),
        (json!({ "segment": { "low": { "after": 0 } } }), "/segment/low/after", ""),
        (json!({ "segment": { "lower": { "when": "true" } } }), "/segment/lower/words/en", ""),
        (
            json!({ "segment": { "low": { "values": { "cap": 1 } } } }),
            "/segment/low/values/cap",
            "no name",
        ),
        (
            json!({ "segment": { "low": { "choices": { "care": "x" } } } }),
            "/segment/low/choices/care",
            "no name",
        ),
        (
            json!({ "value": { "cap": { "words": words, "most": 1 } }, "segment": { "low": { "values": { "cap": 2 } } } }),
            "/segment/low/values/cap",
            "outside the bounds",
        ),
        (json!({ "choice": { "care": { "words": words } } }), "/choice/care", "by no segment"),
        (
            json!({ "flag": { "low": { "when": "true", "words": words } } }),
            "/flag/low",
            "segment too",
        ),
        (
            json!({ "flag": { "segment": { "when": "true", "words": words } } }),
            "/flag/segment",
            "two outputs",
        ),
        (
            json!({ "flag": { "up": { "when": "3", "words": words } } }),
            "/flag/up/when",
            "a condition",
        ),
        (json!({ "among": "previous.1.gone > 1" }), "", "previous.1.gone"),
        (json!({ "among": "previous.3.segment = 'low'" }), "", "previous.3.segment"),
    ];
    for (over, path, message) in cases {
        let problems = small().with(over.clone()).problems();
        let told = problems.list().iter().any(|p| p.path == path && p.message.contains(message));
        assert!(told, "{over}: {problems}");
    }
    assert!(small().problems().is_empty());
}

#[test]
fn a_name_that_nothing_uses_is_refused() {
    let words = json!({ "en": "x" });
    for (over, path, hint) in [
        (json!({ "numbers": { "bond": 6 } }), "/numbers/bond", "did you mean `bound`?"),
        (json!({ "numbers": { "days": 6 } }), "/numbers/days", "they use `bound`"),
        (json!({ "value": { "cap": { "words": words } } }), "/value/cap", ""),
    ] {
        let problems = small().with(over.clone()).problems();
        let told = problems.list().iter().any(|problem| {
            problem.path == path && problem.hint.as_deref().unwrap_or_default() == hint
        });
        assert!(told && problems.len() == 1, "{over}: {problems}");
    }
    // What is left out for now keeps what it uses.
    let all = json!({
        "segment": {
            "top": { "when": "points > high AND rate > 1", "words": words, "values": { "cap": 1 } },
        },
        "numbers": { "high": 9 },
        "value": { "cap": { "words": words } },
    });
    let problems = small().with(all).problems();
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn rows_that_are_not_judged_belong_to_no_segment() {
    let data =
        Data::new().integer("points", [Some(5), Some(4), None]).real("key_rate", [0.0, 1.0, 1.0]);
    let among = small().with(json!({ "among": "key_rate > 0" })).open().unwrap();
    let given = among.assign(&data).unwrap();
    assert_eq!([given.segment(0), given.segment(1), given.segment(2)], [None, Some("low"), None]);
}

#[test]
fn a_rule_may_ask_the_brand() {
    let brand = Data::new().text("health-7x28.level", ["weak"]).real("nps", [30.0]);
    let rule = "brand.health-7x28.level = 'weak' and brand.nps <= 40 and points > 0";
    let over = json!({ "segment": { "high": { "when": rule } } });
    let data = Data::new().integer("points", [9, 0]);
    let given = small().with(over.clone()).table(brand).open().unwrap().assign(&data).unwrap();
    assert_eq!([given.segment(0), given.segment(1)], [Some("high"), Some("low")]);
    let unknown = Data::new().text("health-7x28.level", [None::<&str>]).real("nps", [30.0]);
    let given = small().with(over.clone()).table(unknown).open().unwrap().assign(&data).unwrap();
    assert_eq!(given.segment(0), None);
    let given = small().with(over).table(Data::empty()).open().unwrap().assign(&data).unwrap();
    assert_eq!(given.segment(0), None);
}

#[test]
fn a_rule_may_ask_what_the_stage_said_two_cycles_ago() {
    let rule = "previous.1.segment = 'low' and previous.2.segment = 'low'";
    let over = json!({ "segment": { "high": { "when": rule } } });
    let data = Data::new()
        .integer("points", [9, 9])
        .text("previous.1.segment", [Some("low"), Some("low")])
        .text("previous.2.segment", [Some("low"), None]);
    let given = small().with(over).open().unwrap().assign(&data).unwrap();
    assert_eq!([given.segment(0), given.segment(1)], [Some("high"), None]);
}

#[test]
fn a_rise_that_waits_is_given_after_as_many_evaluations() {
    let over = json!({ "ordered": true, "segment": {
        "low": { "when": "points >= 0" }, "high": { "after": 3 } } });
    let data = Data::new()
        .integer("points", [9, 9, 9, 4, 9])
        .text("previous.1.segment", [None, Some("low"), Some("low"), Some("low"), Some("high")])
        .integer("previous.1.high_run", [None, Some(1), Some(2), Some(2), Some(7)]);
    let given = small().with(over).open().unwrap().assign(&data).unwrap();
    let seen: Vec<_> = (0..5)
        .map(|row| (given.segment(row), given.integer("high_run", row), given.reason(row)))
        .collect();
    let waits = Some("rise-waits");
    assert_eq!(
        seen,
        [
            (Some("low"), Some(1), waits),
            (Some("low"), Some(2), waits),
            (Some("high"), Some(3), None),
            (Some("low"), Some(3), None),
            (Some("high"), Some(8), None),
        ]
    );
}

#[test]
fn a_fall_is_given_at_the_second_lower_evaluation_where_a_card_says_nothing_of_it() {
    let over = json!({ "ordered": true, "segment": { "low": { "when": "points >= 0" } } });
    let data = Data::new()
        .integer("points", [4, 4])
        .text("previous.1.segment", ["high", "high"])
        .integer("previous.1.lower_run", [0, 1]);
    let given = small().with(over).open().unwrap().assign(&data).unwrap();
    assert_eq!([given.segment(0), given.segment(1)], [Some("high"), Some("low")]);
}
