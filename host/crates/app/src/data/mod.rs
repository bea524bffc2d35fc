//! The data folder of a service: what lies where, its layout, backups, and the log of a brand out of it and into it.

mod backup;
mod export;
mod import;
mod restore;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use playbook_files::{FileError, read_regular, write_whole};
use serde::{Deserialize, Serialize};

pub use backup::{BackedUp, BrandMark, FileMark, back_up};
pub use export::{Exported, export};
pub use import::{Imported, import};
pub use restore::restore;

use crate::{AppError, Result};

/// The layout that this program writes: of the folder, and of what a brand keeps beside its ledger. The ledger's file and
/// the keys tell their own.
const LAYOUT: u32 = 1;
/// File that tells the layout. A folder without it is of the first.
const LAYOUT_FILE: &str = "layout.json";
/// Folder with a folder for each brand.
const BRANDS: &str = "brands";
/// File of the keys.
const KEYS_FILE: &str = "keys.json";

#[derive(Serialize, Deserialize)]
struct Layout {
    layout: u32,
}

/// The state folder of a brand in the data folder of a service.
#[must_use]
pub fn brand_state(data: &Path, brand: &str) -> PathBuf {
    data.join(BRANDS).join(brand)
}

/// Checks that this program knows the layout of a data folder.
///
/// # Errors
/// [`AppError::DataFolder`] for a later layout, or a file that does not tell it.
pub fn check_layout(data: &Path) -> Result<()> {
    let path = data.join(LAYOUT_FILE);
    let bytes = match read_regular(&path) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => read?,
    };
    known(&bytes).map_err(|what| AppError::DataFolder { folder: data.to_owned(), what })
}

fn known(bytes: &[u8]) -> Result<(), String> {
    match serde_json::from_slice::<Layout>(bytes) {
        Ok(Layout { layout: 1..=LAYOUT }) => Ok(()),
        Ok(Layout { layout }) => Err(format!(
            "is of layout {layout}, this program knows layouts up to {LAYOUT}: take the program that wrote it, or a newer one"
        )),
        Err(error) => Err(format!("does not tell its layout in `{LAYOUT_FILE}`: {error}")),
    }
}

/// Checks the layout of a data folder and notes it there, before anything is written.
///
/// # Errors
/// As [`check_layout`], and where nothing can be written.
pub fn open_data(data: &Path) -> Result<()> {
    fs::create_dir_all(data).map_err(FileError::of("create", data))?;
    check_layout(data)?;
    let path = data.join(LAYOUT_FILE);
    if !path.exists() {
        let text = serde_json::to_vec(&Layout { layout: LAYOUT }).expect("a number is JSON");
        write_whole(&path, &text)?;
    }
    Ok(())
}

/// Names of the brands that have a folder, in order.
fn brands(data: &Path) -> Result<Vec<String>> {
    let folder = data.join(BRANDS);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(FileError::of("read", &folder))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(FileError::of("read", &folder))?;
        names.extend(entry.file_name().into_string().ok().filter(|_| entry.path().is_dir()));
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::{check_layout, open_data};

    #[test]
    fn a_folder_of_the_first_layout_opens_and_of_a_later_one_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        check_layout(&data).unwrap();
        open_data(&data).unwrap();
        open_data(&data).unwrap();
        std::fs::write(data.join("layout.json"), "{\"layout\":2}").unwrap();
        let error = open_data(&data).unwrap_err().to_string();
        assert!(error.contains("is of layout 2, this program knows layouts up to 1"), "{error}");
        for damaged in ["", "{}", "{\"layout\":0}", "{\"layout\":-1}", "2"] {
            std::fs::write(data.join("layout.json"), damaged).unwrap();
            assert!(open_data(&data).is_err(), "{damaged}");
        }
    }
}
