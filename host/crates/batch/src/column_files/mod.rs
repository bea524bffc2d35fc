//! Parquet files that are not trusted. A footer is read once, compared with its file, and stripped of statistics,
//! indexes, Bloom filters and sort orders: these may contradict the rows, and a reader or plan that trusts them gives
//! wrong values.

mod facts;
mod pages;
mod thrift;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_schema};
use parquet::basic::Type as Physical;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    FileMetaData, FooterTail, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader,
    ParquetStatisticsPolicy, RowGroupMetaData,
};
use parquet::file::reader::{ChunkReader, Length};

use crate::caught::caught;
use crate::error::{io as io_fault, parquet};
use crate::{BatchError, Result};
pub(crate) use facts::{Facts, facts};
pub(crate) use pages::Found;

/// Bytes of the tail of a file: the length of its footer, and the mark.
const TAIL_BYTES: u64 = 8;
/// Most rows of a file: this many always, else so many for each of its bytes. Rows of nulls take next to nothing in a
/// file and as long as others to read.
const ROWS_FREE: u64 = 1 << 22;
const ROWS_PER_BYTE_MAX: u64 = 1 << 10;
/// Longest value of a fixed-length type. Ids and digests are short, and even a null takes the full length in memory.
const FIXED_BYTES_MAX: i32 = 4096;
/// Most rows of a batch, and most bytes of it: a dictionary value is copied for each row that refers to it.
const BATCH_ROWS: usize = 8192;
const BATCH_BYTES_MAX: usize = 64 << 20;

/// Why a Parquet file is not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Contradiction {
    #[error(
        "it is no Parquet file: it does not end with a footer of its length; was it cut short?"
    )]
    NoFooter,
    #[error("its footer is encrypted; decrypt the file before the run")]
    Encrypted,
    #[error("its footer cannot be read")]
    Footer,
    #[error("its footer says {said} rows, its groups hold {held}; write the file anew")]
    Rows { said: i64, held: i64 },
    #[error("its footer says that column `{column}` of group {group} lies outside the file")]
    Outside { column: String, group: usize },
    #[error(
        "column `{column}` of group {group} holds {held} values, not {rows}; write the file anew"
    )]
    Values { column: String, group: usize, held: i64, rows: i64 },
    #[error("it says {rows} rows in {bytes} bytes, more than any data takes; write the file anew")]
    TooManyRows { rows: u64, bytes: u64 },
    #[error(
        "column `{0}` is a list or a structure, which no row of a mapping reads; write it as plain columns"
    )]
    Nested(String),
    #[error(
        "column `{column}` has values of {bytes} bytes each, at most {FIXED_BYTES_MAX} are read"
    )]
    Wide { column: String, bytes: i32 },
    #[error("column `{column}` of group {group} has a page that cannot be read")]
    Page { column: String, group: usize },
    #[error(
        "column `{column}` of group {group} has a page of {bytes} bytes, at most {bytes_max} are read; write smaller pages"
    )]
    PageTooLarge { column: String, group: usize, bytes: i64, bytes_max: i64 },
}

/// A Parquet file whose footer was checked against the file. Clones share the open file, so that all read the same one
/// even if another takes its path.
#[derive(Debug, Clone)]
pub(crate) struct ColumnFile {
    path: PathBuf,
    opened: Opened,
    /// The footer's places of columns, without its claims about values.
    metadata: Arc<ParquetMetaData>,
    /// The Arrow types as read: texts as views, so that a repeated value is held once.
    schema: SchemaRef,
    rows: usize,
}

impl ColumnFile {
    /// Opens a file and reads its footer.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = playbook_files::open_regular(path)?;
        let length = file.metadata().map_err(io_fault("read", path))?.len();
        let opened = Opened { file: Arc::new(file), length };
        let read = caught(|| footer(&opened)).map_err(parquet(path))?;
        let (metadata, schema, rows) = read.map_err(|source| fault(path, source))?;
        Ok(Self { path: path.to_owned(), opened, metadata, schema, rows })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file.
    pub(crate) fn length(&self) -> u64 {
        self.opened.length
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn metadata(&self) -> &Arc<ParquetMetaData> {
        &self.metadata
    }

    /// Reads bytes of the file.
    pub(crate) fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        self.opened.read(range)
    }

