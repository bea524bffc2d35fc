//! Goals of the brand: how each stands on its way, and what serves which of the brand's values.

use std::collections::BTreeMap;

use maud::{Markup, html};
use playbook_model::GoalState;

use crate::document::{Ctx, cell, fold, maybe, named, section};
use crate::number::{share, whole};
use crate::phrases::fill;
use crate::table::Table;
use crate::{GoalRow, Goals};

/// The goals and the alignment; nothing at all where the playbook has neither goals nor values.
pub(crate) fn goals(ctx: &Ctx<'_>, goals: &Goals) -> Markup {
    if goals.rows.is_empty() && goals.values.is_empty() {
        return html! {};
    }
    let p = ctx.p;
    let body = html! {
        @if !goals.rows.is_empty() {
            @for line in objectives(ctx, &goals.rows) { p { (line) } }
            (standing(ctx, &goals.rows))
            (fold(p.goal_path, &paths(ctx, &goals.rows)))
        }
        @if !goals.values.is_empty() { h3 { (p.alignment) } (alignment(ctx, goals)) }
    };
    section("goals", p.sec_goals, p.lead_goals, &body)
}

/// A line for each objective: how far its key results are.
fn objectives(ctx: &Ctx<'_>, rows: &[GoalRow]) -> Vec<String> {
    let mut of: BTreeMap<&str, Vec<&GoalRow>> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.objective.is_empty()) {
        of.entry(&row.objective).or_default().push(row);
    }
    let line = |(objective, rows): (&str, Vec<&GoalRow>)| {
        let reached = rows.iter().filter(|row| row.state == GoalState::Reached).count();
        // A key result without a figure is not known to be on its way.
        let done: f64 = rows.iter().map(|row| row.progress.unwrap_or(0.0).clamp(0.0, 1.0)).sum();
        #[expect(clippy::cast_precision_loss, reason = "at most 6 key results")]
        let mean = done / rows.len() as f64;
        let [reached, all] = [reached, rows.len()].map(|count| whole(count as u64));
        fill(ctx.p.goal_part_of, &[ctx.name(objective), &reached, &all, &share(mean)])
    };
    of.into_iter().map(line).collect()
}

fn standing(ctx: &Ctx<'_>, rows: &[GoalRow]) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.sec_goals)
        .quiet()
        .words(p.goal)
        .numbers(p.goal_now)
        .numbers(p.goal_path_now)
        .numbers(p.target)
        .numbers(p.goal_done)
        .words(p.target_state);
    for row in rows {
        let figure = |value: f64| ctx.measured(value, &row.unit);
        table.row(vec![
            named(ctx.words(&row.words), &row.metric),
            maybe(row.value, figure),
            cell(figure(row.path[0])),
            cell(fill(p.goal_by, &[&figure(row.target), &row.deadline])),
            maybe(row.progress, share),
            state(ctx, row.state),
        ]);
    }
    table.build(ctx)
}

/// What each figure should be at the ends of the running month and quarter.
fn paths(ctx: &Ctx<'_>, rows: &[GoalRow]) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.goal_path)
        .quiet()
        .words(p.goal)
        .numbers(p.goal_from)
        .numbers(p.goal_path_month)
        .numbers(p.goal_path_quarter)
        .numbers(&ctx.in_currency(p.goal_money));
    for row in rows {
        let figure = |value: f64| ctx.measured(value, &row.unit);
        let from = fill(p.goal_since, &[&figure(row.baseline), &row.from]);
        let [_, month, quarter] = row.path.map(figure);
        table.row(vec![
            cell(ctx.words(&row.words)),
            cell(from),
            cell(month),
            cell(quarter),
            cell(ctx.money(row.reserved)),
        ]);
    }
    table.build(ctx)
}

/// The goal alignment matrix: goals and campaigns by the values of the brand.
fn alignment(ctx: &Ctx<'_>, goals: &Goals) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.alignment).quiet().words(p.goal);
    for (_, words) in &goals.values {
        table = table.words(ctx.words(words));
    }
    let campaigns = goals.campaigns.iter().map(|(stage, serves)| {
        (html! { (ctx.name(stage)) " " span.dim { (p.campaign_stage) } }, serves)
    });
    let rows = goals.rows.iter().map(|row| (cell(ctx.words(&row.words)), &row.serves));
    let mut served = vec![false; goals.values.len()];
    for (name, serves) in rows.chain(campaigns) {
        let mut cells = vec![name];
        for (at, (value, _)) in goals.values.iter().enumerate() {
            let does = serves.contains(value);
            served[at] |= does;
            cells.push(cell(if does { "●" } else { "" }));
        }
        table.row(cells);
    }
    let values = goals.values.iter().zip(&served);
    let idle: Vec<&str> =
        values.filter(|(_, served)| !**served).map(|((_, words), _)| ctx.words(words)).collect();
    html! {
        (table.build(ctx))
        @if !idle.is_empty() { p.note { (fill(p.served_by_none, &[&idle.join(p.list_comma)])) } }
    }
}

fn state(ctx: &Ctx<'_>, state: GoalState) -> Markup {
    let p = ctx.p;
    let (class, words) = match state {
        GoalState::Reached => ("good", p.goal_reached),
        GoalState::OnTrack => ("good", p.goal_on_track),
        GoalState::Behind => ("watch", p.goal_behind),
        GoalState::Late => ("critical", p.goal_late),
        GoalState::Missed => ("critical", p.goal_missed),
        GoalState::NoData => ("", p.target_no_data),
    };
    html! { span.badge.(class) { (words) } }
}
