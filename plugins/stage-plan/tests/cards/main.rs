//! The models that are cards of this engine, each by its id.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::testing::{Data, Test, json};
use playbook_sdk::{CampaignPlan, Comparison, Level};
use stage_plan::StagePlan;

macro_rules! card {
    ($name:literal) => {
        playbook_sdk::testing::plugin::<stage_plan::StagePlan>().card(include_str!(concat!(
            "../../cards/",
            $name,
            ".toml"
        )))
    };
}

mod bounds;
mod touches;

fn plan(test: &Test<StagePlan>, budget: i64) -> CampaignPlan {
    test.open().unwrap().plan(budget).unwrap()
}

/// Name, first day, days and money of each stage.
fn phases(plan: &CampaignPlan) -> Vec<(&str, u32, u32, i64)> {
    plan.phases.iter().map(|p| (p.name.as_str(), p.first_day, p.days, p.budget)).collect()
}

/// Gates of a stage: metric, value and fewest observations.
fn gates(plan: &CampaignPlan, phase: u32) -> Vec<(&str, Comparison, f64, u32)> {
    let of = plan.gates.iter().filter(|gate| gate.phase == phase);
    of.map(|g| (g.metric.as_str(), g.comparison, g.value, g.sample_min)).collect()
}

// ---- CA-2 -----------------------------------------------------------------------------------

#[test]
fn y038_no_stage_is_skipped_and_the_gate_of_4_7_applies() {
    let plan = plan(&card!("stages-4").table(Data::empty()), 1_000_000);
    assert_eq!(
        phases(&plan),
        [
            ("cultivate", 0, 14, 100_000),
            ("test", 14, 14, 150_000),
            ("optimise", 28, 28, 250_000),
            ("scale", 56, 28, 500_000),
        ]
    );
    assert!(gates(&plan, 0).is_empty());
    let satisfied = ("trial_satisfaction", Comparison::AtLeast, 4.7, 30);
    assert_eq!(gates(&plan, 1), [satisfied]);
    // A later stage keeps the gates of all before it.
    assert_eq!((gates(&plan, 2).len(), gates(&plan, 3).len()), (5, 11));
    assert!((1..4).all(|phase| gates(&plan, phase).contains(&satisfied)));
}

#[test]
fn ca_2_each_stage_has_the_gates_of_the_model() {
    let own = plan(&card!("stages-4").with(json!({ "gates_stay": false })).table(Data::empty()), 0);
    use Comparison::{AtLeast, AtMost, LessThan, MoreThan};
    assert_eq!(
        gates(&own, 2),
        [
            ("experiment_arm_members", MoreThan, 1_000.0, 0),
            ("experiment_is_final", AtLeast, 1.0, 0),
            ("experiment_variables", AtLeast, 1.0, 0),
            ("experiment_variables", AtMost, 1.0, 0),
        ]
    );
    assert_eq!(
        gates(&own, 3),
        [
            ("budget_is_reserved", AtLeast, 1.0, 0),
            ("capacity_by_peak", AtLeast, 1.2, 0),
            ("rounds_without_gain", LessThan, 3.0, 0),
            ("best_variant_lift", AtLeast, 0.15, 0),
            ("platform_rule_changes", AtMost, 0.0, 0),
            ("red_lines", AtMost, 0.0, 0),
        ]
    );
}

#[test]
fn ca_2_channels_share_the_money_of_a_stage_by_their_weights() {
    let channels = Data::new().real("weight", [Some(0.5), Some(0.25), None, Some(0.25)]);
    let plan = plan(&card!("stages-4").table(channels), 1_000);
    let of = |phase| -> Vec<_> {
        let of = plan.allocations.iter().filter(|a| a.phase == phase);
        of.map(|a| (a.place.row, a.amount)).collect()
    };
    assert_eq!(of(0), [(0, 50), (1, 25), (3, 25)]);
    assert_eq!(of(3), [(0, 250), (1, 125), (3, 125)]);
}

// ---- CA-3 -----------------------------------------------------------------------------------

fn brand(columns: &[(&str, f64)]) -> Data {
    columns
        .iter()
        .fold(Data::new().integer("key", [1]), |data, (name, value)| data.real(name, [*value]))
}

