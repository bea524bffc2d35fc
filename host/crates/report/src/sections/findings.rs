//! What a person should see, most urgent first.

use maud::{Markup, html};
use playbook_model::Level;

use crate::document::{Ctx, empty, section};
use crate::number::{short_real, whole};
use crate::phrases::fill;
use crate::{Absence, FindingRow, Section};

/// Findings shown at most; the page says how many more there are.
const SHOWN_MOST: usize = 60;

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
    let (class, sign) = match row.level {
        Level::None => ("", "·"),
        Level::Watch => ("watch", "○"),
        Level::Warn => ("warn", "▲"),
        Level::Critical => ("critical", "■"),
    };
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
            div { span.badge.(class) { (sign) " " (p.level(row.level)) } }
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
