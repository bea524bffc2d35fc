//! Rows to a columnar file that appears whole or not at all.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, RecordBatch,
    StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use playbook_files::WholeFile;

use crate::{Result, SourcesError};

/// Rows of a batch, and bytes of its texts.
const BATCH_ROWS: usize = 8192;
const BATCH_BYTES: u64 = 8 << 20;
/// Bytes that a group of rows holds in memory before it is written.
const GROUP_BYTES: usize = 64 << 20;

/// What a column holds.
#[cfg_attr(
    not(all(feature = "postgres", feature = "mysql")),
    allow(dead_code, reason = "what no reader of this build gives")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Text,
    /// Exact decimals, as texts.
    Decimal,
    /// Bytes, as hexadecimal texts.
    Bytes,
    Flag,
    Integer,
    Real,
    /// Moments, in microseconds since 1970 of UTC.
    Moment,
    /// Times on a wall clock, in microseconds since 1970 of that clock.
    WallTime,
    /// Days since 1970.
    Day,
}

/// A value of a row.
#[cfg_attr(
    not(any(feature = "postgres", feature = "mysql")),
    allow(dead_code, reason = "what no reader of this build gives")
)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Missing,
    Text(&'a str),
    Flag(bool),
    Integer(i64),
    Real(f64),
    Micros(i64),
    Day(i32),
}

/// A columnar file that is being written.
pub(crate) struct TableFile {
    schema: SchemaRef,
    columns: Vec<Column>,
    writer: ArrowWriter<File>,
    file: WholeFile,
    rows_held: usize,
    bytes_held: u64,
    rows: u64,
    bytes: u64,
    bytes_max: u64,
}

struct Column {
    name: String,
    holds: Holds,
    builder: Builder,
}

enum Builder {
    Text(StringBuilder),
    Flag(BooleanBuilder),
    Integer(Int64Builder),
    Real(Float64Builder),
    Micros(TimestampMicrosecondBuilder, bool),
    Day(Date32Builder),
}

impl TableFile {
    /// Begins a file; its rows may take `bytes_max` bytes.
    pub(crate) fn create(
        path: &Path,
        columns: impl IntoIterator<Item = (String, Holds)>,
        bytes_max: u64,
    ) -> Result<Self> {
        let columns: Vec<Column> = columns
            .into_iter()
            .map(|(name, holds)| Column { name, holds, builder: Builder::of(holds) })
            .collect();
        for (at, column) in columns.iter().enumerate() {
            if columns[..at].iter().any(|earlier| earlier.name == column.name) {
                return Err(SourcesError::ColumnTwice { column: column.name.clone() });
            }
        }
        let fields: Vec<Field> = columns
            .iter()
            .map(|column| Field::new(&column.name, column.holds.data_type(), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let level = ZstdLevel::try_new(1).expect("1 is a level");
        let properties =
            WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let file = WholeFile::create(path)?;
        let writer = ArrowWriter::try_new(file.handle()?, Arc::clone(&schema), Some(properties))
            .map_err(|error| SourcesError::Columns(error.into()))?;
        Ok(Self {
            schema,
            columns,
            writer,
            file,
            rows_held: 0,
            bytes_held: 0,
            rows: 0,
            bytes: 0,
            bytes_max,
        })
    }

    /// Adds the value of a row in column `at`; every row fills every column.
    pub(crate) fn push(&mut self, at: usize, value: Value<'_>) {
        self.bytes_held += match value {
            Value::Text(text) => text.len() as u64 + 4,
            _ => 8,
        };
        self.columns[at].builder.push(value);
    }

    /// Ends a row.
    pub(crate) fn end_row(&mut self) -> Result<()> {
        self.rows_held += 1;
        if self.bytes + self.bytes_held > self.bytes_max {
            return Err(SourcesError::TooLarge { bytes_max: self.bytes_max });
        }
        if self.rows_held >= BATCH_ROWS || self.bytes_held >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let columns: Vec<ArrayRef> =
            self.columns.iter_mut().map(|column| column.builder.finish()).collect();
        let columns_error =
            |error: parquet::errors::ParquetError| SourcesError::Columns(error.into());
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| SourcesError::Columns(error.into()))?;
        self.writer.write(&batch).map_err(columns_error)?;
        if self.writer.in_progress_size() > GROUP_BYTES {
            self.writer.flush().map_err(columns_error)?;
        }
        self.rows += self.rows_held as u64;
        self.bytes += self.bytes_held;
        (self.rows_held, self.bytes_held) = (0, 0);
        Ok(())
    }

    /// Writes what is left and puts the file in its place; returns its rows.
    pub(crate) fn finish(mut self) -> Result<u64> {
        self.flush()?;
        self.writer.close().map_err(|error| SourcesError::Columns(error.into()))?;
        self.file.put()?;
        Ok(self.rows)
    }
}

impl Holds {
    fn data_type(self) -> DataType {
        match self {
            Self::Text | Self::Decimal | Self::Bytes => DataType::Utf8,
            Self::Flag => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Real => DataType::Float64,
            Self::Moment => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::WallTime => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Day => DataType::Date32,
        }
    }
}

impl Builder {
    fn of(holds: Holds) -> Self {
        match holds {
            Holds::Text | Holds::Decimal | Holds::Bytes => Self::Text(StringBuilder::new()),
            Holds::Flag => Self::Flag(BooleanBuilder::new()),
            Holds::Integer => Self::Integer(Int64Builder::new()),
            Holds::Real => Self::Real(Float64Builder::new()),
            Holds::Moment => Self::Micros(TimestampMicrosecondBuilder::new(), true),
            Holds::WallTime => Self::Micros(TimestampMicrosecondBuilder::new(), false),
            Holds::Day => Self::Day(Date32Builder::new()),
        }
    }

