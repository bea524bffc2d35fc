//! The sheet that charts are drawn on: thin words over the drawing library's canvas.

use charts_rs::{Canvas, Circle, Point, Polygon, Rect, Shape, Text};

use super::{Caption, REST, Series, TONES};

/// Size of all labels, in pixels of the sheet.
pub(super) const LABEL_PX: f32 = 12.5;

/// Where a label is held.
#[derive(Clone, Copy)]
pub(super) enum Hold {
    Start,
    Middle,
    End,
}

/// A drawing in progress.
pub(super) struct Sheet {
    canvas: Canvas,
    width: f32,
    height: f32,
}

impl Sheet {
    pub(super) fn new(width: f32, height: f32) -> Self {
        Self { canvas: Canvas::new(width, height), width, height }
    }

    /// A rectangle; `note` is what a pointer that rests on it is told.
    pub(super) fn rect(&mut self, at: [f32; 4], radius: f32, class: &str, note: &str) {
        let [left, top, width, height] = at;
        let radius = radius.min(width / 2.0).min(height / 2.0);
        self.canvas.rect(Rect {
            left,
            top,
            width: width.max(0.0),
            height: height.max(0.0),
            rx: (radius > 0.0).then_some(radius),
            class: Some(class.to_owned()),
            title: (!note.is_empty()).then(|| note.to_owned()),
            ..Rect::default()
        });
    }

    pub(super) fn circle(&mut self, center: (f32, f32), r: f32, class: &str, note: &str) {
        self.canvas.circle(Circle {
            cx: center.0,
            cy: center.1,
            r,
            stroke_width: 0.0,
            class: Some(class.to_owned()),
            title: (!note.is_empty()).then(|| note.to_owned()),
            ..Circle::default()
        });
    }

    pub(super) fn polygon(&mut self, corners: &[(f32, f32)], class: &str) {
        self.canvas.polygon(Polygon {
            points: points(corners),
            class: Some(class.to_owned()),
            ..Polygon::default()
        });
    }

    /// A closed outline.
    pub(super) fn shape(&mut self, corners: &[(f32, f32)], class: &str, note: &str) {
        self.canvas.shape(Shape {
            rings: vec![points(corners)],
            class: Some(class.to_owned()),
            title: (!note.is_empty()).then(|| note.to_owned()),
            ..Shape::default()
        });
    }

    /// A label whose middle line lies at `y`.
    pub(super) fn label(&mut self, x: f32, y: f32, hold: Hold, class: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let anchor = match hold {
            Hold::Start => "start",
            Hold::Middle => "middle",
            Hold::End => "end",
        };
        self.canvas.text(Text {
            text: text.to_owned(),
            font_size: Some(LABEL_PX),
            x: Some(x),
            y: Some(y),
            // Half of the height of a digit: middle baselines differ between browsers.
            dy: Some(4.5),
            text_anchor: Some(anchor.to_owned()),
            class: (!class.is_empty()).then(|| class.to_owned()),
            ..Text::default()
        });
    }

    /// Names of the series over the drawing, from `left` on; returns the height they took.
    pub(super) fn legend(&mut self, left: f32, series: &[Series]) -> f32 {
        let (mut x, mut y) = (left, 10.0);
        for Series { name, tone: index } in series {
            let name = shorten(name, 180.0);
            let width = 18.0 + width_of(&name) + 18.0;
            if x + width > self.width && x > left {
                (x, y) = (left, y + 20.0);
            }
            self.rect([x, y - 5.5, 11.0, 11.0], 2.0, &tone(*index), "");
            self.label(x + 17.0, y, Hold::Start, "", &name);
            x += width;
        }
        y + 14.0
    }

    /// The finished drawing with its words for those who cannot see it.
    pub(super) fn finish(self, caption: &Caption<'_>) -> String {
        // The canvas knows no component that can fail here: lines with patterns and axes are not used.
        let svg = self.canvas.svg().unwrap_or_default();
        let body = svg.find('>').map_or("", |at| &svg[at + 1..]);
        let opening = maud::html! {
            svg class="chart" xmlns="http://www.w3.org/2000/svg" role="img"
                viewBox={ "0 0 " (self.width) " " (self.height) }
                aria-labelledby={ (caption.id) "-t " (caption.id) "-d" } {
                title id={ (caption.id) "-t" } { (caption.title) }
                desc id={ (caption.id) "-d" } { (caption.desc) }
            }
        }
        .into_string();
        let opening = opening.trim_end_matches("</svg>");
        format!("{opening}{body}")
    }
}

fn points(corners: &[(f32, f32)]) -> Vec<Point> {
    corners.iter().map(|(x, y)| Point { x: *x, y: *y }).collect()
}

/// Class of the `index`-th series; [`REST`] is what is left over.
pub(super) fn tone(index: usize) -> String {
    if index == REST { "t0".to_owned() } else { format!("t{}", index % TONES + 1) }
}

/// Class of a label on a bar of the `index`-th series: dark on light tones.
pub(super) fn on_tone(index: usize) -> &'static str {
    match index {
        REST => "",
        index if matches!(index % TONES, 1 | 4) => "on-light",
        _ => "on",
    }
}

/// Width of a label in pixels, by class of letter: fonts are the reader's, so this is an estimate on the wide side.
pub(super) fn width_of(text: &str) -> f32 {
    text.chars().map(letter_width).sum()
}

fn letter_width(letter: char) -> f32 {
    let em = match letter {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.36,
        'm' | 'w' | 'M' | 'W' | '%' => 0.96,
        'A'..='Z' => 0.74,
        '\0'..='\u{2fff}' => 0.64,
        _ => 1.0,
    };
    em * LABEL_PX
}

/// The text, cut with an ellipsis where it is wider than `pixels`.
pub(super) fn shorten(text: &str, pixels: f32) -> String {
    if width_of(text) <= pixels {
        return text.to_owned();
    }
    let mut used = letter_width('…');
    let mut short = String::new();
    for letter in text.chars() {
        used += letter_width(letter);
        if used > pixels {
            break;
        }
        short.push(letter);
    }
    short.push('…');
    short
}

/// Width of a bold label.
pub(super) fn bold_width_of(text: &str) -> f32 {
    width_of(text) * 1.1
}

/// Width of the widest label, at most `most`.
pub(super) fn widest<'a>(labels: impl IntoIterator<Item = &'a str>, most: f32) -> f32 {
    labels.into_iter().map(width_of).fold(0.0, f32::max).min(most)
}

/// A round number that is at least `value` (a small multiple of a power of ten), for the end of an axis.
pub(super) fn round_up(value: f64) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 1.2, 1.6, 2.0, 2.4, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|round| *round >= value * (1.0 - 1e-12))
        .unwrap_or(10.0 * power)
}

/// The part of `whole` that `value` is, for a place on the sheet: finite, within 0 and 1.
#[expect(clippy::cast_possible_truncation, reason = "a place on a sheet of some hundred pixels")]
pub(super) fn part(value: f64, whole: f64) -> f32 {
    let part = value / whole;
    if part.is_finite() { part.clamp(0.0, 1.0) as f32 } else { 0.0 }
}

/// A small count as a place on the sheet.
#[expect(
    clippy::cast_precision_loss,
    reason = "rows and columns of a drawing, some hundred at most"
)]
pub(super) fn at(count: usize) -> f32 {
    count as f32
}
