//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, Test, json, plugin};
use risk_return::RiskReturn;

const CARD: &str = include_str!("../cards/stress-10.toml");

fn value(settings: Value, items: Data, free: Option<i64>) -> TablesGiven {
    value_of(plugin::<RiskReturn>().settings(settings), items, free)
}

fn value_of(test: Test<RiskReturn>, items: Data, free: Option<i64>) -> TablesGiven {
    let brand = Data::new().integer("free_pool_minor", [free]);
    test.table(items).table(brand).open().unwrap().value().unwrap()
}

/// One investment of 1000 with a return; four tenths by opinion consumers, half of the money for new members.
fn item(roi: f64) -> Data {
    Data::new()
        .integer("amount_minor", [1_000])
        .real("roi", [roi])
        .real("koc_share", [0.4])
        .real("acquisition_share", [0.5])
}

fn losses(roi: f64) -> Vec<(&'static str, f64)> {
    let given = value(json!({}), item(roi), None);
    let names = [
        "base",
        "optimistic",
        "pessimistic",
        "demand-down",
        "acquisition-dear",
        "reach-halved",
        "koc-leaves",
        "content-freeze",
        "data-outage",
        "off-season",
    ];
    let loss = |name| given.table(0).rounded(&format!("loss-{name}"), 0).unwrap();
    names.map(|name| (name, loss(name))).to_vec()
}

#[test]
fn ro_13_ten_scenarios_have_their_losses() {
    let want = [
        ("base", 0.0),
        ("optimistic", 0.0),
        ("pessimistic", 0.2),
        ("demand-down", 0.3),
        ("acquisition-dear", 0.335),
        ("reach-halved", 0.5),
        ("koc-leaves", 0.4),
        ("content-freeze", 0.25),
        ("data-outage", 0.0357),
        ("off-season", 0.4444),
    ];
    assert_eq!(losses(1.0), want);
    let better = losses(0.9);
    assert_eq!((better[0].1, better[1].1), (0.1, 0.0));
    assert_eq!(losses(0.8)[1].1, 0.04);
}

#[test]
fn y063_worst_loss_of_fifteen_per_cent_stops_approval() {
    // Halved reach is the worst: 1 - 0.5 roi.
    let at = |roi: f64| {
        let given = value(json!({}), item(roi), None);
        let stops =
            given.findings_of("stress-loss").filter(|f| f.place.unwrap().table == 0).count();
        let said = given.table(0);
        assert_eq!(said.category("worst_scenario", 0), Some("reach-halved"));
        (said.category("approval", 0).unwrap().to_owned(), stops)
    };
    assert_eq!(at(1.701), ("open".to_owned(), 0));
    assert_eq!(at(1.699), ("stopped".to_owned(), 1));
    // The bound stops: half is exact.
    let exact = |stop: f64| {
        let given = value(json!({ "loss_stop": stop }), item(1.0), None);
        given.table(0).category("approval", 0).unwrap().to_owned()
    };
    assert_eq!((exact(0.5), exact(0.501)), ("stopped".to_owned(), "open".to_owned()));
}

#[test]
fn ro_13_one_investment_takes_a_fifth_of_the_free_pool() {
    let at = |free: i64| {
        let given = value(json!({}), item(4.0), Some(free));
        (
            given.findings_of("too-large").count(),
            given.table(0).category("approval", 0).unwrap().to_owned(),
        )
    };
    assert_eq!(at(5_000), (0, "open".to_owned()));
    assert_eq!(at(4_999), (1, "stopped".to_owned()));
    assert_eq!((at(0), at(-5)), ((1, "stopped".to_owned()), (1, "stopped".to_owned())));
    assert_eq!(value(json!({}), item(4.0), None).table(0).real("of_free_pool", 0), None);
    assert_eq!(
        value(json!({}), item(4.0), Some(5_000)).table(0).rounded("of_free_pool", 0),
        Some(0.2)
    );
}

#[test]
fn ro_13_concentration_is_the_sum_of_squared_shares() {
    let given = |test: Test<RiskReturn>, amounts: &[i64]| {
        let items = Data::new()
            .integer("amount_minor", amounts.iter().copied())
            .real("roi", vec![4.0; amounts.len()]);
        let given = value_of(test, items, None);
        (given.table(1).rounded("concentration", 0), given.findings_of("concentrated").count())
    };
    let of = |amounts: &[i64]| {
        let told = given(plugin::<RiskReturn>(), amounts);
        assert_eq!(given(plugin::<RiskReturn>().card(CARD), amounts), told);
        told
    };
    assert_eq!(of(&[500, 500]), (Some(0.5), 1));
    assert_eq!(of(&[1, 1, 1]), (Some(0.3333), 0));
    assert_eq!(of(&[44, 28, 28]), (Some(0.3504), 1));
    assert_eq!(of(&[42, 29, 29]), (Some(0.3446), 0));
    assert_eq!(of(&[]), (None, 0));
}

