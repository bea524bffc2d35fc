//! The last two steps for a service: decisions about one member at a time, many of them in one commit group of the
//! ledger. Balances, keys and what members got are held in memory, so that a decision reads nothing.

use std::borrow::Cow;
use std::collections::HashMap;

use playbook_ledger::{
    AccountId, Balance, BudgetAccounts, BudgetPlan, Closure, CycleRef, CycleStanding, GrantAnswer,
    GroupWork, Ledger, LedgerError, PastGrant, PastTransfers, SettleAnswer, Turn,
};
use playbook_model::{Digest, TransferFate, TransferRules, UnixMs};

use crate::book::{grant_key, grant_request};
use crate::decide::{Policy, decide};
use crate::facts::FactColumns;
use crate::proposal::{Candidate, Decision, MemberFacts};
use crate::recall::{proposals_of, seen_of, standing_of};
use crate::transfers::{AskedTransfer, settle, since};

/// Past grants that are held at most; beyond, all are dropped and read again as members come.
const GRANTS_HELD_MAX: usize = 1 << 20;

/// The money of a playbook in one cycle, for a service that decides in groups.
#[derive(Debug)]
pub struct LiveMoney {
    plan: BudgetPlan,
    cycle: CycleRef,
    run_key: Digest,
    accounts: BudgetAccounts,
    standing: Option<CycleStanding>,
    pasts: Pasts,
    /// The ledger's head that all of this is valid at; `None`: none, all of it is read again.
    head: Option<(i64, Digest)>,
    role: MoneyRole,
}

/// Whose plan holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyRole {
    /// This one: the budget is made what the plan says.
    Leads,
    /// A later one, on another host: accounts stay as they stand.
    Follows,
}

/// What members got, by member; read when a member is first decided on.
#[derive(Debug, Default)]
struct Pasts {
    families: Vec<String>,
    of: HashMap<i64, Vec<PastGrant>>,
    held: usize,
}

/// What is decided in one group: see [`LiveMoney::group`].
#[derive(Debug)]
pub struct LiveGroup<'g, 'w, 's> {
    group: &'g mut GroupWork<'w, 's>,
    cycle: &'g CycleRef,
    accounts: &'g BudgetAccounts,
    pasts: &'g mut Pasts,
}

/// Transfers that were booked before a cycle was closed, as [`PastMoves::read`] finds them beside the writer.
#[derive(Debug, Clone, Default)]
pub struct PastMoves(PastTransfers);

/// Pools of a group, whose money transfers of its cycle move.
pub(crate) struct LivePools<'l, 'g, 'w, 's> {
    pub(crate) live: &'l mut LiveGroup<'g, 'w, 's>,
    pub(crate) past: PastTransfers,
}

/// A member with the proposals of its stages.
#[derive(Debug)]
pub struct Asking<'a> {
    /// The policy of the version that proposes.
    pub policy: &'a Policy,
    /// What the checks need to know of the member, in row 0.
    pub facts: &'a FactColumns,
    /// The member's pseudonym.
    pub member: i64,
    /// Pseudonyms of further accounts that are the same person: what they were granted is the member's.
    pub accounts: &'a [i64],
    /// Day of the brand's calendar.
    pub local_day: i64,
    /// The event that triggered the decision, by id.
    pub event: Option<&'a str>,
    /// The proposals, all of row 0.
    pub candidates: Vec<Candidate>,
}

/// A member that a group is about to decide on: what of an [`Asking`] says which grants there may be.
#[derive(Debug, Clone, Copy)]
pub struct Foreseen<'a> {
    /// The policy of the version that proposes.
    pub policy: &'a Policy,
    /// The member's pseudonym.
    pub member: i64,
    /// Pseudonyms of further accounts that are the same person: what they were granted is the member's.
    pub accounts: &'a [i64],
    /// Day of the brand's calendar.
    pub local_day: i64,
    /// The event that triggered the decision, by id.
    pub event: Option<&'a str>,
    /// The proposals.
    pub candidates: &'a [Candidate],
}

