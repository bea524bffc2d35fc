//! What is looked at: files, the sheets and tables in them, and what connections give.
//!
//! Everything is taken by the readers of a run. Rows that lie in no text or Parquet file are taken once: they are
//! looked at, and later read through the playbook that was made of them.

use std::fs;
use std::path::{Path, PathBuf};

use playbook_batch::profile::{FileProfile, ROWS_MAX, profile};
use playbook_batch::{BatchError, TakenFile};
use playbook_files::FileError;
use playbook_model::{Asked, Connection, Container, Origin, reasons};
use playbook_sources::{
    SourcesError, Wanted, Watch, check_secrets, sheets, tables, take_objects, take_rows,
    take_sheet, take_sqlite,
};
use playbook_toml::is_relation;

use super::folder::{data_files, ending, unpacked};
use super::outline::LeftOut;
use crate::places::temporary_folder;
use crate::taking::{Connections, stopped, watched};
use crate::{AppError, Host, Result};

/// Sheets and tables of one file that are looked at.
const PARTS_MAX: usize = 200;

/// Rows that are looked at: a file, a sheet or a table of one, what a database answers, or an object.
#[derive(Debug, Clone)]
pub struct Looked {
    /// What people call it.
    pub name: String,
    /// What is seen of it.
    pub seen: FileProfile,
    /// What its name says of it.
    pub(super) stem: String,
    /// Path in the folder or in the place of a connection; empty of a database.
    pub(super) path: String,
    /// The file with its rows.
    pub(super) lies: PathBuf,
    /// Path or pattern that a person named, of objects.
    pub(super) named: String,
    pub(super) origin: Origin,
    pub(super) container: Container,
    /// The file with its rows, where they do not lie in a file of the folder.
    pub(super) taken: Option<TakenFile>,
}

/// What lies behind a connection and is looked at.
#[derive(Debug, Clone)]
pub struct Beyond<'a> {
    /// Name of the connection.
    pub connection: &'a str,
    /// Brand that reads over it.
    pub brand: &'a str,
    /// What a database is asked for.
    pub asked: Vec<Asked>,
    /// Paths and patterns of objects.
    pub paths: &'a [String],
}

/// Looks, and keeps what it took for as long as it lives.
#[derive(Debug)]
pub struct Look<'h> {
    host: &'h Host,
    scratch: tempfile::TempDir,
    /// Rows of each thing that are taken where a run would take all.
    rows_max: u64,
    files: std::cell::Cell<usize>,
}

impl<'h> Look<'h> {
    /// A look; a `quick` one takes no more rows than are shown.
    ///
    /// # Errors
    /// Where no temporary folder can be made.
    pub fn new(host: &'h Host, quick: bool) -> Result<Self> {
        let rows_max = if quick { ROWS_MAX as u64 + 1 } else { u64::MAX };
        Ok(Self { host, scratch: temporary_folder()?, rows_max, files: std::cell::Cell::new(0) })
    }

