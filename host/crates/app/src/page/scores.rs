//! How the values of each score are spread.

use playbook_cycle::{CycleRun, StageRun};
use playbook_model::{CellType, Cells, Column, Kind, Produce};
use playbook_report::{Distribution, ScoreRow, Section};
use rayon::prelude::*;

use crate::stages::{absent, of_kind};

/// Bars of a histogram.
const BINS: usize = 20;

pub(super) fn scores(run: &CycleRun) -> Section<Vec<ScoreRow>> {
    let mut outputs = Vec::new();
    // A diagnosis that screens rows scores them, too.
    let stages = of_kind(run, Kind::Scoring).chain(of_kind(run, Kind::Diagnosis));
    for stage in stages.filter(|s| s.fault.is_none()) {
        let Some(rows) = &stage.shape.rows else { continue };
        let Some(frame) = run.frame(&rows.subject) else { continue };
        for produce in stage.shape.produces.iter().filter(|p| p.table.is_none()) {
            let name = format!("{}.{}", stage.name, produce.name);
            let Some(column) = frame.column(&name) else { continue };
            if produce.cell_type != CellType::Text {
                outputs.push((stage, produce, column));
            }
        }
    }
    let rows: Vec<ScoreRow> = outputs
        .into_par_iter()
        .map(|(stage, produce, column)| score(stage, produce, column))
        .collect();
    if rows.is_empty() { Section::Empty(absent(run, Kind::Scoring)) } else { Section::Filled(rows) }
}

fn score(stage: &StageRun, produce: &Produce, column: &Column) -> ScoreRow {
    let mut values: Vec<f64> = (0..column.cells.len()).filter_map(|r| column.real(r)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let distribution = match &column.cells {
        Cells::Category { codes, names } => {
            let mut counts = vec![0_u64; names.len()];
            for (row, code) in codes.iter().enumerate() {
                if column.is_valid(row)
                    && let Some(count) = counts.get_mut(*code as usize)
                {
                    *count += 1;
                }
            }
            Distribution::Categories(names.iter().cloned().zip(counts).collect())
        }
        _ => bins(&values, produce.least.zip(produce.most)),
    };
    let present = match &distribution {
        Distribution::Categories(rows) => rows.iter().map(|(_, n)| n).sum(),
        Distribution::Bins { .. } => values.len() as u64,
    };
    #[expect(clippy::cast_precision_loss, reason = "a count of members")]
    let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let quantile = |permille: usize| values[(values.len() - 1) * permille / 1000];
    ScoreRow {
        plugin: stage.name.clone(),
        output: produce.name.clone(),
        meaning: produce.meaning.clone(),
        unit: produce.unit.clone(),
        distribution,
        missing: column.cells.len() as u64 - present,
        mean,
        quantiles: (!values.is_empty()).then(|| [quantile(100), quantile(500), quantile(900)]),
    }
}

/// Twenty bars between the least value and the 99th percentile; the last takes what lies beyond. Where all values
/// are one, the bars lie between the bounds of the output.
fn bins(sorted: &[f64], bounds: Option<(f64, f64)>) -> Distribution {
    let (Some(&least), Some(&most)) = (sorted.first(), sorted.last()) else {
        return Distribution::Bins { edges: vec![0.0, 1.0], counts: vec![0] };
    };
    let constant = bounds.filter(|(low, high)| sorted[0].to_bits() == most.to_bits() && low < high);
    let high = sorted[(sorted.len() - 1) * 99 / 100];
    let whole = constant.is_none() && sorted.iter().all(|v| v.fract() == 0.0);
    let (least, high, most) = constant.map_or((least, high, most), |(low, high)| (low, high, high));
    let span = high - least;
    #[expect(clippy::cast_precision_loss, reason = "a number of bars")]
    let mut width = span / BINS as f64;
    if whole {
        width = width.ceil().max(1.0);
    }
    if width <= 0.0 {
        return Distribution::Bins {
            edges: vec![least, most.max(least + 1.0)],
            counts: vec![sorted.len() as u64],
        };
    }
    let mut edges = vec![least];
    let mut counts = Vec::new();
    let mut from = 0;
    while from < sorted.len() && counts.len() < BINS {
        #[expect(clippy::cast_precision_loss, reason = "a number of bars")]
        let edge = least + width * (counts.len() + 1) as f64;
        let last = counts.len() + 1 == BINS || edge > high;
        let to = if last { sorted.len() } else { sorted.partition_point(|v| *v < edge) };
        counts.push((to - from) as u64);
        edges.push(if last { most.max(edge) } else { edge });
        from = to;
        if last {
            break;
        }
    }
    Distribution::Bins { edges, counts }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use playbook_report::Distribution;

    use super::bins;

    #[test]
    fn every_value_falls_into_one_bar() {
        let values: Vec<f64> = (0..1_000).map(|n| f64::from(n) / 7.0).chain([1e6]).collect();
        for (values, bounds) in
            [(values, None), (vec![3.0; 5], Some((0.0, 10.0))), (vec![2.0], None)]
        {
            let Distribution::Bins { edges, counts } = bins(&values, bounds) else {
                panic!("no bars")
            };
            assert_eq!(counts.iter().sum::<u64>(), values.len() as u64);
            assert_eq!(edges.len(), counts.len() + 1);
            assert!(edges.is_sorted() && *edges.last().unwrap() >= *values.last().unwrap());
        }
    }
}
