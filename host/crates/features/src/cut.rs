//! Bounds of windows: to the millisecond, and for dates by whole local days.
//!
//! A window "7 d" as of T is [T - 7 * 24 h, T) (domain 0.1). A source of dates says no more than the local day, and
//! its rows stand at the midnight with which it begins. Where the clock changes within a window, 24-hour days would
//! cut one of them off or add one: so what stands exactly at a local midnight is taken for a date and measured on the
//! wall clock.

use playbook_model::UnixMs;

use crate::recipe::DAY_MS;

/// The brand's wall clock.
pub trait Clock: std::fmt::Debug {
    /// Milliseconds since 1970-01-01T00:00 on the wall clock.
    fn local_ms(&self, unix_ms: i64) -> i64;

    /// The instant at which the wall clock shows `local_ms`; of two the earlier.
    fn unix_ms(&self, local_ms: i64) -> i64;
}

/// A clock without changes and without offset.
#[derive(Debug, Clone, Copy, Default)]
pub struct Utc;

impl Clock for Utc {
    fn local_ms(&self, unix_ms: i64) -> i64 {
        unix_ms
    }

    fn unix_ms(&self, local_ms: i64) -> i64 {
        local_ms
    }
}

/// A bound of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Unix-ms from which on a row lies after it.
    pub at: i64,
    /// A local midnight, in unix-ms, whose rows (which are dates) lie on the other side of the bound than their time
    /// says.
    pub midnight: Option<i64>,
}

impl Cut {
    /// The bound `before_ms` before T.
    #[must_use]
    pub fn new(clock: &dyn Clock, as_of: UnixMs, before_ms: i64) -> Self {
        let at = as_of.0.saturating_sub(before_ms);
        let shown = clock.local_ms(at);
        let meant = clock.local_ms(as_of.0).saturating_sub(before_ms);
        let first = shown.min(meant);
        // The first midnight from there on, if it is not beyond the other of the two.
        let midnight = first.saturating_add(DAY_MS - 1).div_euclid(DAY_MS) * DAY_MS;
        let is_between = midnight < shown.max(meant);
        Self { at, midnight: is_between.then(|| clock.unix_ms(midnight)) }
    }

    /// The first instant of any row after it.
    #[must_use]
    pub fn earliest(&self) -> i64 {
        self.midnight.map_or(self.at, |midnight| midnight.min(self.at))
    }

    /// SQL of the condition that a row lies after it, or at it.
    #[must_use]
    pub(crate) fn after_sql(&self) -> String {
        match self.midnight {
            None => format!("time >= {}", self.at),
            Some(midnight) if midnight < self.at => {
                format!("(time >= {} OR time = {midnight})", self.at)
            }
            Some(midnight) => format!("(time >= {} AND time <> {midnight})", self.at),
        }
    }

    /// SQL of the condition that a row lies before it.
    #[must_use]
    pub(crate) fn before_sql(&self) -> String {
        match self.midnight {
            None => format!("time < {}", self.at),
            Some(midnight) if midnight < self.at => {
                format!("(time < {} AND time <> {midnight})", self.at)
            }
            Some(midnight) => format!("(time < {} OR time = {midnight})", self.at),
        }
    }
}
