//! Grants: reserved in commit groups, later settled or released, each at most once.

use playbook_model::{Digest, Minor, UnixMs};

use crate::account::Breach;
use crate::cycle::no_cycle;
use crate::ledger::Turn;
use crate::store::Purpose;
use crate::work::{GROUP_ENTRIES_MAX, Seal, Work, money_entry};
use crate::{AccountId, CycleRef, Entry, EntryKind, GrantState, LedgerError};

/// Class of transactions and safety, which pass a freeze (domain H13).
const TRANSACTION: u8 = 0;

/// A grant that arbitration has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantRequest<'a> {
    /// Idempotency key: the same grant of the same cycle has the same key in every run.
    pub key: Digest,
    /// Account that pays.
    pub account: AccountId,
    /// Pseudonym of the member.
    pub member: i64,
    /// Stage that proposed.
    pub stage: &'a str,
    /// Action.
    pub action: &'a str,
    /// Family of the action, for duplicate windows.
    pub family: &'a str,
    /// Points, units or 1.
    pub quantity: i64,
    /// Greatest cost in minor units, at least 0.
    pub cost: Minor,
    /// Expected output in minor units.
    pub expected_output: Minor,
    /// Class in arbitration, 0 (most urgent) to 5.
    pub priority: u8,
    /// Whether the member is contacted directly.
    pub contacts_member: bool,
    /// Whether it counts against commercial caps.
    pub commercial: bool,
}

/// Answer to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantAnswer {
    /// Reserved now, as this entry.
    Granted {
        /// Number of the entry.
        entry: i64,
    },
    /// Reserved before by the same request.
    AlreadyGranted {
        /// Number of the entry.
        entry: i64,
    },
    /// Not enough money (R15). A refusal leaves no trace: the key may be asked again.
    Refused {
        /// Account that is short: the payer or one above it.
        account: AccountId,
        /// What it could still grant.
        available: Minor,
    },
    /// The payer or an account above it is frozen, and the grant is neither a transaction nor for safety.
    Frozen {
        /// The frozen account.
        account: AccountId,
    },
    /// The key stands for another request, whose grant stays.
    KeyConflict {
        /// Number of that entry.
        entry: i64,
    },
    /// The cycle is closed and this grant is not among its own.
    CycleClosed,
}

/// Answer to settling or releasing a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettleAnswer {
    /// Done now, as this entry.
    Done {
        /// Number of the entry.
        entry: i64,
    },
    /// The same was done before.
    Already {
        /// Number of the entry.
        entry: i64,
    },
    /// The grant was settled or released otherwise before; that stays.
    Otherwise {
        /// Number of that entry.
        entry: i64,
    },
    /// More than was reserved.
    TooMuch {
        /// What was reserved.
        reserved: Minor,
    },
}

/// What becomes of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closure {
    /// It was paid: this much, or all that was reserved.
    Settle(Option<Minor>),
    /// Nothing was paid.
    Release,
}

impl GrantRequest<'_> {
    /// Digest of everything that the key stands for.
    fn digest(&self, cycle: &CycleRef, path: &str) -> Digest {
        let flags = [self.priority, u8::from(self.contacts_member), u8::from(self.commercial)];
        Digest::of_parts([
            cycle.playbook.as_bytes(),
            &cycle.number.to_be_bytes(),
            path.as_bytes(),
            &self.member.to_be_bytes(),
            self.stage.as_bytes(),
            self.action.as_bytes(),
            self.family.as_bytes(),
            &self.quantity.to_be_bytes(),
            &self.cost.0.to_be_bytes(),
            &self.expected_output.0.to_be_bytes(),
            &flags,
        ])
    }
}

