//! A brand's log as tables: what a cycle runs over, and what an export holds.

use std::collections::{BTreeMap, HashMap};

use playbook_features::Value;
use playbook_ledger::store::RowScope;
use playbook_ledger::{LedgerError, Vault};
use playbook_model::{Bitmap, Cells, Column, Frame, MapType, TextCells};

use crate::links::Links;
use crate::packed::{Kept, Reader, Unreadable};
use crate::store::{ConsentRow, MemberRow, space};
use crate::version::Version;

/// Kind of the keys that stand for a person: no phone, which would keep persons apart.
const KEY_OF_ACCOUNTS: &str = "union-id";
/// Rows of a part at most.
const PART_ROWS: usize = 1 << 20;

/// A part of the log.
#[derive(Debug)]
pub enum LogPart {
    /// Events, with the columns that the version knows.
    Events(Frame),
    /// Members with their profiles.
    Members(Frame),
    /// Answers about consents.
    Consents(Frame),
    /// Keys of the accounts of members with several: one for each of them, which makes exactly those one member that are.
    Identities(Frame),
}

/// Hands over the log of a brand in parts, as it stands when this begins: a snapshot beside the service.
///
/// # Errors
/// A fault of the storage, bytes that cannot be read, or that of `take`.
pub fn export_log<E: From<LedgerError>>(
    vault: &dyn Vault,
    brand: &str,
    version: &Version,
    mut take: impl FnMut(LogPart) -> Result<(), E>,
) -> Result<(), E> {
    let ledger = vault.read(brand)?;
    let mut ids: HashMap<i64, String> = HashMap::new();
    let mut members = Rows::new(version.members().types(), &["member"]);
    let mut fault: Result<(), E> = Ok(());
    let mut hand = |part: LogPart| {
        if fault.is_ok() {
            fault = take(part);
        }
        fault.is_ok()
    };
    let links = Links::default();
    links.catch_up(&ledger)?;
    // Of members with several accounts the profile that was changed last comes last: it holds.
    let mut joined: BTreeMap<i64, Vec<(i64, MemberRow)>> = BTreeMap::new();
    ledger.rows(space::MEMBERS, RowScope::After(None), &mut |owner, _, bytes| {
        let row = MemberRow::read(bytes)?;
        ids.insert(owner, row.id.clone());
        let person = links.of(owner, &[]).map_or(owner, |(person, _)| person);
        if person != owner || !links.accounts(owner, &[]).is_empty() {
            joined.entry(person).or_default().push((owner, row));
            return Ok(true);
        }
        push_member(&mut members, &row);
        Ok(members.len < PART_ROWS || hand(LogPart::Members(members.take())))
    })?;
    let mut identities =
        Rows::new(version.identities().types(), &["member", "key_kind", "key_hash"]);
    for (person, accounts) in &mut joined {
        accounts.sort_by(|(_, a), (_, b)| (a.changed, &a.id).cmp(&(b.changed, &b.id)));
        let listed = accounts.iter().filter(|(_, row)| !row.profile.is_empty());
        listed.for_each(|(_, row)| push_member(&mut members, row));
        if accounts.iter().all(|(_, row)| row.profile.is_empty()) {
            accounts.iter().take(1).for_each(|(_, row)| push_member(&mut members, row));
        }
        let key = format!("{person:016x}");
        for (_, row) in accounts.iter() {
            identities.push(|name| match name {
                "member" => Value::Text(&row.id),
                "key_kind" => Value::Text(KEY_OF_ACCOUNTS),
                "key_hash" => Value::Text(&key),
                "verified" => Value::Integer(1),
                _ => Value::Missing,
            });
        }
    }
    hand(LogPart::Identities(identities.take()));
    hand(LogPart::Members(members.take()));
    let id = |owner: i64| ids.get(&owner).map_or("", String::as_str);
    let mut events = Rows::new(version.events().types(), &["event_id", "member", "time", "kind"]);
    ledger.rows(space::EVENTS, RowScope::After(None), &mut |owner, key, bytes| {
        let damaged = |_: Unreadable| LedgerError::Damaged("an event cannot be read".to_owned());
        let event_id = std::str::from_utf8(key)
            .map_err(|_| LedgerError::Damaged("the id of an event is no text".to_owned()))?;
        let mut reader = Reader(bytes);
        let time = reader.begin().map_err(damaged)?;
        let mut fields: Vec<(&str, Value<'_>)> = Vec::new();
        while !reader.is_at_end() {
            let (name, value) = reader.field().map_err(damaged)?;
            fields.push((name.text(), value));
        }
        events.push(|name| match name {
            "event_id" => Value::Text(event_id),
            "member" => Value::Text(id(owner)),
            "time" => Value::Integer(time),
            other => {
                fields.iter().find(|(known, _)| *known == other).map_or(Value::Missing, |f| f.1)
            }
        });
        Ok(events.len < PART_ROWS || hand(LogPart::Events(events.take())))
    })?;
    hand(LogPart::Events(events.take()));
    let types = version.consents().types();
    let mut consents = Rows::new(types, &["member", "purpose", "state", "time"]);
    ledger.rows(space::CONSENTS, RowScope::After(None), &mut |owner, _, bytes| {
        let row = ConsentRow::read(bytes)?;
        consents.push(|name| match name {
            "member" => Value::Text(id(owner)),
            "purpose" => Value::Text(&row.purpose),
            "state" => Value::Text(&row.state),
            "time" => row.time.map_or(Value::Missing, Value::Integer),
            "text_version" => {
                row.evidence.text_version.as_deref().map_or(Value::Missing, Value::Text)
            }
            "channel" => row.evidence.channel.as_deref().map_or(Value::Missing, Value::Text),
            _ => Value::Missing,
        });
        Ok(consents.len < PART_ROWS || hand(LogPart::Consents(consents.take())))
    })?;
    hand(LogPart::Consents(consents.take()));
    fault
}

fn push_member(members: &mut Rows, row: &MemberRow) {
    members.push(|name| match name {
        "member" => Value::Text(&row.id),
        other => {
            let known = row.profile.iter().find(|(known, _)| known == other);
            known.map_or(Value::Missing, |(_, value): &(String, Kept)| value.value())
        }
    });
}

/// Rows that are gathered by columns.
struct Rows {
    columns: Vec<Gathered>,
    len: usize,
}

struct Gathered {
    name: String,
    cells: Cells,
    valid: Bitmap,
}

fn empty(map_type: MapType) -> Cells {
    match map_type {
        MapType::Text => Cells::Text(TextCells::default()),
        MapType::Real => Cells::Real(Vec::new()),
        _ => Cells::Integer(Vec::new()),
    }
}

impl Rows {
    /// Columns of a table; those that `always` names are texts or times that every row has.
    fn new(types: &BTreeMap<String, MapType>, always: &[&str]) -> Self {
        let mut types = types.clone();
        for name in always {
            let fallback = if *name == "time" { MapType::Time } else { MapType::Text };
            types.entry((*name).to_owned()).or_insert(fallback);
        }
        let columns = types.into_iter().map(|(name, map_type)| Gathered {
            name,
            cells: empty(map_type),
            valid: Bitmap::default(),
        });
        Self { columns: columns.collect(), len: 0 }
    }

    fn push<'v>(&mut self, value: impl Fn(&str) -> Value<'v>) {
        for column in &mut self.columns {
            let value = value(&column.name);
            let is_there = match (&mut column.cells, value) {
                (Cells::Text(cells), Value::Text(text)) => {
                    cells.push(text);
                    true
                }
                (Cells::Integer(cells), Value::Integer(integer)) => {
                    cells.push(integer);
                    true
                }
                (Cells::Real(cells), Value::Real(real)) => {
                    cells.push(real);
                    true
                }
                // A field whose type another playbook changed since has no value of this type.
                (cells, _) => {
                    match cells {
                        Cells::Text(cells) => cells.push(""),
                        Cells::Real(cells) => cells.push(0.0),
                        Cells::Integer(cells) => cells.push(0),
                        Cells::Small(_) | Cells::Category { .. } => {}
                    }
                    false
                }
            };
            column.valid.push(is_there);
        }
        self.len += 1;
    }

    /// The rows so far as a table; begins anew.
    fn take(&mut self) -> Frame {
        let rows = std::mem::take(&mut self.len);
        let mut frame = Frame::with_rows(rows);
        for column in &mut self.columns {
            let fresh = match &column.cells {
                Cells::Text(_) => Cells::Text(TextCells::default()),
                Cells::Real(_) => Cells::Real(Vec::new()),
                _ => Cells::Integer(Vec::new()),
            };
            let cells = std::mem::replace(&mut column.cells, fresh);
            let valid = std::mem::take(&mut column.valid);
            let valid = (valid.count_ones() < rows).then_some(valid);
            let unit = String::new();
            frame.append(Column { name: column.name.clone(), unit, cells, valid });
        }
        frame
    }
}
