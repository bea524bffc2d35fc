//! DG-10: each rule, the levels, and limits that move with the data.
#![allow(clippy::unwrap_used, reason = "tests")]

use fraud::Fraud;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, RowsGiven, json, plugin};

/// Forty orders of the last days around this amount: mean as given, deviation about 10.
fn history(mean: i64, days_ago: i64) -> Data {
    Data::new()
        .integer("amount_minor", (0..40).map(|n| mean + if n % 2 == 0 { 10 } else { -10 }))
        .integer("days_since_order", (0..40).map(|_| days_ago))
}

/// Amount, orders in 10 minutes, accounts of device and address, hours of the account, coupon, loop.
type Order = [Option<i64>; 7];

const FINE: Order = [Some(1000), Some(1), Some(1), Some(1), Some(9000), Some(0), Some(0)];
const NAMES: [&str; 7] = [
    "amount_minor",
    "orders_10min",
    "accounts_per_device",
    "accounts_per_address",
    "account_age_hours",
    "coupon",
    "referral_loop",
];

fn with(changes: &[(usize, i64)]) -> Order {
    let mut order = FINE;
    changes.iter().for_each(|(at, value)| order[*at] = Some(*value));
    order
}

fn ask(settings: &Value, history: &Data, orders: &[Order]) -> RowsGiven {
    let column = |at: usize| orders.iter().map(move |order| order[at]);
    let data = (0..7).fold(Data::new(), |data, at| data.integer(NAMES[at], column(at)));
    let test = plugin::<Fraud>().settings(settings);
    test.fit_and_open(history).unwrap().screen(&data).unwrap()
}

fn screen(orders: &[Order]) -> RowsGiven {
    ask(&json!({}), &history(1000, 3), orders)
}

#[test]
fn dg_10_each_rule_has_its_score_and_its_reason() {
    let orders = [
        FINE,
        with(&[(0, 5000)]),
        with(&[(1, 6)]),
        with(&[(2, 3)]),
        with(&[(3, 3)]),
        with(&[(4, 23), (5, 1)]),
        with(&[(6, 1)]),
    ];
    let given = screen(&orders);
    let scores: Vec<f64> = (0..7).map(|row| given.real("score", row).unwrap()).collect();
    assert_eq!(scores, [0.0, 0.4, 0.4, 0.3, 0.3, 0.2, 0.5]);
    let reasons: Vec<Option<&str>> = (0..7).map(|row| given.reason(row)).collect();
    assert_eq!(
        reasons,
        [
            None,
            Some("amount"),
            Some("burst"),
            Some("shared"),
            Some("shared"),
            Some("new-account"),
            Some("referral-loop")
        ]
    );
}

#[test]
fn dg_10_rules_begin_at_their_bounds() {
    // Mean 1000 and deviation 10.1274: the limit is 1030.382.
    let given = screen(&[with(&[(0, 1030)]), with(&[(0, 1031)]), with(&[(1, 5)]), with(&[(2, 2)])]);
    assert_eq!(given.rounded("amount_limit", 0), Some(1030.3822));
    let scores: Vec<f64> = (0..4).map(|row| given.real("score", row).unwrap()).collect();
    assert_eq!(scores, [0.0, 0.4, 0.0, 0.0]);
    let given = screen(&[with(&[(4, 24), (5, 1)]), with(&[(4, 1), (5, 0)])]);
    assert_eq!((given.real("score", 0), given.real("score", 1)), (Some(0.0), Some(0.0)));
}

#[test]
fn dg_10_from_a_half_orders_are_held_and_from_eight_tenths_blocked() {
    for (changes, level) in [
        (vec![(1, 6)], "pass"),
        (vec![(2, 3), (4, 1), (5, 1)], "hold"),
        (vec![(6, 1)], "hold"),
        (vec![(1, 6), (2, 3)], "hold"),
        (vec![(6, 1), (2, 3)], "block"),
        (vec![(0, 9999), (1, 6)], "block"),
    ] {
        let given = screen(&[with(&changes)]);
        assert_eq!(given.category("level", 0), Some(level), "{changes:?}");
    }
}

