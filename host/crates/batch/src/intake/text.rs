//! Reads text files in parallel: one thread reads, digests and cuts blocks, others type the rows, and the
//! caller writes them in the order of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use playbook_model::{Digest, OnError, SourceDef, SourceFormat};
use sha2::{Digest as _, Sha256};

use crate::error::{go_on, io};
use crate::intake::columns::{ColumnBuilders, ScratchWriter, schema_of};
use crate::intake::field::{FieldReader, Value};
use crate::intake::files::SourceFile;
use crate::intake::json::JsonRow;
use crate::intake::records::{Record, next_record, whole_records};
use crate::intake::rejects::{Reject, RejectTally, raw_text};
use crate::{BatchError, BrandClock, Cancel, Progress, Result};

/// Bytes of a block; a record longer than [`RECORD_BYTES_MAX`] is rejected by pieces.
const BLOCK_BYTES: usize = 2 << 20;
const RECORD_BYTES_MAX: usize = 16 << 20;

/// What reading a source needs to know.
pub(crate) struct ReadJob<'a> {
    pub(crate) source: &'a SourceDef,
    pub(crate) files: &'a [SourceFile],
    pub(crate) fields: &'a [FieldReader],
    pub(crate) clock: &'a BrandClock,
    pub(crate) threads: usize,
    pub(crate) cancel: &'a Cancel,
    pub(crate) progress: &'a dyn Progress,
}

/// What came of reading a source.
#[derive(Debug, Default)]
pub(crate) struct ReadResult {
    pub(crate) digests: Vec<Digest>,
    pub(crate) rows_read: u64,
    pub(crate) rows_kept: u64,
    pub(crate) rejects: RejectTally,
    pub(crate) unmapped: BTreeSet<String>,
}

/// Where the fields of a file stand.
#[derive(Debug)]
struct Layout {
    file: String,
    /// Position per mapped field; `None`: the file has no such column.
    positions: Vec<Option<usize>>,
    /// Columns that a record must have; `None`: any number.
    width: Option<usize>,
}

struct Block {
    number: u64,
    first_line: u64,
    bytes: Vec<u8>,
    layout: Arc<Layout>,
}

struct Typed {
    batch: RecordBatch,
    rows_read: u64,
    rejects: RejectTally,
    unmapped: BTreeSet<String>,
}

/// Reads all files of a text source into a scratch file.
pub(crate) fn read_text(job: &ReadJob<'_>, scratch: &Path) -> Result<ReadResult> {
    let schema = schema_of(job.fields);
    let mut writer = ScratchWriter::create(scratch, &schema)?;
    let (block_sender, block_receiver) = sync_channel::<Block>(job.threads);
    let (typed_sender, typed_receiver) = sync_channel(job.threads * 2);
    let block_receiver = Mutex::new(block_receiver);
    let mut result = ReadResult::default();
    std::thread::scope(|scope| -> Result<()> {
        let reader = scope.spawn(move || read_blocks(job, &block_sender));
        for _ in 0..job.threads {
            let sender = typed_sender.clone();
            let (blocks, schema) = (&block_receiver, &schema);
            scope.spawn(move || type_blocks(job, blocks, schema, &sender));
        }
        drop(typed_sender);
        let written = write_in_order(job, &typed_receiver, &mut writer, &mut result);
        // Whoever still waits to send finds the channel closed and ends.
        drop(typed_receiver);
        let (digests, unmapped) = reader.join().expect("the reading thread does not panic")?;
        written?;
        result.digests = digests;
        result.unmapped.extend(unmapped);
        Ok(())
    })?;
    go_on(job.cancel)?;
    writer.close()?;
    Ok(result)
}

