//! Intake: turns the files of every source into views of the engine. Parquet whose mapping is plain SQL is read where
//! it lies (`direct`); everything else is read row by row into a scratch file (`text`, `parquet_rows`).

pub(crate) mod columns;
pub(crate) mod decimal;
pub(crate) mod decode;
mod dedupe;
pub(crate) mod derive;
mod direct;
pub(crate) mod field;
pub(crate) mod files;
pub(crate) mod header;
pub(crate) mod job;
pub(crate) mod json;
pub(crate) mod lookup;
mod lookup_table;
pub(crate) mod moment;
pub(crate) mod parquet_rows;
mod reading;
pub(crate) mod records;
pub(crate) mod rejects;
mod repeats;
mod text;
pub(crate) mod text_fault;
pub(crate) mod transform;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type, Schema};
use playbook_cycle::{IntakeFinding, SourceIntake};
use playbook_features::{quote_name, quote_text};
use playbook_model::{MapType, OnError, Playbook, SourceDef, SourceFormat, Transform};

use crate::column_files::ColumnFile;
use crate::findings::{finding, named};
use crate::schema::{INTEGER_IDS, fields_needed, sql_type};
use crate::{BatchError, BrandClock, Result};
use derive::Derivation;
use direct::{Check, DirectColumn, direct_columns, fit_texts, look_through};
use field::{FieldReader, Value};
use files::SourceFile;
use job::{IntakeJob, MappedSource};
use lookup::{LookupIntake, read_lookups};
use lookup_table::Lookup;
use playbook_features::mapped_fields;
use reading::ReadJob;
use rejects::RejectTally;

/// Reads all lookups and all sources that have files, and removes duplicates.
pub(crate) fn read_sources(job: &IntakeJob<'_>) -> Result<(Vec<MappedSource>, Vec<LookupIntake>)> {
    let (lookups, intakes) = read_lookups(job)?;
    let (mut sources, mut mapped) = (Vec::new(), Vec::new());
    for (number, source) in job.playbook.sources.iter().enumerate() {
        if let Some(read) = map_source(job, number, &lookups)? {
            sources.push(source);
            mapped.push(read);
        }
    }
    for source in &mut mapped {
        source.findings.extend(no_rows(&source.intake));
    }
    dedupe::remove_repeats(job, &sources, &mut mapped)?;
    Ok((mapped, intakes))
}

/// The finding about a source whose files hold no row.
fn no_rows(intake: &SourceIntake) -> Option<IntakeFinding> {
    (intake.rows_read == 0).then(|| {
        let name = &intake.name;
        finding(
            "no-rows",
            Some(name),
            0,
            format!("the files of source `{name}` hold no row"),
            format!("來源 `{name}` 的檔案沒有任何行"),
        )
    })
}

