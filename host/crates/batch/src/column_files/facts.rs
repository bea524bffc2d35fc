//! Facts about the values of a column, read from its pages without decoding them into arrays: definition levels say
//! where values are missing, plain pages and dictionaries hold the numbers. The footer's statistics say the same, but
//! may lie.

use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Encoding, Type as Physical};
use parquet::column::page::{Page, PageReader as _};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::{ColumnFile, Fault, fault};
use crate::Result;
use crate::caught::caught;
use crate::error::parquet;
use playbook_features::done_by;

/// What holds for every row of a column, as far as its pages show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// No row lacks a value.
    pub(crate) is_full: bool,
    /// Range of the integers, as signed ones; `None` where pages do not show it, or hold other types.
    pub(crate) range: Option<RangeInclusive<i64>>,
    /// No real is NaN or infinite.
    pub(crate) is_finite: bool,
}

impl Facts {
    /// The facts of no rows: the neutral element of [`Facts::and`].
    const NONE: Self = Self {
        is_full: true,
        range: Some(RangeInclusive::new(i64::MAX, i64::MIN)),
        is_finite: true,
    };

    /// The facts that hold for both.
    fn and(self, other: Self) -> Self {
        let range = self
            .range
            .zip(other.range)
            .map(|(a, b)| *a.start().min(b.start())..=*a.end().max(b.end()));
        Self {
            is_full: self.is_full && other.is_full,
            range,
            is_finite: self.is_finite && other.is_finite,
        }
    }
}

/// Reads the pages of some columns in all files, on several threads; returns the facts of each column. Precondition: the
/// columns were surveyed, which bounds their pages.
pub(crate) fn facts(files: &[ColumnFile], columns: &[&str], threads: usize) -> Result<Vec<Facts>> {
    let mut chunks = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        for file in files {
            let all = file.metadata.row_groups().iter().flat_map(|group| group.columns());
            let named = all.filter(|chunk| chunk.column_path().parts() == [*column]);
            chunks.extend(named.map(|chunk| (at, file, chunk)));
        }
    }
    let found = done_by(threads, chunks.into_iter(), |(at, file, chunk)| -> Result<_> {
        let found = caught(|| of_chunk(file, chunk)).map_err(parquet(&file.path))?;
        Ok((at, found.map_err(|source| fault(&file.path, source))?))
    });
    let mut facts = vec![Facts::NONE; columns.len()];
    for found in found {
        let (at, of_chunk) = found?;
        facts[at] = facts[at].clone().and(of_chunk);
    }
    Ok(facts)
}

