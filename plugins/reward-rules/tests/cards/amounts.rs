//! What rewards of the cards cost and are expected to bring, and the bounds at which they begin.

use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, Proposed, Test, json};
use reward_rules::RewardRules;

use crate::{actions, money, of_unknown_brand, propose};

/// Name, cost and expected output of each proposal.
fn sums(given: &[Proposed]) -> Vec<(&str, i64, i64)> {
    given.iter().map(|p| (p.action.as_str(), p.cost, p.expected_output)).collect()
}

/// A mean order so large that a hundredth part of a rate shows.
const LARGE_ORDER_MINOR: i64 = 1_000_000;

// ---- IN-1 -----------------------------------------------------------------------------------

#[test]
fn in_1_a_member_without_orders_is_expected_to_order_for_100_yuan() {
    let test = card!("ladder-growth").with(json!({ "numbers": { "basic_response": 1 } }));
    let data = Data::new()
        .text("tier-interactions.tier", ["prospect", "prospect"])
        .integer("points_90d", [0, 0])
        .integer("spend_365d_minor", [0, 0])
        .integer("aov_minor", [None, Some(20_000)]);
    assert_eq!(money(&propose(&test, &data), "basic-points"), [(10, 10_000), (10, 20_000)]);
}

// ---- IN-3 -----------------------------------------------------------------------------------

/// A member who has done all there is, with a festival so many days ahead.
fn horizon(test: Test<RewardRules>, festival_in_days: i64, data: &Data) -> Vec<Proposed> {
    propose(&test.table(Data::new().integer("festival_in_days", [festival_in_days])), data)
}

/// The card for a brand to which no incentive is too dear.
fn rich() -> Test<RewardRules> {
    card!("ladder-horizon").with(json!({ "row_budget_minor": 1_000_000 }))
}

fn busy() -> Data {
    Data::new()
        .integer("days_since_join", [6])
        .integer("sign_ins_30d", [1])
        .integer("interactions_7d", [3])
        .integer("interactions_30d", [11])
        .integer("orders_30d", [1])
        .integer("active_days_7d", [7])
        .integer("comments_30d", [3])
        .integer("shares_30d", [1])
        .integer("reviews_90d", [1])
        .integer("birthday_in_days", [7])
        .integer("points_90d", [2_000])
        .real("contribution.score", [60.0])
        .text("tier-interactions.tier", ["core"])
        .integer("referred_spend_365d_minor", [LARGE_ORDER_MINOR])
}

#[test]
fn in_3_each_incentive_has_its_cost_and_is_expected_to_bring_its_part_of_an_order() {
    let given = horizon(rich(), 7, &busy().integer("aov_minor", [LARGE_ORDER_MINOR]));
    let want = [
        ("newcomer-gift", 300, 50_000),
        ("sign-in", 10, 10_000),
        ("interaction-reward", 20, 10_000),
        ("consumption-reward", 100, 50_000),
        ("daily-task", 10, 10_000),
        ("streak-bonus", 50, 20_000),
        ("comment-reward", 20, 10_000),
        ("share-reward", 30, 20_000),
        ("review-reward", 50, 20_000),
        ("birthday-gift", 300, 150_000),
        ("festival-gift", 200, 100_000),
        ("lucky-draw", 50, 30_000),
        ("growth-task", 100, 50_000),
        ("achievement", 100, 50_000),
        ("honour", 100, 50_000),
        ("identity", 200, 100_000),
        ("privileges", 500, 200_000),
        ("co-governance", 200, 100_000),
        // Of what the members spent whom the member brought.
        ("profit-share", 2_000, 50_000),
    ];
    assert_eq!(sums(&given), want);
    // A member without orders stands for one of 100 yuan.
    let of_none = horizon(rich(), 7, &busy());
    let hundredth: Vec<_> =
        want[..18].iter().map(|(name, cost, of)| (*name, *cost, of / 100)).collect();
    assert_eq!(sums(&of_none)[..18], hundredth);
    let whole = json!({ "reward": { "sign-in": { "expected": "first_order_minor" } } });
    let of_whole = horizon(rich().with(whole), 7, &busy());
    assert_eq!(money(&of_whole, "sign-in"), [(10, 10_000)]);
}

