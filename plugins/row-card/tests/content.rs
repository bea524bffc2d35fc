//! Score of a content item (SC-8).
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::testing::{Data, plugin};
use row_card::RowCard;

const CARD: &str = include_str!("../cards/content-card.toml");

/// An item with the full score of everything but what the test changes.
fn item() -> Data {
    Data::new()
        .real("relevance", [5.0])
        .real("max_similarity_30d", [0.0])
        .real("engagement_rate", [0.15])
        .integer("commercial", [0])
        .integer("completions", [65])
        .integer("views", [100])
        .integer("violation", [0])
}

#[expect(clippy::needless_pass_by_value, reason = "a table made on the spot reads best")]
fn quality(data: Data) -> (Option<f64>, Option<String>) {
    let given = plugin::<RowCard>().card(CARD).open().unwrap().score(&data).unwrap();
    (given.rounded("quality", 0), given.reason(0).map(str::to_owned))
}

#[test]
fn sc_8_weights_are_30_20_20_15_15() {
    assert_eq!(quality(item()), (Some(5.0), None));
    assert_eq!(quality(item().real("relevance", [0.0])).0, Some(3.5));
    assert_eq!(quality(item().real("engagement_rate", [0.0])).0, Some(4.0));
    assert_eq!(quality(item().integer("completions", [0])).0, Some(4.25));
    assert_eq!(quality(item().integer("commercial", [1])).0, Some(4.475));
    // Part of an item that is commercial counts by its part.
    assert_eq!(quality(item().real("commercial", [0.5])).0, Some(4.7375));
}

#[test]
fn sc_8_targets_are_full_at_their_bounds() {
    assert_eq!(quality(item().real("engagement_rate", [0.075])).0, Some(4.5));
    assert_eq!(quality(item().real("engagement_rate", [0.3])).0, Some(5.0));
    assert_eq!(quality(item().integer("completions", [64])).0, Some(4.9885));
    assert_eq!(quality(item().integer("completions", [70])).0, Some(5.0));
    assert_eq!(quality(item().real("relevance", [2.5])).0, Some(4.25));
}

#[test]
fn y008_duplicates_lower_the_score() {
    let scores = [0.0, 0.5, 0.9, 1.0].map(|x| quality(item().real("max_similarity_30d", [x])).0);
    assert_eq!(scores, [Some(5.0), Some(4.5), Some(4.1), Some(4.0)]);
}

#[test]
fn sc_8_a_violation_gives_0() {
    assert_eq!(
        quality(item().integer("violation", [1])),
        (Some(0.0), Some("violation".to_owned()))
    );
    assert_eq!(quality(item().real("violation", [0.01])).0, Some(0.0));
}

#[test]
fn sc_8_an_item_of_which_less_than_half_is_known_has_no_score() {
    let known = Data::new().real("relevance", [5.0]).integer("commercial", [0]);
    assert_eq!(quality(known), (None, Some("too-little-known".to_owned())));
    let more = Data::new().real("relevance", [5.0]).real("max_similarity_30d", [0.0]);
    assert_eq!(quality(more), (Some(5.0), None));
}

#[test]
fn sc_8_each_of_the_five_parts_is_told_beside_the_score() {
    let half = item()
        .real("relevance", [2.5])
        .real("max_similarity_30d", [0.2])
        .real("engagement_rate", [0.03])
        .integer("commercial", [1])
        .integer("completions", [39]);
    let given = plugin::<RowCard>().card(CARD).open().unwrap().score(&half).unwrap();
    let parts = ["relevance", "originality", "engagement", "value", "completeness"];
    let told = parts.map(|part| given.rounded(&format!("{part}_score"), 0).unwrap());
    assert_eq!(told, [2.5, 4.0, 1.0, 1.5, 3.0]);
}
