//! SC-5: the check vector, the gate, the bands, and audiences told tag by tag.
#![allow(clippy::unwrap_used, reason = "tests")]

use kol_index::KolIndex;
use playbook_sdk::testing::{Data, RowsGiven, json, plugin};

/// Match, sentiment of comments, conversion, followers, violations.
type Row = (Option<f64>, Option<f64>, Option<f64>, Option<i64>, Option<i64>);

const CHECK: Row = (Some(0.82), Some(0.4), Some(0.051), Some(40_000), Some(0));

fn score(rows: &[Row]) -> RowsGiven {
    let data = Data::new()
        .real("audience_match", rows.iter().map(|row| row.0))
        .real("comment_sentiment", rows.iter().map(|row| row.1))
        .real("conversion", rows.iter().map(|row| row.2))
        .integer("followers", rows.iter().map(|row| row.3))
        .integer("violations_90d", rows.iter().map(|row| row.4));
    plugin::<KolIndex>().open().unwrap().score(&data).unwrap()
}

#[test]
fn sc_5_check_vector() {
    let given = score(&[CHECK]);
    assert_eq!(given.rounded("index", 0), Some(71.3744));
    assert_eq!(given.category("status", 0), Some("matched"));
    assert_eq!(given.reason(0), None);
}

#[test]
fn y005_check_vector_and_parts() {
    let given = score(&[CHECK]);
    let part = |name| given.rounded(name, 0).unwrap();
    let parts = [part("match"), part("attitude"), part("practice"), part("reach")];
    assert_eq!(parts, [0.82, 0.7, 0.6, 0.6574]);
    assert_eq!(given.rounded("index", 0), Some(71.3744));
}

#[test]
fn y005_not_matched_below_the_gate() {
    let at = |matched| (Some(matched), CHECK.1, CHECK.2, CHECK.3, CHECK.4);
    let given = score(&[at(0.599), at(0.6)]);
    assert_eq!(given.category("status", 0), Some("not_matched"));
    assert_eq!(given.reason(0), Some("not_matched"));
    // The index is shown all the same.
    assert_eq!(given.rounded("index", 0), Some(62.5344));
    assert_eq!(given.category("status", 1), Some("matched"));
}

#[test]
fn y005_violations_block() {
    let given = score(&[(CHECK.0, CHECK.1, CHECK.2, CHECK.3, Some(1))]);
    assert_eq!(given.real("index", 0), Some(0.0));
    assert_eq!(given.category("status", 0), Some("blocked"));
    assert_eq!(given.reason(0), Some("blocked"));
}

#[test]
fn sc_5_parts_are_full_at_their_targets_and_not_before() {
    let row = |sentiment, conversion, followers| {
        (Some(1.0), Some(sentiment), Some(conversion), Some(followers), Some(0))
    };
    let given = score(&[
        row(1.0, 0.085, 10_000_000),
        row(1.0, 0.5, 900_000_000),
        row(1.0, 0.0849, 10_000_000),
        row(1.0, 0.085, 9_990_000),
        row(0.99, 0.085, 10_000_000),
        row(-1.0, 0.0, 1),
        row(-1.0, 0.0, 0),
    ]);
    assert_eq!((given.rounded("index", 0), given.rounded("index", 1)), (Some(100.0), Some(100.0)));
    for row in 2..5 {
        assert!(given.rounded("index", row).unwrap() < 100.0, "{row}");
    }
    assert_eq!((given.rounded("index", 5), given.rounded("index", 6)), (Some(40.0), Some(40.0)));
}

#[test]
fn sc_5_bands_begin_at_10_000_and_above_100_000_and_1_000_000() {
    for (followers, band) in [
        (9_999, "nano"),
        (10_000, "koc"),
        (100_000, "koc"),
        (100_001, "mid"),
        (1_000_000, "mid"),
        (1_000_001, "head"),
    ] {
        let given = score(&[(CHECK.0, CHECK.1, CHECK.2, Some(followers), Some(0))]);
        assert_eq!(given.category("band", 0), Some(band), "{followers}");
    }
}

#[test]
fn missing_parts_leave_their_weight_to_the_others() {
    let given = score(&[
        (Some(0.8), None, Some(0.085), None, Some(0)),
        (None, Some(0.0), Some(0.085), Some(10_000_000), Some(0)),
        (Some(0.9), None, None, None, Some(0)),
        (CHECK.0, CHECK.1, CHECK.2, CHECK.3, None),
    ]);
    assert_eq!(given.rounded("index", 0), Some(88.5714));
    // Without a match the rest is enough for an index, but says nothing of the fit.
    assert_eq!(given.rounded("index", 1), Some(83.3333));
    assert_eq!((given.category("status", 1), given.reason(1)), (None, Some("match-unknown")));
    assert_eq!((given.real("index", 2), given.reason(2)), (None, Some("too-little-known")));
    // Who may be blocked is not cleared.
    assert_eq!((given.real("index", 3), given.reason(3)), (None, Some("violations-unknown")));
    assert_eq!(given.category("status", 3), None);
}

#[test]
fn an_audience_told_by_tags_is_held_against_the_target() {
    let settings = json!({ "target": { "tea": 3.0, "craft": 4.0, "games": 0.0 } });
    let data = Data::new()
        .real("audience.tea", [Some(3.0), Some(4.0), Some(3.0), None])
        .real("audience.craft", [Some(4.0), Some(3.0), Some(4.0), None])
        .real("audience.games", [Some(0.0), Some(0.0), Some(12.0), Some(1.0)])
        .integer("violations_90d", [0; 4]);
    let given = plugin::<KolIndex>().settings(settings).open().unwrap().score(&data).unwrap();
    let matches: Vec<_> = (0..4).map(|row| given.rounded("match", row)).collect();
    assert_eq!(matches, [Some(1.0), Some(0.96), Some(0.3846), None]);
}

#[test]
fn wrong_settings_are_refused_with_their_paths() {
    let problems = plugin::<KolIndex>()
        .settings(json!({
            "bands": [10, 10, 20],
            "target": { "a/b": -1.0 },
            "weight_match": 0, "weight_attitude": 0, "weight_practice": 0, "weight_reach": 0,
        }))
        .problems();
    let paths: Vec<&str> = problems.list().iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["/weight_match", "/bands", "/target/a~1b", "/target"]);
}
