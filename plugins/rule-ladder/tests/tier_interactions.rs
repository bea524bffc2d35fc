//! SG-1 as a card.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::testing::{Data, Test, json, plugin};
use rule_ladder::RuleLadder;

fn card() -> Test<RuleLadder> {
    plugin::<RuleLadder>().card(include_str!("../cards/tier-interactions.toml"))
}

#[test]
fn y013_tiers_begin_at_one_eleven_and_fifty_one() {
    let data = Data::new().integer("interactions_30d", [0, 1, 10, 11, 50, 51]);
    let given = card().open().unwrap().assign(&data).unwrap();
    let segments: Vec<_> = (0..6).map(|row| given.segment(row).unwrap()).collect();
    assert_eq!(segments, ["silent", "prospect", "prospect", "active", "active", "core"]);
    assert_eq!(given.category("tier", 5), Some("core"));
}

#[test]
fn sg_1_outputs_and_reasons_are_those_of_the_ladder() {
    let shape = card().shape().unwrap();
    let outputs: Vec<_> = shape.produces.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(outputs, ["tier", "counted_tier", "lower_run", "young"]);
    let segments: Vec<_> = shape.segments.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(segments, ["silent", "prospect", "active", "core"]);
    let reasons: Vec<_> = shape.reasons.iter().map(|r| r.code.as_str()).collect();
    assert_eq!(reasons, ["fall-held", "rise-waits", "young"]);
}

#[test]
fn sg_1_a_fall_is_held_once_and_given_the_second_time() {
    let data = Data::new()
        .integer("interactions_30d", [5, 5, 60, 5])
        .text("previous.1.tier", [Some("core"), Some("core"), Some("prospect"), None])
        .integer("previous.1.lower_run", [Some(0), Some(1), Some(0), None]);
    let given = card().open().unwrap().assign(&data).unwrap();
    assert_eq!((given.segment(0), given.reason(0)), (Some("core"), Some("fall-held")));
    assert_eq!(given.category("counted_tier", 0), Some("prospect"));
    assert_eq!(given.integer("lower_run", 0), Some(1));
    assert_eq!((given.segment(1), given.integer("lower_run", 1)), (Some("prospect"), Some(0)));
    assert_eq!((given.segment(2), given.reason(2)), (Some("core"), None));
    assert_eq!(given.segment(3), Some("prospect"));
}

#[test]
fn sg_1_without_hysteresis_a_fall_is_given_at_once() {
    let data = Data::new()
        .integer("interactions_30d", [5])
        .text("previous.1.tier", ["core"])
        .integer("previous.1.lower_run", [0]);
    for cycles in [0, 1] {
        let at_once = card().with(json!({ "hysteresis_cycles": cycles })).open().unwrap();
        assert_eq!(at_once.assign(&data).unwrap().segment(0), Some("prospect"));
    }
}

#[test]
fn sg_1_young_members_are_segmented_and_flagged() {
    let data = Data::new()
        .integer("interactions_30d", [20, 20, 20])
        .integer("days_since_join", [Some(6), Some(7), None]);
    let given = card().open().unwrap().assign(&data).unwrap();
    assert_eq!((given.segment(0), given.reason(0)), (Some("active"), Some("young")));
    assert_eq!(given.reason(1), None);
    let flags: Vec<_> = (0..3).map(|row| given.integer("young", row)).collect();
    assert_eq!(flags, [Some(1), Some(0), None]);
}

#[test]
fn sg_1_a_held_fall_comes_before_youth_among_reasons() {
    let data = Data::new()
        .integer("interactions_30d", [5])
        .integer("days_since_join", [6])
        .text("previous.1.tier", ["core"]);
    let given = card().open().unwrap().assign(&data).unwrap();
    assert_eq!(given.reason(0), Some("fall-held"));
}

#[test]
fn sg_1_members_without_a_count_belong_to_no_tier() {
    let data =
        Data::new().integer("interactions_30d", [None::<i64>]).integer("days_since_join", [6]);
    let given = card().open().unwrap().assign(&data).unwrap();
    assert_eq!((given.segment(0), given.category("tier", 0)), (None, None));
    assert_eq!((given.integer("young", 0), given.reason(0)), (Some(1), None));
}

#[test]
fn sg_1_a_bound_is_tuned_by_its_name() {
    let data = Data::new().integer("interactions_30d", [60, 61]);
    let tuned = card().with(json!({ "numbers": { "core": 61 } })).open().unwrap();
    let given = tuned.assign(&data).unwrap();
    assert_eq!((given.segment(0), given.segment(1)), (Some("active"), Some("core")));
}
