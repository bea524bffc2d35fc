//! The cycle's side of the ledger: what is free, who got what before, and booking what was decided.

use std::collections::{BTreeMap, HashMap};

use playbook_ledger::{
    BudgetAccounts, BudgetPlan, CycleRef, GrantAnswer, GrantRequest, Ledger, LedgerError, Opening,
    PluginLimit,
};
use playbook_model::{Cells, Column, Digest, Frame, Kind, Minor, Playbook, RefusalCode, UnixMs};
use rayon::prelude::*;

use crate::arbitrate::{
    ActionFacts, Candidate, ContactCaps, Decision, History, MemberFacts, Refusal, StageMoney,
    in_holdout,
};
use crate::prepare::Prepared;
use crate::result::AccountUse;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Accounts of the playbook with what they held when the cycle began.
pub(crate) struct Money<'a> {
    ledger: &'a Ledger,
    cycle: CycleRef,
    now: UnixMs,
    accounts: BudgetAccounts,
    opening: Opening,
}

impl<'a> Money<'a> {
    /// Makes the budget tree and begins the cycle, or goes on with it.
    pub(crate) fn open(
        ledger: &'a Ledger,
        playbook: &Playbook,
        number: i64,
        now: UnixMs,
        run_key: Digest,
    ) -> Result<Self, LedgerError> {
        let spending =
            playbook.stages.iter().filter(|s| matches!(s.kind, Kind::Incentive | Kind::Campaign));
        let budget = playbook.budget.as_ref();
        let plan = BudgetPlan {
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
        };
        let accounts = ledger.ensure_budget(&plan, now)?;
        let cycle = CycleRef { playbook: playbook.id.clone(), number };
        let opening = ledger.begin_cycle(&cycle, run_key, now)?;
        Ok(Self { ledger, cycle, now, accounts, opening })
    }

    /// Free money of a pool when the cycle began.
    pub(crate) fn pool_available(&self, pool: Option<&str>) -> Minor {
        pool.and_then(|p| self.accounts.pools.get(p))
            .and_then(|id| self.opening.available.get(id).copied())
            .unwrap_or(Minor::ZERO)
    }

    /// Per stage the pool that pays and the most that it may take; and the free money per pool.
    pub(crate) fn stage_money(
        &self,
        stages: &[Prepared],
        single_investment_max: f64,
    ) -> (BTreeMap<u16, StageMoney>, Vec<Minor>) {
        let names: Vec<&String> = self.accounts.pools.keys().collect();
        let pools = names.iter().map(|p| self.pool_available(Some(p))).collect();
        let money = stages
            .iter()
            .filter_map(|stage| {
                let name = stage.def.pool.as_ref()?;
                let pool = names.iter().position(|p| *p == name)?;
                let account = self.accounts.plugins.get(&stage.def.name)?;
                let own = self.opening.available.get(account).copied().unwrap_or(Minor::ZERO);
                let share = self.pool_available(Some(name)).share_down(single_investment_max);
                let position = u16::try_from(stage.position).ok()?;
                Some((position, StageMoney { pool, stage_max: own.min(share) }))
            })
            .collect();
        (money, pools)
    }

    /// What members got before this cycle, inside the windows of H9 and GR-1.
    pub(crate) fn history(
        &self,
        keys: &[i64],
        families: &mut Families,
        family_window_h: u32,
    ) -> Result<HashMap<u32, History>, LedgerError> {
        let window = (30 * DAY_MS).max(i64::from(family_window_h) * HOUR_MS);
        let past = self.ledger.grants_since(&self.cycle, UnixMs(self.now.0 - window))?;
        if past.grants.is_empty() {
            return Ok(HashMap::new());
        }
        let numbers: Vec<u32> = past.families.iter().map(|f| families.number(f)).collect();
        let mut history = HashMap::new();
        for (row, key) in keys.iter().enumerate() {
            let grants = past.of_member(*key);
            if grants.is_empty() {
                continue;
            }
            let mut seen = History::default();
            for grant in grants {
                let age_ms = self.now.0 - grant.at.0;
                if age_ms < i64::from(family_window_h) * HOUR_MS
                    && let Some(number) = numbers.get(grant.family as usize)
                {
                    seen.families.push(*number);
                }
                let contact = u32::from(grant.contacts_member);
                let commercial = u32::from(grant.contacts_member && grant.commercial);
                seen.contacts_day += if age_ms < DAY_MS { contact } else { 0 };
                seen.commercial_day += if age_ms < DAY_MS { commercial } else { 0 };
                seen.commercial_week += if age_ms < 7 * DAY_MS { commercial } else { 0 };
                seen.delivered_30d += contact;
                seen.commercial_30d += commercial;
            }
            history.insert(u32::try_from(row).unwrap_or(u32::MAX), seen);
        }
        Ok(history)
    }

