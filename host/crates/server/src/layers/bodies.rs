//! The layer that bounds what a client sends: headers in number, the body in size and time.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body::Body as _;

use crate::bounded::{BodyFault, Bounded};
use crate::codes::Code;
use crate::problem::Problem;
use crate::shared::Shared;

/// Refuses what is announced to be too large, and lets the rest be read within its bounds.
pub(crate) async fn bodies(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers().len();
    // HTTP/1 has this bound in its parser too; HTTP/2 has one of bytes there and none of numbers.
    if headers > shared.headers_max {
        let detail = format!("it has {headers}, at most {} are read", shared.headers_max);
        return Problem::new(Code::HeadersTooMany).detail(detail).into_response();
    }
    let max = shared.bodies.bytes_max;
    let announced = length(request.headers()).unwrap_or_else(|| request.body().size_hint().lower());
    if announced > max {
        return BodyFault::TooLarge { max }.problem().into_response();
    }
    let bounded = |body: Body| match body.is_end_stream() {
        true => body,
        false => Body::new(Bounded::new(body, shared.bodies.clone())),
    };
    next.run(request.map(bounded)).await
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
