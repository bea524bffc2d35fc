//! Files of a run: written aside, flushed, renamed into place; the same bytes whatever the threads.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
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
use playbook_model::{Cells, Column, Frame};

use crate::Result;
use crate::arrays::{data_type, dictionary, stretches};
use crate::error::{io, parquet};
use crate::jobs::done_by;

/// Rows of a row group.
const GROUP_ROWS: usize = 1 << 18;

/// Writes a table as Parquet (zstd), without the columns named in `omit`; columns are encoded on `threads` threads.
///
/// Categories are texts; missing values are nulls. The file appears under its name only when it is whole, and its
/// bytes do not depend on the threads.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write_members(path: &Path, frame: &Frame, omit: &[String], threads: usize) -> Result<()> {
    let columns: Vec<&Column> =
        frame.columns().iter().filter(|column| !omit.contains(&column.name)).collect();
    let field =
        |column: &&Column| Field::new(&column.name, written_type(column), column.valid.is_some());
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let aside = aside(path);
    let file = File::create(&aside).map_err(io("create", &aside))?;
    let fault = || parquet::<ParquetError>(&aside);
    // Without the types of this program: every reader sees texts as texts.
    let options = ArrowWriterOptions::new()
        .with_properties(properties(&columns))
        .with_skip_arrow_metadata(true);
    let writer =
        ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options).map_err(fault())?;
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
    let file = writer.into_inner().map_err(fault())?;
    file.sync_all().map_err(io("write", &aside))?;
    std::fs::rename(&aside, path).map_err(io("rename", path))
}

/// Type in which a column is handed to the writer.
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
        // Members stand by their ids: no value has a stretch of its own that a reader could skip to.
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by("playbook".to_owned());
    for column in columns {
        // Ids and reals repeat too seldom for a dictionary; integers are packed as quickly as they are looked up.
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

/// Name under which a file is written before it is whole.
pub(crate) fn aside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    path.with_file_name(name)
}

/// Returns the text of a CSV cell so that no spreadsheet takes it for a formula: text that begins with
/// `=`, `+`, `-`, `@`, a tab or a carriage return gets a leading apostrophe, unless it is a plain number.
#[must_use]
pub fn neutral_cell(text: &str) -> std::borrow::Cow<'_, str> {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let number = text.strip_prefix('-').unwrap_or(text);
    let is_number = !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && number.parse::<f64>().is_ok();
    if risky && !is_number { format!("'{text}").into() } else { text.into() }
}

/// Writes one CSV line: neutral cells, quoted where they need it.
pub(crate) fn csv_line(cells: &[&str]) -> String {
    let quoted = cells.iter().map(|cell| {
        let cell = neutral_cell(cell);
        if cell.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.into_owned()
        }
    });
    let mut line = quoted.collect::<Vec<_>>().join(",");
    line.push('\n');
    line
}

/// Writes rejected rows as CSV: source, file, line, reason, raw text.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write_rejects(path: &Path, rejects: &[crate::Reject]) -> Result<()> {
    use std::io::Write;

    let aside = aside(path);
    let fault = || io("write", &aside);
    let file = File::create(&aside).map_err(io("create", &aside))?;
    let mut out = std::io::BufWriter::new(file);
    out.write_all(b"source,file,line,reason,raw\n").map_err(fault())?;
    for reject in rejects {
        let line = reject.line.to_string();
        let cells = [&reject.source, &reject.file, &line, &reject.reason, &reject.raw];
        out.write_all(csv_line(&cells.map(String::as_str)).as_bytes()).map_err(fault())?;
    }
    let file = out.into_inner().map_err(|error| fault()(error.into_error()))?;
    file.sync_all().map_err(fault())?;
    std::fs::rename(&aside, path).map_err(io("rename", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_begin_like_formulas_are_neutralised_and_numbers_are_not() {
        let cases = [
            ("=1+1", "'=1+1"),
            ("+86 10", "'+86 10"),
            ("-1", "-1"),
            ("-1.50", "-1.50"),
            ("-x", "'-x"),
            ("@a", "'@a"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("a=1", "a=1"),
            ("", ""),
            ("-", "'-"),
            ("--1", "'--1"),
            ("+1", "'+1"),
            ("-1-1", "'-1-1"),
        ];
        for (text, want) in cases {
            assert_eq!(neutral_cell(text), want);
        }
        assert_eq!(csv_line(&["a,b", "=\"x\"", "1"]), "\"a,b\",\"'=\"\"x\"\"\",1\n");
    }
}
