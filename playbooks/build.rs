//! Lays the files that travel with the program into it: presets, the catalogue of features, cards beside their engines, pages of
//! models.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where this is"));
    let root = here.join("..").canonicalize()?;
    let mut files = Vec::new();
    take(&root.join("playbooks/presets"), "preset", "toml", &mut files)?;
    take(&root.join("playbooks/catalogue"), "catalogue", "toml", &mut files)?;
    take(&root.join("docs/models"), "page", "md", &mut files)?;
    println!("cargo::rerun-if-changed={}", root.join("plugins").display());
    for plugin in fs::read_dir(root.join("plugins"))? {
        take(&plugin?.path().join("cards"), "card", "toml", &mut files)?;
    }
    files.sort();
    let rows =
        files.iter().map(|(name, path)| format!("    ({name:?}, include_str!({path:?})),\n"));
    let text = format!("&[\n{}]\n", rows.collect::<String>());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to write"));
    fs::write(out.join("shipped.rs"), text)
}

/// Adds the files of a folder with an ending, each as `scheme:stem`.
fn take(
    folder: &Path,
    scheme: &str,
    ending: &str,
    files: &mut Vec<(String, PathBuf)>,
) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    println!("cargo::rerun-if-changed={}", folder.display());
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_some_and(|own| own == ending) {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            files.push((format!("{scheme}:{stem}"), path));
        }
    }
    Ok(())
}
