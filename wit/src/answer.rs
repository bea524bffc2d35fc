//! What plugins answer for rows and whole tables, what instances are opened with, what fits come to.

use serde::{Deserialize, Serialize};

use crate::{Columns, Finding, Table, Transfer};

/// Columns for the rows of a batch, with one reason a row at most.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RowAnswer {
    /// Columns in the order of `Shape::produces`, those without table.
    pub columns: Columns,
    /// Per row a position in `Shape::reasons` or `NONE_INDEX`; empty: no row has one.
    pub reasons: Vec<u32>,
}

/// One segment per row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Segments {
    /// Per row a position in `Shape::segments`, or `NONE_INDEX`.
    pub segment: Vec<u32>,
    /// Further columns and the reasons.
    pub answer: RowAnswer,
}

/// Answer of a plugin of whole tables.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableAnswer {
    /// Per table of `Shape::tables` its new columns, in the order of `Shape::produces`.
    pub tables: Vec<Columns>,
    /// What a person should see.
    pub findings: Vec<Finding>,
    /// Money that should move.
    pub transfers: Vec<Transfer>,
}

/// One part of an explanation: how much an input moved an output.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Factor {
    /// Position in the columns of `Shape::rows`.
    pub input: u32,
    /// Position in `Shape::produces`.
    pub output: u32,
    /// In the unit of the output.
    pub contribution: f64,
}

/// A number that tells how a fit went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What was measured.
    pub name: String,
    /// Its value, finite.
    pub value: f64,
}

/// A finished fit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    /// What `open` takes; opaque to the host.
    pub model: Vec<u8>,
    /// How it went.
    pub measures: Vec<Measure>,
}

/// What one pass of a fit came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FitStep {
    /// The fit is done.
    Model(Fitted),
    /// Another pass over the same rows, starting from these bytes.
    Again(Vec<u8>),
    /// The data cannot support a fit.
    Refused(String),
}

/// What an instance is opened with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    /// Settings that `check` accepted, JSON text.
    pub settings: String,
    /// Bytes that a fit gave for the same settings; `None` where the shape allows no fit.
    pub model: Option<Vec<u8>>,
    /// The tables of `Shape::tables`, in that order, as of the start of the cycle.
    pub tables: Vec<Table>,
}

/// What one pass of a fit over one bucket starts from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Starting {
    /// Settings that `check` accepted, JSON text.
    pub settings: String,
    /// From 0.
    pub pass: u32,
    /// What `finish` of the pass before carried over; empty in pass 0.
    pub carried: Vec<u8>,
    /// The tables of `Shape::tables`, in that order.
    pub tables: Vec<Table>,
}
