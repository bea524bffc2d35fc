//! The repository as texts by path, and what is read from manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// Endings of files that are read; other files only count as being there.
const TEXTS: [&str; 13] = [
    "rs",
    "toml",
    "md",
    "wit",
    "txt",
    "py",
    "sh",
    "css",
    "html",
    "json",
    "sql",
    "yml",
    "gitignore",
];

/// The map of the repository.
pub(crate) const MAP: &str = "docs/ARCHITECTURE.md";

/// Files of a repository by path relative to its root; files that are no text are empty.
pub(crate) struct Tree(pub(crate) BTreeMap<String, String>);

impl Tree {
    /// Reads the repository around the package under test.
    pub(crate) fn of_repository() -> Self {
        let package = std::env::current_dir().unwrap();
        let root = package.parent().unwrap();
        let ignored = fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
        let ignored: BTreeSet<String> = ignored
            .lines()
            .map(|l| l.trim().trim_matches('/').to_owned())
            .filter(|l| !l.is_empty())
            .collect();
        let mut files = BTreeMap::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(root.join(&folder)).unwrap() {
                let entry = entry.unwrap();
                let path = folder.join(entry.file_name());
                let name = path.to_str().unwrap().replace('\\', "/");
                let last = name.rsplit('/').next().unwrap_or(&name);
                if ignored.contains(&name) || [".git", "target", "__pycache__"].contains(&last) {
                    continue;
                }
                if entry.file_type().unwrap().is_dir() {
                    folders.push(path);
                    continue;
                }
                let ending = name.rsplit(['.', '/']).next().unwrap_or("");
                let is_text = TEXTS.contains(&ending) || !last.contains('.');
                let text = if is_text {
                    fs::read_to_string(entry.path()).unwrap_or_default()
                } else {
                    String::new()
                };
                files.insert(name, text);
            }
        }
        Self(files)
    }

    /// A small tree for a test of a check.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    pub(crate) fn text(&self, path: &str) -> &str {
        self.0.get(path).map_or("", String::as_str)
    }

    pub(crate) fn ending<'a>(
        &'a self,
        ending: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a String)> {
        self.0.iter().filter(move |(path, _)| path.ends_with(ending))
    }

    /// Whether a file or folder is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        let below = format!("{path}/");
        path.is_empty() || self.0.contains_key(path) || self.0.keys().any(|p| p.starts_with(&below))
    }

    /// Packages of the workspace: name, folder, manifest.
    pub(crate) fn packages(&self) -> Vec<Package<'_>> {
        self.ending("Cargo.toml")
            .filter_map(|(path, text)| {
                let name = entries(text)
                    .into_iter()
                    .find(|e| e.section == "package" && e.key == "name")?;
                Some(Package { name: name.value.trim_matches('"').to_owned(), path, text })
            })
            .collect()
    }
}

pub(crate) struct Package<'a> {
    pub(crate) name: String,
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
}

impl Package<'_> {
    /// Names under [dependencies] and [build-dependencies], for any target; not [dev-dependencies].
    pub(crate) fn dependencies(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for entry in entries(self.text) {
            let (table, named) = match entry.section.split_once("dependencies.") {
                Some((before, name)) => (format!("{before}dependencies"), Some(name.to_owned())),
                None => (entry.section.clone(), None),
            };
            let counts = table == "dependencies"
                || table.ends_with(".dependencies")
                || table == "build-dependencies";
            if counts {
                let own = entry.key.split('.').next().unwrap_or("").to_owned();
                names.insert(named.unwrap_or(own).trim_matches('"').to_owned());
            }
        }
        names
    }
}

pub(crate) struct Entry {
    pub(crate) section: String,
    pub(crate) key: String,
    pub(crate) value: String,
}

/// Keys of a manifest by section, line by line: manifests here put one key on a line.
pub(crate) fn entries(manifest: &str) -> Vec<Entry> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = name.trim_matches(['[', ']']).to_owned();
        } else if let Some((key, value)) = line.split_once('=')
            && !line.starts_with('#')
        {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            found.push(Entry { section: section.clone(), key, value });
        }
    }
    found
}
