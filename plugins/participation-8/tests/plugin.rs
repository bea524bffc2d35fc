//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use participation_8::Participation;
use playbook_sdk::testing::{Data, json, plugin};

const NAMES: [&str; 12] = [
    "interactions_30d",
    "posts_30d",
    "answers_30d",
    "orders_90d",
    "active_days_30d",
    "shares_30d",
    "referral_join_90d",
    "campaigns_joined_30d",
    "cocreate_submit_90d",
    "cocreate_accepted_90d",
    "feedback_90d",
    "surveys_90d",
];

fn member(counts: [i64; 12]) -> Data {
    NAMES.iter().zip(counts).fold(Data::new(), |data, (name, count)| data.integer(name, [count]))
}

#[test]
fn the_check_of_the_model_is_met() {
    let given = plugin::<Participation>()
        .open()
        .unwrap()
        .score(&member([25, 1, 1, 1, 10, 2, 1, 2, 0, 0, 0, 0]))
        .unwrap();
    assert_eq!(given.rounded("index", 0), Some(32.2917));
    assert_eq!(given.rounded("coverage", 0), Some(1.0));
}

#[test]
fn referrals_count_three_and_accepted_ideas_two() {
    let opened = plugin::<Participation>().open().unwrap();
    let index = |counts| opened.score(&member(counts)).unwrap().rounded("index", 0);
    assert_eq!(index([0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]), Some(3.75));
    assert_eq!(index([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]), Some(12.5));
}

#[test]
fn members_of_whom_too_little_is_known_have_no_index() {
    let known = Data::new()
        .integer("interactions_30d", [Some(50), Some(50), None])
        .integer("orders_90d", [Some(3), Some(3), None])
        .integer("active_days_30d", [Some(20), Some(20), None])
        .integer("campaigns_joined_30d", [Some(4), None, None])
        .integer("posts_30d", [8, 8, 8]);
    let given = plugin::<Participation>().open().unwrap().score(&known).unwrap();
    assert_eq!(given.real("index", 0), Some(100.0));
    assert_eq!((given.real("index", 1), given.reason(1)), (None, Some("too-little-known")));
    // Posts without answers leave content contribution unknown, not smaller.
    assert_eq!((given.real("index", 2), given.rounded("coverage", 2)), (None, Some(0.0)));
}

#[test]
fn factors_add_up_to_the_index() {
    let opened = plugin::<Participation>().open().unwrap();
    let data = member([25, 1, 1, 1, 10, 2, 1, 2, 0, 0, 1, 0]);
    let index = opened.score(&data).unwrap().real("index", 0).unwrap();
    let sum: f64 = opened.explain(&data).unwrap().iter().map(|f| f.contribution).sum();
    assert!((sum - index).abs() < 1e-9, "{sum} {index}");
}

#[test]
fn no_rows_give_no_answers() {
    assert!(plugin::<Participation>().open().unwrap().score(&Data::empty()).unwrap().is_empty());
}

#[test]
fn wrong_settings_are_named_all_at_once() {
    let paths = |settings| {
        let problems = plugin::<Participation>().settings(settings).problems();
        problems.list().iter().map(|p| p.path.clone()).collect::<Vec<_>>()
    };
    let wrong =
        json!({ "targets": [0, 8, 3, 20, 10, 4, 2, 3], "weights": [0, 0, 0, 0, 0, 0, 0, -1] });
    assert_eq!(paths(wrong), ["/targets/0", "/weights/7"]);
    assert_eq!(paths(json!({ "weights": [0, 0, 0, 0, 0, 0, 0, 0] })), ["/weights"]);
    assert_eq!(paths(json!({ "target": 1 })), ["/target"]);
}
