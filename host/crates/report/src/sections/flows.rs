//! Where members came from and went to, as ribbons and as a table.

use maud::{Markup, html};

use crate::charts::{self, Caption, Flow};
use crate::document::{Ctx, beside, figure};
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

/// Places of one side that are drawn and have a row of their own; the others share one.
const PLACES_MOST: usize = 9;
/// Columns that a table beside its drawing has room for.
const BESIDE_MOST: usize = 6;

/// What is drawn of a matrix: names, members, places that are the same on both sides.
struct Drawn {
    from: Vec<String>,
    to: Vec<String>,
    members: Vec<Vec<u64>>,
    same: Vec<(usize, usize)>,
}

impl Drawn {
    fn cell(&self, i: usize, k: usize) -> u64 {
        self.members.get(i).and_then(|row| row.get(k)).map_or(0, |n| *n)
    }

    fn of_row(&self, i: usize) -> u64 {
        sum((0..self.to.len()).map(|k| self.cell(i, k)))
    }

    fn of_column(&self, k: usize) -> u64 {
        sum((0..self.from.len()).map(|i| self.cell(i, k)))
    }

    fn total(&self) -> u64 {
        sum((0..self.from.len()).map(|i| self.of_row(i)))
    }

    fn stayed(&self) -> u64 {
        sum(self.same.iter().map(|(i, k)| self.cell(*i, *k)))
    }

    /// With the greatest places alone; all others of a side are one.
    fn bounded(self, ctx: &Ctx<'_>) -> Self {
        let kept = |names: &[String], size: &dyn Fn(usize) -> u64| -> Vec<usize> {
            let mut order: Vec<usize> = (0..names.len()).collect();
            if names.len() > PLACES_MOST {
                order.sort_by_key(|at| std::cmp::Reverse(size(*at)));
                order.truncate(PLACES_MOST - 1);
                order.sort_unstable();
            }
            order
        };
        let rows = kept(&self.from, &|i| self.of_row(i));
        let columns = kept(&self.to, &|k| self.of_column(k));
        // A place that is left out goes to the last one, which the others share.
        let place = |kept: &[usize], at: usize| kept.binary_search(&at).unwrap_or(kept.len());
        let names = |kept: &[usize], all: &[String]| -> Vec<String> {
            let left = all.len() - kept.len();
            let others = (left > 0).then(|| fill(ctx.p.n_others, &[&whole(left as u64)]));
            kept.iter().map(|at| all[*at].clone()).chain(others).collect()
        };
        let (from, to) = (names(&rows, &self.from), names(&columns, &self.to));
        let mut members = vec![vec![0_u64; to.len()]; from.len()];
        for i in 0..self.from.len() {
            for k in 0..self.to.len() {
                let cell = &mut members[place(&rows, i)][place(&columns, k)];
                *cell = cell.saturating_add(self.cell(i, k));
            }
        }
        let is_kept = |(i, k): &&(usize, usize)| rows.contains(i) && columns.contains(k);
        let same = self.same.iter().filter(is_kept);
        let same = same.map(|(i, k)| (place(&rows, *i), place(&columns, *k))).collect();
        Self { from, to, members, same }
    }
}

/// Ribbons with their table beside them.
pub(crate) fn matrix(ctx: &Ctx<'_>, words: &MatrixWords<'_>, flows: &FlowMatrix) -> Markup {
    let p = ctx.p;
    let flows = without_empty_ends(flows);
    let is_same = |(i, k): &(usize, usize)| flows.from[*i] == flows.to[*k];
    let places = (0..flows.from.len()).flat_map(|i| (0..flows.to.len()).map(move |k| (i, k)));
    let all = Drawn {
        from: flows.from.iter().map(|end| name(ctx, end)).collect(),
        to: flows.to.iter().map(|end| name(ctx, end)).collect(),
        same: places.filter(is_same).collect(),
        members: flows.members,
    };
    // Those who stay in a place that is not drawn have stayed all the same.
    let (total, stayed) = (all.total(), all.stayed());
    let moved = total.saturating_sub(stayed);
    let desc = fill(p.flow_desc, &[&whole(total), &whole(stayed), &whole(moved)]);
    let drawn = all.bounded(ctx);
    let note =
        |i: usize, a: &str, k: usize, b: &str| format!("{a} → {b}: {}", whole(drawn.cell(i, k)));
    let notes = drawn
        .from
        .iter()
        .enumerate()
        .map(|(i, a)| drawn.to.iter().enumerate().map(|(k, b)| note(i, a, k, b)).collect());
    let flow = Flow {
        notes: notes.collect(),
        from: drawn.from.clone(),
        to: drawn.to.clone(),
        amounts: drawn.members.clone(),
        same: drawn.same.clone(),
        before: words.before.to_owned(),
        after: words.after.to_owned(),
    };
    let svg = if total == 0 {
        String::new()
    } else {
        charts::flow(&Caption { id: words.id, title: words.title, desc: &desc }, &flow)
    };
    let table = html! {
        (table(ctx, words, &drawn))
        p.note { (fill(p.flow_note, &[&whole(moved), &share_of(moved, total)])) }
    };
    if drawn.to.len() > BESIDE_MOST {
        return html! { (figure(&svg)) (table) };
    }
    beside(&figure(&svg), &table)
}

fn table(ctx: &Ctx<'_>, words: &MatrixWords<'_>, drawn: &Drawn) -> Markup {
    let p = ctx.p;
    let total = drawn.total();
    let heat = |n: u64| match n.saturating_mul(100).checked_div(total).unwrap_or(0) {
        0 if n == 0 => "h0",
        0 => "h1",
        1..=4 => "h2",
        5..=19 => "h3",
        _ => "h4",
    };
    let is_same = |i: usize, k: usize| drawn.same.contains(&(i, k));
    html! {
        div.scroll tabindex="0" role="region" aria-label=(words.title) {
            table.heat.stack {
                caption { (fill(p.flow_table, &[words.before, words.after])) }
                thead { tr {
                    td {}
                    @for name in &drawn.to { th.num scope="col" { (name) } }
                    th.num scope="col" { (p.total) }
                } }
                tbody { @for (i, name) in drawn.from.iter().enumerate() {
                    tr {
                        th scope="row" { (name) }
                        @for (k, to) in drawn.to.iter().enumerate() {
                            td data-head=(to) class={ "num " (heat(drawn.cell(i, k))) @if is_same(i, k) { " same" } } { (whole(drawn.cell(i, k))) }
                        }
                        td.num data-head=(p.total) { (whole(drawn.of_row(i))) }
                    }
                } }
                tfoot { tr {
                    th scope="row" { (p.total) }
                    @for (k, to) in drawn.to.iter().enumerate() { td.num data-head=(to) { (whole(drawn.of_column(k))) } }
                    td.num data-head=(p.total) { (whole(total)) }
                } }
            }
        }
    }
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
