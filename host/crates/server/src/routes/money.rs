//! The money of a brand.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::OfBrand;
use crate::json::Json;
use crate::live::Live;
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(read_budgets))
}

/// The accounts of a brand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Budgets)]
struct BudgetsBody {
    /// ISO 4217 code of all amounts.
    currency: String,
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
}

/// Read budgets
#[utoipa::path(
    get, path = "/v1/brands/{brand}/budgets", tag = "money",
    params(OfBrand),
    responses((status = 200, description = "The accounts.", body = BudgetsBody))
)]
async fn read_budgets(Live(brand): Live) -> Result<Json<BudgetsBody>, Problem> {
    let accounts = brand.balances()?.into_iter().map(|balance| AccountBody {
        allocated_minor: balance.allocated.0,
        reserved_minor: balance.reserved.0,
        spent_minor: balance.spent.0,
        available_minor: balance.available().0,
        frozen: balance.frozen,
        account: balance.path,
    });
    let currency = brand.version().playbook().currency.clone();
    Ok(Json(BudgetsBody { currency, accounts: accounts.collect() }))
}
