//! Versions: which decided from when on and what was expected of it; offer, try, activate, roll back.

use std::sync::Arc;

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use playbook_model::{Digest, Minor};
use playbook_online::{Activation, Brand, CycleTransfer, How, Trial, VersionFacts};
use playbook_report::{Table, transfer_words};

use super::frame::{self, Say, section, short};
use super::told::Told;
use super::visit::{Form, Visit, redirect};
use super::{candidate, changes};
use crate::brand::Caller;
use crate::codes::Code;
use crate::live::{Live, apart};
use crate::problem::Problem;
use crate::routes::{activated, offered, rolled_back};

/// Activations that are shown.
const SHOWN: usize = 50;

/// The page.
pub(super) async fn list(visit: Visit, Live(brand): Live) -> Result<Response, Problem> {
    let say = visit.say;
    let candidate = candidate::read(&brand).await?;
    let told = Told::new(&visit, Arc::clone(&brand));
    let history = brand.activations();
    let body = html! {
        (current(&told, &history))
        @if let Some(figures) = &candidate { (candidate::beside(&told, figures)) }
        (others(&told, &history))
        (offer(&visit))
        (past(&told, &history)?)
    };
    Ok(frame::page(&visit, say.say("Versions", "版本"), &body))
}

/// What decides, and the step back.
fn current(told: &Told<'_>, history: &[Activation]) -> Markup {
    let say = told.say;
    let (last, deciding) = (history.first(), history.iter().find(|a| a.how.decides()));
    let body = html! {
        dl.facts {
            dt { (say.say("Version", "版本")) } dd { (told.version(&told.version.digest().hex())) }
            dt { (say.say("Playbook", "劇本")) } dd { code { (told.version.playbook().id) } }
            @if let Some(deciding) = deciding {
                dt { (say.say("Since", "始於")) } dd { (told.time(deciding.at)) }
                dt { (say.say("By", "操作者")) } dd { (deciding.by) " (" (how(say, deciding.how)) ")" }
            }
        }
        @if let Some(last) = last.filter(|_| told.visit.may("roll_back") && told.brand.can_roll_back()) {
            form.act method="post" action=(told.visit.to("/versions/rollback")) {
                (told.visit.token())
                input type="hidden" name="number" value=(last.number);
                button.danger type="submit" { (say.say("Roll back to the version before", "回滾至前一版本")) }
            }
        }
    };
    section(say.say("The version that decides", "當前版本"), "", &body)
}

/// Versions that are kept and do not decide.
fn others(told: &Told<'_>, history: &[Activation]) -> Markup {
    let say = told.say;
    let now = told.version.digest();
    let decided = |facts: &VersionFacts| {
        history.iter().any(|a| a.how.decides() && a.version == facts.digest().0)
    };
    let mut kept = told.brand.kept_versions();
    kept.retain(|facts| facts.digest() != now && !decided(facts));
    if kept.is_empty() {
        return html! {};
    }
    let mut table = Table::new(say.say("Offered", "已提交"))
        .quiet()
        .words(say.say("Version", "版本"))
        .words(say.say("Playbook", "劇本"))
        .numbers(say.say("Stages", "階段"));
    for facts in &kept {
        table.row(vec![
            told.version(&facts.digest().hex()),
            html! { code { (facts.playbook) } " " (short(&facts.playbook_digest)) },
            html! { (facts.stages.len()) },
        ]);
    }
    let lead = say.say(
        "They were checked and opened, and never decided. Try one before you activate it.",
        "已檢查並打開、尚未啟用。啟用前請先試算。",
    );
    section(say.say("Offered, never active", "已提交、未啟用"), lead, &table.whole())
}

fn offer(visit: &Visit) -> Markup {
    let say = visit.say;
    if !visit.may("offer_version") {
        return html! {};
    }
    let body = html! {
        form.offer method="post" action=(visit.to("/versions")) {
            (visit.token())
            label for="file" { (say.say("A file", "文件")) }
            input #file type="file" accept=".toml,text/plain" data-into="playbook" disabled;
            label for="playbook" { (say.say("or its text", "或貼上文本")) }
            textarea #playbook name="playbook" rows="12" spellcheck="false" required placeholder="[playbook]" {}
            button type="submit" { (say.say("Check and open it", "檢查並打開")) }
        }
        p.note { (say.say(
            "It decides nothing until it is activated. Where it has problems, each is shown with its line.",
            "啟用之前不參與決策。若有問題，將逐條顯示行號。",
        )) }
    };
    section(say.say("Offer a playbook", "提交劇本"), "", &body)
}

