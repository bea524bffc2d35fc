//! Back to the component that was last good: where a breaker opens on a stage with `on_fault = "last-good"`, the version that
//! decides is opened with the component that the stage had before, and switched to like any version.

use std::collections::BTreeMap;
use std::time::Duration;

use playbook_model::{Digest, OnFault};

use crate::alerts::{Alarm, AlertRule, Evidence};
use crate::brand::Core;
use crate::facts::StageFacts;
use crate::store::read_source;
use crate::swap::SwapError;
use crate::versions::{Activation, How};

/// How often a step that nobody repeats is tried, and how long apart: the writer may be busy just then.
const TRIES: usize = 50;
const TRY: Duration = Duration::from_millis(100);

impl Core {
    /// Breakers have turned: what is to be written is, and stages fall back that are to.
    pub(crate) fn tend_breakers(&self) {
        self.queue.nudge();
        let mut history = self.history();
        let falling = self.falling(&history);
        if falling.is_empty() {
            return;
        }
        let live = self.version().digest();
        if let Err(error) = self.insist(|| self.up_to_date(&mut history, Self::fall_back)) {
            let stages = falling.into_keys().collect::<Vec<_>>().join(", ");
            self.raise(Alarm {
                rule: AlertRule::FallBackFailed,
                scope: stages.clone(),
                words: format!(
                    "the component that was last good for {stages} cannot take over: {}",
                    error.outside()
                ),
                evidence: Evidence::of_version(live),
            });
        }
    }

    /// The component that was last good, by the name of each stage of the version that decides which is to fall back.
    fn falling(&self, history: &[Activation]) -> BTreeMap<String, String> {
        let live = self.version();
        let open = live.watch().open().filter(|stage| stage.on_fault == OnFault::LastGood);
        let facts = live.facts();
        let open = open.filter_map(|stage| facts.stage(stage.position));
        open.filter_map(|stage| Some((stage.name.clone(), self.last_good(history, stage)?)))
            .collect()
    }

    /// One step, which rests on the history: where another host changed the version meanwhile, that one may have nothing to fall
    /// back on, or another component.
    fn fall_back(&self, history: &mut Vec<Activation>) -> Result<(), SwapError> {
        let good = self.falling(history);
        if good.is_empty() {
            return Ok(());
        }
        let live = self.version().digest();
        let mut source = read_source(&mut &*self.reader, &live)?.ok_or(SwapError::Unknown)?;
        source.components.extend(good);
        let next = self.kept(self.opener.open(&source)?)?.digest();
        self.activate_in(history, &next, ("host", None), How::Breaker, None).map(|_| ())
    }

    /// The component that the stage had in the latest version before, of those that are called.
    fn last_good(&self, history: &[Activation], now: &StageFacts) -> Option<String> {
        let mut decided = history.iter().rev().filter(|activation| activation.how.decides());
        decided.find_map(|activation| {
            // It may be one that another host opened.
            let facts = self.facts(&Digest(activation.version)).ok().flatten()?;
            let is_it = |stage: &&StageFacts| stage.name == now.name && stage.kind == now.kind;
            let stage = facts.stages.iter().find(is_it)?;
            let is_good = stage.component != now.component
                && !self.breakers.is_open(&stage.name, &stage.component);
            is_good.then(|| stage.component.clone())
        })
    }

    /// Repeats a step that a busy or failing writer refused, for a while.
    pub(crate) fn insist<T>(
        &self,
        mut step: impl FnMut() -> Result<T, SwapError>,
    ) -> Result<T, SwapError> {
        for _ in 1..TRIES {
            match step() {
                Err(SwapError::Online(error)) => {
                    tracing::warn!(%error, brand = self.name(), "not written yet");
                    std::thread::sleep(TRY);
                }
                done => return done,
            }
        }
        step()
    }
}
