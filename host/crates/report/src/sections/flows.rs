//! Where members came from and went to, as ribbons and as a table.

use maud::{Markup, html};

use crate::charts::{self, Caption, Flow};
use crate::document::{Ctx, beside};
use crate::number::{share_of, total as sum, whole};
use crate::phrases::fill;
use crate::{FlowEnd, FlowMatrix};

/// What the two sides of a matrix are.
pub(crate) struct MatrixWords<'a> {
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) before: &'a str,
    pub(crate) after: &'a str,
}

/// Ribbons with their table beside them.
pub(crate) fn matrix(ctx: &Ctx<'_>, words: &MatrixWords<'_>, flows: &FlowMatrix) -> Markup {
    let p = ctx.p;
    let flows = &without_empty_ends(flows);
    let from: Vec<String> = flows.from.iter().map(|end| name(ctx, end)).collect();
    let to: Vec<String> = flows.to.iter().map(|end| name(ctx, end)).collect();
    let cell = |i: usize, k: usize| flows.members.get(i).and_then(|r| r.get(k)).map_or(0, |n| *n);
    let same: Vec<(usize, usize)> = flows
        .from
        .iter()
        .enumerate()
        .flat_map(|(i, a)| {
            flows.to.iter().enumerate().filter(move |(_, b)| a == *b).map(move |(k, _)| (i, k))
        })
        .collect();
    let stayed = sum(same.iter().map(|(i, k)| cell(*i, *k)));
    let places = (0..from.len()).flat_map(|i| (0..to.len()).map(move |k| (i, k)));
    let total = sum(places.map(|(i, k)| cell(i, k)));
    let moved = total.saturating_sub(stayed);
    let desc = fill(p.flow_desc, &[&whole(total), &whole(stayed), &whole(moved)]);
    let notes = from
        .iter()
        .enumerate()
        .map(|(i, a)| {
            to.iter()
                .enumerate()
                .map(|(k, b)| format!("{a} → {b}: {}", whole(cell(i, k))))
                .collect()
        })
        .collect();
    let flow = Flow {
        from: from.clone(),
        to: to.clone(),
        amounts: flows.members.clone(),
        notes,
        same: same.clone(),
        before: words.before.to_owned(),
        after: words.after.to_owned(),
    };
    let svg = if total == 0 {
        String::new()
    } else {
        charts::flow(&Caption { id: words.id, title: words.title, desc: &desc }, &flow)
    };
    let heat = |n: u64| match n.saturating_mul(100).checked_div(total).unwrap_or(0) {
        0 if n == 0 => "h0",
        0 => "h1",
        1..=4 => "h2",
        5..=19 => "h3",
        _ => "h4",
    };
    let table = html! {
        div.scroll tabindex="0" role="region" aria-label=(words.title) {
            table.heat {
                caption { (fill(p.flow_table, &[words.before, words.after])) }
                thead { tr {
                    td {}
                    @for name in &to { th.num scope="col" { (name) } }
                    th.num scope="col" { (p.total) }
                } }
                tbody { @for (i, name) in from.iter().enumerate() {
                    tr {
                        th scope="row" { (name) }
                        @for k in 0..to.len() {
                            td class={ (heat(cell(i, k))) @if same.contains(&(i, k)) { " same" } } { (whole(cell(i, k))) }
                        }
                        td { (whole(sum((0..to.len()).map(|k| cell(i, k))))) }
                    }
                } }
                tfoot { tr {
                    th scope="row" { (p.total) }
                    @for k in 0..to.len() { td { (whole(sum((0..from.len()).map(|i| cell(i, k))))) } }
                    td { (whole(total)) }
                } }
            }
        }
        p.note { (fill(p.flow_note, &[&whole(moved), &share_of(moved, total)])) }
    };
    beside(&svg, &table)
}

/// The matrix without ends that are no segment and that nobody came from or went to.
fn without_empty_ends(flows: &FlowMatrix) -> FlowMatrix {
    let cell = |i: usize, k: usize| flows.members.get(i).and_then(|r| r.get(k)).map_or(0, |n| *n);
    let kept = |end: &FlowEnd, members: u64| matches!(end, FlowEnd::Segment(_)) || members > 0;
    let rows: Vec<usize> = (0..flows.from.len())
        .filter(|i| kept(&flows.from[*i], sum((0..flows.to.len()).map(|k| cell(*i, k)))))
        .collect();
    let columns: Vec<usize> = (0..flows.to.len())
        .filter(|k| kept(&flows.to[*k], sum((0..flows.from.len()).map(|i| cell(i, *k)))))
        .collect();
    FlowMatrix {
        from: rows.iter().map(|i| flows.from[*i].clone()).collect(),
        to: columns.iter().map(|k| flows.to[*k].clone()).collect(),
        members: rows.iter().map(|i| columns.iter().map(|k| cell(*i, *k)).collect()).collect(),
    }
}

fn name(ctx: &Ctx<'_>, end: &FlowEnd) -> String {
    match end {
        FlowEnd::Segment(words) => ctx.words(words).to_owned(),
        FlowEnd::Joined => ctx.p.flow_joined.to_owned(),
        FlowEnd::Left => ctx.p.flow_left.to_owned(),
        FlowEnd::Unassigned => ctx.p.flow_unassigned.to_owned(),
    }
}
