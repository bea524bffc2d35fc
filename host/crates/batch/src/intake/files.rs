//! Finds a source's files and digests them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use playbook_files::{open_regular, real_path};
use playbook_model::{Container, Digest, Origin, SourceDef};
use sha2::{Digest as _, Sha256};

use crate::error::{go_on, io};
use crate::{BatchError, Cancel, Result};

/// A file of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Path relative to the data folder, with `/`.
    pub(crate) name: String,
    /// The file that `path` is a copy of, if it is one; the digest is of that file.
    pub(crate) original: Option<PathBuf>,
}

impl SourceFile {
    /// The file whose digest is recorded.
    pub(crate) fn digested(&self) -> &Path {
        self.original.as_deref().unwrap_or(&self.path)
    }
}

/// A file into which the rows of a source were copied before the intake reads them: from a database, workbook or
/// object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in messages: a path in the data folder, of an object, or in the results.
    pub name: String,
    /// The file of the data folder that it is a copy of, if any.
    pub original: Option<PathBuf>,
}

/// Finds the files of a source in the data folder `data`, or in those folders that the host allows `also`: paths, and
/// names that start at the data folder.
///
/// # Errors
/// Files outside these folders, and a source that must have a file and has none.
pub fn source_files(
    source: &SourceDef,
    data: &Path,
    also: &[PathBuf],
) -> Result<Vec<(PathBuf, String)>> {
    let files = find(source, &DataPlaces::new(data, also)?)?;
    Ok(files.into_iter().map(|file| (file.path, file.name)).collect())
}

/// Where sources may be read: the data folder, and what the host allows beside it.
#[derive(Debug)]
pub(crate) struct DataPlaces {
    folder: PathBuf,
    /// All of them with their links resolved.
    real: Vec<PathBuf>,
}

impl DataPlaces {
    /// Resolves the links of the data folder and of the other folders that the host allows.
    ///
    /// # Errors
    /// Where one of them cannot be found.
    pub(crate) fn new(folder: &Path, also: &[PathBuf]) -> Result<Self> {
        let real = std::iter::once(folder).chain(also.iter().map(PathBuf::as_path)).map(real_path);
        Ok(Self { folder: folder.to_owned(), real: real.collect::<Result<_, _>>()? })
    }

    /// Fails where a path, with its links resolved, lies outside all places.
    fn check(&self, source: &SourceDef, path: &Path) -> Result<()> {
        let real = real_path(path)?;
        if self.real.iter().any(|place| real.starts_with(place)) {
            return Ok(());
        }
        Err(BatchError::OutsideData {
            source_name: source.name.clone(),
            path: path.to_owned(),
            data: self.folder.clone(),
        })
    }
}

/// The part of a path before its first pattern: the folder in which matches can lie.
fn before_pattern(path: &Path) -> PathBuf {
    let is_pattern = |part: &str| part.contains(['*', '?', '[']);
    path.components().take_while(|part| !is_pattern(&part.as_os_str().to_string_lossy())).collect()
}

/// Returns the copies of a source that were taken before, else its own files.
pub(crate) fn of_source(
    source: &SourceDef,
    places: &DataPlaces,
    taken: &BTreeMap<String, Vec<TakenFile>>,
) -> Result<Vec<SourceFile>> {
    if let Some(files) = taken.get(&source.key()) {
        let file = |file: &TakenFile| SourceFile {
            path: file.path.clone(),
            name: file.name.clone(),
            original: file.original.clone(),
        };
        return Ok(files.iter().map(file).collect());
    }
    if source.origin != Origin::Files || source.container != Container::Rows {
        return Err(BatchError::NotTaken { what: source.words() });
    }
    find(source, places)
}

/// Returns the files of a source, sorted by name.
///
/// Links are resolved before a path is compared with the places, so that nothing outside is read. Only regular files
/// are opened: a pipe might never end.
pub(crate) fn find(source: &SourceDef, places: &DataPlaces) -> Result<Vec<SourceFile>> {
    let data = places.folder.as_path();
    let whole = data.join(&source.path);
    // Before the pattern is expanded: folders outside are not even listed.
    places.check(source, &data.join(before_pattern(Path::new(&source.path))))?;
    let mut files = Vec::new();
    if whole.exists() {
        files.push(whole.clone());
    } else {
        let pattern = Path::new(&glob::Pattern::escape(&data.to_string_lossy())).join(&source.path);
        let bad = || BatchError::Pattern {
            source_name: source.name.clone(),
            pattern: source.path.clone(),
        };
        let found = glob::glob(&pattern.to_string_lossy()).map_err(|_| bad())?;
        for path in found {
            let path = path.map_err(|error| {
                let path = error.path().to_owned();
                io("read", &path)(error.into())
            })?;
            if !path.is_dir() {
                files.push(path);
            }
        }
    }
    if files.is_empty() && !source.optional {
        return Err(BatchError::NoFile { source_name: source.name.clone(), path: whole });
    }
    for file in &files {
        places.check(source, file)?;
        drop(open_regular(file)?);
    }
    let mut files: Vec<_> = files
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(data).unwrap_or(&path);
            let name = relative.to_string_lossy().replace('\\', "/");
            SourceFile { path, name, original: None }
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Reads a file through once for its digest.
///
/// # Errors
/// Where the file cannot be read, or when `cancel` stops it.
pub fn digest(path: &Path, cancel: &Cancel) -> Result<Digest> {
    let mut file = open_regular(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        go_on(cancel)?;
        let read = file.read(&mut buffer).map_err(io("read", path))?;
        if read == 0 {
            return Ok(Digest(hash.finalize().into()));
        }
        hash.update(&buffer[..read]);
    }
}
