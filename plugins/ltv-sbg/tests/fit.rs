//! The published fits, fits on simulated subscribers whose true parameters are known, and the plugin's answers.
#![allow(clippy::unwrap_used, reason = "tests")]

use ltv_sbg::{Ltv, Settings};
use playbook_domain::draws::{Draws, spread};
use playbook_sdk::testing::{Data, json, plugin};
use playbook_sdk::types::Measure;

/// Of 1,000 subscribers those who are left after each renewal: Fader and Hardie (2007), "How to Project Customer
/// Retention", table 1, the first seven years of eleven.
const REGULAR: [i64; 8] = [1_000, 631, 468, 382, 326, 289, 262, 241];
const HIGH_END: [i64; 8] = [1_000, 869, 743, 653, 593, 551, 517, 491];
/// The same after the last year of the table.
const LEFT_IN_YEAR_12: [f64; 2] = [0.173, 0.394];

fn data(rows: &[[i64; 3]]) -> Data {
    let column = |at: usize| rows.iter().map(move |row| row[at]);
    Data::new()
        .integer("renewals", column(0))
        .integer("subscription_ended", column(1))
        .integer("fee_minor", column(2))
}

fn cohort(left: &[i64; 8]) -> Data {
    let mut rows = vec![[7, 0, 10_000]; left[7] as usize];
    for at in 0..7 {
        rows.extend(vec![[at as i64, 1, 10_000]; (left[at] - left[at + 1]) as usize]);
    }
    data(&rows)
}

fn value(measures: &[Measure], name: &str) -> f64 {
    measures.iter().find(|m| m.name == name).unwrap().value
}

#[test]
fn the_published_fits_are_reproduced_and_the_years_to_come_foretold() {
    for (left, [alpha, beta], in_year_12) in [
        (REGULAR, [0.704, 1.182], LEFT_IN_YEAR_12[0]),
        (HIGH_END, [0.668, 3.806], LEFT_IN_YEAR_12[1]),
    ] {
        let (_, measures) = plugin::<Ltv>().fit(&cohort(&left)).unwrap();
        let (a, b) = (value(&measures, "alpha"), value(&measures, "beta"));
        assert!((a - alpha).abs() <= 5e-4, "alpha is {a}, printed is {alpha}");
        assert!((b - beta).abs() <= 5e-4, "beta is {b}, printed is {beta}");
        // The share that is left after 12 renewals, held out of the fit.
        let stays: f64 = (0..12).map(|n| (b + f64::from(n)) / (a + b + f64::from(n))).product();
        assert!((stays - in_year_12).abs() < 0.02, "{stays} {in_year_12}");
        assert!(value(&measures, "calibration_error") < 0.02);
        assert!(value(&measures, "renewals_slope") < 1e-6);
    }
}

const ALPHA: f64 = 0.9;
const BETA: f64 = 4.0;
const AHEAD: i64 = 6;

/// Subscribers who began 1 to 12 periods ago, and the renewals that the running ones made in the 6 periods after.
fn subscribers(count: usize, seed: u64) -> (Data, f64) {
    let mut draws = Draws::new(seed);
    let (mut rows, mut later) = (Vec::new(), 0.0);
    for _ in 0..count {
        let ends = draws.beta(ALPHA, BETA);
        let age = 1 + (draws.even() * 12.0) as i64;
        let mut renewals = 0;
        while renewals < age + AHEAD && draws.even() >= ends {
            renewals += 1;
        }
        later += (renewals - age).max(0) as f64;
        rows.push([renewals.min(age), i64::from(renewals < age), 9_900]);
    }
    (data(&rows), later)
}

#[test]
fn true_parameters_are_recovered_and_renewals_foretold() {
    let (rows, later) = subscribers(12_000, 1);
    let (fitted, measures) =
        plugin::<Ltv>().settings(json!({ "horizon": AHEAD })).fit(&rows).unwrap();
    for (name, truth) in [("alpha", ALPHA), ("beta", BETA)] {
        let (got, error) = (value(&measures, name), value(&measures, &format!("se_{name}")));
        assert!((got - truth).abs() < 3.0 * error && error < 0.1 * truth, "{name}: {got} {error}");
    }
    let given = fitted.open().unwrap().score(&rows).unwrap();
    let foretold: f64 =
        (0..rows.len()).map(|row| given.real("expected_renewals", row).unwrap()).sum();
    assert!((foretold / later - 1.0).abs() < 0.03, "{foretold} foretold, {later} came");
}

#[test]
fn standard_errors_are_the_spread_of_fits_on_other_subscribers() {
    let names = ["alpha", "beta"];
    let mut values = vec![Vec::new(); names.len()];
    let mut errors = vec![0.0; names.len()];
    for seed in 0..60 {
        let (rows, _) = subscribers(3_000, 100 + seed);
        let (_, measures) = plugin::<Ltv>().fit(&rows).unwrap();
        for (at, name) in names.iter().enumerate() {
            values[at].push(value(&measures, name));
            errors[at] += value(&measures, &format!("se_{name}")) / 60.0;
        }
    }
    for (at, name) in names.iter().enumerate() {
        let (_, deviation) = spread(&values[at]);
        let ratio = errors[at] / deviation;
        assert!((0.75..1.33).contains(&ratio), "{name}: {} {deviation}", errors[at]);
    }
}

