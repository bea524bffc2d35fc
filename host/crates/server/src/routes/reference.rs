//! The document of the API.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use crate::shared::Shared;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(read_openapi))
}

/// Read this document
///
/// OpenAPI 3.1, complete: clients can be made of it.
#[utoipa::path(
    get, path = "/v1/openapi.json", tag = "reference",
    responses((status = 200, description = "The document.", body = serde_json::Value))
)]
async fn read_openapi(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], shared.document.clone())
}
