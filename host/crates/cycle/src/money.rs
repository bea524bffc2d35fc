//! The cycle's side of the ledger: what is free, who got what before, and booking what was decided.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use playbook_ledger::{
    Booked, BudgetAccounts, BudgetPlan, CycleRef, CycleStanding, GrantAnswer, GrantRequest,
    GrantState, Ledger, LedgerError, Opening, PastGrant, PluginLimit, StageUse, Turn,
};
use playbook_model::{
    ActionInfo, Context, Digest, Frequency, Guardrails, Kind, Minor, Playbook, Priority,
    RefusalCode, UnixMs,
};

use crate::arbitrate::{
    ActionFacts, Arbitration, Candidate, Decision, Earlier, MemberFacts, Proposal, StageStanding,
    Standing, each, refused,
};
use crate::laps::Laps;
use crate::prepare::Prepared;
use crate::result::{AccountUse, LedgerSpan};
use crate::slots::History;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Longest window of GR-1.
const MONTH_MS: i64 = 30 * DAY_MS;

/// A stage that grants.
#[derive(Debug, Clone, Copy)]
pub struct Spender<'a> {
    /// Position in the playbook.
    pub position: u16,
    /// Name in the playbook.
    pub name: &'a str,
    /// Pool that pays; `None`: no money.
    pub pool: Option<&'a str>,
    /// What it can grant.
    pub actions: &'a [ActionInfo],
}

/// The stages of a playbook as those who may grant.
#[must_use]
pub fn spenders(stages: &[Prepared]) -> Vec<Spender<'_>> {
    stages
        .iter()
        .filter_map(|stage| {
            Some(Spender {
                position: u16::try_from(stage.position).ok()?,
                name: &stage.def.name,
                pool: stage.def.pool.as_deref(),
                actions: &stage.shape.actions,
            })
        })
        .collect()
}

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

/// What decides beside the members: rules, stages, and the numbers of their families and purposes.
#[derive(Debug)]
pub struct Desk<'a> {
    rules: &'a Guardrails,
    spenders: &'a [Spender<'a>],
    actions: BTreeMap<u16, Vec<ActionFacts>>,
    families: BTreeMap<String, u32>,
    /// Consent purposes by number.
    pub purposes: Vec<String>,
}

impl<'a> Desk<'a> {
    /// Numbers the families and purposes of all actions.
    #[must_use]
    pub fn new(rules: &'a Guardrails, spenders: &'a [Spender<'a>]) -> Self {
        let mut desk = Self {
            rules,
            spenders,
            actions: BTreeMap::new(),
            families: BTreeMap::new(),
            purposes: Vec::new(),
        };
        for spender in spenders {
            let facts = spender.actions.iter().map(|action| desk.facts(action)).collect();
            desk.actions.insert(spender.position, facts);
        }
        desk
    }

    fn facts(&mut self, action: &ActionInfo) -> ActionFacts {
        let purposes = &mut self.purposes;
        let purpose = (!action.purpose.is_empty()).then(|| {
            purposes.iter().position(|p| *p == action.purpose).unwrap_or_else(|| {
                purposes.push(action.purpose.clone());
                purposes.len() - 1
            })
        });
        let next = u32::try_from(self.families.len()).unwrap_or(u32::MAX);
        ActionFacts {
            priority: action.priority,
            family: *self.families.entry(action.family.clone()).or_insert(next),
            purpose,
            commercial: action.commercial,
            contacts_member: action.contacts_member,
        }
    }

    fn spender(&self, c: &Candidate) -> Option<(&Spender<'a>, &ActionInfo)> {
        let spender = self.spenders.iter().find(|spender| spender.position == c.stage)?;
        Some((spender, spender.actions.get(usize::from(c.action))?))
    }
}

/// What became of a call's proposals.
#[derive(Debug)]
pub struct Answer {
    /// In order of arbitration.
    pub decisions: Vec<Decision>,
    /// The playbook's accounts afterwards, parents before children.
    pub accounts: Vec<AccountUse>,
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
    opening: Opening,
    /// Where the cycle stood at the last call.
    known: Mutex<Option<CycleStanding>>,
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
        let opening = turn.begin_cycle(&cycle, run_key, now)?;
        let known = Mutex::new(None);
        Ok(Self { ledger, plan, cycle, now, local_day, run_key, accounts, opening, known })
    }