/// Money that the stages of a closed cycle would move between pools.
fn moves(told: &Told<'_>, transfers: &[CycleTransfer]) -> Markup {
    let say = told.say;
    let cash = |minor: Minor| told.cash(minor.0);
    html! {
        @if !transfers.is_empty() {
            ul.plain.moves { @for one in transfers { li {
                code.dim { (one.stage) } " " strong { (one.from) " → " (one.to) } " "
                (say.say("at most ", "至多 ")) (told.cash(one.asked_minor)) ": "
                (transfer_words(one.fate(), say.0, cash))
                " (" (one.reason.text.in_lang(say.0.code())) ")"
            } } }
        }
    }
}

fn past(told: &Told<'_>, history: &[Activation]) -> Result<Markup, Problem> {
    let say = told.say;
    let body = html! {
        ol.history {
            @for activation in history.iter().take(SHOWN) {
                li {
                    header {
                        strong { "#" (activation.number) } " " (told.time(activation.at)) " "
                        span.badge { (how(say, activation.how)) } " " (told.version(&Digest(activation.version).hex()))
                        " " span.dim { (say.say("by ", "操作者 ")) (activation.by) }
                    }
                    @if activation.expected.compared > 0 { (trial(told, &activation.expected)) }
                    (moves(told, &told.brand.transfers_of(activation)?))
                }
            }
        }
    };
    let lead = say.say(
        "Who changed what, when, and what it was expected to change.",
        "何人、何時、作了何種變更，以及當時的預期影響。",
    );
    Ok(section(say.say("History", "歷史"), lead, &body))
}

/// How a version came to decide, in words.
fn how(say: Say, how: How) -> &'static str {
    match how {
        How::Start => say.say("start of the service", "服務啟動"),
        How::File => say.say("changed file", "文件變更"),
        How::Activated => say.say("activated", "啟用"),
        How::RolledBack => say.say("rolled back", "回滾"),
        How::Cycle => say.say("closed cycle", "週期結算"),
        How::Breaker => say.say("back to what was last good", "熔斷後回退"),
        How::Shadow => say.say("candidate in shadow", "候選：影子運行"),
        How::Share => say.say("candidate with a share", "候選：部分成員"),
        How::Withdrawn => say.say("candidate taken back", "候選撤回"),
        How::Returned => say.say("candidate taken back by a guard", "候選由守衛撤回"),
    }
}

/// What a version would change, seen on the last decisions.
fn trial(told: &Told<'_>, trial: &Trial) -> Markup {
    let say = told.say;
    let Trial { compared, failed, fails, moves, granted, cost_minor } = trial;
    let digest = told.version.digest().hex();
    let named = |stage: &str, segment: &str| match segment {
        "" => playbook_report::DASH.to_owned(),
        segment => told.segment(&digest, stage, segment),
    };
    html! {
        dl.facts {
            dt { (say.say("Decisions compared", "比較的決策")) } dd {
                (compared)
                @if *failed > 0 { ", " (failed) " " (say.say("failed", "個失敗")) }
                @if *fails > 0 { ", " (fails) " " (say.say("by this version alone", "個僅在此版本失敗")) }
            }
            dt { (say.say("Grants", "發放")) } dd { (granted[0]) " → " (granted[1]) }
            dt { (say.say("Cost at most", "最高成本")) } dd { (told.cash(cost_minor[0])) " → " (told.cash(cost_minor[1])) }
            dt { (say.say("Moves between segments", "分層流動")) }
            dd {
                @if moves.is_empty() { (say.say("none", "無")) }
                @else {
                    ul.plain { @for (stage, from, to, count) in moves {
                        li { code.dim { (stage) } " " (named(stage, from)) " → " (named(stage, to)) ": " (count) }
                    } }
                }
            }
        }
    }
}

/// One version.
pub(super) async fn one(
    visit: Visit,
    Live(brand): Live,
    Path((_, text)): Path<(String, String)>,
) -> Result<Response, Problem> {
    shown(&visit, brand, &text, None)
}

fn shown(
    visit: &Visit,
    brand: Arc<Brand>,
    text: &str,
    tried: Option<&Trial>,
) -> Result<Response, Problem> {
    let say = visit.say;
    let unknown = || Problem::new(Code::VersionNotFound);
    let digest = Digest::from_hex(text).ok_or_else(unknown)?;
    let facts = brand.facts_of(&digest).ok_or_else(unknown)?;
    let told = Told::new(visit, Arc::clone(&brand));
    let is_current = told.version.digest() == digest;
    let body = html! {
        (about(&told, &facts, is_current))
        @if !is_current {
            (difference(&told, &facts)?)
            (steps(&told, text, tried))
        }
    };
    Ok(frame::page(visit, say.say("Version", "版本"), &body))
}