fn write_in_order(
    job: &ReadJob<'_>,
    typed: &Receiver<(u64, Typed)>,
    writer: &mut ScratchWriter,
    result: &mut ReadResult,
) -> Result<()> {
    let stage = format!("read {}", job.source.name);
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for (number, part) in typed {
        waiting.insert(number, part);
        while let Some(part) = waiting.remove(&next) {
            next += 1;
            result.rows_read += part.rows_read;
            result.rows_kept += part.batch.num_rows() as u64;
            result.rejects.append(part.rejects);
            result.unmapped.extend(part.unmapped);
            if part.batch.num_rows() > 0 {
                writer.write(&part.batch)?;
            }
            job.progress.advanced(&stage, part.rows_read, None);
        }
    }
    job.progress.finished(&stage);
    Ok(())
}

/// Reads and digests all files, and sends them on in blocks of whole records.
fn read_blocks(
    job: &ReadJob<'_>,
    sender: &SyncSender<Block>,
) -> Result<(Vec<Digest>, BTreeSet<String>)> {
    let mut number = 0;
    let mut digests = Vec::new();
    let mut unmapped = BTreeSet::new();
    for file in job.files {
        let mut input = File::open(&file.path).map_err(io("read", &file.path))?;
        let mut hash = Sha256::new();
        let mut carry: Vec<u8> = Vec::new();
        let (mut line, mut layout, mut ended) = (1, None, false);
        while !ended {
            if job.cancel.is_cancelled() {
                return Ok((digests, unmapped));
            }
            let mut bytes = std::mem::take(&mut carry);
            let start = bytes.len();
            let wanted = (BLOCK_BYTES as u64).max(start as u64);
            (&mut input).take(wanted).read_to_end(&mut bytes).map_err(io("read", &file.path))?;
            ended = bytes.len() == start;
            hash.update(&bytes[start..]);
            if !ended {
                let whole = whole_records(&job.source.format, &bytes);
                let end = match whole {
                    Some(end) => end,
                    None if bytes.len() < RECORD_BYTES_MAX => 0,
                    None => bytes.len(),
                };
                carry = bytes.split_off(end);
            }
            if bytes.is_empty() {
                continue;
            }
            let layout = match &layout {
                Some(layout) => Arc::clone(layout),
                None => {
                    let (first, cut, lines) = file_layout(job, file, &bytes, &mut unmapped)?;
                    bytes.drain(..cut);
                    line += lines;
                    Arc::clone(layout.insert(Arc::new(first)))
                }
            };
            let lines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
            if sender.send(Block { number, first_line: line, bytes, layout }).is_err() {
                return Ok((digests, unmapped));
            }
            line += lines;
            number += 1;
        }
        digests.push(Digest(hash.finalize().into()));
    }
    Ok((digests, unmapped))
}

/// Reads the header of a file; returns the layout, and how many bytes and lines the header takes.
fn file_layout(
    job: &ReadJob<'_>,
    file: &SourceFile,
    bytes: &[u8],
    unmapped: &mut BTreeSet<String>,
) -> Result<(Layout, usize, u64)> {
    let mark = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let has_header = match job.source.format {
        SourceFormat::Csv { header, .. } | SourceFormat::Whitespace { header } => header,
        SourceFormat::JsonLines | SourceFormat::Parquet => {
            let positions = (0..job.fields.len()).map(Some).collect();
            return Ok((Layout { file: file.name.clone(), positions, width: None }, mark, 0));
        }
    };
    let (mut cut, mut lines) = (mark, 0);
    let mut names = job.source.columns.clone();
    if has_header {
        let mut record = Record::default();
        cut = next_record(&job.source.format, bytes, mark, &mut record);
        lines = memchr::memchr_iter(b'\n', &bytes[..cut]).count() as u64;
        let text = |i| {
            String::from_utf8_lossy(record.field(bytes, i).unwrap_or_default()).trim().to_owned()
        };
        names = (0..record.len()).map(text).collect();
    }
    let positions = job
        .fields
        .iter()
        .map(|field| {
            let at = names.iter().position(|name| *name == field.from);
            if at.is_none() && field.required {
                return Err(BatchError::NoColumn {
                    source_name: job.source.name.clone(),
                    path: file.path.clone(),
                    field: field.from.clone(),
                    known: names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "),
                });
            }
            Ok(at)
        })
        .collect::<Result<Vec<_>>>()?;
    let is_mapped = |name: &String| job.fields.iter().any(|f| f.from == *name);
    unmapped.extend(names.iter().filter(|name| !is_mapped(name)).cloned());
    let width = (!names.is_empty()).then_some(names.len());
    Ok((Layout { file: file.name.clone(), positions, width }, cut, lines))
}

