//! Files of a sample as they are written: encoded in stretches by any thread, appended in order by one.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use playbook_files::{FileError, WholeFile};

use crate::csv;
use crate::parquet_file::{ParquetFile, RowGroup, RowGroups};
use crate::spec::{Format, SampleError};
use crate::table::Table;

/// A stretch of a file, ready to be appended.
pub(crate) enum Piece {
    Text(Vec<u8>),
    RowGroup(RowGroup),
}

/// What turns tables into pieces of one file.
pub(crate) struct Encoder {
    path: PathBuf,
    form: Form,
}

enum Form {
    Csv,
    Parquet(RowGroups),
}

impl Encoder {
    /// Encodes a table, whose place among the pieces of the file is `position`.
    pub(crate) fn encode(&self, table: &Table, position: usize) -> Result<Piece, SampleError> {
        match &self.form {
            Form::Csv => Ok(Piece::Text(csv::rows(table, &self.path)?)),
            Form::Parquet(groups) => {
                let group = groups.encode(table, position).map_err(parquet_error(&self.path))?;
                Ok(Piece::RowGroup(group))
            }
        }
    }
}

/// A file being written.
pub(crate) struct Sink {
    whole: WholeFile,
    file: SinkFile,
}

enum SinkFile {
    Csv(BufWriter<File>),
    Parquet(ParquetFile),
}

impl Sink {
    /// Begins the file at `path` for tables like `sample`.
    pub(crate) fn create(
        path: &Path,
        format: Format,
        sample: &Table,
    ) -> Result<(Self, Encoder), SampleError> {
        let whole = WholeFile::create(path)?;
        let handle = whole.handle()?;
        let (file, form) = match format {
            Format::Csv => {
                let mut file = BufWriter::with_capacity(1 << 20, handle);
                let header = csv::header(sample, path)?;
                file.write_all(&header).map_err(FileError::of("write", path))?;
                (SinkFile::Csv(file), Form::Csv)
            }
            Format::Parquet => {
                let created = ParquetFile::create(handle, sample).map_err(parquet_error(path))?;
                (SinkFile::Parquet(created.0), Form::Parquet(created.1))
            }
        };
        Ok((Self { whole, file }, Encoder { path: path.to_owned(), form }))
    }

    /// Appends what this file's encoder made.
    pub(crate) fn append(&mut self, piece: Piece) -> Result<(), SampleError> {
        let path = self.whole.path();
        match (&mut self.file, piece) {
            (SinkFile::Csv(file), Piece::Text(text)) => {
                Ok(file.write_all(&text).map_err(FileError::of("write", path))?)
            }
            (SinkFile::Parquet(file), Piece::RowGroup(group)) => {
                file.append(group).map_err(parquet_error(path))
            }
            // A sink and its encoder are made together, of one format.
            _ => Ok(()),
        }
    }

    /// Ends the file, which is still to be put in its place.
    pub(crate) fn close(self) -> Result<WholeFile, SampleError> {
        let Self { whole, file } = self;
        match file {
            SinkFile::Csv(mut file) => {
                file.flush().map_err(FileError::of("write", whole.path()))?;
            }
            SinkFile::Parquet(file) => file.close().map_err(parquet_error(whole.path()))?,
        }
        Ok(whole)
    }
}

fn parquet_error(path: &Path) -> impl FnOnce(ParquetError) -> SampleError {
    let path = path.to_owned();
    move |source| SampleError::Parquet { path, source }
}
