//! Members: what is known of them, and changes of it.

use axum::extract::Path;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use crate::json::Json;
use crate::live::{Live, moment};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(read_member)).routes(routes!(put_member))
}

/// A member.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
struct MemberBody {
    /// Its id.
    member: String,
    /// Number of events that are kept.
    events: u32,
    /// Fields of the profile.
    #[schema(value_type = Object)]
    profile: Map<String, Value>,
    /// Answers about consents, in order of purpose and time.
    consents: Vec<ConsentBody>,
}

/// An answer about a consent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Consent)]
struct ConsentBody {
    /// What for: "marketing", "profiling" ...
    purpose: String,
    /// "granted", "withdrawn" ...
    state: String,
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
}

/// Changes of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberChange)]
struct ChangeBody {
    /// Fields of the playbook's table of members; those that are not named stay as they are.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({ "age_band": "adult" }))]
    profile: Map<String, Value>,
    /// Answers about consents, each with `purpose`, `state` and `time`; the latest of a purpose holds.
    #[serde(default)]
    #[schema(value_type = Vec<Object>, example = json!([{ "purpose": "marketing", "state": "granted", "time": "2026-06-01T10:00:00Z" }]))]
    consents: Vec<Map<String, Value>>,
}

/// Read a member
#[utoipa::path(
    get, path = "/v1/brands/{brand}/members/{member}", tag = "members",
    params(
        ("brand" = String, Path, description = "Name of the brand.", example = "acme"),
        ("member" = String, Path, description = "Id of the member.", example = "m-42")
    ),
    responses((status = 200, description = "The member.", body = MemberBody))
)]
async fn read_member(
    Live(brand): Live,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<MemberBody>, Problem> {
    let member = brand.member(&id)?;
    let consents = member.consents.into_iter().map(|(purpose, state, time)| ConsentBody {
        purpose,
        state,
        time: time.map(moment),
    });
    Ok(Json(MemberBody {
        member: member.id,
        events: member.events,
        profile: member.profile,
        consents: consents.collect(),
    }))
}

/// Change a member
///
/// Sets fields of the profile and adds answers about consents. A member who is not known yet is made.
#[utoipa::path(
    put, path = "/v1/brands/{brand}/members/{member}", tag = "members",
    params(
        ("brand" = String, Path, description = "Name of the brand.", example = "acme"),
        ("member" = String, Path, description = "Id of the member.", example = "m-42")
    ),
    request_body = ChangeBody,
    responses((status = 200, description = "The member as it is now.", body = MemberBody))
)]
async fn put_member(
    live: Live,
    Path((brand, id)): Path<(String, String)>,
    Json(body): Json<ChangeBody>,
) -> Result<Json<MemberBody>, Problem> {
    live.0.put_member(&id, &body.profile, &body.consents).await?;
    read_member(live, Path((brand, id))).await
}
