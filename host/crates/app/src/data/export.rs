//! The log of a brand as files, with a playbook over them that a run takes as it is.

use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use playbook_files::{FileError, WholeFolder, files_below};
use playbook_ledger::{LedgerFile, Vault as _};
use playbook_model::{MapRow, MapType, Origin, Playbook, SourceDef, SourceTable};
use playbook_online::{Source, Version, last_activated};

use super::backup::{apart, copy};
use super::{brand_state, check_layout};
use crate::closing::{FILES, LogFiles, OF_LOG, is_of_log, log_source_of, write_log};
use crate::serve::version_of;
use crate::state::ledger_path;
use crate::{AppError, Host, Result};

/// Folder with the files of the brand's playbook.
const FOLDER: &str = "playbook";
/// The playbook over the log.
const TOP: &str = "playbook.toml";

/// What an export holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Events.
    pub events: u64,
    /// Members.
    pub members: u64,
    /// Answers about consents.
    pub consents: u64,
}

/// Writes what a service keeps of a brand's members into the folder `to`, which is whole or absent and takes the place of an
/// earlier export: events, members and consents as Parquet, as they stand when this begins, and the playbook that decides.
///
/// # Errors
/// A brand that was never served, or whose version cannot be opened; files that cannot be written.
pub fn export(host: &Arc<Host>, data: &Path, brand: &str, to: &Path) -> Result<Exported> {
    check_layout(data)?;
    apart(data, to)?;
    let is_taken = fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some());
    if is_taken && !to.join(FOLDER).is_dir() {
        let what = "holds something else than an export; name another folder".to_owned();
        return Err(AppError::DataFolder { folder: to.to_owned(), what });
    }
    let state = brand_state(data, brand);
    let ledger = ledger_path(&state);
    let in_ledger = |fault: playbook_ledger::LedgerError| {
        AppError::from(fault).in_ledger(ledger.as_path().into())
    };
    let never = || AppError::DataFolder {
        folder: data.to_owned(),
        what: format!("has no brand `{brand}` that was served"),
    };
    if !ledger.is_file() {
        return Err(never());
    }
    let vault = LedgerFile::at(&ledger);
    let last = vault.read(brand).and_then(|ledger| last_activated(&ledger)).map_err(in_ledger)?;
    let (_, source) = last.ok_or_else(never)?;
    let version = version_of(host, &state, brand, &source)?;
    let folder = WholeFolder::create(to)?;
    let aside = folder.dir();
    let files = write_log(&vault, &version, aside)?;
    let top = write_playbook(&source, &aside.join(FOLDER))?;
    let other = state.join(FILES);
    if other.is_dir() {
        for (name, path) in files_below(&other)? {
            copy(&path, &aside.join(name))?;
        }
    }
    let text = over_log(version.playbook(), &top, &version);
    let path = aside.join(TOP);
    fs::write(&path, text).map_err(FileError::of("write", &path))?;
    folder.put()?;
    let LogFiles { rows: [events, members, consents, _], .. } = files;
    Ok(Exported { events, members, consents })
}

/// Writes the files of a playbook below `folder`, as they lie to each other; returns the path of the top one there.
fn write_playbook(source: &Source, folder: &Path) -> Result<String> {
    let paths: Vec<PathBuf> = source.files.iter().map(|(name, _)| plain(Path::new(name))).collect();
    let folders: Vec<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
    let mut common = folders.first().map_or_else(PathBuf::new, |first| first.to_path_buf());
    while !folders.iter().all(|folder| folder.starts_with(&common)) && common.pop() {}
    let mut top = String::new();
    for (path, (name, text)) in paths.iter().zip(&source.files) {
        let below = path.strip_prefix(&common).unwrap_or(path);
        let to = folder.join(below);
        let around = to.parent().unwrap_or(folder);
        fs::create_dir_all(around).map_err(FileError::of("create", around))?;
        fs::write(&to, text).map_err(FileError::of("write", &to))?;
        if *name == source.file {
            top = format!("{FOLDER}/{}", below.display());
        }
    }
    Ok(top)
}

/// A path without `.` and without a part that `..` takes back; one that leads out begins at its last way out.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::Normal(part) => plain.push(part),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    plain
}

/// The playbook that lays the log over the brand's own sources of events, members, consents and identities.
fn over_log(playbook: &Playbook, top: &str, version: &Version) -> String {
    let (gone, stays): (Vec<&SourceDef>, Vec<&SourceDef>) = playbook
        .sources
        .iter()
        .partition(|source| is_of_log(source.table) || source.origin != Origin::Files);
    let gone: Vec<String> =
        gone.iter().map(|gone| quoted(&format!("source.{}", gone.name))).collect();
    let mut text = format!("extends = {}\nremove = [{}]\n", quoted(top), gone.join(", "));
    for source in stays {
        let _ = write!(text, "\n[[source]]\nname = {}\noptional = true\n", quoted(&source.name));
    }
    for (table, name) in OF_LOG {
        let source = log_source_of(version, table);
        let _ = write!(
            text,
            "\n[[source]]\nname = \"log-{name}\"\ntable = \"{name}\"\npath = \"{name}-*.parquet\"\n\
             format = \"parquet\"\noptional = true\nrejects_max = 0.0\n"
        );
        if table == SourceTable::Events {
            text.push_str("dedupe = \"none\"\n");
        }
        for row in &source.mapping {
            text.push_str(&mapping(row));
        }
    }
    text
}

fn mapping(row: &MapRow) -> String {
    let (name, more) = match row.map_type {
        MapType::Text => ("text", "transform = \"copy\"\n"),
        MapType::Integer => ("integer", ""),
        MapType::Real => ("real", ""),
        MapType::Money => ("money", "unit = \"minor\"\n"),
        MapType::Time => ("time", "format = \"unix-ms\"\n"),
        MapType::Flag => ("flag", ""),
    };
    let field = &row.to;
    format!("[source.map.{field}]\nfrom = {}\ntype = \"{name}\"\n{more}", quoted(field))
}

/// A basic string of TOML: what a name or path may hold is escaped as in JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use playbook_online::Source;

    use super::write_playbook;

    #[test]
    fn files_of_a_playbook_lie_to_each_other_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["/srv/brands/./acme.toml", "/srv/brands/../shared/base.toml"];
        let source = Source {
            file: files[0].to_owned(),
            files: files.map(|name| (name.to_owned(), name.to_owned())).to_vec(),
            ..Source::default()
        };
        assert_eq!(write_playbook(&source, folder.path()).unwrap(), "playbook/brands/acme.toml");
        for (name, text) in [("brands/acme.toml", files[0]), ("shared/base.toml", files[1])] {
            assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), text);
        }
        let source = Source {
            files: vec![("club.toml".to_owned(), String::new())],
            file: "club.toml".to_owned(),
            ..source
        };
        assert_eq!(write_playbook(&source, folder.path()).unwrap(), "playbook/club.toml");
    }
}
