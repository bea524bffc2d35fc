//! Whose turn it is in a connection, so that one that idles, or whose client takes no answers, can be ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::response::Response;
use tokio::time::Instant;

use crate::held::followed;

/// The requests of one connection that are in flight, and for whom they wait.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    in_flight: usize,
    /// Of these, the ones for which the host has something to do; the others wait for the client to take their answer.
    working: usize,
    /// When anything last changed.
    since: Instant,
}

/// Since when a connection waits for its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// It does not: the host works.
    No,
    /// For a request.
    ForRequest(Instant),
    /// For some part of an answer to be taken. HTTP/2 has windows that a client may keep shut, which no write notices.
    ForTaking(Instant),
}

impl Activity {
    pub(super) fn begin() -> Self {
        Self(Arc::new(Mutex::new(State { in_flight: 0, working: 0, since: Instant::now() })))
    }

    /// A request begins; the host works on it.
    pub(super) fn busy(&self) -> Busy {
        let mut state = self.state();
        state.in_flight += 1;
        state.working += 1;
        Busy { activity: self.clone(), working: true }
    }

    /// For what the connection waits.
    pub(super) fn waits(&self) -> Waits {
        let state = self.state();
        match (state.working, state.in_flight) {
            (0, 0) => Waits::ForRequest(state.since),
            (0, _) => Waits::ForTaking(state.since),
            _ => Waits::No,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request in flight, until this is dropped.
#[derive(Debug)]
pub(super) struct Busy {
    activity: Activity,
    working: bool,
}

impl Busy {
    /// Follows the answer to its last byte.
    pub(super) fn follow(mut self, response: Response) -> Response {
        self.turn(false);
        followed(response, move |is_pending| self.turn(is_pending))
    }

    fn turn(&mut self, working: bool) {
        let mut state = self.activity.state();
        state.since = Instant::now();
        match (self.working, working) {
            (false, true) => state.working += 1,
            (true, false) => state.working -= 1,
            _ => {}
        }
        drop(state);
        self.working = working;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.turn(false);
        self.activity.state().in_flight -= 1;
    }
}
