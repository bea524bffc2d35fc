//! Repeated rows of a source: found by hashes of their keys, removed in the order of the files.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::datasource::MemTable;
use playbook_features::quote_name;
use playbook_toml::{Dedupe, SourceDef, SourceTable};

use crate::Result;
use crate::error::engine;
use crate::intake::{IntakeJob, MappedSource};
use crate::keys::{for_each_hash, register_among, texts};

const STAGE: &str = "duplicates";

/// Bits that a test of integer ids may take, per row and in all.
const BITS_PER_ROW_MAX: i64 = 64;
const BITS_MAX: i64 = 1 << 31;

/// Removes repeated rows of a source where the playbook asks for it: a view leaves out every row whose key any
/// other row has, and adds the first of each, in the order of the files.
pub(crate) fn remove_repeats(
    job: &IntakeJob<'_>,
    source: &SourceDef,
    number: usize,
    mapped: &mut MappedSource,
) -> Result<()> {
    let Some(key) = key_sql(source, mapped) else { return Ok(()) };
    let view = mapped.view.clone();
    let repeated = match integers_near_together(job, &view, &key)? {
        Some(repeated) => repeated,
        None => repeated_hashes(job, &view, &key)?,
    };
    if repeated.is_empty() {
        return Ok(());
    }
    let is_repeat = format!("is_repeat_{number}");
    register_among(job.session, &is_repeat, repeated);
    let (kept, repeats) = first_of_each(job, &view, &key, &is_repeat)?;
    let kept_rows: usize = kept.iter().map(RecordBatch::num_rows).sum();
    mapped.intake.duplicates = repeats - kept_rows as u64;
    mapped.intake.rows_kept -= mapped.intake.duplicates;
    let Some(first) = kept.first() else { return Ok(()) };
    let columns: Vec<String> = first.schema().fields().iter().map(|f| quote_name(f.name())).collect();
    let columns = columns.join(", ");
    let firsts = format!("{view}_firsts");
    let table = MemTable::try_new(first.schema(), vec![kept]).map_err(engine(STAGE))?;
    job.session.context.register_table(&firsts, Arc::new(table)).map_err(engine(STAGE))?;
    let sql = format!(
        "SELECT {columns} FROM {view} WHERE NOT {is_repeat}({key}) UNION ALL SELECT {columns} FROM {firsts}"
    );
    job.session.replace_view(&view, &sql)?;
    job.session.forget(&firsts)
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

/// The repeated ones of integer keys that lie near together; `None` where another test is needed.
fn integers_near_together(job: &IntakeJob<'_>, view: &str, key: &str) -> Result<Option<HashSet<u64>>> {
    let sql = format!("SELECT min({key}), max({key}), count({key}) FROM {view}");
    let batches = job.session.collect(STAGE, &sql)?;
    let Some(batch) = batches.first() else { return Ok(Some(HashSet::new())) };
    if *batch.column(0).data_type() != DataType::Int64 {
        return Ok(None);
    }
    let value = |at: usize| {
        let column = batch.column(at).as_primitive::<Int64Type>();
        column.is_valid(0).then(|| column.value(0))
    };
    let (Some(least), Some(most), Some(rows)) = (value(0), value(1), value(2)) else {
        return Ok(Some(HashSet::new()));
    };
    let Some(span) = most.checked_sub(least).and_then(|span| span.checked_add(1)) else { return Ok(None) };
    if span > BITS_MAX || span > rows.saturating_mul(BITS_PER_ROW_MAX) {
        return Ok(None);
    }
    let words = usize::try_from(span / 64 + 1).expect("the span is bounded");
    let mut seen = vec![0_u64; words];
    let mut repeated = HashSet::new();
    let sql = format!("SELECT {key} FROM {view} WHERE {key} IS NOT NULL");
    job.session.stream(STAGE, &sql, &crate::Silent, |batch| {
        for value in batch.column(0).as_primitive::<Int64Type>().values() {
            let at = value.wrapping_sub(least).unsigned_abs();
            let word = &mut seen[usize::try_from(at / 64).expect("keys lie in the span")];
            if *word >> (at % 64) & 1 == 1 {
                repeated.insert(value.cast_unsigned());
            }
            *word |= 1 << (at % 64);
        }
        Ok(())
    })?;
    Ok(Some(repeated))
}

/// Hashes that more than one row has.
fn repeated_hashes(job: &IntakeJob<'_>, view: &str, key: &str) -> Result<HashSet<u64>> {
    let sql = format!("SELECT {key} AS key FROM {view}");
    let parts = job.session.fold(STAGE, &sql, |hashes: &mut Vec<u64>, batch| {
        for_each_hash(batch.column(0), |_, hash| hashes.push(hash));
    })?;
    let mut hashes = parts.concat();
    drop(parts);
    // Ids that ascend in the files are sorted by merging a few runs.
    hashes.sort();
    Ok(hashes.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect())
}

/// The first row of each repeated key in the order of the files, and how many rows have such keys.
fn first_of_each(
    job: &IntakeJob<'_>,
    view: &str,
    key: &str,
    is_repeat: &str,
) -> Result<(Vec<RecordBatch>, u64)> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut kept = Vec::new();
    let mut repeats = 0;
    let sql = format!("SELECT *, {key} AS repeat_key FROM {view} WHERE {is_repeat}({key})");
    job.session.stream_in_order(STAGE, &sql, |batch| {
        let last = batch.num_columns() - 1;
        repeats += batch.num_rows() as u64;
        let keys = texts(batch.column(last));
        let keep: BooleanArray =
            keys.iter().map(|key| Some(key.is_none_or(|key| seen.insert(key.to_owned())))).collect();
        let columns: Vec<usize> = (0..last).collect();
        let rows = batch.project(&columns).and_then(|rows| filter_record_batch(&rows, &keep));
        kept.push(rows.map_err(|error| engine(STAGE)(error.into()))?);
        Ok(())
    })?;
    Ok((kept, repeats))
}