    /// Reads the rows of some columns and calls `take` with each batch. Precondition: the columns were surveyed, and
    /// no value is longer than `value_bytes`, which bounds the rows of a batch.
    pub(crate) fn batches(
        &self,
        columns: &[&str],
        value_bytes: usize,
        take: &mut dyn FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let groups = self.metadata.num_row_groups();
        let rows = self.batches_of(columns, value_bytes, (groups, self.rows), take)?;
        if rows == self.rows {
            return Ok(());
        }
        let count = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
        let source = Contradiction::Rows { said: count(self.rows), held: count(rows) };
        Err(fault(&self.path, source.into()))
    }

    /// Reads at most so many rows of some columns, and no row group beyond them; returns how many were read.
    pub(crate) fn first_rows(
        &self,
        columns: &[&str],
        rows_max: usize,
        take: &mut dyn FnMut(RecordBatch) -> Result<()>,
    ) -> Result<usize> {
        let (mut groups, mut held) = (0, 0);
        for group in self.metadata.row_groups() {
            if held >= rows_max {
                break;
            }
            groups += 1;
            held = held.saturating_add(usize::try_from(group.num_rows()).unwrap_or(usize::MAX));
        }
        let survey = self.survey_groups(columns, groups, 1, &|_, _| {})?;
        self.batches_of(columns, survey.repeated_bytes(), (groups, rows_max), take)
    }

    /// Reads the rows of the first groups, at most as many as given.
    fn batches_of(
        &self,
        columns: &[&str],
        value_bytes: usize,
        (groups, rows_max): (usize, usize),
        take: &mut dyn FnMut(RecordBatch) -> Result<()>,
    ) -> Result<usize> {
        let options = ArrowReaderOptions::new().with_schema(Arc::clone(&self.schema));
        let open = || {
            let metadata = ArrowReaderMetadata::try_new(Arc::clone(&self.metadata), options)?;
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(self.opened.clone(), metadata);
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            let rows = (BATCH_BYTES_MAX / value_bytes.max(1)).clamp(1, BATCH_ROWS);
            let builder = builder.with_row_groups((0..groups).collect()).with_limit(rows_max);
            builder.with_projection(mask).with_batch_size(rows).build()
        };
        let panicked = parquet(&self.path);
        let mut reader =
            caught(open).map_err(panicked)?.map_err(parquet::<ParquetError>(&self.path))?;
        let mut rows = 0;
        while let Some(batch) = caught(|| reader.next()).map_err(parquet(&self.path))? {
            let batch = batch.map_err(parquet(&self.path))?;
            rows += batch.num_rows();
            take(batch)?;
        }
        Ok(rows)
    }

    /// Reads the whole file to find out whether it is damaged.
    pub(crate) fn read_through(&self) -> Result<()> {
        let is_flat = |field: &&Arc<Field>| !field.data_type().is_nested();
        for field in self.schema.fields().iter().filter(is_flat) {
            let names = [field.name().as_str()];
            let survey = self.survey(&names, 1, &|_, _| {})?;
            self.batches(&names, survey.repeated_bytes(), &mut |_| Ok(()))?;
        }
        Ok(())
    }
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// An error with the path of its file.
fn fault(path: &Path, source: Fault) -> BatchError {
    BatchError::Parquet { path: path.to_owned(), source }
}

/// Reads the footer of a file and checks it against the file.
fn footer(opened: &Opened) -> Result<(Arc<ParquetMetaData>, SchemaRef, usize), Fault> {
    let length = opened.length;
    let tail_at = length.checked_sub(TAIL_BYTES).ok_or(Contradiction::NoFooter)?;
    let tail = opened.read(tail_at..length)?;
    let tail = FooterTail::try_from(&tail[..]).map_err(|_| Contradiction::NoFooter)?;
    if tail.is_encrypted_footer() {
        return Err(Contradiction::Encrypted.into());
    }
    let at = tail_at.checked_sub(tail.metadata_length() as u64).ok_or(Contradiction::NoFooter)?;
    let text = opened.read(at..tail_at)?;
    thrift::check_footer(&text).map_err(|_| Contradiction::Footer)?;
    let options = ParquetMetaDataOptions::new()
        .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll);
    let said = ParquetMetaDataReader::decode_metadata_with_options(&text, Some(&options))?;
    let rows = check(&said, at)?;
    if rows > ROWS_FREE.saturating_add(length.saturating_mul(ROWS_PER_BYTE_MAX)) {
        return Err(Contradiction::TooManyRows { rows, bytes: length }.into());
    }
    let rows = usize::try_from(rows)?;
    let schema = schema_of(&said)?;
    let metadata = Arc::new(without_claims(said)?);
    Ok((metadata, Arc::new(schema), rows))
}

