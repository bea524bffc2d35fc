//! Records of the contract as authors use them, with the contract's own documentation.

pub use crate::bindings::base::playbook::plugin::types::*;

/// Position that stands for "none" wherever the contract uses an index.
pub const NONE_INDEX: u32 = u32::MAX;

impl Context {
    /// Day of the brand's calendar since 1970-01-01: day 0 of a plan.
    #[must_use]
    pub fn local_day(&self) -> i64 {
        self.local_min.div_euclid(1_440)
    }

    /// Minute of the brand's local day, 0 to 1439.
    #[must_use]
    pub fn local_minute(&self) -> u32 {
        u32::try_from(self.local_min.rem_euclid(1_440)).unwrap_or_default()
    }

    /// Well-mixed bits of the cycle's seed and a row's key: the only randomness there is.
    #[must_use]
    pub fn mixed(&self, key: i64) -> u64 {
        crate::sample::mix(key.cast_unsigned(), self.seed)
    }
}

impl Finding {
    /// Returns a finding about the whole brand.
    #[must_use]
    pub fn new(level: Level, reason: u32) -> Self {
        Self { level, reason, place: None, value: None, threshold: None, suggests: Vec::new() }
    }

    /// Says which row of which table it is about.
    #[must_use]
    pub fn at(mut self, table: u32, row: u32) -> Self {
        self.place = Some((table, row));
        self
    }

    /// Gives the measured value and what it was held against.
    #[must_use]
    pub fn measured(mut self, value: f64, threshold: f64) -> Self {
        (self.value, self.threshold) = (Some(value), Some(threshold));
        self
    }

    /// Suggests actions by their position in the shape, most useful first.
    #[must_use]
    pub fn suggests(mut self, actions: impl IntoIterator<Item = u32>) -> Self {
        self.suggests = actions.into_iter().collect();
        self
    }
}

#[expect(clippy::derivable_impls, reason = "the struct is generated")]
impl Default for CampaignPlan {
    fn default() -> Self {
        Self {
            phases: Vec::new(),
            allocations: Vec::new(),
            content: Vec::new(),
            slots: Vec::new(),
            gates: Vec::new(),
            findings: Vec::new(),
        }
    }
}
