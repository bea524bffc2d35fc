//! Brands that answer: a playbook is checked, its stages are prepared as for a run, and it goes live over a state folder.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use playbook_cycle::Prepared;
use playbook_files::FileError;
use playbook_ledger::{LedgerError, LedgerFile, Vault};
use playbook_model::{Digest, PluginRef, StageDef};
use playbook_online::{
    Activation, Alarm, AlertRule, Brand, BrandOptions, Closed, Evidence, How, Keeping, Lanes,
    Ledgers, Now, OnlineError, OpenError, Opened, Opener, Source, SwapError, Version, VersionError,
};
use playbook_runtime::Metering;
use playbook_toml::{Disk, FILE_BYTES_MAX, Loaded, ReadFiles, SourceText, shipped};

use crate::host::{Pinned, Stages};
use crate::state::{components_dir, has_run, ledger_path};
use crate::{AppError, Host, Result};

/// How a brand goes live.
pub struct ServeOptions {
    /// Memory of members' records, in bytes.
    pub records_bytes_max: usize,
    /// The clock.
    pub now: Now,
    /// Those of the host, for all its brands.
    pub lanes: Arc<Lanes>,
    /// Where the ledgers of several hosts are, if this one shares them ([`crate::shared_ledgers`]); else the brand has a
    /// file of its own.
    pub shared: Option<Arc<dyn Vault>>,
}

impl std::fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServeOptions")
            .field("records_bytes_max", &self.records_bytes_max)
            .finish_non_exhaustive()
    }
}

/// Takes a brand live with a playbook as it was read, over its state folder. Where somebody made another version the one that
/// decides, and the file is what it was then, that version goes on.
///
/// # Errors
/// [`AppError::Faulty`] with every problem of the playbook; [`AppError::Serve`] where it cannot be served; a ledger that is
/// unsound or lost.
pub fn open_brand(
    host: &Arc<Host>,
    loaded: &Loaded,
    state: &Path,
    options: ServeOptions,
) -> Result<Brand> {
    let ServeOptions { records_bytes_max, now, lanes, shared } = options;
    let own = || -> Arc<dyn Vault> { Arc::new(LedgerFile::at(&ledger_path(state))) };
    let vault = shared.unwrap_or_else(own);
    let opener =
        Versions { host: Arc::clone(host), state: state.to_owned(), vault: Arc::clone(&vault) };
    let (brand, digest) = (loaded.playbook.brand.clone(), loaded.playbook.digest.to_string());
    let in_ledger = |fault: LedgerError| AppError::from(fault).in_ledger(vault.place());
    if vault.is_blank(&brand).map_err(in_ledger)? && has_run(state)? {
        return Err(LedgerError::Absent { place: vault.place(), brand }.into());
    }
    fs::create_dir_all(state).map_err(FileError::of("create", state))?;
    // Before components are copied: copies without a ledger would show that one was lost.
    let ledgers = Ledgers::open(vault.as_ref(), &brand).map_err(in_ledger)?;
    let last = ledgers.last_activated().map_err(in_ledger)?;
    let closed = last.as_ref().map(|(_, source)| source.closed.clone()).unwrap_or_default();
    let chosen = last.filter(|(last, _)| {
        matches!(last.how, How::Activated | How::RolledBack | How::Cycle | How::Breaker)
            && last.file.as_ref() == Some(&digest)
    });
    let first = match chosen {
        Some((_, source)) => opener.open(&source),
        None => {
            let mut loaded = loaded.clone();
            let stages = opener.stages(&mut loaded, &Pinned::new());
            stages.and_then(|stages| opener.opened(&loaded, &stages, closed))
        }
    };
    let first = first.map_err(|error| of_open(error, &brand))?;
    let live = BrandOptions {
        ledgers,
        records_bytes_max,
        now,
        opener: Arc::new(opener),
        lanes,
        file: Some(digest),
    };
    Brand::open(live, first).map_err(|error| match error {
        OnlineError::Storage(fault) => in_ledger(fault),
        other => AppError::Serve { brand, why: Box::new(other) },
    })
}

fn of_open(error: OpenError, brand: &str) -> AppError {
    match error {
        OpenError::Faulty(problems) => AppError::Faulty(problems),
        other => AppError::Serve { brand: brand.to_owned(), why: Box::new(other) },
    }
}

/// Opens versions of one brand: from files as they were, with the components that were taken, or with those installed.
#[derive(Debug)]
struct Versions {
    host: Arc<Host>,
    state: PathBuf,
    vault: Arc<dyn Vault>,
}

impl Opener for Versions {
    fn open(&self, source: &Source) -> Result<Opened, OpenError> {
        let (loaded, stages) = self.prepared(source)?;
        self.opened(&loaded, &stages, source.closed.clone())
    }

