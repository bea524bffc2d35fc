//! Refunds: the grants that rest on the order are taken back by the rule of their stage, in the transaction that keeps the
//! event. Which order a grant rests on is known by the event that triggered its decision.

use playbook_cycle::{Candidate, Decided, Decision, LiveGroup, Refusal};
use playbook_ledger::store::{OnRow, RowScope};
use playbook_ledger::{GroupWork, Hold, LedgerError};
use playbook_model::{Minor, RefundRule, RefusalCode};

use crate::grants::{GrantRow, Reversal, TakenBack, put_effect, put_note, read_note, release};
use crate::packed::{Kept, Reader, Unreadable};
use crate::reviews::{Ending, end_review};
use crate::store::{ReadRows as _, put_value, read_value, space, value_of};
use crate::version::Version;
use crate::writer::Done;

/// Kind of events that pay an order.
const PAID: &str = "order_paid";
/// Kind of events that refund one.
const REFUNDED: &str = "order_refunded";

/// What an event says of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refund {
    /// The order, by the id of the event that paid it.
    pub(crate) order: String,
    /// How much, in minor units; `None`: all that is left.
    amount: Option<i64>,
}

/// An order, and how much of it was refunded before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    amount: i64,
    refunded: i64,
}

impl Order {
    /// Whether what was refunded of it takes back all that rests on it by a rule.
    fn takes_all(&self, rule: RefundRule) -> bool {
        match rule {
            RefundRule::Nothing => false,
            RefundRule::InProportion => self.refunded >= self.amount,
            RefundRule::Whole => self.refunded > 0 || self.refunded >= self.amount,
        }
    }
}

/// The refund that fields of an event are; `None` for any other event, and for a refund that names no order.
pub(crate) fn refund_of(fields: &[(String, Kept)]) -> Option<Refund> {
    let find = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    if find("kind") != Some(&Kept::Text(REFUNDED.to_owned())) {
        return None;
    }
    let Some(Kept::Text(order)) = find("original_order") else { return None };
    let amount = match find("amount_minor") {
        // Shops write refunds with either sign.
        Some(Kept::Integer(amount)) => Some(amount.saturating_abs()),
        _ => None,
    };
    Some(Refund { order: order.clone(), amount })
}

/// A member's account, and its further ones: orders are looked for in this order.
pub(crate) type Accounts<'a> = (i64, &'a [i64]);

fn each((first, others): Accounts<'_>) -> impl Iterator<Item = i64> {
    std::iter::once(first).chain(others.iter().copied())
}

/// The order that whatever an event triggers rests on, and whose it is: the one that the event names, else itself.
pub(crate) fn rest_on(
    rows: &mut GroupWork<'_, '_>,
    of: Accounts<'_>,
    event: &str,
) -> Result<(i64, String), LedgerError> {
    for account in each(of) {
        let Some(bytes) = rows.one(space::EVENTS, account, event.as_bytes())? else { continue };
        let mut named = None;
        read_fields(&bytes, |name, value| {
            if name == "original_order" {
                named = value.text().map(str::to_owned);
            }
        })?;
        let Some(order) = named else { return Ok((account, event.to_owned())) };
        if !of.1.is_empty() {
            for owner in each((account, &[])).chain(each(of)) {
                if rows.one(space::EVENTS, owner, order.as_bytes())?.is_some() {
                    return Ok((owner, order));
                }
            }
        }
        return Ok((account, order));
    }
    Ok((of.0, event.to_owned()))
}

/// The order that whatever an event triggers rests on, where something was refunded of it.
pub(crate) fn refunded_before(
    rows: &mut GroupWork<'_, '_>,
    of: Accounts<'_>,
    event: &str,
) -> Result<Option<Order>, LedgerError> {
    let (owner, order) = rest_on(rows, of, event)?;
    if rows.one(space::REFUNDED, owner, order.as_bytes())?.is_none() {
        return Ok(None);
    }
    order_of(rows, owner, &Refund { order, amount: None })
}

