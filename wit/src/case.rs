//! What native tests ask and what comes back, to be asked again in the sandbox.

use serde::{Deserialize, Serialize};

use crate::{
    Batch, CampaignPlan, Context, Factor, Fitted, Opening, Problem, Proposals, RowAnswer, Segments,
    Shape, TableAnswer,
};

/// One question to a plugin, and what it said: a line of JSON in a file of cases.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Case {
    /// Native test that asked.
    pub test: String,
    /// Plugin that was asked.
    pub plugin: String,
    /// Context of the call.
    pub context: Context,
    /// What the instance was opened with.
    pub opening: Opening,
    /// Question and answer.
    pub asked: Asked,
}

impl Case {
    /// Environment variable that names the folder where native tests keep their cases.
    pub const FOLDER: &str = "PLAYBOOK_CASES_DIR";
}

/// The calls of the contract, each with what it was given and what came back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Asked {
    /// `plugin.check`
    Check(Result<Shape, Vec<Problem>>),
    /// `plugin.open`
    Open(Result<(), Vec<Problem>>),
    /// `scoring.score`
    Score(Batch, Result<RowAnswer, String>),
    /// `scoring.explain`
    Explain(Batch, Result<Vec<Factor>, String>),
    /// `segmentation.assign`
    Assign(Batch, Result<Segments, String>),
    /// `incentive.propose`
    Propose(Batch, Result<Proposals, String>),
    /// `campaign.plan` with its budget
    Plan(i64, Result<CampaignPlan, String>),
    /// `campaign.touch` with its phase
    Touch(u32, Batch, Result<Proposals, String>),
    /// `roi.value`
    Value(Result<TableAnswer, String>),
    /// `diagnosis.diagnose`
    Diagnose(Result<TableAnswer, String>),
    /// `diagnosis.screen`
    Screen(Batch, Result<RowAnswer, String>),
    /// A whole fit over the batches of each bucket.
    Fit(Vec<Vec<Batch>>, Result<Fitted, String>),
}
