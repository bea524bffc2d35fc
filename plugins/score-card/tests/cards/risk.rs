//! Risks by catalogue: coefficients, levels, answers, the weekly list (DG-5).

use playbook_sdk::testing::{Data, json};
use playbook_sdk::types::Level;

use crate::common::{self, diagnose, dimensions, level, order, suggested, test};

const RISK: &str = include_str!("../../cards/risk-3x7.toml");
const CONTENT: &str = include_str!("../../cards/risk-content.toml");
const LEGAL: &str = include_str!("../../cards/risk-legal.toml");
const MARKET: &str = include_str!("../../cards/risk-market.toml");

/// Limit, whether the bound itself is in order, whether more is.
#[rustfmt::skip]
const LIMITS: [(&str, f64, bool, bool); 15] = [
    ("goal_consistency", 0.9, true, true), ("competitor_growth_gap", 0.1, true, false),
    ("policy_changes_unassessed", 0.0, true, false), ("near_duplicate_share_30d", 0.4, true, false),
    ("reply_median_min", 15.0, true, false), ("activity_drop_4w", 0.3, true, false),
    ("precise_reach", 0.18, true, true), ("tag_coverage", 0.8, true, true), ("tag_accuracy", 0.85, true, true),
    ("opinion_level", 2.0, false, false), ("violation_rate", 0.003, true, false), ("burn_rate", 1.1, true, false),
    ("reserve_left", 0.1, true, true), ("roi", 1.5, true, true), ("key_owner_vacancies", 0.0, true, false),
];

#[test]
fn y074_a_coefficient_per_domain() {
    common::limits(RISK, &LIMITS);
    assert_eq!(order(RISK), LIMITS.map(|(name, ..)| name));
    #[rustfmt::skip]
    let all = [
        "strategy", "brand_deviation", "market_response",
        "operation", "interaction_decline", "layering_failure", "sudden_events",
        "resource", "budget_shortage", "talent_loss",
    ];
    assert_eq!(dimensions(RISK), all);
    // One of two limits of the market is broken, two of three of the layers: 0.5 of probability by impact 0.5.
    let data = Data::new()
        .real("competitor_growth_gap", [0.2])
        .real("policy_changes_unassessed", [0.0])
        .real("precise_reach", [0.1])
        .real("tag_coverage", [0.5])
        .real("tag_accuracy", [0.9])
        .real("key_owner_vacancies", [0.0]);
    let given = diagnose(RISK, data);
    let of = |name: &str| given.table(0).rounded(name, 0);
    assert_eq!((of("market_response"), of("layering_failure")), (Some(0.25), Some(0.3333)));
    assert_eq!((of("talent_loss"), of("sudden_events")), (Some(0.0), None));
    assert_eq!(
        (of("strategy"), of("operation"), of("resource")),
        (Some(0.25), Some(0.3333), Some(0.0))
    );
    assert_eq!(of("coefficient"), Some(0.3333));
    assert_eq!(given.table(0).category("level", 0), Some("medium"));
}

#[test]
fn dg_5_levels_name_the_answer() {
    // All limits of a domain are broken, so that its impact is the coefficient.
    for (card, domain, broken) in [
        (RISK, "talent_loss", &["key_owner_vacancies"][..]),
        (CONTENT, "content_safety", &["violation_rate", "aigc_error_rate"]),
        (LEGAL, "legal", &["claims_without_report", "regulator_notices"]),
        (MARKET, "market", &["competitor_growth_gap", "cac_minor"]),
    ] {
        let risk = |impact: f64| {
            let own = json!({ "dimension": { domain: { "factor": impact } } });
            let table = broken.iter().fold(Data::new(), |data, name| data.real(name, [1e6]));
            test(card).with(own).table(table).open().unwrap().diagnose().unwrap()
        };
        for (impact, name, alarm, answers) in [
            (0.199, "low", None, &[][..]),
            (0.2, "medium", Some(Level::Watch), &["reduce"][..]),
            (0.399, "medium", Some(Level::Watch), &["reduce"]),
            (0.4, "high", Some(Level::Warn), &["transfer", "reduce"]),
            (0.599, "high", Some(Level::Warn), &["transfer", "reduce"]),
            (0.6, "severe", Some(Level::Critical), &["avoid"]),
        ] {
            let given = risk(impact);
            assert_eq!(given.table(0).category("level", 0), Some(name), "{domain} {impact}");
            assert_eq!(level(&given, "risk-high"), alarm, "{domain} {impact}");
            let named = given.findings_of("risk-high").next().map(|finding| {
                assert_eq!(finding.threshold, Some(0.2));
                suggested(card, finding)
            });
            assert_eq!(named.unwrap_or_default(), answers, "{domain} {impact}");
        }
    }
    let standard = diagnose(RISK, Data::new().real("key_owner_vacancies", [1.0]));
    assert_eq!(standard.table(0).rounded("coefficient", 0), Some(0.5));
}

