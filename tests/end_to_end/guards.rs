//! Guardrails fail closed: where the stage that one reads was left out, and before that where it reads nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::bench::{Place, community, csv, root, run};
use crate::cli::told;

/// The demo with these tables on top, beside the results of `place`.
fn demo_with(place: &Place, tables: &str) -> PathBuf {
    fs::copy(root().join("playbooks/club.toml"), place.beside("base.toml")).unwrap();
    let file = place.beside("guarded.toml");
    fs::write(&file, format!("extends = \"base.toml\"\n{tables}")).unwrap();
    file
}

/// The demo whose churn stage has fuel for its settings and for no batch of rows, and is left out then.
const CHURN_LEFT_OUT: &str = "
[[stage]]
name = \"churn-7d\"
kind = \"scoring\"
plugin = \"churn-7d\"
on_fault = \"skip\"
limits = { fuel_base = 1_000_000, fuel_per_row = 0 }
";

#[test]
fn a_guard_whose_stage_is_left_out_refuses_and_check_tells_so_before() {
    let place = Place::new();
    let file = demo_with(&place, CHURN_LEFT_OUT);
    let warnings = told(&file, &[], "warnings");
    let [(code, line, _, message, _), ..] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert_eq!((code.as_str(), *line), ("guard-may-close", 7), "{warnings:?}");
    assert!(message.contains("`churn-7d`") && message.contains("`churn_output` is not known"));
    let record = run(&file, &community(), &place, &[]);
    let refused = csv(&place.out.join("refused.csv"));
    // Neither points nor coupons are messages of the service.
    assert!(csv(&place.out.join("grants.csv")).is_empty() && !refused.is_empty());
    let by_guard = |row: &&BTreeMap<String, String>| row["rule"] == "GR-12";
    assert!(refused.iter().filter(by_guard).all(|row| row["code"] == "R10"));
    assert!(refused.iter().filter(by_guard).count() * 2 > refused.len(), "{record}");
    let page = fs::read_to_string(place.out.join("report.html")).unwrap();
    for words in ["stopped at the fuel limit", "open complaint or critical churn: service only"] {
        assert!(page.contains(words), "the report lacks `{words}`");
    }
}

#[test]
fn a_guard_must_read_an_output_that_its_stage_gives() {
    let place = Place::new();
    let cases = [
        ("churn_output", "churn-7d.levl", "unknown-output", "did you mean `level`?"),
        ("churn_output", "churn-7d.risk", "type-mismatch", "cannot read"),
        ("churn_output", "tier-interactions.segment", "type-mismatch", "refuses nobody"),
        ("complaint_feature", "churn-7d.level", "type-mismatch", "cannot read"),
        ("stage_output", "roi-base.roi", "unknown-output", "of members"),
    ];
    for (key, output, code, words) in cases {
        let file = demo_with(&place, &format!("[guardrails]\n{key} = \"{output}\"\n"));
        let problems = told(&file, &[], "problems");
        let [(found, line, _, message, hint)] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!((found.as_str(), *line), (code, 3), "{problems:?}");
        assert!(message.contains(words) || hint.contains(words), "{problems:?}");
    }
}
