//! The candidate: a version that computes beside the one that decides, or decides on a share of the members.

use std::collections::BTreeMap;

use axum::extract::Path;
use playbook_model::{Digest, RefusalCode};
use playbook_online::{Brand, By, CandidateFigures, Guards, SideFigures};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::{OfBrand, OfVersion};
use super::versions::{ActivationBody, MoveBody, moves, version};
use crate::brand::Asker;
use crate::codes::Code;
use crate::json::Json;
use crate::live::{FieldFault, Live, apart, moment};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(read_candidate, withdraw_candidate))
        .routes(routes!(shadow_version))
        .routes(routes!(share_version))
}

/// What takes a candidate back by itself. Guards look at its last 500 to 1,000 decisions.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = Guards)]
struct GuardsBody {
    /// Decisions of the candidate before any guard speaks, 1 to 500.
    #[schema(example = 200)]
    decisions_min: u64,
    /// By how much its share of decisions with a failed stage may be above that of the version that decides, 0 to 1.
    #[schema(example = 0.02)]
    faults_more: f64,
    /// How many times the p99 of evaluations may be that of the version that decides; up to 5 ms none is too slow.
    #[schema(example = 3.0)]
    latency_ratio: f64,
    /// By how much its share of refused proposals may be above that of the version that decides, 0 to 1.
    #[schema(example = 0.2)]
    refusals_more: f64,
    /// How many times the cost of a decision may be what the trial expected, or what the version that decides spends, whichever
    /// is more.
    #[schema(example = 1.5)]
    spend_ratio: f64,
}

impl Default for GuardsBody {
    fn default() -> Self {
        Guards::default().into()
    }
}

impl From<Guards> for GuardsBody {
    fn from(guards: Guards) -> Self {
        let Guards { decisions_min, faults_more, latency_ratio, refusals_more, spend_ratio } =
            guards;
        Self { decisions_min, faults_more, latency_ratio, refusals_more, spend_ratio }
    }
}

impl From<GuardsBody> for Guards {
    fn from(body: GuardsBody) -> Self {
        let GuardsBody { decisions_min, faults_more, latency_ratio, refusals_more, spend_ratio } =
            body;
        Self { decisions_min, faults_more, latency_ratio, refusals_more, spend_ratio }
    }
}

/// On which members a version decides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ShareRequest)]
struct ShareBody {
    /// Percentage of the members, 1 to 100.
    #[schema(minimum = 1, maximum = 100, example = 10)]
    percent: u8,
    /// What takes it back by itself.
    #[serde(default)]
    guards: GuardsBody,
}

impl ShareBody {
    /// Everything that is wrong with it.
    fn faults(&self) -> Vec<FieldFault> {
        let GuardsBody { decisions_min, faults_more, latency_ratio, refusals_more, spend_ratio } =
            self.guards;
        let is_share = |value: f64| (0.0..=1.0).contains(&value);
        let is_ratio = |value: f64| (1.0..=1_000.0).contains(&value);
        let checks = [
            ("percent", (1..=100).contains(&self.percent), "1 to 100"),
            ("guards.decisions_min", (1..=500).contains(&decisions_min), "1 to 500"),
            ("guards.faults_more", is_share(faults_more), "0 to 1"),
            ("guards.latency_ratio", is_ratio(latency_ratio), "1 to 1000"),
            ("guards.refusals_more", is_share(refusals_more), "0 to 1"),
            ("guards.spend_ratio", is_ratio(spend_ratio), "1 to 1000"),
        ];
        let wrong = checks.into_iter().filter(|(_, is_right, _)| !is_right);
        wrong
            .map(|(field, _, expected)| FieldFault {
                field: field.to_owned(),
                problem: "is out of bounds".to_owned(),
                expected: expected.to_owned(),
            })
            .collect()
    }
}

/// The candidate, and what it does beside the version that decides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Candidate)]
struct CandidateBody {
    /// Digest of the version.
    version: String,
    /// Digest of its playbook.
    playbook_digest: String,
    /// "shadow" or "share".
    how: &'static str,
    /// Percentage of the members whom it decides on; 0 in shadow.
    percent: u8,
    /// Who made it the candidate: id of a key, or "host".
    by: String,
    /// Since when, RFC 3339.
    #[schema(format = DateTime)]
    since: String,
    /// What the version that decides did since then, or since the service started.
    decides: SideBody,
    /// What the candidate did.
    candidate: SideBody,
    /// In shadow: moves between segments.
    moves: Vec<MoveBody>,
    /// In shadow: decisions that were not compared, because too many waited.
    dropped: u64,
    /// What takes it back by itself.
    guards: GuardsBody,
    /// With a share: what a decision is expected to cost at most, minor units, where the trial saw any.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_cost_minor: Option<f64>,
}

