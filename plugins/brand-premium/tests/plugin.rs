//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use brand_premium::BrandPremium;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};

fn value(settings: Value, brands: Data) -> TablesGiven {
    plugin::<BrandPremium>().settings(settings).table(brands).open().unwrap().value().unwrap()
}

fn premiums(settings: Value, activity: &[f64]) -> Vec<f64> {
    let given = value(settings, Data::new().real("wau_ratio", activity.iter().copied()));
    (0..activity.len()).map(|row| given.table(0).rounded("premium", row).unwrap()).collect()
}

/// A brand of the return 1.98, which is worth 100.00, at an activity of 0.30.
fn brand() -> Data {
    Data::new().real("wau_ratio", [0.30]).integer("brand_value_minor", [10_000]).real("roi", [1.98])
}

#[test]
fn y053_thirty_per_cent_activity_gives_1_03() {
    let given = value(json!({}), brand());
    assert_eq!(given.table(0).rounded("premium", 0), Some(1.03));
    assert_eq!(given.table(0).integer("value_with_premium_minor", 0), Some(10_300));
    assert!(given.findings.is_empty());
}

#[test]
fn ro_2_return_takes_the_premium_only_where_it_is_asked_for() {
    assert_eq!(value(json!({}), brand()).table(0).rounded("roi", 0), Some(1.98));
    let applied = value(json!({ "apply_premium": true }), brand());
    assert_eq!(applied.table(0).rounded("roi", 0), Some(2.0394));
}

#[test]
fn ro_2_premium_is_held_between_one_and_a_third() {
    let activity = [0.0, 0.199, 0.20, 0.21, 0.30, 1.0];
    assert_eq!(premiums(json!({}), &activity), [1.0, 1.0, 1.0, 1.003, 1.03, 1.24]);
    assert_eq!(premiums(json!({ "per_ten_points": 0.06 }), &[0.7, 0.69]), [1.3, 1.294]);
    assert_eq!(premiums(json!({ "least": 0.9 }), &[0.0, 0.1]), [0.94, 0.97]);
}

#[test]
fn what_the_bound_takes_is_said() {
    let steep = json!({ "per_ten_points": 0.06 });
    let given = value(steep, Data::new().real("wau_ratio", [0.70, 0.71]));
    let rows: Vec<_> = given.findings_of("at-most").map(|f| f.place.unwrap().row).collect();
    assert_eq!(rows, [1]);
}

#[test]
fn unknown_activity_gives_no_premium_and_no_raised_return() {
    let unknown = || brand().real("wau_ratio", [None]);
    let given = value(json!({}), unknown());
    assert_eq!(given.table(0).real("premium", 0), None);
    assert_eq!(given.table(0).integer("value_with_premium_minor", 0), None);
    assert_eq!(given.table(0).rounded("roi", 0), Some(1.98));
    assert_eq!(given.findings_of("activity-unknown").count(), 1);
    let applied = value(json!({ "apply_premium": true }), unknown());
    assert_eq!(applied.table(0).real("roi", 0), None);
}

#[test]
fn a_value_rounds_down_and_what_is_unknown_stays_unknown() {
    let odd = brand().integer("brand_value_minor", [99]).real("roi", [None]);
    let given = value(json!({}), odd);
    assert_eq!(given.table(0).integer("value_with_premium_minor", 0), Some(101));
    assert_eq!(given.table(0).real("roi", 0), None);
    assert!(value(json!({}), Data::empty()).table(0).is_empty());
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "subject": "" }), "/subject"),
        (json!({ "baseline": 1.1 }), "/baseline"),
        (json!({ "per_ten_points": -0.1 }), "/per_ten_points"),
        (json!({ "least": 1.1 }), "/least"),
        (json!({ "most": 0.9 }), "/most"),
    ] {
        let problems = plugin::<BrandPremium>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
