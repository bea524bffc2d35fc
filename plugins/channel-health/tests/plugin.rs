//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use channel_health::ChannelHealth;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};

fn value(settings: Value, channels: Data) -> TablesGiven {
    plugin::<ChannelHealth>().settings(settings).table(channels).open().unwrap().value().unwrap()
}

/// Channels whose return and activity are such that their health is as given.
fn of_health(weights: &[f64], health: &[f64]) -> Data {
    Data::new()
        .real("weight", weights.iter().copied())
        .real("roi", health.iter().map(|h| h * 3.2))
        .real("wau_ratio", health.iter().map(|h| h * 0.3))
}

/// The four channels of the check; the first two are core.
fn four() -> Data {
    of_health(&[0.30, 0.28, 0.22, 0.20], &[0.8, 0.6, 0.5, 0.3]).integer("core", [1, 1, 0, 0])
}

fn weights(given: &TablesGiven) -> Vec<f64> {
    let rows = 0..given.table(0).len();
    rows.map(|row| given.table(0).rounded("weight", row).unwrap()).collect()
}

fn moves(given: &TablesGiven) -> Vec<(u32, u32, i64)> {
    given.transfers.iter().map(|one| (one.from_row, one.to_row, one.amount)).collect()
}

#[test]
fn y061_four_channels_get_the_weights_of_the_check() {
    let given = value(json!({}), four());
    assert_eq!(weights(&given), [0.3243, 0.2757, 0.2203, 0.1797]);
    let health: Vec<_> = (0..4).map(|row| given.table(0).rounded("health", row)).collect();
    assert_eq!(health, [0.8, 0.6, 0.5, 0.3].map(Some));
}

#[test]
fn ro_9_health_adds_four_parts() {
    let one = Data::new()
        .real("roi", [1.6])
        .real("wau_ratio", [0.15])
        .real("delivery_rate", [0.9])
        .real("complaint_rate", [0.002]);
    let given = value(json!({}), one);
    assert_eq!(given.table(0).rounded("health", 0), Some(0.2 + 0.1 + 0.18 + 0.16));
    assert_eq!(given.table(0).rounded("coverage", 0), Some(1.0));
    // Beyond full a part counts no more.
    let best = Data::new()
        .real("roi", [9.0])
        .real("wau_ratio", [0.9])
        .real("delivery_rate", [1.0])
        .real("complaint_rate", [0.5]);
    assert_eq!(value(json!({}), best).table(0).rounded("health", 0), Some(0.8));
}

#[test]
fn ro_9_less_than_half_known_keeps_the_weight() {
    let thin = Data::new()
        .real("weight", [0.5, 0.5])
        .real("delivery_rate", [Some(1.0), Some(1.0)])
        .real("complaint_rate", [Some(0.0), Some(0.0)]);
    let given = value(json!({}), thin);
    assert_eq!((given.table(0).real("health", 0), weights(&given)), (None, vec![0.5, 0.5]));
    assert_eq!(given.findings_of("health-unknown").count(), 2);
    assert_eq!(given.table(0).rounded("coverage", 0), Some(0.4));
}

#[test]
fn ro_9_limits_come_in_their_order() {
    // A pull that wants the first to go up by a half: the limit of a fifth is first.
    let strong = json!({ "health_pull": 1.0 });
    let given = value(strong, of_health(&[0.5, 0.5], &[1.0, 0.0]));
    assert_eq!(weights(&given), [0.6, 0.4]);
    // Then the floor: 0.05 of 1.05 after normalising.
    let given = value(json!({}), of_health(&[1.0, 0.0], &[0.5, 0.5]));
    assert_eq!(weights(&given), [0.9524, 0.0476]);
    // Then the ceiling of trials, and what is left goes to the others by normalising.
    let trial = of_health(&[0.5, 0.5], &[0.5, 0.5]).integer("trial", [0, 1]);
    assert_eq!(weights(&value(json!({}), trial)), [0.8333, 0.1667]);
    // The core band comes last, and is left out where another stage holds it.
    let low = || of_health(&[0.2, 0.8], &[0.5, 0.5]).integer("core", [1, 0]);
    assert_eq!(weights(&value(json!({}), low())), [0.55, 0.45]);
    assert_eq!(weights(&value(json!({ "core_share": null }), low())), [0.2, 0.8]);
    let high = of_health(&[0.8, 0.2], &[0.5, 0.5]).integer("core", [1, 0]);
    assert_eq!(weights(&value(json!({}), high)), [0.6, 0.4]);
}

