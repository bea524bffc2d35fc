//! Features that are computed from other features of the same subject: constants and expressions.

use std::collections::{BTreeMap, BTreeSet};

use playbook_features::{Compiled, Expression, Fault};
use playbook_model::{Bitmap, CellType, Cells, Column, Definition, FeatureDef, Frame};

use crate::arrays::stretches;
use crate::jobs::done_by;
use crate::{BatchError, Result};

/// Adds the constants and expressions among `features` to a table, each after those that it reads.
pub(crate) fn evaluate(features: &[FeatureDef], frame: &mut Frame, threads: usize) -> Result<()> {
    let mut waiting: Vec<(&FeatureDef, Expression)> = Vec::new();
    for feature in features {
        match &feature.definition {
            Definition::Constant(value) => {
                let constant = constant(feature, *value, frame.rows());
                frame.push(constant);
            }
            Definition::Expression(text) => {
                let expression = Expression::parse(text).map_err(fault(feature))?;
                waiting.push((feature, expression));
            }
            _ => {}
        }
    }
    // Topological order: in each round those that read no feature which is still to be computed.
    while !waiting.is_empty() {
        let open: BTreeSet<&str> = waiting.iter().map(|(f, _)| f.name.as_str()).collect();
        let is_ready = |expression: &Expression| {
            expression.names().iter().all(|(name, _)| !open.contains(name))
        };
        let (ready, later): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, expression)| is_ready(expression));
        if ready.is_empty() {
            let names: Vec<_> = later.iter().map(|(f, _)| format!("`{}`", f.name)).collect();
            return Err(BatchError::Circle(names.join(", ")));
        }
        for (feature, expression) in ready {
            let type_of = |name: &str| frame.column(name).map(|column| column.cells.cell_type());
            let compiled = expression.compile(type_of).map_err(fault(feature))?;
            let column = compute(feature, &compiled, frame, threads)?;
            frame.push(column);
        }
        waiting = later;
    }
    Ok(())
}

fn fault(feature: &FeatureDef) -> impl Fn(playbook_features::ExpressionError) -> BatchError {
    |source| BatchError::Expression { feature: feature.name.clone(), source }
}

#[expect(clippy::cast_possible_truncation, reason = "a constant of type integer is whole")]
fn constant(feature: &FeatureDef, value: f64, rows: usize) -> Column {
    let cells = match feature.cell_type {
        CellType::Real => Cells::Real(vec![value; rows]),
        _ => Cells::integers(vec![value.round() as i64; rows]),
    };
    Column { name: feature.name.clone(), unit: feature.unit.clone(), cells, valid: None }
}

/// Evaluates an expression for all rows, a range of rows at a time on several threads.
fn compute(
    feature: &FeatureDef,
    compiled: &Compiled,
    frame: &Frame,
    threads: usize,
) -> Result<Column> {
    let read = compiled.names().iter().map(|name| frame.column(name));
    let read: Vec<&Column> = read.map(|column| column.expect("names have a type")).collect();
    let stretches: Vec<_> = stretches(0..frame.rows()).collect();
    let parts = done_by(threads, stretches.into_iter(), |rows| {
        let row = |row: usize| u32::try_from(row).expect("a table has fewer than 2^32 rows");
        let values = compiled.evaluate(&read, row(rows.start)..row(rows.end))?;
        values.into_cells(feature.cell_type, rows.start)
    });
    let mut joined = Joined::new(feature.cell_type);
    for part in parts {
        let (cells, valid) = part.map_err(|fault: Fault| BatchError::NoValue {
            feature: feature.name.clone(),
            subject: feature.subject.0.clone(),
            key: frame.columns().first().and_then(|c| c.text(fault.row)).unwrap_or("").to_owned(),
            reason: fault.to_string(),
        })?;
        joined.add(cells, &valid);
    }
    Ok(joined.finish(feature))
}

/// A column that grows by ranges of rows.
struct Joined {
    cells: Cells,
    valid: Bitmap,
}

impl Joined {
    fn new(cell_type: CellType) -> Self {
        let cells = match cell_type {
            CellType::Real => Cells::Real(Vec::new()),
            CellType::Integer => Cells::Integer(Vec::new()),
            _ => Cells::Text(playbook_model::TextCells::default()),
        };
        Self { cells, valid: Bitmap::default() }
    }

    fn add(&mut self, cells: Cells, valid: &Bitmap) {
        match (&mut self.cells, cells) {
            (Cells::Real(all), Cells::Real(more)) => all.extend(more),
            (Cells::Integer(all), Cells::Integer(more)) => all.extend(more),
            (Cells::Text(all), Cells::Text(more)) => {
                (0..more.len()).for_each(|row| all.push(more.get(row).unwrap_or_default()));
            }
            _ => unreachable!("stretches of a column are of one type"),
        }
        (0..valid.len()).for_each(|row| self.valid.push(valid.get(row)));
    }

    fn finish(self, feature: &FeatureDef) -> Column {
        let Self { cells, valid } = self;
        let cells = match (feature.cell_type, cells) {
            (CellType::Integer, Cells::Integer(values)) => Cells::integers(values),
            (CellType::Category, Cells::Text(texts)) => {
                let text = |row| texts.get(row).filter(|_| valid.get(row));
                let rows = 0..texts.len();
                let names: BTreeSet<&str> = rows.clone().filter_map(text).collect();
                let code: BTreeMap<&str, u32> = names.iter().copied().zip(0..).collect();
                let codes = rows.map(|row| text(row).map_or(0, |text| code[text])).collect();
                Cells::Category { codes, names: names.into_iter().map(str::to_owned).collect() }
            }
            (_, cells) => cells,
        };
        let all = valid.count_ones() == valid.len();
        Column {
            name: feature.name.clone(),
            unit: feature.unit.clone(),
            cells,
            valid: (!all).then_some(valid),
        }
    }
}

/// A column without any value.
pub(crate) fn missing(feature: &FeatureDef, rows: usize) -> Column {
    let cells = match feature.cell_type {
        CellType::Real => Cells::Real(vec![0.0; rows]),
        CellType::Category => Cells::Category { codes: vec![0; rows], names: [].into() },
        CellType::Text => Cells::Text(std::iter::repeat_n("", rows).collect()),
        _ => Cells::Small(vec![0; rows]),
    };
    Column {
        name: feature.name.clone(),
        unit: feature.unit.clone(),
        cells,
        valid: Some(Bitmap::filled(rows, false)),
    }
}
