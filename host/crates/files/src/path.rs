//! Paths with their links resolved, and the files below a folder.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::FileError;

/// Returns the absolute path with every link, `.` and `..` resolved as far as it exists; the rest stays as written.
///
/// # Errors
/// A link that leads nowhere, or a folder on the way that cannot be entered.
pub fn real_path(path: &Path) -> Result<PathBuf, FileError> {
    let absolute = std::path::absolute(path).map_err(FileError::of("find", path))?;
    let mut real = PathBuf::new();
    for part in absolute.components() {
        match part {
            // What stands here is resolved, so its parent is where it lies and not where a link to it lies.
            Component::ParentDir => drop(real.pop()),
            Component::Normal(name) => {
                real.push(name);
                real = resolved(real)?;
            }
            other => real.push(other),
        }
    }
    Ok(real)
}

/// Resolves the last part of a path whose other parts are resolved.
fn resolved(path: PathBuf) -> Result<PathBuf, FileError> {
    match fs::canonicalize(&path) {
        Ok(real) => Ok(real),
        // A link to nothing would be taken for a free place, and what it stands for would not be seen.
        Err(e) if e.kind() == io::ErrorKind::NotFound && !path.is_symlink() => Ok(path),
        Err(e) => Err(FileError::of("find", &path)(e)),
    }
}

/// All files below a folder, with their names relative to it (`/` between the parts); links are files.
///
/// # Errors
/// A folder that cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<(String, PathBuf)>, FileError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inner) = folders.pop() {
        let fault = || FileError::of("read", &inner);
        for entry in fs::read_dir(&inner).map_err(fault())? {
            let entry = entry.map_err(fault())?;
            let path = entry.path();
            if entry.file_type().map_err(fault())?.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy();
            files.push((name.replace('\\', "/"), path));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{files_below, real_path};

    #[test]
    fn links_and_dots_are_resolved_as_far_as_the_path_exists() {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir_all(top.join("real/inner")).unwrap();
        symlink(top.join("real/inner"), top.join("link")).unwrap();
        let cases = [
            ("real", "real"),
            ("link", "real/inner"),
            ("link/new/more", "real/inner/new/more"),
            // The system goes up from where the link leads, and so does this.
            ("link/..", "real"),
            ("new/../real", "real"),
            ("./real/./inner", "real/inner"),
        ];
        for (path, want) in cases {
            assert_eq!(real_path(&top.join(path)).unwrap(), top.join(want), "{path}");
        }
    }

    #[test]
    fn a_link_that_leads_nowhere_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        symlink(dir.path().join("gone"), dir.path().join("link")).unwrap();
        let error = real_path(&dir.path().join("link/out")).unwrap_err();
        assert!(error.to_string().contains("link"), "{error}");
    }

    #[test]
    fn files_are_found_at_any_depth_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::write(dir.path().join("a/b/c"), "").unwrap();
        symlink(dir.path(), dir.path().join("a/loop")).unwrap();
        let mut names: Vec<String> =
            files_below(dir.path()).unwrap().into_iter().map(|(name, _)| name).collect();
        names.sort();
        assert_eq!(names, ["a/b/c", "a/loop"]);
    }
}
