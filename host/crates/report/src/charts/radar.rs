//! Radar: scores of several dimensions on one web.

use std::f32::consts::{PI, TAU};

use super::sheet::{Hold, Sheet, at, part, shorten, tone};
use super::{Caption, HALF_PX};

const RADIUS: f32 = 100.0;
const CENTER: (f32, f32) = (HALF_PX / 2.0, 140.0);
const RINGS: usize = 5;

/// One dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Name.
    pub label: String,
    /// Its score.
    pub value: f64,
    /// The score in words.
    pub figure: String,
    /// Its score at the last cycle.
    pub before: Option<f64>,
}

/// Dimensions on one scale.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Radar {
    /// At least three; dimensions without a score are left out by the caller, because the middle would read as 0.
    pub axes: Vec<Axis>,
    /// Value of the outermost ring.
    pub most: f64,
    /// Name of the scores.
    pub now: String,
    /// Name of the scores of the last cycle.
    pub before: String,
}

/// Returns the web; an empty text for fewer than three dimensions.
#[must_use]
pub fn radar(caption: &Caption<'_>, radar: &Radar) -> String {
    if radar.axes.len() < 3 {
        return String::new();
    }
    let place = |i: usize, out: f32| {
        let angle = TAU * at(i) / at(radar.axes.len()) - PI / 2.0;
        (CENTER.0 + RADIUS * out * angle.cos(), CENTER.1 + RADIUS * out * angle.sin())
    };
    let ring = |out: &dyn Fn(usize) -> f32| -> Vec<(f32, f32)> {
        (0..radar.axes.len()).map(|i| place(i, out(i))).collect()
    };
    let mut sheet = Sheet::new(HALF_PX, 300.0);
    for r in 1..=RINGS {
        sheet.polygon(&ring(&|_| at(r) / at(RINGS)), "web");
    }
    for i in 0..radar.axes.len() {
        sheet.polygon(&[CENTER, place(i, 1.0)], "web");
    }
    let compared = radar.axes.iter().all(|axis| axis.before.is_some());
    if compared {
        let before = |i: usize| part(radar.axes[i].before.unwrap_or(0.0), radar.most);
        sheet.polygon(&ring(&before), "before");
    }
    sheet.polygon(&ring(&|i| part(radar.axes[i].value, radar.most)), "area");
    for (i, axis) in radar.axes.iter().enumerate() {
        let note = format!("{} {}", axis.label, axis.figure);
        sheet.circle(place(i, part(axis.value, radar.most)), 4.0, "dot", &note);
        let (x, y) = place(i, 1.0 + 16.0 / RADIUS);
        let side = x - CENTER.0;
        let hold = if side.abs() < 12.0 {
            Hold::Middle
        } else if side < 0.0 {
            Hold::End
        } else {
            Hold::Start
        };
        let room = match hold {
            Hold::Start => HALF_PX - x,
            Hold::Middle => 300.0,
            Hold::End => x,
        };
        let below = if y < CENTER.1 - RADIUS { -16.0 } else { 0.0 };
        sheet.label(x, y + below, hold, "", &shorten(&axis.label, room));
        sheet.label(x, y + below + 16.0, hold, "strong", &axis.figure);
    }
    if compared {
        for (i, name) in [&radar.now, &radar.before].into_iter().enumerate() {
            let y = 12.0 + 18.0 * at(i);
            sheet.rect([0.0, y - 5.5, 11.0, 11.0], 2.0, &tone(i), "");
            sheet.label(17.0, y, Hold::Start, "", &shorten(name, 130.0));
        }
    }
    sheet.finish(caption)
}
