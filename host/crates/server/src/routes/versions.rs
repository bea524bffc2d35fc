//! Versions of a brand's playbook. Opening one compiles and calls plugins, so that it happens on a thread that may wait.

use std::sync::Arc;

use axum::extract::{Path, Request};
use axum::http::header;
use playbook_model::Digest;
use playbook_online::{Activation, Brand, By, CycleTransfer, How, Source, Trial, Version};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::{OfBrand, OfVersion};
use crate::brand::Asker;
use crate::codes::Code;
use crate::json::{Created, Json, whole};
use crate::live::{Live, apart, moment, moment_of};
use crate::page::{Page, PageQuery, Paging};
use crate::problem::Problem;

/// Name under which a playbook that was sent is known.
const FILE: &str = "playbook.toml";

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list_activations, offer_version))
        .routes(routes!(try_version))
        .routes(routes!(activate_version))
        .routes(routes!(roll_back))
        .routes(routes!(close_cycle))
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Version)]
struct VersionBody {
    /// Its digest: of the playbook and of the components that its stages take.
    version: String,
    /// Digest of the playbook.
    playbook_digest: String,
    /// Stages with their plugins, in the order in which they run.
    stages: Vec<StageBody>,
}

/// A stage with its plugin.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stage)]
struct StageBody {
    /// Stage of the playbook.
    stage: String,
    /// Kind of its plugin.
    kind: String,
    /// Name of its plugin.
    plugin: String,
    /// Version of its plugin.
    version: String,
    /// Digest of its component.
    component: String,
    /// Whether it answers for single members; others answer once a cycle.
    of_members: bool,
}

/// What a version would change, seen on the brand's last decisions: they are made anew by the version that decides and by this
/// one, each on an empty ledger.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trial)]
struct TrialBody {
    /// Decisions that were compared.
    compared: u64,
    /// Decisions that one of both could not make.
    failed: u64,
    /// Of these, those that the version that decides makes; with one of them this version is not activated.
    fails: u64,
    /// Moves between segments.
    moves: Vec<MoveBody>,
    /// Effects granted now.
    granted_before: u64,
    /// Effects that would be granted.
    granted_after: u64,
    /// What they cost at most now, minor units.
    cost_before_minor: i64,
    /// What they would cost at most, minor units.
    cost_after_minor: i64,
}

/// Members that would move from a segment to another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Move)]
pub(super) struct MoveBody {
    /// Stage that segments.
    stage: String,
    /// Segment now.
    from: String,
    /// Segment then.
    to: String,
    /// How many decisions.
    count: u64,
}

/// A version became the one that decides, or the candidate, or ceased to be it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Activation)]
pub(super) struct ActivationBody {
    /// Number, from 1.
    number: u64,
    /// When, RFC 3339.
    at: String,
    /// Who: id of a key, or "host".
    by: String,
    /// "start", "file", "activated", "rolled-back", "cycle" or "breaker": it decides. "shadow" or "share": it is the candidate. "withdrawn" or
    /// "returned": somebody, or a guard, took the candidate back.
    how: &'static str,
    /// Digest of the version: the one that decides, or the candidate in shadow or with a share.
    version: String,
    /// Digest of its playbook.
    playbook_digest: String,
    /// Digest of the version before; of a candidate, of the one that decides beside it; where one was taken back, its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// What it was expected to change.
    expected: TrialBody,
    /// Percentage of the members, of a candidate with a share.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<u8>,
    /// The guard that took the candidate back.
    #[serde(skip_serializing_if = "Option::is_none")]
    breach: Option<BreachBody>,
    /// Money that the stages of the closed cycle would move between pools, and what became of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transfers: Vec<TransferBody>,
}

/// Money that a stage of a closed cycle would move between pools.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CycleTransfer)]
struct TransferBody {
    /// Stage that asks for it.
    stage: String,
    /// What gives it: a pool, where money may move.
    #[schema(example = "tea-lovers")]
    from: String,
    /// What receives it.
    #[schema(example = "coffee-corner")]
    to: String,
    /// Most that was to move, minor units.
    asked_minor: i64,
    /// What moved of it.
    moved_minor: i64,
    /// "moved"; "moved before", when the cycle was closed the first time; "suggested", where the playbook lets nothing move;
    /// "refused".
    #[schema(example = "moved")]
    became: String,
    /// The first check that failed: "no-pool", "not-better", "frozen", "red-line", "cool-down", "share" or "floor".
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    /// Code of the reason.
    reason_code: String,
    /// The reason in words.
    reason: String,
}

