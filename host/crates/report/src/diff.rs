//! The comparison page as a whole: what changes for people and money before anything is granted.

use std::collections::BTreeMap;

use maud::{Markup, html};
use playbook_model::Minor;

use crate::bar_chart::bar_chart;
use crate::charts::{self, Bar, Caption, Series, Stack, StackScale};
use crate::document::{Ctx, beside, cell, digest, document, empty, figure, maybe, section};
use crate::number::{DASH, length, real, share, signed, whole};
use crate::phrases::fill;
use crate::sections::{MatrixWords, data_findings, matrix};
use crate::table::Table;
use crate::{
    Absence, DiffFigure, DiffReport, DiffSide, Figure, FigureRow, Lang, PairRow, Section,
    WinnersRow,
};

/// Segments drawn at most.
const STACKS_MOST: usize = 16;
/// Members listed at most.
const MEMBERS_MOST: usize = 20;

/// Returns the whole comparison page of `report` in `lang`, under the same rules as [`crate::render`].
#[must_use]
pub fn render_diff(report: &DiffReport, lang: Lang) -> String {
    // Names of a comparison come in words already.
    let labels = BTreeMap::new();
    let ctx = Ctx::new(lang, &report.currency, &labels);
    let p = ctx.p;
    let body = html! {
        (data_findings(&ctx, &report.data_findings))
        (section("changes", p.sec_changes, "", &changes(&ctx, report)))
        (section("figures", p.sec_figures, "", &figures(&ctx, report)))
        (section("migration", p.sec_migration, p.lead_migration, &migration(&ctx, report)))
        (section("winners", p.sec_winners, p.lead_winners, &winners(&ctx, report)))
        (section("actions", p.sec_actions, "", &actions(&ctx, report)))
        (section("roi", p.sec_diff_roi, "", &pairs(&ctx, ("c-roi", p.sec_diff_roi, p.group), &report.roi)))
        (section("health", p.sec_diff_health, "", &pairs(&ctx, ("c-health", p.sec_diff_health, p.dimension), &report.health)))
    };
    let mut links = vec![
        ("changes", p.sec_changes),
        ("figures", p.sec_figures),
        ("migration", p.sec_migration),
        ("winners", p.sec_winners),
        ("actions", p.sec_actions),
        ("roi", p.sec_diff_roi),
        ("health", p.sec_diff_health),
    ];
    if !report.data_findings.is_empty() {
        links.insert(0, ("data", p.sec_data));
    }
    let title = format!("{} · {}", report.brand, p.diff_kind);
    document(lang, &title, &links, &head(&ctx, report), &body)
}

fn head(ctx: &Ctx<'_>, report: &DiffReport) -> Markup {
    let p = ctx.p;
    html! {
        header.top { div {
            p.kind { (p.diff_kind) }
            h1 { (report.brand) }
            p.sub { (p.diff_lead) }
            dl {
                div { dt { (p.as_of) } dd { (report.as_of) } }
                div { dt { (p.data_digest) } dd { (digest(&report.input_digest)) } }
                div { dt { (p.currency) } dd { (report.currency.code) } }
            }
        } }
    }
}

fn changes(ctx: &Ctx<'_>, report: &DiffReport) -> Markup {
    let p = ctx.p;
    let side = |name: &str, side: &DiffSide| {
        html! { div {
            h3 { (name) }
            p { (ctx.words(&side.title)) }
            p { (side.origin) " · " (digest(&side.playbook_digest)) }
        } }
    };
    let value = |text: &str| {
        html! { @if text.is_empty() { span.dim { (p.absent) } } @else { code { (text) } } }
    };
    let mut table = Table::new(p.changes_caption).words(p.path).words("A").words("B");
    for row in &report.changes {
        table.row(vec![html! { code { (row.path) } }, value(&row.a), value(&row.b)]);
    }
    html! {
        div.sides { (side(p.side_a, &report.a)) (side(p.side_b, &report.b)) }
        @if report.changes.is_empty() { p.empty { (p.no_changes) } } @else { (table.build(ctx)) }
    }
}

