//! The engine: settings that are refused, and a card of one's own.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, Test, json, plugin};
use playbook_sdk::{Frequency, Priority};
use reward_rules::RewardRules;

/// The first TOML block under the heading of the page of the engine.
fn card_of_the_page() -> &'static str {
    let page = include_str!("../../../docs/models/reward-rules.md");
    let block = page.split("## Make a card of your own").nth(1).unwrap();
    block.split("```toml\n").nth(1).unwrap().split("```").next().unwrap()
}

#[test]
fn the_card_of_the_page_gives_what_the_page_says() {
    let data = Data::new()
        .integer("orders_90d", [Some(0), Some(1), Some(3), None])
        .integer("aov_minor", [None, Some(20_009), Some(20_009), Some(20_009)]);
    let given =
        plugin::<RewardRules>().card(card_of_the_page()).open().unwrap().propose(&data).unwrap();
    let seen: Vec<_> =
        given.iter().map(|p| (p.row, p.action.as_str(), p.cost, p.expected_output)).collect();
    assert_eq!(seen, [(1, "small-coupon", 1_000, 4_001), (2, "large-coupon", 2_000, 8_003)]);
}

fn small() -> Test<RewardRules> {
    let words = json!({ "en": "x" });
    plugin::<RewardRules>().settings(json!({
        "order": ["gift", "coupon"],
        "reward": {
            "gift": { "when": "points >= 5", "words": words },
            "coupon": { "when": "points >= 1", "words": words, "cost": "rate * points", "expected": "50" },
        },
        "numbers": { "rate": 0.5 },
    }))
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    let cases: [(Value, &str, &str); 17] = [
        (json!({ "order": ["gift", "gone"] }), "/order/1", "no reward"),
        (json!({ "order": ["gift", "gift"] }), "/order/1", "already"),
        (json!({ "among": "points" }), "/among", "a condition"),
        (json!({ "reward": { "gift": { "when": "points >" } } }), "/reward/gift/when", "column 9"),
        (
            json!({ "reward": { "gift": { "cost": "points > 1" } } }),
            "/reward/gift/cost",
            "a number",
        ),
        (
            json!({ "reward": { "gift": { "expected": "'x'" } } }),
            "/reward/gift/expected",
            "a number",
        ),
        (json!({ "reward": { "gift": { "quantity": "" } } }), "/reward/gift/quantity", ""),
        (json!({ "reward": { "gift": { "done": "1" } } }), "/reward/gift/done", "a condition"),
        (json!({ "reward": { "gift": { "part": "short" } } }), "/reward/gift/part", "no name"),
        (json!({ "reward": { "gift": { "priority": "soon" } } }), "/reward/gift/priority", ""),
        (
            json!({ "reward": { "gift": { "quota_per_cycle": 3 } } }),
            "/reward/gift/quota_per_cycle",
            "who approves",
        ),
        (
            json!({ "reward": { "gift": { "after_min": 9, "until_min": 8 } } }),
            "/reward/gift/until_min",
            "before",
        ),
        (
            json!({ "reward": { "gift": { "care": true, "commercial": true } } }),
            "/reward/gift/care",
            "no offer",
        ),
        (json!({ "ladder": { "all": { "rungs": ["gone"] } } }), "/ladder/all/rungs/0", "not in"),
        (
            json!({ "ladder": { "all": { "rungs": ["gift"] }, "more": { "rungs": ["coupon", "gift"] } } }),
            "/ladder/more/rungs/1",
            "another ladder",
        ),
        (json!({ "part": { "short": { "share": 0.9 } } }), "/part", "add up to 1"),
        (json!({ "row_budget_minor": -1 }), "/row_budget_minor", ""),
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
    for (over, path) in [
        (json!({ "numbers": { "rates": 1 } }), "/numbers/rates"),
        (
            json!({ "part": { "all": { "share": 0.5 }, "al": { "share": 0.5 } }, "reward": { "gift": { "part": "all" } } }),
            "/part/al",
        ),
        (json!({ "row_budget_minor": 9 }), "/row_budget_minor"),
    ] {
        let problems = small().with(over.clone()).problems();
        let told = problems.list().iter().any(|problem| problem.path == path);
        assert!(told && problems.len() == 1, "{over}: {problems}");
    }
    // What is left out for now keeps what it uses.
    let late = json!({
        "when": "points > many", "done": "done > first", "cost": "dear", "expected": "due", "quantity": "pieces",
        "words": words, "part": "all",
    });
    let all = json!({
        "reward": { "late": late },
        "numbers": { "many": 9, "first": 1, "dear": 2, "due": 3, "pieces": 4 },
        "part": { "all": { "share": 1 }, "none": { "share": 0 } },
        "row_budget_minor": 9,
    });
    let problems = small().with(all).problems();
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn amounts_round_down_and_what_is_missing_gives_no_reward() {
    let data = Data::new()
        .integer("points", [Some(1), Some(3), None])
        .real("share", [Some(1.0), None, Some(1.0)]);
    let over = json!({ "reward": { "coupon": { "expected": "share * 99.99" } } });
    let given = small().with(over).open().unwrap().propose(&data).unwrap();
    let seen: Vec<_> = given.iter().map(|p| (p.row, p.cost, p.expected_output)).collect();
    assert_eq!(seen, [(0, 0, 99)]);
}

#[test]
fn amounts_below_0_cost_nothing_and_a_quantity_below_1_is_none() {
    let data = Data::new().integer("points", [1, 4]);
    let over =
        json!({ "numbers": { "rate": -2 }, "reward": { "coupon": { "quantity": "points / 4" } } });
    let given = small().with(over).open().unwrap().propose(&data).unwrap();
    let seen: Vec<_> = given.iter().map(|p| (p.row, p.cost, p.quantity)).collect();
    assert_eq!(seen, [(1, 0, 1)]);
}

#[test]
fn facts_of_a_reward_reach_its_action_and_its_proposals() {
    let over = json!({ "reward": { "gift": {
        "priority": "service", "family": "gifts", "purpose": "marketing", "commercial": true,
        "contacts_member": true, "frequency": "once-an-event", "needs_approval": true,
        "after_min": 60, "until_min": 90, "why": { "en": "because" },
    } } });
    let test = small().with(over);
    let shape = test.shape().unwrap();
    let gift = &shape.actions[0];
    assert_eq!(
        (gift.priority, gift.family.as_str(), gift.purpose.as_str()),
        (Priority::Service, "gifts", "marketing")
    );
    assert!(gift.commercial && gift.contacts_member && gift.needs_approval);
    assert_eq!(gift.frequency, Frequency::OnceAnEvent);
    assert_eq!(
        (shape.reasons[0].code.as_str(), shape.reasons[0].text.en.as_str()),
        ("gift", "because")
    );
    let plain = &shape.actions[1];
    assert_eq!((plain.priority, plain.family.as_str()), (Priority::Promotion, "coupon"));
    assert!(!plain.commercial && !plain.contacts_member && !plain.needs_approval);
    let given = test.open().unwrap().propose(&Data::new().integer("points", [5])).unwrap();
    assert_eq!((given[0].after_min, given[0].until_min), (60, Some(90)));
    assert_eq!((given[1].after_min, given[1].until_min), (0, None));
}

#[test]
fn a_ladder_gives_the_highest_rung_alone() {
    let data = Data::new().integer("points", [5, 4, 0]);
    let over = json!({ "ladder": { "all": { "rungs": ["coupon", "gift"] } } });
    let given = small().with(over).open().unwrap().propose(&data).unwrap();
    let seen: Vec<_> = given.iter().map(|p| (p.row, p.action.as_str())).collect();
    assert_eq!(seen, [(0, "gift"), (1, "coupon")]);
}
