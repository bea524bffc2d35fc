//! Decisions that were made, as a list.

use std::sync::Arc;

use playbook_model::RefusalCode;
use playbook_online::{Decision, DecisionFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::decisions::{EffectBody, SegmentBody};
use super::parts::OfBrand;
use crate::brand::Caller;
use crate::codes::Code;
use crate::json::Json;
use crate::live::{Live, apart, moment, moment_said};
use crate::page::{Asked, Page, Paging, filled};
use crate::problem::Problem;
use crate::role::Role;

/// Which decisions are asked for. Stage, action and refusal are those of one effect.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct MadeQuery {
    /// Rows of a page, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<usize>,
    /// `next` of the page before; none for the first page.
    cursor: Option<String>,
    /// Decisions about this member, in order of their moments: by its id, or by its pseudonym where the key sees no ids.
    pub(crate) member: Option<String>,
    /// Decisions that refused something with this code, "R01" to "R15".
    pub(crate) refusal: Option<String>,
    /// Decisions with an effect of this stage.
    pub(crate) stage: Option<String>,
    /// Decisions with an effect of this action.
    pub(crate) action: Option<String>,
    /// Decisions of this moment or later: RFC 3339, or unix milliseconds.
    pub(crate) from: Option<String>,
    /// Decisions before this moment.
    pub(crate) to: Option<String>,
}

/// A decision of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MadeDecision)]
pub(super) struct MadeBody {
    /// Its id, by which it is read in full.
    id: Option<String>,
    /// The member: its id, or its pseudonym where the key sees no ids.
    member: String,
    /// The moment, RFC 3339.
    at: String,
    /// Digest of the version that made it.
    version: String,
    /// Segments of the member, by stage.
    segments: Vec<SegmentBody>,
    /// Effects that were granted.
    granted: Vec<EffectBody>,
    /// Effects that were refused, with their reasons.
    refused: Vec<EffectBody>,
}

impl From<Decision> for MadeBody {
    fn from(decision: Decision) -> Self {
        let effects = |said: Vec<_>| said.into_iter().map(EffectBody::from).collect();
        Self {
            id: decision.id,
            member: decision.member,
            at: moment(decision.at),
            version: decision.version,
            segments: decision.segments.into_iter().map(SegmentBody::from).collect(),
            granted: effects(decision.granted),
            refused: effects(decision.refused),
        }
    }
}

impl MadeQuery {
    /// As a form says it, where a field that is empty asks for nothing.
    pub(crate) fn without_empty(self) -> Self {
        Self {
            limit: self.limit,
            cursor: filled(self.cursor),
            member: filled(self.member),
            refusal: filled(self.refusal),
            stage: filled(self.stage),
            action: filled(self.action),
            from: filled(self.from),
            to: filled(self.to),
        }
    }

    /// The filters by name.
    pub(crate) fn filters(&self) -> [(&'static str, Option<&str>); 6] {
        [
            ("member", self.member.as_deref()),
            ("refusal", self.refusal.as_deref()),
            ("stage", self.stage.as_deref()),
            ("action", self.action.as_deref()),
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
        ]
    }

    /// What is asked for, and which part of it.
    pub(crate) fn read(self) -> Result<(DecisionFilter, Paging), Problem> {
        let paging = Paging::new(self.limit, self.cursor)?;
        let code = |text: &str| {
            let known = RefusalCode::ALL.into_iter().find(|code| code.code() == text);
            let detail = format!("`refusal` is {text:?}, one of R01 to R15 is expected");
            known.ok_or_else(|| Problem::new(Code::QueryInvalid).detail(detail))
        };
        let filter = DecisionFilter {
            member: self.member,
            refusal: self.refusal.as_deref().map(code).transpose()?,
            stage: self.stage,
            action: self.action,
            from: moment_said("from", self.from)?,
            to: moment_said("to", self.to)?,
        };
        Ok((filter, paging))
    }
}

/// Decisions of a page.
pub(crate) async fn decisions_of(
    Live(brand): Live,
    role: Role,
    query: MadeQuery,
) -> Result<Page<Decision>, Problem> {
    let (mut filter, paging) = query.read()?;
    filter.member = filter.member.map(|named| role.id_of(&brand, named)).transpose()?;
    let part = paging.of("decisions")?;
    let (after, limit) = (part.after().map(str::to_owned), part.limit());
    let found =
        apart(brand, move |brand| brand.decisions(&filter, after.as_deref(), limit)).await?;
    Ok(part.open_page(found.decisions, found.next))
}

/// List decisions
///
/// Decisions that were made, the newest first. Where few are what is asked for, a page may be short; `next` goes on.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/decisions", tag = "decisions",
    params(OfBrand, MadeQuery),
    responses((status = 200, description = "A page of decisions.", body = Page<MadeBody>))
)]
pub(super) async fn list_decisions(
    Live(brand): Live,
    Caller(key): Caller,
    Asked(query): Asked<MadeQuery>,
) -> Result<Json<Page<MadeBody>>, Problem> {
    let page = decisions_of(Live(Arc::clone(&brand)), key.role, query).await?;
    Ok(Json(page.map(|decision| MadeBody::from(key.role.decision(&brand, decision)))))
}
