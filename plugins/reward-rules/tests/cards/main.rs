//! The models that are cards of this engine, each by its id.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::testing::{Data, Proposed, Test, json};
use reward_rules::RewardRules;

macro_rules! card {
    ($name:literal) => {
        playbook_sdk::testing::plugin::<reward_rules::RewardRules>().card(include_str!(concat!(
            "../../cards/",
            $name,
            ".toml"
        )))
    };
}

mod amounts;
mod marks;

/// A card that reads the brand, with a brand of whom nothing is known.
fn of_unknown_brand(card: Test<RewardRules>) -> Test<RewardRules> {
    card.table(Data::empty())
}

fn propose(test: &Test<RewardRules>, data: &Data) -> Vec<Proposed> {
    test.open().unwrap().propose(data).unwrap()
}

fn actions(proposed: &[Proposed], row: usize) -> Vec<&str> {
    proposed.iter().filter(|p| p.row == row).map(|p| p.action.as_str()).collect()
}

fn money(proposed: &[Proposed], action: &str) -> Vec<(i64, i64)> {
    let of = proposed.iter().filter(|p| p.action == action);
    of.map(|p| (p.cost, p.expected_output)).collect()
}

// ---- IN-1 -----------------------------------------------------------------------------------

#[test]
fn y024_a_rung_needs_tier_and_points() {
    let data = Data::new()
        .text(
            "tier-interactions.tier",
            ["core", "core", "active", "active", "prospect", "active", "koc"],
        )
        .integer("points_90d", [4_999, 5_000, 5_000, 500, 5_000, 499, 5_000])
        .integer("spend_365d_minor", [300_000; 7]);
    let given = propose(&card!("ladder-growth"), &data);
    let advanced = vec!["basic-points", "prize-draw", "early-access"];
    let peak = vec!["basic-points", "prize-draw", "early-access", "peak-meeting"];
    let basic = vec!["basic-points"];
    let want = [&advanced, &peak, &advanced, &advanced, &basic, &basic, &peak];
    for (row, want) in want.into_iter().enumerate() {
        assert_eq!(&actions(&given, row), want, "row {row}");
    }
    assert_eq!(money(&given, "basic-points")[0], (10, 100));
    assert_eq!(money(&given, "prize-draw")[0], (200, 1_000));
    assert_eq!(money(&given, "peak-meeting")[0], (5_000, 30_000));
}

#[test]
fn y024_the_peak_has_a_quota_that_a_person_keeps() {
    let shape = card!("ladder-growth").shape().unwrap();
    let peak = shape.actions.iter().find(|action| action.name == "peak-meeting").unwrap();
    assert!(peak.needs_approval);
    let over = json!({ "reward": { "peak-meeting": { "needs_approval": false } } });
    let problems = card!("ladder-growth").with(over).problems();
    assert_eq!(problems.list()[0].path, "/reward/peak-meeting/quota_per_cycle");
}

// ---- IN-3 -----------------------------------------------------------------------------------

#[test]
fn y026_there_are_twelve_short_three_mid_and_four_long_incentives() {
    let card =
        playbook_sdk::serde_json::Value::from(include_str!("../../cards/ladder-horizon.toml"));
    let text = card.as_str().unwrap();
    let count = |part: &str| text.matches(&format!("part = \"{part}\"")).count();
    assert_eq!([count("short"), count("mid"), count("long")], [12, 3, 4]);
    assert_eq!(card!("ladder-horizon").shape().unwrap().actions.len(), 19);
}

#[test]
fn y026_the_long_share_may_not_be_0_and_shares_add_up_to_1() {
    let shares = |short: f64, mid: f64, long: f64| {
        let share = |share: f64| json!({ "share": share });
        let over =
            json!({ "part": { "short": share(short), "mid": share(mid), "long": share(long) } });
        card!("ladder-horizon").with(over).problems()
    };
    assert!(shares(0.5, 0.3, 0.2).is_empty());
    assert!(shares(1.0 - 0.01, 0.0, 0.01).is_empty());
    assert_eq!(shares(0.7, 0.3, 0.0).list()[0].path, "/part/long/share");
    assert_eq!(shares(0.5, 0.3, 0.21).list()[0].path, "/part");
}

