//! Every edge of SC-6, through the same path as in the sandbox.
#![allow(clippy::unwrap_used, reason = "tests")]

use churn_7d::ChurnSevenDays;
use playbook_sdk::testing::{self, Data, RowsGiven, json};

/// Previous week, last week, silent days, sentiment, complaints, days since joining.
type Row = (Option<i64>, i64, Option<i64>, Option<f64>, Option<i64>, Option<i64>);

fn rows(rows: &[Row]) -> Data {
    Data::new()
        .integer("interactions_prev7d", rows.iter().map(|r| r.0))
        .integer("interactions_7d", rows.iter().map(|r| r.1))
        .integer("days_since_last_interaction", rows.iter().map(|r| r.2))
        .real("sentiment_30d", rows.iter().map(|r| r.3))
        .integer("open_complaints", rows.iter().map(|r| r.4))
        .integer("days_since_join", rows.iter().map(|r| r.5))
}

fn score(data: &[Row]) -> RowsGiven {
    testing::plugin::<ChurnSevenDays>().open().unwrap().score(&rows(data)).unwrap()
}

/// A member of 100 days with that many interactions in the two weeks.
fn weeks(previous: i64, recent: i64) -> Row {
    (Some(previous), recent, Some(2), Some(0.0), Some(0), Some(100))
}

fn level_of(row: Row) -> Option<String> {
    score(&[row]).category("level", 0).map(str::to_owned)
}

#[test]
fn sc_6_check_line_of_the_domain_holds() {
    let given = score(&[weeks(10, 4)]);
    assert_eq!(given.rounded("drop", 0), Some(0.6));
    assert_eq!(given.category("level", 0), Some("warn"));
    assert_eq!(given.rounded("risk", 0), Some(0.3733));
    assert_eq!(given.reason(0), Some("weekly_drop"));
}

#[test]
fn y006_levels_begin_at_their_drop_and_not_before() {
    for (recent, level) in [
        (1_200, "ok"),
        (1_000, "ok"),
        (701, "ok"),
        (700, "watch"),
        (501, "watch"),
        (500, "warn"),
        (201, "warn"),
        (200, "critical"),
        (0, "critical"),
    ] {
        let previous = 1_000;
        assert_eq!(
            level_of(weeks(previous, recent)).as_deref(),
            Some(level),
            "{previous} to {recent}"
        );
    }
}

#[test]
fn growth_has_a_negative_drop_and_no_drop_part_in_the_risk() {
    let given = score(&[weeks(10, 15)]);
    assert_eq!(given.rounded("drop", 0), Some(-0.5));
    assert_eq!(given.rounded("risk", 0), Some(0.0133));
    assert_eq!(given.reason(0), None);
}

#[test]
fn a_baseline_of_two_gives_no_drop_and_one_of_three_does() {
    let given = score(&[weeks(2, 0), weeks(3, 0)]);
    assert_eq!((given.real("drop", 0), given.real("risk", 0)), (None, None));
    assert_eq!(given.category("level", 0), Some("ok"));
    assert_eq!(given.real("drop", 1), Some(1.0));
    assert_eq!(given.category("level", 1), Some("critical"));
}

#[test]
fn without_a_baseline_silence_decides_at_14_and_30_days() {
    for (days, level) in [(13, "ok"), (14, "watch"), (29, "watch"), (30, "lapsed"), (400, "lapsed")]
    {
        let row = (Some(0), 0, Some(days), Some(0.0), Some(0), Some(500));
        assert_eq!(level_of(row).as_deref(), Some(level), "{days} days");
        assert_eq!(score(&[row]).real("risk", 0), None);
    }
}

#[test]
fn a_member_who_never_interacted_is_silent_since_joining() {
    assert_eq!(level_of((Some(0), 0, None, None, None, Some(40))).as_deref(), Some("lapsed"));
    assert_eq!(level_of((Some(0), 0, None, None, None, Some(20))).as_deref(), Some("watch"));
    assert_eq!(level_of((Some(0), 0, None, None, None, None)), None);
}

