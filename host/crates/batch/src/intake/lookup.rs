//! Reads the lookups: tables of the brand with which sources are joined.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use arrow::compute::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use playbook_cycle::{IntakeFinding, SourceIntake};
use playbook_model::{LookupDef, SourceFormat};

use crate::error::{io, parquet};
use crate::intake::columns::schema_of;
use crate::intake::job::IntakeJob;
use crate::intake::lookup_table::Lookup;
use crate::intake::reading::ReadJob;
use crate::intake::rejects::RejectTally;
use crate::intake::text::read_text;
use crate::intake::{empty_files, field_readers, files, parquet_rows};
use crate::{BatchError, Result};

/// Bytes that one lookup may take in memory.
const LOOKUP_BYTES_MAX: usize = 512 << 20;

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
    Ok((Lookup::by_key(definition, &rows)?, intake))
}
