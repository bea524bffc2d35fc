//! The tokenizer of delimited text: blocks into records, records into fields.

use playbook_model::SourceFormat;

/// A field: a range of the block, or of `unescaped` where doubled quotes had to be replaced.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    owned: bool,
}

/// The fields of one record; its buffers are reused for the next.
#[derive(Debug, Default)]
pub(crate) struct Record {
    spans: Vec<Span>,
    unescaped: Vec<u8>,
    /// The record within the block, without its line end.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Why the row cannot be read.
    pub(crate) fault: Option<RecordFault>,
    /// End of the text that was read to find the fault; it may lie beyond the record's own line.
    reach: usize,
    /// Whether a quoted field spans lines.
    pub(crate) spans_lines: bool,
}

/// Why a row of delimited text cannot be read. Reading goes on with the next line: the lines that an open quote would
/// have swallowed are read as rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordFault {
    /// A quote that is never closed.
    Unclosed,
    /// Text between a closing quote and the next delimiter.
    AfterQuote,
    /// A quote within a plain field, after a quoted field that spans lines: that field was closed by the quote of
    /// another row.
    StrayQuote,
}

impl RecordFault {
    /// In words, for counts and the rejects file.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Unclosed => "a quote is not closed",
            Self::AfterQuote => "text follows a closing quote",
            Self::StrayQuote => "a quote is closed by a quote of another row",
        }
    }
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

/// Reads the record that starts at `at`; returns where the next one starts. `None` where the block ends within the
/// record and `more` text follows the block.
pub(crate) fn next_record(
    format: &SourceFormat,
    block: &[u8],
    at: usize,
    more: bool,
    record: &mut Record,
) -> Option<usize> {
    record.spans.clear();
    record.unescaped.clear();
    record.fault = None;
    record.reach = 0;
    record.spans_lines = false;
    record.start = at;
    if let SourceFormat::Csv { delimiter, .. } = format {
        return match csv_record(*delimiter, block, at, more, record) {
            Ok(next) => Some(next),
            Err(Stop::More) => None,
            Err(Stop::Fault(fault, reach)) => {
                record.fault = Some(fault);
                record.reach = reach;
                line(block, at, more, record)
            }
        };
    }
    let next = line(block, at, more, record)?;
    if matches!(format, SourceFormat::Whitespace { .. }) {
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
    }
    Some(next)
}

/// Finds the end of the line.
fn line(block: &[u8], at: usize, more: bool, record: &mut Record) -> Option<usize> {
    let newline = memchr::memchr(b'\n', &block[at..]);
    if newline.is_none() && more {
        return None;
    }
    let end = newline.map_or(block.len(), |n| at + n);
    record.end = without_return(block, at, end);
    Some(newline.map_or(block.len(), |n| at + n + 1))
}

/// `end` without a carriage return before it.
fn without_return(block: &[u8], start: usize, end: usize) -> usize {
    if end > start && block[end - 1] == b'\r' { end - 1 } else { end }
}

/// Why reading of a record stopped before its end.
enum Stop {
    /// The block ends within it.
    More,
    /// The fault, and the end of the text that was read to find it.
    Fault(RecordFault, usize),
}

