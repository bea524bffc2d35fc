//! The plan of the campaign: phases over days, money by channel, content shares, publications, gates.

use std::collections::BTreeMap;

use maud::{Markup, html};
use playbook_model::Minor;

use crate::charts::{self, Caption, Mark, Span, Stack, StackScale, TONES, Timeline};
use crate::document::{Ctx, beside, cell, empty, figure, section};
use crate::number::{DASH, civil, date_of_day, length, share, short_real, whole};
use crate::phrases::fill;
use crate::table::Table;
use crate::{Absence, Campaign, PlanMoneyRow, Section};

/// Publications listed at most.
const SLOTS_MOST: usize = 40;
/// Days drawn at most.
const DAYS_MOST: u64 = 4_000;

/// The whole plan.
pub(crate) fn campaign(ctx: &Ctx<'_>, campaign: &Section<Campaign>) -> Markup {
    let p = ctx.p;
    let body = match campaign {
        Section::Empty(why) => empty(ctx, why),
        Section::Filled(c) if c.phases.is_empty() => empty(ctx, &Absence::Nothing),
        Section::Filled(c) => {
            let c = &in_words(ctx, c);
            html! {
                @if let Some(money) = &c.money { p.note { (plan_money(ctx, c, money)) } }
                (phases(ctx, c))
                h3 { (p.channel_split) }
                @if c.allocations.is_empty() { (empty(ctx, &Absence::Nothing)) } @else { (channels(ctx, c)) }
                h3 { (p.content_mix) }
                @if c.content.is_empty() { (empty(ctx, &Absence::Nothing)) } @else { (content(ctx, c)) }
                @if !c.gates.is_empty() { h3 { (p.gates) } (gates(ctx, c)) }
                @if !c.slots.is_empty() { h3 { (p.publications) } (slots(ctx, c)) }
            }
        }
    };
    let lead = campaign.filled().map_or_else(String::new, |c| fill(p.lead_campaign, &[&c.plugin]));
    section("campaign", p.sec_campaign, &lead, &body)
}

/// The plan with the plugin's names in words of the page's language.
fn in_words(ctx: &Ctx<'_>, campaign: &Campaign) -> Campaign {
    let mut c = campaign.clone();
    let names = c
        .phases
        .iter_mut()
        .map(|row| &mut row.name)
        .chain(c.content.iter_mut().flat_map(|row| [&mut row.mix, &mut row.category]))
        .chain(
            c.slots.iter_mut().flat_map(|row| [&mut row.format, &mut row.layer, &mut row.theme]),
        );
    for name in names {
        if let Some((_, words)) = campaign.terms.iter().find(|(term, _)| term == name) {
            ctx.words(words).clone_into(name);
        }
    }
    c
}

/// That a plan is a plan, and what it had to go by.
fn plan_money(ctx: &Ctx<'_>, c: &Campaign, money: &PlanMoneyRow) -> String {
    let planned = c.phases.iter().fold(0_i64, |sum, row| sum.saturating_add(row.budget.0));
    let amounts = [Minor(planned), money.pool, money.account, money.share].map(|a| ctx.cash(a));
    fill(ctx.p.plan_money, &amounts.each_ref().map(String::as_str))
}

fn phase_name(c: &Campaign, phase: usize) -> &str {
    c.phases.get(phase).map_or(DASH, |row| row.name.as_str())
}

