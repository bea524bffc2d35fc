//! Who visits a page: the session behind the cookie, the key behind the session, and what the table of operations lets it do.
//! The same checks as before a call of the API, and the token of the session on every form beside them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use playbook_report::Lang;

use super::frame::Say;
use super::language::Spoken;
use super::{cookies, session};
use crate::brand::{Caller, InBrand};
use crate::codes::Code;
use crate::held::until_sent;
use crate::json::whole;
use crate::keys::Key;
use crate::layers::guard::admit;
use crate::layers::observe::Seen;
use crate::limits::Pass;
use crate::operations::Operation;
use crate::problem::Problem;
use crate::shared::Shared;

/// Who visits a page.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) say: Say,
    pub(super) key: Arc<Key>,
    /// The brand that the page is about.
    pub(super) brand: Option<String>,
    /// What stands behind the `?`.
    pub(super) query: String,
    token: Arc<str>,
    path: String,
}

/// The fields of a form that came with the session's token.
#[derive(Debug, Clone, Default)]
pub(super) struct Form(Arc<HashMap<String, String>>);

impl Form {
    /// A field; empty where it is absent.
    pub(super) fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Reads a body of `application/x-www-form-urlencoded`.
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.and_then(|media| media.split(';').next()).unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Problem::new(Code::ContentTypeUnsupported).detail("a form is expected"));
        }
        let bytes = whole(body).await?;
        Ok(Self(Arc::new(form_urlencoded::parse(&bytes).into_owned().collect())))
    }
}

/// Lets a request through to a page that shows or does what an operation of the table does.
pub(super) async fn admitted(
    State((shared, operation)): State<(Arc<Shared>, &'static Operation)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some((session, key)) = session_of(&shared, &parts.headers) else {
        return to_login(&parts);
    };
    let mut told = HeaderMap::new();
    let admitted = enter(&shared, operation, (&session, key), &mut parts, body, &mut told).await;
    match admitted {
        Ok((passes, body)) => {
            let response = next.run(Request::from_parts(parts, body)).await;
            until_sent(response, passes)
        }
        Err(problem) => problem.into_response(),
    }
}

fn session_of(shared: &Shared, headers: &HeaderMap) -> Option<(session::Session, Arc<Key>)> {
    let value = cookies::value(headers, cookies::SESSION)?;
    let session = shared.console.find(value, Instant::now())?;
    let Some(key) = shared.keys.in_use(&session.key) else {
        shared.console.end(value);
        return None;
    };
    Some((session, key))
}

/// Where a page was asked for, the way back to it goes along.
fn to_login(parts: &Parts) -> Response {
    let path = parts.uri.path_and_query().map_or("/console", |path| path.as_str());
    let back: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    let is_page = parts.method == Method::GET && path != "/console";
    let to = if is_page { format!("/console/login?to={back}") } else { "/console/login".into() };
    redirect(&to)
}

/// Whether a key may do what an operation does, by the table.
pub(super) fn may(key: &Key, operation: &str) -> bool {
    Operation::of(operation).is_some_and(|known| known.access.roles().contains(&key.role))
}

/// Leads on with GET.
pub(super) fn redirect(to: &str) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/console"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

async fn enter(
    shared: &Shared,
    operation: &Operation,
    (session, key): (&session::Session, Arc<Key>),
    parts: &mut Parts,
    body: Body,
    told: &mut HeaderMap,
) -> Result<(Vec<Pass>, Body), Problem> {
    let caller = Caller(key);
    Seen::of(&parts.extensions).key(&caller.0.id);
    let passes = admit(shared, operation, &caller, parts, told).await?;
    let mut body = body;
    if !parts.method.is_safe() {
        let form = Form::read(&parts.headers, std::mem::take(&mut body)).await?;
        if !session::same(&session.token, form.field("token")) {
            return Err(Problem::new(Code::FormForeign));
        }
        parts.extensions.insert(form);
    }
    let lang = parts.extensions.get::<Spoken>().map_or(Lang::En, |spoken| spoken.0);
    let brand = parts.extensions.get::<InBrand>().map(|brand| brand.0.name.clone());
    parts.extensions.insert(Visit {
        say: Say(lang),
        key: caller.0,
        brand,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        token: Arc::clone(&session.token),
        path: parts.uri.path().to_owned(),
    });
    Ok((passes, body))
}

impl Visit {
    /// Whether the key may do what an operation does, by the table.
    pub(super) fn may(&self, operation: &str) -> bool {
        may(&self.key, operation)
    }

    /// The field that every form has.
    pub(super) fn token(&self) -> Markup {
        html! { input type="hidden" name="token" value=(self.token); }
    }

    /// Path of a page of the brand.
    pub(super) fn to(&self, page: &str) -> String {
        format!("/console/brands/{}{page}", self.brand.as_deref().unwrap_or_default())
    }

    /// Whether this is the page, or one below it.
    pub(super) fn is_at(&self, page: &str) -> bool {
        let rest = self.path.strip_prefix(&self.to(page));
        rest.is_some_and(|rest| rest.is_empty() || !page.is_empty() && rest.starts_with('/'))
    }

    /// Whether the page reloads by itself where there is no script.
    pub(super) fn reloads(&self) -> bool {
        self.is_at("/live")
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        left(parts)
    }
}

impl<S: Sync> FromRequestParts<S> for Form {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        left(parts)
    }
}

/// What [`admitted`] left. A page that is not behind it is a fault of the program.
fn left<T: Clone + Send + Sync + 'static>(parts: &Parts) -> Result<T, Problem> {
    parts.extensions.get::<T>().cloned().ok_or_else(|| Problem::new(Code::Internal))
}
