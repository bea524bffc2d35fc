//! Top of the page and the figures for a hurried reader.

use maud::{Markup, html};

use crate::document::{Ctx, section};
use crate::number::{DASH, real, share, share_of, short_real, whole};
use crate::phrases::fill;
use crate::{Header, Summary};

/// Brand, playbook, time, cycle, run.
pub(crate) fn head(ctx: &Ctx<'_>, header: &Header) -> Markup {
    let p = ctx.p;
    let run: String = header.run_id.chars().take(12).collect();
    html! {
        header.top { div {
            p.kind { (p.report_kind) }
            h1 { (header.brand) }
            p.sub { (ctx.words(&header.title)) }
            dl {
                div { dt { (p.as_of) } dd { (header.as_of) } }
                div { dt { (p.cycle) } dd { (header.cycle) } }
                div { dt { (p.run) } dd { code title=(header.run_id) { (run) } } }
                div { dt { (p.playbook_digest) } dd { (crate::document::digest(&header.playbook_digest)) } }
                div { dt { (p.currency) } dd { (header.currency.code) } }
            }
            @if header.dry_run { p.dry role="note" { (p.dry_run) } }
        } }
    }
}

struct Tile {
    name: &'static str,
    value: String,
    unit: String,
    more: String,
}

/// The tiles.
pub(crate) fn summary(ctx: &Ctx<'_>, summary: &Summary, dry_run: bool) -> Markup {
    let p = ctx.p;
    let count = |n: Option<u64>| n.map_or_else(|| DASH.to_owned(), whole);
    let tile = |name, value: String, more: String| Tile { name, value, unit: String::new(), more };
    let cash = |name, amount: Option<playbook_model::Minor>, more: String| Tile {
        name,
        value: amount.map_or_else(|| DASH.to_owned(), |a| ctx.short_money(a)),
        unit: amount.map_or_else(String::new, |_| ctx.currency.code.clone()),
        more,
    };
    let proposed = summary.grants.saturating_add(summary.refused);
    let per_order = match (summary.revenue, summary.orders) {
        (Some(revenue), Some(orders)) if orders > 0 => {
            let each = revenue.0 / i64::try_from(orders).unwrap_or(i64::MAX);
            fill(p.per_order, &[&ctx.cash(playbook_model::Minor(each))])
        }
        _ => String::new(),
    };
    let of_members = |n: Option<u64>| {
        n.map_or_else(String::new, |n| fill(p.of_members, &[&share_of(n, summary.members)]))
    };
    #[expect(clippy::cast_precision_loss, reason = "a share for display")]
    let of_cost = match summary.cost {
        Some(cost) if cost.0 > 0 => {
            fill(p.of_cost, &[&share(summary.grants_cost.0 as f64 / cost.0 as f64)])
        }
        _ => String::new(),
    };
    let level = summary.health_level.as_ref().map_or("", |words| ctx.words(words));
    let granted = if dry_run { p.tile_would_grant } else { p.tile_grants };
    let tiles = [
        tile(p.tile_members, whole(summary.members), String::new()),
        tile(p.tile_active, count(summary.active), of_members(summary.active)),
        tile(p.tile_orders, count(summary.orders), per_order),
        cash(p.tile_revenue, summary.revenue, p.net_of_refunds.to_owned()),
        cash(p.tile_cost, summary.cost, p.all_kinds.to_owned()),
        tile(
            granted,
            whole(summary.grants),
            fill(p.of_proposals, &[&share_of(summary.grants, proposed)]),
        ),
        tile(
            p.tile_refused,
            whole(summary.refused),
            fill(p.of_proposals, &[&share_of(summary.refused, proposed)]),
        ),
        cash(p.tile_grants_cost, Some(summary.grants_cost), of_cost),
        tile(
            p.tile_roi,
            summary.roi.map_or_else(|| DASH.to_owned(), |r| real(r, 2)),
            p.roi_is.to_owned(),
        ),
        Tile {
            name: p.tile_health,
            value: summary.health.map_or_else(|| DASH.to_owned(), |h| real(h, 2)),
            unit: summary
                .health_most
                .map_or_else(String::new, |most| format!("0–{}", short_real(most))),
            more: level.to_owned(),
        },
    ];
    let body = html! {
        dl.tiles { @for tile in &tiles {
            div {
                dt { (tile.name) @if !tile.unit.is_empty() { " " small { (tile.unit) } } }
                dd.value { (tile.value) }
                dd.more { (tile.more) }
            }
        } }
    };
    section("summary", p.sec_summary, "", &body)
}
