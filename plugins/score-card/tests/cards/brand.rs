//! Brand assets and their radar (DG-3), the ecosystem and its repair plan (DG-4).

use playbook_sdk::testing::{Data, TablesGiven, json};
use playbook_sdk::types::Level;

use crate::common::{self, diagnose, dimensions, even, level, order, suggested, test};

const BRAND: &str = include_str!("../../cards/brand-asset-3x9.toml");
const ECOSYSTEM: &str = include_str!("../../cards/ecosystem-index.toml");
const GOVERNANCE: &str = include_str!("../../cards/elastic-governance.toml");

#[rustfmt::skip]
const ITEMS: [(&str, f64, f64); 17] = [
    ("search_index", 0.0, 5.0), ("social_mentions", 0.0, 5.0), ("share_of_voice", 0.05, 0.30),
    ("trade_area_exposure", 0.0, 5.0), ("point_of_sale_display", 0.0, 5.0), ("media_net_share", -1.0, 1.0),
    ("nps", 0.0, 60.0), ("positive_review_share", 0.40, 0.80), ("crisis_handling_speed", 0.0, 5.0),
    ("crisis_satisfaction", 1.0, 5.0), ("value_communication", 0.0, 5.0), ("repurchase_90d", 0.10, 0.45),
    ("referred_repurchase_90d", 0.10, 0.45), ("fission_rate", 0.0, 0.20), ("koc_influence", 0.0, 100.0),
    ("willingness_to_pay", 0.0, 0.30), ("price_insensitivity", 0.0, 1.0),
];

#[test]
fn y070_the_map_has_nine_sub_scores() {
    common::holds(BRAND, &ITEMS);
    assert_eq!(order(BRAND), ITEMS.map(|(name, ..)| name));
    #[rustfmt::skip]
    let map = [
        "awareness", "online_voice", "offline_reach", "media_exposure",
        "reputation", "user_sentiment", "crisis_response", "cultural_resonance",
        "loyalty", "repurchase", "recommendation", "premium",
    ];
    assert_eq!(dimensions(BRAND), map);
    let given = diagnose(BRAND, even(BRAND, &ITEMS, 0.8));
    for name in map {
        assert_eq!(given.table(0).rounded(name, 0), Some(4.0), "{name}");
    }
    assert_eq!(given.table(0).rounded("total", 0), Some(4.0));
}

#[test]
fn dg_3_a_dimension_is_the_mean_of_its_sub_dimensions() {
    // Three items of the voice at 5, both of the shops at 0, the reports at 2.5.
    let known = Data::new()
        .real("search_index", [5.0])
        .real("social_mentions", [5.0])
        .real("share_of_voice", [0.3])
        .real("trade_area_exposure", [0.0])
        .real("point_of_sale_display", [0.0])
        .real("media_net_share", [0.0]);
    let given = diagnose(BRAND, known);
    assert_eq!(given.table(0).rounded("awareness", 0), Some(2.5));
    assert_eq!((given.table(0).real("loyalty", 0), given.table(0).real("total", 0)), (None, None));
}

/// Awareness two quarters ago, one ago and now, by an equal score of all items.
fn awareness(
    first: f64,
    last: f64,
    now: f64,
    own: &playbook_sdk::serde_json::Value,
) -> TablesGiven {
    let data = even(BRAND, &ITEMS[..6], now / 5.0)
        .real("previous.1.awareness", [last])
        .real("previous.2.awareness", [first]);
    test(BRAND).with(own.clone()).table(data).open().unwrap().diagnose().unwrap()
}

#[test]
fn dg_3_falls_twice() {
    let fires = |first, last, now| {
        awareness(first, last, now, &json!({})).findings_of("fall-awareness").count() == 1
    };
    assert!(fires(4.2, 3.6, 2.6));
    assert!(!fires(4.2, 2.5, 2.6));
    let fell = awareness(4.2, 3.6, 2.6, &json!({}));
    let finding = fell.findings_of("fall-awareness").next().unwrap();
    assert_eq!((finding.level, finding.threshold), (Level::Warn, Some(1.5)));
    assert!((finding.value.unwrap() - 1.6).abs() < 1e-9);
    assert_eq!(suggested(BRAND, finding), ["brand-plan"]);
}

#[test]
fn y071_the_radar_fires_on_the_two_quarter_rule_only() {
    let fires = |first, last, now, mode| {
        let own = json!({ "fall": { "mode": mode } });
        awareness(first, last, now, &own)
            .findings
            .iter()
            .filter(|f| f.threshold == Some(1.5))
            .count()
    };
    // Both steps together, to the bound and not below it; each of them where a playbook says so.
    assert_eq!([2.7, 2.71].map(|now| fires(4.2, 3.6, now, "cumulative")), [1, 0]);
    assert_eq!([2.0, 1.9].map(|now| fires(4.9, 3.4, now, "each")), [0, 1]);
    assert_eq!(fires(4.2, 3.6, 2.6, "each"), 0);
    let one_quarter = even(BRAND, &ITEMS[..6], 0.2).real("previous.1.awareness", [4.9]);
    assert_eq!(diagnose(BRAND, one_quarter).findings.len(), 0);
}

