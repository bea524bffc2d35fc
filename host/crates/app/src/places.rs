//! Which folders a command reads and which it replaces: no folder that is kept may lie where one is replaced.
//!
//! Results are put in place of an earlier run as a whole, so that everything inside that folder goes. Paths are
//! compared with their links and `..` resolved, as far as they exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use playbook_files::{FileError, files_below, read_regular, real_path};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Name of the record in the folder of a run.
pub const RUN_FILE: &str = "run.json";
/// Name of the ledger in a brand's state folder.
pub(crate) const LEDGER_FILE: &str = "ledger.sqlite";

/// What lies in a folder that a command must not destroy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The home folder.
    Home,
    /// A folder inside the home folder that belongs to the host.
    HomePart,
    /// The brand's state folder.
    State,
    /// The folder where relative data paths start.
    Data,
    /// Files that a source of the playbook names.
    Source,
    /// The playbook's file.
    Playbook,
    /// The finished run that is looked at.
    Run,
}

impl Kept {
    fn name(self) -> &'static str {
        match self {
            Self::Home => "the home folder",
            Self::HomePart => "the host's own folder",
            Self::State => "the state folder",
            Self::Data => "the data folder",
            Self::Source => "the source",
            Self::Playbook => "the playbook",
            Self::Run => "the finished run",
        }
    }

    /// How to name another place for it.
    fn other(self) -> &'static str {
        match self {
            Self::Home | Self::HomePart => " or another --home",
            Self::State => " or another --state",
            Self::Data => " or another --data",
            Self::Source | Self::Playbook | Self::Run => "",
        }
    }

    /// Whether nothing may be written inside it, not even a folder of its own.
    fn is_closed(self) -> bool {
        matches!(self, Self::HomePart | Self::State | Self::Run)
    }

    /// Whether it lasts longer than a run, so that it may not lie inside the results of any.
    fn lasts(self) -> bool {
        matches!(self, Self::Home | Self::HomePart | Self::State)
    }
}

/// Why results cannot go where they were asked to go.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// What must be kept lies where an earlier run is replaced.
    #[error(
        "{} `{}` lies inside the folder of results `{}`, which each run replaces as a whole; choose another --out{}",
        kept.name(), path.display(), results.display(), kept.other()
    )]
    Replaced {
        /// What it is.
        kept: Kept,
        /// Where it is.
        path: PathBuf,
        /// Folder of the results.
        results: PathBuf,
    },
    /// Both are one folder.
    #[error(
        "{} and the folder of results are both `{}`, which each run replaces as a whole; choose another --out{}",
        kept.name(), path.display(), kept.other()
    )]
    Same {
        /// What it is.
        kept: Kept,
        /// Where both are.
        path: PathBuf,
    },
    /// Something would be written among what must stay as it is.
    #[error(
        "`{}` lies inside {} `{}`, where nothing else may be written; choose a place outside it",
        written.display(), kept.name(), path.display()
    )]
    Inside {
        /// What would be written.
        written: PathBuf,
        /// What it is.
        kept: Kept,
        /// Where it is.
        path: PathBuf,
    },
    /// What must last lies in, or something would be written into, the results of an earlier run.
    #[error(
        "`{}` lies inside `{}`, the results of an earlier run, which the next run to that place replaces; choose a \
         place outside it",
        path.display(), run.display()
    )]
    InsideRun {
        /// What lies there.
        path: PathBuf,
        /// Folder of the earlier run.
        run: PathBuf,
    },
    /// The folder is there, and is no run's.
    #[error(
        "`{}` exists and is not the folder of an earlier run; choose another --out",
        results.display()
    )]
    NoRun {
        /// Folder of the results.
        results: PathBuf,
    },
    /// The folder is an earlier run's, and somebody put more into it.
    #[error(
        "`{}` is the folder of an earlier run and holds `{entry}`, which that run did not write; move it elsewhere, or \
         choose another --out",
        results.display()
    )]
    Foreign {
        /// Folder of the results.
        results: PathBuf,
        /// The first such file, relative to it.
        entry: String,
    },
    /// A path that cannot be looked at.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Checks that replacing `results` destroys nothing but an earlier run, and that nothing is kept where it would go.
