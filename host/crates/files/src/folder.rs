//! A folder that is written aside and put in its place in one step, so that it is whole or absent.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::exchange::exchange;
use crate::file::{folder_of, sync_folder};
use crate::{FileError, files_below, real_path};

/// What the names of folders that are being written end with.
const PART: &str = ".part";
/// What the name of a folder ends with while another takes its place in two steps.
const REPLACED: &str = ".replaced";

/// Files that are flushed at the same time.
const FLUSHES_AT_ONCE: usize = 4;

/// A folder being written aside. Dropped before [`WholeFolder::put`], it leaves nothing behind.
#[derive(Debug)]
pub struct WholeFolder {
    place: PathBuf,
    aside: PathBuf,
    /// Held as long as the folder is written, so that no other process takes it for one that was left behind.
    _held: Option<File>,
    /// Whether something lies aside that is to be removed. Once it was renamed, its name may be another's.
    lies_aside: bool,
}

impl WholeFolder {
    /// Begins a folder that will stand at `place`, and removes what killed processes left beside it.
    ///
    /// # Errors
    /// Where the folder around `place` cannot be made or written.
    pub fn create(place: &Path) -> Result<Self, FileError> {
        let place = real_path(place)?;
        let around = folder_of(&place);
        fs::create_dir_all(around).map_err(FileError::of("create", around))?;
        recover(&place)?;
        sweep(&place);
        let mut number = 0_u32;
        loop {
            let aside = beside(&place, &format!(".{}-{number}{PART}", std::process::id()));
            number += 1;
            match fs::create_dir(&aside) {
                Ok(()) => {}
                // Processes of two machines or containers may have one number.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(e) => return Err(FileError::of("create", &aside)(e)),
            }
            let held = File::open(&aside).ok().filter(|folder| folder.lock().is_ok());
            // Another process may have swept it away before it was held.
            if aside.is_dir() {
                return Ok(Self { place, aside, _held: held, lies_aside: true });
            }
        }
    }

    /// Where to write.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.aside
    }

    /// Where it will stand, with links resolved.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Puts the folder in its place and removes what stood there.
    ///
    /// Where the file system can exchange two folders, one of the two stands there at every moment. Elsewhere the
    /// earlier one is first renamed; whoever is killed before the second rename finds it again by [`recover`].
    ///
    /// # Errors
    /// Where the bytes or names cannot be written; then what was there stays.
    pub fn put(mut self) -> Result<PathBuf, FileError> {
        sync(&self.aside)?;
        let fault = || FileError::of("write", &self.place);
        if !self.place.exists() {
            fs::rename(&self.aside, &self.place).map_err(fault())?;
            self.lies_aside = false;
        } else if !exchange(&self.aside, &self.place).map_err(fault())? {
            TwoSteps::of(&self.place).all(&self.aside)?;
            self.lies_aside = false;
        }
        sync_folder(folder_of(&self.place))?;
        // What was exchanged lies aside now, and is removed as anything that is left there.
        Ok(self.place.clone())
    }
}

impl Drop for WholeFolder {
    fn drop(&mut self) {
        if self.lies_aside {
            drop(fs::remove_dir_all(&self.aside));
        }
    }
}

/// The renames that replace a folder where the file system cannot exchange two.
struct TwoSteps<'a> {
    place: &'a Path,
    replaced: PathBuf,
}

impl<'a> TwoSteps<'a> {
    fn of(place: &'a Path) -> Self {
        Self { place, replaced: beside(place, REPLACED) }
    }

    fn all(&self, aside: &Path) -> Result<(), FileError> {
        self.first()?;
        if let Err(fault) = self.second(aside) {
            drop(fs::rename(&self.replaced, self.place));
            return Err(fault);
        }
        drop(fs::remove_dir_all(&self.replaced));
        Ok(())
    }

    fn first(&self) -> Result<(), FileError> {
        fs::rename(self.place, &self.replaced).map_err(FileError::of("write", &self.replaced))
    }

    fn second(&self, aside: &Path) -> Result<(), FileError> {
        fs::rename(aside, self.place).map_err(FileError::of("write", self.place))
    }
}

/// Brings back a folder whose replacement was cut short between two steps; whoever reads a folder that others
/// replace calls this first.
///
/// # Errors
/// Where the folder lies beside its place and cannot be renamed.
pub fn recover(place: &Path) -> Result<(), FileError> {
    let place = real_path(place)?;
    let replaced = beside(&place, REPLACED);
    if !replaced.is_dir() {
        return Ok(());
    }
    if place.exists() {
        // Cut short after the second step: the new folder stands, the earlier one only takes room.
        drop(fs::remove_dir_all(&replaced));
        return Ok(());
    }
    fs::rename(&replaced, &place).map_err(FileError::of("restore", &place))
}

