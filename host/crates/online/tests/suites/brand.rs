//! A brand with the demo's playbook and real plugins, over whatever store the root has: what is answered is on disk, what is
//! asked twice happens once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use playbook_cycle::{Prepared, prepare};
use playbook_ledger::{EntryFilter, EntryKind, Proof};
use playbook_model::{Digest, Minor, Playbook, PluginRef, RefusalCode};
use playbook_online::{
    AlertRule, Ask, Brand, BrandOptions, Decision, DecisionFilter, EventFate, How, Keeping, Lanes,
    Ledgers, OnlineError, OpenError, Opened, Opener, Source, SwapError, Version, settled,
};
use playbook_runtime::{Compiler, LoadOptions, Plugin, Runtime, RuntimeOptions};
use serde_json::{Map, Value, json};

/// 2026-07-01T00:00 in Shanghai.
pub(crate) const T: i64 = 1_782_835_200_000;
pub(crate) const DAY: i64 = 86_400_000;
/// The whole budget of the playbook "poor".
pub(crate) const POOR: Minor = Minor(60_000);

pub(crate) fn root() -> PathBuf {
    std::env::current_dir().unwrap().join("../../..")
}

/// The demo's stages, built and compiled once for all tests.
pub(crate) fn demo() -> &'static (Playbook, Vec<Prepared>) {
    static DEMO: OnceLock<(Playbook, Vec<Prepared>)> = OnceLock::new();
    DEMO.get_or_init(|| {
        playbook_toml::ship(playbook_library::FILES);
        let loaded = playbook_toml::load(&root().join("playbooks/club.toml")).unwrap();
        let playbook = loaded.playbook;
        let home = tempfile::tempdir().unwrap();
        let runtime = Runtime::new(RuntimeOptions::new(home.path(), Compiler::InProcess)).unwrap();
        let folders: Vec<PathBuf> = playbook
            .stages
            .iter()
            .map(|stage| match &stage.plugin {
                PluginRef::Named { name, .. } => root().join("plugins").join(name),
                PluginRef::Path(path) => path.clone(),
                PluginRef::Artefact(artefact) => panic!("no registry is here: {artefact}"),
            })
            .collect();
        let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
        let options = playbook_builder::Options::of_user();
        let built = playbook_builder::build(&folders, &options, &mut |_| {}).unwrap();
        let load = |(stage, built): (&playbook_model::StageDef, &playbook_builder::Built)| {
            let options = LoadOptions { limits: stage.limits.clone(), ..LoadOptions::default() };
            Some(runtime.load_file(&built.component, &options).unwrap())
        };
        let plugins: Vec<Option<Plugin>> = playbook.stages.iter().zip(&built).map(load).collect();
        let stages = prepare(&playbook, plugins).unwrap().unwrap();
        (playbook, stages)
    })
}

/// Opens versions of the demo: a playbook with another file is another version, one named "broken" cannot be opened, and
/// "poor" has little money.
pub(crate) struct Demo;

impl Opener for Demo {
    fn open(&self, source: &Source) -> Result<Opened, OpenError> {
        let (playbook, stages) = demo();
        if source.file == "broken" {
            return Err(OpenError::Foreign("it is broken".to_owned()));
        }
        let digest = Digest::of(source.file.as_bytes());
        let mut playbook = Playbook { digest, ..playbook.clone() };
        if source.file == "poor" {
            playbook.budget.as_mut().unwrap().total = POOR;
        }
        let version = Version::open(playbook, stages, &source.closed).unwrap();
        Ok(Opened { version, source: source.clone() })
    }

    fn close_cycle(&self, _: &Source, _: i64, _: &Keeping<'_>) -> Result<Opened, OpenError> {
        Err(OpenError::Foreign("no cycle is closed here".to_owned()))
    }
}

pub(crate) fn source(file: &str) -> Source {
    Source {
        file: file.to_owned(),
        files: Vec::new(),
        components: BTreeMap::new(),
        ..Source::default()
    }
}

pub(crate) fn open(folder: &Path) -> Brand {
    opened(folder, "one", Arc::new(Demo))
}

