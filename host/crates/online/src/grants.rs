//! What becomes of grants after their decision: they go out, wait for a person, end when their time is over, or are taken
//! back. All of it is rows beside the entries, written in the transaction of whatever brings it about.

use std::collections::BTreeMap;

use playbook_cycle::{LiveGroup, Prepared};
use playbook_ledger::store::{OnRow, RowScope};
use playbook_ledger::{Closure, CycleRef, GroupWork, Hold, Ledger, LedgerError, SettleAnswer};
use playbook_model::{Digest, GrantTerms, Minor, Priority, RefundRule};
use serde::{Deserialize, Serialize};

use crate::decision::{Kept, NewGrant};
use crate::error::OnlineError;
use crate::facts::VersionFacts;
use crate::refunds::{Order, lower_by_refund, rest_on};
use crate::reviews::{Asked, Ending, Why, ask_for_review, end_review};
use crate::store::{
    BRAND, EffectRow, ReadRows, bytes_of, put_bytes, put_value, read_value, space, value_of,
};
use crate::version::Version;
use crate::writer::{CloseJob, DecisionKey, Done};

/// Grants that end in one commit group, as far as they do not end in the same millisecond.
const ENDED_MAX: usize = 1_024;

/// A grant as rows beside the ledger name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GrantRow {
    pub(crate) member: i64,
    pub(crate) decision: DecisionKey,
    /// Position among the outcomes of the decision.
    pub(crate) outcome: usize,
    pub(crate) key: [u8; 32],
    pub(crate) playbook: String,
    pub(crate) cycle: i64,
    /// Position among [`RefundRule::ALL`].
    refund: u8,
}

impl GrantRow {
    /// A grant of a decision, of which any refund takes all back.
    pub(crate) fn new(
        facts: &VersionFacts,
        kept: &Kept,
        (member, decision): (i64, DecisionKey),
        new: &NewGrant,
    ) -> Self {
        let (playbook, cycle) = (facts.playbook.clone(), kept.cycle);
        Self { member, decision, outcome: new.outcome, key: new.key, playbook, cycle, refund: 0 }
    }

    pub(crate) fn key(&self) -> Digest {
        Digest(self.key)
    }

    pub(crate) fn cycle(&self) -> CycleRef {
        CycleRef { playbook: self.playbook.clone(), number: self.cycle }
    }

    /// What a refund does to it; a rule of a later release takes all of it back.
    pub(crate) fn refund(&self) -> RefundRule {
        let known = RefundRule::ALL.get(usize::from(self.refund));
        known.copied().unwrap_or(RefundRule::Whole)
    }
}

/// What the ledger does not say of a grant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Number of the review that it waits for.
    pub(crate) waits: Option<u64>,
    /// When it ended unsettled.
    pub(crate) ended: Option<i64>,
    /// Most minor units that it may be settled with, where a refund lowered that.
    pub(crate) settled_max: Option<i64>,
    /// What was taken back of it. It lies here and not with the effects, so that it goes when the member does.
    pub(crate) reversals: Vec<Reversal>,
}

impl Note {
    /// Notes a reversal; returns its position.
    pub(crate) fn reversed(&mut self, reversal: Reversal) -> usize {
        self.reversals.push(reversal);
        self.reversals.len() - 1
    }
}

/// How a grant was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TakenBack {
    /// What was reserved is free again.
    Released,
    /// It is settled with less.
    Lowered,
    /// What was paid is free again.
    Recovered,
    /// The member took back its consent: what was reserved is free again.
    Withdrawn,
}

impl TakenBack {
    /// As it is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Released | Self::Withdrawn => "released",
            Self::Lowered => "lowered",
            Self::Recovered => "recovered",
        }
    }
}

/// An effect that was told before is to be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// The refund that brought it about, by the id of its event; `None`: there was none ([`Reversal::why`]).
    pub refund: Option<String>,
    /// How.
    pub how: TakenBack,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// Unix-ms.
    pub at: i64,
}

impl Reversal {
    /// Why, as it is told: its order was refunded, the member took back its consent, or its time was over.
    #[must_use]
    pub const fn why(&self) -> &'static str {
        match (&self.refund, self.how) {
            (Some(_), _) => "refund",
            (None, TakenBack::Withdrawn) => "withdrawn",
            (None, _) => "expired",
        }
    }
}

/// A decision whose grants are followed up.
pub(crate) struct Followed<'a> {
    pub(crate) version: &'a Version,
    pub(crate) kept: &'a Kept,
    pub(crate) member: i64,
    /// Further accounts of the member.
    pub(crate) accounts: &'a [i64],
    pub(crate) decision: DecisionKey,
    /// The event that triggered it, by id.
    pub(crate) event: Option<&'a str>,
    /// The person who asked for it, where one did.
    pub(crate) by: Option<&'a str>,
    /// The order that it rests on, where something was refunded of it before.
    pub(crate) refunded: Option<Order>,
}

