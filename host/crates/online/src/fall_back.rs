//! Back to the component that was last good: where a breaker opens on a stage with `on_fault = "last-good"`, the version that
//! decides is opened with the component that the stage had before, and switched to like any version.

use std::collections::BTreeMap;
use std::sync::PoisonError;
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
        let live = self.version();
        let open = live.watch().open().filter(|stage| stage.on_fault == OnFault::LastGood);
        let facts = live.facts();
        let open = open.filter_map(|stage| facts.stage(stage.position));
        let good: BTreeMap<String, String> = open
            .filter_map(|stage| Some((stage.name.clone(), self.last_good(&history, stage)?)))
            .collect();
        if good.is_empty() {
            return;
        }
        let digest = live.digest();
        let stages = good.keys().cloned().collect::<Vec<_>>().join(", ");
        if let Err(error) = self.fall_back(&mut history, &digest, good) {
            self.raise(Alarm {
                rule: AlertRule::FallBackFailed,
                scope: stages.clone(),
                words: format!(
                    "the component that was last good for {stages} cannot take over: {}",
                    error.outside()
                ),
                evidence: Evidence::of_version(digest),
            });
        }
    }

    fn fall_back(
        &self,
        history: &mut Vec<Activation>,
        live: &Digest,
        good: BTreeMap<String, String>,
    ) -> Result<(), SwapError> {
        let mut source = read_source(&mut &*self.reader, live)?.ok_or(SwapError::Unknown)?;
        source.components.extend(good);
        let next = self.insist(|| self.kept(self.opener.open(&source)?))?.digest();
        self.insist(|| self.activate_in(history, &next, "host", How::Breaker, None)).map(|_| ())
    }

    /// The component that the stage had in the latest version before, of those that are called.
    fn last_good(&self, history: &[Activation], now: &StageFacts) -> Option<String> {
        let versions = self.versions.read().unwrap_or_else(PoisonError::into_inner);
        let decided = history.iter().rev().filter(|activation| activation.how.decides());
        let mut before = decided.filter_map(|activation| {
            let facts = versions.get(&Digest(activation.version))?;
            facts.stages.iter().find(|stage| stage.name == now.name && stage.kind == now.kind)
        });
        let good = before.find(|stage| {
            stage.component != now.component
                && !self.breakers.is_open(&stage.name, &stage.component)
        });
        good.map(|stage| stage.component.clone())
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
