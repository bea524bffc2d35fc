//! Cuts blocks of text into records and records into fields.

use playbook_model::SourceFormat;

/// A field of a record: a stretch of the record, or of `unescaped` where quotes were doubled.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    owned: bool,
}

/// Fields of one record; buffers are used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Record {
    spans: Vec<Span>,
    unescaped: Vec<u8>,
    /// Whole record without its line end.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// A quote that is never closed.
    pub(crate) unclosed: bool,
}

impl Record {
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn field<'a>(&'a self, block: &'a [u8], at: usize) -> Option<&'a [u8]> {
        let span = self.spans.get(at)?;
        Some(if span.owned {
            &self.unescaped[span.start..span.end]
        } else {
            &block[span.start..span.end]
        })
    }
}

/// Reads the record that starts at `at`; returns where the next one starts.
pub(crate) fn next_record(
    format: &SourceFormat,
    block: &[u8],
    at: usize,
    record: &mut Record,
) -> usize {
    record.spans.clear();
    record.unescaped.clear();
    record.unclosed = false;
    record.start = at;
    match format {
        SourceFormat::Csv { delimiter, .. } => csv_record(*delimiter, block, at, record),
        SourceFormat::Whitespace { .. } => {
            let next = line(block, at, record);
            let text = &block[record.start..record.end];
            let mut start = None;
            for (i, byte) in text.iter().enumerate() {
                match (byte.is_ascii_whitespace(), start) {
                    (false, None) => start = Some(i),
                    (true, Some(from)) => {
                        record.spans.push(Span { start: at + from, end: at + i, owned: false });
                        start = None;
                    }
                    _ => {}
                }
            }
            if let Some(from) = start {
                record.spans.push(Span { start: at + from, end: record.end, owned: false });
            }
            next
        }
        SourceFormat::JsonLines | SourceFormat::Parquet => line(block, at, record),
    }
}

/// Finds the end of the line.
fn line(block: &[u8], at: usize, record: &mut Record) -> usize {
    let newline = memchr::memchr(b'\n', &block[at..]);
    let end = newline.map_or(block.len(), |n| at + n);
    record.end = if end > at && block[end - 1] == b'\r' { end - 1 } else { end };
    newline.map_or(block.len(), |n| at + n + 1)
}

fn csv_record(delimiter: u8, block: &[u8], at: usize, record: &mut Record) -> usize {
    let mut position = at;
    loop {
        if block.get(position) == Some(&b'"') {
            let Some(after) = quoted_field(block, position + 1, record) else {
                record.unclosed = true;
                return line(block, at, record);
            };
            position = after;
            match block.get(position) {
                Some(byte) if *byte == delimiter => position += 1,
                Some(b'\r') if block.get(position + 1) == Some(&b'\n') => {
                    record.end = position;
                    return position + 2;
                }
                Some(b'\n') => {
                    record.end = position;
                    return position + 1;
                }
                None => {
                    record.end = position;
                    return position;
                }
                Some(_) => {
                    record.unclosed = true;
                    return line(block, at, record);
                }
            }
            continue;
        }
        let Some(found) = memchr::memchr2(delimiter, b'\n', &block[position..]) else {
            let end = block.len();
            let end = if end > position && block[end - 1] == b'\r' { end - 1 } else { end };
            record.spans.push(Span { start: position, end, owned: false });
            record.end = end;
            return block.len();
        };
        let end = position + found;
        if block[end] == b'\n' {
            let text_end = if end > position && block[end - 1] == b'\r' { end - 1 } else { end };
            record.spans.push(Span { start: position, end: text_end, owned: false });
            record.end = text_end;
            return end + 1;
        }
        record.spans.push(Span { start: position, end, owned: false });
        position = end + 1;
    }
}

/// Reads a quoted field whose text starts at `start`; returns what follows the closing quote.
fn quoted_field(block: &[u8], start: usize, record: &mut Record) -> Option<usize> {
    let mut from = start;
    let mut owned_start = None;
    loop {
        let quote = from + memchr::memchr(b'"', &block[from..])?;
        if block.get(quote + 1) == Some(&b'"') {
            let at = *owned_start.get_or_insert(record.unescaped.len());
            debug_assert!(at <= record.unescaped.len());
            record.unescaped.extend_from_slice(&block[from..=quote]);
            from = quote + 2;
            continue;
        }
        let span = match owned_start {
            None => Span { start, end: quote, owned: false },
            Some(at) => {
                record.unescaped.extend_from_slice(&block[from..quote]);
                Span { start: at, end: record.unescaped.len(), owned: true }
            }
        };
        record.spans.push(span);
        return Some(quote + 1);
    }
}

/// Returns the length of the longest prefix of `block` that ends with a whole record.
pub(crate) fn whole_records(format: &SourceFormat, block: &[u8]) -> Option<usize> {
    let last = memchr::memrchr(b'\n', block)?;
    if !matches!(format, SourceFormat::Csv { .. }) || memchr::memchr(b'"', block).is_none() {
        return Some(last + 1);
    }
    // A block starts outside quotes; a line end after an even number of quotes is a record's end.
    let quotes = memchr::memchr_iter(b'"', &block[..last]).count();
    if quotes.is_multiple_of(2) {
        return Some(last + 1);
    }
    let mut end = None;
    let mut inside = false;
    for at in memchr::memchr2_iter(b'"', b'\n', block) {
        if block[at] == b'"' {
            inside = !inside;
        } else if !inside {
            end = Some(at + 1);
        }
    }
    end
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn rows(format: &SourceFormat, text: &str) -> Vec<Vec<String>> {
        let block = text.as_bytes();
        let (mut at, mut record, mut rows) = (0, Record::default(), Vec::new());
        while at < block.len() {
            at = next_record(format, block, at, &mut record);
            let fields = (0..record.len())
                .map(|i| String::from_utf8_lossy(record.field(block, i).unwrap()).into_owned());
            rows.push(if record.unclosed { vec!["!".to_owned()] } else { fields.collect() });
        }
        rows
    }

    #[test]
    fn csv_keeps_quotes_newlines_and_delimiters_inside_fields() {
        let csv = SourceFormat::Csv { delimiter: b';', header: true };
        let got = rows(&csv, "a;b\r\n\"x;\"\"y\"\"\nz\";2\n;\n\"open;1\nq;\"r\"");
        let want: [&[&str]; 5] =
            [&["a", "b"], &["x;\"y\"\nz", "2"], &["", ""], &["!"], &["q", "r"]];
        assert_eq!(got, want);
    }

    #[test]
    fn runs_of_blanks_part_the_columns() {
        let got = rows(
            &SourceFormat::Whitespace { header: true },
            " 00001 19970101  1\t 11.77\r\n\n x \n",
        );
        let want: [&[&str]; 3] = [&["00001", "19970101", "1", "11.77"], &[], &["x"]];
        assert_eq!(got, want);
    }

    #[test]
    fn a_block_is_cut_only_outside_quotes() {
        let csv = SourceFormat::Csv { delimiter: b',', header: true };
        assert_eq!(whole_records(&csv, b"a,b\n\"c\nd\",e\nf"), Some(12));
        assert_eq!(whole_records(&csv, b"a,b\n\"c\nd"), Some(4));
        assert_eq!(whole_records(&csv, b"ab"), None);
    }
}
