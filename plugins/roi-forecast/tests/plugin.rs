//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};
use roi_forecast::RoiForecast;

fn value(settings: Value, rows: Data, resources: Data) -> TablesGiven {
    let test = plugin::<RoiForecast>().settings(settings).table(rows).table(resources);
    test.open().unwrap().value().unwrap()
}

fn of_forecasts(pairs: &[(Option<f64>, Option<f64>)]) -> TablesGiven {
    let rows = Data::new()
        .real("roi_forecast", pairs.iter().map(|(forecast, _)| *forecast))
        .real("roi_actual", pairs.iter().map(|(_, actual)| *actual));
    value(json!({}), rows, Data::empty())
}

#[test]
fn y058_forecast_error_is_shown_and_flagged_above_a_twentieth() {
    let of = |forecast| (Some(forecast), Some(2.0));
    let given = of_forecasts(&[of(2.1), of(2.102), of(1.898), of(2.4), of(2.402), of(1.598)]);
    let errors: Vec<_> =
        (0..6).map(|row| given.table(0).rounded("forecast_error", row).unwrap()).collect();
    assert_eq!(errors, [0.05, 0.051, 0.051, 0.2, 0.201, 0.201]);
    let states: Vec<_> =
        (0..6).map(|row| given.table(0).category("forecast_state", row).unwrap()).collect();
    // 2.1 and 2.4 lie on the bounds but for the rounding of their difference.
    assert_eq!(states[1..3], ["flagged", "flagged"]);
    assert_eq!(states[4..], ["unusable", "unusable"]);
    assert_eq!(of_forecasts(&[of(2.0), of(1.901)]).findings.len(), 0);
    assert_eq!(of_forecasts(&[of(2.1005)]).findings_of("forecast-off").count(), 1);
    let close = of_forecasts(&[of(1.602)]);
    assert_eq!(close.table(0).category("forecast_state", 0), Some("flagged"));
    assert_eq!(
        (given.findings_of("forecast-unusable").count(), close.findings_of("forecast-off").count()),
        (2, 1)
    );
}

#[test]
fn ro_7_bounds_of_the_error_belong_to_the_better_side() {
    // Quarters are exact.
    let settings = json!({ "error_goal": 0.25, "error_most": 0.5 });
    let rows = Data::new().real("roi_forecast", [5.0, 6.0]).real("roi_actual", [4.0, 4.0]);
    let given = value(settings, rows, Data::empty());
    let states: Vec<_> =
        (0..2).map(|row| given.table(0).category("forecast_state", row).unwrap()).collect();
    assert_eq!(states, ["within-goal", "flagged"]);
}

#[test]
fn nothing_is_divided_by_nothing() {
    let given = of_forecasts(&[
        (Some(1.0), Some(0.0)),
        (Some(1.0), None),
        (None, Some(1.0)),
        (Some(1.0), Some(-2.0)),
    ]);
    assert!((0..4).all(|row| given.table(0).real("forecast_error", row).is_none()));
    assert!(given.findings.is_empty());
}

fn back(settings: Value, flows: &[i64]) -> (Option<i64>, usize) {
    let rows = Data::new().integers("net_flows_minor", [flows.to_vec()]);
    let given = value(settings, rows, Data::empty());
    (given.table(0).integer("payback_period", 0), given.findings_of("payback-late").count())
}

#[test]
fn ro_7_payback_is_the_first_period_with_nothing_open() {
    let flows = [-20_000, 9_000, 9_000, 2_000, 9_000];
    assert_eq!(back(json!({}), &flows), (Some(3), 0));
    assert_eq!(back(json!({ "payback_goal": 3 }), &flows), (Some(3), 0));
    assert_eq!(back(json!({ "payback_goal": 2 }), &flows), (Some(3), 1));
    assert_eq!(back(json!({ "payback_goal": 2 }), &flows[..3]), (None, 1));
    assert_eq!(back(json!({ "payback_goal": 3 }), &flows[..3]), (None, 0));
    let columns = Data::new()
        .integer("net_0_minor", [Some(-5), Some(-5)])
        .integer("net_1_minor", [Some(4), None])
        .integer("net_2_minor", [Some(1), Some(9)]);
    let given = value(json!({ "net_columns": 3 }), columns, Data::empty());
    let periods =
        [given.table(0).integer("payback_period", 0), given.table(0).integer("payback_period", 1)];
    assert_eq!(periods, [Some(2), None]);
}

