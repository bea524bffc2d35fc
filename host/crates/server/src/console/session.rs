//! Who is logged in: sessions in memory, found by the digest of a random cookie, and gone with the process.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use playbook_model::Digest;
use subtle::ConstantTimeEq as _;

/// Sessions at once. Beyond, the one that was seen longest ago ends.
const SESSIONS_MAX: usize = 1_024;
/// How long a session lasts that nobody uses, and at most.
const IDLE: Duration = Duration::from_secs(30 * 60);
pub(super) const WHOLE: Duration = Duration::from_secs(12 * 3_600);
/// Keys that are not known: so many at once, then so many a minute.
const WRONG_BURST: NonZeroU32 = NonZeroU32::new(20).expect("it is not zero");
const WRONG_PER_MINUTE: NonZeroU32 = NonZeroU32::new(30).expect("it is not zero");

/// The sessions of a host.
#[derive(Debug)]
pub(crate) struct Sessions {
    held: Mutex<HashMap<Digest, Session>>,
    wrong: DefaultDirectRateLimiter,
}

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Id of the key. The key is looked up on each request: where it was revoked, the session has ended.
    pub(super) key: Arc<str>,
    /// What every form of the session carries.
    pub(super) token: Arc<str>,
    begun: Instant,
    seen: Instant,
}

impl Sessions {
    pub(crate) fn new() -> Self {
        let quota = Quota::per_minute(WRONG_PER_MINUTE).allow_burst(WRONG_BURST);
        Self { held: Mutex::default(), wrong: RateLimiter::direct(quota) }
    }

    /// Begins a session; returns its cookie's value.
    pub(super) fn begin(&self, key: &str, now: Instant) -> Result<String, getrandom::Error> {
        let (value, token) = (random()?, random()?.into());
        let mut held = self.held();
        held.retain(|_, session| session.lasts(now));
        if held.len() >= SESSIONS_MAX {
            let oldest = held.iter().min_by_key(|(_, session)| session.seen).map(|(at, _)| *at);
            oldest.map(|oldest| held.remove(&oldest));
        }
        let session = Session { key: key.into(), token, begun: now, seen: now };
        held.insert(Digest::of(value.as_bytes()), session);
        Ok(value)
    }

    /// The session of a cookie's value.
    pub(super) fn find(&self, value: &str, now: Instant) -> Option<Session> {
        let digest = Digest::of(value.as_bytes());
        let mut held = self.held();
        let session = held.get_mut(&digest).filter(|session| session.lasts(now))?;
        session.seen = now;
        Some(session.clone())
    }

    /// Ends the session of a cookie's value.
    pub(super) fn end(&self, value: &str) {
        self.held().remove(&Digest::of(value.as_bytes()));
    }

    /// Counts a key that is not known; where there were too many, says when the next may come. A key that is known is let in
    /// all the same: nobody guesses 256 bits, and nobody shuts others out.
    pub(super) fn wrong_key(&self) -> Result<(), Duration> {
        let clock = DefaultClock::default();
        self.wrong.check().map_err(|until| until.wait_time_from(clock.now()))
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Digest, Session>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn lasts(&self, now: Instant) -> bool {
        now.duration_since(self.begun) < WHOLE && now.duration_since(self.seen) < IDLE
    }
}

/// 256 random bits, as letters.
pub(super) fn random() -> Result<String, getrandom::Error> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits)?;
    Ok(URL_SAFE_NO_PAD.encode(bits))
}

/// Whether two secrets are the same, in a time that does not tell how much of them is.
pub(super) fn same(kept: &str, sent: &str) -> bool {
    kept.as_bytes().ct_eq(sent.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::time::{Duration, Instant};

    use super::{IDLE, SESSIONS_MAX, Sessions, WHOLE, WRONG_BURST};

    #[test]
    fn a_session_lasts_while_it_is_used_and_no_longer_than_a_day_of_work() {
        let (sessions, begun) = (Sessions::new(), Instant::now());
        let value = sessions.begin("key", begun).unwrap();
        assert_eq!(value.len(), 43, "256 bits");
        let mut now = begun;
        while now + IDLE / 2 < begun + WHOLE {
            now += IDLE / 2;
            assert_eq!(&*sessions.find(&value, now).unwrap().key, "key");
        }
        assert!(sessions.find(&value, begun + WHOLE).is_none());
        let idle = sessions.begin("key", begun).unwrap();
        assert!(sessions.find(&idle, begun + IDLE).is_none());
        let ended = sessions.begin("key", begun).unwrap();
        sessions.end(&ended);
        assert!(sessions.find(&ended, begun).is_none());
        assert!(sessions.find("", begun).is_none());
    }

    #[test]
    fn sessions_have_a_bound_and_the_one_unused_longest_ends_first() {
        let (sessions, begun) = (Sessions::new(), Instant::now());
        let at = |number: usize| begun + Duration::from_millis(number as u64);
        let first = sessions.begin("first", begun).unwrap();
        let second = sessions.begin("second", at(1)).unwrap();
        assert!(sessions.find(&first, at(2)).is_some());
        for number in 2..=SESSIONS_MAX {
            sessions.begin("more", at(number + 1)).unwrap();
        }
        assert_eq!(sessions.held().len(), SESSIONS_MAX);
        let now = at(SESSIONS_MAX + 2);
        assert!(sessions.find(&first, now).is_some() && sessions.find(&second, now).is_none());
    }

    #[test]
    fn wrong_keys_are_limited() {
        let sessions = Sessions::new();
        let passed = (0..100).filter(|_| sessions.wrong_key().is_ok()).count();
        assert_eq!(passed, WRONG_BURST.get() as usize);
        assert!(sessions.wrong_key().unwrap_err() > Duration::ZERO);
    }
}
