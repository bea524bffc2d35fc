//! Alerts: what a person should look at, and what became of it.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use playbook_model::Digest;
use playbook_online::{Alert, AlertEnd, AlertLevel};
use playbook_report::short_real;

use super::forms::Answering;
use super::frame::{self, Say, section};
use super::told::Told;
use super::visit::{Form, Visit, redirect};
use crate::brand::Caller;
use crate::codes::Code;
use crate::live::{Live, apart};
use crate::problem::Problem;

/// Alerts that are shown.
const SHOWN: usize = 100;
/// Alerts that another page shows.
const FIRST: usize = 3;

/// The page.
pub(super) async fn list(visit: Visit, Live(brand): Live) -> Result<Response, Problem> {
    let say = visit.say;
    let told = Told::new(&visit, brand.clone());
    let alerts = apart(brand, |brand| brand.alerts()).await?.into_iter();
    let (open, closed): (Vec<Alert>, Vec<Alert>) = alerts.partition(|alert| alert.closed.is_none());
    let title = say.say("Open alerts", "未處理警報");
    let body = html! {
        (section(title, "", &html! {
            @if open.is_empty() { p.empty { (say.say("There is nothing to look at.", "目前沒有需要處理的警報。")) } }
            ul.alerts { @for alert in open.iter().take(SHOWN) { (row(&told, alert)) } }
        }))
        @if !closed.is_empty() {
            (section(say.say("Closed", "已處理"), "", &html! {
                ul.alerts { @for alert in closed.iter().take(SHOWN) { (row(&told, alert)) } }
            }))
        }
    };
    Ok(frame::page(&visit, say.say("Alerts", "警報"), &body))
}

/// Open alerts on another page; nothing where there are none.
pub(super) fn open(told: &Told<'_>, alerts: &[Alert]) -> Markup {
    let say = told.say;
    let open: Vec<&Alert> = alerts.iter().filter(|alert| alert.closed.is_none()).collect();
    if open.is_empty() {
        return html! {};
    }
    let body = html! {
        ul.alerts { @for alert in open.iter().take(FIRST) { (row(told, alert)) } }
        p { a.more href=(told.visit.to("/alerts")) { (say.say("All alerts", "全部警報")) " (" (open.len()) ")" } }
    };
    section(say.say("Open alerts", "未處理警報"), "", &body)
}

/// An alert; one that is open has a form that closes it.
fn row(told: &Told<'_>, alert: &Alert) -> Markup {
    let say = told.say;
    let (class, level) = level(say, alert.rule.level());
    html! {
        li {
            header {
                span class={ "badge " (class) } { (level) } " "
                @if alert.escalated.is_some() && alert.seen.is_none() && alert.closed.is_none() {
                    span.badge.critical { (say.say("seen by nobody", "無人確認")) } " "
                }
                strong { (alert.words) } " "
                span.dim { (told.time(alert.last)) @if alert.times > 1 { " · × " (alert.times) } }
            }
            p.why {
                code { (alert.rule.code()) } " " (alert.scope)
                @if let Some(version) = alert.evidence.version { " · " (told.version(&Digest(version).hex())) }
                @for (name, value) in &alert.evidence.figures { " · " (name) " " (short_real(*value)) }
            }
            @match &alert.closed {
                Some(closing) => p.note {
                    (end(say, closing.end)) " · " (closing.by) " · " (told.time(closing.at))
                    @if !closing.note.is_empty() { ": " (closing.note) }
                },
                None => {
                    @if let Some(seen) = &alert.seen {
                        p.note { (say.say("seen by ", "已確認：")) (seen.by) " · " (told.time(seen.at)) }
                    } @else if told.visit.may("acknowledge_alert") { (seeing(told, alert.number)) }
                    @if told.visit.may("close_alert") { (closing(told, alert.number)) }
                },
            }
        }
    }
}

fn seeing(told: &Told<'_>, number: u64) -> Markup {
    html! {
        form.act method="post" action=(told.visit.to(&format!("/alerts/{number}/acknowledge"))) {
            (told.visit.token())
            button type="submit" { (told.say.say("I look after it", "由我跟進")) }
        }
    }
}

fn closing(told: &Told<'_>, number: u64) -> Markup {
    let say = told.say;
    let form = Answering {
        of: &format!("/alerts/{number}"),
        step: "close",
        field: "note",
        label: say.say("A note", "備註"),
        letters_max: 500,
        needs_text: false,
        choice: "state",
        choices: &AlertEnd::ALL.map(|known| (known.name(), end(say, known))),
    };
    form.form(told)
}

fn level(say: Say, level: AlertLevel) -> (&'static str, &'static str) {
    match level {
        AlertLevel::Watch => ("watch", say.say("watch", "關注")),
        AlertLevel::Warn => ("warn", say.say("warning", "警告")),
        AlertLevel::Critical => ("critical", say.say("critical", "嚴重")),
    }
}

/// What became of an alert, in words.
fn end(say: Say, end: AlertEnd) -> &'static str {
    match end {
        AlertEnd::Resolved => say.say("resolved", "已解決"),
        AlertEnd::False => say.say("false alarm", "誤報"),
        AlertEnd::Accepted => say.say("accepted", "接受現狀"),
    }
}

/// Says that somebody has seen an alert.
pub(super) async fn acknowledge(
    visit: Visit,
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, number)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let number = number.parse().map_err(|_| Problem::new(Code::AlertNotFound))?;
    brand.see_alert(number, &key.id).await?;
    Ok(redirect(&visit.to("/alerts")))
}

/// Closes an alert.
pub(super) async fn close(
    visit: Visit,
    Live(brand): Live,
    Caller(key): Caller,
    form: Form,
    Path((_, number)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let number = number.parse().map_err(|_| Problem::new(Code::AlertNotFound))?;
    let end = AlertEnd::ALL.into_iter().find(|end| end.name() == form.field("state"));
    let end = end.ok_or_else(|| Problem::new(Code::FieldInvalid).field("state"))?;
    // An alert is closed once: the same form again is the same request.
    let once = format!("console {number} {}", form.field("state"));
    brand.close_alert(number, (end, form.field("note")), &key.id, &once).await?;
    Ok(redirect(&visit.to("/alerts")))
}
