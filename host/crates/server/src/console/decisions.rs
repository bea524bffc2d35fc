//! Decisions: the list with its filters, and one in full.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use playbook_model::RefusalCode;
use playbook_report::Table;

use super::frame::{self, older, section, short};
use super::told::{Told, query};
use super::visit::Visit;
use crate::live::Live;
use crate::page::Asked;
use crate::problem::Problem;
use crate::routes::{MadeQuery, decisions_of};

/// The list.
pub(super) async fn list(
    visit: Visit,
    live: Live,
    Asked(asked): Asked<MadeQuery>,
) -> Result<Response, Problem> {
    let say = visit.say;
    let asked = asked.without_empty();
    let told = Told::new(&visit, live.0.clone());
    let filters = filters(&told, &asked);
    let again = query(&asked.filters().map(|(name, value)| (name, value.unwrap_or_default())));
    let page = decisions_of(live, visit.key.role, asked).await?;
    let title = say.say("Decisions", "決策");
    let body = html! {
        (filters)
        @if page.items().is_empty() {
            p.empty { (say.say("No decision is like that.", "沒有符合條件的決策。")) }
        }
        @for decision in page.items() { (told.decision(decision)) }
        (older(say, &visit.to("/decisions"), &again, page.next()))
    };
    let lead = say.say("The newest first.", "最新者在前。");
    Ok(frame::page(&visit, title, &section(title, lead, &body)))
}

fn filters(told: &Told<'_>, asked: &MadeQuery) -> Markup {
    let say = told.say;
    let facts = told.version.facts();
    let stages = facts.stages.iter().filter(|stage| !stage.actions.is_empty());
    let is_code = |code: &str| asked.refusal.as_deref() == Some(code);
    let is_stage = |stage: &str| asked.stage.as_deref() == Some(stage);
    let value = |field: &Option<String>| field.clone().unwrap_or_default();
    html! {
        form.filters method="get" {
            div { label for="member" { (say.say("Member", "成員")) }
                input #member name="member" value=(value(&asked.member)) spellcheck="false"; }
            div { label for="refusal" { (say.say("Refused with", "拒絕代碼")) }
                select #refusal name="refusal" {
                    option value="" { (say.say("anything", "不限")) }
                    @for code in RefusalCode::ALL {
                        option value=(code.code()) selected[is_code(code.code())] {
                            (code.code()) " " (code.words(say.0.code()))
                        }
                    }
                } }
            div { label for="stage" { (say.say("Stage", "階段")) }
                select #stage name="stage" {
                    option value="" { (say.say("any", "不限")) }
                    @for stage in stages { option value=(stage.name) selected[is_stage(&stage.name)] { (stage.name) } }
                } }
            div { label for="action" { (say.say("Action", "動作")) }
                input #action name="action" value=(value(&asked.action)) spellcheck="false"; }
            div { label for="from" { (say.say("From", "自")) }
                input #from name="from" value=(value(&asked.from)) placeholder="2026-07-01T00:00:00Z"; }
            div { label for="to" { (say.say("Before", "早於")) }
                input #to name="to" value=(value(&asked.to)) placeholder="2026-08-01T00:00:00Z"; }
            button type="submit" { (say.say("Find", "查找")) }
        }
    }
}

/// One decision: what was read, what stages said, what was granted and refused, and why.
pub(super) async fn one(
    visit: Visit,
    Live(brand): Live,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let say = visit.say;
    let told = Told::new(&visit, brand.clone());
    let decision = visit.key.role.decision(&brand, brand.decision(&id)?);
    let values = |name: &str, values: &serde_json::Map<String, serde_json::Value>| {
        let mut table =
            Table::new(name).quiet().words(say.say("Name", "名稱")).numbers(say.say("Value", "值"));
        for (name, value) in values {
            table.row(vec![html! { (name) }, html! { (shown(value)) }]);
        }
        table.whole()
    };
    let mut plugins = Table::new(say.say("Plugins that answered", "應答的插件"))
        .quiet()
        .words(say.say("Stage", "階段"))
        .words(say.say("Plugin", "插件"))
        .words(say.say("Component", "組件"))
        .words(say.say("Model", "模型"))
        .numbers(say.say("Fuel", "燃料"));
    for plugin in &decision.plugins {
        let rests_on = [&plugin.model, &plugin.tables];
        plugins.row(vec![
            html! { (plugin.stage) },
            html! { (plugin.plugin) " " (plugin.version) },
            short(&plugin.component),
            html! {
                @for digest in rests_on.into_iter().flatten() { (short(digest)) " " }
                @if rests_on.iter().all(|digest| digest.is_none()) { (playbook_report::DASH) }
            },
            fuel(plugin.fuel),
        ]);
    }
    let first = html! {
        dl.facts {
            dt { (say.say("Member", "成員")) } dd { (told.named(&decision.member)) }
            dt { (say.say("Moment", "時刻")) } dd { (told.time(decision.at)) }
            dt { (say.say("Cycle", "週期")) } dd { (decision.cycle) }
            dt { (say.say("Segments", "分層")) } dd { (told.segments(&decision)) }
            dt { (say.say("Version", "版本")) } dd { (told.version(&decision.version)) }
            @if let Some(closed) = &decision.closed {
                dt { (say.say("Rests on the cycle closed", "所依據的已結週期")) }
                dd { (told.time(closed.at)) " " (short(&closed.digest)) }
            }
            dt { (say.say("Fuel", "燃料")) } dd { (fuel(decision.fuel)) }
            dt { (say.say("Id", "編號")) } dd { code { (id) } }
        }
        h3 { (say.say("What it came to, and why", "結果與原因")) }
        (told.effects(&decision))
    };
    let outputs = say.say("What stages said", "各階段輸出");
    let features = say.say("What stages read of the member", "讀取的成員特徵");
    let answered = say.say("Plugins that answered", "應答的插件");
    let body = html! {
        (section(say.say("Decision", "決策"), "", &first))
        (section(outputs, "", &values(outputs, &decision.outputs)))
        (section(features, "", &values(features, &decision.features)))
        (section(answered, "", &plugins.whole()))
    };
    Ok(frame::page(&visit, say.say("Decision", "決策"), &body))
}

/// Fuel of calls; a dash where it was not metered.
fn fuel(fuel: Option<u64>) -> Markup {
    html! { (fuel.map_or_else(|| playbook_report::DASH.to_owned(), playbook_report::whole)) }
}

/// A value of a row; a dash where there is none.
fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => playbook_report::DASH.to_owned(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => playbook_report::signed(whole),
            (_, Some(real)) => playbook_report::short_real(real),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
