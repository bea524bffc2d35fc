//! Decisions about members: made, looked at, told again; their grants settled and released.

use axum::extract::Path;
use playbook_ledger::Closure;
use playbook_online::Ask;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::{OfBrand, OfDecision, OfGrant};
use crate::brand::Caller;
use crate::codes::Code;
use crate::idempotency::IdempotencyKey;
use crate::json::Json;
use crate::live::{Live, moment, moment_of};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(super::made::list_decisions, decide))
        .routes(routes!(preview_decision))
        .routes(routes!(read_decision))
        .routes(routes!(settle_grant))
        .routes(routes!(release_grant))
}

/// What is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DecisionRequest)]
struct AskBody {
    /// The member.
    #[schema(example = "m-42")]
    member: String,
    /// The moment: RFC 3339, or unix milliseconds; now where it is left out. Only events before it count.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "2026-07-01T00:00:00Z")]
    at: Option<Value>,
    /// Id of the event that triggers the decision. An action that may come once an event is granted once for it.
    #[serde(default)]
    #[schema(example = "order-1001")]
    event: Option<String>,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
pub(super) struct DecisionBody {
    /// Its id; none for a look without effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The member: its id, or its pseudonym where the key sees no ids.
    member: String,
    /// The moment, RFC 3339.
    at: String,
    /// Number of the cycle.
    cycle: i64,
    /// Whether it was a look without effect: nothing was granted.
    preview: bool,
    /// The law that the member fell under, by its region: "eu", "local", or "strictest" (both at once) where that is not known;
    /// none where the playbook has no tracks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "eu")]
    track: Option<String>,
    /// Whether it was made before, by the same request under the same idempotency key.
    repeated: bool,
    /// ISO 4217 code of all amounts.
    currency: String,
    /// Segments of the member, by stage.
    segments: Vec<SegmentBody>,
    /// Effects that were granted, in order of arbitration.
    granted: Vec<EffectBody>,
    /// Effects that were refused, with their reasons.
    refused: Vec<EffectBody>,
    /// What stages said: scores, levels, segments, as `stage.output`.
    #[schema(value_type = Object)]
    outputs: Map<String, Value>,
    /// What stages read of the member.
    #[schema(value_type = Object)]
    features: Map<String, Value>,
    /// Stages that failed or wait, with why.
    left_out: Vec<LeftOutBody>,
    /// Id of the playbook.
    playbook: String,
    /// Digest of the playbook.
    playbook_digest: String,
    /// Digest of playbook and components: the one version that made it.
    version: String,
    /// Plugins that answered.
    plugins: Vec<PluginBody>,
    /// Fuel of all its calls of plugins, those that failed included: each stage is called once for one decision, and no call serves
    /// several. None where calls are not metered by fuel, or an earlier release made the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    fuel: Option<u64>,
    /// The closed cycle that it rests on; none before the first one was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_cycle: Option<ClosedBody>,
}

/// What a closed cycle left for decisions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClosedCycle)]
struct ClosedBody {
    /// End of the cycle, RFC 3339.
    at: String,
    /// Digest of all that it left: models, tables, values of splits, outputs.
    digest: String,
}

/// A segment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Segment)]
pub(super) struct SegmentBody {
    /// Stage of the playbook.
    stage: String,
    /// Its name.
    segment: String,
    /// In words.
    text: String,
}

/// An effect that a plugin proposed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Effect)]
pub(super) struct EffectBody {
    /// Stage that proposed it.
    stage: String,
    /// The action.
    action: String,
    /// The action in words.
    text: String,
    /// Points, units or 1.
    quantity: i64,
    /// Greatest cost, minor units.
    cost_minor: i64,
    /// Expected output, minor units.
    expected_output_minor: i64,
    /// Minutes from the decision to the effect.
    after_min: u32,
    /// Minutes until when it may happen; none: no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    until_min: Option<u32>,
    /// "granted", "waits-for-approval", "held-for-review" (fraud), "granted-before" or "refused"; in a list of effects "granted" or
    /// "reversed".
    status: &'static str,
    /// Why the plugin proposed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonBody>,
    /// Why the host refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<RefusalBody>,
    /// Key of the grant, by which it is settled or released.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
}

/// A reason of a plugin.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reason)]
struct ReasonBody {
    /// Stable code of the plugin.
    code: String,
    /// In words.
    text: String,
}

/// Why the host refused an effect.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refusal)]
struct RefusalBody {
    /// "R01" to "R15", in the order in which they are checked.
    #[schema(example = "R05")]
    code: &'static str,
    /// In words.
    text: &'static str,
    /// The rule.
    #[schema(example = "H4")]
    rule: String,
}

/// A stage that did not answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeftOut)]
struct LeftOutBody {
    /// Stage of the playbook.
    stage: String,
    /// Why.
    why: String,
    /// Fuel of the call in which it failed: all that it was given, where a trap or a limit ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fuel: Option<u64>,
}

/// A plugin that answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plugin)]
struct PluginBody {
    /// Stage of the playbook.
    stage: String,
    /// Name of the plugin.
    plugin: String,
    /// Its version.
    version: String,
    /// Digest of its component.
    component: String,
    /// Digest of the model that the closed cycle fitted for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Digest of the whole tables that the closed cycle left for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    tables: Option<String>,
    /// Fuel of its call. A warm instance may take a little more or less for the same answer than a fresh one.
    #[serde(skip_serializing_if = "Option::is_none")]
    fuel: Option<u64>,
}

impl DecisionBody {
    pub(super) fn of(decision: playbook_online::Decision, repeated: bool) -> Self {
        let effects =
            |all: Vec<playbook_online::EffectSaid>| all.into_iter().map(EffectBody::from).collect();
        Self {
            id: decision.id,
            member: decision.member,
            at: moment(decision.at),
            cycle: decision.cycle,
            preview: decision.is_preview,
            track: decision.track,
            repeated,
            currency: decision.currency,
            segments: decision.segments.into_iter().map(SegmentBody::from).collect(),
            granted: effects(decision.granted),
            refused: effects(decision.refused),
            outputs: decision.outputs,
            features: decision.features,
            left_out: decision.left_out.into_iter().map(LeftOutBody::from).collect(),
            playbook: decision.playbook,
            playbook_digest: decision.playbook_digest,
            version: decision.version,
            plugins: decision.plugins.into_iter().map(PluginBody::from).collect(),
            fuel: decision.fuel,
            closed_cycle: decision.closed.map(|playbook_online::ClosedSaid { at, digest }| {
                ClosedBody { at: moment(at), digest }
            }),
        }
    }
}

impl From<playbook_online::SegmentSaid> for SegmentBody {
    fn from(said: playbook_online::SegmentSaid) -> Self {
        let playbook_online::SegmentSaid { stage, segment, text } = said;
        Self { stage, segment, text }
    }
}

impl From<playbook_online::LeftOut> for LeftOutBody {
    fn from(said: playbook_online::LeftOut) -> Self {
        let playbook_online::LeftOut { stage, why, fuel } = said;
        Self { stage, why: why.en, fuel }
    }
}

impl From<playbook_online::PluginSaid> for PluginBody {
    fn from(said: playbook_online::PluginSaid) -> Self {
        let playbook_online::PluginSaid { stage, plugin, version, component, model, tables, fuel } =
            said;
        Self { stage, plugin, version, component, model, tables, fuel }
    }
}

impl From<playbook_online::EffectSaid> for EffectBody {
    fn from(said: playbook_online::EffectSaid) -> Self {
        let refusal = said.refusal.map(|refusal| {
            let playbook_online::RefusalSaid { code, text, rule } = refusal;
            RefusalBody { code, text, rule }
        });
        Self {
            stage: said.stage,
            action: said.action,
            text: said.text,
            quantity: said.quantity,
            cost_minor: said.cost_minor,
            expected_output_minor: said.expected_output_minor,
            after_min: said.after_min,
            until_min: said.until_min,
            status: said.status,
            reason: said.reason.map(|(code, text)| ReasonBody { code, text }),
            refusal,
            grant: said.grant,
        }
    }
}

impl AskBody {
    fn ask(self) -> Result<Ask, Problem> {
        let at = moment_of(self.at)?;
        Ok(Ask { member: self.member, at, event: self.event })
    }
}

/// Decide
///
/// Takes the member through all stages of the playbook, decides on what they propose, books what is granted, and answers when
/// that is on disk. The same request under the same idempotency key gives the same decision, and grants nothing twice.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/decisions", tag = "decisions",
    params(OfBrand),
    request_body = AskBody,
    responses((status = 200, description = "The decision.", body = DecisionBody))
)]
async fn decide(
    Live(brand): Live,
    Caller(caller): Caller,
    key: IdempotencyKey,
    Json(body): Json<AskBody>,
) -> Result<Json<DecisionBody>, Problem> {
    let by = caller.role.is_of_a_person().then_some(caller.id.as_str());
    let decided = brand.decide_for(&body.ask()?, key.as_str(), by).await?;
    Ok(Json(DecisionBody::of(decided.decision, decided.is_repeated)))
}