fn map_source(
    job: &IntakeJob<'_>,
    number: usize,
    lookups: &BTreeMap<String, Lookup>,
) -> Result<Option<MappedSource>> {
    let source = &job.playbook.sources[number];
    let zone = source.time_zone.as_deref().map(BrandClock::new).transpose()?;
    let clock = zone.as_ref().unwrap_or(job.clock);
    let files = files::of_source(source, job.places, job.taken)?;
    let raw = format!("raw_{number}");
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let is_parquet = source.format == SourceFormat::Parquet;
    // An error here means that the files have no common schema: they are read row by row, each by its own.
    let schema = if is_parquet && !files.is_empty() {
        job.session.add_files("scratch tables", &raw, &paths).ok()
    } else {
        None
    };
    let typed;
    let source = match &schema {
        Some(schema) => {
            typed = with_integer_ids(source, schema);
            &typed
        }
        None => source,
    };
    let intake = SourceIntake { name: source.name.clone(), ..SourceIntake::default() };
    let mut readers = field_readers(job.playbook, source)?;
    let derivation = Derivation::new(source, &mut readers, lookups)?;
    let fields = mapped_fields(source);
    let (table_name, needed) = fields_needed(source.table);
    for field in needed {
        if !fields.contains_key(*field) {
            let source_name = source.name.clone();
            return Err(BatchError::NoField { source_name, table: table_name, field });
        }
    }
    if files.is_empty() {
        return Ok(None);
    }
    let mut mapped = MappedSource {
        table: source.table,
        view: format!("source_{number}"),
        raw: raw.clone(),
        fields,
        intake,
        rejects: RejectTally::default(),
        findings: Vec::new(),
        lines: false,
        ranges: BTreeMap::new(),
        digesting: None,
    };
    if let Some(schema) = &schema {
        if read_direct(job, source, clock, &files, &readers, schema, &mut mapped)? {
            return Ok(Some(mapped));
        }
        job.session.forget(&raw)?;
    }
    let scratch = job.scratch.join(format!("{raw}.parquet"));
    let read_job = ReadJob {
        source,
        files: &files,
        inputs: derivation.as_ref().map_or(&readers, |derivation| &derivation.inputs),
        fields: &readers,
        derivation: derivation.as_ref(),
        clock,
        threads: job.threads,
        cancel: job.cancel,
        progress: job.progress,
    };
    let result = if is_parquet {
        parquet_rows::read_parquet(&read_job, &scratch)?
    } else {
        text::read_text(&read_job, &scratch)?
    };
    let names = files.into_iter().map(|file| file.name);
    mapped.intake.files = names.zip(result.digests).collect();
    mapped.intake.rows_read = result.rows_read;
    mapped.intake.rows_kept = result.rows_kept;
    mapped.findings.extend(empty_files(source, &result.empty_files));
    mapped.findings.extend(derivation.iter().flat_map(|derivation| derivation.findings(source)));
    mapped.intake.unmapped_fields = result.unmapped.into_iter().collect();
    mapped.intake.rejected.clone_from(&result.rejects.by_reason);
    mapped.rejects = result.rejects;
    mapped.rejects.check(source, &mapped.intake)?;
    job.session.add_files("scratch tables", &raw, &[scratch])?;
    let columns = readers
        .iter()
        .map(|field| format!("{0} AS {0}", quote_name(&field.to)))
        .chain(constant_columns(job, source, clock)?);
    create_source_view(job, &mapped.view, &raw, columns)?;
    Ok(Some(mapped))
}

/// The finding about files of 0 bytes.
pub(crate) fn empty_files(source: &SourceDef, files: &[String]) -> Option<IntakeFinding> {
    let first = named(files.first()?);
    let en = match files.len() {
        1 => format!("1 file of the source is empty: {first}"),
        n => format!("{n} files of the source are empty; the first is {first}"),
    };
    let zh = format!("該來源有 {} 個空檔案，第一個是 {first}", files.len());
    Some(finding("empty-file", Some(&source.name), files.len() as u64, en, zh))
}

/// The source with its id columns typed as integers where the files hold integers (see [`INTEGER_IDS`]).
fn with_integer_ids(source: &SourceDef, schema: &Schema) -> SourceDef {
    let mut source = source.clone();
    for row in &mut source.mapping {
        let is_integer = row
            .from
            .as_ref()
            .and_then(|from| schema.field_with_name(from).ok())
            .is_some_and(|field| field.data_type().is_signed_integer());
        let is_plain = row.transform == Transform::Copy && row.map_type == MapType::Text;
        if is_integer && is_plain && INTEGER_IDS.contains(&row.to.as_str()) {
            row.map_type = MapType::Integer;
        }
    }
    source
}

fn create_source_view(
    job: &IntakeJob<'_>,
    view: &str,
    raw: &str,
    columns: impl Iterator<Item = String>,
) -> Result<()> {
    let columns: Vec<_> = columns.collect();
    job.session.add_view(view, &format!("SELECT {} FROM {raw}", columns.join(", ")))
}

