//! Requests for money: somebody asks that a pool gets more, somebody else answers.

use axum::extract::Path;
use playbook_online::{Brand, MoneyAsk, MoneyRequest, MoneyRequestState, Need};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::{OfBrand, OfRequest};
use super::reviews::ReasonBody;
use crate::brand::Caller;
use crate::codes::Code;
use crate::idempotency::IdempotencyKey;
use crate::json::Json;
use crate::keys::Key;
use crate::live::{FieldFault, Live, moment};
use crate::page::{Page, PageQuery, Paging};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list_money_requests, ask_for_money))
        .routes(routes!(list_waiting_money_requests))
        .routes(routes!(approve_money_request))
        .routes(routes!(refuse_money_request))
}

/// What is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MoneyAsk)]
struct AskBody {
    /// Pool that gets it.
    #[schema(example = "daily")]
    to: String,
    /// Pool that gives it, or "reserve".
    #[schema(example = "reserve")]
    from: String,
    /// How much, minor units; more than 0.
    #[schema(example = 500_000)]
    amount_minor: i64,
    /// What for: "user", "strategic" or "cost"; the first is answered first.
    #[schema(example = "user")]
    need: String,
    /// Id of the contingency plan that was triggered; the reserve opens to nothing else.
    #[serde(default)]
    #[schema(example = "system-outage")]
    plan: Option<String>,
    /// Why, 1 to 1,000 letters.
    #[schema(example = "vouchers for those whose orders were lost")]
    reason: String,
}

/// A request for money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MoneyRequest)]
struct RequestBody {
    /// Its number among the brand's, from 1.
    number: u64,
    /// "waiting", "approved" or "refused".
    state: &'static str,
    /// Playbook whose budget it is.
    playbook: String,
    /// Pool that gets it.
    to: String,
    /// Pool that gives it, or "reserve".
    from: String,
    /// How much, minor units.
    amount_minor: i64,
    /// "user", "strategic" or "cost".
    need: &'static str,
    /// Id of the contingency plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    /// Why.
    reason: String,
    /// The key that asked.
    by: String,
    /// When, RFC 3339.
    at: String,
    /// Until when it is to be answered; after that an alert tells of it.
    due_at: String,
    /// The key that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_by: Option<String>,
    /// When it was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_at: Option<String>,
    /// Why it was answered so.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
}

impl From<MoneyRequest> for RequestBody {
    fn from(request: MoneyRequest) -> Self {
        let due_at = moment(request.due());
        let MoneyRequest { number, at, by, playbook, ask, state, answer } = request;
        let MoneyAsk { to, from, amount_minor, need, plan, reason } = ask;
        let (answered_by, answered_at, answer) = match answer {
            Some(given) => (Some(given.by), Some(moment(given.at)), Some(given.reason)),
            None => (None, None, None),
        };
        Self {
            number,
            state: state.name(),
            playbook,
            to,
            from,
            amount_minor,
            need: need.name(),
            plan,
            reason,
            by,
            at: moment(at),
            due_at,
            answered_by,
            answered_at,
            answer,
        }
    }
}

/// Requests that wait.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitingMoneyRequests)]
struct WaitingBody {
    /// What comes first first: by need, then as they came.
    requests: Vec<RequestBody>,
}

impl AskBody {
    fn ask(self) -> Result<MoneyAsk, Problem> {
        let Some(need) = Need::of(&self.need) else {
            let needs = Need::ALL.map(Need::name).join(", ");
            return Err(Problem::new(Code::FieldInvalid).faults(vec![FieldFault {
                field: "need".to_owned(),
                problem: "is no need".to_owned(),
                expected: format!("one of {needs}"),
            }]));
        };
        let Self { to, from, amount_minor, plan, reason, .. } = self;
        Ok(MoneyAsk { to, from, amount_minor, need, plan, reason })
    }
}

/// List requests for money
///
/// All of them, the newest first.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/money/requests", tag = "money",
    params(OfBrand, PageQuery),
    responses((status = 200, description = "A page of requests.", body = Page<RequestBody>))
)]
async fn list_money_requests(
    Live(brand): Live,
    paging: Paging,
) -> Result<Json<Page<RequestBody>>, Problem> {
    let part = paging.of("money-requests")?;
    let before = part.after().map(str::parse).transpose();
    let before = before.map_err(|_| Problem::new(Code::CursorInvalid))?;
    let found = brand.money_requests(before, part.limit())?;
    let next = found.last().map(|last| last.number).filter(|last| *last > 1);
    let next = next.filter(|_| found.len() == part.limit()).map(|last| last.to_string());
    Ok(Json(part.open_page(found, next).map(RequestBody::from)))
}

/// List requests for money that wait
///
/// By need (user before strategic before cost), then as they came.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/money/requests/waiting", tag = "money",
    params(OfBrand),
    responses((status = 200, description = "The requests.", body = WaitingBody))
)]
async fn list_waiting_money_requests(Live(brand): Live) -> Result<Json<WaitingBody>, Problem> {
    let requests = brand.waiting_money_requests()?.into_iter().map(RequestBody::from).collect();
    Ok(Json(WaitingBody { requests }))
}

/// Ask for money for a pool
///
/// Nothing moves until somebody else approves. A request that waits longer than 4 hours raises an alert.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/money/requests", tag = "money",
    params(OfBrand),
    request_body = AskBody,
    responses((status = 200, description = "It waits for an answer.", body = RequestBody))
)]
async fn ask_for_money(
    Live(brand): Live,
    Caller(caller): Caller,
    key: IdempotencyKey,
    Json(body): Json<AskBody>,
) -> Result<Json<RequestBody>, Problem> {
    let made = brand.ask_for_money(body.ask()?, &caller.id, key.as_str()).await?;
    Ok(Json(made.into()))
}

async fn answered(
    brand: &Brand,
    number: &str,
    state: MoneyRequestState,
    (key, body): (&Key, &ReasonBody),
) -> Result<Json<RequestBody>, Problem> {
    let number = number.parse().map_err(|_| Problem::new(Code::MoneyRequestNotFound))?;
    let approves = state == MoneyRequestState::Approved;
    let request = brand.answer_money_request(number, approves, &key.id, &body.reason).await?;
    Ok(Json(request.into()))
}

/// Approve a request for money
///
/// The money moves. Whoever asked cannot approve. Once: a repetition changes nothing.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/money/requests/{number}/approve", tag = "money",
    params(OfBrand, OfRequest),
    request_body = ReasonBody,
    responses((status = 200, description = "It is approved.", body = RequestBody))
)]
async fn approve_money_request(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, number)): Path<(String, String)>,
    Json(body): Json<ReasonBody>,
) -> Result<Json<RequestBody>, Problem> {
    answered(&brand, &number, MoneyRequestState::Approved, (&key, &body)).await
}

/// Refuse a request for money
///
/// Nothing moves. Once: a repetition changes nothing.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/money/requests/{number}/refuse", tag = "money",
    params(OfBrand, OfRequest),
    request_body = ReasonBody,
    responses((status = 200, description = "It is refused.", body = RequestBody))
)]
async fn refuse_money_request(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, number)): Path<(String, String)>,
    Json(body): Json<ReasonBody>,
) -> Result<Json<RequestBody>, Problem> {
    answered(&brand, &number, MoneyRequestState::Refused, (&key, &body)).await
}