#[test]
fn y039_shares_are_reserved_by_stage_and_leave_the_reserve() {
    let plan = plan(&card!("programme-5").table(brand(&[])), 1_000_000);
    // From 2025-01-01 on: months of the calendar.
    assert_eq!(
        phases(&plan),
        [
            ("base", 0, 90, 150_000),
            ("pilot", 90, 91, 250_000),
            ("expand", 181, 92, 300_000),
            ("standardise", 273, 92, 200_000),
            ("iterate", 365, 365, 0),
        ]
    );
    assert_eq!(
        gates(&plan, 2),
        [
            ("pilot_share", Comparison::AtLeast, 0.10, 0),
            ("pilot_share", Comparison::AtMost, 0.15, 0),
        ]
    );
}

/// Milestones that are open: level, planned and latest day, in the order of their names.
fn milestones(plan: &CampaignPlan) -> Vec<(Level, u32, u32)> {
    let day = |day: Option<f64>| day.unwrap() as u32;
    plan.findings.iter().map(|f| (f.level, day(f.value), day(f.threshold))).collect()
}

#[test]
fn y039_milestones_of_the_programme_are_tracked() {
    // Names in order: activity (month 6), awareness (month 9), first-conversion (month 3).
    let open = plan(&card!("programme-5").table(brand(&[])), 0);
    let none = Level::None;
    assert_eq!(milestones(&open), [(none, 181, 181), (none, 273, 273), (none, 90, 90)]);
    let reached = [("monthly_conversion", 0.001), ("wau_ratio", 0.30), ("brand_awareness", 2.9)];
    let part = plan(&card!("programme-5").table(brand(&reached)), 0);
    assert_eq!(milestones(&part), [(none, 273, 273)]);
    let short = [("monthly_conversion", 0.0), ("wau_ratio", 0.2999), ("brand_awareness", 3.0)];
    assert_eq!(plan(&card!("programme-5").table(brand(&short)), 0).findings.len(), 2);
}

#[test]
fn y039_nodes_of_the_integration_are_planned_late_or_too_late() {
    let at = |days: f64| {
        // The programme began so many days before 2025-01-01; its months are of its own calendar.
        let plan = plan(&card!("integration-12m").table(brand(&[("programme_days", days)])), 0);
        milestones(&plan)
    };
    // Names in order: closing-review, data-platform, distribution, effect-report, inventory, recognition, sop.
    let (none, watch, warn) = (Level::None, Level::Watch, Level::Warn);
    assert_eq!(
        at(0.0),
        [
            (none, 365, 419),
            (none, 90, 120),
            (none, 151, 205),
            (none, 273, 327),
            (none, 31, 85),
            (none, 365, 419),
            (none, 151, 181),
        ]
    );
    // Begun on 2024-09-02: 121 days ago.
    let levels: Vec<_> = at(121.0).into_iter().map(|(level, ..)| level).collect();
    assert_eq!(levels, [none, watch, none, none, warn, none, none]);
    assert_eq!(at(121.0)[1], (watch, 91, 122));
    assert_eq!(at(122.0)[1], (watch, 91, 122));
    assert_eq!(at(123.0)[1].0, warn);
}

#[test]
fn ca_3_nodes_of_the_integration_are_reached_at_their_bounds() {
    for (columns, open) in [
        (&[("profile_coverage", 0.80)][..], 6),
        (&[("profile_coverage", 0.7999)], 7),
        (&[("content_match", 0.70)], 6),
        (&[("content_match", 0.6999)], 7),
        (&[("high_value_recognition", 0.90), ("manual_work_change", -0.40)], 6),
        (&[("high_value_recognition", 0.8999), ("manual_work_change", -0.40)], 7),
        (&[("high_value_recognition", 0.90), ("manual_work_change", -0.3999)], 7),
    ] {
        let plan = plan(&card!("integration-12m").table(brand(columns)), 0);
        assert_eq!(plan.findings.len(), open, "{columns:?}");
    }
    let plan = plan(&card!("integration-12m").table(brand(&[])), 1_000);
    let days: Vec<_> =
        phases(&plan).into_iter().map(|(name, first, days, _)| (name, first, days)).collect();
    assert_eq!(days, [("prepare", 0, 59), ("integrate", 59, 184), ("optimise", 243, 122)]);
    let pilot: Vec<_> =
        gates(&plan, 1).into_iter().map(|(_, comparison, value, _)| (comparison, value)).collect();
    assert_eq!(pilot, [(Comparison::AtLeast, 1.0), (Comparison::AtMost, 2.0)]);
}

