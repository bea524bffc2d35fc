//! Who gets what: the checks of domain H6 in their order, H9's arbitration, and the budget.
//!
//! A pure function of proposals, facts and the cycle's standing: the same input gives the same decisions
//! in the same order, however the proposals were found. One call decides on a whole community or on one
//! member; the standing goes on from call to call, so that the rules of a cycle hold over all its calls.
//! The ledger books what is decided here.

use std::cmp::Reverse;

use playbook_model::{Priority, RefusalCode};
use rayon::prelude::*;

use crate::proposal::{
    ActionFacts, Arbitration, Candidate, Decision, Earlier, Fate, Proposal, Refusal, StageStanding,
    Standing, refused,
};
use crate::slots::{Slots, within_commercial_cap};

/// Number of items from which threads share the work; fewer are done faster by one.
pub(crate) const SHARED_FROM: usize = 4_096;

/// Maps items in order, on several threads where there are many.
pub(crate) fn each<T: Send, R: Send>(items: Vec<T>, of: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
    if items.len() < SHARED_FROM {
        items.into_iter().map(of).collect()
    } else {
        items.into_par_iter().map(of).collect()
    }
}

impl Arbitration<'_> {
    pub(crate) fn action(&self, c: &Candidate) -> Option<&ActionFacts> {
        self.actions.get(&c.stage)?.get(usize::from(c.action))
    }

    /// Decides on all proposals and takes what it grants from the standing; the decisions come in order of
    /// arbitration.
    ///
    /// A fixed-point iteration: passes go on until one grants nothing, so that the same call again would grant nothing
    /// more. The grants of one pass may make others possible (deliveries leave room for a commercial one; a refused
    /// batch leaves its slots to rivals), which the next pass grants.
    #[must_use]
    pub fn decide(&self, proposals: Vec<Proposal>, standing: &mut Standing) -> Vec<Decision> {
        let (mut decisions, mut fates) = self.ranked(proposals, standing);
        let mut slots = Slots::new(self, &decisions, &fates);
        loop {
            let refusals = self.pass(&decisions, &fates, &slots, standing);
            let (mut granted, mut may_change) = (false, false);
            for (at, refusal) in refusals.into_iter().enumerate() {
                if fates[at] != Fate::Asks {
                    continue;
                }
                decisions[at].refusal = refusal;
                match refusal {
                    Some(refusal) => may_change |= matches!(refusal.rule, "GR-1" | "GR-5"),
                    None => {
                        granted = true;
                        fates[at] = Fate::Holds;
                        slots.hold(self, at, &decisions[at].candidate);
                        take(standing, &decisions[at].candidate);
                    }
                }
            }
            if !(granted && may_change) {
                return decisions;
            }
        }
    }

    /// Sorts the proposals into the order of arbitration, each with the result of the checks that look at it alone.
    fn ranked(&self, proposals: Vec<Proposal>, standing: &Standing) -> (Vec<Decision>, Vec<Fate>) {
        let judge = |mut proposal: Proposal| {
            if proposal.earlier == Earlier::Never {
                self.heed_quiet_hours(&mut proposal.candidate);
            }
            let fate = match proposal.earlier {
                Earlier::Never => match self.alone(&proposal.candidate, standing) {
                    Some(refusal) => Fate::Refused(refusal),
                    None => Fate::Asks,
                },
                Earlier::Granted => Fate::Past,
                Earlier::GrantedNow => Fate::Holds,
                Earlier::Released => Fate::Refused(refused(RefusalCode::R12, "H7")),
            };
            let refusal = if let Fate::Refused(refusal) = fate { Some(refusal) } else { None };
            let granted_before = matches!(fate, Fate::Past | Fate::Holds);
            (Decision { candidate: proposal.candidate, refusal, granted_before }, fate)
        };
        let mut judged: Vec<(Decision, Fate)> = each(proposals, judge);
        let rank = |(decision, _): &(Decision, Fate)| self.rank(&decision.candidate);
        if judged.len() < SHARED_FROM {
            judged.sort_by_cached_key(rank);
        } else {
            judged.par_sort_by_cached_key(rank);
        }
        judged.into_iter().unzip()
    }

    /// Puts a message off until the quiet hours of its member are over (H9); transactions and replies of the service go at any
    /// time. One that may not wait so long finds no slot.
    fn heed_quiet_hours(&self, c: &mut Candidate) {
        let heeds =
            |action: &ActionFacts| action.contacts_member && action.priority > Priority::Service;
        if let Some(quiet) = self.guardrails.quiet_hours
            && let Some(local) = self.members.local.get(c.row as usize)
            && self.action(c).is_some_and(heeds)
        {
            let minute = (u64::from(local.minute) + u64::from(c.after_min)) % 1_440;
            c.after_min = c.after_min.saturating_add(quiet.left(minute as u32));
        }
    }

    /// Class, net value, then the keyed hash; stage and action make the order total.
    fn rank(&self, c: &Candidate) -> (Priority, Reverse<i64>, i64, u16, u16, u32) {
        let priority = self.action(c).map_or(Priority::Promotion, |a| a.priority);
        let net = c.expected_output.saturating_sub(c.cost);
        let key = self.members.keys.get(c.row as usize).copied().unwrap_or(i64::MAX);
        (priority, Reverse(net), key, c.stage, c.action, c.row)
    }

    /// Checks that look at one proposal alone: R01 to R11.
    fn alone(&self, c: &Candidate, standing: &Standing) -> Option<Refusal> {
        let Some(action) = self.action(c) else { return Some(refused(RefusalCode::R01, "H6")) };
        let is = |flags: &[bool]| flags.get(c.row as usize).copied().unwrap_or(false);
        let members = &self.members;
        if standing.is_closed {
            return Some(refused(RefusalCode::R02, "H11"));
        }
        let is_frozen = standing.stages.get(&c.stage).is_some_and(|stage| stage.frozen);
        if is_frozen && action.priority != Priority::Transaction {
            return Some(refused(RefusalCode::R03, "H13"));
        }
        if is(members.unknown) {
            return Some(refused(RefusalCode::R04, "H2"));
        }
        if let Some(purpose) = action.purpose
            && self.guardrails.require_consent
            && (!members.consents.get(purpose).is_some_and(|c| is(c)) || is(members.lacks_consent))
        {
            return Some(refused(RefusalCode::R05, "GR-13"));
        }
        if is(members.holdout) {
            return Some(refused(RefusalCode::R06, "H10"));
        }
        let is_child = action.purpose.is_some() && is(members.unguarded);
        if is_child || (action.commercial && is(members.not_adult)) {
            return Some(refused(RefusalCode::R07, "GR-13"));
        }
        if let Some(trade) = action.trade.and_then(|trade| members.trades.get(trade)) {
            if trade.is_unproven {
                return Some(refused(RefusalCode::R07, "H14"));
            }
            if !trade.priced.is_empty() && !is(&trade.priced) {
                return Some(refused(RefusalCode::R08, "GR-8"));
            }
        }
        let service = action.priority <= Priority::Service;
        if is(members.service_only) && !service {
            return Some(refused(RefusalCode::R10, "GR-12"));
        }
        if action.commercial
            && let Some(cap) = members.commercial_cap(c.row)
        {
            let before = members.history(c.row);
            if !within_commercial_cap(cap, before.delivered_30d, before.commercial_30d) {
                return Some(refused(RefusalCode::R10, "GR-1"));
            }
        }
        is(members.held).then(|| refused(RefusalCode::R11, "H6"))
    }

    /// One pass: the refusals if the call ended here. Slots come first, then money, then the floor of GR-5 for each
    /// stage as a whole. A stage below the floor is taken out, and the pass starts over without it.
    fn pass(
        &self,
        decisions: &[Decision],
        fates: &[Fate],
        slots: &Slots,
        standing: &Standing,
    ) -> Vec<Option<Refusal>> {
        let mut below: Vec<u16> = Vec::new();
        loop {
            let mut refusals: Vec<Option<Refusal>> = decisions
                .iter()
                .zip(fates)
                .map(|(d, fate)| match fate {
                    Fate::Refused(refusal) => Some(*refusal),
                    Fate::Asks if d.candidate.cost > 0 && below.contains(&d.candidate.stage) => {
                        Some(refused(RefusalCode::R15, "GR-5"))
                    }
                    _ => None,
                })
                .collect();
            slots.fill(self, decisions, fates, &mut refusals);
            let mut then = standing.clone();
            spend(decisions, fates, &mut refusals, &mut then);
            match self.below_ratio(standing, &then) {
                Some(stage) => below.push(stage),
                None => return refusals,
            }
        }
    }

    /// The first stage that takes money in this pass and whose grants of the cycle would then be below the floor of
    /// GR-5.
    fn below_ratio(&self, before: &Standing, then: &Standing) -> Option<u16> {
        #[expect(clippy::cast_precision_loss, reason = "a ratio against a floor")]
        let keeps = |stage: &StageStanding| {
            let floor = self.guardrails.incentive_ratio_min * stage.cost.0 as f64;
            stage.expected_output.0 as f64 >= floor
        };
        let mut stages = then.stages.iter();
        let costs_more = |at: &u16, stage: &StageStanding| {
            before.stages.get(at).is_none_or(|before| stage.cost > before.cost)
        };
        stages.find(|(at, stage)| costs_more(at, stage) && !keeps(stage)).map(|(at, _)| *at)
    }
}