fn type_blocks(
    job: &ReadJob<'_>,
    blocks: &Mutex<Receiver<Block>>,
    schema: &SchemaRef,
    sender: &SyncSender<(u64, Typed)>,
) {
    loop {
        let block = match blocks.lock() {
            Ok(receiver) => receiver.recv(),
            Err(_) => return,
        };
        let Ok(block) = block else { return };
        if sender.send((block.number, type_block(job, &block, schema))).is_err() {
            return;
        }
    }
}

fn type_block(job: &ReadJob<'_>, block: &Block, schema: &SchemaRef) -> Typed {
    let format = &job.source.format;
    let is_json = *format == SourceFormat::JsonLines;
    let mut clock = job.clock.offsets();
    let mut builders = ColumnBuilders::new(job.fields);
    let mut record = Record::default();
    let mut json = JsonRow::new(job.fields);
    let mut rejects = RejectTally::default();
    let (mut at, mut line, mut rows_read, mut rows) = (0, block.first_line, 0, 0);
    while at < block.bytes.len() {
        let start = at;
        at = next_record(format, &block.bytes, at, &mut record);
        let raw = &block.bytes[start..record.end.max(start)];
        let this_line = line;
        line += memchr::memchr_iter(b'\n', &block.bytes[start..at]).count() as u64;
        if raw.trim_ascii().is_empty() {
            continue;
        }
        rows_read += 1;
        let typed = if is_json {
            json.read(raw).and_then(|()| type_row(job.fields, |i| json.field(i), &mut clock))
        } else {
            check_width(&record, &block.layout).and_then(|()| {
                let position = |i: usize| block.layout.positions[i];
                let field = |i| position(i).and_then(|p| record.field(&block.bytes, p));
                type_row(job.fields, field, &mut clock)
            })
        };
        match typed {
            Ok(row) => {
                builders.push(&row);
                rows += 1;
            }
            Err((reason, counts)) => rejects.push(
                Reject {
                    source: job.source.name.clone(),
                    file: block.layout.file.clone(),
                    line: this_line,
                    reason,
                    raw: raw_text(raw),
                },
                counts,
            ),
        }
    }
    let unmapped = json.into_unmapped();
    Typed { batch: builders.finish(schema, rows), rows_read, rejects, unmapped }
}

fn check_width(record: &Record, layout: &Layout) -> Result<(), (String, bool)> {
    if record.unclosed {
        return Err(("a quote is not closed".to_owned(), true));
    }
    match layout.width {
        Some(width) if width != record.len() => {
            Err((format!("the row does not have {width} columns"), true))
        }
        _ => Ok(()),
    }
}

/// Types one row, or says why not and whether that counts against the bound.
pub(crate) fn type_row<'a>(
    fields: &[FieldReader],
    raw: impl Fn(usize) -> Option<&'a [u8]>,
    clock: &mut crate::clock::OffsetReader<'_>,
) -> Result<Vec<Value<'a>>, (String, bool)> {
    let mut row = Vec::with_capacity(fields.len());
    for (i, field) in fields.iter().enumerate() {
        let value = raw(i).map_or_else(|| field.missing(), |raw| field.read(raw, clock));
        row.push(match value {
            Ok(value) => value,
            Err(_) if field.on_error == OnError::Null => Value::Missing,
            Err(reason) => return Err((field.reason(reason), field.on_error == OnError::Reject)),
        });
    }
    Ok(row)
}
