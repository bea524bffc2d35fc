//! What the ledger knows that decisions rest on: keys that were granted before, what members got inside the windows, and
//! what is free.

use std::collections::HashSet;

use playbook_ledger::{
    Booked, BudgetAccounts, CycleStanding, GrantState, LedgerError, PastGrant, StageUse,
};
use playbook_model::{Digest, Minor, Priority, UnixMs};

use crate::arbitrate::each;
use crate::book::{MoneyTurn, stage_share};
use crate::caps::caps_window_ms;
use crate::decide::Policy;
use crate::proposal::{
    Candidate, Earlier, History, MemberFacts, Proposal, StageStanding, Standing,
};

pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;
/// Longest window of GR-1.
pub(crate) const MONTH_MS: i64 = 30 * DAY_MS;

impl MoneyTurn<'_> {
    /// What the ledger knows of candidates and their members: the candidates with what became of their keys before,
    /// and what the members got inside the windows; the days of these are those of `members`.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn recall(
        &mut self,
        policy: &Policy,
        keys: &[i64],
        candidates: Vec<Candidate>,
        members: &MemberFacts<'_>,
    ) -> Result<(Vec<Proposal>, Vec<(u32, History)>), LedgerError> {
        if candidates.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let (proposals, rivals) = self.proposals(policy, keys, candidates)?;
        let history = self.history(policy, (keys, members), &proposals, &rivals)?;
        Ok((proposals, history))
    }

    /// Where the cycle stands: pools as they are now, and what each stage may still take.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn standing(&mut self, policy: &Policy) -> Result<Standing, LedgerError> {
        let accounts = &self.money.accounts;
        Ok(standing_of(policy, accounts, self.known()?))
    }

    /// The candidates with what the ledger knows of their keys, and the entries of those that were granted
    /// at this very time.
    fn proposals(
        &mut self,
        policy: &Policy,
        keys: &[i64],
        candidates: Vec<Candidate>,
    ) -> Result<(Vec<Proposal>, HashSet<i64>), LedgerError> {
        let money = self.money;
        let key_of = |candidate: &Candidate| money.key(policy, keys, candidate);
        Ok(proposals_of(self.known()?, money.now, key_of, candidates))
    }

    /// What the members that have proposals got inside the windows of H9 and GR-1, whenever and by
    /// whichever cycle, but for the entries `rivals`.
    fn history(
        &self,
        policy: &Policy,
        (keys, members): (&[i64], &MemberFacts<'_>),
        proposals: &[Proposal],
        rivals: &HashSet<i64>,
    ) -> Result<Vec<(u32, History)>, LedgerError> {
        let (money, now) = (self.money, self.money.now);
        let from = UnixMs(now.0.saturating_sub(caps_window_ms(policy)));
        let mut rows: Vec<u32> = proposals.iter().map(|p| p.candidate.row).collect();
        rows.sort_unstable();
        rows.dedup();
        let lone = if let [row] = rows[..] { keys.get(row as usize) } else { None };
        let past = match lone {
            Some(member) => money.ledger.grants_of(&[*member], from)?,
            None => money.ledger.grants_since(from)?,
        };
        if past.grants.is_empty() {
            return Ok(Vec::new());
        }
        let of_row = |row: u32| {
            let grants = past.of_member(*keys.get(row as usize)?);
            let day_ms = members.day_ms(row);
            Some((row, seen_of(policy, grants, &past.families, (now, day_ms), rivals)?))
        };
        Ok(rows.into_iter().filter_map(of_row).collect())
    }
}

/// Where a cycle stands, as arbitration takes it.
pub(crate) fn standing_of(
    policy: &Policy,
    accounts: &BudgetAccounts,
    known: &CycleStanding,
) -> Standing {
    let free = |id| known.accounts.get(id).copied();
    let names: Vec<&String> = accounts.pools.keys().collect();
    let pools = accounts.pools.values();
    let pools = pools.map(|id| free(id).map_or(Minor::ZERO, |free| free.now)).collect();
    let stages = policy.spenders.iter().filter_map(|spender| {
        let account = free(accounts.plugins.get(&spender.name)?)?;
        let StageUse { cost, expected_output, bound } =
            known.stages.get(&spender.name).copied().unwrap_or_default();
        let of_pool = spender.pool.as_ref();
        let pool = of_pool.and_then(|pool| names.iter().position(|name| *name == pool));
        let at_opening = of_pool.and_then(|pool| free(accounts.pools.get(pool)?));
        let share = at_opening.map_or(Minor::ZERO, |free| free.at_opening);
        let share = stage_share(share, &policy.rules);
        let left = Minor(share.0.saturating_sub(bound.0)).min(account.now);
        let frozen = account.frozen;
        let stage = StageStanding { pool, left, frozen, cost, expected_output };
        Some((spender.position, stage))
    });
    Standing { is_closed: known.is_closed, pools, stages: stages.collect() }
}