/// Takes money in order of rank until a pool or a stage has none left: R15.
fn spend(
    decisions: &[Decision],
    fates: &[Fate],
    refusals: &mut [Option<Refusal>],
    standing: &mut Standing,
) {
    for ((d, fate), refusal) in decisions.iter().zip(fates).zip(refusals) {
        if *fate != Fate::Asks || refusal.is_some() {
            continue;
        }
        let cost = d.candidate.cost;
        let stage = standing.stages.get(&d.candidate.stage);
        let pool = stage.and_then(|stage| standing.pools.get(stage.pool?));
        *refusal = match (pool, stage) {
            _ if cost == 0 => None,
            (Some(pool), _) if pool.0 < cost => Some(refused(RefusalCode::R15, "GR-6")),
            (Some(_), Some(stage)) if stage.left.0 < cost => {
                Some(refused(RefusalCode::R15, "GR-7"))
            }
            (Some(_), Some(_)) => None,
            // A stage without a pool has no money at all.
            _ => Some(refused(RefusalCode::R15, "H7")),
        };
        if refusal.is_none() {
            take(standing, &d.candidate);
        }
    }
}

/// Takes the money of a grant from the standing.
fn take(standing: &mut Standing, c: &Candidate) {
    let Some(stage) = standing.stages.get_mut(&c.stage) else { return };
    stage.left.0 -= c.cost;
    stage.cost.0 = stage.cost.0.saturating_add(c.cost);
    stage.expected_output.0 = stage.expected_output.0.saturating_add(c.expected_output);
    if let Some(pool) = stage.pool.and_then(|pool| standing.pools.get_mut(pool)) {
        pool.0 -= c.cost;
    }
}

/// Whether a member belongs to the holdout (domain H10): the first 8 bytes, big-endian, of
/// SHA-256("holdout:" + member id), modulo 10,000, below `share` of 10,000.
#[must_use]
pub fn in_holdout(member: &str, share: f64) -> bool {
    if share <= 0.0 {
        return false;
    }
    let digest = playbook_model::Digest::of(format!("holdout:{member}").as_bytes());
    #[expect(clippy::cast_precision_loss, reason = "below 10,000")]
    let position = (u64::from_be_bytes(digest.first()) % 10_000) as f64;
    position < share * 10_000.0
}

#[cfg(test)]
#[path = "arbitrate_tests.rs"]
pub(crate) mod tests;
