//! One cycle, as its four steps: prepare, evaluate, decide, book.
//!
//! A cycle takes them over a whole community ([`crate::Community`]); a decision about one member takes the same steps
//! over one row ([`crate::Evaluation`], [`crate::decide`], [`crate::MoneyTurn`]).

use playbook_ledger::Ledger;
use playbook_model::{Digest, Frame, Playbook};

use crate::book::{Booking, Money, budget_plan};
use crate::community::Community;
use crate::decide::{Policy, decide, spenders};
use crate::error::CycleError;
use crate::facts::FactPlan;
use crate::laps::Laps;
use crate::prepare::Prepared;
use crate::progress::{Cancel, Progress};
use crate::proposal::Candidate;
use crate::result::CycleRun;
use crate::source::{DataSource, Intake, SourceError};
use crate::transfers::book_transfers;

/// Takes the finished table of members.
pub type TakeMembers<'a> = dyn Fn(&Frame) -> Result<(), SourceError> + Sync + 'a;

/// Gives the run key of what was read.
pub type RunKey<'a> = dyn Fn(&Intake) -> Digest + Sync + 'a;

/// How a cycle runs.
pub struct CycleOptions<'a> {
    /// What stands for all inputs of the run, worked out from their digests.
    pub run_key: &'a RunKey<'a>,
    /// Whether grants are booked; false computes everything and grants nothing.
    pub books: bool,
    /// Threads that call plugins.
    pub threads: usize,
    /// Stops between batches.
    pub cancel: Cancel,
    /// Hears how far it is.
    pub progress: &'a dyn Progress,
    /// Gets the finished table of members while decisions are made, to write it meanwhile.
    pub members_done: Option<&'a TakeMembers<'a>>,
}

impl std::fmt::Debug for CycleOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CycleOptions").field("books", &self.books).finish_non_exhaustive()
    }
}

/// Returns the number of the cycle that a local minute falls into.
#[must_use]
pub fn cycle_number(local_min: i64, length_days: u32) -> i64 {
    local_min.div_euclid(24 * 60).div_euclid(i64::from(length_days.max(1)))
}

/// Runs one cycle. `ledger` is a rehearsal where nothing is to be booked.
///
/// # Errors
/// A host's fault; a guest's only where its stage closes on faults.
pub fn run_cycle(
    playbook: &Playbook,
    stages: &[Prepared],
    source: &mut dyn DataSource,
    ledger: &Ledger,
    options: &CycleOptions<'_>,
) -> Result<CycleRun, CycleError> {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(options.threads.max(1)).build();
    let pool = threads.map_err(|e| CycleError::Source(SourceError::new(e)))?;
    let mut laps = Laps::start();
    let mut community = Community::prepare(playbook, stages, source, &options.cancel, &mut laps)?;
    let run_key = (options.run_key)(source.digested()?);
    let plan = budget_plan(playbook);
    let money = Money::open(ledger, &plan, community.number(), &community.context, run_key)?;
    laps.end("ledger");
    let candidates = community.evaluate(stages, source, &money, options, &pool, &mut laps)?;
    let (booking, written) = pool.install(|| {
        let write = || options.members_done.map_or(Ok(()), |done| done(&community.members));
        rayon::join(|| decided(&community, stages, candidates, &money, &mut laps), write)
    });
    laps.end("table of members");
    written?;
    Ok(community.ended(booking?, options.books, laps))
}

/// Decides and books within one turn of the ledger, so that nobody books in between.
fn decided(
    community: &Community<'_>,
    stages: &[Prepared],
    candidates: Vec<Candidate>,
    money: &Money<'_>,
    laps: &mut Laps,
) -> Result<Booking, CycleError> {
    let spenders = spenders(stages);
    let policy = Policy::new(&community.playbook.guardrails, &spenders);
    let plan = FactPlan::new(&policy, stages, &community.members);
    let facts = plan.read(&community.members, &candidates);
    let mut turn = money.begin()?;
    let (proposals, history) = turn.recall(&policy, &community.keys, candidates)?;
    let members = facts.of(&community.keys, &history);
    let mut decisions = decide(&policy, members, proposals, &mut turn.standing(&policy)?);
    laps.end("arbitration");
    turn.book(&policy, &community.keys, &mut decisions)?;
    let transfers = book_transfers(community, &mut turn)?;
    let accounts = turn.accounts()?;
    laps.end("ledger");
    Ok(Booking { decisions, accounts, transfers, span: turn.span() })
}

#[cfg(test)]
mod tests {
    use super::cycle_number;

    #[test]
    fn cycles_are_numbered_by_the_local_day() {
        assert_eq!(cycle_number(28 * 24 * 60 - 1, 28), 0);
        assert_eq!(cycle_number(28 * 24 * 60, 28), 1);
        assert_eq!(cycle_number(-1, 28), -1);
    }
}
