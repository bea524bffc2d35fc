//! Figures along the bands of another, and what came of treating members.

use maud::{Markup, html};

use crate::bar_chart::bar_chart;
use crate::charts::{Bar, Caption};
use crate::document::{Ctx, beside, cell, empty, fold, maybe, section};
use crate::number::{short_real, total, whole};
use crate::phrases::fill;
use crate::table::Table;
use crate::{Absence, Calibration, Curve, Effect, Sample, Segmentation};

/// Rows of a curve that are drawn; the table has them all.
const DRAWN_MOST: usize = 6;
/// Members that an arm needs before its mean is told beside another: below, the interval is not one of a normal law.
const ARM_MIN: u64 = 30;
/// Two-sided 95 % of the normal law.
const Z: f64 = 1.96;

/// The curves and forecasts of a playbook; nothing at all where it has none.
pub(crate) fn curves(ctx: &Ctx<'_>, curves: &[Curve], calibrations: &[Calibration]) -> Markup {
    if curves.is_empty() && calibrations.is_empty() {
        return html! {};
    }
    let p = ctx.p;
    let body = html! {
        @for (at, curve) in curves.iter().enumerate() { (one(ctx, at, curve)) }
        @for (at, of) in calibrations.iter().enumerate() { (calibration(ctx, at, of)) }
    };
    section("curves", p.sec_curves, p.lead_curves, &body)
}

fn one(ctx: &Ctx<'_>, at: usize, curve: &Curve) -> Markup {
    let p = ctx.p;
    let title = fill(p.curve_along, &[ctx.words(&curve.words), ctx.words(&curve.along)]);
    let figure = |value: f64| ctx.measured(value, &curve.unit);
    let drawn = curve.rows.iter().take(DRAWN_MOST).enumerate().map(|(nth, (name, points))| {
        let bars: Vec<Bar> = curve
            .bands
            .iter()
            .zip(points)
            .map(|(band, point)| Bar {
                label: ctx.name(band).to_owned(),
                value: *point,
                figure: point.map_or_else(String::new, figure),
                mark: None,
                series: nth,
            })
            .collect();
        let described: Vec<String> =
            bars.iter().map(|bar| format!("{} {}", bar.label, bar.figure)).collect();
        let id = format!("c-curve-{at}-{nth}");
        let caption = Caption { id: &id, title: ctx.name(name), desc: &described.join("; ") };
        html! { article { h3 { (ctx.name(name)) } (bar_chart(ctx, &caption, bars, 1)) } }
    });
    let mut table = Table::new(&title).words(p.subject(&curve.subject));
    for band in &curve.bands {
        table = table.numbers(ctx.name(band));
    }
    for (name, points) in &curve.rows {
        let points = points.iter().map(|point| maybe(*point, figure));
        table.row([cell(ctx.name(name))].into_iter().chain(points).collect());
    }
    html! {
        h3 { (title) " " code.dim { (curve.feature) } }
        div.cards { @for drawing in drawn { (drawing) } }
        (fold(p.as_a_table, &table.build(ctx)))
    }
}

/// Forecasts of the cycle before beside what came: a bar for what came, with a mark where it was foreseen.
fn calibration(ctx: &Ctx<'_>, at: usize, of: &Calibration) -> Markup {
    let p = ctx.p;
    let title = fill(p.foreseen_and_came, &[ctx.words(&of.words)]);
    let heading = html! { h3 { (title) " " code.dim { (of.output) " → " (of.came) } } };
    if of.groups.is_empty() {
        return html! { (heading) (empty(ctx, &Absence::FirstCycle)) };
    }
    let bars: Vec<Bar> = of
        .groups
        .iter()
        .map(|group| Bar {
            label: short_real(group.foreseen),
            value: Some(group.came),
            figure: short_real(group.came),
            mark: Some(group.foreseen),
            series: 0,
        })
        .collect();
    let members = total(of.groups.iter().map(|group| group.members));
    #[expect(clippy::cast_precision_loss, reason = "numbers of members")]
    let gap = of
        .groups
        .iter()
        .map(|group| (group.foreseen - group.came).abs() * group.members as f64)
        .sum::<f64>()
        / members as f64;
    let line = fill(p.calibration_gap, &[&whole(members), &short_real(gap)]);
    let id = format!("c-forecast-{at}");
    let caption = Caption { id: &id, title: &title, desc: &line };
    let mut table =
        Table::new(&title).quiet().numbers(p.foreseen).numbers(p.came).numbers(p.members);
    for group in &of.groups {
        let [foreseen, came] = [group.foreseen, group.came].map(|mean| cell(short_real(mean)));
        table.row(vec![foreseen, came, cell(whole(group.members))]);
    }
    html! {
        (heading)
        p { (line) }
        (beside(&bar_chart(ctx, &caption, bars, 1), &table.build(ctx)))
    }
}

