//! Rows of sources that lie in no files of the data folder: taken before the intake reads, over connections that the
//! host declared, and kept where nobody could find them again.

mod connections;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use playbook_batch::{BatchError, TakenFile, source_files};
use playbook_files::FileError;
use playbook_model::{Connection, Container, Origin, SourceDef};
use playbook_sources::{
    SourcesError, Wanted, Watch, check_secrets, take_objects, take_rows, take_sheet, take_sqlite,
};
use playbook_toml::Loaded;

pub(crate) use self::connections::{Connections, place_of};
use crate::places::temporary_folder;
use crate::{AppError, Host, Job, Result};

/// Folder of a run's results with what databases answered.
pub(crate) const SOURCES_FOLDER: &str = "sources";

/// Longest time and most bytes of the rows of a file in the data folder.
const LOCAL_TIME_MS_MAX: u64 = 30 * 60_000;
const LOCAL_BYTES_MAX: u64 = 16 << 30;

/// Where rows come from.
#[derive(Debug, Clone, Default)]
pub(crate) enum Taking {
    /// From where they are.
    #[default]
    Anew,
    /// As an earlier run kept them in this folder, where they come of a database.
    Kept(PathBuf),
    /// As another run of the same command took them, else from where they are.
    Shared(Arc<Shared>),
}

/// What the runs of one command took, by what was asked.
#[derive(Debug)]
pub(crate) struct Shared {
    dir: tempfile::TempDir,
    taken: Mutex<BTreeMap<String, Vec<TakenFile>>>,
}

impl Shared {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { dir: temporary_folder()?, taken: Mutex::default() })
    }
}

/// Takes the rows of all sources and lookups that lie in no files, those of one database in one snapshot.
///
/// Rows of databases go to the folder of `outputs`, where there is one, so that a replay finds them; all else to
/// `scratch`.
pub(crate) fn take_sources(
    host: &Host,
    job: &Job,
    loaded: &Loaded,
    data: &Path,
    scratch: &Path,
    outputs: Option<&Path>,
) -> Result<BTreeMap<String, Vec<TakenFile>>> {
    let mut taker = Taker::new(host, job, loaded, data, scratch)?;
    let mut taken = BTreeMap::new();
    let mut by_connection: BTreeMap<&str, Vec<&SourceDef>> = BTreeMap::new();
    for source in loaded.playbook.sources_and_lookups() {
        if let Some(files) = taker.known(source)? {
            taken.insert(source.key(), files);
            continue;
        }
        match &source.origin {
            Origin::Files if source.container == Container::Rows => {}
            Origin::Database(connection, _) => {
                by_connection.entry(connection).or_default().push(source);
            }
            Origin::Files | Origin::Objects(_) => {
                let files = taker.files(source)?;
                taken.insert(source.key(), files);
            }
        }
    }
    for sources in by_connection.values() {
        taken.extend(taker.rows(sources, outputs)?);
    }
    taker.share(&taken);
    Ok(taken)
}

struct Taker<'a> {
    host: &'a Host,
    job: &'a Job,
    loaded: &'a Loaded,
    data: &'a Path,
    /// Folder of this run's own.
    dir: PathBuf,
    connections: Connections,
}

impl<'a> Taker<'a> {
    fn new(
        host: &'a Host,
        job: &'a Job,
        loaded: &'a Loaded,
        data: &'a Path,
        scratch: &Path,
    ) -> Result<Self> {
        let mut connections = Connections::default();
        let reaches = |source: &&SourceDef| match (&source.origin, &job.taking) {
            (Origin::Files, _) | (Origin::Database(..), Taking::Kept(_)) => false,
            (Origin::Objects(_) | Origin::Database(..), _) => true,
        };
        if loaded.playbook.sources_and_lookups().any(|source| reaches(&source)) {
            connections = Connections::read(host)?;
        }
        // Before anything is asked for: what is not declared, and secrets that are not there.
        for source in loaded.playbook.sources_and_lookups().filter(reaches) {
            let connection = connections.of_source(loaded, source)?;
            check_secrets(connection).map_err(|fault| of_source(loaded, source, fault))?;
        }
        // Two runs of one command keep apart what they take.
        let dir = match &job.taking {
            Taking::Shared(shared) => tempfile::tempdir_in(shared.dir.path())
                .map(tempfile::TempDir::keep)
                .map_err(FileError::of("create", shared.dir.path()))?,
            _ => scratch.join("taken"),
        };
        Ok(Self { host, job, loaded, data, dir, connections })
    }

    /// What is there of a source already.
    fn known(&self, source: &SourceDef) -> Result<Option<Vec<TakenFile>>> {
        match &self.job.taking {
            Taking::Kept(folder) if matches!(source.origin, Origin::Database(..)) => {
                let path = folder.join(format!("{}.parquet", source.key()));
                if !path.exists() {
                    return Err(AppError::NothingKept { what: source.words() });
                }
                Ok(Some(vec![TakenFile { path, name: kept_name(source), original: None }]))
            }
            Taking::Shared(shared) => {
                let taken = shared.taken.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(taken.get(&asked(source)).cloned())
            }
            Taking::Anew | Taking::Kept(_) => Ok(None),
        }
    }

