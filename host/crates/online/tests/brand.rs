//! What holds of a brand, with a SQLite file for itself.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "brand/access.rs"]
mod access;
#[path = "suites/accounts.rs"]
mod accounts;
#[path = "brand/alerts.rs"]
mod alerts;
#[path = "suites/brand.rs"]
mod brand;
#[path = "brand/accounts.rs"]
mod claims_of_accounts;
#[path = "brand/clocks.rs"]
mod clocks;
#[path = "suites/closed.rs"]
mod closed;
#[path = "brand/freezes.rs"]
mod freezes;
#[path = "brand/grants.rs"]
mod grants;
#[path = "brand/model.rs"]
mod model;
#[path = "brand/refunds.rs"]
mod refunds;
#[path = "brand/requests.rs"]
mod requests;
#[path = "brand/reviews.rs"]
mod reviews;
#[path = "brand/scenes.rs"]
mod scenes;
#[path = "suites/schedules.rs"]
mod schedules;
#[path = "suites/transfers.rs"]
mod transfers;
#[path = "brand/world.rs"]
mod world;

use std::path::Path;
use std::sync::Arc;

use playbook_ledger::{LedgerFile, Vault};

/// A place that holds nothing yet.
fn place() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// The ledgers of a place.
fn vault(folder: &Path) -> Arc<dyn Vault> {
    Arc::new(LedgerFile::at(&folder.join("ledger.sqlite")))
}
