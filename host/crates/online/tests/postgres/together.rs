//! Two hosts that serve a brand over one database: what one does the other knows, and no rule is exceeded between them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use playbook_ledger::{LedgerFile, Proof};
use playbook_online::{
    Ask, Brand, BrandOptions, Decision, Following, How, Keeping, Lanes, Ledgers, OpenError, Opened,
    Opener, Source, SwapError,
};
use serde_json::json;

use crate::Place;
use crate::accounts::identify;
use crate::brand::{DAY, Demo, POOR, T, ask, event, object, open, opened, source, welcome};

/// Two hosts.
fn two(place: &Place) -> [Arc<Brand>; 2] {
    [(), ()].map(|()| Arc::new(open(place.path())))
}

/// Does what waits for the writer, as the service does: aside from tasks.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// Waits until something holds; returns how long that took.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what} did not come");
        std::thread::sleep(Duration::from_millis(1));
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_money_of_a_budget_is_granted_once_over_two_hosts() {
    let place = crate::place();
    let hosts = [(), ()].map(|()| Arc::new(opened(place.path(), "poor", Arc::new(Demo))));
    for member in 0..64 {
        welcome(&hosts[member % 2], &format!("m{member}")).await;
    }
    let asked: Vec<_> = (0..128)
        .map(|number| {
            // Each member at both hosts, under another key.
            let host = Arc::clone(&hosts[number % 2]);
            let member = format!("m{}", number / 2);
            tokio::spawn(async move { host.decide(&ask(&member), &format!("{number}")).await })
        })
        .collect();
    let mut granted: BTreeMap<String, i64> = BTreeMap::new();
    let mut short = 0;
    for task in asked {
        let decision = task.await.unwrap().unwrap().decision;
        short += codes(&decision).filter(|code| *code == "R15").count();
        for effect in &decision.granted {
            let grant = effect.grant.clone().unwrap();
            if effect.status == "granted" {
                assert_eq!(granted.insert(grant, effect.cost_minor), None, "granted twice");
            }
        }
    }
    let [one, other] = hosts.each_ref().map(|host| host.balances().unwrap());
    assert_eq!(one, other);
    let sum: i64 = granted.values().sum();
    assert!(short > 0 && !granted.is_empty(), "{short} refused, {} granted", granted.len());
    assert_eq!(one[0].reserved.0, sum);
    assert!(sum <= POOR.0);
    assert!(one.iter().all(|row| row.available().0 >= 0), "{one:?}");
    drop(hosts);
    let ledger = crate::vault(place.path()).read("demo-club").unwrap();
    assert!(matches!(ledger.prove(), Ok(Proof::Sound { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_to_both_hosts_at_once_has_one_effect_and_one_answer() {
    let place = crate::place();
    let hosts = two(&place);
    welcome(&hosts[0], "m1").await;
    let asked: Vec<_> = (0..100)
        .map(|number| {
            let host = Arc::clone(&hosts[number % 2]);
            tokio::spawn(async move { host.decide(&ask("m1"), "one").await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for task in asked {
        answers.push(task.await.unwrap());
    }
    assert_eq!(answers.iter().filter(|answer| !answer.is_repeated).count(), 1);
    assert!(answers.iter().all(|answer| answer.decision == answers[0].decision));
    let granted: i64 = answers[0].decision.granted.iter().map(|effect| effect.cost_minor).sum();
    assert!(granted > 0);
    for host in &hosts {
        assert_eq!(host.balances().unwrap()[0].reserved.0, granted);
        let id = answers[0].decision.id.clone().unwrap();
        assert_eq!(host.decision(&id).unwrap(), answers[0].decision);
    }
    // A change of a member comes once, too, wherever it goes.
    for (host, region) in hosts.iter().zip(["north", "south"]) {
        let region = object(json!({ "region": region }));
        let done = host.put_member("m1", &region, &[], "same").await;
        assert_eq!(done.is_ok(), region["region"] == "north");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_host_takes_is_in_the_next_decision_of_the_other() {
    let place = crate::place();
    let hosts = two(&place);
    welcome(&hosts[0], "m1").await;
    for round in 0..20_usize {
        let (one, other) = (&hosts[round % 2], &hosts[(round + 1) % 2]);
        let mut order = event(&format!("late-{round}"), "m1", "order_paid", 5);
        order.insert("amount_minor".to_owned(), json!(1_000));
        one.events(&[order]).await.unwrap();
        let decision = other.preview(&ask("m1")).await.unwrap();
        assert_eq!(decision.features["orders_90d"], json!(4 + round), "round {round}");
    }
    // What is asked without the writer is there soon.
    let following = hosts.each_ref().map(Following::start);
    hosts[0].put_member("m1", &object(json!({ "region": "south" })), &[], "a").await.unwrap();
    until("the profile", || {
        hosts[1].member("m1").unwrap().profile.get("region") == Some(&json!("south"))
    });
    let seen = hosts[1].effects_seen();
    let before = *seen.borrow();
    let made = hosts[0].decide(&ask("m1"), "x").await.unwrap().decision;
    until("the effect", || *seen.borrow() == before + made.granted.len() as u64);
    hosts[1].erase("m1", "gone").await.unwrap();
    until("the erasure", || hosts[0].member("m1").is_err());
    drop(following);
}

#[tokio::test(flavor = "multi_thread")]
async fn y088_accounts_that_one_host_joins_or_parts_are_so_for_the_next_decision_of_the_other() {
    let place = crate::place();
    let hosts = two(&place);
    welcome(&hosts[0], "a").await;
    welcome(&hosts[1], "b").await;
    let orders = async |host: &Brand, of: &str| {
        let decision = host.preview(&ask(of)).await.unwrap();
        (decision.member, decision.features["orders_90d"].clone())
    };
    for (one, other) in [(0, 1), (1, 0)] {
        assert_eq!(orders(&hosts[other], "b").await, ("b".to_owned(), json!(3)));
        let key = format!("key-{one}");
        identify(&hosts[one], "a", 9, &[("card", &key)]).await;
        identify(&hosts[one], "b", 8, &[("card", &key)]).await;
        if one == 0 {
            assert_eq!(orders(&hosts[other], "b").await, ("a".to_owned(), json!(6)));
            hosts[other].part("a", "b", "me").await.unwrap();
            assert_eq!(orders(&hosts[one], "b").await, ("b".to_owned(), json!(3)));
        }
        assert_eq!(hosts[one].totals().unwrap().members, 2, "who was parted stays so");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_decide_what_one_would() {
    let place = crate::place();
    let hosts = two(&place);
    let folder = tempfile::tempdir().unwrap();
    let file = LedgerFile::at(&folder.path().join("ledger.sqlite"));
    let alone = BrandOptions {
        ledgers: Ledgers::open(&file, "demo-club").unwrap(),
        records_bytes_max: 64 << 20,
        now: Arc::new(|| T),
        opener: Arc::new(Demo),
        lanes: Arc::new(Lanes::new(2)),
        file: None,
    };
    let alone = Brand::open(alone, Demo.open(&source("one")).unwrap()).unwrap();
    for member in ["m1", "m2", "m3"] {
        welcome(&alone, member).await;
        welcome(&hosts[0], member).await;
    }
    let mut refused: BTreeMap<String, u32> = BTreeMap::new();
    for step in 0..60_i64 {
        let host = &hosts[(step % 2) as usize];
        let member = format!("m{}", 1 + step % 3);
        let event = event(&format!("e{step}"), &member, "comment", step % 7);
        host.events(&[event.clone()]).await.unwrap();
        alone.events(&[event]).await.unwrap();
        let asked = Ask { at: Some(T + step * DAY / 4), ..ask(&member) };
        let key = format!("k{step}");
        let [one, two] = [host.as_ref(), &alone].map(|host| host.decide(&asked, &key));
        let [one, two] = [one.await.unwrap().decision, two.await.unwrap().decision];
        for code in codes(&one) {
            *refused.entry(code.to_owned()).or_default() += 1;
        }
        assert_eq!(but_for_fuel(one), but_for_fuel(two), "step {step}");
    }
    assert!(!refused.is_empty(), "some rule counts what was granted before");
    let [one, two] = [hosts[1].as_ref(), &alone].map(|host| host.balances().unwrap());
    assert_eq!(one, two);
}

/// A decision without what its calls took: a warm instance takes a little more or less, by the calls before.
fn but_for_fuel(mut decision: Decision) -> Decision {
    let (all, each) = (decision.fuel.take(), decision.plugins.iter_mut());
    assert_eq!(all, Some(each.map(|plugin| plugin.fuel.take().unwrap()).sum()));
    decision
}

/// Codes of what was refused.
fn codes(decision: &Decision) -> impl Iterator<Item = &str> {
    decision.refused.iter().filter_map(|effect| Some(effect.refusal.as_ref()?.code))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_on_one_host_reaches_the_other() {
    let place = crate::place();
    let hosts = two(&place);
    welcome(&hosts[0], "m1").await;
    let following = hosts.each_ref().map(Following::start);
    let mut slowest = Duration::ZERO;
    for round in 0..6_usize {
        let (one, other) = (&hosts[round % 2], &hosts[(round + 1) % 2]);
        // Offered on one, activated on the other.
        let version = aside(|| other.offer(&source(&format!("v{round}")))).unwrap().digest();
        let done = aside(|| one.activate(&version, "me", How::Activated, None)).unwrap();
        assert_eq!(done.version, version.0);
        let took = until("the version", || other.version().digest() == version);
        slowest = slowest.max(took);
        let decision = other.decide(&ask("m1"), &format!("d{round}")).await.unwrap().decision;
        assert_eq!(decision.version, version.to_string());
        // Each host tells what the other decided, and both know the same history.
        let id = decision.id.clone().unwrap();
        assert_eq!(one.decision(&id).unwrap(), decision);
        assert_eq!(one.activations(), other.activations());
    }
    eprintln!("an activation reached the other host within {} us", slowest.as_micros());
    assert!(slowest < Duration::from_secs(5));
    // A step back, from where nobody knows yet what is taken back.
    drop(following);
    let last = aside(|| hosts[0].offer(&source("last"))).unwrap().digest();
    let before = hosts[0].version().digest();
    aside(|| hosts[0].activate(&last, "me", How::Activated, None)).unwrap();
    let back = aside(|| hosts[1].roll_back("me")).unwrap();
    assert_eq!((back.version, back.before), (before.0, Some(last.0)));
    aside(|| hosts[0].follow()).unwrap();
    assert_eq!(hosts[0].version().digest(), before);
    assert_eq!(hosts[0].activations(), hosts[1].activations());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_starts_with_another_playbook_takes_the_others_with_it() {
    let place = crate::place();
    let one = Arc::new(open(place.path()));
    welcome(&one, "m1").await;
    let other = opened(place.path(), "poor", Arc::new(Demo));
    assert_ne!(one.version().digest(), other.version().digest());
    // Until it has heard of it, it decides by its own version, and leaves the money as the other made it.
    one.decide(&ask("m1"), "d").await.unwrap();
    assert_eq!(one.balances().unwrap()[0].planned, POOR);
    aside(|| one.follow()).unwrap();
    assert_eq!(one.version().digest(), other.version().digest());
    assert_eq!(one.activations(), other.activations());
}

/// Opens versions as long as their components are there.
struct Without(Arc<AtomicBool>);

impl Opener for Without {
    fn open(&self, source: &Source) -> Result<Opened, OpenError> {
        match self.0.load(Ordering::SeqCst) {
            true => Demo.open(source),
            false => Err(OpenError::Foreign("the component `value-rfm` is not there".to_owned())),
        }
    }

    fn close_cycle(
        &self,
        source: &Source,
        at: i64,
        keeping: &Keeping<'_>,
    ) -> Result<Opened, OpenError> {
        Demo.close_cycle(source, at, keeping)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_cannot_open_a_version_says_why_and_follows_once_it_can() {
    let place = crate::place();
    let there = Arc::new(AtomicBool::new(false));
    let one = Arc::new(open(place.path()));
    let other = Arc::new(opened(place.path(), "one", Arc::new(Without(Arc::clone(&there)))));
    welcome(&one, "m1").await;
    let before = other.version().digest();
    let version = aside(|| one.offer(&source("poor"))).unwrap().digest();
    aside(|| one.activate(&version, "me", How::Activated, None)).unwrap();
    let behind = aside(|| other.follow()).unwrap_err();
    assert!(matches!(behind, SwapError::Open(_)), "{behind}");
    assert!(other.behind().is_some_and(|why| why.contains("value-rfm")), "{:?}", other.behind());
    // It goes on by the version before, with the money of the one that decides elsewhere.
    let decision = other.decide(&ask("m1"), "d").await.unwrap().decision;
    assert_eq!(decision.version, before.to_string());
    assert_eq!(other.balances().unwrap()[0].planned, POOR);
    there.store(true, Ordering::SeqCst);
    aside(|| other.follow()).unwrap();
    assert_eq!((other.version().digest(), other.behind()), (version, None));
}
