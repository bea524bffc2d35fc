//! Effects (RO-14), channel integration and the ecosystem (DG-17).

use playbook_sdk::testing::Data;

use crate::common::{self, diagnose, dimensions, even, order};

const EFFECT: &str = include_str!("../../cards/effect-3d.toml");
const INTEGRATION: &str = include_str!("../../cards/integration-kpi.toml");
const ECOSYSTEM: &str = include_str!("../../cards/ecosystem-evaluation.toml");

#[rustfmt::skip]
const EFFECTS: [(&str, f64, f64); 23] = [
    ("dau_ratio", 0.05, 0.15), ("retention_d30", 0.30, 0.68), ("interactions_per_member_day", 0.2, 3.0),
    ("csat", 3.0, 4.7), ("monthly_conversion", 0.01, 0.08), ("repurchase_90d", 0.10, 0.45), ("ltv_by_cac", 1.0, 3.0),
    ("spend_growth_90d", -0.1, 0.2), ("nps", 0.0, 60.0), ("loyalty_share", 0.1, 0.4), ("positive_brand_share", 0.4, 0.8),
    ("brand_tag_share", 0.1, 0.6),
    ("reply_median_min", 60.0, 5.0), ("automation_rate", 0.2, 0.89), ("push_click_rate", 0.02, 0.2),
    ("contacts_to_first_order", 20.0, 5.0), ("sync_lag_p95_min", 60.0, 5.0),
    ("cac_minor", 3500.0, 1200.0), ("cost_per_active_minor", 1000.0, 200.0), ("cost_per_order_minor", 5000.0, 1000.0),
    ("content_cost_share", 0.5, 0.2), ("people_cost_share", 0.6, 0.3), ("incentive_output_ratio", 1.0, 4.0),
];

#[test]
fn y065_12_5_and_6_indicators() {
    common::holds(EFFECT, &EFFECTS);
    assert_eq!(order(EFFECT), EFFECTS.map(|(name, ..)| name));
    #[rustfmt::skip]
    assert_eq!(dimensions(EFFECT), ["effect", "user_value", "business_value", "brand_value", "efficiency", "cost"]);
    for (known, top) in [(0..12, "effect"), (12..17, "efficiency"), (17..23, "cost")] {
        let given = diagnose(EFFECT, even(EFFECT, &EFFECTS[known], 0.7));
        assert_eq!(given.table(0).rounded(top, 0), Some(3.5), "{top}");
        assert_eq!(given.table(0).real("total", 0), None);
    }
    let given = diagnose(EFFECT, even(EFFECT, &EFFECTS, 0.7));
    assert_eq!((given.table(0).rounded("total", 0), given.findings.len()), (Some(3.5), 0));
}

#[test]
fn ro_14_users_business_and_brand_are_a_dimension_each() {
    for (known, name) in [(0..4, "user_value"), (4..8, "business_value"), (8..12, "brand_value")] {
        let given = diagnose(EFFECT, even(EFFECT, &EFFECTS[known], 0.4));
        assert_eq!(given.table(0).rounded(name, 0), Some(2.0), "{name}");
        assert_eq!(given.table(0).real("effect", 0), None);
    }
}

#[rustfmt::skip]
const KPIS: [(&str, f64, f64); 12] = [
    ("integration_degree", 0.0, 1.0), ("wau_ratio", 0.05, 0.30), ("monthly_conversion", 0.01, 0.08),
    ("interop_rate", 0.0, 0.95), ("distribution_efficiency", 0.0, 0.70), ("layered_coverage", 0.0, 0.80),
    ("interactions_per_member_day", 0.2, 3.0), ("reply_median_min", 60.0, 5.0), ("repurchase_90d", 0.10, 0.45),
    ("profile_coverage", 0.0, 0.80), ("data_completeness", 0.0, 0.95), ("duplicate_profile_share", 0.1, 0.0),
];

#[test]
fn dg_17_three_levels_and_the_quality_of_data() {
    common::holds(INTEGRATION, &KPIS);
    assert_eq!(order(INTEGRATION), KPIS.map(|(name, ..)| name));
    assert_eq!(dimensions(INTEGRATION), ["goals", "capabilities", "actions", "data_quality"]);
    common::limits(
        INTEGRATION,
        &[("interop_rate", 0.95, true, true), ("profile_coverage", 0.80, true, true)],
    );
    let given = diagnose(INTEGRATION, even(INTEGRATION, &KPIS, 0.59));
    assert_eq!(given.table(0).rounded("total", 0), Some(59.0));
    // The three weakest, and two goals of data that are missed.
    assert_eq!(given.findings.len(), 5);
}

#[test]
fn y066_the_ecosystem_is_held_against_its_targets() {
    common::holds(
        ECOSYSTEM,
        &[("activity", 0.0, 0.30), ("conversion", 0.0, 0.08), ("satisfaction", 0.0, 4.7)],
    );
    let data = Data::new()
        .real("wau_ratio", [0.15])
        .real("monthly_conversion", [0.16])
        .real("csat", [3.525]);
    // Half, all and no more, three quarters.
    assert_eq!(diagnose(ECOSYSTEM, data).table(0).rounded("total", 0), Some(0.75));
}
