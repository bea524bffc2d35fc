//! Slots of members: what one may still get by GR-1, duplicates and frequency caps (R10, R12 to R14).

use playbook_model::{Priority, RefusalCode};
use smallvec::SmallVec;

use crate::decide::Stack;
use crate::proposal::{
    ActionFacts, Arbitration, Candidate, ContactCaps, Decision, Fate, History, Refusal, refused,
};

/// What a member takes in one call.
#[derive(Debug, Clone, Default)]
struct Taken {
    /// Families, and the decisions that took them.
    families: SmallVec<[(u32, u32); 2]>,
    /// Messages that caps count, and the commercial ones among them.
    contacts: u32,
    commercial: u32,
    /// All deliveries, and the commercial ones among them.
    delivered: u32,
    delivered_commercial: u32,
    /// The last decision so far, in order of rank, that contacts the member.
    last_contact: Option<u32>,
    /// Positions of rules about what may stand together, and the decisions that count for them.
    stacked: SmallVec<[(u32, u32); 2]>,
}

impl Taken {
    fn add(&mut self, stacks: &[Stack], action: &ActionFacts, at: usize) {
        let decision = index(at).unwrap_or(u32::MAX);
        self.families.push((action.family, decision));
        let rules = (0..).zip(stacks).filter(|(_, stack)| stack.has(action.family));
        self.stacked.extend(rules.map(|(rule, _)| (rule, decision)));
        let contact = u32::from(action.contacts_member);
        let commercial = u32::from(action.contacts_member && action.commercial);
        self.delivered += contact;
        self.delivered_commercial += commercial;
        if action.priority != Priority::Transaction {
            self.contacts += contact;
            self.commercial += commercial;
        }
    }
}

/// Slots of the members that have proposals: a dense list, with an index by row (a sparse set).
#[derive(Debug)]
pub(crate) struct Slots {
    /// Lowest row that has a proposal, at which the index begins, so that for a single member it has a single entry.
    least: u32,
    /// By row from there on: position in `held`; `u32::MAX` where the row has no proposal.
    place_of: Vec<u32>,
    /// Slots that are taken for good, by grants of this call and of others at this same time.
    held: Vec<Taken>,
}

impl Slots {
    pub(crate) fn new(
        arbitration: &Arbitration<'_>,
        decisions: &[Decision],
        fates: &[Fate],
    ) -> Self {
        let rows = decisions.iter().map(|d| d.candidate.row);
        let least = rows.clone().min().unwrap_or(0);
        let most = rows.max().map_or(0, |most| most + 1);
        let mut slots = Self {
            least,
            place_of: vec![u32::MAX; (most.max(least) - least) as usize],
            held: Vec::new(),
        };
        for (at, (d, fate)) in decisions.iter().zip(fates).enumerate() {
            let place = &mut slots.place_of[(d.candidate.row - least) as usize];
            if *place == u32::MAX {
                *place = index(slots.held.len()).unwrap_or(u32::MAX);
                slots.held.push(Taken::default());
            }
            if *fate == Fate::Holds {
                slots.hold(arbitration, at, &d.candidate);
            }
        }
        slots
    }

    fn place(&self, c: &Candidate) -> usize {
        self.place_of[(c.row - self.least) as usize] as usize
    }

    /// Gives a grant its slots for good.
    pub(crate) fn hold(&mut self, arbitration: &Arbitration<'_>, at: usize, c: &Candidate) {
        let place = self.place(c);
        if let Some(action) = arbitration.action(c) {
            self.held[place].add(arbitration.stacks, action, at);
        }
    }

    /// Goes through the proposals in order of rank and refuses those that find no slot.
    pub(crate) fn fill(
        &self,
        arbitration: &Arbitration<'_>,
        decisions: &[Decision],
        fates: &[Fate],
        refusals: &mut [Option<Refusal>],
    ) {
        let mut taken = self.held.clone();
        for (at, (d, fate)) in decisions.iter().zip(fates).enumerate() {
            let Some(action) = arbitration.action(&d.candidate) else { continue };
            let slot = &mut taken[self.place(&d.candidate)];
            match fate {
                Fate::Asks if refusals[at].is_none() => {
                    refusals[at] = no_slot(arbitration, &d.candidate, action, slot);
                    if refusals[at].is_some() {
                        continue;
                    }
                    slot.add(arbitration.stacks, action, at);
                }
                Fate::Holds => {}
                _ => continue,
            }
            if action.contacts_member && action.priority != Priority::Transaction {
                slot.last_contact = index(at);
            }
        }
    }
}