    fn close_cycle(
        &self,
        source: &Source,
        at: i64,
        keeping: &Keeping<'_>,
    ) -> Result<Opened, OpenError> {
        let _turn = self.host.closing.lock().unwrap_or_else(PoisonError::into_inner);
        let (loaded, stages) = self.prepared(source)?;
        let opened = Version::open(loaded.playbook.clone(), &stages, &source.closed);
        let version = opened.map_err(|error| OpenError::Foreign(error.to_string()))?;
        let places = (self.state.as_path(), self.vault.as_ref());
        let closed = crate::closing::close(&self.host, places, (&version, keeping), &stages, at);
        self.opened(&loaded, &stages, closed.map_err(of_app)?)
    }
}

/// A version as it decided, of its files and components, to read what is kept by it.
///
/// # Errors
/// [`AppError::Serve`] where it cannot be opened.
pub(crate) fn version_of(
    host: &Arc<Host>,
    state: &Path,
    brand: &str,
    source: &Source,
) -> Result<Version> {
    let vault = Arc::new(LedgerFile::at(&ledger_path(state)));
    let versions = Versions { host: Arc::clone(host), state: state.to_owned(), vault };
    let (loaded, stages) = versions.prepared(source).map_err(|error| of_open(error, brand))?;
    let version = Version::open(loaded.playbook, &stages, &source.closed);
    version.map_err(|error| AppError::Serve { brand: brand.to_owned(), why: Box::new(error) })
}

fn pinned(source: &Source) -> Pinned {
    let components = source.components.iter();
    let known = |(stage, text): (&String, &String)| Some((stage.clone(), Digest::from_hex(text)?));
    components.filter_map(known).collect()
}

impl Versions {
    /// The playbook of a source, and its stages with the components that it names.
    fn prepared(&self, source: &Source) -> Result<(Loaded, Vec<Prepared>), OpenError> {
        let files = Kept(source);
        let mut loaded = self.host.load(Path::new(&source.file), &[], &files).map_err(of_app)?;
        let stages = self.stages(&mut loaded, &pinned(source))?;
        Ok((loaded, stages))
    }

    fn stages(&self, loaded: &mut Loaded, pinned: &Pinned) -> Result<Vec<Prepared>, OpenError> {
        let components = components_dir(&self.state);
        let none = Pinned::new();
        let how = Stages {
            metering: Metering::FuelAndEpoch,
            components: &components,
            pinned,
            last_good: &none,
        };
        self.host.prepare(loaded, &how).map_err(of_app)
    }

    fn opened(
        &self,
        loaded: &Loaded,
        stages: &[Prepared],
        closed: Closed,
    ) -> Result<Opened, OpenError> {
        let source = Source { closed, ..source_of(loaded, stages) };
        let version = Version::open(loaded.playbook.clone(), stages, &source.closed);
        let version = version.map_err(|error| match error {
            VersionError::Cycle(fault) => OpenError::Other(Box::new(fault)),
            other => OpenError::Foreign(other.to_string()),
        })?;
        // Copies by digest: what is installed later changes nothing about this version.
        self.host.keep_components(stages, &components_dir(&self.state)).map_err(of_app)?;
        Ok(Opened { version, source })
    }
}

fn of_app(error: AppError) -> OpenError {
    match error {
        AppError::Faulty(problems) => OpenError::Faulty(problems),
        other => OpenError::Other(Box::new(other)),
    }
}

fn source_of(loaded: &Loaded, stages: &[Prepared]) -> Source {
    let files: Vec<(String, String)> = loaded
        .sources
        .iter()
        .map(|source| (source.name.clone(), source.text.to_string()))
        .collect();
    Source {
        file: files.first().map_or_else(String::new, |(name, _)| name.clone()),
        files,
        components: stages
            .iter()
            .map(|stage| (stage.def.name.clone(), stage.plugin.digest().hex()))
            .collect(),
        closed: Closed::default(),
        is_from_outside: false,
    }
}

/// Files as they were kept, and nothing else.
#[derive(Debug)]
struct Kept<'a>(&'a Source);

impl ReadFiles for Kept<'_> {
    fn read(&self, path: &Path, _: usize) -> io::Result<Vec<u8>> {
        let kept = self.0.files.iter().find(|(name, _)| Path::new(name) == path);
        let absent =
            || io::Error::new(io::ErrorKind::NotFound, "not among the files of the version");
        kept.map(|(_, text)| text.clone().into_bytes()).ok_or_else(absent)
    }

    /// As it was when the version was made; a version that is new takes the program's.
    fn shipped(&self, name: &str) -> io::Result<Vec<u8>> {
        self.read(Path::new(name), usize::MAX).or_else(|_| Disk.shipped(name))
    }

    fn may_name_files(&self) -> bool {
        !self.0.is_from_outside
    }
}

/// The system's clock.
#[must_use]
pub fn system_clock() -> Now {
    Arc::new(|| jiff::Timestamp::now().as_millisecond())
}

