//! Five kinds of chart, drawn as SVG in one look: bars (plain or stacked), flow, histogram, radar, timeline.
//!
//! Colours are classes of [`STYLE`], so that one drawing serves light, dark and paper. Every label is
//! escaped by the drawing library; every drawing carries a title and a description for those who cannot see it.

mod bars;
mod flow;
mod histogram;
mod radar;
mod sheet;
mod timeline;

pub use bars::{Bar, Cut, Stack, StackScale, bars, cut_of, stacked_bars};
pub use flow::{Flow, flow};
pub use histogram::{Histogram, histogram};
pub use radar::{Axis, Radar, radar};
pub use timeline::{Mark, Span, Timeline, timeline};

/// Style sheet of all charts. The page around them defines the colours `--c1` to `--c7`, `--ink`,
/// `--ink-soft`, `--line`, `--panel`, `--rest` and `--on` (labels on tones).
pub const STYLE: &str = include_str!("charts.css");

/// Number of distinguishable tones; a further series starts again at the first.
pub const TONES: usize = 7;

/// Tone of what is left over, for example what a budget still holds.
pub const REST: usize = usize::MAX;

/// Width of a drawing that has half of a page for itself, in pixels. A telephone shows it at eight tenths of its size,
/// so that its labels can still be read there.
pub const HALF_PX: f32 = 440.0;

/// Width of a drawing over the whole page, in pixels.
pub const WIDE_PX: f32 = 1_040.0;

/// Width of a drawing on a card, in pixels.
pub const CARD_PX: f32 = 360.0;

/// A series of a drawing with a legend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Tone: 0 and up, or [`REST`].
    pub tone: usize,
}

/// Series of these names in the order of the tones.
#[must_use]
pub fn in_tones(names: &[String]) -> Vec<Series> {
    names.iter().enumerate().map(|(tone, name)| Series { name: name.clone(), tone }).collect()
}

/// What a drawing says to those who cannot see it.
#[derive(Debug, Clone, Copy)]
pub struct Caption<'a> {
    /// Letters, digits and hyphens; unique on the page.
    pub id: &'a str,
    /// Short name.
    pub title: &'a str,
    /// What the drawing shows, with its main figures.
    pub desc: &'a str,
}
