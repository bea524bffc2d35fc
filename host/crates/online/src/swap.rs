//! Swapping versions: one is opened aside, tried on recorded decisions, and made the one that decides in one step. Requests
//! that have begun end on the version that they began with; each decision is made wholly by one.

use std::sync::{Arc, MutexGuard, PoisonError};

use playbook_ledger::{Ledger, LedgerError};
use playbook_model::Digest;

use crate::alerts::{Alarm, AlertRule, Evidence};
use crate::brand::Core;
use crate::candidate::{Asked, Comparison};
use crate::claims::UnderClaim;
use crate::counts::Number;
use crate::error::OnlineError;
use crate::facts::VersionFacts;
use crate::moves::Moves;
use crate::once::{By, Closing, Once, Step};
use crate::previous::Keeping;
use crate::record::Record;
use crate::store::{read_activations, read_source};
use crate::version::Version;
use crate::versions::{Activation, How, OpenError, Opened, Source, Trial, deciding};
use crate::writer::Job;

/// Why a version is not swapped.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// It cannot be opened; the version that decides goes on.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no such version, or none before.
    #[error("there is no such version")]
    Unknown,
    /// It fails on recorded decisions which the version that decides makes.
    #[error("the version fails on {fails} decisions which the version that decides makes")]
    Failing {
        /// How many.
        fails: u64,
    },
    /// No version is the candidate.
    #[error("no version is the candidate")]
    NoCandidate,
    /// The storage, or the writer.
    #[error(transparent)]
    Online(#[from] OnlineError),
}

impl SwapError {
    /// Why, in words for outside: no path of this machine. What only concerns the host stands in its log.
    #[must_use]
    pub fn outside(&self) -> String {
        match self {
            Self::Open(OpenError::Faulty(problems)) => {
                let told = |problem: &playbook_toml::Problem| {
                    let place = problems.position(problem);
                    let place =
                        place.map(|(_, line, column)| format!("line {line}, column {column}: "));
                    format!("{}{}", place.unwrap_or_default(), problem.message)
                };
                problems.problems.iter().map(told).collect::<Vec<_>>().join("; ")
            }
            Self::Open(OpenError::Other(_)) => format!("{self}; the log of the host says why"),
            other => other.to_string(),
        }
    }
}

impl From<LedgerError> for SwapError {
    fn from(error: LedgerError) -> Self {
        Self::Online(error.into())
    }
}

/// The version that decided last in the ledger of a brand, with what opens it again; `None` where none ever did.
///
/// # Errors
/// A fault of the storage.
pub fn last_activated(ledger: &Ledger) -> Result<Option<(Activation, Source)>, LedgerError> {
    let history = read_activations(&mut &*ledger)?;
    let Some(last) = deciding(&history).cloned() else { return Ok(None) };
    let source = read_source(&mut &*ledger, &Digest(last.version))?;
    Ok(source.map(|source| (last, source)))
}

impl Core {
    /// Opens a version aside and keeps it. It decides nothing until it is activated.
    ///
    /// # Errors
    /// [`OpenError::Faulty`] with every problem of the playbook, and as [`SwapError`] says.
    pub fn offer(&self, source: &Source) -> Result<Arc<Version>, SwapError> {
        // What the last closed cycle left serves stages that are the same.
        let now = self.version().digest();
        let closed = read_source(&mut &*self.reader, &now)?.map(|source| source.closed);
        let source = Source { closed: closed.unwrap_or_default(), ..source.clone() };
        let opened = self.opener.open(&source)?;
        self.live.load().takes(&opened.version).map_err(OpenError::Foreign)?;
        self.kept(opened)
    }

    /// Keeps a version that is open.
    pub(crate) fn kept(&self, opened: Opened) -> Result<Arc<Version>, SwapError> {
        let Opened { version, source } = opened;
        let version = self.joined(version);
        let kept = Arc::clone(&version);
        self.queue.ask_and_wait(|reply| Job::Keep(kept, Box::new(source), reply))?;
        let facts = Arc::new(version.facts().clone());
        let mut versions = self.versions.write().unwrap_or_else(PoisonError::into_inner);
        versions.insert(version.digest(), facts);
        drop(versions);
        self.shelf().put(&version);
        Ok(version)
    }

