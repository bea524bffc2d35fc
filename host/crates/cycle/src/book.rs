//! The last step: booking what was decided, within one turn of the ledger.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use playbook_ledger::{
    AccountId, BudgetAccounts, BudgetPlan, CycleRef, CycleStanding, GrantAnswer, GrantRequest,
    Ledger, LedgerError, PluginLimit, Turn,
};
use playbook_model::{
    ActionInfo, Context, Digest, Frequency, Guardrails, Kind, Minor, Playbook, RefusalCode,
    TransferFate, UnixMs,
};

use crate::arbitrate::each;
use crate::decide::{Policy, Spender};
use crate::proposal::{Candidate, Decision, refused};
use crate::result::{AccountUse, LedgerSpan, PlanMoney};

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

/// The result of a booking.
#[derive(Debug)]
pub struct Booking {
    /// In order of arbitration.
    pub decisions: Vec<Decision>,
    /// The playbook's accounts afterwards, parents before children.
    pub accounts: Vec<AccountUse>,
    /// The fates of the transfers of each stage that ran.
    pub transfers: Vec<Vec<TransferFate>>,
    /// The ledger before and after.
    pub span: LedgerSpan,
}

/// The budget of a playbook in one cycle.
#[derive(Debug)]
pub struct Money<'a> {
    pub(crate) ledger: &'a Ledger,
    plan: &'a BudgetPlan,
    pub(crate) cycle: CycleRef,
    pub(crate) now: UnixMs,
    /// Day of the brand's calendar.
    local_day: i64,
    run_key: Digest,
    pub(crate) accounts: BudgetAccounts,
    /// What each account could grant when the cycle was opened.
    opened_with: BTreeMap<AccountId, Minor>,
    /// Cache of the cycle's standing after the last call.
    known: Mutex<Option<Known>>,
}

/// A cycle's standing and the ledger's head at which it is valid.
#[derive(Debug)]
struct Known {
    standing: CycleStanding,
    /// The ledger's head when the turn ended. Between the standing and this head lie the turn's own bookings alone.
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

    /// What a stage may plan with, as it stood when the cycle began, so that the same cycle plans the same.
    #[must_use]
    pub fn plan_money(&self, stage: &str, pool: Option<&str>, rules: &Guardrails) -> PlanMoney {
        let opened_with = |id: Option<&AccountId>| {
            id.and_then(|id| self.opened_with.get(id).copied()).unwrap_or(Minor::ZERO)
        };
        let pool = opened_with(pool.and_then(|pool| self.accounts.pools.get(pool)));
        let account = opened_with(self.accounts.plugins.get(stage));
        PlanMoney { pool, account, share: stage_share(pool, rules) }
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

    /// The standing at the beginning of a turn: that of the last call where nobody booked since, else read anew.
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
    pub(crate) fn key(&self, policy: &Policy, keys: &[i64], c: &Candidate) -> Option<Digest> {
        let (spender, action) = policy.spender(c)?;
        let member = keys.get(c.row as usize)?;
        Some(grant_key(&self.cycle, self.local_day, &spender.name, action, *member, None))
    }
}

/// A turn of the ledger in which proposals of some members are decided and booked.
#[derive(Debug)]
pub struct MoneyTurn<'m> {
    pub(crate) money: &'m Money<'m>,
    pub(crate) turn: Turn<'m>,
    known: MutexGuard<'m, Option<Known>>,
    decided_at: (i64, Digest),
}

impl MoneyTurn<'_> {
    /// The cycle's standing. This turn's own bookings are added only here (lazily), because most turns end with
    /// booking.
    pub(crate) fn known(&mut self) -> Result<&CycleStanding, LedgerError> {
        let known = self.known.as_mut().expect("a turn begins with what is known");
        self.turn.catch_up(&mut known.standing)?;
        Ok(&known.standing)
    }

    /// The last step: books every granted decision; what the ledger refuses becomes a refusal with its code.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn book(
        &mut self,
        policy: &Policy,
        keys: &[i64],
        decisions: &mut [Decision],
    ) -> Result<(), LedgerError> {
        if decisions.iter().any(Decision::is_new) {
            self.reserve(policy, keys, decisions)?;
            self.booked()?;
        }
        Ok(())
    }

    /// Moves the cached head past what this turn booked.
    pub(crate) fn booked(&mut self) -> Result<(), LedgerError> {
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

    /// Reserves the money of the granted decisions.
    fn reserve(
        &self,
        policy: &Policy,
        keys: &[i64],
        decisions: &mut [Decision],
    ) -> Result<(), LedgerError> {
        let money = self.money;
        let request = |at: usize| {
            let c = &decisions[at].candidate;
            let (spender, action) = policy.spender(c)?;
            let member = *keys.get(c.row as usize)?;
            let key = grant_key(&money.cycle, money.local_day, &spender.name, action, member, None);
            let account = *money.accounts.plugins.get(&spender.name)?;
            Some((at, grant_request(c, (spender, action), account, member, key)))
        };
        let granted = (0..decisions.len()).filter(|at| decisions[*at].is_new()).collect();
        let requests = each(granted, |at: usize| request(at).ok_or(at));
        let unknown: Vec<usize> = requests.iter().filter_map(|r| r.err()).collect();
        let (granted, requests): (Vec<usize>, Vec<GrantRequest<'_>>) =
            requests.into_iter().flatten().unzip();
        let answers = self.turn.grant_batch(&money.cycle, money.now, &requests)?;
        for at in unknown {
            decisions[at].refuse_unknown();
        }
        for (i, answer) in granted.into_iter().zip(answers) {
            decisions[i].hear(answer);
        }
        Ok(())
    }

    /// The money that grants of the cycle bind, by stage, before this turn books anything.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn bound(&mut self) -> Result<BTreeMap<String, Minor>, LedgerError> {
        let stages = self.known()?.stages.iter();
        Ok(stages.map(|(stage, used)| (stage.clone(), used.bound)).collect())
    }

    /// The playbook's accounts as they are now, parents before children. `bound` is the money that grants of the cycle
    /// bind, by stage, those of this turn included.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn accounts(
        &self,
        bound: &BTreeMap<String, Minor>,
    ) -> Result<Vec<AccountUse>, LedgerError> {
        let balances = self.money.ledger.balances()?;
        let plugins = &self.money.accounts.plugins;
        let paying = |stage: &str| balances.iter().find(|b| plugins.get(stage) == Some(&b.id));
        let paid: Vec<(&str, i64)> = bound
            .iter()
            .filter_map(|(stage, bound)| Some((paying(stage)?.path.as_str(), bound.0)))
            .collect();
        // An account pays for what those below it pay for.
        let granted = |path: &str| {
            let below = |other: &str| {
                other
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let sums = paid.iter().filter(|(other, _)| below(other));
            Minor(sums.fold(0, |sum, (_, bound)| sum.saturating_add(*bound)))
        };
        let mut uses: Vec<AccountUse> = balances
            .iter()
            .filter(|balance| self.money.opened_with.contains_key(&balance.id))
            .map(|balance| AccountUse {
                path: balance.path.clone(),
                allocated: balance.allocated,
                granted: granted(&balance.path),
                reserved: balance.reserved,
                spent: balance.spent,
                available: balance.available(),
            })
            .collect();
        uses.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(uses)
    }
}

