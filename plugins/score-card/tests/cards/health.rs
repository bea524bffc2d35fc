//! Community health in 7 dimensions and 28 indicators (DG-1).

use crate::common::{self, named, order, suggested, test};
use playbook_sdk::testing::{Data, TablesGiven, json};
use playbook_sdk::types::Level;

const CARD: &str = include_str!("../../cards/health-7x28.toml");

/// Measures of score 0 and of score 5.
#[rustfmt::skip]
const BOUNDS: [(&str, f64, f64); 28] = [
    ("wau_ratio", 0.05, 0.30), ("dau_ratio", 0.05, 0.15), ("interactions_per_member_day", 0.2, 3.0),
    ("retention_d30", 0.30, 0.68), ("content_relevance", 2.0, 4.3), ("reply_median_min", 60.0, 5.0),
    ("thread_share", 0.10, 0.50), ("idle_share", 0.50, 0.20), ("monthly_conversion", 0.01, 0.08),
    ("repurchase_90d", 0.10, 0.45), ("contacts_to_first_order", 20.0, 5.0),
    ("incentive_output_ratio", 1.0, 4.0), ("tag_coverage", 0.20, 0.80), ("tag_accuracy", 0.50, 0.85),
    ("high_value_share", 0.01, 0.20), ("precise_reach", 0.18, 0.60), ("ugc_share", 0.15, 0.65),
    ("near_duplicate_share_30d", 0.70, 0.20), ("video_share", 0.20, 0.70), ("themes_4w", 0.0, 4.0),
    ("availability_30d", 0.99, 0.9999), ("sync_lag_p95_min", 60.0, 5.0), ("data_accuracy", 0.90, 0.98),
    ("automation_rate", 0.20, 0.89), ("brand_tag_share", 0.10, 0.60), ("nps", 0.0, 60.0),
    ("brand_consistency", 0.70, 1.00), ("positive_brand_share", 0.40, 0.80),
];

fn diagnose(data: Data) -> TablesGiven {
    test(CARD).table(data).open().unwrap().diagnose().unwrap()
}

/// Every indicator at the share of its way from score 0 to score 5.
fn even(share: f64) -> Data {
    common::even(CARD, &BOUNDS, share)
}

#[test]
fn dg_1_checks_of_the_model_are_met() {
    let given = diagnose(Data::new().real("wau_ratio", [0.20]).real("reply_median_min", [15.0]));
    assert_eq!(given.table(0).rounded("wau_ratio_score", 0), Some(3.0));
    assert_eq!(given.table(0).rounded("reply_median_min_score", 0), Some(4.0909));
    assert_eq!((given.table(0).real("activity", 0), given.table(0).real("total", 0)), (None, None));
    assert_eq!(given.table(0).category("level", 0), None);
}

#[test]
fn y066_28_scores_levels_and_the_weakest_three() {
    let shape = test(CARD).shape().unwrap();
    let of = |role| shape.produces.iter().filter(move |p| p.role == role);
    assert_eq!(of(playbook_sdk::Role::Indicator).count(), 28);
    assert_eq!(of(playbook_sdk::Role::Dimension).count(), 7);
    let level = of(playbook_sdk::Role::Level).next().unwrap();
    assert_eq!(level.bounds, [2.0, 3.0, 4.0]);
    assert_eq!(level.categories, ["critical", "weak", "watch", "healthy"]);
    // Pages colour a level by what it asks for.
    use playbook_sdk::Level;
    assert_eq!(level.alarms, [Level::Critical, Level::Warn, Level::None, Level::None]);
    let given =
        diagnose(even(0.9).real("nps", [6.0]).real("ugc_share", [0.16]).real("dau_ratio", [0.12]));
    assert_eq!(named(&given, 3), ["ugc_share", "nps", "dau_ratio"]);
    // The third scores 3.5, which is enough.
    assert_eq!(given.findings.len(), 2);
}

#[test]
fn every_bound_is_the_one_of_the_model() {
    common::holds(CARD, &BOUNDS);
    assert_eq!(order(CARD), BOUNDS.map(|(name, ..)| name));
}

