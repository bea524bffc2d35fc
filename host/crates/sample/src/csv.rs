//! Tables as delimited text: header, comma, point as decimal mark, empty where missing.

use std::io::Write as _;

use crate::table::{Cells, NO_CODE, NO_INTEGER, Table};

/// Returns the first line.
pub(crate) fn header(table: &Table) -> Vec<u8> {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let mut line = names.join(",").into_bytes();
    line.push(b'\n');
    line
}

/// Returns the rows. No value holds a comma or a quote, so that nothing is quoted.
pub(crate) fn rows(table: &Table) -> Vec<u8> {
    let mut text = Vec::with_capacity(table.rows() * 64);
    for row in 0..table.rows() {
        for (position, column) in table.columns.iter().enumerate() {
            if position > 0 {
                text.push(b',');
            }
            cell(&mut text, &column.cells, row);
        }
        text.push(b'\n');
    }
    text
}

fn cell(text: &mut Vec<u8>, cells: &Cells, row: usize) {
    let done = match cells {
        Cells::Integer(v) if v[row] == NO_INTEGER => Ok(()),
        Cells::Integer(v) => write!(text, "{}", v[row]),
        Cells::Real(v) if v[row].is_nan() => Ok(()),
        Cells::Real(v) => write!(text, "{}", v[row]),
        Cells::Code(v, _) if v[row] == NO_CODE => Ok(()),
        Cells::Code(v, names) => text.write_all(names[usize::from(v[row])].as_bytes()),
        Cells::Flag(v) => write!(text, "{}", v[row]),
        Cells::Hash(v) => write!(text, "{:016x}", v[row]),
    };
    done.expect("writing to memory cannot fail");
}
