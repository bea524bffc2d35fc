//! How the stages of a version do: which answer, which wait, which failed lately, and which are not called for a while. The gate
//! before each stage of an evaluation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use playbook_cycle::{Part, Watch};
use playbook_model::{Digest, Fault, OnFault, Outcome};
use tracing::field::{Empty, display};
use tracing::info_span;
use tracing::span::EnteredSpan;

use crate::breaker::{Admitted, Breaker, BreakerState, Breakers};
use crate::counts::StageStates;

/// How long a stage counts as failed after a fault, in milliseconds. A stage may fail for some members alone, so that one good
/// answer says little.
const LATELY_MS: u64 = 300_000;

/// The stages that answer for single members, in the order of an evaluation.
#[derive(Debug)]
pub(crate) struct StageWatch {
    version: Digest,
    /// Names of brand and playbook.
    whose: [String; 2],
    /// Those of the brand; `None` while the version belongs to none.
    breakers: Option<Arc<Breakers>>,
    begun: Instant,
    stages: Vec<Watched>,
}

/// A stage as it is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    /// Position in the playbook.
    pub(crate) position: usize,
    pub(crate) name: String,
    /// Name of its plugin.
    pub(crate) plugin: String,
    /// Digests of its component and of its settings.
    pub(crate) called: (String, Digest),
    pub(crate) on_fault: OnFault,
    /// Whether it waits for a first closed cycle.
    pub(crate) waits: bool,
    breaker: Arc<Breaker>,
    /// Milliseconds from the beginning to the last fault, and one; 0: there was none.
    failed: AtomicU64,
    last_fault: Mutex<Option<String>>,
}

/// How a stage does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageState {
    /// It answers.
    Answering,
    /// It waits for a first closed cycle.
    Waiting,
    /// It failed lately.
    Failed,
    /// It is not called for a while, because it failed too often.
    Open,
    /// The next call tells whether it answers again.
    HalfOpen,
    /// It answers once a cycle, not for single members.
    InCycles,
}

impl StageState {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answering => "answering",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::InCycles => "in-cycles",
        }
    }
}

impl Watched {
    pub(crate) fn new(
        (position, [name, plugin], called): (usize, [String; 2], (String, Digest)),
        on_fault: OnFault,
        waits: bool,
    ) -> Self {
        Self {
            position,
            name,
            plugin,
            called,
            on_fault,
            waits,
            breaker: Arc::default(),
            failed: AtomicU64::new(0),
            last_fault: Mutex::default(),
        }
    }

    /// What happened last, where something did.
    pub(crate) fn last_fault(&self) -> Option<String> {
        self.last_fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl StageWatch {
    pub(crate) fn new(version: Digest, whose: [String; 2], stages: Vec<Watched>) -> Self {
        // A clock that nobody sets: the time of a decision is the caller's, and the system's may jump.
        Self { version, whose, breakers: None, begun: Instant::now(), stages }
    }

    /// From now on the breakers are those of a brand.
    pub(crate) fn join(&mut self, breakers: &Arc<Breakers>) {
        for stage in &mut self.stages {
            stage.breaker = breakers.of(&stage.name, &stage.called);
        }
        self.breakers = Some(Arc::clone(breakers));
    }

    /// The gate of one evaluation.
    pub(crate) fn gate(&self) -> Gate<'_> {
        Gate { watch: self, admitted: Admitted::Call, asks: None, span: None }
    }

    /// The stages whose breakers let nothing through.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Watched> {
        let now = self.breaker_now();
        self.stages.iter().filter(move |stage| stage.breaker.state(now) != BreakerState::Closed)
    }

    /// How the stage at a position of the playbook does.
    pub(crate) fn state_at(&self, position: usize) -> (StageState, Option<&Watched>) {
        let stage = self.stages.iter().find(|stage| stage.position == position);
        stage.map_or((StageState::InCycles, None), |stage| {
            (self.state(stage, self.now()), Some(stage))
        })
    }

    fn state(&self, stage: &Watched, now: u64) -> StageState {
        let failed = stage.failed.load(Ordering::Relaxed);
        match stage.breaker.state(self.breaker_now()) {
            BreakerState::Open(_) => StageState::Open,
            BreakerState::HalfOpen => StageState::HalfOpen,
            BreakerState::Closed if failed > 0 && now.saturating_sub(failed - 1) < LATELY_MS => {
                StageState::Failed
            }
            BreakerState::Closed if stage.waits => StageState::Waiting,
            BreakerState::Closed => StageState::Answering,
        }
    }

