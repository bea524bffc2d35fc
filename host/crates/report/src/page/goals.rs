//! Goals of the brand, and what serves which of its values.

use playbook_model::{GoalState, Minor, Words};

/// Where the brand means to get; a page leaves it out where there is no goal and no value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Goals {
    /// What the brand stands for, by name.
    pub values: Vec<(String, Words)>,
    /// In the order of the playbook.
    pub rows: Vec<GoalRow>,
    /// Campaign stages with the values that each serves.
    pub campaigns: Vec<(String, Vec<String>)>,
}

/// A goal with where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct GoalRow {
    /// What it is.
    pub words: Words,
    /// Feature, or `stage.output`, that measures it.
    pub metric: String,
    /// Unit of all figures of the goal.
    pub unit: String,
    /// What it came to; `None`: there is no figure.
    pub value: Option<f64>,
    /// What it was at first.
    pub baseline: f64,
    /// The day of the baseline.
    pub from: String,
    /// What it should be in the end.
    pub target: f64,
    /// The day of the target.
    pub deadline: String,
    /// What it should be now, and at the ends of the running month and quarter: on a straight line.
    pub path: [f64; 3],
    /// How much of the way is done; `None`: there is no figure.
    pub progress: Option<f64>,
    /// How it stands.
    pub state: GoalState,
    /// Money that is meant for it.
    pub reserved: Minor,
    /// Values of the brand that it serves.
    pub serves: Vec<String>,
    /// The objective whose key result it is; "" where it belongs to none.
    pub objective: String,
}