fn about(told: &Told<'_>, facts: &VersionFacts, is_current: bool) -> Markup {
    let say = told.say;
    let mut stages = Table::new(say.say("Stages", "階段"))
        .words(say.say("Stage", "階段"))
        .words(say.say("Kind", "類別"))
        .words(say.say("Plugin", "插件"));
    for stage in &facts.stages {
        stages.row(vec![
            html! { (stage.name) },
            html! { (told.kind(&stage.kind)) },
            html! { (stage.plugin) " " (stage.version) " " (short(&stage.component)) },
        ]);
    }
    let body = html! {
        dl.facts {
            dt { (say.say("Version", "版本")) } dd { code { (facts.digest().hex()) } }
            dt { (say.say("Playbook", "劇本")) } dd { code { (facts.playbook) } " " (short(&facts.playbook_digest)) }
            dt { (say.say("Decides", "是否當前")) } dd {
                @if is_current { span.badge.good { (say.say("yes", "是")) } } @else { span.badge { (say.say("no", "否")) } }
            }
        }
        (stages.whole())
    };
    section(say.say("Version", "版本"), "", &body)
}

/// What is other than in the version that decides.
fn difference(told: &Told<'_>, facts: &VersionFacts) -> Result<Markup, Problem> {
    let say = told.say;
    let sources =
        (told.brand.source_of(&told.version.digest())?, told.brand.source_of(&facts.digest())?);
    let body = html! {
        (changes::stages(say, told.version.facts(), facts))
        @if let (Some(before), Some(after)) = &sources { (changes::text(say, before, after)) }
    };
    let lead = say.say("Against the version that decides now.", "與當前版本相比。");
    Ok(section(say.say("What is changed", "變更內容"), lead, &body))
}

/// Try it, activate it.
fn steps(told: &Told<'_>, text: &str, tried: Option<&Trial>) -> Markup {
    let (say, visit) = (told.say, told.visit);
    let act = |step: &str, operation: &str, words: &str, class: &str| {
        html! {
            @if visit.may(operation) {
                form.act method="post" action=(visit.to(&format!("/versions/{text}/{step}"))) {
                    (visit.token())
                    button class=(class) type="submit" { (words) }
                }
            }
        }
    };
    let body = html! {
        @if let Some(tried) = tried {
            @if tried.compared + tried.failed == 0 {
                p.empty { (say.say("There was no decision to try it on since the service started.", "服務啟動後尚無決策可供試算。")) }
            } @else { (trial(told, tried)) }
        }
        div.acts {
            (act("trial", "try_version", say.say("Try it on the last decisions", "以最近決策試算"), ""))
            (candidate::steps(visit, text))
            (act("activate", "activate_version", say.say("Activate it", "啟用"), "primary"))
        }
    };
    let lead = say.say(
        "The last decisions are made anew by both versions, each on an empty ledger. Nothing is granted.",
        "以兩個版本重做最近的決策，各用空賬本；不會發放任何獎勵。",
    );
    section(say.say("Expected effect", "預期影響"), lead, &body)
}

/// Offers the text of a form.
pub(super) async fn take(visit: Visit, Live(brand): Live, form: Form) -> Result<Response, Problem> {
    // A form sends line ends as CR LF, a file has what it has.
    let text = form.field("playbook").replace("\r\n", "\n");
    let version = offered(brand, text).await?;
    Ok(redirect(&visit.to(&format!("/versions/{}", version.digest().hex()))))
}

/// Tries a version.
pub(super) async fn try_it(
    visit: Visit,
    Live(brand): Live,
    Path((_, text)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let digest = Digest::from_hex(&text).ok_or_else(|| Problem::new(Code::VersionNotFound))?;
    let trial = apart(Arc::clone(&brand), move |brand| brand.trial_of(&digest)).await?;
    shown(&visit, brand, &text, Some(&trial))
}

/// Activates a version.
pub(super) async fn activate(
    visit: Visit,
    Live(brand): Live,
    caller: Caller,
    Path((_, text)): Path<(String, String)>,
) -> Result<Response, Problem> {
    activated(brand, caller.into(), &text).await?;
    Ok(redirect(&visit.to("/versions")))
}

/// Rolls back, where nobody else changed the version since the page was made: a form that is sent twice is one step.
pub(super) async fn roll_back(
    visit: Visit,
    Live(brand): Live,
    caller: Caller,
    form: Form,
) -> Result<Response, Problem> {
    let last = brand.activations().first().map_or(0, |last| last.number);
    if form.field("number") != last.to_string() {
        return Err(Problem::new(Code::VersionMoved));
    }
    rolled_back(brand, caller.into()).await?;
    Ok(redirect(&visit.to("/versions")))
}