/// Why a proposal finds no slot beside what the member has and what others of this call took.
fn no_slot(
    arbitration: &Arbitration<'_>,
    c: &Candidate,
    action: &ActionFacts,
    slot: &Taken,
) -> Option<Refusal> {
    let before = arbitration.members.history(c.row);
    if action.commercial
        && let Some(cap) = arbitration.members.commercial_cap(c.row)
        && !within_commercial_cap(
            cap,
            before.delivered_30d + slot.delivered,
            before.commercial_30d + slot.delivered_commercial,
        )
    {
        return Some(refused(RefusalCode::R10, "GR-1"));
    }
    if before.families.contains(&action.family) {
        return Some(refused(RefusalCode::R12, "H9"));
    }
    if let Some((_, winner)) = slot.families.iter().find(|(family, _)| *family == action.family) {
        return Some(Refusal { lost_to: Some(*winner), ..refused(RefusalCode::R12, "H9") });
    }
    if c.until_min.is_some_and(|until| until < c.after_min) {
        // It was put off beyond its end.
        return Some(refused(RefusalCode::R13, "H9"));
    }
    if let Some(refusal) = stacked(arbitration.stacks, action, before, slot) {
        return Some(refusal);
    }
    // Transactions are deduplicated but never capped.
    if !action.contacts_member || action.priority == Priority::Transaction {
        return None;
    }
    let ContactCaps { all_day, commercial_day, commercial_week } = arbitration.members.caps(c.row);
    let over = |used: u32, now: u32, max: u32| {
        let over = used.saturating_add(now) >= max;
        over.then_some(if used >= max { RefusalCode::R13 } else { RefusalCode::R14 })
    };
    let commercial = || {
        over(before.commercial_day, slot.commercial, commercial_day)
            .or_else(|| over(before.commercial_week, slot.commercial, commercial_week))
    };
    let code = over(before.contacts_day, slot.contacts, all_day)
        .or_else(|| action.commercial.then(commercial).flatten())?;
    let lost_to = if code == RefusalCode::R14 { slot.last_contact } else { None };
    Some(Refusal { lost_to, ..refused(code, "H9") })
}

/// Why an action may not stand beside what stands already, or beside what won in this call.
fn stacked(
    stacks: &[Stack],
    action: &ActionFacts,
    before: &History,
    slot: &Taken,
) -> Option<Refusal> {
    let rules = (0_u32..).zip(stacks).filter(|(_, stack)| stack.has(action.family));
    for (rule, stack) in rules {
        let used = before.stacks.get(rule as usize).copied().unwrap_or(0);
        let mut rivals = slot.stacked.iter().filter(|(of, _)| *of == rule).map(|(_, at)| *at);
        let now = u32::try_from(rivals.clone().count()).unwrap_or(u32::MAX);
        if used >= stack.most {
            return Some(refused(RefusalCode::R13, "H9"));
        }
        if used.saturating_add(now) >= stack.most {
            return Some(Refusal { lost_to: rivals.next(), ..refused(RefusalCode::R14, "H9") });
        }
    }
    None
}

fn index(at: usize) -> Option<u32> {
    u32::try_from(at).ok()
}

/// GR-1: one more commercial delivery fits when c + 1 <= max(cap * (n + 1), 1 where cap > 0).
pub(crate) fn within_commercial_cap(cap: f64, delivered: u32, commercial: u32) -> bool {
    let least = if cap > 0.0 { 1.0 } else { 0.0 };
    let room = (cap * (f64::from(delivered) + 1.0)).max(least);
    f64::from(commercial) + 1.0 <= room
}
