//! What a report page says: plain owned values that the caller fills from a finished run.

mod campaign;
mod curves;
mod goals;
mod health;
mod indicators;
mod machine;
mod members;
mod money;
mod section;
mod stage_table;
mod targets;

use std::collections::BTreeMap;

use playbook_model::{Digest, Minor, Words};

pub use self::campaign::{
    AllocationRow, Campaign, ContentRow, GateRow, PhaseRow, PlanMoneyRow, SlotRow,
};
pub use self::curves::{Calibration, Curve, Effect, ForecastGroup, Sample};
pub use self::goals::{GoalRow, Goals};
pub use self::health::{
    DimensionRow, FindingRow, Health, IndicatorRow, LevelMark, OutputRow, StepRow,
};
pub use self::indicators::{IndicatorTarget, IndicatorTile, Maker};
pub use self::machine::{DataFindingRow, Evidence, PluginRow, SourceRow, TimingRow};
pub use self::members::{
    Distribution, FlowEnd, FlowMatrix, Outside, ScoreRow, SegmentRow, Segmentation,
};
pub use self::money::{BudgetRow, GrantRow, Incentives, RefusalRow, Roi, RoiRow, TransferRow};
pub use self::section::{Absence, Section};
pub use self::stage_table::{StageCell, StageColumn, StageTable};
pub use self::targets::TargetRow;

/// The currency of all amounts on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Currency {
    /// ISO 4217 code, for example "CNY".
    pub code: String,
    /// Digits after the point, 0 to 4: minor units are 10^-digits of the currency.
    pub digits: u8,
}

/// What is at the top of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The brand's name.
    pub brand: String,
    /// Title of the playbook.
    pub title: Words,
    /// As-of time, in the brand's time zone and naming it, for example "2026-03-01 00:00 (Asia/Shanghai)".
    pub as_of: String,
    /// Name of the cycle, for example "2026-W09".
    pub cycle: String,
    /// Id of the run; the page shows its first 12 letters and the whole in the evidence.
    pub run_id: String,
    /// Digest of the checked playbook.
    pub playbook_digest: Digest,
    /// Whether nothing was granted (`--dry-run`).
    pub dry_run: bool,
    /// The playbook's one currency.
    pub currency: Currency,
}

/// A figure that the playbook may name features for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Told<T> {
    /// Its value.
    Value(T),
    /// Features are named for it; the data has no value of them.
    NoValue,
    /// The playbook names no feature for it.
    #[default]
    NotNamed,
}

impl<T> Told<T> {
    /// The value, where there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::NoValue | Self::NotNamed => None,
        }
    }
}

/// The figures that a hurried reader sees. What has no value is shown as a dash with the reason.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Unified members.
    pub members: u64,
    /// Members with at least one interaction or order in the cycle.
    pub active: Told<u64>,
    /// Paid orders in the cycle.
    pub orders: Told<u64>,
    /// Revenue of the cycle, net of refunds.
    pub revenue: Told<Minor>,
    /// Grants given (or, in a dry run, that would be given).
    pub grants: u64,
    /// Refused proposals.
    pub refused: u64,
    /// Cost of all grants.
    pub grants_cost: Minor,
    /// Whole cost that the ROI stands on: channels, people, rewards.
    pub cost: Told<Minor>,
    /// Output by input, a ratio (domain 0.1).
    pub roi: Option<f64>,
    /// Total of the first diagnosis that gives one.
    pub health: Option<f64>,
    /// Greatest total on the plugin's scale, where it says one.
    pub health_most: Option<f64>,
    /// Its level in the plugin's words.
    pub health_level: Option<Words>,
}

/// Everything a report page says. The same value gives the same bytes in every language.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Top of the page.
    pub header: Header,
    /// The brand's words for names of rows, such as channels.
    pub labels: BTreeMap<String, Words>,
    /// What of the data would mislead; the page begins with it, and leaves the section out where there is nothing.
    pub data_findings: Vec<DataFindingRow>,
    /// Figures for a hurried reader.
    pub summary: Summary,
    /// Figures of the brand that a reader looks for first; the page leaves the section out where there is none.
    pub indicators: Vec<IndicatorTile>,
    /// What figures of the brand should come to; the page leaves the section out where there is none.
    pub targets: Vec<TargetRow>,
    /// Where the brand means to get, and what serves which of its values.
    pub goals: Goals,
    /// Figures along the bands of another; the page leaves the section out where there is none.
    pub curves: Vec<Curve>,
    /// Forecasts of the cycle before beside what came; the page leaves the part out where there is none.
    pub calibrations: Vec<Calibration>,
    /// What a person should see, in any order: the page sorts by level.
    pub findings: Section<Vec<FindingRow>>,
    /// Segments and flows, one for each stage that segments.
    pub segmentation: Section<Vec<Segmentation>>,
    /// Distribution of each score output.
    pub scores: Section<Vec<ScoreRow>>,
    /// Grants and refusals.
    pub incentives: Section<Incentives>,
    /// Budgets and pools, parents before children.
    pub budgets: Section<Vec<BudgetRow>>,
    /// Plan of the campaign.
    pub campaign: Section<Campaign>,
    /// Returns by group.
    pub roi: Section<Roi>,
    /// Diagnoses of what is one: the brand, a community that is the only one.
    pub health: Section<Vec<Health>>,
    /// What stages of whole tables say of rows of which there are several, and of money.
    pub tables: Vec<StageTable>,
    /// Costs of plugins.
    pub plugins: Vec<PluginRow>,
    /// What was read.
    pub intake: Vec<SourceRow>,
    /// What makes the run repeatable.
    pub evidence: Evidence,
    /// Wall times; `None` on the page that must be the same for the same inputs.
    pub timings: Option<Vec<TimingRow>>,
}