impl From<CycleTransfer> for TransferBody {
    fn from(transfer: CycleTransfer) -> Self {
        let CycleTransfer { stage, from, to, asked_minor, moved_minor, became, refusal, reason } =
            transfer;
        let (reason_code, reason) = (reason.code, reason.text.en);
        Self { stage, from, to, asked_minor, moved_minor, became, refusal, reason_code, reason }
    }
}

impl ActivationBody {
    /// With what the cycle moved, where one was closed.
    fn of(brand: &Brand, activation: Activation) -> Result<Self, Problem> {
        let transfers = brand.transfers_of(&activation)?.into_iter().map(TransferBody::from);
        Ok(Self { transfers: transfers.collect(), ..activation.into() })
    }
}

/// That a candidate was beyond a guard.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Breach)]
struct BreachBody {
    /// "faults", "latency", "refusals" or "spend".
    guard: &'static str,
    /// What its figures are.
    figure: &'static str,
    /// The candidate's figure.
    found: f64,
    /// What it might be at most.
    bound: f64,
    /// Decisions of the candidate that this rests on.
    decisions: u64,
}

/// Moves as they are told.
pub(super) fn moves(moves: Vec<(String, String, String, u64)>) -> Vec<MoveBody> {
    let body = |(stage, from, to, count)| MoveBody { stage, from, to, count };
    moves.into_iter().map(body).collect()
}

impl From<Trial> for TrialBody {
    fn from(trial: Trial) -> Self {
        Self {
            compared: trial.compared,
            failed: trial.failed,
            fails: trial.fails,
            moves: moves(trial.moves),
            granted_before: trial.granted[0],
            granted_after: trial.granted[1],
            cost_before_minor: trial.cost_minor[0],
            cost_after_minor: trial.cost_minor[1],
        }
    }
}

impl From<Activation> for ActivationBody {
    fn from(activation: Activation) -> Self {
        Self {
            number: activation.number,
            at: moment(activation.at),
            by: activation.by,
            how: activation.how.name(),
            version: Digest(activation.version).to_string(),
            playbook_digest: activation.playbook_digest,
            before: activation.before.map(|digest| Digest(digest).to_string()),
            expected: activation.expected.into(),
            percent: activation.terms.map(|terms| terms.percent).filter(|percent| *percent > 0),
            breach: activation.breach.map(|breach| BreachBody {
                guard: breach.guard.name(),
                figure: breach.guard.words(),
                found: breach.found,
                bound: breach.bound,
                decisions: breach.decisions,
            }),
            transfers: Vec::new(),
        }
    }
}

pub(super) fn version(text: &str) -> Result<Digest, Problem> {
    Digest::from_hex(text).ok_or_else(|| Problem::new(Code::VersionNotFound))
}

/// Opens the playbook of a text aside.
pub(crate) async fn offered(brand: Arc<Brand>, text: String) -> Result<Arc<Version>, Problem> {
    let source = Source {
        file: FILE.to_owned(),
        files: vec![(FILE.to_owned(), text)],
        is_from_outside: true,
        ..Source::default()
    };
    apart(brand, move |brand| brand.offer(&source)).await
}

/// Makes the version of a digest the one that decides.
pub(crate) async fn activated(
    brand: Arc<Brand>,
    asker: Asker,
    text: &str,
) -> Result<Activation, Problem> {
    let digest = version(text)?;
    apart(brand, move |brand| brand.activate(&digest, By::from(&asker), How::Activated, None)).await
}

/// Makes the version before the one that decides again.
pub(crate) async fn rolled_back(brand: Arc<Brand>, asker: Asker) -> Result<Activation, Problem> {
    apart(brand, move |brand| brand.roll_back(By::from(&asker))).await
}

/// Offer a version
///
/// Takes a playbook (TOML, one file), checks it in full, takes the installed plugins that it names, and opens its stages aside. It
/// names no file of the host: no component by its path, and data in the brand's own folder alone. It decides nothing until it is
/// activated.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/versions", tag = "versions",
    params(OfBrand),
    request_body(content = String, content_type = "application/toml", description = "The playbook."),
    responses((status = 201, description = "The version.", body = VersionBody))
)]
async fn offer_version(
    Live(brand): Live,
    Path(name): Path<String>,
    request: Request,
) -> Result<Created<VersionBody>, Problem> {
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !media.is_some_and(|media| media.trim().eq_ignore_ascii_case("application/toml")) {
        let detail = "a playbook is sent with the header `Content-Type: application/toml`";
        return Err(Problem::new(Code::ContentTypeUnsupported).detail(detail));
    }
    let bytes = whole(request.into_body()).await?;
    let text = String::from_utf8(bytes.into())
        .map_err(|_| Problem::new(Code::RequestInvalid).detail("the playbook is not UTF-8"))?;
    let version = offered(brand, text).await?;
    let facts = version.facts();
    let digest = facts.digest().to_string();
    let stages = facts.stages.iter().map(|stage| StageBody {
        stage: stage.name.clone(),
        kind: stage.kind.clone(),
        plugin: stage.plugin.clone(),
        version: stage.version.clone(),
        component: stage.component.clone(),
        of_members: stage.of_members,
    });
    Ok(Created {
        location: format!("/v1/brands/{name}/versions/{digest}"),
        body: VersionBody {
            version: digest,
            playbook_digest: facts.playbook_digest.clone(),
            stages: stages.collect(),
        },
    })
}

