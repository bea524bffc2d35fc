//! Events in: one at a time, or many as lines of JSON.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use playbook_online::EventFate;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::OfBrand;
use crate::codes::Code;
use crate::json::{Json, whole};
use crate::live::{FieldFault, Live};
use crate::problem::{Place, Problem};

/// Events of one batch at most.
const BATCH_MAX: usize = 10_000;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(add_event)).routes(routes!(add_events))
}

/// An event of a member: these fields, and those of the brand's playbook beside them.
#[derive(Debug, ToSchema)]
#[schema(as = Event)]
#[expect(dead_code, reason = "the document shows it; events are read by the playbook's own fields")]
struct EventBody {
    /// Its id, of the sender's choice: the same event sent again is taken once.
    #[schema(example = "order-1001")]
    event_id: String,
    /// Whose it is.
    #[schema(example = "m-42")]
    member: String,
    /// When it happened: RFC 3339, or unix milliseconds. Late events are welcome.
    #[schema(example = "2026-06-30T09:30:00+08:00")]
    time: String,
    /// What happened: a kind of the host or of the brand's own.
    #[schema(example = "order_paid")]
    kind: String,
    /// Money in minor units of the playbook's currency.
    #[schema(example = 12900)]
    amount_minor: Option<i64>,
    /// Where it happened.
    #[schema(example = "web-shop")]
    channel: Option<String>,
}

/// What became of an event.
#[derive(Debug, Serialize, ToSchema)]
struct EventAnswer {
    /// "accepted", or "duplicate" where it was kept before.
    #[schema(example = "accepted")]
    status: &'static str,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
struct BatchAnswer {
    /// Events that are kept now.
    accepted: usize,
    /// Events that were kept before.
    duplicates: usize,
    /// Lines that were not taken; all others were.
    refused: Vec<RefusedLine>,
}

/// A line of a batch that was not taken.
#[derive(Debug, Serialize, ToSchema)]
struct RefusedLine {
    /// Its number, from 1.
    line: usize,
    /// Why: a code of this API.
    #[schema(example = "field-invalid")]
    code: &'static str,
    /// The fields at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldFault>,
}

/// Add an event
///
/// Answered when it is on disk. The same event again is a duplicate; another event of the member under the same id is refused.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/events", tag = "events",
    params(OfBrand),
    request_body = EventBody,
    responses((status = 200, description = "The event is kept.", body = EventAnswer))
)]
async fn add_event(
    Live(brand): Live,
    Json(event): Json<Map<String, Value>>,
) -> Result<Json<EventAnswer>, Problem> {
    let fates = brand.events(std::slice::from_ref(&event)).await?;
    let fate = fates.into_iter().next().ok_or_else(|| Problem::new(Code::Internal))?;
    match fate {
        Ok(EventFate::Accepted) => Ok(Json(EventAnswer { status: "accepted" })),
        Ok(EventFate::Duplicate) => Ok(Json(EventAnswer { status: "duplicate" })),
        Ok(EventFate::OtherEvent) => Err(Problem::new(Code::EventIdReused)),
        Ok(EventFate::RecordFull) => Err(Problem::new(Code::RecordFull)),
        Ok(EventFate::WithoutOrder) => Err(Problem::new(Code::OrderUnknown)),
        Err(errors) => {
            let faults = errors.into_iter().map(FieldFault::from).collect();
            Err(Problem::new(Code::FieldInvalid).faults(faults))
        }
    }
}

/// Add events
///
/// One JSON object a line (`application/x-ndjson`), at most 10,000. Lines that cannot be taken are told; all others are kept.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/events/batch", tag = "events",
    params(OfBrand),
    request_body(content = String, content_type = "application/x-ndjson", description = "Events, one a line."),
    responses((status = 200, description = "What became of the lines.", body = BatchAnswer))
)]
async fn add_events(Live(brand): Live, request: Request) -> Result<Json<BatchAnswer>, Problem> {
    if !is_lines(request.headers()) {
        let detail = "a batch is sent with the header `Content-Type: application/x-ndjson`";
        return Err(Problem::new(Code::ContentTypeUnsupported).detail(detail));
    }
    let events = lines(request.into_body()).await?;
    let (numbers, events): (Vec<usize>, Vec<Map<String, Value>>) = events.into_iter().unzip();
    let fates = brand.events(&events).await?;
    let mut answer = BatchAnswer { accepted: 0, duplicates: 0, refused: Vec::new() };
    for (line, fate) in numbers.into_iter().zip(fates) {
        let (code, errors) = match fate {
            Ok(EventFate::Accepted) => {
                answer.accepted += 1;
                continue;
            }
            Ok(EventFate::Duplicate) => {
                answer.duplicates += 1;
                continue;
            }
            Ok(EventFate::OtherEvent) => (Code::EventIdReused, Vec::new()),
            Ok(EventFate::RecordFull) => (Code::RecordFull, Vec::new()),
            Ok(EventFate::WithoutOrder) => (Code::OrderUnknown, Vec::new()),
            Err(errors) => (Code::FieldInvalid, errors.into_iter().map(FieldFault::from).collect()),
        };
        answer.refused.push(RefusedLine { line, code: code.row().name, errors });
    }
    Ok(Json(answer))
}

fn is_lines(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/x-ndjson")
}

/// The objects of a body with the numbers of their lines. A line that is no object fails the whole batch, before anything of
/// it is kept: whoever wrote it writes something else than lines of JSON.
async fn lines(body: Body) -> Result<Vec<(usize, Map<String, Value>)>, Problem> {
    let bytes = whole(body).await?;
    let mut events = Vec::new();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if events.len() == BATCH_MAX {
            let detail = format!("a batch has at most {BATCH_MAX} events");
            return Err(Problem::new(Code::BodyTooLarge).detail(detail));
        }
        let event = serde_json::from_slice(line).map_err(|error| {
            let place = Place { line: number, column: error.column() };
            Problem::new(Code::JsonMalformed).detail("each line is one JSON object").at(place)
        })?;
        events.push((number, event));
    }
    Ok(events)
}
