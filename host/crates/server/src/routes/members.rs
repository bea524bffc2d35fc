//! Members: what is known of them, and changes of it.

use std::collections::BTreeSet;

use axum::extract::Path;
use playbook_model::SourceTable;
use playbook_online::{AccountKey, Brand, By};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::decisions::DecisionBody;
use super::parts::{OfAccount, OfBrand, OfMember};
use crate::brand::Caller;
use crate::idempotency::IdempotencyKey;
use crate::json::Json;
use crate::live::{Live, moment};
use crate::problem::Problem;
use crate::sight::Eyes;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(read_member, put_member, erase_member))
        .routes(routes!(copy_member))
        .routes(routes!(list_accounts))
        .routes(routes!(part_account))
}

/// A member.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
struct MemberBody {
    /// Its id: of several accounts that of the oldest.
    member: String,
    /// Number of events that are kept.
    events: u32,
    /// Fields of the profile.
    #[schema(value_type = Object)]
    profile: Map<String, Value>,
    /// Answers about consents, in order of purpose and time.
    consents: Vec<ConsentBody>,
    /// Fields of the profile that the key does not see, or not whole, by their class.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    withheld: Vec<String>,
}

/// An answer about a consent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Consent)]
struct ConsentBody {
    /// What for: "marketing", "profiling" ...
    purpose: String,
    /// "granted", "withdrawn" ...
    state: String,
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// Version of the text that was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    text_version: Option<String>,
    /// Where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
}

/// Changes of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberChange)]
struct ChangeBody {
    /// Fields of the playbook's table of members; those that are not named stay as they are.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({ "age_band": "adult" }))]
    profile: Map<String, Value>,
    /// Answers about consents, each with `purpose`, `state` and `time`, and as evidence `text_version` (of the text that was shown)
    /// and `channel`; the latest of a purpose holds. One that takes a consent back ends at once what waits for it.
    #[serde(default)]
    #[schema(value_type = Vec<Object>, example = json!([{ "purpose": "marketing", "state": "granted", "time": "2026-06-01T10:00:00Z", "text_version": "2026-05", "channel": "app" }]))]
    consents: Vec<Map<String, Value>>,
    /// Keys that the account is known by, each with `key_kind` ("phone", "email", "union-id" or "card"), `key_hash`, `verified`, and
    /// `channel` where there is one. An equal verified key makes two accounts one member; two verified phones keep them apart. A key
    /// that is not verified any more (`verified` false) joins nobody.
    #[serde(default)]
    #[schema(value_type = Vec<Object>, example = json!([{ "key_kind": "phone", "key_hash": "9f86d081884c7d65", "verified": true, "channel": "app" }]))]
    identities: Vec<Map<String, Value>>,
}

