//! SC-9 as the host asks it: scores, votes, concentration, and a network of members.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use contribution::Contribution;
use playbook_sdk::testing::{Data, RowsGiven, json, plugin};
use playbook_sdk::{Measure, serde_json::Value};

const KINDS: [&str; 7] = [
    "posts_90d",
    "answers_90d",
    "reviews_90d",
    "feedback_adopted_90d",
    "cocreate_accepted_90d",
    "referral_join_90d",
    "hosted_activities_90d",
];

/// Members with a count of each kind.
fn counted(members: &[[i64; 7]]) -> Data {
    let column = |at: usize| members.iter().map(move |counts| counts[at]);
    (0..7).fold(Data::new(), |data, at| data.integer(KINDS[at], column(at)))
}

/// Members of whom posts alone are told, two points each; the other kinds have none.
fn posting(posts: &[i64]) -> Data {
    counted(&posts.iter().map(|posts| [*posts, 0, 0, 0, 0, 0, 0]).collect::<Vec<_>>())
}

fn score(data: &Data) -> RowsGiven {
    plugin::<Contribution>().fit_and_open(data).unwrap().score(data).unwrap()
}

fn measure(measures: &[Measure], name: &str) -> Option<f64> {
    let found = measures.iter().find(|measure| measure.name == name)?;
    Some((found.value * 1e4).round() / 1e4)
}

#[test]
fn sc_9_each_kind_has_its_points() {
    let mut members = [[0; 7]; 8];
    (0..7).for_each(|at| members[at][at] = 1);
    members[7] = [1; 7];
    let given = score(&counted(&members));
    let points: Vec<f64> = (0..8).map(|row| given.real("points", row).unwrap()).collect();
    assert_eq!(points, [2.0, 2.0, 1.0, 3.0, 5.0, 3.0, 4.0, 20.0]);
}

#[test]
fn sc_9_thirty_points_are_63_per_cent_of_the_way() {
    let given = score(&posting(&[0, 15, 30, 100_000]));
    let scores: Vec<_> = (0..4).map(|row| given.rounded("score", row).unwrap()).collect();
    assert_eq!(scores, [0.0, 63.2121, 86.4665, 100.0]);
    assert_eq!(given.rounded("governance_weight", 1), Some(0.6321));
}

#[test]
fn y009_scores_rise_with_every_contribution_and_stay_below_100() {
    for kind in 0..7 {
        let rows: Vec<[i64; 7]> = (0..60)
            .map(|count| {
                let mut counts = [1; 7];
                counts[kind] = count;
                counts
            })
            .collect();
        let given = score(&counted(&rows));
        let scores: Vec<f64> = (0..60).map(|row| given.real("score", row).unwrap()).collect();
        assert!(scores.is_sorted_by(|less, more| less < more), "{}", KINDS[kind]);
        assert!(scores.iter().all(|score| *score <= 100.0));
    }
}

#[test]
fn y009_shares_add_up_to_one_and_weights_follow_scores() {
    let given = score(&posting(&[0, 1, 2, 7]));
    let shares: Vec<f64> = (0..4).map(|row| given.real("share", row).unwrap()).collect();
    assert_eq!(shares, [0.0, 0.1, 0.2, 0.7]);
    for row in 0..4 {
        let weight = given.real("governance_weight", row).unwrap();
        assert_eq!(weight * 100.0, given.real("score", row).unwrap());
    }
}

