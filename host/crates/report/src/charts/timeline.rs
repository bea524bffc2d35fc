//! Timeline: phases of a plan over days, with single events below.

use super::Caption;
use super::sheet::{
    Hold, Sheet, at, bold_width_of, on_tone, part, shorten, tone, widest, width_of,
};

const ROW: f32 = 34.0;
const GAP: f32 = 10.0;
/// Part of the width that names may take.
const NAME_PART: f32 = 0.17;

/// A stretch of days on a row of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Name at the left.
    pub label: String,
    /// First day.
    pub first_day: u32,
    /// Number of days.
    pub days: u32,
    /// Words on it, or beside it where it is too short.
    pub figure: String,
}

/// A single event.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Day, with the time of day as its fraction.
    pub day: f64,
    /// Series that gives it its tone.
    pub series: usize,
    /// What a pointer that rests on it is told.
    pub note: String,
}

/// Phases and events of a plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// In order of time.
    pub spans: Vec<Span>,
    /// Name of the row of events.
    pub marks_label: String,
    /// Events; no row is drawn where there are none.
    pub marks: Vec<Mark>,
    /// Words of every day from the first to one after the last.
    pub days: Vec<String>,
}

/// Returns the plan over its days, `width` pixels wide.
#[must_use]
pub fn timeline(caption: &Caption<'_>, plan: &Timeline, width: f32) -> String {
    let name_most = width * NAME_PART;
    let first = plan.spans.iter().map(|s| s.first_day).min().unwrap_or(0);
    let last =
        plan.spans.iter().map(|s| u64::from(s.first_day) + u64::from(s.days)).max().unwrap_or(1);
    let whole = last.saturating_sub(u64::from(first)).max(1);
    let names = plan.spans.iter().map(|s| s.label.as_str()).chain([plan.marks_label.as_str()]);
    let left = widest(names, name_most) + GAP;
    let plot = width - left - 8.0;
    let rows = plan.spans.len() + usize::from(!plan.marks.is_empty());
    let floor = at(rows) * ROW + 4.0;
    let mut sheet = Sheet::new(width, floor + 24.0);
    let x_of = |day: f64| left + plot * part(day - f64::from(first), days(whole));

    let room = plan.days.iter().map(|d| width_of(d)).fold(40.0, f32::max) + 16.0;
    let step = step_of(whole, plot, room);
    for day in (0..=whole).step_by(step) {
        let x = left + plot * part(days(day), days(whole));
        sheet.rect([x - 0.5, 0.0, 1.0, floor], 0.0, "rule", "");
        let words = usize::try_from(day).ok().and_then(|d| plan.days.get(d));
        if let Some(words) = words.filter(|w| x + width_of(w) / 2.0 <= width) {
            sheet.label(x, floor + 14.0, Hold::Middle, "soft", words);
        }
    }
    for (i, span) in plan.spans.iter().enumerate() {
        let middle = 2.0 + ROW * (at(i) + 0.5);
        sheet.label(left - GAP, middle, Hold::End, "", &shorten(&span.label, name_most));
        let (from, to) = (
            x_of(f64::from(span.first_day)),
            x_of(f64::from(span.first_day) + f64::from(span.days)),
        );
        let note = format!("{} {}", span.label, span.figure);
        sheet.rect(
            [from + 1.0, middle - 11.0, (to - from - 2.0).max(2.0), 22.0],
            4.0,
            &tone(i),
            &note,
        );
        let wide = bold_width_of(&span.figure);
        if wide + 12.0 < to - from {
            sheet.label(
                (from + to) / 2.0,
                middle,
                Hold::Middle,
                &format!("{} strong", on_tone(i)),
                &span.figure,
            );
        } else if to + wide + 8.0 < width {
            sheet.label(to + 7.0, middle, Hold::Start, "halo", &span.figure);
        } else {
            let room = shorten(&span.figure, from - 8.0);
            sheet.label(from - 6.0, middle, Hold::End, "halo", &room);
        }
    }
    if !plan.marks.is_empty() {
        let middle = 2.0 + ROW * (at(plan.spans.len()) + 0.5);
        sheet.label(left - GAP, middle, Hold::End, "", &shorten(&plan.marks_label, name_most));
        for mark in &plan.marks {
            sheet.circle((x_of(mark.day), middle), 4.5, &tone(mark.series), &mark.note);
        }
    }
    sheet.rect([left, floor - 0.5, plot, 1.0], 0.0, "axis", "");
    sheet.finish(caption)
}

/// Days between two labels, so that labels do not touch: 1, 2, or whole weeks.
fn step_of(whole: u64, plot: f32, room: f32) -> usize {
    let per_day = plot * part(1.0, days(whole));
    let steps = [1usize, 2, 7, 14, 28, 56, 112, 224, 448];
    let fits = |step: &usize| per_day * at(*step) >= room;
    steps
        .into_iter()
        .find(fits)
        .unwrap_or_else(|| usize::try_from(whole).unwrap_or(usize::MAX).max(1))
}

#[expect(clippy::cast_precision_loss, reason = "days of a plan")]
fn days(count: u64) -> f64 {
    count as f64
}
