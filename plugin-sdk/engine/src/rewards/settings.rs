//! Settings of rewards: what they are, who gets them, on which ladders they stand and of which part of a mix they are.

use playbook_sdk::prelude::*;

use crate::{ColumnSetting, Named, Text};

settings! {
    /// Rewards by conditions. Cards ship such settings; a playbook changes single ones by name.
    pub struct Rewards {
        /// What the rows are.
        pub subject: String where length(1..=64) = "member",
        /// The rewards by name, in the order in which they are proposed.
        pub order: Vec<String> where length(0..=64), distinct = [],
        /// The rewards.
        pub reward: Named<RewardSetting> where length(0..=64) = {},
        /// Rows that may be rewarded at all.
        pub among: String where length(1..=1000) = "true",
        /// Ladders: orders of rewards of which a row gets one.
        pub ladder: Named<LadderSetting> where length(0..=16) = {},
        /// Parts of the mix; their shares add up to 1.
        pub part: Named<PartSetting> where length(0..=16) = {},
        /// Most that the rewards of one row may cost in a cycle, minor units, each part its share of it; left out: no bound.
        pub row_budget_minor: Option<i64> where within(0..) = null,
        /// Numbers that conditions and amounts use by name. Each must be used.
        pub numbers: Named<f64> where length(0..=256) = {},
        /// What is said of columns that conditions name. A column that is not listed must be there.
        pub columns: Named<ColumnSetting> where length(0..=512) = {},
    }
}

settings! {
    /// A reward, or another effect for a row.
    pub struct RewardSetting {
        /// Condition under which a row gets it.
        pub when: String where length(1..=1000) = "",
        /// The reward in words.
        pub words: Text = {},
        /// Why it is given; left out: the reward's own words.
        pub why: Option<Text> = null,
        /// Cost to the brand, minor units: a number, or an amount such as `0.1 * aov_minor`. Rounded down, at least 0; a row
        /// for which it is missing does not get the reward.
        pub cost: String where length(1..=1000) = "0",
        /// Expected output, minor units, as `cost`.
        pub expected: String where length(1..=1000) = "0",
        /// Points, units or 1, as `cost`; below 1 there is no reward.
        pub quantity: String where length(1..=1000) = "1",
        /// Class in arbitration.
        pub priority: Class = "promotion",
        /// Rewards of one family are duplicates of each other; empty: the reward alone.
        pub family: String where length(0..=64) = "",
        /// Consent purpose without which it is refused; empty: none.
        pub purpose: String where length(0..=64) = "",
        /// Whether it counts against commercial caps.
        pub commercial: bool = false,
        /// Whether it is a message to the member.
        pub contacts_member: bool = false,
        /// How often it may happen to one row.
        pub frequency: HowOften = "once-a-cycle",
        /// Whether a person approves each one.
        pub needs_approval: bool = false,
        /// A sign of care, which carries no offer: it costs nothing, expects nothing and is never commercial.
        pub care: bool = false,
        /// Most of these rewards in a cycle, over all rows. Rows are answered one by one, so whoever approves keeps it:
        /// it needs `needs_approval`.
        pub quota_per_cycle: Option<i64> where within(1..) = null,
        /// Part of the mix that pays for it; empty: none.
        pub part: String where length(0..=64) = "",
        /// On a ladder of mode `next`: whether a row has done it.
        pub done: String where length(1..=1000) = "false",
        /// Minutes from now before which it must not happen.
        pub after_min: u32 where within(0..=525600) = 0,
        /// Minutes from now after which it must not happen; left out: the end of the cycle.
        pub until_min: Option<u32> where within(0..=525600) = null,
    }
}

settings! {
    /// An order of rewards, lowest first, of which a row gets one.
    pub struct LadderSetting {
        /// The rewards.
        pub rungs: Vec<String> where length(1..=64), distinct = [],
        /// Which of them a row gets, where its condition holds.
        pub mode: Mode = "highest",
    }
}

settings! {
    /// Which rung a row gets: the highest whose condition holds, or the one above the highest that it has done.
    pub enum Mode { Highest = "highest", Next = "next" }
}

settings! {
    /// A part of the mix.
    pub struct PartSetting {
        /// Its share, as a fraction.
        pub share: f64 where within(0.0..=1.0) = 0.0,
        /// Whether the share may not be 0.
        pub required: bool = false,
    }
}

settings! {
    /// Class in arbitration, most urgent first.
    pub enum Class {
        Transaction = "transaction",
        Service = "service",
        Retention = "retention",
        Campaign = "campaign",
        Content = "content",
        Promotion = "promotion",
    }
}

impl From<Class> for Priority {
    fn from(class: Class) -> Self {
        match class {
            Class::Transaction => Self::Transaction,
            Class::Service => Self::Service,
            Class::Retention => Self::Retention,
            Class::Campaign => Self::Campaign,
            Class::Content => Self::Content,
            Class::Promotion => Self::Promotion,
        }
    }
}

settings! {
    /// How often something may happen to one row.
    pub enum HowOften {
        OnceACycle = "once-a-cycle",
        OnceADay = "once-a-day",
        OnceAnEvent = "once-an-event",
    }
}

impl From<HowOften> for Frequency {
    fn from(how_often: HowOften) -> Self {
        match how_often {
            HowOften::OnceACycle => Self::OnceACycle,
            HowOften::OnceADay => Self::OnceADay,
            HowOften::OnceAnEvent => Self::OnceAnEvent,
        }
    }
}
