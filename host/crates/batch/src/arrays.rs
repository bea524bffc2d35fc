//! Converts columns of the host to Arrow arrays, a range of rows at a time.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, StringArray, UInt32Array};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field};
use playbook_model::{Cells, Column, TextCells};

/// Rows that are converted at once, which bounds the memory that it takes.
pub(crate) const STRETCH_ROWS: usize = 1 << 16;

/// Cuts rows into ranges of at most [`STRETCH_ROWS`].
pub(crate) fn stretches(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = rows.end;
    rows.step_by(STRETCH_ROWS).map(move |from| from..end.min(from + STRETCH_ROWS))
}

/// Type of a column in the engine; categories are texts there.
pub(crate) fn data_type(column: &Column) -> DataType {
    match &column.cells {
        Cells::Real(_) => DataType::Float64,
        Cells::Integer(_) | Cells::Small(_) => DataType::Int64,
        Cells::Category { .. } | Cells::Text(_) => DataType::Utf8,
    }
}

/// The column as a field of a schema.
pub(crate) fn field(column: &Column) -> Field {
    Field::new(&column.name, data_type(column), true)
}

/// A whole column as an array; a category as a dictionary array.
pub(crate) fn whole(column: &Column) -> ArrayRef {
    dictionary(column, 0..column.cells.len())
}

/// A range of a column as an array; a category as a dictionary array.
pub(crate) fn dictionary(column: &Column, rows: Range<usize>) -> ArrayRef {
    let Cells::Category { codes, names } = &column.cells else { return array(column, rows) };
    let keys = UInt32Array::new(codes[rows.clone()].to_vec().into(), nulls(column, &rows));
    let names = StringArray::from_iter_values(names.iter());
    Arc::new(DictionaryArray::try_new(keys, Arc::new(names)).expect("codes lie among the names"))
}

/// Which of some rows are missing; `None` where none is.
fn nulls(column: &Column, rows: &Range<usize>) -> Option<NullBuffer> {
    let valid = column.valid.as_ref()?;
    // The host's bitmap has Arrow's layout: the first row in the lowest bit.
    let bytes = valid.bytes()[rows.start / 8..rows.end.div_ceil(8)].to_vec();
    let bits = BooleanBuffer::new(bytes.into(), rows.start % 8, rows.len());
    Some(NullBuffer::new(bits)).filter(|nulls| nulls.null_count() > 0)
}

/// A range of texts; their bytes have Arrow's layout already.
fn texts(cells: &TextCells, rows: Range<usize>, nulls: Option<NullBuffer>) -> StringArray {
    let start = if rows.start == 0 { 0 } else { cells.ends[rows.start - 1] };
    let ends = &cells.ends[rows];
    let offset = |end: &u32| i32::try_from(end - start).expect("a stretch holds less than 2 GiB");
    let offsets: Vec<i32> = [0].into_iter().chain(ends.iter().map(offset)).collect();
    let bytes = &cells.bytes[start as usize..ends.last().map_or(start, |end| *end) as usize];
    StringArray::try_new(OffsetBuffer::new(offsets.into()), bytes.to_vec().into(), nulls)
        .expect("texts are UTF-8")
}

/// A range of a column as an array; a category as texts.
pub(crate) fn array(column: &Column, rows: Range<usize>) -> ArrayRef {
    let nulls = nulls(column, &rows);
    match &column.cells {
        Cells::Real(values) => Arc::new(Float64Array::new(values[rows].to_vec().into(), nulls)),
        Cells::Integer(values) => Arc::new(Int64Array::new(values[rows].to_vec().into(), nulls)),
        Cells::Small(values) => {
            let values: Vec<i64> = values[rows].iter().map(|value| i64::from(*value)).collect();
            Arc::new(Int64Array::new(values.into(), nulls))
        }
        Cells::Text(cells) => Arc::new(texts(cells, rows, nulls)),
        Cells::Category { .. } => {
            Arc::new(rows.map(|row| column.text(row)).collect::<StringArray>())
        }
    }
}
