//! Budgets, grants and their history: an append-only, hash-chained ledger per brand.
//!
//! Budgets form a tree: brand > playbook > pool > plugin. The children of a brand or of a playbook
//! share out their parent's money; the plugins of a pool are limits inside it, renewed each cycle.
//! A grant is reserved at its plugin's account and so at every account above; later it is settled
//! or released. Balances are kept beside the entries and always equal their sum, which
//! [`Ledger::prove`] shows. No clock is read: every time is an input.

mod account;
mod budget;
mod chain;
pub mod conformance;
mod cycle;
mod entry;
mod error;
#[cfg(test)]
mod faults;
mod flows;
mod fold;
mod grant;
mod group;
mod history;
mod ids;
mod lease;
mod ledger;
mod listed;
#[cfg(feature = "postgres")]
mod postgres;
mod prove;
mod recovery;
mod sqlite;
mod standing;
pub mod store;
mod vault;
mod work;

pub use account::Balance;
pub use budget::{BudgetAccounts, BudgetPlan, Moved, Movement, PluginLimit};
pub use chain::Flaw;
pub use cycle::{Closing, CycleState, Opening};
pub use entry::{Entry, EntryKind};
pub use error::{LedgerError, Place};
pub use flows::{Flow, Flows};
pub use grant::{Closure, GrantAnswer, GrantRequest, SettleAnswer};
pub use group::GroupWork;
pub use history::{PastGrant, PastGrants, PastTransfer, PastTransfers};
pub use ids::{AccountId, CycleRef};
pub use ledger::{Ledger, Turn, is_blank};
pub use listed::{EntryFilter, ListedEntry};
#[cfg(feature = "postgres")]
pub use postgres::PostgresServer;
pub use prove::Proof;
pub use recovery::Hold;
pub use standing::{Booked, CycleStanding, Free, GrantState, StageUse, Through};
pub use vault::{Follow, LedgerFile, Vault};
