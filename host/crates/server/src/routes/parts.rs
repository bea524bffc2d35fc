//! Parts of paths that many routes share, as the document tells them.

#![expect(dead_code, reason = "the document names them; handlers take the parts by position")]

use serde::Deserialize;
use utoipa::IntoParams;

/// What every route of a brand begins with.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfBrand {
    /// Name of the brand.
    #[param(example = "acme")]
    brand: String,
}

/// A member.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfMember {
    /// Id of the member.
    #[param(example = "m-42")]
    member: String,
}

/// An account of a member.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfAccount {
    /// Id of the member.
    #[param(example = "m-42")]
    member: String,
    /// Id of the account.
    #[param(example = "wx-7")]
    account: String,
}

/// A version.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfVersion {
    /// Digest of the version.
    version: String,
}

/// A decision.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfDecision {
    /// Id of the decision.
    id: String,
}

/// A review.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfReview {
    /// Number of the review.
    #[param(example = 7)]
    number: u64,
}

/// A grant of access.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfAccess {
    /// Number of the grant.
    #[param(example = 1)]
    number: u64,
}

/// A grant of a decision.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfGrant {
    /// Key of the grant.
    grant: String,
}

/// A request for money.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfRequest {
    /// Number of the request.
    #[param(example = 3)]
    number: u64,
}

/// An alert.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfAlert {
    /// Number of the alert.
    #[param(example = 1)]
    number: u64,
}

/// A segment of a stage.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfSegment {
    /// Stage that segments members.
    #[param(example = "tier-interactions")]
    stage: String,
    /// Name of the segment.
    #[param(example = "core")]
    segment: String,
}

/// The moment of a look.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AtQuery {
    /// RFC 3339, or unix milliseconds; now where it is left out.
    pub(super) at: Option<String>,
}

/// An effect.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfEffect {
    /// Its number.
    number: u64,
}
