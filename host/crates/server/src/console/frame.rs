//! The frame around every page: head, policy, navigation, language.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use maud::{DOCTYPE, Markup, html};
use playbook_report::{Lang, readable};

use super::files;
use super::visit::Visit;

/// What a page may do: its own style and script, and forms and calls to where it came from.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'",
);

/// Says a thing in the language of the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Say(pub(super) Lang);

impl Say {
    /// Both texts stand where they are used, so that none is without the other.
    pub(super) fn say<T>(self, en: T, zh: T) -> T {
        match self.0 {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

/// A page of a brand that the navigation leads to: path behind the brand's, names, the operation that it shows.
const TABS: [(&str, &str, &str, &str); 8] = [
    ("", "Overview", "概覽", "read_brand"),
    ("/decisions", "Decisions", "決策", "list_decisions"),
    ("/members", "Members", "成員", "read_member"),
    ("/versions", "Versions", "版本", "list_activations"),
    ("/reviews", "Reviews", "審核", "list_reviews"),
    ("/alerts", "Alerts", "警報", "list_alerts"),
    ("/ledger", "Ledger", "賬本", "list_entries"),
    ("/live", "Live", "實時", "list_decisions"),
];

/// A page for somebody who is logged in.
pub(super) fn page(visit: &Visit, title: &str, body: &Markup) -> Response {
    let say = visit.say;
    let top = html! {
        header.top {
            div {
                p.kind { a href="/console" { (say.say("Playbook console", "運營劇本控制台")) } }
                @if let Some(brand) = &visit.brand { h1 { a href={ "/console/brands/" (brand) } { (brand) } } }
                @else { h1 { (title) } }
                div.who {
                    (languages(say, &visit.query))
                    form method="post" action="/console/logout" {
                        (visit.token())
                        button.plain type="submit" { (say.say("Log out", "登出")) }
                    }
                    span.dim { (visit.key.role.name()) " · " code { (visit.key.id) } }
                }
            }
        }
        @if let Some(brand) = &visit.brand {
            nav aria-label=(say.say("Pages of the brand", "品牌頁面")) {
                ul {
                    @for (path, en, zh, operation) in TABS {
                        @if visit.may(operation) {
                            @let here = visit.is_at(path).then_some("page");
                            li { a href={ "/console/brands/" (brand) (path) } aria-current=[here] { (say.say(en, zh)) } }
                        }
                    }
                }
            }
        }
    };
    let name = visit.brand.as_ref().map_or_else(String::new, |brand| format!(" · {brand}"));
    answer(document(say, &format!("{title}{name}"), &top, body, visit.reloads()))
}

/// A page for somebody who is not logged in, or of a failure.
pub(super) fn bare(say: Say, title: &str, query: &str, body: &Markup) -> String {
    let top = html! {
        header.top {
            div {
                p.kind { a href="/console" { (say.say("Playbook console", "運營劇本控制台")) } }
                h1 { (title) }
                div.who { (languages(say, query)) }
            }
        }
    };
    document(say, title, &top, body, false)
}

/// An answer that is a page.
pub(super) fn answer(text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    dress(response.headers_mut());
    response
}

/// Headers of a page.
pub(super) fn dress(headers: &mut HeaderMap) {
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, html);
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
}

/// A link to the same page in the other language.
fn languages(say: Say, query: &str) -> Markup {
    let (other, code, name) = say.say(("zh-Hant", "zh", "中文"), ("en", "en", "English"));
    let rest = if query.is_empty() { String::new() } else { format!("&{query}") };
    html! { a.lang href={ "?lang=" (code) (rest) } lang=(other) hreflang=(other) { (name) } }
}

fn document(say: Say, title: &str, top: &Markup, body: &Markup, reloads: bool) -> String {
    let page = html! {
        (DOCTYPE)
        html lang=(say.say("en", "zh-Hant")) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (say.say("Playbook console", "運營劇本控制台")) }
                link rel="stylesheet" href=(files::style().path);
                script src=(files::script().path) defer {}
                @if reloads { noscript { meta http-equiv="refresh" content="5"; } }
            }
            body {
                a.skip href="#main" { (say.say("Skip to the content", "跳至內容")) }
                (top)
                main id="main" { (body) }
            }
        }
    };
    readable(&page.into_string())
}

/// A text in which what stands between backticks is code.
pub(super) fn code_words(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A section with its heading and a line that says what it shows.
pub(super) fn section(title: &str, lead: &str, body: &Markup) -> Markup {
    html! {
        section {
            h2 { (title) }
            @if !lead.is_empty() { p.lead { (lead) } }
            (body)
        }
    }
}

/// The first letters of a digest, with the whole for a pointer that rests on it.
pub(super) fn short(digest: &str) -> Markup {
    html! { code title=(digest) { (digest.get(..12).unwrap_or(digest)) } }
}

/// A link to the rows that follow.
pub(super) fn older(say: Say, path: &str, query: &str, next: Option<&str>) -> Markup {
    html! {
        @if let Some(next) = next {
            p { a.more href={ (path) "?" (query) @if !query.is_empty() { "&" } "cursor=" (next) } rel="next" {
                (say.say("Older ones", "更早的記錄"))
            } }
        }
    }
}