#[test]
fn in_3_counted_incentives_begin_at_the_first_and_privileges_at_2000_points() {
    let of = |name: &str, value: i64| {
        let given = horizon(rich(), 8, &Data::new().integer(name, [value]));
        given.into_iter().map(|p| p.action).collect::<Vec<_>>()
    };
    for (name, value, action) in [
        ("sign_ins_30d", 1, "sign-in"),
        ("interactions_7d", 1, "daily-task"),
        ("orders_30d", 1, "consumption-reward"),
        ("shares_30d", 1, "share-reward"),
        ("reviews_90d", 1, "review-reward"),
        ("interactions_30d", 11, "lucky-draw"),
        ("points_90d", 2_000, "privileges"),
    ] {
        let has = |value| of(name, value).iter().any(|given| given == action);
        assert!(has(value) && !has(value - 1), "{action}");
    }
    let festive =
        |days| actions(&horizon(rich(), days, &Data::new().integer("shares_30d", [0])), 0).len();
    assert_eq!([festive(7), festive(8)], [1, 0]);
}

#[test]
fn in_3_a_member_costs_20_yuan_a_cycle_at_most() {
    // The whole of it for long incentives: a five-hundredth of what invited members spent.
    let all = json!({ "part": { "short": { "share": 0 }, "mid": { "share": 0 }, "long": { "share": 1 } } });
    let test = of_unknown_brand(card!("ladder-horizon").with(all));
    let shared = |spend: i64| {
        let given = propose(&test, &Data::new().integer("referred_spend_365d_minor", [spend]));
        given.iter().map(|p| p.cost).sum::<i64>()
    };
    assert_eq!([shared(1_000_000), shared(1_000_500)], [2_000, 0]);
    assert_eq!(shared(999_500), 1_999);
}

// ---- IN-4 -----------------------------------------------------------------------------------

#[test]
fn in_4_points_begin_with_the_first_of_each_and_bring_their_part_of_an_order() {
    let counts = ["sign_ins_1d", "topic_joins_7d", "votes_7d", "surveys_7d"];
    let want = [
        ("sign-in-points", 1_000),
        ("topic-points", 10_000),
        ("vote-points", 1_000),
        ("survey-points", 10_000),
    ];
    let all = || json!({ "numbers": { "first_order_minor": LARGE_ORDER_MINOR } });
    let of = |over: Value, count: &str, number: i64| {
        let data = crate::doer(&["cocreate_submit_90d"]).integer(count, [number]);
        let given = propose(&of_unknown_brand(card!("interaction-levels").with(over)), &data);
        given.into_iter().map(|p| (p.action, p.expected_output)).collect::<Vec<_>>()
    };
    for (count, (action, expected)) in counts.into_iter().zip(want) {
        assert_eq!(of(all(), count, 1), [(action.to_owned(), expected)]);
        assert!(of(all(), count, 0).is_empty(), "{action}");
    }
    let whole = json!({ "reward": { "vote-points": { "expected": "first_order_minor" } } });
    assert_eq!(of(whole, "votes_7d", 1), [("vote-points".to_owned(), 10_000)]);
}

// ---- IN-6 -----------------------------------------------------------------------------------

/// Retention of members who were invited, where that of others is 0.6.
fn invited(test: Test<RewardRules>, retention: f64, data: &Data) -> Vec<Proposed> {
    let brand =
        Data::new().real("retention_30d_referred", [retention]).real("retention_30d_others", [0.6]);
    propose(&test.table(brand), data)
}

