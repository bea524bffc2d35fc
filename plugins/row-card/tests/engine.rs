//! The engine itself: the card of its page, gates, wrong settings.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::settings::schema;
use playbook_sdk::testing::{Data, json, plugin};
use row_card::{RowCard, Settings};

const PAGE: &str = include_str!("../../../docs/models/row-card.md");

/// The card that the page shows.
fn own() -> &'static str {
    let part = PAGE.split("## Make a card of your own").nth(1).unwrap();
    part.split("```toml").nth(1).unwrap().split("```").next().unwrap()
}

fn guests() -> Data {
    Data::new()
        .integer("visits_30d", [4, 4, 4, 0])
        .integer("parties_30d", [0, 0, 0, 0])
        .integer("tips_minor", [Some(50), Some(50), Some(50), None])
        .integer("bills_minor", [1000, 1000, 1000, 1000])
        .integer("complaints_30d", [1, 1, 2, 2])
        .text("mood", ["sunny", "sunny", "sour", "sour"])
        .integer("bans", [Some(0), Some(1), None, None])
        .real("age", [Some(18.0), Some(30.0), Some(17.9), None])
}

#[test]
fn the_card_of_the_page_does_what_the_page_says() {
    let given = plugin::<RowCard>().card(own()).open().unwrap().score(&guests()).unwrap();
    let scores = |row| {
        ["visits_score", "tips_score", "noise_score", "mood_score"]
            .map(|name| given.rounded(name, row))
    };
    assert_eq!(scores(0), [Some(5.0), Some(5.0), Some(10.0), Some(10.0)]);
    let dimensions =
        |row| ["presence", "manners", "late_hours"].map(|name| given.rounded(name, row));
    // Presence weighs 2, manners 1.
    assert_eq!(dimensions(0), [Some(5.0), Some(8.3333), Some(10.0)]);
    assert_eq!((given.rounded("guest", 0), given.reason(0)), (Some(6.1111), None));
    assert_eq!(
        (given.category("grade", 0), given.rounded("coverage", 0)),
        (Some("fine"), Some(1.0))
    );
}

#[test]
fn a_gate_that_is_shut_gives_0_and_its_reason() {
    let given = plugin::<RowCard>().card(own()).open().unwrap().score(&guests()).unwrap();
    let total =
        |row| (given.rounded("guest", row), given.category("grade", row), given.reason(row));
    assert_eq!(total(1), (Some(0.0), Some("usual"), Some("banned")));
    // Of a guest without bans nothing is known, which shuts no gate; the age does.
    assert_eq!(total(2), (Some(0.0), Some("usual"), Some("grown-up")));
    assert_eq!(total(3).2, None);
    assert_eq!(given.rounded("manners", 1), Some(8.3333));
    let opened = plugin::<RowCard>().card(own()).open().unwrap();
    let banned =
        Data::new().integer("visits_30d", [8]).integer("parties_30d", [0]).integer("bans", [1]);
    assert!(opened.explain(&banned).unwrap().is_empty());
}

#[test]
fn factors_of_dimensions_add_up_to_the_total() {
    let opened = plugin::<RowCard>().card(own()).open().unwrap();
    let one = Data::new()
        .integer("visits_30d", [3])
        .integer("parties_30d", [2])
        .integer("tips_minor", [30])
        .integer("bills_minor", [1000])
        .integer("complaints_30d", [0])
        .text("mood", ["fair"]);
    let total = opened.score(&one).unwrap().real("guest", 0).unwrap();
    let factors = opened.explain(&one).unwrap();
    let sum: f64 = factors.iter().map(|factor| factor.contribution).sum();
    assert!((sum - total).abs() < 1e-9, "{sum} {total}");
    // Parties count twice: 4 of 7 of the visits' part, which is two thirds of 8.75.
    let parties = factors.iter().find(|factor| factor.input == 0).unwrap();
    assert!((parties.contribution - 8.75 * 2.0 / 3.0 * 4.0 / 7.0).abs() < 1e-9);
}

#[test]
fn the_page_explains_every_key() {
    let schema: playbook_sdk::serde_json::Value =
        playbook_sdk::serde_json::from_str(&schema::<Settings>()).unwrap();
    fn keys(of: &playbook_sdk::serde_json::Value, found: &mut Vec<String>) {
        if let Some(properties) = of.get("properties").and_then(|p| p.as_object()) {
            found.extend(properties.keys().cloned());
            properties.values().for_each(|inner| keys(inner, found));
        }
        of.get("additionalProperties").into_iter().for_each(|inner| keys(inner, found));
    }
    let mut found = Vec::new();
    keys(&schema, &mut found);
    assert!(found.len() > 45, "{found:?}");
    let words: Vec<&str> = own().split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for key in found {
        assert!(
            words.contains(&key.as_str()) || PAGE.contains(&format!("`{key}`")),
            "`{key}` is not on the page"
        );
    }
}

#[test]
fn wrong_settings_are_named_all_at_once() {
    let paths = |settings| {
        let problems = plugin::<RowCard>().settings(settings).problems();
        problems.list().iter().map(|p| p.path.clone()).collect::<Vec<_>>()
    };
    let wrong = json!({ "indicator": { "a": { "hi": 0 }, "b": { "dimension": "d" } }, "gate": { "g": {} } });
    assert_eq!(paths(wrong), ["/indicator/a/hi", "/indicator/b/dimension", "/gate/g"]);
    assert_eq!(paths(json!({ "gate": { "g": { "above": 1, "below": 2 } } })), ["/gate/g"]);
    assert_eq!(paths(json!({ "indicator": { "a": { "weight": 0 } } })), ["/indicator"]);
    assert_eq!(paths(json!({ "indicator": { "a": { "weight": -1 } } })), ["/indicator/a/weight"]);
    assert_eq!(paths(json!({ "indicators": 1 })), ["/indicators"]);
}

#[test]
fn without_a_card_the_engine_scores_one_indicator() {
    let given = plugin::<RowCard>()
        .open()
        .unwrap()
        .score(&Data::new().integer("interactions_30d", [25]))
        .unwrap();
    assert_eq!(given.rounded("total", 0), Some(2.5));
}