#[test]
fn ro_13_items_together_may_stand_what_one_does_not() {
    let items = Data::new().integer("amount_minor", [1_000, 3_000]).real("roi", [1.0, 3.0]);
    let given = value(json!({}), items, None);
    // 0.5 of one thousand is lost, three thousand gain half: together 1000 - 500 + 3000 - 4500.
    assert_eq!(given.table(1).rounded("worst_loss_of_all", 0), Some(0.0));
    let places: Vec<_> = given.findings_of("stress-loss").map(|f| f.place.unwrap()).collect();
    assert_eq!(places.iter().map(|p| (p.table, p.row)).collect::<Vec<_>>(), [(0, 0)]);
    let bad = Data::new().integer("amount_minor", [1_000, 1_000]).real("roi", [1.0, 1.2]);
    let given = value(json!({}), bad, None);
    assert_eq!(given.table(1).rounded("worst_loss_of_all", 0), Some(0.45));
    assert_eq!(given.table(1).category("worst_scenario_of_all", 0), Some("reach-halved"));
    assert_eq!(given.findings_of("stress-loss").filter(|f| f.place.unwrap().table == 1).count(), 1);
}

#[test]
fn a_share_that_is_not_known_leaves_its_scenario_out() {
    let items = Data::new().integer("amount_minor", [1_000]).real("roi", [1.0]);
    let given = value(json!({}), items, None);
    assert_eq!(given.table(0).real("loss-koc-leaves", 0), None);
    assert_eq!(given.table(0).real("loss-acquisition-dear", 0), None);
    assert_eq!(given.table(0).rounded("worst_loss", 0), Some(0.5));
}

#[test]
fn what_was_never_tested_is_not_open() {
    let items = Data::new().integer("amount_minor", [1_000, 0]).real("roi", [None, Some(2.0)]);
    let given = value(json!({}), items, None);
    assert_eq!(
        (given.table(0).category("approval", 0), given.table(0).category("approval", 1)),
        (None, None)
    );
    assert_eq!(given.findings_of("untested").count(), 1);
}

#[test]
fn return_value_and_rate_of_an_item_are_told() {
    let flows = vec![-2_000_000, 900_000, 900_000, 900_000];
    let items = item(1.98)
        .real("risk", [0.2])
        .real("discount_rate", [0.10])
        .integers("cash_flows_minor", [flows]);
    let given = value(json!({}), items, None);
    assert_eq!(given.table(0).rounded("roi_adj", 0), Some(1.584));
    assert_eq!(given.table(0).integer("npv_minor", 0), Some(238_167));
    assert_eq!(given.table(0).rounded("irr", 0), Some(0.1665));
}

#[test]
fn ro_13_a_rate_of_return_lies_between_a_loss_of_99_per_cent_and_ten_times() {
    let irr = |flows: [i64; 2]| {
        let given =
            value(json!({}), item(1.0).integers("cash_flows_minor", [flows.to_vec()]), None);
        given.table(0).rounded("irr", 0)
    };
    assert_eq!((irr([-1_000, 10_990]), irr([-1_000, 11_010])), (Some(9.99), None));
    assert_eq!((irr([-1_000, 11]), irr([-1_000, 9])), (Some(-0.989), None));
}

#[test]
fn the_card_says_what_the_plugin_has_by_default() {
    // An item of each kind of outcome, and a free pool that just carries one, or just does not.
    let all = || {
        let amounts =
            Data::new().integer("amount_minor", [1_000; 4]).real("roi", [1.3, 0.8, 0.3, 1.701]);
        amounts.real("koc_share", [0.4; 4]).real("acquisition_share", [0.5; 4])
    };
    let of = |test: fn() -> Test<RiskReturn>| {
        let value = |free: i64| value_of(test(), all(), Some(free));
        (test().shape().unwrap(), [4_990, 5_000].map(value))
    };
    let (shape, given) = of(|| plugin::<RiskReturn>().card(CARD));
    let own = of(plugin::<RiskReturn>);
    assert!(shape == own.0 && given == own.1);
    for (given, too_large) in given.iter().zip([4, 0]) {
        assert_eq!(given.findings_of("too-large").count(), too_large);
        let losses = |name: &str| [0, 1, 2].map(|row| given.table(0).rounded(name, row).unwrap());
        assert_eq!(losses("loss-optimistic"), [0.0, 0.04, 0.64]);
        assert_eq!(losses("loss-pessimistic"), [0.0, 0.36, 0.76]);
        assert_eq!(losses("loss-data-outage"), [0.0, 0.2286, 0.7107]);
        assert_eq!(
            given.table(0).category("approval", 3),
            Some(if too_large > 0 { "stopped" } else { "open" })
        );
    }
    let tuned = json!({ "scenario": { "off-season": { "divided_by": 4.0 } } });
    let tuned = value_of(plugin::<RiskReturn>().card(CARD).with(tuned), all(), Some(5_000));
    assert_eq!(tuned.table(0).category("worst_scenario", 0), Some("off-season"));
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "subject": "" }), "/subject"),
        (json!({ "single_most": 1.5 }), "/single_most"),
        (json!({ "scenario": {} }), "/scenario"),
        (json!({ "scenario": { "A": {} } }), "/scenario/A"),
        (json!({ "scenario": { "a": { "divided_by": 0 } } }), "/scenario/a/divided_by"),
        (json!({ "period_days": 0 }), "/period_days"),
    ] {
        let problems = plugin::<RiskReturn>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
