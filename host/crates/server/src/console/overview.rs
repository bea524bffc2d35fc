//! The loop of a brand at a glance.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, PreEscaped, html};
use playbook_ledger::Balance;
use playbook_model::RefusalCode;
use playbook_online::{BudgetUse, Figures, IDLE_SHARE_MAX, StageState};
use playbook_report::Table;
use playbook_report::charts::{self, Bar, Caption, Flow, HALF_PX, REST, Series, Stack, StackScale};
use playbook_report::{DASH, length, share_of, whole};

use super::alerts;
use super::brands::status;
use super::frame::{self, section, short};
use super::recent::{Recent, Segmented};
use super::told::{Told, query};
use super::visit::Visit;
use crate::brand::InBrand;
use crate::live::{Live, apart};
use crate::problem::Problem;
use crate::shared::Shared;

/// Width of a drawing whose names are long, in pixels.
const CODES_PX: f32 = 600.0;

/// The page.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    visit: Visit,
    InBrand(listed): InBrand,
    Live(brand): Live,
) -> Result<Response, Problem> {
    let told = Told::new(&visit, Arc::clone(&brand));
    let say = visit.say;
    let recent = match visit.may("list_decisions") {
        true => Some(apart(Arc::clone(&brand), Recent::read).await?),
        false => None,
    };
    let budget = match visit.may("read_budgets") {
        true => Some(apart(Arc::clone(&brand), |brand| brand.budget_uses()).await?),
        false => None,
    };
    let raised = match visit.may("list_alerts") {
        true => apart(Arc::clone(&brand), |brand| brand.alerts()).await?,
        false => Vec::new(),
    };
    let current = shared.directory.brand(&listed.name).unwrap_or(listed);
    let body = html! {
        (tiles(&told, status(say, current.status))?)
        (alerts::open(&told, &raised))
        @if let Some(recent) = &recent {
            (segments(&told, recent))
            (outcomes(&told, recent))
        }
        @if let Some(budget) = &budget { (budgets(&told, budget)) }
        @if visit.may("list_decisions") { (refusals(&told, &brand.figures())) }
        @if visit.may("read_plugins") { (plugins(&told)) }
    };
    Ok(frame::page(&visit, say.say("Overview", "概覽"), &body))
}

/// The first figures: how it does, what decides, how many.
fn tiles(told: &Told<'_>, (class, words): (&'static str, &'static str)) -> Result<Markup, Problem> {
    let say = told.say;
    let digest = told.version.digest().hex();
    let totals = told.brand.totals()?;
    let last = told.brand.activations().into_iter().find(|activation| activation.how.decides());
    let figures = told.brand.figures();
    let tile = |name: &str, value: Markup, more: Markup| {
        html! { div { dt { (name) } dd { div.value { (value) } div.more { (more) } } } }
    };
    let title = say.say("At a glance", "一覽");
    let all = html! {
        dl.tiles {
            (tile(say.say("Status", "狀態"), html! { span class={ "badge " (class) } { (words) } }, html! {
                (figures.stages.answering) " " (say.say("stages answer", "個階段運行中"))
                @if figures.stages.waiting > 0 { ", " (figures.stages.waiting) " " (say.say("wait for a first cycle", "個等待首個週期")) }
                @if figures.stages.failed > 0 { ", " (figures.stages.failed) " " (say.say("failed lately", "個近期失敗")) }
                @if figures.stages.open > 0 { ", " (figures.stages.open) " " (say.say("not called for a while", "個暫停呼叫")) }
            }))
            (tile(say.say("Members", "成員"), html! { (whole(totals.members)) }, html! {}))
            (tile(say.say("Decisions", "決策"), html! { (whole(totals.decisions)) }, html! {
                (whole(figures.decisions)) " " (say.say("since the service started", "（自服務啟動）"))
            }))
            (tile(say.say("Version that decides", "當前版本"), told.version(&digest), html! {
                @if let Some(last) = last { (say.say("since ", "始於 ")) (told.time(last.at)) }
            }))
            (tile(say.say("Playbook", "劇本"), html! { code { (told.version.playbook().id) } }, html! {
                (short(&told.version.facts().playbook_digest))
            }))
        }
    };
    Ok(section(title, "", &all))
}

/// What the last decisions are.
fn about(told: &Told<'_>, recent: &Recent) -> Markup {
    let say = told.say;
    html! {
        (say.say("Of the last ", "最近 ")) (whole(recent.decisions))
        (say.say(" decisions, about ", " 個決策，涉及 ")) (whole(recent.members))
        (say.say(" members", " 位成員"))
        @if let Some((from, to)) = recent.span { (say.say(": ", "：")) (told.time(from)) " – " (told.time(to)) }
        (say.say(".", "。"))
    }
}

