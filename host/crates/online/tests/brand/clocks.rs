//! Rules by the member's own clock, and what may stand together.

use playbook_ledger::Closure;
use playbook_model::{CellType, Definition, FeatureDef, Playbook, QuietHours, StackRule, Subject};
use playbook_online::{Ask, Brand, Decision};
use serde_json::json;

use crate::brand::{DAY, T, event, object, welcome};
use crate::world::{World, give, given};

const HOUR: i64 = 3_600_000;

/// The region of a member is its zone.
fn with_zones(playbook: &mut Playbook) {
    playbook.features.push(FeatureDef {
        name: "zone".to_owned(),
        subject: Subject::member(),
        cell_type: CellType::Text,
        unit: String::new(),
        definition: Definition::Attribute { field: "region".to_owned() },
        about: String::new(),
    });
    playbook.guardrails.time_zone_feature = Some("zone".to_owned());
}

async fn live_in(brand: &Brand, member: &str, zone: &str) {
    welcome(brand, member).await;
    let profile = object(json!({ "region": zone }));
    brand.put_member(member, &profile, &[], "zone").await.unwrap();
}

/// As much as whoever is welcome does, up to a moment.
async fn take_part(brand: &Brand, member: &str, until: i64) {
    let of = |id: String, kind: &str, time: i64| {
        let mut event = event(&id, member, kind, 0);
        event.insert("time".to_owned(), json!(time));
        event
    };
    let mut events = Vec::new();
    for day in 0..25 {
        for (kind, many) in
            [("sign_in", 1), ("comment", 6), ("share", 3), ("answer", 4), ("post", 2)]
        {
            for number in 0..many {
                let id = format!("{member} late {kind} {day} {number}");
                events.push(of(id, kind, until - day * DAY));
            }
        }
    }
    for day in [3, 40, 80] {
        let mut order = of(format!("{member} late order {day}"), "order_paid", until - day * DAY);
        order.insert("amount_minor".to_owned(), json!(25_000));
        events.push(order);
    }
    brand.events(&events).await.unwrap();
}

async fn decided(brand: &Brand, member: &str, event: &str, at: i64) -> Decision {
    let ask = Ask { member: member.to_owned(), at: Some(at), event: Some(event.to_owned()) };
    brand.decide(&ask, &format!("{member} {event}")).await.unwrap().decision
}

fn code(decision: &Decision) -> Option<&'static str> {
    decision.refused.first().map(|effect| effect.refusal.as_ref().unwrap().code)
}

#[tokio::test(flavor = "multi_thread")]
async fn y099_quiet_hours_are_those_of_the_members_own_night() {
    let night = QuietHours::read("22:00-08:00");
    let world = World::new(
        |playbook| {
            with_zones(playbook);
            playbook.guardrails.quiet_hours = night;
        },
        |_, _| {},
    );
    let brand = world.open();
    // It is midnight in Shanghai, where the brand is, noon in New York, and six in the evening in Berlin.
    let waits = [
        ("cn", "Asia/Shanghai", 8 * 60),
        ("us", "America/New_York", 0),
        ("de", "Europe/Berlin", 0),
        ("jp", "Asia/Tokyo", 7 * 60),
        ("mars", "Mars/Base", 8 * 60),
    ];
    for (member, zone, wait) in waits {
        live_in(&brand, member, zone).await;
        let decision = decided(&brand, member, "e", T).await;
        assert_eq!(decision.granted[0].after_min, wait, "{zone}");
        assert!(!decision.features.keys().any(|name| name.contains(':')), "{decision:?}");
    }
    welcome(&brand, "nobody knows").await;
    let decision = decided(&brand, "nobody knows", "e", T).await;
    assert_eq!(decision.granted[0].after_min, 8 * 60, "by the brand's clock");
    assert_eq!(brand.figures().zones_unknown, 2, "and that is counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn y099_a_cap_of_a_day_holds_in_the_members_own_day_even_where_that_has_25_hours() {
    let world = World::new(
        |playbook| {
            with_zones(playbook);
            playbook.guardrails.contacts_per_day_max = [(String::new(), 1)].into();
        },
        |_, _| {},
    );
    let brand = world.open();
    // In Berlin the 25th of October began at 22:00Z and ends at 23:00Z; in Shanghai a day is a day.
    let begins = "2026-10-24T22:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    world.at(begins + 2 * DAY - T);
    for (member, zone) in [("de", "Europe/Berlin"), ("cn", "Asia/Shanghai")] {
        live_in(&brand, member, zone).await;
        take_part(&brand, member, begins - DAY).await;
        given(&decided(&brand, member, "first", begins + HOUR / 60).await);
        let soon = decided(&brand, member, "second", begins + 23 * HOUR).await;
        assert_eq!(code(&soon), Some("R13"), "{zone}: {soon:?}");
        let late = decided(&brand, member, "third", begins + 24 * HOUR + HOUR / 2).await;
        assert_eq!(code(&late), (member == "de").then_some("R13"), "{zone}: {late:?}");
    }
    let next = decided(&brand, "de", "fourth", begins + 25 * HOUR).await;
    assert_eq!(code(&next), None, "another day");
}

#[tokio::test(flavor = "multi_thread")]
async fn y099_grants_of_the_named_families_stand_together_only_so_often() {
    let families = ["points", "coupon", "custom"].map(str::to_owned).to_vec();
    let rule = StackRule { name: "rewards".to_owned(), families, most: 2, window_ms: DAY };
    let world = World::new(|playbook| playbook.guardrails.stacking = vec![rule.clone()], |_, _| {});
    let brand = world.open();
    let first = give(&brand, "m1", "e1").await;
    give(&brand, "m1", "e2").await;
    let third = decided(&brand, "m1", "e3", T).await;
    let refusal = third.refused[0].refusal.clone().unwrap();
    assert_eq!((refusal.code, refusal.rule.as_str()), ("R13", "H9"), "{third:?}");
    let stood = |at| {
        let caps = brand.caps("m1", Some(at)).unwrap().1.stacks;
        caps.into_iter()
            .map(|one| (one.rule, one.used, one.most, one.window_ms))
            .collect::<Vec<_>>()
    };
    assert_eq!(stood(T), [("rewards".to_owned(), 2, 2, DAY)], "whoever asks why is told");
    assert_eq!(stood(T + DAY), [("rewards".to_owned(), 0, 2, DAY)]);
    // Another member has rights of its own, and what does not stand any more makes room.
    give(&brand, "m2", "e3").await;
    brand.close(&first.decision, &first.grant, Closure::Release).await.unwrap();
    given(&decided(&brand, "m1", "e4", T).await);
    assert_eq!(code(&decided(&brand, "m1", "e5", T + DAY - 1).await), Some("R13"));
    given(&decided(&brand, "m1", "e6", T + DAY).await);
}
