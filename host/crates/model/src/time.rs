//! Times that are inputs, never read from a clock.

/// Milliseconds since 1970-01-01T00:00Z.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
pub struct UnixMs(pub i64);

/// What a plugin call may know of the world outside its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
pub struct Context {
    /// As-of time of the cycle: the end of the period that features describe.
    pub now: UnixMs,
    /// `now` as minutes since 1970-01-01T00:00 on the clock of the brand's time zone.
    pub local_min: i64,
    /// Same for all batches of a cycle.
    pub seed: u64,
}
