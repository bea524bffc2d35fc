//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use platform_split::PlatformSplit;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};

fn value(settings: Value, platforms: Data, tools: Data) -> TablesGiven {
    let test = plugin::<PlatformSplit>().settings(settings).table(platforms).table(tools);
    test.open().unwrap().value().unwrap()
}

fn platforms(weights: &[Option<f64>], core: &[i64]) -> Data {
    Data::new().real("weight", weights.iter().copied()).integer("core", core.iter().copied())
}

fn column(given: &TablesGiven, table: usize, name: &str) -> Vec<Option<f64>> {
    (0..given.table(table).len()).map(|row| given.table(table).rounded(name, row)).collect()
}

fn shares(weights: &[f64], core: &[i64]) -> Vec<f64> {
    let weights: Vec<_> = weights.iter().copied().map(Some).collect();
    let given = value(json!({}), platforms(&weights, core), Data::empty());
    column(&given, 0, "share").into_iter().flatten().collect()
}

#[test]
fn y062_core_sum_is_always_within_its_band() {
    let mut bits = 1_u64;
    let mut next = || {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (bits >> 33) as f64 / (1_u64 << 31) as f64
    };
    for _ in 0..100 {
        let weights: Vec<f64> = (0..6).map(|_| (next() - 0.2).max(0.0)).collect();
        let core = [1, 1, i64::from(next() > 0.5), 0, 0, i64::from(next() > 0.5)];
        let given = shares(&weights, &core);
        let sum: f64 = given.iter().zip(core).filter(|(_, core)| *core == 1).map(|(s, _)| s).sum();
        assert!((0.5497..=0.6003).contains(&sum), "{weights:?} {core:?}: {sum}");
        assert!((given.iter().sum::<f64>() - 1.0).abs() < 1e-3);
    }
}

#[test]
fn ro_10_outside_the_band_both_groups_keep_their_proportions() {
    assert_eq!(shares(&[0.1, 0.3, 0.4, 0.2], &[1, 1, 0, 0]), [0.1375, 0.4125, 0.3, 0.15]);
    assert_eq!(shares(&[0.6, 0.2, 0.1, 0.1], &[1, 1, 0, 0]), [0.45, 0.15, 0.2, 0.2]);
    assert_eq!(shares(&[0.3, 0.28, 0.22, 0.2], &[1, 1, 0, 0]), [0.3, 0.28, 0.22, 0.2]);
}

#[test]
fn leaving_the_band_is_said() {
    let said = |core: f64| {
        let data = platforms(&[Some(core), Some(1.0 - core)], &[1, 0]);
        let given = value(json!({}), data, Data::empty());
        given.findings_of("core-held").map(|finding| finding.threshold.unwrap()).next()
    };
    assert_eq!(
        [said(0.54), said(0.56), said(0.59), said(0.61)],
        [Some(0.55), None, None, Some(0.60)]
    );
    let alone = value(json!({}), platforms(&[Some(0.4), Some(0.6)], &[1, 1]), Data::empty());
    assert_eq!(column(&alone, 0, "share"), [Some(0.4), Some(0.6)]);
    assert_eq!(alone.findings_of("one-group").count(), 1);
}

#[test]
fn a_new_platform_starts_on_trial_with_a_small_weight() {
    let data = platforms(&[Some(0.55), Some(0.40), None], &[1, 0, 0]).integer("trial", [0, 1, 0]);
    let given = value(json!({}), data, Data::empty());
    assert_eq!(column(&given, 0, "share"), [Some(0.55), Some(0.4), Some(0.05)]);
    let trial: Vec<_> = (0..3).map(|row| given.table(0).integer("on_trial", row)).collect();
    assert_eq!(trial, [Some(0), Some(1), Some(1)]);
}

#[test]
fn a_group_without_weights_is_split_evenly() {
    assert_eq!(shares(&[0.0, 0.0, 0.5, 0.5], &[1, 1, 0, 0]), [0.3, 0.3, 0.2, 0.2]);
}

#[test]
fn ro_10_technology_is_split_by_maturity() {
    let tools = Data::new()
        .text(
            "maturity",
            [Some("early"), Some("early"), Some("ai-development"), Some("maintenance"), None],
        )
        .real("tool_weight", [Some(3.0), Some(1.0), None, None, Some(9.0)]);
    let settings = json!({ "technology_minor": 1_001 });
    let given = value(settings, Data::empty(), tools);
    let want = [Some(0.2625), Some(0.0875), Some(0.45), Some(0.20), None];
    assert_eq!(column(&given, 1, "technology_share"), want);
    let amounts: Vec<_> =
        (0..4).map(|row| given.table(1).integer("technology_minor", row).unwrap()).collect();
    assert_eq!((amounts.iter().sum::<i64>(), amounts[2]), (1_001, 451));
}

#[test]
fn a_class_without_a_tool_keeps_its_share() {
    let tools = Data::new().text("maturity", ["early", "maintenance"]);
    let given = value(json!({ "technology_minor": 1_000 }), Data::empty(), tools);
    assert_eq!(column(&given, 1, "technology_share"), [Some(0.35), Some(0.20)]);
    assert_eq!(given.table(1).integer("technology_minor", 0), Some(350));
    let values: Vec<_> = given.findings_of("class-without-tool").map(|f| f.value).collect();
    assert_eq!(values, [Some(0.45)]);
}

#[test]
fn money_is_split_to_the_unit() {
    let data = platforms(&[Some(0.3), Some(0.28), Some(0.22), Some(0.2)], &[1, 1, 0, 0]);
    let given = value(json!({ "budget_minor": 100_003 }), data, Data::empty());
    let amounts: Vec<_> =
        (0..4).map(|row| given.table(0).integer("amount_minor", row).unwrap()).collect();
    assert_eq!(amounts, [30_001, 28_001, 22_001, 20_000]);
    let none = value(json!({}), platforms(&[None], &[1]), Data::empty());
    assert_eq!(none.table(0).integer("amount_minor", 0), None);
}

#[test]
fn technology_may_be_left_out() {
    let test = plugin::<PlatformSplit>().settings(json!({ "technology": false }));
    let given =
        test.table(platforms(&[Some(0.5), Some(0.5)], &[1, 0])).open().unwrap().value().unwrap();
    assert_eq!(column(&given, 0, "share"), [Some(0.55), Some(0.45)]);
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "subject": "" }), "/subject"),
        (json!({ "core_share": [0.7, 0.6] }), "/core_share"),
        (json!({ "new_weight": 2 }), "/new_weight"),
        (json!({ "early": 0.5 }), "/early"),
        (json!({ "budget_minor": -1 }), "/budget_minor"),
    ] {
        let problems = plugin::<PlatformSplit>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
