//! What is looked at becomes: sources with their mapping rows, and what is left out and why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use playbook_batch::profile::{ColumnKind, ColumnProfile, FileProfile, Sure, words_of};
use playbook_model::Origin;

use super::folder::unpacked;
use super::found::sources;
use super::look::Looked;
use super::lookups::{self, Spare};
use super::outline::{Draft, DraftJoin, DraftLookup, DraftSource, LeftOut};
use super::roles;
use super::rows::Found;

/// Letters of a source's name.
const NAME_LETTERS_MAX: usize = 40;

/// What is read as one: files that look alike, mostly one.
struct Group {
    each: Vec<Looked>,
    /// What was seen of all.
    seen: FileProfile,
}

impl Group {
    /// Where the rows lie, and what its name says.
    fn spare(&self) -> Spare {
        Spare {
            seen: self.seen.clone(),
            stem: self.each[0].stem.clone(),
            files: self.each.iter().map(|one| one.lies.clone()).collect(),
        }
    }

    /// What was found in it, as a source without a name.
    fn source(&self, path: &str, found: Found) -> DraftSource {
        let (seen, first) = (&self.seen, &self.each[0]);
        let is_read = |c: &&ColumnProfile| found.rows.iter().any(|r| r.column.name == c.name);
        let unused = seen.columns.iter().filter(|c| !is_read(c)).map(|c| c.name.clone());
        DraftSource {
            name: String::new(),
            table: found.table,
            called: called(path, self),
            path: path.to_owned(),
            origin: first.origin.clone(),
            container: first.container.clone(),
            taken: self.each.iter().filter_map(|one| one.taken.clone()).collect(),
            lies: self.each.iter().map(|one| one.lies.clone()).collect(),
            files: self.each.len(),
            seen: seen.clone(),
            unused: unused.collect(),
            rows: found.rows,
            notes: found.notes,
            asks: found.asks,
            event: found.event,
            constants: found.constants,
            joins: Vec::new(),
            lines: found.lines,
            own: found.own,
        }
    }

    fn of(looked: Looked) -> Self {
        let seen = looked.seen.clone();
        Self { each: vec![looked], seen }
    }
}

/// What one thing becomes, as if it were all that there is; its file lies in the folder `dir`.
#[must_use]
pub fn draft_of(dir: &Path, looked: Looked) -> Draft {
    Draft::of(dir, vec![looked], Vec::new())
}

/// Adds a file to a group whose files look alike; `None` where it is another.
fn merged(group: &mut Group, looked: &Looked) -> Option<()> {
    let (known, seen, first) = (&group.seen, &looked.seen, &group.each[0]);
    // What databases answer is asked for one by one.
    let alone = matches!(looked.origin, Origin::Database(..));
    let same = (&first.origin, &first.container, &first.named)
        == (&looked.origin, &looked.container, &looked.named);
    if alone || !same {
        return None;
    }
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
    group.each.push(looked.clone());
    group.seen.rows += seen.rows;
    group.seen.broken_rows += seen.broken_rows;
    group.seen.whole &= seen.whole;
    for (known, new) in group.seen.columns.iter_mut().zip(&seen.columns) {
        known.add(new);
    }
    Some(())
}

/// The pattern that finds these files and no other of the folder; `None`: there is none.
fn pattern(names: &[&str], all: &[String]) -> Option<String> {
    let [first, rest @ ..] = names else { return None };
    if rest.is_empty() {
        return Some((*first).to_owned());
    }
    let common = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| {
        a.zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum::<usize>()
    };
    let prefix = rest.iter().map(|n| common(&mut first.chars(), &mut n.chars())).min()?;
    let suffix =
        rest.iter().map(|n| common(&mut first.chars().rev(), &mut n.chars().rev())).min()?;
    let shortest = names.iter().map(|name| name.len()).min()?;
    let suffix = suffix.min(shortest - prefix);
    let (start, end) = (&first[..prefix], &first[first.len() - suffix..]);
    let finds = |name: &&String| {
        name.len() >= prefix + suffix && name.starts_with(start) && name.ends_with(end)
    };
    let plain = !start.is_empty() && !format!("{start}{end}").contains(['*', '?', '[']);
    (plain && all.iter().filter(finds).count() == names.len()).then(|| format!("{start}*{end}"))
}

