//! What a folder's files become: sources with their mapping rows, and what is left out and why.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use playbook_batch::profile::{ColumnKind, ColumnProfile, FileProfile, profile, words_of};
use playbook_files::FileError;

use super::InitError;
use super::found::{DraftRow, Found, sources};
use super::roles;
use crate::Result;
use crate::places::RUN_FILE;

/// Most files of a folder that are looked at.
const FILES_MAX: usize = 200;
/// Endings of data files; `.gz` and `.zst` may follow.
const ENDINGS: [&str; 8] = ["csv", "tsv", "txt", "dat", "jsonl", "ndjson", "parquet", "tab"];
/// Letters of a source's name.
const NAME_LETTERS_MAX: usize = 40;

/// What was found in a folder.
#[derive(Debug)]
pub struct Draft {
    /// The folder.
    pub dir: PathBuf,
    /// What is read.
    pub sources: Vec<DraftSource>,
    /// What is not.
    pub left_out: Vec<LeftOut>,
    /// The one currency that the files name.
    pub currency: Option<String>,
}

/// A file that is not read.
#[derive(Debug)]
pub struct LeftOut {
    /// Its name.
    pub file: String,
    /// Why, and what to do.
    pub why: String,
}

/// Files of one export.
#[derive(Debug)]
pub struct DraftSource {
    /// Name in the playbook.
    pub name: String,
    /// Table of the host.
    pub table: &'static str,
    /// File or pattern, relative to the folder.
    pub path: String,
    /// How many files that are.
    pub files: usize,
    /// What was seen of them.
    pub seen: FileProfile,
    /// Mapping rows.
    pub rows: Vec<DraftRow>,
    /// Columns that no row reads.
    pub unused: Vec<String>,
    /// What a reader has to know of the source as a whole.
    pub notes: Vec<String>,
    /// What has to be said before the source can be read; it is written as a comment until then.
    pub asks: Option<String>,
    /// Kind of all rows of events, where no column says it.
    pub event: Option<&'static str>,
    /// Fields that all rows have alike.
    pub constants: Vec<(&'static str, &'static str)>,
    pub(super) lines: bool,
    /// Kinds of the brand's own.
    pub(super) own: Vec<String>,
}

/// Files that are read as one.
struct Group {
    names: Vec<String>,
    /// What was seen of each.
    each: Vec<FileProfile>,
    /// What was seen of all.
    seen: FileProfile,
}

impl Group {
    fn of(name: &str, seen: FileProfile) -> Self {
        Self { names: vec![name.to_owned()], each: vec![seen.clone()], seen }
    }
}

impl Draft {
    /// Whether a source has orders with amounts.
    #[must_use]
    pub fn has_orders(&self) -> bool {
        self.sources.iter().any(DraftSource::has_orders)
    }

    /// What was left out, in words that follow a sentence.
    pub(super) fn left_out_words(&self) -> String {
        self.left_out.iter().map(|left| format!("\n`{}`: {}", left.file, left.why)).collect()
    }
}

impl DraftSource {
    /// Whether it has orders with amounts.
    pub(super) fn has_orders(&self) -> bool {
        let kind = self.rows.iter().find(|row| row.field == "kind");
        let mut kinds = kind.into_iter().flat_map(|row| &row.values);
        let orders =
            self.event == Some("order_paid") || kinds.any(|kind| kind.means == "order_paid");
        orders && self.rows.iter().any(|row| row.field == "amount_minor")
    }
}

/// Looks at one file, as if it lay in a folder alone.
pub fn draft_of(file: &Path, seen: FileProfile) -> Draft {
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name =
        file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let currency = roles::currency(&seen).map(str::to_owned);
    let mut draft =
        Draft { dir: dir.to_owned(), sources: Vec::new(), left_out: Vec::new(), currency };
    draft.add(&name, &Group::of(&name, seen));
    draft
}

