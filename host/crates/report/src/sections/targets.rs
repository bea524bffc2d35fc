//! Targets: what figures of the brand should come to, the missed ones first.

use maud::{Markup, html};
use playbook_model::TargetState;

use crate::TargetRow;
use crate::document::{Ctx, cell, fold, maybe, section};
use crate::number::whole;
use crate::phrases::fill;
use crate::table::Table;

/// The targets of a playbook; nothing at all where it has none.
pub(crate) fn targets(ctx: &Ctx<'_>, rows: &[TargetRow]) -> Markup {
    if rows.is_empty() {
        return html! {};
    }
    let p = ctx.p;
    let of = |state: TargetState| rows.iter().filter(move |row| row.state == state);
    let order = [TargetState::Missed, TargetState::Near, TargetState::Met];
    let known: Vec<&TargetRow> = order.into_iter().flat_map(of).collect();
    let (due, unknown): (Vec<&TargetRow>, Vec<&TargetRow>) =
        of(TargetState::NoData).partition(|row| row.form);
    let counts = order.map(|state| whole(of(state).count() as u64));
    let line = fill(p.targets_are, &[&counts[2], &counts[1], &counts[0]]);
    let body = html! {
        @if !due.is_empty() { p { (fill(p.forms_due, &[&whole(due.len() as u64)])) } (table(ctx, &due)) }
        @if !known.is_empty() { p { (line) } (table(ctx, &known)) }
        @if !unknown.is_empty() {
            (fold(&fill(p.n_without_data, &[&whole(unknown.len() as u64)]), &table(ctx, &unknown)))
        }
    };
    section("targets", p.sec_targets, p.lead_targets, &body)
}

fn table(ctx: &Ctx<'_>, rows: &[&TargetRow]) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.sec_targets)
        .quiet()
        .words(p.figure)
        .numbers(p.value)
        .numbers(p.target)
        .words(p.target_state)
        .words(p.target_source);
    for row in rows {
        let sign = comparison(&row.comparison);
        let target = format!("{sign} {}", ctx.measured(row.target, &row.unit));
        table.row(vec![
            html! { (ctx.words(&row.words)) " " code.dim { (row.name) } },
            maybe(row.value, |value| ctx.measured(value, &row.unit)),
            cell(target),
            match row.form && row.state == TargetState::NoData {
                true => html! { span.badge.watch { (p.form_due) } },
                false => state(ctx, row.state),
            },
            cell(&row.source),
        ]);
    }
    table.build(ctx)
}

/// A comparison as people write it.
pub(super) fn comparison(written: &str) -> String {
    written.replace(">=", "≥").replace("<=", "≤")
}

/// How far a figure is from its target.
pub(super) fn state(ctx: &Ctx<'_>, state: TargetState) -> Markup {
    let p = ctx.p;
    let (class, words) = match state {
        TargetState::Met => ("good", p.target_met),
        TargetState::Near => ("watch", p.target_near),
        TargetState::Missed => ("critical", p.target_missed),
        TargetState::NoData => ("", p.target_no_data),
    };
    html! { span.badge.(class) { (words) } }
}
