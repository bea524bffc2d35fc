//! Brands, as far as the caller may know of them.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::parts::OfBrand;
use crate::brand::{Caller, InBrand};
use crate::directory::Brand;
use crate::json::Json;
use crate::page::{Page, PageQuery, Paging};
use crate::problem::Problem;
use crate::shared::Shared;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(list_brands)).routes(routes!(read_brand))
}

/// List brands
///
/// All of them for a platform admin, else the one that the key is for; ascending by name.
#[utoipa::path(
    get, path = "/v1/brands", tag = "brands", params(PageQuery),
    responses((status = 200, description = "A page of brands.", body = Page<Brand>))
)]
async fn list_brands(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Page<Brand>>, Problem> {
    let part = paging.of("brands")?;
    let brands = match &caller.0.brand {
        None => shared.directory.brands(part.after(), part.fetch()),
        Some(own) => {
            let own = shared.directory.brand(own);
            own.into_iter()
                .filter(|own| part.after().is_none_or(|after| *own.name > *after))
                .collect()
        }
    };
    Ok(Json(part.page(brands, |brand| &brand.name)))
}

/// Read a brand
///
/// Its status.
#[utoipa::path(
    get, path = "/v1/brands/{brand}", tag = "brands",
    params(OfBrand),
    responses((status = 200, description = "The brand.", body = Brand))
)]
async fn read_brand(InBrand(brand): InBrand) -> Json<Brand> {
    Json(brand)
}
