//! The built `playbook` program on real input, from playbook text to the bytes it leaves behind.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod access;
mod alerts;
mod bench;
mod both_ways;
mod brands;
mod breakers;
mod browser;
mod cdnow;
mod cli;
#[cfg(feature = "sources")]
mod clients;
mod console;
mod data;
#[cfg(feature = "sources")]
mod databases;
mod dev;
mod diff;
mod explain;
mod exports;
mod first_playbooks;
mod folders;
mod goals;
mod grocery;
mod guards;
#[cfg(feature = "sources")]
mod hosts;
mod installs;
mod kept;
mod languages;
mod law;
mod library;
mod lists;
#[cfg(feature = "sources")]
mod looks;
mod measured;
mod money;
#[cfg(feature = "sources")]
mod packaging;
mod paths;
#[cfg(feature = "sources")]
mod places;
mod printed;
mod publish;
mod replay;
mod reviews;
mod rollout;
mod sample;
mod serve;
#[cfg(feature = "sources")]
mod servers;
mod settle;
#[path = "../servers/mod.rs"]
mod started;
mod swaps;
mod traces;
mod transfers;
#[cfg(feature = "sources")]
mod webhooks;
