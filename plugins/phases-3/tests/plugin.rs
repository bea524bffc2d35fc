//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use phases_3::ThreePhases;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, json, plugin};
use playbook_sdk::{CampaignPlan, Comparison};

fn plan(settings: Value, channels: Data, budget: i64) -> CampaignPlan {
    plugin::<ThreePhases>().settings(settings).table(channels).open().unwrap().plan(budget).unwrap()
}

/// The four channels of the check: returns alone make their health .8, .6, .5 and .3.
fn four_channels() -> Data {
    Data::new()
        .real("weight", [0.30, 0.28, 0.22, 0.20])
        .real("roi", [0.8 * 3.2, 0.6 * 3.2, 0.5 * 3.2, 0.3 * 3.2])
        .real("wau_ratio", [0.8 * 0.3, 0.6 * 0.3, 0.5 * 0.3, 0.3 * 0.3])
        .integer("core", [1, 1, 0, 0])
}

#[test]
fn ca_1_phases_follow_each_other_and_spend_the_budget_to_the_unit() {
    let plan = plan(json!({}), Data::empty(), 1_000_001);
    let seen: Vec<_> =
        plan.phases.iter().map(|p| (p.name.as_str(), p.first_day, p.days, p.budget)).collect();
    assert_eq!(
        seen,
        [("preheat", 0, 7, 200_000), ("burst", 7, 3, 500_001), ("extension", 10, 6, 300_000)]
    );
    assert!(plan.allocations.is_empty());
}

#[test]
fn ca_1_where_budgets_have_the_ratio_phases_take_a_tenth_three_and_six() {
    let plan = plan(json!({ "ratio_basis": "budget" }), Data::empty(), 1_000);
    let budgets: Vec<_> = plan.phases.iter().map(|phase| phase.budget).collect();
    assert_eq!(budgets, [100, 300, 600]);
}

#[test]
fn ro_9_channels_share_each_phase_by_the_weights_of_the_check() {
    let plan = plan(json!({}), four_channels(), 200_000);
    let burst: Vec<i64> =
        plan.allocations.iter().filter(|a| a.phase == 1).map(|a| a.amount).collect();
    assert_eq!(burst.iter().sum::<i64>(), 100_000);
    for (amount, weight) in burst.iter().zip([0.3243, 0.2757, 0.2203, 0.1797]) {
        assert!((*amount as f64 / 1e5 - weight).abs() < 1e-4, "{burst:?}");
    }
}

#[test]
fn a_weak_channel_is_a_finding() {
    let plan = plan(json!({}), four_channels(), 0);
    assert_eq!(plan.findings.len(), 1);
    assert_eq!(plan.findings[0].place, Some(playbook_sdk::Place { table: 0, row: 3 }));
    assert!((plan.findings[0].value.unwrap() - 0.3).abs() < 1e-9);
    assert!(plan.allocations.is_empty());
}

#[test]
fn ro_9_health_weighs_return_four_tenths_and_the_others_two_each() {
    // No return, a tenth of the activity, half of the deliveries, half of the complaints that leave nothing.
    let channel = Data::new()
        .real("roi", [0.0])
        .real("wau_ratio", [0.03])
        .real("delivery_rate", [0.5])
        .real("complaint_rate", [0.005]);
    let health = plan(json!({}), channel, 0).findings[0].value.unwrap();
    assert!((health - 0.22).abs() < 1e-9, "{health}");
}

#[test]
fn ca_4_every_day_has_its_slots_and_mixes_stay_within_the_tolerance() {
    let plan = plan(json!({}), four_channels(), 100);
    assert_eq!(plan.slots.len(), 16 * 3);
    let share = |counts: usize| counts as f64 / 48.0;
    for (format, target) in [("image-text", 0.30), ("short-video", 0.40), ("live", 0.30)] {
        let planned = share(plan.slots.iter().filter(|slot| slot.format == format).count());
        assert!((planned - target).abs() <= 0.05, "{format} {planned}");
    }
    assert!((share(plan.slots.iter().filter(|slot| slot.commercial).count()) - 0.20).abs() <= 0.05);
    assert!(plan.slots.iter().all(|slot| slot.place.is_some()));
    let theme = |day: u32| plan.slots.iter().find(|slot| slot.day == day).unwrap().theme.as_str();
    assert_eq!(
        [theme(0), theme(7), theme(10)],
        ["brand-story", "user-value", "emotional-resonance"]
    );
}

#[test]
fn content_shares_are_given_per_phase_with_their_bounds() {
    let plan = plan(json!({ "commercial_share": 0.05 }), Data::empty(), 100);
    assert_eq!(plan.content.len(), 3 * (3 + 3 + 2));
    let hard = plan.content.iter().find(|c| c.category == "commercial").unwrap();
    assert!((hard.least, hard.target) == (0.0, 0.05) && (hard.most - 0.10).abs() < 1e-12);
}

#[test]
fn gates_of_the_settings_reach_the_plan() {
    let gate = json!({ "phase": 2, "metric": "nps", "comparison": "more-than", "value": 40, "sample_min": 30 });
    let plan = plan(json!({ "gates": [gate] }), Data::empty(), 100);
    assert_eq!((plan.gates[0].phase, plan.gates[0].comparison), (2, Comparison::MoreThan));
}