fn phases(ctx: &Ctx<'_>, c: &Campaign) -> Markup {
    let p = ctx.p;
    let first = c.phases.iter().map(|row| row.first_day).min().unwrap_or(0);
    let last = c
        .phases
        .iter()
        .map(|row| u64::from(row.first_day) + u64::from(row.days))
        .max()
        .unwrap_or(0);
    let whole_days = (last - u64::from(first)).min(DAYS_MOST);
    let day_words = |day: i64| {
        let date = civil(day);
        format!("{}/{}", date.month(), date.day())
    };
    let plan = Timeline {
        spans: c
            .phases
            .iter()
            .map(|row| Span {
                label: row.name.clone(),
                first_day: row.first_day,
                days: row.days,
                figure: format!(
                    "{} · {}",
                    fill(p.n_days, &[&whole(row.days.into())]),
                    ctx.cash(row.budget)
                ),
            })
            .collect(),
        marks_label: p.publications.to_owned(),
        marks: c
            .slots
            .iter()
            .map(|slot| Mark {
                day: f64::from(slot.day) + f64::from(slot.minute) / 1440.0,
                series: if slot.commercial { 5 } else { 6 },
                note: format!(
                    "{} {} {}",
                    when(c.day_zero, slot.day, slot.minute),
                    slot.format,
                    slot.theme
                ),
            })
            .collect(),
        days: (0..=whole_days)
            .map(|d| day_words(day_of(c.day_zero, u64::from(first) + d)))
            .collect(),
    };
    let span = |row: &crate::PhaseRow| {
        let first = u64::from(row.first_day);
        let last = first + u64::from(row.days.max(1)) - 1;
        (date_of_day(day_of(c.day_zero, first)), date_of_day(day_of(c.day_zero, last)))
    };
    let desc: Vec<String> = c
        .phases
        .iter()
        .map(|row| {
            format!("{}: {} – {}, {}", row.name, span(row).0, span(row).1, ctx.cash(row.budget))
        })
        .collect();
    let caption = Caption { id: "c-campaign", title: p.sec_campaign, desc: &desc.join("; ") };
    let narrow = Caption { id: "c-campaign-narrow", ..caption };
    let mut table = Table::new(p.phases)
        .words(p.phase)
        .words(p.first_date)
        .words(p.last_date)
        .numbers(p.days)
        .numbers(&ctx.in_currency(p.budget))
        .words(p.why);
    for row in &c.phases {
        let (from, to) = span(row);
        table.row(vec![
            cell(&row.name),
            cell(from),
            cell(to),
            cell(whole(row.days.into())),
            cell(ctx.money(row.budget)),
            cell(ctx.words(&row.reason)),
        ]);
    }
    let marked = plan.marks.iter().any(|m| m.series == 5);
    html! {
        figure.wide.broad { (maud::PreEscaped(charts::timeline(&caption, &plan, charts::WIDE_PX))) }
        // The same on the width of a telephone: one drawing is shown.
        figure.wide.narrow { (maud::PreEscaped(charts::timeline(&narrow, &plan, charts::HALF_PX))) }
        @if marked { p.note { (p.commercial_marks) } }
        (table.build(ctx))
    }
}

/// Names in the order in which they first come.
fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for name in names {
        if !seen.iter().any(|s| s == name) {
            seen.push(name.to_owned());
        }
    }
    seen
}

fn channels(ctx: &Ctx<'_>, c: &Campaign) -> Markup {
    let p = ctx.p;
    let places = in_order(c.allocations.iter().map(|a| a.place.as_str()));
    let mut sums: BTreeMap<(usize, &str), i64> = BTreeMap::new();
    for a in &c.allocations {
        let sum = sums.entry((a.phase, a.place.as_str())).or_default();
        *sum = sum.saturating_add(a.amount.0);
    }
    let amount = |phase: usize, place: &str| Minor(sums.get(&(phase, place)).copied().unwrap_or(0));
    // The drawing has as many tones as can be told apart; further places share the last.
    let drawn = places.len().min(TONES);
    let mut series: Vec<String> = places[..drawn].to_vec();
    for name in &mut series {
        *name = ctx.name(name).to_owned();
    }
    if places.len() > TONES {
        let others = whole((places.len() - TONES + 1) as u64);
        series[TONES - 1] = fill(p.n_others, &[&others]);
    }
    let stacks: Vec<Stack> = c
        .phases
        .iter()
        .enumerate()
        .map(|(i, row)| {
            let mut parts = vec![0.0; drawn];
            for (k, place) in places.iter().enumerate() {
                parts[k.min(TONES - 1)] += length(amount(i, place));
            }
            let all: i64 =
                places.iter().fold(0, |sum, place| sum.saturating_add(amount(i, place).0));
            Stack {
                label: row.name.clone(),
                notes: series.iter().map(|name| format!("{}: {name}", row.name)).collect(),
                parts,
                figure: ctx.cash(Minor(all)),
            }
        })
        .collect();
    let mut table = Table::new(&ctx.in_currency(p.channel_split)).words(p.channel);
    for row in &c.phases {
        table = table.numbers(&row.name);
    }
    table = table.numbers(p.total).numbers(p.share);
    let total: i64 = c.allocations.iter().fold(0, |sum, a| sum.saturating_add(a.amount.0));
    let part = |some: i64| {
        if total > 0 { share(length(Minor(some)) / length(Minor(total))) } else { DASH.to_owned() }
    };
    for place in &places {
        let amounts: Vec<Minor> = (0..c.phases.len()).map(|i| amount(i, place)).collect();
        let sum = amounts.iter().fold(0i64, |sum, a| sum.saturating_add(a.0));
        let mut cells = vec![cell(ctx.name(place))];
        cells.extend(amounts.iter().map(|a| cell(ctx.money(*a))));
        cells.extend([cell(ctx.money(Minor(sum))), cell(part(sum))]);
        table.row(cells);
    }
    let mut sums_row = vec![cell(p.total)];
    for i in 0..c.phases.len() {
        let sum = places.iter().fold(0i64, |sum, place| sum.saturating_add(amount(i, place).0));
        sums_row.push(cell(ctx.money(Minor(sum))));
    }
    sums_row.extend([cell(ctx.money(Minor(total))), cell(part(total))]);
    table.sums(sums_row);
    let desc = fill(p.channel_desc, &[&whole(places.len() as u64), &ctx.cash(Minor(total))]);
    let caption = Caption { id: "c-channels", title: p.channel_split, desc: &desc };
    let svg = charts::stacked_bars(&caption, &charts::in_tones(&series), &stacks, StackScale::Sums);
    html! { (figure(&svg)) (table.build(ctx)) }
}

