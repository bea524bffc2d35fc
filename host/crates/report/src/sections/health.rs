//! Diagnoses: dimensions on a web, all indicators in a table, missing ones too, and whatever else a plugin says.

use maud::{Markup, html};
use playbook_model::{Kind, Level};

use super::stage_table::{self, stage_table};
use crate::bar_chart::bar_chart;
use crate::charts::{self, Axis, Bar, Caption, Radar};
use crate::document::{Ctx, beside, cell, empty, figure, fold, maybe, section};
use crate::number::{DASH, real, share, short_real, whole};
use crate::phrases::fill;
use crate::table::Table;
use crate::{Absence, Health, IndicatorRow, LevelMark, Section, StageTable};

/// Diagnoses that are shown, of each sort; the others are folded.
const SHOWN_MOST: usize = 2;

/// All diagnoses, one after the other: of what is one, then of what there are several of.
pub(crate) fn health(
    ctx: &Ctx<'_>,
    health: &Section<Vec<Health>>,
    tables: &[StageTable],
) -> Markup {
    let p = ctx.p;
    let tables: Vec<&StageTable> =
        tables.iter().filter(|table| table.kind == Kind::Diagnosis).collect();
    let body = match health {
        Section::Empty(_) if !tables.is_empty() => html! {},
        Section::Empty(why) => empty(ctx, why),
        Section::Filled(all) if all.is_empty() => empty(ctx, &Absence::Nothing),
        Section::Filled(all) => html! {
            @for (i, h) in all.iter().enumerate() {
                @if i < SHOWN_MOST {
                    @if all.len() > 1 { h3 { (h.plugin) } }
                    (diagnosis(ctx, i, h))
                } @else {
                    (fold(&folded_heading(ctx, h), &diagnosis(ctx, i, h)))
                }
            }
        },
    };
    let body = html! { (body) (of_several(ctx, &tables)) };
    let mut plugins: Vec<&str> = Vec::new();
    let of_one = health.filled().into_iter().flatten().map(|h| &h.plugin);
    for plugin in of_one.chain(tables.iter().map(|table| &table.plugin)) {
        if !plugins.contains(&plugin.as_str()) {
            plugins.push(plugin);
        }
    }
    let lead = match plugins.as_slice() {
        [] => String::new(),
        plugins => fill(p.lead_health, &[&plugins.join(p.list_comma)]),
    };
    section("health", p.sec_health, &lead, &body)
}

fn of_several(ctx: &Ctx<'_>, tables: &[&StageTable]) -> Markup {
    let judging = tables.iter().take_while(|table| table.judges).count();
    let (shown, folded) = tables.split_at(judging.min(SHOWN_MOST));
    html! {
        @for table in shown { h3 { (stage_table::heading(ctx, table)) } (stage_table(ctx, table)) }
        @for table in folded { (fold(&stage_table::heading(ctx, table), &stage_table(ctx, table))) }
    }
}

/// The plugin with what its diagnosis comes to.
fn folded_heading(ctx: &Ctx<'_>, h: &Health) -> String {
    let level = h.level.as_ref().map(|mark| ctx.words(&mark.words).to_owned());
    let total = h.total.map(|total| real(total, 2));
    [h.plugin.clone()].into_iter().chain(total).chain(level).collect::<Vec<_>>().join(" · ")
}

fn diagnosis(ctx: &Ctx<'_>, index: usize, h: &Health) -> Markup {
    let p = ctx.p;
    html! {
        @if !h.dimensions.is_empty() || h.total.is_some() { (dimensions(ctx, index, h)) }
        @if !h.steps.is_empty() { h3 { (p.steps) } (steps(ctx, index, h)) }
        @if !h.indicators.is_empty() { h3 { (p.indicators) } (indicators(ctx, h)) }
        @if !h.others.is_empty() { h3 { (p.other_outputs) } (others(ctx, h)) }
    }
}

