//! The demo's brand with a clock, terms and rules that a test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use playbook_cycle::Prepared;
use playbook_ledger::{Ledger, Proof};
use playbook_model::{Frequency, Playbook, Shape, StageDef};
use playbook_online::{
    Brand, BrandOptions, Closed, Decision, Effect, Lanes, Ledgers, Opened, Version,
};

use crate::brand::{Demo, T, ask, demo, source, welcome};

/// Where a brand is kept, and how it is opened.
pub(crate) struct World {
    folder: tempfile::TempDir,
    clock: Arc<AtomicI64>,
    playbook: Playbook,
    stages: Vec<Prepared>,
}

impl World {
    /// The demo, changed. Every action of `ladder-exchange` may happen once an event.
    pub(crate) fn new(
        rules: impl Fn(&mut Playbook),
        change: impl Fn(&mut StageDef, &mut Shape),
    ) -> Self {
        let (playbook, stages) = demo();
        let mut playbook = playbook.clone();
        playbook.guardrails.holdout = 0.0;
        playbook.guardrails.family_window_h = 0;
        playbook.guardrails.incentive_ratio_min = 0.0;
        for caps in [
            &mut playbook.guardrails.contacts_per_day_max,
            &mut playbook.guardrails.commercial_per_day_max,
            &mut playbook.guardrails.commercial_per_week_max,
        ] {
            caps.clear();
        }
        rules(&mut playbook);
        let changed = |stage: &Prepared| {
            let mut stage = stage.clone();
            if stage.def.name == "ladder-exchange" {
                let (mut def, mut shape) = ((*stage.def).clone(), (*stage.shape).clone());
                for action in &mut shape.actions {
                    action.frequency = Frequency::OnceAnEvent;
                    action.needs_approval = false;
                }
                change(&mut def, &mut shape);
                (stage.def, stage.shape) = (Arc::new(def), Arc::new(shape));
            }
            stage
        };
        let stages = stages.iter().map(changed).collect();
        let folder = tempfile::tempdir().unwrap();
        Self { folder, clock: Arc::new(AtomicI64::new(T)), playbook, stages }
    }

    /// The demo with other terms for all its grants.
    pub(crate) fn with_terms(change: impl Fn(&mut StageDef)) -> Self {
        Self::new(|_| {}, |def, _| change(def))
    }

    pub(crate) fn open(&self) -> Brand {
        let clock = Arc::clone(&self.clock);
        let options = BrandOptions {
            ledgers: Ledgers::open(crate::vault(self.folder.path()).as_ref(), "demo-club").unwrap(),
            records_bytes_max: 64 << 20,
            now: Arc::new(move || clock.load(Ordering::SeqCst)),
            opener: Arc::new(Demo),
            lanes: Arc::new(Lanes::new(2)),
            file: None,
        };
        let version = Version::open(self.playbook.clone(), &self.stages, &Closed::default());
        Brand::open(options, Opened { version: version.unwrap(), source: source("one") }).unwrap()
    }

    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("ledger.sqlite")
    }

    /// Sets the writer's clock to `T` and so many milliseconds.
    pub(crate) fn at(&self, ms: i64) {
        self.clock.store(T + ms, Ordering::SeqCst);
    }

    /// Every entry proves, and what is reserved and spent is this.
    pub(crate) fn assert_money(&self, reserved: i64, spent: i64) {
        let ledger = Ledger::read(&self.file(), "demo-club").unwrap();
        assert!(matches!(ledger.prove(), Ok(Proof::Sound { .. })), "{:?}", ledger.prove());
        let account = &ledger.balances().unwrap()[0];
        assert_eq!((account.reserved.0, account.spent.0), (reserved, spent));
    }
}

/// What `ladder-exchange` granted a member of its own at an event.
pub(crate) struct Given {
    pub(crate) decision: String,
    pub(crate) grant: String,
    pub(crate) cost: i64,
    pub(crate) status: &'static str,
}

pub(crate) async fn give(brand: &Brand, member: &str, event: &str) -> Given {
    if brand.member(member).is_err() {
        welcome(brand, member).await;
    }
    let ask = playbook_online::Ask { event: Some(event.to_owned()), ..ask(member) };
    let decision = brand.decide(&ask, &format!("{member} {event}")).await.unwrap().decision;
    given(&decision)
}

/// The one grant of a decision.
pub(crate) fn given(decision: &Decision) -> Given {
    let [effect] = &decision.granted[..] else { panic!("{decision:#?}") };
    Given {
        decision: decision.id.clone().unwrap(),
        grant: effect.grant.clone().unwrap(),
        cost: effect.cost_minor,
        status: effect.status,
    }
}

/// All effects, and how each is to be undone.
pub(crate) fn told(brand: &Brand) -> Vec<(Effect, Option<(&'static str, i64)>)> {
    let (effects, _) = brand.effects(0, 1_000).unwrap();
    let how = |effect: Effect| {
        let reversal = effect.reversal.as_ref().map(|r| (r.how.name(), r.amount_minor));
        assert_eq!(effect.effect.status, if reversal.is_some() { "reversed" } else { "granted" });
        (effect, reversal)
    };
    effects.into_iter().map(how).collect()
}

/// How the effects after the first `from` are to be undone.
pub(crate) fn reversals(brand: &Brand, from: usize) -> Vec<(&'static str, i64)> {
    told(brand).into_iter().skip(from).map(|(_, how)| how.unwrap()).collect()
}
