//! The last step and the cycle's side of the ledger: what is free, who got what before, and booking what was decided.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use playbook_ledger::{
    AccountId, Balance, Booked, BudgetAccounts, BudgetPlan, CycleRef, CycleStanding, GrantAnswer,
    GrantRequest, GrantState, Ledger, LedgerError, Movement, PastGrant, PastTransfer, PluginLimit,
    StageUse, Through, Turn,
};
use playbook_model::{
    ActionInfo, Context, Digest, Frequency, Kind, Minor, Playbook, Priority, RefusalCode,
    TransferFate, UnixMs,
};

use crate::arbitrate::{
    Candidate, Decision, Earlier, Proposal, StageStanding, Standing, each, refused,
};
use crate::decide::Policy;
use crate::result::{AccountUse, LedgerSpan};
use crate::slots::History;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Longest window of GR-1.
const MONTH_MS: i64 = 30 * DAY_MS;

/// The money of a playbook as the ledger takes it.
#[must_use]
pub fn budget_plan(playbook: &Playbook) -> BudgetPlan {
    let spending =
        playbook.stages.iter().filter(|s| matches!(s.kind, Kind::Incentive | Kind::Campaign));
    let budget = playbook.budget.as_ref();
    BudgetPlan {
        playbook: playbook.id.clone(),
        total: budget.map_or(Minor::ZERO, |b| b.total),
        reserve_share: budget.map_or(0.0, |b| b.reserve),
        pools: budget.map_or_else(BTreeMap::new, |b| b.pools.clone()),
        plugins: spending
            .map(|s| PluginLimit {
                stage: s.name.clone(),
                pool: s.pool.clone().filter(|_| budget.is_some()),
            })
            .collect(),
        plugin_share_max: budget.map_or(1.0, |b| b.plugin_share_max),
    }
}

/// What became of proposals, booked.
#[derive(Debug)]
pub struct Booking {
    /// In order of arbitration.
    pub decisions: Vec<Decision>,
    /// The playbook's accounts afterwards, parents before children.
    pub accounts: Vec<AccountUse>,
    /// What became of the transfers of each stage that ran.
    pub transfers: Vec<Vec<TransferFate>>,
    /// The ledger before and after.
    pub span: LedgerSpan,
}

/// The budget of a playbook in one cycle.
#[derive(Debug)]
pub struct Money<'a> {
    ledger: &'a Ledger,
    plan: &'a BudgetPlan,
    cycle: CycleRef,
    now: UnixMs,
    /// Day of the brand's calendar.
    local_day: i64,
    run_key: Digest,
    accounts: BudgetAccounts,
    /// What each account could grant when the cycle was opened.
    opened_with: BTreeMap<AccountId, Minor>,
    /// Where the cycle stood at the last call.
    known: Mutex<Option<Known>>,
}

/// Where a cycle stood when a turn last looked.
#[derive(Debug)]
struct Known {
    standing: CycleStanding,
    /// The ledger's head when the turn ended: between the standing and it there are the turn's own bookings alone.
    head: (i64, Digest),
}

impl<'a> Money<'a> {
    /// Makes the budget tree and begins the cycle, or goes on with it.
    ///
    /// # Errors
    /// A plan that does not fit what is bound already, or a fault of the ledger.
    pub fn open(
        ledger: &'a Ledger,
        plan: &'a BudgetPlan,
        number: i64,
        context: &Context,
        run_key: Digest,
    ) -> Result<Self, LedgerError> {
        let (now, local_day) = (UnixMs(context.now), context.local_day());
        let turn = ledger.turn()?;
        let accounts = turn.ensure_budget(plan, now)?;
        let cycle = CycleRef { playbook: plan.playbook.clone(), number };
        turn.begin_cycle(&cycle, run_key, now)?;
        let known = turn.standing(&cycle)?;
        let free = known.accounts.iter();
        let opened_with = free.map(|(id, free)| (*id, free.at_opening)).collect();
        let head = known.head();
        let known = Mutex::new(Some(Known { standing: known, head }));
        Ok(Self { ledger, plan, cycle, now, local_day, run_key, accounts, opened_with, known })
    }