#[test]
fn in_6_below_half_the_retention_of_others_both_sides_get_half() {
    let both = crate::invitation(2, 7, 1);
    let whole = [("inviter", 1_400, 10_000), ("invitee", 500, 5_000)];
    let half = [("inviter-half", 700, 5_000), ("invitee-half", 250, 2_500)];
    assert_eq!(sums(&invited(card!("referral"), 0.3, &both)), whole);
    assert_eq!(sums(&invited(card!("referral"), 0.2999, &both)), half);
    // Half is paid for a proved member alone, and only where one is left to be paid for.
    assert!(invited(card!("referral"), 0.2999, &crate::invitation(0, 7, 0)).is_empty());
    let dear = json!({ "numbers": { "invitee_minor": 9_000, "cac_cap_minor": 9_000 } });
    let given = invited(card!("referral").with(dear), 0.2999, &both);
    assert_eq!(sums(&given), [("inviter-half", 0, 5_000), ("invitee-half", 1_750, 2_500)]);
}

#[test]
fn in_6_an_inviter_gets_7_yuan_and_a_new_member_5_where_the_cap_leaves_room() {
    let wide = card!("referral").with(json!({ "numbers": { "cac_cap_minor": 3_500 } }));
    let given = propose(&of_unknown_brand(wide), &crate::invitation(1, 7, 1));
    assert_eq!(sums(&given), [("inviter", 700, 5_000), ("invitee", 500, 5_000)]);
}

// ---- IN-7 -----------------------------------------------------------------------------------

#[test]
fn in_7_tasks_pay_points_and_the_mall_sells_goods_at_their_cost() {
    let data = Data::new()
        .integer("sign_ins_1d", [1, 0])
        .integer("sign_in_run_days", [21, 0])
        .real("profile_share", [0.9, 1.0])
        .integer("orders_30d", [1, 0])
        .integer("reviews_90d", [0, 0])
        .integer("points_balance", [200, 2_000])
        .integer("aov_minor", [LARGE_ORDER_MINOR; 2]);
    let of = |over: Value| {
        let given = propose(&card!("tasks-and-mall").with(over), &data);
        let all = given.iter().map(|p| (p.action.clone(), p.quantity, p.cost, p.expected_output));
        all.collect::<Vec<_>>()
    };
    let want = |rows: [(&str, i64, i64, i64); 6]| {
        rows.map(|(name, points, cost, expected)| (name.to_owned(), points, cost, expected))
    };
    assert_eq!(
        of(json!({ "numbers": { "first_order_minor": LARGE_ORDER_MINOR } })),
        want([
            ("check-in", 1, 1, 1_000),
            ("series", 50, 50, 50_000),
            ("profile-task", 20, 20, 10_000),
            ("review-task", 30, 30, 20_000),
            ("mall-small", 1, 150, 100_000),
            ("mall-large", 1, 1_500, 600_000),
        ])
    );
    let whole = json!({ "reward": { "series": { "expected": "first_order_minor" } } });
    assert_eq!(of(whole)[1].3, 10_000);
}

// ---- IN-10 ----------------------------------------------------------------------------------

#[test]
fn in_10_a_member_who_came_back_without_orders_is_expected_to_order_for_100_yuan() {
    let data = Data::new()
        .text("churn-7d.level", ["warn", "warn"])
        .integer("winback_attempts", [2, 2])
        .integer("days_since_last_winback", [7, 7])
        .integer("open_complaints", [0, 0])
        .real("participation-ladder.commercial_cap", [0.2, 0.2])
        .integer("aov_minor", [None, Some(20_000)]);
    let sure = card!("win-back").with(json!({ "numbers": { "benefit_response": 1 } }));
    assert_eq!(money(&propose(&sure, &data), "benefit"), [(1_000, 10_000), (1_000, 20_000)]);
}

// ---- IN-12 ----------------------------------------------------------------------------------

#[test]
fn in_12_a_renewal_costs_10_yuan_up_to_the_last_day_of_the_year() {
    let data = Data::new()
        .text("membership_level", ["vip"; 2])
        .integer("membership_ends_in_days", [0, -1])
        .integer("spend_365d_minor", [0; 2]);
    let given = propose(&of_unknown_brand(card!("membership")), &data);
    assert_eq!(money(&given, "renewal"), [(1_000, 9_900)]);
    assert_eq!(actions(&given, 0), ["vip-content", "renewal"]);
}