#[test]
fn in_3_each_part_spends_at_most_its_share_on_a_member() {
    // Short incentives of 10, 20, 100, 10, 50, 20, 30, 50, 300 and 50 fit 1000; mid 300 fit 600; long 200 + 200 is what 400 pays.
    let data = Data::new()
        .integer("sign_ins_30d", [1])
        .integer("interactions_7d", [9])
        .integer("interactions_30d", [60])
        .integer("orders_30d", [1])
        .integer("active_days_7d", [7])
        .integer("comments_30d", [3])
        .integer("shares_30d", [1])
        .integer("reviews_90d", [1])
        .integer("birthday_in_days", [7])
        .integer("points_90d", [2_000])
        .real("contribution.score", [60.0])
        .text("tier-interactions.tier", ["core"]);
    let given = propose(&of_unknown_brand(card!("ladder-horizon")), &data);
    let short: i64 = given.iter().take(10).map(|p| p.cost).sum();
    assert_eq!((given.len(), short), (15, 640));
    assert!(!actions(&given, 0).contains(&"privileges"), "500 is more than a fifth of 2000");
    assert!(actions(&given, 0).contains(&"co-governance"));
    let rich = card!("ladder-horizon").with(json!({ "row_budget_minor": 4_500 }));
    assert!(actions(&propose(&of_unknown_brand(rich), &data), 0).contains(&"privileges"));
    let exact = card!("ladder-horizon").with(json!({ "row_budget_minor": 1_280 }));
    assert_eq!(
        propose(&of_unknown_brand(exact), &data)[..10].iter().map(|p| p.cost).sum::<i64>(),
        640
    );
    let short_of = card!("ladder-horizon").with(json!({ "row_budget_minor": 1_279 }));
    let given = propose(&of_unknown_brand(short_of), &data);
    assert!(
        !actions(&given, 0).contains(&"lucky-draw"),
        "the last of the short ones no longer fits"
    );
}

#[test]
fn in_3_incentives_begin_at_their_bounds() {
    let one = |name: &str, value: f64| {
        let data = Data::new().real(name, [value]);
        let given = propose(&of_unknown_brand(card!("ladder-horizon")), &data);
        given.into_iter().map(|p| p.action).collect::<Vec<_>>()
    };
    for (name, value, without, action) in [
        ("days_since_join", 6.0, 7.0, "newcomer-gift"),
        ("interactions_7d", 3.0, 2.0, "interaction-reward"),
        ("active_days_7d", 7.0, 6.0, "streak-bonus"),
        ("comments_30d", 3.0, 2.0, "comment-reward"),
        ("birthday_in_days", 7.0, 8.0, "birthday-gift"),
        ("interactions_30d", 11.0, 10.0, "growth-task"),
        ("points_90d", 500.0, 499.0, "achievement"),
        ("contribution.score", 40.0, 39.0, "honour"),
        ("contribution.score", 60.0, 59.0, "co-governance"),
        ("referred_spend_365d_minor", 100_000.0, 99_999.0, "profit-share"),
    ] {
        assert!(one(name, value).iter().any(|given| given == action), "{action}");
        assert!(!one(name, without).iter().any(|given| given == action), "{action}");
    }
}

// ---- IN-4 -----------------------------------------------------------------------------------

fn doer(done: &[&str]) -> Data {
    let tasks = [
        "likes_30d",
        "comments_30d",
        "shares_30d",
        "surveys_90d",
        "posts_30d",
        "feedback_90d",
        "cocreate_submit_90d",
    ];
    tasks
        .iter()
        .fold(Data::new(), |data, task| data.integer(task, [i64::from(done.contains(task))]))
}

#[test]
fn y031_the_next_task_is_one_rung_above_the_last_that_was_done() {
    for (done, next) in [
        (&[][..], Some("task-like")),
        (&["likes_30d"], Some("task-comment")),
        (&["likes_30d", "comments_30d"], Some("task-share")),
        (&["shares_30d"], Some("task-survey")),
        (&["surveys_90d"], Some("task-post")),
        (&["posts_30d"], Some("task-feedback")),
        (&["feedback_90d"], Some("task-cocreate")),
        (&["cocreate_submit_90d"], None),
    ] {
        let given = propose(&of_unknown_brand(card!("interaction-levels")), &doer(done));
        assert_eq!(given.iter().map(|p| p.action.as_str()).next(), next, "{done:?}");
        assert!(given.len() <= 1);
    }
}

