//! Bounds on what goes in: rows of batches and tables.

use playbook_model::{Batch, Validator};

use crate::RuntimeError;

/// Most rows of a batch or table.
const ROWS_MAX: u32 = 65_536;

/// Checks the tables of an opening or a fit against the shape.
pub(crate) fn check_tables(validator: &Validator, tables: &[Batch]) -> Result<(), RuntimeError> {
    tables.iter().try_for_each(|table| check_rows(table.rows))?;
    validator.layouts().check_tables(tables).map_err(|detail| RuntimeError::Input { detail })
}

/// Checks the number of rows of a batch or table.
pub(crate) fn check_rows(rows: u32) -> Result<(), RuntimeError> {
    if rows <= ROWS_MAX {
        Ok(())
    } else {
        Err(RuntimeError::Input { detail: format!("{rows} rows, at most {ROWS_MAX} go at once") })
    }
}