impl Foreseen<'_> {
    /// Key of the grant that a proposal would be.
    fn key_of(&self, cycle: &CycleRef, candidate: &Candidate) -> Option<Digest> {
        self.key_for(self.member, cycle, candidate)
    }

    /// The same under the pseudonym of one of the member's accounts.
    fn key_for(&self, account: i64, cycle: &CycleRef, candidate: &Candidate) -> Option<Digest> {
        let (spender, action) = self.policy.spender(candidate)?;
        Some(grant_key(cycle, self.local_day, &spender.name, action, account, self.event))
    }

    /// Key under which a proposal was granted before to another of the member's accounts, and not to the member.
    fn granted_elsewhere(
        &self,
        known: &CycleStanding,
        cycle: &CycleRef,
        candidate: &Candidate,
    ) -> Option<Digest> {
        if known.grants.contains_key(&self.key_of(cycle, candidate)?) {
            return None;
        }
        let mut keys =
            self.accounts.iter().filter_map(|other| self.key_for(*other, cycle, candidate));
        keys.find(|key| known.grants.contains_key(key))
    }
}

/// A decision, and under which key it is booked where it is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// Key of the grant; `None` for a stage or action that the policy does not know.
    pub key: Option<Digest>,
    /// Whether the member is held for fraud (R11): a service keeps what it grants for a review, with its money reserved.
    pub is_held: bool,
}

impl LiveMoney {
    /// Makes the budget tree and begins the cycle, or goes on with it.
    ///
    /// # Errors
    /// A plan that does not fit what is bound already, or a fault of the ledger.
    pub fn open(
        turn: &Turn<'_>,
        plan: BudgetPlan,
        number: i64,
        run_key: Digest,
        (now, role): (UnixMs, MoneyRole),
    ) -> Result<Self, LedgerError> {
        let cycle = CycleRef { playbook: plan.playbook.clone(), number };
        let accounts = accounts(turn, &plan, role, now)?;
        turn.begin_cycle(&cycle, run_key, now)?;
        let head = Some(turn.head()?);
        let pasts = Pasts::default();
        Ok(Self { plan, cycle, run_key, accounts, standing: None, pasts, head, role })
    }

    /// From now on another plan holds, or this one again.
    pub fn takes(&mut self, role: MoneyRole) {
        self.role = role;
    }

    /// The cycle.
    #[must_use]
    pub fn cycle(&self) -> &CycleRef {
        &self.cycle
    }

    /// Runs `step` in one commit group at the time `at`. What it decides is booked, whole, if it succeeds; where it fails
    /// nothing is, and what was held in memory is read again.
    ///
    /// # Errors
    /// Those of `step`, or a fault of the ledger.
    pub fn group<T, E: From<LedgerError>>(
        &mut self,
        turn: &Turn<'_>,
        at: UnixMs,
        step: impl FnOnce(&mut LiveGroup<'_, '_, '_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if Some(turn.head()?) != self.head {
            // Somebody else has booked: another plan may stand, other limits, other grants.
            self.accounts = accounts(turn, &self.plan, self.role, at)?;
            turn.begin_cycle(&self.cycle, self.run_key, at)?;
            self.pasts = Pasts::default();
        } else if self.pasts.held > GRANTS_HELD_MAX {
            self.pasts = Pasts::default();
        }
        let Self { cycle, accounts, standing, pasts, .. } = self;
        let done = turn.group(cycle, at, standing, |group| {
            step(&mut LiveGroup { group, cycle, accounts, pasts })
        });
        if done.is_err() {
            self.pasts = Pasts::default();
            self.head = None;
            return done;
        }
        self.head = Some(turn.head()?);
        done
    }
}

fn accounts(
    turn: &Turn<'_>,
    plan: &BudgetPlan,
    role: MoneyRole,
    at: UnixMs,
) -> Result<BudgetAccounts, LedgerError> {
    match role {
        MoneyRole::Leads => turn.ensure_budget(plan, at),
        MoneyRole::Follows => turn.budget_accounts(plan),
    }
}

impl PastMoves {
    /// Reads those that count for a cycle that ends at `end`. It costs as much as was booked since, by whomever: a group only
    /// reads on.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn read(ledger: &Ledger, rules: &TransferRules, end: UnixMs) -> Result<Self, LedgerError> {
        Ok(Self(ledger.transfers_since(since(end, rules.cool_down_days))?))
    }
}