#[test]
fn y037_extension_must_be_near_twice_the_burst() {
    let problems = |settings: Value| plugin::<ThreePhases>().settings(settings).problems();
    for accepted in [5, 6, 7] {
        assert!(problems(json!({ "extension_days": accepted })).is_empty(), "{accepted}");
    }
    for refused in [4, 8] {
        assert_eq!(
            problems(json!({ "extension_days": refused })).list()[0].path,
            "/extension_days"
        );
    }
    let budget =
        |shares: Value| problems(json!({ "ratio_basis": "budget", "budget_shares": shares }));
    assert!(problems(json!({ "ratio_basis": "budget", "extension_days": 3 })).is_empty());
    assert_eq!(budget(json!([0.2, 0.5, 0.3])).list()[0].path, "/budget_shares");
    assert!(budget(json!([0.1, 0.3, 0.6])).is_empty());
    // A quarter below and above twice: 1.5 to 2.5.
    for (burst, extension, accepted) in
        [(0.36, 0.54, true), (0.361, 0.539, false), (0.2572, 0.6428, true), (0.257, 0.643, false)]
    {
        assert_eq!(budget(json!([0.1, burst, extension])).is_empty(), accepted, "{burst}");
    }
}

#[test]
fn ca_4_shares_of_content_and_hours_of_slots_are_those_of_the_model() {
    let plan = plan(json!({}), Data::empty(), 100);
    let round = |share: f64| (share * 1e4).round() / 1e4;
    for (category, target) in [
        ("image-text", 0.30),
        ("short-video", 0.40),
        ("live", 0.30),
        ("base", 0.60),
        ("core", 0.25),
        ("value-added", 0.15),
        ("value", 0.80),
        ("commercial", 0.20),
    ] {
        let share = plan.content.iter().find(|share| share.category == category).unwrap();
        assert_eq!(share.target, target, "{category}");
        let bounds = (round(share.least), round(share.most));
        assert_eq!(bounds, (round(target - 0.05), round(target + 0.05)), "{category}");
    }
    let minutes: Vec<u16> = plan.slots.iter().take(3).map(|slot| slot.minute).collect();
    assert_eq!(minutes, [600, 840, 1_200]);
}

/// What the burst gives to channels of these returns, of money for it of a million.
fn burst(channels: Data) -> Vec<i64> {
    let plan = plan(json!({}), channels, 2_000_000);
    plan.allocations.iter().filter(|a| a.phase == 1).map(|a| a.amount).collect()
}

fn of_health(weights: &[f64], health: &[f64]) -> Data {
    Data::new()
        .real("weight", weights.iter().copied())
        .real("roi", health.iter().map(|h| h * 3.2))
        .real("wau_ratio", health.iter().map(|h| h * 0.3))
}

#[test]
fn ro_9_limits_of_weights_hold_in_a_campaign_too() {
    // Its return is nothing beside one that is full: at most a fifth less of the weight, and a fifth more.
    assert_eq!(burst(of_health(&[0.5, 0.5], &[1.0, 0.0])), [600_000, 400_000]);
    // At least 0.05 of 1.05, and on trial at most 0.10 of 0.60.
    assert_eq!(burst(of_health(&[1.0, 0.0], &[0.5, 0.5])), [952_381, 47_619]);
    let trial = of_health(&[0.5, 0.5], &[0.5, 0.5]).integer("trial", [0, 1]);
    assert_eq!(burst(trial), [833_333, 166_667]);
    let core = |weights: [f64; 2]| burst(of_health(&weights, &[0.5, 0.5]).integer("core", [1, 0]));
    assert_eq!(core([0.2, 0.8]), [550_000, 450_000]);
    assert_eq!(core([0.8, 0.2]), [600_000, 400_000]);
}

#[test]
fn ro_9_complaints_count_up_to_one_in_a_hundred_and_weak_is_below_four_tenths() {
    let found = |roi: f64, complaints: f64| {
        let one = Data::new()
            .real("weight", [0.5, 0.5])
            .real("roi", [roi, 3.2])
            .real("wau_ratio", [0.0, 0.3])
            .real("delivery_rate", [1.0, 1.0])
            .real("complaint_rate", [complaints, 0.0]);
        let findings = plan(json!({}), one, 0).findings;
        findings.first().map(|finding| (finding.value.unwrap() * 1e4).round() / 1e4)
    };
    // A fifth for delivery; of the fifth for complaints half is left.
    assert_eq!(found(0.0, 0.005), Some(0.3));
    assert_eq!(found(0.0, 0.000_05), Some(0.399));
    assert_eq!(found(0.008, 0.0), None);
}

#[test]
fn a_gate_of_ones_own_guards_the_burst_and_asks_for_anything_above_0() {
    let plan = plan(json!({ "gates": [{ "metric": "nps" }] }), Data::empty(), 100);
    let gate = &plan.gates[0];
    assert_eq!((gate.phase, gate.comparison), (1, Comparison::AtLeast));
    assert_eq!((gate.value, gate.sample_min), (0.0, 0));
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "preheat_days": 0 }), "/preheat_days"),
        (json!({ "format_shares": [0.5, 0.5, 0.5] }), "/format_shares"),
        (json!({ "slot_minutes": [600, 840] }), "/slot_minutes"),
        (json!({ "slot_minutes": [600, 840, 1440] }), "/slot_minutes/2"),
        (json!({ "slot_minutes": [600, 840, 840] }), "/slot_minutes"),
        (json!({ "core_share": [0.6, 0.5] }), "/core_share"),
        (json!({ "gates": [{ "phase": 3, "metric": "nps" }] }), "/gates/0/phase"),
        (json!({ "gates": [{}] }), "/gates/0/metric"),
        (json!({ "roi_full": 0 }), "/roi_full"),
    ] {
        let problems = plugin::<ThreePhases>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
