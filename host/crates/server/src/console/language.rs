//! In which language a page is written: the one that was chosen, else the first that the browser asks for and the console has.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use playbook_report::Lang;

use super::{cookies, failure};
use crate::problem::Problem;
use crate::shared::Shared;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Notes a choice (`?lang=zh`), tells pages their language, and makes a page of each failure.
pub(super) async fn speak(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some((lang, rest)) = chosen(request.uri()) {
        let cookie = cookies::set(cookies::LANGUAGE, lang.code(), YEAR, shared.speaks_tls);
        let to = HeaderValue::try_from(rest).unwrap_or(HeaderValue::from_static("/console"));
        let headers = [(header::LOCATION, to), (header::SET_COOKIE, cookie)];
        return (StatusCode::SEE_OTHER, headers).into_response();
    }
    let lang = spoken(request.headers());
    request.extensions_mut().insert(Spoken(lang));
    let (parts, body) = request.into_parts();
    let asked = failure::Asked::of(&parts, lang);
    let response = next.run(Request::from_parts(parts, body)).await;
    match response.extensions().get::<Problem>().cloned() {
        Some(problem) => failure::page(&asked, &problem, response),
        None => response,
    }
}

/// The language of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spoken(pub(super) Lang);

fn of_code(code: &str) -> Option<Lang> {
    [Lang::En, Lang::Zh].into_iter().find(|lang| lang.code() == code)
}

/// A language that a link chooses, and where the link leads without it.
fn chosen(uri: &Uri) -> Option<(Lang, String)> {
    let query = uri.query()?;
    let is_choice = |pair: &&str| pair.starts_with("lang=");
    let lang = query.split('&').find(is_choice).and_then(|pair| of_code(&pair[5..]))?;
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_choice(pair)).collect();
    let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    // A path that begins with two slashes would name a host.
    Some((lang, format!("/{}{query}", uri.path().trim_start_matches('/'))))
}

fn spoken(headers: &HeaderMap) -> Lang {
    let chosen = cookies::value(headers, cookies::LANGUAGE).and_then(of_code);
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    chosen.or_else(|| asked.and_then(preferred)).unwrap_or(Lang::En)
}

/// The language with the greatest weight of those that are asked for and there; the first one of equal weights.
fn preferred(asked: &str) -> Option<Lang> {
    let mut best: Option<(f32, Lang)> = None;
    for part in asked.split(',') {
        let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
        let code = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
        let weight = rest.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        if let (Some(lang), Ok(weight)) = (of_code(&code), weight)
            && weight > best.map_or(0.0, |(weight, _)| weight)
        {
            best = Some((weight, lang));
        }
    }
    best.map(|(_, lang)| lang)
}

#[cfg(test)]
mod tests {
    use playbook_report::Lang;

    use super::{chosen, preferred};

    #[test]
    fn the_browser_is_heard() {
        for (asked, lang) in [
            ("en", Some(Lang::En)),
            ("zh-TW,zh;q=0.9,en;q=0.8", Some(Lang::Zh)),
            ("de-DE, en;q=0.5, zh;q=0.7", Some(Lang::Zh)),
            ("ZH-hant", Some(Lang::Zh)),
            ("en;q=0, zh;q=x", None),
            ("de", None),
            ("", None),
        ] {
            assert_eq!(preferred(asked), lang, "{asked}");
        }
    }

    #[test]
    fn a_choice_leads_back_to_the_page_that_it_was_made_on() {
        let to = |uri: &str| chosen(&uri.parse().expect("a path is a URI")).map(|(_, to)| to);
        assert_eq!(to("/console?lang=zh").as_deref(), Some("/console"));
        assert_eq!(to("/console/a?x=1&lang=en&y=2").as_deref(), Some("/console/a?x=1&y=2"));
        assert_eq!(to("//elsewhere/console?lang=en").as_deref(), Some("/elsewhere/console"));
        assert_eq!(to("/console?lang=xx"), None);
        assert_eq!(to("/console"), None);
    }
}
