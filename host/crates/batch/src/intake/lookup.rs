//! Lookups: tables of the brand, each a hash table in memory, with which sources are joined.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use foldhash::fast::FixedState;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use playbook_cycle::{IntakeFinding, SourceIntake};
use playbook_model::{LookupDef, SourceFormat};

use crate::error::{io, parquet};
use crate::intake::columns::schema_of;
use crate::intake::job::IntakeJob;
use crate::intake::rejects::RejectTally;
use crate::intake::text::{ReadJob, read_text};
use crate::intake::{empty_files, field_readers, files, parquet_rows};
use crate::{BatchError, Result};

/// Bytes that one lookup may take in memory.
const LOOKUP_BYTES_MAX: usize = 512 << 20;

/// A lookup as a hash table: the build side of the join.
#[derive(Debug)]
pub(crate) struct Lookup {
    /// Row number by key; keys are trimmed.
    rows: HashMap<Box<str>, usize, FixedState>,
    /// The columns that sources use.
    columns: BTreeMap<String, StringArray>,
}

impl Lookup {
    /// The row number of a key.
    pub(crate) fn row(&self, key: &[u8]) -> Option<usize> {
        self.rows.get(std::str::from_utf8(key).ok()?).copied()
    }

    pub(crate) fn column(&self, name: &str) -> Option<&StringArray> {
        self.columns.get(name)
    }
}

/// Counts and rejects of reading a lookup.
#[derive(Debug)]
pub(crate) struct LookupIntake {
    pub(crate) intake: SourceIntake,
    pub(crate) rejects: RejectTally,
    pub(crate) findings: Vec<IntakeFinding>,
}

/// Reads all lookups of the playbook.
pub(crate) fn read_lookups(
    job: &IntakeJob<'_>,
) -> Result<(BTreeMap<String, Lookup>, Vec<LookupIntake>)> {
    let (mut lookups, mut intakes) = (BTreeMap::new(), Vec::new());
    for (number, definition) in job.playbook.lookups.iter().enumerate() {
        let scratch = job.scratch.join(format!("lookup_{number}.parquet"));
        let (lookup, intake) = read_lookup(job, definition, &scratch)?;
        lookups.insert(definition.source.name.clone(), lookup);
        intakes.push(intake);
    }
    Ok((lookups, intakes))
}

fn read_lookup(
    job: &IntakeJob<'_>,
    definition: &LookupDef,
    scratch: &Path,
) -> Result<(Lookup, LookupIntake)> {
    let source = &definition.source;
    let found = files::of_source(source, job.places, job.taken)?;
    let fields = field_readers(job.playbook, source)?;
    let read_job = ReadJob {
        source,
        files: &found,
        inputs: &fields,
        fields: &fields,
        derivation: None,
        clock: job.clock,
        threads: job.threads,
        cancel: job.cancel,
        progress: job.progress,
    };
    let mut result = match source.format {
        SourceFormat::Parquet => parquet_rows::read_parquet(&read_job, scratch)?,
        _ => read_text(&read_job, scratch)?,
    };
    let intake = SourceIntake {
        name: source.name.clone(),
        files: found.into_iter().map(|file| file.name).zip(result.digests).collect(),
        rows_read: result.rows_read,
        rows_kept: result.rows_kept,
        unmapped_fields: result.unmapped.into_iter().collect(),
        rejected: result.rejects.by_reason.clone(),
        ..SourceIntake::default()
    };
    result.rejects.check(source, &intake)?;
    let schema = schema_of(&fields);
    let file = File::open(scratch).map_err(io("read", scratch))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(parquet::<ParquetError>(scratch))?;
    let (mut batches, mut bytes) = (Vec::new(), 0);
    for batch in reader {
        let batch = batch.map_err(parquet(scratch))?;
        bytes += batch.get_array_memory_size();
        if bytes > LOOKUP_BYTES_MAX {
            return Err(BatchError::LookupTooLarge {
                lookup: source.name.clone(),
                bytes_max: LOOKUP_BYTES_MAX,
            });
        }
        batches.push(batch);
    }
    let rows = concat_batches(&schema, &batches).map_err(parquet(scratch))?;
    let findings = empty_files(source, &result.empty_files).into_iter().collect();
    let intake = LookupIntake { intake, rejects: result.rejects, findings };
    Ok((by_key(definition, &rows)?, intake))
}

/// Builds the hash table. A key may occur twice only with the same values.
fn by_key(definition: &LookupDef, rows: &RecordBatch) -> Result<Lookup> {
    let schema = rows.schema();
    let named = schema.fields().iter().map(|field| field.name().clone()).zip(rows.columns());
    let columns: BTreeMap<String, StringArray> =
        named.map(|(name, column)| (name, column.as_string::<i32>().clone())).collect();
    let mut by_key: HashMap<Box<str>, usize, FixedState> = HashMap::default();
    let keys = columns.get(&definition.key);
    for (row, key) in keys.into_iter().flatten().enumerate() {
        let Some(key) = key.map(str::trim_ascii) else { continue };
        let Some(first) = by_key.insert(key.into(), row) else { continue };
        let value =
            |column: &StringArray, row| column.is_valid(row).then(|| column.value(row).to_owned());
        let differs = columns.iter().find(|(name, column)| {
            **name != definition.key && value(column, first) != value(column, row)
        });
        if let Some((name, column)) = differs {
            let shown = |row| value(column, row).unwrap_or_default();
            return Err(BatchError::LookupTwice {
                lookup: definition.source.name.clone(),
                key: key.to_owned(),
                column: name.clone(),
                values: (shown(first), shown(row)),
            });
        }
    }
    Ok(Lookup { rows: by_key, columns })
}
