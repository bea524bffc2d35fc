//! Mapping rows while they are found.

use playbook_batch::profile::{ColumnProfile, FileProfile, Sure};

use super::meanings::Meanings;
use super::outline::DraftRow;
use super::roles::{self, Part};

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

/// Rows being found, a column each.
pub(super) struct Rows<'a> {
    pub(super) seen: &'a FileProfile,
    pub(super) found: Vec<DraftRow>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(seen: &'a FileProfile) -> Self {
        Self { seen, found: Vec::new() }
    }

    pub(super) fn of(seen: &'a FileProfile, field: &str, part: Part<'_>) -> Self {
        let mut rows = Self::new(seen);
        rows.add(field, Some(part));
        rows
    }

    pub(super) fn is_free(&self, column: &ColumnProfile) -> bool {
        self.found.iter().all(|row| row.column.name != column.name)
    }

    pub(super) fn taken(&self) -> Vec<&str> {
        self.found.iter().map(|row| row.column.name.as_str()).collect()
    }

    pub(super) fn add(&mut self, field: &str, part: Option<Part<'_>>) -> Option<&mut DraftRow> {
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
    pub(super) fn add_words(&mut self, field: &str, column: &ColumnProfile, words: Meanings) {
        let row = self.add(field, Some(Part { column, sure: Sure::Likely }));
        if let Some(row) = row {
            row.values = words.known;
        }
    }

    pub(super) fn named(&mut self, fields: &[&'static str]) {
        for field in fields {
            let part = roles::named(self.seen, field, &self.taken());
            self.add(field, part);
        }
    }
}