    /// Takes rows of databases, those of one connection.
    fn rows(
        &self,
        sources: &[&SourceDef],
        outputs: Option<&Path>,
    ) -> Result<Vec<(String, Vec<TakenFile>)>> {
        let connection = self.connections.of_source(self.loaded, sources[0])?;
        let folder = outputs.map_or_else(|| self.dir.clone(), |dir| dir.join(SOURCES_FOLDER));
        fs::create_dir_all(&folder).map_err(FileError::of("create", &folder))?;
        let wanted: Vec<Wanted<'_>> = sources
            .iter()
            .filter_map(|source| match &source.origin {
                Origin::Database(_, asked) => Some(Wanted {
                    source: source.key(),
                    words: source.words(),
                    asked,
                    file: folder.join(format!("{}.parquet", source.key())),
                }),
                _ => None,
            })
            .collect();
        let advanced =
            |name: &str, rows| self.job.progress.advanced(&format!("take {name}"), rows, None);
        let taken = self.watched(&advanced, |watch| take_rows(connection, &wanted, watch));
        taken.map_err(|fault| match fault {
            SourcesError::OfSource { name, fault } => {
                let one = sources.iter().find(|source| source.key() == name);
                of_source(self.loaded, one.unwrap_or(&sources[0]), *fault)
            }
            fault => of_connection(self.loaded, connection, sources[0], fault),
        })?;
        let file = |wanted: &Wanted<'_>| {
            self.job.progress.finished(&format!("take {}", wanted.source));
            let (path, name) = (wanted.file.clone(), &wanted.source);
            let file = TakenFile {
                path,
                name: format!("{SOURCES_FOLDER}/{name}.parquet"),
                original: None,
            };
            (name.clone(), vec![file])
        };
        Ok(wanted.iter().map(file).collect())
    }

    /// Takes files: copies of objects, and rows of files that hold more than rows.
    fn files(&mut self, source: &SourceDef) -> Result<Vec<TakenFile>> {
        let folder = self.dir.join(source.key());
        fs::create_dir_all(&folder).map_err(FileError::of("create", &folder))?;
        let found = match &source.origin {
            Origin::Objects(_) => self.objects(source, &folder)?,
            _ => source_files(source, self.data, &self.job.data_also)?,
        };
        let part = format!("take {}", source.key());
        let advanced = |_: &str, rows| self.job.progress.advanced(&part, rows, None);
        let mut files = Vec::new();
        for (number, (path, name)) in found.into_iter().enumerate() {
            let to = folder.join(format!("{number}.parquet"));
            let taken = match &source.container {
                Container::Rows => {
                    files.push(TakenFile { path, name, original: None });
                    continue;
                }
                Container::Sqlite(asked) => {
                    self.watched(&advanced, |watch| take_sqlite(&path, asked, &to, watch))
                }
                Container::Excel(sheet) => {
                    self.watched(&advanced, |watch| take_sheet(&path, sheet.as_deref(), &to, watch))
                }
            };
            taken.map_err(|fault| of_source(self.loaded, source, fault))?;
            files.push(TakenFile { path: to, name, original: Some(path) });
        }
        self.job.progress.finished(&part);
        Ok(files)
    }

    fn objects(&self, source: &SourceDef, folder: &Path) -> Result<Vec<(PathBuf, String)>> {
        let connection = self.connections.of_source(self.loaded, source)?;
        let copies = folder.join("objects");
        fs::create_dir_all(&copies).map_err(FileError::of("create", &copies))?;
        let taken = self
            .watched(&|_, _| {}, |watch| take_objects(connection, &source.path, &copies, watch));
        match taken {
            Ok(objects) => {
                Ok(objects.into_iter().map(|object| (object.path, object.name)).collect())
            }
            Err(SourcesError::NoObject { .. }) if source.optional => Ok(Vec::new()),
            Err(fault) => Err(of_source(self.loaded, source, fault)),
        }
    }

    fn watched<T>(
        &self,
        advanced: &(dyn Fn(&str, u64) + Sync),
        work: impl FnOnce(&Watch<'_>) -> T,
    ) -> T {
        watched(self.host, advanced, work)
    }

    fn share(&self, taken: &BTreeMap<String, Vec<TakenFile>>) {
        let Taking::Shared(shared) = &self.job.taking else { return };
        let mut known = shared.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for source in self.loaded.playbook.sources_and_lookups() {
            if let Some(files) = taken.get(&source.key()) {
                known.insert(asked(source), files.clone());
            }
        }
    }
}

/// Does work under the bounds of files in the data folder, until the host is asked to stop.
pub(crate) fn watched<T>(
    host: &Host,
    advanced: &(dyn Fn(&str, u64) + Sync),
    work: impl FnOnce(&Watch<'_>) -> T,
) -> T {
    let cancel = host.cancel();
    work(&Watch {
        cancelled: &|| cancel.is_cancelled(),
        advanced,
        time_ms_max: LOCAL_TIME_MS_MAX,
        bytes_max: LOCAL_BYTES_MAX,
        rows_max: u64::MAX,
    })
}

/// What a source asks for: two that ask the same get the same.
fn asked(source: &SourceDef) -> String {
    let SourceDef { origin, container, path, optional, .. } = source;
    format!("{:?}", (source.key(), origin, container, path, optional))
}

fn kept_name(source: &SourceDef) -> String {
    format!("{SOURCES_FOLDER}/{}.parquet", source.key())
}

fn of_source(loaded: &Loaded, source: &SourceDef, fault: SourcesError) -> AppError {
    stopped(fault, |fault| AppError::Taking {
        what: source.words(),
        at: place_of(loaded, &source.entry()),
        source: Box::new(fault),
    })
}

fn of_connection(
    loaded: &Loaded,
    connection: &Connection,
    source: &SourceDef,
    fault: SourcesError,
) -> AppError {
    stopped(fault, |fault| AppError::TakingAll {
        connection: connection.name.clone(),
        at: place_of(loaded, &source.entry()),
        source: Box::new(fault),
    })
}

/// What a stop is to everybody else.
pub(crate) fn stopped(
    fault: SourcesError,
    other: impl FnOnce(SourcesError) -> AppError,
) -> AppError {
    match fault {
        SourcesError::Cancelled => BatchError::Cancelled.into(),
        fault => other(fault),
    }
}
