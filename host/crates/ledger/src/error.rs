//! What can go wrong between the ledger and its storage, or between the ledger and its caller.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use playbook_model::Minor;

use crate::store::ROW_KEY_BYTES_MAX;

/// Where a ledger is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file of its own.
    File(PathBuf),
    /// In a database that it shares with others; how to reach it, without a secret.
    Database(String),
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Database(words) => write!(f, "in {words}"),
        }
    }
}

/// A fault that the caller can act on. A refused grant is no fault: see [`crate::GrantAnswer`].
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A row whose key is too long.
    #[error("a key of {0} bytes is longer than the {ROW_KEY_BYTES_MAX} that a row may have")]
    LongKey(usize),
    /// Another process is in the middle of a unit of work.
    #[error(
        "ledger of brand `{brand}` has been written to by another run for more than {} seconds ({place}); try \
         again when it is done",
        waited.as_secs()
    )]
    Busy {
        /// Brand of the ledger.
        brand: String,
        /// Lock file that the other process holds, or the database that both use.
        place: Place,
        /// How long this one waited.
        waited: Duration,
    },
    /// There is no ledger where there must be one.
    #[error(
        "there is no ledger {place}, though the brand `{brand}` has run before. {}",
        restoring(place, brand)
    )]
    Absent {
        /// Where it was asked for.
        place: Place,
        /// Brand that was asked for.
        brand: String,
    },
    /// The file is no ledger.
    #[error("{path} is no ledger of the brand `{brand}`: {what}. {}", restoring(&path.as_path().into(), brand))]
    Foreign {
        /// File that was asked for.
        path: PathBuf,
        /// Brand that was asked for.
        brand: String,
        /// What it is instead.
        what: String,
    },
    /// The ledger was changed or damaged. Nothing is booked on it.
    #[error(
        "ledger {place} of the brand `{brand}` was altered or is damaged: {what}. {}",
        restoring(place, brand)
    )]
    Unsound {
        /// Where it is.
        place: Place,
        /// Brand that was asked for.
        brand: String,
        /// The first flaw.
        what: String,
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
    /// The ledger is of a layout that this host does not know.
    #[error(
        "ledger {place} has layout {found}, this host reads {wanted}; use a host that is as new as what made it"
    )]
    OtherLayout {
        /// Where it is.
        place: Place,
        /// Layout number written there.
        found: i64,
        /// Layout number of this host.
        wanted: i64,
    },
    /// A user of the database whom its rules about brands do not hold.
    #[error(
        "the user `{user}` of the ledger {place} may pass by the rules that keep brands apart; give the host a user \
         without SUPERUSER and BYPASSRLS"
    )]
    Unguarded {
        /// Where the ledger is.
        place: Place,
        /// The user.
        user: String,
    },
    /// A user of the database who may not do what a host has to.
    #[error(
        "the user `{user}` may not use the ledger {place}: {said}; the role that makes the layout owns the database or has CREATE on \
         it, and each other host needs GRANT USAGE ON SCHEMA playbook_ledger and GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES \
         IN SCHEMA playbook_ledger"
    )]
    Rights {
        /// Where the ledger is.
        place: Place,
        /// The user.
        user: String,
        /// What the database says.
        said: String,
    },
    /// Another process began to write within a unit of work, because the lease of this one was lost.
    #[error(
        "the connection that kept the ledger of brand `{brand}` for this run was lost, and another run has begun to \
         write to it ({place}); nothing of this step was kept, do the unit of work again"
    )]
    Overtaken {
        /// Brand of the ledger.
        brand: String,
        /// Where it is.
        place: Place,
    },
    /// The answer to a commit never came.
    #[error(
        "the connection to the ledger of brand `{brand}` broke before its commit was answered ({place}): it is not \
         known whether it was kept; ask for its keys before repeating it"
    )]
    UnknownCommit {
        /// Brand of the ledger.
        brand: String,
        /// Where it is.
        place: Place,
        /// How the connection broke.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database failed.
    #[error("ledger storage failed")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Stored rows contradict each other, or cannot be read; `prove` says where.
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

/// What an operator does with a ledger that cannot be used.
fn restoring(place: &Place, brand: &str) -> String {
    let path = match place {
        Place::File(path) => path,
        Place::Database(_) => {
            return "Nothing was booked. To restore it: stop all hosts that serve the brand, restore the database from \
                    its last backup, and prove the ledger again"
                .to_owned();
        }
    };
    let folder = path.parent().unwrap_or(Path::new(".")).display();
    let file = path.file_name().unwrap_or_default().display();
    format!(
        "Nothing was booked. To restore it: stop all runs of the brand; `playbook ledger prove {brand} --state {folder}` \
         says what is wrong; move `{file}`, `{file}-wal` and `{file}-shm` out of `{folder}`; put the `{file}` of the last \
         backup of that folder in their place, and prove it again"
    )
}
