//! The home folder of a host: installed plugins, compiled code, keys, default state.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use semver::{Version, VersionReq};

/// The home folder.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    dir: PathBuf,
}

/// An installed plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installed {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) path: PathBuf,
}

impl Home {
    /// Takes the folder that was asked for, else `PLAYBOOK_HOME`, else the data folder of the user.
    pub(crate) fn open(asked: Option<&Path>) -> Result<Self> {
        let dir = match asked {
            Some(dir) => dir.to_path_buf(),
            None => user_data_dir()
                .context("no home folder is known: set PLAYBOOK_HOME, or pass --home DIR")?,
        };
        fs::create_dir_all(&dir).with_context(|| format!("cannot create `{}`", dir.display()))?;
        Ok(Self { dir: fs::canonicalize(&dir).unwrap_or(dir) })
    }

    /// Folder of the compiled code and its key.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Folder of installed plugins.
    pub(crate) fn plugins_dir(&self) -> PathBuf {
        self.dir.join("plugins")
    }

    /// Folder where a brand's ledger and closed cycles live unless the run names another.
    pub(crate) fn state_dir(&self, brand: &str) -> PathBuf {
        self.dir.join("state").join(brand)
    }

    /// All installed plugins by name, newest version first.
    pub(crate) fn installed(&self) -> Result<Vec<Installed>> {
        let dir = self.plugins_dir();
        let mut found = Vec::new();
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            Err(e) => return Err(e).with_context(|| format!("cannot read `{}`", dir.display())),
        };
        for entry in entries {
            let path = entry?.path();
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
    pub(crate) fn find(&self, name: &str, requirement: &str) -> Result<PathBuf> {
        let wanted = VersionReq::parse(requirement)
            .with_context(|| format!("`{requirement}` is not a version requirement"))?;
        let installed = self.installed()?;
        let named: Vec<&Installed> = installed.iter().filter(|p| p.name == name).collect();
        if let Some(found) = named.iter().find(|p| wanted.matches(&p.version)) {
            return Ok(found.path.clone());
        }
        if !named.is_empty() {
            let versions: Vec<String> = named.iter().map(|p| p.version.to_string()).collect();
            bail!(
                "plugin `{name}` is installed as {}, none of which meets `{requirement}`",
                versions.join(", ")
            );
        }
        let near = installed
            .iter()
            .map(|p| (strsim::jaro_winkler(&p.name, name), &p.name))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        match near {
            Some((_, near)) => bail!("plugin `{name}` is not installed; did you mean `{near}`?"),
            None if installed.is_empty() => bail!(
                "plugin `{name}` is not installed, nor is any other: `playbook demo` installs the reference plugins, \
                 `playbook plugin build PATH --install` one of your own"
            ),
            None => bail!("plugin `{name}` is not installed; `playbook plugin list` shows what is"),
        }
    }

    /// Copies a component to where playbooks find it by name; returns its new path.
    pub(crate) fn install(&self, component: &[u8], name: &str, version: &str) -> Result<PathBuf> {
        let version = Version::parse(version).with_context(|| {
            format!("plugin `{name}` has version `{version}`, which is not semantic")
        })?;
        let dir = self.plugins_dir();
        fs::create_dir_all(&dir).with_context(|| format!("cannot create `{}`", dir.display()))?;
        let path = dir.join(format!("{name}@{version}.wasm"));
        if fs::read(&path).is_ok_and(|old| old == component) {
            return Ok(path);
        }
        let aside = dir.join(format!(".{name}@{version}.{}", std::process::id()));
        fs::write(&aside, component)
            .and_then(|()| fs::rename(&aside, &path))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(path)
    }
}

fn user_data_dir() -> Option<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    if let Some(home) = std::env::var_os("PLAYBOOK_HOME").filter(|v| !v.is_empty()) {
        return Some(PathBuf::from(home));
    }
    let data =
        absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")))?;
    Some(data.join("playbook-host"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::Home;

    #[test]
    fn the_newest_version_that_fits_is_found_and_a_typing_error_gets_a_hint() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path())).unwrap();
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
}
