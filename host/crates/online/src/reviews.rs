//! Reviews: effects that a person decides on before they go out, because their action needs approval (R09) or their member is
//! held for fraud (R11). Their money is reserved meanwhile.

use playbook_cycle::LiveGroup;
use playbook_ledger::store::{OnRow, RowScope};
use playbook_ledger::{AccountId, GroupWork, Hold, Ledger, LedgerError};
use playbook_model::Digest;
use serde::{Deserialize, Serialize};

use crate::brand::{Brand, decision_id};
use crate::decision::EffectSaid;
use crate::error::OnlineError;
use crate::grants::{GrantRow, put_effect, put_note, read_note, release};
use crate::store::{
    BRAND, ReadRows, put_bytes, put_value, read_decision, read_member, read_value, read_version,
    space, value_of,
};
use crate::version::Version;
use crate::withdrawn::{answers_of, still_consents};
use crate::writer::{Done, Job};

/// Reviews that are looked at for one page; a page may be shorter than it could be.
const LOOKED_MAX: usize = 5_000;

/// Why a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The action needs approval (R09).
    Approval,
    /// The member is held for fraud (R11).
    Fraud,
}

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReviewState {
    /// Nobody has decided.
    Waiting,
    /// The effect goes out.
    Approved,
    /// It does not, and its money is free.
    Refused,
    /// The grant's time was over before anybody decided.
    Expired,
    /// The order that it rests on was refunded before anybody decided.
    Refunded,
    /// The member took back its consent before anybody decided.
    Withdrawn,
}

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The effect goes out.
    Approve,
    /// It does not.
    Refuse,
}

/// How a review ends without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Expired,
    Refunded,
    Withdrawn,
}

impl Why {
    /// As it is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Fraud => "fraud",
        }
    }
}

impl ReviewState {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Approved,
        Self::Refused,
        Self::Expired,
        Self::Refunded,
        Self::Withdrawn,
    ];

    /// As it is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl Verdict {
    const fn state(self) -> ReviewState {
        match self {
            Self::Approve => ReviewState::Approved,
            Self::Refuse => ReviewState::Refused,
        }
    }
}

/// What is asked of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) why: Why,
    /// Whether an approval has to follow.
    pub(crate) then_approval: bool,
    /// When the grant ends, unix-ms.
    pub(crate) ends: i64,
    pub(crate) requested_by: Option<String>,
    /// The account whose freeze keeps the effect back; `None`: it passes a freeze.
    pub(crate) account: Option<i64>,
    /// Purpose that the member has to consent to, when it goes out as well.
    pub(crate) purpose: Option<String>,
}

/// A review as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ReviewRow {
    asked: Asked,
    grant: GrantRow,
    at: i64,
    state: ReviewState,
    closed: Option<Closed>,
}

/// Who closed a review; "" for the host itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Closed {
    at: i64,
    by: String,
    reason: String,
}

/// A review as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its number among the brand's; ascending.
    pub number: u64,
    /// Why a person decides.
    pub why: Why,
    /// Where it stands.
    pub state: ReviewState,
    /// The member's id.
    pub member: String,
    /// Id of the decision.
    pub decision: String,
    /// What goes out if it is approved.
    pub effect: EffectSaid,
    /// When it was asked for, unix-ms.
    pub at: i64,
    /// When the grant ends, unix-ms.
    pub ends: i64,
    /// The person who asked for the decision, where one did: somebody else has to approve.
    pub requested_by: Option<String>,
    /// When it was closed, unix-ms.
    pub closed_at: Option<i64>,
    /// Who closed it; `None` while it waits, and where the host did.
    pub closed_by: Option<String>,
    /// Why, in the words of whoever closed it.
    pub reason: Option<String>,
}

/// What a person decides on a review.
#[derive(Debug)]
pub(crate) struct ReviewJob {
    number: u64,
    verdict: Verdict,
    by: String,
    reason: String,
}

/// Asks for a review of a grant whose money is reserved, and notes that it waits.
pub(crate) fn ask_for_review(
    rows: &mut GroupWork<'_, '_>,
    grant: &GrantRow,
    asked: Asked,
    done: &mut Done,
) -> Result<(), LedgerError> {
    done.marks.last_review += 1;
    let number = done.marks.last_review;
    let row = ReviewRow {
        asked,
        grant: grant.clone(),
        at: done.now,
        state: ReviewState::Waiting,
        closed: None,
    };
    put_value(rows, (space::REVIEWS, owner(number), b""), &row, OnRow::Stays)?;
    put_bytes(rows, (space::WAITING, owner(number), b""), b"", OnRow::Stays)?;
    put_value(rows, (space::REVIEWS, BRAND, b""), &number, OnRow::Goes)?;
    let mut note = read_note(rows, grant.member, &grant.key())?.unwrap_or_default();
    note.waits = Some(number);
    put_note(rows, grant, &note)
}

