//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, Proposed, json, logged, plugin};
use roi_floor::RoiFloor;

fn members(count: i64) -> Data {
    Data::new()
        .integer("key", 1..=count)
        .integer("aov_minor", vec![40_000; usize::try_from(count).unwrap()])
}

fn record(name: &str, output: i64, cost: i64, age_days: i64) -> Data {
    Data::new()
        .text("name", [name])
        .integer("attributed_output_minor", [output])
        .integer("cost_minor", [cost])
        .integer("age_days", [age_days])
}

fn two() -> Value {
    json!({ "rewards": [
        { "name": "tea", "cost_minor": 500, "response": 0.1, "share": 0.5 },
        { "name": "cup", "cost_minor": 900, "response": 0.1, "share": 0.5 },
    ] })
}

fn two_with(step: f64) -> Value {
    let mut settings = two();
    settings["adapt_step"] = json!(step);
    settings
}

fn propose(settings: Value, records: Data, members: &Data) -> Vec<Proposed> {
    plugin::<RoiFloor>().settings(settings).table(records).open().unwrap().propose(members).unwrap()
}

#[test]
fn y028_reward_that_returned_three_point_six_goes_to_nine_in_ten() {
    let proposed = propose(json!({}), record("benefit", 360_000, 100_000, 60), &members(10_000));
    let share = proposed.len() as f64 / 10_000.0;
    assert!((share - 0.9).abs() < 0.01, "{share}");
    assert!(
        proposed
            .iter()
            .all(|p| p.reason == "throttled" && p.cost == 500 && p.expected_output == 4_000)
    );
}

#[test]
fn verdicts_decide_who_is_reached_and_why() {
    for (output, cost, age, count, reason) in [
        (400_000, 100_000, 60, 100, "full"),
        (0, 0, 60, 100, "unproven"),
        (0, 100_000, 13, 100, "learning"),
        (0, 100_000, 14, 0, ""),
        (199_999, 100_000, 60, 0, ""),
    ] {
        let proposed = propose(json!({}), record("benefit", output, cost, age), &members(100));
        assert_eq!(proposed.len(), count, "{output}");
        assert!(proposed.iter().all(|p| p.reason == reason));
    }
    assert!(logged().iter().any(|(_, line)| line.contains("`benefit` pauses")));
}

#[test]
fn in_5_volume_follows_shares_and_moves_towards_the_stronger() {
    let cups = |records: Data| {
        let proposed = propose(two(), records, &members(10_000));
        proposed.iter().filter(|p| p.action == "cup").count() as f64 / 10_000.0
    };
    assert!((cups(Data::empty()) - 0.5).abs() < 0.015);
    let both = || {
        Data::new()
            .text("name", ["tea", "cup"])
            .integer("attributed_output_minor", [500_000, 900_000])
            .integer("cost_minor", [100_000, 100_000])
    };
    assert!((cups(both()) - 0.6).abs() < 0.015);
    // Who is drawn follows from the seed, so that the hundredth part of a step shows.
    let steps = [0.099, 0.1, 0.101].map(|step| {
        let settings = two_with(step);
        propose(settings, both(), &members(10_000)).iter().filter(|p| p.action == "cup").count()
    });
    assert!(steps.is_sorted_by(|less, more| less < more), "{steps:?}");
    let standard = propose(two(), both(), &members(10_000));
    assert_eq!(standard.iter().filter(|p| p.action == "cup").count(), steps[1]);
}

#[test]
fn a_reward_of_ones_own_has_one_part_of_the_volume_and_needs_nobody() {
    let cups = |cup: Value| {
        let settings = json!({ "rewards": [{ "name": "tea", "share": 1.0 }, cup] });
        let given = propose(settings, Data::empty(), &members(10_000));
        given.iter().filter(|p| p.action == "cup").count()
    };
    let with = |share: f64| cups(json!({ "name": "cup", "share": share }));
    let standard = cups(json!({ "name": "cup" }));
    assert!(with(0.99) < standard && standard < with(1.01));
    let shape = plugin::<RoiFloor>().shape().unwrap();
    assert!(!shape.actions[0].needs_approval);
}

#[test]
fn a_grant_that_would_not_return_its_cost_is_not_proposed() {
    let orders = Data::new().integer("aov_minor", [Some(20_000), Some(19_999), None]);
    let rows = |settings| -> Vec<usize> {
        propose(settings, Data::empty(), &orders).iter().map(|p| p.row).collect()
    };
    assert_eq!(rows(json!({})), [0]);
    assert_eq!(rows(json!({ "forecast_min": 0 })), [0, 1]);
    assert!(rows(json!({ "output_basis": "margin" })).is_empty());
    // Three tenths of it are margin.
    let orders = Data::new().integer("aov_minor", [1_000_000]);
    let given = propose(json!({ "output_basis": "margin" }), Data::empty(), &orders);
    assert_eq!(given[0].expected_output, 30_000);
}

#[test]
fn records_of_unknown_rewards_are_left_aside() {
    assert_eq!(propose(json!({}), record("gone", 0, 100, 60), &members(10)).len(), 10);
}

#[test]
fn in_5_a_reward_that_returned_twice_its_cost_goes_to_half() {
    let proposed = propose(json!({}), record("benefit", 200_000, 100_000, 60), &members(1_000));
    let share = proposed.len() as f64 / 1_000.0;
    assert!((share - 0.5).abs() < 0.04, "{share}");
}

#[test]
fn another_seed_draws_other_members() {
    let drawn = |seed: u64| {
        let context = playbook_sdk::Context { now: 0, local_min: 0, seed };
        let test = plugin::<RoiFloor>().context(context).table(record("benefit", 300, 100, 60));
        let proposed = test.open().unwrap().propose(&members(200)).unwrap();
        proposed.iter().map(|p| p.row).collect::<Vec<_>>()
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "rewards": [] }), "/rewards"),
        (json!({ "rewards": [{ "name": "A b" }] }), "/rewards/0/name"),
        (json!({ "rewards": [{ "name": "a" }, { "name": "a" }] }), "/rewards/1/name"),
        (json!({ "rewards": [{ "name": "benefit" }, {}] }), "/rewards/1/name"),
        (json!({ "rewards": [{ "cost_minor": 0 }] }), "/rewards/0/cost_minor"),
        (json!({ "rewards": [{ "share": 0 }] }), "/rewards"),
        (json!({ "pause": 5 }), "/pause"),
        (json!({ "full": 0, "pause": 0 }), "/full"),
    ] {
        let problems = plugin::<RoiFloor>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
