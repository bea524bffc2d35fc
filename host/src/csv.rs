//! Comma-separated outputs that a spreadsheet can open without running anything.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};

/// A file with a header and rows of equal length.
pub(crate) struct Csv {
    out: BufWriter<File>,
    columns: usize,
}

impl Csv {
    /// Creates the file and writes the header.
    pub(crate) fn create(path: &Path, header: &[&str]) -> Result<Self> {
        let file =
            File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?;
        let mut csv = Self { out: BufWriter::new(file), columns: header.len() };
        csv.row(header)?;
        Ok(csv)
    }

    /// Writes one row.
    pub(crate) fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) -> Result<()> {
        let mut written = 0;
        for cell in cells {
            if written > 0 {
                self.out.write_all(b",")?;
            }
            write_cell(&mut self.out, cell.as_ref())?;
            written += 1;
        }
        debug_assert_eq!(written, self.columns);
        self.out.write_all(b"\n")?;
        Ok(())
    }

    /// Writes what is left.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        Ok(())
    }
}

/// Text that a spreadsheet would take for a formula is neutralised; numbers stay numbers.
fn write_cell(out: &mut impl Write, cell: &str) -> std::io::Result<()> {
    let cell = playbook_batch::neutral_cell(cell);
    if !cell.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        return out.write_all(cell.as_bytes());
    }
    out.write_all(b"\"")?;
    out.write_all(cell.replace('"', "\"\"").as_bytes())?;
    out.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    fn cell(text: &str) -> String {
        let mut out = Vec::new();
        super::write_cell(&mut out, text).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn cells_that_begin_like_formulas_are_text_and_numbers_stay_numbers() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@SUM(A1,B2)"), "\"'@SUM(A1,B2)\"");
        assert_eq!(cell("-cmd|calc"), "'-cmd|calc");
        assert_eq!(cell("-12.5"), "-12.5");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(cell("plain"), "plain");
    }
}
