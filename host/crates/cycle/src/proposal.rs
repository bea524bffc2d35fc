//! The plain values of arbitration: proposals, facts of members and actions, the standing of a cycle, and decisions.

use std::collections::BTreeMap;

use playbook_model::{Guardrails, Minor, Priority, RefusalCode};

use crate::decide::Stack;
use crate::recall::DAY_MS;

/// One proposal on its way through the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Position of the stage in the playbook.
    pub stage: u16,
    /// Position in the stage's `Shape::actions`.
    pub action: u16,
    /// Row of the member.
    pub row: u32,
    /// Points, units or 1.
    pub quantity: i64,
    /// Greatest cost in minor units.
    pub cost: i64,
    /// Expected output in minor units.
    pub expected_output: i64,
    /// Position in the stage's `Shape::reasons`.
    pub reason: u32,
    /// Not before, minutes from the as-of time.
    pub after_min: u32,
    /// Not after, minutes from the as-of time; `None`: the end of the cycle.
    pub until_min: Option<u32>,
}

/// What the ledger knows of a proposal's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing: the key was never used.
    Never,
    /// It was granted at another time: the member's history counts it.
    Granted,
    /// It was granted at this same time by another call: it is among the proposals of this call, and not in the
    /// history.
    GrantedNow,
    /// It was granted and then released. A key grants once.
    Released,
}

/// A candidate with what the ledger knows of its key. Where it was granted, the candidate has the figures
/// that are booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// The candidate.
    pub candidate: Candidate,
    /// What became of its key before.
    pub earlier: Earlier,
}

impl From<Candidate> for Proposal {
    fn from(candidate: Candidate) -> Self {
        Self { candidate, earlier: Earlier::Never }
    }
}

/// What the checks need to know of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionFacts {
    /// Class in arbitration.
    pub priority: Priority,
    /// Number of its family: equal numbers are duplicates of each other.
    pub family: u32,
    /// Number of its consent purpose in [`MemberFacts::consents`]; `None`: none is needed.
    pub purpose: Option<usize>,
    /// Counts against commercial caps.
    pub commercial: bool,
    /// Counts against frequency caps.
    pub contacts_member: bool,
    /// Number of what it offers and says in [`MemberFacts::trades`]; `None`: nothing that is held to anything.
    pub trade: Option<usize>,
}

/// What an action offers and says, held against prices and claims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TradeFacts {
    /// Whether a claim has no good report, or an inducement no label (R07).
    pub is_unproven: bool,
    /// By row, whether the price is authorised (R08); empty: it is for all.
    pub priced: Vec<bool>,
}

/// What the checks need to know of the members, by row; borrowed from whoever holds it.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemberFacts<'a> {
    /// Per purpose and row: whether consent is granted.
    pub consents: &'a [Vec<bool>],
    /// Members who lack a consent that their law demands beside an action's own; empty: none does.
    pub lacks_consent: &'a [bool],
    /// What actions offer and say, by number.
    pub trades: &'a [TradeFacts],
    /// Members who are not known to be 14 or older, without the consent of a guardian; empty: not enforced.
    pub unguarded: &'a [bool],
    /// Keyed hash of the member: settles what is otherwise equal.
    pub keys: &'a [i64],
    /// Members kept free of every action.
    pub holdout: &'a [bool],
    /// Members whose identity is not known; empty: all are.
    pub unknown: &'a [bool],
    /// Members that are held for fraud; empty: not enforced.
    pub held: &'a [bool],
    /// Commercial cap of the member's participation stage; empty: not enforced.
    pub stage_cap: &'a [Option<f64>],
    /// Open complaint or critical churn: service only; empty: not enforced.
    pub service_only: &'a [bool],
    /// Members who are not known to be adults by the brand's age bands; empty: not enforced.
    pub not_adult: &'a [bool],
    /// Most direct messages, by row; empty: no bound.
    pub contact_caps: &'a [ContactCaps],
    /// The time on the member's own clock, by row; empty: nothing depends on it.
    pub local: &'a [LocalFacts],
    /// What members got inside the windows, ascending by row; rows that got nothing may be left out.
    pub history: &'a [(u32, History)],
}

