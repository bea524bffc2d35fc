//! Grants, refusals, and what they took from the budgets.

use maud::{Markup, html};
use playbook_model::Minor;

use crate::bar_chart::bar_chart;
use crate::charts::{self, Bar, Caption, Series, Stack, StackScale};
use crate::document::{Ctx, beside, cell, empty, figure, section};
use crate::number::{DASH, length, real, share, share_of, signed, total, whole};
use crate::phrases::fill;
use crate::table::Table;
use crate::{Absence, BudgetRow, Incentives, Section};

/// Accounts drawn at most.
const BUDGETS_DRAWN: usize = 16;

/// Grants by action, refusals by code.
pub(crate) fn grants(ctx: &Ctx<'_>, incentives: &Section<Incentives>, dry_run: bool) -> Markup {
    let p = ctx.p;
    let body = match incentives {
        Section::Empty(why) => empty(ctx, why),
        Section::Filled(i) if i.grants.is_empty() && i.refusals.is_empty() => {
            empty(ctx, &Absence::Nothing)
        }
        Section::Filled(i) => html! {
            h3 { (if dry_run { p.would_grant_by_action } else { p.grants_by_action }) }
            @if i.grants.is_empty() { (empty(ctx, &Absence::Nothing)) } @else { (by_action(ctx, i)) }
            h3 { (p.refusals_by_code) }
            @if i.refusals.is_empty() { p.empty { (p.nothing_refused) } } @else { (by_code(ctx, i)) }
        },
    };
    section("grants", p.sec_grants, p.lead_grants, &body)
}

