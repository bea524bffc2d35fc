//! Typed columns of mapped rows, and the scratch file that holds them until the run is over.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Builder, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use playbook_model::MapType;

use crate::error::{io, parquet};
use crate::intake::field::{FieldReader, Value};
use crate::{BatchError, Result};

/// Rows per row group of a scratch file: few enough that even a small file has groups for two threads.
const GROUP_ROWS: usize = 1 << 18;

/// Type of a mapped column in the engine.
pub(crate) fn arrow_type(map_type: MapType) -> DataType {
    match map_type {
        MapType::Text => DataType::Utf8,
        MapType::Real => DataType::Float64,
        MapType::Integer | MapType::Money | MapType::Time | MapType::Flag => DataType::Int64,
    }
}

/// Schema of the mapped columns.
pub(crate) fn schema_of(fields: &[FieldReader]) -> SchemaRef {
    let fields: Vec<_> =
        fields.iter().map(|f| Field::new(&f.to, arrow_type(f.map_type), true)).collect();
    Arc::new(Schema::new(fields))
}

enum Builder {
    Integer(Int64Builder),
    Real(Float64Builder),
    Text(StringBuilder),
}

/// Columns under construction.
pub(crate) struct ColumnBuilders(Vec<Builder>);

impl ColumnBuilders {
    pub(crate) fn new(fields: &[FieldReader]) -> Self {
        let builder = |field: &FieldReader| match arrow_type(field.map_type) {
            DataType::Utf8 => Builder::Text(StringBuilder::new()),
            DataType::Float64 => Builder::Real(Float64Builder::new()),
            _ => Builder::Integer(Int64Builder::new()),
        };
        Self(fields.iter().map(builder).collect())
    }

    /// Appends one row; `row` has one value per field, of the field's type.
    pub(crate) fn push(&mut self, row: &[Value<'_>]) {
        for (builder, value) in self.0.iter_mut().zip(row) {
            match (builder, value) {
                (Builder::Integer(b), Value::Integer(v)) => b.append_value(*v),
                (Builder::Integer(b), _) => b.append_null(),
                (Builder::Real(b), Value::Real(v)) => b.append_value(*v),
                (Builder::Real(b), _) => b.append_null(),
                (Builder::Text(b), Value::Text(v)) => b.append_value(v),
                (Builder::Text(b), _) => b.append_null(),
            }
        }
    }

    pub(crate) fn finish(mut self, schema: &SchemaRef, rows: usize) -> RecordBatch {
        let arrays = self.0.iter_mut().map(|builder| -> ArrayRef {
            match builder {
                Builder::Integer(b) => Arc::new(b.finish()),
                Builder::Real(b) => Arc::new(b.finish()),
                Builder::Text(b) => Arc::new(b.finish()),
            }
        });
        let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(schema), arrays.collect(), &options)
            .expect("builders follow the schema")
    }
}

/// Writes mapped rows to a Parquet file of the run's scratch folder.
pub(crate) struct ScratchWriter {
    path: PathBuf,
    writer: ArrowWriter<File>,
}

impl ScratchWriter {
    pub(crate) fn create(path: &Path, schema: &SchemaRef) -> Result<Self> {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::UNCOMPRESSED)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_max_row_group_row_count(Some(GROUP_ROWS));
        for field in schema.fields() {
            let is_text = *field.data_type() == DataType::Utf8;
            properties = properties.set_column_dictionary_enabled(
                ColumnPath::new(vec![field.name().clone()]),
                is_text,
            );
        }
        let file = File::create(path).map_err(io("create", path))?;
        let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties.build()))
            .map_err(parquet::<parquet::errors::ParquetError>(path))?;
        Ok(Self { path: path.to_owned(), writer })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), BatchError> {
        self.writer.write(batch).map_err(parquet(&self.path))
    }

    pub(crate) fn close(self) -> Result<PathBuf> {
        self.writer.close().map_err(parquet(&self.path))?;
        Ok(self.path)
    }
}
