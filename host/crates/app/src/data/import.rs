//! An export becomes part of a brand: what is there already stays, so that the same export again changes nothing.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use futures::executor::block_on;
use futures::future::try_join_all;
use playbook_batch::{BatchError, read_rows};
use playbook_cycle::Cancel;
use playbook_files::files_below;
use playbook_model::{Digest, Frame, MapType};
use playbook_online::{Brand, EventFate, OnlineError, TableColumns};
use serde_json::{Map, Value as Json};

use crate::{AppError, Result};

/// Events that are handed over at once.
const EVENTS: usize = 2_000;
/// Members that are changed at once: those of one commit group.
const MEMBERS: usize = 500;
/// Rows that are told of those that were refused.
const TOLD: usize = 20;

type Object = Map<String, Json>;

/// What an import came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Events that are new.
    pub events: u64,
    /// Events that were there.
    pub known: u64,
    /// Events that cannot be taken.
    pub refused: u64,
    /// Why the first of them cannot be.
    pub reasons: Vec<String>,
    /// Members whose profile and consents are as the export has them, or were changed since.
    pub members: u64,
}

/// Takes the events, members and consents of an export into a brand that answers, until `cancel` says so: what was taken by
/// then stays, and the same import goes on from there.
///
/// # Errors
/// A folder that is no export, files that cannot be read, a fault of the storage; [`BatchError::Cancelled`].
pub fn import(
    brand: &Brand,
    from: &Path,
    cancel: &Cancel,
    told: &dyn Fn(&str, u64),
) -> Result<Imported> {
    let go_on = || match cancel.is_cancelled() {
        true => Err(AppError::from(BatchError::Cancelled)),
        false => Ok(()),
    };
    let tables = tables(from)?;
    let of = |name: &str| tables.get(name).map(Vec::as_slice).unwrap_or_default();
    let version = brand.version();
    let mut done = Imported::default();
    let fault = |error: OnlineError| AppError::Serve {
        brand: brand.name().to_owned(),
        why: Box::new(error),
    };
    let mut changes = Changes::default();
    for row in rows(of("members"), version.members(), &go_on)? {
        changes.of(row, |change, row| change.profile = row);
    }
    for row in rows(of("consents"), version.consents(), &go_on)? {
        changes.of(row, |change, row| change.consents.push(row));
    }
    let mut keys = Changes::default();
    for row in rows(of("identities"), version.identities(), &go_on)? {
        keys.of(row, |change, row| change.identities.push(row));
    }
    // Before events: a refund may come for another account than its order.
    for some in keys.all.chunks(MEMBERS) {
        go_on()?;
        put(brand, some).map_err(fault)?;
    }
    for file in of("events") {
        read_rows(file, &mut |frame| {
            let events = objects(&frame, version.events());
            for events in events.chunks(EVENTS) {
                go_on()?;
                take(brand, events, &mut done).map_err(fault)?;
                told("events", events.len() as u64);
            }
            Ok::<_, AppError>(())
        })?;
    }
    for members in changes.all.chunks(MEMBERS) {
        go_on()?;
        put(brand, members).map_err(fault)?;
        done.members += members.len() as u64;
        told("members", members.len() as u64);
    }
    Ok(done)
}

/// What is to be changed of members, in the order in which the export names them: of the accounts of one member the last profile holds.
#[derive(Default)]
struct Changes {
    all: Vec<(String, Change)>,
    places: HashMap<String, usize>,
}

#[derive(Default)]
struct Change {
    profile: Object,
    consents: Vec<Object>,
    identities: Vec<Object>,
}

impl Changes {
    fn of(&mut self, mut row: Object, add: impl FnOnce(&mut Change, Object)) {
        let member = row.remove("member");
        let member = member.as_ref().and_then(Json::as_str).unwrap_or_default();
        let at = *self.places.entry(member.to_owned()).or_insert(self.all.len());
        if at == self.all.len() {
            self.all.push((member.to_owned(), Change::default()));
        }
        add(&mut self.all[at].1, row);
    }
}

