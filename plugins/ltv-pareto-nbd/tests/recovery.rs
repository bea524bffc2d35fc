//! Fits on simulated buyers whose true parameters are known, and the plugin's answers.
#![allow(clippy::unwrap_used, reason = "tests")]

use ltv_pareto_nbd::{Ltv, Settings};
use playbook_domain::draws::{Draws, spread};
use playbook_sdk::testing::{Data, json, plugin};
use playbook_sdk::types::Measure;

const WEEKS: f64 = 52.0;
const AHEAD: f64 = 26.0;
const R: f64 = 0.8;
const ALPHA: f64 = 8.0;
const S: f64 = 1.2;
const BETA: f64 = 25.0;
const P: f64 = 6.0;
const Q: f64 = 4.0;
const V: f64 = 15.0;

/// Buyers over a year, and how many orders they made in the half year after it.
fn buyers(count: usize, seed: u64) -> (Data, f64) {
    let mut draws = Draws::new(seed);
    let (mut rows, mut later) = (Vec::new(), 0.0);
    for _ in 0..count {
        let rate = draws.gamma(R) / ALPHA;
        let lifetime = (draws.gamma(S) / BETA, draws.even());
        let gone = -lifetime.1.ln() / lifetime.0;
        let scale = draws.gamma(Q) / V;
        let age = WEEKS - 12.0 * draws.even();
        let (mut at, mut days, mut spend) = (0.0, Vec::new(), 0.0);
        loop {
            at += draws.exponential(rate);
            if at > gone.min(age + AHEAD) {
                break;
            }
            if at > age {
                later += 1.0;
            } else {
                let day = (at * 7.0).ceil() as i64;
                spend += draws.gamma(P) / scale;
                days.push(day);
            }
        }
        days.dedup();
        let span = days.last().copied().unwrap_or(0);
        rows.push([
            days.len() as i64,
            span,
            (age * 7.0).ceil() as i64,
            (spend * 100.0).round() as i64,
        ]);
    }
    let column = |at: usize| rows.iter().map(move |row| row[at]);
    let data = Data::new()
        .integer("repeat_days", column(0))
        .integer("span_days", column(1))
        .integer("age_days", column(2))
        .integer("repeat_spend_minor", column(3));
    (data, later)
}

fn value(measures: &[Measure], name: &str) -> f64 {
    measures.iter().find(|m| m.name == name).unwrap().value
}

#[test]
fn true_parameters_are_recovered_and_the_next_half_year_is_foretold() {
    let (data, later) = buyers(12_000, 1);
    let (fitted, measures) =
        plugin::<Ltv>().settings(json!({ "horizon_days": 182 })).fit(&data).unwrap();
    for (name, truth, share) in
        [("r", R, 0.10), ("alpha", ALPHA, 0.10), ("p", P, 0.10), ("q", Q, 0.10), ("v", V, 0.20)]
    {
        let (got, error) = (value(&measures, name), value(&measures, &format!("se_{name}")));
        assert!((got / truth - 1.0).abs() < share, "{name} is {got}, truth is {truth}");
        assert!((got - truth).abs() < 3.0 * error, "{name} is {got}, {error} off at most");
    }
    // What a year tells of leaving is little: within three standard errors.
    for (name, truth) in [("s", S), ("beta", BETA)] {
        let (got, error) = (value(&measures, name), value(&measures, &format!("se_{name}")));
        assert!((got - truth).abs() < 3.0 * error && error < 0.3 * truth, "{name}: {got} {error}");
    }
    assert!(value(&measures, "spend_correlation").abs() < 0.1);
    let error = value(&measures, "calibration_error");
    assert!((0.0..0.02).contains(&error), "{error}");
    let given = fitted.open().unwrap().score(&data).unwrap();
    let foretold: f64 =
        (0..data.len()).map(|row| given.real("expected_orders", row).unwrap()).sum();
    assert!((foretold / later - 1.0).abs() < 0.05, "{foretold} foretold, {later} came");
}

#[test]
fn a_bounded_sample_of_the_buyers_is_fitted_alike() {
    let (data, _) = buyers(12_000, 1);
    let bounded = plugin::<Ltv>().settings(json!({ "sample_max": 5_000 }));
    let (_, measures) = bounded.fit(&data).unwrap();
    assert_eq!(value(&measures, "buyers"), 5_000.0);
    assert!((value(&measures, "r") / R - 1.0).abs() < 0.2);
}

