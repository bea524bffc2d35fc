//! The brand behind a request, and what its answers become on their way to a client.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use playbook_model::reasons;
use playbook_online::{Brand, EvaluateError, FieldError, OnlineError, OpenError, SwapError};
use serde::Serialize;
use tracing::Span;
use utoipa::ToSchema;

use crate::brand::InBrand;
use crate::codes::Code;
use crate::problem::Problem;
use crate::shared::Shared;

/// The brand that the path names, live.
#[derive(Debug, Clone)]
pub(crate) struct Live(pub(crate) Arc<Brand>);

impl FromRequestParts<Arc<Shared>> for Live {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Problem> {
        let InBrand(brand) = InBrand::from_request_parts(parts, shared).await?;
        let live = shared.directory.live(&brand.name);
        live.map(Self).ok_or_else(|| Problem::new(Code::BrandNotServing).retry_after(SOON))
    }
}

/// When to come again where nothing tells more.
const SOON: Duration = Duration::from_secs(1);

/// A field that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldFault {
    /// Its name.
    #[schema(example = "amount_minor")]
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) problem: String,
    /// What was expected.
    pub(crate) expected: String,
}

impl From<FieldError> for FieldFault {
    fn from(error: FieldError) -> Self {
        Self { field: error.field, problem: error.what.to_owned(), expected: error.expected }
    }
}

impl From<OnlineError> for Problem {
    /// What a client is told; what only concerns the host goes to the log.
    fn from(error: OnlineError) -> Self {
        match error {
            OnlineError::Fields(errors) => {
                let faults = errors.into_iter().map(FieldFault::from).collect();
                Self::new(Code::FieldInvalid).faults(faults)
            }
            OnlineError::OtherRequest => Self::new(Code::IdempotencyKeyReused),
            OnlineError::Unknown(what) => Self::new(match what {
                "member" => Code::MemberNotFound,
                "account" => Code::AccountNotFound,
                "grant" => Code::GrantNotFound,
                "segment" => Code::SegmentNotFound,
                "alert" => Code::AlertNotFound,
                "review" => Code::ReviewNotFound,
                "request" => Code::MoneyRequestNotFound,
                "access grant" => Code::AccessNotFound,
                "undelivered effect" => Code::UndeliveredNotFound,
                _ => Code::DecisionNotFound,
            }),
            OnlineError::Cursor => Self::new(Code::CursorInvalid),
            OnlineError::Closed(why) => Self::new(Code::GrantClosed).detail(why),
            OnlineError::TooLate => Self::new(Code::JoinedTooLong),
            OnlineError::AlertClosed => Self::new(Code::AlertClosed),
            OnlineError::Ended => Self::new(Code::GrantExpired),
            OnlineError::Waits => Self::new(Code::GrantWaits),
            OnlineError::Reviewed(state) => {
                Self::new(Code::ReviewClosed).detail(format!("it is {}", state.name()))
            }
            OnlineError::Answered(state) => {
                Self::new(Code::MoneyRequestAnswered).detail(format!("it is {}", state.name()))
            }
            OnlineError::NotFree { free } => {
                Self::new(Code::MoneyNotFree).detail(format!("it can give {} minor units", free.0))
            }
            OnlineError::AccessClosed(state) => {
                Self::new(Code::AccessClosed).detail(format!("it is {}", state.name()))
            }
            OnlineError::SamePerson => Self::new(Code::SamePerson),
            OnlineError::NoConsent => Self::new(Code::ConsentMissing),
            OnlineError::Frozen => Self::new(Code::Frozen),
            OnlineError::Busy => Self::new(Code::BrandQueueFull).retry_after(SOON),
            OnlineError::Stopping | OnlineError::Overtaken | OnlineError::ClosedElsewhere => {
                Self::new(Code::NotReady).retry_after(SOON)
            }
            OnlineError::Replaced => Self::new(Code::VersionOutdated),
            OnlineError::Evaluate(error) => of_evaluation(&error),
            error @ (OnlineError::Storage(_) | OnlineError::Commit(_)) => {
                tracing::error!(reason = reasons(&error), "a brand could not store a request");
                Self::new(Code::StorageFailed).retry_after(SOON)
            }
        }
    }
}

