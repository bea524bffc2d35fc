//! ROI by group.

use maud::{Markup, html};
use playbook_model::Kind;

use super::stage_table::{self, stage_table};
use crate::bar_chart::bar_chart;
use crate::charts::{Bar, Caption};
use crate::document::{Ctx, beside, cell, empty, fold, maybe, section};
use crate::number::{real, whole};
use crate::phrases::fill;
use crate::table::Table;
use crate::{Absence, Roi, RoiRow, Section, StageTable};

/// Groups without a return that are named.
const NAMES_MOST: usize = 12;

/// A drawing and a table for each subject, by the first stage that gives its return; what the others say is folded.
pub(crate) fn roi(ctx: &Ctx<'_>, roi: &Section<Roi>, tables: &[StageTable]) -> Markup {
    let p = ctx.p;
    let body = match roi {
        Section::Empty(why) => empty(ctx, why),
        Section::Filled(r) if r.rows.is_empty() && r.transfers.is_empty() => {
            empty(ctx, &Absence::Nothing)
        }
        Section::Filled(r) => {
            let groups = groups(&r.rows);
            let is_first =
                |at: usize| !groups[..at].iter().any(|g| g[0].subject == groups[at][0].subject);
            html! {
                @for (i, rows) in groups.iter().enumerate().filter(|(i, _)| is_first(*i)) {
                    h3 { (subject_name(ctx, &rows[0].subject)) }
                    p.note { (return_words(ctx, rows)) }
                    (group(ctx, i, &rows[0].subject, rows))
                }
                @for (i, rows) in groups.iter().enumerate().filter(|(i, _)| !is_first(*i)) {
                    @let line = format!("{} · {}", subject_name(ctx, &rows[0].subject), return_words(ctx, rows));
                    (fold(&line, &group(ctx, i, &rows[0].subject, rows)))
                }
                @if r.rows.iter().any(|row| row.floor.is_some()) { p.note { (p.floor_note) } }
                @if !r.transfers.is_empty() { h3 { (p.transfers) } (transfers(ctx, r)) }
            }
        }
    };
    let tables = tables.iter().filter(|table| table.kind == Kind::Roi);
    let body = html! {
        (body)
        @for table in tables { (fold(&stage_table::heading(ctx, table), &stage_table(ctx, table))) }
    };
    let lead = roi.filled().map_or("", |_| p.lead_roi);
    section("roi", p.sec_roi, lead, &body)
}

