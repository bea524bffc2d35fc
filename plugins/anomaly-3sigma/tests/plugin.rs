//! DG-8 on days that are told one by one.
#![allow(clippy::unwrap_used, reason = "tests")]

use anomaly_3sigma::Anomaly;
use playbook_sdk::Level;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};

/// Fourteen days, the oldest first.
const CHECK: [f64; 14] =
    [100., 104., 98., 101., 99., 103., 97., 102., 100., 105., 96., 101., 99., 102.];

/// Days with the oldest first; the last one is today.
fn days(values: &[Option<f64>]) -> Data {
    Data::new()
        .integer("days_ago", (0..values.len() as i64).rev())
        .real("interactions", values.iter().copied())
}

fn ask(settings: &Value, data: Data) -> TablesGiven {
    plugin::<Anomaly>().settings(settings).table(data).open().unwrap().diagnose().unwrap()
}

/// Whether today stands out after these days, and how many findings say that it is too low and too high.
fn today(settings: &Value, before: &[f64], value: f64) -> (Option<i64>, [usize; 2]) {
    let mut values: Vec<Option<f64>> = before.iter().copied().map(Some).collect();
    values.push(Some(value));
    let given = ask(settings, days(&values));
    let count = |code: &str| given.findings_of(code).count();
    let found = [count("interactions-low"), count("interactions-high")];
    (given.table(0).integer("interactions_anomaly", before.len()), found)
}

#[test]
fn dg_8_check_vector() {
    let mut values: Vec<Option<f64>> = CHECK.into_iter().map(Some).collect();
    values.push(Some(100.5 + 2.5944));
    let given = ask(&json!({}), days(&values));
    let table = given.table(0);
    assert_eq!(table.rounded("interactions_low", 14), Some(92.7169));
    assert_eq!(table.rounded("interactions_high", 14), Some(108.2831));
    assert!((table.real("interactions_deviations", 14).unwrap() - 1.0).abs() < 1e-4);
    assert_eq!(table.integer("interactions_anomaly", 14), Some(0));
}

#[test]
fn y078_values_outside_the_limits_fire_and_others_do_not() {
    for (value, fires, found) in [
        (92.0, 1, [1, 0]),
        (92.7168, 1, [1, 0]),
        (92.717, 0, [0, 0]),
        (108.283, 0, [0, 0]),
        (108.2832, 1, [0, 1]),
        (110.0, 1, [0, 1]),
    ] {
        assert_eq!(today(&json!({}), &CHECK, value), (Some(fires), found), "{value}");
    }
}

#[test]
fn dg_8_needs_14_days_of_the_last_28() {
    assert_eq!(today(&json!({}), &CHECK[1..], 500.0).0, None);
    let with = |gap: usize| {
        // Days before the gap are more than 28 days ago for all but the first.
        let mut values: Vec<Option<f64>> = CHECK.into_iter().map(Some).collect();
        values.extend(std::iter::repeat_n(None, gap));
        values.push(Some(500.0));
        let last = values.len() - 1;
        ask(&json!({}), days(&values)).table(0).integer("interactions_anomaly", last)
    };
    assert_eq!((with(14), with(15)), (Some(1), None));
}

#[test]
fn dg_8_equal_days_need_a_difference_of_a_tenth_and_of_one() {
    for (before, value, fires) in
        [(100.0, 109.9, 0), (100.0, 110.0, 1), (100.0, 90.0, 1), (2.0, 2.99, 0), (2.0, 3.0, 1)]
    {
        assert_eq!(today(&json!({}), &[before; 14], value).0, Some(fires), "{before} {value}");
    }
}

#[test]
fn dg_8_the_day_itself_does_not_widen_its_limits() {
    let (with, without) = (today(&json!({}), &CHECK, 1e6), today(&json!({}), &CHECK, 111.0));
    assert_eq!((with.0, without.0), (Some(1), Some(1)));
}

#[test]
fn dg_8_weekdays_are_held_against_weekdays() {
    // Eight weeks in which the last day of each is five times the others.
    let week = |n: usize| {
        let busy = 500.0 + (n % 3) as f64;
        let calm = move |day: usize| 100.0 + ((n + day) % 4) as f64;
        (0..7).map(move |day| if day == 6 { busy } else { calm(day) })
    };
    let all: Vec<f64> = (0..9).flat_map(week).collect();
    let (before, last) = (&all[..62], all[62]);
    let weekly = json!({ "weekday": true });
    assert_eq!(today(&weekly, before, last).0, Some(0));
    assert_eq!(today(&weekly, before, 101.0).0, Some(1));
    assert_eq!(today(&json!({}), before, 101.0).0, Some(0));
    // Six of eight weekdays are enough, five are not.
    assert_eq!(today(&weekly, &before[14..], 101.0).0, Some(1));
    assert_eq!(today(&weekly, &before[21..], 101.0).0, None);
    // The ninth week before is not looked at: without it all eight are equal.
    let mut long = vec![9e9; 7];
    long.extend([7.0; 62]);
    assert_eq!(today(&weekly, &long, 8.0).0, Some(1));
    // The eighth is.
    assert_eq!(today(&weekly, &long[..62], 8.0).0, Some(0));
}

#[test]
fn a_missing_day_says_nothing_and_an_old_anomaly_is_no_finding() {
    let mut values: Vec<Option<f64>> = CHECK.into_iter().map(Some).collect();
    values.extend([Some(150.0), None]);
    let given = ask(&json!({}), days(&values));
    assert_eq!(given.table(0).integer("interactions_anomaly", 14), Some(1));
    assert_eq!(given.table(0).integer("interactions_anomaly", 15), None);
    assert!(given.findings.is_empty());
}

#[test]
fn series_and_measures_are_held_apart() {
    let mut ago = Vec::new();
    let (mut series, mut calm, mut loud) = (Vec::new(), Vec::new(), Vec::new());
    for day in 0..=14 {
        for community in 1..=2 {
            ago.push(day);
            series.push(community);
            calm.push(if day == 0 && community == 2 { 30.0 } else { 10.0 });
            loud.push(if day == 0 { 4000.0 } else { f64::from(community) * 1000.0 });
        }
    }
    let data = Data::new()
        .integer("days_ago", ago)
        .integer("series", series)
        .real("orders", calm)
        .real("views", loud);
    let given = ask(&json!({ "metrics": ["orders", "views"] }), data);
    let orders: Vec<_> = given.findings_of("orders-high").collect();
    assert_eq!((orders.len(), orders[0].value, orders[0].level), (1, Some(30.0), Level::Warn));
    let views: Vec<_> = given.findings_of("views-high").map(|f| f.threshold).collect();
    assert_eq!(views, [Some(1100.0), Some(2200.0)]);
    assert_eq!(given.findings.len(), 3);
}

#[test]
fn fewest_days_above_all_days_are_refused() {
    let test = plugin::<Anomaly>().settings(json!({ "days": 7, "weeks": 4 }));
    let problems = test.problems();
    let paths: Vec<&str> = problems.list().iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["/days_min", "/weeks_min"]);
}
