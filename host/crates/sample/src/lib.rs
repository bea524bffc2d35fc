//! Synthetic communities with known truth: members, events, orders, identities, consents, costs.
//!
//! A community is drawn member by member, each from a generator of its own, so that the same
//! number of members and the same seed give the same bytes on any number of threads. What was
//! drawn (who is still a buyer, how active everybody means to be, what orders should cost) is
//! written beside the data, so that scores can be held against the truth.

mod chunk;
mod community;
mod csv;
mod fixed;
mod history;
mod kinds;
mod life;
mod orders;
mod parquet_file;
mod person;
mod sink;
mod spec;
mod table;
mod truth;
mod write;

pub use spec::{Format, MEMBERS_MAX, MEMBERS_MIN, Progress, SampleError, SampleSpec, Summary};
pub use truth::Counts;
pub use write::write_sample;
