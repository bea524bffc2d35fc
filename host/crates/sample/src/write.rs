//! Drawing a community on all cores and writing it in order, in bounded memory.

use std::fs;
use std::io::Write as _;
use std::num::NonZero;
use std::ops::Range;
use std::path::{Path, PathBuf};

use playbook_files::{FileError, WholeFile};

use crate::chunk::{CHUNK_MEMBERS, Chunk, draw};
use crate::sink::{Encoder, Piece, Sink};
use crate::spec::{MEMBERS_MAX, MEMBERS_MIN, Progress, SampleError, SampleSpec, Summary};
use crate::table::Table;
use crate::truth::Counts;
use crate::{fixed, truth};

/// Files with rows of members.
const STREAMS: [&str; 5] = ["members", "events", "identities", "consents", "truth"];

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
            let (pieces, more) = encoded?;
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
    sink.append(encoder.encode(table, 0)?)?;
    written.push(sink.close()?);
    Ok(())
}

fn tables(chunk: Chunk) -> ([Table; 5], Counts) {
    let Chunk { members, events, identities, consents, truth, counts } = chunk;
    ([members, events, identities, consents, truth], counts)
}

/// Encoded pieces of a chunk in the order of [`STREAMS`], and its counts.
type Encoded = Result<(Vec<Piece>, Counts), SampleError>;

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
    // Each table goes when it is encoded, so that two forms of one table are held at a time.
    let encoded = tables.into_iter().zip(encoders).map(|(t, encoder)| encoder.encode(&t, position));
    Ok((encoded.collect::<Result<_, _>>()?, counts))
}
