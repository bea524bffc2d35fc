//! Writes a table of members, or of another subject: the same bytes on any number of threads.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowWriterOptions, compute_leaves,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use playbook_files::WholeFile;
use playbook_model::{Cells, Column, Frame};

use crate::Result;
use crate::arrays::{data_type, dictionary, stretches};
use crate::error::parquet;
use playbook_features::done_by;

/// Rows of a row group.
const GROUP_ROWS: usize = 1 << 18;

/// Writes a table as Parquet (zstd), without the columns named in `omit`; columns are encoded on `threads` threads.
///
/// Categories are texts; missing values are nulls. The file appears under its name only when it is whole, and its
/// bytes do not depend on the threads.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write_table(path: &Path, frame: &Frame, omit: &[String], threads: usize) -> Result<()> {
    let columns: Vec<&Column> =
        frame.columns().iter().filter(|column| !omit.contains(&column.name)).collect();
    let field =
        |column: &&Column| Field::new(&column.name, written_type(column), column.valid.is_some());
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let whole = WholeFile::create(path)?;
    let fault = || parquet::<ParquetError>(path);
    // Without Arrow's own schema in the file: readers then see plain texts instead of dictionaries.
    let options = ArrowWriterOptions::new()
        .with_properties(properties(&columns))
        .with_skip_arrow_metadata(true);
    let writer = ArrowWriter::try_new_with_options(whole.handle()?, Arc::clone(&schema), options)
        .map_err(fault())?;
    let (mut writer, groups) = writer.into_serialized_writer().map_err(fault())?;
    for (number, start) in (0..frame.rows()).step_by(GROUP_ROWS).enumerate() {
        let rows = start..frame.rows().min(start + GROUP_ROWS);
        let writers = groups.create_column_writers(number).map_err(fault())?;
        let chunks = encode(writers, &schema, &columns, &rows, threads).map_err(fault())?;
        let mut group = writer.next_row_group().map_err(fault())?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group).map_err(fault())?;
        }
        group.close().map_err(fault())?;
    }
    writer.into_inner().map_err(fault())?;
    Ok(whole.put()?)
}

/// Arrow type in which a column is given to the writer.
fn written_type(column: &Column) -> DataType {
    match &column.cells {
        Cells::Category { .. } => {
            DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8))
        }
        _ => data_type(column),
    }
}

fn properties(columns: &[&Column]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("level 1 exists")))
        // Rows are in the order of ids, so that each page spans nearly the whole range of a column: statistics would
        // let no reader skip a page.
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by("playbook".to_owned());
    for column in columns {
        // Ids and reals repeat too seldom for a dictionary; integers are bit-packed as quickly as they are looked up.
        let path = || ColumnPath::new(vec![column.name.clone()]);
        if !matches!(column.cells, Cells::Category { .. }) {
            properties = properties.set_column_dictionary_enabled(path(), false);
        }
        if matches!(column.cells, Cells::Integer(_) | Cells::Small(_)) {
            properties = properties.set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED);
        }
    }
    properties.build()
}

/// Encodes the columns of a row group, each on one thread; returns them in order.
fn encode(
    writers: Vec<ArrowColumnWriter>,
    schema: &Schema,
    columns: &[&Column],
    rows: &Range<usize>,
    threads: usize,
) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
    let chunks = done_by(threads, writers.into_iter().enumerate(), |(at, mut writer)| {
        for stretch in stretches(rows.clone()) {
            let array = dictionary(columns[at], stretch);
            for leaf in compute_leaves(schema.field(at), &array)? {
                writer.write(&leaf)?;
            }
        }
        writer.close()
    });
    chunks.into_iter().collect()
}