    /// Free money of a pool when the cycle began.
    #[must_use]
    pub fn pool_available(&self, pool: Option<&str>) -> Minor {
        pool.and_then(|p| self.accounts.pools.get(p))
            .and_then(|id| self.opened_with.get(id).copied())
            .unwrap_or(Minor::ZERO)
    }

    /// Begins a turn: until it ends nobody else books, so that what is decided on is what is booked on.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn begin(&self) -> Result<MoneyTurn<'_>, LedgerError> {
        let turn = self.ledger.turn()?;
        let mut last = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = self.standing(&turn, last.take())?;
        let decided_at = standing.head();
        *last = Some(Known { standing, head: decided_at });
        Ok(MoneyTurn { money: self, turn, known: last, decided_at })
    }

    /// Brings up to date what the last call knew.
    ///
    /// Where others have booked since, the plan and the limits of this cycle are set again: another run may have
    /// brought another plan or begun another cycle. So the ledger is the same at each decision as at its replay.
    fn standing(&self, turn: &Turn<'_>, last: Option<Known>) -> Result<CycleStanding, LedgerError> {
        let head = self.ledger.head()?;
        if last.as_ref().is_none_or(|known| known.head != head) {
            turn.ensure_budget(self.plan, self.now)?;
            turn.begin_cycle(&self.cycle, self.run_key, self.now)?;
        }
        match last {
            Some(Known { mut standing, .. }) => {
                turn.catch_up(&mut standing)?;
                Ok(standing)
            }
            None => turn.standing(&self.cycle),
        }
    }

    /// The key under which a candidate is granted.
    fn key(&self, policy: &Policy<'_>, keys: &[i64], c: &Candidate) -> Option<Digest> {
        let (spender, action) = policy.spender(c)?;
        let member = keys.get(c.row as usize)?;
        Some(grant_key(&self.cycle, self.local_day, spender.name, action, *member))
    }
}

/// A turn of the ledger in which proposals of some members are decided and booked.
#[derive(Debug)]
pub struct MoneyTurn<'m> {
    money: &'m Money<'m>,
    turn: Turn<'m>,
    known: MutexGuard<'m, Option<Known>>,
    decided_at: (i64, Digest),
}

