//! SDK for plugins of the playbook host: settings, columns, answers, fits, and native tests.
//!
//! What crosses the sandbox is hidden in `bindings` and `guest`; authors see plain values.
//!
#![doc = include_str!("../docs/guide.md")]

#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "generated from the contract, differently natively and for wasm"
)]
#[doc(hidden)]
pub mod bindings;

extern crate self as playbook_sdk;

mod answer;
pub mod codec;
pub mod columns;
mod decimal;
mod export;
#[doc(hidden)]
pub mod guest;
mod json;
pub mod log;
mod plugin;
mod problem;
mod proposals;
mod rows;
mod sample;
mod schema;
#[doc(hidden)]
pub mod schema_text;
pub mod settings;
mod shape;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod types;

pub use answer::{Answer, Outputs, Segments, TableAnswer};
pub use columns::{Category, In, Integer, Out, Real, factor};
/// Mathematics with the same bits in the sandbox and in native tests. The functions of `f64` are the
/// platform's own natively; `exp`, `ln` or `powf` may then differ in the last digit.
pub use libm;
pub use plugin::{
    Campaign, Diagnosis, Fit, Incentive, Opening, Outcome, Pass, Plugin, Roi, Scoring, Segmentation,
};
pub use problem::{Added, Problem, Problems};
pub use proposals::{Proposal, Proposals};
pub use rows::{Categories, Column, Lists, Rows, Tables, TextLists, Texts};
pub use sample::{Sample, mix};
pub use shape::{
    About, Action, Need, Produce, Shape, Table, Words, action, english, need, output, table, words,
};
pub use types::{
    Allocation, CampaignPlan, Comparison, ContentShare, Context, Factor, Finding, Frequency, Gate,
    Kind, Level, Measure, NONE_INDEX, Phase, Place, Priority, Role, Slot, Transfer,
};

#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub use serde_json;

/// Everything that a plugin names, for `use playbook_sdk::prelude::*`.
pub mod prelude {
    pub use crate::{
        About, Action, Allocation, Answer, Campaign, CampaignPlan, Category, Column, Comparison,
        ContentShare, Context, Diagnosis, Factor, Finding, Fit, Frequency, Gate, In, Incentive,
        Integer, Level, Measure, NONE_INDEX, Need, Opening, Out, Outcome, Outputs, Pass, Phase,
        Place, Plugin, Priority, Problems, Produce, Proposal, Proposals, Real, Roi, Role, Rows,
        Sample, Scoring, Segmentation, Segments, Shape, Slot, TableAnswer, Tables, Transfer, Words,
        action, codec, declare, english, export, factor, log, need, output, settings, table, words,
    };
}
