//! What becomes of a grant after it was made: when it ends, and what a refund does to it.

/// How long a grant may stand unsettled where a playbook says nothing: its windows of caps have passed by then.
const EXPIRY_MS: i64 = 30 * 86_400_000;

/// Terms of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantTerms {
    /// What a refund of its order does to it.
    pub refund: RefundRule,
    /// How long its money stays reserved, in milliseconds.
    pub expiry_ms: i64,
}

impl Default for GrantTerms {
    fn default() -> Self {
        Self { refund: RefundRule::Whole, expiry_ms: EXPIRY_MS }
    }
}

/// What a refund of an order does to the grants that rest on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundRule {
    /// Any refund takes all of it back.
    Whole,
    /// As much as was refunded of the order, rounded down.
    InProportion,
    /// Nothing.
    Nothing,
}

impl RefundRule {
    /// All rules.
    pub const ALL: [Self; 3] = [Self::Whole, Self::InProportion, Self::Nothing];

    /// As playbooks write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::InProportion => "in-proportion",
            Self::Nothing => "nothing",
        }
    }

    /// The rule of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}
