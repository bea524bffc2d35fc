//! Breakers: a plugin that fails again and again is not called for a while. One for each stage of a
//! brand with its component and settings, so that a version that takes over the same takes over its breaker.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use playbook_model::{Digest, Fault};

use crate::alerts::{Alarm, AlertRule, Alerts, Evidence};

/// Faults among the last 64 calls that open a breaker: one member who always fails does not, as long as others come, too.
const FAULTS_OPEN: u32 = 16;
/// How long it stays open before a call probes the plugin; doubled by each probe that fails.
const PAUSE_MS: u64 = 5_000;
const PAUSE_MS_MAX: u64 = 300_000;
/// Probes in a row that close it.
const PROBES_GOOD: u32 = 3;

/// A breaker. Closed it costs a call two loads.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// The last 64 calls, a bit for each that failed.
    calls: AtomicU64,
    /// Until when it is open, in milliseconds of the clock of [`Breakers`]; 0: it is closed.
    until: AtomicU64,
    pause: AtomicU64,
    /// Whether a call probes the plugin now.
    probes: AtomicBool,
    good: AtomicU32,
}

/// How a call is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// As any other.
    Call,
    /// As the one that tells whether the plugin answers again.
    Probe,
}

/// That a breaker changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    Opened,
    Closed,
}

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BreakerState {
    /// Calls go through.
    Closed,
    /// None does for so many milliseconds.
    Open(u64),
    /// The next call probes the plugin.
    HalfOpen,
}

impl Breaker {
    /// Whether a call may go through; else for how many milliseconds none will.
    pub(crate) fn admits(&self, now: impl FnOnce() -> u64) -> Result<Admitted, u64> {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 {
            return Ok(Admitted::Call);
        }
        let left = until.saturating_sub(now());
        if left > 0 {
            return Err(left);
        }
        match self.probes.swap(true, Ordering::Acquire) {
            false => Ok(Admitted::Probe),
            // Soon: one probe is under way.
            true => Err(1),
        }
    }

    /// What came of a call that was let through.
    pub(crate) fn answered(
        &self,
        admitted: Admitted,
        is_fault: bool,
        now: impl FnOnce() -> u64,
    ) -> Option<Turned> {
        match (admitted, is_fault) {
            (Admitted::Probe, _) => self.probed(is_fault, now()),
            // A plugin that does well writes nothing.
            (Admitted::Call, false) if self.calls.load(Ordering::Relaxed) == 0 => None,
            (Admitted::Call, _) => self.called(is_fault, now),
        }
    }

    fn called(&self, is_fault: bool, now: impl FnOnce() -> u64) -> Option<Turned> {
        let shifted = |calls: u64| Some(calls << 1 | u64::from(is_fault));
        let before = self.calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, shifted);
        let calls = before.map_or(0, |calls| calls << 1 | u64::from(is_fault));
        if !is_fault || calls.count_ones() < FAULTS_OPEN {
            return None;
        }
        let until = now() + PAUSE_MS;
        // Calls that began before it opened may fail after: one of all opens it.
        self.until.compare_exchange(0, until, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        self.pause.store(PAUSE_MS, Ordering::Relaxed);
        self.good.store(0, Ordering::Relaxed);
        self.calls.store(0, Ordering::Relaxed);
        Some(Turned::Opened)
    }

    fn probed(&self, is_fault: bool, now: u64) -> Option<Turned> {
        let mut turned = None;
        if is_fault {
            let pause = (2 * self.pause.load(Ordering::Relaxed)).min(PAUSE_MS_MAX);
            self.pause.store(pause, Ordering::Relaxed);
            self.good.store(0, Ordering::Relaxed);
            self.until.store(now + pause, Ordering::Release);
        } else if self.good.fetch_add(1, Ordering::Relaxed) + 1 == PROBES_GOOD {
            self.calls.store(0, Ordering::Relaxed);
            self.until.store(0, Ordering::Release);
            turned = Some(Turned::Closed);
        }
        self.probes.store(false, Ordering::Release);
        turned
    }

    /// A probe ended without telling anything: the next call is another one.
    pub(crate) fn unanswered(&self) {
        self.probes.store(false, Ordering::Release);
    }

    pub(crate) fn state(&self, now: u64) -> BreakerState {
        match self.until.load(Ordering::Acquire) {
            0 => BreakerState::Closed,
            until if until > now => BreakerState::Open(until - now),
            _ => BreakerState::HalfOpen,
        }
    }
}

/// The breakers of a brand.
#[derive(Debug)]
pub(crate) struct Breakers {
    begun: Instant,
    /// By stage, component and settings.
    known: Mutex<HashMap<(String, (String, Digest)), Arc<Breaker>>>,
    alerts: Arc<Alerts>,
    /// Whether one has turned since somebody looked.
    news: AtomicBool,
}

impl Breakers {
    pub(crate) fn new(alerts: Arc<Alerts>) -> Self {
        // A clock that nobody sets: the time of a decision is the caller's, and the system's may jump.
        Self {
            begun: Instant::now(),
            known: Mutex::default(),
            alerts,
            news: AtomicBool::new(false),
        }
    }

