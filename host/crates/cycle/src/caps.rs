//! What a member has used of each cap that refuses messages (R10, R12, R13): the same counts in the same windows as in
//! arbitration, for whoever asks why.

use std::collections::HashSet;

use playbook_ledger::PastGrants;
use playbook_model::UnixMs;

use crate::decide::Policy;
use crate::facts::FactColumns;
use crate::proposal::{ContactCaps, History};
use crate::recall::{MONTH_MS, family_ms, seen_of};

/// Grants older than this count in no cap of a policy, in milliseconds.
#[must_use]
pub fn caps_window_ms(policy: &Policy) -> i64 {
    let stacks = policy.stacks.iter().map(|stack| stack.window_ms);
    stacks.chain([MONTH_MS, family_ms(policy)]).max().unwrap_or(MONTH_MS)
}

/// What a member has used of a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// Messages in the window.
    pub used: u32,
    /// How many there may be; `None`: no bound.
    pub most: Option<u32>,
}

/// What a member has used of the commercial cap of its participation stage (GR-1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommercialUse {
    /// Part of all messages that commercial ones may be.
    pub share_max: f64,
    /// All messages of the last 30 days.
    pub delivered: u32,
    /// Commercial ones among them.
    pub commercial: u32,
}

/// What a member has used of a rule about what may stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackUse {
    /// The rule, by its name.
    pub rule: String,
    /// Families of actions that it counts.
    pub families: Vec<String>,
    /// Grants of them in the window.
    pub used: u32,
    /// How many there may be.
    pub most: u32,
    /// How long a grant counts, in milliseconds.
    pub window_ms: i64,
}

/// What a member has used of each cap at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct CapUse {
    /// Messages of a day.
    pub contacts_day: Used,
    /// Commercial ones of a day.
    pub commercial_day: Used,
    /// Commercial ones of 7 days.
    pub commercial_week: Used,
    /// The commercial cap of the member's stage, where one is enforced.
    pub commercial: Option<CommercialUse>,
    /// Families of actions that would be duplicates, by name.
    pub families: Vec<String>,
    /// Hours in which an action of a family is a duplicate.
    pub family_hours: u32,
    /// Rules about what may stand together, in the order of the playbook.
    pub stacks: Vec<StackUse>,
}

/// What a member has used at `now`: `facts` are those of the member, in row 0, and `past` holds its grants of
/// [`caps_window_ms`] at least, by all its accounts, and nobody else's.
#[must_use]
pub fn cap_use(policy: &Policy, facts: &FactColumns, past: &PastGrants, now: UnixMs) -> CapUse {
    let facts = facts.of(&[], &[]);
    let seen =
        seen_of(policy, &past.grants, &past.families, (now, facts.day_ms(0)), &HashSet::new());
    let seen = seen.unwrap_or(History::NOTHING);
    let ContactCaps { all_day, commercial_day, commercial_week } = facts.caps(0);
    let used = |used, most| Used { used, most: (most < u32::MAX).then_some(most) };
    // Nothing is counted for a member who got nothing.
    let stood = seen.stacks.iter().copied().chain(std::iter::repeat(0));
    let stacks = policy.rules.stacking.iter().zip(stood).map(|(rule, count)| StackUse {
        rule: rule.name.clone(),
        families: rule.families.clone(),
        used: count,
        most: rule.most,
        window_ms: rule.window_ms,
    });
    let families = policy.families.iter().filter(|(_, number)| seen.families.contains(number));
    CapUse {
        contacts_day: used(seen.contacts_day, all_day),
        commercial_day: used(seen.commercial_day, commercial_day),
        commercial_week: used(seen.commercial_week, commercial_week),
        commercial: facts.commercial_cap(0).map(|share_max| CommercialUse {
            share_max,
            delivered: seen.delivered_30d,
            commercial: seen.commercial_30d,
        }),
        families: families.map(|(name, _)| name.clone()).collect(),
        family_hours: policy.rules.family_window_h,
        stacks: stacks.collect(),
    }
}
