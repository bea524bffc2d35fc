//! The models that are cards of this engine, each by its id.
#![allow(clippy::unwrap_used, reason = "tests")]

use monitor::Monitor;
use playbook_sdk::testing::{Data, TablesGiven, Test, json, plugin};

macro_rules! card {
    ($name:literal) => {
        plugin::<Monitor>().card(include_str!(concat!("../cards/", $name, ".toml")))
    };
}

/// Rules of the card in the order of their names, as reasons are.
fn rules(test: &Test<Monitor>) -> Vec<String> {
    test.shape().unwrap().reasons.into_iter().map(|reason| reason.code).collect()
}

/// What fires for one row with these columns.
fn fired(
    card: Test<Monitor>,
    columns: &[(&str, f64)],
    texts: &[(&str, &str)],
) -> (Vec<String>, TablesGiven) {
    let data = columns
        .iter()
        .fold(Data::new().integer("key", [1]), |data, (name, value)| data.real(name, [*value]));
    let data = texts.iter().fold(data, |data, (name, value)| data.text(name, [*value]));
    let names = rules(&card);
    let given = card.table(data).open().unwrap().diagnose().unwrap();
    let fired = given.findings.iter().map(|finding| names[finding.reason as usize].clone());
    (fired.collect(), given)
}

// ---- DG-13 ----------------------------------------------------------------------------------

const LIVELY: (&str, f64) = ("wau_ratio_week_1", 0.20);

fn warning(columns: &[(&str, f64)], texts: &[(&str, &str)]) -> (Vec<String>, String) {
    let all: Vec<_> = columns.iter().copied().chain([LIVELY]).collect();
    let all = if columns.iter().any(|(name, _)| *name == LIVELY.0) { columns } else { &all[..] };
    let (fired, given) = fired(card!("health-warning"), all, texts);
    (fired, given.table(0).category("level", 0).unwrap().to_owned())
}

#[test]
fn y067_warns_one_month_before_depreciation_begins() {
    let months = |first, second, third: Option<f64>| {
        let mut columns = vec![("activity_month_1", first), ("activity_month_2", second)];
        columns.extend(third.map(|third| ("activity_month_3", third)));
        warning(&columns, &[])
    };
    let (ahead, begun) = (vec!["depreciation-ahead".to_owned()], vec!["depreciation".to_owned()]);
    assert_eq!(months(0.1499, 0.1499, Some(0.15)), (ahead.clone(), "warn".to_owned()));
    assert_eq!(months(0.14, 0.14, None), (ahead, "warn".to_owned()));
    assert_eq!(months(0.14, 0.14, Some(0.14)), (begun, "critical".to_owned()));
    assert_eq!(months(0.14, 0.15, Some(0.14)), (Vec::new(), "none".to_owned()));
    assert_eq!(months(0.15, 0.14, Some(0.14)), (Vec::new(), "none".to_owned()));
}

#[test]
fn dg_13_each_line_is_broken_at_its_bound() {
    for (columns, rule, level) in [
        (&[("wau_ratio_week_1", 0.1999)][..], Some("activity-low"), "warn"),
        (&[("wau_ratio_week_1", 0.20)], None, "none"),
        (&[("monthly_conversion", 0.0499), ("age_days", 90.0)], Some("conversion-low"), "warn"),
        (&[("monthly_conversion", 0.0499), ("age_days", 89.0)], None, "none"),
        (&[("monthly_conversion", 0.05), ("age_days", 90.0)], None, "none"),
        (&[("nps", 40.0)], Some("nps-low"), "warn"),
        (&[("nps", 41.0)], None, "none"),
        (&[("retention_d30", 0.2999)], Some("retention-low"), "watch"),
        (&[("retention_d30", 0.30)], None, "none"),
        (&[("anomalies_1d", 1.0)], Some("anomaly"), "watch"),
        (&[("anomalies_1d", 0.0)], None, "none"),
    ] {
        let want: Vec<_> = rule.map(str::to_owned).into_iter().collect();
        assert_eq!(warning(columns, &[]), (want, level.to_owned()), "{columns:?}");
    }
}

#[test]
fn dg_13_two_weeks_of_activity_far_too_low_are_critical() {
    let weeks =
        |first, second| warning(&[("wau_ratio_week_1", first), ("wau_ratio_week_2", second)], &[]);
    assert_eq!(weeks(0.1499, 0.1499).1, "critical");
    assert_eq!(weeks(0.1499, 0.15).1, "warn");
}

#[test]
fn dg_13_what_other_stages_say_is_taken_over() {
    for (column, value, rule, level) in [
        ("health-7x28.level", "critical", Some("health-critical"), "critical"),
        ("health-7x28.level", "weak", Some("health-weak"), "warn"),
        ("health-7x28.level", "watch", Some("health-watch"), "watch"),
        ("health-7x28.level", "healthy", None, "none"),
        ("community-lifecycle.phase", "silent", Some("phase-silent"), "critical"),
        ("community-lifecycle.phase", "cooling", Some("phase-cooling"), "watch"),
        ("community-lifecycle.phase", "growing", None, "none"),
    ] {
        let want: Vec<_> = rule.map(str::to_owned).into_iter().collect();
        assert_eq!(warning(&[], &[(column, value)]), (want, level.to_owned()), "{value}");
    }
}

