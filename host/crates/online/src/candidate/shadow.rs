//! A candidate in shadow: a thread of its own decides anew, with both versions, on what was decided. Nobody waits for it: where
//! it does not keep up, decisions are left out and counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use playbook_ledger::LedgerError;

use crate::candidate::CandidateFigures;
use crate::candidate::compared::{Asked, Comparison};
use crate::version::Version;
use crate::versions::Activation;

/// Decisions that wait to be compared at most.
const WAITING_MAX: usize = 256;
/// Decisions on one pair of ledgers in memory; then empty ones take their place.
const LEDGER_DECISIONS_MAX: u64 = 50_000;

/// A candidate in shadow.
#[derive(Debug)]
pub(super) struct Shadow {
    sender: SyncSender<(Arc<Version>, Asked)>,
    comparison: Arc<Mutex<Comparison>>,
    dropped: AtomicU64,
}

impl Shadow {
    /// Starts its thread, which ends with it.
    pub(super) fn start(brand: &str, version: &Arc<Version>) -> Result<Self, LedgerError> {
        let (sender, asked) = sync_channel(WAITING_MAX);
        let comparison = Arc::new(Mutex::new(Comparison::new(brand)?));
        let (brand, version, kept) =
            (brand.to_owned(), Arc::clone(version), Arc::clone(&comparison));
        let thread = std::thread::Builder::new().name("shadow".to_owned());
        let thread = thread.spawn(move || {
            if let Err(error) = compare(&brand, &version, &asked, &kept) {
                tracing::error!(%error, brand, "a candidate in shadow is not compared any more");
            }
        });
        thread.expect("a thread can be started");
        Ok(Self { sender, comparison, dropped: AtomicU64::new(0) })
    }

    pub(super) fn follow(&self, live: &Arc<Version>, asked: impl FnOnce() -> Asked) {
        if self.sender.try_send((Arc::clone(live), asked())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits for the one decision that is being compared, at most.
    pub(super) fn figures(&self, activation: Activation) -> CandidateFigures {
        let comparison = self.comparison.lock().unwrap_or_else(PoisonError::into_inner);
        let compared = &comparison.compared;
        CandidateFigures {
            activation,
            sides: [0, 1].map(|at| compared.sides[at].read()),
            moves: compared.moves(),
            dropped: self.dropped.load(Ordering::Relaxed),
            forecast: None,
        }
    }
}

fn compare(
    brand: &str,
    version: &Version,
    asked: &Receiver<(Arc<Version>, Asked)>,
    comparison: &Mutex<Comparison>,
) -> Result<(), LedgerError> {
    for (number, (live, asked)) in (1_u64..).zip(asked) {
        let mut comparison = comparison.lock().unwrap_or_else(PoisonError::into_inner);
        comparison.take([&live, version], &asked)?;
        if number % LEDGER_DECISIONS_MAX == 0 {
            comparison.empty_ledgers(brand)?;
        }
    }
    Ok(())
}
