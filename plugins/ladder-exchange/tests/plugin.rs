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
