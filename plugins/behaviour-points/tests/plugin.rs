//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use behaviour_points::BehaviourPoints;
use playbook_sdk::testing::{Data, json, plugin};

#[test]
fn y001_counts_are_capped_per_day_and_summed_over_kinds() {
    let data = Data::new()
        .integers("daily_like_30d", [vec![12, 0, 3]])
        .integers("daily_post_30d", [vec![0, 5, 1]])
        .integer("order_units_30d", [7])
        .integer("order_units_1d", [2]);
    let given = plugin::<BehaviourPoints>().open().unwrap().score(&data).unwrap();
    // Likes 10 + 3, posts 3 * 8 + 8, orders 7; today likes 3, one post, two units.
    assert_eq!(given.integer("points_30d", 0), Some(13 + 32 + 7));
    assert_eq!(given.integer("points_today", 0), Some(3 + 8 + 2));
}

#[test]
fn factors_add_up_to_the_points() {
    for (settings, data) in [
        (
            json!({}),
            Data::new()
                .integers("daily_like_30d", [vec![12, 0, 3]])
                .integer("order_units_30d", [7]),
        ),
        (json!({ "input": "totals", "orders": "none" }), Data::new().integer("vote_30d", [95])),
    ] {
        let opened = plugin::<BehaviourPoints>().settings(settings).open().unwrap();
        let points = opened.score(&data).unwrap().integer("points_30d", 0).unwrap();
        let sum: f64 = opened.explain(&data).unwrap().iter().map(|f| f.contribution).sum();
        assert_eq!(sum, points as f64);
    }
}

#[test]
fn unmeasured_kinds_add_nothing_and_nothing_measured_is_missing() {
    let data = Data::new()
        .integers("daily_sign_in_30d", [Some(vec![1_i64; 30]), Some(vec![]), None])
        .integer("order_units_30d", [None::<i64>, None, None]);
    let given = plugin::<BehaviourPoints>().open().unwrap().score(&data).unwrap();
    assert_eq!(given.integer("points_30d", 0), Some(30));
    assert_eq!(given.integer("points_30d", 1), Some(0));
    assert_eq!((given.integer("points_30d", 2), given.reason(2)), (None, Some("nothing-known")));
}

#[test]
fn totals_are_capped_as_a_whole_and_know_no_today() {
    let data = Data::new().integer("sign_in_30d", [45]).integer("cocreate_accepted_30d", [2]);
    let totals =
        plugin::<BehaviourPoints>().settings(json!({ "input": "totals", "orders": "none" }));
    let given = totals.open().unwrap().score(&data).unwrap();
    assert_eq!(given.integer("points_30d", 0), Some(30 + 60));
    assert_eq!(given.integer("points_today", 0), None);
}

#[test]
fn amounts_count_full_units_of_each_order() {
    let data = Data::new()
        .integers("order_amounts_30d_minor", [vec![2_999, 999, 1_000]])
        .integers("order_amounts_1d_minor", [vec![1_000]]);
    let amounts = plugin::<BehaviourPoints>().settings(json!({ "orders": "amounts" }));
    let given = amounts.open().unwrap().score(&data).unwrap();
    assert_eq!(
        (given.integer("points_30d", 0), given.integer("points_today", 0)),
        (Some(3), Some(1))
    );
}

#[test]
fn a_table_of_ones_own_replaces_the_standard_one() {
    let own = plugin::<BehaviourPoints>().settings(
        json!({ "kinds": { "dance": { "points": 7, "daily_cap": 2 } }, "orders": "none" }),
    );
    assert_eq!(own.shape().unwrap().rows.unwrap().columns.len(), 1);
    let data = Data::new().integers("daily_dance_30d", [vec![1, 9]]);
    assert_eq!(own.open().unwrap().score(&data).unwrap().integer("points_30d", 0), Some(21));
}

#[test]
fn sc_1_standard_table_holds_the_eighteen_kinds_of_the_model() {
    let columns = plugin::<BehaviourPoints>().shape().unwrap().rows.unwrap().columns;
    assert_eq!(columns.len(), 18 + 2);
    assert!(columns.iter().all(|need| !need.required));
    // Points of one, and how many of a day count; a kind without a cap counts them all.
    for (kind, points, counted) in [
        ("sign_in", 1, Some(1)),
        ("like", 1, Some(10)),
        ("vote", 1, Some(3)),
        ("comment", 3, Some(10)),
        ("topic_join", 4, Some(3)),
        ("live_interact", 3, Some(5)),
        ("survey", 5, Some(1)),
        ("task_done", 5, Some(3)),
        ("share", 5, Some(3)),
        ("answer", 6, Some(5)),
        ("review", 6, Some(2)),
        ("post", 8, Some(3)),
        ("feedback", 10, Some(2)),
        ("feedback_adopted", 15, None),
        ("cocreate_submit", 15, Some(1)),
        ("cocreate_accepted", 30, None),
        ("referral_join", 20, Some(5)),
        ("referral_purchase", 50, Some(5)),
    ] {
        let on = |count: i64| {
            let data = Data::new().integers(&format!("daily_{kind}_30d"), [vec![count]]);
            let given = plugin::<BehaviourPoints>().open().unwrap().score(&data).unwrap();
            given.integer("points_30d", 0).unwrap()
        };
        let most = counted.unwrap_or(1_000);
        assert_eq!([on(1), on(most), on(1_000)], [points, points * most, points * most], "{kind}");
        assert!(most == 1 || on(most - 1) < on(most), "{kind}");
    }
}

#[test]
fn a_kind_of_ones_own_is_worth_a_point_and_has_no_cap() {
    let own =
        plugin::<BehaviourPoints>().settings(json!({ "kinds": { "dance": {} }, "orders": "none" }));
    let data = Data::new().integers("daily_dance_30d", [vec![1, 99]]);
    assert_eq!(own.open().unwrap().score(&data).unwrap().integer("points_30d", 0), Some(100));
}

#[test]
fn wrong_tables_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "kinds": {} }), "/kinds"),
        (json!({ "kinds": { "Like it": { "points": 1 } } }), "/kinds/Like it"),
        (json!({ "kinds": { "like": { "points": -1 } } }), "/kinds/like/points"),
        (json!({ "kinds": { "like": { "daily_cap": -1 } } }), "/kinds/like/daily_cap"),
        (json!({ "order_unit_minor": 0 }), "/order_unit_minor"),
    ] {
        let problems = plugin::<BehaviourPoints>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
