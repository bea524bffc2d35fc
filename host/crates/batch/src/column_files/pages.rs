//! Surveys page headers before any page is decompressed: the number of values, the memory that they take, and whether
//! all of them stand in a dictionary.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;

use parquet::basic::{Compression, Type as Physical};
use parquet::column::page::{Page, PageReader as _};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::thrift::{self, PageHeader};
use super::{ColumnFile, Contradiction, FIXED_BYTES_MAX, Fault, fault};
use crate::Result;
use crate::caught::caught;
use crate::error::parquet;
use playbook_features::done_by;

/// Greatest decompressed page; writers make pages of one to a hundred megabytes.
const PAGE_BYTES_MAX: i64 = 128 << 20;
/// The parquet crate decompresses LZ4 and gzip pages to their end, whatever size the header claims. So LZ4 pages have
/// this bound, and gzip pages beyond this one are first decompressed once without keeping the bytes, to learn their
/// size.
const LZ4_BYTES_MAX: i64 = 4 << 20;
const GZIP_BYTES_FREE: i64 = 1 << 20;
/// Bytes that are read for a header: at first, and at most. A header holds up to two values of its column.
const HEADER_BYTES: u64 = 512;
const HEADER_BYTES_MAX: u64 = 16 << 20;

// Page types and encodings of the Parquet format.
const INDEX: i64 = 1;
const DICTIONARY: i64 = 2;
const PLAIN_DICTIONARY: i64 = 2;
const DELTA_BYTE_ARRAY: i64 = 7;
const RLE_DICTIONARY: i64 = 8;

/// What headers and dictionaries show of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// Whether it is a text column whose values all stand in dictionaries.
    pub(crate) is_listed: bool,
    /// The longest value that may stand in many rows and once in the file.
    pub(crate) repeated_bytes: usize,
}

impl Default for Found {
    fn default() -> Self {
        Self { is_listed: true, repeated_bytes: 0 }
    }
}

impl Found {
    /// What holds for both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            is_listed: self.is_listed && other.is_listed,
            repeated_bytes: self.repeated_bytes.max(other.repeated_bytes),
        }
    }
}

/// Callback for the texts of dictionaries, each with the name of its column; called by many threads at once.
pub(crate) type TakeText<'a> = dyn Fn(&str, &[u8]) + Sync + 'a;

/// The result of a survey, by column.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) columns: BTreeMap<String, Found>,
}

impl Survey {
    /// The longest value that may stand in many rows and once in the file.
    pub(crate) fn repeated_bytes(&self) -> usize {
        self.columns.values().map(|found| found.repeated_bytes).max().unwrap_or(0)
    }
}

impl ColumnFile {
    /// Reads the page headers of some columns on `threads` threads, and calls `value` with each text of a dictionary, as
    /// long as all values of that chunk of a column may stand in it.
    ///
    /// # Errors
    /// Where a column is a list or a structure, where pages do not hold as many values as the file has rows, or where one would take more
    /// memory than is given to it.
    pub(crate) fn survey(
        &self,
        columns: &[&str],
        threads: usize,
        value: &TakeText<'_>,
    ) -> Result<Survey> {
        self.survey_groups(columns, usize::MAX, threads, value)
    }

    /// The same for the first row groups alone.
    pub(super) fn survey_groups(
        &self,
        columns: &[&str],
        groups: usize,
        threads: usize,
        value: &TakeText<'_>,
    ) -> Result<Survey> {
        let mut chunks = Vec::new();
        for (number, group) in self.metadata.row_groups().iter().enumerate().take(groups) {
            for chunk in group.columns() {
                let Some(name) = chunk.column_path().parts().first() else { continue };
                if columns.contains(&name.as_str()) {
                    let chunk = Chunk { file: self, chunk, group: number, name };
                    chunks.push((chunk, group.num_rows()));
                }
            }
        }
        let found = done_by(threads, chunks.into_iter(), |(chunk, rows)| -> Result<_> {
            let found = caught(|| chunk.survey(rows, value)).map_err(parquet(&self.path))?;
            Ok((chunk.name, found.map_err(|source| fault(&self.path, source))?))
        });
        let mut survey = Survey::default();
        for found in found {
            let (name, of_chunk) = found?;
            let known = survey.columns.entry(name.to_owned()).or_default();
            *known = known.and(of_chunk);
        }
        Ok(survey)
    }
}

/// A column of a row group.
struct Chunk<'a> {
    file: &'a ColumnFile,
    chunk: &'a ColumnChunkMetaData,
    group: usize,
    name: &'a str,
}