/// What came of treating members, by segment; nothing at all where no feature tells it.
pub(crate) fn effects(ctx: &Ctx<'_>, segmentation: &Segmentation) -> Markup {
    if segmentation.effects.is_empty() {
        return html! {};
    }
    let p = ctx.p;
    let all = segmentation.effects.iter().map(|effect| {
        let told = difference(&effect.all)
            .map_or_else(|| p.effect_few.to_owned(), |both| with_interval(ctx, both, &effect.unit));
        format!("{} {told}", ctx.name(&effect.feature))
    });
    let line: Vec<String> = [p.effects.to_owned()].into_iter().chain(all).collect();
    let tables = html! {
        p.note { (p.lead_effects) }
        @for effect in &segmentation.effects { (effect_table(ctx, segmentation, effect)) }
    };
    fold(&line.join(" · "), &tables)
}

/// A difference with half of its interval.
fn with_interval(ctx: &Ctx<'_>, (difference, interval): (f64, f64), unit: &str) -> String {
    format!("{} ± {}", ctx.measured(difference, unit), ctx.measured(interval, unit))
}

fn effect_table(ctx: &Ctx<'_>, segmentation: &Segmentation, effect: &Effect) -> Markup {
    let p = ctx.p;
    let mut table = Table::new(ctx.name(&effect.feature))
        .words(p.segment)
        .numbers(p.effect_treated)
        .numbers(p.effect_held)
        .numbers(p.effect_difference)
        .numbers(p.effect_members);
    let names = segmentation.segments.iter().map(|segment| ctx.words(&segment.words));
    let rows = names.chain([p.flow_unassigned]).zip(&effect.segments);
    for (name, arms) in rows.filter(|(_, arms)| arms.iter().any(|arm| arm.members > 0)) {
        table.row(effect_cells(ctx, name, arms, &effect.unit));
    }
    table.sums(effect_cells(ctx, p.all_members, &effect.all, &effect.unit));
    table.build(ctx)
}

fn effect_cells(ctx: &Ctx<'_>, name: &str, arms: &[Sample; 2], unit: &str) -> Vec<Markup> {
    let figure = |value: f64| ctx.measured(value, unit);
    let mean = |arm: &Sample| maybe((arm.members > 0).then_some(arm.mean), figure);
    let [treated, held] = arms;
    vec![
        cell(name),
        mean(treated),
        mean(held),
        match difference(arms) {
            Some(both) => cell(with_interval(ctx, both, unit)),
            None => html! { span.dim { (ctx.p.effect_few) } },
        },
        cell(format!("{} / {}", whole(treated.members), whole(held.members))),
    ]
}

/// The difference of the means with half of its 95 % interval (Welch); `None` where an arm has too few members.
fn difference(arms: &[Sample; 2]) -> Option<(f64, f64)> {
    let [treated, held] = arms;
    if arms.iter().any(|arm| arm.members < ARM_MIN) {
        return None;
    }
    let variance = treated.variance_of_mean()? + held.variance_of_mean()?;
    Some((treated.mean - held.mean, Z * variance.sqrt()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn sample(values: impl IntoIterator<Item = f64>) -> Sample {
        let mut sample = Sample::default();
        values.into_iter().for_each(|value| sample.add(value));
        sample
    }

    #[test]
    fn y019_an_effect_is_the_difference_to_the_held_out_with_its_interval() {
        let treated = sample((0..100).map(|n| f64::from(n % 4 == 0)));
        let held = sample((0..50).map(|n| f64::from(n % 10 == 0)));
        let (difference, interval) = difference(&[treated, held]).unwrap();
        assert!((difference - 0.15).abs() < 1e-12, "{difference}");
        // Variances 0.25 * 0.75 * 100 / 99 and 0.1 * 0.9 * 50 / 49, each by its members.
        let wanted = 1.96 * (0.1875_f64 / 99.0 + 0.09 / 49.0).sqrt();
        assert!((interval - wanted).abs() < 1e-12, "{interval}");
    }

    #[test]
    fn y019_of_fewer_than_30_nothing_is_told() {
        let many = sample((0..100).map(f64::from));
        assert_eq!(difference(&[many, sample((0..29).map(f64::from))]), None);
        assert!(difference(&[many, sample((0..30).map(f64::from))]).is_some());
        assert_eq!(sample([3.0]).variance_of_mean(), None);
    }
}