impl Turn<'_> {
    /// Reserves grants in the order given, in groups of at most 65,536 that are each kept whole.
    ///
    /// Answers stand in the order of the requests. After an error or a crash, asking all of them
    /// again continues where it stopped: what was kept answers `AlreadyGranted`.
    ///
    /// # Errors
    /// [`LedgerError::NoCycle`] where the cycle was not begun, [`LedgerError::Negative`] for a
    /// negative cost, an account that does not exist, or a fault of the storage. Groups before the
    /// fault are kept.
    pub fn grant_batch(
        &self,
        cycle: &CycleRef,
        now: UnixMs,
        requests: &[GrantRequest<'_>],
    ) -> Result<Vec<GrantAnswer>, LedgerError> {
        let mut answers = Vec::with_capacity(requests.len());
        for group in requests.chunks(GROUP_ENTRIES_MAX) {
            let seal =
                Seal { purpose: Purpose::Entries, at: now, cycle: Some(cycle), payload: None };
            answers.extend(self.write(seal, |work| {
                let row = work.tx.cycle(cycle)?.ok_or_else(|| no_cycle(cycle))?;
                let closed = row.summary.is_some();
                let keys: Vec<Digest> = group.iter().map(|request| request.key).collect();
                work.tx.foresee(&keys)?;
                group
                    .iter()
                    .map(|request| grant(work, cycle, closed, request))
                    .collect::<Result<Vec<_>, _>>()
            })?);
        }
        Ok(answers)
    }

    /// Settles or releases many grants in the order given, in groups of at most 65,536 that are each kept whole: at
    /// the amount given, or at what was reserved.
    ///
    /// Answers stand in the order of the grants. After an error or a crash, asking all of them again continues.
    ///
    /// # Errors
    /// [`LedgerError::NoGrant`], [`LedgerError::Negative`], or a fault of the storage. Groups before the fault are kept.
    pub fn close_batch(
        &self,
        cycle: &CycleRef,
        grants: &[(Digest, Closure)],
        at: UnixMs,
    ) -> Result<Vec<SettleAnswer>, LedgerError> {
        let mut answers = Vec::with_capacity(grants.len());
        for group in grants.chunks(GROUP_ENTRIES_MAX) {
            let seal = Seal { purpose: Purpose::Entries, at, cycle: Some(cycle), payload: None };
            answers.extend(self.write(seal, |work| {
                let keys: Vec<Digest> = group.iter().map(|(key, _)| *key).collect();
                work.tx.foresee(&keys)?;
                group
                    .iter()
                    .map(|(key, closure)| Ok(close_one(work, key, *closure)?.0))
                    .collect::<Result<Vec<_>, _>>()
            })?);
        }
        Ok(answers)
    }
}

pub(crate) fn grant(
    work: &mut Work<'_>,
    cycle: &CycleRef,
    closed: bool,
    request: &GrantRequest<'_>,
) -> Result<GrantAnswer, LedgerError> {
    if request.cost < Minor::ZERO {
        return Err(LedgerError::Negative(request.cost));
    }
    let path = work.accounts.path(request.account);
    let path = path.ok_or(LedgerError::NoAccount(request.account.0))?;
    let digest = request.digest(cycle, path);
    if let Some(used) = work.tx.used_key(&request.key)? {
        let entry = used.entry;
        let same = used.request == digest;
        return Ok(if same {
            GrantAnswer::AlreadyGranted { entry }
        } else {
            GrantAnswer::KeyConflict { entry }
        });
    }
    if closed {
        return Ok(GrantAnswer::CycleClosed);
    }
    if request.priority != TRANSACTION
        && let Some(account) = work.accounts.frozen(request.account)
    {
        return Ok(GrantAnswer::Frozen { account });
    }
    let entry = Entry {
        member: request.member,
        stage: request.stage,
        action: request.action,
        family: request.family,
        quantity: request.quantity,
        expected_output: request.expected_output,
        priority: request.priority,
        contacts_member: request.contacts_member,
        commercial: request.commercial,
        ..money_entry(EntryKind::Reserve, request.account, request.cost, request.key, digest)
    };
    match work.record(entry)? {
        Ok(entry) => Ok(GrantAnswer::Granted { entry }),
        Err(Breach::Short(account)) => {
            let left = work.accounts.available(request.account).map(|(left, _)| left);
            Ok(GrantAnswer::Refused { account, available: left.unwrap_or_default() })
        }
        Err(breach) => Err(work.words(&breach, &entry)),
    }
}

pub(crate) fn close_one(
    work: &mut Work<'_>,
    grant: &Digest,
    closure: Closure,
) -> Result<(SettleAnswer, GrantState), LedgerError> {
    let used = work.tx.used_key(grant)?.ok_or_else(|| LedgerError::NoGrant(grant.hex()))?;
    let (kind, amount, state) = match closure {
        Closure::Release => (EntryKind::Release, used.amount, GrantState::Released),
        Closure::Settle(amount) => {
            let amount = amount.unwrap_or(used.amount);
            (EntryKind::Settle, amount, GrantState::Settled(amount))
        }
    };
    if amount < Minor::ZERO {
        return Err(LedgerError::Negative(amount));
    }
    let request = closing_request(kind, grant, amount);
    if let Some((entry, stored)) = work.tx.closing_of(used.entry)? {
        let same = stored == request;
        let answer =
            if same { SettleAnswer::Already { entry } } else { SettleAnswer::Otherwise { entry } };
        return Ok((answer, state));
    }
    if amount > used.amount {
        return Ok((SettleAnswer::TooMuch { reserved: used.amount }, state));
    }
    let key = closing_key(grant);
    let entry = Entry {
        closes: Some(used.entry),
        bound: used.amount,
        ..money_entry(kind, used.account, amount, key, request)
    };
    Ok((SettleAnswer::Done { entry: work.must_record(entry)? }, state))
}

/// Key of the entry that settles or releases a grant.
pub(crate) fn closing_key(grant: &Digest) -> Digest {
    Digest::of_parts([b"close".as_slice(), grant.0.as_slice()])
}

/// What that entry stands for.
pub(crate) fn closing_request(kind: EntryKind, grant: &Digest, amount: Minor) -> Digest {
    Digest::of_parts([kind.name().as_bytes(), grant.0.as_slice(), &amount.0.to_be_bytes()])
}
