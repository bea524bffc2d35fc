//! The slow way for Parquet: rows whose values are texts to parse, to look up, or to reject.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use playbook_model::MapType;

use crate::Result;
use crate::clock::OffsetReader;
use crate::error::{go_on, io, parquet};
use crate::intake::columns::{ColumnBuilders, ScratchWriter, schema_of};
use crate::intake::field::FieldReader;
use crate::intake::files::{SourceFile, digest};
use crate::intake::header::lacking;
use crate::intake::rejects::{Reject, raw_text};
use crate::intake::text::{ReadJob, ReadResult, type_row};

/// Reads all files of a Parquet source into a scratch file.
pub(crate) fn read_parquet(job: &ReadJob<'_>, scratch: &Path) -> Result<ReadResult> {
    let mut writer = ScratchWriter::create(scratch, &schema_of(job.fields))?;
    let mut result = ReadResult::default();
    for file in job.files {
        result.digests.push(digest(&file.path, job.cancel)?);
        read_file(job, file, &mut writer, &mut result)?;
    }
    writer.close()?;
    Ok(result)
}

fn read_file(
    job: &ReadJob<'_>,
    file: &SourceFile,
    writer: &mut ScratchWriter,
    result: &mut ReadResult,
) -> Result<()> {
    let input = File::open(&file.path).map_err(io("read", &file.path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(input).map_err(parquet(&file.path))?;
    let schema = Arc::clone(builder.schema());
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    for field in job.fields {
        if !field.optional && !names.contains(&field.from.as_str()) {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            return Err(lacking(job, &file.path, &field.from, &names, ""));
        }
    }
    let is_mapped = |name: &&&str| job.fields.iter().any(|f| f.from == **name);
    result.unmapped.extend(names.iter().filter(|n| !is_mapped(n)).map(|n| (*n).to_owned()));
    let stage = format!("read {}", job.source.name);
    let mut clock = job.clock.offsets();
    let reader = builder.with_batch_size(8192).build().map_err(parquet(&file.path))?;
    let mut row = 0;
    for batch in reader {
        go_on(job.cancel)?;
        let batch = batch.map_err(parquet(&file.path))?;
        let typed = type_batch(job, file, &batch, row, &mut clock, result)?;
        row += batch.num_rows() as u64;
        result.rows_kept += typed.num_rows() as u64;
        result.times_of_day |= clock.saw_time_of_day;
        writer.write(&typed)?;
        job.progress.advanced(&stage, batch.num_rows() as u64, None);
    }
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
    result: &mut ReadResult,
) -> Result<RecordBatch> {
    let mut fields = job.fields.to_vec();
    let mut inputs = Vec::with_capacity(fields.len());
    for field in &mut fields {
        let input = match batch.column_by_name(&field.from) {
            Some(column) => Some(texts(column, field, clock).map_err(parquet(&file.path))?),
            None => None,
        };
        inputs.push(input);
    }
    let mut builders = ColumnBuilders::new(job.fields);
    let mut rows = 0;
    for at in 0..batch.num_rows() {
        let raw = |field: usize| {
            let texts = inputs[field].as_ref();
            Ok(texts.filter(|texts| texts.is_valid(at)).map(|texts| texts.value(at).as_bytes()))
        };
        match type_row(&fields, raw, clock) {
            Ok(row) => {
                builders.push(&row);
                rows += 1;
            }
            Err((reason, counts)) => {
                let texts: Vec<_> = (0..inputs.len())
                    .map(|field| {
                        let text = raw(field).ok().flatten().unwrap_or_default();
                        String::from_utf8_lossy(text).into_owned()
                    })
                    .collect();
                let reject = Reject {
                    source: job.source.name.clone(),
                    file: file.name.clone(),
                    line: first_row + at as u64 + 1,
                    reason,
                    raw: raw_text(texts.join(",").as_bytes()),
                };
                result.rejects.push(reject, counts);
            }
        }
    }
    Ok(builders.finish(&schema_of(job.fields), rows))
}

/// Returns a column of the file as texts; its own times become unix-ms, and `field` reads them so.
fn texts(
    column: &ArrayRef,
    field: &mut FieldReader,
    clock: &mut OffsetReader<'_>,
) -> Result<StringArray, arrow::error::ArrowError> {
    let local = match column.data_type() {
        DataType::Timestamp(_, zone) if field.map_type == MapType::Time => zone.is_none(),
        DataType::Date32 | DataType::Date64 if field.map_type == MapType::Time => true,
        DataType::Float64 if field.map_type == MapType::Money => {
            let reals = column.as_primitive::<Float64Type>();
            return Ok(reals.iter().map(|real| real.map(decimal_text)).collect());
        }
        _ => return Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone()),
    };
    let stamps = cast(column, &DataType::Timestamp(TimeUnit::Millisecond, None))?;
    let mut ms = cast(&stamps, &DataType::Int64)?;
    if local {
        let walls = ms.as_primitive::<Int64Type>();
        let unix: Vec<i64> = walls.values().iter().map(|wall| clock.unix_ms(*wall)).collect();
        ms = Arc::new(Int64Array::new(unix.into(), walls.nulls().cloned()));
    }
    field.read_unix_ms();
    Ok(cast(&ms, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// The decimal that a binary number stands for, where it has at most six decimals; else its shortest text.
fn decimal_text(real: f64) -> String {
    let near = (real * 1e6).round() / 1e6;
    let is_near = (real - near).abs() <= real.abs() * 1e-12;
    if is_near { near.to_string() } else { real.to_string() }
}