/// Watches the playbook of a brand that is live, and the plugins that it takes, for changes.
#[derive(Debug)]
pub struct Watched {
    host: Arc<Host>,
    file: PathBuf,
    /// What was last acted upon.
    acted: Option<Seen>,
    /// What was seen at the last look.
    seen: Option<Seen>,
    /// The playbook's files as they were when it was parsed last.
    read: Vec<(PathBuf, Text)>,
    /// What it parsed to.
    parsed: std::result::Result<Loaded, String>,
}

/// What was read of a file; `None`: it could not be read.
type Text = Option<Digest>;

/// The disk, which remembers what was read.
#[derive(Debug, Default)]
struct Remembering(RefCell<Vec<(PathBuf, Text)>>);

impl ReadFiles for Remembering {
    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        let bytes = Disk.read(path, bytes_max);
        let text = bytes.as_deref().ok().map(Digest::of);
        self.0.borrow_mut().push((path.to_owned(), text));
        bytes
    }
}

/// Playbook and components as they lie there; `None`: the playbook has problems, of this text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    playbook: std::result::Result<Digest, String>,
    components: Vec<Option<(PathBuf, std::time::SystemTime, u64)>>,
}

impl Watched {
    /// Watches a file whose version, as it was read, decides already.
    #[must_use]
    pub fn new(host: &Arc<Host>, file: &Path, loaded: Loaded) -> Self {
        let text = |source: &SourceText| {
            (PathBuf::from(&source.name), Some(Digest::of(source.text.as_bytes())))
        };
        let mut watched = Self {
            host: Arc::clone(host),
            file: file.to_owned(),
            acted: None,
            seen: None,
            // What travels with the program does not change while it runs.
            read: loaded.sources.iter().filter(|s| shipped(&s.name).is_none()).map(text).collect(),
            parsed: Ok(loaded),
        };
        watched.acted = Some(watched.seen_of());
        watched
    }

    /// Looks once. A change is acted upon when two looks in a row see the same (debounced): the new version is opened aside and
    /// made the one that decides, or refused as a whole, and the one before goes on. `None`: nothing to do.
    ///
    /// # Errors
    /// Why the change was refused.
    pub fn look(&mut self, brand: &Brand) -> Option<Result<Activation, SwapError>> {
        let now = self.see();
        let is_settled = self.seen.as_ref() == Some(&now);
        self.seen = Some(now.clone());
        if !is_settled || self.acted.as_ref() == Some(&now) {
            return None;
        }
        self.acted = Some(now);
        Some(self.act(brand).inspect_err(|error| {
            brand.raise(Alarm {
                rule: AlertRule::FileRefused,
                scope: "file".to_owned(),
                words: format!(
                    "a changed file is refused, the version before goes on: {}",
                    error.outside()
                ),
                evidence: Evidence::of_version(brand.version().digest()),
            });
        }))
    }

    fn act(&self, brand: &Brand) -> Result<Activation, SwapError> {
        let loaded = self.host.load(&self.file, &[], &Disk).map_err(of_app)?;
        let digest = loaded.playbook.digest.to_string();
        // What is installed now: a component of before is not pinned.
        let source = source_of(&loaded, &[]);
        let version = brand.offer(&source)?;
        brand.activate(&version.digest(), "host", How::File, Some(digest))
    }

    fn see(&mut self) -> Seen {
        if self.read.is_empty() || self.read.iter().any(is_other) {
            let files = Remembering::default();
            let parsed = self.host.read(&self.file, &[], &files);
            self.read = files.0.into_inner();
            self.parsed = parsed.map_err(|error| match &error {
                AppError::Faulty(problems) => problems.render(),
                other => other.to_string(),
            });
        }
        self.seen_of()
    }

    /// What was read last, with the components that lie there now.
    fn seen_of(&self) -> Seen {
        match &self.parsed {
            Err(text) => Seen { playbook: Err(text.clone()), components: Vec::new() },
            Ok(loaded) => {
                let stages = loaded.playbook.stages.iter();
                let component = |stage: &StageDef| {
                    // Its bytes are those of its digest, which the playbook names.
                    if let PluginRef::Artefact(_) = stage.plugin {
                        return None;
                    }
                    let path = self.host.component(stage).ok()?;
                    let meta = fs::metadata(&path).ok()?;
                    Some((path, meta.modified().ok()?, meta.len()))
                };
                Seen {
                    playbook: Ok(loaded.playbook.digest),
                    components: stages.map(component).collect(),
                }
            }
        }
    }
}

/// Whether a file is not what was read of it. Of most looks this is all: parsing is what would cost.
fn is_other((path, text): &(PathBuf, Text)) -> bool {
    let bytes = Disk.read(path, FILE_BYTES_MAX);
    bytes.as_deref().ok().map(Digest::of) != *text
}
