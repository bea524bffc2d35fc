//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use attribution_matrix::AttributionMatrix;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};

const HOUR: i64 = 3_600_000;

/// A conversion at time 0: its touches as (strategy, hours before, is a click), and its revenue.
type Path = (&'static [(&'static str, i64, i64)], f64);

fn paths(all: &[Path]) -> Data {
    let lists = |value: fn(&(&'static str, i64, i64)) -> i64| {
        all.iter().map(move |(touches, _)| touches.iter().map(value).collect::<Vec<_>>())
    };
    Data::new()
        .texts(
            "touch_strategies",
            all.iter().map(|(touches, _)| touches.iter().map(|t| t.0).collect()),
        )
        .integers("touch_at", lists(|touch| -touch.1 * HOUR))
        .integers("touch_is_click", lists(|touch| touch.2))
        .integer("converted_at", vec![0_i64; all.len()])
        .real("revenue_value", all.iter().map(|(_, value)| *value))
}

fn strategies() -> Data {
    Data::new().text("name", ["post", "live", "mail"])
}

fn value(settings: Value, strategies: Data, paths: Data, change: Option<f64>) -> TablesGiven {
    let brand = Data::new().real("change_revenue", [change]);
    let test = plugin::<AttributionMatrix>().settings(settings);
    test.table(strategies).table(paths).table(brand).open().unwrap().value().unwrap()
}

fn shares(given: &TablesGiven) -> Vec<Option<f64>> {
    let rows = 0..given.table(0).len();
    let nobody = given.table(2).rounded("unattributed_revenue", 0);
    rows.map(|row| given.table(0).rounded("revenue", row)).chain([nobody]).collect()
}

/// Three touches of 100, one of 60 that nobody made, and 40 of a strategy that is not in the table.
const THREE: [Path; 3] = [
    (&[("post", 100, 1), ("live", 50, 1), ("mail", 1, 1)], 100.0),
    (&[], 60.0),
    (&[("flyer", 3, 1)], 40.0),
];

fn by_model(model: &str) -> Vec<Option<f64>> {
    shares(&value(json!({ "model": model }), strategies(), paths(&THREE), None))
}

#[test]
fn ro_8_models_share_a_path() {
    assert_eq!(by_model("last_touch"), [0.0, 0.0, 0.5, 0.5].map(Some));
    assert_eq!(by_model("linear"), [0.1667, 0.1667, 0.1667, 0.5].map(Some));
    assert_eq!(by_model("position"), [0.2, 0.1, 0.2, 0.5].map(Some));
    assert_eq!(
        by_model("last_touch"),
        shares(&value(json!({}), strategies(), paths(&THREE), None))
    );
}

#[test]
fn y060_columns_sum_to_one_with_the_unattributed() {
    let lifted = || strategies().integer("exposed", [1_000, 1_000, 1_000]);
    for lifts in [
        [None, None, None],
        [Some(0.02), None, None],
        [Some(0.08), Some(0.07), None],
        [Some(-0.1), Some(0.01), Some(0.01)],
    ] {
        for model in ["last_touch", "linear", "position"] {
            let rows = lifted().real("lift_revenue", lifts);
            let given = value(json!({ "model": model }), rows, paths(&THREE), Some(100.0));
            let sum: f64 = (0..3).filter_map(|row| given.table(0).real("revenue", row)).sum();
            let whole = sum + given.table(2).real("unattributed_revenue", 0).unwrap();
            assert!((whole - 1.0).abs() < 1e-12, "{lifts:?} {model}");
        }
    }
}

#[test]
fn ro_8_experiments_measure_where_there_is_a_holdout() {
    let rows = strategies()
        .integer("exposed", [Some(1_000), Some(1_000), None])
        .real("lift_revenue", [Some(0.02), None, Some(0.5)]);
    let given = value(json!({}), rows, paths(&THREE), Some(100.0));
    // 0.02 of 1000 is a fifth of the change; the rest goes by last touch: mail 100 of 200.
    assert_eq!(shares(&given), [0.2, 0.0, 0.4, 0.4].map(Some));
    let basis: Vec<_> = (0..3).map(|row| given.table(0).category("revenue_basis", row)).collect();
    assert_eq!(basis, [Some("measured"), Some("modelled"), Some("modelled")]);
    let capped = strategies()
        .integer("exposed", [9_000, 0, 0])
        .real("lift_revenue", [Some(0.5), None, None]);
    assert_eq!(
        shares(&value(json!({}), capped, paths(&THREE), Some(100.0))),
        [1.0, 0.0, 0.0, 0.0].map(Some)
    );
}

#[test]
fn ro_8_without_a_change_to_explain_an_experiment_says_nothing() {
    for change in [None, Some(0.0), Some(-5.0)] {
        let rows = strategies().integer("exposed", [10; 3]).real("lift_revenue", [1.0; 3]);
        let given = value(json!({}), rows, paths(&THREE), change);
        assert_eq!(given.table(0).category("revenue_basis", 0), Some("modelled"));
    }
}

#[test]
fn ro_8_clicks_count_for_a_week_and_views_for_a_day() {
    let alone = |touch: (&'static str, i64, i64)| {
        let touches: &'static [_] = Box::leak(Box::new([touch]));
        shares(&value(json!({}), strategies(), paths(&[(touches, 1.0)]), None))[0]
    };
    assert_eq!((alone(("post", 168, 1)), alone(("post", 169, 1))), (Some(1.0), Some(0.0)));
    assert_eq!((alone(("post", 24, 0)), alone(("post", 25, 0))), (Some(1.0), Some(0.0)));
    // What came with or after the conversion did not lead to it.
    assert_eq!((alone(("post", 0, 1)), alone(("post", -1, 1))), (Some(0.0), Some(0.0)));
}

#[test]
fn touches_outside_the_window_leave_their_credit_to_the_others() {
    let late: Path = (&[("post", 200, 1), ("live", 30, 0), ("mail", 2, 0), ("live", 1, 1)], 10.0);
    let given = value(json!({ "model": "linear" }), strategies(), paths(&[late]), None);
    assert_eq!(shares(&given), [0.0, 0.5, 0.5, 0.0].map(Some));
}

#[test]
fn outcomes_of_which_nothing_is_known_have_no_shares() {
    let given = value(json!({}), strategies(), paths(&THREE), None);
    assert_eq!(given.table(0).real("awareness", 0), None);
    assert_eq!(given.table(2).real("unattributed_awareness", 0), None);
    assert!(value(json!({}), Data::empty(), Data::empty(), None).table(0).is_empty());
    let valued = paths(&THREE).real("loyalty_value", [None, None, Some(1.0)]);
    let given = value(json!({}), strategies(), valued, None);
    assert_eq!(given.table(2).rounded("unattributed_loyalty", 0), Some(1.0));
}

#[test]
fn an_outcome_that_nobody_explains_is_said() {
    let found = |most: f64| {
        let settings = json!({ "unattributed_most": most });
        value(settings, strategies(), paths(&THREE), None)
            .findings_of("mostly-unattributed")
            .count()
    };
    assert_eq!((found(0.49), found(0.5)), (1, 0));
    let standard = |second: f64| {
        let all = [THREE[0], (THREE[1].0, second)];
        value(json!({}), strategies(), paths(&all), None).findings_of("mostly-unattributed").count()
    };
    assert_eq!((standard(100.0), standard(101.0)), (0, 1));
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "subject": "" }), "/subject"),
        (json!({ "outcomes": [] }), "/outcomes"),
        (json!({ "outcomes": ["a", "a"] }), "/outcomes/1"),
        (json!({ "outcomes": ["Brand value"] }), "/outcomes"),
        (json!({ "model": "first" }), "/model"),
        (json!({ "first": 0.5 }), "/first"),
        (json!({ "click_days": 366 }), "/click_days"),
    ] {
        let problems = plugin::<AttributionMatrix>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
