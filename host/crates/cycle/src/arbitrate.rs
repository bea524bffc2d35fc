//! Who gets what: the checks of domain H6 in their order, H9's arbitration, and the budget.
//!
//! A pure function of candidates, facts and free money: the same input gives the same decisions in
//! the same order, however the candidates were found. The ledger books what is decided here.

use std::collections::{BTreeMap, HashMap};

use playbook_model::{Guardrails, Minor, Priority, RefusalCode};
use rayon::prelude::*;

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
    /// Not after, minutes from the as-of time; 0: the end of the cycle.
    pub until_min: u32,
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
}

/// What the checks need to know of the members, by row.
#[derive(Debug, Default)]
pub struct MemberFacts {
    /// Per purpose and row: whether consent is granted.
    pub consents: Vec<Vec<bool>>,
    /// Keyed hash of the member: settles what is otherwise equal.
    pub keys: Vec<i64>,
    /// Members kept free of every action.
    pub holdout: Vec<bool>,
    /// Members whose identity is not known; empty: all are.
    pub unknown: Vec<bool>,
    /// Members that are held for fraud; empty: not enforced.
    pub held: Vec<bool>,
    /// Commercial cap of the member's participation stage; empty: not enforced.
    pub stage_cap: Vec<Option<f64>>,
    /// Open complaint or critical churn: service only; empty: not enforced.
    pub service_only: Vec<bool>,
    /// Minors by the brand's age bands; empty: not enforced.
    pub minor: Vec<bool>,
    /// Most direct messages, by row.
    pub contact_caps: Vec<ContactCaps>,
    /// What earlier cycles did inside the windows.
    pub history: HashMap<u32, History>,
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

/// What a member got before, inside the windows that still count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Families inside the duplicate window.
    pub families: Vec<u32>,
    /// Direct messages of the day.
    pub contacts_day: u32,
    /// Commercial direct messages of the day.
    pub commercial_day: u32,
    /// Commercial direct messages of the last 7 days.
    pub commercial_week: u32,
    /// All deliveries of the last 30 days.
    pub delivered_30d: u32,
    /// Commercial deliveries of the last 30 days.
    pub commercial_30d: u32,
}

/// Money that grants of one stage may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageMoney {
    /// Number of the pool; stages of one pool share its money.
    pub pool: usize,
    /// Most that this stage may take in this cycle.
    pub stage_max: Minor,
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

/// A candidate with what became of it; `None`: granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The proposal.
    pub candidate: Candidate,
    /// Why not, where refused.
    pub refusal: Option<Refusal>,
}

/// Everything that decides.
#[derive(Debug)]
pub struct Arbitration<'a> {
    /// Rules of the playbook.
    pub guardrails: &'a Guardrails,
    /// Per stage, per action.
    pub actions: &'a BTreeMap<u16, Vec<ActionFacts>>,
    /// The members.
    pub members: &'a MemberFacts,
    /// Per stage that spends.
    pub money: &'a BTreeMap<u16, StageMoney>,
    /// Free money per pool.
    pub pools: &'a [Minor],
}

const fn refused(code: RefusalCode, rule: &'static str) -> Refusal {
    Refusal { code, rule, lost_to: None }
}

