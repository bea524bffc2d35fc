//! The candidate: what it does beside the version that decides, and the steps from shadow to a share and back.

use std::sync::Arc;

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use playbook_model::Digest;
use playbook_online::{Brand, CandidateFigures, Guards, SideFigures};
use playbook_report::{Table, share, whole};

use super::frame::section;
use super::told::Told;
use super::visit::{Form, Visit, redirect};
use crate::brand::Caller;
use crate::codes::Code;
use crate::live::{Live, apart};
use crate::problem::Problem;

/// Shares that a form offers, in percent.
const SHARES: [u8; 4] = [10, 25, 50, 100];

/// The candidate, where there is one.
pub(super) async fn read(brand: &Arc<Brand>) -> Result<Option<CandidateFigures>, Problem> {
    // A comparison that is being made is waited for.
    apart(Arc::clone(brand), |brand| Ok::<_, Problem>(brand.candidate())).await
}

/// What the candidate does beside the version that decides.
pub(super) fn beside(told: &Told<'_>, figures: &CandidateFigures) -> Markup {
    let say = told.say;
    let CandidateFigures { activation, sides: [decides, candidate], .. } = figures;
    let mut table = Table::new(say.say("Both versions", "兩個版本"))
        .quiet()
        .words(say.say("Figure", "指標"))
        .numbers(say.say("decides", "當前"))
        .numbers(say.say("candidate", "候選"));
    let mut row = |name: &str, figure: &dyn Fn(&SideFigures) -> String| {
        let cells = [decides, candidate].map(|side| html! { (figure(side)) });
        let [decides, candidate] = cells;
        table.row(vec![html! { (name) }, decides, candidate]);
    };
    row(say.say("decisions", "決策"), &|side| whole(side.decisions));
    row(say.say("with a failed stage", "有階段失敗"), &|side| share(side.fault_share()));
    row(say.say("effects granted", "發放"), &|side| whole(side.granted));
    row(say.say("proposals refused", "提案拒絕"), &|side| share(side.refused_share()));
    row(say.say("cost at most", "最高成本"), &|side| told.cash(side.cost_minor));
    let percent = activation.terms.map_or(0, |terms| terms.percent);
    let body = html! {
        dl.facts {
            dt { (say.say("Version", "版本")) } dd { (told.version(&Digest(activation.version).hex())) }
            dt { (say.say("Members", "成員")) } dd {
                @if percent == 0 { (say.say("none: it computes in shadow and grants nothing", "無：影子運行，不發放")) }
                @else { (percent) " %" }
            }
            dt { (say.say("Since", "始於")) } dd { (told.time(activation.at)) }
        }
        (table.whole())
        @if told.visit.may("withdraw_candidate") {
            form.act method="post" action=(told.visit.to("/versions/withdraw")) {
                (told.visit.token())
                button.danger type="submit" { (say.say("Take it back", "撤回候選")) }
            }
        }
    };
    section(say.say("The candidate", "候選版本"), "", &body)
}

/// Forms that make a version the candidate.
pub(super) fn steps(visit: &Visit, version: &str) -> Markup {
    let say = visit.say;
    let to = |step: &str| visit.to(&format!("/versions/{version}/{step}"));
    html! {
        @if visit.may("shadow_version") {
            form.act method="post" action=(to("shadow")) {
                (visit.token())
                button type="submit" { (say.say("Run it in shadow", "影子運行")) }
            }
        }
        @if visit.may("share_version") {
            form.act method="post" action=(to("share")) {
                (visit.token())
                @for percent in SHARES {
                    button type="submit" name="percent" value=(percent) { (percent) " %" } " "
                }
            }
            p.note { (say.say(
                "With a share it decides on that part of the members; guards take it back by themselves.",
                "按比例啟用時，僅對該部分成員決策；守衛條件觸發即自動撤回。",
            )) }
        }
    }
}

/// Runs a version in shadow.
pub(super) async fn shadow(
    visit: Visit,
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, text)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let digest = known(&text)?;
    apart(brand, move |brand| brand.shadow(&digest, key.id.as_str())).await?;
    Ok(redirect(&visit.to("/versions")))
}

/// Gives a version a share of the members.
pub(super) async fn some(
    visit: Visit,
    Live(brand): Live,
    Caller(key): Caller,
    Path((_, text)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Problem> {
    let digest = known(&text)?;
    let percent = form.field("percent").parse().ok().filter(|percent| SHARES.contains(percent));
    let percent = percent.ok_or_else(|| Problem::new(Code::FieldInvalid).field("percent"))?;
    apart(brand, move |brand| brand.share(&digest, percent, Guards::default(), key.id.as_str()))
        .await?;
    Ok(redirect(&visit.to("/versions")))
}

/// Takes the candidate back.
pub(super) async fn withdraw(
    visit: Visit,
    Live(brand): Live,
    Caller(key): Caller,
) -> Result<Response, Problem> {
    apart(brand, move |brand| brand.withdraw(key.id.as_str())).await?;
    Ok(redirect(&visit.to("/versions")))
}

fn known(text: &str) -> Result<Digest, Problem> {
    Digest::from_hex(text).ok_or_else(|| Problem::new(Code::VersionNotFound))
}
