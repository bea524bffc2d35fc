//! Takes data from where it lives into files, and delivers results to where people work.
//!
//! What is taken becomes a columnar file or a copy of an object, which then is read like any file of the data folder. A
//! server is asked over a [`Connection`](playbook_model::Connection) alone, which the host's platform team declared.

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod delivery;
mod error;
mod excel;
mod mysql;
mod objects;
mod postgres;
mod reach;
mod secret;
mod sqlite;
mod table;
#[cfg(any(
    feature = "postgres",
    feature = "mysql",
    feature = "object-store",
    feature = "webhooks"
))]
mod tls;
mod webhook;

use std::path::{Path, PathBuf};

use playbook_model::{Asked, Connection, ConnectionKind};

pub use error::{Result, SourcesError};
pub use objects::{OBJECTS_MAX, TakenObject};
#[cfg(feature = "postgres")]
pub use postgres::{Access, access};
pub use reach::Watch;
pub use secret::check_secrets;
pub use webhook::{NotTaken, Webhook};

/// Rows that a source takes of a database.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Name of the source, unlike any other's.
    pub source: String,
    /// What it is called in a sentence, as: source `orders`.
    pub words: String,
    /// What is asked.
    pub asked: &'a Asked,
    /// Parquet file that they go to; it appears whole or not at all.
    pub file: PathBuf,
}

/// Takes rows of a database, those of all sources of one snapshot; returns how many there were of each.
///
/// # Errors
/// A server that cannot be reached, refuses, or ends in the middle; what is asked of it and is not there; too many
/// bytes; too much time.
pub fn take_rows(
    connection: &Connection,
    wanted: &[Wanted<'_>],
    watch: &Watch<'_>,
) -> Result<Vec<u64>> {
    match &connection.kind {
        ConnectionKind::Postgres(server) => postgres::take(connection, server, wanted, watch),
        ConnectionKind::MySql(server) => mysql::take(connection, server, wanted, watch),
        ConnectionKind::Objects(_) => Err(SourcesError::Kind {
            connection: connection.name.clone(),
            is: "an object store",
            needs: "`path`, and neither `from` nor `query`",
        }),
    }
}

/// Copies the objects that `pattern` names into `folder`, which exists; in the order of their names.
///
/// # Errors
/// As [`take_rows`]; a pattern that names no object.
pub fn take_objects(
    connection: &Connection,
    pattern: &str,
    folder: &Path,
    watch: &Watch<'_>,
) -> Result<Vec<TakenObject>> {
    match &connection.kind {
        ConnectionKind::Objects(place) => objects::take(connection, place, pattern, folder, watch),
        _ => Err(SourcesError::Kind {
            connection: connection.name.clone(),
            is: "a database",
            needs: "`from` or `query`, and no `path`",
        }),
    }
}

/// Takes rows of a SQLite file into a Parquet file; returns how many.
///
/// # Errors
/// A file that is no database, what is asked of it and is not there, too many bytes, too much time.
pub fn take_sqlite(file: &Path, asked: &Asked, to: &Path, watch: &Watch<'_>) -> Result<u64> {
    sqlite::take(file, asked, to, watch)
}

/// Takes rows of a sheet of an Excel workbook into a Parquet file; returns how many.
///
/// # Errors
/// A file that is no workbook, a sheet that it does not have, a header with an empty or doubled name.
pub fn take_sheet(file: &Path, sheet: Option<&str>, to: &Path, watch: &Watch<'_>) -> Result<u64> {
    excel::take(file, sheet, to, watch)
}

/// Names of the tables and views of a SQLite file, in order.
///
/// # Errors
/// A file that is no database.
pub fn tables(file: &Path) -> Result<Vec<String>> {
    sqlite::tables(file)
}

/// Names of the sheets of an Excel workbook that are seen, in their order.
///
/// # Errors
/// A file that is no workbook.
pub fn sheets(file: &Path, watch: &Watch<'_>) -> Result<Vec<String>> {
    excel::sheets(file, watch)
}

/// A table of results on its way to where people work.
#[derive(Debug, Clone)]
pub struct Parcel<'a> {
    /// Playbook of the run.
    pub playbook: &'a str,
    /// Cycle of the run.
    pub cycle: i64,
    /// Name of the delivery.
    pub delivery: &'a str,
    /// Table of a database, or path of an object.
    pub to: &'a str,
    /// The table, as CSV with a header.
    pub csv: &'a [u8],
}

/// Delivers a table: all of it or nothing, and a second time the same rows instead of twice as many.
///
/// # Errors
/// A server that cannot be reached or refuses, and a connection over which nothing may be delivered.
pub fn deliver(connection: &Connection, parcel: &Parcel<'_>, watch: &Watch<'_>) -> Result<()> {
    if !connection.delivers {
        return Err(SourcesError::NoDelivery { connection: connection.name.clone() });
    }
    match &connection.kind {
        ConnectionKind::Postgres(server) => postgres::deliver(connection, server, parcel, watch),
        ConnectionKind::Objects(place) => objects::deliver(connection, place, parcel, watch),
        ConnectionKind::MySql(server) => mysql::deliver(connection, server, parcel, watch),
    }
}
