//! Runs a cycle over tables: intake through the playbook's mapping, features by SQL, outputs to files.
//!
//! [`BatchSource`] reads every source of a checked playbook and answers the loop's questions
//! ([`playbook_cycle::DataSource`]). Nothing outside this room knows the SQL engine,
//! and nothing in it but the module `engine` and the checks of a playbook's own SQL.

mod aggregates;
mod arrays;
mod attributes;
mod cells;
mod closed;
mod column_files;
mod consents;
mod engine;
mod error;
mod findings;
mod frames;
mod free;
mod hashes;
mod identity;
mod intake;
mod keys;
mod kinds;
mod listed;
mod members;
mod outputs;
mod overflow;
mod own_sql;
pub mod profile;
mod refunds;
mod schema;
mod sequences;
mod session;
mod source;
mod subjects;
mod tables;
mod tally;

pub use closed::{CLOSED_FOLDER, ClosingCycle, last_closed};
pub use error::{BatchError, EngineFault, Result, SqlFault};
pub use frames::read_rows;
pub use free::check::check_sql;
pub use intake::files::{TakenFile, digest, source_files};
pub use intake::rejects::{REJECTS_KEPT_MAX, Reject, Rejects};
pub use outputs::write_table;
pub(crate) use playbook_cycle::{Cancel, Progress, Silent};
pub use playbook_features::BrandClock;
pub(crate) use playbook_files::caught;
pub use source::{Aggregation, BatchOptions, BatchSource};
