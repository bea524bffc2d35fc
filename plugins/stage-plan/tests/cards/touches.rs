//! What the touches of the cards cost and bring, when they begin, and what the host is told of them.

use playbook_sdk::testing::{Data, Test, json};
use playbook_sdk::types::ActionInfo;
use stage_plan::StagePlan;

/// What goes out in a stage: row, touch, cost and expected output.
fn touched(test: &Test<StagePlan>, phase: u32, data: &Data) -> Vec<(usize, String, i64, i64)> {
    let given = test.open().unwrap().touch(phase, data).unwrap();
    given.into_iter().map(|p| (p.row, p.action, p.cost, p.expected_output)).collect()
}

/// A visitor of whom nothing but this is known.
fn visitor(known: &[(&str, i64)]) -> Data {
    let all = [
        "scene_triggers_1d",
        "consent_location",
        "is_member",
        "presale_joined",
        "interactions_30d",
        "days_since_last_order",
        "aov_minor",
    ];
    let of = |name: &str| known.iter().find(|(column, _)| *column == name).map(|(_, value)| *value);
    all.into_iter().fold(Data::new(), |data, name| data.integer(name, [of(name)]))
}

#[test]
fn ca_5_a_next_order_costs_5_yuan_and_is_expected_in_three_of_ten_cases() {
    let test = card!("scene-loop");
    let order = visitor(&[("days_since_last_order", 30)]);
    let large = visitor(&[("days_since_last_order", 30), ("aov_minor", 1_000_000)]);
    let want = |expected: i64| [(0, "next-order".to_owned(), 500, expected)];
    assert_eq!(touched(&test, 3, &order), want(3_000));
    assert_eq!(touched(&test, 3, &large), want(300_000));
    let sure = card!("scene-loop").with(json!({ "touches": { "numbers": { "response": 1 } } }));
    assert_eq!(touched(&sure, 3, &order), want(10_000));
    assert!(touched(&test, 3, &visitor(&[("days_since_last_order", 31)])).is_empty());
}

#[test]
fn ca_5_touches_begin_at_the_first_of_what_they_wait_for() {
    let goes_out = |phase: u32, known: &[(&str, i64)]| {
        let given = touched(&card!("scene-loop"), phase, &visitor(known));
        given.into_iter().next().map(|(_, action, ..)| action).unwrap_or_default()
    };
    let quiet = |phase: u32| [0, 1].map(|count| goes_out(phase, &[("interactions_30d", count)]));
    assert_eq!(quiet(0), ["content-invite", ""]);
    assert_eq!(quiet(1), ["", "question"]);
    for (triggers, consent, action) in
        [(1, 1, "place-greeting"), (2, 1, "place-greeting"), (0, 1, ""), (1, 0, ""), (1, 2, "")]
    {
        let known = [("scene_triggers_1d", triggers), ("consent_location", consent)];
        assert_eq!(goes_out(0, &known), action, "{known:?}");
    }
    for (member, joined, action) in [(1, 0, "presale"), (0, 0, ""), (2, 0, ""), (1, 1, "")] {
        let known = [("is_member", member), ("presale_joined", joined)];
        assert_eq!(goes_out(2, &known), action, "{known:?}");
    }
}

#[test]
fn ca_10_calls_begin_at_the_bounds_of_the_tiers() {
    let called = |interactions: i64| {
        let one = Data::new()
            .integer("interactions_30d", [interactions])
            .integer("cocreate_submit_90d", [0])
            .integer("feedback_90d", [0])
            .integer("cocreate_accepted_90d", [0]);
        let given = touched(&card!("cocreate").table(Data::empty()), 0, &one);
        given.first().map(|(_, action, ..)| action.clone()).unwrap_or_default()
    };
    let tiers = [0, 1, 10, 11, 50, 51].map(called);
    assert_eq!(tiers, ["", "call-basic", "call-basic", "call-deep", "call-deep", "call-cocreate"]);
}

/// The touches of a card of which something is true, in order.
fn which(test: &Test<StagePlan>, is: fn(&ActionInfo) -> bool) -> Vec<String> {
    let shape = test.shape().unwrap();
    shape.actions.into_iter().filter(is).map(|action| action.name).collect()
}

#[test]
fn every_touch_reaches_the_member_and_offers_count_against_commercial_caps() {
    for (test, offers, approved) in [
        (card!("scene-loop"), &["presale", "next-order"][..], &[][..]),
        (card!("cocreate"), &[], &["trial-seat"]),
    ] {
        assert_eq!(which(&test, |action| action.commercial), offers);
        assert_eq!(which(&test, |action| action.needs_approval), approved);
        assert!(which(&test, |action| !action.contacts_member).is_empty());
    }
}
