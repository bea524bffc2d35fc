//! Access to data that a role sees only by a grant: asked for, approved by somebody else, ended.

use axum::extract::Path;
use playbook_model::DataClass;
use playbook_online::{AccessGrant, AccessStep, Brand};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::{OfAccess, OfBrand};
use crate::brand::Caller;
use crate::codes::Code;
use crate::json::Json;
use crate::live::{Live, moment};
use crate::problem::Problem;
use crate::role::Role;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list_access, ask_access))
        .routes(routes!(approve_access))
        .routes(routes!(end_access))
}

/// Access that a key asks for itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccessRequest)]
struct AskBody {
    /// "D" (what a member is reached or known by) or "E" (sensitive data).
    #[schema(example = "D")]
    class: String,
    /// Days from the approval on, 1 to 90.
    #[schema(minimum = 1, maximum = 90, example = 7)]
    days: u32,
    /// What for, such as a ticket, 1 to 1,000 letters.
    #[schema(example = "ticket 4711: a member asks for its data")]
    reason: String,
}

/// A grant of access.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Access)]
struct AccessBody {
    /// Its number among the brand's, from 1.
    number: u64,
    /// "D" or "E".
    class: &'static str,
    /// "asked", "holds", "over" or "ended".
    state: &'static str,
    /// The key that asked, and that sees while it holds.
    key: String,
    /// Days that it holds from its approval on.
    days: u32,
    /// What for.
    reason: String,
    /// When it was asked for, RFC 3339.
    asked_at: String,
    /// The key that approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<String>,
    /// When it ends by itself, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
    /// The key that ended or refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<String>,
}

/// Every grant of access of a brand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccessList)]
struct ListBody {
    /// Grants, in the order in which they were asked for.
    access: Vec<AccessBody>,
}

impl AccessBody {
    fn of(grant: AccessGrant, at: i64) -> Self {
        Self {
            number: grant.number,
            class: grant.class().name(),
            state: grant.state(at).name(),
            asked_at: moment(grant.asked.1),
            ends_at: grant.ends_at().map(moment),
            approved_by: grant.approved.map(|(by, _)| by),
            ended_by: grant.ended.map(|(by, _)| by),
            key: grant.key,
            days: grant.days,
            reason: grant.reason,
        }
    }
}

/// List grants of access
#[utoipa::path(
    get, path = "/v1/brands/{brand}/access", tag = "access",
    params(OfBrand),
    responses((status = 200, description = "Grants of access, ended ones among them.", body = ListBody))
)]
async fn list_access(Live(brand): Live) -> Result<Json<ListBody>, Problem> {
    let (grants, at) = brand.access_grants()?;
    let access = grants.into_iter().map(|grant| AccessBody::of(grant, at)).collect();
    Ok(Json(ListBody { access }))
}

/// Ask for access
///
/// For the key that asks, to data that its role sees only by a grant. Somebody else has to approve it.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/access", tag = "access",
    params(OfBrand),
    request_body = AskBody,
    responses((status = 200, description = "It is asked for.", body = AccessBody))
)]
async fn ask_access(
    Live(brand): Live,
    Caller(key): Caller,
    Json(body): Json<AskBody>,
) -> Result<Json<AccessBody>, Problem> {
    let class = DataClass::of(&body.class).filter(|class| class.is_withheld());
    let class = class
        .ok_or_else(|| Problem::new(Code::FieldInvalid).field("class").detail("it is D or E"))?;
    let step = AccessStep::Ask { class, days: body.days, reason: body.reason };
    taken(&brand, step, &key.id).await
}

/// Approve access
///
/// From now on the key that asked sees the data, until the days are over. Whoever asked cannot approve, and sensitive data (class E)
/// is not for a brand's operator to grant.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/access/{number}/approve", tag = "access",
    params(OfBrand, OfAccess),
    responses((status = 200, description = "It holds.", body = AccessBody))
)]
async fn approve_access(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, text)): Path<(String, String)>,
) -> Result<Json<AccessBody>, Problem> {
    let number = number(&text)?;
    if key.role == Role::BrandOperator {
        let (grants, _) = brand.access_grants()?;
        let asked = grants.iter().find(|grant| grant.number == number);
        if asked.is_some_and(|grant| grant.class() == DataClass::E) {
            let detail = "sensitive data is granted by compliance or the platform's admin";
            return Err(Problem::new(Code::RoleNotAllowed).detail(detail));
        }
    }
    taken(&brand, AccessStep::Approve(number), &key.id).await
}

/// End access
///
/// Of a grant that holds, or of one that was asked for.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/access/{number}/end", tag = "access",
    params(OfBrand, OfAccess),
    responses((status = 200, description = "It is ended.", body = AccessBody))
)]
async fn end_access(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, text)): Path<(String, String)>,
) -> Result<Json<AccessBody>, Problem> {
    taken(&brand, AccessStep::End(number(&text)?), &key.id).await
}

fn number(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| Problem::new(Code::AccessNotFound))
}

async fn taken(brand: &Brand, step: AccessStep, by: &str) -> Result<Json<AccessBody>, Problem> {
    let grant = brand.access(step, by).await?;
    tracing::info!(
        key = by,
        brand = brand.name(),
        number = grant.number,
        class = grant.class().name(),
        "access to data was asked for, approved or ended"
    );
    let (_, at) = brand.access_grants()?;
    Ok(Json(AccessBody::of(grant, at)))
}
