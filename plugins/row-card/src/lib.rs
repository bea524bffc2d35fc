//! A score card of rows: indicators, dimensions and a total of each member, item or partner (domain 0.3, SC-2).

mod settings;

pub use settings::{Combined, Dimension, Gate, Indicator, Level, Scored, Settings, Shows, Total};

use playbook_domain::card::{Built, Scores};
use playbook_domain::rung;
use playbook_sdk::prelude::*;

use settings::{Cells, Row, measure};

/// The opened plugin.
#[derive(Debug)]
pub struct RowCard {
    row: Row,
    bounds: Vec<f64>,
}

impl Plugin for RowCard {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "row-card",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "A score card of rows: indicators, dimensions, a total and its level",
            "逐行評分卡：指標、維度、總分與等級",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        Ok(settings.row()?.shape(settings))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        let row = settings.row()?;
        Ok(Self { row, bounds: settings.bounds() })
    }
}

impl RowCard {
    /// The first gate that a row does not pass.
    fn shut(&self, rows: &[Column<'_, f64>], row: usize) -> Option<u32> {
        let gates =
            self.row.gates.iter().zip(rows).position(|((_, limit), cells)| {
                cells.get(row).is_some_and(|x| limit.is_broken_by(x))
            });
        gates.map(|at| Row::FIRST_GATE + at as u32)
    }

    fn gates<'a>(&self, rows: &Rows<'a>) -> Vec<Column<'a, f64>> {
        self.row.gates.iter().map(|(at, _)| rows.get(In::<Real>::at(*at))).collect()
    }
}

impl Scoring for RowCard {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let Row { built, places, .. } = &self.row;
        let (cells, gates) = (Cells::of(rows, built), self.gates(rows));
        let mut scores = built.card.nothing();
        for row in 0..rows.len() {
            built.card.score(|at| measure(built, &cells, at, row), &mut scores);
            if let Some(first) = places.indicators {
                for (at, score) in scores.indicators.iter().enumerate() {
                    out.set_or_missing(Out::<Real>::at(first + at), row, *score);
                }
            }
            if let Some(first) = places.dimensions {
                for (at, score) in scores.nodes[1..].iter().enumerate() {
                    out.set_or_missing(Out::<Real>::at(first + at), row, *score);
                }
            }
            let shut = self.shut(&gates, row);
            let total = if shut.is_some() { Some(0.0) } else { scores.nodes[0] };
            out.set_or_missing(Out::<Real>::at(places.total), row, total);
            if let Some(at) = places.level {
                let level = total.map(|total| rung(total, &self.bounds));
                out.set_or_missing(Out::<Category>::at(at), row, level);
            }
            if let Some(at) = places.coverage {
                out.set(Out::<Real>::at(at), row, scores.covered[0]);
            }
            match shut {
                Some(gate) => out.reason(row, gate),
                None if total.is_none() => out.reason(row, Row::TOO_LITTLE_KNOWN),
                None => {}
            }
        }
        Ok(())
    }

    fn explain(&self, _: &Context, rows: &Rows<'_>) -> Result<Vec<Factor>, String> {
        let Row { built, places, .. } = &self.row;
        let cells = Cells::of(rows, built);
        let mut scores = built.card.nothing();
        built.card.score(|at| measure(built, &cells, at, 0), &mut scores);
        if scores.nodes[0].is_none() || self.shut(&self.gates(rows), 0).is_some() {
            return Ok(Vec::new());
        }
        Ok(factors(built, &scores, &|at| cells[at].number(0), places.total))
    }
}

/// How much each column makes up of the total: the part of its indicator, shared out as the columns add up to it.
fn factors(
    built: &Built,
    scores: &Scores,
    number: &dyn Fn(usize) -> Option<f64>,
    total: usize,
) -> Vec<Factor> {
    let mut factors = Vec::new();
    for (at, part) in built.card.contributions(scores).into_iter().enumerate() {
        let inputs = &built.columns[at].inputs;
        let value = |(input, times): &(usize, f64)| number(*input).unwrap_or(0.0) * times;
        let whole: f64 = inputs.iter().map(value).sum();
        for input in inputs {
            let share = value(input) / whole;
            // Where less is better nothing may be the best that there is.
            let share = if share.is_finite() { share } else { 1.0 / inputs.len() as f64 };
            if part > 0.0 {
                factors.push(factor(In::<Real>::at(input.0), Out::<Real>::at(total), part * share));
            }
        }
    }
    factors
}

export!(RowCard: scoring);
