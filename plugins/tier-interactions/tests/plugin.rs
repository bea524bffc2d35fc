//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::testing::{Data, json, plugin};
use tier_interactions::TierInteractions;

#[test]
fn tiers_begin_at_one_eleven_and_fifty_one() {
    let data = Data::new().integer("interactions_30d", [0, 1, 10, 11, 50, 51]);
    let given = plugin::<TierInteractions>().open().unwrap().assign(&data).unwrap();
    let segments: Vec<_> = (0..6).map(|row| given.segment(row).unwrap()).collect();
    assert_eq!(segments, ["silent", "prospect", "prospect", "active", "active", "core"]);
    assert_eq!(given.category("tier", 5), Some("core"));
}

#[test]
fn a_fall_is_held_once_and_given_the_second_time() {
    let data = Data::new()
        .integer("interactions_30d", [5, 5, 60, 5])
        .text("previous.1.tier", [Some("core"), Some("core"), Some("prospect"), None])
        .integer("previous.1.lower_run", [Some(0), Some(1), Some(0), None]);
    let given = plugin::<TierInteractions>().open().unwrap().assign(&data).unwrap();
    assert_eq!((given.segment(0), given.reason(0)), (Some("core"), Some("fall-held")));
    assert_eq!(given.category("counted_tier", 0), Some("prospect"));
    assert_eq!(given.integer("lower_run", 0), Some(1));
    assert_eq!((given.segment(1), given.integer("lower_run", 1)), (Some("prospect"), Some(0)));
    assert_eq!(given.segment(2), Some("core"));
    assert_eq!(given.segment(3), Some("prospect"));
}

#[test]
fn without_hysteresis_a_fall_is_given_at_once() {
    let data = Data::new()
        .integer("interactions_30d", [5])
        .text("previous.1.tier", ["core"])
        .integer("previous.1.lower_run", [0]);
    let at_once = plugin::<TierInteractions>().settings(json!({ "hysteresis_cycles": 1 }));
    assert_eq!(at_once.open().unwrap().assign(&data).unwrap().segment(0), Some("prospect"));
}

#[test]
fn young_members_are_segmented_and_flagged() {
    let data = Data::new()
        .integer("interactions_30d", [20, 20, 20])
        .integer("days_since_join", [Some(6), Some(7), None]);
    let given = plugin::<TierInteractions>().open().unwrap().assign(&data).unwrap();
    assert_eq!((given.segment(0), given.reason(0)), (Some("active"), Some("young")));
    let flags: Vec<_> = (0..3).map(|row| given.integer("young", row)).collect();
    assert_eq!(flags, [Some(1), Some(0), None]);
}

#[test]
fn members_without_a_count_belong_to_no_tier() {
    let data = Data::new().integer("interactions_30d", [None::<i64>]);
    let given = plugin::<TierInteractions>().open().unwrap().assign(&data).unwrap();
    assert_eq!((given.segment(0), given.category("tier", 0)), (None, None));
}

#[test]
fn bounds_that_do_not_ascend_are_refused() {
    for bounds in [json!([1, 1, 51]), json!([5, 1, 51])] {
        let problems =
            plugin::<TierInteractions>().settings(json!({ "bounds": bounds })).problems();
        assert!(problems.list().iter().any(|p| p.path == "/bounds"), "{problems}");
    }
}
