//! Claims about effects that a person decides on.

use playbook_ledger::Closure;
use playbook_online::{Brand, OnlineError, Review, ReviewState, Verdict, Why, settled};

use crate::brand::{DAY, ask, welcome};
use crate::world::{World, give, reversals, told};

/// Every action needs approval.
fn approved_first() -> World {
    let all = |shape: &mut playbook_model::Shape| {
        shape.actions.iter_mut().for_each(|action| action.needs_approval = true);
    };
    World::new(|_| {}, |_, shape| all(shape))
}

/// Whoever takes part is held for fraud.
fn held(needs_approval: bool) -> World {
    World::new(
        |playbook| {
            playbook.guardrails.fraud_output = Some("behaviour-points.points_30d".to_owned());
            playbook.guardrails.fraud_from = 1.0;
        },
        |_, shape| {
            shape.actions.iter_mut().for_each(|action| action.needs_approval = needs_approval);
        },
    )
}

fn waiting(brand: &Brand) -> Vec<Review> {
    brand.reviews(Some(ReviewState::Waiting), 0, 100).unwrap().0
}

async fn say(
    brand: &Brand,
    number: u64,
    verdict: Verdict,
    by: &str,
) -> Result<Review, OnlineError> {
    brand.decide_review(number, verdict, by, "it was looked at").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_approval_goes_out_once_a_person_approves() {
    let world = approved_first();
    let brand = world.open();
    let (one, two) = (give(&brand, "m1", "e1").await, give(&brand, "m2", "e1").await);
    assert_eq!(one.status, "waits-for-approval");
    assert!(one.cost > 0 && told(&brand).is_empty());
    world.assert_money(one.cost + two.cost, 0);
    let reviews = waiting(&brand);
    let seen: Vec<_> = reviews.iter().map(|r| (r.number, r.why, r.member.as_str())).collect();
    assert_eq!(seen, [(1, Why::Approval, "m1"), (2, Why::Approval, "m2")]);
    assert_eq!((&reviews[0].decision, reviews[0].effect.cost_minor), (&one.decision, one.cost));

    // Nobody settles or releases it meanwhile.
    for closure in [settled(None), Closure::Release] {
        let closed = brand.close(&one.decision, &one.grant, closure).await;
        assert!(matches!(closed, Err(OnlineError::Waits)));
    }
    let none = brand.decide_review(1, Verdict::Approve, "ann", " ").await;
    assert!(matches!(none, Err(OnlineError::Fields(_))), "a reason is asked for");
    let review = say(&brand, 1, Verdict::Approve, "ann").await.unwrap();
    assert_eq!((review.state, review.closed_by.as_deref()), (ReviewState::Approved, Some("ann")));
    assert_eq!(review.reason.as_deref(), Some("it was looked at"));
    say(&brand, 1, Verdict::Approve, "ann").await.unwrap();
    let other = say(&brand, 1, Verdict::Refuse, "ann").await;
    assert!(matches!(other, Err(OnlineError::Reviewed(ReviewState::Approved))));
    let effects = told(&brand);
    assert_eq!(effects.len(), 1);
    assert_eq!(effects[0].0.effect.grant.as_ref(), Some(&one.grant));
    brand.close(&one.decision, &one.grant, settled(None)).await.unwrap();

    drop(brand);
    let brand = world.open();
    assert_eq!(waiting(&brand).len(), 1);
    let refused = say(&brand, 2, Verdict::Refuse, "ann").await.unwrap();
    assert_eq!(refused.state, ReviewState::Refused);
    world.assert_money(0, one.cost);
    assert!(waiting(&brand).is_empty());
    assert_eq!(told(&brand).len(), 1, "a refused effect is told to nobody");
    assert!(matches!(say(&brand, 3, Verdict::Approve, "a").await, Err(OnlineError::Unknown(_))));
    assert!(matches!(say(&brand, 0, Verdict::Approve, "a").await, Err(OnlineError::Unknown(_))));
    give(&brand, "m3", "e1").await;
    assert_eq!(waiting(&brand)[0].number, 3, "numbers go on after a start");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asked_for_a_decision_does_not_approve_it() {
    let world = approved_first();
    let brand = world.open();
    welcome(&brand, "m1").await;
    brand.decide_for(&ask("m1"), "a", Some("ann")).await.unwrap();
    assert_eq!(waiting(&brand)[0].requested_by.as_deref(), Some("ann"));
    assert!(matches!(say(&brand, 1, Verdict::Approve, "ann").await, Err(OnlineError::SamePerson)));
    assert!(told(&brand).is_empty());
    say(&brand, 1, Verdict::Approve, "ben").await.unwrap();
    assert_eq!(told(&brand).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_for_fraud_waits_with_its_money_and_is_approved_after_it() {
    let world = held(false);
    let brand = world.open();
    let one = give(&brand, "m1", "e1").await;
    assert_eq!(one.status, "held-for-review");
    assert_eq!(waiting(&brand)[0].why, Why::Fraud);
    world.assert_money(one.cost, 0);
    say(&brand, 1, Verdict::Refuse, "ann").await.unwrap();
    world.assert_money(0, 0);
    let two = give(&brand, "m1", "e2").await;
    say(&brand, 2, Verdict::Approve, "ann").await.unwrap();
    assert_eq!(told(&brand)[0].0.effect.grant.as_ref(), Some(&two.grant));

    // Two questions: is it fraud, and may it go out.
    let world = held(true);
    let brand = world.open();
    give(&brand, "m1", "e1").await;
    say(&brand, 1, Verdict::Approve, "ann").await.unwrap();
    assert!(told(&brand).is_empty());
    assert_eq!(waiting(&brand)[0].why, Why::Approval);
    say(&brand, 2, Verdict::Approve, "ann").await.unwrap();
    assert_eq!(told(&brand).len(), 1);
    // The second one ends with the grant as the first one would.
    give(&brand, "m2", "e1").await;
    say(&brand, 3, Verdict::Approve, "ann").await.unwrap();
    world.at(31 * DAY);
    let late = say(&brand, 4, Verdict::Approve, "ann").await;
    assert!(matches!(late, Err(OnlineError::Reviewed(ReviewState::Expired))));
    assert!(waiting(&brand).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_nobody_decides_on_ends_with_its_grant() {
    let world = approved_first();
    let brand = world.open();
    let one = give(&brand, "m1", "e1").await;
    assert_eq!(waiting(&brand)[0].ends, crate::brand::T + 30 * DAY);
    world.at(30 * DAY);
    let late = say(&brand, 1, Verdict::Approve, "ann").await;
    assert!(matches!(late, Err(OnlineError::Reviewed(ReviewState::Expired))));
    let closed = brand.close(&one.decision, &one.grant, settled(None)).await;
    assert!(matches!(closed, Err(OnlineError::Ended)));
    world.assert_money(0, 0);
    assert!(waiting(&brand).is_empty() && reversals(&brand, 0).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_come_in_pages_of_any_state() {
    let world = approved_first();
    let brand = world.open();
    for member in ["m1", "m2", "m3", "m4", "m5"] {
        give(&brand, member, "e1").await;
    }
    say(&brand, 2, Verdict::Approve, "ann").await.unwrap();
    say(&brand, 4, Verdict::Refuse, "ann").await.unwrap();
    let all = |state: Option<ReviewState>| {
        let (mut numbers, mut after) = (Vec::new(), 0);
        loop {
            let (page, next) = brand.reviews(state, after, 2).unwrap();
            assert!(page.len() <= 2);
            numbers.extend(page.iter().map(|review| review.number));
            match next {
                Some(next) => after = next,
                None => return numbers,
            }
        }
    };
    assert_eq!(all(None), [1, 2, 3, 4, 5]);
    assert_eq!(all(Some(ReviewState::Waiting)), [1, 3, 5]);
    assert_eq!(all(Some(ReviewState::Approved)), [2]);
    assert_eq!(all(Some(ReviewState::Refused)), [4]);
    assert!(all(Some(ReviewState::Expired)).is_empty());
    brand.erase("m3", "gone").await.unwrap();
    assert_eq!(all(None), [1, 2, 4, 5]);
    let of_nobody = say(&brand, 3, Verdict::Approve, "ann").await;
    assert!(matches!(of_nobody, Err(OnlineError::Unknown("review"))));
}
