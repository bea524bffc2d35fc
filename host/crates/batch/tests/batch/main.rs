//! What the data room gives for small sources, and for the published CDNOW file.
#![allow(clippy::unwrap_used, reason = "tests")]

mod cdnow;
mod features;
mod intake;
mod people;
mod subjects;
mod world;
