//! Audiences: the members of a segment, for the tools that send. Each member is evaluated when it is asked for, so that the answer
//! is what a decision would say.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures::stream;
use playbook_online::{Brand, OnlineError, SegmentCount};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::{AtQuery, OfBrand, OfSegment};
use crate::brand::Caller;
use crate::codes::Code;
use crate::json::Json;
use crate::live::{Live, apart, moment, moment_said};
use crate::page::{Asked, Page, PageQuery, Paging};
use crate::problem::Problem;
use crate::role::Role;

/// Members that are evaluated at once.
const LOOKED: usize = 500;
/// Members that are evaluated for one page at most: a small segment gives short pages.
const PAGE_LOOKED: usize = 5_000;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(count_segments))
        .routes(routes!(list_segment))
        .routes(routes!(export_segment))
}

/// How many members are in each segment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SegmentCounts)]
struct CountsBody {
    /// The moment, RFC 3339.
    at: String,
    /// Segments of all stages that sort members.
    items: Vec<CountBody>,
}

/// How many members are in a segment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SegmentCount)]
struct CountBody {
    /// Stage of the playbook.
    stage: String,
    /// Its name.
    segment: String,
    /// In words.
    text: String,
    /// Members.
    members: u64,
}

/// Count segments
///
/// How many members are in each segment at a moment, or now. Every member is evaluated for it, as for an export.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/segments", tag = "members",
    params(OfBrand, AtQuery),
    responses((status = 200, description = "The numbers.", body = CountsBody))
)]
async fn count_segments(
    Live(brand): Live,
    Asked(AtQuery { at }): Asked<AtQuery>,
) -> Result<Json<CountsBody>, Problem> {
    let at = moment_said("at", at)?;
    let (at, counts) = apart(brand, move |brand| brand.segment_counts(at)).await?;
    let items = counts.into_iter().map(|count| {
        let SegmentCount { stage, segment, text, members } = count;
        CountBody { stage, segment, text, members }
    });
    Ok(Json(CountsBody { at: moment(at), items: items.collect() }))
}

/// A member of a segment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SegmentMember)]
struct InSegment {
    /// Its id, or its pseudonym where the key sees no ids.
    #[schema(example = "m-42")]
    member: String,
}

/// Members that were looked at, on a thread that may wait, as a role names them.
async fn looked(
    (brand, role): (&Arc<Brand>, Role),
    segment: &(String, String),
    at: Option<i64>,
    after: Option<i64>,
) -> Result<(Vec<String>, Option<i64>), Problem> {
    let segment = segment.clone();
    apart(Arc::clone(brand), move |brand| {
        let (found, last) = brand.members_in((&segment.0, &segment.1), at, after, LOOKED)?;
        let named = found.iter().map(|id| role.names(brand, id));
        Ok::<_, OnlineError>((named.collect(), last))
    })
    .await
}

/// List a segment
///
/// Members who are in the segment now, in no order that says anything. A page of a small segment may be short; `next` goes on.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/segments/{stage}/{segment}/members", tag = "members",
    params(OfBrand, OfSegment, PageQuery),
    responses((status = 200, description = "A page of members.", body = Page<InSegment>))
)]
async fn list_segment(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, stage, segment)): Path<(String, String, String)>,
    paging: Paging,
) -> Result<Json<Page<InSegment>>, Problem> {
    let part = paging.of("segment")?;
    let after = part.after().map(str::parse).transpose();
    let mut after = after.map_err(|_| Problem::new(Code::CursorInvalid))?;
    let segment = (stage, segment);
    let mut rows = Vec::new();
    for _ in 0..PAGE_LOOKED / LOOKED {
        let (found, last) = looked((&brand, key.role), &segment, None, after).await?;
        rows.extend(found.into_iter().map(|member| InSegment { member }));
        after = last;
        if after.is_none() || rows.len() >= part.fetch() {
            break;
        }
    }
    // Whole looks: a page may hold some members more than were asked for, and none is told twice.
    Ok(Json(part.open_page(rows, after.map(|key| key.to_string()))))
}

/// Export a segment
///
/// All members who are in the segment at a moment, one JSON object a line.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/segments/{stage}/{segment}/export", tag = "members",
    params(OfBrand, OfSegment, AtQuery),
    responses((status = 200, description = "Members, one a line.", content_type = "application/x-ndjson", body = String))
)]
async fn export_segment(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, stage, segment)): Path<(String, String, String)>,
    Asked(AtQuery { at }): Asked<AtQuery>,
) -> Result<Response, Problem> {
    let at = moment_said("at", at)?;
    let segment = (stage, segment);
    // The first look comes before the answer: what is wrong is told as a problem.
    let role = key.role;
    let first = looked((&brand, role), &segment, at, None).await?;
    let rest = stream::unfold((first.1, false), move |(after, has_failed)| {
        let (brand, segment) = (Arc::clone(&brand), segment.clone());
        async move {
            let after = after.filter(|_| !has_failed)?;
            match looked((&brand, role), &segment, at, Some(after)).await {
                Ok((found, last)) => Some((Ok(lines(&found)), (last, false))),
                // The connection is cut: a client sees that the export is not whole.
                Err(_) => Some((Err(std::io::Error::other("the export failed")), (None, true))),
            }
        }
    });
    let first = stream::once(async move { Ok(lines(&first.0)) });
    let mut response = Response::new(Body::from_stream(futures::StreamExt::chain(first, rest)));
    let media = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    Ok(response)
}

fn lines(members: &[String]) -> Bytes {
    let line = |member: &String| {
        let member = InSegment { member: member.clone() };
        serde_json::to_string(&member).expect("a text is JSON") + "\n"
    };
    members.iter().map(line).collect::<String>().into()
}
