//! What a report page says: plain owned values that the caller fills from a finished run.

use playbook_model::{Digest, Kind, Level, Minor, RefusalCode, TransferFate, Words};

/// A part of the page, or why there is nothing to show.
#[derive(Debug, Clone, PartialEq)]
pub enum Section<T> {
    /// There is something to show. An empty list inside reads as [`Absence::Nothing`].
    Filled(T),
    /// There is nothing, and why.
    Empty(Absence),
}

impl<T> Section<T> {
    /// The content, where there is one.
    #[must_use]
    pub fn filled(&self) -> Option<&T> {
        match self {
            Self::Filled(content) => Some(content),
            Self::Empty(_) => None,
        }
    }
}

/// Why a part of the page is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// The playbook names no stage of this kind.
    NoStage(Kind),
    /// There is no closed earlier cycle to compare with.
    FirstCycle,
    /// The stage ran and found nothing.
    Nothing,
    /// The playbook declares no budget.
    NoBudget,
    /// The stage was stopped and the playbook says that the cycle goes on without it.
    Skipped {
        /// Stage that was left out.
        stage: String,
        /// Fault of its plugin in words.
        fault: String,
    },
    /// Only one of the two compared runs holds it.
    OneSideOnly,
    /// Another cause, in words.
    Because(Words),
}

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

/// The figures that a hurried reader sees. `None`: not measured, shown as a dash.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Unified members.
    pub members: u64,
    /// Members with at least one interaction or order in the cycle.
    pub active: Option<u64>,
    /// Paid orders in the cycle.
    pub orders: Option<u64>,
    /// Revenue of the cycle, net of refunds.
    pub revenue: Option<Minor>,
    /// Grants given (or, in a dry run, that would be given).
    pub grants: u64,
    /// Refused proposals.
    pub refused: u64,
    /// Cost of all grants.
    pub grants_cost: Minor,
    /// Whole cost that the ROI stands on: channels, people, rewards.
    pub cost: Option<Minor>,
    /// Output by input, a ratio (domain 0.1).
    pub roi: Option<f64>,
    /// Total of the first diagnosis that gives one.
    pub health: Option<f64>,
    /// Greatest total on the plugin's scale, where it says one.
    pub health_most: Option<f64>,
    /// Its level in the plugin's words.
    pub health_level: Option<Words>,
}

/// A segment of the cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentRow {
    /// Name as plugins and files write it.
    pub name: String,
    /// The plugin's words for it.
    pub words: Words,
    /// Members in it.
    pub members: u64,
    /// Members in it at the last closed cycle, where there is one.
    pub members_before: Option<u64>,
    /// Revenue of its members in the cycle, where known.
    pub revenue: Option<Minor>,
    /// Grants to its members.
    pub grants: u64,
}

/// Where members came from or went to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowEnd {
    /// A segment, in the plugin's words.
    Segment(Words),
    /// Members that were not there before.
    Joined,
    /// Members that are no longer there.
    Left,
    /// Members without a segment.
    Unassigned,
}

/// Members by where they were (rows) and where they are (columns).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FlowMatrix {
    /// Rows.
    pub from: Vec<FlowEnd>,
    /// Columns.
    pub to: Vec<FlowEnd>,
    /// `members[row][column]`; a missing cell counts as 0.
    pub members: Vec<Vec<u64>>,
}

/// Segments and how members moved between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Segmentation {
    /// Plugin that segmented, with its version.
    pub plugin: String,
    /// Segments in ascending rank.
    pub segments: Vec<SegmentRow>,
    /// Members without a segment.
    pub unassigned: u64,
    /// Movement since the last closed cycle.
    pub flows: Section<FlowMatrix>,
}

/// Distribution of one score output.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRow {
    /// Plugin that scored.
    pub plugin: String,
    /// Name of the output.
    pub output: String,
    /// The plugin's words for it.
    pub meaning: Words,
    /// Unit as in the contract: "count", "day", "minor", "ratio", or "".
    pub unit: String,
    /// Members by value.
    pub distribution: Distribution,
    /// Members without a value.
    pub missing: u64,
    /// Arithmetic mean of the values.
    pub mean: Option<f64>,
    /// Quantiles 0.1, 0.5 and 0.9 of the values.
    pub quantiles: Option<[f64; 3]>,
}