/// Look at a decision without effect
///
/// What a decision would be now. Nothing is granted and nothing is kept.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/decisions/preview", tag = "decisions",
    params(OfBrand),
    request_body = AskBody,
    responses((status = 200, description = "What would be decided.", body = DecisionBody))
)]
async fn preview_decision(
    Live(brand): Live,
    Json(body): Json<AskBody>,
) -> Result<Json<DecisionBody>, Problem> {
    let decision = brand.preview(&body.ask()?).await?;
    Ok(Json(DecisionBody::of(decision, false)))
}

/// Read a decision
///
/// Any decision that was made, in the words of the version that made it: what was read, what stages said, what was granted and
/// refused, and why.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/decisions/{id}", tag = "decisions",
    params(OfBrand, OfDecision),
    responses((status = 200, description = "The decision.", body = DecisionBody))
)]
async fn read_decision(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<DecisionBody>, Problem> {
    Ok(Json(DecisionBody::of(key.role.decision(&brand, brand.decision(&id)?), false)))
}

/// What was paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Settlement)]
struct SettleBody {
    /// Minor units; all that was reserved where it is left out.
    #[serde(default)]
    #[schema(example = 250)]
    paid_minor: Option<i64>,
}

/// What became of a grant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Closing)]
struct ClosingBody {
    /// "settled" or "released".
    status: &'static str,
}

/// Settle a grant
///
/// What was paid is spent, what was reserved beyond it is free again. Once: a repetition changes nothing.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/decisions/{id}/grants/{grant}/settle", tag = "decisions",
    params(OfBrand, OfDecision, OfGrant),
    request_body = SettleBody,
    responses((status = 200, description = "It is settled.", body = ClosingBody))
)]
async fn settle_grant(
    Live(brand): Live,
    Path((_, id, grant)): Path<(String, String, String)>,
    Json(body): Json<SettleBody>,
) -> Result<Json<ClosingBody>, Problem> {
    if body.paid_minor.is_some_and(|paid| paid < 0) {
        return Err(Problem::new(Code::FieldInvalid).field("paid_minor").detail("it is below 0"));
    }
    brand.close(&id, &grant, playbook_online::settled(body.paid_minor)).await?;
    Ok(Json(ClosingBody { status: "settled" }))
}

/// Release a grant
///
/// Nothing was paid: all that was reserved is free again. Once: a repetition changes nothing.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/decisions/{id}/grants/{grant}/release", tag = "decisions",
    params(OfBrand, OfDecision, OfGrant),
    responses((status = 200, description = "It is released.", body = ClosingBody))
)]
async fn release_grant(
    Live(brand): Live,
    Path((_, id, grant)): Path<(String, String, String)>,
) -> Result<Json<ClosingBody>, Problem> {
    brand.close(&id, &grant, Closure::Release).await?;
    Ok(Json(ClosingBody { status: "released" }))
}