/// A guest's fault is told, a host's goes to the log.
fn of_evaluation(error: &EvaluateError) -> Problem {
    if let EvaluateError::Cycle(cycle) = error
        && let Some(stage) = cycle.stage_at_fault()
    {
        if let Some(retry_ms) = cycle.retry_ms() {
            let detail = format!("the stage `{stage}` is closed");
            let wait = Duration::from_millis(retry_ms);
            return Problem::new(Code::StageClosed).detail(detail).retry_after(wait);
        }
        tracing::warn!(stage, reason = reasons(error), "a stage failed and closes on faults");
        return Problem::new(Code::StageFailed).detail(format!("the stage `{stage}` failed"));
    }
    if let EvaluateError::Previous(_) = error {
        tracing::error!(reason = reasons(error), "what closed cycles left could not be read");
        return Problem::new(Code::StorageFailed).retry_after(SOON);
    }
    tracing::error!(reason = reasons(error), "a member could not be evaluated");
    Problem::new(Code::Internal)
}

/// Runs what reads much, or opens plugins, on a thread that may wait. It goes on where the client goes away.
pub(crate) async fn apart<T, E>(
    brand: Arc<Brand>,
    work: impl FnOnce(&Brand) -> Result<T, E> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: Send + 'static,
    Problem: From<E>,
{
    let span = Span::current();
    let done = tokio::task::spawn_blocking(move || span.in_scope(|| work(&brand))).await;
    let done = done.map_err(|error| {
        tracing::error!(%error, "work for a brand ended by a panic");
        Problem::new(Code::Internal)
    })?;
    Ok(done?)
}

/// A problem of a playbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PlaybookFault {
    /// Stable, kebab-case.
    #[schema(example = "unknown-key")]
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) message: String,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// Line of the file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    /// Column in the line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<usize>,
}

impl From<SwapError> for Problem {
    /// What a client is told of a version that is not swapped.
    fn from(error: SwapError) -> Self {
        match error {
            SwapError::Open(OpenError::Faulty(problems)) => {
                let fault = |problem: &playbook_toml::Problem| {
                    let place = problems.position(problem);
                    PlaybookFault {
                        code: problem.code,
                        message: problem.message.clone(),
                        expected: problem.expected.clone(),
                        hint: problem.hint.clone(),
                        line: place.map(|(_, line, _)| line),
                        column: place.map(|(.., column)| column),
                    }
                };
                let faults = problems.problems.iter().map(fault).collect();
                Self::new(Code::PlaybookFaulty).problems(faults)
            }
            SwapError::Open(OpenError::Foreign(why)) => {
                Self::new(Code::PlaybookForeign).detail(why)
            }
            SwapError::Open(error @ OpenError::Other(_)) => {
                tracing::error!(reason = reasons(&error), "a version cannot be opened");
                Self::new(Code::Internal)
            }
            error @ SwapError::Failing { .. } => {
                Self::new(Code::VersionFailing).detail(error.to_string())
            }
            SwapError::NoCandidate => Self::new(Code::CandidateNotFound),
            SwapError::Unknown => Self::new(Code::VersionNotFound),
            SwapError::Online(error) => error.into(),
        }
    }
}

/// A moment as clients see it: RFC 3339 in UTC.
pub(crate) fn moment(unix_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms)
        .map_or_else(|_| unix_ms.to_string(), |at| at.to_string())
}

/// A moment that a client says in the field `at`, where it says one.
pub(crate) fn moment_of(value: Option<serde_json::Value>) -> Result<Option<i64>, Problem> {
    moment_in("at", value)
}

/// A moment that a parameter says, where it is there.
pub(crate) fn moment_said(field: &str, text: Option<String>) -> Result<Option<i64>, Problem> {
    let value = text.map(|text| text.parse::<i64>().map_or_else(|_| text.into(), Into::into));
    moment_in(field, value)
}

fn moment_in(field: &str, value: Option<serde_json::Value>) -> Result<Option<i64>, Problem> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let fault = || {
        Problem::new(Code::FieldInvalid).faults(vec![FieldFault {
            field: field.to_owned(),
            problem: "is no time".to_owned(),
            expected: "RFC 3339, or unix milliseconds".to_owned(),
        }])
    };
    playbook_online::time(&value).map(Some).ok_or_else(fault)
}
