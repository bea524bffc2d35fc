//! JSON in and out. Not axum's own: that one tells no line and column, and its feature would build serde_json anew.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::bounded::BodyFault;
use crate::codes::Code;
use crate::problem::{Place, Problem};

/// A body of JSON: read of a request, or an answer with status 200.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

/// An answer of JSON with status 201 and the path of what was made.
#[derive(Debug)]
pub(crate) struct Created<T> {
    pub(crate) location: String,
    pub(crate) body: T,
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(Code::ContentTypeUnsupported));
        }
        read(&whole(request.into_body()).await?).map(Self)
    }
}

/// All bytes of a request's body, within its bounds.
pub(crate) async fn whole(body: Body) -> Result<Bytes, Problem> {
    let collected = body.collect().await.map_err(BodyFault::problem_of)?;
    Ok(collected.to_bytes())
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let media = text.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/json")
}

/// Reads JSON; a fault is told with its place.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde would take the fields of an object from an array too, by their order.
    if bytes.trim_ascii_start().starts_with(b"[") {
        let detail = "an array came, an object is expected";
        return Err(Problem::new(Code::JsonUnexpected).detail(detail));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let code = match error.classify() {
            Category::Data => Code::JsonUnexpected,
            Category::Syntax | Category::Eof | Category::Io => Code::JsonMalformed,
        };
        let place = Place { line: error.line(), column: error.column() };
        let text = error.to_string();
        // The place is told apart.
        let detail = text.rsplit_once(" at line ").map_or(text.as_str(), |(words, _)| words);
        Problem::new(code).detail(detail).at(place)
    })
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let mut response = Response::new(Body::from(bytes));
            *response.status_mut() = status;
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        }
        Err(error) => {
            tracing::error!(%error, "an answer is no JSON");
            Problem::new(Code::Internal).into_response()
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = json(StatusCode::CREATED, &self.body);
        if let Ok(location) = HeaderValue::try_from(self.location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}
