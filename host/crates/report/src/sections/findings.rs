//! What a person should see: doubts about the data, and what plugins found, most urgent first.

use maud::{Markup, html};
use playbook_model::Level;

use crate::document::{Ctx, empty, section};
use crate::number::{short_real, whole};
use crate::phrases::{Phrases, fill};
use crate::{Absence, DataFindingRow, FindingRow, Section};

/// Findings shown at most; the page says how many more there are.
const SHOWN_MOST: usize = 60;

/// What of the data would mislead; nothing at all where there is no such thing.
pub(crate) fn data_findings(ctx: &Ctx<'_>, rows: &[DataFindingRow]) -> Markup {
    if rows.is_empty() {
        return html! {};
    }
    let p = ctx.p;
    let facts = |row: &DataFindingRow| {
        let source = (!row.source.is_empty()).then(|| fill(p.source_named, &[&row.source]));
        let count = format!("{} {}", p.concerns, whole(row.count));
        source.into_iter().chain([count]).collect::<Vec<_>>().join(" · ")
    };
    let more = rows.len().saturating_sub(SHOWN_MOST);
    let body = html! {
        ul.findings { @for row in rows.iter().take(SHOWN_MOST) {
            li {
                div { (badge(p, Level::Warn)) }
                div {
                    p.what { (ctx.words(&row.words)) }
                    p.facts { (facts(row)) }
                }
            }
        } }
        @if more > 0 { p.note { (fill(p.and_more, &[&whole(more as u64)])) } }
    };
    section("data", p.sec_data, p.lead_data, &body)
}

/// Alerts with what is suggested.
pub(crate) fn findings(ctx: &Ctx<'_>, rows: &Section<Vec<FindingRow>>) -> Markup {
    let p = ctx.p;
    let body = match rows {
        Section::Empty(why) => empty(ctx, why),
        Section::Filled(rows) if rows.is_empty() => empty(ctx, &Absence::Nothing),
        Section::Filled(rows) => {
            let mut sorted: Vec<&FindingRow> = rows.iter().collect();
            sorted.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.plugin.cmp(&b.plugin)));
            let more = sorted.len().saturating_sub(SHOWN_MOST);
            html! {
                ul.findings { @for row in sorted.iter().take(SHOWN_MOST) { (finding(ctx, row)) } }
                @if more > 0 { p.note { (fill(p.and_more, &[&whole(more as u64)])) } }
            }
        }
    };
    section("findings", p.sec_findings, p.lead_findings, &body)
}

fn finding(ctx: &Ctx<'_>, row: &FindingRow) -> Markup {
    let p = ctx.p;
    let mut facts = Vec::new();
    if !row.place.is_empty() {
        facts.push(row.place.clone());
    }
    if let Some(value) = row.value {
        facts.push(format!("{} {}", p.measured, short_real(value)));
    }
    if let Some(threshold) = row.threshold {
        facts.push(format!("{} {}", p.threshold, short_real(threshold)));
    }
    facts.push(row.plugin.clone());
    html! {
        li {
            div { (badge(p, row.level)) }
            div {
                p.what { (ctx.words(&row.words)) }
                p.facts { (facts.join(" · ")) }
                @if !row.suggests.is_empty() {
                    ul.do aria-label=(p.suggested) {
                        @for words in &row.suggests { li { (ctx.words(words)) } }
                    }
                }
            }
        }
    }
}

fn badge(p: &Phrases, level: Level) -> Markup {
    let (class, sign) = match level {
        Level::None => ("", "·"),
        Level::Watch => ("watch", "○"),
        Level::Warn => ("warn", "▲"),
        Level::Critical => ("critical", "■"),
    };
    html! { span.badge.(class) { (sign) " " (p.level(level)) } }
}