#[test]
fn dg_3_dimensions_out_of_balance_are_flagged() {
    let apart = |loyalty: f64| {
        let mut data = even(BRAND, &ITEMS[..11], 0.8);
        for (name, low, high) in &ITEMS[11..] {
            data = data.real(name, [low + loyalty / 5.0 * (high - low)]);
        }
        level(&diagnose(BRAND, data), "unbalanced")
    };
    assert_eq!((apart(2.51), apart(2.49)), (None, Some(Level::Watch)));
}

#[rustfmt::skip]
const PARTS: [(&str, f64, f64); 12] = [
    ("payouts_settled_30d_share", 0.0, 1.0), ("top1_contributor_share", 1.0, 0.0), ("gmv_growth_90d", -0.2, 0.2),
    ("ceremony_participation", 0.0, 1.0), ("value_communication_rate", 0.0, 1.0), ("value_recall", 0.0, 1.0),
    ("badge_adoption", 0.0, 1.0), ("value_tagged_ugc_share", 0.0, 1.0), ("member_help_share", 0.0, 1.0),
    ("ugc_share", 0.0, 0.65), ("adopted_cocreation_share", 0.0, 0.28), ("member_answer_share", 0.0, 1.0),
];

/// All parts at a share of their way, key members at a share of all.
fn ecosystem(share: f64, koc: f64) -> Data {
    even(ECOSYSTEM, &PARTS, share).real("koc_share", [koc])
}

#[test]
fn dg_4_the_index_weighs_value_culture_capability_and_members() {
    common::holds(ECOSYSTEM, &PARTS);
    for (parts, weight) in [(0..3, 35.0), (3..9, 30.0), (9..12, 20.0)] {
        let mut data = ecosystem(0.0, 0.0);
        for (name, _, high) in &PARTS[parts] {
            data = data.real(name, [*high]);
        }
        assert_eq!(diagnose(ECOSYSTEM, data).table(0).rounded("index", 0), Some(weight));
    }
    for (koc, index) in
        [(0.0, 0.0), (0.005, 7.5), (0.01, 15.0), (0.10, 15.0), (0.15, 7.5), (0.2, 0.0)]
    {
        let given = diagnose(ECOSYSTEM, ecosystem(0.0, koc));
        assert_eq!(given.table(0).rounded("index", 0), Some(index), "{koc}");
    }
}

#[test]
fn y072_below_80_opens_a_plan_that_closes_at_95() {
    // With key members in their band the index is 15 + 85 times the share of the others.
    let given = |index: f64, before: Option<&str>| {
        let data = ecosystem((index - 15.0) / 85.0, 0.05).text("previous.1.plan", [before]);
        diagnose(ECOSYSTEM, data)
    };
    let plan = |index, before| given(index, before).table(0).category("plan", 0).map(str::to_owned);
    let open = Some("open".to_owned());
    let closed = Some("closed".to_owned());
    assert_eq!((plan(79.99, None), plan(80.01, None)), (open.clone(), closed.clone()));
    assert_eq!((plan(94.99, Some("open")), plan(95.01, Some("open"))), (open, closed.clone()));
    assert_eq!(plan(94.99, Some("closed")), closed);
    let repair = given(94.99, Some("open"));
    let finding = repair.findings_of("plan-open").next().unwrap();
    assert_eq!((finding.level, finding.threshold), (Level::Warn, Some(95.0)));
    assert_eq!(suggested(ECOSYSTEM, finding), ["ecosystem-repair", "recruit-koc"]);
    assert_eq!(given(80.01, None).findings_of("plan-open").count(), 0);
}

#[test]
fn y072_six_culture_values_feed_culture() {
    let mut data = ecosystem(0.0, 0.0);
    for (at, (name, ..)) in PARTS[3..9].iter().enumerate() {
        data = data.real(name, [1.0]);
        let given = diagnose(ECOSYSTEM, data.clone());
        let want = 100.0 * (at + 1) as f64 / 6.0;
        assert!((given.table(0).real("culture", 0).unwrap() - want).abs() < 1e-9);
    }
}

#[test]
fn y073_one_party_keeps_to_its_share_of_slots() {
    common::limits(GOVERNANCE, &[("slot_share_7d", 0.3, true, false)]);
    let given = diagnose(GOVERNANCE, Data::new().real("slot_share_7d", [0.31, 0.3]));
    let finding = given.findings_of("limit-slot-share-7d").next().unwrap();
    assert_eq!((finding.level, finding.threshold), (Level::Warn, Some(0.3)));
    assert_eq!(suggested(GOVERNANCE, finding), ["limit-slots"]);
    let kept: Vec<_> = (0..2).map(|row| given.table(0).real("in_order", row)).collect();
    assert_eq!(kept, [Some(0.0), Some(1.0)]);
}
