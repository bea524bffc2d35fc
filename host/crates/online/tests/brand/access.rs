//! Grants of access end by themselves, and by nobody else's clock.

use playbook_model::DataClass;
use playbook_online::{AccessState, AccessStep, OnlineError};

use crate::brand::DAY;
use crate::world::World;

fn ask(days: u32) -> AccessStep {
    AccessStep::Ask { class: DataClass::D, days, reason: "ticket".to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn y091_access_ends_with_its_days_and_whoever_asked_cannot_approve() {
    let world = World::new(|_| {}, |_, _| {});
    let brand = world.open();
    for days in [0, 91] {
        assert!(matches!(brand.access(ask(days), "ann").await, Err(OnlineError::Fields(_))));
    }
    let asked = brand.access(ask(7), "ann").await.unwrap();
    assert_eq!(brand.access(ask(7), "ann").await.unwrap(), asked, "asked again, the same");
    let approve = AccessStep::Approve(asked.number);
    let alone = brand.access(approve.clone(), "ann").await;
    assert!(matches!(alone, Err(OnlineError::SamePerson)), "{alone:?}");
    assert_eq!(brand.granted_to("ann").unwrap(), []);
    brand.access(approve.clone(), "bob").await.unwrap();
    assert_eq!(brand.granted_to("ann").unwrap(), [DataClass::D]);
    assert_eq!(brand.granted_to("bob").unwrap(), []);
    drop(brand);
    // It stands in the store, and ends by the clock alone.
    let brand = world.open();
    world.at(7 * DAY - 1);
    assert_eq!(brand.granted_to("ann").unwrap(), [DataClass::D]);
    world.at(7 * DAY);
    assert_eq!(brand.granted_to("ann").unwrap(), []);
    let late = brand.access(approve, "bob").await;
    assert!(matches!(late, Err(OnlineError::AccessClosed(AccessState::Over))), "{late:?}");
    let unknown = brand.access(AccessStep::End(9), "bob").await;
    assert!(matches!(unknown, Err(OnlineError::Unknown(_))), "{unknown:?}");
}