// ---- CA-5 -----------------------------------------------------------------------------------

fn visitor() -> Data {
    Data::new()
        .integer("is_member", [1, 0, 1])
        .integer("presale_joined", [0, 0, 1])
        .integer("interactions_30d", [0, 0, 0])
        .integer("days_since_last_order", [Some(30), Some(31), None])
        .integer("scene_triggers_1d", [1, 1, 0])
        .integer("consent_location", [1, 0, 1])
}

#[test]
fn y044_the_presale_is_for_members_alone_and_once() {
    let opened = card!("scene-loop").open().unwrap();
    let given = opened.touch(2, &visitor()).unwrap();
    let seen: Vec<_> =
        given.iter().map(|p| (p.row, p.action.as_str(), p.cost, p.expected_output)).collect();
    assert_eq!(seen, [(0, "presale", 500, 3_000)]);
    let plan = opened.plan(1_000).unwrap();
    assert_eq!(
        phases(&plan),
        [
            ("reach", 0, 7, 200),
            ("interact", 7, 7, 200),
            ("convert", 14, 7, 400),
            ("repurchase", 21, 14, 200)
        ]
    );
    assert!(gates(&plan, 2).contains(&("presale_quota_by_forecast", Comparison::AtMost, 0.8, 0)));
}

#[test]
fn y050_a_place_or_time_yields_a_proposal_with_consent_to_the_location() {
    let given = card!("scene-loop").open().unwrap().touch(0, &visitor()).unwrap();
    let greeted: Vec<_> = given
        .iter()
        .filter(|p| p.action == "place-greeting")
        .map(|p| (p.row, p.until_min))
        .collect();
    assert_eq!(greeted, [(0, Some(60))]);
    let shape = card!("scene-loop").shape().unwrap();
    assert_eq!(
        (shape.actions[0].purpose.as_str(), shape.actions[0].frequency),
        ("location", playbook_sdk::Frequency::OnceAnEvent)
    );
}

#[test]
fn ca_5_each_stage_of_the_loop_has_its_touches() {
    let opened = card!("scene-loop").open().unwrap();
    let of = |phase| {
        let given = opened.touch(phase, &visitor()).unwrap();
        given.into_iter().filter(|p| p.row == 0).map(|p| p.action).collect::<Vec<_>>()
    };
    assert_eq!(of(0), ["place-greeting", "content-invite"]);
    assert_eq!(of(1), ["place-greeting"]);
    assert_eq!(of(3), ["next-order"]);
    assert!(of(9).is_empty());
}

// ---- CA-6 -----------------------------------------------------------------------------------

fn quiet(weakest: [Option<&str>; 3], wau: f64) -> Test<StagePlan> {
    let [first, second, third] = weakest.map(|name| [name]);
    let brand = Data::new()
        .real("wau_ratio", [wau])
        .text("health-7x28.weakest_1", first)
        .text("health-7x28.weakest_2", second)
        .text("health-7x28.weakest_3", third);
    card!("activity-lift").table(brand)
}

fn names(plan: &CampaignPlan) -> Vec<&str> {
    plan.phases.iter().map(|phase| phase.name.as_str()).collect()
}

#[test]
fn y043_two_tools_are_taken_by_the_weakest_indicators() {
    for (weakest, want) in [
        (
            [Some("nps"), Some("dau_ratio"), Some("wau_ratio")],
            ["double-points", "co-creation-call"],
        ),
        (
            [Some("wau_ratio"), Some("retention_d30"), Some("ugc_share")],
            ["koc-incentive", "wake-up"],
        ),
        ([Some("data_accuracy"), None, Some("video_share")], ["topic-challenge", "expert-live"]),
        ([None, None, None], ["topic-challenge", "koc-incentive"]),
    ] {
        let plan = plan(&quiet(weakest, 0.19), 1_000);
        assert_eq!(names(&plan), want, "{weakest:?}");
        assert_eq!(
            plan.phases.iter().map(|p| (p.first_day, p.budget)).collect::<Vec<_>>(),
            [(0, 500), (0, 500)]
        );
    }
}

