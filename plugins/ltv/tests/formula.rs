//! The formula of SC-10, its edges and its calibration.
#![allow(clippy::unwrap_used, reason = "tests")]

use ltv::{Ltv, Settings, life_years};
use playbook_sdk::testing::{self, Data, RowsGiven, json};
use playbook_sdk::types::Measure;

/// Mean order, orders of a year, days since the last one, clicks, retention and tier.
type Row = (Option<i64>, Option<i64>, Option<i64>, Option<f64>, Option<f64>, Option<&'static str>);

fn data(rows: &[Row]) -> Data {
    Data::new()
        .integer("aov_minor", rows.iter().map(|r| r.0))
        .integer("orders_365d", rows.iter().map(|r| r.1))
        .integer("days_since_last_order", rows.iter().map(|r| r.2))
        .real("push_click_rate_30d", rows.iter().map(|r| r.3))
        .real("annual_retention", rows.iter().map(|r| r.4))
        .text("tier-interactions.tier", rows.iter().map(|r| r.5.map(str::to_owned)))
}

fn score(rows: &[Row]) -> RowsGiven {
    testing::plugin::<Ltv>().open().unwrap().score(&data(rows)).unwrap()
}

/// 100.00 an order, 6 orders a year, the last one 30 days ago.
fn buyer(retention: Option<f64>, tier: Option<&'static str>) -> Row {
    (Some(10_000), Some(6), Some(30), Some(0.0), retention, tier)
}

#[test]
fn sc_10_value_is_margin_of_the_years_that_a_member_stays() {
    // 100.00 x 6 x 0.30 = 180.00 a year.
    for (retention, years) in
        [(0.0, 1.0), (0.5, 2.0), (0.75, 4.0), (0.8, 5.0), (0.85, 5.0), (1.0, 5.0)]
    {
        let given = score(&[buyer(Some(retention), None)]);
        assert_eq!(given.integer("ltv_minor", 0), Some((18_000.0 * years) as i64), "{retention}");
        assert!((life_years(retention, 5.0) - years).abs() < 1e-12);
    }
    assert!((life_years(0.79, 5.0) - 1.0 / 0.21).abs() < 1e-12);
}

#[test]
fn sc_10_tiers_raise_the_value_by_their_coefficient() {
    for (tier, factor) in [
        (None, 1.0),
        (Some("silent"), 1.0),
        (Some("prospect"), 1.0),
        (Some("active"), 1.4),
        (Some("core"), 1.8),
    ] {
        let given = score(&[buyer(Some(0.5), tier)]);
        assert_eq!(
            given.integer("ltv_minor", 0),
            Some((36_000.0_f64 * factor).round() as i64),
            "{tier:?}"
        );
    }
}

/// 1 / (1 + exp(-sum)).
fn logistic(sum: f64) -> f64 {
    1.0 / (1.0 + (-sum).exp())
}

#[test]
fn sc_10_tendency_is_a_logistic_score_of_recency_frequency_and_clicks() {
    let row =
        |orders, days, clicks| (Some(10_000), Some(orders), Some(days), clicks, Some(0.5), None);
    let rows = [
        row(1, 0, None),
        row(1, 30, None),
        row(6, 30, Some(0.0)),
        row(6, 30, Some(0.2)),
        row(6, 365, Some(0.2)),
        row(6, 366, Some(0.2)),
        row(0, 400, None),
    ];
    let given = score(&rows);
    let wanted = [
        -1.5 + 2.0_f64.ln(),
        -2.0 + 2.0_f64.ln(),
        -2.0 + 7.0_f64.ln(),
        -1.8 + 7.0_f64.ln(),
        -1.3 + 7.0_f64.ln() - 0.5 * 365.0 / 30.0,
        -1.3 + 7.0_f64.ln() - 0.5 * 365.0 / 30.0,
        -1.5 - 0.5 * 365.0 / 30.0,
    ];
    for (row, sum) in wanted.into_iter().enumerate() {
        let got = given.real("purchase_tendency", row).unwrap();
        assert!((got - logistic(sum)).abs() < 1e-12, "{row}: {got} {}", logistic(sum));
    }
}

#[test]
fn missing_is_not_zero_and_has_a_reason() {
    let given = score(&[
        (None, Some(0), None, None, Some(0.5), None),
        (None, Some(3), Some(10), None, Some(0.5), None),
        (Some(10_000), None, Some(10), None, Some(0.5), None),
        buyer(None, None),
    ]);
    assert_eq!((given.integer("ltv_minor", 0), given.reason(0)), (Some(0), Some("never-bought")));
    assert_eq!(given.real("purchase_tendency", 0), None);
    assert_eq!((given.integer("ltv_minor", 1), given.reason(1)), (None, Some("orders-unknown")));
    assert!(given.real("purchase_tendency", 1).is_some());
    assert_eq!((given.integer("ltv_minor", 2), given.reason(2)), (None, Some("orders-unknown")));
    assert_eq!(given.real("purchase_tendency", 2), None);
    assert_eq!((given.integer("ltv_minor", 3), given.reason(3)), (None, Some("retention-unknown")));
    assert!(given.real("purchase_tendency", 3).is_some());
}

#[test]
fn settings_change_what_they_name() {
    let value = |settings| {
        let opened = testing::plugin::<Ltv>().settings(settings).open().unwrap();
        opened.score(&data(&[buyer(None, Some("core"))])).unwrap().integer("ltv_minor", 0)
    };
    assert_eq!(value(json!({ "annual_retention": 0.5 })), Some(64_800));
    assert_eq!(value(json!({ "annual_retention": 0.5, "margin_rate": 0.1 })), Some(21_600));
    assert_eq!(value(json!({ "annual_retention": 0.9, "life_years_max": 3.0 })), Some(97_200));
    assert_eq!(
        value(json!({ "annual_retention": 0.5, "coefficient": { "core": 2.0 } })),
        Some(72_000)
    );
}

fn measure(measures: &[Measure], name: &str) -> Option<f64> {
    measures.iter().find(|m| m.name == name).map(|m| m.value)
}

/// Members of whom the cycle before said 0.05 and 0.45, and who of them ordered.
fn told(members: i64) -> Data {
    let of = |at: i64| if at % 2 == 0 { 0.05 } else { 0.45 };
    Data::new()
        .integer("orders_365d", (0..members).map(|_| 1))
        .integer("days_since_last_order", (0..members).map(|_| 1))
        .real("previous.1.purchase_tendency", (0..members).map(of))
        .integer(
            "orders_30d",
            (0..members).map(|at| {
                if at % 2 == 0 { i64::from(at % 20 == 0) } else { i64::from(at % 10 < 4) }
            }),
        )
}

#[test]
fn y010_the_calibration_error_of_the_cycle_before_is_reported() {
    let test = || testing::plugin::<Ltv>().settings(json!({ "calibrate": true }));
    let (_, measures) = test().fit(&told(400)).unwrap();
    // Of the lower half 0.10 ordered for 0.05 said, of the upper 0.40 for 0.45: off in either band, not in all.
    assert_eq!(measure(&measures, "calibrated_members"), Some(400.0));
    let near = |name: &str, want: f64| {
        let got = measure(&measures, name).unwrap();
        assert!((got - want).abs() < 1e-12, "{name} is {got}, wanted {want}");
    };
    near("tendency_mean", 0.25);
    near("ordered_share", 0.25);
    near("calibration_error", 0.05);
    // Too few members say nothing, and refuse nothing.
    let (_, measures) = test().fit(&told(99)).unwrap();
    assert_eq!(measure(&measures, "calibration_error"), None);
    let (_, measures) = test().fit(&told(100)).unwrap();
    assert!(measure(&measures, "calibration_error").is_some());
}

#[test]
fn y010_a_calibration_tells_ten_bands_apart() {
    // Of the two the second ordered: in one band what was said too much of one is made up for by the other.
    let error = |said: [f64; 2]| {
        let data = Data::new()
            .integer("orders_365d", [1, 1])
            .integer("days_since_last_order", [1, 1])
            .real("previous.1.purchase_tendency", said)
            .integer("orders_30d", [0, 1]);
        let test =
            testing::plugin::<Ltv>().settings(json!({ "calibrate": true, "members_min": 2 }));
        measure(&test.fit(&data).unwrap().1, "calibration_error").unwrap()
    };
    let (one_band, two_bands) = (error([0.088, 0.092]), error([0.095, 0.105]));
    assert!((one_band - (1.0 - 0.18) / 2.0).abs() < 1e-9, "{one_band}");
    assert!((two_bands - (0.095 + 0.895) / 2.0).abs() < 1e-9, "{two_bands}");
}

#[test]
fn without_calibration_nothing_is_fitted_or_needed() {
    let shape = testing::plugin::<Ltv>().shape().unwrap();
    assert_eq!(shape.fit_passes_max, 0);
    assert_eq!(shape.rows.unwrap().columns.len(), 6);
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "margin_rate": 1.5 }), "/margin_rate"),
        (json!({ "annual_retention": 1.1 }), "/annual_retention"),
        (json!({ "life_years_max": 0.0 }), "/life_years_max"),
        (json!({ "coefficient": { "core": -1.0 } }), "/coefficient/core"),
        (json!({ "tendency": { "recency": 21.0 } }), "/tendency/recency"),
        (json!({ "recency_days_max": 0 }), "/recency_days_max"),
    ] {
        let problems = testing::plugin::<Ltv>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}

#[test]
fn the_standard_settings_are_those_of_the_page() {
    let standard = Settings::default();
    assert!(!standard.calibrate);
    assert_eq!((standard.members_min, standard.annual_retention), (100, None));
}