impl Chunk<'_> {
    fn survey(&self, rows: i64, value: &TakeText<'_>) -> Result<Found, Fault> {
        let column = self.chunk.column_descr();
        if column.max_rep_level() > 0 || column.path().parts().len() > 1 {
            return Err(Contradiction::Nested(self.name.to_owned()).into());
        }
        if column.physical_type() == Physical::FIXED_LEN_BYTE_ARRAY
            && !(0..=FIXED_BYTES_MAX).contains(&column.type_length())
        {
            let (column, bytes) = (self.name.to_owned(), column.type_length());
            return Err(Contradiction::Wide { column, bytes }.into());
        }
        let (mut held, mut found, mut has_dictionary) = (0_i64, Found::default(), false);
        let (mut at, end) =
            (self.start(), self.start() + self.chunk.compressed_size().unsigned_abs());
        while at < end {
            let header = self.header(at, end)?;
            at += header.header_bytes as u64 + header.packed_bytes.unsigned_abs();
            match header.kind {
                INDEX => {}
                DICTIONARY => has_dictionary = true,
                _ => {
                    held = held.checked_add(header.values).ok_or_else(|| self.broken())?;
                    let is_listed = matches!(header.encoding, PLAIN_DICTIONARY | RLE_DICTIONARY);
                    let repeated_bytes = if header.encoding == DELTA_BYTE_ARRAY {
                        usize::try_from(header.unpacked_bytes)?
                    } else {
                        0
                    };
                    found = found.and(Found { is_listed, repeated_bytes });
                }
            }
        }
        if held != rows {
            let (column, group) = (self.name.to_owned(), self.group);
            return Err(Contradiction::Values { column, group, held, rows }.into());
        }
        // Only dictionaries of texts are read.
        let is_listed = has_dictionary && column.physical_type() == Physical::BYTE_ARRAY;
        found.is_listed &= is_listed || held == 0;
        if is_listed {
            let repeated_bytes = self.dictionary(found.is_listed, value)?;
            found = found.and(Found { is_listed: true, repeated_bytes });
        }
        Ok(found)
    }

    fn start(&self) -> u64 {
        let first = self.chunk.dictionary_page_offset();
        first.unwrap_or(self.chunk.data_page_offset()).unsigned_abs()
    }

    /// Reads the header of the page at `at` and checks it against the column.
    fn header(&self, at: u64, end: u64) -> Result<PageHeader, Fault> {
        let mut wanted = HEADER_BYTES;
        let header = loop {
            let until = end.min(at + wanted);
            match thrift::page_header(&self.file.read(at..until)?) {
                Ok(header) => break header,
                Err(thrift::Fault::Short) if until < end && wanted < HEADER_BYTES_MAX => {
                    wanted *= 8;
                }
                Err(_) => return Err(self.broken().into()),
            }
        };
        let page_at = at + header.header_bytes as u64;
        let is_inside = u64::try_from(header.packed_bytes).is_ok_and(|b| b <= end - page_at);
        if !is_inside || header.unpacked_bytes < 0 || header.values < 0 {
            return Err(self.broken().into());
        }
        let too_large = |bytes, bytes_max| {
            let (column, group) = (self.name.to_owned(), self.group);
            Err(Contradiction::PageTooLarge { column, group, bytes, bytes_max }.into())
        };
        if header.unpacked_bytes > PAGE_BYTES_MAX {
            return too_large(header.unpacked_bytes, PAGE_BYTES_MAX);
        }
        if header.kind == DICTIONARY && header.values > header.unpacked_bytes {
            return Err(self.broken().into());
        }
        match self.chunk.compression() {
            Compression::LZ4 if header.packed_bytes > LZ4_BYTES_MAX => {
                return too_large(header.packed_bytes, LZ4_BYTES_MAX);
            }
            Compression::GZIP(_) if header.packed_bytes > GZIP_BYTES_FREE => {
                self.unpack_gzip(&header, page_at)?;
            }
            _ => {}
        }
        Ok(header)
    }

    /// Decompresses a page without keeping it; fails where it is longer than its header says.
    fn unpack_gzip(&self, header: &PageHeader, page_at: u64) -> Result<(), Fault> {
        let Some(plain) = header.plain_bytes else { return Ok(()) };
        let end = page_at + header.packed_bytes.unsigned_abs();
        let wrong = || Fault::from(self.broken());
        let start = u64::try_from(plain).ok().and_then(|plain| page_at.checked_add(plain));
        let start = start.filter(|start| *start <= end).ok_or_else(wrong)?;
        let wanted = header.unpacked_bytes.checked_sub(plain).ok_or_else(wrong)?.unsigned_abs();
        let packed = self.file.read(start..end)?;
        let mut unpacked = MultiGzDecoder::new(&packed[..]).take(wanted + 1);
        if io::copy(&mut unpacked, &mut io::sink())? == wanted { Ok(()) } else { Err(wrong()) }
    }

    /// Reads the dictionary; returns the length of its longest value.
    fn dictionary(&self, tell: bool, value: &TakeText<'_>) -> Result<usize, Fault> {
        let rows = usize::try_from(self.chunk.num_values())?;
        let opened = Arc::new(self.file.opened.clone());
        let mut pages = SerializedPageReader::new(opened, self.chunk, rows, None)?;
        let Some(Page::DictionaryPage { buf, num_values, .. }) = pages.get_next_page()? else {
            return Err(self.broken().into());
        };
        let (mut rest, mut longest) = (&buf[..], 0);
        for _ in 0..num_values {
            let (length, after) = rest.split_first_chunk().ok_or_else(|| self.broken())?;
            let length = usize::try_from(u32::from_le_bytes(*length))?;
            let (text, after) = after.split_at_checked(length).ok_or_else(|| self.broken())?;
            longest = longest.max(length);
            if tell {
                value(self.name, text);
            }
            rest = after;
        }
        Ok(longest)
    }

    fn broken(&self) -> Contradiction {
        Contradiction::Page { column: self.name.to_owned(), group: self.group }
    }
}
