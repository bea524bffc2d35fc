//! A brand's state folder: its ledger, the components that closed the last cycle, copies of components.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use playbook_batch::CLOSED_FOLDER;
use playbook_cycle::CycleRun;
use playbook_files::{FileError, read_regular, write_whole};
use playbook_ledger::{Ledger, LedgerError, is_blank};
use playbook_model::Digest;

use crate::evidence::LedgerMark;
use crate::host::Pinned;
use crate::places::LEDGER_FILE;
use crate::{AppError, Result};

/// File with the components that closed the last cycle, by playbook and stage.
const LAST_GOOD_FILE: &str = "last-good.json";
/// Folder of components.
const COMPONENTS: &str = "components";

/// The ledger in a state folder.
#[must_use]
pub fn ledger_path(state: &Path) -> PathBuf {
    state.join(LEDGER_FILE)
}

/// The copies of components that runs used.
pub(crate) fn components_dir(state: &Path) -> PathBuf {
    state.join(COMPONENTS)
}

/// Opens the ledger to book in, or a rehearsal: of now, or as it stood when a run decided.
pub(crate) fn open_ledger(
    state: &Path,
    brand: &str,
    books: bool,
    mark: Option<&LedgerMark>,
) -> Result<Ledger> {
    let path = ledger_path(state);
    // A brand without a ledger gets one only if nothing shows that it had one.
    let is_new = is_blank(&path) && !has_run(state)?;
    let rehearse = |head: Option<(i64, Digest)>| match head {
        Some(head) if is_new && head.0 > 0 => Err(LedgerError::OtherHistory { group: head.0 }),
        _ if is_new => Ledger::in_memory(brand),
        Some(head) => Ledger::rehearse_at(&path, brand, head),
        None => Ledger::rehearse(&path, brand),
    };
    if let Some(head) = mark.and_then(LedgerMark::head) {
        match rehearse(Some(head)) {
            Err(LedgerError::OtherHistory { .. }) => {
                tracing::warn!(
                    "`{}` is not the ledger of the run: what it granted may differ",
                    path.display()
                );
            }
            other => return Ok(other?),
        }
    }
    if !books {
        return Ok(rehearse(None)?);
    }
    if !is_new {
        return Ok(Ledger::open(&path, brand)?);
    }
    fs::create_dir_all(state).map_err(FileError::of("create", state))?;
    Ok(Ledger::open_or_create(&path, brand)?)
}

/// Whether the brand of this state folder has run before: it then had a ledger.
pub(crate) fn has_run(state: &Path) -> Result<bool> {
    let holds = |folder: PathBuf| match fs::read_dir(&folder) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(FileError::of("read", &folder)(e)),
    };
    Ok(state.join(LAST_GOOD_FILE).is_file()
        || holds(state.join(CLOSED_FOLDER))?
        || holds(components_dir(state))?)
}

/// Digests by stage, by playbook.
type Good = BTreeMap<String, BTreeMap<String, String>>;

/// The components that closed the last cycle of a playbook.
pub(crate) fn last_good(state: &Path, playbook: &str) -> Result<Pinned> {
    let all = read_good(&state.join(LAST_GOOD_FILE))?;
    Ok(all
        .get(playbook)
        .into_iter()
        .flatten()
        .filter_map(|(stage, digest)| Some((stage.clone(), Digest::from_hex(digest)?)))
        .collect())
}

/// Notes the components that closed a cycle; stages with a fault keep none.
pub(crate) fn remember_good(state: &Path, playbook: &str, run: &CycleRun) -> Result<()> {
    let path = state.join(LAST_GOOD_FILE);
    let mut all = read_good(&path)?;
    let stages = run.stages.iter().filter(|s| s.fault.is_none());
    all.insert(playbook.to_owned(), stages.map(|s| (s.name.clone(), s.digest.hex())).collect());
    let text = serde_json::to_vec_pretty(&all).expect("texts by text are JSON");
    Ok(write_whole(&path, &text)?)
}

fn read_good(path: &Path) -> Result<Good> {
    let text = match read_regular(path) {
        Ok(text) => text,
        Err(e) if e.source.kind() == std::io::ErrorKind::NotFound => return Ok(Good::new()),
        Err(e) => return Err(e.into()),
    };
    let what = "is damaged; remove it to go on without";
    serde_json::from_slice(&text).map_err(|source| AppError::Damaged {
        path: path.to_owned(),
        what,
        source,
    })
}
