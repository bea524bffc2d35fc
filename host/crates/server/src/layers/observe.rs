//! The outermost layer: each request has an id and a span, each failure is written out, each answer has the headers that all
//! have. [`Seen::end`] is the one place where operation, status and duration of a request are known together.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, Entry};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, error_span};

use crate::codes::Code;
use crate::meters::Meters;
use crate::operations::Operation;
use crate::problem::{PROBLEM_JSON, Problem};
use crate::shared::Shared;

/// Carries the request's id, both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Letters of an id that a client may choose.
const ID_LETTERS_MAX: usize = 64;

/// What is found out about a request on its way in, for its span and for what is told when it ends.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    id: Arc<str>,
    span: Span,
    begun: Instant,
    operation: Arc<OnceLock<&'static Operation>>,
}

impl Seen {
    /// What this request's layer made; a request without it is a fault of the program, and is not told then.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(|| Self::begin("", Span::none()))
    }

    fn begin(id: &str, span: Span) -> Self {
        Self { id: id.into(), span, begun: Instant::now(), operation: Arc::default() }
    }

    /// The request's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Which operation it asks for.
    pub(crate) fn operation(&self, operation: &'static Operation) {
        self.span.record("operation", operation.id);
        _ = self.operation.set(operation);
    }

    /// Which key it comes with.
    pub(crate) fn key(&self, id: &str) {
        self.span.record("key", id);
    }

    /// Which brand it is about.
    pub(crate) fn brand(&self, name: &str) {
        self.span.record("brand", name);
    }

    /// The head of the answer goes out: all that measures requests stands here.
    fn end(&self, status: StatusCode, meters: &Meters) {
        let operation = self.operation.get().copied();
        self.span.record("status", status.as_u16());
        let micros = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        meters.answered(operation, status, micros);
        let operation = operation.map_or("none", |operation| operation.id);
        tracing::debug!(operation, status = status.as_u16(), micros, "answered");
    }
}

/// Answers with what the layers within answer, whole: with id, headers, and a body for each failure.
pub(crate) async fn observe(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = shared.request_ids.of(request.headers());
    let version = request.version();
    // At this level so that whatever is logged of a request says which it was.
    let span = error_span!(
        "request",
        id = %id.0, method = %request.method(), operation = Empty, key = Empty, brand = Empty, status = Empty
    );
    if let Some(parent) = shared.parent {
        parent(request.headers(), &span);
    }
    let seen = Seen::begin(&id.0, span.clone());
    request.extensions_mut().insert(seen.clone());
    let answered = async move { next.run(request).await };
    let finished = async {
        let mut response = match AssertUnwindSafe(answered).catch_unwind().await {
            Ok(response) => response,
            Err(panic) => {
                tracing::error!(panic = words(panic.as_ref()), "a handler panicked");
                Problem::new(Code::Internal).into_response()
            }
        };
        write_problem(&mut response, &id.0, version);
        dress(response.headers_mut(), id.1, shared.speaks_tls);
        seen.end(response.status(), &shared.meters);
        response
    };
    finished.instrument(span).await
}

/// What a panic says.
fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}

/// Says of an answer that it has its body, though it is a failure: a page tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown;

/// Gives a failure its body: the problem that travels beside it, or the plainest one of its status where some library
/// answered by itself.
fn write_problem(response: &mut Response, id: &str, version: Version) {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return;
    }
    let problem = response.extensions_mut().remove::<Problem>();
    let problem = problem.unwrap_or_else(|| Problem::new(Code::of_status(status.as_u16())));
    if response.extensions().get::<Shown>().is_none() {
        *response.body_mut() = Body::from(problem.body(id));
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    }
    // What is left of the body is not waited for. HTTP/2 ends the one stream and knows no such header.
    let cut = matches!(problem.code(), Code::BodyTooSlow | Code::BodyTooLarge);
    if cut && version <= Version::HTTP_11 {
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Headers of every answer; a page may bring a policy and a cache rule of its own.
fn dress(headers: &mut HeaderMap, id: HeaderValue, speaks_tls: bool) {
    headers.insert(REQUEST_ID, id);
    let given = [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in given {
        if let Entry::Vacant(vacant) = headers.entry(name) {
            vacant.insert(HeaderValue::from_static(value));
        }
    }
    if speaks_tls {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}

/// Ids of requests: random for this process, then counted.
#[derive(Debug)]
pub(crate) struct RequestIds {
    process: u64,
    next: std::sync::atomic::AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self { process: getrandom::u64()?, next: 0.into() })
    }

    /// The id that the client chose, where it can stand in a log as it is; else a new one.
    fn of(&self, headers: &HeaderMap) -> (String, HeaderValue) {
        let chosen = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let is_plain = |text: &&str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:".contains(&b);
            (1..=ID_LETTERS_MAX).contains(&text.len()) && text.bytes().all(plain)
        };
        let id = chosen.filter(is_plain).map_or_else(|| self.new_id(), str::to_owned);
        let value = HeaderValue::try_from(&id).expect("letters and digits are a header's value");
        (id, value)
    }

    fn new_id(&self) -> String {
        let number = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // Of one length, so that answers that are to look alike do not differ by it.
        format!("{:016x}-{number:010x}", self.process)
    }
}