#[test]
fn y074_seven_strategic_indicators_are_updated_or_marked_late() {
    let late = |data: Data| {
        let given = diagnose(RISK, data);
        let shape = test(RISK).shape().unwrap();
        let code = |reason: u32| shape.reasons[reason as usize].code.clone();
        let codes = given.findings.iter().map(|finding| code(finding.reason));
        codes.filter(|code| code.starts_with("late-")).collect::<Vec<_>>()
    };
    let mut data = Data::new().real("roi", [4.0]);
    assert_eq!(late(data.clone()).len(), 7);
    for name in
        ["goal_consistency", "competitor_growth_gap", "near_duplicate_share_30d", "precise_reach"]
    {
        data = data.real(name, [0.15]);
    }
    let left = ["late-opinion-level", "late-burn-rate", "late-key-owner-vacancies"];
    assert_eq!(late(data), left);
}

const CONTENT_LIMITS: [(&str, f64, bool, bool); 9] = [
    ("violation_rate", 0.003, true, false),
    ("aigc_error_rate", 0.05, true, false),
    ("extreme_speech_rate", 0.0001, true, false),
    ("unconfirmed_consents", 0.0, true, false),
    ("exports_without_approval", 0.0, true, false),
    ("data_accuracy", 0.98, true, true),
    ("opinion_level", 2.0, false, false),
    ("negative_mention_share", 0.2, false, false),
    ("negative_effect_share", 0.003, true, false),
];

const LEGAL_LIMITS: [(&str, f64, bool, bool); 8] = [
    ("claims_without_report", 0.0, true, false),
    ("regulator_notices", 0.0, true, false),
    ("complaint_rate", 0.01, true, false),
    ("opt_out_rate", 0.02, true, false),
    ("retention_d30", 0.3, true, true),
    ("availability_30d", 0.9999, true, true),
    ("sync_lag_p95_min", 5.0, true, false),
    ("data_accuracy", 0.98, true, true),
];

const MARKET_LIMITS: [(&str, f64, bool, bool); 9] = [
    ("competitor_growth_gap", 0.1, true, false),
    ("cac_minor", 1200.0, true, false),
    ("monthly_conversion", 0.05, true, true),
    ("wau_ratio", 0.2, true, true),
    ("reply_median_min", 15.0, true, false),
    ("key_owner_vacancies", 0.0, true, false),
    ("p99_ms", 100.0, false, false),
    ("availability_30d", 0.9999, true, true),
    ("plugin_fault_rate", 0.01, true, false),
];

#[test]
fn dg_5_other_catalogues_are_cards_of_the_same_engine() {
    common::limits(CONTENT, &CONTENT_LIMITS);
    common::limits(LEGAL, &LEGAL_LIMITS);
    common::limits(MARKET, &MARKET_LIMITS);
    assert_eq!(dimensions(CONTENT), ["content_safety", "data_compliance", "opinion"]);
    assert_eq!(dimensions(LEGAL), ["legal", "user", "technology"]);
    assert_eq!(dimensions(MARKET), ["market", "operation", "technology"]);
    let broken = [
        (CONTENT, "opinion_level", "opinion", 3.0, 0.5, "high"),
        (LEGAL, "retention_d30", "user", 0.1, 0.5, "high"),
        (MARKET, "wau_ratio", "operation", 0.1, 0.3333, "medium"),
    ];
    for (card, indicator, dimension, x, most, name) in broken {
        // One of three is known: too little for its dimension, until two are.
        let one = diagnose(card, Data::new().real(indicator, [x]));
        assert_eq!(one.table(0).real(dimension, 0), None, "{dimension}");
        let all = order(card).iter().fold(Data::new(), |data, name| data.real(name, [x]));
        let given = diagnose(card, all);
        assert!(given.table(0).real(dimension, 0).unwrap() > 0.0, "{dimension}");
        assert_eq!(given.table(0).rounded("coefficient", 0), Some(most));
        assert_eq!(given.table(0).category("level", 0), Some(name));
    }
}

#[test]
fn dg_5_the_impact_of_every_domain_is_a_half() {
    for (card, limits) in [
        (RISK, &LIMITS[..]),
        (CONTENT, &CONTENT_LIMITS[..]),
        (LEGAL, &LEGAL_LIMITS[..]),
        (MARKET, &MARKET_LIMITS[..]),
    ] {
        // Every limit is broken, so that probability is 1.
        let broken = limits.iter().fold(Data::new(), |data, (name, bound, _, over)| {
            data.real(name, [if *over { bound - 1.0 } else { bound + 1.0 }])
        });
        let given = diagnose(card, broken);
        for name in dimensions(card) {
            assert_eq!(given.table(0).real(&name, 0), Some(0.5), "{name}");
        }
    }
}

#[test]
fn dg_5_one_part_that_is_known_gives_a_coefficient() {
    for (card, known) in [
        (CONTENT, ["violation_rate", "aigc_error_rate"]),
        (LEGAL, ["claims_without_report", "regulator_notices"]),
        (MARKET, ["competitor_growth_gap", "cac_minor"]),
        (RISK, ["goal_consistency", "key_owner_vacancies"]),
    ] {
        let data = known.iter().fold(Data::new(), |data, name| data.real(name, [1e6]));
        let coefficient = diagnose(card, data).table(0).real("coefficient", 0);
        assert_eq!(coefficient, Some(0.5), "{known:?}");
    }
}
