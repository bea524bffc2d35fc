//! Reviews: effects that a person decides on before they go out.

use axum::extract::Path;
use playbook_online::{Brand, Review, ReviewState, Verdict};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::decisions::EffectBody;
use super::parts::{OfBrand, OfReview};
use crate::brand::Caller;
use crate::codes::Code;
use crate::json::Json;
use crate::keys::Key;
use crate::live::{Live, moment};
use crate::page::{Asked, Page, Paging};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list_reviews))
        .routes(routes!(read_review))
        .routes(routes!(approve_review))
        .routes(routes!(refuse_review))
}

/// A review.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Review)]
struct ReviewBody {
    /// Its number among the brand's, ascending.
    number: u64,
    /// Why a person decides: "approval" (the action needs one, R09) or "fraud" (the member is held, R11).
    why: &'static str,
    /// "waiting", "approved", "refused", "expired" (the grant's time was over) or "refunded" (its order was).
    state: &'static str,
    /// The member.
    member: String,
    /// The decision that granted it.
    decision: String,
    /// What goes out if it is approved. Its money is reserved meanwhile.
    effect: EffectBody,
    /// When it was asked for, RFC 3339.
    at: String,
    /// When the grant ends, RFC 3339.
    ends_at: String,
    /// The key that asked for the decision, where a person did: somebody else has to approve.
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_by: Option<String>,
    /// When it was closed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<String>,
    /// The key that closed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_by: Option<String>,
    /// Why, in the words of whoever closed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<Review> for ReviewBody {
    fn from(review: Review) -> Self {
        Self {
            number: review.number,
            why: review.why.name(),
            state: review.state.name(),
            member: review.member,
            decision: review.decision,
            effect: review.effect.into(),
            at: moment(review.at),
            ends_at: moment(review.ends),
            requested_by: review.requested_by,
            closed_at: review.closed_at.map(moment),
            closed_by: review.closed_by,
            reason: review.reason,
        }
    }
}

/// Parameters of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ReviewQuery {
    /// Rows of a page, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<usize>,
    /// `next` of the page before; none for the first page.
    cursor: Option<String>,
    /// Reviews in this state alone: "waiting", "approved", "refused", "expired" or "refunded".
    state: Option<String>,
}

impl ReviewQuery {
    fn state(&self) -> Result<Option<ReviewState>, Problem> {
        let of = |name: &String| {
            ReviewState::of(name).ok_or_else(|| {
                let states = ReviewState::ALL.map(ReviewState::name).join(", ");
                Problem::new(Code::QueryInvalid).detail(format!("`state` is one of {states}"))
            })
        };
        self.state.as_ref().map(of).transpose()
    }
}

/// List reviews
///
/// In the order in which they were asked for. A page of one state may be short or empty and still name a next one.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/reviews", tag = "reviews",
    params(OfBrand, ReviewQuery),
    responses((status = 200, description = "A page of reviews.", body = Page<ReviewBody>))
)]
async fn list_reviews(
    Live(brand): Live,
    Asked(query): Asked<ReviewQuery>,
) -> Result<Json<Page<ReviewBody>>, Problem> {
    let state = query.state()?;
    let part = Paging::new(query.limit, query.cursor)?.of("reviews")?;
    let after = part.after().map_or(Ok(0), str::parse);
    let after = after.map_err(|_| Problem::new(Code::CursorInvalid))?;
    let (reviews, next) = brand.reviews(state, after, part.limit())?;
    Ok(Json(part.open_page(reviews, next.map(|next| next.to_string())).map(ReviewBody::from)))
}

fn number(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| Problem::new(Code::ReviewNotFound))
}

/// Read a review
#[utoipa::path(
    get, path = "/v1/brands/{brand}/reviews/{number}", tag = "reviews",
    params(OfBrand, OfReview),
    responses((status = 200, description = "The review.", body = ReviewBody))
)]
async fn read_review(
    Live(brand): Live,
    Path((_, text)): Path<(String, String)>,
) -> Result<Json<ReviewBody>, Problem> {
    Ok(Json(brand.review(number(&text)?)?.into()))
}

/// Why something is done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reason)]
pub(super) struct ReasonBody {
    /// In words, 1 to 1,000 letters.
    #[schema(example = "asked the store: the order is real")]
    pub(super) reason: String,
}

async fn decided(
    brand: &Brand,
    text: &str,
    verdict: Verdict,
    (key, body): (&Key, &ReasonBody),
) -> Result<Json<ReviewBody>, Problem> {
    let review = brand.decide_review(number(text)?, verdict, &key.id, &body.reason).await?;
    Ok(Json(review.into()))
}

/// Approve a review
///
/// The effect goes out. Whoever asked for the decision cannot approve it. Once: a repetition changes nothing.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/reviews/{number}/approve", tag = "reviews",
    params(OfBrand, OfReview),
    request_body = ReasonBody,
    responses((status = 200, description = "It is approved.", body = ReviewBody))
)]
async fn approve_review(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, text)): Path<(String, String)>,
    Json(body): Json<ReasonBody>,
) -> Result<Json<ReviewBody>, Problem> {
    decided(&brand, &text, Verdict::Approve, (&key, &body)).await
}

/// Refuse a review
///
/// The effect does not go out, and its money is free again. Once: a repetition changes nothing.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/reviews/{number}/refuse", tag = "reviews",
    params(OfBrand, OfReview),
    request_body = ReasonBody,
    responses((status = 200, description = "It is refused.", body = ReviewBody))
)]
async fn refuse_review(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, text)): Path<(String, String)>,
    Json(body): Json<ReasonBody>,
) -> Result<Json<ReviewBody>, Problem> {
    decided(&brand, &text, Verdict::Refuse, (&key, &body)).await
}
