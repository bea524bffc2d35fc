//! What a call may know of the world outside its rows.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00Z.
pub type UnixMs = i64;
/// Minor units of the playbook's currency.
pub type Minor = i64;
/// Position of a row in the batch or table of the same call.
pub type Row = u32;
/// Position in one of the lists that a shape declares.
pub type Index = u32;

/// Position that stands for none where the contract says so.
pub const NONE_INDEX: Index = Index::MAX;

const DAY_MIN: i64 = 24 * 60;

/// As-of time, local minute and seed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Context {
    /// As-of time of the cycle, or time of the request: the end of the period that features describe.
    pub now: UnixMs,
    /// `now` as minutes since 1970-01-01T00:00 on the clock of the brand's time zone.
    pub local_min: i64,
    /// Same for all batches of a cycle.
    pub seed: u64,
}

impl Context {
    /// Day of the brand's calendar since 1970-01-01: day 0 of a plan.
    #[must_use]
    pub fn local_day(&self) -> i64 {
        self.local_min.div_euclid(DAY_MIN)
    }

    /// Minute of the brand's local day, 0 to 1439.
    #[must_use]
    pub fn local_minute(&self) -> u32 {
        u32::try_from(self.local_min.rem_euclid(DAY_MIN)).unwrap_or_default()
    }

    /// Well-mixed bits of the cycle's seed and a row's key: the only randomness there is.
    #[must_use]
    pub fn mixed(&self, key: i64) -> u64 {
        mix(key.cast_unsigned(), self.seed)
    }
}

/// Mixes a key with a seed: equal inputs give equal bits, neighbouring keys unrelated ones.
#[must_use]
pub fn mix(key: u64, seed: u64) -> u64 {
    // Two rounds of the finaliser of splitmix64 (Steele, Lea and Flood 2014).
    let round = |mut x: u64| {
        x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    round(round(key) ^ round(seed))
}
