//! The host's connections, and who may name them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use playbook_model::{Connection, Origin, SourceDef};
use playbook_toml::{Disk, Loaded, connections};

use crate::{AppError, Host, Result};

/// The connections of a host.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    file: PathBuf,
    by_name: BTreeMap<String, Connection>,
}

impl Connections {
    /// Reads the file that is named, else that of the home folder; where the latter is absent, there are none.
    ///
    /// What a finished run says of itself plays no part: a folder of results is no word of the host.
    pub(crate) fn read(host: &Host) -> Result<Self> {
        let named = host.connections();
        let file = named.map_or_else(|| host.home().connections_file(), Path::to_owned);
        if named.is_none() && !file.exists() {
            return Ok(Self { file, by_name: BTreeMap::new() });
        }
        let by_name =
            connections(&file, &Disk).map_err(|problems| AppError::Faulty(Box::new(problems)))?;
        Ok(Self { file, by_name })
    }

    /// The connection that a source or lookup names.
    pub(crate) fn of_source(&self, loaded: &Loaded, source: &SourceDef) -> Result<&Connection> {
        let (Origin::Database(name, _) | Origin::Objects(name)) = &source.origin else {
            unreachable!("asked for sources with a connection alone")
        };
        let path = format!("{}.connection", source.entry());
        self.named(loaded, name, &source.words(), &path)
    }

    /// The connection of a name, where brand and host agree on it.
    pub(crate) fn named(
        &self,
        loaded: &Loaded,
        name: &str,
        what: &str,
        path: &str,
    ) -> Result<&Connection> {
        let brand = loaded.playbook.brand.as_str();
        self.served(name, brand).map_err(|has| AppError::NoConnection {
            what: what.to_owned(),
            connection: name.to_owned(),
            at: place_of(loaded, path),
            brand: brand.to_owned(),
            has,
        })
    }

    /// The connection of a name that serves a brand; where there is none, what the host has instead, in words.
    pub(crate) fn served(&self, name: &str, brand: &str) -> Result<&Connection, String> {
        // What other brands have is not told.
        self.among(name, |known| known.serves(brand))
    }

    /// The connection of a name, for the host itself; where there is none, what it has instead, in words.
    pub(crate) fn declared(&self, name: &str) -> Result<&Connection, String> {
        self.among(name, |_| true)
    }

    fn among(
        &self,
        name: &str,
        is_meant: impl Fn(&Connection) -> bool,
    ) -> Result<&Connection, String> {
        if let Some(found) = self.by_name.get(name).filter(|found| is_meant(found)) {
            return Ok(found);
        }
        let meant = self.by_name.values().filter(|known| is_meant(known));
        let names: Vec<String> = meant.map(|known| format!("`{}`", known.name)).collect();
        Err(match names.as_slice() {
            [] => format!(
                "its platform team declares connections in `{}`, or in the file of --connections",
                self.file.display()
            ),
            names => format!("it has {}", names.join(", ")),
        })
    }
}

/// Where a path of the playbook stands, for people.
pub(crate) fn place_of(loaded: &Loaded, path: &str) -> String {
    let found = loaded.place(path).and_then(|place| {
        let source = loaded.sources.get(place.file)?;
        let (line, column) = source.line_column(place.start);
        Some(format!("{}:{line}:{column}", source.name))
    });
    found.unwrap_or_else(|| "no place".to_owned())
}
