//! Alerts of a brand: what a person should look at, and what became of it.

use axum::extract::Path;
use playbook_model::Digest;
use playbook_online::{Alert, AlertEnd};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::{OfAlert, OfBrand};
use crate::brand::Caller;
use crate::codes::Code;
use crate::idempotency::IdempotencyKey;
use crate::json::Json;
use crate::live::{Live, apart, moment};
use crate::page::{Asked, Page, Paging};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list_alerts))
        .routes(routes!(acknowledge_alert))
        .routes(routes!(close_alert))
}

/// An alert.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alert)]
struct AlertBody {
    /// Number among the brand's, from 1.
    number: u64,
    /// When it was raised, RFC 3339.
    #[schema(format = DateTime)]
    at: String,
    /// When it happened last.
    #[schema(format = DateTime)]
    last: String,
    /// How often it happened: the same within a day is counted, not raised anew.
    times: u64,
    /// "watch", "warn" or "critical".
    level: &'static str,
    /// What raised it; a code never changes its meaning.
    #[schema(example = "file-refused")]
    rule: &'static str,
    /// What it is about: a stage, a version, a file.
    scope: String,
    /// What happened.
    words: String,
    /// What it rests on.
    evidence: EvidenceBody,
    /// "open", "resolved", "false" or "accepted".
    state: &'static str,
    /// Who has seen it and looks after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<SeenBody>,
    /// When it was told again, because it is critical and nobody had seen it for an hour.
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    escalated: Option<String>,
    /// Who closed it and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<ClosedBody>,
}

/// Who has seen an alert.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertAcknowledged)]
struct SeenBody {
    /// Id of a key.
    by: String,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    at: String,
}

/// What an alert rests on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
struct EvidenceBody {
    /// Digest of the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Stage of the playbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    /// Numbers by name.
    #[schema(value_type = Object)]
    figures: Map<String, Value>,
}

/// Who closed an alert and when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertClosed)]
struct ClosedBody {
    /// Id of a key.
    by: String,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    at: String,
    /// What there was to say.
    note: String,
}

impl From<Alert> for AlertBody {
    fn from(alert: Alert) -> Self {
        let figures = alert.evidence.figures.into_iter();
        Self {
            number: alert.number,
            at: moment(alert.at),
            last: moment(alert.last),
            times: alert.times,
            level: alert.rule.level().name(),
            rule: alert.rule.code(),
            scope: alert.scope,
            words: alert.words,
            evidence: EvidenceBody {
                version: alert.evidence.version.map(|digest| Digest(digest).to_string()),
                stage: alert.evidence.stage,
                figures: figures.map(|(name, value)| (name, value.into())).collect(),
            },
            state: alert.closed.as_ref().map_or(OPEN, |closing| closing.end.name()),
            acknowledged: alert.seen.map(|seen| SeenBody { by: seen.by, at: moment(seen.at) }),
            escalated: alert.escalated.map(moment),
            closed: alert.closed.map(|closing| ClosedBody {
                by: closing.by,
                at: moment(closing.at),
                note: closing.note,
            }),
        }
    }
}

/// State of an alert about which nobody has said anything.
const OPEN: &str = "open";

/// What became of an alert.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = AlertEnd)]
enum EndBody {
    /// What it told of is over.
    Resolved,
    /// There was nothing to tell.
    False,
    /// Somebody lives with it.
    Accepted,
}

impl From<EndBody> for AlertEnd {
    fn from(body: EndBody) -> Self {
        match body {
            EndBody::Resolved => Self::Resolved,
            EndBody::False => Self::False,
            EndBody::Accepted => Self::Accepted,
        }
    }
}

/// How an alert is closed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertClosing)]
struct CloseBody {
    /// What became of it.
    state: EndBody,
    /// What there is to say about it, at most 2,000 bytes.
    #[serde(default)]
    note: String,
}

/// Parameters of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AlertsQuery {
    /// Rows of a page, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<usize>,
    /// `next` of the page before; none for the first page.
    cursor: Option<String>,
    /// "open", "resolved", "false" or "accepted"; all where it is left out.
    #[param(example = "open")]
    state: Option<String>,
}

/// List alerts
///
/// What a person should look at, the newest first. The last 1,000 are kept; closed ones make room first.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/alerts", tag = "alerts",
    params(OfBrand, AlertsQuery),
    responses((status = 200, description = "A page of alerts.", body = Page<AlertBody>))
)]
async fn list_alerts(
    Live(brand): Live,
    Asked(AlertsQuery { limit, cursor, state }): Asked<AlertsQuery>,
) -> Result<Json<Page<AlertBody>>, Problem> {
    let known = |state: &str| state == OPEN || AlertEnd::ALL.iter().any(|end| end.name() == state);
    if let Some(other) = state.as_deref().filter(|state| !known(state)) {
        let detail = format!("`state` is {other:?}; open, resolved, false or accepted is expected");
        return Err(Problem::new(Code::QueryInvalid).detail(detail));
    }
    let part = Paging::new(limit, cursor)?.of("alerts")?;
    let after: Option<u64> =
        part.after().map(str::parse).transpose().map_err(|_| Problem::new(Code::CursorInvalid))?;
    let alerts = apart(brand, |brand| brand.alerts()).await?.into_iter();
    let alerts = alerts.filter(|alert| after.is_none_or(|after| alert.number < after));
    let alerts = alerts.map(AlertBody::from);
    let alerts = alerts.filter(|alert| state.as_ref().is_none_or(|state| *state == alert.state));
    let rows: Vec<(String, AlertBody)> =
        alerts.take(part.fetch()).map(|alert| (alert.number.to_string(), alert)).collect();
    Ok(Json(part.page(rows, |(number, _)| number).map(|(_, alert)| alert)))
}

/// Acknowledge an alert
///
/// Says that somebody has seen it and looks after it; whoever was first stays. A critical alert that nobody has seen within an hour is
/// told again, once.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/alerts/{number}/acknowledge", tag = "alerts",
    params(OfBrand, OfAlert),
    responses((status = 200, description = "The alert.", body = AlertBody))
)]
async fn acknowledge_alert(
    Live(brand): Live,
    Caller(caller): Caller,
    Path((_, number)): Path<(String, String)>,
) -> Result<Json<AlertBody>, Problem> {
    let number = number.parse().map_err(|_| Problem::new(Code::AlertNotFound))?;
    Ok(Json(brand.see_alert(number, &caller.id).await?.into()))
}

/// Close an alert
///
/// Says what became of it. An alert is closed once; where it was resolved and happens again, it is raised anew.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/alerts/{number}/close", tag = "alerts",
    params(OfBrand, OfAlert),
    request_body = CloseBody,
    responses((status = 200, description = "The alert.", body = AlertBody))
)]
async fn close_alert(
    Live(brand): Live,
    Caller(caller): Caller,
    key: IdempotencyKey,
    Path((_, number)): Path<(String, String)>,
    Json(body): Json<CloseBody>,
) -> Result<Json<AlertBody>, Problem> {
    let number = number.parse().map_err(|_| Problem::new(Code::AlertNotFound))?;
    let closing = (body.state.into(), body.note.as_str());
    let alert = brand.close_alert(number, closing, &caller.id, key.as_str()).await?;
    Ok(Json(alert.into()))
}
