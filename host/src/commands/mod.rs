//! The commands, one module each.

mod beyond;
pub(crate) mod check;
pub(crate) mod cycle;
pub(crate) mod data;
pub(crate) mod deliver;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod init;
pub(crate) mod ledger;
pub(crate) mod library;
pub(crate) mod plugin;
pub(crate) mod plugin_bench;
pub(crate) mod plugin_fixture;
pub(crate) mod plugin_install;
pub(crate) mod plugin_test;
pub(crate) mod profile;
pub(crate) mod replay;
pub(crate) mod run;
mod said;
pub(crate) mod sample;
pub(crate) mod serve;
pub(crate) mod serve_config;
pub(crate) mod settle;
pub(crate) mod taken;