pub(crate) fn opened(folder: &Path, file: &str, opener: Arc<dyn Opener>) -> Brand {
    let options = BrandOptions {
        ledgers: Ledgers::open(crate::vault(folder).as_ref(), "demo-club").unwrap(),
        records_bytes_max: 64 << 20,
        now: Arc::new(|| T),
        opener,
        lanes: Arc::new(Lanes::new(2)),
        file: None,
    };
    Brand::open(options, Demo.open(&source(file)).unwrap()).unwrap()
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("not an object") };
    object
}

pub(crate) fn event(id: &str, member: &str, kind: &str, days_ago: i64) -> Map<String, Value> {
    object(json!({
        "event_id": id, "member": member, "kind": kind, "time": T - days_ago * DAY,
        "channel": "messaging",
    }))
}

/// A member who takes part a lot, agreed to marketing, and is an adult.
pub(crate) async fn welcome(brand: &Brand, member: &str) {
    let mut events = vec![event(&format!("{member}-join"), member, "join", 200)];
    for day in 0..25 {
        for (kind, many) in
            [("sign_in", 1), ("comment", 6), ("share", 3), ("answer", 4), ("post", 2)]
        {
            for number in 0..many {
                events.push(event(&format!("{member}-{kind}-{day}-{number}"), member, kind, day));
            }
        }
    }
    for day in [3, 40, 80] {
        let mut order = event(&format!("{member}-order-{day}"), member, "order_paid", day);
        order.insert("amount_minor".to_owned(), json!(25_000));
        events.push(order);
    }
    let fates = brand.events(&events).await.unwrap();
    assert!(fates.iter().all(|fate| *fate == Ok(EventFate::Accepted)), "{fates:?}");
    let consents = ["marketing", "service", "profiling"].map(|purpose| {
        object(json!({ "purpose": purpose, "state": "granted", "time": T - 100 * DAY }))
    });
    let profile = object(json!({ "age_band": "adult", "channel": "messaging" }));
    brand.put_member(member, &profile, &consents, "welcome").await.unwrap();
}

