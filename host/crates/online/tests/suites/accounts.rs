//! Accounts of one person (domain H2), over whatever store the root has: an equal verified key makes them one member, and that can be
//! undone.

use playbook_ledger::{Ledger, Proof};
use playbook_online::{Brand, EventFate, OnlineError};
use serde_json::{Value, json};

use crate::brand::{DAY, T, ask, event, object, open, welcome};

/// Says by which verified keys an account is known, and since when it is a member.
pub(crate) async fn identify(brand: &Brand, account: &str, joined: i64, keys: &[(&str, &str)]) {
    let profile = object(json!({ "joined": T - joined * DAY }));
    let keys: Vec<_> = keys
        .iter()
        .map(|(kind, hash)| {
            let key =
                json!({ "key_kind": kind, "key_hash": hash, "verified": true, "channel": "app" });
            object(key)
        })
        .collect();
    let once = format!("identify {keys:?}");
    brand.identify_member(account, (&profile, &[], &keys), &once).await.unwrap();
}

/// An account of whom little is known but that it is an adult who agreed.
pub(crate) async fn known(brand: &Brand, account: &str) {
    let consents = ["marketing", "service", "profiling"].map(|purpose| {
        object(json!({ "purpose": purpose, "state": "granted", "time": T - 100 * DAY }))
    });
    let profile = object(json!({ "age_band": "adult", "channel": "messaging" }));
    brand.put_member(account, &profile, &consents, "known").await.unwrap();
    let fates = brand.events(&[event("seen", account, "join", 300)]).await.unwrap();
    assert_eq!(fates, [Ok(EventFate::Accepted)]);
}

fn ids(brand: &Brand, of: &str) -> Vec<String> {
    brand.accounts(of).unwrap().into_iter().map(|account| account.id).collect()
}

async fn comments(brand: &Brand, account: &str, from: usize, many: usize) {
    let events: Vec<_> = (from..from + many)
        .map(|number| event(&format!("c{number}"), account, "comment", 2))
        .collect();
    let fates = brand.events(&events).await.unwrap();
    assert!(fates.iter().all(|fate| *fate == Ok(EventFate::Accepted)), "{fates:?}");
}

