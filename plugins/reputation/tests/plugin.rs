//! SC-11 week by week.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, RowsGiven, json, plugin};
use reputation::Reputation;

/// Reviews, adopted answers, minor and major violations and frauds of a week.
type Week = [i64; 5];

const QUIET: Week = [0; 5];
const NAMES: [&str; 5] = [
    "positive_reviews_received_7d",
    "answers_adopted_7d",
    "violations_7d_minor",
    "violations_7d_major",
    "violations_7d_fraud",
];

fn ask(settings: &Value, before: Option<f64>, week: Week) -> RowsGiven {
    let data = (0..5).fold(Data::new(), |data, at| data.integer(NAMES[at], [week[at]]));
    let data = data.real("previous.1.score", [before]);
    plugin::<Reputation>().settings(settings).open().unwrap().score(&data).unwrap()
}

fn after(before: f64, week: Week) -> Option<f64> {
    ask(&json!({}), Some(before), week).real("score", 0)
}

#[test]
fn sc_11_everybody_starts_at_60_and_stays_there_when_quiet() {
    assert_eq!(ask(&json!({}), None, QUIET).real("score", 0), Some(60.0));
    assert_eq!(after(60.0, QUIET), Some(60.0));
}

#[test]
fn sc_11_praise_and_violations_have_their_points() {
    assert_eq!(after(60.0, [1, 0, 0, 0, 0]), Some(61.0));
    assert_eq!(after(60.0, [5, 0, 0, 0, 0]), Some(65.0));
    assert_eq!(after(60.0, [50, 0, 0, 0, 0]), Some(65.0));
    assert_eq!(after(60.0, [0, 1, 0, 0, 0]), Some(62.0));
    assert_eq!(after(60.0, [0, 4, 0, 0, 0]), Some(68.0));
    assert_eq!(after(60.0, [0, 0, 1, 0, 0]), Some(50.0));
    assert_eq!(after(60.0, [0, 0, 0, 1, 0]), Some(30.0));
    assert_eq!(after(60.0, [0, 0, 0, 0, 1]), Some(0.0));
    // Above where it ends at 0; the week takes the point of the drift as well.
    assert_eq!(after(90.0, [0, 0, 0, 0, 1]), Some(29.0));
    assert_eq!(after(60.0, [9, 2, 1, 0, 0]), Some(59.0));
}

#[test]
fn sc_11_drifts_by_one_a_week_towards_60_from_both_sides() {
    assert_eq!(after(80.0, QUIET), Some(79.0));
    assert_eq!(after(60.5, QUIET), Some(60.0));
    assert_eq!(after(59.5, QUIET), Some(60.0));
    assert_eq!(after(12.0, QUIET), Some(13.0));
    let mut score = 0.0;
    let mut weeks = 0;
    while score < 60.0 {
        score = after(score, QUIET).unwrap();
        weeks += 1;
    }
    assert_eq!(weeks, 60);
}

#[test]
fn sc_11_stays_between_0_and_100() {
    assert_eq!(after(100.0, [5, 9, 0, 0, 0]), Some(100.0));
    assert_eq!(after(20.0, [0, 0, 0, 2, 3]), Some(0.0));
}

#[test]
fn y011_a_low_reputation_restricts_posting_and_incentives() {
    // A quiet week adds the point by which what is below 60 drifts up.
    for (before, level, posting, incentives, owner) in [
        (18.9, "barred", "none", 0, 0),
        (19.0, "reviewed", "review", 1, 0),
        (38.9, "reviewed", "review", 1, 0),
        (39.0, "ordinary", "free", 1, 0),
        (70.9, "ordinary", "free", 1, 0),
        (71.0, "trusted", "free", 1, 1),
    ] {
        let given = ask(&json!({}), Some(before), QUIET);
        assert_eq!(given.category("level", 0), Some(level), "{before}");
        assert_eq!(given.category("posting", 0), Some(posting), "{before}");
        assert_eq!(given.integer("incentives_allowed", 0), Some(incentives), "{before}");
        assert_eq!(given.integer("owner_allowed", 0), Some(owner), "{before}");
    }
}

#[test]
fn y011_a_fraud_ends_posts_and_rewards_for_20_weeks() {
    let mut given = ask(&json!({}), Some(60.0), [0, 0, 0, 0, 1]);
    assert_eq!(given.reason(0), Some("violations"));
    let mut weeks = 0;
    while given.integer("incentives_allowed", 0) == Some(0) {
        given = ask(&json!({}), given.real("score", 0), QUIET);
        weeks += 1;
    }
    assert_eq!(weeks, 20);
    assert_eq!(given.category("posting", 0), Some("review"));
}

#[test]
fn a_gap_in_the_violations_keeps_the_reputation_and_praise_alone_may_be_missing() {
    let data = Data::new()
        .integer("violations_7d_minor", [Some(0), None, Some(0), None])
        .integer("violations_7d_major", [Some(0); 4])
        .integer("violations_7d_fraud", [Some(0); 4])
        .real("previous.1.score", [Some(15.0), Some(15.0), None, None])
        .real("previous.2.score", [None, None, Some(31.0), None]);
    let given = plugin::<Reputation>().open().unwrap().score(&data).unwrap();
    assert_eq!((given.real("score", 0), given.reason(0)), (Some(16.0), None));
    assert_eq!((given.real("score", 1), given.reason(1)), (Some(15.0), Some("not-measured")));
    assert_eq!(given.category("level", 1), Some("barred"));
    // An evaluation that gave nothing does not wipe out what was before it.
    assert_eq!(given.real("score", 2), Some(32.0));
    assert_eq!((given.real("score", 3), given.category("level", 3)), (None, None));
}

#[test]
fn praise_is_named_as_the_reason() {
    assert_eq!(ask(&json!({}), None, [2, 0, 0, 0, 0]).reason(0), Some("recognition"));
    assert_eq!(ask(&json!({}), None, QUIET).reason(0), None);
}

#[test]
fn a_cycle_of_two_weeks_reads_14_days_and_drifts_by_two() {
    let data = Data::new()
        .integer("positive_reviews_received_14d", [0, 30])
        .integer("violations_14d_minor", [0, 0])
        .integer("violations_14d_major", [0, 0])
        .integer("violations_14d_fraud", [0, 0])
        .real("previous.1.score", [70.0, 60.0]);
    let opened = plugin::<Reputation>().settings(json!({ "weeks": 2 })).open().unwrap();
    let given = opened.score(&data).unwrap();
    assert_eq!((given.real("score", 0), given.real("score", 1)), (Some(68.0), Some(70.0)));
}

#[test]
fn bounds_that_do_not_ascend_are_refused() {
    let problems = plugin::<Reputation>().settings(json!({ "barred_below": 50 })).problems();
    assert_eq!(problems.list()[0].path, "/reviewed_below");
}
