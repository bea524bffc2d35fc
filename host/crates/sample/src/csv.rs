//! Cells of a table as text: point as decimal mark, empty where missing.

use std::fmt::Write as _;
use std::path::Path;

use playbook_files::{Csv, FileError};

use crate::table::{Cells, NO_CODE, NO_INTEGER, Table};

/// Returns the first line of the file at `path`.
pub(crate) fn header(table: &Table, path: &Path) -> Result<Vec<u8>, FileError> {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    Csv::over(Vec::new(), path, &names)?.finish()
}

/// Returns the rows, to be appended to the file at `path`.
pub(crate) fn rows(table: &Table, path: &Path) -> Result<Vec<u8>, FileError> {
    let mut csv = Csv::rows_over(Vec::with_capacity(table.rows() * 64), path);
    // One text for all cells: a new one for each would take as long as writing them.
    let mut text = String::new();
    for row in 0..table.rows() {
        for column in &table.columns {
            text.clear();
            write_cell(&mut text, &column.cells, row);
            csv.cell(&text)?;
        }
        csv.end_row()?;
    }
    csv.finish()
}

fn write_cell(text: &mut String, cells: &Cells, row: usize) {
    let done = match cells {
        Cells::Integer(v) if v[row] == NO_INTEGER => Ok(()),
        Cells::Integer(v) => write!(text, "{}", v[row]),
        Cells::Real(v) if v[row].is_nan() => Ok(()),
        Cells::Real(v) => write!(text, "{}", v[row]),
        Cells::Code(v, _) if v[row] == NO_CODE => Ok(()),
        Cells::Code(v, names) => text.write_str(names[usize::from(v[row])]),
        Cells::Flag(v) => write!(text, "{}", v[row]),
        Cells::Hash(v) => write!(text, "{:016x}", v[row]),
    };
    done.expect("writing to memory cannot fail");
}
