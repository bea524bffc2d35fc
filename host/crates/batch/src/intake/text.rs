//! Reads text files by a pipeline of threads: one reads, digests and cuts blocks of whole records, several parse the
//! rows, and the caller writes the parsed blocks in the order of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use arrow::array::{BinaryViewBuilder, RecordBatch};
use arrow::datatypes::SchemaRef;
use playbook_model::{Digest, OnError, SourceFormat};

use crate::error::go_on;
use crate::intake::columns::{ColumnBuilders, ScratchWriter, schema_of};
use crate::intake::decode::{TextFile, text_fault};
use crate::intake::field::{FieldReader, Value};
use crate::intake::header::{Layout, file_layout, has_header, lacking};
use crate::intake::json::JsonRow;
use crate::intake::reading::{ReadJob, ReadResult};
use crate::intake::records::{Record, next_record, whole_records};
use crate::intake::rejects::{Refused, Reject, RejectTally, raw_text};
use crate::intake::text_fault::TextFault;
use crate::intake::transform::Reason;
use crate::{BatchError, Result};
use playbook_features::OffsetReader;

/// Bytes of a block.
const BLOCK_BYTES: usize = 2 << 20;
/// Longest record that is read.
const RECORD_BYTES_MAX: usize = 16 << 20;

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
    /// Of JSON objects: by field, whether any had the member, and the members that no field reads.
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
        // Closes the channel, so that threads which still wait to send end.
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
    // The current file of JSON objects: by field, whether any object so far had the member.
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
    let absent = job.inputs.iter().zip(seen).find(|(field, seen)| !seen && !field.optional);
    match absent {
        Some((field, _)) => Err(lacking(job, &layout.path, &field.from, &[], "")),
        None => Ok(()),
    }
}

/// The result of the reading thread.
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
            // Doubled while a record does not end, so that cutting stays linear, up to the bound of a record.
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
    let mut record = Record::default();
    let mut rows = BlockRows::new(job, block);
    let (mut at, mut line) = (0, block.first_line);
    while at < block.bytes.len() {
        let start = at;
        at = next_record(format, &block.bytes, at, false, &mut record)
            .expect("nothing follows what is read to its end");
        let place = RowPlace { line, bytes: start..record.end.max(start) };
        line += memchr::memchr_iter(b'\n', &block.bytes[start..at]).count() as u64;
        if !block.bytes[place.bytes.clone()].trim_ascii().is_empty() {
            rows.read(&record, place);
        }
    }
    rows.finish(schema)
}

/// Position of a row in a block.
struct RowPlace {
    line: u64,
    bytes: Range<usize>,
}

/// Parses the rows of a block into columns.
struct BlockRows<'a> {
    job: &'a ReadJob<'a>,
    block: &'a Block,
    clock: OffsetReader<'a>,
    builders: ColumnBuilders,
    json: Option<JsonRow>,
    rejects: RejectTally,
    rows_read: u64,
    rows: usize,
    /// Where fields are derived: the rows collected for the next batch, each with its refusal if it has one already,
    /// and their columns.
    waiting: Vec<(RowPlace, Option<Refused>)>,
    inputs: Vec<BinaryViewBuilder>,
}

/// Rows whose fields are derived together.
const DERIVED_ROWS: usize = 4096;

impl<'a> BlockRows<'a> {
    fn new(job: &'a ReadJob<'a>, block: &'a Block) -> Self {
        let is_json = job.source.format == SourceFormat::JsonLines;
        Self {
            job,
            block,
            clock: job.clock.offsets(),
            builders: ColumnBuilders::new(job.fields),
            json: is_json.then(|| JsonRow::new(job.inputs)),
            rejects: RejectTally::default(),
            rows_read: 0,
            rows: 0,
            waiting: Vec::new(),
            inputs: job.inputs.iter().map(|_| BinaryViewBuilder::new()).collect(),
        }
    }

    fn read(&mut self, record: &Record, place: RowPlace) {
        self.rows_read += 1;
        let (job, block) = (self.job, self.block);
        let whole = match &mut self.json {
            Some(json) => json.read(&block.bytes[place.bytes.clone()]),
            None => check_width(record, &block.layout),
        };
        let json = self.json.as_ref();
        let raw = |i: usize| match json {
            Some(json) => json.field(i, &job.inputs[i]),
            None => Ok(block.layout.positions[i].and_then(|p| record.field(&block.bytes, p))),
        };
        if job.derivation.is_none() {
            match whole.and_then(|()| type_row(job.fields, raw, &mut self.clock)) {
                Ok(row) => {
                    self.builders.push(&row);
                    self.rows += 1;
                }
                Err(refused) => self.reject(&place, refused),
            }
            return;
        }
        let mut refused = whole.err();
        for (i, (input, builder)) in job.inputs.iter().zip(&mut self.inputs).enumerate() {
            let value = if refused.is_some() { Ok(None) } else { raw(i) };
            builder.append_option(value.as_ref().ok().copied().flatten());
            if let Err(reason) = value
                && input.on_error != OnError::Null
            {
                refused = Some(input.refused(reason, None));
            }
        }
        self.waiting.push((place, refused));
        if self.waiting.len() >= DERIVED_ROWS {
            self.derive();
        }
    }

    /// Derives the fields of the collected rows.
    fn derive(&mut self) {
        let Some(derivation) = self.job.derivation else { return };
        let waiting = std::mem::take(&mut self.waiting);
        let inputs = self.inputs.iter_mut().map(|builder| Some(builder.finish())).collect();
        let derived = derivation.derive(inputs, waiting.len());
        for (row, (place, refused)) in waiting.into_iter().enumerate() {
            let typed = match refused {
                Some(refused) => Err(refused),
                None => type_row(self.job.fields, |i| derived.field(i, row), &mut self.clock),
            };
            match typed {
                Ok(typed) => {
                    self.builders.push(&typed);
                    self.rows += 1;
                }
                Err(refused) => self.reject(&place, refused),
            }
        }
    }

    fn reject(&mut self, place: &RowPlace, Refused { reason, counts, value }: Refused) {
        let reject = Reject {
            source: self.job.source.name.clone(),
            file: self.block.layout.file.clone(),
            line: place.line,
            reason,
            value,
            raw: raw_text(&self.block.bytes[place.bytes.clone()]),
        };
        self.rejects.push(reject, counts);
    }

    fn finish(mut self, schema: &SchemaRef) -> Typed {
        self.derive();
        Typed {
            batch: self.builders.finish(schema, self.rows),
            rows_read: self.rows_read,
            rejects: self.rejects,
            members: self.json.and_then(JsonRow::into_seen),
            layout: Arc::clone(&self.block.layout),
        }
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

/// Reads the fields of one row, or says why not and whether that counts against the bound.
pub(crate) fn type_row<'a>(
    fields: &[FieldReader],
    raw: impl Fn(usize) -> Result<Option<&'a [u8]>, Reason>,
    clock: &mut OffsetReader<'_>,
) -> Result<Vec<Value<'a>>, Refused> {
    let mut row = Vec::with_capacity(fields.len());
    for (i, field) in fields.iter().enumerate() {
        let value = raw(i)
            .and_then(|raw| raw.map_or_else(|| field.missing(), |raw| field.read(raw, clock)));
        row.push(match value {
            Ok(value) => value,
            Err(_) if field.on_error == OnError::Null => Value::Missing,
            Err(reason) => {
                return Err(field.refused(reason, raw(i).ok().flatten()));
            }
        });
    }
    Ok(row)
}