fn figures(ctx: &Ctx<'_>, report: &DiffReport) -> Markup {
    let p = ctx.p;
    if report.figures.is_empty() {
        return empty(ctx, &Absence::Nothing);
    }
    let mut table = Table::new(p.sec_figures)
        .quiet()
        .words(p.figure)
        .numbers("A")
        .numbers("B")
        .numbers(p.difference)
        .numbers(p.relative);
    for row in &report.figures {
        let (difference, relative) = difference(ctx, row);
        table.row(vec![
            cell(name_of(ctx, &row.what)),
            maybe(row.a, |f| write(ctx, f)),
            maybe(row.b, |f| write(ctx, f)),
            cell(difference),
            cell(relative),
        ]);
    }
    table.build(ctx)
}

fn name_of<'n>(ctx: &'n Ctx<'_>, what: &'n DiffFigure) -> &'n str {
    let p = ctx.p;
    match what {
        DiffFigure::Members => p.dif_members,
        DiffFigure::Moved => p.dif_moved,
        DiffFigure::Proposals => p.dif_proposals,
        DiffFigure::Grants => p.dif_grants,
        DiffFigure::Refused => p.dif_refused,
        DiffFigure::MembersGranted => p.dif_members_granted,
        DiffFigure::Spend => p.dif_spend,
        DiffFigure::ExpectedOutput => p.dif_output,
        DiffFigure::ExpectedReturn => p.dif_return,
        DiffFigure::Roi => p.dif_roi,
        DiffFigure::Health => p.dif_health,
        DiffFigure::Other(words) => ctx.words(words),
    }
}

fn write(ctx: &Ctx<'_>, figure: Figure) -> String {
    match figure {
        Figure::Count(n) => signed(n),
        Figure::Money(amount) => ctx.cash(amount),
        Figure::Share(value) => share(value),
        Figure::Ratio(value) | Figure::Score(value) => real(value, 2),
    }
}

/// Difference with its sign, and by A as a percentage.
#[expect(clippy::cast_precision_loss, reason = "a percentage for display")]
fn difference(ctx: &Ctx<'_>, row: &FigureRow) -> (String, String) {
    let dash = || (DASH.to_owned(), DASH.to_owned());
    let (Some(a), Some(b)) = (row.a, row.b) else {
        return dash();
    };
    let (delta, from, to) = match (a, b) {
        (Figure::Count(a), Figure::Count(b)) => {
            (Figure::Count(b.saturating_sub(a)), a as f64, b as f64)
        }
        (Figure::Money(a), Figure::Money(b)) => {
            (Figure::Money(Minor(b.0.saturating_sub(a.0))), a.0 as f64, b.0 as f64)
        }
        (Figure::Share(a), Figure::Share(b)) => (Figure::Share(b - a), a, b),
        (Figure::Ratio(a), Figure::Ratio(b)) => (Figure::Ratio(b - a), a, b),
        (Figure::Score(a), Figure::Score(b)) => (Figure::Score(b - a), a, b),
        _ => return dash(),
    };
    let sign = if to > from { "+" } else { "" };
    let relative = if from > 0.0 && to.is_finite() {
        format!("{sign}{}", share((to - from) / from))
    } else {
        DASH.to_owned()
    };
    (format!("{sign}{}", write(ctx, delta)), relative)
}

fn migration(ctx: &Ctx<'_>, report: &DiffReport) -> Markup {
    let p = ctx.p;
    match &report.migration {
        Section::Empty(why) => empty(ctx, why),
        Section::Filled(flows) => {
            let words = MatrixWords {
                id: "c-migration",
                title: p.sec_migration,
                before: p.under_a,
                after: p.under_b,
            };
            matrix(ctx, &words, flows)
        }
    }
}

