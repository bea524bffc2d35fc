//! Columns of the host to columns of the engine, a stretch of rows at a time.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field};
use playbook_model::{Cells, Column};

/// Rows of a stretch: bounds the memory that a conversion takes.
pub(crate) const STRETCH_ROWS: usize = 1 << 16;

/// The stretches of a table of `rows` rows.
pub(crate) fn stretches(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(STRETCH_ROWS).map(move |from| from..rows.min(from + STRETCH_ROWS))
}

/// Type of a column in the engine; categories are texts there.
pub(crate) fn data_type(column: &Column) -> DataType {
    match &column.cells {
        Cells::Real(_) => DataType::Float64,
        Cells::Integer(_) => DataType::Int64,
        Cells::Category { .. } | Cells::Text(_) => DataType::Utf8,
    }
}

/// The column as a field of a schema.
pub(crate) fn field(column: &Column) -> Field {
    Field::new(&column.name, data_type(column), true)
}

/// A stretch of a column.
pub(crate) fn array(column: &Column, rows: Range<usize>) -> ArrayRef {
    let nulls = column
        .valid
        .as_ref()
        .map(|valid| rows.clone().map(|row| valid.get(row)).collect::<NullBuffer>())
        .filter(|nulls| nulls.null_count() > 0);
    match &column.cells {
        Cells::Real(values) => Arc::new(Float64Array::new(values[rows].to_vec().into(), nulls)),
        Cells::Integer(values) => Arc::new(Int64Array::new(values[rows].to_vec().into(), nulls)),
        Cells::Category { .. } | Cells::Text(_) => {
            Arc::new(rows.map(|row| column.text(row)).collect::<StringArray>())
        }
    }
}
