//! Brands that answer: a playbook is checked, its stages are prepared as for a run, and it goes live over a state folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use playbook_cycle::Prepared;
use playbook_files::FileError;
use playbook_ledger::LedgerError;
use playbook_online::{Brand, BrandOptions, Grounds, Now, OnlineError, Version, VersionError};
use playbook_runtime::Metering;
use playbook_toml::Disk;

use crate::host::{Pinned, Stages};
use crate::state::{components_dir, ledger_path, shows_a_lost_ledger};
use crate::{AppError, Host, Result};

/// How a brand goes live.
pub struct ServeOptions {
    /// Memory of members' records, in bytes.
    pub records_bytes_max: usize,
    /// The clock.
    pub now: Now,
}

impl std::fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServeOptions")
            .field("records_bytes_max", &self.records_bytes_max)
            .finish_non_exhaustive()
    }
}

/// Takes a brand live with the playbook of a file, over its state folder.
///
/// # Errors
/// [`AppError::Faulty`] with every problem of the playbook; [`AppError::Serve`] where it cannot be served; a ledger that is
/// unsound or lost.
pub fn open_brand(host: &Host, file: &Path, state: &Path, options: ServeOptions) -> Result<Brand> {
    let (version, stages) = open_version(host, file, state)?;
    let ledger = ledger_path(state);
    let brand = version.playbook().brand.clone();
    if shows_a_lost_ledger(state)? {
        return Err(LedgerError::Absent { path: ledger, brand }.into());
    }
    fs::create_dir_all(state).map_err(FileError::of("create", state))?;
    let ServeOptions { records_bytes_max, now } = options;
    let live = BrandOptions { ledger: ledger.clone(), records_bytes_max, now };
    let brand = Brand::open(live, version).map_err(|error| match error {
        OnlineError::Storage(fault) => AppError::from(fault).in_ledger(ledger),
        other => AppError::Serve { brand, why: Box::new(other) },
    })?;
    // After the ledger is there: copies without a ledger would show that one was lost.
    host.keep_components(&stages, &components_dir(state))?;
    Ok(brand)
}

/// A version of a brand, opened, with its stages: the playbook of a file with the plugins that are installed.
///
/// # Errors
/// As [`open_brand`].
pub fn open_version(host: &Host, file: &Path, state: &Path) -> Result<(Version, Vec<Prepared>)> {
    let loaded = host.load(file, &[], &Disk)?;
    let (pinned, components) = (Pinned::new(), components_dir(state));
    let how = Stages {
        metering: Metering::FuelAndEpoch,
        components: &components,
        pinned: &pinned,
        last_good: &pinned,
    };
    let stages = host.prepare(&loaded, &how)?;
    let brand = loaded.playbook.brand.clone();
    let opened = Version::open(loaded.playbook, &stages, &Grounds::new(), &BTreeMap::new());
    let version = opened.map_err(|error| match error {
        VersionError::Cycle(fault) => AppError::from(fault),
        other => AppError::Serve { brand, why: Box::new(other) },
    })?;
    Ok((version, stages))
}

/// The system's clock.
#[must_use]
pub fn system_clock() -> Now {
    Arc::new(|| jiff::Timestamp::now().as_millisecond())
}
