//! Claims about freezes: first in the order, and only a person ends one.

use playbook_model::Priority;
use playbook_online::{FreezeScope, OnlineError, Verdict};

use crate::brand::{ask, welcome};
use crate::world::{World, give, told};

fn stage() -> FreezeScope {
    FreezeScope::Stage("ladder-exchange".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_comes_first_and_ends_by_a_person() {
    let world = World::new(|_| {}, |_, _| {});
    let brand = world.open();
    welcome(&brand, "m1").await;
    // Whoever agreed to nothing is refused for the freeze first.
    let join = crate::brand::event("j", "stranger", "join", 1);
    brand.events(&[join]).await.unwrap();
    for (number, scope) in [(1, stage()), (3, FreezeScope::Brand)] {
        let frozen = brand.freeze(scope.clone(), true, "ann", "a wrong price").await.unwrap();
        assert_eq!((frozen.number, frozen.begins, frozen.by.as_str()), (number, true, "ann"));
        let again = brand.freeze(scope.clone(), true, "ben", "the same").await.unwrap();
        assert_eq!(again, frozen, "what is frozen stays so");
        for member in ["m1", "stranger"] {
            let decision = brand.decide(&ask(member), &format!("{number}")).await.unwrap().decision;
            assert!(decision.granted.is_empty(), "{decision:#?}");
            for effect in &decision.refused {
                let refusal = effect.refusal.as_ref().unwrap();
                assert_eq!((refusal.code, refusal.rule.as_str()), ("R03", "H13"));
            }
        }
        let lifted = brand.freeze(scope.clone(), false, "ann", "corrected").await.unwrap();
        assert_eq!((lifted.number, lifted.begins), (number + 1, false));
    }
    let never = World::new(|_| {}, |_, _| {});
    let fresh = never.open();
    let lift = fresh.freeze(FreezeScope::Brand, false, "ann", "why").await;
    assert!(matches!(lift, Err(OnlineError::Closed(_))));
    give(&brand, "m1", "e1").await;
    drop(brand);
    let brand = world.open();
    assert_eq!(brand.freezes().unwrap().len(), 4);
    let nobody = brand.freeze(FreezeScope::Stage("value-rfm".to_owned()), true, "a", "b").await;
    assert!(matches!(nobody, Err(OnlineError::Fields(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_and_safety_pass_a_freeze() {
    let world = World::new(
        |_| {},
        |_, shape| {
            shape.actions.iter_mut().for_each(|action| action.priority = Priority::Transaction);
        },
    );
    let brand = world.open();
    for scope in [stage(), FreezeScope::Brand] {
        brand.freeze(scope, true, "ann", "a storm").await.unwrap();
    }
    let given = give(&brand, "m1", "e1").await;
    assert_eq!(given.status, "granted");
    assert!(brand.balances().unwrap()[0].frozen);
    world.assert_money(given.cost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_approved_while_it_is_frozen() {
    let world = World::new(
        |_| {},
        |_, shape| shape.actions.iter_mut().for_each(|action| action.needs_approval = true),
    );
    let brand = world.open();
    give(&brand, "m1", "e1").await;
    give(&brand, "m2", "e1").await;
    brand.freeze(stage(), true, "ann", "a storm").await.unwrap();
    let frozen = brand.decide_review(1, Verdict::Approve, "ben", "fine").await;
    assert!(matches!(frozen, Err(OnlineError::Frozen)));
    brand.decide_review(2, Verdict::Refuse, "ben", "not now").await.unwrap();
    brand.freeze(stage(), false, "ann", "it is over").await.unwrap();
    brand.decide_review(1, Verdict::Approve, "ben", "fine").await.unwrap();
    assert_eq!(told(&brand).len(), 1);
}