fn needs(settings: Value, used: &[i64], trend: Option<f64>) -> (Option<i64>, Option<f64>, usize) {
    let resources = Data::new().integers("used_minor", [used.to_vec()]).real("trend", [trend]);
    let given = value(settings, Data::empty(), resources);
    let table = given.table(1);
    (table.integer("next_need_minor", 0), table.rounded("need_error", 0), given.findings.len())
}

#[test]
fn y059_next_period_has_its_need_with_an_error() {
    // The next is like the first of each round: 100 and 120, and the rounds grew by a fifth.
    let used = [100, 500, 400, 120, 600, 480];
    assert_eq!(needs(json!({}), &used, None).0, Some(132));
    // Of the last period it would have said nothing yet: one round shows no trend.
    assert_eq!(needs(json!({}), &used, None).1, None);
    let known = needs(json!({}), &used, Some(1.2));
    assert_eq!(known, (Some(132), Some(0.0), 0));
    let longer = [80, 400, 320, 100, 500, 400, 120, 600, 480];
    assert_eq!(needs(json!({}), &longer, None), (Some(120), Some(0.087), 0));
}

#[test]
fn ro_7_trend_is_held() {
    assert_eq!(needs(json!({ "phase": 1 }), &[100, 900], None).0, Some(1_000));
    assert_eq!(needs(json!({ "phase": 1 }), &[900, 100], None).0, Some(250));
    assert_eq!(needs(json!({ "phase": 1, "trend_most": 9 }), &[100, 900], None).0, Some(4_500));
}

#[test]
fn what_the_past_does_not_show_is_said() {
    assert_eq!(needs(json!({}), &[100, 500], Some(1.0)), (None, None, 1));
    assert_eq!(needs(json!({}), &[], None), (None, None, 1));
    // 100 was foreseen, 1000 came.
    let (need, error, findings) = needs(json!({ "phase": 1 }), &[100, 1_000], Some(1.0));
    assert_eq!((need, error, findings), (Some(550), Some(0.9), 1));
}

#[test]
fn past_periods_may_come_as_columns_the_last_one_first() {
    let used = [100, 500, 400, 120, 600, 480];
    let columns = (1..)
        .zip(used.iter().rev())
        .fold(Data::new(), |data, (ago, used)| data.integer(&format!("used_{ago}_minor"), [*used]));
    let given = value(json!({ "used_columns": 6 }), Data::empty(), columns);
    assert_eq!(given.table(1).integer("next_need_minor", 0), Some(132));
}

#[test]
fn without_the_settings_nothing_is_a_column() {
    let shape = plugin::<RoiForecast>().shape().unwrap();
    let names = |table: usize| {
        let columns = shape.tables[table].columns.iter();
        columns.map(|need| need.source.name()).collect::<Vec<_>>()
    };
    assert_eq!(names(0), ["roi_forecast", "roi_actual", "net_flows_minor"]);
    assert_eq!(names(1), ["used_minor", "trend"]);
}

#[test]
fn demand_may_be_left_out() {
    let rows = Data::new().real("roi_forecast", [1.0]).real("roi_actual", [1.0]);
    let test = plugin::<RoiForecast>().settings(json!({ "demand": false })).table(rows);
    assert_eq!(
        test.open().unwrap().value().unwrap().table(0).rounded("forecast_error", 0),
        Some(0.0)
    );
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "subject": "" }), "/subject"),
        (json!({ "error_goal": 0.3 }), "/error_most"),
        (json!({ "payback_goal": -1 }), "/payback_goal"),
        (json!({ "phase": 0 }), "/phase"),
        (json!({ "trend_least": 1.5 }), "/trend_least"),
        (json!({ "used_columns": 121 }), "/used_columns"),
    ] {
        let problems = plugin::<RoiForecast>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
