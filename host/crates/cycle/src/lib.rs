//! The operating loop: stage order, fitting, calls over batches, arbitration, guardrails, explanations.
//!
//! Knows no storage engine and no HTTP; data comes through [`DataSource`].

mod arbitrate;
mod gather;
mod graph;
mod source;

pub use arbitrate::{
    ActionFacts, Arbitration, Candidate, Decision, History, MemberFacts, Refusal, StageMoney, in_holdout,
};
pub use gather::WrongType;
pub use graph::{GraphProblem, Input, Offer, Wiring, order, outputs_of};
pub use source::{DataSource, Intake, SourceError, SourceIntake};
