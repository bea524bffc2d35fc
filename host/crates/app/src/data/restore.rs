//! A backup becomes a data folder: only if every byte is there and every ledger proves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use playbook_files::{FileError, WholeFolder, files_below, read_regular};

use super::backup::{BackedUp, LIST_FILE, apart, copy, mark, prove};
use super::{LAYOUT, brand_state, open_data};
use crate::state::ledger_path;
use crate::{AppError, Host, Result};

/// Makes the data folder `data` of the backup in `from`; returns what it holds, and where the folder went that stood there.
/// No service may run over it; `replaces`: whether there may be one.
///
/// # Errors
/// A backup of a later layout, that is not whole, that was altered, or whose ledgers do not prove; a data folder that stands
/// there. Then nothing changed.
pub fn restore(
    host: &Host,
    from: &Path,
    data: &Path,
    replaces: bool,
) -> Result<(BackedUp, Option<PathBuf>)> {
    let list = listed(from)?;
    apart(from, data)?;
    let is_there = fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some());
    if is_there && !replaces {
        let what =
            "holds something already; name another folder, or let it be replaced with --replace";
        return Err(fault(data, what.to_owned()));
    }
    let folder = WholeFolder::create(data)?;
    let aside = folder.dir();
    for (name, expected) in &list.files {
        let path = aside.join(name);
        copy(&from.join(name), &path)?;
        if !path.is_file() {
            return Err(fault(from, format!("lacks the file `{name}`")));
        }
        if mark(host, &path)? != *expected {
            return Err(fault(from, format!("was altered: `{name}` is not what it was")));
        }
    }
    for expected in &list.brands {
        let state = brand_state(aside, &expected.brand);
        let found = prove(&ledger_path(&state), expected.brand.clone())?;
        if found != *expected {
            let what = format!("has another ledger of brand `{}` than it tells", found.brand);
            return Err(fault(from, what));
        }
    }
    open_data(aside)?;
    let before = if is_there { Some(moved_away(data)?) } else { None };
    folder.put()?;
    Ok((list, before))
}

/// The list of a backup, held against the files that are there.
fn listed(from: &Path) -> Result<BackedUp> {
    let path = from.join(LIST_FILE);
    let bytes = read_regular(&path)?;
    let list: BackedUp = serde_json::from_slice(&bytes).map_err(|source| AppError::Damaged {
        path: path.clone(),
        what: "is no list of a backup",
        source,
    })?;
    if list.layout > LAYOUT {
        let what = format!(
            "is of layout {}, this program knows layouts up to {LAYOUT}: take the program that made it, or a newer one",
            list.layout
        );
        return Err(fault(from, what));
    }
    let there: BTreeMap<String, PathBuf> = files_below(from)?.into_iter().collect();
    let other = there.keys().find(|name| *name != LIST_FILE && !list.files.contains_key(*name));
    if let Some(name) = other {
        return Err(fault(from, format!("holds `{name}`, which is no part of the backup")));
    }
    match list.files.keys().find(|name| !there.contains_key(*name)) {
        Some(name) => Err(fault(from, format!("lacks the file `{name}`"))),
        None => Ok(list),
    }
}

fn fault(folder: &Path, what: String) -> AppError {
    AppError::DataFolder { folder: folder.to_owned(), what }
}

/// Gives the folder that stands there another name, under which it stays.
fn moved_away(data: &Path) -> Result<PathBuf> {
    let name = data.file_name().unwrap_or_default().to_string_lossy();
    let free = (1..).map(|number| data.with_file_name(format!("{name}.before-{number}")));
    let to = free.into_iter().find(|path| !path.exists()).expect("numbers do not end");
    fs::rename(data, &to).map_err(FileError::of("rename", data))?;
    Ok(to)
}
