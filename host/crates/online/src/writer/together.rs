//! What a writer does because other hosts write to the same store: it hears them before it decides, leaves a note of what it
//! did, and asks for that note where a commit was not answered.

use std::sync::Arc;

use playbook_cycle::MoneyRole;
use playbook_ledger::LedgerError;
use tokio::sync::watch;

use super::{Change, Done, Job, Marks, Writer, answer};
use crate::claims::UnderClaim;
use crate::error::OnlineError;
use crate::once::Known;
use crate::previous::is_kept;
use crate::store::ReadRows;
use crate::version::Version;

/// Tells the number of the last effect on disk, where it was not told yet.
pub(crate) fn tell_last_effect(effects: &watch::Sender<u64>, number: u64) {
    effects.send_if_modified(|told| {
        let is_more = *told < number;
        *told = number.max(*told);
        is_more
    });
}

impl Writer {
    /// Takes over in memory what a group did, now that it is on disk.
    pub(super) fn apply(&mut self, done: &Done, changes: Vec<(i64, Change)>) {
        let cache = &self.cache;
        let apply = |is_next: bool| {
            for (member, change) in changes {
                if is_next { change(cache) } else { cache.forget(member) }
            }
        };
        match (&self.notes, done.note) {
            (Some(notes), Some(number)) => {
                notes.kept(number, (done.marks.last_effect, done.activation), apply);
            }
            _ => apply(true),
        }
        self.activation = done.activation;
        self.marks = done.marks;
        tell_last_effect(&self.effects, done.marks.last_effect);
    }

    /// Asks whether a group was kept whose commit was not answered: its note is there then.
    pub(super) fn asked(&mut self, fault: LedgerError, done: &Done) -> Result<(), LedgerError> {
        let (LedgerError::UnknownCommit { .. }, Some(notes), Some(number)) =
            (&fault, &self.notes, done.note)
        else {
            return Err(fault);
        };
        let ask = || {
            let turn = self.ledger.turn()?;
            // Whatever the server still does with the group, it has done then.
            turn.settle_down()?;
            notes.is_own(&self.ledger, number)
        };
        match ask() {
            Ok(true) => {
                tracing::warn!(
                    brand = self.ledger.brand(),
                    "a commit was not answered, and was kept"
                );
                self.money.clear();
                Ok(())
            }
            Ok(false) => Err(fault),
            Err(error) => {
                tracing::error!(%error, brand = self.ledger.brand(), "it is not known yet what was kept");
                Err(fault)
            }
        }
    }

    /// Hears what other hosts did since the last group, so that this one decides on it.
    pub(super) fn catch_up(&mut self, done: &mut Done) -> Result<MoneyRole, LedgerError> {
        let Some(notes) = &self.notes else { return Ok(MoneyRole::Leads) };
        let read = notes.read(&self.ledger)?;
        if !read.is_empty() {
            self.version.epochs().catch_up(&self.ledger)?;
        }
        notes.hear(read, &self.cache);
        done.marks = Marks::read(&self.ledger)?;
        // The version of a later activation has made the budget what its plan says.
        Ok(if notes.activation() > self.activation { MoneyRole::Follows } else { MoneyRole::Leads })
    }

    /// Takes over the version, or the candidate, of a group that begins with one; such a group has no other request. `None`: another host was
    /// first, and that is answered.
    pub(super) fn switched(
        &mut self,
        mut group: Vec<Job>,
        role: &mut MoneyRole,
        done: &mut Done,
    ) -> Result<Option<Vec<Job>>, LedgerError> {
        let last = self.notes.as_ref().map_or(0, |notes| notes.activation());
        let refused = match group.first() {
            Some(Job::Version(next, step, _)) if step.activation.number > last => {
                self.refused(next, step.closing.claim)?
            }
            Some(Job::Follow(next, number, _)) if *number >= last => self.refused(next, None)?,
            Some(Job::Candidate(_, Known::New(step), _)) if step.activation.number > last => None,
            Some(Job::Candidate(_, Known::Already(number), _)) if *number >= last => None,
            Some(Job::Version(..) | Job::Follow(..) | Job::Candidate(..)) => {
                Some(OnlineError::Overtaken)
            }
            _ => return Ok(Some(group)),
        };
        if let Some(refused) = refused {
            if let Some(
                Job::Version(_, _, reply) | Job::Follow(_, _, reply) | Job::Candidate(_, _, reply),
            ) = group.pop()
            {
                done.answers.push(answer(reply, Err(refused)));
            }
            return Ok(None);
        }
        let (next, number) = match group.first() {
            Some(Job::Version(next, step, _)) => (next, step.activation.number),
            Some(Job::Follow(next, number, _)) => (next, *number),
            Some(Job::Candidate(next, known, _)) => {
                self.candidate.clone_from(next);
                self.money.clear();
                done.activation = match known {
                    Known::New(step) => step.activation.number,
                    Known::Already(number) => *number,
                };
                *role = MoneyRole::Leads;
                return Ok(Some(group));
            }
            _ => return Ok(Some(group)),
        };
        self.version = Arc::clone(next);
        self.candidate = None;
        self.money.clear();
        done.activation = number;
        *role = MoneyRole::Leads;
        Ok(Some(group))
    }

    /// Why a version does not decide from now on, where that is so.
    fn refused(
        &self,
        next: &Version,
        claim: Option<UnderClaim>,
    ) -> Result<Option<OnlineError>, LedgerError> {
        let rows: &mut dyn ReadRows = &mut &*self.ledger;
        if !is_kept(rows, next)? {
            return Ok(Some(OnlineError::Replaced));
        }
        let is_ours = claim.map_or(Ok(true), |claim| claim.holds(rows))?;
        Ok((!is_ours).then_some(OnlineError::ClosedElsewhere))
    }
}
