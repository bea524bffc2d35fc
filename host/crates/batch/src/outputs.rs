//! Files of a run: written aside, flushed, renamed into place; the same bytes whatever the threads.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use playbook_model::{Column, Frame};

use crate::Result;
use crate::arrays::{array, field, stretches};
use crate::error::{io, parquet};

/// Rows of a row group.
const GROUP_ROWS: usize = 1 << 18;

/// Writes a table as Parquet (zstd), without the columns named in `omit`.
///
/// Categories are texts; missing values are nulls. The file appears under its name only when it is whole.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write_members(path: &Path, frame: &Frame, omit: &[String]) -> Result<()> {
    let columns: Vec<&Column> =
        frame.columns().iter().filter(|column| !omit.contains(&column.name)).collect();
    let schema: SchemaRef = Arc::new(Schema::new(columns.iter().map(|c| field(c)).collect::<Vec<_>>()));
    let aside = aside(path);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("level 1 exists")))
        .set_created_by("playbook".to_owned())
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .build();
    let file = File::create(&aside).map_err(io("create", &aside))?;
    let fault = parquet::<parquet::errors::ParquetError>;
    let mut writer =
        ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(fault(&aside))?;
    for rows in stretches(frame.rows()) {
        let arrays = columns.iter().map(|c| array(c, rows.clone())).collect();
        let options =
            arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)
            .expect("arrays follow the schema");
        writer.write(&batch).map_err(fault(&aside))?;
    }
    let file = writer.into_inner().map_err(fault(&aside))?;
    file.sync_all().map_err(io("write", &aside))?;
    std::fs::rename(&aside, path).map_err(io("rename", path))
}

/// Name under which a file is written before it is whole.
fn aside(path: &Path) -> PathBuf {
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
            ("=1+1", "'=1+1"), ("+86 10", "'+86 10"), ("-1", "-1"), ("-1.50", "-1.50"), ("-x", "'-x"),
            ("@a", "'@a"), ("\tx", "'\tx"), ("\rx", "'\rx"), ("a=1", "a=1"), ("", ""), ("-", "'-"), ("--1", "'--1"),
            ("+1", "'+1"), ("-1-1", "'-1-1"),
        ];
        for (text, want) in cases {
            assert_eq!(neutral_cell(text), want);
        }
        assert_eq!(csv_line(&["a,b", "=\"x\"", "1"]), "\"a,b\",\"'=\"\"x\"\"\",1\n");
    }
}
