//! The page that lists the operations and the codes of the API, and lets one try calls. It works without a script up to the
//! button; nothing of it comes from elsewhere.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

use crate::codes::{CODES, CodeRow};
use crate::shared::Shared;

const SCRIPT: &str = include_str!("api.js");
const STYLE: &str = include_str!("api.css");
/// What the page may do: its own script and style, and calls to where it came from.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// The page and its two files.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    let file = |media: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, media)], text) })
    };
    Router::new()
        .route("/docs/api", get(show))
        .route("/docs/api.js", file("text/javascript; charset=utf-8", SCRIPT))
        .route("/docs/api.css", file("text/css; charset=utf-8", STYLE))
}

async fn show(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, shared.docs_page.clone())
}

/// The page of a document.
pub(crate) fn page(api: &Value) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (text(&api["info"]["title"])) " API" }
                link rel="stylesheet" href="/docs/api.css";
                script src="/docs/api.js" defer {}
            }
            body {
                header {
                    h1 { (text(&api["info"]["title"])) " API" }
                    @for paragraph in text(&api["info"]["description"]).split("\n\n") { p { (words(paragraph)) } }
                    p { "The document for programs: " a href="/v1/openapi.json" { "/v1/openapi.json" } }
                    label for="key" { "Key " small { "stays in this page, and is gone when it is closed" } }
                    input #key type="password" autocomplete="off" spellcheck="false" placeholder="pb_...";
                }
                main {
                    @for tag in list(&api["tags"]) { (part(api, tag)) }
                    section {
                        h2 { "Codes" }
                        p { "A code never changes its meaning." }
                        table {
                            thead { tr { th { "code" } th { "status" } th { "what went wrong, and what to do" } } }
                            tbody { @for row in CODES { (code(row)) } }
                        }
                    }
                }
            }
        }
    };
    page.into_string()
}

/// One tag with its operations.
fn part(api: &Value, tag: &Value) -> Markup {
    let is_of = |operation: &Value| list(&operation["tags"]).contains(&tag["name"]);
    html! {
        section {
            h2 { (text(&tag["name"])) }
            p { (words(text(&tag["description"]))) }
            @for (path, item) in fields(&api["paths"]) {
                @for (method, described) in fields(item).filter(|(_, described)| is_of(described)) {
                    (operation(api, path, method, described))
                }
            }
        }
    }
}

fn operation(api: &Value, path: &str, method: &str, described: &Value) -> Markup {
    let id = text(&described["operationId"]);
    html! {
        details id=(id) {
            summary {
                span class={ "method " (method) } { (method.to_uppercase()) } " "
                code { (path) } " " (text(&described["summary"]))
            }
            @for paragraph in text(&described["description"]).split("\n\n") { p { (words(paragraph)) } }
            form data-method=(method.to_uppercase()) data-path=(path) {
                @for parameter in list(&described["parameters"]) { (input(id, parameter)) }
                @if let Some(body) = example(api, described) {
                    label for={ (id) "-body" } { "body" }
                    textarea id={ (id) "-body" } name="body" rows="8" spellcheck="false" { (body) }
                }
                button type="submit" { "Send" }
                output aria-live="polite" {}
            }
        }
    }
}

fn input(operation: &str, parameter: &Value) -> Markup {
    let name = text(&parameter["name"]);
    let id = format!("{operation}-{name}");
    let required = parameter["required"] == true;
    html! {
        label for=(id) {
            (name) @if required { " (required)" } " " small { (words(text(&parameter["description"]))) }
        }
        input id=(id) name=(name) data-in=(text(&parameter["in"])) required[required]
            value=(text(&parameter["example"])) autocomplete="off" spellcheck="false";
    }
}

/// A body to begin with, from the examples of its schema.
fn example(api: &Value, described: &Value) -> Option<String> {
    let schema = described.pointer("/requestBody/content/application~1json/schema")?;
    serde_json::to_string_pretty(&filled(api, schema, 0)).ok()
}

/// A value of a schema: its example, its first word, or an empty one of its type.
fn filled(api: &Value, schema: &Value, depth: u32) -> Value {
    // Schemas may name each other in a circle.
    if depth > 8 {
        return Value::Null;
    }
    let within = |schema: &Value| filled(api, schema, depth + 1);
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(to) = schema["$ref"].as_str().and_then(|to| api.pointer(to.trim_start_matches('#')))
    {
        return within(to);
    }
    if let Some(first) = schema["enum"].get(0).or(schema["oneOf"].get(0).filter(|s| s.is_object()))
    {
        return if first.is_object() { within(first) } else { first.clone() };
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind {
        Some("object") => {
            fields(&schema["properties"]).map(|(name, of)| (name.to_owned(), within(of))).collect()
        }
        Some("array") => Value::Array(vec![within(&schema["items"])]),
        Some("integer" | "number") => Value::from(0),
        Some("boolean") => Value::from(false),
        Some("string") => Value::from(""),
        _ => Value::Null,
    }
}

fn code(row: &CodeRow) -> Markup {
    html! {
        tr id=(row.name) {
            td { code { (row.name) } }
            td { (row.status) }
            td { (row.title) ": " (words(row.hint)) }
        }
    }
}

/// A text in which what stands between backticks is code.
fn words(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}
