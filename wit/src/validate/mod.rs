//! Holds answers against the shape; what breaks the contract is described by column and row.

mod plan;
mod shape;
mod values;

use std::collections::HashSet;

use crate::{
    Batch, Factor, Finding, FitStep, Layouts, Minor, NONE_INDEX, Place, Produce, Proposals,
    RowAnswer, Segments, Shape, TableAnswer,
};

pub use shape::{check_description, check_shape};
use values::values;

/// What is wrong with an answer, in words.
type Checked = Result<(), String>;

/// A shape with its layouts: what answers are held against, in the sandbox, natively and in the conformance run.
#[derive(Debug, Clone, Default)]
pub struct Validator {
    shape: Shape,
    layouts: Layouts,
}

fn same(list: &str, found: usize, wanted: usize) -> Checked {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("list `{list}` has {found} entries, {wanted} are declared"))
    }
}

impl Validator {
    /// Prepares what answers under `shape` are held against.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        let layouts = Layouts::of(&shape);
        Self { shape, layouts }
    }

    /// The shape.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Its layouts.
    #[must_use]
    pub fn layouts(&self) -> &Layouts {
        &self.layouts
    }

    /// Holds the host's own batch against what the plugin asked for.
    ///
    /// # Errors
    /// What does not fit, in words; as all checks here.
    pub fn batch(&self, batch: &Batch) -> Checked {
        let layout = self.layouts.rows.as_ref().ok_or("the shape streams no rows")?;
        layout.check(batch.rows as usize, &batch.columns)
    }

    /// Holds scores of rows, or what a diagnosis says of screened rows.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn row_answer(&self, rows: u32, answer: &RowAnswer) -> Checked {
        let (layout, rows) = (&self.layouts.row_outputs, rows as usize);
        layout.check(rows, &answer.columns)?;
        values(self.outputs(None), layout, rows, &answer.columns)?;
        if !answer.reasons.is_empty() {
            same("reasons", answer.reasons.len(), rows)?;
            indices_or_none("reasons", &answer.reasons, self.shape.reasons.len())?;
        }
        Ok(())
    }

    fn outputs(&self, table: Option<u32>) -> impl Iterator<Item = &Produce> {
        self.shape.produces.iter().filter(move |p| p.table == table)
    }

    /// Holds segments of rows.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn segments(&self, rows: u32, answer: &Segments) -> Checked {
        same("segment", answer.segment.len(), rows as usize)?;
        indices_or_none("segment", &answer.segment, self.shape.segments.len())?;
        self.row_answer(rows, &answer.answer)
    }

    /// Holds proposals for rows.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn proposals(&self, rows: u32, answer: &Proposals) -> Checked {
        let count = answer.row.len();
        same("action", answer.action.len(), count)?;
        same("quantity", answer.quantity.len(), count)?;
        same("cost", answer.cost.len(), count)?;
        same("expected-output", answer.expected_output.len(), count)?;
        same("reason", answer.reason.len(), count)?;
        for (list, times) in [("after-min", &answer.after_min), ("until-min", &answer.until_min)] {
            if !times.is_empty() {
                same(list, times.len(), count)?;
            }
        }
        indices("row", &answer.row, rows as usize)?;
        if answer.row.windows(2).any(|pair| pair[0] > pair[1]) {
            return Err("list `row` does not ascend".to_owned());
        }
        indices("action", &answer.action, self.shape.actions.len())?;
        indices("reason", &answer.reason, self.shape.reasons.len())?;
        for (list, amounts) in [
            ("quantity", &answer.quantity),
            ("cost", &answer.cost),
            ("expected-output", &answer.expected_output),
        ] {
            if let Some(at) = amounts.iter().position(|a| *a < 0) {
                return Err(format!("list `{list}` entry {at}: {} is negative", amounts[at]));
            }
        }
        if let Some(at) = answer.after_min.iter().position(|after| *after == NONE_INDEX) {
            return Err(format!("list `after-min` entry {at}: none-index is no minute"));
        }
        let ends = |at: &usize| answer.until(*at).is_some_and(|until| until < answer.after(*at));
        match (0..count).find(ends) {
            None => Ok(()),
            Some(at) => Err(format!("proposal {at} ends before it begins")),
        }
    }

    /// Holds the parts of an explanation.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn factors(&self, factors: &[Factor]) -> Checked {
        let inputs = self.shape.rows.as_ref().map_or(0, |r| r.columns.len());
        let is_of_rows = |at: u32| {
            self.shape.produces.get(at as usize).is_some_and(|produce| produce.table.is_none())
        };
        for (at, f) in factors.iter().enumerate() {
            if f.input as usize >= inputs || !is_of_rows(f.output) {
                return Err(format!("factor {at} names no input or output of the rows"));
            }
            if !f.contribution.is_finite() {
                return Err(format!("factor {at} is not finite"));
            }
        }
        Ok(())
    }

    /// Holds values or a diagnosis of whole tables, which have as many rows as `tables` says.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn table_answer(&self, tables: &[u32], answer: &TableAnswer) -> Checked {
        same("tables", answer.tables.len(), self.shape.tables.len())?;
        for ((at, columns), rows) in (0_u32..).zip(&answer.tables).zip(tables) {
            let (layout, rows) = (&self.layouts.table_outputs[at as usize], *rows as usize);
            layout
                .check(rows, columns)
                .and_then(|()| values(self.outputs(Some(at)), layout, rows, columns))
                .map_err(|text| format!("table {at}: {text}"))?;
        }
        self.findings(tables, &answer.findings)?;
        for (at, t) in answer.transfers.iter().enumerate() {
            place(tables, Place { table: t.table, row: t.from_row })
                .and_then(|()| place(tables, Place { table: t.table, row: t.to_row }))
                .and_then(|()| amount(t.amount))
                .and_then(|()| indices("reason", &[t.reason], self.shape.reasons.len()))
                .map_err(|text| format!("transfer {at}: {text}"))?;
            if t.from_row == t.to_row {
                return Err(format!("transfer {at} gives to the row that it takes from"));
            }
        }
        Ok(())
    }

    fn findings(&self, tables: &[u32], findings: &[Finding]) -> Checked {
        for (at, f) in findings.iter().enumerate() {
            let checked = || {
                indices("reason", &[f.reason], self.shape.reasons.len())?;
                indices("suggests", &f.suggests, self.shape.actions.len())?;
                if let Some(at) = f.place {
                    place(tables, at)?;
                }
                finite("value", f.value)?;
                finite("threshold", f.threshold)
            };
            checked().map_err(|text: String| format!("finding {at}: {text}"))?;
        }
        Ok(())
    }
}