impl MoneyTurn<'_> {
    /// Where the cycle stands. What this turn booked itself is read when it is asked for, not before: most turns end
    /// with booking.
    fn known(&mut self) -> Result<&CycleStanding, LedgerError> {
        let known = self.known.as_mut().expect("a turn begins with what is known");
        self.turn.catch_up(&mut known.standing)?;
        Ok(&known.standing)
    }

    /// What the ledger knows of candidates and their members: the candidates with what became of their keys before,
    /// and what the members got inside the windows.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn recall(
        &mut self,
        policy: &Policy<'_>,
        keys: &[i64],
        candidates: Vec<Candidate>,
    ) -> Result<(Vec<Proposal>, Vec<(u32, History)>), LedgerError> {
        if candidates.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let (proposals, rivals) = self.proposals(policy, keys, candidates)?;
        let history = self.history(policy, keys, &proposals, &rivals)?;
        Ok((proposals, history))
    }

    /// The last step: books every granted decision; what the ledger refuses becomes a refusal with its code.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn book(
        &mut self,
        policy: &Policy<'_>,
        keys: &[i64],
        decisions: &mut [Decision],
    ) -> Result<(), LedgerError> {
        if decisions.iter().any(Decision::is_new) {
            self.reserve(policy, keys, decisions)?;
            self.booked()?;
        }
        Ok(())
    }

    /// Notes that the ledger has gone on by what this turn booked.
    fn booked(&mut self) -> Result<(), LedgerError> {
        let head = self.money.ledger.head()?;
        if let Some(known) = self.known.as_mut() {
            known.head = head;
        }
        Ok(())
    }

    /// The ledger before this turn, and as it is now.
    #[must_use]
    pub fn span(&self) -> LedgerSpan {
        let booked_to = self.known.as_ref().map_or(self.decided_at, |known| known.head);
        LedgerSpan { decided_at: self.decided_at, booked_to }
    }

    /// Where the cycle stands: pools as they are now, and what each stage may still take.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn standing(&mut self, policy: &Policy<'_>) -> Result<Standing, LedgerError> {
        let money = self.money;
        let known = self.known()?;
        let free = |id| known.accounts.get(id).copied();
        let names: Vec<&String> = money.accounts.pools.keys().collect();
        let pools = money.accounts.pools.values();
        let pools = pools.map(|id| free(id).map_or(Minor::ZERO, |free| free.now)).collect();
        let stages = policy.spenders.iter().filter_map(|spender| {
            let account = free(money.accounts.plugins.get(spender.name)?)?;
            let StageUse { cost, expected_output, bound } =
                known.stages.get(spender.name).copied().unwrap_or_default();
            let pool = spender.pool.and_then(|pool| names.iter().position(|name| *name == pool));
            let at_opening = spender.pool.and_then(|pool| free(money.accounts.pools.get(pool)?));
            let share = at_opening.map_or(Minor::ZERO, |free| free.at_opening);
            let share = share.share_down(policy.rules.single_investment_max);
            let left = Minor(share.0.saturating_sub(bound.0)).min(account.now);
            let frozen = account.frozen;
            let stage = StageStanding { pool, left, frozen, cost, expected_output };
            Some((spender.position, stage))
        });
        Ok(Standing { is_closed: known.is_closed, pools, stages: stages.collect() })
    }

    /// The candidates with what the ledger knows of their keys, and the entries of those that were granted
    /// at this very time.
    fn proposals(
        &mut self,
        policy: &Policy<'_>,
        keys: &[i64],
        candidates: Vec<Candidate>,
    ) -> Result<(Vec<Proposal>, HashSet<i64>), LedgerError> {
        let money = self.money;
        let known = self.known()?;
        if known.grants.is_empty() {
            return Ok((candidates.into_iter().map(Proposal::from).collect(), HashSet::new()));
        }
        let look_up = |mut candidate: Candidate| {
            let key = money.key(policy, keys, &candidate);
            let Some(booked) = key.and_then(|key| known.grants.get(&key)) else {
                return (Proposal::from(candidate), None);
            };
            let Booked { quantity, cost, expected_output, .. } = *booked;
            (candidate.quantity, candidate.cost) = (quantity, cost.0);
            candidate.expected_output = expected_output.0;
            let earlier = match booked.state {
                GrantState::Released => Earlier::Released,
                _ if booked.at == money.now => Earlier::GrantedNow,
                _ => Earlier::Granted,
            };
            let rival = (earlier == Earlier::GrantedNow).then_some(booked.entry);
            (Proposal { candidate, earlier }, rival)
        };
        let found = each(candidates, look_up);
        let rivals = found.iter().filter_map(|(_, rival)| *rival).collect();
        Ok((found.into_iter().map(|(proposal, _)| proposal).collect(), rivals))
    }

    /// What the members that have proposals got inside the windows of H9 and GR-1, whenever and by
    /// whichever cycle, but for the entries `rivals`.
    fn history(
        &self,
        policy: &Policy<'_>,
        keys: &[i64],
        proposals: &[Proposal],
        rivals: &HashSet<i64>,
    ) -> Result<Vec<(u32, History)>, LedgerError> {
        let (money, now) = (self.money, self.money.now);
        let family_ms = i64::from(policy.rules.family_window_h) * HOUR_MS;
        let from = UnixMs(now.0.saturating_sub(MONTH_MS.max(family_ms)));
        let mut rows: Vec<u32> = proposals.iter().map(|p| p.candidate.row).collect();
        rows.sort_unstable();
        rows.dedup();
        let lone = if let [row] = rows[..] { keys.get(row as usize) } else { None };
        let past = match lone {
            Some(member) => money.ledger.grants_of(*member, from)?,
            None => money.ledger.grants_since(from)?,
        };
        if past.grants.is_empty() {
            return Ok(Vec::new());
        }
        let of_row = |row: u32| {
            let grants = past.of_member(*keys.get(row as usize)?);
            let counted: Vec<&PastGrant> =
                grants.iter().filter(|grant| !rivals.contains(&grant.entry)).collect();
            let mut seen = History::NOTHING;
            for grant in &counted {
                let family = past.families.get(grant.family as usize);
                let family = family.and_then(|family| policy.families.get(family).copied());
                add(&mut seen, grant, family, now.0.saturating_sub(grant.at.0), family_ms);
            }
            (!counted.is_empty()).then_some((row, seen))
        };
        Ok(rows.into_iter().filter_map(of_row).collect())
    }

    /// Reserves the money of what is granted.
    fn reserve(
        &self,
        policy: &Policy<'_>,
        keys: &[i64],
        decisions: &mut [Decision],
    ) -> Result<(), LedgerError> {
        let money = self.money;
        let request = |at: usize| {
            let c = &decisions[at].candidate;
            let (spender, action) = policy.spender(c)?;
            let member = *keys.get(c.row as usize)?;
            let request = GrantRequest {
                key: grant_key(&money.cycle, money.local_day, spender.name, action, member),
                account: *money.accounts.plugins.get(spender.name)?,
                member,
                stage: spender.name,
                action: &action.name,
                family: &action.family,
                quantity: c.quantity,
                cost: Minor(c.cost),
                expected_output: Minor(c.expected_output),
                priority: action.priority as u8,
                contacts_member: action.contacts_member,
                commercial: action.commercial,
            };
            Some((at, request))
        };
        let granted = (0..decisions.len()).filter(|at| decisions[*at].is_new()).collect();
        let requests = each(granted, |at: usize| request(at).ok_or(at));
        let unknown: Vec<usize> = requests.iter().filter_map(|r| r.err()).collect();
        let (granted, requests): (Vec<usize>, Vec<GrantRequest<'_>>) =
            requests.into_iter().flatten().unzip();
        let answers = self.turn.grant_batch(&money.cycle, money.now, &requests)?;
        for at in unknown {
            decisions[at].refusal = Some(refused(RefusalCode::R01, "H6"));
        }
        for (i, answer) in granted.into_iter().zip(answers) {
            let refusal = match answer {
                GrantAnswer::Granted { .. } => continue,
                GrantAnswer::AlreadyGranted { .. } => {
                    decisions[i].granted_before = true;
                    continue;
                }
                GrantAnswer::Refused { .. } => refused(RefusalCode::R15, "GR-6"),
                GrantAnswer::Frozen { .. } => refused(RefusalCode::R03, "H13"),
                GrantAnswer::KeyConflict { .. } => refused(RefusalCode::R12, "H7"),
                GrantAnswer::CycleClosed => refused(RefusalCode::R02, "H11"),
            };
            decisions[i].refusal = Some(refusal);
        }
        Ok(())
    }

    /// The playbook's accounts as they are now, parents before children.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn accounts(&self) -> Result<Vec<AccountUse>, LedgerError> {
        let mut uses: Vec<AccountUse> = self
            .money
            .ledger
            .balances()?
            .into_iter()
            .filter_map(|balance| {
                let opened_with = *self.money.opened_with.get(&balance.id)?;
                Some(AccountUse {
                    allocated: balance.allocated,
                    opened_with,
                    reserved: balance.reserved,
                    spent: balance.spent,
                    available: balance.available(),
                    path: balance.path,
                })
            })
            .collect();
        uses.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(uses)
    }
}

