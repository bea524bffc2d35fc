//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};
use roi_risk::RoiRisk;

fn value(settings: Value, rows: Data) -> TablesGiven {
    plugin::<RoiRisk>().settings(settings).table(rows).open().unwrap().value().unwrap()
}

fn at_risk(risks: &[f64]) -> Data {
    Data::new().real("risk", risks.iter().copied()).real("roi", vec![1.98; risks.len()])
}

/// The flows of the check, in minor units.
fn flows() -> Vec<i64> {
    vec![-2_000_000, 900_000, 900_000, 900_000]
}

#[test]
fn y056_check_vectors_hold() {
    let risks = [0.1, 0.2, 0.5, 0.7];
    let rows = at_risk(&risks).integers("cash_flows_minor", vec![flows(); 4]);
    let given = value(json!({}), rows);
    assert_eq!(given.table(0).rounded("roi_adj", 1), Some(1.584));
    let npv: Vec<_> = (0..4).map(|row| given.table(0).integer("npv_minor", row).unwrap()).collect();
    assert_eq!(npv, [319_387, 238_167, 89_469, -161_983]);
    let rates: Vec<_> =
        (0..4).map(|row| given.table(0).rounded("discount_rate", row).unwrap()).collect();
    assert_eq!(rates, [0.08, 0.10, 0.14, 0.22]);
}

#[test]
fn ro_5_bounds_of_levels_belong_above() {
    let risks = [0.0, 0.1999, 0.2, 0.3999, 0.4, 0.5999, 0.6, 1.0];
    let given = value(json!({}), at_risk(&risks));
    let levels: Vec<_> =
        (0..8).map(|row| given.table(0).category("risk_level", row).unwrap()).collect();
    let want = ["low", "low", "medium", "medium", "high", "high", "severe", "severe"];
    assert_eq!(levels, want);
    assert_eq!(given.findings_of("high-risk").count(), 2);
    assert_eq!(given.findings_of("severe-risk").count(), 2);
}

fn irr(flows: Vec<i64>) -> Option<f64> {
    let given = value(json!({}), at_risk(&[0.1]).integers("cash_flows_minor", [flows]));
    given.table(0).rounded("irr", 0)
}

#[test]
fn ro_5_rate_of_return_by_bisection() {
    assert_eq!(irr(flows()), Some(0.1665));
    assert_eq!(irr(vec![-100, 110]), Some(0.10));
    assert_eq!(irr(vec![-100, 50]), Some(-0.5));
    // Between -0.99 and 10, and at the ends.
    assert_eq!((irr(vec![-100, 1_099]), irr(vec![-100, 1_101])), (Some(9.99), None));
    assert_eq!((irr(vec![-1_000, 11]), irr(vec![-1_000, 9])), (Some(-0.989), None));
}

#[test]
fn ro_5_without_a_change_of_sign_there_is_no_rate() {
    assert_eq!((irr(vec![100, 100]), irr(vec![-100, -5]), irr(vec![])), (None, None, None));
}

#[test]
fn a_value_that_falls_below_nothing_is_said() {
    let rows = at_risk(&[0.7, 0.1]).integers("cash_flows_minor", vec![flows(); 2]);
    let given = value(json!({}), rows);
    let losing: Vec<_> =
        given.findings_of("negative-value").map(|f| f.place.unwrap().row).collect();
    assert_eq!(losing, [0]);
}

#[test]
fn flows_may_come_as_columns() {
    let columns = (0..).zip(flows()).fold(at_risk(&[0.2, 0.2]), |data, (period, flow)| {
        let second = if period == 3 { None } else { Some(flow) };
        data.integer(&format!("flow_{period}_minor"), [Some(flow), second])
    });
    let given = value(json!({ "flow_columns": 4 }), columns);
    assert_eq!(given.table(0).integer("npv_minor", 0), Some(238_167));
    assert_eq!(given.table(0).integer("npv_minor", 1), Some(-438_017));
}

#[test]
fn without_the_setting_no_flow_is_a_column() {
    let shape = plugin::<RoiRisk>().shape().unwrap();
    let names: Vec<_> = shape.tables[0].columns.iter().map(|need| need.source.name()).collect();
    assert_eq!(names, ["roi", "risk", "cash_flows_minor"]);
}

#[test]
fn what_is_not_known_is_not_nothing() {
    let rows = Data::new()
        .real("risk", [None, Some(0.2)])
        .real("roi", [Some(2.0), None])
        .integers("cash_flows_minor", [Some(flows()), None]);
    let given = value(json!({}), rows);
    let table = given.table(0);
    assert_eq!((table.real("roi_adj", 0), table.real("roi_adj", 1)), (None, None));
    assert_eq!((table.integer("npv_minor", 0), table.integer("npv_minor", 1)), (None, None));
    assert_eq!((table.rounded("irr", 0), table.rounded("irr", 1)), (Some(0.1665), None));
    assert_eq!(given.findings_of("risk-unknown").count(), 1);
}

#[test]
fn more_periods_than_can_be_valued_are_told() {
    let long = |count| {
        let flows: Vec<i64> = [-100].into_iter().chain(vec![2; count]).collect();
        let given = value(json!({}), at_risk(&[0.1]).integers("cash_flows_minor", [flows]));
        (given.table(0).integer("npv_minor", 0), given.findings_of("too-many-flows").count())
    };
    assert_eq!((long(119), long(120)), ((Some(-75), 0), (None, 1)));
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "subject": "" }), "/subject"),
        (json!({ "levels": [0.4, 0.4, 0.6] }), "/levels"),
        (json!({ "rate_low": 0.11 }), "/rate_severe"),
        (json!({ "irr_least": -1 }), "/irr_least"),
        (json!({ "flow_columns": 121 }), "/flow_columns"),
    ] {
        let problems = plugin::<RoiRisk>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