/// Holds what a pass of a fit came to.
///
/// # Errors
/// What does not fit, in words.
pub fn check_fit_step(step: &FitStep) -> Checked {
    match step {
        FitStep::Again(_) | FitStep::Refused(_) => Ok(()),
        FitStep::Model(fitted) => {
            fitted.measures.iter().try_for_each(|m| finite(&m.name, Some(m.value)))?;
            unique("measure", fitted.measures.iter().map(|m| &m.name))
        }
    }
}

fn first_bad(list: &str, found: &[u32], known: usize, good: impl Fn(u32) -> bool) -> Checked {
    match found.iter().enumerate().find(|(_, i)| !good(**i)) {
        None => Ok(()),
        Some((at, i)) => Err(format!("list `{list}` entry {at}: {i} is no position in {known}")),
    }
}

fn indices(list: &str, found: &[u32], known: usize) -> Checked {
    first_bad(list, found, known, |i| (i as usize) < known)
}

fn indices_or_none(list: &str, found: &[u32], known: usize) -> Checked {
    first_bad(list, found, known, |i| (i as usize) < known || i == NONE_INDEX)
}

fn finite(name: &str, value: Option<f64>) -> Checked {
    if value.is_none_or(f64::is_finite) { Ok(()) } else { Err(format!("`{name}` is not finite")) }
}

fn place(tables: &[u32], place: Place) -> Checked {
    match tables.get(place.table as usize) {
        Some(rows) if place.row < *rows => Ok(()),
        _ => Err(format!("there is no table {} with a row {}", place.table, place.row)),
    }
}

fn amount(amount: Minor) -> Checked {
    if amount >= 0 { Ok(()) } else { Err(format!("amount {amount} is negative")) }
}

fn at_most(list: &str, found: usize, max: usize) -> Checked {
    if found <= max {
        Ok(())
    } else {
        Err(format!("list `{list}` has {found} entries, at most {max} are allowed"))
    }
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Checked {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("{what} `{name}` is declared twice"));
        }
    }
    Ok(())
}
