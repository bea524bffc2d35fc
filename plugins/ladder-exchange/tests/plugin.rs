//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use ladder_exchange::LadderExchange;
use playbook_sdk::testing::{Data, json, plugin};

fn members() -> Data {
    Data::new()
        .integer("points_90d", [Some(0), Some(50), Some(200), Some(2_000), Some(2_500), None])
        .integer(
            "points_balance",
            [Some(0), Some(50), Some(200), Some(2_000), Some(300), Some(9_000)],
        )
        .integer("aov_minor", [30_000, 30_000, 30_000, 30_000, 30_000, 30_000])
}

#[test]
fn y025_each_member_gets_the_highest_payable_rung() {
    let proposed = plugin::<LadderExchange>().open().unwrap().propose(&members()).unwrap();
    let seen: Vec<_> = proposed
        .iter()
        .map(|p| (p.row, p.action.as_str(), p.cost, p.expected_output, p.reason.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (1, "points", 10, 300, "rung-points"),
            (2, "coupon", 3_000, 12_000, "rung-coupon"),
            (3, "custom", 3_000, 18_000, "rung-custom"),
            (4, "coupon", 3_000, 12_000, "fell-back"),
        ]
    );
    assert_eq!(proposed[0].quantity, 10);
}

#[test]
fn in_2_what_is_proposed_returns_at_least_the_ratio() {
    for proposal in plugin::<LadderExchange>().open().unwrap().propose(&members()).unwrap() {
        assert!(proposal.expected_output >= 4 * proposal.cost, "{proposal:?}");
    }
}

/// What is proposed to a member with these points and this mean order: action, cost, expected output.
fn one(
    settings: playbook_sdk::serde_json::Value,
    points: i64,
    order: Option<i64>,
) -> Option<(String, i64, i64)> {
    let data = Data::new()
        .integer("points_90d", [points])
        .integer("points_balance", [points])
        .integer("aov_minor", [order]);
    let test = plugin::<LadderExchange>().settings(settings);
    let given = test.open().unwrap().propose(&data).unwrap();
    given.first().map(|p| (p.action.clone(), p.cost, p.expected_output))
}

#[test]
fn in_2_rungs_begin_at_their_points() {
    for (points, rung) in [(199, "points"), (200, "coupon"), (1_999, "coupon"), (2_000, "custom")] {
        let given = one(json!({}), points, Some(30_000)).unwrap();
        assert_eq!(given.0, rung, "{points}");
    }
}

#[test]
fn in_2_a_coupon_has_a_tenth_of_an_order_up_to_50_yuan() {
    let face = |order: i64| one(json!({}), 200, Some(order)).unwrap().1;
    assert_eq!(
        [20_000, 49_990, 50_000, 50_010, 90_000].map(face),
        [2_000, 4_999, 5_000, 5_000, 5_000]
    );
}

#[test]
fn in_2_a_coupon_shrinks_until_it_returns_four_times_its_face() {
    let face = |response: f64| {
        let settings = json!({ "response": [0.01, response, 0.60] });
        one(settings, 200, Some(30_000)).unwrap().1
    };
    assert_eq!([0.41, 0.40, 0.3999, 0.20].map(face), [3_000, 3_000, 2_999, 1_500]);
}

#[test]
fn in_2_a_member_without_orders_is_expected_to_order_for_100_yuan() {
    let sure = json!({ "response": [1.0, 0.40, 0.60] });
    assert_eq!(one(sure, 10, None), Some(("points".to_owned(), 10, 10_000)));
}

#[test]
fn y025_third_rung_asks_a_person_and_only_offers_are_commercial() {
    let shape = plugin::<LadderExchange>().shape().unwrap();
    let flags: Vec<_> = shape
        .actions
        .iter()
        .map(|a| (a.needs_approval, a.commercial, a.contacts_member, a.purpose.as_str()))
        .collect();
    assert_eq!(
        flags,
        [
            (false, false, false, ""),
            (false, true, true, "marketing"),
            (true, true, true, "marketing")
        ]
    );
}

#[test]
fn members_without_a_known_balance_or_order_get_points_alone() {
    let data = Data::new()
        .integer("points_90d", [2_500, 2_500])
        .integer("points_balance", [None, Some(250)]);
    let proposed = plugin::<LadderExchange>().open().unwrap().propose(&data).unwrap();
    assert!(
        proposed.iter().all(|p| p.action == "points" && p.reason == "fell-back"),
        "{proposed:?}"
    );
    assert_eq!(proposed.len(), 2);
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "coupon_points": 2_000 }), "/custom_points"),
        (json!({ "response": [0.1, 1.5, 0.1] }), "/response/1"),
        (json!({ "output_ratio_min": 0.0 }), "/output_ratio_min"),
        (json!({ "coupon_face_share": -0.1 }), "/coupon_face_share"),
        (json!({ "custom_cost_minor": -1 }), "/custom_cost_minor"),
    ] {
        let problems = plugin::<LadderExchange>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
