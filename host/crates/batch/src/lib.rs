//! Runs a cycle over tables: intake through the playbook's mapping, features by SQL, outputs to files.
//!
//! [`BatchSource`] reads every source of a checked playbook and answers the loop's questions
//! ([`playbook_cycle::DataSource`]). Nothing outside this room knows the SQL engine.

mod cells;
mod clock;
mod closed;
mod error;
mod functions;
mod intake;
mod keys;
mod members;
mod progress;
mod session;
mod source;
mod tables;
mod tables_of_subjects;

pub use clock::BrandClock;
pub use error::{BatchError, Result};
pub use intake::rejects::{REJECTS_KEPT_MAX, Reject};
pub use progress::{Cancel, Progress, Silent};
pub use source::{BatchOptions, BatchSource};
