//! What a run leaves behind so that it can be explained and run again: run.json and the saved playbook.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use playbook_cycle::Cancel;
use playbook_ledger::Ledger;
use playbook_model::Digest;
use playbook_toml::{Disk, Override, ReadFiles};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Name of the record in the folder of a run.
pub(crate) const RUN_FILE: &str = "run.json";
/// Folder with the playbook files as they were.
pub(crate) const PLAYBOOK_FOLDER: &str = "playbook";

/// How the run was called: what a replay needs and no output depends on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Invocation {
    /// The playbook file.
    pub(crate) file: PathBuf,
    /// Folder where relative data paths start.
    pub(crate) data: PathBuf,
    /// The brand's state folder.
    pub(crate) state: PathBuf,
    /// Threads of the run.
    pub(crate) threads: usize,
    /// Saved files by the name under which they were read.
    pub(crate) saved: BTreeMap<String, String>,
    /// Changes from outside the file.
    pub(crate) overrides: Vec<SavedOverride>,
    /// How far the ledger was when the run decided; where it was dry, when it began.
    #[serde(default)]
    pub(crate) ledger: Option<LedgerMark>,
}

/// The last commit group of a ledger at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LedgerMark {
    pub(crate) group: i64,
    pub(crate) seal: String,
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
pub(crate) enum SavedOverride {
    Set { path: String, value: String },
    Swap { stage: String, plugin: String },
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
pub(crate) struct Recorded {
    pub(crate) playbook: String,
    pub(crate) brand: String,
    pub(crate) cycle: i64,
    pub(crate) invocation: Invocation,
    pub(crate) as_of_ms: i64,
    pub(crate) metering: String,
    pub(crate) lang: String,
    pub(crate) dry_run: bool,
    pub(crate) input_digest: Option<String>,
    pub(crate) plugins: Vec<RecordedPlugin>,
    pub(crate) outputs: BTreeMap<String, RecordedFile>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RecordedPlugin {
    pub(crate) stage: String,
    pub(crate) digest: String,
}

/// An output with its size and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedFile {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// Reads the record of a run.
pub(crate) fn read(run: &Path) -> Result<Recorded> {
    let path = run.join(RUN_FILE);
    let text = fs::read_to_string(&path).with_context(|| {
        format!("`{}` is no folder of a finished run: it has no {RUN_FILE}", run.display())
    })?;
    serde_json::from_str(&text)
        .with_context(|| format!("`{}` is not a record of this host", path.display()))
}

/// Sizes and digests of all outputs in a folder but the record itself, by path relative to it.
pub(crate) fn outputs(dir: &Path) -> Result<BTreeMap<String, RecordedFile>> {
    let mut paths = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))?
        {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            if name == RUN_FILE {
                continue;
            }
            paths.push((entry.metadata()?.len(), name, path));
        }
    }
    let read = |(bytes, name, path): (u64, String, PathBuf)| {
        let sha256 = playbook_batch::digest(&path, &Cancel::default())?.hex();
        Ok((name, RecordedFile { bytes, sha256 }))
    };
    paths.into_par_iter().map(read).collect()
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
pub(crate) struct Recording {
    reads: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
}

impl Recording {
    /// Writes everything that was read below `run`; returns the names for the record.
    pub(crate) fn save(&self, run: &Path) -> Result<BTreeMap<String, String>> {
        let folder = run.join(PLAYBOOK_FOLDER);
        fs::create_dir_all(&folder)?;
        let reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let mut saved = BTreeMap::new();
        for (number, (path, bytes)) in reads.iter().enumerate() {
            let name =
                path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
            let file = format!("{number}-{name}");
            fs::write(folder.join(&file), bytes)?;
            saved.insert(path.to_string_lossy().into_owned(), file);
        }
        Ok(saved)
    }
}

impl ReadFiles for Recording {
    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        let bytes = Disk.read(path, bytes_max)?;
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        reads.insert(path.to_path_buf(), bytes.clone());
        Ok(bytes)
    }
}

/// Reads playbook files as they were when the run was made, and nothing else.
#[derive(Debug)]
pub(crate) struct SavedFiles {
    files: BTreeMap<PathBuf, PathBuf>,
}

impl SavedFiles {
    pub(crate) fn new(run: &Path, saved: &BTreeMap<String, String>) -> Result<Self> {
        let mut files = BTreeMap::new();
        for (name, file) in saved {
            if Path::new(file).components().any(|c| !matches!(c, std::path::Component::Normal(_))) {
                bail!("the record names a saved file outside its folder: `{file}`");
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
}