impl Arbitration<'_> {
    fn action(&self, c: &Candidate) -> Option<&ActionFacts> {
        self.actions.get(&c.stage)?.get(usize::from(c.action))
    }

    /// Decides on all candidates; the decisions come in order of arbitration.
    #[must_use]
    pub fn decide(&self, candidates: Vec<Candidate>) -> Vec<Decision> {
        let mut decisions: Vec<Decision> = candidates
            .into_par_iter()
            .map(|candidate| Decision { refusal: self.alone(&candidate), candidate })
            .collect();
        decisions.par_sort_by_cached_key(|d| self.rank(&d.candidate));
        loop {
            let slots = self.slots(&decisions);
            let Some(stage) = self.below_ratio(&decisions, &slots) else {
                for (decision, slot) in decisions.iter_mut().zip(slots) {
                    decision.refusal = decision.refusal.or(slot);
                }
                break;
            };
            for d in decisions.iter_mut().filter(|d| d.candidate.stage == stage) {
                if d.candidate.cost > 0 {
                    d.refusal = d.refusal.or(Some(refused(RefusalCode::R15, "GR-5")));
                }
            }
        }
        self.spend(&mut decisions);
        decisions
    }

    /// Class, net value, then the keyed hash; stage and action make the order total.
    fn rank(&self, c: &Candidate) -> (Priority, std::cmp::Reverse<i64>, i64, u16, u16, u32) {
        let priority = self.action(c).map_or(Priority::Promotion, |a| a.priority);
        let net = c.expected_output.saturating_sub(c.cost);
        let key = self.members.keys.get(c.row as usize).copied().unwrap_or(i64::MAX);
        (priority, std::cmp::Reverse(net), key, c.stage, c.action, c.row)
    }

    /// Checks that look at one proposal alone: R01 to R11.
    fn alone(&self, c: &Candidate) -> Option<Refusal> {
        let Some(action) = self.action(c) else { return Some(refused(RefusalCode::R01, "H6")) };
        let row = c.row as usize;
        let is = |flags: &[bool]| flags.get(row).copied().unwrap_or(false);
        let members = self.members;
        if is(&members.unknown) {
            return Some(refused(RefusalCode::R04, "H2"));
        }
        if let Some(purpose) = action.purpose
            && self.guardrails.require_consent
            && !members.consents.get(purpose).is_some_and(|c| is(c))
        {
            return Some(refused(RefusalCode::R05, "GR-13"));
        }
        if is(&members.holdout) {
            return Some(refused(RefusalCode::R06, "H10"));
        }
        if action.commercial && is(&members.minor) {
            return Some(refused(RefusalCode::R07, "GR-13"));
        }
        let service = action.priority <= Priority::Service;
        if is(&members.service_only) && !service {
            return Some(refused(RefusalCode::R10, "GR-12"));
        }
        if action.commercial
            && let Some(Some(cap)) = members.stage_cap.get(row)
        {
            let history = members.history.get(&c.row);
            let before = history.map_or((0, 0), |h| (h.delivered_30d, h.commercial_30d));
            if !within_commercial_cap(*cap, before.0, before.1) {
                return Some(refused(RefusalCode::R10, "GR-1"));
            }
        }
        is(&members.held).then(|| refused(RefusalCode::R11, "H6"))
    }

    /// Checks among proposals of one member, in order of rank: R12 to R14.
    fn slots(&self, decisions: &[Decision]) -> Vec<Option<Refusal>> {
        let rows = decisions.iter().map(|d| d.candidate.row as usize + 1).max().unwrap_or(0);
        let mut place_of: Vec<u32> = vec![u32::MAX; rows];
        let mut taken: Vec<Taken> = Vec::new();
        decisions
            .iter()
            .enumerate()
            .map(|(at, d)| {
                if d.refusal.is_some() {
                    return None;
                }
                let action = self.action(&d.candidate)?;
                let row = d.candidate.row;
                let history = self.members.history.get(&row);
                let place = &mut place_of[row as usize];
                if *place == u32::MAX {
                    *place = index(taken.len()).unwrap_or(u32::MAX);
                    taken.push(Taken::default());
                }
                let slot = &mut taken[*place as usize];
                if history.is_some_and(|h| h.families.contains(&action.family)) {
                    return Some(refused(RefusalCode::R12, "H9"));
                }
                if let Some((_, winner)) = slot.families.iter().find(|(f, _)| *f == action.family) {
                    return Some(Refusal {
                        lost_to: Some(*winner),
                        ..refused(RefusalCode::R12, "H9")
                    });
                }
                // Transactions are deduplicated but never capped.
                if action.contacts_member && action.priority != Priority::Transaction {
                    let caps = self
                        .members
                        .contact_caps
                        .get(row as usize)
                        .copied()
                        .unwrap_or(ContactCaps::NONE);
                    let before = history.map_or((0, 0, 0), |h| {
                        (h.contacts_day, h.commercial_day, h.commercial_week)
                    });
                    let over = |used: u32, now: u32, max: u32| {
                        (used + now >= max).then(|| {
                            let code =
                                if used >= max { RefusalCode::R13 } else { RefusalCode::R14 };
                            (code, slot.last_contact)
                        })
                    };
                    let commercial = || {
                        over(before.1, slot.commercial, caps.commercial_day)
                            .or_else(|| over(before.2, slot.commercial, caps.commercial_week))
                    };
                    let hit = over(before.0, slot.contacts, caps.all_day)
                        .or_else(|| action.commercial.then(commercial).flatten());
                    if let Some((code, winner)) = hit {
                        let lost_to = if code == RefusalCode::R14 { winner } else { None };
                        return Some(Refusal { lost_to, ..refused(code, "H9") });
                    }
                    slot.contacts += 1;
                    slot.commercial += u32::from(action.commercial);
                    slot.last_contact = index(at);
                }
                slot.families.push((action.family, index(at).unwrap_or(u32::MAX)));
                None
            })
            .collect()
    }

    /// The first stage whose grants as a batch promise less than the floor of GR-5.
    fn below_ratio(&self, decisions: &[Decision], slots: &[Option<Refusal>]) -> Option<u16> {
        let mut sums: BTreeMap<u16, (i128, i128)> = BTreeMap::new();
        for (d, slot) in decisions.iter().zip(slots) {
            if d.refusal.is_none() && slot.is_none() {
                let sum = sums.entry(d.candidate.stage).or_default();
                sum.0 += i128::from(d.candidate.expected_output);
                sum.1 += i128::from(d.candidate.cost);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a ratio against a floor")]
        let below = |(output, cost): &(i128, i128)| {
            *cost > 0 && (*output as f64) < self.guardrails.incentive_ratio_min * (*cost as f64)
        };
        sums.iter().find(|(_, sum)| below(sum)).map(|(stage, _)| *stage)
    }

    /// Takes money in order of rank until a pool or a stage has none left: R15.
    fn spend(&self, decisions: &mut [Decision]) {
        let mut pools: Vec<i64> = self.pools.iter().map(|p| p.0).collect();
        let mut stages: BTreeMap<u16, i64> =
            self.money.iter().map(|(stage, money)| (*stage, money.stage_max.0)).collect();
        for d in decisions.iter_mut().filter(|d| d.refusal.is_none() && d.candidate.cost > 0) {
            let cost = d.candidate.cost;
            let money = self.money.get(&d.candidate.stage);
            let pool = money.and_then(|m| pools.get_mut(m.pool));
            let stage = stages.get_mut(&d.candidate.stage);
            d.refusal = match (pool, stage) {
                (Some(pool), _) if *pool < cost => Some(refused(RefusalCode::R15, "GR-6")),
                (Some(_), Some(stage)) if *stage < cost => Some(refused(RefusalCode::R15, "GR-7")),
                (Some(pool), Some(stage)) => {
                    *pool -= cost;
                    *stage -= cost;
                    None
                }
                // A stage without a pool has no money at all.
                _ => Some(refused(RefusalCode::R15, "H7")),
            };
        }
    }
}

#[derive(Debug, Default)]
struct Taken {
    families: Vec<(u32, u32)>,
    contacts: u32,
    commercial: u32,
    last_contact: Option<u32>,
}

fn index(at: usize) -> Option<u32> {
    u32::try_from(at).ok()
}

/// GR-1: one more commercial delivery fits when c + 1 <= max(cap * (n + 1), 1 where cap > 0).
fn within_commercial_cap(cap: f64, delivered: u32, commercial: u32) -> bool {
    let least = if cap > 0.0 { 1.0 } else { 0.0 };
    let room = (cap * (f64::from(delivered) + 1.0)).max(least);
    f64::from(commercial) + 1.0 <= room
}

/// Whether a member belongs to the holdout (domain H10): the first 8 bytes, big-endian, of
/// SHA-256("holdout:" + member id), modulo 10,000, below `share` of 10,000.
#[must_use]
pub fn in_holdout(member: &str, share: f64) -> bool {
    if share <= 0.0 {
        return false;
    }
    let digest = playbook_model::Digest::of(format!("holdout:{member}").as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest.0[..8]);
    #[expect(clippy::cast_precision_loss, reason = "below 10,000")]
    let position = (u64::from_be_bytes(first) % 10_000) as f64;
    position < share * 10_000.0
}

#[cfg(test)]
#[path = "arbitrate_tests.rs"]
mod tests;
