//! What a member has used of the caps on messages.

use axum::extract::Path;
use playbook_online::{CapUse, StackUse, Used};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::{AtQuery, OfBrand, OfMember};
use crate::json::Json;
use crate::live::{Live, apart, moment, moment_said};
use crate::page::Asked;
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(read_caps))
}

/// What a member has used of each cap.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Caps)]
struct CapsBody {
    /// The moment, RFC 3339.
    at: String,
    /// Messages of a day, but for those of transactions.
    contacts_day: UsedBody,
    /// Commercial ones of a day.
    commercial_day: UsedBody,
    /// Commercial ones of 7 days.
    commercial_week: UsedBody,
    /// The commercial cap of the stage in which the member takes part, where one is enforced.
    #[serde(skip_serializing_if = "Option::is_none")]
    commercial: Option<CommercialBody>,
    /// Families of actions that the member got lately: another one would be a duplicate.
    families: Vec<String>,
    /// Hours in which it would be one.
    family_hours: u32,
    /// Rules about what may stand together.
    stacking: Vec<StackBody>,
}

/// What is used of a rule about what may stand together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StackUse)]
struct StackBody {
    /// The rule, as the playbook names it.
    #[schema(example = "discounts")]
    rule: String,
    /// Families of actions that it counts together.
    families: Vec<String>,
    /// Grants of them that stand.
    used: u32,
    /// How many there may be.
    most: u32,
    /// Hours in which a grant counts.
    window_hours: f64,
}

/// What is used of a cap.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Used)]
struct UsedBody {
    /// Messages in the window.
    used: u32,
    /// How many there may be; none: no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<u32>,
}

/// What is used of a commercial cap.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommercialUse)]
struct CommercialBody {
    /// Part of all messages that commercial ones may be; one of them may always be.
    share_max: f64,
    /// Messages of the last 30 days.
    delivered: u32,
    /// Commercial ones among them.
    commercial: u32,
}

impl From<Used> for UsedBody {
    fn from(Used { used, most }: Used) -> Self {
        Self { used, most }
    }
}

impl From<StackUse> for StackBody {
    fn from(StackUse { rule, families, used, most, window_ms }: StackUse) -> Self {
        let window_hours = window_ms as f64 / 3_600_000.0;
        Self { rule, families, used, most, window_hours }
    }
}

impl CapsBody {
    fn of(at: i64, caps: CapUse) -> Self {
        Self {
            at: moment(at),
            contacts_day: caps.contacts_day.into(),
            commercial_day: caps.commercial_day.into(),
            commercial_week: caps.commercial_week.into(),
            commercial: caps.commercial.map(|used| CommercialBody {
                share_max: used.share_max,
                delivered: used.delivered,
                commercial: used.commercial,
            }),
            families: caps.families,
            family_hours: caps.family_hours,
            stacking: caps.stacks.into_iter().map(StackBody::from).collect(),
        }
    }
}

/// Read what is used of the caps
///
/// What a decision at the moment would count of each cap, in its window. The caps are those of the member's segment and stage then.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/members/{member}/caps", tag = "members",
    params(OfBrand, OfMember, AtQuery),
    responses((status = 200, description = "The caps.", body = CapsBody))
)]
async fn read_caps(
    Live(brand): Live,
    Path((_, member)): Path<(String, String)>,
    Asked(AtQuery { at }): Asked<AtQuery>,
) -> Result<Json<CapsBody>, Problem> {
    let at = moment_said("at", at)?;
    let (at, caps) = apart(brand, move |brand| brand.caps(&member, at)).await?;
    Ok(Json(CapsBody::of(at, caps)))
}
