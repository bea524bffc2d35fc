//! Logging in with a key, and out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::cookies;
use super::frame::{self, Say};
use super::language::Spoken;
use super::session::{WHOLE, random, same};
use super::told::query;
use super::visit::{Form, may, redirect};
use crate::codes::Code;
use crate::error::ServerError;
use crate::problem::Problem;
use crate::shared::Shared;

/// How long the form to log in may stand open.
const FORM_LASTS: Duration = Duration::from_secs(3_600);

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
struct Back {
    to: Option<String>,
}

/// The form.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let say = spoken(&parts.extensions);
    let Back { to } = Query::try_from_uri(&parts.uri).map(|Query(back)| back).unwrap_or_default();
    form(&shared, say, to.as_deref().unwrap_or_default(), StatusCode::OK)
}

fn spoken(extensions: &axum::http::Extensions) -> Say {
    Say(extensions.get::<Spoken>().map_or(playbook_report::Lang::En, |spoken| spoken.0))
}

/// The form with a token of its own, which its cookie has too: there is no session yet.
fn form(shared: &Shared, say: Say, to: &str, status: StatusCode) -> Result<Response, Problem> {
    let token = random().map_err(ServerError::Random)?;
    let is_wrong = status != StatusCode::OK;
    let body = html! {
        section.login {
            h2 { (say.say("Log in with a key", "以密鑰登入")) }
            @if is_wrong {
                p.alarm role="alert" { (say.say("This key is not known. It may have been revoked.", "密鑰無效，或已被撤銷。")) }
            }
            form method="post" action="/console/login" {
                input type="hidden" name="token" value=(token);
                input type="hidden" name="to" value=(to);
                label for="key" { (say.say("Key", "密鑰")) }
                input #key name="key" type="password" autocomplete="current-password" spellcheck="false" required
                    autofocus placeholder="pb_...";
                button type="submit" { (say.say("Log in", "登入")) }
            }
            p.note { (say.say(
                "The key is the one that programs use; what you may see and do is what it may. The session ends after half an hour without use.",
                "所用密鑰與程式相同；可見內容與可執行操作取決於該密鑰的權限。閒置半小時後會話結束。",
            )) }
        }
    };
    let query = query(&[("to", to)]);
    let page = frame::bare(say, say.say("Log in", "登入"), &query, &body);
    let mut response = frame::answer(page);
    *response.status_mut() = status;
    let cookie = cookies::set(cookies::FORM, &token, FORM_LASTS, shared.speaks_tls);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response.extensions_mut().insert(crate::layers::observe::Shown);
    Ok(response)
}

/// Takes a key, and begins a session.
pub(super) async fn enter(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let say = spoken(&parts.extensions);
    let sent = Form::read(&parts.headers, body).await?;
    let token = cookies::value(&parts.headers, cookies::FORM).unwrap_or_default();
    if token.is_empty() || !same(token, sent.field("token")) {
        return Err(Problem::new(Code::FormForeign));
    }
    let to = sent.field("to");
    let Some(key) = shared.keys.authenticate(sent.field("key").trim()) else {
        if let Err(wait) = shared.console.wrong_key() {
            return Err(Problem::new(Code::KeyTried).retry_after(wait));
        }
        tracing::info!("a key that is not known was tried at the console");
        return form(&shared, say, to, StatusCode::UNAUTHORIZED);
    };
    // No page is for it, not even the first one.
    if !may(&key, "list_brands") {
        let detail = format!("the key has the role {}", key.role.name());
        return Err(Problem::new(Code::RoleNotAllowed).detail(detail));
    }
    let value = shared.console.begin(&key.id, Instant::now()).map_err(ServerError::Random)?;
    tracing::info!(key = key.id, "logged in to the console");
    let mut response = redirect(place(to));
    let cookie = cookies::set(cookies::SESSION, &value, WHOLE, shared.speaks_tls);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response.headers_mut().append(header::SET_COOKIE, gone(&shared, cookies::FORM));
    Ok(response)
}

/// A page of the console and nothing elsewhere.
fn place(to: &str) -> &str {
    let is_page = to.starts_with("/console/") && !to.contains(['\\', '\r', '\n']);
    if is_page { to } else { "/console" }
}

/// Ends the session.
pub(super) async fn leave(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if let Some(value) = cookies::value(&headers, cookies::SESSION) {
        shared.console.end(value);
    }
    let mut response = redirect("/console/login");
    response.headers_mut().append(header::SET_COOKIE, gone(&shared, cookies::SESSION));
    response
}

fn gone(shared: &Shared, cookie: &str) -> HeaderValue {
    cookies::set(cookie, "", Duration::ZERO, shared.speaks_tls)
}

/// Where there is no page of its own.
pub(super) async fn home() -> Response {
    redirect("/console")
}
