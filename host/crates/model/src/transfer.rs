//! What becomes of money that a plugin would move between pools (domain H7).

use crate::Minor;

/// What became of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferFate {
    /// The playbook lets nothing move there: shown, and left to a person.
    Suggested,
    /// Moved by this run, this much: what was asked for, or as much of it as its bounds let leave.
    Moved(Minor),
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
    /// The receiving row has a red line, or it is not known that it has none.
    RedLine,
    /// Money moved between the two pools a short time ago.
    CoolDown,
    /// Nothing more may leave the pool in this cycle.
    Share,
    /// The pool keeps no more of its plan than it must.
    Floor,
}

impl TransferFate {
    /// Its name in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Suggested => "suggested",
            Self::Moved(_) => "moved",
            Self::MovedBefore(_) => "moved before",
            Self::Refused(_) => "refused",
        }
    }
}

impl TransferFate {
    /// How much moved, by this run or an earlier one of the cycle.
    #[must_use]
    pub const fn moved(self) -> Minor {
        match self {
            Self::Moved(amount) | Self::MovedBefore(amount) => amount,
            Self::Suggested | Self::Refused(_) => Minor::ZERO,
        }
    }

    /// Why it was refused, where it was.
    #[must_use]
    pub const fn refusal(self) -> Option<TransferRefusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Suggested | Self::Moved(_) | Self::MovedBefore(_) => None,
        }
    }
}

impl TransferRefusal {
    /// All of them, in the order of the checks.
    pub const ALL: [Self; 7] = [
        Self::NoPool,
        Self::NotBetter,
        Self::Frozen,
        Self::RedLine,
        Self::CoolDown,
        Self::Share,
        Self::Floor,
    ];

    /// Its name in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoPool => "no-pool",
            Self::NotBetter => "not-better",
            Self::Frozen => "frozen",
            Self::RedLine => "red-line",
            Self::CoolDown => "cool-down",
            Self::Share => "share",
            Self::Floor => "floor",
        }
    }
}