#[test]
fn y027_emotional_contacts_never_carry_an_offer() {
    let data = doer(&["cocreate_submit_90d"]).integer("birthday_in_days", [0]);
    let brand = Data::new().integer("festival_in_days", [0]);
    let given = propose(&card!("interaction-levels").table(brand), &data);
    assert_eq!(actions(&given, 0), ["birthday-care", "festival-care"]);
    assert!(given.iter().all(|p| p.cost == 0 && p.expected_output == 0));
    let shape = card!("interaction-levels").shape().unwrap();
    let care = || shape.actions.iter().filter(|action| action.name.ends_with("-care"));
    assert!(care().count() == 2 && care().all(|action| !action.commercial));
    for offer in
        [json!({ "commercial": true }), json!({ "cost": "5" }), json!({ "expected": "aov_minor" })]
    {
        let over = json!({ "reward": { "birthday-care": offer } });
        let problems = card!("interaction-levels").with(over).problems();
        assert_eq!(problems.list()[0].path, "/reward/birthday-care/care");
    }
}

#[test]
fn in_4_basic_and_deep_interaction_earn_points() {
    let data = doer(&["cocreate_submit_90d"])
        .integer("sign_ins_1d", [1])
        .integer("topic_joins_7d", [1])
        .integer("votes_7d", [1])
        .integer("surveys_7d", [1]);
    let given = propose(&of_unknown_brand(card!("interaction-levels")), &data);
    let seen: Vec<_> =
        given.iter().map(|p| (p.action.as_str(), p.quantity, p.cost, p.expected_output)).collect();
    let want = [
        ("sign-in-points", 1, 1, 10),
        ("topic-points", 4, 4, 100),
        ("vote-points", 1, 1, 10),
        ("survey-points", 5, 5, 100),
    ];
    assert_eq!(seen, want);
}

// ---- IN-6 -----------------------------------------------------------------------------------

fn invitation(proved: i64, days: i64, interactions: i64) -> Data {
    Data::new()
        .integer("referrals_proved", [proved])
        .integer("referred", [i64::from(days >= 0)])
        .integer("interactions_7d", [interactions])
        .integer("days_since_join", [days.max(0)])
}

#[test]
fn y029_both_sides_are_rewarded_once_the_new_member_has_proved_active() {
    let test = of_unknown_brand(card!("referral"));
    let given = propose(&test, &invitation(2, 400, 1));
    assert_eq!(actions(&given, 0), ["inviter"]);
    assert_eq!((given[0].quantity, given[0].cost, given[0].expected_output), (2, 1_400, 10_000));
    for (days, interactions, rewarded) in
        [(6, 1, false), (7, 1, true), (7, 0, false), (20, 1, true), (21, 1, false), (-1, 1, false)]
    {
        let given = propose(&test, &invitation(0, days, interactions));
        assert_eq!(actions(&given, 0) == ["invitee"], rewarded, "{days} {interactions}");
    }
}

#[test]
fn y029_nothing_is_known_of_members_of_members_and_nothing_is_paid_for_them() {
    let shape = card!("referral").shape().unwrap();
    let needs: Vec<_> = shape.rows.unwrap().columns.iter().map(|need| need.source.name()).collect();
    assert_eq!(needs, ["referrals_proved", "referred", "interactions_7d", "days_since_join"]);
    assert!(shape.actions.iter().all(|action| action.text.en.ends_with("labelled as one")));
}

#[test]
fn in_6_a_new_member_costs_at_most_the_cap_and_never_more_than_35() {
    let both = |numbers: playbook_sdk::serde_json::Value| {
        let test = of_unknown_brand(card!("referral").with(json!({ "numbers": numbers })));
        let given = propose(&test, &invitation(1, 7, 1));
        given.iter().map(|p| p.cost).sum::<i64>()
    };
    assert_eq!(both(json!({})), 1_200);
    assert_eq!(both(json!({ "inviter_minor": 5_000 })), 1_200);
    assert_eq!(both(json!({ "inviter_minor": 600 })), 1_100);
    assert_eq!(both(json!({ "inviter_minor": 9_000, "cac_cap_minor": 9_000 })), 3_500);
    assert_eq!(both(json!({ "invitee_minor": 9_000, "cac_cap_minor": 9_000 })), 3_500);
}