fn dimensions(ctx: &Ctx<'_>, index: usize, h: &Health) -> Markup {
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
    let id = if index == 0 { "c-health".to_owned() } else { format!("c-health-{index}") };
    let caption = Caption { id: &id, title: p.sec_health, desc: &desc.join("; ") };
    let drawing = if measured.len() >= 3 {
        let axes = measured
            .iter()
            .map(|d| Axis {
                label: ctx.words(&d.words).to_owned(),
                value: d.score.unwrap_or(0.0),
                figure: d.score.map_or_else(String::new, |s| real(s, 2)),
                before: d.score_before,
            })
            .collect();
        let (now, before) = (p.this_cycle.to_owned(), p.last_cycle.to_owned());
        figure(&charts::radar(&caption, &Radar { axes, most: greatest(h), now, before }))
    } else {
        let bars: Vec<Bar> = h
            .dimensions
            .iter()
            .map(|d| Bar {
                label: ctx.words(&d.words).to_owned(),
                value: d.score,
                figure: d.score.map_or_else(|| p.not_measured.to_owned(), |s| real(s, 2)),
                mark: d.score.and(h.most),
                series: 0,
            })
            .collect();
        bar_chart(ctx, &caption, bars, 1)
    };
    let compared = h.dimensions.iter().any(|d| d.score_before.is_some());
    let mut table = Table::new(p.dimensions).words(p.dimension).numbers(p.score);
    if compared {
        table = table.numbers(p.last_cycle);
    }
    let levelled = h.dimensions.iter().any(|d| d.level.is_some());
    if levelled {
        table = table.words(p.level_head);
    }
    table = table.numbers(p.indicators_measured);
    for (i, d) in h.dimensions.iter().enumerate() {
        let all = h.indicators.iter().filter(|row| row.dimension == Some(i));
        let (seen, count) =
            all.fold((0u64, 0u64), |(s, c), row| (s + u64::from(row.score.is_some()), c + 1));
        let mut cells = vec![cell(ctx.words(&d.words)), maybe(d.score, |s| real(s, 2))];
        if compared {
            cells.push(maybe(d.score_before, |s| real(s, 2)));
        }
        if levelled {
            cells.push(level(ctx, d.level.as_ref()));
        }
        cells.push(cell(format!("{} / {}", whole(seen), whole(count))));
        table.row(cells);
    }
    let total = html! { (p.total) @if !levelled && h.level.is_some() { " " (level(ctx, h.level.as_ref())) } };
    let mut sums = vec![total, maybe(h.total, |s| real(s, 2))];
    if compared {
        sums.push(cell(""));
    }
    if levelled {
        sums.push(level(ctx, h.level.as_ref()));
    }
    let seen = h.indicators.iter().filter(|row| row.score.is_some()).count() as u64;
    sums.push(cell(format!("{} / {}", whole(seen), whole(h.indicators.len() as u64))));
    table.sums(sums);
    let table = html! {
        (table.build(ctx))
        @if !missing.is_empty() { p.note { (fill(p.health_missing, &[&missing.join(p.list_comma)])) } }
    };
    beside(&drawing, &table)
}

/// The steps of a funnel, each with its share of the step before.
fn steps(ctx: &Ctx<'_>, index: usize, h: &Health) -> Markup {
    let p = ctx.p;
    let before = [None].into_iter().chain(h.steps.iter().map(|step| step.count));
    let bars: Vec<Bar> = h
        .steps
        .iter()
        .zip(before)
        .map(|(step, before)| {
            let rate = step.count.zip(before.filter(|b| *b > 0.0)).map(|(now, b)| share(now / b));
            let count = step.count.map_or_else(|| p.not_measured.to_owned(), short_real);
            Bar {
                label: ctx.words(&step.words).to_owned(),
                value: step.count,
                figure: [count].into_iter().chain(rate).collect::<Vec<_>>().join(" · "),
                mark: before,
                series: 0,
            }
        })
        .collect();
    let desc: Vec<String> = bars.iter().map(|b| format!("{} {}", b.label, b.figure)).collect();
    let id = format!("c-steps-{index}");
    let caption = Caption { id: &id, title: p.steps, desc: &desc.join("; ") };
    html! { (bar_chart(ctx, &caption, bars, 1)) p.note { (p.steps_note) } }
}