/// Transfers between pools.
impl MoneyTurn<'_> {
    /// The accounts of two pools; `None` where one of them is none, or both are the same.
    pub(crate) fn pools(&self, from: &str, to: &str) -> Option<[AccountId; 2]> {
        let pool = |name: &str| self.money.accounts.pools.get(name).copied();
        Some([pool(from)?, pool(to)?]).filter(|[from, to]| from != to)
    }

    /// The key of a transfer: one a cycle, stage and pair, so that the same cycle again moves nothing twice.
    pub(crate) fn transfer_key(&self, stage: &str, [from, to]: [AccountId; 2]) -> Digest {
        let CycleRef { playbook, number } = &self.money.cycle;
        let pair = [from.0.to_be_bytes(), to.0.to_be_bytes()].concat();
        let parts =
            [b"transfer", playbook.as_bytes(), &number.to_be_bytes(), stage.as_bytes(), &pair];
        Digest::of_parts(parts)
    }

    /// What was moved under a key.
    pub(crate) fn moved_before(&self, key: &Digest) -> Result<Option<Minor>, LedgerError> {
        self.money.ledger.amount_of(key)
    }

    /// What transfers of the cycle moved so far, by account.
    pub(crate) fn transfers(&mut self) -> Result<&BTreeMap<AccountId, Through>, LedgerError> {
        Ok(&self.known()?.transfers)
    }

    /// Transfers less than so many days before or after the as-of time.
    pub(crate) fn transfers_within(&self, days: u32) -> Result<Vec<PastTransfer>, LedgerError> {
        let window_ms = i64::from(days) * DAY_MS;
        let now = self.money.now.0;
        let mut past = self.money.ledger.transfers_since(UnixMs(now.saturating_sub(window_ms)))?;
        past.retain(|transfer| transfer.at.0 < now.saturating_add(window_ms));
        Ok(past)
    }

    /// Whether an account, or one above it, is frozen.
    pub(crate) fn is_frozen(&mut self, id: AccountId) -> Result<bool, LedgerError> {
        Ok(self.known()?.accounts.get(&id).is_some_and(|free| free.frozen))
    }

    /// An account as it is now.
    pub(crate) fn balance(&self, id: AccountId) -> Result<Balance, LedgerError> {
        let found = self.money.ledger.balances()?.into_iter().find(|balance| balance.id == id);
        found.ok_or(LedgerError::NoAccount(id.0))
    }

    /// Moves money from one pool to another, for the cycles that follow.
    pub(crate) fn transfer(
        &mut self,
        [from, to]: [AccountId; 2],
        amount: Minor,
        key: Digest,
    ) -> Result<PastTransfer, LedgerError> {
        let Money { cycle, now, .. } = self.money;
        let movement = Movement::Transfer { from, to, amount };
        self.turn.move_money(movement, key, *now, Some(cycle))?;
        self.booked()?;
        Ok(PastTransfer { from, to, amount, at: *now, key })
    }
}

