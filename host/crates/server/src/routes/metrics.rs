//! The numbers of the host, for whoever watches it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use crate::codes::Code;
use crate::metrics::{self, OPENMETRICS};
use crate::problem::Problem;
use crate::shared::Shared;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(read_metrics))
}

/// Read metrics
///
/// OpenMetrics text, as Prometheus takes it. Brands, what they spend and how busy they are stand in it, so it is for
/// the platform team and what watches the host for it.
#[utoipa::path(
    get, path = "/metrics", tag = "metrics",
    responses((
        status = 200, description = "All numbers of the host.",
        body = String, content_type = "application/openmetrics-text"
    ))
)]
async fn read_metrics(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    // Balances are read from the storage of each brand.
    let read = tokio::task::spawn_blocking(move || metrics::page(&shared)).await;
    match read {
        Ok(Ok(text)) => Ok(([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response()),
        Ok(Err(_)) | Err(_) => {
            tracing::error!("the metrics cannot be written");
            Err(Problem::new(Code::Internal))
        }
    }
}
