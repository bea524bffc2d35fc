//! The first rows of a Parquet file as texts.

use std::io::Read as _;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use playbook_model::SourceFormat;

use super::sample::{Cells, Seen};
use super::{Limits, Sure};
use crate::Result;
use crate::column_files::ColumnFile;
use crate::error::{io, parquet as fault};
use crate::intake::decimal::decimal_text;

/// How such a file begins.
const MARK: &[u8] = b"PAR1";

/// Whether a file begins as Parquet does.
pub(super) fn is_parquet(path: &Path) -> Result<bool> {
    let mut first = Vec::new();
    let file = playbook_files::open_regular(path)?;
    file.take(MARK.len() as u64).read_to_end(&mut first).map_err(io("read", path))?;
    Ok(first == MARK)
}

/// Reads the first rows.
pub(super) fn read(path: &Path, limits: Limits) -> Result<Seen> {
    let file = ColumnFile::open(path)?;
    let fields = file.schema().fields().clone();
    let rows_max = limits.rows.min(limits.cells / fields.len().max(1)).max(1);
    let rows = file.rows().min(rows_max);
    let mut columns: Vec<Cells> = fields.iter().map(|f| Cells::named(f.name())).collect();
    for (column, field) in columns.iter_mut().zip(&fields) {
        if field.data_type().is_nested() {
            column.compound = rows as u64;
            continue;
        }
        column.times = is_time(field.data_type());
        // A column at a time: what is read at once is bounded by rows of that column alone.
        file.first_rows(&[field.name()], rows_max, &mut |batch| {
            let texts = texts(batch.column(0)).map_err(fault(path))?;
            texts.iter().flatten().for_each(|text| column.push(text.trim()));
            Ok(())
        })?;
    }
    Ok(Seen {
        packing: None,
        format: SourceFormat::Parquet,
        format_sure: Sure::Sure,
        encoding: None,
        encoding_sure: Sure::Sure,
        rows,
        whole: rows == file.rows(),
        broken_rows: 0,
        columns,
        limits,
    })
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
}

/// A column as texts; a real as the decimal that it stands for, as amounts are read.
fn texts(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    if let DataType::Float64 = column.data_type() {
        let reals = column.as_primitive::<Float64Type>();
        return Ok(reals.iter().map(|real| real.map(decimal_text)).collect());
    }
    let texts = match column.data_type() {
        // Bytes that are no text are shown as what they are.
        DataType::FixedSizeBinary(_) => cast(&cast(column, &DataType::Binary)?, &DataType::Utf8)?,
        _ => cast(column, &DataType::Utf8)?,
    };
    Ok(texts.as_string::<i32>().clone())
}
