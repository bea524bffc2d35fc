//! Horizontal bars: one value a row, or stacked parts of a row.

use super::sheet::{
    Hold, Sheet, at, bold_width_of, on_tone, part, shorten, tone, widest, width_of,
};
use super::{Caption, HALF_PX, Series};

const ROW: f32 = 30.0;
const THICK: f32 = 19.0;
const GAP: f32 = 10.0;
/// Parts of the width that names and figures may take.
const NAME_PART: f32 = 0.46;
const FIGURE_PART: f32 = 0.36;
/// A bar this many times shorter than the next longer one is a few pixels: the axis ends before the longer one.
const FAR_TIMES: f64 = 50.0;
/// What is kept of the axis beyond the longest bar that it shows whole.
const BEYOND: f64 = 1.25;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Name at its left; empty: it belongs to the bar above.
    pub label: String,
    /// Length; `None`: not measured, no bar is drawn.
    pub value: Option<f64>,
    /// The value in words, at its end.
    pub figure: String,
    /// A mark to hold it against, for example a floor.
    pub mark: Option<f64>,
    /// Series that gives it its tone.
    pub series: usize,
}

/// How long a stacked row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackScale {
    /// Every row is full: its parts are shares.
    Shares,
    /// Rows are as long as the sum of their parts.
    Sums,
}

/// One stacked row.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// Name at its left.
    pub label: String,
    /// Parts in the order of the series; negative and not finite ones count as 0.
    pub parts: Vec<f64>,
    /// What a pointer on a part is told, per part.
    pub notes: Vec<String>,
    /// Words at its end.
    pub figure: String,
}

/// Where an axis ends before a few values that would flatten all others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    /// End of the axis, on both sides of zero.
    pub end: f64,
    /// Bars that go beyond it.
    pub beyond: usize,
}

/// The cut of an axis: at most a quarter of the bars lies far beyond all others, of which there are two at least.
#[must_use]
pub fn cut_of(rows: &[Bar]) -> Option<Cut> {
    let values = rows.iter().filter_map(|bar| bar.value).filter(|value| value.is_finite());
    let mut sizes: Vec<f64> = values.map(f64::abs).filter(|size| *size > 0.0).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let few = (sizes.len() / 4).max(1);
    let far = |beyond: &usize| sizes[beyond - 1] > FAR_TIMES * sizes[*beyond];
    let beyond = (1..=few).filter(|beyond| beyond + 1 < sizes.len()).rfind(far)?;
    Some(Cut { end: sizes[beyond] * BEYOND, beyond })
}

