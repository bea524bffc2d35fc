//! The operating loop: stage order, fitting, calls over batches, arbitration, guardrails, explanations.
//!
//! Knows no storage engine and no HTTP; data comes through [`DataSource`].

mod arbitrate;
mod error;
mod evaluate;
mod explain;
mod facts;
mod fit;
mod gather;
mod graph;
mod laps;
mod money;
mod prepare;
mod progress;
mod result;
mod run;
mod slots;
mod source;
mod stream;

pub use arbitrate::{
    ActionFacts, Arbitration, Candidate, ContactCaps, Decision, Earlier, MemberFacts, Proposal,
    Refusal, StageStanding, Standing, in_holdout,
};
pub use error::CycleError;
pub use evaluate::{Evaluated, Evaluation, MemberRows, StageGround};
pub use explain::{Why, explain};
pub use fit::{FitEnd, FitRows, FitStart, FitStop, fit};
pub use gather::WrongType;
pub use graph::{GraphProblem, Input, Offer, Wiring, order, outputs_of};
pub use laps::Laps;
pub use money::{Answer, Desk, Money, Spender, budget_plan, spenders};
pub use prepare::{PrepareProblem, Prepared, fall_back, prepare};
pub use progress::{Cancel, Progress, Silent};
pub use result::{AccountUse, CycleRun, LedgerSpan, ModelFacts, StageRun, StageUsage};
pub use run::{CycleOptions, RunKey, TakeMembers, cycle_number, run_cycle};
pub use slots::History;
pub use source::{DataSource, Intake, SourceError, SourceIntake};