#[test]
fn members_are_answered_by_what_is_known_of_them() {
    let (data, _) = buyers(1_000, 1);
    let opened = plugin::<Ltv>().fit_and_open(&data).unwrap();
    let rows = Data::new()
        .integer("repeat_days", [Some(0), Some(6), Some(6), Some(0), Some(2), Some(3)])
        .integer("span_days", [Some(0), Some(300), Some(60), Some(0), Some(400), Some(90)])
        .integer("age_days", [Some(300), Some(310), Some(310), None, Some(310), Some(100)])
        .integer("repeat_spend_minor", [Some(0), Some(36_000), Some(36_000), None, Some(1), None]);
    let given = opened.score(&rows).unwrap();
    // Silence tells of one-time buyers too.
    assert!(given.real("p_alive", 0).unwrap() < 0.9);
    assert!(given.integer("ltv_minor", 0).unwrap() > 0);
    // The same orders long ago are worth less than lately.
    assert!(given.real("p_alive", 1) > given.real("p_alive", 2));
    assert!(given.integer("ltv_minor", 1) > given.integer("ltv_minor", 2));
    assert!(given.real("purchase_tendency", 1) < given.real("p_alive", 1));
    assert_eq!((given.real("expected_orders", 3), given.reason(3)), (None, Some("never-bought")));
    assert_eq!((given.real("expected_orders", 4), given.reason(4)), (None, Some("inconsistent")));
    assert_eq!((given.integer("ltv_minor", 5), given.reason(5)), (None, Some("spend-unknown")));
    assert!(given.real("expected_orders", 5).is_some());
}

#[test]
fn standard_errors_are_the_spread_of_fits_on_other_buyers() {
    let names = ["r", "alpha"];
    let mut values = vec![Vec::new(); names.len()];
    let mut errors = vec![0.0; names.len()];
    for seed in 0..24 {
        let (data, _) = buyers(1_500, 100 + seed);
        let (_, measures) = plugin::<Ltv>().fit(&data).unwrap();
        for (at, name) in names.iter().enumerate() {
            values[at].push(value(&measures, name));
            errors[at] += value(&measures, &format!("se_{name}")) / 24.0;
        }
    }
    for (at, name) in names.iter().enumerate() {
        let (_, deviation) = spread(&values[at]);
        let ratio = errors[at] / deviation;
        assert!((0.65..1.5).contains(&ratio), "{name}: {} {deviation}", errors[at]);
    }
}

/// Histories that no draw of the model gives: dropout that is the same for all.
fn regular() -> Data {
    Data::new()
        .integer("repeat_days", (0..400).map(|at| at % 5))
        .integer("span_days", (0..400).map(|at| if at % 5 == 0 { 0 } else { 20 + at % 50 }))
        .integer("age_days", (0..400).map(|at| 100 + at % 40))
}

#[test]
fn a_likelihood_that_grows_without_end_is_refused_in_words() {
    let text = plugin::<Ltv>().fit(&regular()).unwrap_err();
    assert!(text.contains("without end"), "{text}");
}

#[test]
fn buyers_without_spend_get_orders_but_no_value() {
    let (mut data, _) = buyers(1_000, 1);
    data = data.integer("repeat_spend_minor", vec![None::<i64>; 1_000]);
    let (fitted, measures) = plugin::<Ltv>().fit(&data).unwrap();
    assert!(measures.iter().all(|m| m.name != "p"));
    let given = fitted.open().unwrap().score(&data).unwrap();
    assert_eq!((given.integer("ltv_minor", 1), given.reason(1)), (None, Some("spend-unknown")));
}

#[test]
fn too_few_buyers_are_refused_in_words() {
    let data = Data::new()
        .integer("repeat_days", vec![0; 200])
        .integer("span_days", vec![0; 200])
        .integer("age_days", vec![90; 200]);
    let text = plugin::<Ltv>().fit(&data).unwrap_err();
    assert!(text.contains("200 buyers with 0 repeat buyers"), "{text}");
}

#[test]
fn a_model_that_was_not_fitted_is_refused() {
    assert!(plugin::<Ltv>().open().is_err());
    assert!(plugin::<Ltv>().model(vec![0; 7]).open().is_err());
    let zeros = plugin::<Ltv>().model(vec![0; 33]).open().unwrap_err();
    assert!(zeros.to_string().contains("not above 0"), "{zeros}");
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "horizon_days": 0 }), "/horizon_days"),
        (json!({ "margin_rate": 2.0 }), "/margin_rate"),
        (json!({ "sample_max": 50 }), "/sample_max"),
        (json!({ "sample_max": 200, "buyers_min": 201 }), "/buyers_min"),
    ] {
        let problems = plugin::<Ltv>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}

#[test]
fn the_standard_settings_are_those_of_the_page() {
    let standard = Settings::default();
    assert_eq!((standard.horizon_days, standard.tendency_days), (365, 30));
    assert_eq!(standard.margin_rate, 0.30);
    assert_eq!((standard.unit_days, standard.unit_minor), (7, 100));
    assert_eq!(standard.sample_max, 16384);
    assert_eq!((standard.buyers_min, standard.repeat_buyers_min), (100, 30));
}
