//! A failure as a page: what went wrong in words, its code, and the id of the request.

use axum::body::Body;
use axum::http::request::Parts;
use axum::response::Response;
use maud::{Markup, html};
use playbook_report::Lang;

use super::frame::{self, Say};
use crate::layers::observe::{Seen, Shown};
use crate::problem::Problem;

/// What a page of a failure needs to know of the request.
pub(super) struct Asked {
    lang: Lang,
    query: String,
    request: String,
}

impl Asked {
    pub(super) fn of(parts: &Parts, lang: Lang) -> Self {
        let query = parts.uri.query().unwrap_or_default().to_owned();
        Self { lang, query, request: Seen::of(&parts.extensions).id().to_owned() }
    }
}

/// The page of a failure, with the status and the headers of its answer.
pub(super) fn page(asked: &Asked, problem: &Problem, mut response: Response) -> Response {
    let say = Say(asked.lang);
    let row = problem.code().row();
    let title = words(say, row.status);
    let body = html! {
        section {
            h2 { (title) }
            p { (frame::code_words(row.title)) ". " (frame::code_words(row.hint)) "." }
            @if let Some(detail) = problem.details() { p { (detail) } }
            (problems(say, problem))
            p.note {
                (say.say("Code", "代碼")) " " code { (row.name) } " · "
                (say.say("request", "請求")) " " code { (asked.request) }
            }
            p { a href="/console" { (say.say("To the first page", "返回首頁")) } }
        }
    };
    let text = frame::bare(say, title, &asked.query, &body);
    frame::dress(response.headers_mut());
    response.extensions_mut().insert(Shown);
    *response.body_mut() = Body::from(text);
    response
}

/// What a person is told of a status.
fn words(say: Say, status: u16) -> &'static str {
    match status {
        401 => say.say("This key is not known", "密鑰無效"),
        403 => say.say("Your key may not do this", "此密鑰無權執行此操作"),
        404 => say.say("There is nothing here", "找不到此頁"),
        409 => say.say("Something changed meanwhile", "狀態已變更"),
        413 => say.say("That is too much at once", "內容過大"),
        422 => say.say("This cannot be taken as it is", "內容有誤，未被接受"),
        429 => say.say("Too often; wait a moment", "操作過於頻繁，請稍候"),
        503 => say.say("Not available at the moment", "暫時無法使用"),
        400..=499 => say.say("The request is not as expected", "請求有誤"),
        _ => say.say("The host failed", "主機發生故障"),
    }
}

/// Every problem of a playbook, and every field at fault.
fn problems(say: Say, problem: &Problem) -> Markup {
    html! {
        @if !problem.playbook().is_empty() {
            ol.faults {
                @for fault in problem.playbook() {
                    li {
                        strong { (frame::code_words(&fault.message)) }
                        @if let (Some(line), Some(column)) = (fault.line, fault.column) {
                            " " span.dim {
                                (say.say(format!("line {line}, column {column}"), format!("第 {line} 行第 {column} 字")))
                            }
                        }
                        @if let Some(expected) = &fault.expected {
                            p { (say.say("Expected: ", "應為：")) (frame::code_words(expected)) }
                        }
                        @if let Some(hint) = &fault.hint { p { (frame::code_words(hint)) } }
                        p.note { code { (fault.code) } }
                    }
                }
            }
        }
        @if !problem.fields().is_empty() {
            ul {
                @for fault in problem.fields() {
                    li { code { (fault.field) } " " (fault.problem) "; " (fault.expected) }
                }
            }
        }
    }
}