impl Decision {
    /// Refuses what no stage or account of the playbook stands for.
    pub(crate) fn refuse_unknown(&mut self) {
        self.refusal = Some(refused(RefusalCode::R01, "H6"));
    }

    /// Takes the ledger's answer: what it refuses becomes a refusal with its code.
    pub(crate) fn hear(&mut self, answer: GrantAnswer) {
        self.refusal = match answer {
            GrantAnswer::Granted { .. } => return,
            GrantAnswer::AlreadyGranted { .. } => {
                self.granted_before = true;
                return;
            }
            GrantAnswer::Refused { .. } => Some(refused(RefusalCode::R15, "GR-6")),
            GrantAnswer::Frozen { .. } => Some(refused(RefusalCode::R03, "H13")),
            GrantAnswer::KeyConflict { .. } => Some(refused(RefusalCode::R12, "H7")),
            GrantAnswer::CycleClosed => Some(refused(RefusalCode::R02, "H11")),
        };
    }
}

/// What is asked of the ledger for a candidate of a stage.
pub(crate) fn grant_request<'a>(
    candidate: &Candidate,
    (spender, action): (&'a Spender, &'a ActionInfo),
    account: AccountId,
    member: i64,
    key: Digest,
) -> GrantRequest<'a> {
    GrantRequest {
        key,
        account,
        member,
        stage: &spender.name,
        action: &action.name,
        family: &action.family,
        quantity: candidate.quantity,
        cost: Minor(candidate.cost),
        expected_output: Minor(candidate.expected_output),
        priority: action.priority as u8,
        contacts_member: action.contacts_member,
        commercial: action.commercial,
    }
}

/// Adds the money of the grants of this turn to what was bound before, by stage.
#[must_use]
pub fn bound_with(
    mut bound: BTreeMap<String, Minor>,
    policy: &Policy,
    decisions: &[Decision],
) -> BTreeMap<String, Minor> {
    for decision in decisions.iter().filter(|decision| decision.is_new()) {
        if let Some((spender, _)) = policy.spender(&decision.candidate) {
            let sum = bound.entry(spender.name.clone()).or_default();
            sum.0 = sum.0.saturating_add(decision.candidate.cost);
        }
    }
    bound
}

/// GR-7: the most that one stage may take in a cycle of a pool that opened with `pool`.
pub(crate) fn stage_share(pool: Minor, rules: &Guardrails) -> Minor {
    pool.share_down(rules.single_investment_max)
}

/// Returns the idempotency key of a grant: one per playbook, occasion, stage, action and member, for ever. The action's
/// frequency says what an occasion is: the cycle, a day of it, or the id of the triggering event. A cycle that no event
/// triggers is one event.
#[must_use]
pub fn grant_key(
    cycle: &CycleRef,
    local_day: i64,
    stage: &str,
    action: &ActionInfo,
    member: i64,
    event: Option<&str>,
) -> Digest {
    let (number, member, day) =
        (cycle.number.to_be_bytes(), member.to_be_bytes(), local_day.to_be_bytes());
    let of_cycle: [&[u8]; 5] =
        [cycle.playbook.as_bytes(), &number, stage.as_bytes(), action.name.as_bytes(), &member];
    let occasion = |parts: [&[u8]; 2]| Digest::of_parts(of_cycle.into_iter().chain(parts));
    match (action.frequency, event) {
        (Frequency::OnceADay, _) => occasion([b"day", &day[..]]),
        (Frequency::OnceAnEvent, Some(event)) => occasion([b"event", event.as_bytes()]),
        (Frequency::OnceACycle | Frequency::OnceAnEvent, _) => Digest::of_parts(of_cycle),
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
pub(crate) mod tests;