/// Counts a grant in the windows that it falls into. A window reaches as far ahead as back: calls of a cycle
/// may come in any order of their as-of times, and no stretch of a window's length may hold more than its
/// cap. The deliveries that make room for commercial ones (n of GR-1) are those before alone.
fn add(seen: &mut History, grant: &PastGrant, family: Option<u32>, age_ms: i64, family_ms: i64) {
    let within = |window_ms: i64| u32::from(age_ms > -window_ms && age_ms < window_ms);
    if within(family_ms) == 1 {
        seen.families.extend(family);
    }
    let contact = u32::from(grant.contacts_member);
    let commercial = u32::from(grant.contacts_member && grant.commercial);
    let capped = u32::from(grant.priority != Priority::Transaction as u8);
    seen.contacts_day += contact * capped * within(DAY_MS);
    seen.commercial_day += commercial * capped * within(DAY_MS);
    seen.commercial_week += commercial * capped * within(7 * DAY_MS);
    seen.delivered_30d += contact * u32::from((0..MONTH_MS).contains(&age_ms));
    seen.commercial_30d += commercial * within(MONTH_MS);
}

/// Idempotency key of a grant: one per playbook, occasion, stage, action and member, for ever. The action's
/// frequency says what an occasion is: the cycle, or a day of it. A cycle that no event triggers is one event.
fn grant_key(
    cycle: &CycleRef,
    local_day: i64,
    stage: &str,
    action: &ActionInfo,
    member: i64,
) -> Digest {
    let (number, member, day) =
        (cycle.number.to_be_bytes(), member.to_be_bytes(), local_day.to_be_bytes());
    let of_cycle: [&[u8]; 5] =
        [cycle.playbook.as_bytes(), &number, stage.as_bytes(), action.name.as_bytes(), &member];
    match action.frequency {
        Frequency::OnceACycle | Frequency::OnceAnEvent => Digest::of_parts(of_cycle),
        Frequency::OnceADay => Digest::of_parts(of_cycle.into_iter().chain([b"day", &day[..]])),
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