fn content(ctx: &Ctx<'_>, c: &Campaign) -> Markup {
    let p = ctx.p;
    let mixes = in_order(c.content.iter().map(|row| row.mix.as_str()));
    html! {
        @for (m, mix) in mixes.iter().enumerate() {
            @let rows: Vec<_> = c.content.iter().filter(|row| row.mix == *mix).collect();
            @let categories = in_order(rows.iter().map(|row| row.category.as_str()));
            @let targets = |phase: usize| categories.iter().map(|name| {
                rows.iter().filter(|row| row.phase == phase && row.category == *name).map(|row| row.target).sum::<f64>()
            }).collect::<Vec<f64>>();
            @let used: Vec<usize> = (0..c.phases.len()).filter(|i| rows.iter().any(|row| row.phase == *i)).collect();
            @let stacks: Vec<Stack> = used.iter().map(|i| Stack {
                label: phase_name(c, *i).to_owned(),
                notes: categories.iter().zip(targets(*i)).map(|(name, t)| format!("{name} {}", share(t))).collect(),
                parts: targets(*i),
                figure: String::new(),
            }).collect();
            (beside(
                &figure(&charts::stacked_bars(
                    &Caption {
                        id: &format!("c-mix-{m}"),
                        title: &format!("{}: {mix}", p.content_mix),
                        desc: &categories.join(", "),
                    },
                    &charts::in_tones(&categories), &stacks, StackScale::Shares,
                )),
                &mix_table(ctx, c, mix),
            ))
        }
    }
}

fn mix_table(ctx: &Ctx<'_>, c: &Campaign, mix: &str) -> Markup {
    let p = ctx.p;
    let rows: Vec<_> = c.content.iter().filter(|row| row.mix == mix).collect();
    let mut table = Table::new(&fill(p.mix_table, &[mix])).words(p.category);
    for phase in &c.phases {
        table = table.numbers(&phase.name);
    }
    for category in in_order(rows.iter().map(|row| row.category.as_str())) {
        let mut cells = vec![cell(&category)];
        for phase in 0..c.phases.len() {
            let row = rows.iter().find(|row| row.phase == phase && row.category == category);
            cells.push(html! {
                @if let Some(row) = row {
                    (share(row.target)) br; span.dim { (share(row.least)) " – " (share(row.most)) }
                } @else { (DASH) }
            });
        }
        table.row(cells);
    }
    table.build(ctx)
}

fn gates(ctx: &Ctx<'_>, c: &Campaign) -> Markup {
    let p = ctx.p;
    let mut table =
        Table::new(p.lead_gates).words(p.phase).words(p.condition).numbers(p.sample_min);
    for row in &c.gates {
        table.row(vec![
            cell(phase_name(c, row.phase)),
            html! { code { (row.metric) } " " (row.comparison) " " (short_real(row.value)) },
            cell(whole(row.sample_min.into())),
        ]);
    }
    table.build(ctx)
}

fn slots(ctx: &Ctx<'_>, c: &Campaign) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.publications)
        .quiet()
        .words(p.when)
        .words(p.phase)
        .words(p.place)
        .words(p.format)
        .words(p.layer)
        .words(p.theme)
        .words(p.commercial);
    for row in c.slots.iter().take(SLOTS_MOST) {
        table.row(vec![
            cell(when(c.day_zero, row.day, row.minute)),
            cell(phase_name(c, row.phase)),
            cell(if row.place.is_empty() { p.whole_brand } else { ctx.name(&row.place) }),
            cell(&row.format),
            cell(&row.layer),
            cell(&row.theme),
            cell(if row.commercial { p.yes } else { p.no }),
        ]);
    }
    let more = c.slots.len().saturating_sub(SLOTS_MOST);
    html! {
        (table.build(ctx))
        @if more > 0 { p.note { (fill(p.and_more, &[&whole(more as u64)])) } }
    }
}

fn day_of(day_zero: i64, day: u64) -> i64 {
    day_zero.saturating_add(i64::try_from(day).unwrap_or(i64::MAX))
}

fn when(day_zero: i64, day: u32, minute: u16) -> String {
    format!("{} {:02}:{:02}", date_of_day(day_of(day_zero, day.into())), minute / 60, minute % 60)
}