/// What one of two versions did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CandidateSide)]
struct SideBody {
    /// Decisions.
    decisions: u64,
    /// Decisions with a stage that failed.
    faults: u64,
    /// Effects that were granted anew; in shadow, that would have been, on an empty ledger.
    granted: u64,
    /// Proposals of what was granted before.
    granted_before: u64,
    /// Proposals that were refused, by code.
    #[schema(value_type = Object)]
    refused: BTreeMap<&'static str, u64>,
    /// What the granted effects cost at most, minor units.
    cost_minor: i64,
    /// Mean time of an evaluation, microseconds.
    evaluation_mean_micros: f64,
    /// 99 of 100 evaluations took no longer, microseconds.
    evaluation_p99_micros: f64,
}

impl From<&SideFigures> for SideBody {
    fn from(side: &SideFigures) -> Self {
        let refused = RefusalCode::ALL.iter().zip(side.refused).filter(|(_, count)| *count > 0);
        Self {
            decisions: side.decisions,
            faults: side.faults,
            granted: side.granted,
            granted_before: side.granted_before,
            refused: refused.map(|(code, count)| (code.code(), count)).collect(),
            cost_minor: side.cost_minor,
            evaluation_mean_micros: side.micros.mean(),
            evaluation_p99_micros: side.micros.quantile(0.99),
        }
    }
}

impl From<CandidateFigures> for CandidateBody {
    fn from(figures: CandidateFigures) -> Self {
        let CandidateFigures { activation, sides: [decides, candidate], .. } = &figures;
        let terms = activation.terms;
        Self {
            version: Digest(activation.version).to_string(),
            playbook_digest: activation.playbook_digest.clone(),
            how: activation.how.name(),
            percent: terms.map_or(0, |terms| terms.percent),
            by: activation.by.clone(),
            since: moment(activation.at),
            decides: decides.into(),
            candidate: candidate.into(),
            guards: terms.map(|terms| terms.guards).unwrap_or_default().into(),
            dropped: figures.dropped,
            expected_cost_minor: figures.forecast,
            moves: moves(figures.moves),
        }
    }
}

/// Shadow a version
///
/// Makes it the candidate: for each decision it decides, too, beside and after the answer, and grants nothing. Another candidate is
/// taken back.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/versions/{version}/shadow", tag = "versions",
    params(OfBrand, OfVersion),
    responses((status = 200, description = "It is the candidate.", body = ActivationBody))
)]
async fn shadow_version(
    Live(brand): Live,
    asker: Asker,
    Path((_, text)): Path<(String, String)>,
) -> Result<Json<ActivationBody>, Problem> {
    let digest = version(&text)?;
    let shadow = move |brand: &Brand| brand.shadow(&digest, By::from(&asker));
    Ok(Json(apart(brand, shadow).await?.into()))
}

/// Share members with a version
///
/// Makes it the candidate, which decides on a part of the members, wholly; the same members stay with it while the part grows. It is one
/// ledger: budget, caps and grants are common. Where a guard speaks it is taken back by itself. With 100 percent it decides on all, and
/// is activated by `activate` all the same.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/versions/{version}/share", tag = "versions",
    params(OfBrand, OfVersion),
    request_body = ShareBody,
    responses((status = 200, description = "It is the candidate.", body = ActivationBody))
)]
async fn share_version(
    Live(brand): Live,
    asker: Asker,
    Path((_, text)): Path<(String, String)>,
    Json(body): Json<ShareBody>,
) -> Result<Json<ActivationBody>, Problem> {
    let faults = body.faults();
    if !faults.is_empty() {
        return Err(Problem::new(Code::FieldInvalid).faults(faults));
    }
    let digest = version(&text)?;
    let share = move |brand: &Brand| {
        brand.share(&digest, body.percent, body.guards.into(), By::from(&asker))
    };
    Ok(Json(apart(brand, share).await?.into()))
}

/// Read the candidate
///
/// What it does beside the version that decides: effects, refusals, cost, faults and times of both.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/versions/candidate", tag = "versions",
    params(OfBrand),
    responses((status = 200, description = "The candidate.", body = CandidateBody))
)]
async fn read_candidate(Live(brand): Live) -> Result<Json<CandidateBody>, Problem> {
    // A comparison that is being made is waited for.
    let read = apart(brand, |brand: &Brand| Ok::<_, Problem>(brand.candidate())).await?;
    let figures = read.ok_or_else(|| Problem::new(Code::CandidateNotFound))?;
    Ok(Json(figures.into()))
}

/// Take the candidate back
///
/// The version that decides does so for all members again, at once.
#[utoipa::path(
    delete, path = "/v1/brands/{brand}/versions/candidate", tag = "versions",
    params(OfBrand),
    responses((status = 200, description = "There is no candidate.", body = ActivationBody))
)]
async fn withdraw_candidate(
    Live(brand): Live,
    asker: Asker,
) -> Result<Json<ActivationBody>, Problem> {
    let withdraw = move |brand: &Brand| brand.withdraw(By::from(&asker));
    Ok(Json(apart(brand, withdraw).await?.into()))
}