/// Try a version
///
/// What it would change, seen on the brand's last decisions. Nothing is granted.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/versions/{version}/trial", tag = "versions",
    params(OfBrand, OfVersion),
    responses((status = 200, description = "What would change.", body = TrialBody))
)]
async fn try_version(
    Live(brand): Live,
    Path((_, text)): Path<(String, String)>,
) -> Result<Json<TrialBody>, Problem> {
    let digest = version(&text)?;
    let trial = apart(brand, move |brand| brand.trial_of(&digest)).await?;
    Ok(Json(trial.into()))
}

/// Activate a version
///
/// Tries it, then makes it the one that decides, in one step: requests that have begun end on the version before, and each decision
/// is made wholly by one.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/versions/{version}/activate", tag = "versions",
    params(OfBrand, OfVersion),
    responses((status = 200, description = "It decides.", body = ActivationBody))
)]
async fn activate_version(
    Live(brand): Live,
    asker: Asker,
    Path((_, text)): Path<(String, String)>,
) -> Result<Json<ActivationBody>, Problem> {
    Ok(Json(activated(brand, asker, &text).await?.into()))
}

/// Roll back
///
/// Makes the version before the one that decides again; it is open still, so that this takes no time.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/versions/rollback", tag = "versions",
    params(OfBrand),
    responses((status = 200, description = "The version before decides.", body = ActivationBody))
)]
async fn roll_back(Live(brand): Live, asker: Asker) -> Result<Json<ActivationBody>, Problem> {
    Ok(Json(rolled_back(brand, asker).await?.into()))
}

/// Which cycle to close.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CycleClosing)]
struct CloseBody {
    /// Its end: RFC 3339, or unix milliseconds; now where it is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "2026-07-01T00:00:00+08:00")]
    at: Option<serde_json::Value>,
}

/// Close a cycle
///
/// Runs the batch loop over the brand's log as it stands at that moment: fits models, computes tables of other subjects, and grants
/// nothing. Where the playbook lets ROI stages move money between pools, what passes the checks moves, once a cycle. What it leaves serves the decisions that follow, as a version of its own; where it fails nothing changes.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/cycles/close", tag = "versions",
    params(OfBrand),
    request_body = CloseBody,
    responses((status = 200, description = "The version with what the cycle left decides.", body = ActivationBody))
)]
async fn close_cycle(
    Live(brand): Live,
    asker: Asker,
    Json(body): Json<CloseBody>,
) -> Result<Json<ActivationBody>, Problem> {
    let at = moment_of(body.at)?;
    let closer = Arc::clone(&brand);
    let closed = apart(closer, move |brand| brand.close_cycle(at, By::from(&asker))).await?;
    Ok(Json(ActivationBody::of(&brand, closed)?))
}

/// List activations
///
/// Which version decided from when on and which was the candidate, who made it so, and what it was expected to change; the newest
/// first.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/versions", tag = "versions",
    params(OfBrand, PageQuery),
    responses((status = 200, description = "A page of activations.", body = Page<ActivationBody>))
)]
async fn list_activations(
    Live(brand): Live,
    paging: Paging,
) -> Result<Json<Page<ActivationBody>>, Problem> {
    let part = paging.of("activations")?;
    let after: Option<u64> = match part.after() {
        None => None,
        Some(after) => Some(after.parse().map_err(|_| Problem::new(Code::CursorInvalid))?),
    };
    let later = brand.activations().into_iter();
    let later = later.filter(|one| after.is_none_or(|after| one.number < after));
    let rows: Vec<(String, Activation)> =
        later.take(part.fetch()).map(|one| (one.number.to_string(), one)).collect();
    let page = part.page(rows, |(number, _)| number);
    Ok(Json(page.try_map(|(_, one)| ActivationBody::of(&brand, one))?))
}
