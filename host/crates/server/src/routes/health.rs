//! Whether the process lives and serves, for whoever restarts it or sends requests to it.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use crate::codes::Code;
use crate::json::Json;
use crate::problem::Problem;
use crate::shared::Shared;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(check_live)).routes(routes!(check_ready))
}

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `live` or `ready`.
    #[schema(example = "ready")]
    status: &'static str,
}

/// Tell whether the process lives
///
/// It does where it answers at all. Restart it where it does not.
#[utoipa::path(
    get, path = "/health/live", tag = "health",
    responses((status = 200, description = "It lives.", body = Health))
)]
async fn check_live() -> Json<Health> {
    Json(Health { status: "live" })
}

/// Tell whether the host serves
///
/// Send requests elsewhere while it does not: it loads or stops.
#[utoipa::path(
    get, path = "/health/ready", tag = "health",
    responses((status = 200, description = "It serves.", body = Health))
)]
async fn check_ready(State(shared): State<Arc<Shared>>) -> Result<Json<Health>, Problem> {
    match shared.is_ready() {
        true => Ok(Json(Health { status: "ready" })),
        false => Err(Problem::new(Code::NotReady)),
    }
}