    /// How they do.
    pub(crate) fn states(&self) -> StageStates {
        self.states_at(self.now())
    }

    fn states_at(&self, now: u64) -> StageStates {
        let mut states = StageStates::default();
        for stage in &self.stages {
            let count = match self.state(stage, now) {
                StageState::Answering | StageState::InCycles => &mut states.answering,
                StageState::Waiting => &mut states.waiting,
                StageState::Failed => &mut states.failed,
                StageState::Open | StageState::HalfOpen => &mut states.open,
            };
            *count += 1;
        }
        states
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }

    fn breaker_now(&self) -> u64 {
        self.breakers.as_ref().map_or(0, |breakers| breakers.now())
    }
}

/// Lets stages be called, or not, and hears what came of it.
#[derive(Debug)]
pub(crate) struct Gate<'a> {
    watch: &'a StageWatch,
    /// How the stage was let through that is being asked.
    admitted: Admitted,
    /// The stage that is being asked.
    asks: Option<usize>,
    /// Lasts as long as the stage is asked.
    span: Option<EnteredSpan>,
}

impl Drop for Gate<'_> {
    /// A host's fault may end an evaluation between question and answer: then nobody knows how the plugin does.
    fn drop(&mut self) {
        if let (Some(stage), Admitted::Probe) = (self.asks, self.admitted) {
            self.watch.stages[stage].breaker.unanswered();
        }
    }
}

impl Watch for Gate<'_> {
    fn admits(&mut self, stage: usize) -> Outcome<()> {
        let of = &self.watch.stages[stage];
        match of.breaker.admits(|| self.watch.breaker_now()) {
            Ok(admitted) => {
                (self.admitted, self.asks) = (admitted, Some(stage));
                let [brand, playbook] = &self.watch.whose;
                let (stage, plugin) = (&of.name, &of.plugin);
                let span = info_span!("stage", brand, playbook, stage, plugin, fault = Empty);
                self.span = Some(span.entered());
                Ok(())
            }
            Err(retry_ms) => Err(Fault::BreakerOpen { retry_ms }),
        }
    }

    fn answered(&mut self, stage: usize, fault: Option<&Fault>) {
        self.asks = None;
        let span = self.span.take();
        let (watch, of) = (self.watch, &self.watch.stages[stage]);
        if let Some(fault) = fault {
            if let Some(span) = span {
                span.record("fault", display(fault));
            }
            of.failed.store(watch.now() + 1, Ordering::Relaxed);
            let mut last = of.last_fault.lock().unwrap_or_else(PoisonError::into_inner);
            *last = Some(fault.to_string());
        }
        // A version that belongs to no brand has no clock that breakers could go by.
        let Some(breakers) = &watch.breakers else { return };
        let turned = of.breaker.answered(self.admitted, fault.is_some(), || breakers.now());
        if let Some(turned) = turned {
            breakers.turned(turned, &of.name, watch.version, fault);
        }
    }

    fn ended(&mut self, _stage: usize, _part: Part) {}
}

#[cfg(test)]
mod tests {
    use playbook_cycle::Watch as _;
    use playbook_model::{Digest, Fault, OnFault};

    use super::{LATELY_MS, StageWatch, Watched};
    use crate::counts::StageStates;

    #[test]
    fn a_stage_is_failed_for_a_while_after_its_last_fault() {
        let stage = |position, name: &str, waits| {
            Watched::new(
                (position, [name, "plugin"].map(str::to_owned), (String::new(), Digest([0; 32]))),
                OnFault::Skip,
                waits,
            )
        };
        let stages = vec![stage(4, "a", false), stage(1, "b", true)];
        let watch = StageWatch::new(Digest([0; 32]), Default::default(), stages);
        let sound = StageStates { answering: 1, waiting: 1, ..StageStates::default() };
        assert_eq!(watch.states(), sound);
        watch.gate().answered(0, Some(&Fault::Refusal("no".to_owned())));
        let failed = StageStates { waiting: 1, failed: 1, ..StageStates::default() };
        assert_eq!(watch.states(), failed);
        watch.gate().answered(0, None);
        let now = watch.now();
        assert_eq!(watch.states_at(now + LATELY_MS / 2), failed, "one good answer says little");
        assert_eq!(watch.states_at(now + LATELY_MS + 1), sound);
        let (_, stage) = watch.state_at(4);
        assert_eq!(stage.and_then(Watched::last_fault).as_deref(), Some("refused: no"));
    }
}
