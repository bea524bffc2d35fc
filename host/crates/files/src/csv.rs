//! Comma-separated text that a spreadsheet can open without running anything.

use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use csv::{Writer, WriterBuilder};

use crate::FileError;

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 1 << 16;

/// A table of text being written: a header and rows of equal length. Cells are neutralised, numbers stay numbers.
#[derive(Debug)]
pub struct Csv<W: Write> {
    path: PathBuf,
    out: Writer<W>,
}

impl Csv<File> {
    /// Creates a file and writes the header.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create<S: AsRef<str>>(path: &Path, header: &[S]) -> Result<Self, FileError> {
        let file = File::create(path).map_err(FileError::of("write", path))?;
        Self::over(file, path, header)
    }
}

impl<W: Write> Csv<W> {
    /// Writes the header to `out`; `path` is what faults name.
    ///
    /// # Errors
    /// Where `out` does not take it.
    pub fn over<S: AsRef<str>>(out: W, path: &Path, header: &[S]) -> Result<Self, FileError> {
        let mut csv = Self::rows_over(out, path);
        csv.row(header)?;
        Ok(csv)
    }

    /// Writes rows alone, which somebody appends to a file that has a header.
    pub fn rows_over(out: W, path: &Path) -> Self {
        let out = WriterBuilder::new().buffer_capacity(BUFFER_BYTES).from_writer(out);
        Self { path: path.to_owned(), out }
    }

    /// Writes one row.
    ///
    /// # Errors
    /// Where it cannot be written, or has another number of cells than the header.
    pub fn row<S: AsRef<str>>(
        &mut self,
        cells: impl IntoIterator<Item = S>,
    ) -> Result<(), FileError> {
        cells.into_iter().try_for_each(|cell| self.cell(cell.as_ref()))?;
        self.end_row()
    }

    /// Writes one cell of a row that [`Csv::end_row`] ends.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn cell(&mut self, text: &str) -> Result<(), FileError> {
        let written = self.out.write_field(neutral_cell(text).as_bytes());
        written.map_err(|e| FileError::of("write", &self.path)(e.into()))
    }

    /// Ends a row.
    ///
    /// # Errors
    /// Where it cannot be written, or has another number of cells than the header.
    pub fn end_row(&mut self) -> Result<(), FileError> {
        let written = self.out.write_record(None::<&[u8]>);
        written.map_err(|e| FileError::of("write", &self.path)(e.into()))
    }

    /// Writes what is left and returns what was written to.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(self) -> Result<W, FileError> {
        let path = self.path;
        self.out.into_inner().map_err(|e| FileError::of("write", &path)(e.into_error()))
    }
}

/// What a spreadsheet takes for the start of a formula, and the apostrophe that keeps it from that.
const MARKS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// Returns the text of a cell so that no spreadsheet takes it for a formula: text that begins with
/// `=`, `+`, `-`, `@`, a tab or a carriage return gets a leading apostrophe, unless it is a plain number, and so does text that
/// begins with an apostrophe: [`plain_cell`] is the way back.
#[must_use]
pub fn neutral_cell(text: &str) -> Cow<'_, str> {
    if !text.starts_with(MARKS) {
        return text.into();
    }
    let number = text.strip_prefix('-').unwrap_or(text);
    let is_number = !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && number.parse::<f64>().is_ok();
    if !is_number { format!("'{text}").into() } else { text.into() }
}

/// Returns the text that [`neutral_cell`] was given.
#[must_use]
pub fn plain_cell(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| text.starts_with(MARKS)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::path::Path;

    use super::{Csv, neutral_cell, plain_cell};

    #[test]
    fn cells_that_begin_like_formulas_are_neutralised_and_numbers_are_not() {
        let cases = [
            ("=1+1", "'=1+1"),
            ("+86 10", "'+86 10"),
            ("-1", "-1"),
            ("-1.50", "-1.50"),
            ("-x", "'-x"),
            ("-cmd|calc", "'-cmd|calc"),
            ("@a", "'@a"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("a=1", "a=1"),
            ("", ""),
            ("-", "'-"),
            ("--1", "'--1"),
            ("+1", "'+1"),
            ("-1-1", "'-1-1"),
            ("'x", "''x"),
            ("'+1", "''+1"),
            ("x'", "x'"),
        ];
        for (text, want) in cases {
            assert_eq!(neutral_cell(text), want);
            assert_eq!(plain_cell(want), text, "the way back");
        }
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let mut csv = Csv::over(Vec::new(), Path::new("test"), &["one", "two"]).unwrap();
        csv.row(["a,\"b\"", "line\nline"]).unwrap();
        csv.row(["@SUM(A1,B2)", ""]).unwrap();
        let text = String::from_utf8(csv.finish().unwrap()).unwrap();
        let want = "one,two\n\"a,\"\"b\"\"\",\"line\nline\"\n\"'@SUM(A1,B2)\",\n";
        assert_eq!(text, want);
    }

    #[test]
    fn rows_written_apart_are_those_that_follow_a_header() {
        let path = Path::new("test");
        let mut whole = Csv::over(Vec::new(), path, &["one", "two"]).unwrap();
        let mut text = whole.finish().unwrap();
        whole = Csv::over(Vec::new(), path, &["one", "two"]).unwrap();
        let mut apart = Csv::rows_over(Vec::new(), path);
        for row in [["a", "=1"], ["", "-2.5"]] {
            whole.row(row).unwrap();
            row.iter().for_each(|cell| apart.cell(cell).unwrap());
            apart.end_row().unwrap();
        }
        text.extend(apart.finish().unwrap());
        assert_eq!(text, whole.finish().unwrap());
    }

    #[test]
    fn a_row_of_another_length_is_refused() {
        let mut csv = Csv::over(Vec::new(), Path::new("grants.csv"), &["one", "two"]).unwrap();
        let error = csv.row(["a"]).unwrap_err();
        assert!(error.to_string().contains("grants.csv"), "{error}");
    }
}
