//! A failure on its way to a client, as RFC 9457 has it.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use playbook_model::reasons;
use serde::Serialize;
use utoipa::ToSchema;

use crate::codes::Code;
use crate::error::ServerError;
use crate::live::{FieldFault, PlaybookFault};

/// The media type of failures.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// A failure on its way to a client. It travels beside an empty answer until `layers::observe` writes it out, which knows
/// the request's id.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    code: Code,
    detail: Option<String>,
    field: Option<&'static str>,
    place: Option<Place>,
    faults: Vec<FieldFault>,
    problems: Vec<PlaybookFault>,
    headers: HeaderMap,
}

/// Where in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// From 1.
    pub(crate) line: usize,
    /// From 1; 0 before the first letter of a line.
    pub(crate) column: usize,
}

/// What went wrong. `code` never changes its meaning; texts may.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// Where the code is explained.
    r#type: String,
    /// Stable and kebab-case; programs go by it.
    #[schema(example = "brand-not-found")]
    code: &'a str,
    /// What the code means.
    title: &'a str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What went wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// What to do.
    hint: &'a str,
    /// Id of the request, also in the header `x-request-id`; logs of the host have it.
    instance: &'a str,
    /// Field of the body that is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// Every field that is at fault.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldFault],
    /// Every problem of a playbook.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    problems: &'a [PlaybookFault],
    /// Line of the body that is at fault, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Column in that line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

impl Problem {
    /// A failure of which its code says all.
    pub(crate) fn new(code: Code) -> Self {
        let mut headers = HeaderMap::new();
        if code.row().status == 401 {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"playbook\""),
            );
        }
        Self {
            code,
            detail: None,
            field: None,
            place: None,
            faults: Vec::new(),
            problems: Vec::new(),
            headers,
        }
    }

    /// Adds what went wrong this time, in words for outside: no path of this machine, no words of a database.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Names the field of the body.
    pub(crate) fn field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// Names every field at fault.
    pub(crate) fn faults(mut self, faults: Vec<FieldFault>) -> Self {
        self.faults = faults;
        self
    }

    /// Names every problem of a playbook.
    pub(crate) fn problems(mut self, problems: Vec<PlaybookFault>) -> Self {
        self.problems = problems;
        self
    }

    /// Tells where in the body.
    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Tells when to come again, in whole seconds.
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// Adds a header to the answer.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// What went wrong this time.
    pub(crate) fn details(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Every field at fault.
    pub(crate) fn fields(&self) -> &[FieldFault] {
        &self.faults
    }

    /// Every problem of a playbook.
    pub(crate) fn playbook(&self) -> &[PlaybookFault] {
        &self.problems
    }

    pub(crate) const fn code(&self) -> Code {
        self.code
    }

    /// The answer's body, for the request of that id.
    pub(crate) fn body(&self, request: &str) -> Vec<u8> {
        let row = self.code.row();
        let body = ProblemBody {
            r#type: format!("/docs/api#{}", row.name),
            code: row.name,
            title: row.title,
            status: row.status,
            detail: self.detail.as_deref(),
            hint: row.hint,
            instance: request,
            field: self.field,
            errors: &self.faults,
            problems: &self.problems,
            line: self.place.map(|place| place.line),
            column: self.place.map(|place| place.column),
        };
        serde_json::to_vec(&body).expect("texts and numbers are JSON")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        let status = self.code.row().status;
        *response.status_mut() = StatusCode::from_u16(status).expect("the list has HTTP statuses");
        response.headers_mut().extend(self.headers.clone());
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ServerError> for Problem {
    /// What a client is told of an error; whatever only concerns the host goes to the log and nowhere else.
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::NoKey { id } => {
                Self::new(Code::KeyNotFound).detail(format!("no key has the id {id:?}"))
            }
            ServerError::LastAdminKey { .. } => Self::new(Code::LastAdminKey),
            ServerError::TooManyKeys { max } => {
                Self::new(Code::TooManyKeys).detail(format!("there are {max} keys"))
            }
            ServerError::KeyRefused { field, problem } => {
                Self::new(Code::FieldInvalid).field(field).detail(problem)
            }
            ServerError::MadeBefore { id } => {
                Self::new(Code::KeyMadeBefore).detail(format!("it made the key `{id}`"))
            }
            ServerError::OnceReused { id } => {
                Self::new(Code::IdempotencyKeyReused).detail(format!("it made the key `{id}`"))
            }
            error => {
                let reason = reasons(&error);
                tracing::error!(reason, "a request failed for a fault of the host");
                let stores = matches!(error, ServerError::File(_));
                Self::new(if stores { Code::StorageFailed } else { Code::Internal })
            }
        }
    }
}
