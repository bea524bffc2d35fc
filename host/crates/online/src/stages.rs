//! How the stages of a version do: which answer, which wait, and which failed lately.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::counts::StageStates;

/// How long a stage counts as failed after a fault. A stage may fail for some members alone, so that one good answer says
/// little.
const LATELY: Duration = Duration::from_secs(300);

/// The stages that answer for single members.
#[derive(Debug)]
pub(crate) struct StageWatch {
    begun: Instant,
    stages: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    /// Position in the playbook.
    position: usize,
    name: String,
    waits: bool,
    /// Milliseconds from the beginning to the last fault, and one; 0: there was none.
    failed: AtomicU64,
}

impl StageWatch {
    /// `stages`: position and name of each, and whether it waits.
    pub(crate) fn new(stages: impl Iterator<Item = (usize, String, bool)>) -> Self {
        let watched = |(position, name, waits)| {
            let failed = AtomicU64::new(0);
            Watched { position, name, waits, failed }
        };
        // A clock that nobody sets: the time of a decision is the caller's, and the system's may jump.
        Self { begun: Instant::now(), stages: stages.map(watched).collect() }
    }

    /// The stage at a position failed.
    pub(crate) fn failed_at(&self, position: usize) {
        self.fail(|stage| stage.position == position);
    }

    /// The stage of a name failed.
    pub(crate) fn failed(&self, name: &str) {
        self.fail(|stage| stage.name == name);
    }

    fn fail(&self, is_it: impl Fn(&Watched) -> bool) {
        let now = self.now(Instant::now());
        let failed = self.stages.iter().filter(|stage| is_it(stage));
        failed.for_each(|stage| stage.failed.store(now + 1, Ordering::Relaxed));
    }

    /// How they do at a moment.
    pub(crate) fn states(&self, at: Instant) -> StageStates {
        let now = self.now(at);
        let lately = u64::try_from(LATELY.as_millis()).unwrap_or(u64::MAX);
        let mut states = StageStates::default();
        for stage in &self.stages {
            let failed = stage.failed.load(Ordering::Relaxed);
            let state = match (stage.waits, failed > 0 && now.saturating_sub(failed - 1) < lately) {
                (_, true) => &mut states.failed,
                (true, _) => &mut states.waiting,
                _ => &mut states.answering,
            };
            *state += 1;
        }
        states
    }

    fn now(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.begun);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{LATELY, StageWatch};
    use crate::counts::StageStates;

    #[test]
    fn a_stage_is_failed_for_a_while_after_its_last_fault() {
        let stages = [(4, "a".to_owned(), false), (1, "b".to_owned(), true)];
        let watch = StageWatch::new(stages.into_iter());
        let sound = StageStates { answering: 1, waiting: 1, failed: 0 };
        assert_eq!(watch.states(Instant::now()), sound);
        watch.failed_at(4);
        watch.failed("nobody");
        let failed = StageStates { answering: 0, waiting: 1, failed: 1 };
        assert_eq!(watch.states(Instant::now()), failed);
        assert_eq!(watch.states(Instant::now() + LATELY / 2), failed);
        assert_eq!(watch.states(Instant::now() + LATELY), sound);
        watch.failed("a");
        assert_eq!(watch.states(Instant::now()), failed);
    }
}
