//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::testing::{Data, TablesGiven, json, plugin};
use playbook_sdk::types::Level;
use quality_linkage::QualityLinkage;

/// A day after one with the cap and the calm days that are given.
fn day(overload: f64, idle: f64, cap: Option<f64>, calm: Option<i64>) -> TablesGiven {
    let data = Data::new()
        .real("interactions_per_member_day", [overload])
        .real("interactions_per_member_day_median_28d", [1.0])
        .real("idle_share", [idle])
        .real("previous.1.cap", [cap])
        .integer("previous.1.calm_run", [calm]);
    plugin::<QualityLinkage>().table(data).open().unwrap().diagnose().unwrap()
}

fn cap(given: &TablesGiven) -> f64 {
    given.table(0).rounded("cap", 0).unwrap()
}

#[test]
fn y069_over_interaction_lowers_the_cap_and_calm_restores_it() {
    let (mut held, mut calm) = (None, None);
    let mut caps = Vec::new();
    // Five days of excess, then calm.
    for overload in [2.5, 2.5, 2.5, 2.5, 2.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0] {
        let given = day(overload, 0.2, held, calm);
        held = given.table(0).real("cap", 0);
        calm = given.table(0).integer("calm_run", 0);
        caps.push(cap(&given));
    }
    assert_eq!(caps[..8], [5.6, 4.48, 3.584, 3.5, 3.5, 3.5, 3.5, 3.85]);
    assert_eq!(caps[8..], [4.235, 4.6585, 5.1244, 5.6368, 6.2005, 6.8205, 7.0]);
}

#[test]
fn dg_2_excess_begins_above_twice_the_median_or_half_idle() {
    for (overload, idle, want) in [(2.0, 0.5, 7.0), (2.01, 0.0, 5.6), (0.0, 0.51, 5.6)] {
        let given = day(overload, idle, None, None);
        assert_eq!(cap(&given), want, "{overload} {idle}");
    }
    let finding = day(2.5, 0.0, None, None).findings.remove(0);
    assert_eq!(
        (finding.level, finding.value, finding.threshold),
        (Level::Warn, Some(2.5), Some(2.0))
    );
}

#[test]
fn dg_2_the_cap_rises_on_the_third_calm_day_up_to_where_it_began() {
    assert_eq!(cap(&day(1.2, 0.5, Some(5.0), Some(1))), 5.0);
    let third = day(1.2, 0.5, Some(5.0), Some(2));
    assert_eq!((cap(&third), third.findings_of("cap-raised").count()), (5.5, 1));
    assert_eq!(cap(&day(1.21, 0.5, Some(5.0), Some(2))), 5.0);
    assert_eq!(cap(&day(1.0, 0.0, Some(6.9), Some(9))), 7.0);
    assert!(day(1.0, 0.0, Some(7.0), Some(9)).findings.is_empty());
}

#[test]
fn a_day_that_is_not_known_moves_nothing() {
    let data = Data::new()
        .real("interactions_per_member_day", [9.0, 9.0])
        .real("interactions_per_member_day_median_28d", [Some(0.0), None])
        .real("idle_share", [None, Some(0.1)])
        .real("previous.2.cap", [5.0, 5.0])
        .integer("previous.1.calm_run", [2, 2]);
    let given = plugin::<QualityLinkage>().table(data).open().unwrap().diagnose().unwrap();
    for row in 0..2 {
        let of = (given.table(0).real("overload", row), given.table(0).integer("calm_run", row));
        assert_eq!(of, (None, None));
        assert_eq!(given.table(0).rounded("cap", row), Some(5.0));
    }
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "calm": 2.1 }), "/calm"),
        (json!({ "floor": 1.1 }), "/floor"),
        (json!({ "lower": 0 }), "/lower"),
        (json!({ "raise": 0.9 }), "/raise"),
    ] {
        let problems = plugin::<QualityLinkage>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
