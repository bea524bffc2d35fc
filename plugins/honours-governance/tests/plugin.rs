//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use honours_governance::HonoursGovernance;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};

/// A vote: proposal, voter, approves, time, contribution.
type Vote = (&'static str, i64, bool, Option<i64>, Option<f64>);

fn diagnose(settings: Value, eligible: &[(&str, i64)], votes: &[Vote]) -> TablesGiven {
    let proposals = Data::new()
        .text("name", eligible.iter().map(|(name, _)| *name))
        .integer("eligible", eligible.iter().map(|(_, count)| *count));
    let votes = Data::new()
        .text("proposal", votes.iter().map(|vote| vote.0))
        .integer("voter", votes.iter().map(|vote| vote.1))
        .integer("approves", votes.iter().map(|vote| vote.2))
        .integer("at", votes.iter().map(|vote| vote.3))
        .real("contribution", votes.iter().map(|vote| vote.4));
    let test = plugin::<HonoursGovernance>().settings(settings).table(proposals).table(votes);
    test.open().unwrap().diagnose().unwrap()
}

/// Votes of members 1, 2 ... on "badge": the score of each, in favour above 0 and against below.
fn votes(scores: &[f64]) -> Vec<Vote> {
    (1..)
        .zip(scores)
        .map(|(voter, score)| ("badge", voter, *score > 0.0, None, Some(score.abs())))
        .collect()
}

fn result(scores: &[f64], eligible: i64) -> String {
    let given = diagnose(json!({}), &[("badge", eligible)], &votes(scores));
    given.table(0).category("result", 0).unwrap().to_owned()
}

#[test]
fn y033_weighted_votes_are_counted_and_can_be_audited() {
    let given = diagnose(json!({}), &[("badge", 10), ("tour", 10)], &votes(&[80.0, 40.0, -60.0]));
    let said = given.table(0);
    assert_eq!((said.integer("voters", 0), said.rounded("turnout", 0)), (Some(3), Some(0.3)));
    assert_eq!(
        (said.rounded("weight_for", 0), said.rounded("weight_against", 0)),
        (Some(1.2), Some(0.6))
    );
    assert_eq!(
        (said.rounded("approval", 0), said.category("result", 0)),
        (Some(0.6667), Some("passes"))
    );
    assert_eq!((said.category("result", 1), said.real("approval", 1)), (Some("no-quorum"), None));
    assert_eq!((said.integer("voters", 1), said.rounded("turnout", 1)), (Some(0), Some(0.0)));
}

#[test]
fn in_9_half_of_the_weight_passes() {
    assert_eq!(result(&[50.0, -50.0], 5), "passes");
    assert_eq!(result(&[49.0, -50.0], 5), "fails");
    // Many of little weight do not outvote one.
    assert_eq!(result(&[90.0, -20.0, -20.0, -20.0], 5), "passes");
}

#[test]
fn in_9_a_fifth_must_have_voted() {
    assert_eq!(result(&[50.0, 50.0], 10), "passes");
    assert_eq!(result(&[50.0, 50.0], 11), "no-quorum");
    let many = [50.0; 100];
    assert_eq!(
        (result(&many, 500), result(&many, 501)),
        ("passes".to_owned(), "no-quorum".to_owned())
    );
}

#[test]
fn in_9_result_is_a_recommendation_unless_it_binds() {
    let approval = |settings: Value| {
        let shape = plugin::<HonoursGovernance>().settings(&settings).shape().unwrap();
        let given = diagnose(settings, &[("badge", 2)], &votes(&[50.0]));
        let suggests = given.findings.iter().map(|f| f.suggests.clone()).collect::<Vec<_>>();
        assert_eq!(suggests, [[0]]);
        let found = given.findings_of("passes").count();
        (shape.actions[0].needs_approval, found)
    };
    assert_eq!(approval(json!({})), (true, 1));
    assert_eq!(approval(json!({ "binding": true })), (false, 0));
}

#[test]
fn a_member_votes_once_and_the_last_vote_counts() {
    let all: [Vote; 4] = [
        ("badge", 1, false, Some(30), Some(50.0)),
        ("badge", 1, true, Some(10), Some(50.0)),
        ("badge", 2, true, Some(10), Some(20.0)),
        ("badge", 2, false, Some(10), Some(20.0)),
    ];
    let given = diagnose(json!({}), &[("badge", 4)], &all);
    assert_eq!(given.table(0).integer("voters", 0), Some(2));
    assert_eq!(given.table(0).rounded("weight_against", 0), Some(0.7));
}

#[test]
fn who_has_no_known_contribution_counts_for_the_turnout_alone() {
    let all: [Vote; 2] = [("badge", 1, true, None, Some(50.0)), ("badge", 2, false, None, None)];
    let given = diagnose(json!({}), &[("badge", 4)], &all);
    let said = given.table(0);
    assert_eq!((said.rounded("turnout", 0), said.rounded("approval", 0)), (Some(0.5), Some(1.0)));
    assert_eq!(said.integer("without_weight", 0), Some(1));
    let none: [Vote; 1] = [("badge", 2, true, None, None)];
    let given = diagnose(json!({}), &[("badge", 4)], &none);
    assert_eq!(given.table(0).category("result", 0), Some("fails"));
}

#[test]
fn more_votes_than_voters_are_an_alarm_and_nobody_is_no_result() {
    let given = diagnose(json!({}), &[("badge", 1)], &votes(&[50.0, 50.0]));
    assert_eq!(given.findings_of("more-votes-than-voters").count(), 1);
    assert_eq!(given.table(0).rounded("turnout", 0), Some(1.0));
    let given = diagnose(json!({}), &[("badge", 0)], &votes(&[50.0]));
    assert_eq!(
        (given.table(0).category("result", 0), given.table(0).real("turnout", 0)),
        (None, None)
    );
}

#[test]
fn a_full_contribution_weighs_one() {
    let given = diagnose(json!({}), &[("badge", 1)], &votes(&[100.0]));
    assert_eq!(given.table(0).real("weight_for", 0), Some(1.0));
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "pass_share": 50 }), "/pass_share"),
        (json!({ "turnout": -0.1 }), "/turnout"),
        (json!({ "full_contribution": 0 }), "/full_contribution"),
    ] {
        let problems = plugin::<HonoursGovernance>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
