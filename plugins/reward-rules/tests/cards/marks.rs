//! What the host is told of the rewards of the cards: which are offers, which reach the member, which a person approves, and
//! which columns a brand may lack.

use playbook_sdk::testing::Test;
use playbook_sdk::types::ActionInfo;
use reward_rules::RewardRules;

/// The rewards of a card of which something is true, in order.
fn which(test: &Test<RewardRules>, is: fn(&ActionInfo) -> bool) -> Vec<String> {
    let shape = test.shape().unwrap();
    shape.actions.into_iter().filter(is).map(|action| action.name).collect()
}

#[test]
fn offers_reach_the_member_for_marketing_and_nothing_else_counts_against_commercial_caps() {
    for (test, offers, else_told) in [
        (card!("ladder-growth"), &["prize-draw"][..], &["peak-meeting"][..]),
        (card!("ladder-horizon"), &["newcomer-gift", "festival-gift", "lucky-draw"], &[]),
        (card!("interaction-levels"), &[], &["birthday-care", "festival-care"]),
        (card!("referral"), &[], &[]),
        (card!("tasks-and-mall"), &["mall-small", "mall-large"], &[]),
        (card!("win-back"), &["benefit"], &["service-message", "exclusive-content"]),
        (card!("membership"), &["renewal", "upgrade-vip", "upgrade-premium"], &[]),
    ] {
        assert_eq!(which(&test, |action| action.commercial), offers);
        let told = which(&test, |action| action.contacts_member && !action.commercial);
        assert_eq!(told, else_told);
        let without =
            |a: &ActionInfo| a.commercial && !(a.contacts_member && a.purpose == "marketing");
        assert!(which(&test, without).is_empty());
    }
}

#[test]
fn a_person_approves_what_is_dear_or_lasts() {
    let long = ["identity", "privileges", "co-governance", "profit-share"];
    for (test, approved) in [
        (card!("ladder-growth"), &["peak-meeting"][..]),
        (card!("ladder-horizon"), &long),
        (card!("interaction-levels"), &[]),
        (card!("referral"), &[]),
        (card!("tasks-and-mall"), &["mall-large"]),
        (card!("win-back"), &[]),
        (card!("membership"), &[]),
    ] {
        assert_eq!(which(&test, |action| action.needs_approval), approved);
    }
}

#[test]
fn a_sign_of_care_stays_one_when_a_brand_changes_its_words() {
    for care in ["birthday-care", "festival-care"] {
        let over = playbook_sdk::testing::json!({ "reward": { care: { "cost": "5" } } });
        let problems = card!("interaction-levels").with(over).problems();
        assert_eq!(problems.list()[0].path, format!("/reward/{care}/care"));
    }
}

#[test]
fn a_brand_without_the_other_columns_can_run_a_card() {
    for (test, rows) in [
        (card!("ladder-growth"), &["tier-interactions.tier", "points_90d", "spend_365d_minor"][..]),
        (card!("ladder-horizon"), &[]),
        (
            card!("interaction-levels"),
            &[
                "likes_30d",
                "comments_30d",
                "shares_30d",
                "surveys_90d",
                "posts_30d",
                "feedback_90d",
            ],
        ),
        (card!("referral"), &["referrals_proved", "interactions_7d", "days_since_join"]),
        (card!("tasks-and-mall"), &["sign_ins_1d", "points_balance"]),
        (
            card!("win-back"),
            &[
                "churn-7d.level",
                "winback_attempts",
                "days_since_last_winback",
                "open_complaints",
                "participation-ladder.commercial_cap",
            ],
        ),
        (card!("membership"), &["spend_365d_minor"]),
    ] {
        let shape = test.shape().unwrap();
        let needed =
            shape.rows.iter().flat_map(|table| &table.columns).filter(|need| need.required);
        let mut needed: Vec<_> = needed.map(|need| need.source.name()).collect();
        let mut rows = rows.to_vec();
        needed.sort_unstable();
        rows.sort_unstable();
        assert_eq!(needed, rows);
        assert!(shape.tables.iter().flat_map(|table| &table.columns).all(|need| !need.required));
    }
}
