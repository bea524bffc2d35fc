//! A stage that falls back on hosts that share a store: each notices by itself that its plugin fails.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use playbook_cycle::{Prepared, prepare};
use playbook_model::Playbook;
use playbook_online::{
    AlertRule, Ask, Brand, BrandOptions, How, Keeping, Lanes, Ledgers, OpenError, Opened, Opener,
    Source, Version,
};
use playbook_runtime::{Compiler, LoadOptions, Runtime, RuntimeOptions};

use crate::brand::{T, root, source};
use crate::together::{aside, until};

/// An hour before the plugin answers.
const EARLY: i64 = T - 3_600_000;
/// Faults that open a breaker.
const FAULTS_OPEN: usize = 16;

const PLAYBOOK: &str = r#"
[playbook]
id = "club"
brand = "club"
currency = "CNY"
time_zone = "Asia/Shanghai"
pseudonym_salt = "salt"

[[source]]
name = "events"
table = "events"
path = "events.csv"
[source.map]
event_id = "id"
member = "member"
kind = "kind"
time = "time"

[[stage]]
name = "extra"
kind = "incentive"
plugin = { path = "any.wasm" }
settings = { mode = "fails-before-july" }
on_fault = "last-good"

[budget]
total = "100"
"#;

/// The playbook's stage with a component that answers at any moment, and with one that fails before [`T`].
fn stages() -> &'static (Playbook, [Vec<Prepared>; 2]) {
    static STAGES: OnceLock<(Playbook, [Vec<Prepared>; 2])> = OnceLock::new();
    STAGES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("club.toml");
        std::fs::write(&file, PLAYBOOK).unwrap();
        let playbook = playbook_toml::load(&file).unwrap().playbook;
        let runtime = Runtime::new(RuntimeOptions::new(folder.path(), Compiler::InProcess));
        let runtime = runtime.unwrap();
        let options = playbook_builder::Options::of_user();
        let hostile = root().join("tests/hostile/incentive");
        let built = playbook_builder::build(&[hostile.as_path()], &options, &mut |_| {}).unwrap();
        let bad = std::fs::read(&built[0].component).unwrap();
        // One whose summary ends otherwise does not mean it.
        let summary = b"Breaks proposals on purpose";
        let is_there = |at: &usize| bad[*at..].starts_with(summary);
        let found: Vec<usize> = (0..bad.len() - summary.len()).filter(is_there).collect();
        assert!(!found.is_empty(), "the summary stands in the component");
        let mut good = bad.clone();
        found.into_iter().for_each(|at| good[at + summary.len() - 1] = b'E');
        let stages = [good, bad].map(|bytes| {
            let path = folder.path().join("any.wasm");
            std::fs::write(&path, bytes).unwrap();
            let limits = playbook.stages[0].limits.clone();
            let options = LoadOptions { limits, ..LoadOptions::default() };
            let plugin = runtime.load_file(&path, &options).unwrap();
            prepare(&playbook, vec![Some(plugin)]).unwrap().unwrap()
        });
        (playbook, stages)
    })
}

/// Opens the version with the component that a source names; without one, with the one that fails.
struct Fragile;

fn component(stages: &[Prepared]) -> String {
    stages[0].plugin.digest().hex()
}

impl Opener for Fragile {
    fn open(&self, source: &Source) -> Result<Opened, OpenError> {
        let (playbook, [good, bad]) = stages();
        let is_good = source.components.get("extra") == Some(&component(good));
        let stages = if is_good { good } else { bad };
        let version = Version::open(playbook.clone(), stages, &source.closed).unwrap();
        let components = BTreeMap::from([("extra".to_owned(), component(stages))]);
        Ok(Opened { version, source: Source { components, ..source.clone() } })
    }

    fn close_cycle(&self, _: &Source, _: i64, _: &Keeping<'_>) -> Result<Opened, OpenError> {
        Err(OpenError::Foreign("no cycle is closed here".to_owned()))
    }
}

fn served(folder: &Path) -> Arc<Brand> {
    let options = BrandOptions {
        ledgers: Ledgers::open(crate::vault(folder).as_ref(), "demo-club").unwrap(),
        records_bytes_max: 64 << 20,
        now: Arc::new(|| T),
        opener: Arc::new(Fragile),
        lanes: Arc::new(Lanes::new(2)),
        file: None,
    };
    let good = BTreeMap::from([("extra".to_owned(), component(&stages().1[0]))]);
    let first = Source { components: good, ..source("club") };
    Arc::new(Brand::open(options, Fragile.open(&first).unwrap()).unwrap())
}

async fn fails(host: &Brand, name: &str) {
    for number in 0..FAULTS_OPEN {
        let ask = Ask { member: "m1".to_owned(), at: Some(EARLY), event: None };
        assert!(host.decide(&ask, &format!("{name}-{number}")).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_falls_back_once_where_every_host_notices_that_it_fails() {
    let place = crate::place();
    let hosts = [(), ()].map(|()| served(place.path()));
    let good = hosts[0].version().digest();
    let bad = aside(|| hosts[0].offer(&source("club"))).unwrap().digest();
    assert_ne!(good, bad);
    aside(|| hosts[0].activate(&bad, "me", How::Activated, None)).unwrap();
    aside(|| hosts[1].follow()).unwrap();
    assert_eq!(hosts[1].version().digest(), bad);
    // Nobody tells the second one that the first fell back: it finds out when it wants to do so itself.
    for (host, name) in hosts.iter().zip(["one", "other"]) {
        fails(host, name).await;
        aside(|| until("the component of before", || host.version().digest() == good));
    }
    for host in &hosts {
        let how: Vec<How> = host.activations().iter().map(|step| step.how).collect();
        assert_eq!(how, [How::Breaker, How::Activated, How::Start]);
        let alerts = host.alerts().unwrap();
        assert!(alerts.iter().all(|alert| alert.rule == AlertRule::BreakerOpened), "{alerts:?}");
        let ask = Ask { member: "m1".to_owned(), at: Some(EARLY), event: None };
        host.decide(&ask, "after").await.unwrap();
    }
}