impl MemberFacts<'_> {
    /// Commercial cap of a row's participation stage, where one is enforced.
    pub(crate) fn commercial_cap(&self, row: u32) -> Option<f64> {
        self.stage_cap.get(row as usize).copied().flatten()
    }

    /// Most direct messages of a row.
    pub(crate) fn caps(&self, row: u32) -> ContactCaps {
        self.contact_caps.get(row as usize).copied().unwrap_or(ContactCaps::NONE)
    }

    /// Milliseconds that a day of a row reaches back: as long as its own day lasts already, and 24 hours at least.
    pub(crate) fn day_ms(&self, row: u32) -> i64 {
        self.local.get(row as usize).map_or(DAY_MS, |local| DAY_MS.max(local.day_ms + 1))
    }

    /// What a row got before.
    pub(crate) fn history(&self, row: u32) -> &History {
        static NOTHING: History = History::NOTHING;
        let at = self.history.binary_search_by_key(&row, |(row, _)| *row);
        at.map_or(&NOTHING, |at| &self.history[at].1)
    }
}

/// The time on a member's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalFacts {
    /// Minute of its day.
    pub minute: u32,
    /// Milliseconds since its day began.
    pub day_ms: i64,
}

/// Most direct messages to one member (H9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactCaps {
    /// Of any kind, a day.
    pub all_day: u32,
    /// Commercial ones, a day.
    pub commercial_day: u32,
    /// Commercial ones, in 7 days.
    pub commercial_week: u32,
}

impl ContactCaps {
    /// No bound.
    pub const NONE: Self =
        Self { all_day: u32::MAX, commercial_day: u32::MAX, commercial_week: u32::MAX };
}

/// The standing of a cycle between two calls: each call takes from it what it grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the cycle is closed: it grants nothing new.
    pub is_closed: bool,
    /// Free money per pool.
    pub pools: Vec<Minor>,
    /// Per stage that grants.
    pub stages: BTreeMap<u16, StageStanding>,
}

/// The standing of a stage in a cycle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageStanding {
    /// Number of the pool that pays; stages of one pool share its money. `None`: no money.
    pub pool: Option<usize>,
    /// Most that the stage may still take in this cycle (GR-7 and its own limit).
    pub left: Minor,
    /// Whether its account, or one above it, is frozen: only transactions and safety pass (H13).
    pub frozen: bool,
    /// Cost of all its grants of the cycle.
    pub cost: Minor,
    /// Expected output of all its grants of the cycle.
    pub expected_output: Minor,
}

/// Why a proposal was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The first check that failed.
    pub code: RefusalCode,
    /// Guardrail or rule behind it: "GR-5", "H9" ...
    pub rule: &'static str,
    /// Index of the decision that won instead, where one did.
    pub lost_to: Option<u32>,
}

/// A candidate with its fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The proposal.
    pub candidate: Candidate,
    /// Why not, where refused; `None`: the member has it.
    pub refusal: Option<Refusal>,
    /// Whether the member had it before: it takes no money again.
    pub granted_before: bool,
}

impl Decision {
    /// Whether this call grants it.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.refusal.is_none() && !self.granted_before
    }
}

/// A refusal without a winner.
pub(crate) const fn refused(code: RefusalCode, rule: &'static str) -> Refusal {
    Refusal { code, rule, lost_to: None }
}

/// What a member got, inside the windows that still count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Families inside the duplicate window.
    pub families: Vec<u32>,
    /// Direct messages of the day that caps count: those of class transaction are exempt.
    pub contacts_day: u32,
    /// Commercial ones among them.
    pub commercial_day: u32,
    /// Commercial ones of the last 7 days.
    pub commercial_week: u32,
    /// All deliveries of the last 30 days.
    pub delivered_30d: u32,
    /// Commercial deliveries of the last 30 days.
    pub commercial_30d: u32,
    /// What stands, by the position of a rule about what may stand together; none beyond the end.
    pub stacks: Vec<u32>,
}

impl History {
    /// Of a member that got nothing.
    pub const NOTHING: Self = Self {
        families: Vec::new(),
        contacts_day: 0,
        commercial_day: 0,
        commercial_week: 0,
        delivered_30d: 0,
        commercial_30d: 0,
        stacks: Vec::new(),
    };
}

/// All inputs of a decision but the standing.
#[derive(Debug, Clone, Copy)]
pub struct Arbitration<'a> {
    /// Rules of the playbook.
    pub guardrails: &'a Guardrails,
    /// Per stage, per action.
    pub actions: &'a BTreeMap<u16, Vec<ActionFacts>>,
    /// Which families may stand together.
    pub(crate) stacks: &'a [Stack],
    /// The members.
    pub members: MemberFacts<'a>,
}

/// The state of a proposal within a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It asks for slots and money.
    Asks,
    /// Checks of its own refused it.
    Refused(Refusal),
    /// Granted by this call, or by another one at this very time: it holds its slots.
    Holds,
    /// Granted at another time.
    Past,
}
