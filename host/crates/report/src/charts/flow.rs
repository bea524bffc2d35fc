//! Flow: members by where they were (left) and where they are (right).

use super::sheet::{Hold, LABEL_PX, Sheet, at, part, shorten, tone, widest};
use super::{Caption, HALF_PX};
use crate::number::total;

const HEIGHT: f32 = 300.0;
const TOP: f32 = 24.0;
/// End of the sheet.
const BOTTOM: f32 = TOP + HEIGHT + 6.0;
const NODE: f32 = 11.0;
const GAP: f32 = 9.0;
const NAME_MOST: f32 = 130.0;
/// Corners of one side of a ribbon.
const STEPS: usize = 20;

/// What flows from where to where.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flow {
    /// Names at the left.
    pub from: Vec<String>,
    /// Names at the right.
    pub to: Vec<String>,
    /// Amounts: a row for each name at the left. Missing cells count as 0.
    pub amounts: Vec<Vec<u64>>,
    /// Words of an amount: a row for each name at the left.
    pub notes: Vec<Vec<String>>,
    /// `(left, right)` places that are the same place: what stays is drawn lighter.
    pub same: Vec<(usize, usize)>,
    /// Heading of the left side.
    pub before: String,
    /// Heading of the right side.
    pub after: String,
}

/// Returns ribbons between two columns of places, as wide as what flows.
#[must_use]
pub fn flow(caption: &Caption<'_>, flow: &Flow) -> String {
    let amount =
        |i: usize, k: usize| flow.amounts.get(i).and_then(|row| row.get(k)).map_or(0, |n| *n);
    let out: Vec<u64> =
        (0..flow.from.len()).map(|i| total((0..flow.to.len()).map(|k| amount(i, k)))).collect();
    let inn: Vec<u64> =
        (0..flow.to.len()).map(|k| total((0..flow.from.len()).map(|i| amount(i, k)))).collect();
    let all = total(out.iter().copied());
    let most = flow.from.len().max(flow.to.len());
    let plot = HEIGHT - at(most.saturating_sub(1)) * GAP;
    let top = TOP;
    let name_width = widest(flow.from.iter().chain(&flow.to).map(String::as_str), NAME_MOST);
    let (left, right) = (name_width + GAP, HALF_PX - name_width - GAP);
    let mut sheet = Sheet::new(HALF_PX, BOTTOM);
    sheet.label(left + NODE, 9.0, Hold::End, "soft", &flow.before);
    sheet.label(right - NODE, 9.0, Hold::Start, "soft", &flow.after);

    let starts = |sums: &[u64]| {
        let mut y = top;
        sums.iter()
            .map(|sum| {
                let this = y;
                y += plot * share(*sum, all) + GAP;
                this
            })
            .collect::<Vec<f32>>()
    };
    let (from_y, to_y) = (starts(&out), starts(&inn));
    let mut arrived = to_y.clone();
    for (i, start) in from_y.iter().enumerate() {
        let mut y = *start;
        for (k, arrived) in arrived.iter_mut().enumerate() {
            let wide = plot * share(amount(i, k), all);
            if wide > 0.0 {
                let class = if flow.same.contains(&(i, k)) { "stay" } else { "ribbon" };
                let note = flow.notes.get(i).and_then(|row| row.get(k)).map_or("", String::as_str);
                let corners = ribbon((left + NODE, y), (right - NODE, *arrived), wide.max(0.6));
                sheet.shape(&corners, &format!("{} {class}", tone(i)), note);
                y += wide;
                *arrived += wide;
            }
        }
    }
    column(&mut sheet, &flow.from, (&out, &from_y), (left, plot, all), Hold::End, |i| i);
    let same_tone =
        |k: usize| flow.same.iter().find(|(_, to)| *to == k).map_or(k, |(from, _)| *from);
    column(&mut sheet, &flow.to, (&inn, &to_y), (right - NODE, plot, all), Hold::Start, same_tone);
    sheet.finish(caption)
}

/// Draws the nodes of one side with names that never lie on each other.
fn column(
    sheet: &mut Sheet,
    names: &[String],
    (sums, tops): (&[u64], &[f32]),
    (x, plot, all): (f32, f32, u64),
    hold: Hold,
    tone_of: impl Fn(usize) -> usize,
) {
    let high = |i: usize| (plot * share(sums[i], all)).max(1.5);
    let middles = apart((0..names.len()).map(|i| tops[i] + high(i) / 2.0).collect());
    for (i, (name, middle)) in names.iter().zip(middles).enumerate() {
        sheet.rect([x, tops[i], NODE, high(i)], 2.0, &tone(tone_of(i)), name);
        let label_x = if matches!(hold, Hold::End) { x - 6.0 } else { x + NODE + 6.0 };
        sheet.label(label_x, middle, hold, "", &shorten(name, NAME_MOST));
    }
}

/// Middles of labels so far apart that none lies on another, and none below the sheet.
fn apart(mut middles: Vec<f32>) -> Vec<f32> {
    let step = LABEL_PX + 2.0;
    let mut free = 0.0f32;
    for middle in &mut middles {
        *middle = middle.max(free);
        free = *middle + step;
    }
    let mut least = BOTTOM - LABEL_PX / 2.0;
    for middle in middles.iter_mut().rev() {
        *middle = middle.min(least);
        least = *middle - step;
    }
    middles
}

#[expect(clippy::cast_precision_loss, reason = "a place on the sheet")]
fn share(amount: u64, total: u64) -> f32 {
    part(amount as f64, total as f64)
}

/// Outline of a ribbon that leaves and arrives level.
fn ribbon(start: (f32, f32), end: (f32, f32), wide: f32) -> Vec<(f32, f32)> {
    let upper: Vec<(f32, f32)> = (0..=STEPS)
        .map(|step| {
            let t = at(step) / at(STEPS);
            let smooth = t * t * (3.0 - 2.0 * t);
            (start.0 + (end.0 - start.0) * t, start.1 + (end.1 - start.1) * smooth)
        })
        .collect();
    let lower = upper.iter().rev().map(|(x, y)| (*x, y + wide));
    upper.iter().copied().chain(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_small_places_lie_apart_and_on_the_sheet() {
        for middles in [vec![100.0, 320.0, 324.0, 326.0], vec![30.0, 31.0, 32.0], vec![]] {
            let placed = apart(middles);
            assert!(placed.windows(2).all(|pair| pair[1] - pair[0] >= LABEL_PX), "{placed:?}");
            assert!(placed.iter().all(|at| *at >= 0.0 && *at + LABEL_PX / 2.0 <= BOTTOM));
        }
    }
}
