//! Segment sizes and how members moved between segments.

use maud::{Markup, html};
use playbook_model::Minor;

use super::{MatrixWords, matrix};
use crate::bar_chart::bar_chart;
use crate::charts::{Bar, Caption};
use crate::document::{Ctx, beside, cell, empty, fold, maybe, named, section};
use crate::number::{share_of, total as sum, whole};
use crate::phrases::fill;
use crate::table::Table;
use crate::{Absence, Section, Segmentation};

/// Segmentations that are shown; the others are folded.
const SHOWN_MOST: usize = 2;
/// Segments of a folded one that its line tells.
const TOLD_MOST: usize = 4;

/// Sizes, then flows, of one stage after the other.
pub(crate) fn segments(ctx: &Ctx<'_>, segmentation: &Section<Vec<Segmentation>>) -> Markup {
    let p = ctx.p;
    let body = match segmentation {
        Section::Empty(why) => empty(ctx, why),
        Section::Filled(all) if all.is_empty() => empty(ctx, &Absence::Nothing),
        Section::Filled(all) => html! {
            @for (i, s) in all.iter().enumerate() {
                @if i < SHOWN_MOST {
                    @if all.len() > 1 { h3.part { (heading(s)) } }
                    (of_stage(ctx, i, s))
                } @else {
                    (fold(&folded_heading(ctx, s), &of_stage(ctx, i, s)))
                }
            }
        },
    };
    let names: Vec<&str> =
        segmentation.filled().into_iter().flatten().map(|s| s.plugin.as_str()).collect();
    let lead = match names.as_slice() {
        [] => String::new(),
        [one] => fill(p.lead_segments, &[one]),
        several => fill(p.lead_segments_of_each, &[&several.join(p.list_comma)]),
    };
    section("segments", p.sec_segments, &lead, &body)
}

/// The plugin, with its stage where that has a name of its own.
fn heading(s: &Segmentation) -> String {
    let own = s.plugin.split(' ').next() != Some(s.stage.as_str());
    if own { format!("{} · {}", s.stage, s.plugin) } else { s.plugin.clone() }
}

/// The heading with the largest segments.
fn folded_heading(ctx: &Ctx<'_>, s: &Segmentation) -> String {
    let mut largest: Vec<_> = s.segments.iter().filter(|row| row.members > 0).collect();
    largest.sort_by_key(|row| std::cmp::Reverse(row.members));
    let told = largest.iter().take(TOLD_MOST);
    let told = told.map(|row| format!("{} {}", ctx.words(&row.words), whole(row.members)));
    [heading(s)].into_iter().chain(told).collect::<Vec<_>>().join(" · ")
}

fn of_stage(ctx: &Ctx<'_>, index: usize, s: &Segmentation) -> Markup {
    let p = ctx.p;
    if s.segments.is_empty() {
        return empty(ctx, &Absence::Nothing);
    }
    let id = |name: &str| if index == 0 { name.to_owned() } else { format!("{name}-{index}") };
    html! {
        (sizes(ctx, &id("c-segments"), s))
        (super::effects(ctx, s))
        h3 { (p.flows) }
        @match &s.flows {
            Section::Empty(why) => (empty(ctx, why)),
            Section::Filled(flows) => (matrix(ctx, &MatrixWords {
                id: &id("c-flows"), title: p.flows, before: p.last_cycle, after: p.this_cycle,
            }, flows)),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "lengths of bars")]
fn sizes(ctx: &Ctx<'_>, id: &str, s: &Segmentation) -> Markup {
    let p = ctx.p;
    let total = sum(s.segments.iter().map(|row| row.members).chain([s.unassigned]));
    let mut bars: Vec<Bar> = s
        .segments
        .iter()
        .map(|row| Bar {
            label: ctx.words(&row.words).to_owned(),
            value: Some(row.members as f64),
            figure: format!("{} · {}", whole(row.members), share_of(row.members, total)),
            mark: row.members_before.map(|n| n as f64),
            series: 0,
        })
        .collect();
    if s.unassigned > 0 {
        bars.push(Bar {
            label: p.flow_unassigned.to_owned(),
            value: Some(s.unassigned as f64),
            figure: format!("{} · {}", whole(s.unassigned), share_of(s.unassigned, total)),
            mark: None,
            series: 6,
        });
    }
    let described: Vec<String> = bars.iter().map(|b| format!("{} {}", b.label, b.figure)).collect();
    let caption = Caption { id, title: p.segment_sizes, desc: &described.join("; ") };
    let compared = s.segments.iter().any(|row| row.members_before.is_some());

    let mut table =
        Table::new(p.segment_sizes).words(p.segment).numbers(p.members).numbers(p.share);
    if compared {
        table = table.numbers(p.change);
    }
    table = table.numbers(p.grants);
    // Only where the playbook counts revenue by segment.
    let valued = s.segments.iter().any(|row| row.revenue.is_some());
    if valued {
        table = table.numbers(&ctx.in_currency(p.revenue));
    }
    for row in &s.segments {
        let mut cells = vec![
            named(ctx.words(&row.words), &row.name),
            cell(whole(row.members)),
            cell(share_of(row.members, total)),
        ];
        if compared {
            cells.push(maybe(row.members_before, |before| change(row.members, before)));
        }
        cells.push(cell(whole(row.grants)));
        if valued {
            cells.push(maybe(row.revenue, |r| ctx.money(r)));
        }
        table.row(cells);
    }
    if s.unassigned > 0 {
        let mut cells = vec![
            cell(p.flow_unassigned),
            cell(whole(s.unassigned)),
            cell(share_of(s.unassigned, total)),
        ];
        // Joined members are no segment that was smaller before, and no feature counts by the lack of a segment.
        cells.extend(compared.then(|| cell("")));
        cells.push(cell(whole(s.unassigned_grants)));
        cells.extend(valued.then(|| cell("")));
        table.row(cells);
    }
    let revenue: i128 =
        s.segments.iter().filter_map(|row| row.revenue).map(|r| i128::from(r.0)).sum();
    let mut sums = vec![cell(p.total), cell(whole(total)), cell(share_of(total, total))];
    if compared {
        sums.push(cell(""));
    }
    let grants = s.segments.iter().map(|row| row.grants).chain([s.unassigned_grants]);
    sums.push(cell(whole(sum(grants))));
    if valued {
        sums.push(cell(ctx.money(Minor(i64::try_from(revenue).unwrap_or(i64::MAX)))));
    }
    table.sums(sums);
    let table = html! { (table.build(ctx)) @if compared { p.note { (p.mark_before) } } };
    beside(&bar_chart(ctx, &caption, bars, 1), &table)
}

/// Difference with its sign.
fn change(now: u64, before: u64) -> String {
    if now >= before {
        format!("+{}", whole(now - before))
    } else {
        format!("−{}", whole(before - now))
    }
}
