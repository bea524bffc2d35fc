//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::Frequency;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, Proposed, json, plugin};
use points_exchange::PointsExchange;

/// Tea and coffee, one way each; a partner funds what goes to the cinema.
fn pairs() -> Value {
    json!({ "pair": {
        "tea-coffee": { "from": "tea", "to": "coffee", "rate": 0.3, "daily_points": 100 },
        "coffee-tea": { "from": "coffee", "to": "tea", "rate": 3.0, "daily_points": 100 },
        "tea-cinema": { "from": "tea", "to": "cinema", "to_cost_minor": 3, "partner": "cinema" },
    } })
}

/// A member who asks: from, to, points, balance, exchanged today.
type Asks = (&'static str, &'static str, i64, Option<i64>, Option<i64>);

fn propose(settings: Value, asks: &[Asks]) -> Vec<Proposed> {
    let rows = Data::new()
        .text("exchange_from", asks.iter().map(|ask| ask.0))
        .text("exchange_to", asks.iter().map(|ask| ask.1))
        .integer("exchange_points", asks.iter().map(|ask| ask.2))
        .integer("points_balance", asks.iter().map(|ask| ask.3))
        .integer("exchanged_today", asks.iter().map(|ask| ask.4));
    plugin::<PointsExchange>().settings(settings).open().unwrap().propose(&rows).unwrap()
}

fn quantity(points: i64, balance: i64, today: i64) -> Option<(i64, String)> {
    let given = propose(pairs(), &[("tea", "coffee", points, Some(balance), Some(today))]);
    given.first().map(|p| (p.quantity, p.reason.clone()))
}

#[test]
fn y035_one_exchange_is_one_proposal() {
    let given = propose(
        pairs(),
        &[
            ("tea", "coffee", 10, Some(500), Some(0)),
            ("coffee", "tea", 10, Some(500), Some(0)),
            ("coffee", "cinema", 10, Some(500), Some(0)),
        ],
    );
    let seen: Vec<_> = given.iter().map(|p| (p.row, p.action.as_str(), p.quantity)).collect();
    assert_eq!(seen, [(0, "exchange-tea-coffee", 10), (1, "exchange-coffee-tea", 10)]);
    let shape = plugin::<PointsExchange>().settings(pairs()).shape().unwrap();
    assert!(shape.actions.iter().all(|action| action.frequency == Frequency::OnceAnEvent));
}

#[test]
fn y035_cost_lands_on_the_funding_partner() {
    let ask: Asks = ("tea", "cinema", 10, Some(500), Some(0));
    assert!(propose(pairs(), &[ask]).is_empty(), "the brand's own stage leaves it to the partner");
    let mut funded = pairs();
    funded["partner"] = json!("cinema");
    let given = propose(funded, &[ask, ("tea", "coffee", 10, Some(500), Some(0))]);
    // Ten that cost 3 each, less ten that were owed at 1 each.
    assert_eq!((given.len(), given[0].cost, given[0].quantity), (1, 20, 10));
}

#[test]
fn in_11_daily_limit_and_balance_hold() {
    let asked = "exchange-asked".to_owned();
    let limited = "exchange-limited".to_owned();
    assert_eq!(quantity(100, 500, 0), Some((100, asked.clone())));
    assert_eq!(quantity(101, 500, 0), Some((100, limited.clone())));
    assert_eq!(quantity(100, 500, 40), Some((60, limited.clone())));
    assert_eq!(quantity(100, 50, 0), Some((50, limited)));
    assert_eq!(
        (quantity(10, 500, 100), quantity(10, 0, 0), quantity(0, 500, 0)),
        (None, None, None)
    );
    assert_eq!(quantity(10, 500, -5), Some((10, asked)));
}

#[test]
fn in_11_standard_rate_and_limit() {
    let ask = |points| ("community-a", "community-b", points, Some(9_999), Some(0));
    let given = propose(json!({}), &[ask(500), ask(501), ask(7), ask(1)]);
    let seen: Vec<_> = given.iter().map(|p| (p.quantity, p.cost)).collect();
    assert_eq!(seen, [(500, 0), (500, 0), (7, 0), (1, 0)]);
}

#[test]
fn in_11_a_point_costs_a_hundredth_of_a_yuan_on_either_side() {
    let cost = |costs: Value| {
        let pair = json!({ "from": "tea", "to": "coffee" });
        let test = plugin::<PointsExchange>().settings(json!({ "pair": { "a": pair } }));
        let rows = Data::new()
            .text("exchange_from", ["tea"])
            .text("exchange_to", ["coffee"])
            .integer("exchange_points", [7])
            .integer("points_balance", [500])
            .integer("exchanged_today", [0]);
        let given = test.with(json!({ "pair": { "a": costs } })).open().unwrap().propose(&rows);
        given.unwrap()[0].cost
    };
    assert_eq!(cost(json!({ "from_cost_minor": 0 })), 7);
    assert_eq!(cost(json!({ "to_cost_minor": 3 })), 14);
}

#[test]
fn no_point_leaves_for_nothing() {
    // Three tenths each: 9 give 2 coffee points, for which 7 are enough; 3 give none.
    assert_eq!(quantity(9, 500, 0).unwrap().0, 7);
    assert_eq!(quantity(10, 500, 0).unwrap().0, 10);
    assert_eq!(quantity(3, 500, 0), None);
    assert_eq!(quantity(4, 500, 0).unwrap().0, 4);
}

#[test]
fn what_is_not_known_is_not_exchanged() {
    let given = propose(
        pairs(),
        &[
            ("tea", "coffee", 10, None, Some(0)),
            ("tea", "coffee", 10, Some(500), None),
            ("tea", "nowhere", 10, Some(500), Some(0)),
        ],
    );
    assert!(given.is_empty());
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "pair": {} }), "/pair"),
        (json!({ "pair": { "A": {} } }), "/pair/A"),
        (json!({ "pair": { "a": { "to": "community-a" } } }), "/pair/a/to"),
        (json!({ "pair": { "a": {}, "b": {} } }), "/pair/b/to"),
        (json!({ "pair": { "a": { "rate": 0 } } }), "/pair/a/rate"),
        (json!({ "pair": { "a": { "daily_points": 0 } } }), "/pair/a/daily_points"),
        (
            json!({ "pair": { "a": { "rate": 2.0 },
                "b": { "from": "community-b", "to": "community-a", "rate": 0.51 } } }),
            "/pair/a/rate",
        ),
    ] {
        let problems = plugin::<PointsExchange>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
