//! Top of the page and the figures for a hurried reader.

use maud::{Markup, html};
use playbook_model::Minor;

use crate::document::{Ctx, section};
use crate::number::{DASH, real, share, share_of, short_real, whole};
use crate::phrases::fill;
use crate::{Absence, Header, Report, Section, Summary, Told};

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
pub(crate) fn summary(ctx: &Ctx<'_>, report: &Report) -> Markup {
    let p = ctx.p;
    let summary = &report.summary;
    let tile = |name, value: String, more: String| Tile { name, value, unit: String::new(), more };
    let cash = |name, amount: Option<Minor>, more: String| Tile {
        name,
        value: amount.map_or_else(|| DASH.to_owned(), |a| ctx.short_money(a)),
        unit: amount.map_or_else(String::new, |_| ctx.currency.code.clone()),
        more,
    };
    let count = |name, key, told: Told<u64>, more: String| {
        let value = told.value().map_or_else(|| DASH.to_owned(), whole);
        tile(name, value, why_none(ctx, key, told).unwrap_or(more))
    };
    let proposed = summary.grants.saturating_add(summary.refused);
    let of_members = |n: Told<u64>| {
        let share = |n: u64| fill(p.of_members, &[&share_of(n, summary.members)]);
        n.value().map_or_else(String::new, share)
    };
    let granted = if report.header.dry_run { p.tile_would_grant } else { p.tile_grants };
    let of_proposals = |n: u64| match proposed {
        0 => p.no_proposals.to_owned(),
        _ => fill(p.of_proposals, &[&share_of(n, proposed)]),
    };
    let tiles = [
        tile(p.tile_members, whole(summary.members), String::new()),
        count(p.tile_active, "active", summary.active, of_members(summary.active)),
        count(p.tile_orders, "orders", summary.orders, per_order(ctx, report)),
        cash(
            p.tile_revenue,
            summary.revenue.value(),
            why_none(ctx, "revenue", summary.revenue)
                .unwrap_or_else(|| p.net_of_refunds.to_owned()),
        ),
        cash(
            p.tile_cost,
            summary.cost.value(),
            why_none(ctx, "cost", summary.cost).unwrap_or_else(|| p.all_kinds.to_owned()),
        ),
        tile(granted, whole(summary.grants), of_proposals(summary.grants)),
        tile(p.tile_refused, whole(summary.refused), of_proposals(summary.refused)),
        cash(p.tile_grants_cost, Some(summary.grants_cost), of_cost(ctx, report)),
        tile(
            p.tile_roi,
            summary.roi.map_or_else(|| DASH.to_owned(), |r| real(r, 2)),
            match summary.roi {
                Some(_) => p.roi_is.to_owned(),
                None => why_empty(ctx, &report.roi).unwrap_or_else(|| p.no_return.to_owned()),
            },
        ),
        health(ctx, report),
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

/// Why a figure of `[output]` has no value; `None` where it has one.
fn why_none<T>(ctx: &Ctx<'_>, key: &str, told: Told<T>) -> Option<String> {
    match told {
        Told::Value(_) => None,
        Told::NoValue => Some(ctx.p.no_value.to_owned()),
        Told::NotNamed => Some(fill(ctx.p.no_figure, &[key])),
    }
}

/// That a part of the page is empty for want of a stage.
fn why_empty<T>(ctx: &Ctx<'_>, section: &Section<T>) -> Option<String> {
    match section {
        Section::Empty(Absence::NoStage(kind)) => {
            Some(fill(ctx.p.no_stage_of, &[ctx.p.kind(*kind)]))
        }
        _ => None,
    }
}

fn per_order(ctx: &Ctx<'_>, report: &Report) -> String {
    let Summary { revenue, orders, .. } = &report.summary;
    match (revenue.value(), orders.value()) {
        (Some(revenue), Some(orders)) if orders > 0 => {
            let each = revenue.0 / i64::try_from(orders).unwrap_or(i64::MAX);
            fill(ctx.p.per_order, &[&ctx.cash(Minor(each))])
        }
        _ => String::new(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share for display")]
fn of_cost(ctx: &Ctx<'_>, report: &Report) -> String {
    match report.summary.cost.value() {
        Some(cost) if cost.0 > 0 => {
            let grants = report.summary.grants_cost.0 as f64;
            fill(ctx.p.of_cost, &[&share(grants / cost.0 as f64)])
        }
        _ => String::new(),
    }
}

fn health(ctx: &Ctx<'_>, report: &Report) -> Tile {
    let (p, summary) = (ctx.p, &report.summary);
    let level = summary.health_level.as_ref().map_or("", |words| ctx.words(words));
    let most = |most: f64| format!("0–{}", short_real(most));
    Tile {
        name: p.tile_health,
        value: summary.health.map_or_else(|| DASH.to_owned(), |h| real(h, 2)),
        unit: summary.health_most.map_or_else(String::new, most),
        more: match summary.health {
            Some(_) => level.to_owned(),
            None => why_empty(ctx, &report.health).unwrap_or_else(|| p.no_total.to_owned()),
        },
    }
}
