//! What a person decides on: effects before they go out, and requests for money.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use playbook_online::{
    MoneyRequest, MoneyRequestState, Need, OnlineError, Review, ReviewState, Verdict, Why,
};

use super::forms::Answering;
use super::frame::{self, Say, section};
use super::told::Told;
use super::visit::{Form, Visit, redirect};
use crate::brand::Caller;
use crate::codes::Code;
use crate::live::{Live, apart};
use crate::problem::Problem;

/// Reviews of each part that are shown.
const SHOWN: usize = 100;
/// States of reviews that are closed, the ones that people chose first.
const CLOSED: [ReviewState; 5] = [
    ReviewState::Approved,
    ReviewState::Refused,
    ReviewState::Expired,
    ReviewState::Refunded,
    ReviewState::Withdrawn,
];

/// The page.
pub(super) async fn list(visit: Visit, Live(brand): Live) -> Result<Response, Problem> {
    let say = visit.say;
    let told = Told::new(&visit, brand.clone());
    let waiting = Some(ReviewState::Waiting);
    let (waiting, more) =
        apart(brand.clone(), move |brand| brand.reviews(waiting, 0, SHOWN)).await?;
    let mut closed = Vec::new();
    for state in CLOSED {
        let of_state = move |brand: &playbook_online::Brand| brand.reviews(Some(state), 0, SHOWN);
        closed.extend(apart(brand.clone(), of_state).await?.0);
    }
    closed.sort_by_key(|review| std::cmp::Reverse(review.closed_at));
    closed.truncate(SHOWN);
    let money = apart(brand.clone(), |brand| {
        Ok::<_, OnlineError>((brand.waiting_money_requests()?, brand.money_requests(None, SHOWN)?))
    });
    let (asked, all) = money.await?;
    let body = html! {
        (section(say.say("What waits for you", "待您決定"), "", &html! {
            @if waiting.is_empty() { p.empty { (say.say("Nothing waits.", "目前沒有待決定的事項。")) } }
            ul.alerts { @for review in &waiting { (row(&told, review)) } }
            @if more.is_some() { p.dim { (say.say("More wait after these.", "之後還有更多。")) } }
        }))
        @if !closed.is_empty() {
            (section(say.say("Decided", "已決定"), "", &html! {
                ul.alerts { @for review in &closed { (row(&told, review)) } }
            }))
        }
        (section(say.say("Requests for money", "資源申請"), "", &html! {
            @if asked.is_empty() { p.empty { (say.say("Nobody waits for money.", "目前沒有待批的資源申請。")) } }
            ul.alerts { @for request in &asked { (money_row(&told, request)) } }
            ul.alerts {
                @for request in all.iter().filter(|one| one.answer.is_some()) { (money_row(&told, request)) }
            }
        }))
    };
    Ok(frame::page(&visit, say.say("Reviews", "審核"), &body))
}

/// A review; one that waits has a form that decides it.
fn row(told: &Told<'_>, review: &Review) -> Markup {
    let say = told.say;
    let effect = &review.effect;
    let decision = told.visit.to(&format!("/decisions/{}", review.decision));
    html! {
        li {
            header {
                span.badge.watch { (why(say, review.why)) } " "
                strong { (effect.text) } " × " (effect.quantity) " · " (told.money(effect.cost_minor)) " "
                span.dim { (told.time(review.at)) }
            }
            p.why {
                (told.member(&review.member)) " · "
                a href=(decision) { (say.say("why it was proposed", "提議原因")) }
                " · " (say.say("ends", "到期")) " " (told.time(review.ends))
                @if let Some(by) = &review.requested_by { " · " (say.say("asked for by", "申請人")) " " code { (by) } }
            }
            @match review.closed_at {
                Some(at) => p.note {
                    (state(say, review.state)) " · " (told.time(at))
                    @if let Some(by) = &review.closed_by { " · " code { (by) } }
                    @if let Some(reason) = &review.reason { ": " (reason) }
                },
                None => @if told.visit.may("approve_review") {
                    (deciding(told, &format!("/reviews/{}", review.number)))
                },
            }
        }
    }
}

