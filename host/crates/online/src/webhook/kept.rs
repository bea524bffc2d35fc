//! What stands on disk of a webhook, as rows: how far it is, what is overtaken, and what was given up.

use playbook_ledger::store::{OnRow, RowScope};
use playbook_ledger::{GroupWork, Ledger, LedgerError};
use serde::{Deserialize, Serialize};

use super::lanes::{Changes, Tried};
use crate::claims::{Work, is_held};
use crate::store::{BRAND, ReadRows as _, put_value, read_value, space, value_of};

/// An effect that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undelivered {
    /// When, unix-ms.
    pub at: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub error: String,
}

/// What the writer does for a webhook.
#[derive(Debug)]
pub(crate) enum WebhookJob {
    /// It begins after an effect, where it did not begin before.
    Begin(u64),
    /// How far it is; of hosts that share the store, by the one that sends.
    Progress(Box<Changes>, Vec<(u64, Undelivered)>, Option<[u8; 16]>),
    /// An effect that was given up is to be tried again.
    Again(u64),
}

#[derive(Serialize, Deserialize)]
struct KeptTry {
    attempts: u32,
    ms: u64,
}

/// Does a job; whether there was anything to do.
pub(crate) fn write(rows: &mut GroupWork<'_, '_>, job: &WebhookJob) -> Result<bool, LedgerError> {
    match job {
        WebhookJob::Begin(position) => {
            put_value(rows, (space::WEBHOOK, BRAND, b""), position, OnRow::Stays).map(|_| true)
        }
        WebhookJob::Progress(changes, given_up, by) => {
            if let Some(host) = by
                && !is_held(rows, Work::Webhook, *host)?
            {
                return Ok(false);
            }
            put_value(rows, (space::WEBHOOK, BRAND, b""), &changes.position, OnRow::Goes)?;
            for (number, Tried { attempts, ms }) in &changes.keep {
                let tried = KeptTry { attempts: *attempts, ms: *ms };
                put_value(rows, overtaken(*number), &tried, OnRow::Goes)?;
            }
            for number in &changes.forget {
                rows.remove_rows(space::OVERTAKEN, owner(*number))?;
            }
            for (number, undelivered) in given_up {
                let place = (space::UNDELIVERED, owner(*number), &b""[..]);
                put_value(rows, place, undelivered, OnRow::Goes)?;
            }
            Ok(true)
        }
        WebhookJob::Again(number) => {
            let is_there = rows.remove_rows(space::UNDELIVERED, owner(*number))? > 0;
            if is_there {
                let fresh = KeptTry { attempts: 0, ms: 0 };
                put_value(rows, overtaken(*number), &fresh, OnRow::Stays)?;
            }
            Ok(is_there)
        }
    }
}

/// Each number has rows of its own: rows go by owner.
fn owner(number: u64) -> i64 {
    i64::try_from(number).expect("nobody grants so many effects")
}

fn overtaken(number: u64) -> (u8, i64, &'static [u8]) {
    (space::OVERTAKEN, owner(number), b"")
}

fn number(owner: i64) -> Result<u64, LedgerError> {
    let damaged = |_| LedgerError::Damaged("an effect of a webhook has no number".to_owned());
    u64::try_from(owner).map_err(damaged)
}

/// How far it is; `None`: it never began.
pub(super) fn read_position(ledger: &Ledger) -> Result<Option<u64>, LedgerError> {
    read_value(&mut &*ledger, space::WEBHOOK, BRAND, b"")
}

/// Effects that were overtaken.
pub(super) fn read_overtaken(ledger: &Ledger) -> Result<Vec<(u64, Tried)>, LedgerError> {
    let mut all = Vec::new();
    ledger.rows(space::OVERTAKEN, RowScope::After(None), &mut |owner, _, bytes| {
        let KeptTry { attempts, ms } = value_of(bytes)?;
        all.push((number(owner)?, Tried { attempts, ms }));
        Ok(true)
    })?;
    Ok(all)
}

/// Effects after a number that were given up, at most so many.
pub(crate) fn read_undelivered(
    ledger: &Ledger,
    after: u64,
    most: usize,
) -> Result<Vec<(u64, Undelivered)>, LedgerError> {
    let mut all = Vec::new();
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    ledger.rows(
        space::UNDELIVERED,
        RowScope::After(Some((after, b""))),
        &mut |owner, _, bytes| {
            all.push((number(owner)?, value_of(bytes)?));
            Ok(all.len() < most)
        },
    )?;
    Ok(all)
}

/// Whether an effect is to be tried again already.
pub(crate) fn is_overtaken(ledger: &Ledger, number: u64) -> Result<bool, LedgerError> {
    let Ok(owner) = i64::try_from(number) else { return Ok(false) };
    Ok((&mut &*ledger).one(space::OVERTAKEN, owner, b"")?.is_some())
}
