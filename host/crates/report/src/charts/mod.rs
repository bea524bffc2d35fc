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

pub use bars::{Bar, Stack, StackScale, bars, stacked_bars};
pub use flow::{Flow, flow};
pub use histogram::{Histogram, histogram};
pub use radar::{Axis, Radar, radar};
pub use timeline::{Mark, Span, Timeline, timeline};

/// Style sheet of all charts. The page around them defines the colours `--c1` to `--c7`, `--ink`,
/// `--ink-soft`, `--line` and `--panel`.
pub const STYLE: &str = include_str!("charts.css");

/// Number of distinguishable tones; a further series starts again at the first.
pub const TONES: usize = 7;

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
