//! The engine itself: the card of its page, wrong settings, what stands where.

use playbook_sdk::settings::schema;
use playbook_sdk::testing::{Data, json, plugin};
use playbook_sdk::types::Level;
use score_card::{ScoreCard, Settings};

use crate::common::{diagnose, dimensions, level, named, order, suggested, test};

const PAGE: &str = include_str!("../../../../docs/models/score-card.md");

/// The card that the page shows.
fn own() -> &'static str {
    let part = PAGE.split("## Make a card of your own").nth(1).unwrap();
    part.split("```toml").nth(1).unwrap().split("```").next().unwrap()
}

fn rooms(visits: f64) -> Data {
    Data::new()
        .real("visits_30d", [visits])
        .real("guest_visits_30d", [0.0])
        .real("members", [10.0])
        .real("evening", [0.3])
        .real("incidents", [0.0])
        .real("rating", [5.0])
        .text("club-mood.mood", ["sunny"])
}

#[test]
fn the_card_of_the_page_does_what_the_page_says() {
    assert_eq!(order(own()), ["visits", "rating", "evening", "mood", "safety"]);
    assert_eq!(dimensions(own()), ["use", "liking", "peak"]);
    let given = diagnose(own(), rooms(40.0));
    let of = |name: &str| given.table(0).rounded(name, 0);
    assert_eq!((of("visits_score"), of("evening_score")), (Some(100.0), Some(50.0)));
    // Visits weigh 3 and the peak 1; use weighs 2 and liking 1.
    assert_eq!((of("use"), of("liking"), of("club")), (Some(87.5), Some(100.0), Some(91.6667)));
    assert_eq!(given.table(0).category("club_level", 0), Some("good"));
    assert_eq!(given.table(0).category("plan", 0), Some("closed"));
    assert_eq!(named(&given, 2), ["evening", "visits"]);
    assert!(given.findings.is_empty());
    let guests = diagnose(own(), rooms(0.0).real("guest_visits_30d", [40.0]));
    assert_eq!(guests.table(0).rounded("visits_score", 0), Some(50.0));
}

