//! Histogram: how many members lie in each bin of a score.

use super::sheet::{Hold, Sheet, at, part, round_up, widest};
use super::{CARD_PX, Caption};
use crate::number::whole;

const PLOT: f32 = 120.0;
const GAP: f32 = 8.0;

/// Members of bins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    /// Members of each bin.
    pub counts: Vec<u64>,
    /// Words of each bin for a pointer that rests on it.
    pub notes: Vec<String>,
    /// Words of the lowest edge, the middle and the highest edge.
    pub ends: [String; 3],
    /// A mark, for example the median, as a part of the whole width, with its words.
    pub mark: Option<(f64, String)>,
}

/// Returns upright bars without gaps, one a bin.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the top of an axis: a round number near the greatest count"
)]
pub fn histogram(caption: &Caption<'_>, bins: &Histogram) -> String {
    let most = bins.counts.iter().copied().max().unwrap_or(0);
    let high = round_up(most as f64).max(1.0);
    let steps = [0.0, 0.5, 1.0];
    let scale: Vec<String> = steps
        .iter()
        .map(|s| if high * s < 1.0 { String::new() } else { whole((high * s) as u64) })
        .collect();
    let left = widest(scale.iter().map(String::as_str), 90.0) + GAP;
    let (top, plot) = (22.0, CARD_PX - left - 2.0);
    let floor = top + PLOT;
    let mut sheet = Sheet::new(CARD_PX, floor + 24.0);
    for (step, words) in [0.0f32, 0.5, 1.0].into_iter().zip(&scale) {
        let y = floor - PLOT * step;
        sheet.rect([left, y - 0.5, plot, 1.0], 0.0, "rule", "");
        sheet.label(left - GAP, y, Hold::End, "soft", words);
    }
    let wide = plot / at(bins.counts.len().max(1));
    for (i, count) in bins.counts.iter().enumerate() {
        let mut tall = PLOT * part(*count as f64, high);
        if *count > 0 {
            tall = tall.max(1.5);
        }
        let note = bins.notes.get(i).map_or("", String::as_str);
        let at = [left + wide * at(i) + 0.5, floor - tall, (wide - 1.0).max(0.5), tall];
        sheet.rect(at, 1.0, "t1", note);
    }
    sheet.rect([left, floor - 0.5, plot, 1.0], 0.0, "axis", "");
    if let Some((place, words)) = &bins.mark {
        let x = left + plot * part(*place, 1.0);
        sheet.rect([x - 1.0, top - 4.0, 2.0, PLOT + 4.0], 0.0, "t6", words);
        let hold = if *place > 0.6 { Hold::End } else { Hold::Start };
        sheet.label(x, top - 13.0, hold, "strong", words);
    }
    let [low, middle, top_end] = &bins.ends;
    sheet.label(left, floor + 13.0, Hold::Start, "soft", low);
    sheet.label(left + plot / 2.0, floor + 13.0, Hold::Middle, "soft", middle);
    sheet.label(left + plot, floor + 13.0, Hold::End, "soft", top_end);
    sheet.finish(caption)
}
