//! How effects go out by webhook, and those that did not.

use axum::extract::Path;
use playbook_online::{Undelivered, WebhookState};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::{OfBrand, OfEffect};
use crate::codes::Code;
use crate::json::Json;
use crate::live::{Live, moment};
use crate::page::{Page, PageQuery, Paging};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list_webhooks))
        .routes(routes!(list_undelivered))
        .routes(routes!(resend_effect))
}

/// The webhooks of a brand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhooks)]
struct WebhooksBody {
    /// None or one: the platform team declares it.
    items: Vec<WebhookBody>,
}

/// How a webhook does. Numbers of messages count from the start of the service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
struct WebhookBody {
    /// The host that it leads to.
    #[schema(example = "hooks.acme.example")]
    to: String,
    /// Each effect up to this number was delivered or given up, or waits while later ones were delivered.
    sent_up_to: u64,
    /// Effects that wait.
    waiting: u64,
    /// When the first of these was granted, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_at: Option<String>,
    /// Effects that were given up and not sent again.
    undelivered: u64,
    /// Since when the receiver takes nothing, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<String>,
    /// Why the last message that failed did.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// Messages that the receiver took.
    sent: u64,
    /// Messages that it did not.
    failed: u64,
    /// Effects that were given up.
    given_up: u64,
}

impl From<WebhookState> for WebhookBody {
    fn from(state: WebhookState) -> Self {
        Self {
            to: state.to,
            sent_up_to: state.sent_up_to,
            waiting: state.waiting,
            oldest_at: state.oldest_at.map(moment),
            undelivered: state.undelivered,
            failing_since: state.failing_since.map(moment),
            last_error: state.last_error,
            sent: state.sent,
            failed: state.failed,
            given_up: state.given_up,
        }
    }
}

/// Read webhooks
///
/// Where effects go out to by themselves, and how that does.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/webhooks", tag = "effects",
    params(OfBrand),
    responses((status = 200, description = "The webhooks.", body = WebhooksBody))
)]
async fn list_webhooks(Live(brand): Live) -> Result<Json<WebhooksBody>, Problem> {
    let items = brand.webhook()?.into_iter().map(WebhookBody::from).collect();
    Ok(Json(WebhooksBody { items }))
}

/// An effect that was given up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UndeliveredEffect)]
struct UndeliveredBody {
    /// Its number among the brand's effects.
    number: u64,
    /// When it was given up, RFC 3339.
    given_up_at: String,
    /// How often it was tried.
    attempts: u32,
    /// Why the last attempt failed.
    error: String,
}

/// List undelivered effects
///
/// Effects that the receiver did not take for as long as they are tried, in the order of their numbers.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/webhooks/undelivered", tag = "effects",
    params(OfBrand, PageQuery),
    responses((status = 200, description = "A page of effects.", body = Page<UndeliveredBody>))
)]
async fn list_undelivered(
    Live(brand): Live,
    paging: Paging,
) -> Result<Json<Page<UndeliveredBody>>, Problem> {
    let part = paging.of("undelivered")?;
    let after = part.after().map_or(Ok(0), str::parse);
    let after = after.map_err(|_| Problem::new(Code::CursorInvalid))?;
    let rows = brand.undelivered(after, part.fetch())?.into_iter();
    let rows = rows.map(|(number, row)| (number.to_string(), (number, row))).collect();
    let page = part.page(rows, |(number, _): &(String, (u64, Undelivered))| number);
    Ok(Json(page.map(|(_, (number, Undelivered { at, attempts, error }))| UndeliveredBody {
        number,
        given_up_at: moment(at),
        attempts,
        error,
    })))
}

/// An effect that goes out again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Resending)]
struct ResendingBody {
    /// "waits".
    status: &'static str,
}

/// Send an effect again
///
/// One that was given up waits as if it were new, before later ones of its member that wait. Asked again meanwhile, nothing
/// changes.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/webhooks/undelivered/{number}/resend", tag = "effects",
    params(OfBrand, OfEffect),
    responses((status = 200, description = "It waits.", body = ResendingBody))
)]
async fn resend_effect(
    Live(brand): Live,
    Path((_, number)): Path<(String, String)>,
) -> Result<Json<ResendingBody>, Problem> {
    let number = number.parse().map_err(|_| Problem::new(Code::UndeliveredNotFound))?;
    brand.send_again(number).await?;
    Ok(Json(ResendingBody { status: "waits" }))
}
