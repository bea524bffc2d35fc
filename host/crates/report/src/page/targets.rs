//! What figures of the brand should come to.

use playbook_model::{TargetState, Words};

/// A target with what the figure came to.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetRow {
    /// What the figure is.
    pub words: Words,
    /// Feature, or `stage.output`.
    pub name: String,
    /// What it came to; `None`: there is no figure.
    pub value: Option<f64>,
    /// Unit of the figure and of the target.
    pub unit: String,
    /// ">=", ">", "<=" or "<".
    pub comparison: String,
    /// What it should come to.
    pub target: f64,
    /// How far it is.
    pub state: TargetState,
    /// Where the target comes from; "" where the playbook does not say.
    pub source: String,
    /// Whether people fill the figure in, so that it is due where there is none.
    pub form: bool,
}
