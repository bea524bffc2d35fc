//! The operating loop: stage order, fitting, calls over batches, arbitration, guardrails, explanations.
//!
//! Knows no storage engine and no HTTP; data comes through [`DataSource`].

mod source;

pub use source::{DataSource, Intake, SourceError, SourceIntake};