    /// What a version would change, seen on the last decisions: they are made anew by it and by the version that decides,
    /// each on an empty ledger.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn trial(&self, version: &Version) -> Result<Trial, SwapError> {
        let recent = self.shelf().recent();
        let now = self.live.load_full();
        let mut comparison = Comparison::new(self.name())?;
        for (member, at) in recent {
            let record = self.record(now.key(&member))?;
            comparison.take([&now, version], &Asked { member, at, event: None, record })?;
        }
        Ok(comparison.compared.trial())
    }

    /// As [`Core::trial`]. A version that fails where the one that decides does not is refused; where nobody was decided on yet,
    /// one that fails on a member of whom nothing is known.
    pub(crate) fn sound_trial(&self, version: &Version) -> Result<Trial, SwapError> {
        let trial = self.trial(version)?;
        let mut fails = trial.fails;
        if trial.compared + trial.failed == 0 {
            let (nobody, now) = (Record::default(), (self.now)());
            let fails_on = |version: &Version| version.evaluate_aside("", &nobody, now).is_err();
            fails = u64::from(fails_on(version) && !fails_on(&self.version()));
        }
        match fails {
            0 => Ok(trial),
            fails => Err(SwapError::Failing { fails }),
        }
    }

    /// As [`Core::trial`], for a version that was offered.
    ///
    /// # Errors
    /// As there, and [`SwapError::Unknown`].
    pub fn trial_of(&self, version: &Digest) -> Result<Trial, SwapError> {
        let version = self.reopened(version)?;
        self.trial(&version)
    }

    /// Makes a version that was offered the one that decides; `by` says who. What it is expected to change is tried first and
    /// kept with it. The same under the same key happens once.
    ///
    /// # Errors
    /// [`SwapError::Unknown`], [`SwapError::Failing`], or where it cannot be opened any more; then nothing changes.
    pub fn activate<'a>(
        &self,
        version: &Digest,
        by: impl Into<By<'a>>,
        how: How,
        file: Option<String>,
    ) -> Result<Activation, SwapError> {
        let by = by.into();
        let once = by.once([b"activate", &version.0]);
        let mut history = self.history();
        self.up_to_date(&mut history, |brand, history| match brand.made(once.as_ref())? {
            Some(made) => Ok(made),
            None => brand.activate_in(history, version, (by.who, once.as_ref()), how, file.clone()),
        })
    }

    /// As [`Core::activate`], while the history is held: a step back rests on it.
    pub(crate) fn activate_in(
        &self,
        history: &mut Vec<Activation>,
        version: &Digest,
        (by, once): (&str, Option<&Once>),
        how: How,
        file: Option<String>,
    ) -> Result<Activation, SwapError> {
        self.activate_under(history, version, (by, once), (how, Closing::default()), file)
    }

    fn activate_under(
        &self,
        history: &mut Vec<Activation>,
        version: &Digest,
        (by, once): (&str, Option<&Once>),
        (how, closing): (How, Closing),
        file: Option<String>,
    ) -> Result<Activation, SwapError> {
        let version = self.reopened(version)?;
        // A step back is for when something is wrong: it waits for nothing.
        let expected = match how {
            How::RolledBack | How::Breaker => Trial::default(),
            _ => self.sound_trial(&version)?,
        };
        let file = file.or_else(|| deciding(history).and_then(|last| last.file.clone()));
        let activation = Activation {
            by: by.to_owned(),
            how,
            file,
            expected,
            ..Activation::after(history, version.facts(), (self.now)())
        };
        let step = Step { activation: activation.clone(), once: once.cloned(), closing };
        let next = Arc::clone(&version);
        self.queue.ask_and_wait(|reply| Job::Version(next, Box::new(step), reply))?;
        self.shelf().put(&version);
        self.live.store(version);
        // It was compared with the version before.
        self.candidate.store(None);
        history.push(activation.clone());
        Ok(activation)
    }

    /// Makes the version before the one that decides again; taken twice, it goes back twice.
    ///
    /// # Errors
    /// [`SwapError::Unknown`] where there is none before.
    pub fn roll_back<'a>(&self, by: impl Into<By<'a>>) -> Result<Activation, SwapError> {
        let by = by.into();
        let once = by.once([b"roll back"]);
        let mut history = self.history();
        self.up_to_date(&mut history, |brand, history| {
            if let Some(made) = brand.made(once.as_ref())? {
                return Ok(made);
            }
            let before = before(history).ok_or(SwapError::Unknown)?;
            brand.activate_in(history, &before, (by.who, once.as_ref()), How::RolledBack, None)
        })
    }

    /// Closes the cycle that ends at `at`, or now: what it leaves serves decisions from then on.
    ///
    /// # Errors
    /// [`SwapError`]; then nothing changes.
    pub fn close_cycle<'a>(
        &self,
        at: Option<i64>,
        by: impl Into<By<'a>>,
    ) -> Result<Activation, SwapError> {
        let by = by.into();
        let said = at.map_or_else(Vec::new, |at| at.to_be_bytes().to_vec());
        let once = by.once([b"close a cycle", &said]);
        if let Some(made) = self.made(once.as_ref())? {
            return Ok(made);
        }
        let at = at.unwrap_or_else(|| (self.now)());
        let begun = self.version().digest();
        self.close_under(&begun, at, (by.who, once.as_ref()), None)
    }

    /// As [`Core::close_cycle`], where hosts share the schedule: it is closed once, by the one that holds the claim.
    pub(crate) fn close_scheduled(
        &self,
        at: i64,
        by: &str,
        claim: Option<UnderClaim>,
    ) -> Result<Activation, SwapError> {
        self.close_under(&self.version().digest(), at, (by, None), claim)
    }

    fn close_under(
        &self,
        begun: &Digest,
        at: i64,
        by: (&str, Option<&Once>),
        claim: Option<UnderClaim>,
    ) -> Result<Activation, SwapError> {
        let closed = self.closed_at(begun, at, by, claim);
        if matches!(closed, Err(SwapError::Online(OnlineError::ClosedElsewhere))) {
            return closed;
        }
        if closed.is_ok() {
            let history = self.history().clone();
            if let Err(error) = self.sweep_outputs(&history) {
                tracing::warn!(%error, brand = self.name(), "what no version reads any more stays for now");
            }
        }
        closed.inspect_err(|error| {
            self.queue.counts.add(Number::CyclesFailed, 1);
            self.raise(Alarm {
                rule: AlertRule::CycleFailed,
                scope: "cycle".to_owned(),
                words: format!("a cycle was not closed, nothing changed: {}", error.outside()),
                evidence: Evidence::of_version(*begun),
            });
        })
    }

    fn closed_at(
        &self,
        begun: &Digest,
        at: i64,
        (by, once): (&str, Option<&Once>),
        claim: Option<UnderClaim>,
    ) -> Result<Activation, SwapError> {
        let source = self.kept_source(begun)?;
        let keeping = Keeping::begin(self, &source.closed)?;
        let mut opened = self.opener.close_cycle(&source, at, &keeping)?;
        let asked = std::mem::take(&mut opened.source.closed.transfers);
        let left = opened.source.closed.clone();
        let moves = self.moves(asked, &opened.version, at)?;
        let mut history = self.history();
        let candidate = self.candidate.load_full();
        let decides = |brand: &Self| brand.version().digest() == *begun;
        let playbook = opened.version.facts().playbook_digest.clone();
        let own = decides(self).then(|| self.kept(opened)).transpose()?;
        let activation = self.up_to_date(&mut history, |brand, history| {
            if let Some(made) = brand.made(once)? {
                return Ok(made);
            }
            let version = match own.as_ref().filter(|_| decides(brand)) {
                Some(own) => Arc::clone(own),
                // Another version was activated meanwhile, here or by another host: it takes over what the cycle left, and stays.
                None => {
                    let source = brand.kept_source(&brand.version().digest())?;
                    let closed = left.clone();
                    brand.kept(brand.opener.open(&Source { closed, ..source })?)?
                }
            };
            let mut closing = Closing { claim, moves: moves.clone() };
            if version.facts().playbook_digest != playbook {
                // The budget is not what its stages looked at.
                closing.moves.iter_mut().for_each(Moves::lapse);
            }
            let how = (How::Cycle, closing);
            brand.activate_under(history, &version.digest(), (by, once), how, None)
        })?;
        // While nobody else sees that it is closed.
        self.queue.counts.add(Number::CyclesClosed, 1);
        drop(history);
        candidate.iter().for_each(|candidate| self.carry_over(candidate, &left));
        Ok(activation)
    }

    /// Whether there is a version to step back to.
    #[must_use]
    pub fn can_roll_back(&self) -> bool {
        before(&self.history()).is_some()
    }

    /// What the decisions of each version that is kept are told by, whether it ever decided or not.
    #[must_use]
    pub fn kept_versions(&self) -> Vec<Arc<VersionFacts>> {
        let versions = self.versions.read().unwrap_or_else(PoisonError::into_inner);
        let mut kept: Vec<_> = versions.values().cloned().collect();
        kept.sort_by_key(|facts| facts.digest());
        kept
    }

    /// What opened a version: the files of its playbook as they were, and the components that it took.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn source_of(&self, version: &Digest) -> Result<Option<Source>, OnlineError> {
        Ok(read_source(&mut &*self.reader, version)?)
    }

    fn kept_source(&self, version: &Digest) -> Result<Source, SwapError> {
        self.source_of(version)?.ok_or(SwapError::Unknown)
    }

    /// Which version decided from when on, the newest first.
    #[must_use]
    pub fn activations(&self) -> Vec<Activation> {
        self.history().iter().rev().cloned().collect()
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, Vec<Activation>> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shelf(&self) -> MutexGuard<'_, crate::versions::Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A version that is open, or that was kept.
    pub(crate) fn reopened(&self, digest: &Digest) -> Result<Arc<Version>, SwapError> {
        if let Some(open) = self.shelf().get(digest) {
            return Ok(open);
        }
        let source = read_source(&mut &*self.reader, digest)?.ok_or(SwapError::Unknown)?;
        let opened = self.opener.open(&source)?;
        if opened.version.digest() != *digest {
            let what = "its plugins are not those that it was offered with any more".to_owned();
            return Err(OpenError::Foreign(what).into());
        }
        Ok(self.joined(opened.version))
    }

    /// A version that was opened for this brand, with the brand's breakers.
    fn joined(&self, mut version: Version) -> Arc<Version> {
        version.join(&self.breakers, (&self.reader, &self.cache), self.version().epochs());
        Arc::new(version)
    }
}

