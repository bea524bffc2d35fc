//! Figures of the brand that a page shows first.

use playbook_model::{Digest, TargetState, Words};

/// A figure of the brand with how it changed and what it should come to.
#[derive(Debug, Clone, PartialEq)]
pub struct IndicatorTile {
    /// What the figure is.
    pub words: Words,
    /// Feature, or `stage.output`: the id of its formula.
    pub name: String,
    /// Unit as in the contract.
    pub unit: String,
    /// What it came to; `None`: there is no figure.
    pub value: Option<f64>,
    /// What it came to in the last closed cycle.
    pub before: Option<f64>,
    /// Its target, where there is one.
    pub target: Option<IndicatorTarget>,
    /// What makes it.
    pub maker: Maker,
}

/// What a figure should come to.
#[derive(Debug, Clone, PartialEq)]
pub struct IndicatorTarget {
    /// ">=", ">", "<=" or "<".
    pub comparison: String,
    /// In the unit of the figure.
    pub value: f64,
    /// How far the figure is.
    pub state: TargetState,
}

/// What makes a figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Maker {
    /// A feature of the playbook.
    Feature {
        /// What the playbook says of it; "" where it says nothing.
        about: String,
    },
    /// An output of a plugin.
    Output {
        /// Stage and plugin with its version.
        plugin: String,
        /// Digest of the component.
        digest: Digest,
        /// The plugin's words for the output.
        meaning: Words,
    },
    /// The host itself: what budgets hold.
    Host,
}