#[test]
fn y043_the_package_starts_within_three_days_and_only_below_the_floor() {
    let plan_of = |wau| plan(&quiet([None; 3], wau), 1_000);
    assert!(plan_of(0.20).phases.is_empty() && plan_of(0.20).findings.is_empty());
    assert_eq!(milestones(&plan_of(0.1999)), [(Level::None, 0, 3), (Level::None, 14, 28)]);
}

// ---- CA-8 -----------------------------------------------------------------------------------

#[test]
fn y045_each_platform_has_a_strategy_and_evidence_of_its_own() {
    let plan = plan(&card!("platform-strategy").table(brand(&[])), 1_000);
    assert_eq!(
        phases(&plan),
        [
            ("microblog", 0, 28, 200),
            ("messaging", 0, 28, 300),
            ("short-video", 0, 28, 300),
            ("seeding", 0, 28, 200),
        ]
    );
    let metrics: Vec<_> = (0..4).map(|phase| gates(&plan, phase)[0].0).collect();
    assert!((0..4).all(|phase| gates(&plan, phase).len() == 1));
    assert_eq!(metrics[2], "short_video_experiment_is_final");
    let ugc = plan.content.iter().find(|share| share.category == "ugc").unwrap();
    assert!((ugc.target / (1.0 - ugc.target) - 3.2).abs() < 0.05 && ugc.phase == 3);
}

#[test]
fn ca_8_goals_are_reached_at_their_bounds() {
    for (change, completion, open) in [(-0.35, 0.65, 0), (-0.3499, 0.65, 1), (-0.35, 0.6499, 1)] {
        let columns =
            [("messaging_conversion_cost_change", change), ("video_completion", completion)];
        let plan = plan(&card!("platform-strategy").table(brand(&columns)), 0);
        assert_eq!(plan.findings.len(), open);
    }
}

// ---- CA-10 ----------------------------------------------------------------------------------

#[test]
fn y048_ideas_move_through_their_states_with_credit() {
    let test = card!("cocreate").table(brand(&[]));
    let plan = plan(&test, 1_000);
    assert_eq!(
        phases(&plan),
        [
            ("idea", 0, 14, 200),
            ("screened", 14, 7, 100),
            ("trial", 21, 28, 400),
            ("adopted", 49, 28, 200),
            ("credited", 77, 7, 100),
        ]
    );
    assert_eq!((0..5).map(|phase| gates(&plan, phase).len()).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let members = Data::new()
        .integer("interactions_30d", [1, 11, 51, 0, 10])
        .integer("cocreate_submit_90d", [0, 0, 0, 1, 0])
        .integer("cocreate_accepted_90d", [0, 0, 0, 1, 0])
        .integer("feedback_90d", [0, 1, 0, 0, 0]);
    let of = |phase| {
        let given = test.open().unwrap().touch(phase, &members).unwrap();
        given.into_iter().map(|p| (p.row, p.action)).collect::<Vec<_>>()
    };
    let to = |list: &[(usize, &str)]| {
        list.iter().map(|(row, name)| (*row, (*name).to_owned())).collect::<Vec<_>>()
    };
    let calls = [
        (0, "call-basic"),
        (1, "call-deep"),
        (2, "call-cocreate"),
        (3, "call-cocreate"),
        (4, "call-basic"),
    ];
    assert_eq!(of(0), to(&calls));
    assert_eq!(of(1), to(&[(1, "answer"), (3, "answer")]));
    assert_eq!(of(2), to(&[(3, "trial-seat")]));
    assert_eq!(of(4), to(&[(3, "credit")]));
}

#[test]
fn ca_10_goals_are_reached_at_their_bounds() {
    for (new, needs, open) in [(0.28, 0.35, 0), (0.2799, 0.35, 1), (0.28, 0.3499, 1)] {
        let columns = [("new_products_from_ideas", new), ("needs_turned_share", needs)];
        assert_eq!(plan(&card!("cocreate").table(brand(&columns)), 0).findings.len(), open);
    }
}
