//! The sandbox against guests built from source: each is stopped in its own way, and its neighbours go on.
#![allow(clippy::unwrap_used, reason = "tests")]

mod answers;
mod cached;
mod fits;
mod fuzz;
mod languages;
mod limits;
mod loading;
mod logs;
mod reuse;
mod support;
