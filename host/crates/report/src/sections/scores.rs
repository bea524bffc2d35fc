//! Distribution of each score output.

use maud::{Markup, PreEscaped, html};
use playbook_model::Words;

use crate::bar_chart::cut_note;
use crate::charts::{self, Bar, Caption, Histogram};
use crate::document::{Ctx, empty, fold, section};
use crate::number::{real, share_of, total as sum, whole};
use crate::phrases::fill;
use crate::{Absence, Distribution, Outside, ScoreRow, Section};

/// Scores that are shown, of those that their stages are about; the others are folded.
const CARDS_MOST: usize = 12;
/// Categories drawn at most; the others are one bar and a folded list.
const CATEGORIES_MOST: usize = 8;
/// Decimals of the ends of a short axis.
const FINE_DECIMALS: usize = 8;
/// Categories listed at most.
const LISTED_MOST: usize = 500;

/// A card for each score output.
pub(crate) fn scores(ctx: &Ctx<'_>, rows: &Section<Vec<ScoreRow>>) -> Markup {
    let p = ctx.p;
    let body = match rows {
        Section::Empty(why) => empty(ctx, why),
        Section::Filled(rows) if rows.is_empty() => empty(ctx, &Absence::Nothing),
        Section::Filled(rows) => html! {
            @let (leading, others): (Vec<&ScoreRow>, Vec<_>) = rows.iter().partition(|row| row.leads);
            @let shown = leading.len().min(CARDS_MOST);
            @let folded: Vec<&ScoreRow> = leading[shown..].iter().copied().chain(others).collect();
            (cards(ctx, 0, &leading[..shown]))
            @if !folded.is_empty() {
                (fold(&fill(p.scores_more, &[&whole(folded.len() as u64)]), &cards(ctx, shown, &folded)))
            }
        },
    };
    section("scores", p.sec_scores, p.lead_scores, &body)
}

fn cards(ctx: &Ctx<'_>, first: usize, rows: &[&ScoreRow]) -> Markup {
    html! { div.cards { @for (i, row) in rows.iter().enumerate() { (card(ctx, first + i, row)) } } }
}

fn card(ctx: &Ctx<'_>, index: usize, row: &ScoreRow) -> Markup {
    let p = ctx.p;
    let words = ctx.words(&row.meaning);
    let (svg, members) = match &row.distribution {
        Distribution::Bins { edges, counts, outside } => {
            let drawn = sum(counts.iter().copied());
            let svg = html! {
                figure { (PreEscaped(bins(ctx, index, row, edges, counts))) }
                (beyond(ctx, row, outside))
            };
            (svg, sum([drawn, outside.below, outside.above]))
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
            @else { (svg) }
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
    let ends = [value(0), middle, value(counts.len())];
    let ends = if ends[0] == ends[2] { fine_ends(edges) } else { ends };
    let chart = Histogram { counts: counts.to_vec(), notes, ends, mark };
    let id = format!("c-score-{index}");
    charts::histogram(&Caption { id: &id, title: ctx.words(&row.meaning), desc: &desc }, &chart)
}

/// Ends of an axis that is shorter than what a page shows of a value otherwise.
fn fine_ends(edges: &[f64]) -> [String; 3] {
    let end =
        |value: Option<&f64>| value.map_or_else(String::new, |value| real(*value, FINE_DECIMALS));
    [end(edges.first()), String::new(), end(edges.last())]
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

/// What lies outside of the axis, which would flatten all that lies on it.
fn beyond(ctx: &Ctx<'_>, row: &ScoreRow, outside: &Outside) -> Markup {
    let p = ctx.p;
    let words = |phrase, members: u64, value: f64| {
        fill(phrase, &[&whole(members), &ctx.measured(value, &row.unit)])
    };
    html! {
        @if outside.above > 0 { p.note { (words(p.axis_above, outside.above, outside.most)) } }
        @if outside.below > 0 { p.note { (words(p.axis_below, outside.below, outside.least)) } }
    }
}

/// The categories of most members in the plugin's order, all others as one bar and a list.
fn categories(ctx: &Ctx<'_>, index: usize, row: &ScoreRow, counts: &[(Words, u64)]) -> Markup {
    let p = ctx.p;
    let total = sum(counts.iter().map(|c| c.1));
    let drawn = greatest(counts);
    let (drawn, others): (Vec<_>, Vec<_>) =
        counts.iter().enumerate().partition(|(at, _)| drawn.contains(at));
    let mut bars: Vec<Bar> =
        drawn.iter().map(|(_, (name, n))| bar(ctx.words(name).to_owned(), *n, total, 0)).collect();
    if !others.is_empty() {
        let rest = sum(others.iter().map(|(_, (_, n))| *n));
        let name = fill(p.n_others, &[&whole(others.len() as u64)]);
        bars.push(bar(name, rest, total, 6));
    }
    let id = format!("c-score-{index}");
    let desc = fill(p.scores_desc_short, &[&whole(total)]);
    let caption = Caption { id: &id, title: ctx.words(&row.meaning), desc: &desc };
    html! {
        figure { (PreEscaped(charts::bars(&caption, &bars, charts::CARD_PX))) }
        (cut_note(ctx, &bars))
        @if !others.is_empty() { (list(ctx, others.iter().map(|(_, row)| *row))) }
    }
}

/// Places of the categories that are drawn: all, or those of most members.
fn greatest(counts: &[(Words, u64)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..counts.len()).collect();
    if counts.len() > CATEGORIES_MOST + 1 {
        // What no member has is nothing to draw.
        order.retain(|at| counts[*at].1 > 0);
        order.sort_by_key(|at| std::cmp::Reverse(counts[*at].1));
        order.truncate(CATEGORIES_MOST);
    }
    order
}

#[expect(clippy::cast_precision_loss, reason = "lengths of bars")]
fn bar(label: String, members: u64, total: u64, series: usize) -> Bar {
    Bar {
        label,
        value: Some(members as f64),
        figure: format!("{} · {}", whole(members), share_of(members, total)),
        mark: None,
        series,
    }
}

/// Categories that are not drawn with their members, most first, folded; those of nobody are counted.
fn list<'c>(ctx: &Ctx<'_>, others: impl Iterator<Item = &'c (Words, u64)>) -> Markup {
    let p = ctx.p;
    let (mut some, none): (Vec<_>, Vec<_>) = others.partition(|(_, members)| *members > 0);
    some.sort_by_key(|row| std::cmp::Reverse(row.1));
    let words = |row: &(Words, u64)| format!("{} {}", ctx.words(&row.0), whole(row.1));
    let more = some.len().saturating_sub(LISTED_MOST);
    let listed: Vec<String> = some.iter().take(LISTED_MOST).map(|row| words(row)).collect();
    fold(
        &fill(p.values_more, &[&whole((some.len() + none.len()) as u64)]),
        &html! {
            p.list { (listed.join(" · ")) }
            @if more > 0 { p.note { (fill(p.and_more, &[&whole(more as u64)])) } }
            @if !none.is_empty() { p.note { (fill(p.values_empty, &[&whole(none.len() as u64)])) } }
        },
    )
}
