//! Reads Parquet row by row, for files whose mapping is more than plain SQL or some of whose rows are rejects.
//! `direct` is the fast path.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use arrow::error::ArrowError;
use playbook_model::MapType;

use crate::column_files::ColumnFile;
use crate::error::{go_on, parquet};
use crate::intake::check_formats;
use crate::intake::columns::{ColumnBuilders, ScratchWriter, schema_of};
use crate::intake::decimal::decimal_text;
use crate::intake::derive::Derived;
use crate::intake::field::{FieldReader, Value};
use crate::intake::files::{SourceFile, digest};
use crate::intake::header::lacking;
use crate::intake::reading::{ReadJob, ReadResult};
use crate::intake::rejects::{REJECTS_KEPT_MAX, Refused, Reject, raw_text};
use crate::intake::text::type_row;
use crate::{BatchError, Result};
use playbook_features::OffsetReader;

/// Most bytes of text in a batch of the scratch file.
const TEXT_BYTES_MAX: usize = 32 << 20;

/// Reads all files of a Parquet source into a scratch file.
pub(crate) fn read_parquet(job: &ReadJob<'_>, scratch: &Path) -> Result<ReadResult> {
    let mut writer = ScratchWriter::create(scratch, &schema_of(job.fields))?;
    let mut result = ReadResult::default();
    for file in job.files {
        result.digests.push(digest(file.digested(), job.cancel)?);
        let opened = ColumnFile::open(&file.path)?;
        read_file(job, file, &opened, &mut writer, &mut result)?;
    }
    writer.close()?;
    Ok(result)
}

/// The columns of a file that the mapping reads, each once.
pub(crate) fn mapped_columns<'a>(
    source_name: &str,
    file: &ColumnFile,
    fields: &'a [FieldReader],
) -> Result<Vec<&'a str>> {
    let mut columns: Vec<&str> = Vec::new();
    for field in fields {
        let named = file.schema().fields().iter().filter(|found| *found.name() == field.from);
        match named.count() {
            0 => {}
            1 if columns.contains(&field.from.as_str()) => {}
            1 => columns.push(&field.from),
            _ => {
                return Err(BatchError::ColumnTwice {
                    source_name: source_name.to_owned(),
                    path: file.path().to_owned(),
                    field: field.from.clone(),
                });
            }
        }
    }
    Ok(columns)
}

fn read_file(
    job: &ReadJob<'_>,
    file: &SourceFile,
    opened: &ColumnFile,
    writer: &mut ScratchWriter,
    result: &mut ReadResult,
) -> Result<()> {
    check_formats(job.source, opened.schema())?;
    let columns = mapped_columns(&job.source.name, opened, job.inputs)?;
    let names: Vec<String> = opened.schema().fields().iter().map(|f| f.name().clone()).collect();
    let absent = |field: &&FieldReader| !columns.contains(&field.from.as_str());
    if let Some(field) = job.inputs.iter().filter(|field| !field.optional).find(absent) {
        return Err(lacking(job, &file.path, &field.from, &names, ""));
    }
    result.unmapped.extend(names.into_iter().filter(|name| !columns.contains(&name.as_str())));
    let survey = opened.survey(&columns, job.threads, &|_, _| {})?;
    let stage = format!("read {}", job.source.name);
    let mut clock = job.clock.offsets();
    let mut row = 0;
    opened.batches(&columns, survey.repeated_bytes(), &mut |batch| {
        go_on(job.cancel)?;
        type_batch(job, file, &batch, row, &mut clock, writer, result)?;
        row += batch.num_rows() as u64;
        job.progress.advanced(&stage, batch.num_rows() as u64, None);
        Ok(())
    })?;
    result.rows_read += row;
    job.progress.finished(&stage);
    Ok(())
}