#[test]
fn sc_9_concentration_is_told_of_one_and_of_a_fifth() {
    let data = posting(&[10, 20, 30, 40, 50, 60, 70, 80, 240, 400]);
    let (_, measures) = plugin::<Contribution>().fit(&data).unwrap();
    assert_eq!(measure(&measures, "members"), Some(10.0));
    assert_eq!(measure(&measures, "top_1_share"), Some(0.4));
    assert_eq!(measure(&measures, "top_share"), Some(0.64));
    let given = score(&data);
    let top: Vec<_> = (0..10).map(|row| given.integer("in_top_share", row).unwrap()).collect();
    assert_eq!(top, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    let third = plugin::<Contribution>().settings(json!({ "top_share": 0.3 }));
    assert_eq!(measure(&third.fit(&data).unwrap().1, "top_share"), Some(0.72));
}

#[test]
fn sc_9_a_fifth_is_on_top_and_a_hundredth_leads_to_the_member() {
    // So many members that a fiftieth of either share is some of them.
    let count = |share: i64, of: &str, members: i64| {
        let rows: Vec<i64> = (1..=members).collect();
        let data = posting(&rows).integer("interaction_partners_30d", rows.iter().map(|at| at + 9));
        let given = score(&data);
        let top = (0..rows.len()).filter(|row| given.integer(of, *row) == Some(1)).count() as i64;
        assert_eq!(top, members / share, "{of}");
    };
    count(5, "in_top_share", 500);
    count(100, "opinion_leader", 10_000);
}

#[test]
fn nobody_is_on_top_where_nobody_did_anything() {
    let given = score(&posting(&[0, 0, 0]));
    assert_eq!((given.integer("in_top_share", 0), given.real("share", 0)), (Some(0), None));
    assert_eq!(given.real("score", 0), Some(0.0));
    let (_, measures) = plugin::<Contribution>().fit(&posting(&[0])).unwrap();
    assert_eq!(measure(&measures, "top_1_share"), None);
}

#[test]
fn missing_kinds_count_like_the_others_and_too_few_give_nothing() {
    let data = Data::new()
        .integer("posts_90d", [Some(2), Some(2)])
        .integer("cocreate_accepted_90d", [Some(2), None])
        .integer("hosted_activities_90d", [Some(2), Some(2)]);
    let given = score(&data);
    // 11 of 20 points are known: two of each kind would be 40. Then 6 of 20, which is too little.
    assert_eq!(given.rounded("points", 0), Some(40.0));
    assert_eq!((given.real("score", 1), given.reason(1)), (None, Some("too-little-known")));
    assert_eq!(given.real("share", 1), None);
}

/// Who reacts to whom: members of a community of 200 with edges (who reacted, whose item it was).
fn network() -> Vec<i64> {
    let mut edges: Vec<(i64, i64)> = Vec::new();
    // Member 1 is answered by 30, member 2 by 12, member 3 by 9, each of them several times.
    edges.extend((10..40).flat_map(|from| [(from, 1), (from, 1)]));
    edges.extend((50..62).map(|from| (from, 2)));
    edges.extend((70..79).map(|from| (from, 3)));
    // Own reactions do not count.
    edges.extend([(1, 1), (3, 3), (4, 4)]);
    let mut partners: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    for (from, to) in edges.into_iter().filter(|(from, to)| from != to) {
        partners.entry(to).or_default().insert(from);
    }
    (1..=200).map(|member| partners.get(&member).map_or(0, |set| set.len() as i64)).collect()
}

#[test]
fn y121_a_network_gives_the_stated_partners_and_leaders() {
    let partners = network();
    assert_eq!(partners[..5], [30, 12, 9, 0, 0]);
    let data = posting(&[1; 200]).integer("interaction_partners_30d", partners);
    let given = score(&data);
    let shares: Vec<_> = (0..4).map(|row| given.real("partner_share", row).unwrap()).collect();
    assert_eq!(shares, [0.15, 0.06, 0.045, 0.0]);
    let leaders: Vec<usize> =
        (0..200).filter(|row| given.integer("opinion_leader", *row) == Some(1)).collect();
    // One per cent of 200 is two, and both have 10 partners.
    assert_eq!(leaders, [0, 1]);
    assert_eq!((given.reason(0), given.reason(2)), (Some("opinion-leader"), None));
}

#[test]
fn y121_a_leader_has_ten_partners_and_is_of_the_top_per_cent() {
    let leaders = |partners: &[i64], settings: Value| {
        let data = posting(&vec![1; partners.len()])
            .integer("interaction_partners_30d", partners.iter().copied());
        let opened = plugin::<Contribution>().settings(settings).fit_and_open(&data).unwrap();
        let given = opened.score(&data).unwrap();
        (0..partners.len()).filter(|row| given.integer("opinion_leader", *row) == Some(1)).count()
    };
    let mut partners = [0; 100];
    partners[7] = 9;
    assert_eq!(leaders(&partners, json!({})), 0);
    partners[7] = 10;
    assert_eq!(leaders(&partners, json!({})), 1);
    partners[8] = 11;
    assert_eq!(leaders(&partners, json!({})), 1);
    assert_eq!(leaders(&partners, json!({ "leader_share": 0.02 })), 2);
    assert_eq!(leaders(&partners, json!({ "leader_partners_min": 12 })), 0);
}

#[test]
fn partners_that_are_missing_make_nobody_a_leader() {
    let given = score(&posting(&[3]));
    assert_eq!((given.real("partner_share", 0), given.integer("opinion_leader", 0)), (None, None));
}

#[test]
fn parts_explain_the_points() {
    let data = counted(&[[1, 0, 2, 0, 0, 0, 3]]);
    let opened = plugin::<Contribution>().fit_and_open(&data).unwrap();
    let factors = opened.explain(&data).unwrap();
    let parts: Vec<f64> = factors.iter().map(|factor| factor.contribution).collect();
    assert_eq!(parts, [2.0, 0.0, 2.0, 0.0, 0.0, 0.0, 12.0]);
}

#[test]
fn points_of_nothing_are_refused() {
    let none = json!({ "points": { "post": 0, "answer": 0, "review": 0, "feedback_adopted": 0,
        "cocreate_accepted": 0, "referral_join": 0, "hosted_activity": 0 } });
    let problems = plugin::<Contribution>().settings(none).problems();
    assert_eq!(problems.list()[0].path, "/points");
}
