//! Members: what is known of them, and changes of it.

use std::collections::BTreeSet;

use axum::extract::Path;
use playbook_model::SourceTable;
use playbook_online::Brand;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::decisions::DecisionBody;
use super::parts::{OfBrand, OfMember};
use crate::brand::Caller;
use crate::idempotency::IdempotencyKey;
use crate::json::Json;
use crate::live::{Live, moment};
use crate::problem::Problem;
use crate::sight::Eyes;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(read_member, put_member, erase_member))
        .routes(routes!(copy_member))
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
    /// Fields of the profile that the key does not see, or not whole, by their class.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    withheld: Vec<String>,
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
    /// Version of the text that was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    text_version: Option<String>,
    /// Where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
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
    /// Answers about consents, each with `purpose`, `state` and `time`, and as evidence `text_version` (of the text that was shown)
    /// and `channel`; the latest of a purpose holds. One that takes a consent back ends at once what waits for it.
    #[serde(default)]
    #[schema(value_type = Vec<Object>, example = json!([{ "purpose": "marketing", "state": "granted", "time": "2026-06-01T10:00:00Z", "text_version": "2026-05", "channel": "app" }]))]
    consents: Vec<Map<String, Value>>,
}

/// Read a member
#[utoipa::path(
    get, path = "/v1/brands/{brand}/members/{member}", tag = "members",
    params(OfBrand, OfMember),
    responses((status = 200, description = "The member.", body = MemberBody))
)]
async fn read_member(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<MemberBody>, Problem> {
    let eyes = Eyes::of(&key, &brand)?;
    Ok(Json(MemberBody::of(brand.member(&id)?, &eyes, &brand)))
}

impl MemberBody {
    fn of(member: playbook_online::Member, eyes: &Eyes, brand: &Brand) -> Self {
        let (profile, withheld) =
            eyes.fields(&brand.version(), SourceTable::Members, member.profile);
        let consents = member.consents.into_iter().map(|answer| ConsentBody {
            purpose: answer.purpose,
            state: answer.state,
            time: answer.time.map(moment),
            text_version: answer.text_version,
            channel: answer.channel,
        });
        Self {
            member: member.id,
            events: member.events,
            profile,
            consents: consents.collect(),
            withheld,
        }
    }
}

/// Everything that is kept of a member.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MemberCopy)]
struct CopyBody {
    /// The member.
    member: MemberBody,
    /// Events as they came, in order of time.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Value>,
    /// Decisions, in the words of the versions that made them.
    decisions: Vec<DecisionBody>,
    /// Fields of events that the key does not see, or not whole, by their class: the copy is not all that is kept.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    withheld: BTreeSet<String>,
}

/// What an erasure took away.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erasure)]
struct ErasedBody {
    /// When, RFC 3339.
    at: String,
    /// Events.
    events: u64,
    /// Answers about consents.
    consents: u64,
    /// Decisions.
    decisions: u64,
    /// Digest that proves it; the brand keeps it with these numbers and no name.
    receipt: String,
}

/// Copy a member's data
///
/// Everything that is kept of the member, for the member.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/members/{member}/copy", tag = "members",
    params(OfBrand, OfMember),
    responses((status = 200, description = "The member's data.", body = CopyBody))
)]
async fn copy_member(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<CopyBody>, Problem> {
    let eyes = Eyes::of(&key, &brand)?;
    let (member, events, decisions) = brand.copy_of(&id)?;
    let (events, withheld) = eyes.events(&brand.version(), events);
    let decisions = decisions.into_iter().map(|decision| DecisionBody::of(decision, false));
    let (member, decisions) = (MemberBody::of(member, &eyes, &brand), decisions.collect());
    Ok(Json(CopyBody { member, events, decisions, withheld }))
}

/// Erase a member
///
/// Takes away events, profile, consents and decisions, and answers with a receipt. Entries of the ledger stay, which name a
/// pseudonym alone.
#[utoipa::path(
    delete, path = "/v1/brands/{brand}/members/{member}", tag = "members",
    params(OfBrand, OfMember),
    responses((status = 200, description = "The receipt.", body = ErasedBody))
)]
async fn erase_member(
    Live(brand): Live,
    Path((_, id)): Path<(String, String)>,
    key: IdempotencyKey,
) -> Result<Json<ErasedBody>, Problem> {
    let erased = brand.erase(&id, key.as_str()).await?;
    Ok(Json(ErasedBody {
        at: moment(erased.at),
        events: erased.events,
        consents: erased.consents,
        decisions: erased.decisions,
        receipt: erased.receipt,
    }))
}

/// Change a member
///
/// Sets fields of the profile and adds answers about consents. A member who is not known yet is made.
#[utoipa::path(
    put, path = "/v1/brands/{brand}/members/{member}", tag = "members",
    params(OfBrand, OfMember),
    request_body = ChangeBody,
    responses((status = 200, description = "The member as it is now.", body = MemberBody))
)]
async fn put_member(
    live: Live,
    caller: Caller,
    Path((brand, id)): Path<(String, String)>,
    key: IdempotencyKey,
    Json(body): Json<ChangeBody>,
) -> Result<Json<MemberBody>, Problem> {
    live.0.put_member(&id, &body.profile, &body.consents, key.as_str()).await?;
    read_member(live, caller, Path((brand, id))).await
}
