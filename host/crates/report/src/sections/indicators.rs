//! The core indicators of a brand: each with how it changed, what it should come to, and what makes it.

use maud::{Markup, html};

use super::targets::{comparison, state};
use crate::document::{Ctx, cell, digest, fold, section};
use crate::number::DASH;
use crate::phrases::fill;
use crate::table::Table;
use crate::{Evidence, IndicatorTile, Maker};

/// The indicators of a playbook; nothing at all where it has none.
pub(crate) fn indicators(ctx: &Ctx<'_>, tiles: &[IndicatorTile], evidence: &Evidence) -> Markup {
    if tiles.is_empty() {
        return html! {};
    }
    let p = ctx.p;
    let body = html! {
        dl.tiles { @for tile in tiles { (shown(ctx, tile)) } }
        (fold(p.how_made, &how_made(ctx, tiles, evidence)))
    };
    section("indicators", p.sec_indicators, p.lead_indicators, &body)
}

fn shown(ctx: &Ctx<'_>, tile: &IndicatorTile) -> Markup {
    let p = ctx.p;
    let value = tile.value.map_or_else(|| DASH.to_owned(), |v| ctx.measured(v, &tile.unit));
    html! {
        div {
            dt { a href={ "#made-" (anchor(&tile.name)) } { (ctx.words(&tile.words)) } }
            dd.value { (value) }
            dd.more {
                @match (tile.value, tile.before) {
                    (None, _) => (p.no_value),
                    (Some(now), Some(before)) => (change(ctx, now, before, &tile.unit)),
                    (Some(_), None) => (p.no_earlier),
                }
            }
            @if let Some(target) = &tile.target {
                dd.more { (comparison(&target.comparison)) " " (ctx.measured(target.value, &tile.unit)) " " (state(ctx, target.state)) }
            }
        }
    }
}

/// How much it rose or fell; in points, where it is a share.
fn change(ctx: &Ctx<'_>, now: f64, before: f64, unit: &str) -> String {
    let p = ctx.p;
    let by = now - before;
    let sign = match by.total_cmp(&0.0) {
        std::cmp::Ordering::Less => "▼",
        std::cmp::Ordering::Equal => return p.as_before.to_owned(),
        std::cmp::Ordering::Greater => "▲",
    };
    let size = match unit {
        // A share of a few in a thousand moves by less than a tenth of a point.
        "ratio" => {
            let decimals = if by.abs() < 0.001 { 3 } else { 1 };
            fill(p.points, &[&crate::number::real(by.abs() * 100.0, decimals)])
        }
        unit => ctx.measured(by.abs(), unit),
    };
    format!("{sign} {size}")
}

fn how_made(ctx: &Ctx<'_>, tiles: &[IndicatorTile], evidence: &Evidence) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.how_made)
        .quiet()
        .words(p.figure)
        .words(p.formula)
        .words(p.made_of)
        .words(p.threshold_id);
    for tile in tiles {
        let made = match &tile.maker {
            Maker::Feature { about } if about.is_empty() => cell(p.of_the_playbook),
            Maker::Feature { about } => cell(about),
            Maker::Output { plugin, digest: of, meaning } => {
                html! { (ctx.words(meaning)) " · " (plugin) " " (digest(of)) }
            }
            Maker::Host => cell(p.of_the_host),
        };
        let target = tile.target.as_ref().map(|_| format!("targets.{}", tile.name));
        table.row(vec![
            html! { span id={ "made-" (anchor(&tile.name)) } { (ctx.words(&tile.words)) } },
            html! { code.dim { (tile.name) } },
            made,
            target.map_or_else(|| cell(DASH), |id| html! { code.dim { (id) } }),
        ]);
    }
    html! {
        (table.whole())
        p.note {
            (p.made_from) " "
            @for (name, of) in &evidence.digests { (name) " " (digest(of)) " " }
        }
    }
}

/// Letters, digits and hyphens of a name.
fn anchor(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}