#[test]
fn in_6_half_is_paid_where_invited_members_stay_half_as_often() {
    for (referred, want) in
        [(0.30, ["inviter", "invitee"]), (0.29, ["inviter-half", "invitee-half"])]
    {
        let brand = Data::new()
            .real("retention_30d_referred", [referred])
            .real("retention_30d_others", [0.60]);
        let given = propose(&card!("referral").table(brand), &invitation(1, 7, 1));
        assert_eq!(actions(&given, 0), want);
        let whole = if want[0] == "inviter" { 1 } else { 2 };
        assert_eq!((given[0].cost, given[1].cost), (700 / whole, 500 / whole));
    }
}

// ---- IN-7 -----------------------------------------------------------------------------------

#[test]
fn y030_a_check_in_pays_once_a_day() {
    let shape = card!("tasks-and-mall").shape().unwrap();
    let daily: Vec<_> =
        shape.actions.iter().filter(|a| a.frequency == playbook_sdk::Frequency::OnceADay).collect();
    assert_eq!(daily.len(), 1);
    let data = Data::new().integer("sign_ins_1d", [0, 1, 3]).integer("points_balance", [0; 3]);
    let given = propose(&card!("tasks-and-mall"), &data);
    let seen: Vec<_> =
        given.iter().map(|p| (p.row, p.action.as_str(), p.quantity, p.cost)).collect();
    assert_eq!(seen, [(1, "check-in", 1, 1), (2, "check-in", 1, 1)]);
}

#[test]
fn in_7_a_series_of_21_check_ins_pays_in_one_cycle() {
    let data = Data::new()
        .integer("sign_ins_1d", [0; 4])
        .integer("sign_in_run_days", [20, 21, 34, 35])
        .integer("points_balance", [0; 4]);
    let given = propose(&card!("tasks-and-mall"), &data);
    let seen: Vec<_> = given.iter().map(|p| (p.row, p.action.as_str(), p.quantity)).collect();
    assert_eq!(seen, [(1, "series", 50), (2, "series", 50)]);
}

#[test]
fn in_7_the_balance_opens_the_mall_and_tasks_end_with_what_they_are_for() {
    let data = Data::new()
        .integer("sign_ins_1d", [0; 5])
        .integer("points_balance", [199, 200, 1_999, 2_000, 0])
        .integer("orders_30d", [0, 0, 0, 0, 1])
        .integer("reviews_90d", [0; 5])
        .real("profile_share", [1.0, 1.0, 1.0, 1.0, 0.9]);
    let given = propose(&card!("tasks-and-mall"), &data);
    let seen: Vec<_> = given.iter().map(|p| (p.row, p.action.as_str(), p.until_min)).collect();
    let want = [
        (1, "mall-small", None),
        (2, "mall-small", None),
        (3, "mall-large", None),
        (4, "profile-task", Some(10_080)),
        (4, "review-task", Some(20_160)),
    ];
    assert_eq!(seen, want);
}

// ---- IN-10 ----------------------------------------------------------------------------------

/// What goes out to a member at a level, after so many attempts, the last so many days ago.
fn won(
    level: &str,
    attempts: i64,
    days: Option<i64>,
    complaints: i64,
    cap: Option<f64>,
) -> Option<String> {
    let data = Data::new()
        .text("churn-7d.level", [level])
        .integer("winback_attempts", [attempts])
        .integer("days_since_last_winback", [days])
        .integer("open_complaints", [complaints])
        .real("participation-ladder.commercial_cap", [cap]);
    let given = propose(&card!("win-back"), &data);
    assert!(given.len() <= 1);
    let money = |p: &Proposed| (p.cost, p.expected_output);
    let mut of_benefit = given.iter().filter(|p| p.action == "benefit").map(money);
    assert!(of_benefit.all(|money| money == (1_000, 5_000)), "{given:?}");
    given.first().map(|p| p.action.clone())
}

