//! Settings of the campaign and what must hold between them (domain CA-1, CA-4, RO-9, RO-10).

use playbook_domain::{HealthTerms, WeightTerms};
use playbook_sdk::prelude::*;

settings! {
    /// Lengths, money, content and channels of a campaign in three phases.
    pub struct Settings {
        /// Days of the preheat.
        pub preheat_days: u32 where within(1..=365) = 7,
        /// Days of the burst.
        pub burst_days: u32 where within(1..=365) = 3,
        /// Days of the extension.
        pub extension_days: u32 where within(1..=365) = 6,
        /// What burst and extension are compared by.
        pub ratio_basis: RatioBasis = "days",
        /// Extension per burst.
        pub extension_per_burst: f64 where within(0.01..=100.0) = 2.0,
        /// Relative deviation from that ratio that is still accepted.
        pub ratio_tolerance: f64 where within(0.0..=1.0) = 0.25,
        /// Shares of the budget of the three phases; left out: 0.20, 0.50, 0.30, and by basis `budget` 0.10, 0.30, 0.60.
        pub budget_shares: Option<[f64; 3]> where each(within(0.0..=1.0)) = null,
        /// Themes of the three phases.
        pub themes: [String; 3] = ["brand-story", "user-value", "emotional-resonance"],
        /// Shares of image-text, short video and live.
        pub format_shares: [f64; 3] where each(within(0.0..=1.0)) = [0.30, 0.40, 0.30],
        /// Shares of base, core (in-depth) and value-added (co-creation) content.
        pub layer_shares: [f64; 3] where each(within(0.0..=1.0)) = [0.60, 0.25, 0.15],
        /// Share of commercial content.
        pub commercial_share: f64 where within(0.0..=1.0) = 0.20,
        /// Deviation from a content share that is still within the plan.
        pub content_tolerance: f64 where within(0.0..=1.0) = 0.05,
        /// Minutes of the local day at which content goes out: 3 to 8 a day, ascending.
        pub slot_minutes: Vec<u16> where length(3..=8), each(within(0..=1439)) = [600, 840, 1200],
        /// What the rows of the table are.
        pub subject: String where length(1..) = "channel",
        /// Return that counts as full in channel health.
        pub roi_full: f64 where within(0.01..) = 3.2,
        /// Weekly activity that counts as full in channel health.
        pub wau_full: f64 where within(0.001..=1.0) = 0.30,
        /// Complaint rate that leaves nothing of its part of channel health.
        pub complaint_worst: f64 where within(0.000_001..=1.0) = 0.01,
        /// How strongly health moves a weight.
        pub health_pull: f64 where within(0.0..=10.0) = 0.5,
        /// Greatest relative change of a weight.
        pub weight_change_max: f64 where within(0.0..=1.0) = 0.20,
        /// Least weight of a channel.
        pub weight_min: f64 where within(0.0..=1.0) = 0.05,
        /// Greatest weight of a channel on trial.
        pub trial_weight_max: f64 where within(0.0..=1.0) = 0.10,
        /// Band of the sum of core weights.
        pub core_share: [f64; 2] where each(within(0.0..=1.0)) = [0.55, 0.60],
        /// Health below which a channel is a finding.
        pub weak_health: f64 where within(0.0..=1.0) = 0.40,
        /// What must hold before a phase starts.
        pub gates: Vec<GateSetting> where length(0..=32) = [],
    }
}

settings! {
    /// What burst and extension are compared by.
    pub enum RatioBasis { Days = "days", Budget = "budget" }
}

settings! {
    /// A condition on the start of a phase.
    pub struct GateSetting {
        /// Phase that waits: 0 preheat, 1 burst, 2 extension.
        pub phase: u32 where within(0..=2) = 1,
        /// Feature, or `plugin.output`.
        pub metric: String where length(1..) = "",
        /// How the metric is held against the value.
        pub comparison: Comparison = "at-least",
        /// Value in the unit of the metric.
        pub value: f64 = 0.0,
        /// Fewest observations.
        pub sample_min: u32 = 0,
    }
}

impl Settings {
    /// Lengths of the phases in days.
    pub(crate) fn days(&self) -> [u32; 3] {
        [self.preheat_days, self.burst_days, self.extension_days]
    }

    /// Shares of the budget.
    pub(crate) fn shares(&self) -> [f64; 3] {
        self.budget_shares.unwrap_or(match self.ratio_basis {
            RatioBasis::Days => [0.20, 0.50, 0.30],
            RatioBasis::Budget => [0.10, 0.30, 0.60],
        })
    }

    /// What counts as full in the health of a channel.
    pub(crate) fn health_terms(&self) -> HealthTerms {
        HealthTerms {
            parts: [0.4, 0.2, 0.2, 0.2],
            roi_full: self.roi_full,
            wau_full: self.wau_full,
            complaint_worst: self.complaint_worst,
        }
    }

    /// How far health moves a weight.
    pub(crate) fn weight_terms(&self) -> WeightTerms {
        WeightTerms {
            pull: self.health_pull,
            change_max: self.weight_change_max,
            least: self.weight_min,
            trial_most: self.trial_weight_max,
        }
    }

    /// Every problem at once.
    pub(crate) fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::new();
        let mixes = [
            ("/budget_shares", self.shares()),
            ("/format_shares", self.format_shares),
            ("/layer_shares", self.layer_shares),
        ];
        for (path, shares) in mixes {
            let whole: f64 = shares.iter().sum();
            let message = "must be shares that add up to 1";
            problems.check((whole - 1.0).abs() < 1e-9, path, message);
        }
        self.check_ratio(&mut problems);
        let [least, most] = self.core_share;
        problems.check(least <= most, "/core_share", "must be a band of shares");
        if !self.slot_minutes.is_sorted_by(|left, right| left < right) {
            problems.at("/slot_minutes", "must ascend").hint("[600, 840, 1200]");
        }
        problems.into_result()
    }

    fn check_ratio(&self, problems: &mut Problems) {
        let (burst, extension, path) = match self.ratio_basis {
            RatioBasis::Days => {
                (f64::from(self.burst_days), f64::from(self.extension_days), "/extension_days")
            }
            RatioBasis::Budget => (self.shares()[1], self.shares()[2], "/budget_shares"),
        };
        let wanted = self.extension_per_burst;
        let near =
            burst > 0.0 && (extension / burst / wanted - 1.0).abs() <= self.ratio_tolerance + 1e-9;
        if !near {
            let message = "burst to extension must be near 1 to `extension_per_burst`";
            problems.at(path, message).hint("7, 3 and 6 days");
        }
    }
}
