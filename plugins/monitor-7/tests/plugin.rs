//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use monitor_7::Monitor;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};

const NAMES: [&str; 7] =
    ["profile", "content", "interaction", "conversion", "retention", "opinion", "competitors"];

/// Six months in which the goal rises; a dimension rises with it, falls, or knows no trend.
fn months() -> Data {
    let goal = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let falls = [5.0, 4.0, 3.0, 2.0, 1.0, 0.0];
    let waves = [3.0, 1.0, 2.0, 2.0, 1.0, 3.0];
    let columns = [goal, falls, goal, waves, falls, goal, falls];
    let data = NAMES
        .iter()
        .zip(columns)
        .fold(Data::new(), |data, (name, column)| data.real(&format!("{name}_score"), column));
    data.real("main_goal", goal)
}

fn brand(score: f64) -> Data {
    NAMES.iter().fold(Data::new(), |data, name| data.real(&format!("{name}_score"), [score]))
}

fn given(brand: Data, months: Data) -> TablesGiven {
    plugin::<Monitor>().table(brand).table(months).open().unwrap().diagnose().unwrap()
}

fn weights(given: &TablesGiven) -> Vec<f64> {
    NAMES.iter().map(|name| given.table(0).real(&format!("{name}_weight"), 0).unwrap()).collect()
}

#[test]
fn y076_weights_sum_to_1_and_change_by_at_most_0_02() {
    let first = given(brand(3.0), months());
    let even = 1.0 / 7.0;
    for (weight, step) in weights(&first).iter().zip([0.02, -0.02, 0.02, 0.0, -0.02, 0.02, -0.02]) {
        assert!((weight - even - step).abs() < 1e-12, "{weight}");
    }
    let mut held = weights(&first);
    for _ in 0..20 {
        let next = NAMES.iter().zip(&held).fold(brand(3.0), |data, (name, weight)| {
            data.real(&format!("previous.1.{name}_weight"), [*weight])
        });
        let next = weights(&given(next, months()));
        assert!((next.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(next.iter().zip(&held).all(|(next, was)| (next - was).abs() <= 0.02 + 1e-12));
        assert!(next.iter().all(|weight| (0.05 - 1e-12..=0.30 + 1e-12).contains(weight)));
        held = next;
    }
    // Four months later the losers stand at their least.
    assert!((held[1] - 0.05).abs() < 1e-9 && (held[3] - even).abs() < 1e-9, "{held:?}");
    assert_eq!(first.findings_of("weights-moved").count(), 1);
}

#[test]
fn dg_7_begins_with_a_seventh_each_and_waits_for_six_months() {
    let five = NAMES
        .iter()
        .fold(Data::new().real("main_goal", [1.0, 2.0, 3.0, 4.0, 5.0]), |data, name| {
            data.real(&format!("{name}_score"), [1.0, 2.0, 3.0, 4.0, 5.0])
        });
    let given = given(brand(2.0), five);
    assert!(weights(&given).iter().all(|weight| (weight - 1.0 / 7.0).abs() < 1e-12));
    assert_eq!(given.table(0).real("profile_correlation", 0), None);
    assert_eq!((given.table(0).rounded("total", 0), given.findings.len()), (Some(2.0), 0));
}

#[test]
fn dg_7_scores_lie_between_0_and_5() {
    let total = |score: f64| given(brand(score), Data::empty()).table(0).rounded("total", 0);
    assert_eq!([4.99, 5.0, 5.05].map(total), [Some(4.99), Some(5.0), Some(5.0)]);
}

#[test]
fn dg_7_the_total_is_the_mean_by_the_new_weights() {
    let one = brand(0.0).real("profile_score", [5.0]);
    let said = given(one, months());
    assert_eq!(said.table(0).rounded("total", 0), Some(0.8143));
    assert_eq!(said.table(0).rounded("profile_correlation", 0), Some(1.0));
    assert_eq!(said.table(0).rounded("content_correlation", 0), Some(-1.0));
    let three = given(
        Data::new()
            .real("profile_score", [5.0])
            .real("content_score", [5.0])
            .real("opinion_score", [5.0]),
        Data::empty(),
    );
    assert_eq!(
        (three.table(0).real("total", 0), three.table(0).rounded("coverage", 0)),
        (None, Some(0.4286))
    );
}

#[test]
fn scores_may_come_from_a_stage() {
    let brand = Data::new().real("items.profile", [4.0]);
    let opened =
        plugin::<Monitor>().settings(json!({ "stage": "items" })).table(brand).table(Data::empty());
    assert_eq!(
        opened.open().unwrap().diagnose().unwrap().table(0).rounded("coverage", 0),
        Some(0.1429)
    );
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "step": 0.2 }), "/step"),
        (json!({ "least": 0.2 }), "/least"),
        (json!({ "most": 0.1 }), "/most"),
        (json!({ "months": 2 }), "/months"),
    ] {
        let problems = plugin::<Monitor>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}

#[test]
fn dg_7_no_weight_exceeds_three_tenths() {
    let before = [0.29, 0.1, 0.12, 0.12, 0.12, 0.13, 0.12];
    let near = NAMES.iter().zip(before).fold(brand(3.0), |data, (name, weight)| {
        data.real(&format!("previous.1.{name}_weight"), [weight])
    });
    let given = given(near, months());
    assert_eq!(given.table(0).rounded("profile_weight", 0), Some(0.3));
    assert_eq!(given.table(0).rounded("interaction_weight", 0), Some(0.14));
}
