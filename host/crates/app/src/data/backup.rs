//! Backing a data folder up while its service runs: each ledger as it stands at one moment, then what it names, then a list of
//! all with their digests. Components come after the ledgers, so that none is missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use playbook_batch::digest;
use playbook_files::{FileError, WholeFolder, files_below, real_path};
use playbook_ledger::{Ledger, Proof};
use serde::{Deserialize, Serialize};

use super::{KEYS_FILE, LAYOUT, brand_state, brands, check_layout};
use crate::places::LEDGER_FILE;
use crate::state::ledger_path;
use crate::{AppError, Host, Result};

/// Name of the list in the folder of a backup.
pub(super) const LIST_FILE: &str = "backup.json";

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// Layout of the data folder.
    pub layout: u32,
    /// Version of the program that made it.
    pub program: String,
    /// When it was begun, RFC 3339.
    pub at: String,
    /// Its brands, in order of their names.
    pub brands: Vec<BrandMark>,
    /// Every file by its path.
    pub files: BTreeMap<String, FileMark>,
}

/// How far the ledger of a brand reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrandMark {
    /// The brand.
    pub brand: String,
    /// Its commit groups.
    pub groups: i64,
    /// Its entries.
    pub entries: i64,
    /// Seal of the last group.
    pub seal: String,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMark {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

impl BackedUp {
    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.bytes).sum()
    }
}

/// Backs the data folder of a service up into the folder `to`, which is whole or absent and takes the place of an earlier
/// backup. The service may run; what it had answered when this began is in the backup. `told` hears of each brand.
///
/// # Errors
/// A folder that is no data folder, or `to` that holds something else; a ledger that does not prove; files that cannot be read
/// or written.
pub fn back_up(
    host: &Host,
    data: &Path,
    to: &Path,
    at: String,
    told: &dyn Fn(&BrandMark),
) -> Result<BackedUp> {
    check_layout(data)?;
    let names = brands(data)?;
    if names.is_empty() && !data.join(KEYS_FILE).is_file() {
        let what = "is no data folder of a service: it has neither keys nor brands".to_owned();
        return Err(AppError::DataFolder { folder: data.to_owned(), what });
    }
    apart(data, to)?;
    let is_taken = fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some());
    if is_taken && !to.join(LIST_FILE).is_file() {
        let what = "holds something else than a backup; name another folder".to_owned();
        return Err(AppError::DataFolder { folder: to.to_owned(), what });
    }
    let folder = WholeFolder::create(to)?;
    let aside = folder.dir();
    let keys = data.join(KEYS_FILE);
    if keys.is_file() {
        copy(&keys, &aside.join(KEYS_FILE))?;
    }
    let mut marks = Vec::new();
    for brand in names {
        let (from, state) = (brand_state(data, &brand), brand_state(aside, &brand));
        fs::create_dir_all(&state).map_err(FileError::of("create", &state))?;
        if ledger_path(&from).is_file() {
            let mark = copy_ledger(&from, &state, brand)?;
            told(&mark);
            marks.push(mark);
        }
        for (name, path) in files_below(&from)? {
            if !name.starts_with(LEDGER_FILE) {
                copy(&path, &state.join(&name))?;
            }
        }
    }
    let mut files = BTreeMap::new();
    for (name, path) in files_below(aside)? {
        files.insert(name, mark(host, &path)?);
    }
    let program = env!("CARGO_PKG_VERSION").to_owned();
    let list = BackedUp { layout: LAYOUT, program, at, brands: marks, files };
    let text = serde_json::to_vec_pretty(&list).expect("texts and numbers are JSON");
    let path = aside.join(LIST_FILE);
    fs::write(&path, text).map_err(FileError::of("write", &path))?;
    folder.put()?;
    Ok(list)
}

/// Neither of two folders may lie in the other.
pub(super) fn apart(one: &Path, other: &Path) -> Result<()> {
    let (first, second) = (real_path(one)?, real_path(other)?);
    if first.starts_with(&second) || second.starts_with(&first) {
        let what = format!("and `{}` lie in each other; name another folder", one.display());
        return Err(AppError::DataFolder { folder: other.to_owned(), what });
    }
    Ok(())
}

fn copy_ledger(from: &Path, state: &Path, brand: String) -> Result<BrandMark> {
    let (path, copied) = (ledger_path(from), ledger_path(state));
    let in_ledger = |fault: playbook_ledger::LedgerError| {
        AppError::from(fault).in_ledger(path.as_path().into())
    };
    Ledger::copy(&path, &brand, &copied).map_err(in_ledger)?;
    prove(&copied, brand)
}

/// Proves the ledger of a brand; one that is broken is an error.
pub(super) fn prove(path: &Path, brand: String) -> Result<BrandMark> {
    let in_ledger =
        |fault: playbook_ledger::LedgerError| AppError::from(fault).in_ledger(path.into());
    let proof = Ledger::read(path, &brand).and_then(|ledger| ledger.prove()).map_err(in_ledger)?;
    match proof {
        Proof::Sound { groups, entries, seal } => {
            Ok(BrandMark { brand, groups, entries, seal: seal.hex() })
        }
        Proof::Broken(flaw) => {
            let what = format!("does not prove: {flaw}");
            Err(AppError::DataFolder { folder: path.to_owned(), what })
        }
    }
}

pub(super) fn mark(host: &Host, path: &Path) -> Result<FileMark> {
    let bytes = fs::metadata(path).map_err(FileError::of("read", path))?.len();
    Ok(FileMark { bytes, sha256: digest(path, host.cancel())?.hex() })
}

/// Copies a file with its rights. Outputs of cycles come and go while a service runs: one that has gone is no part of it.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(FileError::of("create", folder))?;
    }
    match fs::copy(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !from.exists() => Ok(()),
        copied => Ok(copied.map(drop).map_err(FileError::of("copy", from))?),
    }
}
