//! Work that one of several hosts does for a brand: closing cycles by a schedule, sending to the webhook. Who does it holds a claim,
//! a row of the store, and lets it beat; where it has not beaten for a while its host is taken to be gone, and another takes over.
//! No clock of any host is compared with another's: whoever waits counts by itself how long a beat has been the last.

use std::time::{Duration, Instant};

use playbook_ledger::store::OnRow;
use playbook_ledger::{GroupWork, LedgerError};
use serde::{Deserialize, Serialize};

use crate::brand::Core;
use crate::error::OnlineError;
use crate::store::{BRAND, ReadRows, put_value, read_value, space};

/// How often a claim beats.
pub(crate) const BEAT: Duration = Duration::from_secs(2);
/// How long one without a beat is respected.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// What a claim is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Closing cycles by the schedule.
    Cycles,
    /// Sending effects to the webhook.
    Webhook,
}

impl Work {
    const fn key(self) -> &'static [u8] {
        match self {
            Self::Cycles => b"cycles",
            Self::Webhook => b"webhook",
        }
    }
}

/// A claim as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    host: [u8; 16],
    /// Grows with each beat, whoever holds it.
    beat: u64,
    /// Whether nobody holds it.
    is_free: bool,
    /// What was done last: of cycles, the end of the last one, unix-ms.
    pub(crate) done: i64,
}

/// What is asked of the writer about a claim.
#[derive(Debug)]
pub(crate) struct ClaimJob {
    work: Work,
    host: [u8; 16],
    ask: Ask,
}

#[derive(Debug)]
enum Ask {
    /// To hold it, or to go on holding it; also where another host's last beat is this one.
    Hold(Option<u64>),
    Release,
}

/// Does a job; whether the host holds the claim afterwards.
pub(crate) fn write(rows: &mut GroupWork<'_, '_>, job: &ClaimJob) -> Result<bool, LedgerError> {
    let ClaimJob { work, host, ask } = job;
    let known = read(rows, *work)?;
    let is_own = known.as_ref().is_some_and(|claim| claim.host == *host && !claim.is_free);
    let (beat, done) = known.as_ref().map_or((0, i64::MIN), |claim| (claim.beat, claim.done));
    let holds = match ask {
        Ask::Hold(stale) => {
            is_own || known.is_none_or(|claim| claim.is_free) || *stale == Some(beat)
        }
        Ask::Release if is_own => false,
        Ask::Release => return Ok(false),
    };
    if holds || is_own {
        put(rows, *work, &Claim { host: *host, beat: beat + 1, is_free: !holds, done })?;
    }
    Ok(holds)
}

pub(crate) fn read(rows: &mut dyn ReadRows, work: Work) -> Result<Option<Claim>, LedgerError> {
    read_value(rows, space::CLAIMS, BRAND, work.key())
}

/// Whether a host holds the claim on some work.
pub(crate) fn is_held(
    rows: &mut dyn ReadRows,
    work: Work,
    host: [u8; 16],
) -> Result<bool, LedgerError> {
    let claim = read(rows, work)?;
    Ok(claim.is_some_and(|claim| claim.host == host && !claim.is_free))
}

fn put(rows: &mut GroupWork<'_, '_>, work: Work, claim: &Claim) -> Result<(), LedgerError> {
    put_value(rows, (space::CLAIMS, BRAND, work.key()), claim, OnRow::Goes).map(|_| ())
}

/// That a cycle is closed under a claim, by its end: it is so once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnderClaim {
    pub(crate) host: [u8; 16],
    pub(crate) end: i64,
}

impl UnderClaim {
    /// Whether the claim is held still, and no cycle was closed that ends as late.
    pub(crate) fn holds(&self, rows: &mut dyn ReadRows) -> Result<bool, LedgerError> {
        let claim = read(rows, Work::Cycles)?;
        Ok(claim.is_some_and(|claim| {
            claim.host == self.host && !claim.is_free && claim.done < self.end
        }))
    }

