//! Headers of text files: the positions of the mapped columns, and the error where one is absent.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use playbook_model::SourceFormat;

use crate::intake::files::SourceFile;
use crate::intake::reading::ReadJob;
use crate::intake::records::{Record, next_record};
use crate::{BatchError, Result};

/// The positions of the mapped columns in a file.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) path: PathBuf,
    /// Path relative to the data folder.
    pub(crate) file: String,
    /// Position per mapped field; `None`: the file has no such column.
    pub(crate) positions: Vec<Option<usize>>,
    /// Number of columns that a record must have; `None`: any number.
    pub(crate) width: Option<usize>,
}

/// Whether files of a format begin with the names of their columns.
pub(crate) fn has_header(format: &SourceFormat) -> bool {
    match format {
        SourceFormat::Csv { header, .. } | SourceFormat::Whitespace { header } => *header,
        SourceFormat::JsonLines | SourceFormat::Parquet => false,
    }
}

/// Reads the header of a file; returns the layout, and the length of the header in bytes and lines.
///
/// # Errors
/// A mapped column that is absent, or there twice.
pub(crate) fn file_layout(
    job: &ReadJob<'_>,
    file: &SourceFile,
    bytes: &[u8],
    unmapped: &mut BTreeSet<String>,
) -> Result<(Layout, usize, u64)> {
    let layout = |positions, width| Layout {
        path: file.path.clone(),
        file: file.name.clone(),
        positions,
        width,
    };
    if matches!(job.source.format, SourceFormat::JsonLines | SourceFormat::Parquet) {
        return Ok((layout((0..job.inputs.len()).map(Some).collect(), None), 0, 0));
    }
    let (mut cut, mut lines, mut hint) = (0, 0, "");
    let mut names = job.source.columns.clone();
    if has_header(&job.source.format) {
        let mut record = Record::default();
        let mut next = |at| {
            next_record(&job.source.format, bytes, at, false, &mut record)
                .expect("nothing follows what is read to its end")
        };
        // Blank lines may come first.
        let mut start = 0;
        cut = next(start);
        while cut < bytes.len() && bytes[start..cut].trim_ascii().is_empty() {
            start = cut;
            cut = next(start);
        }
        let header = &bytes[..cut];
        lines = memchr::memchr_iter(b'\n', header).count() as u64;
        let text = |i| {
            String::from_utf8_lossy(record.field(bytes, i).unwrap_or_default()).trim().to_owned()
        };
        names = (0..record.len()).map(text).collect();
        hint = hint_of(header, &names);
    }
    let positions = job
        .inputs
        .iter()
        .map(|field| {
            let mut places = names.iter().enumerate().filter(|(_, name)| **name == field.from);
            let at = places.next().map(|(at, _)| at);
            if places.next().is_some() {
                return Err(BatchError::ColumnTwice {
                    source_name: job.source.name.clone(),
                    path: file.path.clone(),
                    field: field.from.clone(),
                });
            }
            if at.is_none() && !field.optional {
                return Err(lacking(job, &file.path, &field.from, &names, hint));
            }
            Ok(at)
        })
        .collect::<Result<Vec<_>>>()?;
    let is_mapped = |name: &String| job.inputs.iter().any(|f| f.from == *name);
    unmapped.extend(names.iter().filter(|name| !is_mapped(name)).cloned());
    let width = (!names.is_empty()).then_some(names.len());
    Ok((layout(positions, width), cut, lines))
}

/// The error for a file that lacks a mapped column; `hint` says what may be wrong with the file as a whole.
pub(crate) fn lacking(
    job: &ReadJob<'_>,
    path: &Path,
    field: &str,
    names: &[String],
    hint: &'static str,
) -> BatchError {
    let known: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let has =
        if known.is_empty() { String::new() } else { format!("; it has {}", known.join(", ")) };
    let hint = match hint {
        "" => "correct the mapping, or say `optional = true` in its row where files may lack it",
        hint => hint,
    };
    BatchError::NoColumn {
        source_name: job.source.name.clone(),
        path: path.to_owned(),
        field: field.to_owned(),
        has,
        hint,
    }
}

/// Guesses from a header without the wanted column what is wrong: encoding, delimiter or no header.
fn hint_of(header: &[u8], names: &[String]) -> &'static str {
    if header.contains(&0) {
        return "it looks like UTF-16: set `encoding = \"utf-16le\"`";
    }
    if std::str::from_utf8(header).is_err() {
        return "its header is not UTF-8: name its `encoding`, as gb18030 or windows-1252";
    }
    let [only] = names else { return "" };
    match [';', '\t', '|', ','].into_iter().find(|mark| only.contains(*mark)) {
        Some(';') => "its header is one column with `;` in it: set `delimiter = \";\"`",
        Some('\t') => "its header is one column with tabs in it: set `delimiter = \"\\t\"`",
        Some('|') => "its header is one column with `|` in it: set `delimiter = \"|\"`",
        Some(_) => "its header is one column with `,` in it: set `delimiter = \",\"`",
        None => "",
    }
}
