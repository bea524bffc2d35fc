//! Every cut point of SC-4 and its fitted form, through the same path as in the sandbox.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::testing::{self, Data, RowsGiven, json};
use value_rfm::ValueRfm;

/// Days since the last order, orders and spend of 365 days.
type Row = (Option<i64>, i64, i64);

fn rows(rows: &[Row]) -> Data {
    Data::new()
        .integer("days_since_last_order", rows.iter().map(|r| r.0))
        .integer("orders_365d", rows.iter().map(|r| r.1))
        .integer("spend_365d_minor", rows.iter().map(|r| r.2))
}

fn score(data: &[Row]) -> RowsGiven {
    testing::plugin::<ValueRfm>().open().unwrap().score(&rows(data)).unwrap()
}

fn code(days: i64, orders: i64, spend: i64) -> String {
    score(&[(Some(days), orders, spend)]).category("code", 0).unwrap().to_owned()
}

#[test]
fn sc_4_recency_changes_at_every_cut_point() {
    for (days, digit) in [
        (0, '5'),
        (7, '5'),
        (8, '4'),
        (30, '4'),
        (31, '3'),
        (90, '3'),
        (91, '2'),
        (180, '2'),
        (181, '1'),
    ] {
        assert_eq!(code(days, 3, 30_000).chars().next(), Some(digit), "{days} days");
    }
}

#[test]
fn sc_4_frequency_changes_at_every_cut_point() {
    for (orders, digit) in [
        (0, '1'),
        (1, '1'),
        (2, '2'),
        (3, '3'),
        (5, '3'),
        (6, '4'),
        (11, '4'),
        (12, '5'),
        (99, '5'),
    ] {
        assert_eq!(code(1, orders, 30_000).chars().nth(1), Some(digit), "{orders} orders");
    }
}

#[test]
fn sc_4_spend_changes_at_every_cut_point() {
    for (spend, digit) in [
        (-500, '1'),
        (9_999, '1'),
        (10_000, '2'),
        (29_999, '2'),
        (30_000, '3'),
        (99_999, '3'),
        (100_000, '4'),
        (299_999, '4'),
        (300_000, '5'),
    ] {
        assert_eq!(code(1, 3, spend).chars().nth(2), Some(digit), "{spend} minor");
    }
}

#[test]
fn sc_4_sum_and_tier_follow_the_code() {
    let given = score(&[
        (Some(7), 6, 30_000),
        (Some(8), 6, 30_000),
        (Some(180), 3, 29_999),
        (Some(180), 2, 29_999),
    ]);
    let seen: Vec<_> = (0..4)
        .map(|row| {
            let (code, tier) = (given.category("code", row), given.category("tier", row));
            (code.unwrap(), given.integer("sum", row).unwrap(), tier.unwrap())
        })
        .collect();
    assert_eq!(
        seen,
        [("543", 12, "high"), ("443", 11, "mid"), ("232", 7, "mid"), ("222", 6, "low")]
    );
}

#[test]
fn who_never_bought_is_000_without_bonus() {
    let data = rows(&[(None, 0, 0)]).integer("reviews_90d", [9]).integer("coupon_shares_90d", [9]);
    let given = testing::plugin::<ValueRfm>().open().unwrap().score(&data).unwrap();
    assert_eq!(given.category("code", 0), Some("000"));
    assert_eq!(given.integer("sum", 0), Some(0));
    assert_eq!(given.category("tier", 0), Some("low"));
    assert_eq!(given.reason(0), Some("never_bought"));
}

#[test]
fn sc_4_an_order_older_than_a_year_is_111() {
    assert_eq!(code(365, 12, 300_000), "155");
    assert_eq!(code(366, 0, 0), "111");
    assert_eq!(code(4_000, 50, 9_000_000), "111");
    assert_eq!(score(&[(Some(366), 0, 0)]).integer("sum", 0), Some(3));
}

#[test]
fn five_reviews_and_shares_give_one_more_and_never_above_15() {
    let data = rows(&[(Some(8), 6, 30_000), (Some(8), 6, 30_000), (Some(1), 12, 300_000)])
        .integer("reviews_90d", [4, 2, 9])
        .integer("coupon_shares_90d", [0, 3, 0]);
    let given = testing::plugin::<ValueRfm>().open().unwrap().score(&data).unwrap();
    let sums: Vec<_> = (0..3).map(|row| given.integer("sum", row)).collect();
    assert_eq!(sums, [Some(11), Some(12), Some(15)]);
    assert_eq!(given.category("code", 1), Some("443"));
    assert_eq!(given.category("tier", 1), Some("high"));
    assert_eq!(given.reason(1), Some("community_bonus"));
    let without = testing::plugin::<ValueRfm>().settings(json!({ "bonus": 0 }));
    assert_eq!(without.open().unwrap().score(&data).unwrap().integer("sum", 1), Some(11));
}

