//! Diagnoses and findings.

use playbook_model::{Level, Words};

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

/// A level that a plugin gives, and how serious the plugin says it is.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelMark {
    /// The level in words.
    pub words: Words,
    /// How serious it is; `None`: the plugin does not say.
    pub alarm: Option<Level>,
}

/// An output that is neither score nor level, as text.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputRow {
    /// What it means, or its name.
    pub words: Words,
    /// Its value; `None` where it is missing.
    pub value: Option<Words>,
}

/// A step of a funnel.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRow {
    /// The plugin's words for it.
    pub words: Words,
    /// How many stand on it or passed it; `None`: not known.
    pub count: Option<f64>,
}

/// What a diagnosis says of one row: of the community, or of one of several.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// Plugin that diagnosed, with its version.
    pub plugin: String,
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
    /// Steps of a funnel, in the plugin's order; empty where it has none.
    pub steps: Vec<StepRow>,
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
    /// Code of the rule that says so, as the plugin declares it; empty: the host says it.
    pub rule: String,
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
