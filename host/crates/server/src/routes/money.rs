//! The money of a brand: what its accounts hold, and the entries that made it so.

use std::sync::Arc;

use playbook_ledger::{EntryFilter, EntryKind};
use playbook_model::Digest;
use playbook_online::{BudgetUse, IDLE_SHARE_MAX, MoneyEntry};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::OfBrand;
use crate::brand::Caller;
use crate::codes::Code;
use crate::json::Json;
use crate::live::{Live, apart, moment};
use crate::page::{Asked, Page, Paging, filled};
use crate::problem::Problem;
use crate::role::Role;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(read_budgets)).routes(routes!(list_entries))
}

/// The accounts of a brand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Budgets)]
struct BudgetsBody {
    /// ISO 4217 code of all amounts.
    currency: String,
    /// Share that should not lie idle: from here on money is not where it is needed.
    #[schema(example = 0.4)]
    idle_share_max: f64,
    /// Parents before children.
    accounts: Vec<AccountBody>,
}

/// An account, all amounts in minor units.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
struct AccountBody {
    /// brand / playbook / pool / stage.
    #[schema(example = "acme/club/daily/points")]
    account: String,
    /// What it was given.
    allocated_minor: i64,
    /// What open grants reserve.
    reserved_minor: i64,
    /// What was paid.
    spent_minor: i64,
    /// What is free.
    available_minor: i64,
    /// Whether it grants nothing at the moment.
    frozen: bool,
    /// Share of it that is neither reserved nor spent, 0 to 1; none where it has no money, as a stage, which has a limit in its pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_share: Option<f64>,
    /// Share of what grants ever reserved in it, or below it, that came back, 0 to 1: released, left over when less was paid, or
    /// recovered by a refund. None where nothing was reserved, and while the entries of a large ledger are being counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered_share: Option<f64>,
}

/// Read budgets
#[utoipa::path(
    get, path = "/v1/brands/{brand}/budgets", tag = "money",
    params(OfBrand),
    responses((status = 200, description = "The accounts.", body = BudgetsBody))
)]
async fn read_budgets(Live(brand): Live) -> Result<Json<BudgetsBody>, Problem> {
    let currency = brand.version().playbook().currency.clone();
    let accounts = apart(brand, |brand| brand.budget_uses()).await?;
    let accounts =
        accounts.into_iter().map(|BudgetUse { balance, idle_share, recovered_share }| {
            AccountBody {
                allocated_minor: balance.allocated.0,
                reserved_minor: balance.reserved.0,
                spent_minor: balance.spent.0,
                available_minor: balance.available().0,
                frozen: balance.frozen,
                idle_share,
                recovered_share,
                account: balance.path,
            }
        });
    let accounts = accounts.collect();
    Ok(Json(BudgetsBody { currency, idle_share_max: IDLE_SHARE_MAX, accounts }))
}

/// Which entries are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryQuery {
    /// Rows of a page, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<usize>,
    /// `next` of the page before; none for the first page.
    cursor: Option<String>,
    /// Entries of this account and of those below it.
    #[param(example = "acme/club/daily")]
    pub(crate) account: Option<String>,
    /// Grants that this stage proposed.
    pub(crate) stage: Option<String>,
    /// Grants of this member, and what settled or released them.
    pub(crate) member: Option<String>,
    /// The grant of this key, and what settled or released it.
    pub(crate) grant: Option<String>,
    /// Entries of this kind: "reserve", "settle", "release", "allocate", "transfer" ...
    pub(crate) kind: Option<String>,
}

/// An entry of the ledger, all amounts in minor units.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerEntry)]
struct EntryBody {
    /// Position in the ledger, from 1.
    number: i64,
    /// When it was committed, RFC 3339: the moment of the decision, or of the request.
    at: String,
    /// "reserve", "settle", "release", "allocate", "transfer" ...
    #[schema(example = "reserve")]
    kind: &'static str,
    /// The account.
    #[schema(example = "acme/club/daily/points")]
    account: String,
    /// The receiving account of a transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// The amount; 1 or -1 for a freeze.
    amount_minor: i64,
    /// Number of the entry that it settles or releases.
    #[serde(skip_serializing_if = "Option::is_none")]
    closes: Option<i64>,
    /// What that entry had reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_minor: Option<i64>,
    /// Its key: that of the grant for a reservation.
    key: String,
    /// The member of a grant, by its id, or by its pseudonym where the key sees no ids; none where the member was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    /// Stage that proposed a grant.
    #[serde(skip_serializing_if = "String::is_empty")]
    stage: String,
    /// Action of a grant.
    #[serde(skip_serializing_if = "String::is_empty")]
    action: String,
}

