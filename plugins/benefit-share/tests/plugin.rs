//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use benefit_share::BenefitShare;
use playbook_sdk::Context;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, Proposed, json, plugin};

/// Payees with the keys 11, 12 ...
fn payees(all: &[(&str, Option<f64>, Option<&'static str>)]) -> Data {
    Data::new()
        .integer("key", (11..).take(all.len()).map(i64::from))
        .text("cooperation_level", all.iter().map(|(level, _, _)| *level))
        .real("contribution", all.iter().map(|(_, contribution, _)| *contribution))
        .text("grade", all.iter().map(|(_, _, grade)| *grade))
}

/// What is proposed for the payees on a day of January 2025.
fn propose_on(day: i64, settings: Value, payees: Data, margin: i64) -> Vec<Proposed> {
    let now = (20_089 + day - 1) * 86_400_000;
    let context = Context { now, local_min: now / 60_000, seed: 1 };
    let rows = Data::new().integer("key", (11..).take(payees.len()).map(i64::from));
    let brand = Data::new().integer("attributed_margin_minor", [margin]);
    let test = plugin::<BenefitShare>().context(context).settings(settings);
    test.table(payees).table(brand).open().unwrap().propose(&rows).unwrap()
}

fn propose(settings: Value, payees: Data, margin: i64) -> Vec<Proposed> {
    propose_on(1, settings, payees, margin)
}

fn sharers(contributions: &[f64]) -> Data {
    let all: Vec<_> = contributions.iter().map(|c| ("revenue-share", Some(*c), None)).collect();
    payees(&all)
}

#[test]
fn y032_payouts_sum_to_the_pool_and_each_is_a_statement() {
    let given = propose(json!({}), sharers(&[50.0, 30.0, 20.0, 0.0]), 1_000_005);
    let statement: Vec<_> = given.iter().map(|p| (p.row, p.cost, p.expected_output)).collect();
    // The pool of 100 000 and the margin behind it, by contribution.
    assert_eq!(statement, [(0, 50_000, 500_003), (1, 30_000, 300_001), (2, 20_000, 200_001)]);
    assert!(given.iter().all(|p| p.action == "payout" && p.reason == "revenue-share"));
    for margin in [7, 123, 99_999, 1_234_567] {
        let given = propose(json!({}), sharers(&[1.0, 1.0, 1.0, 0.7]), margin);
        assert_eq!(given.iter().map(|p| p.cost).sum::<i64>(), margin / 10, "{margin}");
    }
}

#[test]
fn in_8_pool_is_a_tenth_of_the_margin_at_most() {
    let paid = |settings: Value| propose(settings, sharers(&[1.0]), 1_000)[0].cost;
    assert_eq!((paid(json!({})), paid(json!({ "rate": 0.05 }))), (100, 50));
    let problems = plugin::<BenefitShare>().settings(json!({ "rate": 0.11 })).problems();
    assert_eq!(problems.list()[0].path, "/rate");
}

#[test]
fn in_8_three_levels_of_cooperation() {
    let all = [
        ("agreement", Some(90.0), Some("A")),
        ("points", Some(90.0), Some("A")),
        ("points", None, Some("B")),
        ("points", None, Some("C")),
        ("points", None, Some("D")),
        ("points", None, None),
        ("revenue-share", Some(10.0), Some("D")),
        ("other", Some(10.0), None),
    ];
    let given = propose(json!({ "point_cost_minor": 2 }), payees(&all), 1_000);
    let seen: Vec<_> =
        given.iter().map(|p| (p.row, p.action.as_str(), p.quantity, p.cost)).collect();
    assert_eq!(
        seen,
        [
            (1, "cooperation-points", 300, 600),
            (2, "cooperation-points", 200, 400),
            (3, "cooperation-points", 100, 200),
            // Who has points or an agreement takes nothing out of the pool.
            (6, "payout", 1, 100),
        ]
    );
    let cheap = propose(json!({ "points_d": 5 }), payees(&all), 0);
    assert_eq!((cheap[3].row, cheap[3].quantity, cheap[3].cost), (4, 5, 5));
}

#[test]
fn in_8_payouts_go_out_once_a_month() {
    let on = |day: i64| propose_on(day, json!({}), sharers(&[1.0]), 1_000).len();
    assert_eq!([on(1), on(14), on(15), on(31)], [1, 1, 0, 0]);
    // Cycles of two weeks, back to back from the third: each month is paid in one of them.
    let paid: Vec<_> = [3, 17, 31].into_iter().filter(|day| on(*day) == 1).collect();
    assert_eq!(paid, [3]);
}

#[test]
fn nothing_is_paid_of_a_loss_or_to_nobody() {
    assert!(propose(json!({}), sharers(&[1.0]), -1_000).is_empty());
    assert!(propose(json!({}), sharers(&[0.0]), 1_000).is_empty());
    assert!(propose(json!({}), payees(&[("revenue-share", None, None)]), 1_000).is_empty());
}

#[test]
fn who_is_no_payee_gets_nothing() {
    let brand = Data::new().integer("attributed_margin_minor", [1_000]);
    let test = plugin::<BenefitShare>().table(sharers(&[1.0])).table(brand);
    let rows = Data::new().integer("key", [99, 11]);
    let given = test.open().unwrap().propose(&rows).unwrap();
    assert_eq!(given.iter().map(|p| p.row).collect::<Vec<_>>(), [1]);
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "subject": "" }), "/subject"),
        (json!({ "points_a": -1 }), "/points_a"),
        (json!({ "cycle_days": 29 }), "/cycle_days"),
    ] {
        let problems = plugin::<BenefitShare>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