fn sum(amounts: impl Iterator<Item = Minor>) -> Minor {
    let sum: i128 = amounts.map(|a| i128::from(a.0)).sum();
    Minor(i64::try_from(sum).unwrap_or(i64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "lengths of bars and a ratio for display")]
fn by_action(ctx: &Ctx<'_>, i: &Incentives) -> Markup {
    let p = ctx.p;
    let returned = |output: Minor, cost: Minor| {
        if cost.0 > 0 { real(output.0 as f64 / cost.0 as f64, 2) } else { DASH.to_owned() }
    };
    let bars: Vec<Bar> = i
        .grants
        .iter()
        .map(|row| Bar {
            label: ctx.words(&row.words).to_owned(),
            value: Some(row.granted as f64),
            figure: whole(row.granted),
            mark: None,
            series: 2,
        })
        .collect();
    let described: Vec<String> = bars.iter().map(|b| format!("{} {}", b.label, b.figure)).collect();
    let caption =
        Caption { id: "c-grants", title: p.grants_by_action, desc: &described.join("; ") };
    // A first run has granted nothing before; its table needs no column that says so.
    let before = total(i.grants.iter().map(|r| r.granted_before));
    let of_before = |rows: u64| (before > 0).then(|| cell(whole(rows)));
    let mut table = Table::new(p.grants_by_action)
        .quiet()
        .words(p.action)
        .numbers(p.proposed)
        .numbers(p.granted);
    if before > 0 {
        table = table.numbers(p.granted_before);
    }
    let mut table = table
        .numbers(p.quantity)
        .numbers(&ctx.in_currency(p.cost))
        .numbers(&ctx.in_currency(p.expected_output))
        .numbers(p.output_by_cost);
    for row in &i.grants {
        let mut cells = vec![
            html! { (ctx.words(&row.words)) " " code.dim { (row.plugin) "." (row.action) } },
            cell(whole(row.proposed)),
            html! { (whole(row.granted)) " " span.dim { "(" (share_of(row.granted, row.proposed)) ")" } },
        ];
        cells.extend(of_before(row.granted_before));
        cells.extend([
            cell(signed(row.quantity)),
            cell(ctx.money(row.cost)),
            cell(ctx.money(row.expected_output)),
            cell(returned(row.expected_output, row.cost)),
        ]);
        table.row(cells);
    }
    let cost = sum(i.grants.iter().map(|r| r.cost));
    let output = sum(i.grants.iter().map(|r| r.expected_output));
    let mut sums = vec![
        cell(p.total),
        cell(whole(total(i.grants.iter().map(|r| r.proposed)))),
        cell(whole(total(i.grants.iter().map(|r| r.granted)))),
    ];
    sums.extend(of_before(before));
    sums.extend([
        cell(""),
        cell(ctx.money(cost)),
        cell(ctx.money(output)),
        cell(returned(output, cost)),
    ]);
    table.sums(sums);
    html! { (bar_chart(ctx, &caption, bars, 1)) (table.build(ctx)) }
}

#[expect(clippy::cast_precision_loss, reason = "lengths of bars")]
fn by_code(ctx: &Ctx<'_>, i: &Incentives) -> Markup {
    let p = ctx.p;
    let words = |row: &crate::RefusalRow| row.code.words(ctx.lang.code());
    let all = total(i.refusals.iter().map(|r| r.proposals));
    let bars: Vec<Bar> = i
        .refusals
        .iter()
        .map(|row| Bar {
            label: format!("{} {}", row.code.code(), words(row)),
            value: Some(row.proposals as f64),
            figure: whole(row.proposals),
            mark: None,
            series: 5,
        })
        .collect();
    let described: Vec<String> = bars.iter().map(|b| format!("{} {}", b.label, b.figure)).collect();
    let caption =
        Caption { id: "c-refusals", title: p.refusals_by_code, desc: &described.join("; ") };
    let mut table = Table::new(p.refusals_by_code)
        .quiet()
        .words(p.code)
        .numbers(p.proposals)
        .numbers(p.share)
        .numbers(&ctx.in_currency(p.cost_withheld));
    for row in &i.refusals {
        table.row(vec![
            html! {
                code { (row.code.code()) } " " (words(row))
                @if let Some(detail) = row.detail.as_ref().filter(|d| !ctx.words(d).is_empty()) { br; span.dim { (ctx.words(detail)) } }
            },
            cell(whole(row.proposals)),
            cell(share_of(row.proposals, all)),
            cell(ctx.money(row.cost)),
        ]);
    }
    table.sums(vec![
        cell(p.total),
        cell(whole(all)),
        cell(share_of(all, all)),
        cell(ctx.money(sum(i.refusals.iter().map(|r| r.cost)))),
    ]);
    beside(&bar_chart(ctx, &caption, bars, 1), &table.build(ctx))
}

/// What each budget and pool holds and has spent.
pub(crate) fn budgets(ctx: &Ctx<'_>, rows: &Section<Vec<BudgetRow>>) -> Markup {
    let p = ctx.p;
    let body = match rows {
        Section::Empty(why) => empty(ctx, why),
        Section::Filled(rows) if rows.is_empty() => empty(ctx, &Absence::NoBudget),
        Section::Filled(rows) => use_of(ctx, rows),
    };
    section("budgets", p.sec_budgets, p.lead_budgets, &body)
}

fn use_of(ctx: &Ctx<'_>, rows: &[BudgetRow]) -> Markup {
    let p = ctx.p;
    let mut rows = rows.to_vec();
    for name in rows.iter_mut().flat_map(|row| &mut row.path) {
        let own = ctx.name(name);
        *name = if own == name { p.account(name) } else { own }.to_owned();
    }
    let parts = |row: &BudgetRow| [row.taken_before, row.granted, row.available];
    let series = [(p.taken_before, 0), (p.granted_now, 1), (p.available, charts::REST)]
        .map(|(name, tone)| Series { name: name.to_owned(), tone });
    let stacks: Vec<Stack> = rows
        .iter()
        .take(BUDGETS_DRAWN)
        .map(|row| Stack {
            label: place_of(row),
            parts: parts(row).iter().map(|a| length(*a)).collect(),
            notes: series
                .iter()
                .zip(parts(row))
                .map(|(s, a)| format!("{}: {}", s.name, ctx.cash(a)))
                .collect(),
            figure: String::new(),
        })
        .collect();
    let left = rows.len() - stacks.len();
    let desc: Vec<String> = rows
        .iter()
        .map(|row| {
            let words = fill(p.budget_desc, &[&ctx.cash(row.available), &ctx.cash(row.allocated)]);
            format!("{}: {words}", row.path.join(" › "))
        })
        .collect();
    let caption = Caption { id: "c-budgets", title: p.sec_budgets, desc: &desc.join("; ") };
    let svg = charts::stacked_bars(&caption, &series, &stacks, StackScale::Shares);
    html! {
        (figure(&svg))
        @if left > 0 { p.note { (fill(p.bars_more, &[&whole(left as u64)])) } }
        (budget_table(ctx, &rows))
    }
}

/// The last part of the path, set in as deep as it lies: the table has the whole.
fn place_of(row: &BudgetRow) -> String {
    let deep = row.path.len().saturating_sub(1);
    format!("{}{}", "› ".repeat(deep), row.path.last().map_or("", String::as_str))
}

fn budget_table(ctx: &Ctx<'_>, rows: &[BudgetRow]) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(&ctx.in_currency(p.sec_budgets))
        .words(p.budget)
        .numbers(p.allocated)
        .numbers(p.taken_before)
        .numbers(p.granted_now)
        .numbers(p.reserved)
        .numbers(p.settled)
        .numbers(p.available)
        .numbers(p.used);
    for row in rows {
        let name = row.path.last().map_or("", String::as_str);
        let over: String =
            row.path.iter().rev().skip(1).rev().map(|name| format!("{name} › ")).collect();
        let used = length(row.taken_before) + length(row.granted);
        let used =
            if row.allocated.0 > 0 { share(used / length(row.allocated)) } else { DASH.to_owned() };
        table.row(vec![
            html! { span.dim { (over) } (name) },
            cell(ctx.money(row.allocated)),
            cell(ctx.money(row.taken_before)),
            cell(ctx.money(row.granted)),
            cell(ctx.money(row.reserved)),
            cell(ctx.money(row.settled)),
            cell(ctx.money(row.available)),
            cell(used),
        ]);
    }
    table.build(ctx)
}
