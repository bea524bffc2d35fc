//! Settings of a plan: its stages with money, gates and content, its milestones, and its touches.

use playbook_engine::rewards::Rewards;
use playbook_engine::{ColumnSetting, Named, Text};
use playbook_sdk::prelude::*;

settings! {
    /// A campaign or programme in named stages. Cards ship such settings; a playbook changes single ones by name.
    pub struct Settings {
        /// What gets the money of a stage, by its column `weight`: channel, community; empty: the stage as a whole.
        pub subject: String where length(0..=64) = "",
        /// The stages by name, in order of time.
        pub order: Vec<String> where length(0..=64), distinct = [],
        /// The stages.
        pub stage: Named<StageSetting> where length(0..=64) = {},
        /// Whether all stages begin on the first day; else one begins where the one before ends.
        pub together: bool = false,
        /// Whether the gates of a stage hold for all that come after it too, so that no stage can be skipped.
        pub gates_stay: bool = true,
        /// Condition on the brand (`brand.NAME`) under which there is a plan; else it has no stages.
        pub when: String where length(1..=1000) = "true",
        /// Takes some of the stages alone, by what the brand lacks; left out: all.
        pub pick: Option<PickSetting> = null,
        /// Deviation from a content share that is still within the plan.
        pub content_tolerance: f64 where within(0.0..=1.0) = 0.05,
        /// Milestones by name.
        pub milestone: Named<MilestoneSetting> where length(0..=64) = {},
        /// Days since the first day of the programme, an amount of the brand such as `brand.programme_days`; empty: the
        /// plan begins now, and no milestone is late.
        pub elapsed: String where length(0..=1000) = "",
        /// Share of the whole length that a milestone without a latest day may slip.
        pub buffer: f64 where within(0.0..=1.0) = 0.0,
        /// Touches of rows, as settings of `reward-rules`; stages name them.
        pub touches: Option<Rewards> = null,
        /// Numbers that conditions of the plan use by name. Each must be used.
        pub numbers: Named<f64> where length(0..=256) = {},
        /// What is said of columns of the brand that conditions of the plan name.
        pub columns: Named<ColumnSetting> where length(0..=512) = {},
    }
}

settings! {
    /// A stage of the plan.
    pub struct StageSetting {
        /// The stage in words.
        pub words: Text = {},
        /// Why it is there; left out: its own words.
        pub why: Option<Text> = null,
        /// Its length in days; or `months`.
        pub days: Option<u32> where within(1..=3650) = null,
        /// Its length in months of the calendar.
        pub months: Option<u32> where within(1..=120) = null,
        /// Its share of the budget, as a fraction.
        pub share: f64 where within(0.0..=1.0) = 0.0,
        /// Whether the share is one of a later budget, which this plan does not spend.
        pub later_budget: bool = false,
        /// What must hold before the stage starts.
        pub gate: Named<GateSetting> where length(0..=32) = {},
        /// Mixes of its content: shares by category, which add up to 1.
        pub content: Named<Named<f64>> where length(0..=16) = {},
        /// Touches of the stage, by their names.
        pub touches: Vec<String> where length(0..=64), distinct = [],
        /// What the stage lifts, by the names that columns of `pick` hold.
        pub lifts: Vec<String> where length(0..=64), distinct = [],
    }
}

settings! {
    /// A condition on the start of a stage.
    pub struct GateSetting {
        /// Feature, or `stage.output`.
        pub metric: String where length(1..=128) = "",
        /// How the metric is held against the value.
        pub comparison: Comparison = "at-least",
        /// Value in the unit of the metric.
        pub value: f64 = 0.0,
        /// Fewest observations.
        pub sample_min: u32 = 0,
    }
}

settings! {
    /// Which stages a plan takes.
    pub struct PickSetting {
        /// How many.
        pub most: u32 where within(1..=64) = 2,
        /// Columns of the brand that name what is lacking, most lacking first; what is left is filled up in order.
        pub by: Vec<String> where length(1..=16), distinct = [],
    }
}

settings! {
    /// Something that should be reached by a day.
    pub struct MilestoneSetting {
        /// The milestone in words.
        pub words: Text = {},
        /// Day of the plan by whose beginning it should be reached; or `month`.
        pub day: Option<u32> where within(0..=3650) = null,
        /// Month of the plan at whose end it should be reached.
        pub month: Option<u32> where within(1..=120) = null,
        /// Day by which it must be reached; left out: the planned one with the buffer.
        pub latest_day: Option<u32> where within(0..=3650) = null,
        /// Month at whose end it must be reached.
        pub latest_month: Option<u32> where within(1..=120) = null,
        /// Condition on the brand under which it is reached.
        pub done: String where length(1..=1000) = "false",
    }
}
