//! Members: segments, movements, scores.

use playbook_model::{Minor, Words};

use super::curves::Effect;
use super::section::Section;

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
    /// Stage of the playbook.
    pub stage: String,
    /// Plugin that segmented, with its version.
    pub plugin: String,
    /// Segments in ascending rank.
    pub segments: Vec<SegmentRow>,
    /// Members without a segment.
    pub unassigned: u64,
    /// Grants to them.
    pub unassigned_grants: u64,
    /// What came of treating members; empty where the playbook names no feature for it, or holds nobody out.
    pub effects: Vec<Effect>,
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
    /// Whether it is what its stage is about; what only goes with it is folded.
    pub leads: bool,
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

/// Values that lie too far from the others for one axis.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outside {
    /// Members below the lowest edge.
    pub below: u64,
    /// The least value of all.
    pub least: f64,
    /// Members above the highest edge.
    pub above: u64,
    /// The greatest value of all.
    pub most: f64,
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
        /// Members whose values lie outside of the bins.
        outside: Outside,
    },
    /// Categories in the plugin's words with their members, in the plugin's order.
    Categories(Vec<(Words, u64)>),
}