    fn push(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Text(to), Value::Text(text)) => to.append_value(text),
            (Self::Flag(to), Value::Flag(flag)) => to.append_value(flag),
            (Self::Integer(to), Value::Integer(number)) => to.append_value(number),
            (Self::Real(to), Value::Real(number)) => to.append_value(number),
            (Self::Micros(to, _), Value::Micros(micros)) => to.append_value(micros),
            (Self::Day(to), Value::Day(day)) => to.append_value(day),
            (to, Value::Missing) => to.push_missing(),
            _ => unreachable!("a reader gives each column what it said that it holds"),
        }
    }

    fn push_missing(&mut self) {
        match self {
            Self::Text(to) => to.append_null(),
            Self::Flag(to) => to.append_null(),
            Self::Integer(to) => to.append_null(),
            Self::Real(to) => to.append_null(),
            Self::Micros(to, _) => to.append_null(),
            Self::Day(to) => to.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(from) => Arc::new(from.finish()),
            Self::Flag(from) => Arc::new(from.finish()),
            Self::Integer(from) => Arc::new(from.finish()),
            Self::Real(from) => Arc::new(from.finish()),
            Self::Micros(from, utc) if *utc => Arc::new(from.finish().with_timezone("UTC")),
            Self::Micros(from, _) => Arc::new(from.finish()),
            Self::Day(from) => Arc::new(from.finish()),
        }
    }
}

/// A decimal without the zeros that a column's scale adds: `25.0000` is `25`.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) fn without_scale(decimal: &str) -> &str {
    if !decimal.contains('.') || decimal.contains(['e', 'E']) {
        return decimal;
    }
    let short = decimal.trim_end_matches('0');
    short.strip_suffix('.').unwrap_or(short)
}

/// A binary number of 32 bits as the decimal that it stands for.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) fn widened(single: f32) -> f64 {
    single.to_string().parse().unwrap_or(f64::from(single))
}

/// A name in double quotes, as SQL has it.
pub(crate) fn quoted(relation: &str, mark: char) -> String {
    let doubled = format!("{mark}{mark}");
    let part = |part: &str| format!("{mark}{}{mark}", part.replace(mark, &doubled));
    relation.split('.').map(part).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::path::Path;

    use super::{Holds, TableFile, Value, quoted};
    use crate::SourcesError;

    fn table(path: &Path, bytes_max: u64) -> TableFile {
        TableFile::create(path, [("text".to_owned(), Holds::Text)], bytes_max).unwrap()
    }

    #[test]
    fn a_file_appears_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.parquet");
        let mut file = table(&path, 1 << 20);
        file.push(0, Value::Text("a"));
        file.end_row().unwrap();
        assert!(!path.exists());
        drop(file);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert_eq!(table(&path, 1 << 20).finish().unwrap(), 0);
        assert!(path.exists());
    }

    #[test]
    fn bytes_are_bounded_whatever_a_row_holds() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = table(&dir.path().join("rows.parquet"), 100);
        file.push(0, Value::Text(&"x".repeat(97)));
        assert!(matches!(file.end_row(), Err(SourcesError::TooLarge { bytes_max: 100 })));
    }

    #[test]
    fn quotes_in_names_end_no_name() {
        assert_eq!(quoted("shop.or\"ders", '"'), "\"shop\".\"or\"\"ders\"");
    }
}
