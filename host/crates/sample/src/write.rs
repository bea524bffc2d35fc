//! Drawing a community on all cores and writing it in order, in bounded memory.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::num::NonZero;
use std::ops::Range;
use std::path::{Path, PathBuf};

use playbook_files::{FileError, WholeFile};

use crate::chunk::{CHUNK_MEMBERS, Chunk, draw};
use crate::parquet_file::{ParquetFile, RowGroup, RowGroups};
use crate::table::Table;
use crate::truth::Counts;
use crate::{csv, fixed, truth};

/// Fewest members of a sample.
pub const MEMBERS_MIN: u64 = 1_000;
/// Most members of a sample.
pub const MEMBERS_MAX: u64 = 10_000_000;
/// Files with rows of members.
const STREAMS: [&str; 5] = ["members", "events", "identities", "consents", "truth"];

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSpec {
    /// Members, [`MEMBERS_MIN`] to [`MEMBERS_MAX`].
    pub members: u64,
    /// Same seed, same sample.
    pub seed: u64,
    /// Format of the files.
    pub format: Format,
    /// Threads that draw; `None`: as many as there are cores. The bytes do not depend on it.
    pub threads: Option<NonZero<usize>>,
}

/// Format of a sample's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet, snappy, categories as dictionaries.
    Parquet,
    /// Comma-separated with a header.
    Csv,
}

impl Format {
    /// Ending of file names, without the point.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
        }
    }
}

/// How far a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Members written.
    pub members: u64,
    /// Members in all.
    pub members_total: u64,
    /// Events written.
    pub events: u64,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Members, events, orders and what is true of them.
    pub counts: Counts,
    /// Files, in order of name.
    pub files: Vec<PathBuf>,
}

/// Why a sample cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Too few or too many members.
    #[error("a sample has 1000 to 10000000 members, not {0}")]
    Members(u64),
    /// The folder or a file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Parquet cannot be written.
    #[error("cannot write {path}")]
    Parquet {
        /// What was being written.
        path: PathBuf,
        /// What the encoder says.
        #[source]
        source: parquet::errors::ParquetError,
    },
}

