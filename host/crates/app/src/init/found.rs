//! What a file holds: the table of the host that it fills, and the column for each field.

use std::collections::BTreeSet;

use playbook_batch::profile::FileProfile;
use playbook_model::SourceFormat;

use super::events::{Kinds, kind_of_file, kinds};
use super::roles::{self, Part};
use super::rows::{Found, Rows};
use super::tables::{consents, costs, identities, members};

/// What a file holds.
///
/// # Errors
/// Why it is left out, and what to do.
pub(super) fn sources(seen: &FileProfile, stem: &str) -> Result<Vec<Found>, String> {
    if seen.columns.is_empty() || seen.rows == 0 {
        return Err("it has no rows".to_owned());
    }
    if let Some(twice) = twice(seen) {
        return Err(format!("it has two columns `{twice}`; give each a name of its own"));
    }
    if let Some(found) = costs(seen, stem) {
        return Ok(vec![found]);
    }
    let Some(member) = roles::member(seen) else {
        return Err("no column says whose a row is; name it in a mapping of your own".to_owned());
    };
    if let Some(found) = consents(seen, stem, member) {
        return Ok(vec![found]);
    }
    let accounts = identities(seen, stem, member);
    if !accounts.is_empty() {
        return Ok(accounts);
    }
    if roles::lists_members(seen, stem, member.column) {
        return members(seen, roles::listed(seen).unwrap_or(member)).map(|found| vec![found]);
    }
    events(seen, stem, member).map(|found| vec![found])
}

/// What members did: orders with amounts, or events of the kind that a column or the name of the file says.
fn events(seen: &FileProfile, stem: &str, member: Part<'_>) -> Result<Found, String> {
    let Some(time) = roles::time(seen) else {
        return Err(
            "no column holds the time of a row; name it in a mapping of your own".to_owned()
        );
    };
    let mut rows = Rows::of(seen, "member", member);
    rows.add("time", Some(time));
    let amount = roles::amount(seen);
    let kind = roles::named(seen, "kind", &rows.taken());
    let kinds = kind.and_then(|kind| kinds(kind.column));
    let of_file = kind_of_file(stem).filter(|_| kinds.is_none());
    // A file of amounts has orders, unless its name says that they went back.
    let event = of_file
        .filter(|kind| amount.is_none() && *kind != "order_paid" || *kind == "order_refunded");
    if amount.is_none() && kinds.is_none() && event.is_none() {
        return Err(no_amount(seen));
    }
    let mut notes = Vec::new();
    if let Some(event) = event {
        notes.push(format!("all rows are taken for events of the kind `{event}`, because the file is named so: likely"));
    } else if let Some(kind) = kind.filter(|_| kinds.is_none()) {
        let name = &kind.column.name;
        notes.push(format!(
            "`{name}` may say what kind of events the rows are, in words that are not known here: all rows are taken \
             for paid orders until it is mapped as `kind`, with `values`"
        ));
    }
    rows.add("amount_minor", amount);
    let Kinds { values, own, notes: slips } = kinds.unwrap_or_default();
    if !values.is_empty() {
        let row = rows.add("kind", kind);
        row.map(|row| row.values = values);
    }
    notes.extend(slips);
    rows.add("event_id", roles::event_id(seen, &rows.taken()));
    rows.named(&[
        "original_order",
        "quantity",
        "channel",
        "campaign",
        "community",
        "topic",
        "object",
        "cost_of_goods_minor",
        "sentiment",
        "value",
    ]);
    set_lines_aside(&mut rows, &mut notes);
    let lines = has_lines(seen, &rows);
    Ok(Found {
        table: "events",
        event: event
            .or_else(|| rows.found.iter().all(|row| row.field != "kind").then_some("order_paid")),
        rows: rows.found,
        lines,
        own,
        notes,
        ..Found::default()
    })
}

/// Whether the rows of one id are lines of one order: ids repeat, and a column says what each line is of.
fn has_lines(seen: &FileProfile, rows: &Rows<'_>) -> bool {
    let id = rows.found.iter().find(|row| row.field == "event_id");
    let repeats = id.is_some_and(|row| row.column.distinct < row.column.filled);
    repeats && roles::names_lines(seen)
}

/// Rows that lack both time and amount are further lines of the order above them: they are no errors.
fn set_lines_aside(rows: &mut Rows<'_>, notes: &mut Vec<String>) {
    let all = rows.seen.rows;
    let lacks = |field: &str| {
        rows.found
            .iter()
            .find(|row| row.field == field)
            .map_or(0, |row| all - row.column.filled.min(all))
    };
    let (time, amount) = (lacks("time"), lacks("amount_minor"));
    if time == 0 || time != amount {
        return;
    }
    notes.push(format!(
        "{time} rows have neither a time nor an amount, as further lines of an order have none: they are set aside, and are no rejects"
    ));
    for row in rows.found.iter_mut().filter(|row| row.field == "time") {
        row.on_error = Some("quarantine");
        row.lacking = 0;
    }
}

/// That no column holds amounts, and which one may.
fn no_amount(seen: &FileProfile) -> String {
    let why = "no column holds amounts or kinds of events; name them in a mapping of your own";
    match roles::like_an_amount(seen) {
        None => why.to_owned(),
        Some(column) => {
            let samples: Vec<String> = column.samples.iter().map(|v| format!("`{v}`")).collect();
            format!(
                "{why}. `{}` is named like amounts, but they are written in several ways ({}): make them one, or map it with \
                 `on_error = \"quarantine\"`",
                column.name,
                samples.join(", ")
            )
        }
    }
}

/// A name that two columns have; columns without header have names of the host.
fn twice(seen: &FileProfile) -> Option<&str> {
    let mut names = BTreeSet::new();
    let named = !matches!(seen.format, SourceFormat::JsonLines);
    seen.columns.iter().map(|c| c.name.as_str()).filter(|_| named).find(|name| !names.insert(*name))
}
