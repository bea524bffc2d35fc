//! What the data room gives for small sources, and for the published CDNOW file.
#![allow(clippy::unwrap_used, reason = "tests")]

mod alone;
mod cdnow;
mod columns;
mod derived;
mod exports;
mod expressions;
mod features;
mod free_sql;
mod fuzz;
mod intake;
mod numbers;
mod people;
mod safety;
mod sequences;
mod subjects;
mod world;
