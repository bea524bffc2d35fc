//! Money: grants, refusals, budgets, returns, transfers.

use playbook_model::{Minor, RefusalCode, TransferFate, Words};

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
    /// Taken by grants of earlier cycles, reserved or settled.
    pub taken_before: Minor,
    /// Taken by grants of this cycle, reserved or settled.
    pub granted: Minor,
    /// Of both, what waits for settling.
    pub reserved: Minor,
    /// Of both, what was paid.
    pub settled: Minor,
    /// Left: allocated - taken before - granted.
    pub available: Minor,
}

/// Return of one channel, segment, scene or campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct RoiRow {
    /// Stage and plugin with its version that says so.
    pub plugin: String,
    /// The plugin's words for the return.
    pub meaning: Words,
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
    /// One row per group, in the order to be shown.
    pub rows: Vec<RoiRow>,
    /// Money that plugins would move, and what became of it.
    pub transfers: Vec<TransferRow>,
}