async fn feature(brand: &Brand, member: &str, name: &str) -> Value {
    brand.preview(&ask(member)).await.unwrap().features[name].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn y088_one_person_over_three_channels_is_one_member_and_the_merge_is_undone() {
    let folder = crate::place();
    let mut brand = open(folder.path());
    for account in ["app-1", "web-3"] {
        known(&brand, account).await;
    }
    welcome(&brand, "wx-2").await;
    let mut order = event("o", "web-3", "order_paid", 5);
    order.insert("amount_minor".to_owned(), json!(100));
    brand.events(&[order]).await.unwrap();
    let before = brand.decide(&ask("wx-2"), "before").await.unwrap().decision;
    assert_eq!((before.member.as_str(), before.granted.len()), ("wx-2", 1), "{before:#?}");
    assert_eq!(brand.totals().unwrap().members, 3);

    // The second knows the phone of the first and the mail of the third.
    identify(&brand, "app-1", 300, &[("phone", "p")]).await;
    identify(&brand, "web-3", 100, &[("email", "m")]).await;
    assert_eq!(brand.totals().unwrap().members, 3);
    identify(&brand, "wx-2", 200, &[("phone", "p"), ("email", "m")]).await;
    assert_eq!(brand.totals().unwrap().members, 1);
    comments(&brand, "wx-2", 0, 5).await;
    for round in 0..2 {
        let mut all = ids(&brand, "web-3");
        assert_eq!(all[0], "app-1", "the oldest gives the id");
        all.sort();
        assert_eq!(all, ["app-1", "web-3", "wx-2"]);
        for account in ["app-1", "wx-2", "web-3"] {
            let member = brand.member(account).unwrap();
            assert_eq!((member.id.as_str(), member.events), ("app-1", 404 + 3 + 5));
            assert_eq!(feature(&brand, account, "orders_90d").await, json!(4));
            let (told, events, _) = brand.copy_of(account).unwrap();
            assert_eq!((told.key, events.len()), (member.key, 404 + 3 + 5));
        }
        // What one account was granted counts for all of them, whichever is asked for.
        let key = format!("after {round}");
        let again = brand.decide(&ask("web-3"), &key).await.unwrap().decision;
        assert_eq!(again.member, "app-1");
        assert_eq!(again.granted[0].status, "granted-before", "{again:#?}");
        assert_eq!(again.granted[0].grant, before.granted[0].grant);
        let repeated = brand.decide(&ask("wx-2"), "before").await.unwrap();
        assert!(repeated.is_repeated && repeated.decision == before, "its answer stands");
        assert_eq!(brand.decision(before.id.as_ref().unwrap()).unwrap(), before);
        drop(brand);
        brand = open(folder.path());
    }
    assert_eq!(brand.decisions(&of("app-1"), None, 10).unwrap().decisions.len(), 3);
    let (entries, _) =
        brand.entries(&playbook_ledger::EntryFilter::default(), Some("app-1"), None, 9).unwrap();
    assert_eq!(entries.len(), 1, "what stands under the pseudonym of another account is listed");

    // Undone: each has what came in its name, before and since. The third was linked by the second alone.
    let nobody = brand.part("app-1", "somebody", "me").await;
    assert!(matches!(nobody, Err(OnlineError::Unknown("account"))));
    brand.part("app-1", "wx-2", "me").await.unwrap();
    for _ in 0..2 {
        assert_eq!(brand.totals().unwrap().members, 3);
        for (account, events, orders) in [("app-1", 1, 0), ("wx-2", 409, 3), ("web-3", 2, 1)] {
            let member = brand.member(account).unwrap();
            assert_eq!((member.id.as_str(), member.events), (account, events));
            assert_eq!(ids(&brand, account), [account]);
            assert_eq!(feature(&brand, account, "orders_90d").await, json!(orders));
        }
        drop(brand);
        brand = open(folder.path());
    }
    assert_eq!(brand.decisions(&of("wx-2"), None, 10).unwrap().decisions, [before.clone()]);
    let alone = brand.part("wx-2", "wx-2", "me").await;
    assert!(matches!(alone, Err(OnlineError::Unknown("account"))), "{alone:?}");
    // The same keys once more join nobody whom a person has parted.
    let keys = [object(json!({ "key_kind": "card", "key_hash": "c", "verified": true }))];
    for account in ["app-1", "wx-2"] {
        brand.identify_member(account, (&object(json!({})), &[], &keys), "card").await.unwrap();
    }
    assert_eq!(brand.totals().unwrap().members, 3);
    let since = brand.decide(&ask("wx-2"), "since").await.unwrap().decision;
    assert_eq!(since.granted[0].grant, before.granted[0].grant, "what it was granted is its own");
    drop(brand);
    let ledger = crate::vault(folder.path()).read("demo-club").unwrap();
    proves(&ledger);
}

fn of(member: &str) -> playbook_online::DecisionFilter {
    playbook_online::DecisionFilter {
        member: Some(member.to_owned()),
        ..playbook_online::DecisionFilter::default()
    }
}

fn proves(ledger: &Ledger) {
    assert!(matches!(ledger.prove(), Ok(Proof::Sound { .. })), "{:?}", ledger.prove());
}

#[tokio::test(flavor = "multi_thread")]
async fn y088_two_verified_phones_are_two_people_whenever_the_second_comes() {
    let folder = crate::place();
    let brand = open(folder.path());
    let one = |account: &str| ids(&brand, account).len() == 1;
    identify(&brand, "a", 30, &[("phone", "1"), ("email", "x")]).await;
    identify(&brand, "b", 20, &[("email", "x"), ("phone", "2")]).await;
    assert!(one("a") && one("b"));
    // Another kind with the same hash is another key, and one that is not verified joins nobody.
    identify(&brand, "c", 10, &[("card", "x")]).await;
    let unverified = object(json!({ "key_kind": "email", "key_hash": "x", "verified": false }));
    brand.identify_member("c", (&object(json!({})), &[], &[unverified]), "no").await.unwrap();
    assert!(one("c"));
    // Who was one person with another, and turns out to have a phone of its own, is not.
    identify(&brand, "d", 10, &[("card", "y")]).await;
    identify(&brand, "e", 40, &[("card", "y"), ("phone", "3")]).await;
    assert_eq!(ids(&brand, "d"), ["e", "d"]);
    identify(&brand, "d", 10, &[("phone", "4")]).await;
    assert!(one("d") && one("e"));
    // And the other way round: the key that held them apart is not verified any more.
    let gone = object(json!({ "key_kind": "phone", "key_hash": "4", "verified": false }));
    brand.identify_member("d", (&object(json!({})), &[], &[gone]), "gone").await.unwrap();
    assert_eq!(ids(&brand, "d"), ["e", "d"]);
    // The oldest gives the id, also where that is learned later.
    identify(&brand, "d", 90, &[]).await;
    assert_eq!(ids(&brand, "e"), ["d", "e"]);
    assert_eq!(brand.totals().unwrap().members, 4);
    for (key, field) in [
        (json!({ "key_kind": "face", "key_hash": "x", "verified": true }), "key_kind"),
        (json!({ "key_kind": "card", "key_hash": " ", "verified": true }), "key_hash"),
        (json!({ "key_kind": "card", "key_hash": "x" }), "verified"),
    ] {
        let keys = [object(key)];
        let said = brand.identify_member("a", (&object(json!({})), &[], &keys), field).await;
        let Err(OnlineError::Fields(errors)) = said else { panic!("{said:?}") };
        assert_eq!(errors[0].field, field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn y088_keys_that_would_link_very_many_accounts_are_refused_and_nothing_is_kept_of_them() {
    let folder = crate::place();
    let brand = open(folder.path());
    for number in 0..64 {
        identify(&brand, &format!("m{number:02}"), 1, &[("card", "till")]).await;
    }
    assert_eq!((ids(&brand, "m63").len(), brand.totals().unwrap().members), (64, 1));
    let keys = [object(json!({ "key_kind": "card", "key_hash": "till", "verified": true }))];
    let said = brand.identify_member("m64", (&object(json!({})), &[], &keys), "one more").await;
    assert!(matches!(said, Err(OnlineError::Fields(_))), "{said:?}");
    assert!(brand.member("m64").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn y088_a_no_of_one_account_holds_for_the_person_and_erasure_takes_all_accounts() {
    let folder = crate::place();
    let brand = open(folder.path());
    welcome(&brand, "a").await;
    known(&brand, "b").await;
    let granted = brand.decide(&ask("a"), "a").await.unwrap().decision;
    assert_eq!(granted.granted.len(), 1);
    let no = object(json!({ "purpose": "marketing", "state": "withdrawn", "time": T - 200 * DAY }));
    brand.put_member("c", &object(json!({})), &[no], "no").await.unwrap();
    identify(&brand, "a", 9, &[("phone", "1")]).await;
    identify(&brand, "b", 8, &[("phone", "1")]).await;
    let again = brand.decide(&ask("b"), "again").await.unwrap().decision;
    assert_eq!((again.granted.len(), &again.features["consent.marketing"]), (1, &json!(1)));
    // The third said no long before the others said yes: of accounts the strictest answer holds, and what waits ends.
    identify(&brand, "c", 7, &[("phone", "1")]).await;
    let after = brand.decide(&ask("b"), "after").await.unwrap().decision;
    assert_eq!((after.granted.len(), &after.features["consent.marketing"]), (0, &json!(0)));
    assert_eq!(brand.balances().unwrap()[0].reserved.0, 0);

    let erased = brand.erase("b", "leave").await.unwrap();
    assert_eq!((erased.events, erased.consents, erased.decisions), (405, 7, 3));
    assert_eq!(brand.erase("b", "leave").await.unwrap(), erased, "asked again, the same receipt");
    for account in ["a", "b", "c"] {
        assert!(matches!(brand.member(account), Err(OnlineError::Unknown("member"))));
        assert!(brand.accounts(account).is_err());
    }
    assert_eq!(brand.totals().unwrap().members, 0);
    // Whoever comes under one of the ids is somebody else, joined with nobody.
    welcome(&brand, "a").await;
    known(&brand, "b").await;
    assert_eq!((ids(&brand, "a"), ids(&brand, "b")), (vec!["a".to_owned()], vec!["b".to_owned()]));
    let fresh = brand.decide(&ask("a"), "a").await.unwrap();
    assert!(!fresh.is_repeated && fresh.decision.granted[0].status == "granted");
    drop(brand);
    proves(&crate::vault(folder.path()).read("demo-club").unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn y088_an_order_of_one_account_is_refunded_by_another_of_the_same_person() {
    let folder = crate::place();
    let brand = open(folder.path());
    welcome(&brand, "a").await;
    let mut paid = event("o1", "b", "order_paid", 3);
    paid.insert("amount_minor".to_owned(), json!(10_000));
    brand.events(&[paid]).await.unwrap();
    let mut refund = event("r1", "a", "order_refunded", 1);
    refund.insert("amount_minor".to_owned(), json!(4_000));
    refund.insert("original_order".to_owned(), json!("o1"));
    let fate = brand.events(std::slice::from_ref(&refund)).await.unwrap();
    assert_eq!(fate, [Ok(EventFate::WithoutOrder)]);
    identify(&brand, "a", 9, &[("phone", "1")]).await;
    identify(&brand, "b", 8, &[("phone", "1")]).await;
    assert_eq!(brand.events(&[refund]).await.unwrap(), [Ok(EventFate::Accepted)]);
    assert_eq!(feature(&brand, "b", "spend_365d_minor").await, json!(75_000 + 6_000));
}