impl From<MoneyEntry> for EntryBody {
    fn from(MoneyEntry { entry, member }: MoneyEntry) -> Self {
        Self {
            number: entry.number,
            at: moment(entry.at.0),
            kind: entry.kind.name(),
            account: entry.account,
            to: entry.to,
            amount_minor: entry.amount.0,
            closes: entry.closes,
            bound_minor: entry.closes.map(|_| entry.bound.0),
            key: entry.key.hex(),
            member,
            stage: entry.stage,
            action: entry.action,
        }
    }
}

impl EntryQuery {
    /// As a form says it, where a field that is empty asks for nothing.
    pub(crate) fn without_empty(self) -> Self {
        Self {
            limit: self.limit,
            cursor: filled(self.cursor),
            account: filled(self.account),
            stage: filled(self.stage),
            member: filled(self.member),
            grant: filled(self.grant),
            kind: filled(self.kind),
        }
    }

    /// The filters by name.
    pub(crate) fn filters(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("account", self.account.as_deref()),
            ("stage", self.stage.as_deref()),
            ("member", self.member.as_deref()),
            ("grant", self.grant.as_deref()),
            ("kind", self.kind.as_deref()),
        ]
    }
}

/// Entries of a page.
pub(crate) async fn entries_of(
    Live(brand): Live,
    role: Role,
    query: EntryQuery,
) -> Result<Page<MoneyEntry>, Problem> {
    let part = Paging::new(query.limit, query.cursor)?.of("entries")?;
    let before = part.after().map(str::parse).transpose();
    let before = before.map_err(|_| Problem::new(Code::CursorInvalid))?;
    let invalid = |detail: String| Problem::new(Code::QueryInvalid).detail(detail);
    let kind = |text: &str| {
        let known = EntryKind::ALL.into_iter().find(|kind| kind.name() == text);
        let names = EntryKind::ALL.map(EntryKind::name).join(", ");
        known.ok_or_else(|| invalid(format!("`kind` is {text:?}, one of {names} is expected")))
    };
    let key = |text: &str| {
        let expected = "64 hexadecimal digits are expected";
        Digest::from_hex(text).ok_or_else(|| invalid(format!("`grant` is {text:?}, {expected}")))
    };
    let filter = EntryFilter {
        account: query.account,
        stage: query.stage,
        members: Vec::new(),
        key: query.grant.as_deref().map(key).transpose()?,
        kind: query.kind.as_deref().map(kind).transpose()?,
    };
    let member = query.member.map(|named| role.id_of(&brand, named)).transpose()?;
    let limit = part.limit();
    let look = move |brand: &playbook_online::Brand| {
        brand.entries(&filter, member.as_deref(), before, limit)
    };
    let (rows, next) = apart(brand, look).await?;
    Ok(part.open_page(rows, next.map(|number| number.to_string())))
}

/// List entries of the ledger
///
/// The newest first. Where few are what is asked for, a page may be short; `next` goes on.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/ledger/entries", tag = "money",
    params(OfBrand, EntryQuery),
    responses((status = 200, description = "A page of entries.", body = Page<EntryBody>))
)]
async fn list_entries(
    Live(brand): Live,
    Caller(key): Caller,
    Asked(query): Asked<EntryQuery>,
) -> Result<Json<Page<EntryBody>>, Problem> {
    let page = entries_of(Live(Arc::clone(&brand)), key.role, query).await?;
    Ok(Json(page.map(|MoneyEntry { entry, member }| {
        let member = member.map(|id| key.role.names(&brand, &id));
        EntryBody::from(MoneyEntry { entry, member })
    })))
}
