//! Claims about accounts of one person that need a clock, or rules of their own.

use playbook_online::{Ask, OnlineError};

use crate::accounts::{identify, known};
use crate::brand::{DAY, T};
use crate::world::{World, give};

#[tokio::test(flavor = "multi_thread")]
async fn y088_a_merge_is_undone_within_90_days_and_not_later() {
    let world = World::new(|_| {}, |_, _| {});
    let brand = world.open();
    for (late, parts) in [(90, true), (91, false)] {
        let [one, other] = ["a", "b"].map(|name| format!("{name}{late}"));
        world.at(0);
        let phone = format!("{late}");
        identify(&brand, &one, 9, &[("phone", &phone)]).await;
        world.at(DAY);
        identify(&brand, &other, 8, &[("phone", &phone)]).await;
        world.at((1 + late) * DAY);
        // By whichever of the two.
        let said = brand.part(&other, &one, "me").await;
        assert_eq!(said.is_ok(), parts, "{said:?}");
        assert!(parts || matches!(said, Err(OnlineError::TooLate)));
        assert_eq!(brand.accounts(&one).unwrap().len(), if parts { 1 } else { 2 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn y088_caps_and_families_of_a_person_count_what_each_account_got() {
    let world = World::new(|playbook| playbook.guardrails.family_window_h = 24, |_, _| {});
    let brand = world.open();
    known(&brand, "a").await;
    give(&brand, "b", "e1").await;
    identify(&brand, "a", 9, &[("email", "x")]).await;
    let ask = |member: &str, event: &str| Ask {
        member: member.to_owned(),
        at: Some(T),
        event: Some(event.to_owned()),
    };
    identify(&brand, "b", 8, &[("email", "x")]).await;
    for (account, key) in [("a", "1"), ("b", "2")] {
        let decision = brand.decide(&ask(account, "e2"), key).await.unwrap().decision;
        let refusal = decision.refused[0].refusal.as_ref().map(|refusal| refusal.code);
        assert_eq!((decision.member.as_str(), refusal), ("a", Some("R12")));
        let (_, caps) = brand.caps(account, Some(T)).unwrap();
        assert_eq!((caps.contacts_day.used, caps.families.len()), (1, 1));
    }
    // Parted again each has what it got itself.
    brand.part("a", "b", "me").await.unwrap();
    let used = |of: &str| brand.caps(of, Some(T)).unwrap().1.contacts_day.used;
    assert_eq!((used("a"), used("b")), (0, 1));
}