/// Members by segment, and where they came from.
fn segments(told: &Told<'_>, recent: &Recent) -> Markup {
    let say = told.say;
    let body = html! {
        p.lead { (about(told, recent)) }
        @if recent.segments.is_empty() {
            p.empty { (say.say("No decision has put a member into a segment yet.", "尚無決策將成員歸入分層。")) }
        }
        @for (at, (stage, of_stage)) in recent.segments.iter().enumerate() {
            h3 { code { (stage) } }
            div.pair {
                div { (sizes(told, stage, of_stage, at)) }
                div { (flow(told, stage, of_stage, at)) }
            }
        }
    };
    section(say.say("Segments and their flow", "分層與流動"), "", &body)
}

/// Segments of a stage in the order of the version that decides, with their words; then what other versions said.
fn names(told: &Told<'_>, stage: &str, of_stage: &Segmented) -> Vec<(String, String)> {
    let facts = told.version.facts();
    let known = facts.stages.iter().find(|known| known.name == stage);
    let known = known.into_iter().flat_map(|known| &known.segments).map(|known| known.name.clone());
    let mut names: Vec<String> = known.collect();
    let moved = of_stage.moved.keys().flat_map(|(from, to)| [from, to]);
    for other in of_stage.now.keys().chain(moved) {
        if !names.contains(other) {
            names.push(other.clone());
        }
    }
    let digest = told.version.digest().hex();
    names.into_iter().map(|name| (told.segment(&digest, stage, &name), name)).collect()
}

fn sizes(told: &Told<'_>, stage: &str, of_stage: &Segmented, at: usize) -> Markup {
    let all: u64 = of_stage.now.values().sum();
    let bar = |(series, (label, name)): (usize, (String, String))| {
        let count = of_stage.now.get(&name).copied().unwrap_or(0);
        let figure = format!("{} ({})", whole(count), share_of(count, all));
        Bar { label, value: Some(real(count)), figure, mark: None, series }
    };
    let bars: Vec<Bar> = names(told, stage, of_stage).into_iter().enumerate().map(bar).collect();
    let title = told.say.say("Members by segment", "各分層成員數");
    let desc = described(&bars);
    drawing(&charts::bars(
        &Caption { id: &format!("sizes-{at}"), title, desc: &desc },
        &bars,
        HALF_PX,
    ))
}

fn flow(told: &Told<'_>, stage: &str, of_stage: &Segmented, at: usize) -> Markup {
    let say = told.say;
    if of_stage.moved.is_empty() {
        return html! { p.empty { (say.say(
            "Of no member do these decisions say two segments of this stage: nothing is known of moves.",
            "這些決策未見同一成員的兩次分層結果，無從得知流動。",
        )) } };
    }
    let all = names(told, stage, of_stage);
    let is_on = |side: fn(&(String, String)) -> &String, name: &str| {
        of_stage.moved.keys().any(|way| side(way) == name)
    };
    let from: Vec<_> = all.iter().filter(|(_, name)| is_on(|way| &way.0, name)).collect();
    let to: Vec<_> = all.iter().filter(|(_, name)| is_on(|way| &way.1, name)).collect();
    let count =
        |a: &str, b: &str| of_stage.moved.get(&(a.to_owned(), b.to_owned())).copied().unwrap_or(0);
    let amounts: Vec<Vec<u64>> =
        from.iter().map(|(_, a)| to.iter().map(|(_, b)| count(a, b)).collect()).collect();
    let note = |a: &str, b: &str, n: u64| format!("{a} → {b}: {}", whole(n));
    let notes = from.iter().zip(&amounts).map(|((a, _), row)| {
        to.iter().zip(row).map(|((b, _), n)| note(a, b, *n)).collect::<Vec<_>>()
    });
    let notes: Vec<Vec<String>> = notes.collect();
    let place = |name: &str| to.iter().position(|(_, other)| other == name);
    let same = from.iter().enumerate().filter_map(|(i, (_, name))| Some((i, place(name)?)));
    let stayed: u64 = of_stage.moved.iter().filter(|((a, b), _)| a == b).map(|(_, n)| n).sum();
    let moved: u64 = of_stage.moved.values().sum::<u64>() - stayed;
    let drawn = Flow {
        from: from.iter().map(|(words, _)| words.clone()).collect(),
        to: to.iter().map(|(words, _)| words.clone()).collect(),
        amounts,
        same: same.collect(),
        before: say.say("first", "最早").to_owned(),
        after: say.say("last", "最新").to_owned(),
        notes,
    };
    let desc = drawn.notes.iter().flatten().cloned().collect::<Vec<_>>().join("; ");
    let caption =
        Caption { id: &format!("flow-{at}"), title: say.say("Moves", "流動"), desc: &desc };
    html! {
        (drawing(&charts::flow(&caption, &drawn)))
        p.note {
            (say.say("Members with two decisions or more: ", "有兩個以上決策的成員："))
            (whole(moved)) " " (say.say("moved", "位流動")) ", " (whole(stayed)) " " (say.say("stayed", "位未變"))
        }
    }
}

