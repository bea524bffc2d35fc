//! What a file holds: the table of the host that it fills, and the column for each field.

use std::collections::BTreeSet;

use playbook_batch::profile::{ColumnKind, ColumnProfile, FileProfile, Sure, words_of};
use playbook_model::{SourceFormat, SourceTable};

use super::events::{Kinds, kind_of_file, kinds};
use super::meanings::{
    Meaning, Meanings, age_band, consent_purpose, consent_state, cost_kind, key_kind, meanings,
};
use super::roles::{self, Part};

/// Attributes of members that are mapped.
const ATTRIBUTES_MAX: usize = 32;
/// Letters of the name of an attribute.
const ATTRIBUTE_LETTERS_MAX: usize = 48;

/// A mapping row.
#[derive(Debug)]
pub struct DraftRow {
    /// Field of the host's table.
    pub field: String,
    /// What fills it.
    pub column: ColumnProfile,
    /// How sure that is.
    pub sure: Sure,
    /// Rows without a value, of a field that every row must have: they will be rejects.
    pub lacking: u64,
    /// What words of the column mean; empty: they stand for themselves.
    pub values: Vec<Meaning>,
    /// Type that the field does not have by itself.
    pub(super) type_name: Option<&'static str>,
    /// What a value that cannot be read does, where it does not reject its row.
    pub(super) on_error: Option<&'static str>,
}

/// What a file is found to hold.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) table: &'static str,
    pub(super) rows: Vec<DraftRow>,
    /// Fields that all rows have alike.
    pub(super) constants: Vec<(&'static str, &'static str)>,
    /// Kind of all rows, where no column says it.
    pub(super) event: Option<&'static str>,
    /// Whether rows are lines of orders.
    pub(super) lines: bool,
    /// Kinds of the brand's own.
    pub(super) own: Vec<String>,
    pub(super) notes: Vec<String>,
    /// What has to be said before the file can be read: it is written as a comment until then.
    pub(super) asks: Option<String>,
}

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

/// Rows being found, a column each.
struct Rows<'a> {
    seen: &'a FileProfile,
    found: Vec<DraftRow>,
}

impl DraftRow {
    /// Whether words of the column mean something else than they say.
    #[must_use]
    pub fn translates(&self) -> bool {
        self.values.iter().any(|value| value.word != value.means || value.sure != Sure::Sure)
    }
}

impl<'a> Rows<'a> {
    fn new(seen: &'a FileProfile) -> Self {
        Self { seen, found: Vec::new() }
    }

    fn of(seen: &'a FileProfile, field: &str, part: Part<'_>) -> Self {
        let mut rows = Self::new(seen);
        rows.add(field, Some(part));
        rows
    }

    fn is_free(&self, column: &ColumnProfile) -> bool {
        self.found.iter().all(|row| row.column.name != column.name)
    }

    fn taken(&self) -> Vec<&str> {
        self.found.iter().map(|row| row.column.name.as_str()).collect()
    }

    fn add(&mut self, field: &str, part: Option<Part<'_>>) -> Option<&mut DraftRow> {
        let Part { column, sure } = part?;
        let required = ["member", "time", "day"].contains(&field);
        let lacking = if required { self.seen.rows.saturating_sub(column.filled) } else { 0 };
        self.found.push(DraftRow {
            field: field.to_owned(),
            column: column.clone(),
            sure,
            lacking,
            values: Vec::new(),
            type_name: None,
            on_error: None,
        });
        self.found.last_mut()
    }

    /// Adds a row with what its words mean.
    fn add_words(&mut self, field: &str, column: &ColumnProfile, words: Meanings) {
        let row = self.add(field, Some(Part { column, sure: Sure::Likely }));
        if let Some(row) = row {
            row.values = words.known;
        }
    }