/// Looks at the files of a folder.
///
/// # Errors
/// Where the folder cannot be read, or has no data files.
pub fn draft(dir: &Path) -> Result<Draft> {
    let (names, mut left_out) = data_files(dir)?;
    let mut groups: Vec<Group> = Vec::new();
    for name in &names {
        let seen = match profile(&dir.join(name)) {
            Ok(seen) => seen,
            Err(fault) => {
                let why =
                    std::error::Error::source(&fault).map_or(fault.to_string(), |s| s.to_string());
                left_out.push(LeftOut { file: name.clone(), why });
                continue;
            }
        };
        match groups.iter_mut().find_map(|group| merged(group, name, &seen)) {
            Some(()) => {}
            None => groups.push(Group::of(name, seen)),
        }
    }
    let mut draft = Draft { dir: dir.to_owned(), sources: Vec::new(), left_out, currency: None };
    let mut currencies = BTreeSet::new();
    for group in groups {
        currencies.extend(roles::currency(&group.seen).map(str::to_owned));
        match paths(&group.names, &names) {
            Some(pattern) => draft.add(&pattern, &group),
            None => {
                let alone = group.names.into_iter().zip(group.each);
                alone.for_each(|(name, seen)| draft.add(&name, &Group::of(&name, seen)));
            }
        }
    }
    draft.currency = currencies.pop_first().filter(|_| currencies.is_empty());
    Ok(draft)
}

/// Names of data files in a folder and in the folders that lie in it, sorted, and what else lies there.
fn data_files(dir: &Path) -> Result<(Vec<String>, Vec<LeftOut>)> {
    let (mut names, mut left_out) = (Vec::new(), Vec::new());
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let path = dir.join(&folder);
        for entry in fs::read_dir(&path).map_err(FileError::of("read", &path))? {
            let entry = entry.map_err(FileError::of("read", &path))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') || name.ends_with(".toml") {
                continue;
            }
            let file = format!("{folder}{name}");
            // A link may lead out of the folder, which a run refuses.
            let kind = entry.file_type().map_err(FileError::of("read", &path))?;
            if kind.is_dir() && folder.is_empty() {
                // Results of a run are no exports.
                match dir.join(&file).join(RUN_FILE).exists() {
                    true => left_out
                        .push(LeftOut { file, why: "it holds the results of a run".to_owned() }),
                    false => folders.push(format!("{file}/")),
                }
            } else if !kind.is_file() && !entry.path().is_file() {
                continue;
            } else if !ENDINGS.contains(&ending(&file).as_str()) {
                let why = format!("its ending is none of a data file ({})", ENDINGS.join(", "));
                left_out.push(LeftOut { file, why });
            } else if names.len() >= FILES_MAX {
                let (path, files_max) = (dir.to_owned(), FILES_MAX);
                return Err(InitError::TooManyFiles { path, files_max }.into());
            } else {
                names.push(file);
            }
        }
    }
    if names.is_empty() {
        return Err(InitError::NoFiles(dir.to_owned()).into());
    }
    names.sort();
    left_out.sort_by(|a, b| a.file.cmp(&b.file));
    Ok((names, left_out))
}

fn unpacked(file: &str) -> &str {
    [".gz", ".zst"].iter().find_map(|packed| file.strip_suffix(packed)).unwrap_or(file)
}

fn ending(file: &str) -> String {
    let name = unpacked(file);
    name.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_lowercase())
}