#[test]
fn subscribers_are_answered_by_what_is_known_of_them() {
    let (learned, _) = subscribers(2_000, 1);
    let opened = plugin::<Ltv>().fit_and_open(&learned).unwrap();
    let rows = Data::new()
        .integer("renewals", [Some(0), Some(9), Some(2), None, Some(-1), Some(2), Some(3)])
        .integer(
            "subscription_ended",
            [Some(0), Some(0), Some(1), Some(0), Some(0), Some(2), Some(0)],
        )
        .integer("fee_minor", [Some(9_900), Some(9_900), Some(9_900), None, None, None, None]);
    let given = opened.score(&rows).unwrap();
    assert!(given.real("p_renews", 0).unwrap() < given.real("p_renews", 1).unwrap());
    assert!(given.integer("ltv_minor", 0).unwrap() < given.integer("ltv_minor", 1).unwrap());
    assert_eq!((given.integer("ltv_minor", 2), given.reason(2)), (Some(0), Some("ended")));
    assert_eq!(given.real("p_renews", 2), None);
    assert_eq!((given.real("p_renews", 3), given.reason(3)), (None, Some("no-subscription")));
    assert_eq!((given.real("p_renews", 4), given.reason(4)), (None, Some("inconsistent")));
    assert_eq!(given.reason(5), Some("inconsistent"));
    assert_eq!((given.integer("ltv_minor", 6), given.reason(6)), (None, Some("fee-unknown")));
    assert!(given.real("expected_renewals", 6).is_some());
    // Twelve renewals, a margin of 0.30 and nothing less for waiting: the standard settings, said.
    let said = json!({ "horizon": 12, "margin_rate": 0.3, "discount_rate": 0.0 });
    let same = plugin::<Ltv>().settings(said).fit_and_open(&learned).unwrap().score(&rows).unwrap();
    assert_eq!(same.integer("ltv_minor", 1), given.integer("ltv_minor", 1));
    let expected = given.real("expected_renewals", 1).unwrap();
    assert_eq!(given.integer("ltv_minor", 1), Some((expected * 9_900.0 * 0.3).round() as i64));
    let less =
        plugin::<Ltv>().settings(json!({ "discount_rate": 0.1 })).fit_and_open(&learned).unwrap();
    let less = less.score(&rows).unwrap().integer("ltv_minor", 1).unwrap();
    assert!(less < given.integer("ltv_minor", 1).unwrap());
}

#[test]
fn what_cannot_support_a_fit_is_refused_in_words() {
    let refused = |rows: &[[i64; 3]]| plugin::<Ltv>().fit(&data(rows)).unwrap_err();
    let text = refused(&[[3, 0, 0]; 200]);
    assert!(text.contains("200 subscribers, of whom 0 ended and 200 renewed"), "{text}");
    assert!(refused(&[[1, 1, 0]; 99]).contains("too few"));
    let (ends, stays) = ([[2, 1, 0]; 29], [[3, 0, 0]; 171]);
    assert!(refused(&[ends.as_slice(), &stays].concat()).contains("29 ended"));
    // Everybody ends after the same number of renewals: those who stay must not leave more surely.
    let text = refused(&[[5, 1, 0]; 200]);
    assert!(text.contains("without end") || text.contains("flat"), "{text}");
}

#[test]
fn a_model_that_was_not_fitted_is_refused() {
    assert!(plugin::<Ltv>().open().is_err());
    assert!(plugin::<Ltv>().model(vec![0; 7]).open().is_err());
    let zeros = plugin::<Ltv>().model(vec![0; 16]).open().unwrap_err();
    assert!(zeros.to_string().contains("not above 0"), "{zeros}");
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "horizon": 0 }), "/horizon"),
        (json!({ "margin_rate": 1.1 }), "/margin_rate"),
        (json!({ "discount_rate": -0.1 }), "/discount_rate"),
        (json!({ "events_min": 101 }), "/events_min"),
    ] {
        let problems = plugin::<Ltv>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}

#[test]
fn the_standard_settings_are_those_of_the_page() {
    let standard = Settings::default();
    assert_eq!((standard.horizon, standard.margin_rate, standard.discount_rate), (12, 0.30, 0.0));
    assert_eq!((standard.subscribers_min, standard.events_min), (100, 30));
}

#[test]
fn more_than_a_thousand_renewals_count_as_a_thousand() {
    let rows = |longest: i64| {
        let mut rows = vec![[0, 1, 0]; 60];
        rows.extend([[2, 1, 0]; 40]);
        rows.extend([[longest, 0, 0]; 3]);
        data(&rows)
    };
    let shape = |longest| {
        let settings = json!({ "subscribers_min": 100, "events_min": 30 });
        let (_, measures) = plugin::<Ltv>().settings(settings).fit(&rows(longest)).unwrap();
        value(&measures, "alpha")
    };
    assert_eq!(shape(1_000), shape(1_500));
    assert!(shape(999) != shape(1_000));
}
