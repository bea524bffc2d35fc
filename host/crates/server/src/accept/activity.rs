//! Whether a connection does something, so that one that idles can be ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Duration, Instant};

/// The requests of one connection that are in flight, and since when there is none.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    in_flight: usize,
    /// When the last request ended, or the connection began.
    since: Instant,
}

/// A request in flight, until this is dropped.
#[derive(Debug)]
pub(super) struct Busy(Activity);

impl Activity {
    pub(super) fn begin() -> Self {
        Self(Arc::new(Mutex::new(State { in_flight: 0, since: Instant::now() })))
    }

    /// A request begins.
    pub(super) fn busy(&self) -> Busy {
        self.state().in_flight += 1;
        Busy(self.clone())
    }

    /// When the connection will have idled for `idle`, if nothing comes.
    pub(super) fn idles_at(&self, idle: Duration) -> Instant {
        let state = self.state();
        let since = if state.in_flight > 0 { Instant::now() } else { state.since };
        since + idle
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight -= 1;
        state.since = Instant::now();
    }
}
