//! Freezes: what a person stops in a crisis, and lets go on again.

use playbook_online::{By, Freeze, FreezeScope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::OfBrand;
use crate::brand::Asker;
use crate::json::Json;
use crate::live::{Live, moment};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list_freezes))
        .routes(routes!(freeze))
        .routes(routes!(lift_freeze))
}

/// A freeze that is asked for, or its end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FreezeChange)]
struct ChangeBody {
    /// Stage of the playbook; the whole brand where it is left out.
    #[serde(default)]
    #[schema(example = "ladder-exchange")]
    stage: Option<String>,
    /// Why, 1 to 1,000 letters.
    #[schema(example = "a wrong price is in the news")]
    reason: String,
}

/// A freeze, or its end.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Freeze)]
struct FreezeBody {
    /// Its number among the brand's, from 1.
    number: u64,
    /// When, RFC 3339.
    at: String,
    /// "freeze" or "lift".
    what: &'static str,
    /// The stage; none for the whole brand.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    /// The key that did it.
    by: String,
    /// Why.
    reason: String,
}

impl From<Freeze> for FreezeBody {
    fn from(freeze: Freeze) -> Self {
        let stage = match freeze.scope {
            FreezeScope::Brand => None,
            FreezeScope::Stage(stage) => Some(stage),
        };
        Self {
            number: freeze.number,
            at: moment(freeze.at),
            what: if freeze.begins { "freeze" } else { "lift" },
            stage,
            by: freeze.by,
            reason: freeze.reason,
        }
    }
}

/// Every freeze of a brand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Freezes)]
struct FreezesBody {
    /// Freezes and their ends, in order.
    freezes: Vec<FreezeBody>,
}

impl ChangeBody {
    fn scope(stage: Option<String>) -> FreezeScope {
        stage.map_or(FreezeScope::Brand, FreezeScope::Stage)
    }
}

/// List freezes
#[utoipa::path(
    get, path = "/v1/brands/{brand}/freezes", tag = "freezes",
    params(OfBrand),
    responses((status = 200, description = "Freezes and their ends.", body = FreezesBody))
)]
async fn list_freezes(Live(brand): Live) -> Result<Json<FreezesBody>, Problem> {
    let freezes = brand.freezes()?.into_iter().map(FreezeBody::from).collect();
    Ok(Json(FreezesBody { freezes }))
}

/// Freeze a stage or the brand
///
/// From now on it grants nothing (R03) but transactions and safety, and no review lets an effect of it out. What is frozen already
/// stays so.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/freeze", tag = "freezes",
    params(OfBrand),
    request_body = ChangeBody,
    responses((status = 200, description = "It is frozen.", body = FreezeBody))
)]
async fn freeze(
    Live(brand): Live,
    asker: Asker,
    Json(body): Json<ChangeBody>,
) -> Result<Json<FreezeBody>, Problem> {
    let scope = ChangeBody::scope(body.stage);
    Ok(Json(brand.freeze(scope, true, By::from(&asker), &body.reason).await?.into()))
}

/// Lift a freeze
///
/// It grants again. A freeze of the brand and one of a stage end each by itself.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/freeze/lift", tag = "freezes",
    params(OfBrand),
    request_body = ChangeBody,
    responses((status = 200, description = "It grants again.", body = FreezeBody))
)]
async fn lift_freeze(
    Live(brand): Live,
    asker: Asker,
    Json(body): Json<ChangeBody>,
) -> Result<Json<FreezeBody>, Problem> {
    let scope = ChangeBody::scope(body.stage);
    Ok(Json(brand.freeze(scope, false, By::from(&asker), &body.reason).await?.into()))
}
