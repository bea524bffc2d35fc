//! Architecture and resources (DG-16), value of technology (RO-12), tools (SC-13).

use playbook_sdk::testing::{Data, TablesGiven};
use playbook_sdk::types::Level;

use crate::common::{self, diagnose, dimensions, even, order, suggested};

const ARCHITECTURE: &str = include_str!("../../cards/architecture-card.toml");
const VALUE: &str = include_str!("../../cards/tech-value.toml");
const TOOL: &str = include_str!("../../cards/tool-card.toml");

#[rustfmt::skip]
const SYSTEM: [(&str, f64, f64); 20] = [
    ("availability_30d", 0.99, 0.9999), ("p99_ms", 500.0, 100.0), ("error_rate", 0.05, 0.0), ("queue_depth", 1000.0, 0.0),
    ("fuel_share", 1.0, 0.5), ("memory_peak_share", 1.0, 0.5), ("restarts_7d", 10.0, 0.0), ("sync_lag_p95_min", 60.0, 5.0),
    ("backup_age_h", 24.0, 1.0), ("restore_time_min", 240.0, 30.0), ("plugin_fault_rate", 0.05, 0.0),
    ("isolation_passed_share", 0.9, 1.0),
    ("cpu_share", 1.0, 0.6), ("memory_share", 1.0, 0.6), ("fuel_used_share", 1.0, 0.6), ("queue_share", 1.0, 0.6),
    ("disk_share", 1.0, 0.6), ("open_calls_share", 1.0, 0.6), ("network_share", 1.0, 0.6), ("table_rows_share", 1.0, 0.6),
];

#[test]
fn y081_12_and_8_values_from_telemetry() {
    common::holds(ARCHITECTURE, &SYSTEM);
    assert_eq!(order(ARCHITECTURE), SYSTEM.map(|(name, ..)| name));
    assert_eq!(dimensions(ARCHITECTURE), ["architecture", "resources"]);
    let given = diagnose(ARCHITECTURE, even(ARCHITECTURE, &SYSTEM[..12], 0.4));
    assert_eq!(given.table(0).rounded("architecture", 0), Some(2.0));
    assert_eq!(given.table(0).real("resources", 0), None);
    assert_eq!(given.findings.len(), 3);
    let near = diagnose(ARCHITECTURE, even(ARCHITECTURE, &SYSTEM[12..], 0.61));
    assert_eq!((near.table(0).rounded("resources", 0), near.findings.len()), (Some(3.05), 0));
}

#[test]
fn y064_8_scores_each_quarter() {
    #[rustfmt::skip]
    let alone = [
        ("stability", 0.99, 0.9999), ("cost_per_member", 500.0, 50.0), ("fault_rate", 0.05, 0.0),
        ("latency", 500.0, 100.0), ("integration_coverage", 0.5, 1.0), ("user_rating", 1.0, 5.0),
    ];
    common::holds(VALUE, &alone);
    assert_eq!(order(VALUE).len(), 8);
    let of = |name: &str, part: (&str, f64), whole: (&str, f64)| {
        let given = diagnose(VALUE, Data::new().real(part.0, [part.1]).real(whole.0, [whole.1]));
        given.table(0).rounded(name, 0)
    };
    let processing =
        |rows| of("processing_score", ("processed_rows", rows), ("planned_rows", 200.0));
    assert_eq!([100.0, 150.0, 200.0].map(processing), [Some(0.0), Some(2.5), Some(5.0)]);
    let usage =
        |users| of("usage_score", ("module_users_30d", users), ("module_eligible_30d", 100.0));
    assert_eq!([0.0, 30.0, 60.0].map(usage), [Some(0.0), Some(2.5), Some(5.0)]);
    let half = even(VALUE, &alone, 0.5);
    assert_eq!(diagnose(VALUE, half).table(0).rounded("total", 0), Some(2.5));
}

fn usage(users: f64, runs: [Option<i64>; 2]) -> TablesGiven {
    let data = Data::new()
        .real("module_users_30d", [users])
        .real("module_eligible_30d", [100.0])
        .integer("previous.1.usage_run", [runs[0]])
        .integer("previous.2.usage_run", [runs[1]]);
    diagnose(VALUE, data)
}

