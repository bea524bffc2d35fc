//! What a run leaves behind so that it can be explained and run again: run.json and the saved playbook.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use playbook_cycle::Cancel;
use playbook_files::{FileError, files_below, read_regular, recover};
use playbook_ledger::Ledger;
use playbook_model::Digest;
use playbook_toml::{Disk, Override, ReadFiles};
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::places::RUN_FILE;
use crate::{AppError, Result};

/// Folder with the playbook files as they were.
pub(crate) const PLAYBOOK_FOLDER: &str = "playbook";

/// How the run was called: what a replay needs and no output depends on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invocation {
    /// The playbook file.
    pub file: PathBuf,
    /// Folder where relative data paths start.
    pub data: PathBuf,
    /// Folders outside it where sources might be read too.
    #[serde(default)]
    pub data_also: Vec<PathBuf>,
    /// The brand's state folder.
    pub state: PathBuf,
    /// Threads of the run.
    pub threads: usize,
    /// Saved files by the name under which they were read.
    pub saved: BTreeMap<String, String>,
    /// Changes from outside the file.
    pub overrides: Vec<SavedOverride>,
    /// How far the ledger was when the run decided; where it was dry, when it began.
    #[serde(default)]
    pub ledger: Option<LedgerMark>,
}

/// The last commit group of a ledger at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerMark {
    /// Its number.
    pub group: i64,
    /// Its seal, in hex.
    pub seal: String,
}

impl LedgerMark {
    pub(crate) fn of(ledger: &Ledger) -> Result<Self> {
        Ok(Self::at(ledger.head()?))
    }

    pub(crate) fn at((group, seal): (i64, Digest)) -> Self {
        Self { group, seal: seal.hex() }
    }

    pub(crate) fn head(&self) -> Option<(i64, Digest)> {
        Some((self.group, Digest::from_hex(&self.seal)?))
    }
}

/// A change of the playbook from outside its file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SavedOverride {
    /// A value at a path.
    Set {
        /// Dotted path.
        path: String,
        /// TOML value.
        value: String,
    },
    /// Another plugin for a stage.
    Swap {
        /// Name of the stage.
        stage: String,
        /// The plugin.
        plugin: String,
    },
}

impl From<&Override> for SavedOverride {
    fn from(from: &Override) -> Self {
        match from {
            Override::Set { path, value } => Self::Set { path: path.clone(), value: value.clone() },
            Override::Swap { stage, plugin } => {
                Self::Swap { stage: stage.clone(), plugin: plugin.clone() }
            }
        }
    }
}

impl From<&SavedOverride> for Override {
    fn from(from: &SavedOverride) -> Self {
        match from {
            SavedOverride::Set { path, value } => {
                Self::Set { path: path.clone(), value: value.clone() }
            }
            SavedOverride::Swap { stage, plugin } => {
                Self::Swap { stage: stage.clone(), plugin: plugin.clone() }
            }
        }
    }
}

/// Facts that fix the outputs, read back for a replay.
#[derive(Debug, Clone, Deserialize)]
pub struct Recorded {
    /// Id of the playbook.
    pub playbook: String,
    /// Its brand.
    pub brand: String,
    /// Number of the cycle.
    pub cycle: i64,
    /// How the run was called.
    pub invocation: Invocation,
    /// As-of time.
    pub as_of_ms: i64,
    /// How calls were bounded.
    pub metering: String,
    /// Language of the report.
    pub lang: String,
    /// Whether nothing was granted.
    pub dry_run: bool,
    /// Digest of everything that was read.
    pub input_digest: Option<String>,
    /// Components of the stages.
    pub plugins: Vec<RecordedPlugin>,
    /// All files but the record, by name.
    pub outputs: BTreeMap<String, RecordedFile>,
}

/// The component of a stage.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordedPlugin {
    /// Stage of the playbook.
    pub stage: String,
    /// Digest, in hex.
    pub digest: String,
}

/// An output with its size and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFile {
    /// Its size.
    pub bytes: u64,
    /// Its digest, in hex.
    pub sha256: String,
}

/// Reads the record of a run; one whose replacement was cut short is put back first.
///
/// # Errors
/// Where the folder has no record of this host.
pub fn read_record(run: &Path) -> Result<Recorded> {
    recover(run)?;
    read_as(run)
}

