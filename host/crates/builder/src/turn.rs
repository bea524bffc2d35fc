//! One build at a time in a target folder, and whose files it holds.
//!
//! Cargo names what it makes of a package by the package's place below the root of its workspace, and a `cdylib` by its
//! name alone. Two checkouts, or two crates of one name in different folders, that share a target folder therefore share
//! names: what one of them left there is fresh to the other wherever its files are older. So notes say which folder each
//! package was last built from, and what is another folder's is removed before cargo runs.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use playbook_files::write_whole;

use crate::BuildError;
use crate::crates::Package;
use crate::options::Progress;

/// The notes, in the target folder.
const NOTES: &str = "owners.json";
const LOCK: &str = "build.lock";

/// A target folder while this build alone uses it.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Its lock is released when it is closed.
    _lock: File,
    notes: PathBuf,
    /// Who made what lies under each name of cargo's.
    owners: BTreeMap<String, String>,
}

impl Turn {
    /// Waits until no other build uses the folder, and keeps others out.
    pub(crate) fn take(
        folder: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, BuildError> {
        std::fs::create_dir_all(folder).map_err(BuildError::file(folder, "made"))?;
        let path = folder.join(LOCK);
        let lock = File::create(&path).map_err(BuildError::file(&path, "made"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                progress(Progress::Waiting(folder.to_owned()));
                lock.lock().map_err(BuildError::file(&path, "locked"))?;
            }
            Err(TryLockError::Error(error)) => {
                return Err(BuildError::file(&path, "locked")(error));
            }
        }
        let notes = folder.join(NOTES);
        // Notes that cannot be read say nothing: all that is there is another's then, and is made again.
        let owners = std::fs::read(&notes)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        // A build that is killed leaves files of which nobody knows whose they are, so it must leave no notes either.
        match std::fs::remove_file(&notes) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(BuildError::file(&notes, "removed")(error));
            }
            _ => Ok(Self { _lock: lock, notes, owners }),
        }
    }

    /// Takes packages of the workspace at `root` over; returns those of which something may lie there that is not made of them.
    /// The caller removes what lies there.
    pub(crate) fn take_over<'a>(
        &mut self,
        root: &Path,
        packages: impl IntoIterator<Item = &'a Package>,
    ) -> Vec<&'a Package> {
        let mut foreign = Vec::new();
        for package in packages {
            let mut owned = true;
            for (name, owner) in names(root, package) {
                owned &= self.owners.get(&name) == Some(&owner);
                self.owners.insert(name, owner);
            }
            if !owned {
                foreign.push(package);
            }
        }
        foreign
    }

    /// Says that nobody knows whose the files are.
    pub(crate) fn disown(&mut self) {
        self.owners.clear();
    }

    /// Ends the build: all that cargo was asked for is known, so the notes hold.
    pub(crate) fn end(self) -> Result<(), BuildError> {
        let text = serde_json::to_vec_pretty(&self.owners).expect("names are texts");
        Ok(write_whole(&self.notes, &text)?)
    }
}

/// The names that cargo files a package under, and what is true of them where it was built in the workspace at `root`.
fn names(root: &Path, package: &Package) -> Vec<(String, String)> {
    let (root_text, manifest) = (root.to_string_lossy(), package.manifest.to_string_lossy());
    let mut names = Vec::new();
    // Outside the root cargo goes by the whole path, which no other package has.
    if let Ok(below) = package.manifest.strip_prefix(root) {
        let name = format!("package {} {}", package.name, below.to_string_lossy());
        names.push((name, root_text.clone().into_owned()));
    }
    if let Some(library) = &package.library {
        names.push((format!("library {library}"), format!("{manifest} in {root_text}")));
    }
    names
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn package(manifest: &str, library: Option<&str>) -> Package {
        Package {
            name: "one".to_owned(),
            id: format!("path+file://{manifest}#one@0.1.0"),
            manifest: PathBuf::from(manifest),
            library: library.map(ToOwned::to_owned),
        }
    }

    fn place(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("playbook-turn-{name}-{}", std::process::id()))
    }

    fn turn(folder: &Path) -> Turn {
        Turn::take(folder, &mut |_| {}).unwrap()
    }

    #[test]
    fn a_package_is_foreign_until_its_folder_has_built_it_and_after_another_has() {
        let folder = place("owners");
        let (a, b) = (Path::new("/a"), Path::new("/b"));
        let (of_a, of_b) = (package("/a/x/Cargo.toml", None), package("/b/x/Cargo.toml", None));
        for (root, package, foreign) in
            [(a, &of_a, true), (a, &of_a, false), (b, &of_b, true), (a, &of_a, true)]
        {
            let mut turn = turn(&folder);
            assert_eq!(!turn.take_over(root, [package]).is_empty(), foreign, "{root:?}");
            turn.end().unwrap();
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_library_is_known_by_its_name_wherever_its_package_lies() {
        let folder = place("libraries");
        let mut turn = turn(&folder);
        let (here, there) = (Path::new("/a"), Path::new("/b"));
        let first = package("/a/x/Cargo.toml", Some("one"));
        let second = package("/b/y/z/Cargo.toml", Some("one"));
        assert_eq!(turn.take_over(here, [&first]).len(), 1);
        assert_eq!(turn.take_over(there, [&second]).len(), 1);
        assert_eq!(turn.take_over(here, [&first]).len(), 1);
        // One that another workspace builds as a dependency writes over the same file.
        assert_eq!(turn.take_over(there, [&first]).len(), 1);
        drop(turn);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_build_that_was_killed_leaves_no_notes() {
        let folder = place("killed");
        let (root, one) = (Path::new("/a"), package("/a/Cargo.toml", None));
        let mut first = turn(&folder);
        first.take_over(root, [&one]);
        first.end().unwrap();
        // Dropped without an end, as a process that is killed.
        drop(turn(&folder));
        assert_eq!(turn(&folder).take_over(root, [&one]).len(), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_second_build_waits_and_says_so() {
        let folder = place("waits");
        let first = turn(&folder);
        let (told, hears) = std::sync::mpsc::channel();
        let waiting = {
            let folder = folder.clone();
            std::thread::spawn(move || {
                Turn::take(&folder, &mut |progress| told.send(progress).unwrap()).unwrap();
            })
        };
        assert_eq!(hears.recv().unwrap(), Progress::Waiting(folder.clone()));
        first.end().unwrap();
        waiting.join().unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