/// Read a member
#[utoipa::path(
    get, path = "/v1/brands/{brand}/members/{member}", tag = "members",
    params(OfBrand, OfMember),
    responses((status = 200, description = "The member.", body = MemberBody))
)]
async fn read_member(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<MemberBody>, Problem> {
    let eyes = Eyes::of(&key, &brand)?;
    Ok(Json(MemberBody::of(brand.member(&id)?, &eyes, &brand)))
}

impl MemberBody {
    fn of(member: playbook_online::Member, eyes: &Eyes, brand: &Brand) -> Self {
        let (profile, withheld) =
            eyes.fields(&brand.version(), SourceTable::Members, member.profile);
        let consents = member.consents.into_iter().map(|answer| ConsentBody {
            purpose: answer.purpose,
            state: answer.state,
            time: answer.time.map(moment),
            text_version: answer.text_version,
            channel: answer.channel,
        });
        Self {
            member: member.id,
            events: member.events,
            profile,
            consents: consents.collect(),
            withheld,
        }
    }
}

/// Everything that is kept of a member.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MemberCopy)]
struct CopyBody {
    /// The member.
    member: MemberBody,
    /// Events as they came, in order of time.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Value>,
    /// Decisions, in the words of the versions that made them.
    decisions: Vec<DecisionBody>,
    /// Accounts, with the keys that they are known by.
    accounts: Vec<AccountBody>,
    /// Fields of events that the key does not see, or not whole, by their class: the copy is not all that is kept.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    withheld: BTreeSet<String>,
}

/// What an erasure took away.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erasure)]
struct ErasedBody {
    /// When, RFC 3339.
    at: String,
    /// Events.
    events: u64,
    /// Answers about consents.
    consents: u64,
    /// Decisions.
    decisions: u64,
    /// Digest that proves it; the brand keeps it with these numbers and no name.
    receipt: String,
}

/// Copy a member's data
///
/// Everything that is kept of the member, for the member.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/members/{member}/copy", tag = "members",
    params(OfBrand, OfMember),
    responses((status = 200, description = "The member's data.", body = CopyBody))
)]
async fn copy_member(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<CopyBody>, Problem> {
    let eyes = Eyes::of(&key, &brand)?;
    let (member, events, decisions) = brand.copy_of(&id)?;
    let (events, withheld) = eyes.events(&brand.version(), events);
    let decisions = decisions.into_iter().map(|decision| DecisionBody::of(decision, false));
    let (member, decisions) = (MemberBody::of(member, &eyes, &brand), decisions.collect());
    let accounts = accounts_of(&brand, &id, &eyes)?;
    Ok(Json(CopyBody { member, events, decisions, accounts, withheld }))
}

/// An account of a member.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
struct AccountBody {
    /// Its id, under which events come.
    account: String,
    /// Since when it belongs to the member, RFC 3339; none for the account whose id is the member's.
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_at: Option<String>,
    /// Its verified keys: `key_kind`, `key_hash`, and `channel` where there is one.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<Map<String, Value>>,
    /// Fields of keys that the key of the request does not see, or not whole, by their class.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    withheld: BTreeSet<String>,
}

/// The accounts of a member.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Accounts)]
struct AccountsBody {
    /// The account whose id is the member's first.
    items: Vec<AccountBody>,
}

fn accounts_of(brand: &Brand, id: &str, eyes: &Eyes) -> Result<Vec<AccountBody>, Problem> {
    let version = brand.version();
    let told = brand.accounts(id)?.into_iter().map(|account| {
        let mut withheld = BTreeSet::new();
        let keys = account.keys.into_iter().map(|key| {
            let AccountKey { kind, hash, channel } = key;
            let said = [("key_kind", Some(kind)), ("key_hash", Some(hash)), ("channel", channel)];
            let said = said
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
            let (seen, left) = eyes.fields(&version, SourceTable::Identities, said.collect());
            withheld.extend(left);
            seen
        });
        let keys = keys.collect();
        AccountBody {
            account: account.id,
            joined_at: account.joined_at.map(moment),
            keys,
            withheld,
        }
    });
    Ok(told.collect())
}

/// List a member's accounts
///
/// Accounts with an equal verified key are one member (H2): an event, a change or a decision for any of them is the member's.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/members/{member}/accounts", tag = "members",
    params(OfBrand, OfMember),
    responses((status = 200, description = "The accounts.", body = AccountsBody))
)]
async fn list_accounts(
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<AccountsBody>, Problem> {
    let eyes = Eyes::of(&key, &brand)?;
    Ok(Json(AccountsBody { items: accounts_of(&brand, &id, &eyes)? }))
}

/// Part an account
///
/// Undoes that an account was joined with the others of its member, within 90 days: each has what came in its name, before and
/// since, and they are not joined again. What was decided stays with the member that it was decided for. Answers with the accounts
/// that the member has now.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/members/{member}/accounts/{account}/part", tag = "members",
    params(OfBrand, OfAccount),
    responses((status = 200, description = "The accounts that are left.", body = AccountsBody))
)]
async fn part_account(
    Live(brand): Live,
    Caller(caller): Caller,
    Path((_, id, account)): Path<(String, String, String)>,
    key: IdempotencyKey,
) -> Result<Json<AccountsBody>, Problem> {
    let by = By { who: &caller.id, key: Some(key.as_str()) };
    brand.part(&id, &account, by).await?;
    let eyes = Eyes::of(&caller, &brand)?;
    Ok(Json(AccountsBody { items: accounts_of(&brand, &id, &eyes)? }))
}

/// Erase a member
///
/// Takes away events, profile, consents and decisions, of all accounts of the member, and answers with a receipt. Entries of the ledger
/// stay, which name a pseudonym alone.
#[utoipa::path(
    delete, path = "/v1/brands/{brand}/members/{member}", tag = "members",
    params(OfBrand, OfMember),
    responses((status = 200, description = "The receipt.", body = ErasedBody))
)]
async fn erase_member(
    Live(brand): Live,
    Path((_, id)): Path<(String, String)>,
    key: IdempotencyKey,
) -> Result<Json<ErasedBody>, Problem> {
    let erased = brand.erase(&id, key.as_str()).await?;
    Ok(Json(ErasedBody {
        at: moment(erased.at),
        events: erased.events,
        consents: erased.consents,
        decisions: erased.decisions,
        receipt: erased.receipt,
    }))
}

/// Change a member
///
/// Sets fields of the profile, adds answers about consents, and keeps keys that say whose account it is. A member who is not known yet
/// is made.
#[utoipa::path(
    put, path = "/v1/brands/{brand}/members/{member}", tag = "members",
    params(OfBrand, OfMember),
    request_body = ChangeBody,
    responses((status = 200, description = "The member as it is now.", body = MemberBody))
)]
async fn put_member(
    live: Live,
    caller: Caller,
    Path((brand, id)): Path<(String, String)>,
    key: IdempotencyKey,
    Json(body): Json<ChangeBody>,
) -> Result<Json<MemberBody>, Problem> {
    let change = (&body.profile, &body.consents[..], &body.identities[..]);
    live.0.identify_member(&id, change, key.as_str()).await?;
    read_member(live, caller, Path((brand, id))).await
}
