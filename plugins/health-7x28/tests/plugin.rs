//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use health_7x28::Diagnose;
use health_7x28::indicators::all;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};
use playbook_sdk::types::Level;

fn diagnose(data: Data) -> TablesGiven {
    plugin::<Diagnose>().table(data).open().unwrap().diagnose().unwrap()
}

/// Every indicator at the share of its way from score 0 to score 5.
fn even(share: f64) -> Data {
    all().fold(Data::new(), |data, i| data.real(i.name, [i.low + share * (i.high - i.low)]))
}

#[test]
fn the_checks_of_the_model_are_met() {
    let given = diagnose(Data::new().real("wau_ratio", [0.20]).real("reply_median_min", [15.0]));
    assert_eq!(given.table(0).rounded("wau_ratio_score", 0), Some(3.0));
    assert_eq!(given.table(0).rounded("reply_median_min_score", 0), Some(4.0909));
    assert_eq!((given.table(0).real("activity", 0), given.table(0).real("total", 0)), (None, None));
    assert_eq!(given.table(0).category("level", 0), None);
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
    assert_eq!(given.findings_of("total-low").next().unwrap().level, Level::Critical);
    let weekly = given.findings_of("low-wau-ratio").next().unwrap();
    assert_eq!((weekly.value, weekly.suggests.as_slice()), (Some(0.05), &[0, 9][..]));
    assert!((weekly.threshold.unwrap() - 0.20).abs() < 1e-12);
    // The total and the three weakest, no more.
    assert_eq!(given.findings.len(), 4);
}

#[test]
fn the_weakest_three_are_named_in_order() {
    let given =
        diagnose(even(0.9).real("nps", [6.0]).real("ugc_share", [0.16]).real("dau_ratio", [0.12]));
    let named: Vec<_> =
        (1..=3).map(|nth| given.table(0).category(&format!("weakest_{nth}"), 0).unwrap()).collect();
    assert_eq!(named, ["ugc_share", "nps", "dau_ratio"]);
    // The third scores 3.5, which is enough.
    assert_eq!(given.findings.len(), 2);
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
    assert!(
        given
            .findings
            .iter()
            .all(|finding| finding.place == Some(playbook_sdk::Place { table: 0, row: 0 }))
    );
}

#[test]
fn bounds_of_ones_own_replace_those_of_the_model() {
    let own = plugin::<Diagnose>()
        .settings(json!({ "subject": "community", "bounds": { "nps": [-100, 100] } }))
        .table(Data::new().real("nps", [0.0]));
    assert_eq!(own.open().unwrap().diagnose().unwrap().table(0).real("nps_score", 0), Some(2.5));
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "bounds": { "happiness": [0, 1] } }), "/bounds/happiness"),
        (json!({ "bounds": { "nps": [1, 1] } }), "/bounds/nps"),
        (json!({ "levels": [3, 3, 4] }), "/levels"),
        (json!({ "subject": "" }), "/subject"),
    ] {
        let problems = plugin::<Diagnose>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
