//! What a comparison page says: two dry runs on the same data, side by side.

use playbook_model::{Digest, Minor, Words};

use crate::{Currency, DataFindingRow, FlowMatrix, Section};

/// One of the two compared playbooks.
#[derive(Debug, Clone, PartialEq)]
pub struct DiffSide {
    /// Title of the playbook.
    pub title: Words,
    /// File or change that made it, for example "shop.toml with segment=kmeans".
    pub origin: String,
    /// Digest of the checked playbook.
    pub playbook_digest: Digest,
}

/// One value that differs between the playbooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Path into the playbook, for example "stages.segment.plugin".
    pub path: String,
    /// Value in A; empty: absent.
    pub a: String,
    /// Value in B; empty: absent.
    pub b: String,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// A whole number.
    Count(i64),
    /// An amount in minor units.
    Money(Minor),
    /// A fraction, written as a percentage.
    Share(f64),
    /// Output by input, written with two decimals.
    Ratio(f64),
    /// A score, written with two decimals.
    Score(f64),
}

/// A figure under both playbooks. `None`: not measured.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureRow {
    /// What it is.
    pub what: DiffFigure,
    /// Under A.
    pub a: Option<Figure>,
    /// Under B.
    pub b: Option<Figure>,
}

/// What a compared figure is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffFigure {
    /// Members.
    Members,
    /// Members whose segment differs.
    Moved,
    /// Proposals.
    Proposals,
    /// Grants.
    Grants,
    /// Refused proposals.
    Refused,
    /// Members who get at least one grant.
    MembersGranted,
    /// Cost of the grants.
    Spend,
    /// Expected output of the grants.
    ExpectedOutput,
    /// Expected output by cost of the grants.
    ExpectedReturn,
    /// ROI of the whole.
    Roi,
    /// Community health, 0 to 5.
    Health,
    /// Another figure, in words.
    Other(Words),
}

/// Who gets more and who gets less, by segment under A.
#[derive(Debug, Clone, PartialEq)]
pub struct WinnersRow {
    /// Segment under A.
    pub segment: Words,
    /// Members in it.
    pub members: u64,
    /// Members whose grants cost more under B.
    pub win: u64,
    /// Members whose grants cost less under B.
    pub lose: u64,
    /// Cost of their grants under A.
    pub spend_a: Minor,
    /// Cost of their grants under B.
    pub spend_b: Minor,
}

/// A single member whose answer changes most.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberRow {
    /// Pseudonym of the member.
    pub member: String,
    /// Segment under A.
    pub segment_a: Words,
    /// Segment under B.
    pub segment_b: Words,
    /// Cost of the member's grants under A.
    pub spend_a: Minor,
    /// Cost of the member's grants under B.
    pub spend_b: Minor,
}

/// A named pair of values: ROI of a group, score of a dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct PairRow {
    /// Group or dimension, in words.
    pub name: Words,
    /// Under A.
    pub a: Option<f64>,
    /// Under B.
    pub b: Option<f64>,
}

/// Grants of one action under both playbooks.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionPairRow {
    /// The plugin's words for the action.
    pub words: Words,
    /// Grants under A.
    pub grants_a: u64,
    /// Grants under B.
    pub grants_b: u64,
    /// Their cost under A.
    pub spend_a: Minor,
    /// Their cost under B.
    pub spend_b: Minor,
}

/// Everything a comparison page says.
#[derive(Debug, Clone, PartialEq)]
pub struct DiffReport {
    /// The brand's name.
    pub brand: String,
    /// As-of time, in the brand's time zone and naming it.
    pub as_of: String,
    /// The one currency of both playbooks.
    pub currency: Currency,
    /// Digest of the data that both ran on.
    pub input_digest: Digest,
    /// What of the data would mislead, under either playbook; left out where there is nothing.
    pub data_findings: Vec<DataFindingRow>,
    /// First playbook: what is.
    pub a: DiffSide,
    /// Second playbook: what would be.
    pub b: DiffSide,
    /// What differs between the playbooks.
    pub changes: Vec<ChangeRow>,
    /// Figures side by side.
    pub figures: Vec<FigureRow>,
    /// Members by segment under A (rows) and under B (columns).
    pub migration: Section<FlowMatrix>,
    /// Who gets more and who gets less.
    pub winners: Section<Vec<WinnersRow>>,
    /// Members whose answer changes most; the page shows the first 20.
    pub members: Vec<MemberRow>,
    /// Grants by action.
    pub actions: Section<Vec<ActionPairRow>>,
    /// ROI by group.
    pub roi: Section<Vec<PairRow>>,
    /// Health by dimension, 0 to 5.
    pub health: Section<Vec<PairRow>>,
}