#[test]
fn y034_at_most_three_attempts_seven_days_apart_then_sixty_days_of_rest() {
    let at = |attempts, days| won("warn", attempts, days, 0, Some(0.2));
    let is = |name: &str| Some(name.to_owned());
    assert_eq!(at(0, None), is("service-message"));
    assert_eq!(at(1, Some(6)), None);
    assert_eq!(at(1, Some(7)), is("exclusive-content"));
    assert_eq!(at(2, Some(6)), None);
    assert_eq!(at(2, Some(7)), is("benefit"));
    assert_eq!(at(3, Some(7)), None);
    assert_eq!(at(3, Some(59)), None);
    assert_eq!(at(3, Some(60)), is("service-message"));
    assert_eq!(at(1, Some(60)), is("service-message"));
    for level in ["watch", "critical", "lapsed"] {
        assert_eq!(won(level, 0, None, 0, None), is("service-message"), "{level}");
    }
    for level in ["ok", "none"] {
        assert_eq!(won(level, 0, None, 0, None), None, "{level}");
    }
}

#[test]
fn y034_a_complaint_or_a_critical_level_leaves_the_message_of_the_service_alone() {
    let service = Some("service-message".to_owned());
    for attempts in [1, 2] {
        assert_eq!(won("critical", attempts, Some(7), 0, Some(0.2)), service);
        assert_eq!(won("warn", attempts, Some(7), 1, Some(0.2)), service);
    }
    let shape = card!("win-back").shape().unwrap();
    let message = &shape.actions[0];
    assert!(!message.commercial && message.purpose.is_empty());
}

#[test]
fn in_10_a_member_whose_commercial_cap_is_0_gets_no_benefit() {
    for cap in [Some(0.0), None] {
        assert_eq!(won("warn", 2, Some(7), 0, cap), None);
    }
    assert_eq!(won("warn", 2, Some(7), 0, Some(0.05)).as_deref(), Some("benefit"));
}

// ---- IN-12 ----------------------------------------------------------------------------------

#[test]
fn y036_the_level_controls_content_and_rights() {
    let data = Data::new()
        .text("membership_level", [Some("free"), Some("vip"), Some("premium"), None])
        .integer("spend_365d_minor", [0; 4]);
    let given = propose(&of_unknown_brand(card!("membership")), &data);
    assert_eq!(actions(&given, 0), ["free-content"]);
    assert_eq!(actions(&given, 1), ["vip-content"]);
    assert_eq!(actions(&given, 2), ["vip-content", "premium-service"]);
    assert!(actions(&given, 3).is_empty());
    assert_eq!(money(&given, "vip-content")[0], (200, 9_900));
    assert_eq!(money(&given, "premium-service"), [(1_000, 29_900)]);
}

#[test]
fn in_12_a_membership_that_ends_is_renewed_unless_enough_renew_anyway() {
    let data = Data::new()
        .text("membership_level", ["vip", "vip", "free", "vip"])
        .integer("membership_ends_in_days", [30, 31, 1, -1])
        .integer("spend_365d_minor", [0; 4]);
    let renewed = |brand: Data| {
        let given = propose(&card!("membership").table(brand), &data);
        given.iter().filter(|p| p.action == "renewal").map(|p| p.row).collect::<Vec<_>>()
    };
    assert_eq!(renewed(Data::empty()), [0]);
    assert_eq!(renewed(Data::new().real("annual_retention", [0.84])), [0]);
    assert!(renewed(Data::new().real("annual_retention", [0.85])).is_empty());
}

#[test]
fn in_12_spend_opens_the_next_level() {
    let data = Data::new()
        .text("membership_level", ["free", "free", "free", "vip", "premium"])
        .integer("spend_365d_minor", [99_999, 100_000, 500_000, 499_999, 900_000]);
    let given = propose(&of_unknown_brand(card!("membership")), &data);
    let offers: Vec<_> = given
        .iter()
        .filter(|p| p.action.starts_with("upgrade"))
        .map(|p| (p.row, p.action.as_str()))
        .collect();
    assert_eq!(offers, [(1, "upgrade-vip"), (2, "upgrade-premium")]);
    assert_eq!(money(&given, "upgrade-vip"), [(0, 990)]);
    assert_eq!(money(&given, "upgrade-premium"), [(0, 2_990)]);
}
