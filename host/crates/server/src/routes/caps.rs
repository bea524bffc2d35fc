//! What a member has used of the caps on messages.

use axum::extract::Path;
use playbook_online::{CapUse, Used};
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
