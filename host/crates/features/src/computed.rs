//! Features that are computed from other features of the same subject: constants and expressions, for a table of any
//! number of rows.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use playbook_model::{
    AggregateDef, Bitmap, CellType, Cells, Column, Definition, FeatureDef, Frame,
};

use crate::expression::{Compiled, Expression, ExpressionError, Fault};
use crate::jobs::done_by;
use crate::plan::{Item, items};
use crate::recipe::recipe;

/// Rows that are computed at once, which bounds the memory that it takes.
const STRETCH_ROWS: usize = 1 << 16;

/// Why features cannot be computed.
#[derive(Debug, thiserror::Error)]
pub enum ComputeError {
    /// An expression that cannot be read, or whose parts do not go together.
    #[error("the expression of feature `{feature}` cannot be used")]
    Expression {
        /// The feature.
        feature: String,
        /// What is wrong, and where.
        #[source]
        source: ExpressionError,
    },
    /// A feature that needs itself, directly or through others, or a name that no feature has.
    #[error(
        "the expressions of features {0} wait for each other or for a feature that does not exist"
    )]
    Circle(String),
    /// A result beyond 64 bits, or a text that is no number.
    #[error("feature `{feature}` has no value for {subject} `{key}`: {fault}")]
    NoValue {
        /// The feature.
        feature: String,
        /// What its rows describe.
        subject: String,
        /// Which row: the text of its first column.
        key: String,
        /// Why.
        fault: Fault,
    },
}

/// The constants and expressions of a subject, compiled once, in an order in which each comes after those that it
/// reads. Serves every table with the columns that it was made for.
#[derive(Debug, Default)]
pub struct Computed {
    steps: Vec<Step>,
}

/// A feature, and the column that it becomes.
#[derive(Debug)]
struct Step {
    name: String,
    subject: String,
    unit: String,
    cell_type: CellType,
    how: How,
}

#[derive(Debug)]
enum How {
    Constant(f64),
    /// With the positions of the columns that it reads.
    Expression(Compiled, Vec<usize>),
}

impl Computed {
    /// Compiles the constants and expressions among `features` for tables with the columns of `like`, to which theirs
    /// will be appended.
    ///
    /// # Errors
    /// An expression that cannot be used, or a circle of them.
    pub fn new(features: &[FeatureDef], like: &Frame) -> Result<Self, ComputeError> {
        let mut steps = Vec::new();
        let mut columns: Vec<(String, CellType)> =
            like.columns().iter().map(|c| (c.name.clone(), c.cells.cell_type())).collect();
        let mut waiting: Vec<(&FeatureDef, Expression)> = Vec::new();
        for feature in features {
            match &feature.definition {
                Definition::Constant(value) => {
                    take(&mut steps, &mut columns, feature, How::Constant(*value));
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
                return Err(ComputeError::Circle(names.join(", ")));
            }
            for (feature, expression) in ready {
                let at = |name: &str| columns.iter().position(|(column, _)| column == name);
                let compiled = expression
                    .compile(|name| at(name).map(|at| columns[at].1))
                    .map_err(fault(feature))?;
                let read = compiled.names().iter().map(|name| at(name));
                let read = read.map(|at| at.expect("names have a type")).collect();
                take(&mut steps, &mut columns, feature, How::Expression(compiled, read));
            }
            waiting = later;
        }
        Ok(Self { steps })
    }

    /// Appends the columns to a table, a range of rows at a time on several threads.
    ///
    /// # Errors
    /// [`ComputeError::NoValue`].
    pub fn append_to(&self, frame: &mut Frame, threads: usize) -> Result<(), ComputeError> {
        for step in &self.steps {
            let column = match &step.how {
                How::Constant(value) => step.constant(*value, frame.rows()),
                How::Expression(compiled, read) => step.compute(compiled, read, frame, threads)?,
            };
            frame.append(column);
        }
        Ok(())
    }
}

fn take(
    steps: &mut Vec<Step>,
    columns: &mut Vec<(String, CellType)>,
    feature: &FeatureDef,
    how: How,
) {
    // A column of a constant holds reals or integers.
    let cell_type = match (&how, feature.cell_type) {
        (How::Constant(_), cell_type) if cell_type != CellType::Real => CellType::Integer,
        (_, cell_type) => cell_type,
    };
    columns.push((feature.name.clone(), cell_type));
    let FeatureDef { name, subject, unit, .. } = feature.clone();
    steps.push(Step { name, subject: subject.0, unit, cell_type, how });
}

fn fault(feature: &FeatureDef) -> impl Fn(ExpressionError) -> ComputeError {
    |source| ComputeError::Expression { feature: feature.name.clone(), source }
}

/// Cuts rows into ranges of at most [`STRETCH_ROWS`].
fn stretches(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(STRETCH_ROWS).map(move |from| from..rows.min(from + STRETCH_ROWS))
}

impl Step {
    #[expect(clippy::cast_possible_truncation, reason = "a constant of type integer is whole")]
    fn constant(&self, value: f64, rows: usize) -> Column {
        let cells = match self.cell_type {
            CellType::Real => Cells::Real(vec![value; rows]),
            _ => Cells::integers(vec![value.round() as i64; rows]),
        };
        Column { name: self.name.clone(), unit: self.unit.clone(), cells, valid: None }
    }

    fn compute(
        &self,
        compiled: &Compiled,
        read: &[usize],
        frame: &Frame,
        threads: usize,
    ) -> Result<Column, ComputeError> {
        let read: Vec<&Column> = read.iter().map(|at| &frame.columns()[*at]).collect();
        let stretches: Vec<_> = stretches(frame.rows()).collect();
        let parts = done_by(threads, stretches.into_iter(), |rows| {
            let row = |row: usize| u32::try_from(row).expect("a table has fewer than 2^32 rows");
            let values = compiled.evaluate(&read, row(rows.start)..row(rows.end))?;
            values.into_cells(self.cell_type, rows.start)
        });
        let mut joined = Joined::new(self.cell_type);
        for part in parts {
            let (cells, valid) = part.map_err(|fault: Fault| ComputeError::NoValue {
                feature: self.name.clone(),
                subject: self.subject.clone(),
                key: frame
                    .columns()
                    .first()
                    .and_then(|c| c.text(fault.row))
                    .unwrap_or_default()
                    .to_owned(),
                fault,
            })?;
            joined.add(cells, &valid);
        }
        Ok(joined.finish(self))
    }
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

    fn finish(self, step: &Step) -> Column {
        let Self { cells, valid } = self;
        let cells = match (step.cell_type, cells) {
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
            name: step.name.clone(),
            unit: step.unit.clone(),
            cells,
            valid: (!all).then_some(valid),
        }
    }
}

/// The columns of an aggregate that is not split by values, where there is no row to aggregate: zeros for counts and
/// sums, else nothing.
#[must_use]
pub fn without_rows(feature: &FeatureDef, aggregate: &AggregateDef, rows: usize) -> Vec<Column> {
    let column = |item: Item<'_>| {
        let column = Column { name: item.name, ..missing(feature, rows) };
        let is_zero = recipe(aggregate).zero_when_empty;
        Column { valid: column.valid.filter(|_| !is_zero), ..column }
    };
    items(&feature.name, aggregate, None).into_iter().map(column).collect()
}

/// A column without any value.
#[must_use]
pub fn missing(feature: &FeatureDef, rows: usize) -> Column {
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