/// Writes what follows from the grants of a decision: effects that are due, reviews that others wait for, when each ends, and
/// which order it rests on.
pub(crate) fn follow_up(
    live: &mut LiveGroup<'_, '_, '_>,
    of: &Followed<'_>,
    done: &mut Done,
) -> Result<(), LedgerError> {
    let facts = of.version.facts();
    let new = of.kept.granted(facts);
    if new.is_empty() {
        return Ok(());
    }
    let accounts = (of.member, of.accounts);
    let order = of.event.map(|event| rest_on(live.rows(), accounts, event)).transpose()?;
    for new in new {
        let Some(action) = of.version.action(new.stage, new.action) else { continue };
        let terms = action.terms;
        let refund = RefundRule::ALL.iter().position(|rule| *rule == terms.refund).unwrap_or(0);
        let grant = GrantRow::new(facts, of.kept, (of.member, of.decision), &new);
        let grant = GrantRow { refund: refund as u8, ..grant };
        let ends = done.now.saturating_add(terms.expiry_ms);
        match (new.is_held, new.needs_approval) {
            (false, false) => put_effect(live.rows(), &grant, None, done)?,
            (is_held, needs_approval) => {
                let why = if is_held { Why::Fraud } else { Why::Approval };
                let by = of.by.map(str::to_owned);
                let account = live.account(&action.stage).filter(|_| !action.passes_freeze);
                let asked = Asked {
                    why,
                    then_approval: is_held && needs_approval,
                    ends,
                    requested_by: by,
                    account: account.map(|account| account.0),
                    purpose: action.purpose.clone(),
                };
                ask_for_review(live.rows(), &grant, asked, done)?;
            }
        }
        end_at(live.rows(), ends, &grant, done)?;
        if let Some((owner, order)) = &order {
            let place = [order.as_bytes(), &[0], &grant.key].concat();
            put_value(live.rows(), (space::OF_ORDERS, *owner, &place), &grant, OnRow::Goes)?;
            if let Some(refunded) = of.refunded {
                lower_by_refund(live, (&grant, accounts), (order, refunded), done)?;
            }
        }
    }
    Ok(())
}

/// Writes an effect to be carried out under the next number; or to be undone, by the position of what the grant's note says.
pub(crate) fn put_effect(
    rows: &mut GroupWork<'_, '_>,
    grant: &GrantRow,
    reversal: Option<usize>,
    done: &mut Done,
) -> Result<(), LedgerError> {
    let GrantRow { member, decision, outcome, .. } = *grant;
    let mut bytes = bytes_of(&EffectRow { member, decision, outcome });
    reversal.into_iter().for_each(|reversal| bytes.extend(bytes_of(&reversal)));
    done.marks.last_effect += 1;
    let number = done.marks.last_effect.to_be_bytes();
    put_bytes(rows, (space::EFFECTS, BRAND, &number), &bytes, OnRow::Stays).map(|_| ())
}

fn end_at(
    rows: &mut GroupWork<'_, '_>,
    ends: i64,
    grant: &GrantRow,
    done: &mut Done,
) -> Result<(), LedgerError> {
    put_value(rows, (space::ENDS, ends, &grant.key), grant, OnRow::Stays)?;
    let next = &mut done.marks.next_end;
    *next = Some(next.map_or(ends, |next| next.min(ends)));
    Ok(())
}

/// When the next grant ends; `None`: none is known.
pub(crate) fn read_next_end(ledger: &Ledger) -> Result<Option<i64>, LedgerError> {
    let mut next = None;
    ledger.rows(space::ENDS, RowScope::After(None), &mut |ends, _, _| {
        next = Some(ends);
        Ok(false)
    })?;
    Ok(next)
}

/// Releases the grants whose time is over, in order of their ends. What was settled or released meanwhile is passed by: the
/// row of an end stands until then, whatever becomes of the grant.
pub(crate) fn end_due(
    live: &mut LiveGroup<'_, '_, '_>,
    done: &mut Done,
) -> Result<(), LedgerError> {
    if done.marks.next_end.is_none_or(|next| next > done.now) {
        return Ok(());
    }
    let mut due: Vec<(i64, GrantRow)> = Vec::new();
    let mut next = None;
    live.rows().rows(space::ENDS, RowScope::After(None), &mut |ends, _, bytes| {
        // Rows of one millisecond are taken away together.
        let is_cut = due.len() >= ENDED_MAX && due.last().is_some_and(|(last, _)| *last != ends);
        if ends > done.now || is_cut {
            next = Some(ends);
            return Ok(false);
        }
        due.push((ends, value_of(bytes)?));
        Ok(true)
    })?;
    done.marks.next_end = next;
    for (ends, grant) in &due {
        end(live, grant, (TakenBack::Released, Ending::Expired, Some(*ends)), done)?;
    }
    due.dedup_by_key(|(ends, _)| *ends);
    for (ends, _) in due {
        live.rows().remove_rows(space::ENDS, ends)?;
    }
    Ok(())
}

