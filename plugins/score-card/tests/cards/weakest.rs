//! How many weakest indicators each card names, and below which score they are findings.

use playbook_sdk::testing::Data;

use crate::common::{diagnose, full, test};

/// Holds a card to its count and its bound, by an indicator that `at` puts on a share of its way.
fn weak(card: &str, count: usize, below: f64, at: impl Fn(f64) -> Data) {
    let shape = test(card).shape().unwrap();
    let named = shape.produces.iter().filter(|p| p.name.starts_with("weakest_")).count();
    assert_eq!(named, count);
    let findings = |share: f64| {
        let given = diagnose(card, at(share));
        let low = |reason: u32| shape.reasons[reason as usize].code.starts_with("low-");
        given.findings.iter().filter(|finding| low(finding.reason)).count()
    };
    let share = below / full(card);
    let over = if share < 1.0 { share + 1e-6 } else { 1.0 };
    assert_eq!((findings(share - 1e-6), findings(over)), (1, 0), "{:?}", shape.tables[0].subject);
}

#[test]
fn each_card_names_as_many_as_it_says_and_warns_where_it_says() {
    let line = |name: &'static str, low: f64, high: f64| {
        move |share: f64| Data::new().real(name, [low + share * (high - low)])
    };
    let checks = |name: &'static str| {
        move |share: f64| {
            let passed = Data::new().real(&format!("{name}_passed"), [10.0 * share]);
            passed.real(&format!("{name}_checks"), [10.0])
        }
    };
    weak(include_str!("../../cards/health-7x28.toml"), 3, 3.0, line("nps", 0.0, 60.0));
    weak(include_str!("../../cards/ecosystem-index.toml"), 3, 50.0, line("ugc_share", 0.0, 0.65));
    weak(include_str!("../../cards/compliance-sop.toml"), 3, 0.8, checks("hand_over"));
    weak(include_str!("../../cards/localisation.toml"), 2, 0.7, checks("law"));
    weak(include_str!("../../cards/architecture-card.toml"), 3, 3.0, line("disk_share", 1.0, 0.6));
    weak(
        include_str!("../../cards/integration-kpi.toml"),
        3,
        60.0,
        line("integration_degree", 0.0, 1.0),
    );
    weak(
        include_str!("../../cards/ecosystem-evaluation.toml"),
        1,
        1.0,
        line("wau_ratio", 0.0, 0.3),
    );
    weak(include_str!("../../cards/tech-value.toml"), 3, 3.0, line("user_rating", 1.0, 5.0));
    weak(include_str!("../../cards/effect-3d.toml"), 3, 3.0, line("dau_ratio", 0.05, 0.15));
    weak(include_str!("../../cards/tool-card.toml"), 1, 3.0, line("user_rating", 1.0, 5.0));
}

#[test]
fn other_cards_name_none() {
    for card in [
        include_str!("../../cards/brand-asset-3x9.toml"),
        include_str!("../../cards/elastic-governance.toml"),
        include_str!("../../cards/risk-3x7.toml"),
        include_str!("../../cards/risk-content.toml"),
        include_str!("../../cards/risk-legal.toml"),
        include_str!("../../cards/risk-market.toml"),
        include_str!("../../cards/lines-3-domains-9.toml"),
        include_str!("../../cards/partner-score.toml"),
        include_str!("../../cards/content-health.toml"),
        include_str!("../../cards/fit.toml"),
    ] {
        let shape = test(card).shape().unwrap();
        assert!(!shape.produces.iter().any(|p| p.name.starts_with("weakest_")));
        assert!(!shape.reasons.iter().any(|reason| reason.code.starts_with("low-")));
    }
}