    /// Free money of a pool when the cycle began.
    #[must_use]
    pub fn pool_available(&self, pool: Option<&str>) -> Minor {
        pool.and_then(|p| self.accounts.pools.get(p))
            .and_then(|id| self.opening.available.get(id).copied())
            .unwrap_or(Minor::ZERO)
    }

    /// Decides on the candidates of some members and books what is granted: one unit of work, in which
    /// nobody else books. `members` come without a history, which the ledger has.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn decide(
        &self,
        desk: &Desk<'_>,
        members: MemberFacts<'_>,
        candidates: Vec<Candidate>,
        laps: &mut Laps,
    ) -> Result<Answer, LedgerError> {
        let turn = self.ledger.turn()?;
        let mut last = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.known(&turn, last.take())?;
        let known = last.insert(known);
        let decided_at = known.head();
        let mut decisions = Vec::new();
        if !candidates.is_empty() {
            let (proposals, rivals) = self.proposals(desk, known, members.keys, candidates);
            let history = self.history(desk, members.keys, &proposals, &rivals)?;
            let members = MemberFacts { history: &history, ..members };
            let arbitration =
                Arbitration { guardrails: desk.rules, actions: &desk.actions, members };
            let mut standing = self.standing(desk, known);
            decisions = arbitration.decide(proposals, &mut standing);
            laps.end("arbitration");
            self.book(&turn, desk, members.keys, &mut decisions)?;
            turn.catch_up(known)?;
        }
        let accounts = self.uses()?;
        laps.end("ledger");
        let span = LedgerSpan { decided_at, booked_to: known.head() };
        Ok(Answer { decisions, accounts, span })
    }

    /// Brings up to date what the last call knew.
    ///
    /// Where others have booked since, the plan and the limits of this cycle are set again: another run may have
    /// brought another plan or begun another cycle. So the ledger is the same at each decision as at its replay.
    fn known(
        &self,
        turn: &Turn<'_>,
        last: Option<CycleStanding>,
    ) -> Result<CycleStanding, LedgerError> {
        let head = self.ledger.head()?;
        let last = match last {
            Some(known) if known.head() == head => return Ok(known),
            other => other,
        };
        turn.ensure_budget(self.plan, self.now)?;
        turn.begin_cycle(&self.cycle, self.run_key, self.now)?;
        match last {
            Some(mut known) => {
                turn.catch_up(&mut known)?;
                Ok(known)
            }
            None => turn.standing(&self.cycle),
        }
    }

    /// Where the cycle stands: pools as they are now, and what each stage may still take.
    fn standing(&self, desk: &Desk<'_>, known: &CycleStanding) -> Standing {
        let free = |id| known.accounts.get(id).copied();
        let names: Vec<&String> = self.accounts.pools.keys().collect();
        let pools = self.accounts.pools.values();
        let pools = pools.map(|id| free(id).map_or(Minor::ZERO, |free| free.now)).collect();
        let stages = desk.spenders.iter().filter_map(|spender| {
            let account = free(self.accounts.plugins.get(spender.name)?)?;
            let StageUse { cost, expected_output, bound } =
                known.stages.get(spender.name).copied().unwrap_or_default();
            let pool = spender.pool.and_then(|pool| names.iter().position(|name| *name == pool));
            let at_opening = spender.pool.and_then(|pool| free(self.accounts.pools.get(pool)?));
            let share = at_opening.map_or(Minor::ZERO, |free| free.at_opening);
            let share = share.share_down(desk.rules.single_investment_max);
            let left = Minor(share.0.saturating_sub(bound.0)).min(account.now);
            let frozen = account.frozen;
            let stage = StageStanding { pool, left, frozen, cost, expected_output };
            Some((spender.position, stage))
        });
        Standing { is_closed: known.is_closed, pools, stages: stages.collect() }
    }

    /// The candidates with what the ledger knows of their keys, and the entries of those that were granted
    /// at this very time.
    fn proposals(
        &self,
        desk: &Desk<'_>,
        known: &CycleStanding,
        keys: &[i64],
        candidates: Vec<Candidate>,
    ) -> (Vec<Proposal>, HashSet<i64>) {
        if known.grants.is_empty() {
            return (candidates.into_iter().map(Proposal::from).collect(), HashSet::new());
        }
        let look_up = |mut candidate: Candidate| {
            let key = self.key(desk, keys, &candidate);
            let Some(booked) = key.and_then(|key| known.grants.get(&key)) else {
                return (Proposal::from(candidate), None);
            };
            let Booked { quantity, cost, expected_output, .. } = *booked;
            (candidate.quantity, candidate.cost) = (quantity, cost.0);
            candidate.expected_output = expected_output.0;
            let earlier = match booked.state {
                GrantState::Released => Earlier::Released,
                _ if booked.at == self.now => Earlier::GrantedNow,
                _ => Earlier::Granted,
            };
            let rival = (earlier == Earlier::GrantedNow).then_some(booked.entry);
            (Proposal { candidate, earlier }, rival)
        };
        let found = each(candidates, look_up);
        let rivals = found.iter().filter_map(|(_, rival)| *rival).collect();
        (found.into_iter().map(|(proposal, _)| proposal).collect(), rivals)
    }

    fn key(&self, desk: &Desk<'_>, keys: &[i64], c: &Candidate) -> Option<Digest> {
        let (spender, action) = desk.spender(c)?;
        let member = keys.get(c.row as usize)?;
        Some(grant_key(&self.cycle, self.local_day, spender.name, action, *member))
    }

    /// What the members that have proposals got inside the windows of H9 and GR-1, whenever and by
    /// whichever cycle, but for the entries `rivals`.
    fn history(
        &self,
        desk: &Desk<'_>,
        keys: &[i64],
        proposals: &[Proposal],
        rivals: &HashSet<i64>,
    ) -> Result<Vec<(u32, History)>, LedgerError> {
        let family_ms = i64::from(desk.rules.family_window_h) * HOUR_MS;
        let from = UnixMs(self.now.0.saturating_sub(MONTH_MS.max(family_ms)));
        let mut rows: Vec<u32> = proposals.iter().map(|p| p.candidate.row).collect();
        rows.sort_unstable();
        rows.dedup();
        let lone = if let [row] = rows[..] { keys.get(row as usize) } else { None };
        let past = match lone {
            Some(member) => self.ledger.grants_of(*member, from)?,
            None => self.ledger.grants_since(from)?,
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
                let family = family.and_then(|family| desk.families.get(family).copied());
                add(&mut seen, grant, family, self.now.0.saturating_sub(grant.at.0), family_ms);
            }
            (!counted.is_empty()).then_some((row, seen))
        };
        Ok(rows.into_iter().filter_map(of_row).collect())
    }

    /// Books every granted decision; what the ledger refuses becomes a refusal with its code.
    fn book(
        &self,
        turn: &Turn<'_>,
        desk: &Desk<'_>,
        keys: &[i64],
        decisions: &mut [Decision],
    ) -> Result<(), LedgerError> {
        let request = |at: usize| {
            let c = &decisions[at].candidate;
            let (spender, action) = desk.spender(c)?;
            let member = *keys.get(c.row as usize)?;
            let request = GrantRequest {
                key: grant_key(&self.cycle, self.local_day, spender.name, action, member),
                account: *self.accounts.plugins.get(spender.name)?,
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
        let answers = turn.grant_batch(&self.cycle, self.now, &requests)?;
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
    fn uses(&self) -> Result<Vec<AccountUse>, LedgerError> {
        let mut uses: Vec<AccountUse> = self
            .ledger
            .balances()?
            .into_iter()
            .filter_map(|balance| {
                let opened_with = *self.opening.available.get(&balance.id)?;
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
#[path = "money_tests.rs"]
mod tests;
