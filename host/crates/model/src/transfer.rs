//! What becomes of money that a plugin would move between pools (domain H7).

use crate::Minor;

/// What became of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferFate {
    /// The playbook lets nothing move there: shown, and left to a person.
    Suggested,
    /// Moved by this run.
    Moved,
    /// Moved by an earlier run of the cycle, this much.
    MovedBefore(Minor),
    /// Refused.
    Refused(TransferRefusal),
}

/// Why a transfer is refused, in the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransferRefusal {
    /// A row is no pool of the budget, or both are the same.
    NoPool,
    /// The plugin does not value the receiving row above the giving one.
    NotBetter,
    /// One of the pools is frozen.
    Frozen,
    /// Money moved between the two pools a short time ago.
    CoolDown,
    /// More than may leave the pool in one cycle.
    Share,
    /// The pool would keep less of its plan than it must.
    Floor,
}

impl TransferFate {
    /// Its name in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Suggested => "suggested",
            Self::Moved => "moved",
            Self::MovedBefore(_) => "moved before",
            Self::Refused(_) => "refused",
        }
    }
}

impl TransferRefusal {
    /// Its name in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoPool => "no-pool",
            Self::NotBetter => "not-better",
            Self::Frozen => "frozen",
            Self::CoolDown => "cool-down",
            Self::Share => "share",
            Self::Floor => "floor",
        }
    }
}
