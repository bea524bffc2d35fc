//! Community health: dimensions on a web, all indicators in a table, missing ones too.

use maud::{Markup, html};

use crate::charts::{self, Axis, Bar, Caption, Radar};
use crate::document::{Ctx, Table, beside, cell, empty, maybe, section};
use crate::number::{DASH, real, whole};
use crate::phrases::fill;
use crate::{Absence, Health, Section};

/// Greatest score (domain DG-1).
const MOST: f64 = 5.0;

/// Web, dimensions, indicators.
pub(crate) fn health(ctx: &Ctx<'_>, health: &Section<Health>) -> Markup {
    let p = ctx.p;
    let body = match health {
        Section::Empty(why) => empty(ctx, why),
        Section::Filled(h) if h.dimensions.is_empty() => empty(ctx, &Absence::Nothing),
        Section::Filled(h) => html! {
            (dimensions(ctx, h))
            h3 { (p.indicators) }
            (indicators(ctx, h))
        },
    };
    let lead = health.filled().map_or_else(String::new, |h| fill(p.lead_health, &[&h.plugin]));
    section("health", p.sec_health, &lead, &body)
}

fn dimensions(ctx: &Ctx<'_>, h: &Health) -> Markup {
    let p = ctx.p;
    let measured: Vec<_> = h.dimensions.iter().filter(|d| d.score.is_some()).collect();
    let missing: Vec<&str> =
        h.dimensions.iter().filter(|d| d.score.is_none()).map(|d| ctx.words(&d.words)).collect();
    let desc: Vec<String> = h
        .dimensions
        .iter()
        .map(|d| {
            format!(
                "{} {}",
                ctx.words(&d.words),
                d.score.map_or_else(|| p.not_measured.to_owned(), |s| real(s, 2))
            )
        })
        .collect();
    let caption = Caption { id: "c-health", title: p.sec_health, desc: &desc.join("; ") };
    let svg = if measured.len() >= 3 {
        let axes = measured
            .iter()
            .map(|d| Axis {
                label: ctx.words(&d.words).to_owned(),
                value: d.score.unwrap_or(0.0),
                figure: d.score.map_or_else(String::new, |s| real(s, 2)),
                before: d.score_before,
            })
            .collect();
        charts::radar(
            &caption,
            &Radar {
                axes,
                most: MOST,
                now: p.this_cycle.to_owned(),
                before: p.last_cycle.to_owned(),
            },
        )
    } else {
        let bars: Vec<Bar> = h
            .dimensions
            .iter()
            .map(|d| Bar {
                label: ctx.words(&d.words).to_owned(),
                value: d.score,
                figure: d.score.map_or_else(|| p.not_measured.to_owned(), |s| real(s, 2)),
                mark: d.score.map(|_| MOST),
                series: 0,
            })
            .collect();
        charts::bars(&caption, &bars, charts::HALF_PX)
    };
    let compared = h.dimensions.iter().any(|d| d.score_before.is_some());
    let mut table =
        Table::new(p.dimensions).words(p.dimension).numbers(p.score).words(p.level_head);
    if compared {
        table = table.numbers(p.last_cycle);
    }
    table = table.numbers(p.indicators_measured);
    for (i, d) in h.dimensions.iter().enumerate() {
        let all = h.indicators.iter().filter(|row| row.dimension == i);
        let (seen, count) =
            all.fold((0u64, 0u64), |(s, c), row| (s + u64::from(row.score.is_some()), c + 1));
        let mut cells =
            vec![cell(ctx.words(&d.words)), maybe(d.score, |s| real(s, 2)), level(ctx, d.score)];
        if compared {
            cells.push(maybe(d.score_before, |s| real(s, 2)));
        }
        cells.push(cell(format!("{} / {}", whole(seen), whole(count))));
        table.row(cells);
    }
    let mut sums = vec![cell(p.total), maybe(h.total, |s| real(s, 2)), level(ctx, h.total)];
    if compared {
        sums.push(cell(""));
    }
    let seen = h.indicators.iter().filter(|row| row.score.is_some()).count() as u64;
    sums.push(cell(format!("{} / {}", whole(seen), whole(h.indicators.len() as u64))));
    table.sums(sums);
    let table = html! {
        (table.build())
        @if !missing.is_empty() { p.note { (fill(p.health_missing, &[&missing.join(p.list_comma)])) } }
    };
    beside(&svg, &table)
}

fn level(ctx: &Ctx<'_>, score: Option<f64>) -> Markup {
    let Some(score) = score else {
        return cell(ctx.p.not_measured);
    };
    let class = match score {
        s if s >= 4.0 => "good",
        s if s >= 3.0 => "watch",
        s if s >= 2.0 => "warn",
        _ => "critical",
    };
    html! { span.badge.(class) { (ctx.p.health_level(score)) } }
}

fn indicators(ctx: &Ctx<'_>, h: &Health) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.indicators_caption)
        .words(p.indicator)
        .words(p.dimension)
        .numbers(p.value)
        .numbers(p.score)
        .words(p.level_head);
    for row in &h.indicators {
        let dimension = h.dimensions.get(row.dimension).map_or(DASH, |d| ctx.words(&d.words));
        table.row(vec![
            html! { (ctx.words(&row.words)) " " code.dim { (row.feature) } },
            cell(dimension),
            maybe(row.value, |v| ctx.measured(v, &row.unit)),
            maybe(row.score, |s| real(s, 2)),
            level(ctx, row.score),
        ]);
    }
    table.build()
}