#[test]
fn negative_sentiment_or_a_complaint_raises_by_one() {
    let with = |recent, sentiment, complaints| {
        level_of((Some(10), recent, Some(2), Some(sentiment), Some(complaints), Some(100)))
    };
    assert_eq!(with(10, -0.301, 0).as_deref(), Some("watch"));
    assert_eq!(with(10, -0.3, 0).as_deref(), Some("ok"));
    assert_eq!(with(7, 0.5, 1).as_deref(), Some("warn"));
    assert_eq!(with(5, 0.5, 1).as_deref(), Some("critical"));
    assert_eq!(with(0, -1.0, 3).as_deref(), Some("critical"));
    let raised = score(&[(Some(10), 10, Some(2), Some(-0.31), Some(0), Some(100))]);
    assert_eq!(raised.reason(0), Some("negative_feeling"));
}

#[test]
fn a_lapsed_member_stays_lapsed_however_unhappy() {
    let row = (Some(0), 0, Some(45), Some(-0.9), Some(2), Some(100));
    assert_eq!(level_of(row).as_deref(), Some("lapsed"));
}

#[test]
fn members_in_their_first_14_days_have_the_level_none_and_the_reason() {
    let young = (Some(10), 0, Some(6), Some(-1.0), Some(1), Some(13));
    let given = score(&[young]);
    assert_eq!(given.category("level", 0), Some("none"));
    assert_eq!((given.real("risk", 0), given.real("drop", 0)), (None, None));
    assert_eq!(given.reason(0), Some("first_days"));
    let grown = (Some(10), 0, Some(6), Some(-1.0), Some(1), Some(14));
    assert_eq!(level_of(grown).as_deref(), Some("critical"));
}

#[test]
fn risk_is_at_most_one() {
    let given = score(&[(Some(10), 0, Some(90), Some(-1.0), Some(0), Some(100))]);
    assert_eq!(given.real("risk", 0), Some(1.0));
    // Half of the feeling alone: a fifth of it, beside two of thirty silent days.
    let given = score(&[(Some(10), 10, Some(2), Some(-0.5), Some(0), Some(100))]);
    assert_eq!(given.rounded("risk", 0), Some(0.1133));
}

#[test]
fn the_optional_columns_may_be_absent() {
    let data = Data::new()
        .integer("interactions_prev7d", [10])
        .integer("interactions_7d", [4])
        .integer("days_since_last_interaction", [2])
        .integer("days_since_join", [100]);
    let given = testing::plugin::<ChurnSevenDays>().open().unwrap().score(&data).unwrap();
    assert_eq!(given.category("level", 0), Some("warn"));
    assert_eq!(given.rounded("risk", 0), Some(0.3733));
}

#[test]
fn an_empty_batch_gets_an_empty_answer() {
    let given = testing::plugin::<ChurnSevenDays>().open().unwrap().score(&Data::empty()).unwrap();
    assert_eq!(given.len(), 0);
}

#[test]
fn a_stricter_playbook_warns_earlier() {
    let strict = testing::plugin::<ChurnSevenDays>().settings(json!({ "drop_watch": 0.2 }));
    let given = strict.open().unwrap().score(&rows(&[weeks(10, 8)])).unwrap();
    assert_eq!(given.category("level", 0), Some("watch"));
}

#[test]
fn every_problem_with_the_settings_is_told_at_once() {
    let test = testing::plugin::<ChurnSevenDays>()
        .settings(json!({ "drop_watch": 0.9, "silent_lapsed_days": 3 }));
    let problems = test.problems();
    let paths: Vec<&str> = problems.list().iter().map(|p| p.path.as_str()).collect();
    assert_eq!(paths, ["/drop_warn", "/silent_lapsed_days"]);
}