/// Members by value of a score.
#[derive(Debug, Clone, PartialEq)]
pub enum Distribution {
    /// Bins: `counts[i]` members lie in `[edges[i], edges[i + 1])`, the last bin with its upper edge.
    Bins {
        /// Ascending, one more than `counts`.
        edges: Vec<f64>,
        /// Members of each bin.
        counts: Vec<u64>,
    },
    /// Categories with their members.
    Categories(Vec<(String, u64)>),
}

/// Grants of one action.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantRow {
    /// Plugin that proposed.
    pub plugin: String,
    /// Name of the action.
    pub action: String,
    /// The plugin's words for it.
    pub words: Words,
    /// Proposals of it.
    pub proposed: u64,
    /// Grants of it.
    pub granted: u64,
    /// Proposed and granted to the same members by an earlier run of the cycle; no new money.
    pub granted_before: u64,
    /// Sum of granted quantities: points, units or 1 each.
    pub quantity: i64,
    /// Sum of granted costs.
    pub cost: Minor,
    /// Sum of the expected outputs of the grants.
    pub expected_output: Minor,
}

/// Refused proposals of one code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalRow {
    /// Why (domain H6).
    pub code: RefusalCode,
    /// How many.
    pub proposals: u64,
    /// Cost that was not spent.
    pub cost: Minor,
    /// What exactly most of them met, for example a budget's name or a guardrail's id.
    pub detail: Option<Words>,
}

/// What was proposed, granted and refused.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Incentives {
    /// By plugin and action.
    pub grants: Vec<GrantRow>,
    /// By code, in the order of the codes; codes without refusals are left out.
    pub refusals: Vec<RefusalRow>,
}

/// A budget or pool after the cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetRow {
    /// Path from the root, for example `["brand", "daily"]`; its length is the indentation.
    pub path: Vec<String>,
    /// Allocated in all.
    pub allocated: Minor,
    /// Spent in earlier cycles.
    pub spent_before: Minor,
    /// Spent in this cycle.
    pub spent: Minor,
    /// Reserved and not yet settled.
    pub reserved: Minor,
    /// Left: allocated - spent before - spent - reserved.
    pub available: Minor,
}

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
    /// Content shares.
    pub content: Vec<ContentRow>,
    /// Planned publications in order of time; the page shows the first 40 and says how many more there are.
    pub slots: Vec<SlotRow>,
    /// Conditions of phases.
    pub gates: Vec<GateRow>,
}

/// Return of one channel, segment, scene or campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct RoiRow {
    /// "brand", "channel", "segment", "campaign" ...: rows of one subject share a table.
    pub subject: String,
    /// Name, in words.
    pub name: Words,
    /// Attributed revenue, net of refunds.
    pub revenue: Option<Minor>,
    /// Cost of all kinds.
    pub cost: Option<Minor>,
    /// Output by input; `None` where the cost is 0 or too little is known.
    pub roi: Option<f64>,
    /// Floor that it is held against.
    pub floor: Option<f64>,
}

/// Money that a plugin would move between two rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferRow {
    /// Stage that says so.
    pub stage: String,
    /// Subject of the table.
    pub subject: String,
    /// Row that would give.
    pub from: String,
    /// Row that would receive.
    pub to: String,
    /// How much.
    pub amount: Minor,
    /// What became of it.
    pub fate: TransferFate,
    /// Why, in words.
    pub words: Words,
}

/// Answers of the ROI stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Roi {
    /// Plugin that valued, with its version.
    pub plugin: String,
    /// One row per group, in the order to be shown.
    pub rows: Vec<RoiRow>,
    /// Money that plugins would move, and what became of it.
    pub transfers: Vec<TransferRow>,
}

/// A dimension of a diagnosis.
#[derive(Debug, Clone, PartialEq)]
pub struct DimensionRow {
    /// The plugin's words for it.
    pub words: Words,
    /// `None`: too little was known for one.
    pub score: Option<f64>,
    /// Level of the score, where the plugin says where levels begin.
    pub level: Option<LevelMark>,
    /// Score of the last closed cycle.
    pub score_before: Option<f64>,
}

/// An indicator of a diagnosis.
#[derive(Debug, Clone, PartialEq)]
pub struct IndicatorRow {
    /// Position in [`Health::dimensions`]; `None` where it belongs to none.
    pub dimension: Option<usize>,
    /// The plugin's words for it.
    pub words: Words,
    /// Feature that feeds it.
    pub feature: String,
    /// Unit: "ratio" is shown as a percentage, "minor" as money, others beside the number.
    pub unit: String,
    /// Measured; `None`: not in the data.
    pub value: Option<f64>,
    /// `None`: not measured.
    pub score: Option<f64>,
    /// Level of the score, where the plugin says where levels begin.
    pub level: Option<LevelMark>,
}