/// Takes the proposals away that a refund would have taken back whole, and refuses them: when they are made, before the refund or
/// after it, or again on another day or in another cycle, makes no difference.
pub(crate) fn refused_by_refund(
    version: &Version,
    order: Order,
    candidates: &mut Vec<Candidate>,
) -> Vec<Decided> {
    let is_gone = |candidate: &Candidate| {
        let action = version.action(candidate.stage, candidate.action);
        action.is_some_and(|action| order.takes_all(action.terms.refund))
    };
    let (gone, left) = candidates.drain(..).partition(is_gone);
    *candidates = left;
    let refusal = Some(Refusal { code: RefusalCode::R12, rule: "H7", lost_to: None });
    let refused = |candidate| Decided {
        decision: Decision { candidate, refusal, granted_before: false },
        key: None,
        is_held: false,
    };
    Vec::into_iter(gone).map(refused).collect()
}

/// Lowers a grant that was made after a part of its order was refunded, as that refund would have.
pub(crate) fn lower_by_refund(
    live: &mut LiveGroup<'_, '_, '_>,
    (grant, of): (&GrantRow, Accounts<'_>),
    (id, order): (&str, Order),
    done: &mut Done,
) -> Result<(), LedgerError> {
    if grant.refund() != RefundRule::InProportion || order.refunded == 0 {
        return Ok(());
    }
    let event = last_refund(live.rows(), of, id)?.unwrap_or_else(|| id.to_owned());
    let share = Share::Part(Minor(order.refunded), Minor(order.amount));
    reverse(live, grant, &event, share, done)
}

/// The latest refund of an order, by the id of its event.
fn last_refund(
    rows: &mut GroupWork<'_, '_>,
    of: Accounts<'_>,
    order: &str,
) -> Result<Option<String>, LedgerError> {
    let mut last: Option<(i64, String)> = None;
    let mut hear = |id: &[u8], bytes: &[u8]| {
        let (mut is_refund, mut is_of_order, mut time) = (false, false, i64::MIN);
        read_fields(bytes, |name, value| match name {
            "kind" => is_refund = value.text() == Some(REFUNDED),
            "original_order" => is_of_order = value.text() == Some(order),
            "time" => time = value.integer().unwrap_or(i64::MIN),
            _ => {}
        })?;
        if is_refund && is_of_order && last.as_ref().is_none_or(|(known, _)| time >= *known) {
            last = Some((time, String::from_utf8_lossy(id).into_owned()));
        }
        Ok(())
    };
    for account in each(of) {
        rows.visit(space::EVENTS, RowScope::Owner(account), &mut hear)?;
    }
    Ok(last.map(|(_, id)| id))
}

/// The order of a refund among those that the accounts of the member paid, and whose it is.
pub(crate) fn find_order(
    rows: &mut GroupWork<'_, '_>,
    of: Accounts<'_>,
    refund: &Refund,
) -> Result<Option<(i64, Order)>, LedgerError> {
    for account in each(of) {
        if let Some(order) = order_of(rows, account, refund)? {
            return Ok(Some((account, order)));
        }
    }
    Ok(None)
}

/// The order of a refund among those that an account paid.
fn order_of(
    rows: &mut GroupWork<'_, '_>,
    account: i64,
    refund: &Refund,
) -> Result<Option<Order>, LedgerError> {
    let id = refund.order.as_bytes();
    let Some(bytes) = rows.one(space::EVENTS, account, id)? else { return Ok(None) };
    let (mut is_paid, mut amount) = (false, 0);
    read_fields(&bytes, |name, value| match name {
        "kind" => is_paid = value.text() == Some(PAID),
        "amount_minor" => amount = value.integer().unwrap_or(0),
        _ => {}
    })?;
    if !is_paid {
        return Ok(None);
    }
    let refunded = read_value(rows, space::REFUNDED, account, id)?.unwrap_or(0);
    Ok(Some(Order { amount, refunded }))
}

fn read_fields(
    bytes: &[u8],
    mut take: impl FnMut(&str, playbook_features::Value<'_>),
) -> Result<(), LedgerError> {
    let damaged = |_: Unreadable| LedgerError::Damaged("an event cannot be read".to_owned());
    let mut reader = Reader(bytes);
    reader.begin().map_err(damaged)?;
    while !reader.is_at_end() {
        let (name, value) = reader.field().map_err(damaged)?;
        take(name.text(), value);
    }
    Ok(())
}

/// Takes back what rests on an order of an account that an accepted event refunds.
pub(crate) fn take_back(
    live: &mut LiveGroup<'_, '_, '_>,
    owner: i64,
    (event, refund, order): (&str, &Refund, Order),
    done: &mut Done,
) -> Result<(), LedgerError> {
    let left = order.amount.saturating_sub(order.refunded).max(0);
    let part = refund.amount.unwrap_or(left).min(left);
    let place = (space::REFUNDED, owner, refund.order.as_bytes());
    put_value(live.rows(), place, &order.refunded.saturating_add(part), OnRow::Goes)?;
    if part == 0 && left > 0 {
        return Ok(());
    }
    for grant in grants_of(live.rows(), owner, &refund.order)? {
        let share = match grant.refund() {
            RefundRule::Nothing => continue,
            RefundRule::InProportion if part < left => Share::Part(Minor(part), Minor(left)),
            RefundRule::InProportion | RefundRule::Whole => Share::All,
        };
        reverse(live, &grant, event, share, done)?;
    }
    Ok(())
}

/// How much of what a grant holds is taken back.
#[derive(Debug, Clone, Copy)]
enum Share {
    All,
    Part(Minor, Minor),
}

impl Share {
    fn of(self, held: Minor) -> Minor {
        match self {
            Self::All => held,
            Self::Part(part, whole) => held.portion(part, whole),
        }
    }
}

/// The grants that rest on an order.
fn grants_of(
    rows: &mut GroupWork<'_, '_>,
    member: i64,
    order: &str,
) -> Result<Vec<GrantRow>, LedgerError> {
    let from = [order.as_bytes(), &[0]].concat();
    let mut grants = Vec::new();
    let scope = RowScope::After(Some((member, &from)));
    rows.rows(space::OF_ORDERS, scope, &mut |owner, key, bytes| {
        let is_of_order = owner == member && key.starts_with(&from);
        if is_of_order {
            grants.push(value_of(bytes)?);
        }
        Ok(is_of_order)
    })?;
    Ok(grants)
}

fn reverse(
    live: &mut LiveGroup<'_, '_, '_>,
    grant: &GrantRow,
    event: &str,
    share: Share,
    done: &mut Done,
) -> Result<(), LedgerError> {
    let key = grant.key();
    let mut note = read_note(live.rows(), grant.member, &key)?.unwrap_or_default();
    let (how, amount) = match (live.rows().hold(&key)?, share) {
        (Hold::Released, _) => return Ok(()),
        (Hold::Reserved(reserved), Share::All) => {
            release(live, grant)?;
            (TakenBack::Released, note.settled_max.map_or(reserved, Minor))
        }
        (Hold::Reserved(reserved), Share::Part(part, whole)) => {
            let held = note.settled_max.map_or(reserved, Minor);
            let amount = held.portion(part, whole);
            note.settled_max = Some(held.0 - amount.0);
            (TakenBack::Lowered, amount)
        }
        (Hold::Paid(paid), share) => {
            let amount = share.of(paid);
            if amount > Minor::ZERO {
                live.rows().recover(&grant.cycle(), &key, amount)?;
            }
            (TakenBack::Recovered, amount)
        }
    };
    if amount == Minor::ZERO && matches!(share, Share::Part(..)) {
        return Ok(());
    }
    let refund = Some(event.to_owned());
    let reversal = note.reversed(Reversal { refund, how, amount_minor: amount.0, at: done.now });
    match (note.waits, how) {
        (None, _) => put_effect(live.rows(), grant, Some(reversal), done)?,
        // Nobody was told of the effect yet.
        (Some(review), TakenBack::Released) => {
            end_review(live.rows(), review, Ending::Refunded, done)?;
            note.waits = None;
        }
        (Some(_), _) => {}
    }
    put_note(live.rows(), grant, &note)
}
