//! What a first playbook is made of: sources with their mapping rows, lookups, joins, and what is left out.

use std::path::PathBuf;

use playbook_batch::TakenFile;
use playbook_batch::profile::{ColumnProfile, FileProfile, Sure};
use playbook_model::{Container, Origin};

use super::meanings::Meaning;

/// What was found in a folder.
#[derive(Debug)]
pub struct Draft {
    /// The folder.
    pub dir: PathBuf,
    /// What is read.
    pub sources: Vec<DraftSource>,
    /// Tables of things that rows of the sources name.
    pub lookups: Vec<DraftLookup>,
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
    /// What people call its files, sheet, table or query.
    pub called: String,
    /// File or pattern, relative to the folder or to the place of a connection; empty of a database.
    pub(super) path: String,
    pub(super) origin: Origin,
    pub(super) container: Container,
    /// Files with its rows, where they do not lie in files of the folder.
    pub(super) taken: Vec<TakenFile>,
    /// The files with its rows.
    pub(super) lies: Vec<PathBuf>,
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
    /// Tables of things that its rows name.
    pub joins: Vec<DraftJoin>,
    pub(super) lines: bool,
    /// Kinds of the brand's own.
    pub(super) own: Vec<String>,
}

impl Draft {
    /// Whether a source has orders with amounts.
    #[must_use]
    pub fn has_orders(&self) -> bool {
        self.sources.iter().any(DraftSource::has_orders)
    }

    /// Whether something is read over a connection.
    #[must_use]
    pub fn goes_beyond(&self) -> bool {
        let lookups = self.lookups.iter().map(|lookup| &lookup.source);
        self.sources.iter().chain(lookups).any(|source| source.origin != Origin::Files)
    }

    /// What was left out, in words that follow a sentence.
    pub(super) fn left_out_words(&self) -> String {
        self.left_out.iter().map(|left| format!("\n`{}`: {}", left.file, left.why)).collect()
    }
}

impl DraftSource {
    /// What its rows are read of, in words, where they lie in no text or Parquet file.
    #[must_use]
    pub fn reader(&self) -> Option<&'static str> {
        match (&self.origin, &self.container) {
            (Origin::Database(..), _) => Some("a database"),
            (_, Container::Sqlite(_)) => Some("a SQLite file"),
            (_, Container::Excel(_)) => Some("a sheet of an Excel workbook"),
            (_, Container::Rows) => None,
        }
    }

    /// Whether it has orders with amounts.
    pub(super) fn has_orders(&self) -> bool {
        let kind = self.rows.iter().find(|row| row.field == "kind");
        let mut kinds = kind.into_iter().flat_map(|row| &row.values);
        let orders =
            self.event == Some("order_paid") || kinds.any(|kind| kind.means == "order_paid");
        orders && self.rows.iter().any(|row| row.field == "amount_minor")
    }
}

/// A table of things.
#[derive(Debug)]
pub struct DraftLookup {
    /// Where it is, and its name.
    pub source: DraftSource,
    /// The column with its keys.
    pub key: String,
}

/// That the rows of a source name a thing.
#[derive(Debug, Clone)]
pub struct DraftJoin {
    /// Name of the lookup.
    pub lookup: String,
    /// Column with the key.
    pub by: String,
    /// Distinct values of the column that were looked at.
    pub values: usize,
    /// How many of them are among the keys.
    pub found: usize,
    /// How sure it is.
    pub sure: Sure,
}

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

impl DraftRow {
    /// Whether words of the column mean something else than they say.
    #[must_use]
    pub fn translates(&self) -> bool {
        self.values.iter().any(|value| value.word != value.means || value.sure != Sure::Sure)
    }
}