/// Ends a grant that nobody settled: its money is free again, a review of it is over, and who was told of its effect is told to
/// undo it.
pub(crate) fn end(
    live: &mut LiveGroup<'_, '_, '_>,
    grant: &GrantRow,
    (how, ending, ended): (TakenBack, Ending, Option<i64>),
    done: &mut Done,
) -> Result<(), LedgerError> {
    let reserved = match live.rows().hold(&grant.key()) {
        Ok(Hold::Reserved(reserved)) => reserved,
        // A row that the ledger knows nothing of must not stop the writer for ever.
        Ok(_) | Err(LedgerError::NoGrant(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    release(live, grant)?;
    let mut note = read_note(live.rows(), grant.member, &grant.key())?.unwrap_or_default();
    note.ended = ended.or(note.ended);
    match note.waits.take() {
        // Nobody was told of the effect yet.
        Some(review) => end_review(live.rows(), review, ending, done)?,
        None => {
            let amount_minor = note.settled_max.unwrap_or(reserved.0);
            let reversal =
                note.reversed(Reversal { refund: None, how, amount_minor, at: done.now });
            put_effect(live.rows(), grant, Some(reversal), done)?;
        }
    }
    put_note(live.rows(), grant, &note)
}

/// Releases a grant of whatever cycle.
pub(crate) fn release(
    live: &mut LiveGroup<'_, '_, '_>,
    grant: &GrantRow,
) -> Result<(), LedgerError> {
    live.close(&grant.cycle(), grant.member, &grant.key(), Closure::Release).map(|_| ())
}

/// Settles or releases a grant at the wish of whoever carried it out.
pub(crate) fn close_grant(
    live: &mut LiveGroup<'_, '_, '_>,
    job: &CloseJob,
) -> Result<Result<SettleAnswer, OnlineError>, LedgerError> {
    let note = read_note(live.rows(), job.member, &job.key)?.unwrap_or_default();
    let closure = match (job.closure, note.settled_max) {
        _ if note.waits.is_some() => return Ok(Err(OnlineError::Waits)),
        (Closure::Settle(_), _) if note.ended.is_some() => return Ok(Err(OnlineError::Ended)),
        (Closure::Settle(None), Some(max)) => Closure::Settle(Some(Minor(max))),
        (Closure::Settle(Some(paid)), Some(max)) if paid.0 > max => {
            let reserved = Minor(max);
            return Ok(Ok(SettleAnswer::TooMuch { reserved }));
        }
        (closure, _) => closure,
    };
    match live.close(&job.cycle, job.member, &job.key, closure) {
        Ok(answer) => Ok(Ok(answer)),
        Err(LedgerError::NoGrant(_)) => Ok(Err(OnlineError::Unknown("grant"))),
        Err(error) => Err(error),
    }
}

pub(crate) fn put_note(
    rows: &mut GroupWork<'_, '_>,
    grant: &GrantRow,
    note: &Note,
) -> Result<(), LedgerError> {
    put_value(rows, (space::GRANT_NOTES, grant.member, &grant.key), note, OnRow::Goes).map(|_| ())
}

/// What is noted of a grant.
pub(crate) fn read_note(
    rows: &mut dyn ReadRows,
    member: i64,
    key: &Digest,
) -> Result<Option<Note>, LedgerError> {
    read_value(rows, space::GRANT_NOTES, member, &key.0)
}

/// What a playbook says of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActionTerms {
    /// Terms of its grants.
    pub(crate) terms: GrantTerms,
    /// Name of its stage.
    pub(crate) stage: String,
    /// Its own name.
    pub(crate) name: String,
    /// Whether it passes a freeze: transactions and safety (domain H13).
    pub(crate) passes_freeze: bool,
    /// Purpose that a member has to consent to.
    pub(crate) purpose: Option<String>,
}

/// The same of all actions, by the positions of stage and action.
pub(crate) type TermsOf = BTreeMap<(u16, u16), ActionTerms>;

/// What a playbook says of the actions of its stages.
pub(crate) fn terms_of(stages: &[Prepared]) -> TermsOf {
    let of_stage = |stage: &Prepared| {
        let actions = stage.shape.actions.iter().map(|action| ActionTerms {
            terms: stage.def.terms_of(&action.name),
            stage: stage.def.name.clone(),
            name: action.name.clone(),
            passes_freeze: action.priority == Priority::Transaction,
            purpose: Some(action.purpose.clone()).filter(|purpose| !purpose.is_empty()),
        });
        (u16::try_from(stage.position).ok(), actions.collect::<Vec<_>>())
    };
    let all = stages.iter().map(of_stage).flat_map(|(stage, actions)| {
        (0..).zip(actions).filter_map(move |(action, terms)| Some(((stage?, action), terms)))
    });
    all.collect()
}