/// What became of proposals, by action, and why not.
fn outcomes(told: &Told<'_>, recent: &Recent) -> Markup {
    let say = told.say;
    let mut table = Table::new(say.say("Effects by action", "各動作結果"))
        .quiet()
        .words(say.say("Action", "動作"))
        .numbers(say.say("Granted", "發放"))
        .numbers(say.say("Granted before", "先前已發放"))
        .numbers(say.say("Wait", "待審批"))
        .numbers(say.say("Refused", "拒絕"))
        .numbers(say.say("Cost at most", "最高成本"));
    let digest = told.version.digest().hex();
    for ((stage, action), sums) in &recent.actions {
        let link = query(&[("stage", stage), ("action", action)]);
        table.row(vec![
            html! {
                a href={ (told.visit.to("/decisions")) "?" (link) } { (told.action(&digest, stage, action)) }
                " " code.dim { (stage) }
            },
            html! { (whole(sums.granted)) },
            html! { (whole(sums.before)) },
            html! { (whole(sums.waits)) },
            html! { (whole(sums.refused)) },
            html! { (told.cash(sums.cost_minor)) },
        ]);
    }
    let body = html! {
        p.lead { (about(told, recent)) }
        @if recent.actions.is_empty() { p.empty { (say.say("Nothing was proposed.", "沒有提案。")) } }
        @else { (table.whole()) }
        @if !recent.refusals.is_empty() {
            h3 { (say.say("Refused, by reason", "按原因統計的拒絕")) }
            ul.reasons {
                @for (code, count) in &recent.refusals {
                    li { a href={ (told.visit.to("/decisions")) "?refusal=" (code) } {
                        strong { (code) } " " (told.refusal(code))
                    } " " span.badge { (whole(*count)) } }
                }
            }
        }
    };
    section(say.say("Grants and refusals", "發放與拒絕"), "", &body)
}

/// What accounts hold and have paid.
fn budgets(told: &Told<'_>, budget: &[BudgetUse]) -> Markup {
    let say = told.say;
    let series = [
        (say.say("paid", "已支付"), 0),
        (say.say("reserved", "已預留"), 1),
        (say.say("free", "可用"), REST),
    ];
    let series = series.map(|(name, tone)| Series { name: name.to_owned(), tone });
    let rows: Vec<Stack> = budget.iter().map(|used| stack(told, &used.balance)).collect();
    let mut table = Table::new(say.say("Accounts", "賬戶"))
        .quiet()
        .words(say.say("Account", "賬戶"))
        .numbers(say.say("Given", "撥入"))
        .numbers(say.say("Reserved", "已預留"))
        .numbers(say.say("Paid", "已支付"))
        .numbers(say.say("Free", "可用"))
        .numbers(say.say("Idle", "閒置"))
        .numbers(say.say("Came back", "已回收"));
    for used in budget {
        let balance = &used.balance;
        table.row(vec![
            html! {
                a href={ (told.visit.to("/ledger")) "?" (query(&[("account", &balance.path)])) } { (balance.path) }
                @if balance.frozen { " " span.badge.warn { (say.say("frozen", "已凍結")) } }
            },
            html! { (told.money(balance.allocated.0)) },
            html! { (told.money(balance.reserved.0)) },
            html! { (told.money(balance.spent.0)) },
            html! { (told.money(balance.available().0)) },
            html! {
                (share_words(used.idle_share))
                @if used.is_idle() { " " span.badge.watch { (say.say("much", "偏高")) } }
            },
            html! { (share_words(used.recovered_share)) },
        ]);
    }
    let title = say.say("Budget", "預算");
    let desc = rows.iter().map(|row| format!("{} {}", row.label, row.figure));
    let desc = desc.collect::<Vec<_>>().join("; ");
    let caption = Caption { id: "budget", title, desc: &desc };
    let body = html! {
        @if budget.is_empty() { p.empty { (say.say("The playbook has no budget.", "劇本未設預算。")) } }
        @else {
            (drawing(&charts::stacked_bars(&caption, &series, &rows, StackScale::Shares)))
            (table.whole())
            p.note {
                (say.say("Idle: neither reserved nor paid; the goal is less than ", "閒置：未預留亦未支付；目標低於 "))
                (share_words(Some(IDLE_SHARE_MAX)))
                (say.say(". Came back: what was reserved and then released, left over or recovered.", "。已回收：預留後釋放、結餘或追回的部分。"))
            }
        }
    };
    let lead =
        format!("{}: {}", say.say("All amounts in", "金額單位"), told.version.playbook().currency);
    section(title, &lead, &body)
}