    /// Books every granted decision; what the ledger refuses becomes a refusal with its code.
    pub(crate) fn book(
        &self,
        decisions: &mut [Decision],
        stages: &[Prepared],
        keys: &[i64],
    ) -> Result<(), LedgerError> {
        let by_position: BTreeMap<u16, &Prepared> =
            stages.iter().filter_map(|s| Some((u16::try_from(s.position).ok()?, s))).collect();
        let granted: Vec<usize> =
            (0..decisions.len()).filter(|i| decisions[*i].refusal.is_none()).collect();
        let requests: Vec<GrantRequest<'_>> = granted
            .par_iter()
            .filter_map(|i| {
                let c = &decisions[*i].candidate;
                let stage = by_position.get(&c.stage)?;
                let action = stage.shape.actions.get(usize::from(c.action))?;
                let member = keys.get(c.row as usize).copied()?;
                Some(GrantRequest {
                    key: grant_key(&self.cycle, &stage.def.name, &action.name, member),
                    account: *self.accounts.plugins.get(&stage.def.name)?,
                    member,
                    stage: &stage.def.name,
                    action: &action.name,
                    family: &action.family,
                    quantity: c.quantity,
                    cost: Minor(c.cost),
                    expected_output: Minor(c.expected_output),
                    priority: action.priority as u8,
                    contacts_member: action.contacts_member,
                    commercial: action.commercial,
                })
            })
            .collect();
        let answers = self.ledger.grant_batch(&self.cycle, self.now, &requests)?;
        for (i, answer) in granted.into_iter().zip(answers) {
            let refusal = match answer {
                GrantAnswer::Granted { .. } | GrantAnswer::AlreadyGranted { .. } => None,
                GrantAnswer::Refused { .. } => Some((RefusalCode::R15, "GR-6")),
                GrantAnswer::Frozen { .. } => Some((RefusalCode::R03, "H13")),
                GrantAnswer::KeyConflict { .. } => Some((RefusalCode::R12, "H7")),
                GrantAnswer::CycleClosed => Some((RefusalCode::R02, "H11")),
            };
            decisions[i].refusal =
                refusal.map(|(code, rule)| Refusal { code, rule, lost_to: None });
        }
        Ok(())
    }

    /// The playbook's accounts as they are now, parents before children.
    pub(crate) fn uses(&self) -> Result<Vec<AccountUse>, LedgerError> {
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

/// Idempotency key of a grant: one per playbook, cycle, stage, action and member, for ever.
fn grant_key(cycle: &CycleRef, stage: &str, action: &str, member: i64) -> Digest {
    Digest::of_parts([
        cycle.playbook.as_bytes(),
        &cycle.number.to_be_bytes(),
        stage.as_bytes(),
        action.as_bytes(),
        &member.to_be_bytes(),
    ])
}

/// Families by number.
#[derive(Debug, Default)]
pub(crate) struct Families(BTreeMap<String, u32>);

impl Families {
    pub(crate) fn number(&mut self, family: &str) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(family.to_owned()).or_insert(next)
    }
}

/// What the checks need to know of each action, and the purposes by number.
pub(crate) fn action_facts(
    stages: &[Prepared],
    families: &mut Families,
) -> (BTreeMap<u16, Vec<ActionFacts>>, Vec<String>) {
    let mut purposes: Vec<String> = Vec::new();
    let mut facts = BTreeMap::new();
    for stage in stages {
        let mut of_stage = Vec::new();
        for action in &stage.shape.actions {
            let purpose = (!action.purpose.is_empty()).then(|| {
                purposes.iter().position(|p| *p == action.purpose).unwrap_or_else(|| {
                    purposes.push(action.purpose.clone());
                    purposes.len() - 1
                })
            });
            of_stage.push(ActionFacts {
                priority: action.priority,
                family: families.number(&action.family),
                purpose,
                commercial: action.commercial,
                contacts_member: action.contacts_member,
            });
        }
        facts.insert(u16::try_from(stage.position).unwrap_or(u16::MAX), of_stage);
    }
    (facts, purposes)
}

/// What the checks need to know of the members that have candidates, read from features and outputs. Rows of
/// others are left as if nothing were known.
pub(crate) fn member_facts(
    playbook: &Playbook,
    stages: &[Prepared],
    members: &Frame,
    keys: &[i64],
    purposes: &[String],
    candidates: &[Candidate],
) -> MemberFacts {
    let rules = &playbook.guardrails;
    let rows = Asked::of(candidates, members.rows());
    let flag =
        |name: &str| members.column(name).map(|c| rows.map(false, |r| c.integer(r) == Some(1)));
    let consents =
        purposes.iter().map(|p| flag(&format!("consent.{p}")).unwrap_or_default()).collect();
    let named = |name: &Option<String>| name.as_deref().and_then(|n| members.column(n));
    let complaint = named(&rules.complaint_feature);
    let churn = named(&rules.churn_output);
    let critical = churn.map(|c| rows.by_name(c, false, |name| name == Some("critical")));
    let complains = complaint.map(|c| rows.map(false, |r| c.real(r).is_some_and(|v| v > 0.0)));
    let service_only = match (critical, complains) {
        (Some(a), Some(b)) => a.into_iter().zip(b).map(|(a, b)| a || b).collect(),
        (one, other) => one.or(other).unwrap_or_default(),
    };
    let holdout = match (rules.holdout > 0.0, members.column("member")) {
        (true, Some(ids)) => {
            rows.map(false, |r| ids.text(r).is_some_and(|id| in_holdout(id, rules.holdout)))
        }
        _ => Vec::new(),
    };
    let minor = named(&rules.age_band_feature).map_or_else(Vec::new, |c| {
        rows.by_name(c, false, |name| matches!(name, Some("under_14" | "14_17")))
    });
    let stage_cap = named(&rules.stage_output).map_or_else(Vec::new, |c| {
        rows.by_name(c, None, |name| rules.stage_caps.get(name?).copied())
    });
    MemberFacts {
        consents,
        keys: keys.to_vec(),
        holdout,
        unknown: flag("unknown_identity").unwrap_or_default(),
        held: flag("fraud_hold").unwrap_or_default(),
        stage_cap,
        service_only,
        minor,
        contact_caps: contact_caps(playbook, stages, members, &rows),
        history: HashMap::new(),
    }
}

/// Rows that have a candidate, ascending.
struct Asked {
    rows: Vec<u32>,
    all: usize,
}

impl Asked {
    fn of(candidates: &[Candidate], all: usize) -> Self {
        let mut has = vec![false; all];
        for candidate in candidates {
            if let Some(has) = has.get_mut(candidate.row as usize) {
                *has = true;
            }
        }
        Self { rows: (0..).zip(has).filter_map(|(row, has)| has.then_some(row)).collect(), all }
    }