///
/// # Errors
/// The first nesting that would cost something, with both folders and what to do.
pub fn check_results(results: &Path, kept: &[(Kept, &Path)]) -> Result<(), PlaceError> {
    let results = real_path(results)?;
    for (kind, path) in kept {
        let (kept, path) = (*kind, real_path(path)?);
        if path == results {
            return Err(PlaceError::Same { kept, path });
        }
        if path.starts_with(&results) {
            return Err(PlaceError::Replaced { kept, path, results });
        }
        if kept.is_closed() && results.starts_with(&path) {
            return Err(PlaceError::Inside { written: results, kept, path });
        }
        if kept.lasts()
            && let Some(run) = run_around(&path)
        {
            return Err(PlaceError::InsideRun { path, run });
        }
    }
    if let Some(around) = results.parent() {
        check_around(&results, around)?;
    }
    check_replaced(&results)
}

/// Checks that a file or folder which is written beside what is there does not go among what must stay as it is.
///
/// # Errors
/// As for [`check_results`].
pub fn check_written(written: &Path, kept: &[(Kept, &Path)]) -> Result<(), PlaceError> {
    let written = real_path(written)?;
    for (kind, path) in kept {
        let (kept, path) = (*kind, real_path(path)?);
        let replaces = kept == Kept::Playbook && written == path;
        if replaces || kept.is_closed() && written.starts_with(&path) {
            return Err(PlaceError::Inside { written, kept, path });
        }
    }
    check_around(&written, &written)
}

/// Refuses a place inside the results of an earlier run or a brand's state, whosever it is. `from` is where to begin.
fn check_around(written: &Path, from: &Path) -> Result<(), PlaceError> {
    if let Some(run) = run_around(from) {
        return Err(PlaceError::InsideRun { path: written.to_owned(), run });
    }
    match from.ancestors().find(|folder| folder.join(LEDGER_FILE).exists()) {
        None => Ok(()),
        Some(state) => Err(PlaceError::Inside {
            written: written.to_owned(),
            kept: Kept::State,
            path: state.to_owned(),
        }),
    }
}

/// The folder of a run at or above `path`.
fn run_around(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|folder| recorded_outputs(folder).is_some()).map(ToOwned::to_owned)
}

/// Refuses to replace anything but an empty folder or an earlier run with exactly the files that it wrote.
fn check_replaced(results: &Path) -> Result<(), PlaceError> {
    if !results.exists() {
        return Ok(());
    }
    if fs::read_dir(results).is_ok_and(|mut entries| entries.next().is_none()) {
        return Ok(());
    }
    let results = results.to_owned();
    let Some(outputs) = recorded_outputs(&results) else {
        return Err(PlaceError::NoRun { results });
    };
    let mut names: Vec<String> = files_below(&results)?.into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    let foreign = names.into_iter().find(|name| name != RUN_FILE && !outputs.contains(name));
    match foreign {
        None => Ok(()),
        Some(entry) => Err(PlaceError::Foreign { results, entry }),
    }
}

/// Names of the files that a run wrote beside its record; `None` where the folder is not a run's.
fn recorded_outputs(folder: &Path) -> Option<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Record {
        #[serde(rename = "run_key")]
        _run_key: String,
        outputs: BTreeMap<String, IgnoredAny>,
    }
    let text = read_regular(&folder.join(RUN_FILE)).ok()?;
    let record: Record = serde_json::from_slice(&text).ok()?;
    Some(record.outputs.into_keys().collect())
}

