//! Settings of the campaign and what must hold between them (domain CA-1, CA-4, RO-9, RO-10).

use playbook_sdk::prelude::*;

use crate::channels::Rules;

settings! {
    /// Lengths, money, content and channels of a campaign in three phases.
    pub struct Settings {
        /// Days of the preheat.
        #[schemars(range(min = 1, max = 365))]
        pub preheat_days: u32 = 7,
        /// Days of the burst.
        #[schemars(range(min = 1, max = 365))]
        pub burst_days: u32 = 3,
        /// Days of the extension.
        #[schemars(range(min = 1, max = 365))]
        pub extension_days: u32 = 6,
        /// What burst and extension are compared by.
        pub ratio_basis: RatioBasis = RatioBasis::Days,
        /// Extension per burst.
        #[schemars(range(min = 0.01, max = 100.0))]
        pub extension_per_burst: f64 = 2.0,
        /// Relative deviation from that ratio that is still accepted.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub ratio_tolerance: f64 = 0.25,
        /// Shares of the budget of the three phases; left out: 0.20, 0.50, 0.30, and by basis `budget` 0.10, 0.30, 0.60.
        pub budget_shares: Option<[f64; 3]> = None,
        /// Themes of the three phases.
        pub themes: [String; 3] = ["brand-story", "user-value", "emotional-resonance"].map(str::to_owned),
        /// Shares of image-text, short video and live.
        pub format_shares: [f64; 3] = [0.30, 0.40, 0.30],
        /// Shares of base, core (in-depth) and value-added (co-creation) content.
        pub layer_shares: [f64; 3] = [0.60, 0.25, 0.15],
        /// Share of commercial content.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub commercial_share: f64 = 0.20,
        /// Deviation from a content share that is still within the plan.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub content_tolerance: f64 = 0.05,
        /// Minutes of the local day at which content goes out: 3 to 8 a day, ascending.
        pub slot_minutes: Vec<u16> = vec![600, 840, 1_200],
        /// What the rows of the table are.
        pub subject: String = "channel".to_owned(),
        /// Return that counts as full in channel health.
        #[schemars(range(min = 0.01))]
        pub roi_full: f64 = 3.2,
        /// Weekly activity that counts as full in channel health.
        #[schemars(range(min = 0.001, max = 1.0))]
        pub wau_full: f64 = 0.30,
        /// Complaint rate that leaves nothing of its part of channel health.
        #[schemars(range(min = 0.000_001, max = 1.0))]
        pub complaint_worst: f64 = 0.01,
        /// How strongly health moves a weight.
        #[schemars(range(min = 0.0, max = 10.0))]
        pub health_pull: f64 = 0.5,
        /// Greatest relative change of a weight.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub weight_change_max: f64 = 0.20,
        /// Least weight of a channel.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub weight_min: f64 = 0.05,
        /// Greatest weight of a channel on trial.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub trial_weight_max: f64 = 0.10,
        /// Band of the sum of core weights.
        pub core_share: [f64; 2] = [0.55, 0.60],
        /// Health below which a channel is a finding.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub weak_health: f64 = 0.40,
        /// What must hold before a phase starts.
        pub gates: Vec<GateSetting> = Vec::new(),
    }
}

settings! {
    /// What burst and extension are compared by.
    pub enum RatioBasis { Days, Budget }
}

settings! {
    /// A condition on the start of a phase.
    pub struct GateSetting {
        /// Phase that waits: 0 preheat, 1 burst, 2 extension.
        #[schemars(range(min = 0, max = 2))]
        pub phase: u32 = 1,
        /// Feature, or `plugin.output`.
        pub metric: String = String::new(),
        /// How the metric is held against the value.
        pub comparison: Compare = Compare::AtLeast,
        /// Value in the unit of the metric.
        pub value: f64 = 0.0,
        /// Fewest observations.
        pub sample_min: u32 = 0,
    }
}