#[test]
fn dg_10_levels_begin_at_their_scores_to_the_hundredth() {
    for (loop_score, level) in [(0.499, "pass"), (0.5, "hold"), (0.799, "hold"), (0.8, "block")] {
        let settings = json!({ "loop_score": loop_score });
        let given = ask(&settings, &history(1000, 3), &[with(&[(6, 1)])]);
        assert_eq!(given.category("level", 0), Some(level), "{loop_score}");
    }
}

#[test]
fn y079_seeded_fraud_is_held_and_the_rest_passes() {
    let mut orders: Vec<Order> = (0..200).map(|n| with(&[(0, 980 + n % 40), (2, n % 3)])).collect();
    let seeded = [17, 80, 141];
    orders[17] = with(&[(0, 60_000), (2, 4)]);
    orders[80] = with(&[(6, 1), (4, 2), (5, 1)]);
    orders[141] = with(&[(1, 12), (3, 9), (4, 1), (5, 1)]);
    let given = screen(&orders);
    let held: Vec<usize> =
        (0..200).filter(|row| given.category("level", *row) != Some("pass")).collect();
    assert_eq!(held, seeded);
    assert_eq!(given.category("level", 141), Some("block"));
}

#[test]
fn y079_the_limit_moves_with_the_data() {
    let order = [with(&[(0, 2020)])];
    let limit = |mean| ask(&json!({}), &history(mean, 0), &order);
    assert_eq!(limit(1000).real("score", 0), Some(0.4));
    assert_eq!(limit(2000).real("score", 0), Some(0.0));
}

#[test]
fn dg_10_limits_rest_on_28_days_and_30_orders() {
    let score = |history: &Data| ask(&json!({}), history, &[with(&[(0, 90_000)])]).real("score", 0);
    assert_eq!(score(&history(1000, 27)), Some(0.4));
    assert_eq!(score(&history(1000, 28)), Some(0.0));
    let few = |count: usize| {
        Data::new()
            .integer("amount_minor", vec![1000; count])
            .integer("days_since_order", vec![0; count])
    };
    assert_eq!((score(&few(30)), score(&few(29))), (Some(0.4), Some(0.0)));
}

#[test]
fn segments_have_limits_of_their_own_where_they_have_enough_orders() {
    let amounts = (0..40).map(|_| 1000).chain((0..40).map(|_| 9000)).chain([1]);
    let segments = (0..40).map(|_| "core").chain((0..40).map(|_| "new")).chain(["rare"]);
    let history = Data::new()
        .integer("amount_minor", amounts)
        .integer("days_since_order", [0; 81])
        .text("segment", segments);
    let settings = json!({ "segments": ["core", "new", "rare"] });
    let orders = Data::new()
        .integer("amount_minor", [8000; 4])
        .text("segment", [Some("core"), Some("new"), Some("rare"), None])
        .integer("orders_10min", [1; 4])
        .integer("referral_loop", [0; 4]);
    let opened = plugin::<Fraud>().settings(settings).fit_and_open(&history).unwrap();
    let given = opened.screen(&orders).unwrap();
    let scores: Vec<f64> = (0..4).map(|row| given.real("score", row).unwrap()).collect();
    assert_eq!(scores, [0.4, 0.0, 0.0, 0.0]);
    assert_eq!(given.real("amount_limit", 0), Some(1000.0));
    assert_eq!(given.real("amount_limit", 2), given.real("amount_limit", 3));
}

#[test]
fn too_little_known_is_no_pass_and_what_fired_still_holds() {
    let known = |at: &[usize], order: Order| {
        let mut seen: Order = [None; 7];
        at.iter().for_each(|at| seen[*at] = order[*at]);
        seen
    };
    let given = screen(&[known(&[0, 1], FINE), known(&[0, 6], FINE), known(&[6], with(&[(6, 1)]))]);
    assert_eq!((given.category("level", 0), given.reason(0)), (None, Some("too-little-known")));
    assert_eq!(given.category("level", 1), Some("pass"));
    assert_eq!(given.category("level", 2), Some("hold"));
    assert_eq!(given.rounded("coverage", 2), Some(0.2778));
}

#[test]
fn levels_out_of_order_are_refused() {
    let problems = plugin::<Fraud>().settings(json!({ "block_from": 0.4 })).problems();
    assert_eq!(problems.list()[0].path, "/block_from");
}