/// Adds a file to a group whose files look alike; `None` where it is another.
fn merged(group: &mut Group, name: &str, seen: &FileProfile) -> Option<()> {
    let known = &group.seen;
    let alike = |a: &ColumnProfile, b: &ColumnProfile| {
        let same = match (&a.kind, &b.kind) {
            // A file of small amounts has no thousands to mark.
            (ColumnKind::Amount { marks: a, .. }, ColumnKind::Amount { marks: b, .. }) => {
                let either = a.thousands.is_none() || b.thousands.is_none();
                a.decimal == b.decimal && (either || a.thousands == b.thousands)
            }
            (a, b) => a == b,
        };
        a.name == b.name && (same || a.kind == ColumnKind::Empty || b.kind == ColumnKind::Empty)
    };
    let same = known.format == seen.format
        && known.encoding == seen.encoding
        && known.columns.len() == seen.columns.len()
        && known.columns.iter().zip(&seen.columns).all(|(a, b)| alike(a, b));
    if !same {
        return None;
    }
    group.names.push(name.to_owned());
    group.each.push(seen.clone());
    group.seen.rows += seen.rows;
    group.seen.broken_rows += seen.broken_rows;
    group.seen.whole &= seen.whole;
    for (known, new) in group.seen.columns.iter_mut().zip(&seen.columns) {
        known.add(new);
    }
    Some(())
}

/// The pattern that finds these files and no other of the folder; `None`: there is none.
fn paths(names: &[String], all: &[String]) -> Option<String> {
    let [first, rest @ ..] = names else { return None };
    if rest.is_empty() {
        return Some(first.clone());
    }
    let common = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| {
        a.zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum::<usize>()
    };
    let prefix = rest.iter().map(|n| common(&mut first.chars(), &mut n.chars())).min()?;
    let suffix =
        rest.iter().map(|n| common(&mut first.chars().rev(), &mut n.chars().rev())).min()?;
    let shortest = names.iter().map(String::len).min()?;
    let suffix = suffix.min(shortest - prefix);
    let (start, end) = (&first[..prefix], &first[first.len() - suffix..]);
    let finds = |name: &&String| {
        name.len() >= prefix + suffix && name.starts_with(start) && name.ends_with(end)
    };
    let plain = !start.is_empty() && !format!("{start}{end}").contains(['*', '?', '[']);
    (plain && all.iter().filter(finds).count() == names.len()).then(|| format!("{start}*{end}"))
}

impl Draft {
    /// Adds files as a source, or as several, or says why they are left out.
    fn add(&mut self, path: &str, group: &Group) {
        let seen = &group.seen;
        let stem = unpacked(path).split('.').next().unwrap_or(path);
        match sources(seen, stem) {
            Err(why) => self.left_out.push(LeftOut { file: path.to_owned(), why }),
            Ok(found) => {
                found.into_iter().for_each(|found| self.add_source(path, stem, group, found))
            }
        }
    }

    fn add_source(&mut self, path: &str, stem: &str, group: &Group, found: Found) {
        let seen = &group.seen;
        let is_read = |c: &&ColumnProfile| found.rows.iter().any(|r| r.column.name == c.name);
        let unused = seen.columns.iter().filter(|c| !is_read(c)).map(|c| c.name.clone());
        self.sources.push(DraftSource {
            name: self.name_of(stem, found.table),
            table: found.table,
            path: path.to_owned(),
            files: if path.contains('*') { group.names.len() } else { 1 },
            seen: seen.clone(),
            unused: unused.collect(),
            rows: found.rows,
            notes: found.notes,
            asks: found.asks,
            event: found.event,
            constants: found.constants,
            lines: found.lines,
            own: found.own,
        });
    }

    /// A name that no other source has.
    fn name_of(&self, stem: &str, table: &str) -> String {
        let ascii = words_of(stem).join("-");
        let ascii: String = ascii
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .take(NAME_LETTERS_MAX)
            .collect();
        let plain = ascii.trim_matches(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit());
        let fine = plain.starts_with(|c: char| c.is_ascii_lowercase());
        let base = if fine { plain } else { table };
        let taken = |name: &str| self.sources.iter().any(|source| source.name == name);
        let mut name = base.to_owned();
        let mut number = 2;
        while taken(&name) {
            name = format!("{base}-{number}");
            number += 1;
        }
        name
    }
}