settings! {
    /// How a measure is held against a value.
    pub enum Compare { AtLeast, MoreThan, AtMost, LessThan }
}

impl From<Compare> for Comparison {
    fn from(compare: Compare) -> Self {
        match compare {
            Compare::AtLeast => Self::AtLeast,
            Compare::MoreThan => Self::MoreThan,
            Compare::AtMost => Self::AtMost,
            Compare::LessThan => Self::LessThan,
        }
    }
}

/// Most gates.
const GATES_MAX: usize = 32;

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

    /// Numbers of the channel rules.
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            roi_full: self.roi_full,
            wau_full: self.wau_full,
            complaint_worst: self.complaint_worst,
            pull: self.health_pull,
            change_max: self.weight_change_max,
            weight_min: self.weight_min,
            trial_weight_max: self.trial_weight_max,
            core_share: self.core_share,
        }
    }

    /// Every problem at once.
    pub(crate) fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::new();
        for (days, path) in
            self.days().iter().zip(["/preheat_days", "/burst_days", "/extension_days"])
        {
            problems.check((1..=365).contains(days), path, "must lie between 1 and 365");
        }
        let mixes = [
            ("/budget_shares", self.shares()),
            ("/format_shares", self.format_shares),
            ("/layer_shares", self.layer_shares),
        ];
        for (path, shares) in mixes {
            let whole: f64 = shares.iter().sum();
            let fits = shares.iter().all(|share| *share >= 0.0) && (whole - 1.0).abs() < 1e-9;
            problems.check(fits, path, "must be shares that add up to 1");
        }
        self.check_ratio(&mut problems);
        self.check_numbers(&mut problems);
        self.check_gates(&mut problems);
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
            let message = format!("burst to extension must be near 1 to {wanted}");
            problems.at(path, message).hint("7, 3 and 6 days");
        }
    }

    fn check_numbers(&self, problems: &mut Problems) {
        let shares = [
            ("/commercial_share", self.commercial_share),
            ("/content_tolerance", self.content_tolerance),
            ("/weight_change_max", self.weight_change_max),
            ("/weight_min", self.weight_min),
            ("/trial_weight_max", self.trial_weight_max),
            ("/weak_health", self.weak_health),
            ("/ratio_tolerance", self.ratio_tolerance),
        ];
        for (path, share) in shares {
            problems.check((0.0..=1.0).contains(&share), path, "must lie between 0 and 1");
        }
        let divisors = [
            ("/roi_full", self.roi_full),
            ("/wau_full", self.wau_full),
            ("/complaint_worst", self.complaint_worst),
            ("/extension_per_burst", self.extension_per_burst),
        ];
        for (path, number) in divisors {
            problems.check(number > 0.0, path, "must be above 0");
        }
        problems.check(self.health_pull >= 0.0, "/health_pull", "must not be below 0");
        let [least, most] = self.core_share;
        problems.check(
            0.0 <= least && least <= most && most <= 1.0,
            "/core_share",
            "must be a band of shares",
        );
        let minutes = &self.slot_minutes;
        let ascend = minutes.is_sorted_by(|left, right| left < right);
        let on_clock = minutes.iter().all(|minute| *minute < 1_440);
        if !(3..=8).contains(&minutes.len()) || !ascend || !on_clock {
            problems
                .at("/slot_minutes", "must be 3 to 8 ascending minutes of a day")
                .hint("[600, 840, 1200]");
        }
        problems.check(!self.subject.is_empty(), "/subject", "must name the rows");
    }

    fn check_gates(&self, problems: &mut Problems) {
        problems.check(
            self.gates.len() <= GATES_MAX,
            "/gates",
            format!("holds more than {GATES_MAX} gates"),
        );
        for (i, gate) in self.gates.iter().enumerate() {
            problems.check(gate.phase <= 2, format!("/gates/{i}/phase"), "must be 0, 1 or 2");
            problems.check(
                !gate.metric.is_empty(),
                format!("/gates/{i}/metric"),
                "must name a metric",
            );
        }
    }
}
