//! Plugins of a brand: what the stages of the version that decides take, and how they do.

use playbook_online::PluginStatus;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::OfBrand;
use crate::json::Json;
use crate::live::Live;
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(read_plugins))
}

/// The plugins of the version that decides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plugins)]
struct PluginsBody {
    /// Digest of the version.
    version: String,
    /// Stages, in the order in which they run.
    stages: Vec<StatusBody>,
}

/// How the plugin of a stage does. Numbers count since the version was opened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginStatus)]
struct StatusBody {
    /// Stage of the playbook.
    stage: String,
    /// Kind of its plugin.
    kind: String,
    /// Name of its plugin.
    plugin: String,
    /// Version of its plugin.
    version: String,
    /// Digest of its component.
    component: String,
    /// What a fault does: "close", "skip" or "last-good".
    on_fault: &'static str,
    /// "answering", "waiting" for a first closed cycle, "failed" in the last five minutes, "open": not called for a while because it failed
    /// too often, "half-open": the next call tells whether it answers again, "in-cycles": it answers once a cycle.
    state: &'static str,
    /// Calls, in shadow and for trials included.
    calls: u64,
    /// Calls that ended with a fault.
    faults: u64,
    /// Mean fuel of a call.
    mean_fuel: u64,
    /// What happened last, where something did.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_fault: Option<String>,
}

impl From<PluginStatus> for StatusBody {
    fn from(status: PluginStatus) -> Self {
        Self {
            stage: status.stage,
            kind: status.kind,
            plugin: status.plugin,
            version: status.version,
            component: status.component,
            on_fault: status.on_fault.name(),
            state: status.state.name(),
            calls: status.calls,
            faults: status.faults,
            mean_fuel: status.mean_fuel,
            last_fault: status.last_fault,
        }
    }
}

/// Read plugins
///
/// What the stages of the version that decides take, and how they do.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/plugins", tag = "versions",
    params(OfBrand),
    responses((status = 200, description = "The plugins.", body = PluginsBody))
)]
async fn read_plugins(Live(brand): Live) -> Result<Json<PluginsBody>, Problem> {
    let version = brand.version();
    let stages = version.plugins().into_iter().map(StatusBody::from).collect();
    Ok(Json(PluginsBody { version: version.digest().to_string(), stages }))
}