/// Compiles the mapping rows that read a column or compute a value.
pub(crate) fn field_readers(playbook: &Playbook, source: &SourceDef) -> Result<Vec<FieldReader>> {
    let (_, needed) = fields_needed(source.table);
    let mut readers = Vec::new();
    for row in source.mapping.iter().filter(|row| row.constant.is_none()) {
        let fault = |reason: &str| BatchError::Mapping {
            source_name: source.name.clone(),
            field: row.to.clone(),
            reason: reason.to_owned(),
        };
        // A computed field has no column; messages name the field itself.
        let computed = row.compute.as_ref().map(|_| row.to.as_str());
        let from = row.from.as_deref().or(computed);
        let from = from.ok_or_else(|| fault("no column, constant or expression"))?;
        let salt = &playbook.pseudonym_salt;
        let mut reader = FieldReader::new(row, from, playbook.currency_digits, salt)
            .ok_or_else(|| fault("the factor is not finite"))?;
        if needed.contains(&row.to.as_str()) {
            // A row without this field is of no use, so a missing value is always a reject.
            reader.required = true;
            if reader.on_error == OnError::Null {
                reader.on_error = OnError::Reject;
            }
        }
        readers.push(reader);
    }
    Ok(readers)
}

/// Constants of the mapping as SQL columns.
fn constant_columns(
    job: &IntakeJob<'_>,
    source: &SourceDef,
    clock: &BrandClock,
) -> Result<Vec<String>> {
    let mut columns = Vec::new();
    let mut has_kind = source.mapping.iter().any(|row| row.to == "kind");
    for row in &source.mapping {
        let Some(constant) = &row.constant else { continue };
        let salt = &job.playbook.pseudonym_salt;
        let reader = FieldReader::new(row, constant, job.playbook.currency_digits, salt);
        let value = reader.as_ref().map(|r| r.read(constant.as_bytes(), &mut clock.offsets()));
        let literal = match value {
            Some(Ok(Value::Integer(v))) => format!("CAST({v} AS BIGINT)"),
            Some(Ok(Value::Real(v))) => format!("CAST({v:?} AS DOUBLE)"),
            Some(Ok(Value::Text(v))) => quote_text(&v),
            Some(Ok(Value::Missing)) => format!("CAST(NULL AS {})", sql_type(row.map_type)),
            Some(Err(_)) | None => {
                return Err(BatchError::Mapping {
                    source_name: source.name.clone(),
                    field: row.to.clone(),
                    reason: format!("the constant `{constant}` does not have the field's type"),
                });
            }
        };
        columns.push(format!("{literal} AS {}", quote_name(&row.to)));
    }
    if let Some(event) = &source.event
        && !std::mem::replace(&mut has_kind, true)
    {
        columns.push(format!("{} AS kind", quote_text(event)));
    }
    Ok(columns)
}

