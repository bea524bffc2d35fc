//! What the run took in, what its plugins cost, and what makes it repeatable.

use playbook_model::{Digest, Kind, Words};

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

/// Something about the data that would mislead whoever reads the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFindingRow {
    /// Source of the playbook that it concerns; empty: several.
    pub source: String,
    /// Rows, members or files that it concerns.
    pub count: u64,
    /// What was seen, what was done, what to do about it.
    pub words: Words,
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