#[test]
fn ro_12_three_months_below_a_tenth_open_a_review() {
    let fires = |users, runs| usage(users, runs).findings_of("limit-usage").count() == 1;
    assert!(fires(9.9, [Some(2), Some(1)]));
    assert!(!fires(9.9, [Some(1), Some(0)]) && !fires(10.0, [Some(2), Some(1)]));
    let review = usage(5.0, [None, Some(2)]);
    let finding = review.findings_of("limit-usage").next().unwrap();
    assert_eq!((finding.level, finding.threshold), (Level::Warn, Some(0.1)));
    assert_eq!(suggested(VALUE, finding), ["merge-or-replace"]);
    assert_eq!(review.table(0).integer("usage_run", 0), Some(3));
}

#[test]
fn y116_a_tool_has_4_scores_from_telemetry() {
    common::holds(TOOL, &[("usability", 1.0, 5.0), ("cost_per_1000_calls", 1000.0, 100.0)]);
    assert_eq!(order(TOOL), ["usability", "completeness", "stability", "cost_per_1000_calls"]);
    let given = diagnose(
        TOOL,
        Data::new()
            .real("user_rating", [4.2])
            .integer("functions_met", [8])
            .integer("functions_asked", [10])
            .integer("fault_free_calls", [980])
            .integer("calls", [1000])
            .real("cost_per_1000_calls_minor", [550.0]),
    );
    let scores = ["usability", "completeness", "stability", "cost_per_1000_calls"]
        .map(|name| given.table(0).rounded(&format!("{name}_score"), 0).unwrap());
    assert_eq!(scores, [4.0, 4.0, 3.0, 2.5]);
    assert_eq!(given.table(0).rounded("total", 0), Some(3.375));
    assert_eq!(given.findings_of("low-cost-per-1000-calls").count(), 1);
}

/// A tool by its four measures: rating, functions of ten, fault-free calls of a thousand, cost.
fn tool(measures: [Option<f64>; 4]) -> TablesGiven {
    let [rating, met, fault_free, cost] = measures;
    let data = Data::new()
        .real("user_rating", [rating])
        .real("functions_met", [met])
        .integer("functions_asked", [10])
        .real("fault_free_calls", [fault_free])
        .integer("calls", [1000])
        .real("cost_per_1000_calls_minor", [cost]);
    diagnose(TOOL, data)
}

#[test]
fn sc_13_each_of_four_scores_lies_between_0_and_5_and_the_tool_has_their_mean() {
    let least = [1.0, 0.0, 950.0, 1000.0].map(Some);
    let most = [5.0, 10.0, 1000.0, 100.0].map(Some);
    let total = |measures| tool(measures).table(0).rounded("total", 0);
    assert_eq!((total(least), total(most)), (Some(0.0), Some(5.0)));
    let names = ["usability", "completeness", "stability", "cost_per_1000_calls"];
    for (at, name) in names.iter().enumerate() {
        let score = |measure: f64| {
            let mut measures = least;
            measures[at] = Some(measure);
            let given = tool(measures);
            let score = given.table(0).rounded(&format!("{name}_score"), 0).unwrap();
            // Each of the four makes up a quarter of the tool.
            assert_eq!(given.table(0).rounded("total", 0), Some(score / 4.0), "{name}");
            score
        };
        let (low, high) = (least[at].unwrap(), most[at].unwrap());
        let step = (high - low) / 100.0;
        let seen = [low - step, low, low + step, high - step, high, high + step].map(score);
        assert_eq!(seen, [0.0, 0.0, 0.05, 4.95, 5.0, 5.0], "{name}");
    }
    // The mean is of what is known, which half of them must be.
    assert_eq!(total([Some(5.0), None, None, Some(550.0)]), Some(3.75));
    assert_eq!(total([Some(5.0), None, None, None]), None);
}

#[test]
fn sc_13_the_weakest_score_below_3_is_a_finding() {
    let of = |rating| {
        let given = tool([Some(rating), Some(10.0), Some(1000.0), Some(100.0)]);
        let found = given.findings_of("low-usability").next().cloned();
        assert_eq!(given.findings.len(), usize::from(found.is_some()));
        found.map(|finding| (finding.level, finding.value, finding.threshold))
    };
    assert_eq!(of(3.4), None, "a score of 3");
    assert_eq!(of(3.3), Some((Level::Watch, Some(3.3), Some(3.4))));
}