    /// Notes that it is closed, with what closed it.
    pub(crate) fn done(&self, rows: &mut GroupWork<'_, '_>) -> Result<(), LedgerError> {
        let Some(claim) = read(rows, Work::Cycles)? else { return Ok(()) };
        put(rows, Work::Cycles, &Claim { done: claim.done.max(self.end), ..claim })
    }
}

/// A host that wants to do some work, as far as it has seen others do it.
#[derive(Debug)]
pub(crate) struct Claimant {
    work: Work,
    host: [u8; 16],
    /// The beat of another host that was seen last, and since when.
    seen: Option<(u64, Instant)>,
}

impl Claimant {
    pub(crate) fn new(work: Work, host: [u8; 16]) -> Self {
        Self { work, host, seen: None }
    }

    /// What to ask the writer in order to hold the claim; `None`: another host holds it.
    pub(crate) fn wants(&mut self, claim: Option<&Claim>, now: Instant) -> Option<ClaimJob> {
        let Claim { host, beat, is_free, .. } = match claim {
            None => return Some(self.job(Ask::Hold(None))),
            Some(claim) => claim,
        };
        if *is_free || *host == self.host {
            return Some(self.job(Ask::Hold(None)));
        }
        match self.seen {
            Some((seen, since)) if seen == *beat => {
                let is_gone = now.saturating_duration_since(since) >= LEASE;
                is_gone.then(|| self.job(Ask::Hold(Some(*beat))))
            }
            _ => {
                self.seen = Some((*beat, now));
                None
            }
        }
    }

    /// What to ask in order to go on.
    pub(crate) fn beats(&self) -> ClaimJob {
        self.job(Ask::Hold(None))
    }

    /// What to ask so that another host may go on at once.
    pub(crate) fn lets_go(&self) -> ClaimJob {
        self.job(Ask::Release)
    }

    fn job(&self, ask: Ask) -> ClaimJob {
        ClaimJob { work: self.work, host: self.host, ask }
    }
}

impl Core {
    /// How this host is known to others that share the store; `None`: it is alone.
    pub(crate) fn host(&self) -> Option<[u8; 16]> {
        self.notes.as_ref().map(|notes| notes.host())
    }

    /// The claim on some work as it stands.
    pub(crate) fn claim(&self, work: Work) -> Result<Option<Claim>, OnlineError> {
        Ok(read(&mut &*self.reader, work)?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Ask, Claim, Claimant, LEASE, Work};

    #[test]
    fn a_claim_is_taken_over_when_it_is_free_or_has_not_beaten_for_the_lease() {
        let begun = Instant::now();
        let mut other = Claimant::new(Work::Webhook, [2; 16]);
        let of = |beat, is_free| Claim { host: [1; 16], beat, is_free, done: 0 };
        let asks = |claimant: &mut Claimant, claim: Option<&Claim>, at| {
            claimant.wants(claim, at).map(|job| match job.ask {
                Ask::Hold(stale) => stale,
                Ask::Release => panic!("it asks to hold it"),
            })
        };
        assert_eq!(asks(&mut other, None, begun), Some(None));
        assert_eq!(asks(&mut other, Some(&of(7, true)), begun), Some(None));
        assert_eq!(asks(&mut other, Some(&of(1, false)), begun), None, "seen for the first time");
        assert_eq!(asks(&mut other, Some(&of(1, false)), begun + LEASE / 2), None);
        // It has beaten meanwhile.
        assert_eq!(asks(&mut other, Some(&of(2, false)), begun + LEASE), None);
        assert_eq!(asks(&mut other, Some(&of(2, false)), begun + LEASE * 2), Some(Some(2)));
        let mut own = Claimant::new(Work::Webhook, [1; 16]);
        assert_eq!(asks(&mut own, Some(&of(2, false)), begun), Some(None));
    }
}