/// The rows by the stage and the output that gives them, those with a return first.
fn groups(rows: &[RoiRow]) -> Vec<Vec<&RoiRow>> {
    let mut groups: Vec<Vec<&RoiRow>> = Vec::new();
    for row in rows {
        let is_of = |group: &Vec<&RoiRow>| {
            let first = group[0];
            (&first.plugin, &first.subject, &first.meaning)
                == (&row.plugin, &row.subject, &row.meaning)
        };
        match groups.iter_mut().find(|group| is_of(group)) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups.sort_by_key(|group| group.iter().all(|row| row.roi.is_none()));
    groups
}

/// What the return is, and who says so.
fn return_words(ctx: &Ctx<'_>, rows: &[&RoiRow]) -> String {
    let words = ctx.words(&rows[0].meaning);
    let separator = if words.is_empty() { "" } else { " · " };
    format!("{words}{separator}{}", rows[0].plugin)
}

/// Heading of the rows of a subject: in the host's words, else in the brand's.
fn subject_name<'s>(ctx: &Ctx<'s>, subject: &'s str) -> &'s str {
    let known = ctx.p.subject(subject);
    if known == subject { ctx.name(subject) } else { known }
}

fn transfers(ctx: &Ctx<'_>, roi: &Roi) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.transfers)
        .words(p.group)
        .words(p.from_row)
        .words(p.to_row)
        .numbers(&ctx.in_currency(p.amount))
        .words(p.became)
        .words(p.reason);
    for row in &roi.transfers {
        table.row(vec![
            cell(subject_name(ctx, &row.subject)),
            cell(ctx.name(&row.from)),
            cell(ctx.name(&row.to)),
            cell(ctx.money(row.amount)),
            cell(p.fate(row.fate, |amount| ctx.money(amount))),
            cell(ctx.words(&row.words)),
        ]);
    }
    html! { (table.build(ctx)) p.note { (p.transfers_note) } }
}

fn group(ctx: &Ctx<'_>, index: usize, subject: &str, rows: &[&RoiRow]) -> Markup {
    let p = ctx.p;
    let figure =
        |value: Option<f64>| value.map_or_else(|| p.not_measured.to_owned(), |v| real(v, 2));
    let bars: Vec<Bar> = rows
        .iter()
        .map(|row| Bar {
            label: ctx.words(&row.name).to_owned(),
            value: row.roi,
            figure: figure(row.roi),
            mark: row.floor,
            series: usize::from(matches!((row.roi, row.floor), (Some(r), Some(f)) if r < f)) * 5,
        })
        .collect();
    let described: Vec<String> = bars.iter().map(|b| format!("{} {}", b.label, b.figure)).collect();
    let id = format!("c-roi-{index}");
    let title = format!("{} · {}", p.sec_roi, subject_name(ctx, subject));
    let caption = Caption { id: &id, title: &title, desc: &described.join("; ") };
    let table = group_table(ctx, &title, rows);
    let missing = rows.iter().filter(|row| row.roi.is_none());
    let missing: Vec<&str> = missing.map(|row| ctx.words(&row.name)).collect();
    let unnamed = [
        ("revenue", rows.iter().all(|row| row.revenue.is_none())),
        ("cost", rows.iter().all(|row| row.cost.is_none())),
    ];
    let unnamed: Vec<&str> =
        unnamed.iter().filter(|(_, none)| *none).map(|(key, _)| *key).collect();
    let table = html! {
        (table)
        @if !unnamed.is_empty() { p.note { (fill(p.no_money_of, &[&unnamed.join(p.list_comma)])) } }
        @if !missing.is_empty() { p.note { (fill(p.without_return, &[&some_of(ctx, &missing)])) } }
    };
    beside(&bar_chart(ctx, &caption, bars, 1), &table)
}

/// The first names, and how many more there are.
fn some_of(ctx: &Ctx<'_>, names: &[&str]) -> String {
    let shown = names[..names.len().min(NAMES_MOST)].join(ctx.p.list_comma);
    match names.len().saturating_sub(NAMES_MOST) {
        0 => shown,
        more => fill(ctx.p.at_places, &[&shown, &whole(more as u64)]),
    }
}

fn group_table(ctx: &Ctx<'_>, title: &str, rows: &[&RoiRow]) -> Markup {
    let p = ctx.p;
    let has = |of: fn(&RoiRow) -> bool| rows.iter().any(|row| of(row));
    let (revenue, cost, floor) =
        (has(|r| r.revenue.is_some()), has(|r| r.cost.is_some()), has(|r| r.floor.is_some()));
    let mut table = Table::new(title).quiet().words(p.group);
    if revenue {
        table = table.numbers(&ctx.in_currency(p.revenue));
    }
    if cost {
        table = table.numbers(&ctx.in_currency(p.cost));
    }
    table = table.numbers(p.tile_roi);
    if floor {
        table = table.numbers(p.floor);
    }
    for row in rows {
        let below = matches!((row.roi, row.floor), (Some(r), Some(f)) if r < f);
        let mut cells = vec![cell(ctx.words(&row.name))];
        cells.extend(revenue.then(|| maybe(row.revenue, |a| ctx.money(a))));
        cells.extend(cost.then(|| maybe(row.cost, |a| ctx.money(a))));
        cells.push(html! {
            @if below { span.more-bad { "▼ " (maybe(row.roi, |v| real(v, 2))) } }
            @else { (maybe(row.roi, |v| real(v, 2))) }
        });
        cells.extend(floor.then(|| maybe(row.floor, |v| real(v, 2))));
        table.row(cells);
    }
    table.build(ctx)
}
