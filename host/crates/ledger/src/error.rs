//! What can go wrong between the ledger and its storage, or between the ledger and its caller.

use std::path::PathBuf;

use playbook_model::Minor;

/// A fault that the caller can act on. A refused grant is no fault: see [`crate::GrantAnswer`].
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another run holds the ledger.
    #[error("ledger of brand `{brand}` is in use by another run ({path})")]
    Busy {
        /// Brand of the ledger.
        brand: String,
        /// Lock file that the other run holds.
        path: PathBuf,
    },
    /// The file cannot be created or locked.
    #[error("cannot open ledger {path}")]
    Open {
        /// File that was asked for.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file belongs to another brand.
    #[error("ledger {path} belongs to brand `{found}`, not to `{wanted}`")]
    OtherBrand {
        /// File that was asked for.
        path: PathBuf,
        /// Brand written in it.
        found: String,
        /// Brand that was asked for.
        wanted: String,
    },
    /// The ledger was never as somebody says it was.
    #[error(
        "this is another ledger than the one of the run: commit group {group} is absent or has another seal"
    )]
    OtherHistory {
        /// Group that was asked for.
        group: i64,
    },
    /// The file is of a layout that this host does not know.
    #[error("ledger {path} has layout {found}, this host reads {wanted}")]
    OtherLayout {
        /// File that was asked for.
        path: PathBuf,
        /// Layout number written in it.
        found: i64,
        /// Layout number of this host.
        wanted: i64,
    },
    /// The database failed.
    #[error("ledger storage failed")]
    Storage(#[from] rusqlite::Error),
    /// Stored rows contradict each other; `prove` says where.
    #[error("ledger is damaged: {0}")]
    Damaged(String),
    /// A name of a brand, playbook, pool or plugin is empty, too long or holds a slash.
    #[error("`{0}` cannot name a budget: 1 to 64 letters without a slash")]
    Name(String),
    /// Shares of a budget do not sum to 1, or one is outside 0 to 1.
    #[error("shares of budget `{playbook}` must lie in 0 to 1 and sum to 1, pools sum to {sum}")]
    Shares {
        /// Playbook of the budget.
        playbook: String,
        /// Sum of the pools' shares.
        sum: f64,
    },
    /// A budget would fall below what is already reserved, spent or handed on.
    #[error(
        "budget `{account}` cannot become {asked}: {committed} is already reserved, spent or handed on"
    )]
    Committed {
        /// Path of the account.
        account: String,
        /// Amount that was asked for.
        asked: Minor,
        /// Amount that is bound.
        committed: Minor,
    },
    /// No such account.
    #[error("no account {0} in this ledger")]
    NoAccount(i64),
    /// No grant has this key.
    #[error("no grant has the key {0}")]
    NoGrant(String),
    /// The cycle was never begun.
    #[error("cycle {number} of playbook `{playbook}` was not begun")]
    NoCycle {
        /// Playbook of the cycle.
        playbook: String,
        /// Number of the cycle.
        number: i64,
    },
    /// An amount is negative where only amounts from 0 make sense.
    #[error("amount {0} is negative")]
    Negative(Minor),
    /// An amount does not fit 64 bits.
    #[error("an amount exceeds 64 bits")]
    Overflow,
    /// The same key was used for another request.
    #[error("key {0} was used before for another request")]
    KeyConflict(String),
}
