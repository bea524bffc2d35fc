//! One Parquet file of several row groups, each encoded by whichever thread drew its rows.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use arrow::datatypes::Schema;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::add_encoded_arrow_schema_to_metadata;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::Compression;
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use crate::table::Table;

/// A file that takes row groups in order.
pub(crate) struct ParquetFile {
    writer: SerializedFileWriter<BufWriter<File>>,
}

/// What encodes row groups of a file; threads share it.
pub(crate) struct RowGroups {
    factory: ArrowRowGroupWriterFactory,
    schema: Arc<Schema>,
}

/// Encoded columns of a row group.
pub(crate) type RowGroup = Vec<ArrowColumnChunk>;

impl ParquetFile {
    /// Begins the file for tables like `sample`.
    pub(crate) fn create(file: File, sample: &Table) -> Result<(Self, RowGroups)> {
        let schema = sample.schema();
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("playbook sample".to_owned())
            .build();
        add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
        let types = ArrowSchemaConverter::new().convert(&schema)?;
        let file = BufWriter::with_capacity(1 << 20, file);
        let writer =
            SerializedFileWriter::new(file, types.root_schema_ptr(), Arc::new(properties))?;
        let factory = ArrowRowGroupWriterFactory::new(&writer, Arc::clone(&schema));
        Ok((Self { writer }, RowGroups { factory, schema }))
    }

    /// Appends a row group.
    pub(crate) fn append(&mut self, group: RowGroup) -> Result<()> {
        let mut writer = self.writer.next_row_group()?;
        for column in group {
            column.append_to_row_group(&mut writer)?;
        }
        writer.close()?;
        Ok(())
    }

    /// Writes the footer.
    pub(crate) fn close(self) -> Result<()> {
        self.writer.close()?;
        Ok(())
    }
}

impl RowGroups {
    /// Encodes `table` as the row group at `position`.
    pub(crate) fn encode(&self, table: &Table, position: usize) -> Result<RowGroup> {
        let mut writers = self.factory.create_column_writers(position)?;
        let arrays = table.arrays();
        for ((writer, array), field) in writers.iter_mut().zip(&arrays).zip(self.schema.fields()) {
            for leaf in compute_leaves(field, array)? {
                writer.write(&leaf)?;
            }
        }
        writers.into_iter().map(|writer| writer.close()).collect()
    }
}