/// Checks a footer against the length of the file; returns the number of rows.
fn check(said: &ParquetMetaData, end: u64) -> Result<u64, Contradiction> {
    let end = i64::try_from(end).unwrap_or(i64::MAX);
    let mut held: i64 = 0;
    for (group, groups) in said.row_groups().iter().enumerate() {
        let rows = groups.num_rows();
        held = if rows < 0 { None } else { held.checked_add(rows) }.ok_or(Contradiction::Footer)?;
        if groups.num_columns() != said.file_metadata().schema_descr().num_columns() {
            return Err(Contradiction::Footer);
        }
        for chunk in groups.columns() {
            let column = || chunk.column_path().string();
            let data = chunk.data_page_offset();
            let start = chunk.dictionary_page_offset().unwrap_or(data);
            let chunk_end = start.checked_add(chunk.compressed_size());
            // The first four bytes are the magic number. A chunk in another file is not read either.
            let is_inside = start >= 4
                && chunk.compressed_size() >= 0
                && data >= start
                && chunk_end.is_some_and(|chunk_end| chunk_end <= end && data <= chunk_end)
                && chunk.file_path().is_none();
            if !is_inside {
                return Err(Contradiction::Outside { column: column(), group });
            }
            let held = chunk.num_values();
            if held < 0 || (chunk.column_descr().max_rep_level() == 0 && held != rows) {
                return Err(Contradiction::Values { column: column(), group, held, rows });
            }
        }
    }
    let said = said.file_metadata().num_rows();
    if said == held { Ok(held.unsigned_abs()) } else { Err(Contradiction::Rows { said, held }) }
}

/// The Arrow schema as read.
fn schema_of(said: &ParquetMetaData) -> Result<Schema, ParquetError> {
    let file = said.file_metadata();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())?;
    let columns = file.schema_descr().columns();
    let is_96_bits = |field: &Field| {
        let named = |column: &&Arc<parquet::schema::types::ColumnDescriptor>| {
            column.path().parts() == std::slice::from_ref(field.name())
        };
        columns.iter().find(named).is_some_and(|c| c.physical_type() == Physical::INT96)
    };
    let fields = schema.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            // As 64-bit nanoseconds, the default, times beyond 2262 would overflow.
            DataType::Timestamp(_, zone) if is_96_bits(field) => {
                DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
            }
            other => view(other),
        };
        Field::new(field.name(), data_type, field.is_nullable())
    });
    Ok(Schema::new(fields.collect::<Vec<_>>()))
}

/// The view type of texts and bytes, which needs no copy of each value.
fn view(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        other => other.clone(),
    }
}

/// The footer without statistics, indexes, Bloom filters and sort orders. Those may lie, and even honest ones leave NaN
/// out.
fn without_claims(said: ParquetMetaData) -> Result<ParquetMetaData, ParquetError> {
    let file = said.file_metadata();
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        None,
        file.schema_descr_ptr(),
        None,
    );
    let mut metadata = said.into_builder();
    let groups = metadata.take_row_groups().into_iter().map(group_without_claims);
    Ok(ParquetMetaData::new(file, groups.collect::<Result<_, _>>()?))
}

fn group_without_claims(group: RowGroupMetaData) -> Result<RowGroupMetaData, ParquetError> {
    let mut group = group.into_builder().set_sorting_columns(None);
    let columns = group.take_columns().into_iter().map(|column| {
        column
            .into_builder()
            .clear_statistics()
            .clear_page_encoding_stats()
            .set_bloom_filter_offset(None)
            .set_bloom_filter_length(None)
            .set_offset_index_offset(None)
            .set_offset_index_length(None)
            .set_column_index_offset(None)
            .set_column_index_length(None)
            .set_unencoded_byte_array_data_bytes(None)
            .set_repetition_level_histogram(None)
            .set_definition_level_histogram(None)
            .build()
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    group.set_column_metadata(columns).build()
}

/// An open file, read at any position by many threads at once.
#[derive(Debug, Clone)]
struct Opened {
    file: Arc<File>,
    length: u64,
}

impl Opened {
    fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        if range.start > range.end || range.end > self.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes.into())
    }
}

/// A sequential reader from one position on.
#[derive(Debug)]
struct ReadOn {
    file: Arc<File>,
    at: u64,
}

impl Read for ReadOn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Length for Opened {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Opened {
    type T = BufReader<ReadOn>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(ReadOn { file: Arc::clone(&self.file), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let end = start.saturating_add(length as u64);
        self.read(start..end).map_err(|error| ParquetError::External(Box::new(error)))
    }
}
