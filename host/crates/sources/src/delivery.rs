//! Results on their way to a table of a database, whatever kind it is of.

use playbook_files::plain_cell;

use crate::table::quoted;
use crate::{Result, SourcesError};

/// How a database writes a table.
pub(crate) struct Dialect {
    pub(crate) quote: char,
    /// Type of what rows are replaced by.
    pub(crate) key: &'static str,
    pub(crate) text: &'static str,
    pub(crate) whole: &'static str,
    pub(crate) moment: &'static str,
    /// What follows the columns.
    pub(crate) after: &'static str,
}

/// A table whose cells are as they were before they were made fit for spreadsheets.
pub(crate) struct Rows {
    pub(crate) header: Vec<String>,
    /// Row by row.
    pub(crate) cells: Vec<String>,
}

impl Rows {
    /// Reads a table of the results.
    pub(crate) fn read(table: &[u8]) -> Result<Self> {
        let fault = |error: csv::Error| SourcesError::Columns(error.into());
        let mut reader = csv::Reader::from_reader(table);
        let header: Vec<String> =
            reader.headers().map_err(fault)?.iter().map(str::to_owned).collect();
        let mut cells = Vec::new();
        for record in reader.records() {
            // Every record has as many cells as the header, or it is an error.
            cells.extend(record.map_err(fault)?.iter().map(|cell| plain_cell(cell).to_owned()));
        }
        Ok(Self { header, cells })
    }

    /// Names of the columns, as they stand in a statement.
    pub(crate) fn columns(&self, quote: char) -> String {
        let names: Vec<String> = self.header.iter().map(|name| quoted(name, quote)).collect();
        names.join(", ")
    }

    /// Whether a column holds moments.
    pub(crate) fn is_moment(column: &str) -> bool {
        ["not_before", "not_after"].contains(&column)
    }

    /// The statement that makes the table where there is none.
    pub(crate) fn create(&self, table: &str, dialect: &Dialect) -> String {
        let Dialect { quote, key, text, whole, moment, after } = dialect;
        let columns = self.header.iter().map(|name| {
            let kind = match name.as_str() {
                "quantity" | "cost_minor" => whole,
                name if Self::is_moment(name) => moment,
                _ => text,
            };
            format!(", {} {kind}", quoted(name, *quote))
        });
        let columns: String = columns.collect();
        format!(
            "CREATE TABLE IF NOT EXISTS {table} \
             (playbook {key} NOT NULL, cycle bigint NOT NULL, delivery {key} NOT NULL{columns}){after}"
        )
    }
}
