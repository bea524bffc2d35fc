//! How a version becomes the candidate and ceases to be it. All of it stands in the history, so that it survives a restart.

use std::sync::Arc;

use playbook_model::Digest;

use crate::alerts::{Alarm, AlertRule, Evidence};
use crate::brand::Core;
use crate::candidate::{Breach, Candidate, CandidateFigures, Guards, Terms};
use crate::counts::Number;
use crate::error::OnlineError;
use crate::once::{By, Known, Once};
use crate::store::{bytes_of, read_source};
use crate::swap::SwapError;
use crate::versions::{Activation, Closed, How, OpenError, Source};
use crate::writer::Job;

impl Core {
    /// Makes a version that was offered the candidate, in shadow: it decides beside, without effect.
    ///
    /// # Errors
    /// [`SwapError`]; then nothing changes.
    pub fn shadow<'a>(
        &self,
        version: &Digest,
        by: impl Into<By<'a>>,
    ) -> Result<Activation, SwapError> {
        let by = by.into();
        let once = by.once([b"shadow", &version.0]);
        let terms = Terms { percent: 0, guards: Guards::default() };
        self.begin_candidate(version, How::Shadow, terms, (by.who, once))
    }

    /// Makes a version that was offered the candidate and has it decide on a share of the members, 1 to 100 percent. It is one
    /// ledger: budget, caps and grants are common, and the totals are those of the version that decides.
    ///
    /// # Errors
    /// [`SwapError`]; then nothing changes.
    pub fn share<'a>(
        &self,
        version: &Digest,
        percent: u8,
        guards: Guards,
        by: impl Into<By<'a>>,
    ) -> Result<Activation, SwapError> {
        let by = by.into();
        let terms = Terms { percent, guards };
        let once = by.once([b"share", &version.0, &bytes_of(&terms)]);
        self.begin_candidate(version, How::Share, terms, (by.who, once))
    }

    /// Takes the candidate back.
    ///
    /// # Errors
    /// [`SwapError::NoCandidate`], or a fault of the storage.
    pub fn withdraw<'a>(&self, by: impl Into<By<'a>>) -> Result<Activation, SwapError> {
        let by = by.into();
        let once = by.once([b"withdraw"]);
        let mut history = self.history();
        self.hear_of_others(&mut history)?;
        self.up_to_date(&mut history, |brand, history| {
            if let Some(made) = brand.made(once.as_ref())? {
                return Ok(made);
            }
            let candidate = brand.candidate.load_full().ok_or(SwapError::NoCandidate)?;
            let ended = brand.ended(history, &candidate.activation, (How::Withdrawn, by.who), None);
            brand.write_candidate(None, Known::step(&ended, once.clone()))?;
            brand.candidate.store(None);
            history.push(ended.clone());
            Ok(ended)
        })
    }

    /// What is known of the candidate.
    #[must_use]
    pub fn candidate(&self) -> Option<CandidateFigures> {
        self.candidate.load_full().map(|candidate| candidate.figures())
    }

    fn begin_candidate(
        &self,
        version: &Digest,
        how: How,
        terms: Terms,
        (by, once): (&str, Option<Once>),
    ) -> Result<Activation, SwapError> {
        let mut history = self.history();
        self.hear_of_others(&mut history)?;
        self.up_to_date(&mut history, |brand, history| match brand.made(once.as_ref())? {
            Some(made) => Ok(made),
            None => brand.begin_in(history, version, (how, terms), (by, once.clone())),
        })
    }

    fn begin_in(
        &self,
        history: &mut Vec<Activation>,
        version: &Digest,
        (how, terms): (How, Terms),
        (by, once): (&str, Option<Once>),
    ) -> Result<Activation, SwapError> {
        let live = self.version();
        let version = self.reopened(version)?;
        if version.digest() == live.digest() {
            return Err(OpenError::Foreign("it is the version that decides".to_owned()).into());
        }
        let expected = match how {
            How::Share => {
                live.shares_with(&version).map_err(OpenError::Foreign)?;
                self.sound_trial(&version)?
            }
            // In shadow it harms nobody.
            _ => self.trial(&version)?,
        };
        let after = Activation::after(history, version.facts(), (self.now)());
        let by = by.to_owned();
        let activation = Activation { by, how, expected, terms: Some(terms), ..after };
        let before = self.candidate.load_full();
        let (name, open) = (self.name(), Arc::clone(&version));
        let next = Candidate::new(name, open, activation.clone(), before.as_deref())?;
        self.write_candidate(Some(&next), Known::step(&activation, once))?;
        self.shelf().put(&version);
        self.candidate.store(Some(Arc::new(next)));
        history.push(activation.clone());
        Ok(activation)
    }

    /// Another host made a version the candidate, or this one did before it was started anew.
    pub(crate) fn follow_candidate(&self, of: Activation) -> Result<(), SwapError> {
        let version = self.reopened(&Digest(of.version))?;
        self.shelf().put(&version);
        let (number, before) = (of.number, self.candidate.load_full());
        let candidate = Candidate::new(self.name(), version, of, before.as_deref())?;
        self.write_candidate(Some(&candidate), Known::Already(number))?;
        self.candidate.store(Some(Arc::new(candidate)));
        Ok(())
    }

    /// A guard took the candidate of an activation back.
    pub(crate) fn take_back(&self, of: &Activation, breach: Breach) {
        let Breach { guard, found, bound, decisions } = breach;
        #[expect(clippy::cast_precision_loss, reason = "guards look at a bounded number")]
        let counted = decisions as f64;
        self.queue.counts.add(Number::CandidatesReturned, 1);
        let version = Digest(of.version);
        self.raise(Alarm {
            rule: AlertRule::CandidateReturned,
            scope: version.to_string(),
            words: format!(
                "the candidate was taken back by the guard `{}`: {} is {found}, at most {bound} was allowed",
                guard.name(),
                guard.words()
            ),
            evidence: Evidence {
                figures: [("found", found), ("bound", bound), ("decisions", counted)]
                    .map(|(name, figure)| (name.to_owned(), figure))
                    .to_vec(),
                ..Evidence::of_version(version)
            },
        });
        let mut history = self.history();
        let ended = self.insist(|| {
            self.up_to_date(&mut history, |brand, history| {
                if history.last().is_none_or(|last| last.number != of.number) {
                    // Somebody has decided otherwise meanwhile.
                    return Ok(());
                }
                let ended = brand.ended(history, of, (How::Returned, "host"), Some(breach));
                brand.write_candidate(None, Known::step(&ended, None))?;
                brand.candidate.store(None);
                history.push(ended);
                Ok(())
            })
        });
        if let Err(error) = ended {
            tracing::error!(
                %error,
                brand = self.name(),
                "that a candidate was taken back cannot be written; it comes again with a restart"
            );
        }
    }

    /// The candidate goes on where the service starts again.
    pub(crate) fn restore_candidate(&self) -> Result<(), OnlineError> {
        let mut history = self.history();
        let Some(last) = history.last().filter(|last| last.how.is_candidate()).cloned() else {
            return Ok(());
        };
        let Err(error) = self.follow_candidate(last.clone()) else { return Ok(()) };
        self.lost_candidate(&last, &error);
        if self.is_shared() {
            // Other hosts have it: this one is behind until it has, too.
            history.pop();
            self.is_behind(Some(&error));
            return Ok(());
        }
        let ended = self.ended(&history, &last, (How::Withdrawn, "host"), None);
        self.write_candidate(None, Known::step(&ended, None))?;
        history.push(ended);
        Ok(())
    }

    /// The candidate goes on beside a version that took over what a closed cycle left, as a version with the same.
    pub(crate) fn carry_over(&self, candidate: &Candidate, left: &Closed) {
        let Activation { how, terms, version, .. } = &candidate.activation;
        let carried = || {
            let kept = read_source(&mut &*self.reader, &Digest(*version))?;
            let source = Source { closed: left.clone(), ..kept.ok_or(SwapError::Unknown)? };
            let next = self.kept(self.opener.open(&source)?)?;
            let terms = terms.ok_or(SwapError::NoCandidate)?;
            self.begin_candidate(&next.digest(), *how, terms, ("host", None))
        };
        if let Err(error) = carried() {
            self.lost_candidate(&candidate.activation, &error);
        }
    }

    fn lost_candidate(&self, of: &Activation, error: &SwapError) {
        let version = Digest(of.version);
        self.raise(Alarm {
            rule: AlertRule::CandidateReturned,
            scope: version.to_string(),
            words: format!("the candidate cannot be opened any more: {}", error.outside()),
            evidence: Evidence::of_version(version),
        });
    }

    /// The end of a candidate: the version that decides does so for all again.
    fn ended(
        &self,
        history: &[Activation],
        of: &Activation,
        (how, by): (How, &str),
        breach: Option<Breach>,
    ) -> Activation {
        let after = Activation::after(history, self.version().facts(), (self.now)());
        let (by, before) = (by.to_owned(), Some(of.version));
        Activation { by, how, before, terms: of.terms, breach, ..after }
    }

    fn write_candidate(
        &self,
        candidate: Option<&Candidate>,
        known: Known,
    ) -> Result<(), OnlineError> {
        // One in shadow spends nothing.
        let spends = candidate.filter(|candidate| candidate.activation.how == How::Share);
        let version = spends.map(|candidate| Arc::clone(&candidate.version));
        self.queue.ask_and_wait(|reply| Job::Candidate(version, known, reply))
    }
}
