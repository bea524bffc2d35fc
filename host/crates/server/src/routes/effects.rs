//! Effects that were granted, for the systems that carry them out: in pages, or as they come (server-sent events). Both come in
//! the order of their numbers, which is that of each member too, and can be read again from any number: at least once.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use futures::stream;
use playbook_online::{Brand, Effect, Reversal};
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::decisions::EffectBody;
use super::parts::OfBrand;
use crate::codes::Code;
use crate::json::Json;
use crate::live::{Live, moment};
use crate::page::{Page, PageQuery, Paging};
use crate::problem::Problem;
use crate::shared::Shared;

/// Effects that are read at once for a stream.
const READ: usize = 100;
/// How long a stream says nothing before it says that it is there.
const SILENCE: Duration = Duration::from_secs(15);
/// How often a stream looks whether the service stops.
const LOOK: Duration = Duration::from_millis(500);

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(list_effects)).routes(routes!(stream_effects))
}

/// An effect to be carried out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DueEffect)]
struct DueBody {
    /// Its number among the brand's, ascending: what was carried out is known by it.
    number: u64,
    /// The decision that granted it.
    decision: String,
    /// The member.
    member: String,
    /// When it was granted, RFC 3339.
    at: String,
    /// What it is; its status is "granted", or "reversed" where it was told before and is to be undone.
    effect: EffectBody,
    /// How it is to be undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    reversal: Option<ReversalBody>,
}

/// How an effect that was told before is to be undone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reversal)]
struct ReversalBody {
    /// "refund" (of its order), "withdrawn" (the member took back its consent) or "expired" (nobody settled it in time).
    why: &'static str,
    /// Id of the refund's event.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    /// "released" (all that was reserved is free), "lowered" (it is settled with that much less) or "recovered" (what was paid
    /// came back).
    how: &'static str,
    /// How much, in minor units.
    amount_minor: i64,
    /// When, RFC 3339.
    at: String,
}

impl From<Reversal> for ReversalBody {
    fn from(reversal: Reversal) -> Self {
        let why = reversal.why();
        let Reversal { refund, how, amount_minor, at } = reversal;
        Self { why, event: refund, how: how.name(), amount_minor, at: moment(at) }
    }
}

impl From<Effect> for DueBody {
    fn from(effect: Effect) -> Self {
        Self {
            number: effect.number,
            decision: effect.decision,
            member: effect.member,
            at: moment(effect.at),
            effect: effect.effect.into(),
            reversal: effect.reversal.map(ReversalBody::from),
        }
    }
}

/// An effect as clients read it, JSON.
///
/// # Panics
/// Never: texts and numbers are JSON.
#[must_use]
pub fn effect_body(effect: Effect) -> Vec<u8> {
    serde_json::to_vec(&DueBody::from(effect)).expect("texts and numbers are JSON")
}

/// List effects
///
/// Effects that were granted and wait for nobody's review, in the order in which they went out, and those that are to be undone.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/effects", tag = "effects",
    params(OfBrand, PageQuery),
    responses((status = 200, description = "A page of effects.", body = Page<DueBody>))
)]
async fn list_effects(Live(brand): Live, paging: Paging) -> Result<Json<Page<DueBody>>, Problem> {
    let part = paging.of("effects")?;
    let after = part.after().map_or(Ok(0), str::parse);
    let mut after = after.map_err(|_| Problem::new(Code::CursorInvalid))?;
    let mut rows: Vec<(String, Effect)> = Vec::new();
    // Effects of erased members leave gaps.
    while rows.len() < part.fetch() {
        let (effects, last) = brand.effects(after, part.fetch() - rows.len())?;
        if last == after {
            break;
        }
        after = last;
        rows.extend(effects.into_iter().map(|effect| (effect.number.to_string(), effect)));
    }
    Ok(Json(part.page(rows, |(number, _)| number).map(|(_, effect)| effect.into())))
}

/// Stream effects
///
/// Server-sent events: each has the number of its effect as `id` and the effect as `data`. A client that comes again sends the
/// last number in the header `Last-Event-ID` and misses nothing; without it the stream begins with the next effect.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/effects/stream", tag = "effects",
    params(
        OfBrand,
        ("Last-Event-ID" = Option<u64>, Header, description = "Number of the last effect that came; 0: from the beginning.")
    ),
    responses((status = 200, description = "Effects as they come.", content_type = "text/event-stream", body = String))
)]
async fn stream_effects(
    State(shared): State<Arc<Shared>>,
    Live(brand): Live,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let seen = brand.effects_seen();
    let after = match headers.get("last-event-id") {
        None => *seen.borrow(),
        Some(value) => value.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
            Problem::new(Code::RequestInvalid).detail("`Last-Event-ID` is no number of an effect")
        })?,
    };
    let reading = Reading { shared, brand, seen, after, said: Instant::now() };
    // The first bytes tell the client that it is heard.
    let hello = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b": effects\n\n")) });
    let events = stream::unfold(reading, |reading| async { reading.next().await });
    let body = Body::from_stream(futures::StreamExt::chain(hello, events));
    let mut response = Response::new(body);
    let media = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    Ok(response)
}

/// A stream of effects.
struct Reading {
    shared: Arc<Shared>,
    brand: Arc<Brand>,
    seen: watch::Receiver<u64>,
    after: u64,
    /// When something was last said.
    said: Instant,
}

impl Reading {
    /// The next bytes; `None`: the service stops, or the brand cannot be read.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            if self.shared.is_stopping() {
                return None;
            }
            if *self.seen.borrow_and_update() > self.after {
                let (effects, last) = match self.brand.effects(self.after, READ) {
                    Ok(read) => read,
                    Err(error) => {
                        tracing::error!(%error, "effects cannot be read");
                        return None;
                    }
                };
                self.after = last;
                let text: String = effects.into_iter().map(told).collect();
                if !text.is_empty() {
                    return Some(self.say(text));
                }
                continue;
            }
            if self.said.elapsed() > SILENCE {
                return Some(self.say(": nothing new\n\n".to_owned()));
            }
            // An end of the brand shows at the next look.
            let _ = tokio::time::timeout(LOOK, self.seen.changed()).await;
        }
    }

    fn say(mut self, text: String) -> (Result<Bytes, Infallible>, Self) {
        self.said = Instant::now();
        (Ok(text.into()), self)
    }
}

fn told(effect: Effect) -> String {
    let number = effect.number;
    let data = effect_body(effect);
    format!("id: {number}\nevent: effect\ndata: {}\n\n", String::from_utf8_lossy(&data))
}
