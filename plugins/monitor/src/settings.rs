//! Settings of a monitor: its rules, their levels, and what they suggest.

use playbook_engine::{ColumnSetting, Named, Text};
use playbook_sdk::prelude::*;

settings! {
    /// Warnings by conditions. Cards ship such settings; a playbook changes single ones by name.
    pub struct Settings {
        /// What the rows are: community, brand, partner.
        pub subject: String where length(1..=64) = "community",
        /// Which rows are watched at all.
        pub among: String where length(1..=1000) = "true",
        /// The rules by name.
        pub rule: Named<RuleSetting> where length(0..=64) = {},
        /// What findings may suggest, by name. A person approves each.
        pub package: Named<PackageSetting> where length(0..=64) = {},
        /// Names the rules that fired by their expected effect; left out: not.
        pub rank: Option<RankSetting> = null,
        /// Numbers that conditions use by name. Each must be used.
        pub numbers: Named<f64> where length(0..=256) = {},
        /// What is said of columns that conditions name. A column that is not listed must be there.
        pub columns: Named<ColumnSetting> where length(0..=512) = {},
    }
}

settings! {
    /// A rule.
    pub struct RuleSetting {
        /// Condition under which it is met.
        pub when: String where length(1..=1000) = "",
        /// What it says.
        pub words: Text = {},
        /// How much it matters.
        pub level: Degree = "watch",
        /// Evaluations in a row in which it must be met. One that is open leaves the count, two of them end it.
        pub periods: u32 where within(1..=52) = 1,
        /// Amount that the finding shows as measured; empty: none.
        pub value: String where length(0..=1000) = "",
        /// Amount that it shows as the threshold; empty: none.
        pub threshold: String where length(0..=1000) = "",
        /// Packages that it suggests, most useful first.
        pub suggests: Vec<String> where length(0..=16), distinct = [],
        /// Amount that following the suggestion is expected to bring, from own history; empty: not known.
        pub effect: String where length(0..=1000) = "",
        /// Cases that this rests on, an amount; empty: none.
        pub evidence: String where length(0..=1000) = "",
    }
}

settings! {
    /// How much a finding matters.
    pub enum Degree { None = "none", Watch = "watch", Warn = "warn", Critical = "critical" }
}

impl From<Degree> for Level {
    fn from(degree: Degree) -> Self {
        match degree {
            Degree::None => Self::None,
            Degree::Watch => Self::Watch,
            Degree::Warn => Self::Warn,
            Degree::Critical => Self::Critical,
        }
    }
}

settings! {
    /// Something that can be done.
    pub struct PackageSetting {
        /// The package in words.
        pub words: Text = {},
    }
}

settings! {
    /// How suggestions are ranked: by their effect where enough cases tell it, the greatest first, then by name.
    pub struct RankSetting {
        /// How many are named.
        pub most: u32 where within(1..=16) = 3,
        /// Fewest cases for an effect to count.
        pub evidence_min: u32 where within(1..=10000) = 3,
    }
}
