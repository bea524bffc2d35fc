//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use depreciation::Depreciation;
use playbook_sdk::Context;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};

/// The first minute of a month; month 1 is January 2025.
fn first_of(month: i64) -> Context {
    let day = [0, 0, 31, 59, 90, 120, 151, 181][usize::try_from(month).unwrap()];
    let now = (20_089 + day) * 86_400_000;
    Context { now, local_min: now / 60_000, seed: 1 }
}

fn value_at(context: Context, settings: Value, brand: Data) -> TablesGiven {
    let test = plugin::<Depreciation>().context(context).settings(settings).table(brand);
    test.open().unwrap().value().unwrap()
}

fn value(settings: Value, brand: Data) -> TablesGiven {
    value_at(first_of(7), settings, brand)
}

fn listed(months: &[f64]) -> Data {
    Data::new().reals("activity_monthly", [months.to_vec()])
}

/// Columns of months, oldest first.
fn columns(months: &[Option<f64>]) -> Data {
    (1..).zip(months.iter().rev()).fold(Data::new(), |data, (ago, activity)| {
        data.real(&format!("activity_month_{ago}"), [*activity])
    })
}

fn factor(given: &TablesGiven) -> Option<f64> {
    given.table(0).rounded("brand_value_factor", 0)
}

fn rules(given: &TablesGiven) -> Vec<&str> {
    let all = ["depreciation-near", "depreciation-due", "depreciates", "unmeasured"];
    all.into_iter().filter(|code| given.findings_of(code).count() > 0).collect()
}

#[test]
fn ro_3_check_of_five_months() {
    let months = [0.14, 0.13, 0.12, 0.11, 0.10];
    for (closed, want) in [(1, 1.0), (2, 1.0), (3, 1.0), (4, 0.95), (5, 0.9025)] {
        let given = value(json!({}), listed(&months[..closed]));
        assert_eq!(factor(&given), Some(want), "{closed}");
        let given = value(
            json!({}),
            columns(&months[..closed].iter().map(|m| Some(*m)).collect::<Vec<_>>()),
        );
        assert_eq!(factor(&given), Some(want), "{closed}");
    }
}

#[test]
fn y054_decay_begins_after_the_third_month_only() {
    let after = |months: &[f64]| {
        let given = value(json!({}), listed(months));
        (factor(&given).unwrap(), rules(&given).first().copied().unwrap_or_default().to_owned())
    };
    assert_eq!(after(&[0.1]), (1.0, String::new()));
    assert_eq!(after(&[0.1, 0.1]), (1.0, "depreciation-near".to_owned()));
    assert_eq!(after(&[0.1, 0.1, 0.1]), (1.0, "depreciation-due".to_owned()));
    assert_eq!(after(&[0.1, 0.1, 0.1, 0.1]), (0.95, "depreciates".to_owned()));
}

#[test]
fn ro_3_floor_belongs_to_the_better_side() {
    assert_eq!(factor(&value(json!({}), listed(&[0.15, 0.15, 0.15, 0.15]))), Some(1.0));
    assert_eq!(factor(&value(json!({}), listed(&[0.1499, 0.1499, 0.1499, 0.1499]))), Some(0.95));
}

#[test]
fn ro_3_better_month_stops_it_and_restores_nothing() {
    let given = value(json!({}), listed(&[0.1, 0.1, 0.1, 0.1, 0.15, 0.1]));
    assert_eq!((factor(&given), rules(&given)), (Some(0.95), vec![]));
    assert_eq!(given.table(0).integer("low_months", 0), Some(1));
}

#[test]
fn ro_3_gaps_keep_the_count_once_and_end_it_twice() {
    let low = Some(0.1);
    let one = value(json!({}), columns(&[low, low, None, low, low]));
    assert_eq!(factor(&one), Some(0.95));
    let two = value(json!({}), columns(&[low, low, low, None, None, low]));
    assert_eq!((factor(&two), two.table(0).integer("low_months", 0)), (Some(1.0), Some(1)));
    let last = value(json!({}), columns(&[low, low, None]));
    assert_eq!(
        (rules(&last), last.table(0).integer("unmeasured_months", 0)),
        (vec!["unmeasured"], Some(1))
    );
}

