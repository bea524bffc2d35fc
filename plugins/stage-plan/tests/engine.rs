//! The engine: settings that are refused, money, and a card of one's own.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, Test, json, plugin};
use stage_plan::StagePlan;

/// The first TOML block under the heading of the page of the engine.
fn card_of_the_page() -> &'static str {
    let page = include_str!("../../../docs/models/stage-plan.md");
    let block = page.split("## Make a card of your own").nth(1).unwrap();
    block.split("```toml\n").nth(1).unwrap().split("```").next().unwrap()
}

#[test]
fn the_card_of_the_page_gives_what_the_page_says() {
    let opened = plugin::<StagePlan>().card(card_of_the_page()).open().unwrap();
    let plan = opened.plan(10_001).unwrap();
    let seen: Vec<_> =
        plan.phases.iter().map(|p| (p.name.as_str(), p.first_day, p.days, p.budget)).collect();
    assert_eq!(seen, [("tease", 0, 7, 3_000), ("open", 7, 3, 7_001)]);
    assert_eq!((plan.gates.len(), plan.gates[0].phase), (1, 1));
    let members = Data::new().integer("orders_90d", [0, 1]);
    assert!(opened.touch(0, &members).unwrap().is_empty());
    let given = opened.touch(1, &members).unwrap();
    assert_eq!(
        given.iter().map(|p| (p.row, p.action.as_str())).collect::<Vec<_>>(),
        [(1, "invitation")]
    );
}

fn small() -> Test<StagePlan> {
    let words = json!({ "en": "x" });
    plugin::<StagePlan>().settings(json!({
        "order": ["one", "two"],
        "stage": {
            "one": { "days": 3, "share": 0.5, "words": words },
            "two": { "days": 4, "share": 0.5, "words": words, "touches": ["hello"] },
        },
        "touches": { "order": ["hello"], "reward": { "hello": { "when": "points > 1", "words": words } } },
    }))
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    let words = json!({ "en": "x" });
    let milestone = |more: Value| {
        let mut milestone = json!({ "words": words });
        more.as_object().unwrap().iter().for_each(|(key, value)| milestone[key] = value.clone());
        json!({ "milestone": { "m": milestone } })
    };
    let cases: [(Value, &str, &str); 19] = [
        (json!({ "order": ["one", "three"] }), "/order/1", "no stage"),
        (json!({ "order": ["one", "one"] }), "/order/1", "already"),
        (json!({ "stage": { "one": { "months": 2 } } }), "/stage/one", "either"),
        (json!({ "stage": { "one": { "days": null } } }), "/stage/one", "either"),
        (json!({ "stage": { "one": { "days": 0 } } }), "/stage/one/days", ""),
        (json!({ "stage": { "one": { "share": 0.51 } } }), "/order", "more than 1"),
        (json!({ "stage": { "two": { "touches": ["bye"] } } }), "/stage/two/touches", "no touch"),
        (json!({ "stage": { "two": { "gate": { "g": {} } } } }), "/stage/two/gate/g/metric", ""),
        (
            json!({ "stage": { "two": { "content": { "mix": { "a": 0.5 } } } } }),
            "/stage/two/content/mix",
            "add up",
        ),
        (
            json!({ "stage": { "two": { "content": { "mix": { "a": 1.5, "b": -0.5 } } } } }),
            "/stage/two/content/mix",
            "add up",
        ),
        (json!({ "when": "wau_ratio < 1" }), "", "brand.wau_ratio"),
        (json!({ "when": "brand.x <" }), "/when", "column 10"),
        (json!({ "elapsed": "brand.x > 1" }), "/elapsed", "a number"),
        (milestone(json!({})), "/milestone/m", "either"),
        (milestone(json!({ "day": 1, "month": 1 })), "/milestone/m", "either"),
        (milestone(json!({ "day": 1, "done": "3" })), "/milestone/m/done", "a condition"),
        (json!({ "pick": { "by": ["brand.weakest"] } }), "/touches", "with `pick`"),
        (
            json!({ "touches": { "reward": { "hello": { "when": "points" } } } }),
            "/touches/reward/hello/when",
            "a condition",
        ),
        (
            json!({ "order": ["one", "two", "hello"], "stage": { "hello": { "days": 1, "words": words } } }),
            "/stage/hello",
            "a touch too",
        ),
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
    let bye = json!({ "when": "points > 2", "words": words });
    for (over, path) in [
        (json!({ "numbers": { "rates": 1 } }), "/numbers/rates"),
        (json!({ "touches": { "numbers": { "rates": 1 } } }), "/touches/numbers/rates"),
        (
            json!({ "touches": { "order": ["hello", "bye"], "reward": { "bye": bye } } }),
            "/touches/order/1",
        ),
        (json!({ "stage": { "two": { "lifts": ["x"] } } }), "/stage/two/lifts"),
    ] {
        let problems = small().with(over.clone()).problems();
        let told = problems.list().iter().any(|problem| problem.path == path);
        assert!(told && problems.len() == 1, "{over}: {problems}");
    }
    // What is left out for now keeps what it uses.
    let problems = small().with(json!({ "order": ["one"] })).problems();
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn money_is_split_to_the_unit_and_never_beyond_the_budget() {
    let opened = small().open().unwrap();
    for (budget, want) in [
        (0, [0, 0]),
        (1, [0, 1]),
        (1_001, [500, 501]),
        (i64::MAX / 4, [i64::MAX / 8, i64::MAX / 8 + 1]),
    ] {
        let plan = opened.plan(budget).unwrap();
        let money: Vec<_> = plan.phases.iter().map(|p| p.budget).collect();
        if budget < 2_000 {
            assert_eq!(money, want);
        }
        assert!(money.iter().sum::<i64>() <= budget && money.iter().all(|money| *money >= 0));
    }
}

#[test]
fn months_and_days_follow_each_other() {
    let over = json!({ "stage": { "one": { "days": null, "months": 1 }, "two": { "days": null, "months": 1 } } });
    let plan = small().with(over).open().unwrap().plan(0).unwrap();
    // From 2025-01-01: January, February.
    let days: Vec<_> = plan.phases.iter().map(|p| (p.first_day, p.days)).collect();
    assert_eq!(days, [(0, 31), (31, 28)]);
    let over = json!({ "together": true });
    let plan = small().with(over).open().unwrap().plan(0).unwrap();
    assert_eq!(
        plan.phases.iter().map(|p| (p.first_day, p.days)).collect::<Vec<_>>(),
        [(0, 3), (0, 4)]
    );
}

#[test]
fn a_condition_and_a_touch_may_both_ask_the_brand() {
    let over = json!({
        "when": "brand.wau_ratio < 0.2",
        "touches": { "reward": { "hello": { "when": "points > brand.bar and brand.mood = 'low'" } } },
    });
    let brand = Data::new().real("wau_ratio", [0.1]).real("bar", [5.0]).text("mood", ["low"]);
    let opened = small().with(over).table(brand).open().unwrap();
    assert_eq!(opened.plan(0).unwrap().phases.len(), 2);
    let given = opened.touch(1, &Data::new().integer("points", [5, 6])).unwrap();
    assert_eq!(
        given.iter().map(|p| (p.row, p.reason.as_str())).collect::<Vec<_>>(),
        [(1, "hello")]
    );
}
