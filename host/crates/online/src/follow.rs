//! Following other hosts that serve the same brand over one store: what they changed and which version they decide by.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use playbook_ledger::{Follow, LedgerError};
use playbook_model::{Digest, reasons};

use crate::brand::{Brand, Core};
use crate::error::OnlineError;
use crate::store::read_activations;
use crate::swap::SwapError;
use crate::versions::{Activation, deciding};
use crate::writer::{Job, tell_last_effect};

/// How often the store is looked at, whatever is announced: announcements get lost with connections.
const LOOK: Duration = Duration::from_millis(250);
/// How often a swap is begun anew, because another host came first.
const SWAPS_MAX: usize = 8;

impl Core {
    /// Takes over what other hosts did since: members that they changed are read anew, and the version that they made the one
    /// that decides, decides here.
    ///
    /// # Errors
    /// A fault of the storage, or a version that cannot be opened here; then the one before goes on.
    pub fn follow(&self) -> Result<(), SwapError> {
        let Some(notes) = &self.notes else { return Ok(()) };
        let read = notes.read(&self.reader)?;
        if !read.is_empty() {
            self.version().epochs().catch_up(&self.reader)?;
        }
        notes.hear(read, &self.cache);
        tell_last_effect(&self.effects, notes.last_effect());
        let mut history = self.history();
        if history.last().is_some_and(|last| last.number >= notes.activation()) {
            return Ok(());
        }
        self.catch_up(&mut history)
    }

    /// Whether other hosts may serve the brand over the same store.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.notes.is_some()
    }

    /// Why it still decides by another version than the other hosts, where that is so.
    #[must_use]
    pub fn behind(&self) -> Option<String> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does a swap on a history that knows what other hosts did.
    pub(crate) fn up_to_date<T>(
        &self,
        history: &mut Vec<Activation>,
        swap: impl Fn(&Self, &mut Vec<Activation>) -> Result<T, SwapError>,
    ) -> Result<T, SwapError> {
        for _ in 0..SWAPS_MAX {
            match swap(self, history) {
                Err(SwapError::Online(OnlineError::Overtaken)) => self.catch_up(history)?,
                done => return done,
            }
        }
        Err(OnlineError::Overtaken.into())
    }

    /// Takes over what other hosts did, before a step that rests on it; one of the last moment shows when the step is written.
    pub(crate) fn hear_of_others(&self, history: &mut Vec<Activation>) -> Result<(), SwapError> {
        if self.is_shared() { self.catch_up(history) } else { Ok(()) }
    }

    /// Keeps why it is behind the other hosts, where it is.
    pub(crate) fn is_behind(&self, why: Option<&SwapError>) {
        let why = why.map(|error| reasons(error));
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Makes the version of the last activation decide here, beside the candidate where there is one.
    fn catch_up(&self, history: &mut Vec<Activation>) -> Result<(), SwapError> {
        let known = history.last().map_or(0, |last| last.number);
        let mut all = read_activations(&mut &*self.reader)?;
        let later = all.partition_point(|step| step.number <= known);
        let (Some(number), Some(last)) = (all.get(later..).and_then(<[_]>::last), deciding(&all))
        else {
            return Ok(());
        };
        let (number, digest) = (number.number, Digest(last.version));
        let later = all.split_off(later);
        let candidate = later.last().filter(|last| last.how.is_candidate()).cloned();
        let opened = self.reopened(&digest);
        self.is_behind(opened.as_ref().err());
        let version = opened?;
        let next = Arc::clone(&version);
        match self.queue.ask_and_wait(|reply| Job::Follow(next, number, reply)) {
            // A later one is there by now, and will be looked at.
            Err(OnlineError::Overtaken) => return Ok(()),
            other => other?,
        }
        self.facts(&digest)?;
        self.shelf().put(&version);
        self.live.store(version);
        match candidate.map(|candidate| self.follow_candidate(candidate)) {
            None => self.candidate.store(None),
            Some(Err(SwapError::Online(OnlineError::Overtaken))) => return Ok(()),
            Some(followed) => {
                self.is_behind(followed.as_ref().err());
                followed?;
            }
        }
        history.extend(later);
        Ok(())
    }
}

/// Follows other hosts on a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct Following {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Following {
    /// Begins to follow; does nothing for a brand whose store no other host can reach.
    #[must_use]
    pub fn start(brand: &Arc<Brand>) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let follow = brand.follow.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = follow.map(|follow| {
            let (brand, ends) = (Arc::clone(brand), Arc::clone(&ends));
            let thread = std::thread::Builder::new().name("follower".to_owned());
            thread.spawn(move || run(&brand, follow, &ends)).expect("a thread can be started")
        });
        Self { ends, thread }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // One that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

fn run(brand: &Arc<Brand>, mut follow: Box<dyn Follow>, ends: &AtomicBool) {
    let mut told: Option<String> = None;
    while !ends.load(Ordering::SeqCst) {
        let heard = follow.wait(LOOK);
        let done = heard.map_err(SwapError::from).and_then(|_| brand.follow());
        let is_lost =
            matches!(&done, Err(SwapError::Online(OnlineError::Storage(fault))) if is_away(fault));
        if is_lost && brand.writer() == crate::WriterState::Works {
            // The writer finds out whether it still can write, and when it can again.
            brand.queue.nudge();
        }
        let said = done.as_ref().err().map(|error| reasons(error));
        if said != told {
            match &said {
                Some(why) => {
                    tracing::error!(brand = brand.name(), why, "it does not follow the other hosts")
                }
                None => tracing::warn!(brand = brand.name(), "it follows the other hosts again"),
            }
            told = said;
        }
        // A version that cannot be opened costs something each time.
        let looks = if brand.behind().is_some() { 8 } else { u32::from(done.is_err()) };
        for _ in 0..looks {
            if !ends.load(Ordering::SeqCst) {
                std::thread::sleep(LOOK);
            }
        }
    }
}

fn is_away(fault: &LedgerError) -> bool {
    matches!(fault, LedgerError::Storage(_) | LedgerError::UnknownCommit { .. })
}
