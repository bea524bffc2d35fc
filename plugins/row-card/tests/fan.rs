//! Four-dimension fan score (SC-3).
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::testing::{Data, RowsGiven, plugin};
use row_card::RowCard;

const CARD: &str = include_str!("../cards/fan-4d.toml");

#[expect(clippy::needless_pass_by_value, reason = "a table made on the spot reads best")]
fn score(data: Data) -> RowsGiven {
    plugin::<RowCard>().card(CARD).open().unwrap().score(&data).unwrap()
}

const BEHAVIOUR: [(&str, f64); 8] = [
    ("orders_90d", 3.0),
    ("top_topic_share", 0.6),
    ("shares_30d", 15.0),
    ("views_30d", 60.0),
    ("active_days_30d", 20.0),
    ("days_since_last_interaction", 30.0),
    ("redeems_90d", 3.0),
    ("push_click_rate_30d", 0.2),
];

/// Behaviour of nothing at all, the last interaction as long ago as counts.
fn idle() -> Data {
    let none = BEHAVIOUR.iter().fold(Data::new(), |data, (name, _)| data.real(name, [0.0]));
    none.real("comments_30d", [0.0])
        .real("referral_join_90d", [0.0])
        .real("days_since_last_interaction", [30.0])
}

#[test]
fn y003_four_sub_scores_and_a_missing_emotion_is_none() {
    let fan = idle()
        .text("tier-interactions.tier", ["active"])
        .real("spend_365d_minor", [250_000.0])
        .real("referred_spend_365d_minor", [200_000.0])
        .real("contribution.score", [30.0]);
    let given = score(fan.clone().real("sentiment_30d", [1.0]));
    let sub = ["base", "behaviour", "value", "emotion"].map(|name| given.rounded(name, 0));
    assert_eq!(sub, [Some(67.0), Some(0.0), Some(60.0), None]);
    // The mean of three of four dimensions.
    assert_eq!(given.rounded("composite", 0), Some(42.3333));
    let two = score(fan.real("sentiment_30d", [0.0]).real("nps_last", [9.0]));
    assert_eq!((two.rounded("emotion", 0), two.rounded("composite", 0)), (Some(70.0), Some(49.25)));
}

#[test]
fn sc_3_tiers_are_the_base() {
    for (tier, base) in [("silent", 0.0), ("prospect", 33.0), ("active", 67.0), ("core", 100.0)] {
        let given = score(Data::new().text("tier-interactions.tier", [tier]));
        assert_eq!(given.rounded("base", 0), Some(base), "{tier}");
        assert_eq!((given.real("composite", 0), given.reason(0)), (None, Some("too-little-known")));
    }
}

#[test]
fn sc_3_each_of_8_behaviours_is_full_at_its_target() {
    let behaviour = |data| score(data).rounded("behaviour", 0).unwrap();
    for (name, target) in BEHAVIOUR {
        if name == "days_since_last_interaction" {
            continue;
        }
        let with = |x: f64| behaviour(idle().real(name, [x]));
        assert_eq!(
            (with(target), with(target / 2.0), with(target * 2.0)),
            (12.5, 6.25, 12.5),
            "{name}"
        );
    }
    let recency = |days: f64| behaviour(idle().real("days_since_last_interaction", [days]));
    assert_eq!([0.0, 15.0, 30.0, 60.0].map(recency), [12.5, 6.25, 0.0, 0.0]);
    let social = idle()
        .real("shares_30d", [5.0])
        .real("comments_30d", [5.0])
        .real("referral_join_90d", [5.0]);
    assert_eq!(behaviour(social), 12.5);
    // A comment and a member who joined count like a share.
    for name in ["comments_30d", "referral_join_90d"] {
        assert_eq!(behaviour(idle().real(name, [7.5])), 6.25, "{name}");
    }
}

#[test]
fn sc_3_value_and_emotion_have_their_scales() {
    let value = |name: &str, x: f64| {
        let none = Data::new()
            .real("spend_365d_minor", [0.0])
            .real("referred_spend_365d_minor", [0.0])
            .real("contribution.score", [0.0]);
        score(none.real(name, [x])).rounded("value", 0)
    };
    for (name, target) in [
        ("spend_365d_minor", 500_000.0),
        ("referred_spend_365d_minor", 200_000.0),
        ("contribution.score", 100.0),
    ] {
        assert_eq!(
            (value(name, target), value(name, target / 2.0)),
            (Some(33.3333), Some(16.6667)),
            "{name}"
        );
    }
    let worst = |names: [(&str, f64); 5]| {
        let data = names.iter().fold(Data::new(), |data, (name, x)| data.real(name, [*x]));
        score(data).rounded("emotion", 0)
    };
    let emotions = |share: f64| {
        worst([
            ("sentiment_30d", 2.0 * share - 1.0),
            ("cocreate_accept_rate_365d", share),
            ("nps_last", 10.0 * share),
            ("csat_last", 1.0 + 4.0 * share),
            ("positive_brand_share_90d", share),
        ])
    };
    assert_eq!([0.0, 0.25, 1.0].map(emotions), [Some(0.0), Some(25.0), Some(100.0)]);
    for at in 0..5 {
        let mut one = [
            ("sentiment_30d", -1.0),
            ("cocreate_accept_rate_365d", 0.0),
            ("nps_last", 0.0),
            ("csat_last", 1.0),
            ("positive_brand_share_90d", 0.0),
        ];
        one[at].1 = [0.0, 0.5, 5.0, 3.0, 0.5][at];
        assert_eq!(worst(one), Some(10.0), "{}", one[at].0);
    }
}