/// Rows of a review lie under its number, so that they can be taken away one by one; that of the last number under that of the
/// brand, which is 0.
fn owner(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn read_review(rows: &mut dyn ReadRows, number: u64) -> Result<Option<ReviewRow>, LedgerError> {
    if number == 0 {
        return Ok(None);
    }
    read_value(rows, space::REVIEWS, owner(number), b"")
}

/// Number of the last review; 0: none.
pub(crate) fn read_last_review(ledger: &Ledger) -> Result<u64, LedgerError> {
    Ok(read_value(&mut &*ledger, space::REVIEWS, BRAND, b"")?.unwrap_or(0))
}

/// Ends a review that nobody decided on.
pub(crate) fn end_review(
    rows: &mut GroupWork<'_, '_>,
    number: u64,
    ending: Ending,
    done: &Done,
) -> Result<(), LedgerError> {
    let row = read_review(rows, number)?;
    let Some(row) = row.filter(|row| row.state == ReviewState::Waiting) else { return Ok(()) };
    let state = match ending {
        Ending::Expired => ReviewState::Expired,
        Ending::Refunded => ReviewState::Refunded,
        Ending::Withdrawn => ReviewState::Withdrawn,
    };
    let closed = Closed { at: done.now, by: String::new(), reason: String::new() };
    close(rows, number, ReviewRow { state, closed: Some(closed), ..row })
}

fn close(rows: &mut GroupWork<'_, '_>, number: u64, row: ReviewRow) -> Result<(), LedgerError> {
    put_value(rows, (space::REVIEWS, owner(number), b""), &row, OnRow::Goes)?;
    rows.remove_rows(space::WAITING, owner(number)).map(|_| ())
}

/// Does what a person decided: the effect goes out, or its money is free again.
pub(crate) fn decide_review(
    live: &mut LiveGroup<'_, '_, '_>,
    job: ReviewJob,
    version: &Version,
    done: &mut Done,
) -> Result<Result<(), OnlineError>, LedgerError> {
    let ReviewJob { number, verdict, by, reason } = job;
    let Some(row) = read_review(live.rows(), number)? else {
        return Ok(Err(OnlineError::Unknown("review")));
    };
    if row.state != ReviewState::Waiting {
        let same = row.state == verdict.state()
            && row.closed.as_ref().is_some_and(|c| c.by == by && c.reason == reason);
        return Ok(if same { Ok(()) } else { Err(OnlineError::Reviewed(row.state)) });
    }
    if verdict == Verdict::Approve && row.asked.requested_by.as_ref() == Some(&by) {
        return Ok(Err(OnlineError::SamePerson));
    }
    let grant = row.grant.clone();
    if !matches!(live.rows().hold(&grant.key())?, Hold::Reserved(_)) {
        return Ok(Err(OnlineError::Closed("the grant was settled or released otherwise before")));
    }
    if read_member(live.rows(), grant.member)?.is_none() && verdict == Verdict::Approve {
        return Ok(Err(OnlineError::Unknown("review")));
    }
    let account = row.asked.account.filter(|_| verdict == Verdict::Approve).map(AccountId);
    if account.is_some_and(|account| live.rows().is_frozen(account)) {
        return Ok(Err(OnlineError::Frozen));
    }
    let purpose = row.asked.purpose.as_deref().filter(|_| verdict == Verdict::Approve);
    if let Some(purpose) = purpose {
        let kept = read_decision(live.rows(), grant.member, &grant.decision)?;
        let Some(kept) = kept else { return Ok(Err(OnlineError::Unknown("review"))) };
        let Some(facts) = read_version(live.rows(), &Digest(kept.version))? else {
            return Ok(Err(OnlineError::Unknown("review")));
        };
        let answers = answers_of(live.rows(), grant.member, version, &done.ids)?;
        if !still_consents(version, &answers, (purpose, &kept, &facts), done.now) {
            return Ok(Err(OnlineError::NoConsent));
        }
    }
    let closed = Some(Closed { at: done.now, by, reason });
    let asked = row.asked.clone();
    close(live.rows(), number, ReviewRow { state: verdict.state(), closed, ..row })?;
    let mut note = read_note(live.rows(), grant.member, &grant.key())?.unwrap_or_default();
    note.waits = None;
    match verdict {
        Verdict::Approve if asked.then_approval => {
            put_note(live.rows(), &grant, &note)?;
            let asked = Asked { why: Why::Approval, then_approval: false, ..asked };
            ask_for_review(live.rows(), &grant, asked, done)?;
        }
        Verdict::Approve => {
            put_effect(live.rows(), &grant, None, done)?;
            for reversal in 0..note.reversals.len() {
                put_effect(live.rows(), &grant, Some(reversal), done)?;
            }
            put_note(live.rows(), &grant, &note)?;
        }
        Verdict::Refuse => {
            release(live, &grant)?;
            put_note(live.rows(), &grant, &note)?;
        }
    }
    Ok(Ok(()))
}

impl Brand {
    /// Reviews with numbers after `after`, ascending, at most `limit`, in one state or in any; and the number to go on after, or
    /// none at the end. Those of members who were erased are left out.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn reviews(
        &self,
        state: Option<ReviewState>,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<Review>, Option<u64>), OnlineError> {
        let mut rows: Vec<(u64, ReviewRow)> = Vec::new();
        let (mut looked, mut last, mut is_cut) = (0, after, false);
        let space = match state {
            Some(ReviewState::Waiting) => space::WAITING,
            _ => space::REVIEWS,
        };
        let mut numbers: Vec<u64> = Vec::new();
        let scope = RowScope::After(Some((owner(after), b"")));
        self.reader.rows(space, scope, &mut |number, _, bytes| {
            if rows.len() + numbers.len() == limit || looked == LOOKED_MAX {
                is_cut = true;
                return Ok(false);
            }
            (last, looked) = (number.unsigned_abs(), looked + 1);
            if space == space::WAITING {
                numbers.push(last);
                return Ok(true);
            }
            let row: ReviewRow = value_of(bytes)?;
            if state.is_none_or(|state| state == row.state) {
                rows.push((last, row));
            }
            Ok(true)
        })?;
        for number in numbers {
            let row = read_review(&mut &*self.reader, number)?;
            rows.extend(row.map(|row| (number, row)));
        }
        let mut told = Vec::with_capacity(rows.len());
        for (number, row) in rows {
            told.extend(self.review_said(number, row)?);
        }
        Ok((told, is_cut.then_some(last)))
    }

    /// A review.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], or a fault of the storage.
    pub fn review(&self, number: u64) -> Result<Review, OnlineError> {
        let row = read_review(&mut &*self.reader, number)?;
        let told = row.map(|row| self.review_said(number, row)).transpose()?.flatten();
        told.ok_or(OnlineError::Unknown("review"))
    }

    /// Decides on a review: the effect goes out, or its money is free again. The same verdict again changes nothing.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], [`OnlineError::Reviewed`] where it was closed otherwise, [`OnlineError::SamePerson`] where `by`
    /// asked for it, [`OnlineError::Fields`] for a reason that is none, [`OnlineError::Frozen`].
    pub async fn decide_review(
        &self,
        number: u64,
        verdict: Verdict,
        by: &str,
        reason: &str,
    ) -> Result<Review, OnlineError> {
        let reason = crate::intake::reason(reason)?;
        let job = ReviewJob { number, verdict, by: by.to_owned(), reason };
        self.queue.ask(|reply| Job::Review(Box::new(job), reply)).await?;
        self.review(number)
    }

    fn review_said(&self, number: u64, row: ReviewRow) -> Result<Option<Review>, LedgerError> {
        let ReviewRow { asked, grant, at, state, closed } = row;
        let Asked { why, ends, requested_by, .. } = asked;
        let Some(member) = read_member(&mut &*self.reader, grant.member)? else { return Ok(None) };
        let kept = read_decision(&mut &*self.reader, grant.member, &grant.decision)?;
        let Some(kept) = kept else { return Ok(None) };
        let Some(facts) = self.facts(&Digest(kept.version))? else { return Ok(None) };
        let Some(effect) = kept.effect(grant.outcome, &facts) else { return Ok(None) };
        let (closed_at, said) = match closed {
            Some(Closed { at, by, reason }) => (Some(at), Some((by, reason))),
            None => (None, None),
        };
        let (closed_by, reason) = said.filter(|(by, _)| !by.is_empty()).unzip();
        Ok(Some(Review {
            number,
            why,
            state,
            member: member.id,
            decision: decision_id(grant.member, &grant.decision),
            effect,
            at,
            ends,
            requested_by,
            closed_at,
            closed_by,
            reason,
        }))
    }
}
