//! The published fit on donors, fits on simulated members whose true parameters are known, and the plugin's answers.
#![allow(clippy::unwrap_used, reason = "tests")]

use ltv_bgbb::{Ltv, Settings};
use playbook_domain::draws::{Draws, spread};
use playbook_sdk::testing::{Data, json, plugin};
use playbook_sdk::types::Measure;

/// Donations taken after the first, the last of them, and donors, of 6 yearly opportunities: 11,104 donors of 1995 to 2001 of
/// Fader, Hardie and Shang (2010), "Customer-Base Analysis in a Discrete-Time Noncontractual Setting", table 2.
const DONORS: [(i64, i64, usize); 22] = [
    (0, 0, 3464),
    (1, 1, 1091),
    (1, 2, 277),
    (1, 3, 129),
    (1, 4, 78),
    (1, 5, 119),
    (1, 6, 129),
    (2, 2, 613),
    (2, 3, 255),
    (2, 4, 155),
    (2, 5, 173),
    (2, 6, 234),
    (3, 3, 322),
    (3, 4, 181),
    (3, 5, 225),
    (3, 6, 357),
    (4, 4, 240),
    (4, 5, 284),
    (4, 6, 512),
    (5, 5, 335),
    (5, 6, 728),
    (6, 6, 1203),
];

fn data(rows: &[[i64; 4]]) -> Data {
    let column = |at: usize| rows.iter().map(move |row| row[at]);
    Data::new()
        .integer("repeat_periods", column(0))
        .integer("span_periods", column(1))
        .integer("age_periods", column(2))
        .integer("repeat_spend_minor", column(3))
}

fn donors() -> Data {
    let rows = DONORS.iter().flat_map(|&(x, last, count)| vec![[x, last, 6, 0]; count]);
    data(&rows.collect::<Vec<_>>())
}

fn value(measures: &[Measure], name: &str) -> f64 {
    measures.iter().find(|m| m.name == name).unwrap().value
}

#[test]
fn the_published_fit_on_donors_is_reproduced() {
    let (fitted, measures) = plugin::<Ltv>().fit(&donors()).unwrap();
    for (name, printed, error) in [
        ("buyers", 11_104.0, 0.0),
        ("alpha", 1.204, 5e-4),
        ("beta", 0.750, 5e-4),
        ("gamma", 0.657, 5e-4),
        ("delta", 2.783, 5e-4),
        ("log_likelihood", -33_225.6, 0.05),
    ] {
        let got = value(&measures, name);
        assert!((got - printed).abs() <= error, "{name} is {got}, printed is {printed}");
    }
    // Expected donations in the 5 years to come, as printed for donors who gave never again, and every year (table 5).
    let opened = fitted.settings(json!({ "horizon": 5 })).open().unwrap();
    let given = opened.score(&data(&[[0, 0, 6, 0], [6, 6, 6, 0]])).unwrap();
    for (row, printed) in [(0, 0.07), (1, 3.75)] {
        let got = given.real("expected_orders", row).unwrap();
        assert!((got - printed).abs() <= 0.005, "{row}: {got}, printed is {printed}");
    }
}

const ALPHA: f64 = 1.5;
const BETA: f64 = 3.0;
const GAMMA: f64 = 0.9;
const DELTA: f64 = 8.0;
const AHEAD: i64 = 6;

/// Members with 9 to 14 opportunities, and how many of the next 6 were taken.
fn members(count: usize, seed: u64) -> (Data, f64) {
    let mut draws = Draws::new(seed);
    let (mut rows, mut later) = (Vec::new(), 0.0);
    for _ in 0..count {
        let (takes, leaves) = (draws.beta(ALPHA, BETA), draws.beta(GAMMA, DELTA));
        let level = draws.gamma(6.0);
        let n = 9 + (draws.even() * 6.0) as i64;
        let (mut x, mut last, mut spend) = (0, 0, 0.0);
        for at in 1..=n + AHEAD {
            if draws.even() < leaves {
                break;
            }
            if draws.even() >= takes {
                continue;
            }
            if at > n {
                later += 1.0;
            } else {
                (x, last) = (x + 1, at);
                spend += draws.gamma(5.0) * level * 100.0;
            }
        }
        rows.push([x, last, n, spend.round() as i64]);
    }
    (data(&rows), later)
}

#[test]
fn true_parameters_are_recovered_and_what_comes_is_foretold() {
    let (rows, later) = members(12_000, 1);
    let (fitted, measures) =
        plugin::<Ltv>().settings(json!({ "horizon": AHEAD })).fit(&rows).unwrap();
    for (name, truth) in [("alpha", ALPHA), ("beta", BETA), ("gamma", GAMMA), ("delta", DELTA)] {
        let (got, error) = (value(&measures, name), value(&measures, &format!("se_{name}")));
        assert!((got - truth).abs() < 3.0 * error && error < 0.15 * truth, "{name}: {got} {error}");
    }
    assert!(value(&measures, "calibration_error") < 0.02);
    assert!(value(&measures, "orders_slope") < 1e-6);
    let given = fitted.open().unwrap().score(&rows).unwrap();
    let foretold: f64 =
        (0..rows.len()).map(|row| given.real("expected_orders", row).unwrap()).sum();
    assert!((foretold / later - 1.0).abs() < 0.05, "{foretold} foretold, {later} came");
}

