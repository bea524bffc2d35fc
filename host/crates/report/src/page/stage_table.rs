//! What stages say of the rows of a table.

use playbook_model::{Kind, Words};

use super::health::LevelMark;

/// What a stage says of the rows of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct StageTable {
    /// Stage and plugin with its version.
    pub plugin: String,
    /// Kind of the plugin, which says where on the page it stands.
    pub kind: Kind,
    /// Whether it judges its rows by totals, levels or scores; what does not is folded.
    pub judges: bool,
    /// What the rows are: "channel", "community" ...
    pub subject: String,
    /// Names of the rows that are shown.
    pub rows: Vec<String>,
    /// Rows that are not shown.
    pub rows_left_out: u64,
    /// The columns, those that say most first.
    pub columns: Vec<StageColumn>,
}

/// An output of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct StageColumn {
    /// The plugin's words for it, else its name.
    pub words: Words,
    /// Unit as in the contract.
    pub unit: String,
    /// Least and greatest value that the plugin may give.
    pub scale: Option<(f64, f64)>,
    /// A cell for each row of the table.
    pub cells: Vec<StageCell>,
}

/// A value of an output.
#[derive(Debug, Clone, PartialEq)]
pub enum StageCell {
    /// There is none.
    Missing,
    /// A number in the unit of the column.
    Number(f64),
    /// A level on the plugin's scale.
    Level(LevelMark),
    /// A name in words.
    Words(Words),
}
