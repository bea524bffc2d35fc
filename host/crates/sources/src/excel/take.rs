//! Rows of a sheet, cell by cell: neither the sheet nor what a stranger's workbook unpacks to is held as a whole.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _};
use std::path::Path;

use calamine::{Reader as _, SheetType, SheetVisible, Xlsx};
use playbook_files::caught::caught;
use playbook_files::{FileError, open_regular};
use zip::ZipArchive;

use super::cells::text;
use crate::error::Cause;
use crate::table::{Holds, TableFile, Value};
use crate::{Result, SourcesError, Watch};

/// Bytes that a workbook unpacks to, as a multiple of its own and in any case.
const UNPACKED_TIMES: u64 = 400;
const UNPACKED_FREE: u64 = 64 << 20;
const UNPACKED_MAX: u64 = 2 << 30;
/// Columns that a sheet of Excel has.
const COLUMNS_MAX: u32 = 16_384;

pub(crate) fn take(file: &Path, sheet: Option<&str>, to: &Path, watch: &Watch<'_>) -> Result<u64> {
    let book = Book { path: file };
    let opened = open_regular(file)?;
    book.check_size(opened.try_clone().map_err(FileError::of("read", file))?, watch)?;
    // The reader is handed what strangers wrote.
    caught(|| book.rows(opened, sheet, to, watch))
        .map_err(|panicked| book.fault("it cannot be read", Some(panicked.into())))?
}

/// Names of the sheets of a workbook that are seen.
pub(crate) fn sheets(file: &Path, watch: &Watch<'_>) -> Result<Vec<String>> {
    let book = Book { path: file };
    let opened = open_regular(file)?;
    book.check_size(opened.try_clone().map_err(FileError::of("read", file))?, watch)?;
    caught(|| book.names(opened))
        .map_err(|panicked| book.fault("it cannot be read", Some(panicked.into())))?
}

struct Book<'a> {
    path: &'a Path,
}

impl Book<'_> {
    fn fault(&self, what: impl Into<String>, source: Option<Cause>) -> SourcesError {
        SourcesError::Contents { path: self.path.display().to_string(), what: what.into(), source }
    }

    fn no_workbook(&self, source: Cause) -> SourcesError {
        self.fault("it is no Excel workbook of the kind .xlsx; save it as one", Some(source))
    }

    /// Unpacks everything once and counts: what a ZIP says of itself may be anything.
    fn check_size(&self, mut file: File, watch: &Watch<'_>) -> Result<()> {
        let length = file.metadata().map_err(FileError::of("read", self.path))?.len();
        let most = (length * UNPACKED_TIMES).clamp(UNPACKED_FREE, UNPACKED_MAX);
        let counted = caught(|| {
            let mut zip = ZipArchive::new(BufReader::new(&file)).map_err(Cause::from)?;
            let (mut unpacked, mut buffer) = (0, vec![0; 1 << 16]);
            for at in 0..zip.len() {
                let mut entry = zip.by_index(at).map_err(Cause::from)?;
                loop {
                    if (watch.cancelled)() {
                        return Ok(Err(SourcesError::Cancelled));
                    }
                    let read = entry.read(&mut buffer).map_err(Cause::from)? as u64;
                    unpacked += read;
                    if unpacked > most {
                        let what = format!("it unpacks to more than {most} bytes");
                        return Ok(Err(self.fault(what, None)));
                    }
                    if read == 0 {
                        break;
                    }
                }
            }
            Ok(Ok(()))
        });
        counted
            .map_err(|panicked| self.no_workbook(panicked.into()))?
            .map_err(|source: Cause| self.no_workbook(source))??;
        file.rewind().map_err(|error| FileError::of("read", self.path)(error).into())
    }

    fn rows(&self, file: File, sheet: Option<&str>, to: &Path, watch: &Watch<'_>) -> Result<u64> {
        let mut book: Xlsx<_> =
            Xlsx::new(BufReader::new(file)).map_err(|error| self.no_workbook(error.into()))?;
        let name = self.sheet(&book, sheet)?;
        let fault = |error: calamine::XlsxError| {
            self.fault(format!("its sheet `{name}` cannot be read"), Some(error.into()))
        };
        let mut cells = book.worksheet_cells_reader(&name).map_err(fault)?;
        let mut sink =
            Sink { book: self, to, watch, names: Vec::new(), table: None, rows: 0, is_full: false };
        let mut row = Row::default();
        while let Some(cell) = cells.next_cell().map_err(fault)? {
            let (at, column) = cell.get_position();
            if at != row.number {
                if at < row.number {
                    return Err(self.fault("its rows do not stand in order", None));
                }
                sink.take(&mut row)?;
                if sink.is_full {
                    break;
                }
                row.number = at;
            }
            if column >= COLUMNS_MAX {
                return Err(self.fault(format!("it has a cell in column {}", column + 1), None));
            }
            row.cells.extend(text(cell.get_value()).map(|text| (column, text)));
        }
        sink.take(&mut row)?;
        match sink.table {
            Some(table) => table.finish(),
            None => Err(self.fault(
                format!(
                    "its sheet `{name}` has no row; the first one with content names the columns"
                ),
                None,
            )),
        }
    }

    /// Names of the sheets that are seen.
    fn names(&self, file: File) -> Result<Vec<String>> {
        let book: Xlsx<_> =
            Xlsx::new(BufReader::new(file)).map_err(|error| self.no_workbook(error.into()))?;
        let sheets = book.sheets_metadata().iter().filter(|sheet| {
            sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible
        });
        Ok(sheets.map(|sheet| sheet.name.clone()).collect())
    }

    /// The sheet of a name, or the first one that is seen.
    fn sheet(&self, book: &Xlsx<BufReader<File>>, wanted: Option<&str>) -> Result<String> {
        let sheets = book.sheets_metadata().iter().filter(|s| s.typ == SheetType::WorkSheet);
        let found = match wanted {
            Some(name) => sheets.clone().find(|sheet| sheet.name == name),
            None => sheets.clone().find(|sheet| sheet.visible == SheetVisible::Visible),
        };
        found.map(|sheet| sheet.name.clone()).ok_or_else(|| {
            let names: Vec<String> = sheets.map(|sheet| format!("`{}`", sheet.name)).collect();
            let wanted = wanted.map_or_else(|| "to be seen".to_owned(), |name| format!("`{name}`"));
            self.fault(format!("it has no sheet {wanted}; it has {}", names.join(", ")), None)
        })
    }
}

