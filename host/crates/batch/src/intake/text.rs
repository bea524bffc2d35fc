//! Reads text files in parallel: one thread reads, digests and cuts blocks, others type the rows, and the
//! caller writes them in the order of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use playbook_model::{Digest, OnError, SourceDef, SourceFormat};

use crate::error::go_on;
use crate::intake::columns::{ColumnBuilders, ScratchWriter, schema_of};
use crate::intake::decode::{TextFault, TextFile, text_fault};
use crate::intake::field::{FieldReader, Value};
use crate::intake::files::SourceFile;
use crate::intake::header::{Layout, file_layout, has_header, lacking};
use crate::intake::json::JsonRow;
use crate::intake::records::{Record, next_record, whole_records};
use crate::intake::rejects::{Refused, Reject, RejectTally, raw_text};
use crate::intake::transform::Reason;
use crate::{BatchError, BrandClock, Cancel, Progress, Result};

/// Bytes of a block.
const BLOCK_BYTES: usize = 2 << 20;
/// Bytes that a record may take.
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
    /// Files without a byte.
    pub(crate) empty_files: Vec<String>,
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
    /// Of JSON objects: per field whether any had it, and the members that no field reads.
    members: Option<(Vec<bool>, BTreeSet<String>)>,
    layout: Arc<Layout>,
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
        let read = reader.join().expect("the reading thread does not panic")?;
        written?;
        result.digests = read.digests;
        result.unmapped.extend(read.unmapped);
        result.empty_files = read.empty_files;
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
    // Of a file of JSON objects: which members any of them had so far.
    let mut file: Option<(Arc<Layout>, Vec<bool>)> = None;
    for (number, part) in typed {
        waiting.insert(number, part);
        while let Some(part) = waiting.remove(&next) {
            next += 1;
            result.rows_read += part.rows_read;
            result.rows_kept += part.batch.num_rows() as u64;
            result.rejects.append(part.rejects);
            if let Some((seen, unmapped)) = part.members {
                result.unmapped.extend(unmapped);
                match &mut file {
                    Some((layout, all)) if Arc::ptr_eq(layout, &part.layout) => {
                        all.iter_mut().zip(seen).for_each(|(all, seen)| *all |= seen);
                    }
                    _ => {
                        check_members(job, file.replace((Arc::clone(&part.layout), seen)))?;
                    }
                }
            }
            if part.batch.num_rows() > 0 {
                writer.write(&part.batch)?;
            }
            job.progress.advanced(&stage, part.rows_read, None);
        }
    }
    check_members(job, file)?;
    job.progress.finished(&stage);
    Ok(())
}

/// Fails where no object of a file had a member that the mapping names.
fn check_members(job: &ReadJob<'_>, file: Option<(Arc<Layout>, Vec<bool>)>) -> Result<()> {
    let Some((layout, seen)) = file else { return Ok(()) };
    let absent = job.fields.iter().zip(seen).find(|(field, seen)| !seen && !field.optional);
    match absent {
        Some((field, _)) => Err(lacking(job, &layout.path, &field.from, &[], "")),
        None => Ok(()),
    }
}

/// What the reading thread came to.
#[derive(Default)]
struct Read {
    digests: Vec<Digest>,
    unmapped: BTreeSet<String>,
    empty_files: Vec<String>,
}

