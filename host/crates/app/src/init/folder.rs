//! The files of a folder of exports.

use std::fs;
use std::path::Path;

use playbook_files::FileError;

use super::InitError;
use super::outline::LeftOut;
use crate::Result;
use crate::places::RUN_FILE;

/// Most files of a folder that are looked at.
const FILES_MAX: usize = 200;
/// Endings of data files; `.gz` and `.zst` may follow.
const ENDINGS: [&str; 13] = [
    "csv", "tsv", "txt", "dat", "jsonl", "ndjson", "parquet", "tab", "xlsx", "xlsm", "sqlite",
    "sqlite3", "db",
];

/// Names of data files in a folder and in the folders that lie in it, sorted, and what else lies there.
pub(super) fn data_files(dir: &Path) -> Result<(Vec<String>, Vec<LeftOut>)> {
    let (mut names, mut left_out) = (Vec::new(), Vec::new());
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let path = dir.join(&folder);
        for entry in fs::read_dir(&path).map_err(FileError::of("read", &path))? {
            let entry = entry.map_err(FileError::of("read", &path))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') || name.ends_with(".toml") {
                continue;
            }
            let file = format!("{folder}{name}");
            // A link may lead out of the folder, which a run refuses.
            let kind = entry.file_type().map_err(FileError::of("read", &path))?;
            if kind.is_dir() && folder.is_empty() {
                // Results of a run are no exports.
                match dir.join(&file).join(RUN_FILE).exists() {
                    true => left_out
                        .push(LeftOut { file, why: "it holds the results of a run".to_owned() }),
                    false => folders.push(format!("{file}/")),
                }
            } else if !kind.is_file() && !entry.path().is_file() {
                continue;
            } else if !ENDINGS.contains(&ending(&file).as_str()) {
                let why = format!("its ending is none of a data file ({})", ENDINGS.join(", "));
                left_out.push(LeftOut { file, why });
            } else if names.len() >= FILES_MAX {
                let (path, files_max) = (dir.to_owned(), FILES_MAX);
                return Err(InitError::TooManyFiles { path, files_max }.into());
            } else {
                names.push(file);
            }
        }
    }
    if names.is_empty() {
        return Err(InitError::NoFiles(dir.to_owned()).into());
    }
    names.sort();
    Ok((names, left_out))
}

pub(super) fn unpacked(file: &str) -> &str {
    [".gz", ".zst"].iter().find_map(|packed| file.strip_suffix(packed)).unwrap_or(file)
}

pub(super) fn ending(file: &str) -> String {
    let name = unpacked(file);
    name.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_lowercase())
}