/// The path from the root; where the current folder is gone, the path as it is.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// A folder that is removed with its value.
pub(crate) fn temporary_folder() -> Result<tempfile::TempDir, FileError> {
    let around = std::env::temp_dir();
    tempfile::tempdir().map_err(FileError::of("make a temporary folder in", &around))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use super::{Kept, LEDGER_FILE, PlaceError, check_results, check_written};

    /// A folder with the results of a run.
    fn run(at: &Path) {
        fs::create_dir_all(at.join("tables")).unwrap();
        fs::write(at.join("tables/brand.csv"), "key\n").unwrap();
        let record = r#"{ "run_key": "00", "outputs": { "tables/brand.csv": { "bytes": 4, "sha256": "00" } } }"#;
        fs::write(at.join("run.json"), record).unwrap();
    }

    struct World(tempfile::TempDir);

    impl World {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn at(&self, path: &str) -> PathBuf {
            fs::canonicalize(self.0.path()).unwrap().join(path)
        }

        /// Checks results against one folder that is kept; returns what was said.
        #[track_caller]
        fn refused(&self, out: &str, kept: Kept, path: &str) -> String {
            let error = check_results(&self.at(out), &[(kept, &self.at(path))]).unwrap_err();
            assert!(!matches!(error, PlaceError::File(_)), "{error}");
            error.to_string()
        }

        #[track_caller]
        fn allowed(&self, out: &str, kept: Kept, path: &str) {
            check_results(&self.at(out), &[(kept, &self.at(path))]).unwrap();
        }
    }

    #[test]
    fn nothing_that_is_kept_lies_where_results_are_replaced() {
        let world = World::new();
        fs::create_dir_all(world.at("A/inner")).unwrap();
        for kept in [Kept::Home, Kept::HomePart, Kept::State, Kept::Data, Kept::Playbook, Kept::Run]
        {
            let inside = world.refused("new", kept, "new/deep/inner");
            assert!(inside.contains("new/deep/inner") && inside.contains("--out"), "{inside}");
            world.refused("A", kept, "A");
            world.refused("A", kept, "A/inner");
            world.refused("A/../A/./", kept, "A/inner/..");
            world.allowed("new", kept, "B");
            // Names that begin alike are other folders.
            world.allowed("new", kept, "new-state");
        }
        assert!(world.refused("A", Kept::State, "A").contains("another --state"));
        assert!(world.refused("A", Kept::Data, "A/inner").contains("another --data"));
    }

    #[test]
    fn results_do_not_go_into_what_stays_as_it_is() {
        let world = World::new();
        for kept in [Kept::HomePart, Kept::State, Kept::Run] {
            let said = world.refused("S/out", kept, "S");
            assert!(said.contains("S/out") && said.contains("/S`"), "{said}");
        }
        // As a rule a playbook, its data and its results lie together, and so may home and results.
        world.allowed("S/out", Kept::Data, "S");
        world.allowed("S/out", Kept::Home, "S");
    }

    #[test]
    fn links_hide_no_nesting() {
        let world = World::new();
        fs::create_dir_all(world.at("A/state")).unwrap();
        fs::create_dir_all(world.at("elsewhere")).unwrap();
        symlink(world.at("A/state"), world.at("state")).unwrap();
        symlink(world.at("A"), world.at("out")).unwrap();
        world.refused("A", Kept::State, "state");
        world.refused("out", Kept::State, "A/state");
        world.refused("out", Kept::State, "state/new");
        world.refused("state/out", Kept::State, "A/state");
        // Up from a link is where it leads.
        world.refused("A", Kept::State, "state/../other");
        symlink(world.at("elsewhere"), world.at("A/away")).unwrap();
        world.allowed("A/state/x", Kept::Data, "A/away");
    }

    #[test]
    fn state_and_home_do_not_lie_in_the_results_of_any_run() {
        let world = World::new();
        run(&world.at("earlier"));
        for kept in [Kept::State, Kept::Home] {
            let said = world.refused("other", kept, "earlier/inner");
            assert!(
                said.contains("earlier/inner") && said.contains("results of an earlier run"),
                "{said}"
            );
        }
        // Results of one cycle may be the data of another.
        world.allowed("other", Kept::Data, "earlier");
    }

    #[test]
    fn results_do_not_go_into_another_run_or_another_brands_state() {
        let world = World::new();
        run(&world.at("earlier"));
        world.refused("earlier/next", Kept::Data, "data");
        fs::create_dir_all(world.at("brand")).unwrap();
        fs::write(world.at("brand").join(LEDGER_FILE), "").unwrap();
        let said = world.refused("brand/out", Kept::State, "mine");
        assert!(said.contains("/brand`"), "{said}");
    }

    #[test]
    fn only_what_an_earlier_run_wrote_is_replaced() {
        let world = World::new();
        run(&world.at("A"));
        world.allowed("A", Kept::Data, "data");
        fs::create_dir_all(world.at("A/notes")).unwrap();
        world.allowed("A", Kept::Data, "data");
        fs::write(world.at("A/notes/mine.txt"), "keep me").unwrap();
        let said = world.refused("A", Kept::Data, "data");
        assert!(said.contains("notes/mine.txt"), "{said}");

        fs::create_dir_all(world.at("B")).unwrap();
        world.allowed("B", Kept::Data, "data");
        fs::write(world.at("B/run.json"), "{}").unwrap();
        assert!(
            world.refused("B", Kept::Data, "data").contains("not the folder of an earlier run")
        );
        fs::write(world.at("file"), "").unwrap();
        world.refused("file", Kept::Data, "data");
    }

    #[test]
    fn a_written_file_replaces_no_playbook_and_changes_no_run() {
        let world = World::new();
        run(&world.at("A"));
        fs::write(world.at("brand.toml"), "").unwrap();
        let written = |path: &str| {
            check_written(&world.at(path), &[(Kept::Playbook, &world.at("brand.toml"))])
        };
        written("page.html").unwrap();
        written("brand.toml").unwrap_err();
        written("A/page.html").unwrap_err();
        written("A").unwrap_err();
    }
}