    /// A value for each row that is asked for, `other` for all others.
    fn map<T: Copy + Send>(&self, other: T, of: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let found: Vec<T> =
            self.rows.par_iter().with_min_len(4_096).map(|row| of(*row as usize)).collect();
        let mut values = vec![other; self.all];
        self.rows.iter().zip(found).for_each(|(row, value)| values[*row as usize] = value);
        values
    }

    /// As [`Asked::map`], by the text of a column; each name of a category is looked at once.
    fn by_name<T: Copy + Send + Sync>(
        &self,
        column: &Column,
        other: T,
        of: impl Fn(Option<&str>) -> T + Sync,
    ) -> Vec<T> {
        let Cells::Category { codes, names } = &column.cells else {
            return self.map(other, |row| of(column.text(row)));
        };
        let named: Vec<T> = names.iter().map(|name| of(Some(name))).collect();
        let missing = of(None);
        self.map(other, |row| {
            if column.is_valid(row) {
                named.get(codes[row] as usize).copied().unwrap_or(missing)
            } else {
                missing
            }
        })
    }
}

/// Caps of H9 by the member's segment; "" is the cap of every other segment.
fn contact_caps(
    playbook: &Playbook,
    stages: &[Prepared],
    members: &Frame,
    rows: &Asked,
) -> Vec<ContactCaps> {
    let rules = &playbook.guardrails;
    let all = [
        &rules.contacts_per_day_max,
        &rules.commercial_per_day_max,
        &rules.commercial_per_week_max,
    ];
    if all.iter().all(|caps| caps.is_empty()) {
        return Vec::new();
    }
    let segment = stages
        .iter()
        .filter(|s| s.def.kind == Kind::Segmentation)
        .find_map(|s| members.column(&format!("{}.segment", s.def.name)));
    let cap = |caps: &BTreeMap<String, u32>, segment: &str| {
        caps.get(segment).or_else(|| caps.get("")).copied().unwrap_or(u32::MAX)
    };
    let of = |segment: Option<&str>| {
        let name = segment.unwrap_or("");
        ContactCaps {
            all_day: cap(&rules.contacts_per_day_max, name),
            commercial_day: cap(&rules.commercial_per_day_max, name),
            commercial_week: cap(&rules.commercial_per_week_max, name),
        }
    };
    match segment {
        Some(column) => rows.by_name(column, ContactCaps::NONE, of),
        None => vec![of(None); members.rows()],
    }
}
