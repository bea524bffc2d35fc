//! Lanes: who is slow waits for its own kind. A version that is quick is evaluated where its request is; one that is not known to be
//! quick, and one that was slow, goes to a thread aside, and only so many of each kind at a time. Without that a few plugins that run
//! until they are stopped would hold every thread that takes requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::Span;

use crate::error::OnlineError;
use crate::record::Record;
use crate::version::{EvaluateError, Evaluated, Version};

/// An evaluation that takes more processor time is slow: a hundred times what one takes.
const SLOW: Duration = Duration::from_millis(10);
/// Quick evaluations in a row that make a version quick.
const QUICK_RUN: u32 = 8;

/// The lanes of a host, which all its brands share.
#[derive(Debug)]
pub struct Lanes {
    /// For versions of which little is known.
    new: Arc<Semaphore>,
    /// For versions that were slow.
    slow: Arc<Semaphore>,
}

impl Lanes {
    /// For a host with so many threads: those that were slow get half of them at most.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        let lane = |places: usize| Arc::new(Semaphore::new(places.max(1)));
        Self { new: lane(threads.saturating_sub(1)), slow: lane(threads / 2) }
    }
}

/// How quickly a version was evaluated lately.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Quick evaluations since the last slow one, counted up to [`QUICK_RUN`].
    quick: AtomicU32,
    was_slow: AtomicBool,
}

impl Pace {
    /// The lane that it has to take; `None`: it is quick.
    fn lane<'l>(&self, lanes: &'l Lanes) -> Option<&'l Arc<Semaphore>> {
        match self.quick.load(Ordering::Relaxed) {
            QUICK_RUN.. => None,
            _ if self.was_slow.load(Ordering::Relaxed) => Some(&lanes.slow),
            _ => Some(&lanes.new),
        }
    }

    fn note(&self, took: Duration) {
        let quick = self.quick.load(Ordering::Relaxed);
        if took > SLOW {
            self.was_slow.store(true, Ordering::Relaxed);
            self.quick.store(0, Ordering::Relaxed);
        } else if quick < QUICK_RUN {
            self.quick.store(quick + 1, Ordering::Relaxed);
        }
    }
}

/// Evaluates a member in the lane of the version.
///
/// # Errors
/// [`OnlineError::Stopping`]; what the evaluation says is within.
pub(crate) async fn evaluate(
    lanes: &Lanes,
    version: &Arc<Version>,
    member: &str,
    record: &Arc<Record>,
    at: i64,
) -> Result<Result<Evaluated, EvaluateError>, OnlineError> {
    let Some(lane) = version.pace().lane(lanes) else {
        return Ok(timed(version, member, record, at));
    };
    let place = Arc::clone(lane).acquire_owned().await.map_err(|_| OnlineError::Stopping)?;
    let (version, record) = (Arc::clone(version), Arc::clone(record));
    let (member, span) = (member.to_owned(), Span::current());
    let done = spawn_blocking(move || {
        // Kept to the end, also where nobody waits any more.
        let _place = place;
        span.in_scope(|| timed(&version, &member, &record, at))
    });
    done.await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => OnlineError::Stopping,
    })
}

fn timed(
    version: &Version,
    member: &str,
    record: &Record,
    at: i64,
) -> Result<Evaluated, EvaluateError> {
    let begun = processor_time();
    let evaluated = version.evaluate(member, record, at);
    let took = processor_time().zip(begun).map(|(now, begun)| now.saturating_sub(begun));
    // One that cannot be timed is not known to be quick.
    version.pace().note(took.unwrap_or(Duration::MAX));
    evaluated
}

/// What this thread took of a processor. On a busy machine a thread is put aside for longer than [`SLOW`] at any moment, so that by
/// the time of day every version would be slow now and then.
fn processor_time() -> Option<Duration> {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok().map(Duration::from)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::{Lanes, Pace, QUICK_RUN, SLOW, processor_time};

    #[test]
    fn a_thread_that_is_put_aside_takes_no_processor_time() {
        let begun = processor_time().unwrap();
        std::thread::sleep(SLOW * 2);
        assert!(processor_time().unwrap() - begun < SLOW);
        let (begun, at) = (processor_time().unwrap(), Instant::now());
        while processor_time().unwrap() - begun < SLOW {
            assert!(at.elapsed() < Duration::from_secs(60), "work is counted");
        }
    }

    #[test]
    fn a_version_is_quick_after_a_run_of_quick_evaluations_and_slow_after_one() {
        let (lanes, pace) = (Lanes::new(4), Pace::default());
        let is = |lane: &Arc<_>| pace.lane(&lanes).is_some_and(|taken| Arc::ptr_eq(taken, lane));
        let quick = |times: u32| (0..times).for_each(|_| pace.note(Duration::from_micros(100)));
        assert!(is(&lanes.new));
        quick(QUICK_RUN - 1);
        assert!(is(&lanes.new));
        quick(1);
        assert!(pace.lane(&lanes).is_none());
        pace.note(SLOW * 2);
        assert!(is(&lanes.slow));
        quick(QUICK_RUN - 1);
        pace.note(SLOW * 2);
        quick(QUICK_RUN - 1);
        assert!(is(&lanes.slow), "they are counted in a row");
        quick(1);
        assert!(pace.lane(&lanes).is_none());
    }

    #[test]
    fn a_host_of_one_thread_has_every_lane() {
        let lanes = Lanes::new(1);
        assert_eq!((lanes.new.available_permits(), lanes.slow.available_permits()), (1, 1));
        let lanes = Lanes::new(8);
        assert_eq!((lanes.new.available_permits(), lanes.slow.available_permits()), (7, 4));
    }
}