/// Returns horizontal bars with their values, `width` pixels wide. Negative values run to the left of the zero line. Bars
/// beyond the [`Cut`] of their axis are drawn broken.
#[must_use]
pub fn bars(caption: &Caption<'_>, rows: &[Bar], width: f32) -> String {
    let (name_most, figure_most) = (width * NAME_PART, width * FIGURE_PART);
    let cut = cut_of(rows).map_or(f64::INFINITY, |cut| cut.end);
    let reach = rows.iter().flat_map(|b| [b.value, b.mark]).flatten().filter(|v| v.is_finite());
    let (low, high) = reach.fold((0.0f64, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
    let (low, high) = (low.max(-cut), high.min(cut));
    let span = if high > low { high - low } else { 1.0 };

    let name_width = widest(rows.iter().map(|b| b.label.as_str()), name_most);
    let figure_width =
        rows.iter().map(|b| bold_width_of(&b.figure)).fold(0.0, f32::max).min(figure_most);
    let left = name_width + GAP;
    let plot = width - left - figure_width - GAP;
    let height = at(rows.len()) * ROW + 4.0;
    let mut sheet = Sheet::new(width, height);
    let zero = left + plot * part(-low, span);
    for (i, bar) in rows.iter().enumerate() {
        let middle = 2.0 + ROW * (at(i) + 0.5);
        let name = shorten(&bar.label, name_most);
        sheet.label(left - GAP, middle, Hold::End, "", &name);
        sheet.rect([left, middle - THICK / 2.0, plot, THICK], 3.0, "track", "");
        let mut end = zero;
        if let Some(value) = bar.value.filter(|v| v.is_finite()) {
            let tip = left + plot * part(value - low, span);
            let long = (tip - zero).abs().max(if value == 0.0 { 0.0 } else { 1.5 });
            let from = if value < 0.0 { zero - long } else { zero };
            let note = format!("{} {}", bar.label, bar.figure);
            sheet.rect([from, middle - THICK / 2.0, long, THICK], 3.0, &tone(bar.series), &note);
            if value.abs() > cut {
                broken(
                    &mut sheet,
                    if value < 0.0 { left + 12.0 } else { left + plot - 12.0 },
                    middle,
                );
            }
            end = if low < 0.0 { left + plot } else { zero + long };
        }
        if let Some(mark) = bar.mark.filter(|m| m.is_finite()) {
            let x = left + plot * part(mark - low, span);
            sheet.rect([x - 1.0, middle - THICK / 2.0 - 3.0, 2.0, THICK + 6.0], 0.0, "mark", "");
            end = end.max(x + 2.0);
        }
        let figure = shorten(&bar.figure, figure_most);
        sheet.label(end + 7.0, middle, Hold::Start, "strong halo", &figure);
    }
    sheet.rect([zero - 0.5, 0.0, 1.0, height], 0.0, "axis", "");
    sheet.finish(caption)
}

/// Two slanting gaps in a bar that is longer than its axis.
fn broken(sheet: &mut Sheet, x: f32, middle: f32) {
    let (high, lean) = (THICK / 2.0 + 1.0, 3.0);
    for x in [x - 4.0, x + 4.0] {
        let corners = [
            (x - lean, middle + high),
            (x + lean, middle - high),
            (x + lean + 3.0, middle - high),
            (x - lean + 3.0, middle + high),
        ];
        sheet.polygon(&corners, "gap");
    }
}

/// Returns stacked horizontal bars with a legend of `series`.
#[must_use]
pub fn stacked_bars(
    caption: &Caption<'_>,
    series: &[Series],
    rows: &[Stack],
    scale: StackScale,
) -> String {
    let sums: Vec<f64> = rows.iter().map(|r| r.parts.iter().copied().map(positive).sum()).collect();
    let most = sums.iter().copied().fold(0.0, f64::max);
    let (name_most, figure_most) = (HALF_PX * NAME_PART, HALF_PX * FIGURE_PART);
    let name_width = widest(rows.iter().map(|r| r.label.as_str()), name_most);
    let figure_width =
        rows.iter().map(|r| bold_width_of(&r.figure)).fold(0.0, f32::max).min(figure_most);
    let left = name_width + GAP;
    let plot = HALF_PX - left - figure_width - GAP;
    // The legend's height is known only once it is set, so a first sheet measures it.
    let top = Sheet::new(HALF_PX, 0.0).legend(0.0, series) + 6.0;
    let mut sheet = Sheet::new(HALF_PX, top + at(rows.len()) * ROW + 4.0);
    sheet.legend(0.0, series);
    for (i, row) in rows.iter().enumerate() {
        let middle = top + ROW * (at(i) + 0.5);
        sheet.label(left - GAP, middle, Hold::End, "", &shorten(&row.label, name_most));
        sheet.rect([left, middle - THICK / 2.0, plot, THICK], 3.0, "track", "");
        let whole = if scale == StackScale::Shares { sums[i] } else { most };
        let mut x = left;
        for (k, value) in row.parts.iter().copied().map(positive).enumerate() {
            let long = plot * part(value, whole);
            if long <= 0.0 {
                continue;
            }
            let note = row.notes.get(k).map_or("", String::as_str);
            let index = series.get(k).map_or(k, |s| s.tone);
            let class = format!("{} edge", tone(index));
            sheet.rect([x, middle - THICK / 2.0, long, THICK], 2.0, &class, note);
            let share = format!("{:.0}%", 100.0 * value / sums[i]);
            if long > width_of(&share) + 8.0 && scale == StackScale::Shares {
                sheet.label(x + long / 2.0, middle, Hold::Middle, on_tone(index), &share);
            }
            x += long;
        }
        let end = if scale == StackScale::Shares { left + plot } else { x };
        let figure = shorten(&row.figure, figure_most);
        sheet.label(end + 7.0, middle, Hold::Start, "strong halo", &figure);
    }
    sheet.finish(caption)
}

fn positive(value: f64) -> f64 {
    if value.is_finite() { value.max(0.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::{Bar, Cut, cut_of};

    fn bars(values: &[f64]) -> Vec<Bar> {
        let bar = |value: &f64| Bar {
            label: String::new(),
            value: Some(*value),
            figure: String::new(),
            mark: None,
            series: 0,
        };
        values.iter().map(bar).collect()
    }

    #[test]
    fn an_axis_ends_before_a_few_bars_that_would_hide_the_others() {
        for (values, wanted) in [
            (&[1e9, 10.0, 8.0, 4.0][..], Some((12.5, 1))),
            (&[10.0, -1e9, 8.0, 4.0], Some((12.5, 1))),
            (&[1e9, 2e9, 8.0, 4.0, 8.0, 4.0, 8.0, 4.0], Some((10.0, 2))),
            // Two far ones of which one is farther still: both are beyond.
            (&[1e9, 1e5, 8.0, 4.0, 8.0, 4.0, 8.0, 4.0], Some((10.0, 2))),
            // Half of the bars are no exceptions, and large shares are no outliers.
            (&[1e9, 1e9, 8.0, 4.0], None),
            (&[20_000.0, 2_000.0, 900.0, 200.0], None),
            (&[5.0, 0.0, 0.0], None),
            (&[1e9, 1.0], None),
            (&[f64::NAN, 3.0], None),
            (&[], None),
        ] {
            let wanted = wanted.map(|(end, beyond)| Cut { end, beyond });
            assert_eq!(cut_of(&bars(values)), wanted, "{values:?}");
        }
    }
}
