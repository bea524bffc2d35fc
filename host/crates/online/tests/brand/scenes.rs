//! Claims about scenes: limited offers, triggers, departments that want the same member, members who leave.

use std::sync::Arc;

use playbook_ledger::Ledger;
use playbook_ledger::store::RowScope;
use playbook_model::{LawDef, Minor, TrackDef};
use playbook_online::{Ask, OnlineError, ReviewState};
use serde_json::json;

use crate::brand::{DAY, T, event, object, welcome};
use crate::world::{World, give, reversals, told};

fn at(member: &str, event: &str) -> Ask {
    Ask { member: member.to_owned(), at: Some(T), event: Some(event.to_owned()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn y044_quota_is_exact_under_concurrency() {
    // What the pool `daily` holds after the reserve is enough for eight coupons of 2,500.
    let world = World::new(
        |playbook| {
            let budget = playbook.budget.as_mut().unwrap();
            (budget.total, budget.plugin_share_max) = (Minor(63_493), 1.0);
            playbook.guardrails.single_investment_max = 1.0;
        },
        |_, _| {},
    );
    let brand = Arc::new(world.open());
    for number in 0..4 {
        welcome(&brand, &format!("m{number}")).await;
    }
    // Of a stranger nothing is known but that it came by: no consent, no age.
    brand.events(&[event("j", "stranger", "join", 1)]).await.unwrap();
    let asking: Vec<_> = (0..64)
        .map(|number| {
            let brand = Arc::clone(&brand);
            tokio::spawn(async move {
                let ask = at(&format!("m{}", number % 4), &format!("presale-{number}"));
                brand.decide(&ask, &format!("{number}")).await.unwrap().decision
            })
        })
        .collect();
    let (mut granted, mut spent) = (0, 0);
    for task in asking {
        let decision = task.await.unwrap();
        spent += decision.granted.iter().map(|effect| effect.cost_minor).sum::<i64>();
        granted += decision.granted.len();
        for effect in decision.refused {
            assert_eq!(effect.refusal.unwrap().code, "R15");
        }
    }
    let daily = brand.balances().unwrap();
    let daily = daily.iter().find(|account| account.path.ends_with("/daily")).unwrap();
    assert_eq!((granted, spent), (8, 20_000), "{daily:?}");
    assert!(daily.available() < Minor(2_500));
    let stranger = brand.decide(&at("stranger", "presale"), "s").await.unwrap().decision;
    assert!(stranger.granted.is_empty());
    world.assert_money(20_000, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn y050_a_trigger_of_place_and_time_yields_a_proposal_at_once() {
    let world = World::new(|_| {}, |_, _| {});
    let brand = world.open();
    welcome(&brand, "m1").await;
    let mut scene = event("at the door", "m1", "scene_trigger", 0);
    scene.insert("place".to_owned(), json!("shop-7"));
    brand.events(&[scene]).await.unwrap();
    let seen = brand.effects_seen();
    let given = give(&brand, "m1", "at the door").await;
    assert_eq!((given.status, *seen.borrow()), ("granted", 1));
    // Another scene is another occasion, the same one is not.
    give(&brand, "m1", "at the till").await;
    let again = brand.decide(&at("m1", "at the door"), "other key").await.unwrap().decision;
    assert_eq!(again.granted[0].status, "granted-before");
}

#[tokio::test(flavor = "multi_thread")]
async fn y099_three_departments_one_member_one_message() {
    let world = World::new(|playbook| playbook.guardrails.family_window_h = 24, |_, _| {});
    let brand = world.open();
    welcome(&brand, "m1").await;
    let mut said = Vec::new();
    for department in ["marketing", "sales", "service"] {
        let decision = brand.decide(&at("m1", department), department).await.unwrap().decision;
        let told = brand.decision(decision.id.as_ref().unwrap()).unwrap();
        assert_eq!(told, decision, "it is explained as it was made");
        let refused = told.refused.first().and_then(|effect| effect.refusal.clone());
        said.push((told.granted.len(), refused.map(|r| (r.code, r.rule))));
    }
    let duplicate = (0, Some(("R12", "H9".to_owned())));
    assert_eq!(said, [(1, None), duplicate.clone(), duplicate]);
    assert_eq!(brand.effects(0, 10).unwrap().0.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn y089_unconfirmed_consent_yields_r05() {
    let world = World::new(|playbook| playbook.guardrails.consent.double = true, |_, _| {});
    let brand = world.open();
    for (member, first) in [("m1", None), ("m2", Some(107)), ("m3", Some(108))] {
        // They granted a hundred days ago.
        welcome(&brand, member).await;
        if let Some(days) = first {
            let asked =
                json!({ "purpose": "marketing", "state": "requested", "time": T - days * DAY });
            brand.put_member(member, &object(json!({})), &[object(asked)], "first").await.unwrap();
        }
    }
    let decided = async |member: &str, event: &str| {
        let decision = brand.decide(&at(member, event), event).await.unwrap().decision;
        let refused = decision.refused.iter().map(|effect| effect.refusal.as_ref().unwrap().code);
        (decision.granted.len(), refused.collect::<Vec<_>>())
    };
    assert_eq!(decided("m1", "e").await, (0, vec!["R05"]), "nobody asked first");
    assert_eq!(decided("m2", "e").await, (1, vec![]), "seven days lie between");
    assert_eq!(decided("m3", "e").await, (0, vec!["R05"]), "eight do");
    let withdrawn = json!({ "purpose": "marketing", "state": "withdrawn", "time": T - DAY });
    brand.put_member("m2", &object(json!({})), &[object(withdrawn)], "no").await.unwrap();
    assert_eq!(decided("m2", "another").await, (0, vec!["R05"]), "a withdrawal holds at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn y089_a_withdrawal_stops_what_waits_to_go_out() {
    let world = World::new(
        |_| {},
        |_, shape| shape.actions.iter_mut().for_each(|action| action.needs_approval = true),
    );
    let brand = world.open();
    let given = give(&brand, "m1", "e1").await;
    let withdrawn = json!({ "purpose": "marketing", "state": "withdrawn", "time": T });
    brand.put_member("m1", &object(json!({})), &[object(withdrawn)], "no").await.unwrap();
    world.assert_money(0, 0);
    let review = brand.review(1).unwrap();
    assert_eq!((review.state, review.closed_by), (ReviewState::Withdrawn, None));
    let said = brand.decide_review(1, playbook_online::Verdict::Approve, "ann", "fine").await;
    assert!(matches!(said, Err(OnlineError::Reviewed(ReviewState::Withdrawn))), "{said:?}");
    // Nobody was told of the effect, so nobody has to undo it.
    assert!(brand.effects(0, 10).unwrap().0.is_empty());
    assert!(given.cost > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn y089_a_withdrawal_ends_what_rests_on_it_and_nothing_else() {
    let world = World::new(|_| {}, |_, _| {});
    let brand = world.open();
    let first = give(&brand, "m1", "e1").await;
    let second = give(&brand, "m1", "e2").await;
    let other = give(&brand, "m2", "e1").await;
    brand.close(&first.decision, &first.grant, playbook_online::settled(None)).await.unwrap();
    let say = async |purpose: &str, state: &str, key: &str| {
        let answer = object(json!({ "purpose": purpose, "state": state, "time": T }));
        brand.put_member("m1", &object(json!({})), &[answer], key).await.unwrap();
    };
    say("location", "withdrawn", "a").await;
    world.assert_money(second.cost + other.cost, first.cost);
    say("marketing", "withdrawn", "b").await;
    world.assert_money(other.cost, first.cost);
    assert_eq!(reversals(&brand, 3), [("released", second.cost)]);
    let why = told(&brand)[3].0.reversal.as_ref().map(playbook_online::Reversal::why);
    assert_eq!(why, Some("withdrawn"));
    // The same answer again ends nothing twice, and what ended is not granted by the same occasion.
    say("marketing", "withdrawn", "c").await;
    assert_eq!(told(&brand).len(), 4);
    let again = brand.decide(&at("m1", "e2"), "again").await.unwrap().decision;
    assert!(again.granted.is_empty(), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn y089_no_grant_stands_after_a_withdrawal_however_they_race() {
    let world = World::new(|_| {}, |_, _| {});
    let brand = Arc::new(world.open());
    for round in 0..8 {
        let member = format!("m{round}");
        welcome(&brand, &member).await;
        let asking: Vec<_> = (0..24)
            .map(|number| {
                let (brand, member) = (Arc::clone(&brand), member.clone());
                tokio::spawn(async move {
                    let ask = at(&member, &format!("e{number}"));
                    brand.decide(&ask, &format!("{number}")).await.unwrap();
                })
            })
            .collect();
        let withdrawn = json!({ "purpose": "marketing", "state": "withdrawn", "time": T });
        brand.put_member(&member, &object(json!({})), &[object(withdrawn)], "no").await.unwrap();
        for task in asking {
            task.await.unwrap();
        }
        world.assert_money(0, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn y089_a_child_needs_the_consent_of_a_guardian_whatever_it_says_itself() {
    let law = LawDef {
        region_feature: "region".to_owned(),
        eu: TrackDef::default(),
        local: TrackDef::default(),
    };
    let world = World::new(
        |playbook| {
            playbook.guardrails.age_band_feature = Some("age_band".to_owned());
            playbook.guardrails.law = Some(law.clone());
        },
        |_, shape| shape.actions.iter_mut().for_each(|action| action.commercial = false),
    );
    let brand = world.open();
    let decided = async |member: &str, key: &str| {
        let decision = brand.decide(&at(member, key), key).await.unwrap().decision;
        let codes = decision.refused.iter().map(|effect| effect.refusal.clone().unwrap());
        (decision.granted.len(), codes.map(|r| (r.code, r.rule)).collect::<Vec<_>>())
    };
    let by_age = || vec![("R07", "GR-13".to_owned())];
    for (band, granted) in [("under_14", 0), ("unknown", 0), ("14_17", 1), ("adult", 1)] {
        welcome(&brand, band).await;
        let profile = object(json!({ "age_band": band }));
        brand.put_member(band, &profile, &[], "age").await.unwrap();
        let refused = if granted == 0 { by_age() } else { Vec::new() };
        assert_eq!(decided(band, "e1").await, (granted, refused), "{band}");
    }
    let consents = json!({ "purpose": "guardian", "state": "granted", "time": T - DAY });
    brand.put_member("under_14", &object(json!({})), &[object(consents)], "yes").await.unwrap();
    assert_eq!(decided("under_14", "e2").await, (1, Vec::new()));
    // The guardian may take it back, and then nothing waits for the child.
    let withdrawn = json!({ "purpose": "guardian", "state": "withdrawn", "time": T });
    brand.put_member("under_14", &object(json!({})), &[object(withdrawn)], "no").await.unwrap();
    assert_eq!(decided("under_14", "e3").await, (0, by_age()));
    let ended = told(&brand).into_iter().filter(|(_, how)| how.is_some()).count();
    assert_eq!(ended, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn y089_a_consent_ends_after_the_months_that_the_playbook_says() {
    let world = World::new(|playbook| playbook.guardrails.consent.months = 3, |_, _| {});
    let brand = world.open();
    // A hundred days ago.
    welcome(&brand, "m1").await;
    let decision = brand.decide(&at("m1", "e1"), "e1").await.unwrap().decision;
    assert_eq!(decision.refused[0].refusal.as_ref().unwrap().code, "R05");
}

#[tokio::test(flavor = "multi_thread")]
async fn y092_erasure_leaves_nothing_of_the_member_and_gives_a_receipt() {
    let world = World::new(|_| {}, |_, _| {});
    let brand = world.open();
    let who = "somebody-who-leaves";
    welcome(&brand, who).await;
    let profile = object(json!({ "channel": "a-word-of-the-profile" }));
    brand.put_member(who, &profile, &[], "profile").await.unwrap();
    let key = json!({ "key_kind": "phone", "key_hash": "hash-of-somebody", "verified": true });
    brand.identify_member(who, (&object(json!({})), &[], &[object(key)]), "key").await.unwrap();
    let mut paid = event("an-order-of-somebody", who, "order_paid", 1);
    paid.insert("amount_minor".to_owned(), json!(10_000));
    brand.events(&[paid]).await.unwrap();
    let given = give(&brand, who, "an-order-of-somebody").await;
    let mut refund = event("a-refund-of-somebody", who, "order_refunded", 0);
    refund.insert("amount_minor".to_owned(), json!(1));
    refund.insert("original_order".to_owned(), json!("an-order-of-somebody"));
    brand.events(&[refund]).await.unwrap();
    let words = [
        who,
        "a-word-of-the-profile",
        "order-of-somebody",
        "refund-of-somebody",
        "hash-of-somebody",
    ];
    let found = || {
        let ledger = Ledger::read(&world.file(), "demo-club").unwrap();
        let mut found = Vec::new();
        for space in 1..=60 {
            let mut look = |_: i64, key: &[u8], value: &[u8]| {
                let text = [String::from_utf8_lossy(key), String::from_utf8_lossy(value)].concat();
                found.extend(words.iter().filter(|w| text.contains(**w)).map(|w| (space, *w)));
                Ok(true)
            };
            ledger.rows(space, RowScope::After(None), &mut look).unwrap();
        }
        found
    };
    assert!(found().len() > 5);
    let receipt = brand.erase(who, "leave").await.unwrap();
    assert_eq!((receipt.receipt.len(), receipt.decisions), (64, 1));
    assert_eq!(found(), []);
    assert!(matches!(brand.member(who), Err(OnlineError::Unknown("member"))));
    assert!(matches!(brand.decision(&given.decision), Err(OnlineError::Unknown(_))));
    assert_eq!(brand.erase(who, "leave").await.unwrap(), receipt, "asked again, the same receipt");
    // Effects of nobody are told to nobody, and the ledger stands.
    assert!(brand.effects(0, 10).unwrap().0.is_empty());
    world.assert_money(0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn y092_whoever_comes_again_after_an_erasure_is_somebody_else() {
    let world = World::new(|playbook| playbook.guardrails.family_window_h = 24, |_, _| {});
    let brand = world.open();
    let mut keys = Vec::new();
    for round in 0..3 {
        let given = give(&brand, "m1", "e1").await;
        // What the one before got does not stand in the way, and is not taken for this one's.
        assert_eq!(given.status, "granted", "round {round}");
        let key = brand.member("m1").unwrap().key;
        assert!(!keys.contains(&key) && given.decision.starts_with(&format!("{key:016x}")));
        keys.push(key);
        let again = brand.decide(&at("m1", "e2"), "again").await.unwrap().decision;
        assert_eq!(again.refused[0].refusal.as_ref().unwrap().code, "R12");
        brand.erase("m1", &format!("leave {round}")).await.unwrap();
        assert!(matches!(brand.decision(&given.decision), Err(OnlineError::Unknown(_))));
    }
    drop(brand);
    let brand = world.open();
    give(&brand, "m1", "e1").await;
    assert!(!keys.contains(&brand.member("m1").unwrap().key), "a restart forgets nobody");
    give(&brand, "m2", "e1").await;
    // Entries of the ledger stand under their one-way tokens, and it proves.
    let ledger = Ledger::read(&world.file(), "demo-club").unwrap();
    assert!(matches!(ledger.prove(), Ok(playbook_ledger::Proof::Sound { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn y092_nothing_comes_back_under_the_old_pseudonym_however_it_races() {
    let world = World::new(|_| {}, |_, _| {});
    let brand = Arc::new(world.open());
    welcome(&brand, "m1").await;
    let old = brand.member("m1").unwrap().key;
    let asking: Vec<_> = (0..48)
        .map(|number| {
            let brand = Arc::clone(&brand);
            tokio::spawn(async move {
                let late = event(&format!("late-{number}"), "m1", "like", 1);
                brand.events(&[late]).await.unwrap();
                brand.decide(&at("m1", &format!("e{number}")), &format!("{number}")).await.unwrap();
                let profile = object(json!({ "channel": "app" }));
                brand.put_member("m1", &profile, &[], &format!("{number}")).await.unwrap();
            })
        })
        .collect();
    brand.erase("m1", "leave").await.unwrap();
    for task in asking {
        task.await.unwrap();
    }
    assert_ne!(brand.member("m1").unwrap().key, old);
    let ledger = Ledger::read(&world.file(), "demo-club").unwrap();
    for space in 1..=11 {
        let mut left = 0;
        let mut look = |owner: i64, _: &[u8], _: &[u8]| {
            left += usize::from(owner == old);
            Ok(true)
        };
        ledger.rows(space, RowScope::After(None), &mut look).unwrap();
        assert_eq!(left, 0, "space {space}");
    }
}
