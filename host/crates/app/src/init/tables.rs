//! Tables beside events: costs, consents, accounts of one person, members and their attributes.

use std::collections::BTreeSet;

use playbook_batch::profile::{ColumnKind, ColumnProfile, FileProfile, Sure, words_of};
use playbook_model::SourceTable;

use super::meanings::{
    age_band, consent_purpose, consent_state, cost_kind, key_kind, meanings, plain,
};
use super::roles::{self, Part};
use super::rows::{Found, Rows};

/// Attributes of members that are mapped.
const ATTRIBUTES_MAX: usize = 32;
/// Letters of the name of an attribute.
const ATTRIBUTE_LETTERS_MAX: usize = 48;

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
pub(super) fn costs(seen: &FileProfile, stem: &str) -> Option<Found> {
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
pub(super) fn consents(seen: &FileProfile, stem: &str, member: Part<'_>) -> Option<Found> {
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
pub(super) fn identities(seen: &FileProfile, stem: &str, member: Part<'_>) -> Vec<Found> {
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
    let keys = free.filter_map(|column| Some((column, key_kind(&plain(&column.name))?)));
    let keys: Vec<_> = keys.collect();
    let one = |(column, kind): (&ColumnProfile, &'static str)| {
        let mut own = Rows::of(seen, "member", member);
        own.named(&["verified", "channel"]);
        found(own, column, vec![("key_kind", kind)], &notes)
    };
    keys.into_iter().map(one).collect()
}

/// Who the members are: what the host knows of them, and all else that is short as attributes.
pub(super) fn members(seen: &FileProfile, member: Part<'_>) -> Result<Found, String> {
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
    let consents = rows.found.iter().filter(|row| roles::may_be_a_consent(&row.column.name));
    notes.extend(consents.map(|row| {
        let name = &row.column.name;
        format!(
            "`{name}` may say what members agreed to: as an attribute it is no consent; map the file a second time, as a source of \
             consents, if it is one"
        )
    }));
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
        let mut name = own_name("attr_", &column.name, at);
        if !names.insert(name.clone()) {
            name = format!("attr_column_{}", at + 1);
            names.insert(name.clone());
        }
        let row = rows.add(&name, Some(Part { column, sure: column.sure }));
        row.map(|row| row.type_name = type_name);
    }
}

/// The name of a field of the brand's own.
pub(super) fn own_name(prefix: &str, column: &str, at: usize) -> String {
    let plain = words_of(column).join("_");
    let fine = plain.len() <= ATTRIBUTE_LETTERS_MAX
        && !plain.is_empty()
        && plain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if fine { format!("{prefix}{plain}") } else { format!("{prefix}column_{}", at + 1) }
}