#[test]
fn parts_of_an_explanation_add_up_to_the_sum() {
    let data = rows(&[(Some(8), 6, 30_000)]).integer("reviews_90d", [5]);
    let opened = testing::plugin::<ValueRfm>().open().unwrap();
    let parts: f64 = opened.explain(&data).unwrap().iter().map(|factor| factor.contribution).sum();
    assert_eq!(opened.score(&data).unwrap().integer("sum", 0), Some(parts as i64));
}

/// 100 members with 1 to 100 days, orders and spend, and some who never or long ago bought.
fn population() -> Data {
    let bought = (1..=100).map(|i| (Some(i), i, 100 * i));
    let silent = (0..50).map(|i| (if i % 2 == 0 { None } else { Some(366 + i) }, 0, 0));
    rows(&bought.chain(silent).collect::<Vec<_>>())
}

fn quantile_mode() -> testing::Test<ValueRfm> {
    testing::plugin::<ValueRfm>().settings(json!({ "quantile_mode": true }))
}

#[test]
fn quantile_mode_cuts_buyers_into_fifths() {
    let (_, measures) = quantile_mode().fit(&population()).unwrap();
    assert_eq!(measures[0].value, 100.0);
    let opened = quantile_mode().fit_and_open(&population()).unwrap();
    let given = opened.score(&population()).unwrap();
    for digit in 0..3 {
        for wanted in '1'..='5' {
            let has = |row: &usize| {
                given.category("code", *row).unwrap().chars().nth(digit) == Some(wanted)
            };
            assert_eq!((0..100).filter(has).count(), 20, "digit {digit} is {wanted}");
        }
    }
    assert_eq!(given.category("code", 19), Some("511"));
    assert_eq!(given.category("code", 20), Some("422"));
    assert_eq!(given.category("code", 100), Some("000"));
    assert_eq!(given.category("code", 101), Some("111"));
}

#[test]
fn sc_4_who_bought_within_a_year_is_in_the_fit() {
    let (_, measures) =
        quantile_mode().fit(&rows(&[(Some(365), 1, 1), (Some(366), 1, 1)])).unwrap();
    assert_eq!(measures[0].value, 1.0);
}

#[test]
fn quantile_mode_of_a_community_without_buyers_gives_000_to_all() {
    let nobody = rows(&[(None, 0, 0), (None, 0, 0)]);
    let given = quantile_mode().fit_and_open(&nobody).unwrap().score(&nobody).unwrap();
    assert_eq!(given.category("code", 1), Some("000"));
}

#[test]
fn a_population_beyond_the_sample_still_fits_the_same_in_any_cut() {
    let many: Vec<Row> =
        (0..80_000_i64).map(|i| (Some(i * 7_919 % 366), i % 13, i % 977)).collect();
    let opened = quantile_mode().fit_and_open(&rows(&many)).unwrap();
    let given = opened.score(&rows(&many[..50_000])).unwrap();
    let best = |row: &usize| given.category("code", *row).unwrap().starts_with('5');
    let share = (0..50_000).filter(best).count() as f64 / 50_000.0;
    assert!((share - 0.2).abs() < 0.01, "{share}");
}

#[test]
fn no_fit_is_asked_for_with_fixed_cut_points() {
    assert_eq!(testing::plugin::<ValueRfm>().shape().unwrap().fit_passes_max, 0);
    assert_eq!(quantile_mode().shape().unwrap().fit_passes_max, 1);
    let problems = quantile_mode().open().unwrap_err();
    assert_eq!(problems.list()[0].path, "/quantile_mode");
}

#[test]
fn a_damaged_model_is_refused() {
    let problems = quantile_mode().model(vec![1, 2, 3]).open().unwrap_err();
    assert!(problems.to_string().contains("damaged"), "{problems}");
}

#[test]
fn every_problem_with_the_settings_is_told_at_once() {
    let test = testing::plugin::<ValueRfm>().settings(json!({
        "r_days": [7, 30, 20, 180],
        "f_orders": [2, 3, 6, 12],
        "tier_bounds": [12, 7],
    }));
    let problems = test.problems();
    let paths: Vec<&str> = problems.list().iter().map(|p| p.path.as_str()).collect();
    assert_eq!(paths, ["/r_days", "/f_orders", "/tier_bounds"]);
}

#[test]
fn an_empty_batch_gets_an_empty_answer() {
    assert!(
        testing::plugin::<ValueRfm>().open().unwrap().score(&Data::empty()).unwrap().is_empty()
    );
}