impl<'g, 'w, 's> LiveGroup<'g, 'w, 's> {
    /// Checks transfers that the stages of the group's cycle ask for, and books those that pass, as a cycle that runs by itself
    /// does. The group's time is the cycle's end, and `past` was read for it.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn settle_transfers(
        &mut self,
        rules: Option<&TransferRules>,
        asked: &[AskedTransfer],
        past: PastMoves,
    ) -> Result<Vec<TransferFate>, LedgerError> {
        settle(rules, asked, &mut LivePools { live: self, past: past.0 })
    }

    pub(crate) fn accounts(&self) -> &BudgetAccounts {
        self.accounts
    }

    pub(crate) fn balance(&self, id: AccountId) -> Option<&Balance> {
        self.group.account_of(id)
    }

    /// Hears whom the group will decide on: a store that is far away is asked once for what they got and for the keys of what
    /// they may get.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn foresee(&mut self, asked: &[Foreseen<'_>]) -> Result<(), LedgerError> {
        let cycle = self.cycle;
        let keys =
            asked.iter().flat_map(|of| of.candidates.iter().filter_map(|c| of.key_of(cycle, c)));
        self.group.foresee(&keys.collect::<Vec<_>>())?;
        let mut members: Vec<i64> = asked.iter().map(|of| of.member).collect();
        members.extend(asked.iter().flat_map(|of| of.accounts));
        self.pasts.read(&members, self.group)
    }

    /// Decides on the proposals about a member and books what is granted.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn decide(&mut self, asking: Asking<'_>) -> Result<Vec<Decided>, LedgerError> {
        self.decided(asking, false)
    }

    /// What [`LiveGroup::decide`] would say now; nothing is booked.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn preview(&mut self, asking: Asking<'_>) -> Result<Vec<Decided>, LedgerError> {
        self.decided(asking, true)
    }

    fn decided(
        &mut self,
        asking: Asking<'_>,
        is_preview: bool,
    ) -> Result<Vec<Decided>, LedgerError> {
        let Asking { policy, facts, member, accounts, local_day, event, candidates } = asking;
        let (cycle, at) = (self.cycle, self.group.at());
        let of = Foreseen { policy, member, accounts, local_day, event, candidates: &[] };
        let known = self.group.standing();
        let mut elsewhere: Vec<((u16, u16), Digest)> = Vec::new();
        if !accounts.is_empty() {
            let found = candidates.iter().filter_map(|candidate| {
                let key = of.granted_elsewhere(known, cycle, candidate)?;
                Some(((candidate.stage, candidate.action), key))
            });
            elsewhere.extend(found);
        }
        let key_of = |candidate: &Candidate| {
            let is_it =
                |found: &&((u16, u16), Digest)| found.0 == (candidate.stage, candidate.action);
            let found = elsewhere.iter().find(is_it).map(|(_, key)| *key);
            found.or_else(|| of.key_of(cycle, candidate))
        };
        let (proposals, rivals) = proposals_of(known, at, key_of, candidates);
        let mut standing = standing_of(policy, self.accounts, known);
        self.pasts.read(&[member], self.group)?;
        self.pasts.read(accounts, self.group)?;
        let day_ms = facts.of(&[], &[]).day_ms(0);
        let past = self.pasts.of_person(member, accounts);
        let seen = seen_of(policy, &past, &self.pasts.families, (at, day_ms), &rivals);
        let history: Vec<_> = seen.into_iter().map(|seen| (0, seen)).collect();
        let keys = [member];
        let members = facts.of(&keys, &history);
        let is_held = members.held.first().copied().unwrap_or(false);
        let members = MemberFacts { held: &[], ..members };
        let decisions = decide(policy, members, proposals, &mut standing);
        let told = |decision: Decision| {
            let is_held = is_held && decision.is_new();
            Decided { decision, key: key_of(&decision.candidate), is_held }
        };
        if is_preview {
            return Ok(decisions.into_iter().map(told).collect());
        }
        let mut decided = Vec::with_capacity(decisions.len());
        for mut decision in decisions {
            if decision.is_new() {
                let key = key_of(&decision.candidate);
                self.book(policy, &mut decision, member, key)?;
            }
            decided.push(told(decision));
        }
        Ok(decided)
    }

    fn book(
        &mut self,
        policy: &Policy,
        decision: &mut Decision,
        member: i64,
        key: Option<Digest>,
    ) -> Result<(), LedgerError> {
        let candidate = decision.candidate;
        let asked = policy.spender(&candidate).zip(key).and_then(|(of, key)| {
            let account = *self.accounts.plugins.get(&of.0.name)?;
            Some(grant_request(&candidate, of, account, member, key))
        });
        let Some(request) = asked else {
            decision.refuse_unknown();
            return Ok(());
        };
        let answer = self.group.grant(&request)?;
        decision.hear(answer);
        if let GrantAnswer::Granted { entry } = answer {
            let family = self.pasts.family(request.family);
            let at = self.group.at();
            let (priority, contacts_member) = (request.priority, request.contacts_member);
            let commercial = request.commercial;
            self.pasts.add(PastGrant {
                member,
                at,
                entry,
                family,
                priority,
                contacts_member,
                commercial,
            });
        }
        Ok(())
    }

    /// Settles or releases a grant of any cycle; `member` is whose it is.
    ///
    /// # Errors
    /// As [`Turn::close_batch`].
    pub fn close(
        &mut self,
        cycle: &CycleRef,
        member: i64,
        key: &Digest,
        closure: Closure,
    ) -> Result<SettleAnswer, LedgerError> {
        let answer = self.group.close_of(cycle, key, closure)?;
        if let (Closure::Release, SettleAnswer::Done { .. }) = (closure, answer) {
            let entry = self.group.entry_of(key)?;
            self.pasts.released(member, entry);
        }
        Ok(answer)
    }

    /// The cycle that the group decides in.
    #[must_use]
    pub fn cycle(&self) -> &CycleRef {
        self.cycle
    }

    /// The account that pays for a stage; `None` for a stage that grants nothing.
    #[must_use]
    pub fn account(&self, stage: &str) -> Option<AccountId> {
        self.accounts.plugins.get(stage).copied()
    }

    /// The group, for the rows that are kept beside the entries.
    pub fn rows(&mut self) -> &mut GroupWork<'w, 's> {
        self.group
    }
}

