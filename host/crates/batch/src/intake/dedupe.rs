//! Repeated rows of a source: found by hashes of their keys, removed in the order of the files.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Int64Type, Schema};
use playbook_toml::{Dedupe, SourceDef, SourceTable};

use crate::error::engine;
use crate::intake::columns::ScratchWriter;
use crate::intake::{IntakeJob, MappedSource};
use crate::keys::texts;
use crate::Result;

const STAGE: &str = "duplicates";

/// Bits that a test of integer ids may take, per row and in all.
const BITS_PER_ROW_MAX: i64 = 64;
const BITS_MAX: i64 = 1 << 31;

/// Removes repeated rows of a source where the playbook asks for it.
pub(crate) fn remove_repeats(
    job: &IntakeJob<'_>,
    source: &SourceDef,
    mapped: &mut MappedSource,
    scratch: &Path,
) -> Result<()> {
    let Some(key) = key_sql(source, mapped) else { return Ok(()) };
    let view = &mapped.view;
    if source.dedupe == Dedupe::EventId && integers_are_distinct(job, view, &key)? {
        return Ok(());
    }
    let repeated = repeated_hashes(job, view, &key)?;
    if repeated.is_empty() {
        return Ok(());
    }
    let kept = keep_first(job, view, &key, &repeated, scratch)?;
    mapped.intake.duplicates = mapped.intake.rows_kept - kept;
    mapped.intake.rows_kept = kept;
    let context = &job.session.context;
    context.deregister_table(view.as_str()).map_err(engine(STAGE))?;
    job.session.register_parquet(view, &[scratch.to_owned()], None).map_err(engine(STAGE))?;
    Ok(())
}

/// SQL of the key by which rows are equal; rows without one are never repeats.
fn key_sql(source: &SourceDef, mapped: &MappedSource) -> Option<String> {
    match source.dedupe {
        Dedupe::None => None,
        Dedupe::EventId => mapped.fields.contains_key("event_id").then(|| "event_id".to_owned()),
        Dedupe::Content if source.table == SourceTable::Events => {
            let mut parts = vec!["CAST(member AS VARCHAR)", "kind", "CAST(time / 1000 AS VARCHAR)"];
            if mapped.fields.contains_key("object") {
                parts.push("coalesce(CAST(object AS VARCHAR), '')");
            }
            Some(parts.join(" || chr(31) || "))
        }
        Dedupe::Content => None,
    }
}

/// Whether integer keys that lie near together are all distinct; false where another test is needed.
fn integers_are_distinct(job: &IntakeJob<'_>, view: &str, key: &str) -> Result<bool> {
    let sql = format!("SELECT min({key}), max({key}), count({key}) FROM {view}");
    let batches = job.session.collect(STAGE, &sql)?;
    let Some(batch) = batches.first() else { return Ok(true) };
    if *batch.column(0).data_type() != DataType::Int64 {
        return Ok(false);
    }
    let value = |at: usize| {
        let column = batch.column(at).as_primitive::<Int64Type>();
        column.is_valid(0).then(|| column.value(0))
    };
    let (Some(least), Some(most), Some(rows)) = (value(0), value(1), value(2)) else { return Ok(true) };
    let Some(span) = most.checked_sub(least).and_then(|span| span.checked_add(1)) else { return Ok(false) };
    if span > BITS_MAX || span > rows.saturating_mul(BITS_PER_ROW_MAX) {
        return Ok(false);
    }
    let words = usize::try_from(span / 64 + 1).expect("the span is bounded");
    let mut seen = vec![0_u64; words];
    let mut distinct = true;
    let sql = format!("SELECT {key} FROM {view} WHERE {key} IS NOT NULL");
    job.session.stream(STAGE, &sql, &crate::Silent, |batch| {
        for value in batch.column(0).as_primitive::<Int64Type>().values() {
            let at = value.wrapping_sub(least).unsigned_abs();
            let word = &mut seen[usize::try_from(at / 64).expect("keys lie in the span")];
            distinct &= *word >> (at % 64) & 1 == 0;
            *word |= 1 << (at % 64);
        }
        Ok(())
    })?;
    Ok(distinct)
}

fn hash_of(key: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Calls `take` with the row and the hash of each key of a batch.
fn for_each_hash(batch: &RecordBatch, column: usize, mut take: impl FnMut(usize, u64)) {
    let keys = batch.column(column);
    if let Some(integers) = keys.as_primitive_opt::<Int64Type>() {
        for (row, key) in integers.iter().enumerate() {
            // An integer is its own hash, and ids that ascend are sorted in no time.
            key.into_iter().for_each(|key| take(row, key.cast_unsigned()));
        }
    } else {
        for (row, key) in texts(keys).iter().enumerate() {
            key.into_iter().for_each(|key| take(row, hash_of(key)));
        }
    }
}

/// Hashes that more than one row has.
fn repeated_hashes(job: &IntakeJob<'_>, view: &str, key: &str) -> Result<HashSet<u64>> {
    let mut hashes = Vec::new();
    let sql = format!("SELECT {key} AS key FROM {view}");
    job.session.stream(STAGE, &sql, &crate::Silent, |batch| {
        for_each_hash(&batch, 0, |_, hash| hashes.push(hash));
        Ok(())
    })?;
    hashes.sort();
    Ok(hashes.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect())
}

/// Writes the rows in the order of the files, of equal ones the first; returns how many.
fn keep_first(
    job: &IntakeJob<'_>,
    view: &str,
    key: &str,
    repeated: &HashSet<u64>,
    scratch: &Path,
) -> Result<u64> {
    let mut writer: Option<ScratchWriter> = None;
    let mut seen: HashSet<String> = HashSet::new();
    let mut kept = 0;
    let sql = format!("SELECT *, {key} AS repeat_key FROM {view}");
    job.session.stream_in_order(STAGE, &sql, |batch| {
        let last = batch.num_columns() - 1;
        let mut keep = vec![true; batch.num_rows()];
        let keys = texts(batch.column(last));
        for_each_hash(&batch, last, |row, hash| {
            if repeated.contains(&hash) && !seen.insert(keys.value(row).to_owned()) {
                keep[row] = false;
            }
        });
        let columns: Vec<usize> = (0..last).collect();
        let rows = batch.project(&columns).and_then(|b| filter_record_batch(&b, &BooleanArray::from(keep)));
        let rows = plain(&rows.map_err(|error| engine(STAGE)(error.into()))?)
            .map_err(|error| engine(STAGE)(error.into()))?;
        let writer = match &mut writer {
            Some(writer) => writer,
            None => writer.insert(ScratchWriter::create(scratch, &rows.schema())?),
        };
        kept += rows.num_rows() as u64;
        if rows.num_rows() > 0 {
            writer.write(&rows)?;
        }
        Ok(())
    })?;
    if let Some(writer) = writer {
        writer.close()?;
    }
    Ok(kept)
}

/// Texts of any kind as plain texts, so that all batches share one schema.
fn plain(batch: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let column = match field.data_type() {
            DataType::Int64 | DataType::Float64 => Arc::clone(column),
            _ => Arc::new(texts(column)),
        };
        fields.push(field.as_ref().clone().with_data_type(column.data_type().clone()).with_nullable(true));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}