fn type_batch(
    job: &ReadJob<'_>,
    file: &SourceFile,
    batch: &RecordBatch,
    first_row: u64,
    clock: &mut OffsetReader<'_>,
    writer: &mut ScratchWriter,
    result: &mut ReadResult,
) -> Result<()> {
    let mut readers = job.inputs.to_vec();
    let mut inputs = Vec::with_capacity(readers.len());
    for reader in &mut readers {
        let input = match batch.column_by_name(&reader.from) {
            Some(column) => Some(texts(column, reader, clock).map_err(parquet(&file.path))?),
            None => None,
        };
        inputs.push(input);
    }
    let (derived, fields) = match job.derivation {
        None => (Derived::as_they_are(inputs), readers),
        Some(derivation) => {
            let mut fields = job.fields.to_vec();
            derivation.put_inputs(&readers, &mut fields);
            (derivation.derive(inputs, batch.num_rows()), fields)
        }
    };
    let schema = schema_of(job.fields);
    let mut builders = ColumnBuilders::new(job.fields);
    let (mut rows, mut text_bytes) = (0, 0);
    for at in 0..batch.num_rows() {
        match type_row(&fields, |field| derived.field(field, at), clock) {
            Ok(row) => {
                builders.push(&row);
                rows += 1;
                text_bytes += row.iter().map(bytes_of).sum::<usize>();
            }
            Err(Refused { reason, counts, value }) => {
                let is_kept = result.rejects.kept.len() < REJECTS_KEPT_MAX;
                let shown = if is_kept { job.inputs.len() } else { 0 };
                let text = |input| derived.value(input, at).map_or_else(String::new, raw_text);
                let texts = (0..shown).map(text);
                let reject = Reject {
                    source: job.source.name.clone(),
                    file: file.name.clone(),
                    line: first_row + at as u64 + 1,
                    reason,
                    value,
                    raw: raw_text(texts.collect::<Vec<_>>().join(",").as_bytes()),
                };
                result.rejects.push(reject, counts);
            }
        }
        if text_bytes > TEXT_BYTES_MAX {
            let full = std::mem::replace(&mut builders, ColumnBuilders::new(job.fields));
            writer.write(&full.finish(&schema, rows))?;
            result.rows_kept += rows as u64;
            (rows, text_bytes) = (0, 0);
        }
    }
    result.rows_kept += rows as u64;
    writer.write(&builders.finish(&schema, rows))
}

fn bytes_of(value: &Value<'_>) -> usize {
    if let Value::Text(text) = value { text.len() } else { 0 }
}

/// Returns a column of the file as texts; a text column is not copied. Timestamps become unix-ms, and `field` is
/// changed to read that.
fn texts(
    column: &ArrayRef,
    field: &mut FieldReader,
    clock: &mut OffsetReader<'_>,
) -> Result<BinaryViewArray, ArrowError> {
    let local = match column.data_type() {
        DataType::Timestamp(_, zone) if field.map_type == MapType::Time => zone.is_none(),
        DataType::Date32 | DataType::Date64 if field.map_type == MapType::Time => true,
        DataType::Float64 if field.map_type == MapType::Money => {
            let reals = column.as_primitive::<Float64Type>();
            let texts: StringArray = reals.iter().map(|real| real.map(decimal_text)).collect();
            return viewed(&texts);
        }
        DataType::Utf8View => return Ok(column.as_string_view().clone().to_binary_view()),
        DataType::Dictionary(_, texts)
            if matches!(**texts, DataType::Utf8 | DataType::LargeUtf8) =>
        {
            let texts = cast(column, &DataType::Utf8View)?;
            return Ok(texts.as_string_view().clone().to_binary_view());
        }
        DataType::BinaryView => return Ok(column.as_binary_view().clone()),
        DataType::FixedSizeBinary(_) => return viewed(&cast(column, &DataType::Binary)?),
        _ => return viewed(&cast(column, &DataType::Utf8)?),
    };
    let stamps = cast(column, &DataType::Timestamp(TimeUnit::Millisecond, None))?;
    let mut ms = cast(&stamps, &DataType::Int64)?;
    if local {
        let walls = ms.as_primitive::<Int64Type>();
        let unix: Vec<i64> = walls.values().iter().map(|wall| clock.unix_ms(*wall)).collect();
        ms = Arc::new(Int64Array::new(unix.into(), walls.nulls().cloned()));
    }
    field.read_unix_ms();
    viewed(&cast(&ms, &DataType::Utf8)?)
}

fn viewed(texts: &dyn Array) -> Result<BinaryViewArray, ArrowError> {
    Ok(cast(texts, &DataType::BinaryView)?.as_binary_view().clone())
}
