//! How the values of each score are spread.

use playbook_cycle::{CycleRun, StageRun};
use playbook_model::{CellType, Cells, Column, Kind, Produce, Role};
use playbook_report::{Distribution, Outside, ScoreRow, Section};
use rayon::prelude::*;

use crate::stages::{absent, of_kind};

/// Bars of a histogram.
const BINS: usize = 20;
const BINS_REAL: f64 = 20.0;
/// Stretches of the middle four fifths of the values beyond which a value is far from them.
const NEAR_TIMES: f64 = 3.0;

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
    let leads = leading(&outputs);
    let rows: Vec<ScoreRow> = outputs
        .into_par_iter()
        .zip(leads)
        .map(|((stage, produce, column), leads)| ScoreRow {
            leads,
            ..score(stage, produce, column)
        })
        .collect();
    if rows.is_empty() { Section::Empty(absent(run, Kind::Scoring)) } else { Section::Filled(rows) }
}

/// Which outputs their stages are about: of each stage the first of the role that says most, where any member has a value.
fn leading(outputs: &[(&StageRun, &Produce, &Column)]) -> Vec<bool> {
    let weight = |produce: &Produce| match produce.role {
        Role::Total => 0,
        Role::Score | Role::Segment => 1,
        Role::Value => 2,
        Role::Probability => 3,
        Role::Level => 4,
        Role::Dimension | Role::ReturnOnCost => 5,
        Role::Indicator | Role::Other => 6,
        Role::Coverage => 7,
    };
    // A column without values is read to its end to know that: once.
    let has_values = |(.., column): &(&StageRun, &Produce, &Column)| {
        (0..column.cells.len()).any(|row| column.is_valid(row))
    };
    let known: Vec<bool> = outputs.iter().map(has_values).collect();
    let leads = |at: usize| {
        let (stage, ..) = outputs[at];
        let own = outputs.iter().enumerate().filter(|(_, of)| std::ptr::eq(of.0, stage));
        let best = own.min_by_key(|(of, (_, produce, _))| (!known[*of], weight(produce)));
        known[at] && best.is_some_and(|(best, _)| best == at)
    };
    (0..outputs.len()).map(leads).collect()
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
            let words = names.iter().map(|name| stage.shape.words_of(name));
            Distribution::Categories(words.zip(counts).collect())
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
        leads: false,
        meaning: produce.meaning.clone(),
        unit: produce.unit.clone(),
        distribution,
        missing: column.cells.len() as u64 - present,
        mean,
        quantiles: (!values.is_empty()).then(|| [quantile(100), quantile(500), quantile(900)]),
    }
}

/// Twenty bars between bounds that a few far values do not move; those are counted outside of them. Where all values are
/// one, the bars lie between the bounds of the output.
fn bins(sorted: &[f64], bounds: Option<(f64, f64)>) -> Distribution {
    let (Some(&least), Some(&most)) = (sorted.first(), sorted.last()) else {
        return bars(vec![0.0, 1.0], vec![0], Outside::default());
    };
    if least.to_bits() == most.to_bits() {
        let (low, high) = bounds.filter(|(low, high)| low < high).unwrap_or((least, least + 1.0));
        let width = (high.max(most) - low) / BINS_REAL;
        return drawn(sorted, (low, high.max(most)), width, Outside::default());
    }
    let (low, high) = near(sorted);
    let from = sorted.partition_point(|v| *v < low);
    let to = sorted.partition_point(|v| *v <= high);
    let outside = Outside { below: from as u64, least, above: (sorted.len() - to) as u64, most };
    within(&sorted[from..to], (sorted[from], sorted[to - 1]), outside)
}

/// Bounds of the values that are near the others: three times the stretch of the middle four fifths on either side of it,
/// and no farther than there are values. Where four fifths are one value, the stretch is that of the others.
fn near(sorted: &[f64]) -> (f64, f64) {
    let least = sorted[0];
    let most = sorted[sorted.len() - 1];
    let at = |values: &[f64], permille: usize| values[(values.len() - 1) * permille / 1000];
    let (mut low, mut high) = (at(sorted, 100), at(sorted, 900));
    if low.to_bits() == high.to_bits() {
        let others: Vec<f64> = sorted.iter().copied().filter(|v| *v != low).collect();
        let Some((first, last)) = others.first().map(|_| (at(&others, 100), at(&others, 900)))
        else {
            return (least, most);
        };
        (low, high) = (low.min(first), high.max(last));
    }
    let reach = NEAR_TIMES * (high - low);
    ((low - reach).max(least), (high + reach).min(most))
}