/// A row of cells with content, by column.
#[derive(Default)]
struct Row {
    number: u32,
    cells: Vec<(u32, String)>,
}

struct Sink<'a> {
    book: &'a Book<'a>,
    to: &'a Path,
    watch: &'a Watch<'a>,
    /// Names of columns by their number, once the header is read.
    names: Vec<(u32, String)>,
    table: Option<TableFile>,
    rows: u64,
    /// Whether no more rows are wanted.
    is_full: bool,
}

impl Sink<'_> {
    /// Takes the cells of a row; rows without any are passed over.
    fn take(&mut self, row: &mut Row) -> Result<()> {
        if (self.watch.cancelled)() {
            return Err(SourcesError::Cancelled);
        }
        let mut cells = std::mem::take(&mut row.cells);
        cells.sort_by_key(|(column, _)| *column);
        if cells.is_empty() {
            return Ok(());
        }
        let Some(table) = &mut self.table else {
            let columns = cells.iter().map(|(_, name)| (name.clone(), Holds::Text));
            self.table = Some(TableFile::create(self.to, columns, self.watch.bytes_max)?);
            self.names = cells;
            return Ok(());
        };
        let mut next = cells.iter().peekable();
        for (at, (column, _)) in self.names.iter().enumerate() {
            match next.next_if(|(found, _)| found == column) {
                Some((_, text)) => table.push(at, Value::Text(text)),
                None => table.push(at, Value::Missing),
            }
        }
        if let Some((column, _)) = next.next() {
            let what = format!(
                "row {} has a cell in column {}, which the header leaves without a name; name the column, or clear it",
                row.number + 1,
                letters(*column)
            );
            return Err(self.book.fault(what, None));
        }
        table.end_row()?;
        self.rows += 1;
        self.is_full = !self.watch.counted("", self.rows);
        Ok(())
    }
}

/// A column as Excel calls it.
fn letters(column: u32) -> String {
    let mut left = column + 1;
    let mut letters = Vec::new();
    while left > 0 {
        letters.push(char::from(b'A' + u8::try_from((left - 1) % 26).unwrap_or(0)));
        left = (left - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn columns_are_called_as_excel_calls_them() {
        assert_eq!([0, 25, 26, 701, 702].map(letters), ["A", "Z", "AA", "ZZ", "AAA"]);
    }
}