    fn named(&mut self, fields: &[&'static str]) {
        for field in fields {
            let part = roles::named(self.seen, field, &self.taken());
            self.add(field, part);
        }
    }
}

/// What is told of words that mean nothing.
fn unknown_words(field: &str, words: &[String], then: &str) -> Option<String> {
    if words.is_empty() {
        return None;
    }
    let shown: Vec<String> = words.iter().take(5).map(|word| format!("`{word}`")).collect();
    let more = if words.len() > 5 { " and others" } else { "" };
    Some(format!("nobody knows what {}{more} mean as `{field}`: {then}", shown.join(", ")))
}

/// What channels, campaigns and people cost, by day.
fn costs(seen: &FileProfile, stem: &str) -> Option<Found> {
    let (day, amount) = roles::costs(seen, stem)?;
    let mut rows = Rows::of(seen, "day", day);
    rows.add("amount_minor", Some(amount));
    rows.named(&["channel", "campaign", "delivered", "complaints"]);
    let mut notes = Vec::new();
    let kind = roles::named(seen, "kind", &rows.taken());
    if let Some(kind) = kind {
        match meanings(kind.column, (SourceTable::Costs, "kind"), cost_kind) {
            Some(words) if words.unknown.is_empty() => rows.add_words("kind", kind.column, words),
            known => {
                let unknown = known.map_or_else(
                    || kind.column.words.iter().map(|(word, _)| word.clone()).collect(),
                    |known| known.unknown,
                );
                let then = "map the column as `kind`, with `values`, or costs have no kind";
                notes.extend(unknown_words("kind", &unknown, then));
            }
        }
    }
    Some(Found { table: "costs", rows: rows.found, notes, ..Found::default() })
}

/// What members agreed to. Neither a state nor a purpose is guessed: words that nobody knows are no consent, and where no
/// column says the purpose, a person has to.
fn consents(seen: &FileProfile, stem: &str, member: Part<'_>) -> Option<Found> {
    let state = roles::consent_state(seen, stem, member.column)?;
    let words = meanings(state, (SourceTable::Consents, "state"), consent_state)?;
    let mut rows = Rows::of(seen, "member", member);
    let mut notes = Vec::new();
    let then = "these rows are rejects, and no consent";
    notes.extend(unknown_words("state", &words.unknown, then));
    rows.add_words("state", state, words);
    let purpose = seen.columns.iter().filter(|c| rows.is_free(c)).find_map(|column| {
        let words = meanings(column, (SourceTable::Consents, "purpose"), consent_purpose)?;
        words.unknown.is_empty().then_some((column, words))
    });
    let asks = purpose.is_none().then(|| {
        "say for which purpose the consents are: service, marketing, profiling, location, sharing or cross-border"
            .to_owned()
    });
    if let Some((column, words)) = purpose {
        rows.add_words("purpose", column, words);
    }
    rows.add("time", roles::time(seen));
    let constants = if asks.is_some() { vec![("purpose", "...")] } else { Vec::new() };
    Some(Found { table: "consents", rows: rows.found, constants, notes, asks, ..Found::default() })
}

/// Accounts of one person: a key in each row with its kind, or a column for each kind of key.
fn identities(seen: &FileProfile, stem: &str, member: Part<'_>) -> Vec<Found> {
    let mut rows = Rows::of(seen, "member", member);
    rows.named(&["verified", "channel"]);
    let flag = rows.found.iter().position(|row| row.field == "verified");
    let mut notes = Vec::new();
    if flag.is_none() {
        notes.push(
            "no column says which keys are verified, and only verified ones join accounts"
                .to_owned(),
        );
    }
    let found = |mut rows: Rows<'_>, key: &ColumnProfile, constants, notes: &Vec<String>| {
        rows.add("key_hash", Some(Part { column: key, sure: Sure::Likely }));
        let notes = notes.clone();
        Found { table: "identities", rows: rows.found, constants, notes, ..Found::default() }
    };
    let kinds = seen.columns.iter().filter(|c| rows.is_free(c)).find_map(|column| {
        let words = meanings(column, (SourceTable::Identities, "key_kind"), key_kind)?;
        Some((column, words))
    });
    if let Some((column, words)) = kinds {
        notes.extend(unknown_words("key_kind", &words.unknown, "these rows are rejects"));
        rows.add_words("key_kind", column, words);
        let key = roles::account_key(seen, &rows.taken());
        return key.map(|key| found(rows, key, Vec::new(), &notes)).into_iter().collect();
    }
    if !roles::lists_accounts(stem) {
        return Vec::new();
    }
    let free = seen.columns.iter().filter(|column| rows.is_free(column) && column.filled > 0);
    let keys =
        free.filter_map(|column| Some((column, key_kind(&super::meanings::plain(&column.name))?)));
    let keys: Vec<_> = keys.collect();
    let one = |(column, kind): (&ColumnProfile, &'static str)| {
        let mut own = Rows::of(seen, "member", member);
        own.named(&["verified", "channel"]);
        found(own, column, vec![("key_kind", kind)], &notes)
    };
    keys.into_iter().map(one).collect()
}

/// Who the members are: what the host knows of them, and all else that is short as attributes.
fn members(seen: &FileProfile, member: Part<'_>) -> Result<Found, String> {
    let mut rows = Rows::of(seen, "member", member);
    rows.named(&["joined", "region", "channel", "community"]);
    let mut notes = Vec::new();
    if let Some(age) = roles::age(seen, &rows.taken()) {
        match meanings(age, (SourceTable::Members, "age_band"), age_band) {
            Some(words) => {
                let then = "such a member is not known to be an adult";
                notes.extend(unknown_words("age_band", &words.unknown, then));
                let unknown = !words.unknown.is_empty();
                rows.add_words("age_band", age, words);
                let row = rows.found.last_mut().filter(|_| unknown);
                row.map(|row| row.on_error = Some("null"));
            }
            None => notes.push(format!(
                "`{}` says ages that are no bands: map them as `age_band` (under_14, 14_17, adult, unknown)",
                age.name
            )),
        }
    }
    attributes(&mut rows);
    if rows.found.len() == 1 {
        return Err(
            "it lists members with nothing that `init` knows; map what it has as `attr_...`"
                .to_owned(),
        );
    }
    Ok(Found { table: "members", rows: rows.found, notes, ..Found::default() })
}

/// Columns of few words, of flags and of whole numbers; no contact data, no ids, no prose.
fn attributes(rows: &mut Rows<'_>) {
    let seen = rows.seen;
    let mut names = BTreeSet::new();
    for (at, column) in seen.columns.iter().enumerate() {
        let type_name = match column.kind {
            ColumnKind::Words => None,
            ColumnKind::Flag => Some("flag"),
            // `3+` among whole numbers makes all of them texts.
            ColumnKind::Integer { .. } if column.doubtful == 0 => Some("integer"),
            ColumnKind::Integer { .. } => None,
            _ => continue,
        };
        if !rows.is_free(column) || column.is_contact || names.len() >= ATTRIBUTES_MAX {
            continue;
        }
        let mut name = attribute_name(&column.name, at);
        if !names.insert(name.clone()) {
            name = format!("attr_column_{}", at + 1);
            names.insert(name.clone());
        }
        let row = rows.add(&name, Some(Part { column, sure: column.sure }));
        row.map(|row| row.type_name = type_name);
    }
}

fn attribute_name(column: &str, at: usize) -> String {
    let plain = words_of(column).join("_");
    let fine = plain.len() <= ATTRIBUTE_LETTERS_MAX
        && !plain.is_empty()
        && plain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if fine { format!("attr_{plain}") } else { format!("attr_column_{}", at + 1) }
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