fn winners(ctx: &Ctx<'_>, report: &DiffReport) -> Markup {
    let p = ctx.p;
    match &report.winners {
        Section::Empty(why) => empty(ctx, why),
        Section::Filled(rows) if rows.is_empty() => empty(ctx, &Absence::Nothing),
        Section::Filled(rows) => html! {
            (by_segment(ctx, rows))
            @if !report.members.is_empty() { h3 { (p.most_changed) } (members(ctx, report)) }
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "lengths of bars")]
fn by_segment(ctx: &Ctx<'_>, rows: &[WinnersRow]) -> Markup {
    let p = ctx.p;
    let same = |row: &WinnersRow| row.members.saturating_sub(row.win).saturating_sub(row.lose);
    let series = [(p.winners, 2), (p.unchanged, charts::REST), (p.losers, 5)]
        .map(|(name, tone)| Series { name: name.to_owned(), tone });
    let stacks: Vec<Stack> = rows
        .iter()
        .map(|row| Stack {
            label: ctx.words(&row.segment).to_owned(),
            parts: vec![row.win as f64, same(row) as f64, row.lose as f64],
            notes: [row.win, same(row), row.lose]
                .iter()
                .zip(&series)
                .map(|(n, s)| format!("{}: {}", s.name, whole(*n)))
                .collect(),
            figure: String::new(),
        })
        .collect();
    let desc: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "{}: {} {}, {} {}",
                ctx.words(&row.segment),
                p.winners,
                whole(row.win),
                p.losers,
                whole(row.lose)
            )
        })
        .collect();
    let mut table = Table::new(p.sec_winners)
        .quiet()
        .words(p.segment_a)
        .numbers(p.members)
        .numbers(p.winners)
        .numbers(p.losers)
        .numbers(&ctx.in_currency(p.spend_a))
        .numbers(&ctx.in_currency(p.spend_b))
        .numbers(p.difference);
    for row in rows {
        table.row(vec![
            cell(ctx.words(&row.segment)),
            cell(whole(row.members)),
            cell(whole(row.win)),
            cell(whole(row.lose)),
            cell(ctx.money(row.spend_a)),
            cell(ctx.money(row.spend_b)),
            gap(ctx, row.spend_a, row.spend_b),
        ]);
    }
    let sum =
        |of: fn(&WinnersRow) -> i64| Minor(rows.iter().map(of).fold(0i64, i64::saturating_add));
    let count = |of: fn(&WinnersRow) -> u64| {
        cell(whole(rows.iter().map(of).fold(0u64, u64::saturating_add)))
    };
    let (a, b) = (sum(|r| r.spend_a.0), sum(|r| r.spend_b.0));
    table.sums(vec![
        cell(p.total),
        count(|r| r.members),
        count(|r| r.win),
        count(|r| r.lose),
        cell(ctx.money(a)),
        cell(ctx.money(b)),
        gap(ctx, a, b),
    ]);
    let drawn = &stacks[..stacks.len().min(STACKS_MOST)];
    let left = stacks.len() - drawn.len();
    let caption = Caption { id: "c-winners", title: p.sec_winners, desc: &desc.join("; ") };
    html! {
        (figure(&charts::stacked_bars(&caption, &series, drawn, StackScale::Shares)))
        @if left > 0 { p.note { (fill(p.bars_more, &[&whole(left as u64)])) } }
        (table.build(ctx))
    }
}

/// Difference of two amounts with its sign.
fn gap(ctx: &Ctx<'_>, a: Minor, b: Minor) -> Markup {
    let sign = if b > a { "+" } else { "" };
    cell(format!("{sign}{}", ctx.money(Minor(b.0.saturating_sub(a.0)))))
}

fn members(ctx: &Ctx<'_>, report: &DiffReport) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(p.most_changed)
        .quiet()
        .words(p.member)
        .words(p.segment_a)
        .words(p.segment_b)
        .numbers(&ctx.in_currency(p.spend_a))
        .numbers(&ctx.in_currency(p.spend_b))
        .numbers(p.difference);
    for row in report.members.iter().take(MEMBERS_MOST) {
        table.row(vec![
            html! { code { (row.member) } },
            cell(ctx.words(&row.segment_a)),
            cell(ctx.words(&row.segment_b)),
            cell(ctx.money(row.spend_a)),
            cell(ctx.money(row.spend_b)),
            gap(ctx, row.spend_a, row.spend_b),
        ]);
    }
    table.build(ctx)
}