/// The version that a step back leads to: steps forward are a stack, from which each step back takes one.
fn before(history: &[Activation]) -> Option<Digest> {
    let mut stack: Vec<[u8; 32]> = Vec::new();
    for activation in history.iter().filter(|activation| activation.how.decides()) {
        match activation.how {
            How::RolledBack => {
                stack.pop();
            }
            _ if stack.last() == Some(&activation.version) => {}
            _ => stack.push(activation.version),
        }
    }
    stack.pop();
    stack.pop().map(Digest)
}

#[cfg(test)]
mod tests {
    use playbook_model::Digest;

    use super::before;
    use crate::versions::{Activation, How, Trial};

    fn step(how: How, version: u8) -> Activation {
        Activation {
            number: 1,
            at: 0,
            by: "host".to_owned(),
            how,
            version: [version; 32],
            playbook_digest: String::new(),
            before: None,
            file: None,
            expected: Trial::default(),
            terms: None,
            breach: None,
        }
    }

    #[test]
    fn steps_back_undo_steps_forward_one_by_one() {
        let mut history = vec![step(How::Start, 1)];
        let to = |history: &[Activation]| before(history).map(|digest: Digest| digest.0[0]);
        assert_eq!(to(&history), None);
        history.extend([step(How::Activated, 2), step(How::File, 3)]);
        assert_eq!(to(&history), Some(2));
        history.push(step(How::RolledBack, 2));
        assert_eq!(to(&history), Some(1));
        history.extend([step(How::Share, 9), step(How::Returned, 2)]);
        assert_eq!(to(&history), Some(1), "a candidate is no step");
        history.extend([step(How::Activated, 4), step(How::Activated, 4)]);
        assert_eq!(to(&history), Some(2), "the same version twice is one step");
        history.extend([step(How::RolledBack, 2), step(How::RolledBack, 1)]);
        assert_eq!(to(&history), None);
    }
}
