//! The plan of a campaign.

use playbook_model::{Minor, Words};

/// A phase of the campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseRow {
    /// Kebab-case name.
    pub name: String,
    /// Why, in the plugin's words.
    pub reason: Words,
    /// First day; day 0 is the as-of day.
    pub first_day: u32,
    /// Length in days.
    pub days: u32,
    /// Money of the phase.
    pub budget: Minor,
}

/// Money of a phase for a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocationRow {
    /// Position in [`Campaign::phases`].
    pub phase: usize,
    /// Name of the channel (or of another subject).
    pub place: String,
    /// How much.
    pub amount: Minor,
}

/// Money that a plan had to go by when its cycle was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanMoneyRow {
    /// Free in the stage's pool.
    pub pool: Minor,
    /// Free in the stage's own account.
    pub account: Minor,
    /// Most that the stage may take of its pool in one cycle (GR-7).
    pub share: Minor,
}

/// Share of a content category in a phase.
#[derive(Debug, Clone, PartialEq)]
pub struct ContentRow {
    /// Position in [`Campaign::phases`].
    pub phase: usize,
    /// Which mix, for example "format".
    pub mix: String,
    /// Category of the mix.
    pub category: String,
    /// Lower bound, a fraction.
    pub least: f64,
    /// Target, a fraction.
    pub target: f64,
    /// Upper bound, a fraction.
    pub most: f64,
}

/// A planned publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotRow {
    /// Position in [`Campaign::phases`].
    pub phase: usize,
    /// Day of the plan; day 0 is the as-of day.
    pub day: u32,
    /// Minute of the brand's local day.
    pub minute: u16,
    /// What it is for; empty: the whole brand.
    pub place: String,
    /// Category in the mix "format".
    pub format: String,
    /// Category in the mix "layer".
    pub layer: String,
    /// Theme.
    pub theme: String,
    /// Counts against the commercial share.
    pub commercial: bool,
}

/// What must hold before a phase may start.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRow {
    /// Position in [`Campaign::phases`].
    pub phase: usize,
    /// Feature or `plugin.output`.
    pub metric: String,
    /// ">=", ">", "<=" or "<".
    pub comparison: String,
    /// In the metric's unit.
    pub value: f64,
    /// Fewest observations.
    pub sample_min: u32,
}

/// The plan of the campaign stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Campaign {
    /// Plugin that planned, with its version.
    pub plugin: String,
    /// Names of phases, mixes, categories, formats, layers and themes in words; others are shown as they are.
    pub terms: Vec<(String, Words)>,
    /// Day 0 of the plan as days since 1970-01-01 on the brand's clock (`local_min` of the context / 1440).
    pub day_zero: i64,
    /// In order of time.
    pub phases: Vec<PhaseRow>,
    /// Money per phase and channel.
    pub allocations: Vec<AllocationRow>,
    /// What the plan had to go by, where that is known.
    pub money: Option<PlanMoneyRow>,
    /// Content shares.
    pub content: Vec<ContentRow>,
    /// Planned publications in order of time; the page shows the first 40 and says how many more there are.
    pub slots: Vec<SlotRow>,
    /// Conditions of phases.
    pub gates: Vec<GateRow>,
}