/// Removes folders that killed processes were writing for `place`. It only saves room, so faults are passed over.
fn sweep(place: &Path) {
    let Ok(entries) = fs::read_dir(folder_of(place)) else { return };
    let prefix = name_beside(place, ".");
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let middle = name
            .strip_prefix(prefix.as_encoded_bytes())
            .and_then(|rest| rest.strip_suffix(PART.as_bytes()));
        let is_ours = middle
            .is_some_and(|m| !m.is_empty() && m.iter().all(|b| b.is_ascii_digit() || *b == b'-'));
        if !is_ours {
            continue;
        }
        // Held while it is removed: whoever has just made it then waits, and makes another.
        if let Ok(folder) = File::open(entry.path())
            && folder.try_lock().is_ok()
        {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// A hidden path beside `place`, of its name and an ending.
fn beside(place: &Path, ending: &str) -> PathBuf {
    place.with_file_name(name_beside(place, ending))
}

fn name_beside(place: &Path, ending: &str) -> OsString {
    let mut name = OsString::from(".");
    name.push(place.file_name().unwrap_or_default());
    name.push(ending);
    name
}

/// Brings all bytes and names below a folder to the disk: after a loss of power it is whole too.
///
/// Files are flushed side by side: a disk takes several flushes in little more than the time of one.
fn sync(folder: &Path) -> Result<(), FileError> {
    let files = files_below(folder)?;
    let next = AtomicUsize::new(0);
    let flush = || {
        while let Some((_, path)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let flushed = File::open(path).and_then(|file| file.sync_all());
            flushed.map_err(FileError::of("write", path))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let flushes: Vec<_> = (0..FLUSHES_AT_ONCE).map(|_| scope.spawn(flush)).collect();
        flushes.into_iter().try_for_each(|one| one.join().expect("flushing does not panic"))
    })?;
    let mut folders: Vec<&Path> = files.iter().map(|(_, path)| folder_of(path)).collect();
    folders.push(folder);
    folders.sort_unstable();
    folders.dedup();
    folders.into_iter().try_for_each(sync_folder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::{TwoSteps, WholeFolder, recover};

    fn written(place: &Path, text: &str) -> WholeFolder {
        let folder = WholeFolder::create(place).unwrap();
        fs::create_dir(folder.dir().join("inner")).unwrap();
        fs::write(folder.dir().join("inner/file"), text).unwrap();
        folder
    }

    fn read(place: &Path) -> String {
        fs::read_to_string(place.join("inner/file")).unwrap()
    }

    /// Everything that lies beside a place.
    fn names(place: &Path) -> Vec<String> {
        let entries = fs::read_dir(place.parent().unwrap()).unwrap();
        entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    /// What SIGKILL does: nothing is cleaned up, locks are gone.
    fn kill(folder: WholeFolder) {
        let aside = folder.dir().to_path_buf();
        let kept = aside.with_extension("kept");
        fs::rename(&aside, &kept).unwrap();
        drop(folder);
        fs::rename(&kept, &aside).unwrap();
    }

    #[test]
    fn a_folder_replaces_the_earlier_one_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("out");
        written(&place, "first").put().unwrap();
        written(&place, "second").put().unwrap();
        drop(written(&place, "never put"));
        assert_eq!(read(&place), "second");
        assert_eq!(names(&place), ["out"]);
    }

    #[test]
    fn a_reader_finds_a_whole_folder_at_every_moment() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("out");
        written(&place, "0").put().unwrap();
        let ends = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut reads = 0_u32;
                while !ends.load(Ordering::Relaxed) {
                    assert!(place.join("inner").is_dir(), "gone after {reads} looks");
                    reads += 1;
                }
                reads
            });
            for number in 1..=50 {
                written(&place, &number.to_string()).put().unwrap();
            }
            ends.store(true, Ordering::Relaxed);
            assert!(reader.join().unwrap() > 0);
        });
        assert_eq!(read(&place), "50");
    }

    #[test]
    fn killed_between_the_two_steps_the_earlier_folder_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("out");
        written(&place, "first").put().unwrap();
        let second = written(&place, "second");
        TwoSteps::of(&place).first().unwrap();
        kill(second);
        assert!(!place.exists());
        recover(&place).unwrap();
        assert_eq!(read(&place), "first");

        // The next writer does the same, and removes the half that was left.
        let second = written(&place, "second");
        TwoSteps::of(&place).first().unwrap();
        kill(second);
        let third = written(&place, "third");
        assert_eq!(read(&place), "first");
        assert_eq!(names(&place).len(), 2, "{:?}", names(&place));
        third.put().unwrap();
        assert_eq!(read(&place), "third");
    }

    #[test]
    fn killed_after_the_second_step_the_new_folder_stays() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("out");
        written(&place, "first").put().unwrap();
        let second = written(&place, "second");
        let steps = TwoSteps::of(&place);
        steps.first().unwrap();
        steps.second(second.dir()).unwrap();
        drop(second);
        recover(&place).unwrap();
        assert_eq!(read(&place), "second");
        assert_eq!(names(&place), ["out"]);
    }

    #[test]
    fn a_second_step_that_fails_leaves_the_earlier_folder_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("out");
        written(&place, "first").put().unwrap();
        TwoSteps::of(&place).all(&dir.path().join("absent")).unwrap_err();
        assert_eq!(read(&place), "first");
        assert_eq!(names(&place), ["out"]);
    }

    #[test]
    fn what_another_process_writes_is_not_swept_away() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("out");
        let (first, second) = (written(&place, "first"), written(&place, "second"));
        assert_ne!(first.dir(), second.dir());
        first.put().unwrap();
        assert_eq!(read(&place), "first");
        second.put().unwrap();
        assert_eq!(read(&place), "second");
        assert_eq!(names(&place), ["out"]);
    }

    #[test]
    fn a_link_to_the_place_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        written(&real, "first").put().unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        written(&link, "second").put().unwrap();
        assert!(link.is_symlink());
        assert_eq!(read(&real), "second");
    }
}
