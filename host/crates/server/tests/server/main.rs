//! The service on loopback, and clients over real connections.
#![allow(clippy::unwrap_used, reason = "tests")]

mod connections;
mod console;
mod docs;
mod fuzz;
mod harness;
mod keys;
mod lists;
mod metrics;
mod problems;
mod rates;
mod spans;
mod stop;
mod tls;
mod walk;
