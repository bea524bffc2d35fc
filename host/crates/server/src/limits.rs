//! How often each key and each brand may call. Nobody waits for anybody: who calls too often is told when to come again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::codes::Code;
use crate::settings::Rate;

/// Names whose calls are counted at once. Keys and brands that exist are fewer; those that ended are dropped here.
const NAMES_MAX: usize = 65_536;

/// GCRA: a bucket that leaks evenly, so that a burst is paid back and no window's edge lets two bursts through.
type Limiter = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// The limits of all keys, or of all brands.
#[derive(Debug)]
pub(crate) struct Limits {
    whose: Whose,
    rate: Rate,
    /// Rates of those who have their own.
    own: BTreeMap<String, Rate>,
    clock: DefaultClock,
    by_name: RwLock<HashMap<Arc<str>, Arc<Counted>>>,
}

/// Whose calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Key,
    Brand,
}

#[derive(Debug)]
struct Counted {
    rate: Rate,
    limiter: Limiter,
    in_flight: Arc<Semaphore>,
}

/// A request that may go on; it is in flight until this is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    _permit: OwnedSemaphorePermit,
    left: u32,
}

/// Why a request may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// Too often.
    Rate {
        /// When the next one may come.
        wait: Duration,
    },
    /// Too many at once.
    InFlight {
        /// How many may be.
        max: usize,
    },
}

impl Limits {
    pub(crate) fn new(whose: Whose, rate: Rate, own: BTreeMap<String, Rate>) -> Self {
        Self { whose, rate, own, clock: DefaultClock::default(), by_name: RwLock::default() }
    }

    /// Counts a request of `name`.
    pub(crate) fn enter(&self, name: &str) -> Result<Pass, Held> {
        let counted = self.counted(name);
        // First what costs nothing: a request that finds no place takes none of the rate.
        let permit = Arc::clone(&counted.in_flight).try_acquire_owned();
        let permit = permit.map_err(|_| Held::InFlight { max: counted.rate.in_flight_max })?;
        match counted.limiter.check() {
            Ok(state) => Ok(Pass { _permit: permit, left: state.remaining_burst_capacity() }),
            Err(until) => Err(Held::Rate { wait: until.wait_time_from(self.clock.now()) }),
        }
    }

    fn counted(&self, name: &str) -> Arc<Counted> {
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        known.unwrap_or_else(|| self.begun(name))
    }

    fn begun(&self, name: &str) -> Arc<Counted> {
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        if by_name.len() >= NAMES_MAX {
            // Whoever calls right now stays counted; the others begin with a full bucket when they come back.
            by_name.retain(|_, counted| {
                counted.in_flight.available_permits() < counted.rate.in_flight_max
            });
        }
        let new = || {
            let rate = self.rate_of(name).clone();
            let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
            Arc::new(Counted {
                limiter: RateLimiter::direct(quota).with_middleware(),
                in_flight: Arc::new(Semaphore::new(rate.in_flight_max)),
                rate,
            })
        };
        Arc::clone(by_name.entry(name.into()).or_insert_with(new))
    }

    fn rate_of(&self, name: &str) -> &Rate {
        self.own.get(name).unwrap_or(&self.rate)
    }

    /// What a client is told that calls too often, or too much at once.
    pub(crate) const fn code(&self, held: Held) -> Code {
        match (self.whose, held) {
            (Whose::Key, Held::Rate { .. }) => Code::KeyRateExceeded,
            (Whose::Key, Held::InFlight { .. }) => Code::KeyBusy,
            (Whose::Brand, Held::Rate { .. }) => Code::BrandRateExceeded,
            (Whose::Brand, Held::InFlight { .. }) => Code::BrandBusy,
        }
    }

    /// Tells what is left, in the header fields of the IETF's draft: `RateLimit-Policy` and `RateLimit`.
    pub(crate) fn tell(
        &self,
        name: &str,
        left: u32,
        wait: Option<Duration>,
        headers: &mut HeaderMap,
    ) {
        let rate = self.rate_of(name);
        let (burst, per_second) = (rate.burst.get(), rate.per_second.get());
        let window = u64::from(burst.div_ceil(per_second));
        let again = wait.map_or(window, |wait| wait.as_secs() + 1);
        let policy = match self.whose {
            Whose::Key => "key",
            Whose::Brand => "brand",
        };
        append(headers, "ratelimit-policy", &format!("\"{policy}\";q={burst};w={window}"));
        append(headers, "ratelimit", &format!("\"{policy}\";r={left};t={again}"));
    }
}

impl Pass {
    /// Requests that may still come at once.
    pub(crate) const fn left(&self) -> u32 {
        self.left
    }
}

fn append(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.append(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeMap;
    use std::num::NonZeroU32;
    use std::time::Duration;

    use axum::http::HeaderMap;

    use super::{Held, Limits, NAMES_MAX, Whose};
    use crate::settings::Rate;

    fn rate(per_second: u32, burst: u32, in_flight_max: usize) -> Rate {
        let number = |n| NonZeroU32::new(n).unwrap();
        Rate { per_second: number(per_second), burst: number(burst), in_flight_max }
    }

    fn limits(per_second: u32, burst: u32, in_flight_max: usize) -> Limits {
        Limits::new(Whose::Key, rate(per_second, burst, in_flight_max), BTreeMap::new())
    }

    #[test]
    fn a_rate_of_ones_own_holds_in_place_of_that_of_all() {
        let own = BTreeMap::from([("small".to_owned(), rate(1, 2, 1))]);
        let limits = Limits::new(Whose::Brand, rate(1, 9, 3), own);
        let kept = limits.enter("small").unwrap();
        assert_eq!(kept.left(), 1);
        assert_eq!(limits.enter("small").unwrap_err(), Held::InFlight { max: 1 });
        assert_eq!(limits.enter("other").unwrap().left(), 8);
        let mut told = HeaderMap::new();
        limits.tell("small", 1, None, &mut told);
        assert_eq!(told["ratelimit-policy"], "\"brand\";q=2;w=2");
    }

    #[test]
    fn a_burst_passes_and_then_the_wait_is_told() {
        let limits = limits(1, 3, 10);
        for left in [2, 1, 0] {
            assert_eq!(limits.enter("a").unwrap().left(), left);
        }
        let Err(Held::Rate { wait }) = limits.enter("a") else { panic!("it is over") };
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
    }

    #[test]
    fn nobody_pays_for_the_flood_of_another() {
        let limits = limits(1, 1, 1);
        let kept = limits.enter("a").unwrap();
        for _ in 0..1_000 {
            limits.enter("a").unwrap_err();
        }
        limits.enter("b").unwrap();
        drop(kept);
    }

    #[test]
    fn requests_in_flight_have_a_bound_and_take_no_rate_beyond_it() {
        let limits = limits(1, 3, 2);
        let (one, two) = (limits.enter("a").unwrap(), limits.enter("a").unwrap());
        for _ in 0..10 {
            assert_eq!(limits.enter("a").unwrap_err(), Held::InFlight { max: 2 });
        }
        drop(one);
        limits.enter("a").unwrap();
        drop(two);
    }

    #[test]
    fn names_that_are_counted_have_a_bound_and_callers_stay_counted() {
        let limits = limits(1, 1, 1);
        let kept = limits.enter("kept").unwrap();
        for number in 0..NAMES_MAX * 2 {
            limits.counted(&number.to_string());
        }
        assert!(limits.by_name.read().unwrap().len() <= NAMES_MAX);
        assert_eq!(limits.enter("kept").unwrap_err(), Held::InFlight { max: 1 });
        drop(kept);
    }
}
