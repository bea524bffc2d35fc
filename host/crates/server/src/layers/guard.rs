//! The layer that lets a request through to its handler: key, brand, role, rates, idempotency key, in this order.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::brand::{Caller, InBrand};
use crate::codes::Code;
use crate::directory::Brand;
use crate::held::until_sent;
use crate::idempotency::IdempotencyKey;
use crate::layers::observe::Seen;
use crate::limits::{Held, Limits, Pass};
use crate::operations::{Access, Operation};
use crate::problem::Problem;
use crate::shared::Shared;

/// Finds the operation of a request and lets it through where it may be called.
pub(crate) async fn guard(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(operation) = operation(&shared, &parts) else {
        // Not in the document, so nobody may call it: pages and their files are outside this layer.
        return Problem::new(Code::PathNotFound).into_response();
    };
    Seen::of(&parts.extensions).operation(operation);
    let mut told = HeaderMap::new();
    let passes = match pass(&shared, operation, &mut parts, &mut told).await {
        Ok(passes) => passes,
        Err(problem) => return with(told, problem.into_response()),
    };
    let response = next.run(Request::from_parts(parts, body)).await;
    // In flight until the last byte: a long export counts as long as it takes.
    until_sent(with(told, response), passes)
}

fn operation(shared: &Shared, parts: &Parts) -> Option<&'static Operation> {
    let path = parts.extensions.get::<MatchedPath>()?;
    // axum answers HEAD with the handler of GET.
    let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
    shared.operation(method, path.as_str())
}

/// Checks everything; hands caller and brand to the handler.
async fn pass(
    shared: &Shared,
    operation: &Operation,
    parts: &mut Parts,
    told: &mut HeaderMap,
) -> Result<Vec<Pass>, Problem> {
    if operation.access == Access::Open {
        return Ok(Vec::new());
    }
    let caller = authenticated(shared, &parts.headers)?;
    let passes = admit(shared, operation, &caller, parts, told).await?;
    if !parts.method.is_safe() {
        IdempotencyKey::of(&parts.headers)?;
    }
    Ok(passes)
}

/// Lets a caller through to what an operation does: brand, role, rates, in this order. Leaves caller and brand for the handler.
pub(crate) async fn admit(
    shared: &Shared,
    operation: &Operation,
    caller: &Caller,
    parts: &mut Parts,
    told: &mut HeaderMap,
) -> Result<Vec<Pass>, Problem> {
    let seen = Seen::of(&parts.extensions);
    seen.key(&caller.0.id);
    // Before the brand is looked at, so that nobody tries out names faster than a key may call.
    let mut passes = vec![enter(shared, &shared.key_limits, &caller.0.id, told)?];
    let brand = match operation.access {
        Access::Brand(_) => Some(brand(shared, caller, parts).await?),
        Access::Open | Access::Platform(_) => None,
    };
    if !operation.access.roles().contains(&caller.0.role) {
        shared.meters.denied(caller.0.role);
        tracing::warn!(
            key = caller.0.id,
            role = caller.0.role.name(),
            operation = operation.id,
            brand = brand.as_ref().map(|brand| brand.name.as_str()),
            "access denied"
        );
        let detail = format!("the key has the role {}", caller.0.role.name());
        return Err(Problem::new(Code::RoleNotAllowed).detail(detail));
    }
    if let Some(brand) = brand {
        seen.brand(&brand.name);
        passes.push(enter(shared, &shared.brand_limits, &brand.name, told)?);
        parts.extensions.insert(InBrand(brand));
    }
    parts.extensions.insert(caller.clone());
    Ok(passes)
}

fn authenticated(shared: &Shared, headers: &HeaderMap) -> Result<Caller, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or_else(|| Problem::new(Code::KeyMissing))?;
    let unknown = || Problem::new(Code::KeyUnknown);
    if values.next().is_some() {
        return Err(unknown());
    }
    let (scheme, key) =
        value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unknown)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unknown());
    }
    shared.keys.authenticate(key.trim()).map(Caller).ok_or_else(unknown)
}

/// The brand of the path. A brand that is not there and a brand of somebody else get the same answer, so that nobody learns
/// which brands there are.
async fn brand(shared: &Shared, caller: &Caller, parts: &mut Parts) -> Result<Brand, Problem> {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let params = params.map_err(|_| Problem::new(Code::BrandNotFound))?;
    let name = params.iter().find(|(name, _)| *name == "brand").map(|(_, value)| value);
    let brand = name.and_then(|name| shared.directory.brand(name));
    brand.filter(|brand| caller.sees(&brand.name)).ok_or_else(|| Problem::new(Code::BrandNotFound))
}

/// Counts the request; tells what is left, or when to come again.
fn enter(
    shared: &Shared,
    limits: &Limits,
    name: &str,
    told: &mut HeaderMap,
) -> Result<Pass, Problem> {
    let held = match limits.enter(name) {
        Ok(pass) => {
            limits.tell(name, pass.left(), None, told);
            return Ok(pass);
        }
        Err(held) => held,
    };
    shared.meters.held(limits.code(held));
    let problem = Problem::new(limits.code(held));
    Err(match held {
        Held::Rate { wait } => {
            limits.tell(name, 0, Some(wait), told);
            problem.retry_after(wait)
        }
        Held::InFlight { max } => problem
            .detail(format!("at most {max} may be in flight"))
            .retry_after(Duration::from_secs(1)),
    })
}

fn with(told: HeaderMap, mut response: Response) -> Response {
    response.headers_mut().extend(told);
    response
}
