//! The candidate: a version that is to decide one day. In shadow it computes beside the one that decides and grants nothing; with
//! a share it decides on a part of the members, wholly, and is taken back by itself where a guard speaks.

mod compared;
mod guards;
mod shadow;
mod side;
mod steer;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use playbook_ledger::LedgerError;
use playbook_model::Digest;
use serde::{Deserialize, Serialize};

use crate::candidate::guards::{Arms, Forecast};
use crate::candidate::shadow::Shadow;
use crate::decision::Kept;
use crate::facts::VersionFacts;
use crate::version::Version;
use crate::versions::{Activation, Trial};

pub(crate) use compared::{Asked, Comparison};
pub use guards::{Breach, Guard, Guards};
pub use side::SideFigures;

/// On which terms a version is the candidate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Percentage of the members whom it decides on; 0: in shadow.
    pub percent: u8,
    /// What takes it back.
    pub guards: Guards,
}

/// The candidate of a brand.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) version: Arc<Version>,
    /// How it became the candidate.
    pub(crate) activation: Activation,
    part: Part,
}

#[derive(Debug)]
enum Part {
    Shadow(Shadow),
    Share(Share),
}

/// A part of the members.
#[derive(Debug)]
struct Share {
    /// Stands for brand and version: others draw other members.
    key: Digest,
    terms: Terms,
    /// `None`: nobody knows.
    forecast: Option<Forecast>,
    /// Goes on where the share grows.
    arms: Arc<Mutex<Arms>>,
    /// Whether a guard has spoken.
    is_over: AtomicBool,
}

/// What is known of the candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateFigures {
    /// How it became the candidate.
    pub activation: Activation,
    /// What both did since then, or since the service started: the version that decides, and the candidate.
    pub sides: [SideFigures; 2],
    /// In shadow: moves between segments, as stage, from, to, how many.
    pub moves: Vec<(String, String, String, u64)>,
    /// In shadow: decisions that were not compared, because too many waited.
    pub dropped: u64,
    /// With a share: what a decision is expected to cost, minor units.
    pub forecast: Option<f64>,
}

impl Candidate {
    /// A candidate on the terms of its activation; `before` is the one so far.
    pub(crate) fn new(
        brand: &str,
        version: Arc<Version>,
        activation: Activation,
        before: Option<&Self>,
    ) -> Result<Self, LedgerError> {
        let terms = activation.terms.unwrap_or(Terms { percent: 0, guards: Guards::default() });
        let part = match terms.percent {
            0 => Part::Shadow(Shadow::start(brand, &version)?),
            _ => {
                let goes_on = before.filter(|before| before.version.digest() == version.digest());
                let arms = goes_on.and_then(|before| match &before.part {
                    Part::Share(share) => Some(Arc::clone(&share.arms)),
                    Part::Shadow(_) => None,
                });
                Part::Share(Share {
                    key: share_key(brand, version.facts()),
                    terms,
                    forecast: forecast(&activation.expected),
                    arms: arms.unwrap_or_default(),
                    is_over: AtomicBool::new(false),
                })
            }
        };
        Ok(Self { version, activation, part })
    }

    /// Whether it decides on a member. The same members stay with it while its share grows.
    pub(crate) fn decides_on(&self, member: i64) -> bool {
        match &self.part {
            Part::Shadow(_) => false,
            Part::Share(share) => {
                let drawn = Digest::of_parts([&share.key.0[..], &member.to_be_bytes()]);
                let drawn = drawn.0[..8].try_into().expect("a digest is longer");
                u64::from_be_bytes(drawn) % 100 < u64::from(share.terms.percent)
            }
        }
    }

    /// Notes what a version did: `None` where a stage failed and closed. Returns the guard that speaks, once.
    pub(crate) fn note(&self, by: &Version, made: Option<&Kept>, micros: u64) -> Option<Breach> {
        let Part::Share(share) = &self.part else { return None };
        let arm = usize::from(std::ptr::eq(by, &*self.version));
        let mut arms = share.arms.lock().unwrap_or_else(PoisonError::into_inner);
        if !arms.note(arm, |side| side.note(made, micros)) {
            return None;
        }
        let breach = arms.breach(&share.terms.guards, share.forecast)?;
        (!share.is_over.swap(true, Ordering::Relaxed)).then_some(breach)
    }

    /// In shadow, it decides beside what was decided; this waits for nothing.
    pub(crate) fn shadow(&self, live: &Arc<Version>, asked: impl FnOnce() -> Asked) {
        if let Part::Shadow(shadow) = &self.part {
            shadow.follow(live, asked);
        }
    }

    pub(crate) fn figures(&self) -> CandidateFigures {
        let activation = self.activation.clone();
        match &self.part {
            Part::Shadow(shadow) => shadow.figures(activation),
            Part::Share(share) => CandidateFigures {
                activation,
                sides: share.arms.lock().unwrap_or_else(PoisonError::into_inner).whole(),
                moves: Vec::new(),
                dropped: 0,
                forecast: share.forecast.map(|forecast| forecast.cost),
            },
        }
    }
}

/// What a trial says of the cost of a decision; `None` where none was tried.
#[expect(clippy::cast_precision_loss, reason = "a figure to compare, never an amount")]
fn forecast(trial: &Trial) -> Option<Forecast> {
    let decisions = trial.compared + trial.failed;
    let cost = trial.cost_minor[1] as f64 / decisions as f64;
    (decisions > 0).then_some(Forecast { cost, decisions })
}

/// What members of a share are drawn by. What closed cycles left is no part of it: a member stays where it is from one cycle to
/// the next.
fn share_key(brand: &str, facts: &VersionFacts) -> Digest {
    let stages = facts.stages.iter().map(|stage| stage.component.as_bytes());
    let own = [&b"share"[..], brand.as_bytes(), facts.playbook_digest.as_bytes()];
    Digest::of_parts(own.into_iter().chain(stages))
}

/// Microseconds since then.
pub(crate) fn micros_since(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX)
}
