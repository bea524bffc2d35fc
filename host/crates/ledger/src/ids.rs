//! What accounts and cycles are called.

/// Number of an account in its ledger, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(pub i64);

/// A cycle of a playbook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CycleRef {
    /// Playbook id.
    pub playbook: String,
    /// Number of the cycle.
    pub number: i64,
}
