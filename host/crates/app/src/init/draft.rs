//! What a folder's files become: sources with their mapping rows, and what is left out and why.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use playbook_batch::profile::{ColumnKind, ColumnProfile, FileProfile, Sure, profile, words_of};
use playbook_files::FileError;
use playbook_model::SourceFormat;

use super::InitError;
use super::events::{Kinds, kinds};
use super::roles::{self, Part};
use crate::Result;

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
    pub(super) kinds: Option<Kinds>,
}

/// A mapping row.
#[derive(Debug)]
pub struct DraftRow {
    /// Field of the host's table.
    pub field: &'static str,
    /// What fills it.
    pub column: ColumnProfile,
    /// How sure that is.
    pub sure: Sure,
    /// Rows without a value, of a field that every row must have: they will be rejects.
    pub lacking: u64,
}

/// Files that are read as one.
struct Group {
    names: Vec<String>,
    seen: FileProfile,
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
        let orders = self
            .kinds
            .as_ref()
            .is_none_or(|kinds| kinds.values.iter().any(|(_, kind)| kind == "order_paid"));
        orders && self.rows.iter().any(|row| row.field == "amount_minor")
    }
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
            None => groups.push(Group { names: vec![name.clone()], seen }),
        }
    }
    let mut draft = Draft { dir: dir.to_owned(), sources: Vec::new(), left_out, currency: None };
    let mut currencies = BTreeSet::new();
    for group in groups {
        currencies.extend(roles::currency(&group.seen).map(str::to_owned));
        match paths(&group.names, &names) {
            Some(pattern) => draft.add(&pattern, &group),
            None => group.names.iter().for_each(|name| draft.add(name, &group)),
        }
    }
    draft.currency = currencies.pop_first().filter(|_| currencies.is_empty());
    Ok(draft)
}

/// Names of data files in a folder, sorted, and what else lies there.
fn data_files(dir: &Path) -> Result<(Vec<String>, Vec<LeftOut>)> {
    let (mut names, mut left_out) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(dir).map_err(FileError::of("read", dir))? {
        let entry = entry.map_err(FileError::of("read", dir))?;
        let Ok(file) = entry.file_name().into_string() else { continue };
        if file.starts_with('.') || !entry.path().is_file() || file.ends_with(".toml") {
            continue;
        }
        if names.len() >= FILES_MAX {
            return Err(
                InitError::TooManyFiles { path: dir.to_owned(), files_max: FILES_MAX }.into()
            );
        }
        if ENDINGS.contains(&ending(&file).as_str()) {
            names.push(file);
        } else {
            let why = format!("its ending is none of a data file ({})", ENDINGS.join(", "));
            left_out.push(LeftOut { file, why });
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
    /// Adds files as a source, or says why they are left out.
    fn add(&mut self, path: &str, group: &Group) {
        let seen = &group.seen;
        let stem = unpacked(path).split('.').next().unwrap_or(path);
        match source(seen, stem) {
            Err(why) => self.left_out.push(LeftOut { file: path.to_owned(), why }),
            Ok(Found { table, rows, kinds, notes }) => {
                let is_read = |c: &&ColumnProfile| rows.iter().any(|r| r.column.name == c.name);
                let unused = seen.columns.iter().filter(|c| !is_read(c)).map(|c| c.name.clone());
                self.sources.push(DraftSource {
                    name: self.name_of(stem, table),
                    table,
                    path: path.to_owned(),
                    files: if path.contains('*') { group.names.len() } else { 1 },
                    seen: seen.clone(),
                    unused: unused.collect(),
                    rows,
                    notes,
                    kinds,
                });
            }
        }
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

/// What a file is found to hold.
struct Found {
    table: &'static str,
    rows: Vec<DraftRow>,
    kinds: Option<Kinds>,
    notes: Vec<String>,
}

/// What a file holds.
///
/// # Errors
/// Why it is left out.
fn source(seen: &FileProfile, stem: &str) -> Result<Found, String> {
    if seen.columns.is_empty() || seen.rows == 0 {
        return Err("it has no rows".to_owned());
    }
    if let Some(twice) = twice(seen) {
        return Err(format!("it has two columns `{twice}`; give each a name of its own"));
    }
    let Some(member) = roles::member(seen) else {
        return Err("no column says whose a row is; name it in a mapping of your own".to_owned());
    };
    let mut rows = Rows { seen, found: vec![row(seen, "member", member)] };
    if roles::lists_members(seen, stem, member.column) {
        for field in ["joined", "region", "channel"] {
            rows.add(field, roles::named(seen, field, &rows.taken()));
        }
        if rows.found.len() == 1 {
            let why =
                "it lists members with nothing that `init` knows; map what it has as `attr_...`";
            return Err(why.to_owned());
        }
        return Ok(Found { table: "members", rows: rows.found, kinds: None, notes: Vec::new() });
    }
    let Some(time) = roles::time(seen) else {
        return Err(
            "no column holds the time of a row; name it in a mapping of your own".to_owned()
        );
    };
    rows.add("time", Some(time));
    let amount = roles::amount(seen);
    let kind = roles::named(seen, "kind", &rows.taken());
    let kinds = kind.and_then(|kind| kinds(kind.column));
    if amount.is_none() && kinds.is_none() {
        let why = "no column holds amounts or kinds of events; name them in a mapping of your own";
        return Err(why.to_owned());
    }
    let mut notes = Vec::new();
    if let Some(kind) = kind.filter(|_| kinds.is_none()) {
        let name = &kind.column.name;
        notes.push(format!(
            "`{name}` may say what kind of events the rows are, in words that are not known here: all rows are taken \
             for paid orders until it is mapped as `kind`, with `values`"
        ));
    }
    rows.add("amount_minor", amount);
    rows.add("kind", kind.filter(|_| kinds.is_some()));
    rows.add("event_id", roles::event_id(seen, &rows.taken()));
    for field in ["quantity", "channel"] {
        rows.add(field, roles::named(seen, field, &rows.taken()));
    }
    Ok(Found { table: "events", rows: rows.found, kinds, notes })
}

fn row(seen: &FileProfile, field: &'static str, part: Part<'_>) -> DraftRow {
    let required = ["member", "time"].contains(&field);
    let lacking = if required { seen.rows.saturating_sub(part.column.filled) } else { 0 };
    DraftRow { field, column: part.column.clone(), sure: part.sure, lacking }
}

/// Rows being found, a column each.
struct Rows<'a> {
    seen: &'a FileProfile,
    found: Vec<DraftRow>,
}

impl Rows<'_> {
    fn taken(&self) -> Vec<&str> {
        self.found.iter().map(|row| row.column.name.as_str()).collect()
    }

    fn add(&mut self, field: &'static str, part: Option<Part<'_>>) {
        if let Some(part) = part {
            self.found.push(row(self.seen, field, part));
        }
    }
}

/// A name that two columns have; columns without header have names of the host.
fn twice(seen: &FileProfile) -> Option<&str> {
    let mut names = BTreeSet::new();
    let named = !matches!(seen.format, SourceFormat::JsonLines);
    seen.columns.iter().map(|c| c.name.as_str()).filter(|_| named).find(|name| !names.insert(*name))
}
