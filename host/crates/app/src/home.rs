//! The home folder of a host: installed plugins, compiled code, keys, default state.

use std::fs;
use std::path::{Path, PathBuf};

use playbook_files::{FileError, read_regular, write_whole};
use semver::{Version, VersionReq};

use crate::{AppError, Result};

/// The home folder.
#[derive(Debug, Clone)]
pub struct Home {
    dir: PathBuf,
}

/// An installed plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Name.
    pub name: String,
    /// Version.
    pub version: Version,
    /// Its component.
    pub path: PathBuf,
}

impl Home {
    /// Opens a home folder, and makes it where it is absent.
    ///
    /// # Errors
    /// Where it cannot be made or found.
    pub fn open(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).map_err(FileError::of("create", dir))?;
        Ok(Self { dir: fs::canonicalize(dir).map_err(FileError::of("find", dir))? })
    }

    /// The folder itself.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Folders inside that belong to the host: what is in them must not be replaced.
    #[must_use]
    pub fn own_dirs(&self) -> [PathBuf; 5] {
        ["plugins", "artefacts", "state", "compiled", "keys"].map(|name| self.dir.join(name))
    }

    /// File of the connections that playbooks may name.
    #[must_use]
    pub fn connections_file(&self) -> PathBuf {
        self.dir.join("connections.toml")
    }

    /// File of the host, whose policy of trust counts where no other file is named.
    #[must_use]
    pub fn host_file(&self) -> PathBuf {
        self.dir.join("host.toml")
    }

    /// Folder of artefacts that came from registries.
    #[must_use]
    pub fn artefacts_dir(&self) -> PathBuf {
        self.dir.join("artefacts")
    }

    /// Folder of installed plugins.
    #[must_use]
    pub fn plugins_dir(&self) -> PathBuf {
        self.dir.join("plugins")
    }

    /// Folder where a brand's ledger and closed cycles live unless the run names another.
    #[must_use]
    pub fn state_dir(&self, brand: &str) -> PathBuf {
        self.dir.join("state").join(brand)
    }

    /// All installed plugins by name, newest version first.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn installed(&self) -> Result<Vec<Installed>> {
        let dir = self.plugins_dir();
        let mut found = Vec::new();
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            Err(e) => return Err(FileError::of("read", &dir)(e).into()),
        };
        for entry in entries {
            let path = entry.map_err(FileError::of("read", &dir))?.path();
            let stem =
                path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_suffix(".wasm"));
            if let Some((name, version)) = stem.and_then(|s| s.split_once('@'))
                && let Ok(version) = Version::parse(version)
            {
                found.push(Installed { name: name.to_owned(), version, path });
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name).then(b.version.cmp(&a.version)));
        Ok(found)
    }

    /// The newest installed version of `name` that `requirement` allows.
    ///
    /// # Errors
    /// Where there is none: what is installed instead, and what to do.
    pub fn find(&self, name: &str, requirement: &str) -> Result<PathBuf> {
        let wanted = VersionReq::parse(requirement)
            .map_err(version_error("a version requirement", requirement))?;
        let installed = self.installed()?;
        let named: Vec<&Installed> = installed.iter().filter(|p| p.name == name).collect();
        if let Some(found) = named.iter().find(|p| wanted.matches(&p.version)) {
            return Ok(found.path.clone());
        }
        let absent = |what: String| Err(AppError::NoPlugin { name: name.to_owned(), what });
        if !named.is_empty() {
            let versions: Vec<String> = named.iter().map(|p| p.version.to_string()).collect();
            let versions = versions.join(", ");
            return absent(format!(
                "is installed as {versions}, none of which meets `{requirement}`"
            ));
        }
        let near = installed
            .iter()
            .map(|p| (strsim::jaro_winkler(&p.name, name), &p.name))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        absent(match near {
            Some((_, near)) => format!("is not installed; did you mean `{near}`?"),
            None if installed.is_empty() => {
                "is not installed, nor is any other: `playbook demo` installs the \
                 reference plugins, `playbook plugin build PATH --install` one of your own"
                    .to_owned()
            }
            None => "is not installed; `playbook plugin list` shows what is".to_owned(),
        })
    }

    /// Copies a component to where playbooks find it by name; returns its new path.
    ///
    /// # Errors
    /// A version that is not semantic, other bytes under that name and version, or a folder that cannot be written.
    pub fn install(&self, component: &[u8], name: &str, version: &str) -> Result<PathBuf> {
        let path = self.place_of(name, version)?;
        match read_regular(&path) {
            Ok(old) if old == component => Ok(path),
            // What is there but cannot be read is not known to be the same.
            _ if path.exists() => Err(AppError::OtherBytes {
                name: name.to_owned(),
                version: version.to_owned(),
                path,
            }),
            _ => self.replace(component, name, version),
        }
    }

    /// Installs a component whatever is installed under its name and version; returns its path.
    ///
    /// # Errors
    /// A version that is not semantic, or a folder that cannot be written.
    pub fn replace(&self, component: &[u8], name: &str, version: &str) -> Result<PathBuf> {
        let path = self.place_of(name, version)?;
        let dir = self.plugins_dir();
        fs::create_dir_all(&dir).map_err(FileError::of("create", &dir))?;
        if !read_regular(&path).is_ok_and(|old| old == component) {
            write_whole(&path, component)?;
        }
        Ok(path)
    }

    /// Where the component of a name and version is installed.
    fn place_of(&self, name: &str, version: &str) -> Result<PathBuf> {
        let version =
            Version::parse(version).map_err(version_error("a semantic version", version))?;
        Ok(self.plugins_dir().join(format!("{name}@{version}.wasm")))
    }
}

fn version_error(what: &'static str, text: &str) -> impl FnOnce(semver::Error) -> AppError {
    let text = text.to_owned();
    move |source| AppError::Version { what, text, source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::Home;

    #[test]
    fn the_newest_version_that_fits_is_found_and_a_typing_error_gets_a_hint() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        for version in ["0.1.0", "0.1.9", "0.2.0"] {
            home.install(version.as_bytes(), "value-rfm", version).unwrap();
        }
        let found = home.find("value-rfm", "^0.1").unwrap();
        assert_eq!(std::fs::read(found).unwrap(), b"0.1.9");
        let hint = home.find("value-rfn", "*").unwrap_err().to_string();
        assert!(hint.contains("did you mean `value-rfm`"), "{hint}");
        let versions = home.find("value-rfm", "^1").unwrap_err().to_string();
        assert!(versions.contains("0.2.0, 0.1.9, 0.1.0"), "{versions}");
    }

    #[test]
    fn other_bytes_under_a_name_and_version_are_refused_until_they_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        let path = home.install(b"one", "value-rfm", "0.1.0").unwrap();
        assert_eq!(home.install(b"one", "value-rfm", "0.1.0").unwrap(), path);
        let error = home.install(b"two", "value-rfm", "0.1.0").unwrap_err();
        assert!(error.to_string().contains("`value-rfm` 0.1.0 is installed"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        home.replace(b"two", "value-rfm", "0.1.0").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert!(matches!(
            home.install(b"one", "value-rfm", "0.1"),
            Err(crate::AppError::Version { .. })
        ));
    }
}
