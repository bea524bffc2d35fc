//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use elastic_pool::ElasticPool;
use playbook_sdk::serde_json;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};

/// Communities by the conversion of the last week, of the week before, and the return.
fn value(settings: serde_json::Value, rows: &[[Option<f64>; 3]]) -> TablesGiven {
    let column = |at: usize| rows.iter().map(move |row| row[at]);
    let data = Data::new()
        .real("conversion_week_1", column(0))
        .real("conversion_week_2", column(1))
        .real("roi_adj", column(2));
    plugin::<ElasticPool>().settings(settings).table(data).open().unwrap().value().unwrap()
}

fn moves(given: &TablesGiven) -> Vec<(u32, u32, i64)> {
    given.transfers.iter().map(|one| (one.from_row, one.to_row, one.amount)).collect()
}

const GOOD: [Option<f64>; 3] = [Some(0.08), Some(0.08), Some(2.0)];
const BEST: [Option<f64>; 3] = [Some(0.06), Some(0.06), Some(3.0)];

#[test]
fn ro_11_two_weak_weeks_move_money_to_the_highest_return() {
    let weak = [Some(0.01), Some(0.02), Some(0.5)];
    let given = value(json!({}), &[weak, GOOD, BEST]);
    assert_eq!(moves(&given), [(0, 2, 100_000_000)]);
    assert_eq!(given.findings_of("weak-conversion").count(), 1);
    assert_eq!(
        (given.table(0).integer("weak_weeks", 0), given.table(0).real("roi_adj", 2)),
        (Some(2), Some(3.0))
    );
    assert_eq!(moves(&value(json!({ "most_minor": 7 }), &[weak, GOOD, BEST])), [(0, 2, 7)]);
}

/// Beside two that are well, a community that is like this moves nothing.
fn stays(other: [Option<f64>; 3]) {
    assert!(moves(&value(json!({}), &[other, GOOD, BEST])).is_empty(), "{other:?}");
}

#[test]
fn one_weak_week_moves_nothing() {
    stays([Some(0.01), Some(0.09), Some(0.5)]);
    stays([Some(0.09), Some(0.01), Some(0.5)]);
}

#[test]
fn a_week_that_is_not_known_is_not_weak() {
    stays([Some(0.01), None, Some(0.5)]);
    stays([None, Some(0.01), Some(0.5)]);
}

#[test]
fn money_goes_only_to_a_return_that_is_known_to_be_higher() {
    stays([Some(0.01), Some(0.02), Some(3.0)]);
    stays([Some(0.01), Some(0.02), None]);
}

#[test]
fn a_community_alone_is_as_good_as_the_mean() {
    assert!(moves(&value(json!({}), &[[Some(0.01), Some(0.02), Some(0.5)]])).is_empty());
}

#[test]
fn a_benchmark_stands_for_the_mean_and_nothing_moves_among_the_weak() {
    let settings = json!({ "against": "benchmark", "benchmark": 0.07 });
    let weak = [Some(0.05), Some(0.05), Some(0.5)];
    assert_eq!(moves(&value(settings.clone(), &[weak, GOOD, BEST])), [(0, 1, 100_000_000)]);
    assert!(moves(&value(settings, &[weak, BEST])).is_empty(), "both are below it");
}

#[test]
fn the_standard_benchmark_is_a_twentieth() {
    let weeks = |conversion: f64| {
        let rows = [[Some(conversion), Some(conversion), Some(0.5)], GOOD];
        let given = value(json!({ "against": "benchmark" }), &rows);
        given.table(0).integer("weak_weeks", 0)
    };
    assert_eq!((weeks(0.05), weeks(0.0499)), (Some(0), Some(2)));
}