    /// Looks at a file that people call `name`, or at the sheets and tables that it holds; those that cannot be read are
    /// left out, with the reason.
    ///
    /// # Errors
    /// A file that cannot be read at all, and a stop.
    pub fn file(&self, path: &Path, name: &str) -> Result<(Vec<Looked>, Vec<LeftOut>)> {
        let parts = match ending(name).as_str() {
            "xlsx" | "xlsm" => parts_of_book(name, self.watched(|watch| sheets(path, watch))?),
            "sqlite" | "sqlite3" | "db" => parts_of_base(tables(path).map_err(unread)?),
            _ => {
                let (seen, stem) = (profile(path)?, stem(name).to_owned());
                let looked = Looked {
                    name: name.to_owned(),
                    seen,
                    stem,
                    path: name.to_owned(),
                    lies: path.to_owned(),
                    named: String::new(),
                    origin: Origin::Files,
                    container: Container::Rows,
                    taken: None,
                };
                return Ok((vec![looked], Vec::new()));
            }
        };
        let (mut looked, mut left_out) = (Vec::new(), Vec::new());
        if parts.is_empty() {
            let why = "it has no sheet and no table".to_owned();
            left_out.push(LeftOut { file: name.to_owned(), why });
        }
        for part in parts.into_iter().take(PARTS_MAX) {
            let called = format!("{name}: {}", part.name);
            match self.part(path, name, &part) {
                Ok((seen, taken)) => looked.push(Looked {
                    name: called,
                    seen,
                    stem: part.stem,
                    path: name.to_owned(),
                    lies: taken.path.clone(),
                    named: String::new(),
                    origin: Origin::Files,
                    container: part.container,
                    taken: Some(taken),
                }),
                Err(AppError::Looking(fault)) => {
                    let why = reasons(fault.as_ref());
                    left_out.push(LeftOut { file: called, why });
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok((looked, left_out))
    }

    fn part(&self, path: &Path, name: &str, part: &Part) -> Result<(FileProfile, TakenFile)> {
        let to = self.next();
        self.watched(|watch| match &part.container {
            Container::Excel(sheet) => take_sheet(path, sheet.as_deref(), &to, watch),
            Container::Sqlite(asked) => take_sqlite(path, asked, &to, watch),
            Container::Rows => unreachable!("files of rows have no parts"),
        })?;
        let original = Some(path.to_owned());
        Ok((profile(&to)?, TakenFile { path: to, name: name.to_owned(), original }))
    }

    /// Looks at what lies behind a connection: all that a database is asked in one snapshot, and objects.
    ///
    /// # Errors
    /// A connection that the host does not have for the brand, and what goes wrong on the way.
    pub fn beyond(&self, beyond: &Beyond<'_>) -> Result<(Vec<Looked>, Vec<LeftOut>)> {
        let connections = Connections::read(self.host)?;
        let connection = connections.served(beyond.connection, beyond.brand).map_err(|has| {
            AppError::NoConnection {
                what: "this command".to_owned(),
                connection: beyond.connection.to_owned(),
                at: "--connection".to_owned(),
                brand: beyond.brand.to_owned(),
                has,
            }
        })?;
        check_secrets(connection).map_err(unread)?;
        let mut looked = self.database(connection, &beyond.asked)?;
        let mut left_out = Vec::new();
        for pattern in beyond.paths {
            let (found, left) = self.objects(connection, pattern)?;
            looked.extend(found);
            left_out.extend(left);
        }
        Ok((looked, left_out))
    }

    fn database(&self, connection: &Connection, asked: &[Asked]) -> Result<Vec<Looked>> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: Vec<Wanted<'_>> = asked
            .iter()
            .map(|asked| Wanted {
                source: called(asked).to_owned(),
                words: format!("`{}`", called(asked)),
                asked,
                file: self.next(),
            })
            .collect();
        self.watched(|watch| take_rows(connection, &wanted, watch))?;
        let one = |wanted: Wanted<'_>| {
            let stem = match wanted.asked {
                Asked::Relation(name) => name.rsplit('.').next().unwrap_or(name).to_owned(),
                // A query has no name.
                Asked::Query(_) => String::new(),
            };
            let name = format!("{}: {}", connection.name, called(wanted.asked));
            Ok(Looked {
                seen: profile(&wanted.file)?,
                stem,
                path: String::new(),
                lies: wanted.file.clone(),
                named: String::new(),
                origin: Origin::Database(connection.name.clone(), wanted.asked.clone()),
                container: Container::Rows,
                taken: Some(TakenFile { path: wanted.file, name: name.clone(), original: None }),
                name,
            })
        };
        wanted.into_iter().map(one).collect()
    }

    fn objects(
        &self,
        connection: &Connection,
        pattern: &str,
    ) -> Result<(Vec<Looked>, Vec<LeftOut>)> {
        let folder = self.next();
        fs::create_dir_all(&folder).map_err(FileError::of("create", &folder))?;
        let copies = self.watched(|watch| take_objects(connection, pattern, &folder, watch))?;
        let (mut looked, mut left_out) = (Vec::new(), Vec::new());
        for copy in copies {
            let (found, left) = self.file(&copy.path, &copy.name)?;
            looked.extend(found.into_iter().map(|one| {
                let taken = match one.taken {
                    Some(taken) => taken,
                    None => TakenFile {
                        path: copy.path.clone(),
                        name: copy.name.clone(),
                        original: None,
                    },
                };
                Looked {
                    name: format!("{}: {}", connection.name, one.name),
                    // Folders of a store are many; what a file is, its own name says.
                    stem: one.stem.rsplit('/').next().unwrap_or_default().to_owned(),
                    named: pattern.to_owned(),
                    origin: Origin::Objects(connection.name.clone()),
                    taken: Some(taken),
                    ..one
                }
            }));
            left_out.extend(left);
        }
        Ok((looked, left_out))
    }

    /// A file in the folder of this look that nothing else has.
    fn next(&self) -> PathBuf {
        let number = self.files.get();
        self.files.set(number + 1);
        self.scratch.path().join(format!("{number}.parquet"))
    }

    fn watched<T>(&self, work: impl FnOnce(&Watch<'_>) -> Result<T, SourcesError>) -> Result<T> {
        watched(self.host, &|_, _| {}, |watch| work(&Watch { rows_max: self.rows_max, ..*watch }))
            .map_err(unread)
    }
}

/// A sheet or table of a file.
struct Part {
    name: String,
    stem: String,
    container: Container,
}

/// Sheets; the only one, and those that nobody named, are known by the file's name.
fn parts_of_book(file: &str, sheets: Vec<String>) -> Vec<Part> {
    let alone = sheets.len() == 1;
    let part = |sheet: String| Part {
        stem: match alone {
            true => stem(file).to_owned(),
            false => sheet.clone(),
        },
        container: Container::Excel(Some(sheet.clone())),
        name: sheet,
    };
    sheets.into_iter().map(part).collect()
}

fn parts_of_base(tables: Vec<String>) -> Vec<Part> {
    let part = |table: String| Part {
        stem: table.clone(),
        container: Container::Sqlite(match is_relation(&table) && !table.contains('.') {
            true => Asked::Relation(table.clone()),
            false => Asked::Query(format!("select * from \"{}\"", table.replace('"', "\"\""))),
        }),
        name: table,
    };
    tables.into_iter().map(part).collect()
}

/// What the name of a file says of it; folders stay, as two files may share a name.
fn stem(name: &str) -> &str {
    unpacked(name).split('.').next().unwrap_or(name)
}

fn called(asked: &Asked) -> &str {
    let (Asked::Relation(text) | Asked::Query(text)) = asked;
    text
}

fn unread(fault: SourcesError) -> AppError {
    stopped(fault, |fault| AppError::Looking(Box::new(fault)))
}

/// Looks at the files of a folder, and at the sheets and tables that they hold.
///
/// # Errors
/// Where the folder cannot be read, or has no data files.
pub fn look_into(look: &Look<'_>, dir: &Path) -> Result<(Vec<Looked>, Vec<LeftOut>)> {
    let (names, mut left_out) = data_files(dir)?;
    let mut looked = Vec::new();
    for name in names {
        match look.file(&dir.join(&name), &name) {
            Ok((found, left)) => {
                looked.extend(found);
                left_out.extend(left);
            }
            Err(fault) if is_stop(&fault) => return Err(fault),
            Err(fault) => left_out.push(LeftOut { file: name, why: why(&fault) }),
        }
    }
    left_out.sort_by(|a, b| a.file.cmp(&b.file));
    Ok((looked, left_out))
}

fn is_stop(fault: &AppError) -> bool {
    matches!(fault, AppError::Batch(BatchError::Cancelled))
}

/// Why a file is not read: without its path, which stands beside.
fn why(fault: &AppError) -> String {
    match std::error::Error::source(fault) {
        Some(reason) => reasons(reason),
        None => fault.to_string(),
    }
}