/// Writes a synthetic community into the folder `out`, which is made if it is absent.
///
/// Files are `members`, `events`, `identities`, `consents`, `costs`, `entries`, `truth` with the
/// format's ending, and `truth.json`. Each is written under another name first and renamed when
/// all are whole. Memory is bounded by the number of threads, not by the number of members.
///
/// # Errors
/// [`SampleError::Members`] outside the bounds; where a file cannot be written.
pub fn write_sample(
    spec: &SampleSpec,
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, SampleError> {
    if !(MEMBERS_MIN..=MEMBERS_MAX).contains(&spec.members) {
        return Err(SampleError::Members(spec.members));
    }
    fs::create_dir_all(out).map_err(FileError::of("create", out))?;
    let mut written = Vec::new();
    let counts = write_members(spec, out, &mut written, progress)?;
    write_table(spec, out, "costs", &fixed::costs(spec.seed, spec.members), &mut written)?;
    write_table(spec, out, "entries", &fixed::entries(spec.seed, spec.members), &mut written)?;
    let truth = WholeFile::create(&out.join("truth.json"))?;
    let json = truth::json(spec.members, spec.seed, &counts);
    let fault = FileError::of("write", truth.path());
    truth.handle()?.write_all(json.as_bytes()).map_err(fault)?;
    written.push(truth);
    let mut files: Vec<PathBuf> = written.iter().map(|file| file.path().to_owned()).collect();
    files.sort();
    written.into_iter().try_for_each(WholeFile::put)?;
    Ok(Summary { counts, files })
}

fn write_members(
    spec: &SampleSpec,
    out: &Path,
    written: &mut Vec<WholeFile>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Counts, SampleError> {
    let empty = tables(draw(spec.seed, 0..0)).0;
    let mut sinks = Vec::new();
    let mut encoders = Vec::new();
    for (name, table) in STREAMS.iter().zip(&empty) {
        let path = out.join(format!("{name}.{}", spec.format.ending()));
        let (sink, encoder) = Sink::create(&path, spec.format, table)?;
        sinks.push(sink);
        encoders.push(encoder);
    }
    let threads = spec.threads.or_else(|| std::thread::available_parallelism().ok());
    let threads = threads.map_or(1, NonZero::get);
    let chunks: Vec<Range<u64>> = (0..spec.members.div_ceil(CHUNK_MEMBERS))
        .map(|chunk| chunk * CHUNK_MEMBERS..((chunk + 1) * CHUNK_MEMBERS).min(spec.members))
        .collect();
    let mut counts = Counts::default();
    for (wave, ranges) in chunks.chunks(threads).enumerate() {
        for encoded in draw_wave(spec.seed, wave * threads, ranges, &encoders) {
            let (pieces, more) = encoded.map_err(|(at, source)| sinks[at].parquet_error(source))?;
            for (sink, piece) in sinks.iter_mut().zip(pieces) {
                sink.append(piece)?;
            }
            counts.join(&more);
        }
        let Counts { members, events, .. } = counts;
        progress(Progress { members, members_total: spec.members, events });
    }
    for sink in sinks {
        written.push(sink.close()?);
    }
    Ok(counts)
}

fn write_table(
    spec: &SampleSpec,
    out: &Path,
    name: &str,
    table: &Table,
    written: &mut Vec<WholeFile>,
) -> Result<(), SampleError> {
    let path = out.join(format!("{name}.{}", spec.format.ending()));
    let (mut sink, encoder) = Sink::create(&path, spec.format, table)?;
    let piece = encoder.encode(table, 0).map_err(|source| sink.parquet_error(source))?;
    sink.append(piece)?;
    written.push(sink.close()?);
    Ok(())
}

fn tables(chunk: Chunk) -> ([Table; 5], Counts) {
    let Chunk { members, events, identities, consents, truth, counts } = chunk;
    ([members, events, identities, consents, truth], counts)
}

/// Encoded pieces of a chunk in the order of [`STREAMS`], or which one failed and why.
type Encoded = Result<(Vec<Piece>, Counts), (usize, parquet::errors::ParquetError)>;

/// Draws and encodes one chunk a thread; returns them in order.
fn draw_wave(seed: u64, first: usize, ranges: &[Range<u64>], encoders: &[Encoder]) -> Vec<Encoded> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = ranges
            .iter()
            .enumerate()
            .map(|(at, range)| {
                let range = range.clone();
                scope.spawn(move || encode_chunk(seed, first + at, range, encoders))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn encode_chunk(seed: u64, position: usize, range: Range<u64>, encoders: &[Encoder]) -> Encoded {
    let (tables, counts) = tables(draw(seed, range));
    let mut pieces = Vec::with_capacity(tables.len());
    for (at, (table, encoder)) in tables.into_iter().zip(encoders).enumerate() {
        pieces.push(encoder.encode(&table, position).map_err(|source| (at, source))?);
    }
    Ok((pieces, counts))
}

/// A stretch of a file, ready to be appended.
enum Piece {
    Text(Vec<u8>),
    RowGroup(RowGroup),
}

/// What turns tables into pieces of one file.
enum Encoder {
    Csv,
    Parquet(RowGroups),
}

impl Encoder {
    fn encode(&self, table: &Table, position: usize) -> parquet::errors::Result<Piece> {
        match self {
            Self::Csv => Ok(Piece::Text(csv::rows(table))),
            Self::Parquet(groups) => Ok(Piece::RowGroup(groups.encode(table, position)?)),
        }
    }
}

/// A file being written.
struct Sink {
    whole: WholeFile,
    file: SinkFile,
}

enum SinkFile {
    Csv(BufWriter<File>),
    Parquet(ParquetFile),
}

impl Sink {
    fn create(path: &Path, format: Format, sample: &Table) -> Result<(Self, Encoder), SampleError> {
        let whole = WholeFile::create(path)?;
        let handle = whole.handle()?;
        let (file, encoder) = match format {
            Format::Csv => {
                let mut file = BufWriter::with_capacity(1 << 20, handle);
                file.write_all(&csv::header(sample)).map_err(FileError::of("write", path))?;
                (SinkFile::Csv(file), Encoder::Csv)
            }
            Format::Parquet => {
                let (file, groups) = ParquetFile::create(handle, sample)
                    .map_err(|source| SampleError::Parquet { path: path.to_owned(), source })?;
                (SinkFile::Parquet(file), Encoder::Parquet(groups))
            }
        };
        Ok((Self { whole, file }, encoder))
    }

    fn append(&mut self, piece: Piece) -> Result<(), SampleError> {
        let path = self.whole.path();
        match (&mut self.file, piece) {
            (SinkFile::Csv(file), Piece::Text(text)) => {
                Ok(file.write_all(&text).map_err(FileError::of("write", path))?)
            }
            (SinkFile::Parquet(file), Piece::RowGroup(group)) => file
                .append(group)
                .map_err(|source| SampleError::Parquet { path: path.to_owned(), source }),
            // A sink and its encoder are made together, of one format.
            _ => Ok(()),
        }
    }

    fn parquet_error(&self, source: parquet::errors::ParquetError) -> SampleError {
        SampleError::Parquet { path: self.whole.path().to_owned(), source }
    }

    /// Ends the file, which is still to be put in its place.
    fn close(self) -> Result<WholeFile, SampleError> {
        let Self { whole, file } = self;
        match file {
            SinkFile::Csv(mut file) => {
                file.flush().map_err(FileError::of("write", whole.path()))?;
            }
            SinkFile::Parquet(file) => file
                .close()
                .map_err(|source| SampleError::Parquet { path: whole.path().to_owned(), source })?,
        }
        Ok(whole)
    }
}
