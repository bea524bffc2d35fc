//! Entries of the ledger: the list with its filters.

use axum::response::Response;
use maud::{Markup, html};
use playbook_ledger::EntryKind;
use playbook_online::MoneyEntry;
use playbook_report::Table;

use super::frame::{self, Say, older, section, short};
use super::told::{Told, query};
use super::visit::Visit;
use crate::live::Live;
use crate::page::Asked;
use crate::problem::Problem;
use crate::routes::{EntryQuery, entries_of};

/// The list.
pub(super) async fn list(
    visit: Visit,
    live: Live,
    Asked(asked): Asked<EntryQuery>,
) -> Result<Response, Problem> {
    let say = visit.say;
    let asked = asked.without_empty();
    let told = Told::new(&visit, live.0.clone());
    let filters = filters(say, &asked);
    let again = query(&asked.filters().map(|(name, value)| (name, value.unwrap_or_default())));
    let page = entries_of(live, visit.key.role, asked).await?;
    let title = say.say("Ledger", "賬本");
    let body = html! {
        (filters)
        @if page.items().is_empty() {
            p.empty { (say.say("No entry is like that.", "沒有符合條件的分錄。")) }
        } @else { (table(&told, page.items())) }
        (older(say, &visit.to("/ledger"), &again, page.next()))
    };
    let lead = format!(
        "{} {}.",
        say.say("The newest first; amounts in", "最新者在前；金額單位為"),
        told.version.playbook().currency
    );
    Ok(frame::page(&visit, title, &section(title, &lead, &body)))
}

fn table(told: &Told<'_>, entries: &[MoneyEntry]) -> Markup {
    let say = told.say;
    let digest = told.version.digest().hex();
    let mut table = Table::new(say.say("Entries", "分錄"))
        .quiet()
        .numbers(say.say("No.", "序號"))
        .words(say.say("When", "時間"))
        .words(say.say("What", "類別"))
        .words(say.say("Account", "賬戶"))
        .numbers(say.say("Amount", "金額"))
        .words(say.say("Of", "所屬"))
        .words(say.say("Key", "鍵"));
    for MoneyEntry { entry, member } in entries {
        let grant =
            (entry.kind == EntryKind::Reserve).then(|| query(&[("grant", &entry.key.hex())]));
        table.row(vec![
            html! { (entry.number) },
            told.time(entry.at.0),
            html! { (kind(say, entry.kind)) },
            html! { (entry.account) @if let Some(to) = &entry.to { " → " (to) } },
            html! { (told.money(entry.amount.0)) },
            html! {
                @if let Some(member) = member { (told.member(member)) " " }
                @if !entry.action.is_empty() { (told.action(&digest, &entry.stage, &entry.action)) }
                @if let Some(closes) = entry.closes { (say.say("entry ", "分錄 ")) (closes) }
            },
            html! {
                @if let Some(grant) = grant { a href={ "?" (grant) } { (short(&entry.key.hex())) } }
                @else { (short(&entry.key.hex())) }
            },
        ]);
    }
    table.whole()
}

/// A kind in words.
fn kind(say: Say, kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Allocate => say.say("allocate", "撥入"),
        EntryKind::Reserve => say.say("reserve", "預留"),
        EntryKind::Settle => say.say("settle", "結算"),
        EntryKind::Release => say.say("release", "釋放"),
        EntryKind::Transfer => say.say("transfer", "調撥"),
        EntryKind::Recover => say.say("recover", "回收"),
        EntryKind::Freeze => say.say("freeze", "凍結"),
        EntryKind::Adjust => say.say("adjust", "調整"),
        EntryKind::Open => say.say("open", "開戶"),
        EntryKind::Limit => say.say("limit", "限額"),
    }
}

fn filters(say: Say, asked: &EntryQuery) -> Markup {
    let value = |field: &Option<String>| field.clone().unwrap_or_default();
    html! {
        form.filters method="get" {
            div { label for="account" { (say.say("Account, with those below it", "賬戶（含下級）")) }
                input #account name="account" value=(value(&asked.account)) spellcheck="false"; }
            div { label for="member" { (say.say("Member", "成員")) }
                input #member name="member" value=(value(&asked.member)) spellcheck="false"; }
            div { label for="stage" { (say.say("Stage", "階段")) }
                input #stage name="stage" value=(value(&asked.stage)) spellcheck="false"; }
            div { label for="grant" { (say.say("Key of a grant", "發放鍵")) }
                input #grant name="grant" value=(value(&asked.grant)) spellcheck="false"; }
            div { label for="kind" { (say.say("What", "類別")) }
                select #kind name="kind" {
                    option value="" { (say.say("anything", "不限")) }
                    @for known in EntryKind::ALL {
                        option value=(known.name()) selected[asked.kind.as_deref() == Some(known.name())] { (kind(say, known)) }
                    }
                } }
            button type="submit" { (say.say("Find", "查找")) }
        }
    }
}
