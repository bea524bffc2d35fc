//! The routes, one file for each part of the API. What is true of all of them the layers see to.
//!
//! A new part: a file here with its handlers and `fn routes()`, a line in [`PARTS`], and a line for each handler in
//! `operations`. A handler of a brand stands at `/v1/brands/{brand}/...` and takes [`crate::brand::InBrand`].
//!
//! A handler is dropped at any `await` when its client goes away. What must not be left half done goes to a thread or a
//! writer that does it whole, as `keys` does.

mod access;
mod alerts;
mod brands;
mod candidate;
mod caps;
mod decisions;
mod effects;
mod events;
mod freezes;
mod health;
mod keys;
mod made;
mod members;
mod metrics;
mod money;
mod parts;
mod plugins;
mod reference;
mod requests;
mod reviews;
mod segments;
mod versions;
mod webhooks;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::shared::Shared;

pub use self::effects::effect_body;
pub(crate) use self::made::{MadeQuery, decisions_of};
pub(crate) use self::money::{EntryQuery, entries_of};
pub(crate) use self::versions::{activated, offered, rolled_back};

/// Routes with their part of the document.
pub(crate) type Routes = OpenApiRouter<Arc<Shared>>;

/// Every part of the API.
const PARTS: &[fn() -> Routes] = &[
    health::routes,
    reference::routes,
    metrics::routes,
    keys::routes,
    brands::routes,
    events::routes,
    decisions::routes,
    effects::routes,
    reviews::routes,
    freezes::routes,
    access::routes,
    webhooks::routes,
    members::routes,
    caps::routes,
    segments::routes,
    money::routes,
    requests::routes,
    versions::routes,
    candidate::routes,
    plugins::routes,
    alerts::routes,
];

/// All parts together.
pub(crate) fn all() -> Routes {
    PARTS.iter().fold(OpenApiRouter::default(), |all, part| all.merge(part()))
}
