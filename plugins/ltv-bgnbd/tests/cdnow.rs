//! The published fit on the CDNOW sample, where its folder is named by `PLAYBOOK_CDNOW_DIR`.
//!
//! The folder holds `CDNOW_sample.txt` (one line an order: master id, sample id, date, units, amount) and
//! `cdnow_customers_summary_with_transactions.csv` (ID, x, t_x, T in weeks, mean repeat spend), as the
//! Python package `lifetimes` 0.11.3 ships them. Without the variable only the simulated populations
//! of `recovery.rs` check the fit; with it a folder that is not the data set fails here.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::PathBuf;

use ltv_bgnbd::Ltv;
use playbook_sdk::testing::{Data, json, plugin};

/// First day of 1998 in days of 1997; calibration ends before 1 October, day 273.
const CALIBRATION_LAST_DAY: i64 = 273;

fn folder() -> Option<PathBuf> {
    std::env::var_os("PLAYBOOK_CDNOW_DIR").map(PathBuf::from)
}

/// Day of 1997, from 1, of a date yyyymmdd.
fn day_of_1997(date: i64) -> i64 {
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let month = usize::try_from(date / 100 % 100).unwrap();
    before[month - 1] + date % 100
}

/// One row a customer: repeat days, span, age and repeat spend of the calibration period.
fn calibration(text: &str) -> Data {
    let mut customers: BTreeMap<i64, BTreeMap<i64, i64>> = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let date: i64 = fields[2].parse().unwrap();
        if date > 19_970_930 {
            continue;
        }
        let minor = (fields[4].parse::<f64>().unwrap() * 100.0).round() as i64;
        let days = customers.entry(fields[1].parse().unwrap()).or_default();
        *days.entry(day_of_1997(date)).or_default() += minor;
    }
    let rows = customers.values().map(|days| {
        let (first, last) = (*days.keys().next().unwrap(), *days.keys().next_back().unwrap());
        let spend: i64 = days.values().skip(1).sum();
        [days.len() as i64 - 1, last - first, CALIBRATION_LAST_DAY - first, spend]
    });
    let rows: Vec<[i64; 4]> = rows.collect();
    let column = |at: usize| rows.iter().map(move |row| row[at]);
    Data::new()
        .integer("key", customers.keys().copied())
        .integer("repeat_days", column(0))
        .integer("span_days", column(1))
        .integer("age_days", column(2))
        .integer("repeat_spend_minor", column(3))
}

/// The same from the published summary, whose mean spend is rounded to cents.
fn summary(text: &str) -> Data {
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|field| field.trim().parse().unwrap()).collect())
        .collect();
    let column = |value: fn(&[f64]) -> f64| rows.iter().map(move |row| value(row).round() as i64);
    Data::new()
        .integer("key", column(|row| row[0]))
        .integer("repeat_days", column(|row| row[1]))
        .integer("span_days", column(|row| row[2] * 7.0))
        .integer("age_days", column(|row| row[3] * 7.0))
        .integer("repeat_spend_minor", column(|row| row[1] * row[4] * 100.0))
}

/// Fits and compares measures with printed values, to the digits printed.
fn printed(model: &str, data: &Data, wanted: &[(&str, f64, u32)]) {
    let (_, measures) = plugin::<Ltv>().settings(json!({ "model": model })).fit(data).unwrap();
    for (name, value, decimals) in wanted {
        let got = measures.iter().find(|m| m.name == *name).unwrap().value;
        let error = 0.5 * 10_f64.powi(-i32::try_from(*decimals).unwrap());
        assert!((got - value).abs() <= error, "{name} is {got}, printed is {value}");
    }
}

#[test]
fn the_fit_of_fader_hardie_and_lee_is_reproduced() {
    let Some(folder) = folder() else { return };
    let data = calibration(&read_to_string(folder.join("CDNOW_sample.txt")).unwrap());
    printed(
        "bgnbd",
        &data,
        &[
            ("buyers", 2_357.0, 0),
            ("repeat_buyers", 946.0, 0),
            ("r", 0.243, 3),
            ("alpha", 4.414, 3),
            ("a", 0.793, 3),
            ("b", 2.426, 3),
            ("log_likelihood", -9_582.4, 1),
            ("p", 6.25, 2),
            ("q", 3.74, 2),
            ("v", 15.44, 2),
        ],
    );
}

#[test]
fn the_published_summary_gives_the_published_spend_model() {
    let Some(folder) = folder() else { return };
    let path = folder.join("cdnow_customers_summary_with_transactions.csv");
    let data = summary(&read_to_string(path).unwrap());
    printed(
        "bgnbd",
        &data,
        &[
            ("buyers", 2_357.0, 0),
            ("r", 0.243, 3),
            ("alpha", 4.414, 3),
            ("a", 0.793, 3),
            ("b", 2.426, 3),
            ("log_likelihood", -9_582.4, 1),
            ("p", 6.25, 2),
            ("q", 3.74, 2),
            ("v", 15.45, 2),
        ],
    );
}

#[test]
fn the_mbgnbd_fit_of_its_authors_is_reproduced() {
    let Some(folder) = folder() else { return };
    let data = calibration(&read_to_string(folder.join("CDNOW_sample.txt")).unwrap());
    printed(
        "mbgnbd",
        &data,
        &[("r", 0.525, 3), ("alpha", 6.183, 3), ("a", 0.891, 3), ("b", 1.614, 3)],
    );
}

#[test]
fn the_worked_example_of_the_paper_is_met_by_the_fitted_plugin() {
    let Some(folder) = folder() else { return };
    let data = calibration(&read_to_string(folder.join("CDNOW_sample.txt")).unwrap());
    let opened =
        plugin::<Ltv>().settings(r#"{ "horizon_days": 273 }"#).fit_and_open(&data).unwrap();
    // Customer 0001: 2 repeats, last after 30.43 weeks, observed 38.86 weeks; 1.226 orders in 39 weeks.
    let given = opened.score(&data).unwrap();
    assert!((given.real("expected_orders", 0).unwrap() - 1.226).abs() < 1e-3);
    assert!((given.real("p_alive", 0).unwrap() - 0.7266).abs() < 1e-3);
}
