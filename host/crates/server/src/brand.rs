//! What the guard hands to handlers: who calls, and for which brand.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use playbook_online::By;

use crate::codes::Code;
use crate::directory::Brand;
use crate::idempotency::IdempotencyKey;
use crate::keys::Key;
use crate::problem::Problem;
use crate::role::Role;

/// Who calls: the key that the guard has checked.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Arc<Key>);

/// Who asks for a change, and the key under which it happens once.
#[derive(Debug)]
pub(crate) struct Asker {
    caller: Caller,
    once: Option<IdempotencyKey>,
}

/// The brand that the path names: it is there, and the caller may see it.
#[derive(Debug, Clone)]
pub(crate) struct InBrand(pub(crate) Brand);

impl Caller {
    /// Whether the caller may know of a brand at all.
    pub(crate) fn sees(&self, brand: &str) -> bool {
        match &self.0.brand {
            Some(own) => **own == *brand,
            None => self.0.role == Role::PlatformAdmin,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        given(parts, "caller")
    }
}

impl From<Caller> for Asker {
    /// One whose request has no key.
    fn from(caller: Caller) -> Self {
        Self { caller, once: None }
    }
}

impl<'a> From<&'a Asker> for By<'a> {
    fn from(asker: &'a Asker) -> Self {
        By { who: &asker.caller.0.id, key: asker.once.as_ref().map(IdempotencyKey::as_str) }
    }
}

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(Self { caller, once: Some(IdempotencyKey::of(&parts.headers)?) })
    }
}

impl<S: Sync> FromRequestParts<S> for InBrand {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        given(parts, "brand")
    }
}

/// What the guard left. A handler that asks for what its operation does not have is a fault of the program.
fn given<T: Clone + Send + Sync + 'static>(parts: &Parts, what: &str) -> Result<T, Problem> {
    parts.extensions.get::<T>().cloned().ok_or_else(|| {
        tracing::error!(what, "a handler asks for what the guard did not check");
        Problem::new(Code::Internal)
    })
}
