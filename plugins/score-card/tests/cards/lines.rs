//! The quality monitor: lines, domains, divergence (DG-2).

use playbook_sdk::testing::{Data, json};
use playbook_sdk::types::Level;

use crate::common::{self, diagnose, dimensions, even, level, suggested, test};

const CARD: &str = include_str!("../../cards/lines-3-domains-9.toml");

#[rustfmt::skip]
const BOUNDS: [(&str, f64, f64); 8] = [
    ("content_relevance", 2.0, 4.3), ("timeliness", 60.0, 5.0), ("depth", 0.10, 0.50), ("compliance", 0.01, 0.0),
    ("response_speed", 500.0, 100.0), ("data_accuracy", 0.90, 0.98), ("availability", 0.99, 0.9999),
    ("value_consistency", 0.70, 1.0),
];

#[test]
fn y068_each_broken_line_raises_its_plan() {
    common::limits(
        CARD,
        &[
            ("activity_floor", 0.20, true, true),
            ("conversion_line", 0.05, true, true),
            ("satisfaction_line", 40.0, false, true),
        ],
    );
    let data = Data::new()
        .real("wau_ratio", [0.19])
        .real("monthly_conversion", [0.04])
        .real("nps", [40.0]);
    let given = diagnose(CARD, data);
    for (reason, plan) in [
        ("limit-activity-floor", "activity-lift"),
        ("limit-conversion-line", "stages-4"),
        ("limit-satisfaction-line", "complaint-loop"),
    ] {
        let finding = given.findings_of(reason).next().unwrap();
        assert_eq!((finding.level, suggested(CARD, finding)), (Level::Warn, vec![plan.to_owned()]));
    }
}

#[test]
fn dg_2_a_domain_is_the_mean_of_its_indicators() {
    common::holds(CARD, &BOUNDS);
    assert_eq!(dimensions(CARD), ["lines", "interaction", "technology", "brand"]);
    let given = diagnose(CARD, even(CARD, &BOUNDS, 0.6).real("wau_ratio", [0.0]));
    for domain in ["interaction", "technology", "brand", "total"] {
        assert_eq!(given.table(0).rounded(domain, 0), Some(3.0), "{domain}");
    }
    assert_eq!(given.table(0).real("lines", 0), None);
}

#[test]
fn dg_2_broken_lines_count_in_no_score_and_two_domains_make_a_total() {
    let total = |data: Data| diagnose(CARD, data).table(0).rounded("total", 0);
    let broken = even(CARD, &BOUNDS, 0.6)
        .real("wau_ratio", [0.0])
        .real("monthly_conversion", [0.0])
        .real("nps", [0.0]);
    let given = diagnose(CARD, broken.clone());
    assert_eq!((given.table(0).real("lines", 0), total(broken)), (Some(0.0), Some(3.0)));
    assert_eq!(total(even(CARD, &BOUNDS[..4], 0.6)), None);
    assert_eq!(total(even(CARD, &BOUNDS[..7], 0.6)), Some(3.0));
}

#[test]
fn dg_2_exposures_are_held_against_the_cap_of_the_linkage() {
    let score = |exposures: f64, cap: f64| {
        let data = Data::new()
            .real("exposures_per_member_week", [exposures])
            .real("quality-linkage.cap", [cap]);
        diagnose(CARD, data).table(0).rounded("exposure_score", 0)
    };
    assert_eq!([7.0, 10.5, 14.0].map(|x| score(x, 7.0)), [Some(5.0), Some(2.5), Some(0.0)]);
    assert_eq!(score(7.0, 3.5), Some(0.0));
}

#[test]
fn dg_2_a_domain_is_red_by_its_score_or_by_half_of_its_limits() {
    let red = |data: Data| {
        let given = diagnose(CARD, data);
        (given.table(0).integer("technology_red", 0), level(&given, "red-technology"))
    };
    // Scores of 1.99 and 2.01 with too few broken limits to matter.
    let own = json!({ "dimension": { "technology": { "red_broken": 1.0 } } });
    for (share, want) in [(0.399, Some(1)), (0.401, Some(0))] {
        let data = Data::new()
            .real("data_accuracy", [0.98])
            .real("p99_ms", [500.0 - (1.5 * share - 0.5) * 400.0])
            .real("availability_30d", [0.99 + (1.5 * share - 0.5) * 0.0099]);
        let given = test(CARD).with(own.clone()).table(data).open().unwrap().diagnose().unwrap();
        assert_eq!(given.table(0).integer("technology_red", 0), want, "{share}");
    }
    // Accuracy is under its limit and near the top of its scale; speed holds, availability is known or not.
    let near = Data::new().real("data_accuracy", [0.979]).real("p99_ms", [99.0]);
    assert_eq!(red(near.clone()), (Some(1), Some(Level::Warn)));
    assert_eq!(red(near.real("availability_30d", [0.99995])), (Some(0), None));
    assert_eq!(red(Data::new().real("nps", [50.0])), (None, None));
    let worst = diagnose(CARD, Data::new().real("data_accuracy", [0.5]).real("p99_ms", [900.0]));
    let finding = worst.findings_of("red-technology").next().unwrap();
    assert_eq!(suggested(CARD, finding), ["hold-scaling"]);
}

