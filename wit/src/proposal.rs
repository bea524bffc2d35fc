//! Proposals of incentives and campaigns.

use serde::{Deserialize, Serialize};

use crate::NONE_INDEX;

/// Proposals of one batch, one entry per proposal in every list; `row` ascends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposals {
    /// Row of the batch.
    pub row: Vec<u32>,
    /// Position in `Shape::actions`.
    pub action: Vec<u32>,
    /// Points, units or 1; at least 0.
    pub quantity: Vec<i64>,
    /// Greatest cost to the brand in minor units, at least 0.
    pub cost: Vec<i64>,
    /// Expected output in minor units, at least 0.
    pub expected_output: Vec<i64>,
    /// Position in `Shape::reasons`.
    pub reason: Vec<u32>,
    /// Not before, minutes from now; empty: all at once.
    pub after_min: Vec<u32>,
    /// Not after, minutes from now, or [`NONE_INDEX`] for the end of the cycle; empty: all until then.
    pub until_min: Vec<u32>,
}

impl Proposals {
    /// Minutes from now before which the `at`-th proposal must not happen.
    #[must_use]
    pub fn after(&self, at: usize) -> u32 {
        self.after_min.get(at).copied().unwrap_or(0)
    }

    /// Minutes from now after which the `at`-th proposal must not happen; `None`: the end of the cycle.
    #[must_use]
    pub fn until(&self, at: usize) -> Option<u32> {
        self.until_min.get(at).copied().filter(|minute| *minute != NONE_INDEX)
    }
}