    /// Milliseconds since the brand was opened.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
    }

    /// The breaker of a stage that is opened with a component under settings: others of a candidate fail on their own account.
    pub(crate) fn of(&self, stage: &str, called: &(String, Digest)) -> Arc<Breaker> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody asks any more for those of versions that are gone.
        known.retain(|_, breaker| {
            Arc::strong_count(breaker) > 1 || breaker.until.load(Ordering::Relaxed) > 0
        });
        Arc::clone(known.entry((stage.to_owned(), called.clone())).or_default())
    }

    /// Whether a breaker of a stage with a component lets nothing through, under any settings.
    pub(crate) fn is_open(&self, stage: &str, component: &str) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().any(|((of, (called, _)), breaker)| {
            of == stage && called == component && breaker.until.load(Ordering::Relaxed) > 0
        })
    }

    /// A breaker has turned.
    pub(crate) fn turned(
        &self,
        turned: Turned,
        stage: &str,
        version: Digest,
        fault: Option<&Fault>,
    ) {
        let (rule, words) = match turned {
            Turned::Opened => {
                let last =
                    fault.map_or_else(String::new, |fault| format!("; the last fault: {fault}"));
                let words = format!(
                    "the plugin of the stage `{stage}` failed {FAULTS_OPEN} times among its last 64 calls and is not called for a while{last}"
                );
                (AlertRule::BreakerOpened, words)
            }
            Turned::Closed => (
                AlertRule::BreakerClosed,
                format!("the plugin of the stage `{stage}` answers again"),
            ),
        };
        let evidence = Evidence { stage: Some(stage.to_owned()), ..Evidence::of_version(version) };
        self.alerts.raise(Alarm { rule, scope: stage.to_owned(), words, evidence });
        self.news.store(true, Ordering::Release);
    }

    /// Whether one has turned since this was asked last.
    pub(crate) fn has_news(&self) -> bool {
        self.news.load(Ordering::Acquire) && self.news.swap(false, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests {
    use super::{Admitted, Breaker, BreakerState, FAULTS_OPEN, PAUSE_MS, PROBES_GOOD, Turned};

    fn call(breaker: &Breaker, is_fault: bool, now: u64) -> Option<Turned> {
        let admitted = breaker.admits(|| now).expect("it is let through");
        breaker.answered(admitted, is_fault, || now)
    }

    fn opened() -> Breaker {
        let breaker = Breaker::default();
        (1..FAULTS_OPEN).for_each(|_| assert_eq!(call(&breaker, true, 0), None));
        assert_eq!(call(&breaker, true, 0), Some(Turned::Opened));
        breaker
    }

    #[test]
    fn it_opens_at_faults_among_the_last_64_calls_and_not_before() {
        let breaker = Breaker::default();
        // One of five fails, for as long as one likes.
        for number in 0..1_000 {
            assert_eq!(call(&breaker, number % 5 == 0, 0), None);
        }
        // One of three does not go on for long.
        let at = (0..200).find(|number| call(&breaker, number % 3 == 0, 0).is_some());
        assert!(at.is_some_and(|at| (10..64).contains(&at)), "{at:?}");
        assert_eq!(breaker.state(0), BreakerState::Open(PAUSE_MS));
    }

    #[test]
    fn open_it_lets_nothing_through_and_then_one_probe_at_a_time() {
        let breaker = opened();
        assert_eq!(breaker.admits(|| 1), Err(PAUSE_MS - 1));
        assert_eq!(breaker.state(PAUSE_MS), BreakerState::HalfOpen);
        assert_eq!(breaker.admits(|| PAUSE_MS), Ok(Admitted::Probe));
        assert_eq!(breaker.admits(|| PAUSE_MS), Err(1), "one at a time");
        // A probe that fails doubles the pause.
        assert_eq!(breaker.answered(Admitted::Probe, true, || PAUSE_MS), None);
        assert_eq!(breaker.state(PAUSE_MS), BreakerState::Open(2 * PAUSE_MS));
        let later = 3 * PAUSE_MS;
        for _ in 1..PROBES_GOOD {
            assert_eq!(call(&breaker, false, later), None);
        }
        assert_eq!(call(&breaker, false, later), Some(Turned::Closed));
        assert_eq!(
            (breaker.state(later), call(&breaker, true, later)),
            (BreakerState::Closed, None)
        );
    }

    #[test]
    fn a_call_that_began_before_it_opened_is_no_probe() {
        let breaker = opened();
        assert_eq!(breaker.answered(Admitted::Call, false, || 1), None);
        (0..100).for_each(|_| assert_eq!(breaker.answered(Admitted::Call, true, || 1), None));
        assert_eq!(breaker.state(1), BreakerState::Open(PAUSE_MS - 1), "opened once");
    }

    #[test]
    fn many_threads_open_it_once() {
        let breaker = Breaker::default();
        let opened = std::thread::scope(|scope| {
            let calls = || {
                let turned = (0..1_000).filter_map(|_| match breaker.admits(|| 0) {
                    Ok(admitted) => breaker.answered(admitted, true, || 0),
                    Err(_) => None,
                });
                turned.count()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(calls)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum::<usize>()
        });
        assert_eq!(opened, 1);
    }
}
