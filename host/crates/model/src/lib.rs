//! Plain values that every room of the host shares: columns, shapes, money, outcomes, limits, features, playbooks.
//!
//! No I/O, no async, no serde, no engine. Edges (files, guests, tables) convert by hand.

mod answer;
mod canonical;
mod columns;
mod digest;
mod feature;
mod fill;
mod frame;
mod limits;
mod money;
mod outcome;
mod plan;
mod playbook;
mod proposal;
mod shape;
mod time;

pub use answer::{Factor, FitStep, Fitted, Measure, RowAnswer, Segments, TableAnswer};
pub use canonical::canonical_json;
pub use columns::{Batch, Bitmap, CellType, Columns, ListCells, TextCells, TextLists, Wide};
pub use digest::{Digest, pseudonym};
pub use feature::{
    Aggregate, AggregateDef, Definition, EventFilter, FeatureDef, Grain, Subject, Window,
};
pub use fill::{Filling, Stretch};
pub use frame::{Cells, Column, Frame};
pub use limits::Limits;
pub use money::Minor;
pub use outcome::{Fault, Limit, Outcome};
pub use plan::{
    Allocation, CampaignPlan, Comparison, ContentShare, Finding, Gate, Level, Phase, Place, Slot,
    Transfer,
};
pub use playbook::{
    BudgetDef, CycleDef, Dedupe, Guardrails, MapRow, MapType, OnError, OnFault, OutputDef,
    Playbook, PluginRef, SourceDef, SourceFormat, SourceTable, StageDef, Transform,
    default_cell_type,
};
pub use proposal::{Proposals, RefusalCode};
pub use shape::{
    ActionInfo, Description, Kind, Need, Priority, Problem, Produce, ReasonInfo, SegmentInfo,
    Shape, Source, TableNeed, Words,
};
pub use time::{Context, UnixMs};

/// Position that stands for "none" wherever the contract uses an index.
pub const NONE_INDEX: u32 = u32::MAX;