/// A request for money; one that waits has a form that answers it.
fn money_row(told: &Told<'_>, request: &MoneyRequest) -> Markup {
    let (say, ask) = (told.say, &request.ask);
    let pool = |name: &str| match name {
        "reserve" => say.say("reserve", "應急儲備").to_owned(),
        name => name.to_owned(),
    };
    html! {
        li {
            header {
                span.badge.watch { (need(say, ask.need)) } " "
                strong { (pool(&ask.from)) " → " (pool(&ask.to)) " " (told.cash(ask.amount_minor)) } " "
                span.dim { (told.time(request.at)) }
            }
            p.why {
                (ask.reason) " · " (say.say("asked for by", "申請人")) " " code { (request.by) }
                @if let Some(plan) = &ask.plan { " · " (say.say("plan", "預案")) " " code { (plan) } }
                " · " (say.say("answer until", "答覆期限")) " " (told.time(request.due()))
            }
            @match &request.answer {
                Some(answer) => p.note {
                    (match request.state {
                        MoneyRequestState::Approved => state(say, ReviewState::Approved),
                        _ => state(say, ReviewState::Refused),
                    })
                    " · " (told.time(answer.at)) " · " code { (answer.by) } ": " (answer.reason)
                },
                None => @if told.visit.may("approve_money_request") {
                    (deciding(told, &format!("/money/{}", request.number)))
                },
            }
        }
    }
}

fn need(say: Say, need: Need) -> &'static str {
    match need {
        Need::User => say.say("users need it", "用戶需求"),
        Need::Strategic => say.say("the strategy needs it", "戰略需求"),
        Need::Cost => say.say("it saves cost", "成本需求"),
    }
}

/// Answers a request for money.
pub(super) async fn answer(
    visit: Visit,
    Live(brand): Live,
    Caller(key): Caller,
    form: Form,
    Path((_, number)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let number = number.parse().map_err(|_| Problem::new(Code::MoneyRequestNotFound))?;
    let approves = verdict(&form)? == Verdict::Approve;
    brand.answer_money_request(number, approves, &key.id, form.field("reason")).await?;
    Ok(redirect(&visit.to("/reviews")))
}

fn deciding(told: &Told<'_>, of: &str) -> Markup {
    let say = told.say;
    let form = Answering {
        of,
        step: "decide",
        field: "reason",
        label: say.say("The reason", "理由"),
        letters_max: 1_000,
        needs_text: true,
        choice: "verdict",
        choices: &[("approve", say.say("Approve", "批准")), ("refuse", say.say("Refuse", "拒絕"))],
    };
    form.form(told)
}

fn why(say: Say, why: Why) -> &'static str {
    match why {
        Why::Approval => say.say("needs approval", "需要批准"),
        Why::Fraud => say.say("held: fraud", "因欺詐嫌疑暫扣"),
    }
}

fn state(say: Say, state: ReviewState) -> &'static str {
    match state {
        ReviewState::Waiting => say.say("waiting", "待決定"),
        ReviewState::Approved => say.say("approved", "已批准"),
        ReviewState::Refused => say.say("refused", "已拒絕"),
        ReviewState::Expired => say.say("expired", "已過期"),
        ReviewState::Refunded => say.say("refunded", "訂單已退款"),
        ReviewState::Withdrawn => say.say("consent withdrawn", "同意已撤回"),
    }
}

/// Approves or refuses.
pub(super) async fn decide(
    visit: Visit,
    Live(brand): Live,
    Caller(key): Caller,
    form: Form,
    Path((_, number)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let number = number.parse().map_err(|_| Problem::new(Code::ReviewNotFound))?;
    brand.decide_review(number, verdict(&form)?, &key.id, form.field("reason")).await?;
    Ok(redirect(&visit.to("/reviews")))
}

fn verdict(form: &Form) -> Result<Verdict, Problem> {
    match form.field("verdict") {
        "approve" => Ok(Verdict::Approve),
        "refuse" => Ok(Verdict::Refuse),
        _ => Err(Problem::new(Code::FieldInvalid).field("verdict")),
    }
}