fn of_chunk(file: &ColumnFile, chunk: &ColumnChunkMetaData) -> Result<Facts, Fault> {
    let rows = usize::try_from(chunk.num_values())?;
    let mut pages = SerializedPageReader::new(Arc::new(file.opened.clone()), chunk, rows, None)?;
    let physical = chunk.column_type();
    let may_lack = chunk.column_descr().max_def_level() > 0;
    let mut facts = Facts::NONE;
    while let Some(page) = pages.get_next_page()? {
        let of_page = match page {
            Page::DictionaryPage { buf, num_values, .. } => numbers(physical, &buf, num_values),
            Page::DataPage { buf, num_values, encoding, def_level_encoding, .. } => {
                let levels = if may_lack {
                    levels_before(buf, def_level_encoding)
                } else {
                    Some((Bytes::new(), buf))
                };
                of_data(physical, may_lack, levels, num_values, encoding)
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => {
                let start = usize::try_from(rep_levels_byte_len)?;
                let end = start + usize::try_from(def_levels_byte_len)?;
                let levels = (end <= buf.len()).then(|| (buf.slice(start..end), buf.slice(end..)));
                of_data(physical, may_lack, levels, num_values, encoding)
            }
        };
        facts = facts.and(of_page);
    }
    Ok(facts)
}

/// Nothing is known.
const UNKNOWN: Facts = Facts { is_full: false, range: None, is_finite: false };

fn of_data(
    physical: Physical,
    may_lack: bool,
    levels: Option<(Bytes, Bytes)>,
    rows: u32,
    encoding: Encoding,
) -> Facts {
    let Some((levels, values)) = levels else { return UNKNOWN };
    let Some(present) = (if may_lack { ones(&levels, rows) } else { Some(rows) }) else {
        return UNKNOWN;
    };
    let facts = match encoding {
        Encoding::PLAIN => numbers(physical, &values, present),
        // The values stand in the dictionary, which was read before.
        Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => Facts::NONE,
        _ => Facts { is_full: true, ..UNKNOWN },
    };
    Facts { is_full: present == rows, ..facts }
}

/// Splits a data page of version 1 into levels and values.
fn levels_before(page: Bytes, encoding: Encoding) -> Option<(Bytes, Bytes)> {
    let length = usize::try_from(u32::from_le_bytes(*page.first_chunk()?)).ok()?;
    let end = length.checked_add(4).filter(|end| *end <= page.len())?;
    (encoding == Encoding::RLE).then(|| (page.slice(4..end), page.slice(end..)))
}

/// Counts the set levels among `rows` levels of one bit, in Parquet's mix of run lengths and bit-packed groups of
/// eight; `None` where there are fewer levels.
fn ones(mut levels: &[u8], rows: u32) -> Option<u32> {
    let (mut ones, mut left) = (0, rows);
    while left > 0 {
        let header = varint(&mut levels)?;
        if header & 1 == 0 {
            let run = u32::try_from(header >> 1).unwrap_or(u32::MAX).min(left);
            let (value, rest) = levels.split_first()?;
            ones += if *value == 1 { run } else { 0 };
            (levels, left) = (rest, left - run);
            if run == 0 {
                return None;
            }
        } else {
            let bytes = usize::try_from(header >> 1).ok()?;
            let bytes = bytes.min(usize::try_from(left.div_ceil(8)).ok()?);
            let (packed, rest) = levels.split_at_checked(bytes)?;
            for byte in packed {
                let inside = left.min(8);
                ones += (u32::from(*byte) & ((1 << inside) - 1)).count_ones();
                left -= inside;
            }
            levels = rest;
            if bytes == 0 {
                return None;
            }
        }
    }
    Some(ones)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The facts of plain encoded numbers.
fn numbers(physical: Physical, bytes: &[u8], count: u32) -> Facts {
    let Ok(count) = usize::try_from(count) else { return UNKNOWN };
    let found = match physical {
        Physical::INT64 => whole(bytes, count, i64::from_le_bytes),
        Physical::INT32 => whole(bytes, count, |bytes| i64::from(i32::from_le_bytes(bytes))),
        Physical::DOUBLE => {
            let reals = bytes.as_chunks().0.get(..count);
            reals.map(|reals| Facts {
                is_finite: reals.iter().all(|bytes| f64::from_le_bytes(*bytes).is_finite()),
                range: None,
                is_full: true,
            })
        }
        // For texts only the levels are of use.
        _ => None,
    };
    found.unwrap_or(Facts { is_full: true, ..UNKNOWN })
}

fn whole<const WIDTH: usize>(
    bytes: &[u8],
    count: usize,
    read: impl Fn([u8; WIDTH]) -> i64,
) -> Option<Facts> {
    let numbers = bytes.as_chunks().0.get(..count)?;
    let (mut least, mut most) = (i64::MAX, i64::MIN);
    for bytes in numbers {
        let number = read(*bytes);
        (least, most) = (least.min(number), most.max(number));
    }
    Some(Facts { is_full: true, range: Some(least..=most), is_finite: false })
}

#[cfg(test)]
mod tests {
    use super::ones;

    #[test]
    fn levels_are_counted_in_runs_and_packed_groups() {
        // 10 set; 5 not set; two packed groups of which 4 values are wanted of the second.
        let levels = [20, 1, 10, 0, 5, 0b1010_1010, 0b1111_0011];
        assert_eq!(ones(&levels, 10), Some(10));
        assert_eq!(ones(&levels, 15), Some(10));
        assert_eq!(ones(&levels, 23), Some(14));
        assert_eq!(ones(&levels, 27), Some(16));
        assert_eq!(ones(&levels, 32), None);
        assert_eq!(ones(&[0, 1], 1), None);
        assert_eq!(ones(&[1], 1), None);
        assert_eq!(ones(&[], 0), Some(0));
    }
}
