//! Rows of a Parquet file that this program wrote, for rooms that know no Arrow. The file may come from anywhere, so it goes
//! through the same checks as every other.

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::errors::ParquetError;
use playbook_model::{Bitmap, Cells, Column, Frame, TextCells};

use crate::column_files::ColumnFile;
use crate::error::parquet;
use crate::{BatchError, Result};

/// Hands over the rows of a file in parts: texts, whole numbers and numbers.
///
/// # Errors
/// A file that cannot be read or contradicts itself, a column of another type, or that of `take`.
pub fn read_rows<E: From<BatchError>>(
    path: &Path,
    take: &mut dyn FnMut(Frame) -> Result<(), E>,
) -> Result<(), E> {
    let file = ColumnFile::open(path)?;
    let names: Vec<&str> =
        file.schema().fields().iter().map(|field| field.name().as_str()).collect();
    let survey = file.survey(&names, 1, &|_, _| {})?;
    let mut taken = Ok(());
    file.batches(&names, survey.repeated_bytes(), &mut |batch| {
        if taken.is_ok() {
            taken = take(frame(&batch).map_err(parquet(path))?);
        }
        Ok(())
    })?;
    taken
}

fn frame(batch: &RecordBatch) -> Result<Frame, ParquetError> {
    let mut frame = Frame::with_rows(batch.num_rows());
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        let cells = cells(array).ok_or_else(|| {
            let (name, found) = (field.name(), array.data_type());
            ParquetError::General(format!("column `{name}` holds {found}, which no export does"))
        })?;
        let valid = (array.null_count() > 0).then(|| {
            let mut valid = Bitmap::default();
            (0..array.len()).for_each(|row| valid.push(array.is_valid(row)));
            valid
        });
        frame.append(Column { name: field.name().clone(), unit: String::new(), cells, valid });
    }
    Ok(frame)
}

fn cells(array: &ArrayRef) -> Option<Cells> {
    let rows = 0..array.len();
    Some(match array.data_type() {
        DataType::Int64 => Cells::Integer(array.as_primitive::<Int64Type>().values().to_vec()),
        DataType::Float64 => Cells::Real(array.as_primitive::<Float64Type>().values().to_vec()),
        DataType::Utf8View => {
            let (texts, mut cells) = (array.as_string_view(), TextCells::default());
            rows.for_each(|row| {
                cells.push(if texts.is_valid(row) { texts.value(row) } else { "" })
            });
            Cells::Text(cells)
        }
        _ => return None,
    })
}