/// Reads and digests all files, and sends them on in blocks of whole records.
fn read_blocks(job: &ReadJob<'_>, sender: &SyncSender<Block>) -> Result<Read> {
    let mut number = 0;
    let mut read = Read::default();
    for file in job.files {
        let mut text = TextFile::open(&file.path, job.source.encoding.as_deref())?;
        let mut carry: Vec<u8> = Vec::new();
        let (mut line, mut layout, mut ended) = (1, None, false);
        while !ended {
            if job.cancel.is_cancelled() {
                return Ok(read);
            }
            let mut bytes = std::mem::take(&mut carry);
            // Twice as much as last time, but never more than shows that a record is too long.
            let wanted = BLOCK_BYTES
                .max(bytes.len())
                .min((RECORD_BYTES_MAX + 1).saturating_sub(bytes.len()).max(1));
            ended = text.read(wanted, &mut bytes)?;
            if !ended {
                let end = whole_records(&job.source.format, &bytes);
                if end == 0 && bytes.len() > RECORD_BYTES_MAX {
                    return Err(endless(&file.path, line, &bytes));
                }
                carry = bytes.split_off(end);
            }
            if bytes.is_empty() {
                continue;
            }
            let layout = match &layout {
                Some(layout) => Arc::clone(layout),
                None => {
                    let (first, cut, lines) = file_layout(job, file, &bytes, &mut read.unmapped)?;
                    bytes.drain(..cut);
                    line += lines;
                    Arc::clone(layout.insert(Arc::new(first)))
                }
            };
            let lines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
            if sender.send(Block { number, first_line: line, bytes, layout }).is_err() {
                return Ok(read);
            }
            line += lines;
            number += 1;
        }
        if layout.is_none() {
            if has_header(&job.source.format) {
                return Err(text_fault(&file.path, TextFault::Empty));
            }
            read.empty_files.push(file.name.clone());
        }
        read.digests.push(text.digest());
    }
    Ok(read)
}

fn endless(path: &Path, line: u64, record: &[u8]) -> BatchError {
    let is_quoted = memchr::memchr(b'\n', record).is_some();
    let what = if is_quoted { "a quoted cell" } else { "the line" };
    text_fault(path, TextFault::Endless { line, what, bytes_max: RECORD_BYTES_MAX })
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
        at = next_record(format, &block.bytes, at, false, &mut record)
            .expect("nothing follows what is read to its end");
        let raw = &block.bytes[start..record.end.max(start)];
        let this_line = line;
        line += memchr::memchr_iter(b'\n', &block.bytes[start..at]).count() as u64;
        if raw.trim_ascii().is_empty() {
            continue;
        }
        rows_read += 1;
        let typed = if is_json {
            json.read(raw)
                .and_then(|()| type_row(job.fields, |i| json.field(i, &job.fields[i]), &mut clock))
        } else {
            check_width(&record, &block.layout).and_then(|()| {
                let position = |i: usize| block.layout.positions[i];
                let field = |i| Ok(position(i).and_then(|p| record.field(&block.bytes, p)));
                type_row(job.fields, field, &mut clock)
            })
        };
        match typed {
            Ok(row) => {
                builders.push(&row);
                rows += 1;
            }
            Err(Refused { reason, counts, value }) => rejects.push(
                Reject {
                    source: job.source.name.clone(),
                    file: block.layout.file.clone(),
                    line: this_line,
                    reason,
                    value,
                    raw: raw_text(raw),
                },
                counts,
            ),
        }
    }
    Typed {
        batch: builders.finish(schema, rows),
        rows_read,
        rejects,
        members: if is_json { json.into_seen() } else { None },
        layout: Arc::clone(&block.layout),
    }
}

fn check_width(record: &Record, layout: &Layout) -> Result<(), Refused> {
    if let Some(fault) = record.fault {
        return Err(Refused::row(fault.words()));
    }
    match layout.width {
        Some(width) if width != record.len() => {
            let over = if record.spans_lines { ", which spans lines," } else { "" };
            Err(Refused::row(format!("the row{over} does not have {width} columns")))
        }
        _ => Ok(()),
    }
}

/// Types one row, or says why not and whether that counts against the bound.
pub(crate) fn type_row<'a>(
    fields: &[FieldReader],
    raw: impl Fn(usize) -> Result<Option<&'a [u8]>, Reason>,
    clock: &mut crate::clock::OffsetReader<'_>,
) -> Result<Vec<Value<'a>>, Refused> {
    let mut row = Vec::with_capacity(fields.len());
    for (i, field) in fields.iter().enumerate() {
        let value = raw(i)
            .and_then(|raw| raw.map_or_else(|| field.missing(), |raw| field.read(raw, clock)));
        row.push(match value {
            Ok(value) => value,
            Err(_) if field.on_error == OnError::Null => Value::Missing,
            Err(reason) => {
                let value = raw(i).ok().flatten().map_or_else(String::new, raw_text);
                let counts = field.on_error == OnError::Reject;
                return Err(Refused { reason: field.reason(reason), counts, value });
            }
        });
    }
    Ok(row)
}