fn actions(ctx: &Ctx<'_>, report: &DiffReport) -> Markup {
    let p = ctx.p;
    let rows = match &report.actions {
        Section::Empty(why) => return empty(ctx, why),
        Section::Filled(rows) if rows.is_empty() => return empty(ctx, &Absence::Nothing),
        Section::Filled(rows) => rows,
    };
    let bars: Vec<Bar> = rows
        .iter()
        .flat_map(|row| {
            let bar = |label: &str, spend: Minor, series| Bar {
                label: label.to_owned(),
                value: Some(length(spend)),
                figure: ctx.cash(spend),
                mark: None,
                series,
            };
            [bar(ctx.words(&row.words), row.spend_a, 0), bar("", row.spend_b, 1)]
        })
        .collect();
    let mut table = Table::new(p.sec_actions)
        .quiet()
        .words(p.action)
        .numbers(p.grants_a)
        .numbers(p.grants_b)
        .numbers(&ctx.in_currency(p.spend_a))
        .numbers(&ctx.in_currency(p.spend_b))
        .numbers(p.difference);
    for row in rows {
        table.row(vec![
            cell(ctx.words(&row.words)),
            cell(whole(row.grants_a)),
            cell(whole(row.grants_b)),
            cell(ctx.money(row.spend_a)),
            cell(ctx.money(row.spend_b)),
            gap(ctx, row.spend_a, row.spend_b),
        ]);
    }
    let title = format!("{} (A, B)", ctx.in_currency(p.cost));
    let caption = Caption { id: "c-actions", title: &title, desc: p.sec_actions };
    html! { (legend()) (beside(&bar_chart(ctx, &caption, bars, 2), &table.build(ctx))) }
}

fn pairs(
    ctx: &Ctx<'_>,
    (id, title, head): (&str, &str, &str),
    rows: &Section<Vec<PairRow>>,
) -> Markup {
    let p = ctx.p;
    let rows = match rows {
        Section::Empty(why) => return empty(ctx, why),
        Section::Filled(rows) if rows.is_empty() => return empty(ctx, &Absence::Nothing),
        Section::Filled(rows) => rows,
    };
    let written =
        |value: Option<f64>| value.map_or_else(|| p.not_measured.to_owned(), |v| real(v, 2));
    let bars: Vec<Bar> = rows
        .iter()
        .flat_map(|row| {
            let bar = |label: &str, value, series| Bar {
                label: label.to_owned(),
                value,
                figure: written(value),
                mark: None,
                series,
            };
            [bar(ctx.words(&row.name), row.a, 0), bar("", row.b, 1)]
        })
        .collect();
    let desc: Vec<String> = rows
        .iter()
        .map(|row| format!("{}: A {}, B {}", ctx.words(&row.name), written(row.a), written(row.b)))
        .collect();
    let mut table =
        Table::new(title).quiet().words(head).numbers("A").numbers("B").numbers(p.difference);
    for row in rows {
        let delta = match (row.a, row.b) {
            (Some(a), Some(b)) => format!("{}{}", if b > a { "+" } else { "" }, real(b - a, 2)),
            _ => DASH.to_owned(),
        };
        table.row(vec![
            cell(ctx.words(&row.name)),
            maybe(row.a, |v| real(v, 2)),
            maybe(row.b, |v| real(v, 2)),
            cell(delta),
        ]);
    }
    let caption = Caption { id, title, desc: &desc.join("; ") };
    html! { (legend()) (beside(&bar_chart(ctx, &caption, bars, 2), &table.build(ctx))) }
}

/// Which tone is A and which B.
fn legend() -> Markup {
    html! { p.ab { span.a { "A" } " " span.b { "B" } } }
}