impl Draft {
    /// What everything that was looked at becomes.
    #[must_use]
    pub fn of(dir: &Path, looked: Vec<Looked>, left_out: Vec<LeftOut>) -> Self {
        let all: BTreeSet<&String> = looked.iter().map(|one| &one.path).collect();
        let all: Vec<String> = all.into_iter().cloned().collect();
        let mut parts = BTreeMap::new();
        for one in &looked {
            *parts.entry(part(one)).or_insert(0) += 1;
        }
        let mut groups: Vec<Group> = Vec::new();
        for one in looked {
            if groups.iter_mut().find_map(|group| merged(group, &one)).is_none() {
                groups.push(Group::of(one));
            }
        }
        let mut draft = Self {
            dir: dir.to_owned(),
            sources: Vec::new(),
            lookups: Vec::new(),
            left_out,
            currency: None,
        };
        let mut spare = Vec::new();
        let mut currencies = BTreeSet::new();
        for group in groups {
            currencies.extend(roles::currency(&group.seen).map(str::to_owned));
            let names: Vec<&str> = group.each.iter().map(|one| one.path.as_str()).collect();
            let first = &group.each[0];
            let found = match first.named.as_str() {
                "" => pattern(&names, &all),
                // What a person named finds these, and others too where they do not look alike.
                named => {
                    let others = parts.get(&part(first)) != Some(&names.len());
                    (!others || named == first.path).then(|| named.to_owned())
                }
            };
            match found {
                Some(path) => draft.add(&path, group, &mut spare),
                None => {
                    for one in group.each {
                        draft.add(&one.path.clone(), Group::of(one), &mut spare);
                    }
                }
            }
        }
        draft.currency = currencies.pop_first().filter(|_| currencies.is_empty());
        draft.look_up(&spare);
        draft
    }

    /// Adds a group as a source, or as several, or says why it is left out.
    fn add(&mut self, path: &str, group: Group, spare: &mut Vec<(String, Group)>) {
        match sources(&group.seen, &group.each[0].stem) {
            Ok(found) => {
                let doubtful = found.iter().any(|found| {
                    found.table == "members" && {
                        found
                            .rows
                            .iter()
                            .any(|row| row.field == "member" && row.sure == Sure::Unsure)
                    }
                });
                found.into_iter().for_each(|found| self.add_source(path, &group, found));
                // A list by `id` alone may be one of things as well.
                if doubtful {
                    spare.push((path.to_owned(), group));
                }
            }
            Err(why) => {
                self.left_out.push(LeftOut { file: called(path, &group), why });
                spare.push((path.to_owned(), group));
            }
        }
    }

    /// Finds among what is left out the tables of things that rows of events name, and what would give a time to rows that
    /// have none.
    fn look_up(&mut self, spare: &[(String, Group)]) {
        let tables: Vec<Spare> = spare.iter().map(|(_, group)| group.spare()).collect();
        for (table, (path, group)) in tables.iter().zip(spare) {
            self.look_up_one(table, path, group);
        }
        for (at, (path, group)) in spare.iter().enumerate() {
            let Some(advice) = time_elsewhere(at, &tables, spare) else { continue };
            let name = called(path, group);
            let left = self.left_out.iter_mut().filter(|left| left.file == name);
            left.for_each(|left| left.why.push_str(&advice));
        }
    }