#[test]
fn a_community_at_its_best_is_healthy_without_findings() {
    let given = diagnose(even(1.0));
    assert_eq!(given.table(0).rounded("total", 0), Some(5.0));
    assert_eq!(given.table(0).category("level", 0), Some("healthy"));
    assert!(given.findings.is_empty());
}

#[test]
fn a_community_at_its_worst_is_critical_and_told_what_to_do() {
    let given = diagnose(even(0.0));
    assert_eq!(given.table(0).category("level", 0), Some("critical"));
    let total = given.findings_of("total-low").next().unwrap();
    assert_eq!(
        (total.level, total.value, total.threshold),
        (Level::Critical, Some(0.0), Some(3.0))
    );
    let weekly = given.findings_of("low-wau-ratio").next().unwrap();
    assert_eq!((weekly.level, weekly.value), (Level::Warn, Some(0.05)));
    assert_eq!(suggested(CARD, weekly), ["activity-lift", "win-back"]);
    assert!((weekly.threshold.unwrap() - 0.20).abs() < 1e-12);
    // The total and the three weakest, no more.
    assert_eq!(given.findings.len(), 4);
}

#[test]
fn levels_begin_at_their_bounds() {
    for (share, want, findings) in [
        (0.39, "critical", 1),
        (0.41, "weak", 1),
        (0.59, "weak", 1),
        (0.61, "watch", 0),
        (0.79, "watch", 0),
        (0.81, "healthy", 0),
    ] {
        let given = diagnose(even(share));
        assert_eq!(given.table(0).category("level", 0), Some(want), "{share}");
        assert_eq!(given.findings_of("total-low").count(), findings, "{share}");
    }
}

#[test]
fn dg_1_a_dimension_needs_two_of_its_indicators() {
    let dimensions = common::dimensions(CARD);
    for (at, four) in BOUNDS.chunks(4).enumerate() {
        let score = |known: usize| {
            let given = diagnose(common::even(CARD, &four[..known], 0.8));
            given.table(0).rounded(&dimensions[at], 0)
        };
        assert_eq!((score(1), score(2)), (None, Some(4.0)), "{}", dimensions[at]);
    }
}

#[test]
fn dg_1_a_weak_indicator_warns_below_half_of_what_is_enough() {
    let level = |nps: f64| common::level(&diagnose(Data::new().real("nps", [nps])), "low-nps");
    assert_eq!(
        [17.9, 18.1, 35.9, 36.1].map(level),
        [Some(Level::Warn), Some(Level::Watch), Some(Level::Watch), None]
    );
}

#[test]
fn dg_1_the_total_needs_five_dimensions() {
    let given = |known: usize| diagnose(common::even(CARD, &BOUNDS[..4 * known], 1.0));
    let four = given(4);
    assert_eq!((four.table(0).real("total", 0), four.table(0).category("level", 0)), (None, None));
    let five = given(5);
    assert_eq!(five.table(0).rounded("total", 0), Some(5.0));
    assert_eq!(five.table(0).category("level", 0), Some("healthy"));
}

#[test]
fn rows_are_judged_each_for_itself() {
    let data = Data::new()
        .real("wau_ratio", [Some(0.05), Some(0.30)])
        .real("dau_ratio", [Some(0.05), None]);
    let given = diagnose(data);
    assert_eq!(
        (given.table(0).real("activity", 0), given.table(0).real("activity", 1)),
        (Some(0.0), None)
    );
    let first = playbook_sdk::Place { table: 0, row: 0 };
    assert!(given.findings.iter().all(|finding| finding.place == Some(first)));
}

#[test]
fn bounds_of_ones_own_replace_those_of_the_card() {
    let own = json!({ "subject": "community", "indicator": { "nps": { "lo": -100, "hi": 100 } } });
    let given = test(CARD).with(own).table(Data::new().real("nps", [0.0])).open().unwrap();
    assert_eq!(given.diagnose().unwrap().table(0).real("nps_score", 0), Some(2.5));
}
