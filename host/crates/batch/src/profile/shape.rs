//! Format, delimiter and header of a text, told by its first records.

use playbook_model::SourceFormat;

use super::{Sure, moments, numbers};
use crate::intake::json::each_member;
use crate::intake::records::{Record, next_record};

/// Marks that stand between columns.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Records that are compared.
const RECORDS: usize = 200;

/// How a text is cut.
pub(super) struct TextShape {
    pub(super) format: SourceFormat,
    pub(super) sure: Sure,
}

/// The shape of a text; `more`: it goes on beyond its end.
pub(super) fn shape(text: &[u8], more: bool) -> TextShape {
    if is_json(text, more) {
        return TextShape { format: SourceFormat::JsonLines, sure: Sure::Sure };
    }
    let (cut, sure) = columns(text, more);
    let (header, header_sure) = header(&first_records(&cut, text, more));
    let format = match cut {
        SourceFormat::Csv { delimiter, .. } => SourceFormat::Csv { delimiter, header },
        _ => SourceFormat::Whitespace { header },
    };
    TextShape { format, sure: sure.min(header_sure) }
}

/// Whether the first line that is not blank is a JSON object.
fn is_json(text: &[u8], more: bool) -> bool {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let Some(line) = lines.find(|line| !line.trim_ascii().is_empty()) else { return false };
    let cut = more && !line.ends_with(b"\n");
    line.trim_ascii().starts_with(b"{") && !cut && each_member(line, |_, _| {}).is_ok()
}

/// What stands between columns, and how sure that is: the records agree in how many there are.
fn columns(text: &[u8], more: bool) -> (SourceFormat, Sure) {
    let candidates = DELIMITERS.map(|delimiter| SourceFormat::Csv { delimiter, header: true });
    let best = |formats: &mut dyn Iterator<Item = &SourceFormat>| {
        let scored =
            formats.filter_map(|format| Some((format.clone(), agree(format, text, more)?)));
        // Of two the one with more columns, if all records agree in both.
        scored.max_by_key(|(_, (width, share))| (*share >= 0.99, *width))
    };
    let blanks = [SourceFormat::Whitespace { header: true }];
    let found = best(&mut candidates.iter()).or_else(|| best(&mut blanks.iter()));
    match found {
        Some((format, (_, share))) => {
            (format, if share >= 1.0 { Sure::Sure } else { Sure::Likely })
        }
        None => (SourceFormat::Csv { delimiter: b',', header: true }, Sure::Likely),
    }
}

/// Columns of the first record, at least two, and the share of records that have as many, at least four fifths.
fn agree(format: &SourceFormat, text: &[u8], more: bool) -> Option<(usize, f64)> {
    let records = first_records(format, text, more);
    let width = records.first()?.len();
    let same = records.iter().filter(|record| record.len() == width).count();
    let share = same as f64 / records.len() as f64;
    (width >= 2 && share >= 0.8).then_some((width, share))
}

/// Cells of the first records; blank lines are left out.
fn first_records(format: &SourceFormat, text: &[u8], more: bool) -> Vec<Vec<String>> {
    let (mut at, mut record, mut records) = (0, Record::default(), Vec::new());
    while at < text.len() && records.len() < RECORDS {
        let Some(next) = next_record(format, text, at, more, &mut record) else { break };
        at = next;
        let cells: Vec<String> = (0..record.len()).map(|i| cell(&record, text, i)).collect();
        if record.fault.is_none() && cells.iter().any(|cell| !cell.is_empty()) {
            records.push(cells);
        }
    }
    records
}

/// Text of a cell without outer blanks.
pub(super) fn cell(record: &Record, text: &[u8], at: usize) -> String {
    String::from_utf8_lossy(record.field(text, at).unwrap_or_default()).trim().to_owned()
}

/// Whether the first record names the columns: names are no values, and no two are alike.
fn header(records: &[Vec<String>]) -> (bool, Sure) {
    let Some((first, rest)) = records.split_first() else { return (true, Sure::Likely) };
    let is_value = |cell: &str| numbers::is_number(cell) || moments::is_time(cell);
    if first.iter().any(|cell| is_value(cell)) {
        return (false, Sure::Likely);
    }
    // A column of values below a word.
    let told = (0..first.len()).any(|at| {
        let cells = rest.iter().filter_map(|record| record.get(at)).filter(|c| !c.is_empty());
        let (mut values, mut all) = (0, 0);
        for cell in cells.take(20) {
            values += usize::from(is_value(cell));
            all += 1;
        }
        all > 0 && values * 2 > all
    });
    (true, if told { Sure::Sure } else { Sure::Likely })
}