/// Bars of one width from the first bound to the last.
fn within(sorted: &[f64], (least, most): (f64, f64), outside: Outside) -> Distribution {
    let width = (most - least) / BINS_REAL;
    // Whole numbers that share a bar are as many in each.
    let whole = sorted.iter().all(|v| v.fract() == 0.0);
    let width = if whole { width.ceil().max(1.0) } else { width };
    drawn(sorted, (least, most), width, outside)
}

fn drawn(sorted: &[f64], (least, most): (f64, f64), width: f64, outside: Outside) -> Distribution {
    if !(width > 0.0 && width.is_finite()) {
        return bars(vec![least, most.max(least + 1.0)], vec![sorted.len() as u64], outside);
    }
    let (mut edges, mut counts, mut from) = (vec![least], Vec::new(), 0);
    loop {
        #[expect(clippy::cast_precision_loss, reason = "a number of bars")]
        let edge = least + width * (counts.len() + 1) as f64;
        // What rounding adds to the last edge is no bar of its own.
        let last = counts.len() + 1 == BINS || edge > most;
        let to = if last { sorted.len() } else { sorted.partition_point(|v| *v < edge) };
        counts.push((to - from) as u64);
        // Rounding may leave the greatest value a hair beyond the last edge.
        edges.push(if last { edge.max(most) } else { edge });
        from = to;
        if last {
            break;
        }
    }
    bars(edges, counts, outside)
}

fn bars(edges: Vec<f64>, counts: Vec<u64>, outside: Outside) -> Distribution {
    Distribution::Bins { edges, counts, outside }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use playbook_report::{Distribution, Outside};

    use super::bins;

    fn binned(values: &[f64], bounds: Option<(f64, f64)>) -> (Vec<f64>, Vec<u64>, Outside) {
        let Distribution::Bins { edges, counts, outside } = bins(values, bounds) else {
            panic!("no bars")
        };
        assert_eq!(edges.len(), counts.len() + 1);
        assert!(edges.is_sorted());
        let drawn: u64 = counts.iter().sum();
        assert_eq!(drawn + outside.below + outside.above, values.len() as u64);
        (edges, counts, outside)
    }

    #[test]
    fn every_value_falls_into_one_bar_or_outside_of_them() {
        let even: Vec<f64> = (0..1_000).map(|n| f64::from(n) / 7.0).collect();
        let (edges, counts, outside) = binned(&even, None);
        assert_eq!((outside.below, outside.above, counts.len()), (0, 0, 20));
        assert!(*edges.last().unwrap() >= even[999]);
        let (edges, counts, _) = binned(&[3.0; 5], Some((0.0, 10.0)));
        assert_eq!((edges[0], *edges.last().unwrap()), (0.0, 10.0));
        assert_eq!(counts.iter().filter(|n| **n > 0).count(), 1);
        for few in [&[2.0][..], &[], &[1.5, 1.5], &[0.0, 1e300, 2e300], &[-1e308, 1e308]] {
            binned(few, None);
        }
    }

    #[test]
    fn a_few_far_values_do_not_flatten_the_others() {
        let near: Vec<f64> = (0..97).map(f64::from).collect();
        let far = |more: &[f64]| {
            let mut values = near.clone();
            values.extend(more);
            values.sort_unstable_by(f64::total_cmp);
            values
        };
        for (more, below, above) in [
            (&[1e9][..], 0, 1),
            (&[1e9, 2e9, 3e9], 0, 3),
            (&[-1e9, 1e9], 1, 1),
            (&[100.0, 150.0], 0, 0),
        ] {
            let (edges, counts, outside) = binned(&far(more), None);
            assert_eq!((outside.below, outside.above), (below, above), "{more:?}");
            assert!(counts.iter().filter(|n| **n > 0).count() > 10, "{edges:?} {counts:?}");
        }
        // Nine tenths never bought: the others still say where the axis ends.
        let mut rare = vec![0.0; 900];
        rare.extend((1..100).map(f64::from));
        rare.push(1e9);
        let (_, counts, outside) = binned(&rare, None);
        assert_eq!((outside.above, outside.most), (1, 1e9));
        assert!(counts.iter().filter(|n| **n > 0).count() > 10, "{counts:?}");
    }
}