#[test]
fn dg_2_every_domain_is_red_under_a_score_of_2_and_from_half_of_its_limits() {
    let bounds = |data: Data| {
        let given = diagnose(CARD, data);
        ["red-interaction", "red-technology", "red-brand"]
            .map(|code| given.findings_of(code).next().and_then(|finding| finding.threshold))
    };
    assert_eq!(bounds(even(CARD, &BOUNDS, 0.39)), [Some(2.0); 3]);
    // Two of four limits, two of three and one of two are broken, none by much.
    let near = even(CARD, &BOUNDS, 1.0)
        .real("content_relevance", [3.4])
        .real("reply_median_min", [16.0])
        .real("data_accuracy", [0.979])
        .real("p99_ms", [101.0])
        .real("exposures_per_member_week", [7.1])
        .real("quality-linkage.cap", [7.0]);
    assert_eq!(bounds(near), [Some(0.5); 3]);
    assert_eq!(bounds(even(CARD, &BOUNDS, 1.0)), [None; 3]);
}

#[test]
fn dg_2_every_threshold_is_the_one_of_the_model() {
    // Alone in its domain, an indicator that breaks its limit makes the domain red.
    let bounds = [
        ("content_relevance", "content_relevance", "interaction", 3.5, true, true),
        ("timeliness", "reply_median_min", "interaction", 15.0, true, false),
        ("depth", "thread_share", "interaction", 0.20, true, true),
        ("compliance", "violation_rate", "interaction", 0.003, true, false),
        ("response_speed", "p99_ms", "technology", 100.0, false, false),
        ("data_accuracy", "data_accuracy", "technology", 0.98, true, true),
        ("availability", "availability_30d", "technology", 0.9999, true, true),
        ("value_consistency", "brand_consistency", "brand", 0.90, true, true),
    ];
    let own = json!({ "dimension": {
        "interaction": { "red_below": null }, "technology": { "red_below": null }, "brand": { "red_below": null },
    } });
    for (name, column, domain, bound, on, over) in bounds {
        for (x, in_order) in [(bound * 0.999, !over), (bound, on), (bound * 1.00001, over)] {
            let table = Data::new().real(column, [x]);
            let given =
                test(CARD).with(own.clone()).table(table).open().unwrap().diagnose().unwrap();
            let red = given.table(0).integer(&format!("{domain}_red"), 0);
            assert_eq!(red, Some(i64::from(!in_order)), "{name} at {x}");
        }
    }
    let exposure = |x: f64| {
        let data =
            Data::new().real("exposures_per_member_week", [x]).real("quality-linkage.cap", [7.0]);
        diagnose(CARD, data).table(0).integer("brand_red", 0)
    };
    assert_eq!((exposure(7.0), exposure(7.1)), (Some(0), Some(1)));
}

#[test]
fn dg_2_interaction_up_and_brand_down_twice_diverge() {
    let given = |interaction: [f64; 2], brand: [f64; 2]| {
        let data = even(CARD, &BOUNDS, 0.6)
            .real("previous.2.interaction", [interaction[0]])
            .real("previous.1.interaction", [interaction[1]])
            .real("previous.2.brand", [brand[0]])
            .real("previous.1.brand", [brand[1]]);
        diagnose(CARD, data)
    };
    let apart = given([2.0, 2.5], [4.0, 3.5]);
    let finding = apart.findings_of("divergence").next().unwrap();
    assert_eq!(
        (finding.level, suggested(CARD, finding)),
        (Level::Warn, vec!["commercial-cap-down".to_owned()])
    );
    assert_eq!(given([2.0, 3.5], [4.0, 3.5]).findings_of("divergence").count(), 0);
    assert_eq!(given([2.0, 2.5], [3.0, 3.5]).findings_of("divergence").count(), 0);
}
