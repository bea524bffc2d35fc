//! The byte form of a tally: a head that names form and plan, the slots, and a check sum.

use playbook_model::Digest;

use super::plan::TallyPlan;
use super::state::{List, Tally, member_of};

/// What bytes begin with: the name of the form and its version.
const HEAD: [u8; 4] = *b"PBT1";
/// Bytes of the check sum: [`Digest::first`] over all that comes before.
const CHECK_BYTES: usize = 8;

/// Why bytes, or another tally, cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TallyError {
    /// Not bytes of a tally, or of another version of the form.
    #[error("these are no bytes of a tally in form 1")]
    Foreign,
    /// Bytes of a tally that are not as they were written.
    #[error("the bytes of the tally are damaged: make it anew from the rows")]
    Damaged,
    /// A tally of another plan, another moment or other members.
    #[error(
        "the tally is of another plan, another moment or other members: make it anew from the rows"
    )]
    Other,
}

impl Tally {
    /// The tally as bytes, to be read with the same plan.
    ///
    /// # Panics
    /// Never: numbers, texts and lists have a byte form.
    #[must_use]
    pub fn to_bytes(&self, plan: &TallyPlan) -> Vec<u8> {
        let head = [&HEAD[..], &plan.fingerprint].concat();
        let mut bytes = postcard::to_extend(self, head).expect("the slots have a byte form");
        let check = Digest::of(&bytes).first();
        bytes.extend_from_slice(&check);
        bytes
    }

    /// Reads what [`Tally::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`TallyError`]; whatever the bytes are, nothing panics.
    pub fn from_bytes(plan: &TallyPlan, bytes: &[u8]) -> Result<Self, TallyError> {
        let rest = bytes.strip_prefix(&HEAD).ok_or(TallyError::Foreign)?;
        let inner = bytes.len().checked_sub(CHECK_BYTES).filter(|end| *end >= HEAD.len());
        let (checked, check) = bytes.split_at(inner.ok_or(TallyError::Damaged)?);
        if Digest::of(checked).first() != *check {
            return Err(TallyError::Damaged);
        }
        let rest = &rest[..rest.len() - CHECK_BYTES];
        let slots = rest.strip_prefix(&plan.fingerprint).ok_or(TallyError::Other)?;
        let tally: Self = postcard::from_bytes(slots).map_err(|_| TallyError::Damaged)?;
        if tally.is_of(plan) { Ok(tally) } else { Err(TallyError::Damaged) }
    }

    /// Whether the slots are those of the plan.
    pub(super) fn is_of(&self, plan: &TallyPlan) -> bool {
        let slots = |of_each: usize| self.members.checked_mul(of_each);
        let is_list = |(list, (_, valued)): (&List, &(Option<u32>, bool))| {
            let is_member = |packed: u64| member_of(packed) < self.members as u64;
            match list {
                List::Days(rows) => !valued && rows.iter().all(|packed| is_member(*packed)),
                List::Values(rows) => *valued && rows.iter().all(|row| is_member(row.packed)),
            }
        };
        slots(plan.counts) == Some(self.counts.small.len())
            && slots(plan.numbers.len()) == Some(self.numbers.len())
            && slots(plan.picks.len()) == Some(self.picks.len())
            && self.lists.len() == plan.lists.len()
            && self.lists.iter().zip(&plan.lists).all(is_list)
            && self.counts.beyond.keys().all(|at| *at < self.counts.small.len())
            && self.carries.keys().all(|at| *at < self.numbers.len())
    }
}
