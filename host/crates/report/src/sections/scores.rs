//! Distribution of each score output.

use maud::{Markup, PreEscaped, html};

use crate::charts::{self, Bar, Caption, Histogram};
use crate::document::{Ctx, empty, section};
use crate::number::{share_of, total as sum, whole};
use crate::phrases::fill;
use crate::{Absence, Distribution, ScoreRow, Section};

/// Categories drawn at most.
const CATEGORIES_MOST: usize = 12;

/// A card for each score output.
pub(crate) fn scores(ctx: &Ctx<'_>, rows: &Section<Vec<ScoreRow>>) -> Markup {
    let p = ctx.p;
    let body = match rows {
        Section::Empty(why) => empty(ctx, why),
        Section::Filled(rows) if rows.is_empty() => empty(ctx, &Absence::Nothing),
        Section::Filled(rows) => html! {
            div.cards { @for (i, row) in rows.iter().enumerate() { (card(ctx, i, row)) } }
        },
    };
    section("scores", p.sec_scores, p.lead_scores, &body)
}

fn card(ctx: &Ctx<'_>, index: usize, row: &ScoreRow) -> Markup {
    let p = ctx.p;
    let words = ctx.words(&row.meaning);
    let (svg, members) = match &row.distribution {
        Distribution::Bins { edges, counts } => {
            (bins(ctx, index, row, edges, counts), sum(counts.iter().copied()))
        }
        Distribution::Categories(counts) => {
            (categories(ctx, index, row, counts), sum(counts.iter().map(|c| c.1)))
        }
    };
    let value = |v: f64| ctx.measured(v, &row.unit);
    html! {
        article {
            h3 { (if words.is_empty() { row.output.as_str() } else { words }) }
            p { code.dim { (row.plugin) "." (row.output) } }
            @if members == 0 { p.empty { (p.no_member_has_it) } }
            @else { figure { (PreEscaped(svg)) } }
            dl {
                div { dt { (p.with_value) } dd { (whole(members)) } }
                @if row.missing > 0 { div { dt { (p.without_value) } dd { (whole(row.missing)) } } }
                @if let Some(mean) = row.mean { div { dt { (p.mean) } dd { (value(mean)) } } }
                @if let Some([low, middle, high]) = row.quantiles {
                    div { dt { "P10" } dd { (value(low)) } }
                    div { dt { (p.median) } dd { (value(middle)) } }
                    div { dt { "P90" } dd { (value(high)) } }
                }
            }
        }
    }
}

fn bins(ctx: &Ctx<'_>, index: usize, row: &ScoreRow, edges: &[f64], counts: &[u64]) -> String {
    let p = ctx.p;
    let value = |at: usize| edges.get(at).map_or_else(String::new, |v| ctx.measured(*v, &row.unit));
    let total = sum(counts.iter().copied());
    let notes = counts
        .iter()
        .enumerate()
        .map(|(i, n)| {
            format!("{} – {}: {} ({})", value(i), value(i + 1), whole(*n), share_of(*n, total))
        })
        .collect();
    let mark = match (row.quantiles, edges.first(), edges.last()) {
        (Some([_, middle, _]), Some(low), Some(high)) if high > low => Some((
            place(middle, edges, *low, *high),
            format!("{} {}", p.median, ctx.measured(middle, &row.unit)),
        )),
        _ => None,
    };
    let desc = match row.quantiles {
        Some([low, middle, high]) => fill(
            p.scores_desc,
            &[
                &whole(total),
                &ctx.measured(low, &row.unit),
                &ctx.measured(middle, &row.unit),
                &ctx.measured(high, &row.unit),
            ],
        ),
        None => fill(p.scores_desc_short, &[&whole(total)]),
    };
    let middle =
        if counts.len().is_multiple_of(2) { value(counts.len() / 2) } else { String::new() };
    // A last bin that takes all that lies beyond is drawn as wide as the others, so its end is no place on the axis.
    let wide = |bin: usize| edges.get(bin + 1).zip(edges.get(bin)).map_or(0.0, |(b, a)| b - a);
    let last = counts.len().saturating_sub(1);
    let highest = if last > 0 && wide(last) > 1.5 * wide(0) {
        format!("≥ {}", value(last))
    } else {
        value(counts.len())
    };
    let chart =
        Histogram { counts: counts.to_vec(), notes, ends: [value(0), middle, highest], mark };
    let id = format!("c-score-{index}");
    charts::histogram(&Caption { id: &id, title: ctx.words(&row.meaning), desc: &desc }, &chart)
}

/// Where a value lies as a part of the width, when all bins are drawn equally wide.
#[expect(clippy::cast_precision_loss, reason = "a place on the sheet")]
fn place(value: f64, edges: &[f64], low: f64, high: f64) -> f64 {
    if value <= low {
        return 0.0;
    }
    if value >= high {
        return 1.0;
    }
    let bin = edges.windows(2).position(|e| value >= e[0] && value < e[1]).unwrap_or(0);
    let inside = (value - edges[bin]) / (edges[bin + 1] - edges[bin]);
    (bin as f64 + inside) / (edges.len() - 1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "lengths of bars")]
fn categories(ctx: &Ctx<'_>, index: usize, row: &ScoreRow, counts: &[(String, u64)]) -> String {
    let total = sum(counts.iter().map(|c| c.1));
    let mut bars: Vec<Bar> = counts
        .iter()
        .take(CATEGORIES_MOST)
        .map(|(name, n)| Bar {
            label: name.clone(),
            value: Some(*n as f64),
            figure: format!("{} · {}", whole(*n), share_of(*n, total)),
            mark: None,
            series: 0,
        })
        .collect();
    let rest = sum(counts.iter().skip(CATEGORIES_MOST).map(|c| c.1));
    if rest > 0 {
        bars.push(Bar {
            label: ctx.p.others.to_owned(),
            value: Some(rest as f64),
            figure: format!("{} · {}", whole(rest), share_of(rest, total)),
            mark: None,
            series: 6,
        });
    }
    let id = format!("c-score-{index}");
    let desc = fill(ctx.p.scores_desc_short, &[&whole(total)]);
    charts::bars(
        &Caption { id: &id, title: ctx.words(&row.meaning), desc: &desc },
        &bars,
        charts::CARD_PX,
    )
}
