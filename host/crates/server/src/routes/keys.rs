//! Keys, for the platform team.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use crate::brand::Caller;
use crate::codes::Code;
use crate::error::Result as ServerResult;
use crate::idempotency::IdempotencyKey;
use crate::json::{Created, Json};
use crate::keys::{Key, KeyRequest, KeyStore, NewKey};
use crate::live::moment;
use crate::page::{Page, PageQuery, Paging};
use crate::problem::Problem;
use crate::role::Role;
use crate::shared::Shared;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(list_keys, create_key)).routes(routes!(revoke_key))
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `role`, `brand` and `label`")]
struct KeyToMake {
    /// What its holder is.
    role: Role,
    /// The brand it is for; every role but `platform-admin` and `platform-monitor` has one.
    #[schema(example = "acme")]
    brand: Option<String>,
    /// What it is for, at most 100 letters.
    #[serde(default)]
    #[schema(max_length = 100, example = "web shop")]
    label: String,
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
struct KeyShown {
    /// Middle part of the key.
    #[schema(example = "00b2c5e1f0a94d37")]
    id: String,
    /// What its holder is.
    role: Role,
    /// The brand it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    /// What it is for.
    label: String,
    /// When it was made, RFC 3339.
    #[schema(format = DateTime)]
    made_at: String,
    /// When it was revoked; absent while it is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

/// A key that was made, with its secret: shown now and never again.
#[derive(Debug, Serialize, ToSchema)]
struct KeyMade {
    /// What `Authorization: Bearer` takes.
    secret: String,
    /// The key as it is listed.
    key: KeyShown,
}

impl From<Key> for KeyShown {
    fn from(key: Key) -> Self {
        Self {
            id: key.id,
            role: key.role,
            brand: key.brand.as_deref().map(str::to_owned),
            label: key.label,
            made_at: moment(key.made_at.0),
            revoked_at: key.revoked_at.map(|at| moment(at.0)),
        }
    }
}

/// List keys
///
/// Ascending by id, revoked ones among them, never with a secret.
#[utoipa::path(
    get, path = "/v1/keys", tag = "keys", params(PageQuery),
    responses((status = 200, description = "A page of keys.", body = Page<KeyShown>))
)]
async fn list_keys(
    State(shared): State<Arc<Shared>>,
    paging: Paging,
) -> Result<Json<Page<KeyShown>>, Problem> {
    let part = paging.of("keys")?;
    let keys = shared.keys.list(part.after(), part.fetch());
    Ok(Json(part.page(keys, |key| &key.id).map(KeyShown::from)))
}

/// Make a key
///
/// Its secret is in this answer and nowhere else. The same request again makes no second key and is answered 409.
#[utoipa::path(
    post, path = "/v1/keys", tag = "keys", request_body = KeyToMake,
    responses((status = 201, description = "The key was made.", body = KeyMade))
)]
async fn create_key(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    once: IdempotencyKey,
    Json(asked): Json<KeyToMake>,
) -> Result<Created<KeyMade>, Problem> {
    if let Some(brand) = &asked.brand
        && shared.directory.brand(brand).is_none()
    {
        let detail = format!("there is no brand {brand:?}");
        return Err(Problem::new(Code::FieldInvalid).field("brand").detail(detail));
    }
    let new = NewKey { role: asked.role, brand: asked.brand, label: asked.label };
    let request = KeyRequest::of(&caller.0.id, once.as_str());
    let (key, secret) = stored(&shared, move |keys| keys.create(new, Some(request))).await?;
    let location = format!("/v1/keys/{}", key.id);
    Ok(Created { location, body: KeyMade { secret: secret.expose().to_owned(), key: key.into() } })
}

/// Revoke a key
///
/// From this answer on nobody is let in with it. The last key of a platform admin stays.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "keys",
    params(("id" = String, Path, description = "Id of the key.", example = "00b2c5e1f0a94d37")),
    responses((status = 204, description = "The key is revoked, now or before."))
)]
async fn revoke_key(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    stored(&shared, move |keys| keys.revoke(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes keys on a thread that may wait for the disk.
async fn stored<T: Send + 'static>(
    shared: &Shared,
    change: impl FnOnce(&KeyStore) -> ServerResult<T> + Send + 'static,
) -> Result<T, Problem> {
    let keys = Arc::clone(&shared.keys);
    match spawn_blocking(move || change(&keys)).await {
        Ok(changed) => Ok(changed?),
        Err(error) => {
            tracing::error!(%error, "keys were not changed");
            Err(Problem::new(Code::Internal))
        }
    }
}