fn put(brand: &Brand, members: &[(String, Change)]) -> Result<(), OnlineError> {
    let changes = members.iter().map(|(member, change)| async move {
        let Change { profile, consents, identities } = change;
        // Of the same words, so that a change that was made since stays.
        let words = match identities.as_slice() {
            [] => serde_json::to_vec(&(profile, consents)),
            keys => serde_json::to_vec(keys),
        };
        let words = words.expect("JSON values are JSON");
        let key = format!("import {}", Digest::of(&words));
        brand.identify_member(member, (profile, consents, identities), &key).await
    });
    block_on(try_join_all(changes)).map(|_| ())
}

fn take(brand: &Brand, events: &[Object], done: &mut Imported) -> Result<(), OnlineError> {
    let fates = block_on(brand.events(events))?;
    for (event, fate) in events.iter().zip(fates) {
        let why = match fate {
            Ok(EventFate::Accepted) => {
                done.events += 1;
                continue;
            }
            Ok(EventFate::Duplicate) => {
                done.known += 1;
                continue;
            }
            Ok(EventFate::OtherEvent) => "another event of the member has its id".to_owned(),
            Ok(EventFate::RecordFull) => "the member has more events than are kept".to_owned(),
            Ok(EventFate::WithoutOrder) => "its order is none of the member's".to_owned(),
            Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        };
        done.refused += 1;
        if done.reasons.len() < TOLD {
            let id = event.get("event_id").and_then(Json::as_str).unwrap_or_default();
            done.reasons.push(format!("event `{id}`: {why}"));
        }
    }
    Ok(())
}

/// Files of an export by table, in the order in which they were written.
fn tables(from: &Path) -> Result<BTreeMap<String, Vec<PathBuf>>> {
    let mut tables: BTreeMap<String, Vec<(usize, PathBuf)>> = BTreeMap::new();
    for (name, path) in files_below(from)? {
        let part = name.strip_suffix(".parquet").and_then(|name| name.rsplit_once('-'));
        if let Some((table, number)) = part
            && ["events", "members", "consents", "identities"].contains(&table)
            && let Ok(number) = number.parse()
        {
            tables.entry(table.to_owned()).or_default().push((number, path));
        }
    }
    if tables.is_empty() {
        let what = "is no export: it has no file `events-0.parquet`, `members-0.parquet` or `consents-0.parquet`";
        return Err(AppError::DataFolder { folder: from.to_owned(), what: what.to_owned() });
    }
    let in_order = tables.into_iter().map(|(table, mut files)| {
        files.sort();
        (table, files.into_iter().map(|(_, path)| path).collect())
    });
    Ok(in_order.collect())
}

fn rows(
    files: &[PathBuf],
    columns: &TableColumns,
    go_on: &dyn Fn() -> Result<()>,
) -> Result<Vec<Object>> {
    let mut all = Vec::new();
    for file in files {
        read_rows(file, &mut |frame| {
            go_on()?;
            all.extend(objects(&frame, columns));
            Ok::<_, AppError>(())
        })?;
    }
    Ok(all)
}

/// Rows as requests say them; what is missing is left out.
fn objects(frame: &Frame, columns: &TableColumns) -> Vec<Object> {
    let mut rows = vec![Object::new(); frame.rows()];
    for column in frame.columns() {
        let is_flag = columns.types().get(&column.name) == Some(&MapType::Flag);
        for (at, row) in rows.iter_mut().enumerate() {
            let value = match (column.text(at), column.integer(at), column.real(at)) {
                (Some(text), ..) => Json::from(text),
                (_, Some(integer), _) if is_flag => Json::from(integer != 0),
                (_, Some(integer), _) => Json::from(integer),
                (.., Some(real)) => Json::from(real),
                _ => continue,
            };
            row.insert(column.name.clone(), value);
        }
    }
    rows
}