    fn look_up_one(&mut self, table: &Spare, path: &str, group: &Group) {
        let called = called(path, group);
        let mut name = name_of(&table.stem, "things", |name| {
            let sources = self.sources.iter().filter(|source| source.called != called);
            let lookups = self.lookups.iter().map(|lookup| &lookup.source);
            sources
                .chain(lookups)
                .any(|known| known.name.replace('-', "_") == name.replace('-', "_"))
        });
        name = name.replace('-', "_");
        let mut key: Option<String> = None;
        for source in self.sources.iter_mut().filter(|source| source.table == "events") {
            let own =
                source.rows.iter().filter(|r| ["member", "event_id"].contains(&r.field.as_str()));
            let own: Vec<&str> = own.map(|row| row.column.name.as_str()).collect();
            let Some(named) = lookups::named(table, &source.seen, &source.lies, &own) else {
                continue;
            };
            let taken: Vec<&str> = source.rows.iter().map(|row| row.field.as_str()).collect();
            let fields = lookups::fields(&name, &named.key, &table.seen, &taken);
            if fields.is_empty() || key.as_ref().is_some_and(|key| *key != named.key) {
                continue;
            }
            source.rows.extend(fields);
            source.unused.retain(|column| *column != named.by);
            key = Some(named.key.clone());
            source.joins.push(DraftJoin { lookup: name.clone(), ..named.into() });
        }
        if let Some(key) = key {
            let found = Found { table: "lookup", ..Found::default() };
            let source = DraftSource { name, ..group.source(path, found) };
            self.left_out.retain(|left| left.file != source.called);
            self.sources.retain(|known| known.called != source.called);
            self.lookups.push(DraftLookup { source, key });
        }
    }

    fn add_source(&mut self, path: &str, group: &Group, found: Found) {
        // Of several files each has its own name, and all of them the beginning.
        let first = &group.each[0];
        let stem = match first.named.as_str() {
            "" if path.contains('*') => path,
            named if named.contains('*') => named.rsplit('/').next().unwrap_or(named),
            _ => first.stem.as_str(),
        };
        let stem = unpacked(stem).split('.').next().unwrap_or(stem);
        let taken = |name: &str| self.sources.iter().any(|source| source.name == name);
        let name = name_of(stem, found.table, taken);
        self.sources.push(DraftSource { name, ..group.source(path, found) });
    }
}

/// What a person named, and the sheet or table in it.
fn part(one: &Looked) -> (String, String) {
    (one.named.clone(), format!("{:?}", one.container))
}

/// What people call a group.
fn called(path: &str, group: &Group) -> String {
    match group.each.as_slice() {
        [one] => one.name.clone(),
        _ => path.to_owned(),
    }
}

/// What is to be done about rows without a time, where a table of things that they name has one.
fn time_elsewhere(at: usize, tables: &[Spare], spare: &[(String, Group)]) -> Option<String> {
    let rows = &tables[at];
    let member = roles::member(&rows.seen).filter(|_| roles::time(&rows.seen).is_none())?.column;
    let others = tables.iter().zip(spare).enumerate().filter(|(other, _)| *other != at);
    let mut advice = others.filter_map(|(_, (table, (path, group)))| {
        let time = roles::time(&table.seen)?.column;
        let named = lookups::named(table, &rows.seen, &rows.files, &[member.name.as_str()])?;
        Some(format!(
            "; `{}` has `{}` for each `{}`: join it as a [[lookup]], map `time` from there, and say with `event` what \
             kind the rows are",
            called(path, group),
            time.name,
            named.by
        ))
    });
    advice.next()
}

/// A name that is not taken, after a file or what else holds the rows.
fn name_of(stem: &str, table: &str, taken: impl Fn(&str) -> bool) -> String {
    let ascii = words_of(stem).join("-");
    let ascii: String = ascii
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(NAME_LETTERS_MAX)
        .collect();
    let plain = ascii.trim_matches(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit());
    let fine = plain.starts_with(|c: char| c.is_ascii_lowercase());
    let base = if fine { plain } else { table };
    let mut name = base.to_owned();
    let mut number = 2;
    while taken(&name) {
        name = format!("{base}-{number}");
        number += 1;
    }
    name
}
