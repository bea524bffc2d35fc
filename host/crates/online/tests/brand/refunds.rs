//! Claims about refunds: what rests on an order is taken back by the playbook's rule, whole, in the transaction of the event.

use playbook_model::{Frequency, GrantTerms, RefundRule};
use playbook_online::{Brand, EventFate, OnlineError, ReviewState, settled};
use serde_json::json;

use crate::brand::{DAY, event, welcome};
use crate::world::{World, give, reversals, told};

fn refunding(rule: RefundRule) -> World {
    World::with_terms(move |def| def.terms = GrantTerms { refund: rule, ..def.terms })
}

async fn fate(brand: &Brand, event: serde_json::Map<String, serde_json::Value>) -> EventFate {
    brand.events(&[event]).await.unwrap().remove(0).unwrap()
}

/// An order of 100.00, and what it triggered.
async fn order(brand: &Brand, member: &str, id: &str) -> crate::world::Given {
    welcome(brand, member).await;
    let mut paid = event(id, member, "order_paid", 1);
    paid.insert("amount_minor".to_owned(), json!(10_000));
    assert_eq!(fate(brand, paid).await, EventFate::Accepted);
    give(brand, member, id).await
}

async fn refund(brand: &Brand, member: &str, id: &str, of: &str, minor: i64) -> EventFate {
    let mut refund = event(id, member, "order_refunded", 0);
    refund.insert("amount_minor".to_owned(), json!(minor));
    refund.insert("original_order".to_owned(), json!(of));
    fate(brand, refund).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_is_for_an_order_that_the_member_paid() {
    let world = refunding(RefundRule::Whole);
    let brand = world.open();
    let one = order(&brand, "m1", "o1").await;
    welcome(&brand, "m2").await;
    assert_eq!(refund(&brand, "m2", "r1", "o1", 10_000).await, EventFate::WithoutOrder);
    assert_eq!(refund(&brand, "m1", "r1", "o2", 10_000).await, EventFate::WithoutOrder);
    assert_eq!(refund(&brand, "m1", "r1", "m1-join", 10_000).await, EventFate::WithoutOrder);
    assert_eq!(brand.member("m1").unwrap().events, 405);
    world.assert_money(one.cost, 0);
    assert_eq!(refund(&brand, "m1", "r1", "o1", 10_000).await, EventFate::Accepted);
    world.assert_money(0, 0);
    assert_eq!(refund(&brand, "m1", "r1", "o1", 10_000).await, EventFate::Duplicate);
    assert_eq!(refund(&brand, "m1", "r1", "o1", 9_000).await, EventFate::OtherEvent);
    assert_eq!(reversals(&brand, 1), [("released", one.cost)]);
    let closed = brand.close(&one.decision, &one.grant, settled(None)).await;
    assert!(matches!(closed, Err(OnlineError::Closed(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_taken_back_whole_in_proportion_or_not_at_all() {
    for (rule, settles) in [
        (RefundRule::Whole, false),
        (RefundRule::Whole, true),
        (RefundRule::InProportion, false),
        (RefundRule::InProportion, true),
        (RefundRule::Nothing, true),
    ] {
        let world = refunding(rule);
        let brand = world.open();
        let one = order(&brand, "m1", "o1").await;
        if settles {
            brand.close(&one.decision, &one.grant, settled(None)).await.unwrap();
        }
        for (id, minor) in [("r1", -2_500), ("r2", 2_500), ("r3", 5_000)] {
            assert_eq!(refund(&brand, "m1", id, "o1", minor).await, EventFate::Accepted);
        }
        let how = reversals(&brand, 1);
        let sum: i64 = how.iter().map(|(_, amount)| amount).sum();
        match (rule, settles) {
            (RefundRule::Nothing, _) => {
                assert!(how.is_empty());
                world.assert_money(0, one.cost);
                continue;
            }
            (RefundRule::Whole, false) => assert_eq!(how, [("released", one.cost)]),
            (RefundRule::Whole, true) => assert_eq!(how[0], ("recovered", one.cost)),
            (RefundRule::InProportion, settles) => {
                let quarter = one.cost / 4;
                let first = if settles { "recovered" } else { "lowered" };
                assert_eq!(how[0], (first, quarter));
                assert_eq!(how.len(), 3);
            }
        }
        assert_eq!(sum, one.cost, "partial refunds sum to the whole: {how:?}");
        world.assert_money(0, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_refund_lowered_is_settled_with_no_more_and_what_was_settled_comes_back() {
    let world = refunding(RefundRule::InProportion);
    let brand = world.open();
    let one = order(&brand, "m1", "o1").await;
    refund(&brand, "m1", "r1", "o1", 5_000).await;
    let half = one.cost / 2;
    let beyond = brand.close(&one.decision, &one.grant, settled(Some(one.cost - half + 1))).await;
    assert!(matches!(beyond, Err(OnlineError::Closed(_))));
    brand.close(&one.decision, &one.grant, settled(None)).await.unwrap();
    brand.close(&one.decision, &one.grant, settled(None)).await.unwrap();
    world.assert_money(0, one.cost - half);
    // More than the order was paid takes back no more than is there.
    refund(&brand, "m1", "r2", "o1", 99_000).await;
    refund(&brand, "m1", "r3", "o1", 99_000).await;
    world.assert_money(0, 0);
    assert_eq!(reversals(&brand, 1)[..2], [("lowered", half), ("recovered", one.cost - half)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_names_the_order_rests_on_it_and_other_orders_keep_theirs() {
    let world = refunding(RefundRule::Whole);
    let brand = world.open();
    let first = order(&brand, "m1", "o1").await;
    let mut review = event("review", "m1", "review", 1);
    review.insert("original_order".to_owned(), json!("o1"));
    assert_eq!(fate(&brand, review).await, EventFate::Accepted);
    let of_review = give(&brand, "m1", "review").await;
    let mut paid = event("o1 again", "m1", "order_paid", 1);
    paid.insert("amount_minor".to_owned(), json!(10_000));
    fate(&brand, paid).await;
    let other = give(&brand, "m1", "o1 again").await;
    refund(&brand, "m1", "r1", "o1", 1).await;
    let back: i64 = reversals(&brand, 3).iter().map(|(_, amount)| amount).sum();
    assert_eq!(back, first.cost + of_review.cost);
    world.assert_money(other.cost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_of_an_earlier_cycle_comes_back_in_the_transaction_of_the_refund() {
    let world = refunding(RefundRule::Whole);
    let brand = world.open();
    let one = order(&brand, "m1", "o1").await;
    brand.close(&one.decision, &one.grant, settled(None)).await.unwrap();
    // Two cycles later.
    world.at(60 * DAY);
    let later = playbook_online::Ask {
        at: Some(crate::brand::T + 60 * DAY),
        event: Some("e".to_owned()),
        member: "m1".to_owned(),
    };
    brand.decide(&later, "later").await.unwrap();
    refund(&brand, "m1", "r1", "o1", 10_000).await;
    let told = told(&brand);
    let last = told.last().unwrap();
    assert_eq!((last.1, &last.0.decision), (Some(("recovered", one.cost)), &one.decision));
    let spent = brand.balances().unwrap()[0].spent;
    assert_eq!(spent.0, 0);
    drop(brand);
    let brand = world.open();
    // In its own cycle the grant stands as taken back, so that the same proposal takes no money again.
    let again = give(&brand, "m1", "o1").await;
    assert_eq!(again.decision, one.decision);
}

/// A decision about an order under another key, so many days later.
async fn again(brand: &Brand, order: &str, days: i64) -> playbook_online::Decision {
    let ask = playbook_online::Ask {
        at: Some(crate::brand::T + days * DAY),
        event: Some(order.to_owned()),
        member: "m1".to_owned(),
    };
    let previewed = brand.preview(&ask).await.unwrap();
    let made = brand.decide(&ask, &format!("{order} again {days}")).await.unwrap().decision;
    assert_eq!((&previewed.granted, &previewed.refused), (&made.granted, &made.refused));
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_refund_took_back_is_not_granted_anew_for_the_same_event() {
    // What happens once an event happens again in another cycle, what happens once a day on another day.
    for frequency in [Frequency::OnceAnEvent, Frequency::OnceADay, Frequency::OnceACycle] {
        let world = World::new(
            |_| {},
            |_, shape| shape.actions.iter_mut().for_each(|action| action.frequency = frequency),
        );
        let brand = world.open();
        let one = order(&brand, "m1", "o1").await;
        refund(&brand, "m1", "r1", "o1", 10_000).await;
        world.assert_money(0, 0);
        for days in [0, 1, 2] {
            world.at(days * DAY);
            let made = again(&brand, "o1", days).await;
            assert!(made.granted.is_empty(), "{frequency:?}: {made:#?}");
            let codes: Vec<&str> =
                made.refused.iter().map(|effect| effect.refusal.as_ref().unwrap().code).collect();
            assert_eq!(codes, ["R12"], "{frequency:?} after {days} days");
            world.assert_money(0, 0);
        }
        // Another event of another order is another matter.
        world.at(3 * DAY);
        let mut paid = event("o2", "m1", "order_paid", 0);
        paid.insert("amount_minor".to_owned(), json!(10_000));
        assert_eq!(fate(&brand, paid).await, EventFate::Accepted);
        let other = again(&brand, "o2", 3).await;
        assert_eq!(other.granted.len(), 1, "{frequency:?}: {other:#?}");
        assert!(one.cost > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_after_a_refund_is_as_if_it_had_been_decided_before() {
    for (rule, is_granted) in
        [(RefundRule::Whole, false), (RefundRule::InProportion, true), (RefundRule::Nothing, true)]
    {
        let world = refunding(rule);
        let brand = world.open();
        welcome(&brand, "m1").await;
        let mut paid = event("o1", "m1", "order_paid", 1);
        paid.insert("amount_minor".to_owned(), json!(10_000));
        assert_eq!(fate(&brand, paid).await, EventFate::Accepted);
        refund(&brand, "m1", "r1", "o1", 7_500).await;
        let made = again(&brand, "o1", 0).await;
        assert_eq!(made.granted.len(), usize::from(is_granted), "{rule:?}: {made:#?}");
        let Some(effect) = made.granted.first() else { continue };
        let grant = effect.grant.as_ref().unwrap();
        brand.close(made.id.as_ref().unwrap(), grant, settled(None)).await.unwrap();
        let lowered = effect.cost_minor * 3 / 4;
        let lowered = if rule == RefundRule::InProportion { lowered } else { 0 };
        world.assert_money(0, effect.cost_minor - lowered);
        let undone: Vec<_> = told(&brand).into_iter().filter_map(|(_, how)| how).collect();
        match rule {
            RefundRule::InProportion => {
                assert_eq!(undone, [("lowered", lowered)]);
                let (effects, _) = brand.effects(0, 9).unwrap();
                let reversal = effects[1].reversal.as_ref().unwrap();
                assert_eq!(reversal.refund.as_deref(), Some("r1"));
            }
            _ => assert!(undone.is_empty()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_ends_the_review_of_what_nobody_was_told_of() {
    let world = World::new(
        |_| {},
        |def, shape| {
            def.terms.refund = RefundRule::InProportion;
            shape.actions.iter_mut().for_each(|action| action.needs_approval = true);
        },
    );
    let brand = world.open();
    let one = order(&brand, "m1", "o1").await;
    let two = order(&brand, "m2", "o2").await;
    refund(&brand, "m1", "r1", "o1", 10_000).await;
    assert_eq!(brand.review(1).unwrap().state, ReviewState::Refunded);
    assert!(told(&brand).is_empty());
    world.assert_money(two.cost, 0);
    // What was lowered before it was approved is told with the effect.
    refund(&brand, "m2", "r2", "o2", 5_000).await;
    assert!(told(&brand).is_empty());
    let verdict = playbook_online::Verdict::Approve;
    brand.decide_review(2, verdict, "ann", "fine").await.unwrap();
    let effects = told(&brand);
    assert_eq!((effects[0].1, effects[1].1), (None, Some(("lowered", two.cost / 2))));
    assert!(one.cost > 0);
}