#[test]
fn dg_13_a_finding_shows_what_was_measured_and_what_can_be_done() {
    let (_, given) = fired(card!("health-warning"), &[("wau_ratio_week_1", 0.1)], &[]);
    let finding = &given.findings[0];
    assert_eq!((finding.value, finding.threshold), (Some(0.1), Some(0.20)));
    let shape = card!("health-warning").shape().unwrap();
    let suggested: Vec<_> =
        finding.suggests.iter().map(|at| shape.actions[*at as usize].name.as_str()).collect();
    assert_eq!(suggested, ["activity-lift"]);
}

// ---- DG-14 ----------------------------------------------------------------------------------

/// Where each class begins: column, value that is weak, value that is not.
const CLASSES: [(&str, &str, f64, f64); 14] = [
    ("interaction", "health-7x28.activity", 2.999, 3.0),
    ("interaction", "health-7x28.interaction_quality", 2.999, 3.0),
    ("content", "health-7x28.content_innovation", 2.999, 3.0),
    ("conversion", "health-7x28.conversion_efficiency", 2.999, 3.0),
    ("layering", "health-7x28.user_layering", 2.999, 3.0),
    ("incentive", "incentive_output_ratio", 3.999, 4.0),
    ("channel", "channel_health_min", 0.3999, 0.40),
    ("timing", "open_rate_28d", 0.0499, 0.05),
    ("frequency", "opt_out_rate_28d", 0.0201, 0.02),
    ("retention", "retention_d30", 0.2999, 0.30),
    ("pricing", "discounted_order_share", 0.5001, 0.50),
    ("partner", "koc_share", 0.0099, 0.01),
    ("crisis-repair", "nps", 40.0, 41.0),
    ("crisis-repair", "negative_mention_share", 0.20, 0.1999),
];

#[test]
fn y083_there_are_twelve_classes_and_each_begins_at_its_bound() {
    assert_eq!(rules(&card!("suggest")).len(), 12);
    for (class, column, weak, fine) in CLASSES {
        assert_eq!(fired(card!("suggest"), &[(column, weak)], &[]).0, [class], "{column}");
        assert!(fired(card!("suggest"), &[(column, fine)], &[]).0.is_empty(), "{column}");
    }
}

#[test]
fn y083_suggestions_are_ranked_by_effect_where_evidence_is_enough() {
    let columns = [
        ("retention_d30", 0.1),
        ("nps", 10.0),
        ("koc_share", 0.0),
        ("open_rate_28d", 0.01),
        ("effect_retention", 0.05),
        ("evidence_retention", 3.0),
        ("effect_timing", 0.20),
        ("evidence_timing", 9.0),
        ("effect_partner", 0.90),
        ("evidence_partner", 2.0),
    ];
    let (order, given) = fired(card!("suggest"), &columns, &[]);
    assert_eq!(order, ["timing", "retention", "crisis-repair", "partner"]);
    let table = given.table(0);
    let named: Vec<_> = ["suggestion_1", "suggestion_2", "suggestion_3"]
        .map(|name| table.category(name, 0).unwrap())
        .to_vec();
    assert_eq!(named, ["timing", "retention", "crisis-repair"]);
    let shape = card!("suggest").shape().unwrap();
    assert!(!shape.produces.iter().any(|produce| produce.name.starts_with("suggestion_4")));
    assert_eq!(
        (table.real("suggestion_1_effect", 0), table.real("suggestion_1_evidence", 0)),
        (Some(0.20), Some(9.0))
    );
    assert_eq!(
        (table.real("suggestion_3_effect", 0), table.real("suggestion_3_evidence", 0)),
        (None, None)
    );
    let later = card!("suggest").with(json!({ "rank": { "evidence_min": 2 } }));
    assert_eq!(fired(later, &columns, &[]).0[0], "partner");
}

#[test]
fn y083_nothing_is_ever_adopted_by_itself() {
    let shape = card!("suggest").shape().unwrap();
    assert!(!shape.actions.is_empty() && shape.actions.iter().all(|action| action.needs_approval));
    let (_, given) = fired(card!("suggest"), &[("nps", 0.0)], &[]);
    assert!(given.transfers.is_empty());
    assert!(given.findings.iter().all(|finding| !finding.suggests.is_empty()));
}

#[test]
fn a_brand_without_the_other_columns_can_run_a_card() {
    for (test, rows) in [(card!("health-warning"), &[LIVELY.0][..]), (card!("suggest"), &[])] {
        let shape = test.shape().unwrap();
        let columns = shape.tables.iter().flat_map(|table| &table.columns);
        let needed = columns.filter(|need| need.required).map(|need| need.source.name());
        assert_eq!(needed.collect::<Vec<_>>(), rows);
    }
}