/// Reads a file of a run as the run wrote it.
///
/// # Errors
/// A file that the run did not write, that cannot be read, or that was altered since.
pub fn read_output(run: &Path, recorded: &Recorded, name: &str) -> Result<Vec<u8>> {
    let path = run.join(name);
    let bytes = read_regular(&path)?;
    let written = recorded.outputs.get(name);
    if written.is_none_or(|file| file.sha256 != Digest::of(&bytes).hex()) {
        return Err(AppError::Altered { path });
    }
    Ok(bytes)
}

/// The whole record of a run.
pub(crate) fn read_value(run: &Path) -> Result<Value> {
    read_as(run)
}

fn read_as<T: DeserializeOwned>(run: &Path) -> Result<T> {
    let path = run.join(RUN_FILE);
    let unread =
        |fault: FileError| AppError::NoRecord { run: run.to_owned(), source: fault.source };
    let text = read_regular(&path).map_err(unread)?;
    let what = "is not a record of this host";
    serde_json::from_slice(&text).map_err(|source| AppError::Damaged { path, what, source })
}

/// Sizes and digests of all outputs in a folder but the record itself, by path relative to it.
pub(crate) fn outputs(dir: &Path) -> Result<BTreeMap<String, RecordedFile>> {
    let mut files = files_below(dir)?;
    files.retain(|(name, _)| name != RUN_FILE);
    let read = |(name, path): (String, PathBuf)| {
        let bytes = fs::metadata(&path).map_err(FileError::of("read", &path))?.len();
        let sha256 = playbook_batch::digest(&path, &Cancel::default())?.hex();
        Ok((name, RecordedFile { bytes, sha256 }))
    };
    files.into_par_iter().map(read).collect()
}

/// What replays compare of a record: everything but how the run was called and how long it took.
pub(crate) fn comparable(record: &Value) -> Value {
    let mut record = record.clone();
    if let Some(map) = record.as_object_mut() {
        map.remove("invocation");
        map.remove("timings");
    }
    record
}

/// Reads from the disk and keeps what it read, to be saved with the run.
#[derive(Debug, Default)]
pub struct Recording {
    reads: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
}

impl Recording {
    fn kept(&self, path: &Path, bytes: Vec<u8>) -> Vec<u8> {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        reads.insert(path.to_path_buf(), bytes.clone());
        bytes
    }

    /// Writes everything that was read below `run`; returns the names for the record.
    pub(crate) fn save(&self, run: &Path) -> Result<BTreeMap<String, String>> {
        let folder = run.join(PLAYBOOK_FOLDER);
        fs::create_dir_all(&folder).map_err(FileError::of("create", &folder))?;
        let reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let mut saved = BTreeMap::new();
        for (number, (path, bytes)) in reads.iter().enumerate() {
            let name =
                path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
            let file = format!("{number}-{name}");
            let path_of = folder.join(&file);
            fs::write(&path_of, bytes).map_err(FileError::of("write", &path_of))?;
            saved.insert(path.to_string_lossy().into_owned(), file);
        }
        Ok(saved)
    }
}

impl ReadFiles for Recording {
    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        Ok(self.kept(path, Disk.read(path, bytes_max)?))
    }

    fn shipped(&self, name: &str) -> io::Result<Vec<u8>> {
        Ok(self.kept(Path::new(name), Disk.shipped(name)?))
    }
}

/// Reads playbook files as they were when the run was made, and nothing else.
#[derive(Debug)]
pub struct SavedFiles {
    files: BTreeMap<PathBuf, PathBuf>,
}

impl SavedFiles {
    /// The files that the record of `run` names.
    ///
    /// # Errors
    /// Where one of them lies outside the folder of saved files.
    pub fn new(run: &Path, saved: &BTreeMap<String, String>) -> Result<Self> {
        let mut files = BTreeMap::new();
        for (name, file) in saved {
            if Path::new(file).components().any(|c| !matches!(c, std::path::Component::Normal(_))) {
                return Err(AppError::Record {
                    what: "a saved file outside its folder,",
                    value: file.clone(),
                });
            }
            files.insert(PathBuf::from(name), run.join(PLAYBOOK_FOLDER).join(file));
        }
        Ok(Self { files })
    }
}

impl ReadFiles for SavedFiles {
    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        let saved = self.files.get(path).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, "not among the files that the run saved")
        })?;
        Disk.read(saved, bytes_max)
    }

    fn shipped(&self, name: &str) -> io::Result<Vec<u8>> {
        self.read(Path::new(name), usize::MAX >> 1)
    }
}
