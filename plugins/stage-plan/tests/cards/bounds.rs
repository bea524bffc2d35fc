//! The numbers of the cards at their bounds: lengths, gates, mixes, and the days and conditions of milestones.

use playbook_sdk::testing::{Test, json};
use playbook_sdk::{Comparison, Level};
use stage_plan::StagePlan;

use crate::{brand, gates, milestones, phases, plan, quiet};

/// How many milestones of a card are open under these facts of the brand.
fn open(test: Test<StagePlan>, columns: &[(&str, f64)]) -> usize {
    plan(&test.table(brand(columns)), 0).findings.len()
}

#[test]
fn ca_3_a_report_is_there_once_it_is_said_to_be() {
    for report in ["inventory_report_done", "sop_done", "effect_report_done", "closing_review_done"]
    {
        let left = [0.0, 1.0, 2.0].map(|said| open(card!("integration-12m"), &[(report, said)]));
        assert_eq!(left, [7, 6, 7], "{report}");
    }
}

#[test]
fn y039_a_programme_has_its_first_conversion_with_the_first_one() {
    let left = |name: &str, value: f64| open(card!("programme-5"), &[(name, value)]);
    assert_eq!([0.0, 1e-6].map(|rate| left("monthly_conversion", rate)), [3, 2]);
    assert_eq!([2.999, 3.0].map(|of_5| left("brand_awareness", of_5)), [3, 2]);
}

#[test]
fn ca_3_integration_pays_a_fifth_a_half_and_three_tenths() {
    let plan = plan(&card!("integration-12m").table(brand(&[])), 1_000_000);
    let money: Vec<_> = phases(&plan).into_iter().map(|(.., money)| money).collect();
    assert_eq!(money, [200_000, 500_000, 300_000]);
}

#[test]
fn y043_a_tool_runs_for_14_days_with_half_of_the_money() {
    for (indicator, tool) in [
        ("themes_4w", "topic-challenge"),
        ("ugc_share", "koc-incentive"),
        ("repurchase_90d", "double-points"),
        ("video_share", "expert-live"),
        ("retention_d30", "wake-up"),
        ("brand_tag_share", "co-creation-call"),
    ] {
        let plan = plan(&quiet([Some(indicator), None, None], 0.1), 1_000_000);
        let taken = phases(&plan);
        assert!(taken.contains(&(tool, 0, 14, 500_000)), "{taken:?}");
    }
}

#[test]
fn ca_6_the_package_has_worked_after_two_weeks_above_the_floor() {
    let facts = |started: f64, weeks: [f64; 2]| {
        let columns = [("wau_ratio", 0.1999), ("activity_lift_started", started)];
        let weeks = [("wau_ratio_week_1", weeks[0]), ("wau_ratio_week_2", weeks[1])];
        let brand = brand(&[columns, weeks].concat());
        let unknown = ["1", "2", "3"].map(|at| format!("health-7x28.weakest_{at}"));
        unknown.iter().fold(brand, |brand, name| brand.text(name, [None::<&str>]))
    };
    let left = |started, weeks| {
        let plan = plan(&card!("activity-lift").table(facts(started, weeks)), 0);
        milestones(&plan).into_iter().map(|(_, day, latest)| (day, latest)).collect::<Vec<_>>()
    };
    let (start, success) = ((0, 3), (14, 28));
    assert_eq!(left(0.0, [0.0, 0.0]), [start, success]);
    assert_eq!(left(2.0, [0.2, 0.2]), [start]);
    assert_eq!(left(1.0, [0.2, 0.2]), []);
    assert_eq!(left(1.0, [0.2, 0.1999]), [success]);
    assert_eq!(left(1.0, [0.1999, 0.2]), [success]);
}

#[test]
fn y045_evidence_is_a_final_experiment_and_goals_are_due_after_28_days() {
    let plan = plan(&card!("platform-strategy").table(brand(&[])), 0);
    let all: Vec<_> = (0..4).flat_map(|phase| gates(&plan, phase)).collect();
    assert!(all.iter().all(|gate| (gate.1, gate.2, gate.3) == (Comparison::AtLeast, 1.0, 0)));
    assert_eq!(milestones(&plan), [(Level::None, 28, 28); 2]);
    let round = |share: f64| (share * 1e4).round() / 1e4;
    let mix = |phase: u32| {
        let of = plan.content.iter().filter(|share| share.phase == phase);
        of.map(|share| (share.category.as_str(), share.target, round(share.most)))
            .collect::<Vec<_>>()
    };
    let levels = [("entertainment", 0.4, 0.45), ("industry", 0.4, 0.45), ("politics", 0.2, 0.25)];
    assert_eq!(mix(0), levels);
    assert_eq!(mix(3), [("official", 0.24, 0.29), ("ugc", 0.76, 0.81)]);
}

#[test]
fn y048_each_state_needs_one_idea_of_the_state_before_and_goals_are_due_at_the_end() {
    let plan = plan(&card!("cocreate").table(brand(&[])), 0);
    let last: Vec<_> =
        gates(&plan, 4).into_iter().map(|(_, how, value, least)| (how, value, least)).collect();
    assert_eq!(last, [(Comparison::AtLeast, 1.0, 0); 4]);
    assert_eq!(milestones(&plan), [(Level::None, 84, 84); 2]);
}

#[test]
fn a_brand_without_the_other_columns_can_run_a_card() {
    for (test, rows, of_brand) in [
        (card!("stages-4"), &[][..], &[][..]),
        (card!("programme-5"), &[], &[]),
        (card!("integration-12m"), &[], &[]),
        (card!("platform-strategy"), &[], &[]),
        (
            card!("activity-lift"),
            &[],
            &[
                "health-7x28.weakest_1",
                "health-7x28.weakest_2",
                "health-7x28.weakest_3",
                "wau_ratio",
            ],
        ),
        (card!("scene-loop"), &["days_since_last_order", "interactions_30d", "is_member"], &[]),
        (card!("cocreate"), &["cocreate_submit_90d", "interactions_30d"], &[]),
    ] {
        let shape = test.shape().unwrap();
        let needed = |tables: &[playbook_sdk::types::TableNeed]| {
            let columns = tables.iter().flat_map(|table| &table.columns);
            let needed = columns.filter(|need| need.required);
            let mut names: Vec<_> = needed.map(|need| need.source.name()).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(needed(shape.rows.as_slice()), rows);
        assert_eq!(needed(&shape.tables), of_brand);
    }
}

#[test]
fn y039_the_last_stage_is_paid_by_the_next_year() {
    let last = |over: playbook_sdk::serde_json::Value| {
        let plan = plan(&card!("programme-5").with(over).table(brand(&[])), 1_000_000);
        phases(&plan).pop().unwrap().3
    };
    assert_eq!(last(json!({})), 0);
    // A brand that pays it out of this year has it for what the first stage leaves.
    let this_year =
        json!({ "stage": { "base": { "share": 0.1 }, "iterate": { "later_budget": false } } });
    assert_eq!(last(this_year), 150_000);
    let dear = json!({ "stage": { "iterate": { "later_budget": false } } });
    assert_eq!(card!("programme-5").with(dear).problems().list()[0].path, "/order");
}