/// Candidates with what the cycle knows of their keys, and the entries of those that were granted at this very time.
pub(crate) fn proposals_of(
    known: &CycleStanding,
    now: UnixMs,
    key_of: impl Fn(&Candidate) -> Option<Digest> + Sync,
    candidates: Vec<Candidate>,
) -> (Vec<Proposal>, HashSet<i64>) {
    if known.grants.is_empty() {
        return (candidates.into_iter().map(Proposal::from).collect(), HashSet::new());
    }
    let look_up = |mut candidate: Candidate| {
        let Some(booked) = key_of(&candidate).and_then(|key| known.grants.get(&key)) else {
            return (Proposal::from(candidate), None);
        };
        let Booked { quantity, cost, expected_output, .. } = *booked;
        (candidate.quantity, candidate.cost) = (quantity, cost.0);
        candidate.expected_output = expected_output.0;
        let earlier = match booked.state {
            GrantState::Released => Earlier::Released,
            _ if booked.at == now => Earlier::GrantedNow,
            _ => Earlier::Granted,
        };
        let rival = (earlier == Earlier::GrantedNow).then_some(booked.entry);
        (Proposal { candidate, earlier }, rival)
    };
    let found = each(candidates, look_up);
    let rivals = found.iter().filter_map(|(_, rival)| *rival).collect();
    (found.into_iter().map(|(proposal, _)| proposal).collect(), rivals)
}

/// Counts a grant in the rules about what may stand together.
fn stack(seen: &mut History, policy: &Policy, family: Option<u32>, age_ms: i64) {
    let Some(family) = family.filter(|_| !policy.stacks.is_empty()) else { return };
    seen.stacks.resize(policy.stacks.len(), 0);
    for (count, stack) in seen.stacks.iter_mut().zip(&policy.stacks) {
        let is_within = age_ms > -stack.window_ms && age_ms < stack.window_ms;
        *count += u32::from(stack.has(family) && is_within);
    }
}

/// What a member got inside the windows of H9 and GR-1, but for the entries `rivals`; `None`: nothing. Families of the
/// grants are positions in `families`.
pub(crate) fn seen_of(
    policy: &Policy,
    grants: &[PastGrant],
    families: &[String],
    (now, day_ms): (UnixMs, i64),
    rivals: &HashSet<i64>,
) -> Option<History> {
    let family_ms = family_ms(policy);
    let mut seen = None;
    for grant in grants.iter().filter(|grant| !rivals.contains(&grant.entry)) {
        let family = families.get(grant.family as usize);
        let family = family.and_then(|family| policy.families.get(family).copied());
        let age_ms = now.0.saturating_sub(grant.at.0);
        let seen = seen.get_or_insert(History::NOTHING);
        add(seen, grant, family, age_ms, (family_ms, day_ms));
        stack(seen, policy, family, age_ms);
    }
    seen
}

/// The window in which a family counts as a duplicate.
pub(crate) fn family_ms(policy: &Policy) -> i64 {
    i64::from(policy.rules.family_window_h) * HOUR_MS
}

/// Counts a grant in the windows that it falls into. A window reaches as far ahead as back: calls of a cycle
/// may come in any order of their as-of times, and no stretch of a window's length may hold more than its
/// cap. The deliveries that make room for commercial ones (n of GR-1) are those before alone.
fn add(
    seen: &mut History,
    grant: &PastGrant,
    family: Option<u32>,
    age_ms: i64,
    (family_ms, day_ms): (i64, i64),
) {
    let within = |window_ms: i64| u32::from(age_ms > -window_ms && age_ms < window_ms);
    if within(family_ms) == 1 {
        seen.families.extend(family);
    }
    let contact = u32::from(grant.contacts_member);
    let commercial = u32::from(grant.contacts_member && grant.commercial);
    let capped = u32::from(grant.priority != Priority::Transaction as u8);
    seen.contacts_day += contact * capped * within(day_ms);
    seen.commercial_day += commercial * capped * within(day_ms);
    seen.commercial_week += commercial * capped * within(7 * DAY_MS);
    seen.delivered_30d += contact * u32::from((0..MONTH_MS).contains(&age_ms));
    seen.commercial_30d += commercial * within(MONTH_MS);
}
