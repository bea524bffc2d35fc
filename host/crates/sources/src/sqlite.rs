//! Rows of SQLite files. A column may hold any value there, so all are taken as texts, numbers as they are written.

use std::path::Path;
use std::time::{Duration, Instant};

use playbook_files::open_regular;
use playbook_model::Asked;
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use crate::table::{Holds, TableFile, Value, quoted};
use crate::{Result, SourcesError, Watch};

pub(crate) fn take(file: &Path, asked: &Asked, to: &Path, watch: &Watch<'_>) -> Result<u64> {
    let path = file.display().to_string();
    let database = open(file)?;
    let fault = |what: &str| fault(file, what);
    let end = Instant::now() + Duration::from_millis(watch.time_ms_max);
    let stops = || (watch.cancelled)() || Instant::now() > end;
    let done = std::thread::scope(|scope| {
        // SQLite's own hook wants a function that lives as long as the database; a thread that interrupts does not.
        let interrupt = database.get_interrupt_handle();
        let (done, wait) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            while wait.recv_timeout(Duration::from_millis(50))
                == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                if stops() {
                    interrupt.interrupt();
                }
            }
        });
        let taken = rows(&database, asked, to, watch, &fault);
        drop(done);
        taken
    });
    match done {
        Err(_) if (watch.cancelled)() => Err(SourcesError::Cancelled),
        Err(_) if Instant::now() > end => Err(SourcesError::Contents {
            path,
            what: format!("what is asked of it took more than {} s", watch.time_ms_max / 1_000),
            source: None,
        }),
        done => done,
    }
}

/// Names of the tables and views of a file, in order.
pub(crate) fn tables(file: &Path) -> Result<Vec<String>> {
    let read = |database: &Connection| -> rusqlite::Result<Vec<String>> {
        let sql = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') \
                   AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
        database.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
    };
    read(&open(file)?).map_err(fault(file, "its tables cannot be listed"))
}

fn fault(file: &Path, what: &str) -> impl FnOnce(rusqlite::Error) -> SourcesError + use<> {
    let (path, what) = (file.display().to_string(), what.to_owned());
    move |source| SourcesError::Contents { path, what, source: Some(source.into()) }
}

fn open(file: &Path) -> Result<Connection> {
    // Pipes and devices are refused before SQLite waits for them.
    drop(open_regular(file)?);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let what = "it cannot be opened as a SQLite file";
    let database = Connection::open_with_flags(file, flags).map_err(fault(file, what))?;
    protect(&database).map_err(fault(file, what))?;
    Ok(database)
}

/// Keeps what a stranger's file defines from doing anything but answering.
fn protect(database: &Connection) -> rusqlite::Result<()> {
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    database.pragma_update(None, "query_only", true)?;
    database.pragma_update(None, "cell_size_check", true)?;
    database.pragma_update(None, "mmap_size", 0)
}

fn rows<F: FnOnce(rusqlite::Error) -> SourcesError>(
    database: &Connection,
    asked: &Asked,
    to: &Path,
    watch: &Watch<'_>,
    fault: &impl Fn(&str) -> F,
) -> Result<u64> {
    let sql = match asked {
        Asked::Relation(name) => format!("SELECT * FROM {}", quoted(name, '"')),
        // As a part of another query it cannot be anything but a query.
        Asked::Query(query) => format!("SELECT * FROM (\n{query}\n)"),
    };
    let refused = "what is asked of it is refused";
    let mut statement = database.prepare(&sql).map_err(fault(refused))?;
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let columns = names.iter().map(|name| (name.clone(), Holds::Text));
    let mut table = TableFile::create(to, columns, watch.bytes_max)?;
    let mut rows = statement.query([]).map_err(fault(refused))?;
    let mut text = String::new();
    let mut count = 0;
    while let Some(row) = rows.next().map_err(fault("its rows cannot be read"))? {
        for (at, name) in names.iter().enumerate() {
            let cell = row.get_ref(at).map_err(fault("its rows cannot be read"))?;
            table.push(at, value(name, cell, &mut text)?);
        }
        table.end_row()?;
        count += 1;
        if !watch.counted("", count) {
            break;
        }
    }
    table.finish()
}

fn value<'a>(column: &str, cell: ValueRef<'a>, text: &'a mut String) -> Result<Value<'a>> {
    let fault = |what: &str| SourcesError::Value {
        column: column.to_owned(),
        what: what.to_owned(),
        hint: "write it as a text in the query, for example with hex(...)",
    };
    Ok(match cell {
        ValueRef::Null => Value::Missing,
        ValueRef::Integer(number) => {
            *text = number.to_string();
            Value::Text(text)
        }
        ValueRef::Real(number) => {
            *text = number.to_string();
            Value::Text(text)
        }
        ValueRef::Text(bytes) => {
            Value::Text(std::str::from_utf8(bytes).map_err(|_| fault("bytes that are no UTF-8"))?)
        }
        ValueRef::Blob(_) => return Err(fault("bytes")),
    })
}