#[test]
fn every_finding_of_the_page_fires() {
    let worst = rooms(0.0)
        .real("evening", [0.99])
        .integer("previous.1.evening_run", [1])
        .real("rating", [None])
        .text("club-mood.mood", ["sunny"])
        .integer("previous.1.poor_run", [1])
        .real("previous.1.use", [50.0])
        .real("previous.2.use", [60.0])
        .real("previous.1.liking", [99.0])
        .real("previous.2.liking", [98.0]);
    let given = diagnose(own(), worst);
    for (code, want) in [
        ("club-low", Level::Warn),
        ("low-visits", Level::Warn),
        ("limit-evening", Level::Critical),
        ("late-rating", Level::Watch),
        ("red-use", Level::Warn),
        ("fall-use", Level::Warn),
        ("unbalanced", Level::Watch),
    ] {
        assert_eq!(level(&given, code), Some(want), "{code}");
    }
    let poor = given.findings_of("club-low").next().unwrap();
    assert_eq!((poor.threshold, suggested(own(), poor)), (Some(50.0), vec!["open-day".to_owned()]));
    let red = given.findings_of("red-use").next().unwrap();
    assert_eq!(red.threshold, Some(30.0));
    let better = rooms(40.0)
        .integer("incidents", [5])
        .text("club-mood.mood", ["sour"])
        .real("previous.2.use", [10.0])
        .real("previous.1.use", [20.0])
        .real("previous.2.liking", [90.0])
        .real("previous.1.liking", [80.0])
        .text("previous.1.plan", ["open"]);
    assert_eq!(level(&diagnose(own(), better), "divergence"), Some(Level::Watch));
    let low = rooms(0.0)
        .real("evening", [0.0])
        .real("rating", [1.0])
        .text("club-mood.mood", ["sour"])
        .integer("incidents", [1]);
    let plan = diagnose(own(), low);
    assert_eq!(
        (plan.table(0).category("plan", 0), level(&plan, "plan-open")),
        (Some("open"), Some(Level::Warn))
    );
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
    assert!(found.len() > 60, "{found:?}");
    let words: Vec<&str> = own().split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for key in found {
        assert!(words.contains(&key.as_str()), "`{key}` is not on the page");
    }
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    let one = |own: playbook_sdk::serde_json::Value| json!({ "indicator": { "a": own } });
    for (settings, path) in [
        (json!({ "subject": "" }), "/subject"),
        (json!({ "indicator": {} }), "/indicator"),
        (json!({ "order": ["b"] }), "/order/0"),
        (one(json!({ "lo": 1, "hi": 1 })), "/indicator/a/hi"),
        (one(json!({ "dimension": "d" })), "/indicator/a/dimension"),
        (one(json!({ "score": "kept" })), "/indicator/a/score"),
        (one(json!({ "at_least": 1, "below": 2 })), "/indicator/a/at_least"),
        (one(json!({ "curve": [[1, 0], [0, 1]] })), "/indicator/a/curve"),
        (one(json!({ "curve": [[0, 0], [1, 1.1]] })), "/indicator/a/curve"),
        (one(json!({ "alarm": "warn" })), "/indicator/a/alarm"),
        (one(json!({ "at_least": 1, "critical": 2 })), "/indicator/a/critical"),
        (one(json!({ "at_most": 1, "critical": 1 })), "/indicator/a/critical"),
        (one(json!({ "suggests": ["p"] })), "/indicator/a/suggests/0"),
        (json!({ "level": { "a": { "from": 1 } } }), "/level/a/from"),
        (json!({ "level": { "a": {}, "b": {} } }), "/level/b/from"),
        (json!({ "level": { "a": {}, "b": { "from": 1 }, "c": { "from": 1 } } }), "/level/c/from"),
        (json!({ "level": { "a": { "periods": 2 }, "b": { "from": 1, "periods": 2 } } }), "/level"),
        (json!({ "dimension": { "x/y": {} } }), "/dimension/x~1y"),
        (json!({ "dimension": { "total": {} } }), "/dimension/total"),
        (
            json!({ "indicator": { "a": { "dimension": "d" } }, "dimension": { "d": { "suggests": ["p"] } }, "package": { "p": {} } }),
            "/dimension/d/suggests",
        ),
        (json!({ "divergence": { "up": "u", "down": "d" } }), "/divergence/up"),
        (json!({ "plan": { "open_below": 3, "close_at": 2 } }), "/plan/close_at"),
        (json!({ "fall": { "suggests": ["p"] } }), "/fall/suggests/0"),
    ] {
        let problems = plugin::<ScoreCard>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}

#[test]
fn without_a_card_the_engine_scores_one_indicator() {
    let given = plugin::<ScoreCard>().table(Data::new().real("wau_ratio", [0.175])).open().unwrap();
    assert_eq!(given.diagnose().unwrap().table(0).rounded("total", 0), Some(2.5));
}

#[test]
fn what_a_card_leaves_out_is_what_its_schema_says() {
    let settings = json!({
        "indicator": {
            "a": { "dimension": "all" }, "b": { "dimension": "all" },
            "c": { "dimension": "all" }, "e": { "dimension": "all" },
        },
        "dimension": { "all": {} },
        "total": { "max": 100.0 },
        "fall": {},
        "plan": {},
    });
    // All four measures lie as far up their scale of 0 to 1; the dimension fell to 50 before.
    let given = |x: f64| {
        let all = ["a", "b", "c", "e"].iter().fold(Data::new(), |data, name| data.real(name, [x]));
        let all = all.real("previous.2.all", [50.5]).real("previous.1.all", [50.0]);
        let test = plugin::<ScoreCard>().settings(&settings).table(all);
        test.open().unwrap().diagnose().unwrap()
    };
    let found = |x: f64, code: &str| {
        given(x).findings_of(code).next().map(|finding| finding.threshold.unwrap())
    };
    assert_eq!(named(&given(0.0), 3), ["a", "b", "c"]);
    let shape = plugin::<ScoreCard>().settings(&settings).shape().unwrap();
    assert!(!shape.produces.iter().any(|output| output.name == "weakest_4"));
    assert_eq!((found(0.0299, "low-a").is_some(), found(0.0301, "low-a")), (true, None));
    assert_eq!((found(0.4899, "fall-all"), found(0.4901, "fall-all")), (Some(1.5), None));
    let plan = |x: f64| given(x).table(0).category("plan", 0).map(str::to_owned);
    assert_eq!((plan(0.7999).as_deref(), plan(0.8).as_deref()), (Some("open"), Some("closed")));
    assert_eq!(found(0.7999, "plan-open"), Some(95.0));
}

#[test]
fn a_whole_of_which_less_than_half_is_known_is_none() {
    let card = test(own()).with(
        json!({ "total": { "known": null }, "indicator": { "visits": { "required": false } } }),
    );
    let known = Data::new().real("rating", [5.0]).real("incidents", [0.0]);
    let given = card.table(known).open().unwrap().diagnose().unwrap();
    // Liking weighs 1 of 3.
    assert_eq!(
        (given.table(0).real("liking", 0), given.table(0).real("club", 0)),
        (Some(100.0), None)
    );
}
