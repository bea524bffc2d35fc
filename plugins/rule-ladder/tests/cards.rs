//! The models that are cards of this engine, each by its id.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::testing::{Data, SegmentsGiven, Test, json, plugin};
use rule_ladder::RuleLadder;

macro_rules! card {
    ($name:literal) => {
        plugin::<RuleLadder>().card(include_str!(concat!("../cards/", $name, ".toml")))
    };
}

fn assign(test: &Test<RuleLadder>, data: &Data) -> SegmentsGiven {
    test.open().unwrap().assign(data).unwrap()
}

fn segments(given: &SegmentsGiven) -> Vec<&str> {
    (0..given.len()).map(|row| given.segment(row).unwrap_or("-")).collect()
}

// ---- SG-2 -----------------------------------------------------------------------------------

/// A member who meets each criterion of the top rung exactly.
fn koc() -> [(&'static str, f64); 7] {
    [
        ("interactions_30d", 51.0),
        ("contribution.score", 60.0),
        ("reputation.score", 70.0),
        ("referral_join_90d", 3.0),
        ("followers", 0.0),
        ("violations_90d", 0.0),
        ("days_since_join", 7.0),
    ]
}

/// The tier of that member with some facts changed, where it was core at the last evaluation.
fn koc_with(changes: &[(&str, Option<f64>)]) -> String {
    let mut data = Data::new();
    for (name, value) in koc() {
        let change = changes.iter().find(|(changed, _)| *changed == name);
        data = data.real(name, [change.map_or(Some(value), |(_, value)| *value)]);
    }
    // Counts arrive as integers of the host; a rule reads both.
    let data = data.text("previous.1.tier", ["core"]).integer("previous.1.koc_run", [1]);
    assign(&card!("ladder-koc"), &data).segment(0).unwrap_or("-").to_owned()
}

#[test]
fn y014_koc_needs_every_criterion_at_its_bound() {
    assert_eq!(koc_with(&[]), "koc");
    for (name, just_short) in [
        ("contribution.score", 59.99),
        ("reputation.score", 69.99),
        ("referral_join_90d", 2.0),
        ("violations_90d", 1.0),
        ("days_since_join", 6.0),
    ] {
        assert_eq!(koc_with(&[(name, Some(just_short))]), "core", "{name}");
    }
    for name in ["contribution.score", "reputation.score", "violations_90d"] {
        assert_eq!(koc_with(&[(name, None)]), "core", "{name}");
    }
    assert_eq!(koc_with(&[("days_since_join", None)]), "koc");
}

#[test]
fn y014_followers_stand_for_referrals_within_their_bounds() {
    let none = ("referral_join_90d", Some(0.0));
    for (followers, want) in
        [(9_999.0, "core"), (10_000.0, "koc"), (100_000.0, "koc"), (100_001.0, "core")]
    {
        assert_eq!(koc_with(&[none, ("followers", Some(followers))]), want, "{followers}");
    }
}

fn climbing(interactions: [i64; 5]) -> Data {
    Data::new()
        .integer("interactions_30d", interactions)
        .real("contribution.score", [90.0; 5])
        .real("reputation.score", [90.0; 5])
        .integer("referral_join_90d", [9; 5])
        .integer("violations_90d", [0; 5])
}

#[test]
fn y014_koc_waits_for_two_evaluations_as_core_and_falls_after_two_lower_ones() {
    let data = climbing([51, 51, 51, 50, 50])
        .text("previous.1.tier", [None, Some("active"), Some("core"), Some("koc"), Some("koc")])
        .integer("previous.1.koc_run", [None, Some(0), Some(1), Some(2), Some(0)])
        .integer("previous.1.lower_run", [None, Some(0), Some(0), Some(0), Some(1)]);
    let given = assign(&card!("ladder-koc"), &data);
    assert_eq!(segments(&given), ["core", "core", "koc", "koc", "active"]);
    let reasons: Vec<_> = (0..5).map(|row| given.reason(row)).collect();
    let (waits, koc, held) = (Some("rise-waits"), Some("koc"), Some("fall-held"));
    assert_eq!(reasons, [waits, waits, koc, held, None]);
    assert_eq!(given.category("counted_tier", 3), Some("active"));
}

#[test]
fn sg_2_silent_members_are_prospects_with_a_flag() {
    let given = assign(&card!("ladder-koc"), &climbing([0, 1, 10, 11, 50]));
    assert_eq!(segments(&given), ["prospect", "prospect", "prospect", "active", "active"]);
    let flags: Vec<_> = (0..5).map(|row| given.integer("silent", row)).collect();
    assert_eq!(flags, [Some(1), Some(0), Some(0), Some(0), Some(0)]);
    assert_eq!(given.reason(0), Some("silent"));
}

// ---- SG-3 -----------------------------------------------------------------------------------

#[test]
fn y004_each_value_tier_has_a_service_of_its_own() {
    let data = Data::new()
        .text("value-rfm.tier", [Some("high"), Some("mid"), Some("low"), None, Some("low")])
        .text("previous.1.tier", [None, None, None, None, Some("high")]);
    let given = assign(&card!("value-tiers"), &data);
    assert_eq!(segments(&given), ["high", "mid", "low", "-", "high"]);
    let service: Vec<_> = (0..5).map(|row| given.category("service", row)).collect();
    assert_eq!(
        service,
        [
            Some("dedicated-service"),
            Some("display-chances"),
            Some("growth-guidance"),
            None,
            Some("dedicated-service"),
        ]
    );
    assert_eq!(given.reason(4), Some("fall-held"));
}

#[test]
fn sg_3_a_second_lower_evaluation_falls() {
    let data = Data::new()
        .text("value-rfm.tier", ["low"])
        .text("previous.1.tier", ["high"])
        .integer("previous.1.lower_run", [1]);
    assert_eq!(segments(&assign(&card!("value-tiers"), &data)), ["low"]);
}

// ---- SG-4 -----------------------------------------------------------------------------------

#[test]
fn y015_each_member_is_in_exactly_one_stage() {
    let data = Data::new()
        .integer("orders_90d", [1, 0, 0, 0, 0, 0])
        .integer("interactions_30d", [0, 1, 1, 0, 0, 1])
        .integer("days_since_join", [400, 31, 30, 30, 31, 0]);
    let given = assign(&card!("lifecycle-4"), &data);
    assert_eq!(segments(&given), ["convert", "retain", "activate", "reach", "dormant", "activate"]);
    let care: Vec<_> = (0..5).map(|row| given.category("care", row)).collect();
    assert_eq!(
        care,
        [
            Some("scene-offers"),
            Some("personal-recommendation"),
            Some("content-guide"),
            Some("targeted-contact"),
            None,
        ]
    );
    assert_eq!(given.reason(4), Some("dormant"));
}

#[test]
fn sg_4_a_member_of_whom_too_little_is_known_is_in_no_stage() {
    let data = Data::new()
        .integer("orders_90d", [Some(1), None, Some(0), Some(0)])
        .integer("interactions_30d", [None, Some(5), None, Some(5)])
        .integer("days_since_join", [None, Some(5), Some(5), None]);
    assert_eq!(segments(&assign(&card!("lifecycle-4"), &data)), ["convert", "-", "-", "-"]);
}

// ---- SG-5 -----------------------------------------------------------------------------------

#[test]
fn y016_the_stage_sets_the_commercial_cap() {
    let data = Data::new()
        .integer("interactions_30d", [10, 10, 11, 0])
        .integer("active_days_30d", [2, 3, 9, 0])
        .integer("cocreate_submit_90d", [0, 0, 0, 1]);
    let given = assign(&card!("participation-ladder"), &data);
    assert_eq!(segments(&given), ["cognition", "trust", "participation", "creation"]);
    let caps: Vec<_> = (0..4).map(|row| given.real("commercial_cap", row).unwrap()).collect();
    assert_eq!(caps, [0.0, 0.05, 0.20, 0.20]);
}

#[test]
fn sg_5_each_sign_of_trust_and_of_participation_is_enough() {
    for (name, value, want) in [
        ("feedback_adopted_90d", 1.0, "trust"),
        ("samples_claimed_90d", 1.0, "trust"),
        ("csat_last", 4.0, "trust"),
        ("csat_last", 3.99, "cognition"),
        ("feedback_adopted_90d", 0.0, "cognition"),
        ("samples_claimed_90d", 0.0, "cognition"),
        ("posts_30d", 1.0, "participation"),
        ("posts_30d", 0.0, "cognition"),
    ] {
        let data = Data::new().integer("interactions_30d", [1]).real(name, [value]);
        assert_eq!(
            segments(&assign(&card!("participation-ladder"), &data)),
            [want],
            "{name} {value}"
        );
    }
    let counts = Data::new().integer("interactions_30d", [None, Some(0)]);
    assert_eq!(segments(&assign(&card!("participation-ladder"), &counts)), ["-", "cognition"]);
}

#[test]
fn sg_5_a_cap_is_a_share_from_none_to_all() {
    let bounds = |cap: f64| {
        let over = json!({ "segment": { "trust": { "values": { "commercial_cap": cap } } } });
        card!("participation-ladder").with(over).problems().len()
    };
    assert_eq!([0.0, 1.0, -0.001, 1.001].map(bounds), [0, 0, 1, 1]);
}

#[test]
fn sg_5_and_sg_6_fall_at_the_second_lower_evaluation() {
    let quiet = || Data::new().integer("interactions_30d", [0, 0]);
    let buying = || quiet().integer("orders_90d", [0, 0]).integer("orders_180d", [0, 0]);
    for (test, data, top) in [
        (card!("participation-ladder"), quiet(), "creation"),
        (card!("sas-funnel"), buying(), "loyalty"),
    ] {
        let data =
            data.text("previous.1.segment", [top, top]).integer("previous.1.lower_run", [0, 1]);
        assert_eq!(segments(&assign(&test, &data)), [top, "cognition"]);
    }
}

// ---- SG-6 -----------------------------------------------------------------------------------

#[test]
fn y017_every_member_stands_on_one_step_of_the_funnel() {
    let data = Data::new()
        .integer("interactions_30d", [0, 1, 0, 0, 10, 11, 0, 0, 50, 51, 51])
        .integer("orders_90d", [0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0])
        .integer("orders_180d", [0, 0, 0, 0, 0, 0, 1, 2, 1, 1, 1])
        .integer("views_30d", [4, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0])
        .real("push_click_rate_30d", [0.0, 0.0, 0.0, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        .integer("nps_last", [9, 9, 9, 9, 9, 9, 9, 0, 9, 9, 8]);
    let given = assign(&card!("sas-funnel"), &data);
    assert_eq!(
        segments(&given),
        [
            "cognition",
            "interest",
            "interest",
            "interest",
            "interest",
            "participation",
            "participation",
            "loyalty",
            "participation",
            "loyalty",
            "participation",
        ]
    );
}

// ---- SG-7 -----------------------------------------------------------------------------------

#[test]
fn y018_precedence_gives_one_segment_per_member() {
    let levels = ["critical", "warn", "lapsed", "lapsed", "watch", "ok", "ok", "ok", "ok"];
    let data = Data::new()
        .text("churn-7d.level", levels)
        .integer(
            "days_since_last_order",
            [None, None, Some(90), None, Some(1), None, None, None, None],
        )
        .text("value-rfm.tier", ["high", "high", "low", "high", "high", "mid", "mid", "low", "low"])
        .real("participation-8.index", [90.0, 90.0, 0.0, 0.0, 90.0, 40.0, 39.99, 0.0, 0.0])
        .integer("interactions_30d", [9, 9, 0, 0, 9, 9, 9, 0, 1])
        .integer("days_since_last_interaction", [0; 9]);
    let given = assign(&card!("ops-segments"), &data);
    assert_eq!(
        segments(&given),
        [
            "churn-risk",
            "churn-risk",
            "churn-risk",
            "high-value",
            "high-value",
            "potential",
            "ordinary",
            "silent",
            "ordinary",
        ]
    );
    assert_eq!(given.category("care", 7), Some("activation"));
}

#[test]
fn y034_moves_to_automated_groups_after_sixty_days_and_three_wake_ups_and_back() {
    let days = [60, 59, 60, 0];
    let data = Data::new()
        .text("churn-7d.level", ["lapsed"; 4])
        .text("value-rfm.tier", ["low"; 4])
        .real("participation-8.index", [0.0; 4])
        .integer("interactions_30d", [0, 0, 0, 1])
        .integer("days_since_last_interaction", days)
        .integer("wakeups_failed", [3, 3, 2, 3]);
    let given = assign(&card!("ops-segments"), &data);
    let flags: Vec<_> = (0..4).map(|row| given.integer("automated", row)).collect();
    assert_eq!(flags, [Some(1), Some(0), Some(0), Some(0)]);
    assert_eq!(given.reason(0), Some("automated"));
    let later = card!("ops-segments").with(json!({ "numbers": { "automated_silent_days": 61 } }));
    assert_eq!(assign(&later, &data).integer("automated", 0), Some(0));
}

// ---- SG-10 ----------------------------------------------------------------------------------

#[test]
fn y022_each_community_has_one_phase() {
    let data = Data::new()
        .real("wau_ratio_week_1", [0.1499, 0.14, 0.5, 0.5, 0.15, 0.20, 0.1999])
        .real(
            "wau_ratio_week_2",
            [Some(0.1499), Some(0.15), None, Some(0.5), Some(0.1), Some(0.1), Some(0.1)],
        )
        .integer("age_days", [10, 30, 29, 30, 30, 30, 30])
        .integer("members", [10, 50, 500, 49, 50, 50, 50])
        .real("net_growth_4w", [0.9, 0.0499, 0.9, 0.9, 0.05, 0.04, 0.0499]);
    let given = assign(&card!("community-lifecycle"), &data);
    assert_eq!(
        segments(&given),
        ["silent", "cooling", "incubating", "incubating", "growing", "active", "cooling",]
    );
    assert_eq!(given.category("phase", 0), Some("silent"));
}

#[test]
fn a_brand_without_the_other_columns_can_run_a_card() {
    for (test, needed) in [
        (card!("tier-interactions"), &["interactions_30d"][..]),
        (
            card!("ladder-koc"),
            &[
                "contribution.score",
                "interactions_30d",
                "referral_join_90d",
                "reputation.score",
                "violations_90d",
            ],
        ),
        (card!("value-tiers"), &["value-rfm.tier"]),
        (card!("lifecycle-4"), &["days_since_join", "interactions_30d", "orders_90d"]),
        (card!("participation-ladder"), &["interactions_30d"]),
        (card!("sas-funnel"), &["interactions_30d", "orders_180d", "orders_90d"]),
        (
            card!("ops-segments"),
            &[
                "churn-7d.level",
                "days_since_last_interaction",
                "interactions_30d",
                "participation-8.index",
                "value-rfm.tier",
            ],
        ),
        (
            card!("community-lifecycle"),
            &["age_days", "members", "net_growth_4w", "wau_ratio_week_1", "wau_ratio_week_2"],
        ),
    ] {
        let shape = test.shape().unwrap();
        let columns = shape.rows.iter().flat_map(|table| &table.columns);
        let required = columns.filter(|need| need.required).map(|need| need.source.name());
        let mut required: Vec<_> = required.filter(|name| !name.starts_with("previous.")).collect();
        required.sort_unstable();
        assert_eq!(required, needed);
    }
}
