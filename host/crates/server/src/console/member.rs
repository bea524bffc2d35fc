//! One member: profile, consents, what is used of caps, and what happened and was decided, in order of time.

use std::sync::Arc;

use axum::response::Response;
use maud::{Markup, html};
use playbook_model::{MapType, SourceTable};
use playbook_online::{
    Account, Brand, CapUse, Consent, Decision, DecisionFilter, Member, OnlineError, StackUse, Used,
};
use playbook_report::Table;
use serde::Deserialize;
use serde_json::Value as Json;

use super::frame::{self, section};
use super::told::{Told, query};
use super::visit::{Form, Visit, redirect};
use crate::brand::Caller;
use crate::live::{Live, apart};
use crate::page::Asked;
use crate::problem::Problem;
use crate::sight::Eyes;

/// Rows of a timeline.
const ROWS: usize = 200;

/// Whom is asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Whom {
    member: Option<String>,
}

/// What is known of a member.
struct Known {
    member: Member,
    events: Vec<Json>,
    decisions: Vec<Decision>,
    caps: Result<CapUse, OnlineError>,
    accounts: Vec<Account>,
}

/// The page, or the form that asks whom.
pub(super) async fn show(
    visit: Visit,
    Live(brand): Live,
    Asked(Whom { member }): Asked<Whom>,
) -> Result<Response, Problem> {
    let say = visit.say;
    let id = member.as_deref().map(str::trim).unwrap_or_default().to_owned();
    let title = say.say("Members", "成員");
    let form = html! {
        form.filters method="get" {
            div { label for="member" { (say.say("Member", "成員")) }
                input #member name="member" value=(id) required spellcheck="false"; }
            button type="submit" { (say.say("Show", "查看")) }
        }
    };
    if id.is_empty() {
        let lead = say.say("By the id under which events come.", "以事件中的成員編號查找。");
        return Ok(frame::page(&visit, title, &section(title, lead, &form)));
    }
    // Events are a copy of the member's data: not everybody's.
    let with_events = visit.may("copy_member");
    let asked = id.clone();
    let eyes = Eyes::of(&visit.key, &brand)?;
    let look = move |brand: &Brand| read(brand, &asked, with_events, &eyes);
    let found = apart(Arc::clone(&brand), look).await;
    let told = Told::new(&visit, brand);
    let body = match found {
        Ok(known) => html! {
            (section(title, "", &form))
            (profile(&told, &known))
            (timeline(&told, &known, with_events))
        },
        Err(problem) if problem.code() == crate::codes::Code::MemberNotFound => {
            let body = html! {
                (form)
                p.empty { (say.say("Nothing is known of this member.", "沒有這位成員的資料。")) }
            };
            section(title, "", &body)
        }
        Err(problem) => return Err(problem),
    };
    Ok(frame::page(&visit, &id, &body))
}

fn read(brand: &Brand, id: &str, with_events: bool, eyes: &Eyes) -> Result<Known, OnlineError> {
    let (mut member, events, decisions) = match with_events {
        true => brand.copy_of(id)?,
        false => {
            let filter = DecisionFilter { member: Some(id.to_owned()), ..Default::default() };
            (brand.member(id)?, Vec::new(), brand.decisions(&filter, None, ROWS)?.decisions)
        }
    };
    // As the API tells them to the same key.
    let version = brand.version();
    (member.profile, _) = eyes.fields(&version, SourceTable::Members, member.profile);
    let (events, _) = eyes.events(&version, events);
    let caps = brand.caps(id, None).map(|(_, caps)| caps);
    let accounts = brand.accounts(id)?;
    Ok(Known { member, events, decisions, caps, accounts })
}

fn profile(told: &Told<'_>, known: &Known) -> Markup {
    let say = told.say;
    let Known { member, caps, .. } = known;
    let mut consents = Table::new(say.say("Consents", "同意"))
        .words(say.say("Purpose", "用途"))
        .words(say.say("State", "狀態"))
        .words(say.say("When", "時間"))
        .words(say.say("Text", "文本版本"))
        .words(say.say("Where", "渠道"));
    for Consent { purpose, state, time, text_version, channel } in &member.consents {
        let time = time.map_or_else(|| html! { "–" }, |time| told.time(time));
        let proof = |proof: &Option<String>| html! { (proof.as_deref().unwrap_or("–")) };
        let proofs = [proof(text_version), proof(channel)];
        consents.row(
            [html! { (purpose) }, html! { (state) }, time].into_iter().chain(proofs).collect(),
        );
    }
    let body = html! {
        dl.facts {
            dt { (say.say("Id", "編號")) } dd { (member.id) }
            dt { (say.say("Events", "事件")) } dd { (playbook_report::whole(u64::from(member.events))) }
            @for (name, value) in &member.profile {
                dt { code { (name) } } dd { (field(told, name, value)) }
            }
        }
        @if known.accounts.len() > 1 { (accounts(told, known)) }
        div.pair {
            div {
                @if member.consents.is_empty() {
                    p.empty { (say.say("No answer about a consent is kept: nothing that needs one is granted.", "沒有同意記錄：需同意的動作一律不發放。")) }
                } @else { (consents.whole()) }
            }
            div { (used(told, caps)) }
        }
    };
    section(&member.id, "", &body)
}

/// The accounts that are this one person, and how to part them again.
fn accounts(told: &Told<'_>, known: &Known) -> Markup {
    let say = told.say;
    let mut table = Table::new(say.say("Accounts of this person", "此人的帳號"))
        .words(say.say("Account", "帳號"))
        .words(say.say("Joined", "合併於"))
        .words(say.say("Known by", "憑據"))
        .words("");
    for Account { id, joined_at, keys } in &known.accounts {
        let kinds: Vec<&str> = keys.iter().map(|key| key.kind.as_str()).collect();
        let since = joined_at.map_or_else(|| html! { "–" }, |at| told.time(at));
        let part = html! {
            @if told.visit.may("part_account") {
                form method="post" action=(told.visit.to("/members/part")) {
                    (told.visit.token())
                    input type="hidden" name="member" value=(known.member.id);
                    input type="hidden" name="account" value=(id);
                    button.plain type="submit" { (say.say("Part from the others", "拆分")) }
                }
            }
        };
        table.row(vec![html! { code { (id) } }, since, html! { (kinds.join(", ")) }, part]);
    }
    html! {
        (table.whole())
        p.note { (say.say(
            "They share a verified key. Within 90 days they can be parted again, and are not joined any more then.",
            "它們有相同的已驗證憑據。90 日內可以拆分，拆分後不再合併。",
        )) }
    }
}

/// Parts an account from the others of its member.
pub(super) async fn part(
    visit: Visit,
    Live(brand): Live,
    Caller(key): Caller,
    form: Form,
) -> Result<Response, Problem> {
    let (member, account) = (form.field("member"), form.field("account"));
    brand.part(member, account, key.id.as_str()).await?;
    Ok(redirect(&visit.to(&format!("/members?{}", query(&[("member", member)])))))
}

/// A field of the profile: a time on the brand's clock, all else as it is kept.
fn field(told: &Told<'_>, name: &str, value: &Json) -> Markup {
    let is_time = told.version.members().types().get(name) == Some(&MapType::Time);
    match value.as_i64().filter(|_| is_time) {
        Some(at) => told.time(at),
        None => html! { (plain(value)) },
    }
}

/// What is used of the caps, in words.
fn used(told: &Told<'_>, caps: &Result<CapUse, OnlineError>) -> Markup {
    let say = told.say;
    let Ok(caps) = caps else {
        return html! { p.empty { (say.say(
            "The caps cannot be told now: a plugin failed for this member.",
            "目前無法顯示頻次：有插件對該成員執行失敗。",
        )) } };
    };
    let mut table = Table::new(say.say("Caps on messages, now", "當前觸達頻次"))
        .words(say.say("Cap", "上限"))
        .numbers(say.say("Used", "已用"))
        .numbers(say.say("Most", "最多"));
    let mut row = |name: &str, Used { used, most }: Used| {
        let most = most.map_or_else(|| "–".to_owned(), |most| most.to_string());
        table.row(vec![html! { (name) }, html! { (used) }, html! { (most) }]);
    };
    row(say.say("messages of a day", "每日觸達"), caps.contacts_day);
    row(say.say("commercial ones of a day", "每日商業觸達"), caps.commercial_day);
    row(say.say("commercial ones of 7 days", "7 日商業觸達"), caps.commercial_week);
    for StackUse { rule, families, used, most, .. } in &caps.stacks {
        row(&format!("{rule} ({})", families.join(", ")), Used { used: *used, most: Some(*most) });
    }
    html! {
        (table.whole())
        @if let Some(stage) = caps.commercial {
            p.note {
                (say.say("Commercial ones of the last 30 days: ", "最近 30 日商業觸達："))
                (stage.commercial) " / " (stage.delivered)
                (say.say("; they may be ", "；上限佔比 ")) (playbook_report::share(stage.share_max))
            }
        }
        @if !caps.families.is_empty() {
            p.note {
                (say.say("A further one would be a duplicate: ", "再次發放即屬重複："))
                (caps.families.join(", ")) " (" (caps.family_hours) " h)"
            }
        }
    }
}

/// What happened, at a moment.
enum Row<'a> {
    Event(&'a Json),
    Decision(&'a Decision),
    Consent(&'a Consent),
}

fn timeline(told: &Told<'_>, known: &Known, with_events: bool) -> Markup {
    let say = told.say;
    let at = |event: &Json| event["time"].as_i64().unwrap_or_default();
    let events = known.events.iter().map(|event| (at(event), Row::Event(event)));
    let decisions = known.decisions.iter().map(|decision| (decision.at, Row::Decision(decision)));
    let consents = known.member.consents.iter();
    let consents = consents.filter_map(|answer| Some((answer.time?, Row::Consent(answer))));
    let mut rows: Vec<(i64, Row<'_>)> = decisions.chain(events).chain(consents).collect();
    rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let all = rows.len();
    rows.truncate(ROWS);
    let body = html! {
        @if rows.is_empty() { p.empty { (say.say("Nothing happened yet.", "尚無記錄。")) } }
        ol.timeline {
            @for (at, row) in &rows {
                @match row {
                    Row::Event(event) => li.event { (told.time(*at)) " " (happened(event)) },
                    Row::Decision(decision) => li { (told.decision(decision)) (told.rests_on(decision)) },
                    Row::Consent(answer) => li.event { (told.time(*at)) " " (answered(told, answer)) },
                }
            }
        }
        @if all > rows.len() {
            p.note { (say.say("Only the last ones are shown: ", "僅顯示最近的記錄：")) (rows.len()) " / " (all) }
        }
        @if !with_events {
            p.note { (say.say("Your key shows decisions and no events.", "此密鑰只能查看決策，不含事件。")) }
        }
    };
    section(say.say("Timeline", "時間線"), say.say("The newest first.", "最新者在前。"), &body)
}

/// An answer about a consent, with what proves it.
fn answered(told: &Told<'_>, answer: &Consent) -> Markup {
    let say = told.say;
    let proofs = [
        (say.say("text", "文本版本"), &answer.text_version),
        (say.say("channel", "渠道"), &answer.channel),
    ];
    html! {
        strong { (say.say("consent", "同意")) " " (answer.purpose) } " " (answer.state)
        @for (name, value) in proofs {
            @if let Some(value) = value { " " span.field { span.dim { (name) } " " (value) } }
        }
    }
}

/// An event with its fields.
fn happened(event: &Json) -> Markup {
    let fields = event.as_object().into_iter().flatten();
    let besides = ["time", "member", "kind", "event_id"];
    let fields = fields.filter(|(name, _)| !besides.contains(&name.as_str()));
    html! {
        strong { (plain(&event["kind"])) }
        @for (name, value) in fields { " " span.field { span.dim { (name) } " " (plain(value)) } }
        " " code.dim { (plain(&event["event_id"])) }
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
