//! ROI by group.

use maud::{Markup, html};

use crate::charts::{self, Bar, Caption};
use crate::document::{Ctx, Table, beside, cell, empty, maybe, section};
use crate::number::real;
use crate::phrases::fill;
use crate::{Absence, Roi, RoiRow, Section};

/// A drawing and a table for each subject.
pub(crate) fn roi(ctx: &Ctx<'_>, roi: &Section<Roi>) -> Markup {
    let p = ctx.p;
    let body = match roi {
        Section::Empty(why) => empty(ctx, why),
        Section::Filled(r) if r.rows.is_empty() && r.transfers.is_empty() => {
            empty(ctx, &Absence::Nothing)
        }
        Section::Filled(r) => {
            let mut subjects: Vec<&str> = Vec::new();
            for row in &r.rows {
                if !subjects.contains(&row.subject.as_str()) {
                    subjects.push(&row.subject);
                }
            }
            html! {
                @for (i, subject) in subjects.iter().enumerate() {
                    @let rows: Vec<&RoiRow> = r.rows.iter().filter(|row| row.subject == *subject).collect();
                    h3 { (p.subject(subject)) }
                    (group(ctx, i, subject, &rows))
                }
                @if r.rows.iter().any(|row| row.floor.is_some()) { p.note { (p.floor_note) } }
                @if !r.transfers.is_empty() { h3 { (p.transfers) } (transfers(ctx, r)) }
            }
        }
    };
    let lead = roi.filled().map_or_else(String::new, |r| fill(p.lead_roi, &[&r.plugin]));
    section("roi", p.sec_roi, &lead, &body)
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
            cell(p.subject(&row.subject)),
            cell(&row.from),
            cell(&row.to),
            cell(ctx.money(row.amount)),
            cell(p.fate(row.fate, |amount| ctx.money(amount))),
            cell(ctx.words(&row.words)),
        ]);
    }
    html! { (table.build()) p.note { (p.transfers_note) } }
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
    let title = format!("{} · {}", p.sec_roi, p.subject(subject));
    let caption = Caption { id: &id, title: &title, desc: &described.join("; ") };
    let mut table = Table::new(&title)
        .quiet()
        .words(p.group)
        .numbers(&ctx.in_currency(p.revenue))
        .numbers(&ctx.in_currency(p.cost))
        .numbers(p.tile_roi)
        .numbers(p.floor);
    for row in rows {
        let below = matches!((row.roi, row.floor), (Some(r), Some(f)) if r < f);
        table.row(vec![
            cell(ctx.words(&row.name)),
            maybe(row.revenue, |a| ctx.money(a)),
            maybe(row.cost, |a| ctx.money(a)),
            html! {
                @if below { span.more-bad { "▼ " (figure(row.roi)) } } @else { (maybe(row.roi, |v| real(v, 2))) }
            },
            maybe(row.floor, |v| real(v, 2)),
        ]);
    }
    let missing = rows.iter().filter(|row| row.roi.is_none());
    let missing: Vec<&str> = missing.map(|row| ctx.words(&row.name)).collect();
    let table = html! {
        (table.build())
        @if !missing.is_empty() { p.note { (fill(p.without_return, &[&missing.join(p.list_comma)])) } }
    };
    beside(&charts::bars(&caption, &bars, charts::HALF_PX), &table)
}
