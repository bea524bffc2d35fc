//! Values of columns against what an output declares.

use super::{Checked, same};
use crate::{CellType, Columns, Layout, Produce, TextCells, Wide};

/// Checks every value of the outputs of `table`; the lengths of the lists are right already.
pub(super) fn values<'a>(
    produces: impl Iterator<Item = &'a Produce>,
    layout: &Layout,
    rows: usize,
    columns: &Columns,
) -> Checked {
    for (at, (column, place)) in produces.zip(&layout.places).enumerate() {
        let valid = |row: usize| columns.is_valid(at, row, rows);
        let range = place.nth * rows..(place.nth + 1) * rows;
        match place.cell_type {
            CellType::Real => real(column, &columns.reals[range], valid)?,
            CellType::Integer | CellType::Category => {
                integer(column, &columns.integers[range], valid)?;
            }
            CellType::Text | CellType::Reals | CellType::Integers | CellType::Texts => {
                let list = columns.wides.as_ref().and_then(|wides| wides.get(place.nth));
                wide(column, list.ok_or("a wide column is absent")?, rows)?;
            }
        }
    }
    Ok(())
}

fn real(column: &Produce, values: &[f64], valid: impl Fn(usize) -> bool) -> Checked {
    // One pass without branches for the usual case; the slow pass only names the row.
    if !values.iter().fold(true, |all, v| all & v.is_finite()) {
        let row = values.iter().position(|v| !v.is_finite()).unwrap_or_default();
        return Err(format!("column `{}` row {row}: {} is not finite", column.name, values[row]));
    }
    let least = column.least.unwrap_or(f64::NEG_INFINITY);
    let most = column.most.unwrap_or(f64::INFINITY);
    if values.iter().fold(true, |all, v| all & (*v >= least) & (*v <= most)) {
        return Ok(());
    }
    match values.iter().enumerate().find(|(row, v)| (**v < least || **v > most) && valid(*row)) {
        None => Ok(()),
        Some((row, v)) => Err(outside(column, row, &v.to_string())),
    }
}

#[expect(clippy::cast_precision_loss, reason = "bounds of columns are far below 2^53")]
fn integer(column: &Produce, values: &[i64], valid: impl Fn(usize) -> bool) -> Checked {
    if column.cell_type == CellType::Category {
        let categories = column.categories.len();
        let known = |v: i64| usize::try_from(v).is_ok_and(|v| v < categories);
        return match values.iter().enumerate().find(|(row, v)| !known(**v) && valid(*row)) {
            None => Ok(()),
            Some((row, v)) => Err(format!(
                "column `{}` row {row}: {v} is no position in its {categories} categories",
                column.name
            )),
        };
    }
    if column.least.is_none() && column.most.is_none() {
        return Ok(());
    }
    let least = column.least.unwrap_or(f64::NEG_INFINITY);
    let most = column.most.unwrap_or(f64::INFINITY);
    let beyond = |v: i64| (v as f64) < least || (v as f64) > most;
    match values.iter().enumerate().find(|(row, v)| beyond(**v) && valid(*row)) {
        None => Ok(()),
        Some((row, v)) => Err(outside(column, row, &v.to_string())),
    }
}

fn outside(column: &Produce, row: usize, value: &str) -> String {
    let bound = |b: Option<f64>| b.map_or_else(|| "open".to_owned(), |b| b.to_string());
    format!(
        "column `{}` row {row}: {value} is outside {} to {}",
        column.name,
        bound(column.least),
        bound(column.most)
    )
}

fn wide(column: &Produce, cells: &Wide, rows: usize) -> Checked {
    let named = |text: String| format!("column `{}`: {text}", column.name);
    let checked = match (column.cell_type, cells) {
        (CellType::Text, Wide::Text(cells)) => texts(cells, rows),
        (CellType::Reals, Wide::Reals(cells)) => ends(&cells.ends, rows, cells.values.len())
            .and_then(|()| {
                if cells.values.iter().all(|v| v.is_finite()) {
                    Ok(())
                } else {
                    Err("a value is not finite".to_owned())
                }
            }),
        (CellType::Integers, Wide::Integers(cells)) => ends(&cells.ends, rows, cells.values.len()),
        (CellType::Texts, Wide::Texts(cells)) => ends(&cells.ends, rows, cells.values.ends.len())
            .and_then(|()| texts(&cells.values, cells.values.ends.len())),
        _ => Err(format!("another type than {}", column.cell_type.name())),
    };
    checked.map_err(named)
}

fn texts(cells: &TextCells, rows: usize) -> Checked {
    ends(&cells.ends, rows, cells.bytes.len())?;
    match (0..rows).find(|row| cells.get(*row).is_none()) {
        None => Ok(()),
        Some(row) => Err(format!("row {row} is not UTF-8")),
    }
}

/// Checks end offsets: one a row, never falling, the last one at the end.
fn ends(ends: &[u32], rows: usize, values: usize) -> Checked {
    same("ends", ends.len(), rows)?;
    if ends.windows(2).any(|pair| pair[0] > pair[1]) {
        return Err("end offsets fall".to_owned());
    }
    same("values", values, ends.last().map_or(0, |end| *end as usize))
}
