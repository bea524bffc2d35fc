//! One cycle, as its four steps: prepare, evaluate, decide, book.
//!
//! A cycle takes them over a whole community ([`crate::Community`]); a decision about one member takes the same steps
//! over one row ([`crate::Evaluation`], [`crate::decide`], [`crate::MoneyTurn`]).

use playbook_ledger::Ledger;
use playbook_model::Playbook;

use crate::book::{Booking, Money, bound_with, budget_plan};
use crate::community::Community;
use crate::decide::{Policy, decide, spenders};
use crate::error::CycleError;
use crate::facts::FactPlan;
use crate::laps::Laps;
use crate::options::CycleOptions;
use crate::prepare::Prepared;
use crate::proposal::Candidate;
use crate::result::CycleRun;
use crate::source::{DataSource, SourceError};
use crate::transfers::book_transfers;

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
    let Playbook { brand, id, .. } = playbook;
    let _span = tracing::info_span!("cycle", brand, playbook = id).entered();
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
    let policy = Policy::new(&community.playbook.guardrails, spenders(stages));
    let plan = FactPlan::new(&policy, stages, &community.members);
    let left_out = community.ran().iter().filter(|stage| stage.fault.is_some());
    let left_out: Vec<usize> = left_out.map(|stage| stage.position).collect();
    let facts = plan.read(&community.members, &candidates, &left_out, money.now);
    let mut turn = money.begin()?;
    let (proposals, history) =
        turn.recall(&policy, &community.keys, candidates, &facts.of(&community.keys, &[]))?;
    let members = facts.of(&community.keys, &history);
    let mut decisions = decide(&policy, members, proposals, &mut turn.standing(&policy)?);
    laps.end("arbitration");
    let bound = turn.bound()?;
    turn.book(&policy, &community.keys, &mut decisions)?;
    let bound = bound_with(bound, &policy, &decisions);
    let transfers = book_transfers(community, &mut turn)?;
    let accounts = turn.accounts(&bound)?;
    laps.end("ledger");
    Ok(Booking { decisions, accounts, transfers, span: turn.span() })
}