#[test]
fn the_change_of_a_weight_is_told() {
    let given = value(json!({}), four());
    assert_eq!(given.table(0).rounded("weight_change", 0), Some(0.0809));
    assert_eq!(weights(&value(json!({}), Data::new().real("roi", [None; 4]))), [0.25; 4]);
}

/// The check's channels with money that they have not spent, and what the last evaluation said of them.
fn later(weak: i64, gaps: i64) -> Data {
    four()
        .integer("unspent_minor", [100, 100, 100, 1_001])
        .integer("previous.1.weak_run", [weak; 4])
        .integer("previous.1.unmeasured_run", [gaps; 4])
}

#[test]
fn ro_9_second_weak_week_moves_unspent_money_by_weight() {
    let first = value(json!({}), later(0, 0));
    assert_eq!((moves(&first), first.findings_of("weak-channel").count()), (vec![], 1));
    assert_eq!(first.table(0).integer("weak_run", 3), Some(1));
    let second = value(json!({}), later(1, 0));
    assert_eq!(second.findings_of("stays-weak").count(), 1);
    // 1001 by .3243, .2757, .2203.
    assert_eq!(moves(&second), [(3, 0, 396), (3, 1, 336), (3, 2, 269)]);
    assert_eq!(second.transfers.iter().map(|one| one.amount).sum::<i64>(), 1_001);
    let third = value(json!({ "weak_periods": 3 }), later(1, 0));
    assert!(moves(&third).is_empty());
}

#[test]
fn ro_9_weak_is_below_four_tenths() {
    let at = |health: f64| {
        let given = value(json!({}), of_health(&[0.5, 0.5], &[health, 0.9]));
        given.table(0).integer("weak_run", 0)
    };
    assert_eq!((at(0.401), at(0.399)), (Some(0), Some(1)));
    let exact = Data::new()
        .real("roi", [0.0])
        .real("wau_ratio", [0.0])
        .real("delivery_rate", [1.0])
        .real("complaint_rate", [0.0]);
    assert_eq!(value(json!({}), exact).table(0).integer("weak_run", 0), Some(0));
}

#[test]
fn ro_9_unmeasured_week_moves_nothing_and_two_end_the_count() {
    let blind = |gaps| {
        let none = later(2, gaps).real("roi", [None; 4]);
        let given = value(json!({}), none);
        assert!(moves(&given).is_empty());
        (given.table(0).integer("weak_run", 3), given.table(0).integer("unmeasured_run", 3))
    };
    assert_eq!(blind(0), (Some(2), Some(1)));
    assert_eq!(blind(1), (Some(0), Some(2)));
}

#[test]
fn money_goes_only_to_channels_that_are_well_and_return_more() {
    let adjusted = later(1, 0).real("roi_adj", [0.1, 2.0, 0.5, 1.0]);
    let given = value(json!({}), adjusted);
    assert_eq!(moves(&given), [(3, 1, 1_001)]);
    assert_eq!(given.table(0).rounded("return", 1), Some(2.0));
    let all_weak = of_health(&[0.5, 0.5], &[0.1, 0.3])
        .integer("unspent_minor", [100, 100])
        .integer("previous.1.weak_run", [1, 1]);
    assert!(moves(&value(json!({}), all_weak)).is_empty());
}

#[test]
fn there_may_be_no_channel() {
    assert!(value(json!({}), Data::empty()).table(0).is_empty());
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "subject": "" }), "/subject"),
        (json!({ "part_roi": 2 }), "/part_roi"),
        (
            json!({ "part_roi": 0, "part_activity": 0, "part_delivery": 0, "part_complaints": 0 }),
            "/part_roi",
        ),
        (json!({ "roi_full": 0 }), "/roi_full"),
        (json!({ "complaint_worst": 0 }), "/complaint_worst"),
        (json!({ "core_share": [0.6, 0.5] }), "/core_share"),
        (json!({ "weak_periods": 0 }), "/weak_periods"),
    ] {
        let problems = plugin::<ChannelHealth>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