#[test]
fn standard_errors_are_the_spread_of_fits_on_other_members() {
    let names = ["alpha", "beta", "gamma", "delta"];
    let mut values = vec![Vec::new(); names.len()];
    let mut errors = vec![0.0; names.len()];
    for seed in 0..30 {
        let (rows, _) = members(4_000, 100 + seed);
        let (_, measures) = plugin::<Ltv>().fit(&rows).unwrap();
        for (at, name) in names.iter().enumerate() {
            values[at].push(value(&measures, name));
            errors[at] += value(&measures, &format!("se_{name}")) / 30.0;
        }
    }
    for (at, name) in names.iter().enumerate() {
        let (_, deviation) = spread(&values[at]);
        let ratio = errors[at] / deviation;
        assert!((0.7..1.4).contains(&ratio), "{name}: {} {deviation}", errors[at]);
    }
}

#[test]
fn members_are_answered_by_what_is_known_of_them() {
    let (rows, _) = members(2_000, 1);
    let opened = plugin::<Ltv>().fit_and_open(&rows).unwrap();
    let rows = Data::new()
        .integer("repeat_periods", [Some(0), Some(4), Some(4), None, Some(4), Some(3)])
        .integer("span_periods", [Some(0), Some(10), Some(5), None, Some(3), Some(9)])
        .integer("age_periods", [Some(12), Some(12), Some(12), None, Some(12), Some(9)])
        .integer("repeat_spend_minor", [Some(0), Some(12_000), Some(12_000), None, Some(1), None]);
    let given = opened.score(&rows).unwrap();
    assert!(given.real("p_alive", 0).unwrap() < given.real("p_alive", 1).unwrap());
    assert!(given.real("p_alive", 2).unwrap() < given.real("p_alive", 1).unwrap());
    assert!(given.integer("ltv_minor", 1) > given.integer("ltv_minor", 2));
    // One opportunity ahead by default, twelve for the orders.
    assert!(given.real("purchase_tendency", 1) < given.real("p_alive", 1));
    assert!(given.real("expected_orders", 1).unwrap() > 1.0);
    assert_eq!((given.real("p_alive", 3), given.reason(3)), (None, Some("never-bought")));
    assert_eq!((given.real("p_alive", 4), given.reason(4)), (None, Some("inconsistent")));
    assert_eq!((given.integer("ltv_minor", 5), given.reason(5)), (None, Some("spend-unknown")));
}

#[test]
fn a_margin_of_none_is_worth_nothing_and_a_double_one_twice_as_much() {
    let (rows, _) = members(2_000, 1);
    let worth = |margin: f64| {
        let opened =
            plugin::<Ltv>().settings(json!({ "margin_rate": margin })).fit_and_open(&rows).unwrap();
        opened.score(&rows).unwrap().integer("ltv_minor", 3).unwrap()
    };
    assert_eq!(worth(0.0), 0);
    assert!((worth(0.6) - 2 * worth(0.3)).abs() <= 1 && worth(0.3) > 0);
    let opened = plugin::<Ltv>().fit_and_open(&rows).unwrap();
    assert_eq!(opened.score(&rows).unwrap().integer("ltv_minor", 3).unwrap(), worth(0.3));
}

#[test]
fn what_cannot_support_a_fit_is_refused_in_words() {
    let text = plugin::<Ltv>().fit(&data(&vec![[0, 0, 6, 0]; 200])).unwrap_err();
    assert!(text.contains("200 buyers with 0 repeat buyers"), "{text}");
    assert!(plugin::<Ltv>().fit(&data(&vec![[1, 1, 3, 0]; 99])).is_err());
    assert!(
        plugin::<Ltv>()
            .fit(&data(&[[[1, 1, 3, 0]; 29].as_slice(), &[[0, 0, 3, 0]; 90]].concat()))
            .is_err()
    );
    // Everybody takes every opportunity: nobody leaves, and nothing tells members apart.
    let text = plugin::<Ltv>().fit(&data(&vec![[6, 6, 6, 0]; 200])).unwrap_err();
    assert!(text.contains("without end") || text.contains("flat"), "{text}");
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
        (json!({ "horizon": 0 }), "/horizon"),
        (json!({ "tendency": 521 }), "/tendency"),
        (json!({ "margin_rate": 2.0 }), "/margin_rate"),
        (json!({ "sample_max": 50 }), "/sample_max"),
        (json!({ "sample_max": 200, "repeat_buyers_min": 201 }), "/repeat_buyers_min"),
    ] {
        let problems = plugin::<Ltv>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}

#[test]
fn the_standard_settings_are_those_of_the_page() {
    let standard = Settings::default();
    assert_eq!((standard.horizon, standard.tendency), (12, 1));
    assert_eq!((standard.margin_rate, standard.unit_minor), (0.30, 100));
    assert_eq!(standard.sample_max, 65_536);
    assert_eq!((standard.buyers_min, standard.repeat_buyers_min), (100, 30));
}
