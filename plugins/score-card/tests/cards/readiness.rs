//! Procedures (DG-12), fit of a playbook and of a market (DG-15).

use playbook_sdk::testing::{Data, json};
use playbook_sdk::types::Level;

use crate::common::{diagnose, dimensions, level, named, order, suggested, test};

const SOP: &str = include_str!("../../cards/compliance-sop.toml");
const FIT: &str = include_str!("../../cards/fit.toml");
const MARKET: &str = include_str!("../../cards/localisation.toml");

/// Ten checks of each dimension, of which as many passed.
fn checks(names: &[String], passed: impl Fn(usize) -> f64) -> Data {
    names.iter().enumerate().fold(Data::new(), |data, (at, name)| {
        data.real(&format!("{name}_passed"), [passed(at)]).real(&format!("{name}_checks"), [10.0])
    })
}

#[test]
fn y082_each_of_eight_dimensions_has_checks_and_a_score() {
    let names = order(SOP);
    #[rustfmt::skip]
    assert_eq!(dimensions(SOP), [
        "response_time", "content_review", "content_production", "interaction",
        "crisis_handling", "member_layering", "data_handling", "hand_over",
    ]);
    let given = diagnose(SOP, checks(&names, |at| (at + 1) as f64));
    for (at, name) in dimensions(SOP).iter().enumerate() {
        assert_eq!(given.table(0).rounded(name, 0), Some((at + 1) as f64 / 10.0), "{name}");
    }
    assert_eq!(given.table(0).rounded("total", 0), Some(0.45));
}

#[test]
fn dg_12_the_weakest_below_eight_of_ten_are_told() {
    let names = order(SOP);
    let given = diagnose(SOP, checks(&names, |at| if at == 4 { 7.0 } else { 8.0 }));
    assert_eq!(named(&given, 1), ["crisis_handling"]);
    assert_eq!(given.findings.len(), 1);
    let finding = given.findings_of("low-crisis-handling").next().unwrap();
    assert_eq!(
        (finding.threshold, suggested(SOP, finding)),
        (Some(0.8), vec!["sop-training".to_owned()])
    );
    let none =
        diagnose(SOP, Data::new().real("hand_over_passed", [0.0]).real("hand_over_checks", [0.0]));
    assert_eq!(none.table(0).real("hand_over", 0), None);
}

/// A brand that meets all requirements to the bound.
fn brand() -> Data {
    Data::new()
        .text("industry", ["beauty"])
        .real("members", [1000.0])
        .real("data_completeness", [0.8])
        .real("budget_minor", [10_000_000.0])
        .real("team_size", [3.0])
}

#[test]
fn y084_missing_prerequisites_are_named() {
    let given = diagnose(FIT, brand());
    assert_eq!((given.table(0).rounded("fit", 0), given.findings.len()), (Some(100.0), 0));
    for (column, x, name) in [
        ("members", 999.0, "members"),
        ("data_completeness", 0.79, "data-completeness"),
        ("budget_minor", 9_999_999.0, "budget"),
        ("team_size", 2.0, "team"),
    ] {
        let given = diagnose(FIT, brand().real(column, [x]));
        assert_eq!(given.table(0).rounded("fit", 0), Some(80.0), "{name}");
        assert_eq!(level(&given, &format!("limit-{name}")), Some(Level::Warn), "{name}");
        assert_eq!(given.findings.len(), 1);
    }
    let nothing = diagnose(FIT, Data::new().text("industry", ["mining"]));
    assert_eq!((nothing.table(0).real("fit", 0), nothing.findings.len()), (None, 5));
    assert_eq!(level(&nothing, "late-industry"), Some(Level::Warn));
}

#[test]
fn dg_15_requirements_are_met_at_their_bound_and_one_fact_gives_a_fit() {
    for (column, below, bound) in [
        ("members", 999.99, 1000.0),
        ("data_completeness", 0.7999, 0.8),
        ("budget_minor", 9_999_999.0, 10_000_000.0),
        ("team_size", 2.99, 3.0),
    ] {
        let fit = |x: f64| diagnose(FIT, Data::new().real(column, [x])).table(0).real("fit", 0);
        assert_eq!((fit(below), fit(bound)), (Some(0.0), Some(100.0)), "{column}");
    }
}

#[test]
fn dg_15_industries_of_the_presets_are_known_each_in_full() {
    let industry = |own: playbook_sdk::serde_json::Value, industry: &str| {
        let own = json!({ "indicator": { "industry": own } });
        let table = brand().text("industry", [industry]);
        let given = test(FIT).with(own).table(table).open().unwrap().diagnose().unwrap();
        let finding = given.findings_of("limit-industry").next();
        finding.map(|finding| (finding.value.unwrap(), finding.threshold.unwrap()))
    };
    #[rustfmt::skip]
    let known = [
        "apparel", "appliance", "automotive", "beauty", "catering-coffee", "education", "finance",
        "fresh-retail", "gaming", "health", "liquor", "luxury", "mother-baby", "travel",
    ];
    for name in known {
        assert_eq!(industry(json!({}), name), None, "{name}");
        // Held against more than there is, it tells how much it counts.
        assert_eq!(industry(json!({ "at_least": 2.0 }), name), Some((1.0, 2.0)), "{name}");
    }
    let half = json!({ "categories": { "mining": 0.5 } });
    assert_eq!(industry(half, "mining"), Some((0.5, 1.0)));
}

#[test]
fn dg_15_a_playbook_has_requirements_of_its_own() {
    let own = json!({ "indicator": { "members": { "at_least": 5000 }, "industry": { "categories": { "mining": 1.0 } } } });
    let table = brand().text("industry", ["mining"]);
    let given = test(FIT).with(own).table(table).open().unwrap().diagnose().unwrap();
    assert_eq!(given.table(0).rounded("fit", 0), Some(80.0));
    assert_eq!(given.findings_of("limit-members").count(), 1);
}

#[test]
fn y085_a_market_below_0_70_cannot_start() {
    let names = order(MARKET);
    assert_eq!(dimensions(MARKET), ["language", "culture", "channel", "law"]);
    let market =
        |last: f64| diagnose(MARKET, checks(&names, |at| if at == 3 { last } else { 7.0 }));
    let blocked = market(6.9);
    assert_eq!(blocked.table(0).category("level", 0), Some("blocked"));
    let finding = blocked.findings_of("market-not-ready").next().unwrap();
    assert_eq!((finding.level, finding.threshold), (Level::Critical, Some(0.7)));
    assert_eq!(suggested(MARKET, finding), ["localise"]);
    let ready = market(7.1);
    assert_eq!(
        (ready.table(0).category("level", 0), ready.findings_of("market-not-ready").count()),
        (Some("ready"), 0)
    );
    let three = diagnose(MARKET, checks(&names[..3], |_| 10.0));
    assert_eq!((three.table(0).real("fit", 0), three.table(0).category("level", 0)), (None, None));
}
