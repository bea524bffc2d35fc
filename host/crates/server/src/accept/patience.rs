//! How long a connection waits for its client, and what happens then.

use tokio::time::{Duration, Instant};

use super::activity::Waits;

/// How often a connection for which the host works is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long a client may keep open a connection that was told to end.
const CLOSE: Duration = Duration::from_secs(2);

/// How long a connection waits for its client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a request.
    idle: Duration,
    /// For some part of an answer to be taken.
    stall: Duration,
    /// Until when the client may close by itself, once it was told to.
    closing: Option<Instant>,
}

/// What is to be done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing yet.
    Nothing,
    /// Tell the client that it ends.
    Close,
    /// End it without another word.
    Cut,
}

impl Patience {
    pub(super) const fn new(idle: Duration, stall: Duration) -> Self {
        Self { idle, stall, closing: None }
    }

    /// When to look at the connection again, if nothing happens before.
    pub(super) fn look_at(&self, waits: Waits, now: Instant) -> Instant {
        match self.ends(waits) {
            None => now + LOOK,
            Some(ends) => self.closing.map_or(ends, |closing| closing.max(ends)),
        }
    }

    /// What is to be done now.
    pub(super) fn due(&mut self, waits: Waits, now: Instant) -> Due {
        if self.ends(waits).is_none_or(|ends| ends > now) {
            return Due::Nothing;
        }
        // Whoever takes no answer does not hear either that the connection ends.
        if self.closing.is_some() || matches!(waits, Waits::ForTaking(_)) {
            return Due::Cut;
        }
        self.idle = self.idle.min(CLOSE);
        self.closing = Some(now + self.idle);
        Due::Close
    }

    /// When it ends; never while the host works.
    fn ends(&self, waits: Waits) -> Option<Instant> {
        match waits {
            Waits::No => None,
            Waits::ForRequest(since) => Some(since + self.idle),
            Waits::ForTaking(since) => Some(since + self.stall),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Duration, Instant};

    use super::{Due, Patience, Waits};

    const IDLE: Duration = Duration::from_secs(60);
    const STALL: Duration = Duration::from_secs(30);

    #[test]
    fn an_idle_connection_is_told_and_then_cut() {
        let (mut patience, begun) = (Patience::new(IDLE, STALL), Instant::now());
        let waits = Waits::ForRequest(begun);
        let told = patience.look_at(waits, begun);
        assert_eq!(told, begun + IDLE);
        assert_eq!(patience.due(waits, told - Duration::from_millis(1)), Due::Nothing);
        assert_eq!(patience.due(waits, told), Due::Close);
        let cut = patience.look_at(waits, told);
        assert!(cut > told, "the client has a moment to close");
        assert_eq!(patience.due(waits, cut), Due::Cut);
    }

    #[test]
    fn a_connection_whose_answers_nobody_takes_is_cut_at_once() {
        let (mut patience, begun) = (Patience::new(IDLE, STALL), Instant::now());
        let waits = Waits::ForTaking(begun);
        assert_eq!(patience.due(waits, patience.look_at(waits, begun)), Due::Cut);
    }

    #[test]
    fn while_the_host_works_nothing_ends_and_it_is_looked_at_again_later() {
        let (mut patience, now) = (Patience::new(IDLE, STALL), Instant::now());
        for _ in 0..3 {
            assert_eq!(patience.due(Waits::No, now), Due::Nothing);
            assert!(patience.look_at(Waits::No, now) > now);
            // Told to close while a last request is worked on.
            patience.due(Waits::ForRequest(now - IDLE), now);
        }
    }
}