#[test]
fn a_month_of_too_few_members_has_no_measure() {
    let months = |members: i64| {
        let data = columns(&[Some(0.1); 4]);
        (1..=4).fold(data, |data, ago| data.integer(&format!("members_month_{ago}"), [members]))
    };
    assert_eq!(factor(&value(json!({}), months(30))), Some(0.95));
    assert_eq!(factor(&value(json!({}), months(29))), None);
    assert_eq!(factor(&value(json!({ "sample_min": 29 }), months(29))), Some(0.95));
}

#[test]
fn the_window_is_six_months() {
    let shape = plugin::<Depreciation>().shape().unwrap();
    let columns = shape.tables[0].columns.iter().map(|need| need.source.name());
    let months: Vec<_> = columns.filter(|name| name.starts_with("activity_month_")).collect();
    assert_eq!((months.len(), months[5].as_str()), (6, "activity_month_6"));
    // What the list tells beyond it is not read.
    assert_eq!(factor(&value(json!({}), listed(&[0.1; 9]))), Some(0.8574));
}

#[test]
fn a_column_wins_over_the_list() {
    let data = listed(&[0.1, 0.1, 0.1, 0.1]).real("activity_month_1", [0.2]);
    assert_eq!(factor(&value(json!({}), data)), Some(1.0));
}

/// The months so far, as a run in the first days of `month` sees them, with what the last run said.
fn next_run(month: i64, months: Data, before: Option<&TablesGiven>) -> TablesGiven {
    let data = match before.map(|given| given.table(0)) {
        None => months,
        Some(said) => months
            .real("previous.1.brand_value_factor", [said.real("brand_value_factor", 0)])
            .integer("previous.1.low_months", [said.integer("low_months", 0)])
            .integer("previous.1.unmeasured_months", [said.integer("unmeasured_months", 0)])
            .integer("previous.1.closed_month", [said.integer("closed_month", 0)]),
    };
    value_at(first_of(month), json!({ "window": 2 }), data)
}

#[test]
fn ro_3_what_is_lost_stays_lost_when_its_months_leave_the_window() {
    let low = || columns(&[Some(0.1), Some(0.1)]);
    let first = next_run(1, low(), None);
    let again = next_run(1, low(), Some(&first));
    assert_eq!(again.table(0).integer("low_months", 0), Some(2), "a month is counted once");
    let due = next_run(2, low(), Some(&again));
    assert_eq!((factor(&due), rules(&due)), (Some(1.0), vec!["depreciation-due"]));
    let fallen = next_run(3, low(), Some(&due));
    assert_eq!((factor(&fallen), rules(&fallen)), (Some(0.95), vec!["depreciates"]));
    // Two months later at once, the last of them better.
    let better = next_run(5, columns(&[Some(0.1), Some(0.3)]), Some(&fallen));
    assert_eq!((factor(&better), rules(&better)), (Some(0.9025), vec![]));
    // Of months that nobody looked at nothing is known; two of them end the count.
    let missed = next_run(7, low(), Some(&fallen));
    assert_eq!((factor(&missed), missed.table(0).integer("low_months", 0)), (Some(0.95), Some(2)));
}

#[test]
fn the_value_that_is_left_rounds_down() {
    let given = value(json!({}), listed(&[0.1; 4]).integer("brand_value_minor", [999]));
    assert_eq!(given.table(0).integer("value_left_minor", 0), Some(949));
    let steep = value(json!({ "rate": 0.5, "months": 1 }), listed(&[0.1; 3]));
    assert_eq!(factor(&steep), Some(0.25));
}

#[test]
fn without_months_nothing_is_said() {
    let given = value(json!({}), Data::new().integer("brand_value_minor", [1_000]));
    assert_eq!((factor(&given), given.table(0).integer("closed_month", 0)), (None, None));
    assert!(given.findings.is_empty());
    assert!(value(json!({}), Data::empty()).table(0).is_empty());
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "subject": "" }), "/subject"),
        (json!({ "floor": 1.1 }), "/floor"),
        (json!({ "months": 0 }), "/months"),
        (json!({ "rate": 2 }), "/rate"),
        (json!({ "sample_min": -1 }), "/sample_min"),
        (json!({ "window": 25 }), "/window"),
    ] {
        let problems = plugin::<Depreciation>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
