//! Changes of the brand that are asked for under a key: each happens once, and comes to the same when it is asked for again.

use playbook_ledger::store::OnRow;
use playbook_ledger::{GroupWork, LedgerError};
use playbook_model::Digest;
use serde::{Deserialize, Serialize};

use crate::brand::{Core, shortened};
use crate::claims::UnderClaim;
use crate::error::OnlineError;
use crate::moves::Moves;
use crate::store::{BRAND, ReadRows, put_activation, put_value, read_value, space};
use crate::versions::Activation;
use crate::writer::DecisionKey;

/// Who asks for a change, and the key by which the request is known when it comes again.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// Id of a key, or a name.
    pub who: &'a str,
    /// The request's key; `None`: it is not repeated.
    pub key: Option<&'a str>,
}

impl<'a> From<&'a str> for By<'a> {
    fn from(who: &'a str) -> Self {
        Self { who, key: None }
    }
}

impl By<'_> {
    /// What the request is known by, where it has a key: `says` is all that it asks for.
    pub(crate) fn once<const N: usize>(&self, says: [&[u8]; N]) -> Option<Once> {
        let key = shortened(self.key?);
        Some(Once { key, request: Digest::of_parts(says) })
    }
}

/// A request under a key.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    /// Digest of the key.
    key: DecisionKey,
    /// Digest of what is asked for.
    request: Digest,
}

/// What a request came to.
#[derive(Debug, Serialize, Deserialize)]
struct Made {
    request: [u8; 32],
    /// Number of the activation, of the freeze or of the request for money, as the request says.
    number: u64,
}

impl Once {
    /// The number that it came to, where it was done before.
    pub(crate) fn made(
        &self,
        rows: &mut dyn ReadRows,
    ) -> Result<Option<Result<u64, OnlineError>>, LedgerError> {
        let made: Option<Made> = read_value(rows, space::ONCE, BRAND, &self.key)?;
        Ok(made.map(|made| match made.request == self.request.0 {
            true => Ok(made.number),
            false => Err(OnlineError::OtherRequest),
        }))
    }

    /// Keeps what it came to, with what it did.
    pub(crate) fn keep(
        &self,
        rows: &mut GroupWork<'_, '_>,
        number: u64,
    ) -> Result<(), LedgerError> {
        let made = Made { request: self.request.0, number };
        put_value(rows, (space::ONCE, BRAND, &self.key), &made, OnRow::Stays).map(|_| ())
    }
}

/// An activation to be written, and the request that asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) activation: Activation,
    pub(crate) once: Option<Once>,
    /// Where it is a cycle that closes.
    pub(crate) closing: Closing,
}

/// What belongs to a cycle that closes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Closing {
    /// Where it is by the schedule of several hosts.
    pub(crate) claim: Option<UnderClaim>,
    /// What its stages would move.
    pub(crate) moves: Option<Moves>,
}

/// What the writer is told of a candidate, or of its end.
pub(crate) enum Known {
    /// A step that it writes.
    New(Box<Step>),
    /// It stands there already, as the activation of this number.
    Already(u64),
}

impl Known {
    /// A step that no claim and, but for `once`, no key stands behind.
    pub(crate) fn step(activation: &Activation, once: Option<Once>) -> Self {
        Self::New(Box::new(Step {
            activation: activation.clone(),
            once,
            closing: Closing::default(),
        }))
    }
}

impl Step {
    pub(crate) fn write(&self, rows: &mut GroupWork<'_, '_>) -> Result<(), LedgerError> {
        put_activation(rows, &self.activation)?;
        self.closing.claim.map_or(Ok(()), |claim| claim.done(rows))?;
        let number = self.activation.number;
        self.once.as_ref().map_or(Ok(()), |once| once.keep(rows, number))
    }
}

impl Core {
    /// The activation that a request came to, where it was done before.
    pub(crate) fn made(&self, once: Option<&Once>) -> Result<Option<Activation>, OnlineError> {
        let Some(once) = once else { return Ok(None) };
        let rows: &mut dyn ReadRows = &mut &*self.reader;
        let Some(number) = once.made(rows)?.transpose()? else { return Ok(None) };
        let made = read_value(rows, space::ACTIVATIONS, BRAND, &number.to_be_bytes())?;
        let lost = || LedgerError::Damaged("a request names an activation that is not kept".into());
        Ok(Some(made.ok_or_else(lost)?))
    }
}
