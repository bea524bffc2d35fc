//! Tables of things that rows of events name by a key: products, campaigns, stores. Their columns become fields of the rows.

use std::path::PathBuf;

use playbook_batch::profile::{
    ColumnKind, ColumnProfile, FileProfile, Sure, Values, values, words_of,
};

use super::outline::{DraftJoin, DraftRow};
use super::tables::own_name;

/// Fields that one table gives.
const FIELDS_MAX: usize = 8;
/// Share of the values that must be among the keys.
const SHARE_MIN: f64 = 0.5;
/// From this share on all of them are, but for slips.
const SHARE_SURE: f64 = 0.99;
/// What a key is called where the name of its table says the rest.
const PLAIN_KEYS: [&str; 4] = ["id", "code", "key", "number"];

impl From<Named> for DraftJoin {
    /// Without the lookup's name, which its table gets.
    fn from(named: Named) -> Self {
        let Named { by, values, found, sure, .. } = named;
        Self { lookup: String::new(), by, values, found, sure }
    }
}

/// A file that fills no table of the host, and may be one of things.
pub(super) struct Spare {
    pub(super) seen: FileProfile,
    pub(super) stem: String,
    pub(super) files: Vec<PathBuf>,
}

/// A column of a source that names the rows of a table by one of its columns.
pub(super) struct Named {
    pub(super) by: String,
    pub(super) key: String,
    pub(super) values: usize,
    pub(super) found: usize,
    pub(super) sure: Sure,
}

/// The column of rows, seen in `files`, that names rows of a table, and by which column of the table.
pub(super) fn named(
    table: &Spare,
    rows: &FileProfile,
    files: &[PathBuf],
    but: &[&str],
) -> Option<Named> {
    let [file] = table.files.as_slice() else { return None };
    let keys = table.seen.columns.iter().filter(|column| is_key(column, table.seen.rows));
    for key in keys {
        let alike = rows
            .columns
            .iter()
            .filter(|column| may_be_key(column) && !but.contains(&column.name.as_str()));
        for (column, same) in
            alike.filter_map(|c| Some((c, alike_named(&c.name, &key.name, &table.stem)?)))
        {
            let Ok(keys) = values(file, &key.name, true) else { continue };
            // A key that stands twice is none.
            if keys.hashes.len() != keys.filled || !keys.whole {
                continue;
            }
            let Some((values, found)) = share(files, &column.name, &keys) else { continue };
            #[expect(clippy::cast_precision_loss, reason = "a share of values")]
            let share = found as f64 / values as f64;
            if share < SHARE_MIN {
                continue;
            }
            let sure = match (share >= SHARE_SURE, same) {
                (true, true) => Sure::Sure,
                (true, false) => Sure::Likely,
                (false, _) => Sure::Unsure,
            };
            return Some(Named {
                by: column.name.clone(),
                key: key.name.clone(),
                values,
                found,
                sure,
            });
        }
    }
    None
}

/// Distinct values of a column, and how many of them are among the keys.
fn share(files: &[PathBuf], column: &str, keys: &Values) -> Option<(usize, usize)> {
    let (mut all, mut found) = (0, 0);
    for file in files {
        let seen = values(file, column, false).ok()?;
        all += seen.hashes.len();
        found += seen.hashes.iter().filter(|value| keys.hashes.contains(*value)).count();
    }
    (all > 0).then_some((all, found))
}

fn may_be_key(column: &ColumnProfile) -> bool {
    use ColumnKind as K;
    let kind = matches!(column.kind, K::Id | K::Words | K::Text | K::Integer { .. });
    kind && column.filled > 0 && !column.is_contact
}

fn is_key(column: &ColumnProfile, rows: u64) -> bool {
    may_be_key(column) && column.distinct == column.filled && column.filled == rows
}

/// Whether a column is named as the key of a table is: by the same name (`true`), or the table's name says what the key does
/// not (`product_id` and `id` of `products`).
fn alike_named(column: &str, key: &str, table: &str) -> Option<bool> {
    let (column, key) = (words_of(column), words_of(key));
    if column == key && !PLAIN_KEYS.contains(&column.join(" ").as_str()) {
        return Some(true);
    }
    let [plain] = key.as_slice() else { return None };
    let (last, thing) = column.split_last()?;
    let table = words_of(table);
    let is_plain = PLAIN_KEYS.contains(&plain.as_str()) && last == plain;
    // The name of a table is mostly the plural of what it lists.
    let says =
        |word: &String| thing.contains(word) || thing.iter().any(|t| *word == format!("{t}s"));
    (is_plain && !thing.is_empty() && table.iter().any(says)).then_some(false)
}

/// The fields that a table gives to rows, as mapping rows: of its few words, flags and whole numbers.
pub(super) fn fields(lookup: &str, key: &str, seen: &FileProfile, taken: &[&str]) -> Vec<DraftRow> {
    let mut rows: Vec<DraftRow> = Vec::new();
    for (at, column) in seen.columns.iter().enumerate() {
        let type_name = match column.kind {
            ColumnKind::Words => None,
            ColumnKind::Flag => Some("flag"),
            ColumnKind::Integer { .. } if column.doubtful == 0 => Some("integer"),
            _ => continue,
        };
        let field = own_name("field_", &column.name, at);
        let is_new = !taken.contains(&field.as_str()) && rows.iter().all(|row| row.field != field);
        if column.name == key || column.is_contact || !is_new || rows.len() >= FIELDS_MAX {
            continue;
        }
        let name = format!("{lookup}.{}", column.name);
        rows.push(DraftRow {
            field,
            column: ColumnProfile { name, ..column.clone() },
            sure: column.sure,
            lacking: 0,
            values: Vec::new(),
            type_name,
            on_error: None,
        });
    }
    rows
}