fn csv_record(
    delimiter: u8,
    block: &[u8],
    at: usize,
    more: bool,
    record: &mut Record,
) -> Result<usize, Stop> {
    let mut position = at;
    loop {
        if block.get(position) == Some(&b'"') {
            let Some(after) = quoted_field(block, position + 1, record) else {
                let unclosed = Stop::Fault(RecordFault::Unclosed, block.len());
                return Err(if more { Stop::More } else { unclosed });
            };
            record.spans_lines |= memchr::memchr(b'\n', &block[position..after]).is_some();
            position = after;
            match &block[position..] {
                // The next block decides: this quote may be the first of a doubled one, this return part of a line end.
                [] | [b'\r'] if more => return Err(Stop::More),
                [] | [b'\r'] => {
                    record.end = position;
                    return Ok(block.len());
                }
                [b'\r', b'\n', ..] => {
                    record.end = position;
                    return Ok(position + 2);
                }
                [b'\n', ..] => {
                    record.end = position;
                    return Ok(position + 1);
                }
                [byte, ..] if *byte == delimiter => position += 1,
                _ => return Err(Stop::Fault(RecordFault::AfterQuote, position + 1)),
            }
            continue;
        }
        let found = memchr::memchr2(delimiter, b'\n', &block[position..]);
        if found.is_none() && more {
            return Err(Stop::More);
        }
        let found = found.map_or(block.len(), |found| position + found);
        let ends = block.get(found) != Some(&delimiter);
        let end = if ends { without_return(block, position, found) } else { found };
        if record.spans_lines && memchr::memchr(b'"', &block[position..end]).is_some() {
            return Err(Stop::Fault(RecordFault::StrayQuote, end));
        }
        record.spans.push(Span { start: position, end, owned: false });
        if ends {
            record.end = end;
            return Ok(block.len().min(found + 1));
        }
        position = found + 1;
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

/// Returns the length of the longest prefix of `block` that ends with a whole record, 0 where there is none. More text
/// follows the block.
///
/// In a block without quotes the last line end is that place. With quotes all records must be read: a quote opens a
/// field only at the field's start, so quotes cannot simply be counted.
pub(crate) fn whole_records(format: &SourceFormat, block: &[u8]) -> usize {
    if !matches!(format, SourceFormat::Csv { .. }) || memchr::memchr(b'"', block).is_none() {
        return memchr::memrchr(b'\n', block).map_or(0, |last| last + 1);
    }
    let (mut at, mut reach, mut end) = (0, 0, 0);
    let mut record = Record::default();
    while let Some(next) = next_record(format, block, at, true, &mut record) {
        at = next;
        // The text by which a fault was found stays in one block: where blocks end must not change the reason.
        reach = reach.max(record.reach);
        if at >= reach {
            end = at;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const CSV: SourceFormat = SourceFormat::Csv { delimiter: b',', header: true };

    fn rows(format: &SourceFormat, text: &str) -> Vec<Vec<String>> {
        let block = text.as_bytes();
        let (mut at, mut record, mut rows) = (0, Record::default(), Vec::new());
        while at < block.len() {
            at = next_record(format, block, at, false, &mut record).unwrap();
            let fields = (0..record.len())
                .map(|i| String::from_utf8_lossy(record.field(block, i).unwrap()).into_owned());
            rows.push(match record.fault {
                Some(fault) => vec!["!".to_owned(), fault.words().to_owned()],
                None => fields.collect(),
            });
        }
        rows
    }

    #[test]
    fn csv_keeps_quotes_newlines_and_delimiters_inside_fields() {
        let csv = SourceFormat::Csv { delimiter: b';', header: true };
        let got = rows(&csv, "a;b\r\n\"x;\"\"y\"\"\nz\";2\n;\n\"open;1\nq;\"r\"");
        let want: [&[&str]; 5] = [
            &["a", "b"],
            &["x;\"y\"\nz", "2"],
            &["", ""],
            &["!", "text follows a closing quote"],
            &["q", "r"],
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn a_quote_left_open_costs_its_own_row_alone() {
        // The quote of the last row closes it, and what follows shows that it was another's.
        let got = rows(&CSV, "1,\"open\n2,b\n3,\", c\"\n4,d\n");
        let want: [&[&str]; 4] = [
            &["!", "a quote is closed by a quote of another row"],
            &["2", "b"],
            &["3", ", c"],
            &["4", "d"],
        ];
        assert_eq!(got, want);
        let got = rows(&CSV, "1,\"open\n2,b\n");
        assert_eq!(got, [vec!["!", "a quote is not closed"], vec!["2", "b"]]);
    }

    #[test]
    fn a_quote_within_a_field_is_a_character() {
        let got = rows(&CSV, "7\" single,1\n\"x\ny\",2\n");
        assert_eq!(got, [vec!["7\" single", "1"], vec!["x\ny", "2"]]);
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
    fn a_block_is_cut_where_a_record_ends() {
        assert_eq!(whole_records(&CSV, b"a,b\n\"c\nd\",e\nf"), 12);
        assert_eq!(whole_records(&CSV, b"a,b\n\"c\nd"), 4);
        assert_eq!(whole_records(&CSV, b"a,b\n7\" x,e\nf"), 11);
        assert_eq!(whole_records(&CSV, b"a,\"b\""), 0, "it may be the first of two quotes");
        assert_eq!(whole_records(&CSV, b"ab"), 0);
    }

    /// The records do not depend on where the text is cut into blocks.
    #[test]
    fn cuts_do_not_show() {
        let text = "a,b\r\n\"c\"\"\nd\",e\n7\" x,\"y\n1,\"z\"\n\"o\n2,3\n\",4\n";
        let whole = rows(&CSV, text);
        for size in 1..text.len() {
            let (mut got, mut carry) = (Vec::new(), String::new());
            for part in text.as_bytes().chunks(size) {
                carry.push_str(std::str::from_utf8(part).unwrap());
                let end = whole_records(&CSV, carry.as_bytes());
                got.extend(rows(&CSV, &carry[..end]));
                carry.drain(..end);
            }
            got.extend(rows(&CSV, &carry));
            assert_eq!(got, whole, "blocks of {size}");
        }
    }
}
