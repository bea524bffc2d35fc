//! Why a brand does not answer.

use playbook_ledger::LedgerError;
use playbook_model::Minor;

use crate::access::AccessState;
use crate::columns::FieldError;
use crate::requests::MoneyRequestState;
use crate::reviews::ReviewState;
use crate::version::EvaluateError;

/// Why a request is not answered.
#[derive(Debug, thiserror::Error)]
pub enum OnlineError {
    /// Fields that cannot be taken.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Fields(Vec<FieldError>),
    /// The key was used for another request.
    #[error("this idempotency key was used for another request")]
    OtherRequest,
    /// There is no such decision, grant or member.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// Where a list is to go on is no place of this list.
    #[error("the list has no such place")]
    Cursor,
    /// A grant that was settled or released otherwise already, or that is settled with more than it reserved.
    #[error("{0}")]
    Closed(&'static str),
    /// Accounts that were joined more than 90 days ago.
    #[error("accounts are parted within 90 days")]
    TooLate,
    /// An alert that was closed otherwise already.
    #[error("the alert was closed before")]
    AlertClosed,
    /// The grant's time was over before it was settled; its money is free again.
    #[error("the grant's time is over")]
    Ended,
    /// A person has to approve the grant before it is settled or released.
    #[error("the grant waits for a review")]
    Waits,
    /// The review was closed otherwise.
    #[error("the review is closed: {}", .0.name())]
    Reviewed(ReviewState),
    /// The request for money was answered otherwise.
    #[error("the request was answered: {}", .0.name())]
    Answered(MoneyRequestState),
    /// A pool cannot give what is asked for.
    #[error("the pool can give {} minor units", .free.0)]
    NotFree {
        /// What it can give.
        free: Minor,
    },
    /// The grant of access is not one to be approved any more.
    #[error("the grant of access is {}", .0.name())]
    AccessClosed(AccessState),
    /// Whoever asked does not approve.
    #[error("somebody else has to approve what this person asked for")]
    SamePerson,
    /// The member does not consent, or no longer, to the purpose of what should go out (R05).
    #[error("the member does not consent to the purpose")]
    NoConsent,
    /// What should go out is frozen.
    #[error("the stage, or all of the brand, is frozen")]
    Frozen,
    /// More waits than may wait.
    #[error("the brand has more requests waiting than it may have")]
    Busy,
    /// Another host made a version the one that decides, before this one could.
    #[error(
        "another host made a version the one that decides meanwhile; look which one, and do it again"
    )]
    Overtaken,
    /// Closed cycles left something for the version that is kept no longer.
    #[error("what closed cycles left for the version is kept no longer; offer it again")]
    Replaced,
    /// Another host closed the cycle, which the schedule of both says.
    #[error("another host has closed the cycle")]
    ClosedElsewhere,
    /// The writer has stopped.
    #[error("the brand is stopping")]
    Stopping,
    /// A member cannot be evaluated.
    #[error("the member cannot be decided on")]
    Evaluate(#[from] EvaluateError),
    /// The storage failed; nothing of the request was kept, or it is not known.
    #[error("the storage failed")]
    Storage(#[from] LedgerError),
    /// What was committed together with the request failed.
    #[error("the commit failed: {0}")]
    Commit(String),
}