impl Pasts {
    /// Reads what members got, where that is not held yet.
    fn read(&mut self, members: &[i64], group: &mut GroupWork<'_, '_>) -> Result<(), LedgerError> {
        let mut new: Vec<i64> =
            members.iter().copied().filter(|member| !self.of.contains_key(member)).collect();
        if new.is_empty() {
            return Ok(());
        }
        new.sort_unstable();
        new.dedup();
        let past = group.grants_of(&new)?;
        let families: Vec<u32> = past.families.iter().map(|family| self.family(family)).collect();
        let renumbered =
            |grant: &PastGrant| PastGrant { family: families[grant.family as usize], ..*grant };
        for member in new {
            let grants: Vec<PastGrant> = past.of_member(member).iter().map(renumbered).collect();
            self.held += grants.len() + 1;
            self.of.insert(member, grants);
        }
        Ok(())
    }

    /// What a person got by all its accounts; they were read.
    fn of_person(&self, member: i64, accounts: &[i64]) -> Cow<'_, [PastGrant]> {
        if accounts.is_empty() {
            return Cow::Borrowed(&self.of[&member]);
        }
        let all = std::iter::once(&member).chain(accounts);
        Cow::Owned(all.flat_map(|account| &self.of[account]).copied().collect())
    }

    fn family(&mut self, name: &str) -> u32 {
        let known = self.families.iter().position(|known| known == name);
        let at = known.unwrap_or_else(|| {
            self.families.push(name.to_owned());
            self.families.len() - 1
        });
        u32::try_from(at).expect("there are few families")
    }

    fn add(&mut self, grant: PastGrant) {
        self.held += 1;
        self.of.entry(grant.member).or_default().push(grant);
    }

    fn released(&mut self, member: i64, entry: i64) {
        if let Some(grants) = self.of.get_mut(&member) {
            grants.retain(|grant| grant.entry != entry);
        }
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