/// A share as it is told; a dash where there is none.
fn share_words(share: Option<f64>) -> String {
    share.map_or_else(|| DASH.to_owned(), playbook_report::share)
}

fn stack(told: &Told<'_>, balance: &Balance) -> Stack {
    let amounts = [balance.spent, balance.reserved, balance.available()];
    let depth = balance.path.matches('/').count();
    let name = balance.path.rsplit('/').next().unwrap_or(&balance.path);
    let used = balance.spent.0.saturating_add(balance.reserved.0);
    let share = share_of(used.unsigned_abs(), balance.allocated.0.unsigned_abs());
    Stack {
        label: format!("{}{name}", "· ".repeat(depth)),
        parts: amounts.map(length).to_vec(),
        notes: amounts.map(|amount| told.cash(amount.0)).to_vec(),
        figure: share,
    }
}

/// Refusals since the service started, by code.
fn refusals(told: &Told<'_>, figures: &Figures) -> Markup {
    let say = told.say;
    let counted = RefusalCode::ALL.into_iter().zip(figures.refused);
    let bars: Vec<Bar> = counted
        .filter(|(_, count)| *count > 0)
        .map(|(code, count)| Bar {
            label: format!("{} {}", code.code(), code.words(say.0.code())),
            value: Some(real(count)),
            figure: whole(count),
            mark: None,
            series: 5,
        })
        .collect();
    let title = say.say("Since the service started", "自服務啟動以來");
    let desc = described(&bars);
    let caption =
        Caption {
            id: "refusals", title: say.say("Refusals by code", "各代碼拒絕數"), desc: &desc
        };
    let events = &figures.events;
    let body = html! {
        p {
            (say.say("Effects granted: ", "已發放效果：")) strong { (whole(figures.granted)) }
            " · " (say.say("granted before: ", "先前已發放：")) strong { (whole(figures.granted_before)) }
            " · " (say.say("refused: ", "拒絕：")) strong { (whole(figures.refused.iter().sum())) }
            " · " (say.say("events kept: ", "已存事件：")) strong { (whole(events.accepted)) }
            " · " (say.say("events not taken: ", "未接受事件：")) strong { (whole(events.invalid + events.other_event + events.record_full)) }
        }
        @if !bars.is_empty() { (drawing(&charts::bars(&caption, &bars, CODES_PX))) }
    };
    section(title, "", &body)
}

/// Stages of the version that decides, with their plugins and how they do.
fn plugins(told: &Told<'_>) -> Markup {
    let say = told.say;
    let mut table = Table::new(say.say("Stages", "階段"))
        .quiet()
        .words(say.say("Stage", "階段"))
        .words(say.say("Kind", "類別"))
        .words(say.say("Plugin", "插件"))
        .words(say.say("State", "狀態"))
        .numbers(say.say("Calls", "調用"))
        .numbers(say.say("Faults", "故障"));
    for stage in told.version.plugins() {
        let (class, words) = state(told, stage.state);
        table.row(vec![
            html! { (stage.stage) },
            html! { (told.kind(&stage.kind)) },
            html! { (stage.plugin) " " (stage.version) " " (short(&stage.component)) },
            html! {
                span class={ "badge " (class) } { (words) }
                @if let Some(fault) = &stage.last_fault { " " span.dim { (fault) } }
            },
            html! { (whole(stage.calls)) },
            html! { (whole(stage.faults)) },
        ]);
    }
    section(say.say("Stages and plugins", "階段與插件"), "", &table.whole())
}

/// How a stage does, as a badge.
fn state(told: &Told<'_>, state: StageState) -> (&'static str, &'static str) {
    let say = told.say;
    match state {
        StageState::Answering => ("good", say.say("answers", "運行中")),
        StageState::Waiting => ("watch", say.say("waits for a first cycle", "等待首個週期")),
        StageState::Failed => ("warn", say.say("failed lately", "近期失敗")),
        StageState::Open => ("critical", say.say("not called: failed too often", "已熔斷")),
        StageState::HalfOpen => ("warn", say.say("is tried again", "試探恢復中")),
        StageState::InCycles => ("", say.say("once a cycle", "每週期一次")),
    }
}

fn drawing(svg: &str) -> Markup {
    html! { figure { (PreEscaped(svg)) } }
}

fn described(bars: &[Bar]) -> String {
    bars.iter().map(|bar| format!("{} {}", bar.label, bar.figure)).collect::<Vec<_>>().join("; ")
}

#[expect(clippy::cast_precision_loss, reason = "lengths of bars")]
fn real(count: u64) -> f64 {
    count as f64
}
