//! The contract between host and plugins as plain types, with the rules that both sides keep.
//!
//! The WIT package beside this crate says the same to other languages: types of the same names, fields of the same
//! names in the same order. The SDK builds guests on these types and tests plugins natively by these rules; the host
//! converts what crosses the sandbox to them and holds it against the same rules; so does the conformance run.
//!
//! Records of numbers alone are `repr(C)`: guests hand lists of them over as they lie in memory.
//!
//! - [`Layouts`]: where columns lie.
//! - [`Validator`]: what an answer must hold to.
//! - [`cut`] and [`fit()`]: how rows are cut into buckets and how a fit runs over them.
//! - [`Case`]: what native tests asked, to be asked again in the sandbox.

mod answer;
mod case;
mod columns;
mod context;
mod fit;
mod layout;
mod name;
mod plan;
mod proposal;
mod shape;
mod validate;

pub use answer::{
    Factor, FitStep, Fitted, Measure, Opening, RowAnswer, Segments, Starting, TableAnswer,
};
pub use case::{Asked, Case};
pub use columns::{
    Batch, Bitmap, CellType, Columns, IntegerLists, ListCells, RealLists, Table, TextCells,
    TextLists, Wide, span,
};
pub use context::{Context, Index, Minor, NONE_INDEX, Row, UnixMs, mix};
pub use fit::{BUCKETS, Fitter, NoModel, OBSERVED_ROWS, cut, fit};
pub use layout::{Layout, Layouts, Slotted};
pub use name::{NAME_LETTERS_MAX, is_kebab, is_snake};
pub use plan::{
    Allocation, CampaignPlan, Comparison, ContentShare, Finding, Gate, Level, Phase, Place, Slot,
    Transfer,
};
pub use proposal::Proposals;
pub use shape::{
    ActionInfo, Description, Frequency, Kind, Need, Priority, Problem, Produce, ReasonInfo, Role,
    SegmentInfo, Shape, Source, TableNeed, Term, Words,
};
pub use validate::{Validator, check_description, check_fit_step, check_shape};
