//! The engine and its cards, each card by the codes of its model.
#![allow(clippy::unwrap_used, reason = "tests")]

mod brand;
mod common;
mod effect;
mod engine;
mod health;
mod lines;
mod monitor;
mod partner;
mod readiness;
mod risk;
mod telemetry;
mod weakest;