pub(crate) fn ask(member: &str) -> Ask {
    Ask { member: member.to_owned(), at: Some(T), event: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_made_once_told_again_and_explained_after_a_restart() {
    let folder = crate::place();
    let brand = open(folder.path());
    welcome(&brand, "m1").await;
    let preview = brand.preview(&ask("m1")).await.unwrap();
    let first = brand.decide(&ask("m1"), "key-1").await.unwrap();
    assert!(!first.is_repeated);
    let decision = &first.decision;
    assert!(!decision.granted.is_empty(), "{decision:#?}");
    assert!(decision.granted.iter().all(|e| e.grant.is_some() && e.status == "granted"));
    assert_eq!(decision.features["orders_90d"], json!(3));
    assert_eq!(decision.features["spend_365d_minor"], json!(75_000));
    assert_eq!(decision.segments[0].stage, "tier-interactions");
    assert!(decision.plugins.iter().any(|p| p.plugin == "value-rfm"));
    // Each stage that answered was called for this decision alone, and says what that took.
    let fuel = decision.plugins.iter().map(|plugin| plugin.fuel.expect(&plugin.stage));
    assert_eq!(decision.fuel, Some(fuel.sum()));
    assert!(decision.plugins.iter().all(|plugin| plugin.fuel > Some(100)), "{decision:#?}");
    assert_eq!((&decision.closed, decision.plugins[0].model.is_some()), (&None, false));
    let waits: Vec<&str> = decision.left_out.iter().map(|out| out.stage.as_str()).collect();
    assert_eq!(waits, ["ltv-bgnbd", "kmeans", "roi-floor"], "they need a closed cycle");
    // The look without effect said the same, and granted nothing.
    assert_eq!(preview.granted, decision.granted);
    assert!(preview.is_preview && preview.id.is_none());

    let again = brand.decide(&ask("m1"), "key-1").await.unwrap();
    assert!(again.is_repeated);
    assert_eq!(again.decision, first.decision);
    let other = brand.decide(&Ask { at: Some(T + 1), ..ask("m1") }, "key-1").await;
    assert!(matches!(other, Err(OnlineError::OtherRequest)));
    let next = brand.decide(&ask("m1"), "key-2").await.unwrap().decision;
    assert!(next.granted.iter().all(|effect| effect.status == "granted-before"), "{next:#?}");

    let id = decision.id.clone().unwrap();
    let reserved = brand.balances().unwrap()[0].reserved;
    drop(brand);
    let brand = open(folder.path());
    assert_eq!(brand.decision(&id).unwrap(), first.decision);
    assert_eq!(brand.balances().unwrap()[0].reserved, reserved);
    let after = brand.decide(&ask("m1"), "key-1").await.unwrap();
    assert!(after.is_repeated && after.decision == first.decision);
    let member = brand.member("m1").unwrap();
    assert_eq!((member.events, member.profile["age_band"].clone()), (404, json!("adult")));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_kept_once_and_what_is_wrong_is_told_in_full() {
    let folder = crate::place();
    let brand = open(folder.path());
    let events =
        [event("e1", "m1", "like", 1), event("e1", "m1", "like", 1), event("e1", "m2", "like", 1)];
    let fates = brand.events(&events).await.unwrap();
    let [accepted, duplicate] = [EventFate::Accepted, EventFate::Duplicate].map(Ok);
    assert_eq!(fates, [accepted.clone(), duplicate, accepted], "an id is a member's own");
    let fates = brand.events(&[event("e1", "m1", "comment", 1)]).await.unwrap();
    assert_eq!(fates, [Ok(EventFate::OtherEvent)]);
    // Late and out of order.
    let fates = brand.events(&[event("e0", "m1", "like", 300)]).await.unwrap();
    assert_eq!(fates, [Ok(EventFate::Accepted)]);
    assert_eq!(brand.member("m1").unwrap().events, 2);

    let wrong = object(json!({
        "event_id": "", "member": "m1", "kind": "bought", "time": "yesterday",
        "amount_minor": 1.5, "colour": "red", "sentiment": "good",
    }));
    let ahead = event("e9", "m1", "like", -2);
    let told = brand.events(&[wrong, ahead]).await.unwrap();
    let fields = |at: usize| -> Vec<String> {
        told[at].as_ref().unwrap_err().iter().map(|e| e.field.clone()).collect()
    };
    assert_eq!(fields(0), ["event_id", "time", "amount_minor", "colour", "kind", "sentiment"]);
    assert_eq!(fields(1), ["time"]);
    assert!(matches!(brand.member("nobody"), Err(OnlineError::Unknown("member"))));
    assert!(matches!(brand.decision("00"), Err(OnlineError::Unknown("decision"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_comes_again_undoes_nothing_that_came_between() {
    let folder = crate::place();
    let brand = open(folder.path());
    let region = |name: &str| object(json!({ "region": name }));
    let told = || brand.member("m1").unwrap().profile["region"].clone();
    brand.put_member("m1", &region("north"), &[], "a").await.unwrap();
    brand.put_member("m1", &region("south"), &[], "b").await.unwrap();
    brand.put_member("m1", &region("north"), &[], "a").await.unwrap();
    assert_eq!(told(), json!("south"));
    let other = brand.put_member("m1", &region("west"), &[], "a").await;
    assert!(matches!(other, Err(OnlineError::OtherRequest)));
    brand.put_member("m2", &region("west"), &[], "a").await.unwrap();
    assert_eq!(told(), json!("south"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_a_hundred_times_at_once_has_one_effect_and_one_answer() {
    let folder = crate::place();
    let brand = Arc::new(open(folder.path()));
    welcome(&brand, "m1").await;
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let brand = Arc::clone(&brand);
            tokio::spawn(async move { brand.decide(&ask("m1"), "one").await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    assert_eq!(answers.iter().filter(|answer| !answer.is_repeated).count(), 1);
    assert!(answers.iter().all(|answer| answer.decision == answers[0].decision));
    let granted: i64 = answers[0].decision.granted.iter().map(|effect| effect.cost_minor).sum();
    assert!(granted > 0);
    assert_eq!(brand.balances().unwrap()[0].reserved.0, granted);
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_are_settled_and_released_once_and_the_ledger_proves_it() {
    let folder = crate::place();
    let brand = open(folder.path());
    welcome(&brand, "m1").await;
    welcome(&brand, "m2").await;
    let one = brand.decide(&ask("m1"), "a").await.unwrap().decision;
    let two = brand.decide(&ask("m2"), "b").await.unwrap().decision;
    let (id, grant) = (one.id.clone().unwrap(), one.granted[0].grant.clone().unwrap());
    let cost = one.granted[0].cost_minor;
    let too_much = brand.close(&id, &grant, settled(Some(cost + 1))).await;
    assert!(matches!(too_much, Err(OnlineError::Closed(_))));
    brand.close(&id, &grant, settled(Some(cost - 1))).await.unwrap();
    brand.close(&id, &grant, settled(Some(cost - 1))).await.unwrap();
    let released = brand.close(&id, &grant, playbook_ledger::Closure::Release).await;
    assert!(matches!(released, Err(OnlineError::Closed(_))));
    let of_other = brand.close(&two.id.clone().unwrap(), &grant, settled(None)).await;
    assert!(matches!(of_other, Err(OnlineError::Unknown("grant"))));
    let grant = two.granted[0].grant.clone().unwrap();
    brand.close(&two.id.unwrap(), &grant, playbook_ledger::Closure::Release).await.unwrap();
    let account = &brand.balances().unwrap()[0];
    assert_eq!(account.spent.0, cost - 1);
    drop(brand);
    let ledger = crate::vault(folder.path()).read("demo-club").unwrap();
    assert!(matches!(ledger.prove(), Ok(Proof::Sound { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_change_under_load_and_each_decision_is_of_one() {
    let folder = crate::place();
    let brand = Arc::new(open(folder.path()));
    for member in ["m0", "m1", "m2"] {
        welcome(&brand, member).await;
    }
    let asking: Vec<_> = (0..4)
        .map(|worker| {
            let brand = Arc::clone(&brand);
            tokio::spawn(async move {
                let mut versions = std::collections::BTreeSet::new();
                for number in 0..500 {
                    let member = format!("m{}", number % 3);
                    let key = format!("{worker}-{number}");
                    let answer = brand.decide(&ask(&member), &key).await.unwrap();
                    versions.insert(answer.decision.version.clone());
                    let told = brand.decision(answer.decision.id.as_ref().unwrap()).unwrap();
                    assert_eq!(told, answer.decision);
                }
                versions
            })
        })
        .collect();
    let swapping = Arc::clone(&brand);
    let swaps = tokio::task::spawn_blocking(move || {
        let mut versions = Vec::new();
        for number in 0..100 {
            match number % 3 {
                0 => {
                    let refused = swapping.offer(&source("broken"));
                    assert!(matches!(refused, Err(SwapError::Open(OpenError::Foreign(_)))));
                }
                1 => {
                    let version = swapping.offer(&source(&format!("v{number}"))).unwrap();
                    let digest = version.digest();
                    let done = swapping.activate(&digest, "me", How::Activated, None).unwrap();
                    assert_eq!((done.version, swapping.version().digest()), (digest.0, digest));
                    versions.push(digest);
                }
                _ => {
                    let before = swapping.activations()[0].before.unwrap();
                    let back = swapping.roll_back("me").unwrap();
                    assert_eq!((back.version, back.how), (before, How::RolledBack));
                }
            }
        }
        versions
    });
    let versions = swaps.await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for task in asking {
        seen.extend(task.await.unwrap());
    }
    assert!(seen.len() > 3, "{} versions decided of {}", seen.len(), versions.len());
    let first = brand.version().digest();
    assert_eq!(brand.activations().last().unwrap().version, first.0, "all steps were taken back");
    assert!(matches!(brand.roll_back("me"), Err(SwapError::Unknown)));
    // What a version would change is seen on the last decisions: this one changes nothing.
    let trial = brand.trial_of(&versions[0]).unwrap();
    assert!(trial.compared > 100 && trial.failed == 0 && trial.moves.is_empty(), "{trial:?}");
    assert!(trial.granted[0] > 0 && trial.granted[0] == trial.granted[1], "{trial:?}");
    drop(brand);
    let again = open(folder.path());
    assert_eq!(again.activations().len(), 1 + 66, "history is kept");
}

/// All ids of a list, part by part.
fn listed(brand: &Brand, filter: &DecisionFilter, most: usize) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let part = brand.decisions(filter, after.as_deref(), most).unwrap();
        assert!(part.decisions.len() <= most);
        ids.extend(part.decisions.into_iter().map(|decision| decision.id.unwrap()));
        after = part.next;
        if after.is_none() {
            return ids;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_listed_newest_first_however_they_were_grouped_and_filtered() {
    let folder = crate::place();
    let brand = Arc::new(open(folder.path()));
    welcome(&brand, "m0").await;
    // One after the other, then many at once, which share commit groups.
    let mut made: Vec<Decision> = Vec::new();
    for number in 0..5 {
        let ask = Ask { at: Some(T + number), ..ask("m0") };
        made.push(brand.decide(&ask, &format!("one-{number}")).await.unwrap().decision);
    }
    // Who complained gets nothing commercial.
    welcome(&brand, "m1").await;
    let fates = brand.events(&[event("c", "m1", "complaint", 1)]).await.unwrap();
    assert_eq!(fates, [Ok(EventFate::Accepted)]);
    made.push(brand.decide(&ask("m1"), "complained").await.unwrap().decision);
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let brand = Arc::clone(&brand);
            let ask = Ask { at: Some(T + 100 + number), ..ask(&format!("other-{}", number % 7)) };
            tokio::spawn(async move { brand.decide(&ask, &format!("key-{number}")).await })
        })
        .collect();
    for task in tasks {
        made.push(task.await.unwrap().unwrap().decision);
    }
    let totals = brand.totals().unwrap();
    assert_eq!((totals.decisions, totals.members), (70, 9));
    let all = listed(&brand, &DecisionFilter::default(), 1_000);
    let mut ids: Vec<String> = made.iter().map(|d| d.id.clone().unwrap()).collect();
    let first_made: Vec<&String> = ids[..6].iter().rev().collect();
    assert!(all[64..].iter().eq(first_made), "the oldest come last");
    let mut sorted = all.clone();
    sorted.sort();
    ids.sort();
    assert_eq!(sorted, ids);
    for most in [1, 7, 69, 70] {
        assert_eq!(listed(&brand, &DecisionFilter::default(), most), all, "in parts of {most}");
    }
    let taken = |filter: &DecisionFilter, takes: &dyn Fn(&Decision) -> bool| {
        let mut wanted: Vec<&String> =
            made.iter().filter(|d| takes(d)).map(|d| d.id.as_ref().unwrap()).collect();
        for most in [2, 100] {
            let mut got = listed(&brand, filter, most);
            got.sort();
            wanted.sort();
            assert!(got.iter().eq(wanted.iter().copied()), "{filter:?}: {got:?}");
        }
        wanted.len()
    };
    let none = DecisionFilter::default;
    let window = DecisionFilter { from: Some(T + 3), to: Some(T + 110), ..none() };
    assert_eq!(taken(&window, &|d| d.at >= T + 3 && d.at < T + 110), 2 + 10);
    let member = DecisionFilter { member: Some("other-3".to_owned()), ..none() };
    assert_eq!(taken(&member, &|d| d.member == "other-3"), 9);
    let refusal = made.iter().find_map(|d| d.refused.first()).expect("something was refused");
    let code = refusal.refusal.as_ref().unwrap().code;
    let is_it = |d: &Decision| {
        d.refused.iter().any(|e| e.refusal.as_ref().is_some_and(|refused| refused.code == code))
    };
    let known = RefusalCode::ALL.into_iter().find(|known| known.code() == code);
    let refused = DecisionFilter { refusal: known, ..none() };
    assert!(taken(&refused, &is_it) > 0);
    let action = made[0].granted[0].action.clone();
    let granted = DecisionFilter {
        stage: Some(made[0].granted[0].stage.clone()),
        action: Some(action.clone()),
        ..none()
    };
    let has = |d: &Decision| d.granted.iter().chain(&d.refused).any(|e| e.action == action);
    assert!(taken(&granted, &has) > 0);
    assert!(
        listed(&brand, &DecisionFilter { member: Some("who".to_owned()), ..none() }, 9).is_empty()
    );
    let cursor = brand.decisions(&none(), Some("no number"), 5);
    assert!(matches!(cursor, Err(OnlineError::Cursor)));

    // An erasure takes the decisions of its member away, and the list stays whole.
    brand.erase("other-3", "erase").await.unwrap();
    assert_eq!(listed(&brand, &none(), 10).len(), 61);
    assert_eq!(brand.totals().unwrap().members, 8);
    drop(brand);
    let brand = open(folder.path());
    let more = brand.decide(&ask("m0"), "after").await.unwrap().decision;
    assert_eq!(listed(&brand, &none(), 10)[0], more.id.unwrap());
    assert_eq!(brand.totals().unwrap().decisions, 71);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_got_counts_in_its_caps_and_stands_in_the_ledger() {
    let folder = crate::place();
    let brand = open(folder.path());
    assert!(matches!(brand.caps("m1", None), Err(OnlineError::Unknown("member"))));
    welcome(&brand, "m1").await;
    let (at, before) = brand.caps("m1", None).unwrap();
    assert_eq!((at, before.contacts_day.used, before.commercial_week.used), (T, 0, 0));
    assert!(before.contacts_day.most.is_some() && before.families.is_empty());
    let decision = brand.decide(&ask("m1"), "a").await.unwrap().decision;
    assert!(!decision.granted.is_empty());
    let (_, after) = brand.caps("m1", None).unwrap();
    assert!(!after.families.is_empty(), "{after:?}");
    let (_, next_month) = brand.caps("m1", Some(T + 40 * DAY)).unwrap();
    assert!(next_month.families.is_empty(), "{next_month:?}");

    let grant = decision.granted[0].grant.clone().unwrap();
    brand.close(decision.id.as_ref().unwrap(), &grant, settled(None)).await.unwrap();
    let filter = EntryFilter { key: Digest::from_hex(&grant), ..EntryFilter::default() };
    let (entries, next) = brand.entries(&filter, None, None, 9).unwrap();
    let kinds: Vec<EntryKind> = entries.iter().map(|row| row.entry.kind).collect();
    assert_eq!((kinds, next), (vec![EntryKind::Settle, EntryKind::Reserve], None));
    assert_eq!(entries[1].member.as_deref(), Some("m1"));
    let (own, _) = brand.entries(&EntryFilter::default(), Some("m1"), None, 99).unwrap();
    assert_eq!(own.len(), decision.granted.len() + 1);
    let (others, _) = brand.entries(&EntryFilter::default(), Some("m2"), None, 99).unwrap();
    assert!(others.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_that_fails_changes_nothing_and_is_an_alert() {
    let folder = crate::place();
    let brand = open(folder.path());
    let before = brand.version().digest();
    for _ in 0..2 {
        let failed = tokio::task::block_in_place(|| brand.close_cycle(Some(T), "me"));
        assert!(matches!(failed, Err(SwapError::Open(OpenError::Foreign(_)))));
    }
    assert_eq!((brand.version().digest(), brand.activations().len()), (before, 1));
    let alerts = brand.alerts().unwrap();
    let [alert] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!((alert.rule, alert.times), (AlertRule::CycleFailed, 2));
    assert!(alert.words.contains("no cycle is closed here"), "{alert:?}");
    assert_eq!(alert.evidence.version, Some(before.0));
    drop(brand);
    assert_eq!(open(folder.path()).alerts().unwrap(), alerts, "it is kept");
}