/// A level that a plugin gives, with its place on the plugin's own scale.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelMark {
    /// The level in words.
    pub words: Words,
    /// 0 for the lowest level of the scale, 1 for the highest.
    pub rank: f64,
}

/// An output that is neither score nor level, as text.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputRow {
    /// What it means, or its name.
    pub words: Words,
    /// Its value; `None` where it is missing.
    pub value: Option<Words>,
}

/// What a diagnosis says of one row: of the community, or of one of several.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// Plugin that diagnosed, with its version.
    pub plugin: String,
    /// Row that it is about; empty where the table has no other.
    pub place: String,
    /// Score over all dimensions; `None` where the plugin gives none.
    pub total: Option<f64>,
    /// Greatest score on the plugin's scale.
    pub most: Option<f64>,
    /// Level of the total.
    pub level: Option<LevelMark>,
    /// In the plugin's order.
    pub dimensions: Vec<DimensionRow>,
    /// In the plugin's order.
    pub indicators: Vec<IndicatorRow>,
    /// All other outputs, in the plugin's order.
    pub others: Vec<OutputRow>,
}

/// Something that a person should see.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingRow {
    /// How much it matters.
    pub level: Level,
    /// Plugin or stage that says so.
    pub plugin: String,
    /// In words.
    pub words: Words,
    /// What it concerns; empty: the whole brand.
    pub place: String,
    /// Measured value.
    pub value: Option<f64>,
    /// What it was held against.
    pub threshold: Option<f64>,
    /// Suggested actions in words, most useful first.
    pub suggests: Vec<Words>,
}

/// What a plugin cost.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginRow {
    /// Stage of the playbook.
    pub stage: String,
    /// Plugin name.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// Its kind.
    pub kind: Kind,
    /// Digest of the component.
    pub digest: Digest,
    /// Calls.
    pub calls: u64,
    /// Rows handed over in all calls.
    pub rows: u64,
    /// Fuel of all calls, where it was metered.
    pub fuel: Option<u64>,
    /// Calls that ended with a fault.
    pub faults: u64,
    /// Wall time of all calls in milliseconds; pass `None` to keep the page the same for the same inputs.
    pub wall_ms: Option<f64>,
}

/// What was read from one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Name of the source in the playbook.
    pub source: String,
    /// Format, for example "csv".
    pub format: String,
    /// Rows read.
    pub read: u64,
    /// Rows kept.
    pub kept: u64,
    /// Rows that could not be read.
    pub rejected: u64,
    /// Rows dropped as duplicates.
    pub duplicates: u64,
    /// Most frequent reasons of rejection with their rows, most frequent first.
    pub reasons: Vec<(String, u64)>,
}

/// What makes the run repeatable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Named digests in the order to be shown: playbook, input, models, outputs ...
    pub digests: Vec<(String, Digest)>,
    /// Version of the host.
    pub host_version: String,
    /// Engine settings in one line.
    pub engine: String,
    /// Seed of the run.
    pub seed: u64,
    /// Command that runs it again, for example "playbook replay out/2026-03-01".
    pub replay_command: String,
}

/// Wall time of a part of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct TimingRow {
    /// Part of the run, for example a stage.
    pub part: String,
    /// Wall time in milliseconds.
    pub ms: f64,
}

/// Everything a report page says. The same value gives the same bytes in every language.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Top of the page.
    pub header: Header,
    /// Figures for a hurried reader.
    pub summary: Summary,
    /// What a person should see, in any order: the page sorts by level.
    pub findings: Section<Vec<FindingRow>>,
    /// Segments and flows.
    pub segmentation: Section<Segmentation>,
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
    /// Diagnoses, one a row of the tables that plugins diagnosed.
    pub health: Section<Vec<Health>>,
    /// Costs of plugins.
    pub plugins: Vec<PluginRow>,
    /// What was read.
    pub intake: Vec<SourceRow>,
    /// What makes the run repeatable.
    pub evidence: Evidence,
    /// Wall times; `None` on the page that must be the same for the same inputs.
    pub timings: Option<Vec<TimingRow>>,
}