/// Refuses a `format` for columns that hold timestamps or dates of Parquet, to which it cannot apply.
pub(crate) fn check_formats(source: &SourceDef, schema: &Schema) -> Result<()> {
    let is_time = |data_type: &DataType| {
        matches!(data_type, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
    };
    for row in source.mapping.iter().filter(|row| row.map_type == MapType::Time) {
        let Some(format) = &row.format else { continue };
        let column = row.from.as_deref().and_then(|from| schema.field_with_name(from).ok());
        if column.is_some_and(|field| is_time(field.data_type())) {
            return Err(BatchError::Mapping {
                source_name: source.name.clone(),
                field: row.to.clone(),
                reason: format!(
                    "the file has times of its own, to which the format `{format}` cannot apply; leave it out"
                ),
            });
        }
    }
    Ok(())
}

/// Tries the fast path: a view over the Parquet files themselves. Returns whether it was taken; it is not where a
/// mapping row is no plain SQL, or where any row would be rejected.
fn read_direct(
    job: &IntakeJob<'_>,
    source: &SourceDef,
    clock: &BrandClock,
    files: &[SourceFile],
    readers: &[FieldReader],
    schema: &Schema,
    mapped: &mut MappedSource,
) -> Result<bool> {
    let raw = mapped.raw.clone();
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let opened = paths.iter().map(|path| ColumnFile::open(path)).collect::<Result<Vec<_>>>()?;
    check_formats(source, schema)?;
    let Some(mut columns) = direct_columns(source, schema, job.playbook.currency_digits) else {
        return Ok(false);
    };
    let Some(fit) = fit_texts(job, source, &opened, readers, clock)? else { return Ok(false) };
    let (_, needed) = fields_needed(source.table);
    for column in &mut columns {
        column.strict |= needed.contains(&column.to.as_str());
        if fit.contains(&column.to) {
            column.keeps = true;
            column.raw = None;
            column.check = Check::Nothing;
        }
    }
    look_through(&mut columns, &opened, schema, job.threads)?;
    let Some(rows) = check_direct(job, &raw, &columns)? else { return Ok(false) };
    mapped.intake.rows_read = rows;
    mapped.intake.rows_kept = rows;
    let ranges = columns.iter().filter_map(|c| Some((c.to.clone(), c.range.clone()?)));
    mapped.ranges = ranges.collect();
    let digested = files.to_vec();
    let cancel = job.cancel.clone();
    mapped.digesting = Some(std::thread::spawn(move || {
        digested
            .into_iter()
            .map(|file| Ok((file.name.clone(), files::digest(file.digested(), &cancel)?)))
            .collect()
    }));
    let used: BTreeSet<_> = source.mapping.iter().filter_map(|row| row.from.as_ref()).collect();
    let names = schema.fields().iter().map(|field| field.name());
    mapped.intake.unmapped_fields = names.filter(|name| !used.contains(name)).cloned().collect();
    mapped.intake.unmapped_fields.sort();
    let columns = columns
        .iter()
        .map(|column| format!("{} AS {}", column.sql, quote_name(&column.to)))
        .chain(constant_columns(job, source, clock)?);
    create_source_view(job, &mapped.view, &raw, columns)?;
    let part = format!("read {}", source.name);
    job.progress.advanced(&part, rows, Some(rows));
    job.progress.finished(&part);
    Ok(true)
}

/// Checks all columns in one query. Returns the number of rows, or `None` where a row would be rejected.
fn check_direct(job: &IntakeJob<'_>, raw: &str, columns: &[DirectColumn]) -> Result<Option<u64>> {
    // SQL aggregates, each with the range in which its result must lie.
    let mut counts = vec![("count(*)".to_owned(), 0..=i64::MAX)];
    for column in columns {
        if column.strict {
            counts.push((format!("count(*) - count({})", column.sql), 0..=0));
        }
        if let Some(raw) = &column.raw {
            counts.push((format!("count({raw}) - count({})", column.sql), 0..=0));
        }
        match &column.check {
            Check::Nothing => {}
            Check::Unfit(count) | Check::Infinite(count) => counts.push((count.clone(), 0..=0)),
            Check::Within(value, range) => {
                counts.push((format!("min({value})"), range.clone()));
                counts.push((format!("max({value})"), range.clone()));
            }
        }
    }
    let sql: Vec<_> = (0..).zip(&counts).map(|(i, (sql, _))| format!("{sql} AS n{i}")).collect();
    let batches = job
        .session
        .collect("checking sources", &format!("SELECT {} FROM {raw}", sql.join(", ")))?;
    let Some(batch) = batches.first() else { return Ok(None) };
    let fits = |(at, (_, range)): (usize, &(String, RangeInclusive<i64>))| {
        let found = batch.column(at).as_primitive::<Int64Type>();
        // `min` and `max` of no value are null.
        found.is_null(0) || range.contains(&found.value(0))
    };
    let rows = batch.column(0).as_primitive::<Int64Type>().value(0);
    Ok(counts.iter().enumerate().all(fits).then(|| rows.unsigned_abs()))
}