/// The end of the scale: as declared, else the greatest score.
fn greatest(h: &Health) -> f64 {
    let seen = h.dimensions.iter().filter_map(|d| d.score).fold(0.0, f64::max);
    h.most.unwrap_or(seen).max(seen)
}

/// A level in the plugin's words; its colour says how serious the plugin calls it.
pub(super) fn level(ctx: &Ctx<'_>, mark: Option<&LevelMark>) -> Markup {
    let Some(mark) = mark else { return cell(ctx.p.not_measured) };
    let class = match mark.alarm {
        None => "",
        Some(Level::None) => "good",
        Some(Level::Watch) => "watch",
        Some(Level::Warn) => "warn",
        Some(Level::Critical) => "critical",
    };
    html! { span.badge.(class) { (ctx.words(&mark.words)) } }
}

/// What was measured, and folded below it what was not.
fn indicators(ctx: &Ctx<'_>, h: &Health) -> Markup {
    let (measured, missing): (Vec<_>, Vec<_>) =
        h.indicators.iter().partition(|row| row.value.is_some() || row.score.is_some());
    html! {
        @if !measured.is_empty() { (measured_indicators(ctx, h, &measured)) }
        @if !missing.is_empty() { (missing_indicators(ctx, h, &missing)) }
    }
}

fn missing_indicators(ctx: &Ctx<'_>, h: &Health, rows: &[&IndicatorRow]) -> Markup {
    let p = ctx.p;
    let line = fill(p.n_not_measured, &[&whole(rows.len() as u64)]);
    let mut table = Table::new(&line).quiet().words(p.indicator).words(p.dimension);
    for row in rows {
        table.row(vec![indicator(ctx, row), cell(dimension(ctx, h, row))]);
    }
    fold(&line, &table.build(ctx))
}

fn indicator(ctx: &Ctx<'_>, row: &IndicatorRow) -> Markup {
    html! { (ctx.words(&row.words)) " " code.dim { (row.feature) } }
}

fn dimension<'h>(ctx: &Ctx<'_>, h: &'h Health, row: &IndicatorRow) -> &'h str {
    let dimension = row.dimension.and_then(|at| h.dimensions.get(at));
    dimension.map_or(DASH, |d| ctx.words(&d.words))
}

fn measured_indicators(ctx: &Ctx<'_>, h: &Health, rows: &[&IndicatorRow]) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.indicators_caption)
        .words(p.indicator)
        .words(p.dimension)
        .numbers(p.value)
        .numbers(p.score);
    let levelled = h.indicators.iter().any(|row| row.level.is_some());
    if levelled {
        table = table.words(p.level_head);
    }
    for row in rows {
        let mut cells = vec![
            indicator(ctx, row),
            cell(dimension(ctx, h, row)),
            maybe(row.value, |v| ctx.measured(v, &row.unit)),
            maybe(row.score, |s| real(s, 2)),
        ];
        if levelled {
            cells.push(level(ctx, row.level.as_ref()));
        }
        table.row(cells);
    }
    table.build(ctx)
}

fn others(ctx: &Ctx<'_>, h: &Health) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.other_outputs).words(p.output).words(p.value);
    let mut missing = Vec::new();
    for row in &h.others {
        match &row.value {
            Some(value) => table.row(vec![cell(ctx.words(&row.words)), cell(ctx.words(value))]),
            None => missing.push(ctx.words(&row.words)),
        }
    }
    html! {
        @if missing.len() < h.others.len() { (table.build(ctx)) }
        @if !missing.is_empty() {
            (fold(&fill(p.n_not_measured, &[&whole(missing.len() as u64)]), &html! {
                ul { @for words in &missing { li { (words) } } }
            }))
        }
    }
}
