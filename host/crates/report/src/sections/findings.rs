//! What a person should see: doubts about the data, and what plugins found, most urgent first.

use maud::{Markup, html};
use playbook_model::Level;

use crate::document::{Ctx, cell, empty, fold, maybe, section};
use crate::number::{short_real, whole};
use crate::phrases::{Phrases, fill};
use crate::table::Table;
use crate::{Absence, DataFindingRow, FindingRow, Section};

/// Findings shown at most; the page says how many more there are.
const SHOWN_MOST: usize = 60;
/// Places of one rule named in its line.
const PLACES_MOST: usize = 6;
/// Places of one rule listed where it is unfolded.
const FOLDED_MOST: usize = 500;

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
            let rules = by_rule(rows);
            let more = rules.len().saturating_sub(SHOWN_MOST);
            html! {
                ul.findings { @for rule in rules.iter().take(SHOWN_MOST) { (finding(ctx, rule)) } }
                @if more > 0 { p.note { (fill(p.and_more, &[&whole(more as u64)])) } }
            }
        }
    };
    section("findings", p.sec_findings, p.lead_findings, &body)
}

/// Findings most urgent first, those alike together: one rule of a plugin is one finding, however many places it met.
fn by_rule(rows: &[FindingRow]) -> Vec<Vec<&FindingRow>> {
    let mut sorted: Vec<&FindingRow> = rows.iter().collect();
    sorted.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.plugin.cmp(&b.plugin)));
    let alike = |a: &FindingRow, b: &FindingRow| {
        (a.level, &a.plugin, &a.words, &a.suggests) == (b.level, &b.plugin, &b.words, &b.suggests)
    };
    let mut rules: Vec<Vec<&FindingRow>> = Vec::new();
    for row in sorted {
        match rules.iter_mut().find(|rule| alike(rule[0], row)) {
            Some(rule) => rule.push(row),
            None => rules.push(vec![row]),
        }
    }
    rules
}

fn finding(ctx: &Ctx<'_>, rule: &[&FindingRow]) -> Markup {
    let p = ctx.p;
    let row = rule[0];
    let mut facts = Vec::new();
    if rule.len() > 1 {
        facts.push(fill(p.times, &[&whole(rule.len() as u64)]));
    }
    facts.extend(places(ctx, rule));
    facts.extend(range(p.measured, rule.iter().filter_map(|row| row.value)));
    facts.extend(range(p.threshold, rule.iter().filter_map(|row| row.threshold)));
    let rule_id = match row.rule.as_str() {
        "" => row.plugin.clone(),
        rule => format!("{}.{rule}", row.plugin),
    };
    html! {
        li {
            div { (badge(p, row.level)) }
            div {
                p.what { (ctx.words(&row.words)) }
                p.facts {
                    (facts.join(" · "))
                    @if !facts.is_empty() { " · " }
                    a href="#plugins" { code { (rule_id) } }
                }
                @if rule.len() > PLACES_MOST { (all_places(ctx, rule)) }
                @if !row.suggests.is_empty() {
                    ul.do aria-label=(p.suggested) {
                        @for words in &row.suggests { li { (ctx.words(words)) } }
                    }
                }
            }
        }
    }
}

/// The first places that a rule met, and how many more there are; nothing where it is about the whole brand alone.
fn places(ctx: &Ctx<'_>, rule: &[&FindingRow]) -> Option<String> {
    let p = ctx.p;
    if rule.iter().all(|row| row.place.is_empty()) {
        return None;
    }
    let names: Vec<&str> = rule.iter().take(PLACES_MOST).map(|row| place(ctx, row)).collect();
    let names = names.join(p.list_comma);
    let more = rule.len().saturating_sub(PLACES_MOST);
    Some(if more > 0 { fill(p.at_places, &[&names, &whole(more as u64)]) } else { names })
}

fn place<'r>(ctx: &Ctx<'r>, row: &'r FindingRow) -> &'r str {
    if row.place.is_empty() { ctx.p.whole_brand } else { ctx.name(&row.place) }
}

/// Every place with what was measured there, folded.
fn all_places(ctx: &Ctx<'_>, rule: &[&FindingRow]) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.place).quiet().words(p.place);
    let measured = rule.iter().any(|row| row.value.is_some());
    if measured {
        table = table.numbers(p.measured);
    }
    for row in rule.iter().take(FOLDED_MOST) {
        let mut cells = vec![cell(place(ctx, row))];
        if measured {
            cells.push(maybe(row.value, short_real));
        }
        table.row(cells);
    }
    let more = rule.len().saturating_sub(FOLDED_MOST);
    fold(
        &fill(p.all_places, &[&whole(rule.len() as u64)]),
        &html! {
            (table.build(ctx))
            @if more > 0 { p.note { (fill(p.and_more, &[&whole(more as u64)])) } }
        },
    )
}

/// One value, or the least and the greatest of several.
fn range(name: &str, values: impl Iterator<Item = f64> + Clone) -> Option<String> {
    let least = values.clone().reduce(f64::min)?;
    let most = values.reduce(f64::max)?;
    let (least, most) = (short_real(least), short_real(most));
    Some(if least == most {
        format!("{name} {least}")
    } else {
        format!("{name} {least} – {most}")
    })
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
