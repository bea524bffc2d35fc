//! Settings of a ladder: its segments with their rules, flags, and what each segment carries.

use playbook_engine::{ColumnSetting, Named, Text};
use playbook_sdk::prelude::*;

settings! {
    /// Segments by conditions. Cards ship such settings; a playbook changes single ones by name.
    pub struct Settings {
        /// What the rows are: member, community, partner.
        pub subject: String where length(1..=64) = "member",
        /// Name of the output that holds the segment.
        pub output: String where length(1..=40) = "segment",
        /// Whether the segments are rungs: the highest one that holds is given, and falls are held back. Else the first
        /// one that holds is given, at once.
        pub ordered: bool = false,
        /// The segments by name: rungs from the lowest up, or in the order in which they are tried.
        pub order: Vec<String> where length(1..=64), distinct = ["all"],
        /// The segments.
        pub segment: Named<SegmentSetting> where length(1..=64) = { "all": { "when": "true", "words": { "en": "All" } } },
        /// Which rows are judged at all; the others belong to no segment.
        pub among: String where length(1..=1000) = "true",
        /// Lower evaluations in a row after which a row moves down; 0 or 1 moves at once. Rises and first evaluations
        /// never wait for it. Only ordered segments fall.
        pub hysteresis_cycles: i64 where within(0..=52) = 2,
        /// Numbers that conditions use by name, so that they can be set without a rule being written again. Each must be used.
        pub numbers: Named<f64> where length(0..=256) = {},
        /// Flags of a row: outputs of 1 or 0.
        pub flag: Named<FlagSetting> where length(0..=32) = {},
        /// Outputs of numbers that segments carry.
        pub value: Named<ValueSetting> where length(0..=32) = {},
        /// Outputs of names that segments carry.
        pub choice: Named<ChoiceSetting> where length(0..=32) = {},
        /// Names that pages show, in words.
        pub term: Named<Text> where length(0..=256) = {},
        /// What is said of columns that conditions name. A column that is not listed must be there.
        pub columns: Named<ColumnSetting> where length(0..=512) = {},
    }
}

settings! {
    /// A segment, or a rung.
    pub struct SegmentSetting {
        /// Condition under which a row belongs to it.
        pub when: String where length(1..=1000) = "",
        /// The segment in words.
        pub words: Text = {},
        /// Reason that is given with it; left out: none.
        pub why: Option<Text> = null,
        /// Evaluations in a row, this one included, in which a row must have reached at least the rung below before it
        /// may rise to this one. Only read where segments are ordered.
        pub after: i64 where within(1..=52) = 1,
        /// Numbers that the segment carries, by the names of `value`.
        pub values: Named<f64> = {},
        /// Names that the segment carries, by the names of `choice`.
        pub choices: Named<String> = {},
    }
}

settings! {
    /// A flag of a row.
    pub struct FlagSetting {
        /// Condition of the flag: 1 where it is true, 0 where it is false, else missing.
        pub when: String where length(1..=1000) = "",
        /// The flag in words.
        pub words: Text = {},
        /// Reason that is given where the flag is up; left out: none.
        pub why: Option<Text> = null,
    }
}

settings! {
    /// An output of numbers.
    pub struct ValueSetting {
        /// The output in words.
        pub words: Text = {},
        /// Its unit: ratio, minor, count.
        pub unit: String = "",
        /// Least that a segment may carry.
        pub least: Option<f64> = null,
        /// Most that a segment may carry.
        pub most: Option<f64> = null,
    }
}

settings! {
    /// An output of names.
    pub struct ChoiceSetting {
        /// The output in words.
        pub words: Text = {},
    }
}
