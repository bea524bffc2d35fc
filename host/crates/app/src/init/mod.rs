//! From exports to a first playbook: what each file, sheet or table holds, which column goes where, and the text of it.
//!
//! Everything that is taken is shown with samples and with how sure it is; what only people know (the currency, the time
//! zone) is asked for, and nothing is overwritten.

mod draft;
mod events;
mod folder;
mod found;
mod intake;
mod look;
mod lookups;
mod meanings;
mod outline;
mod roles;
mod rows;
mod tables;
mod write;
mod zones;

use std::io;
use std::path::{Path, PathBuf};

use playbook_batch::{BatchError, BrandClock};
use playbook_files::{FileError, write_new};
use playbook_toml::{ReadFiles, currency_digits};

pub use draft::draft_of;
pub use intake::{TakenIn, TakenSource, mapping, take_in};
pub use look::{Beyond, Look, Looked, look_into};
pub use meanings::Meaning;
pub use outline::{Draft, DraftJoin, DraftLookup, DraftRow, DraftSource, LeftOut};

use crate::Result;
use crate::host::Host;

/// What only people know of the files, or say otherwise than the files.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Brand, and id of the playbook.
    pub brand: &'a str,
    /// ISO 4217 code.
    pub currency: Option<&'a str>,
    /// IANA name.
    pub time_zone: Option<&'a str>,
}

impl Known<'_> {
    /// What a playbook has to say beside what its files say.
    fn facts<'f>(&'f self, draft: &'f Draft) -> Result<write::Facts<'f>> {
        let currency = self.currency.or(draft.currency.as_deref());
        let (Some(currency), Some(time_zone)) = (currency, self.time_zone) else {
            return Err(asked(currency, self.time_zone).into());
        };
        let digits =
            currency_digits(currency).ok_or_else(|| InitError::Currency(currency.to_owned()))?;
        BrandClock::new(time_zone).map_err(BatchError::from)?;
        Ok(write::Facts { brand: self.brand, currency, digits, time_zone })
    }
}

/// Why no playbook is made of a folder.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The playbook's place is taken.
    #[error("`{}` is there already and is not overwritten; choose another with --out FILE", .0.display())]
    Taken(PathBuf),
    /// Nothing to look at.
    #[error("`{}` has no data files: expected CSV, whitespace-separated text, JSON lines, Parquet, SQLite or Excel (.xlsx)", .0.display())]
    NoFiles(PathBuf),
    /// More files than are looked at.
    #[error("`{}` has more than {files_max} files; put those of one export into a folder of their own", .path.display())]
    TooManyFiles {
        /// The folder.
        path: PathBuf,
        /// Most files.
        files_max: usize,
    },
    /// No orders.
    #[error("no file has orders: a column each that names who bought, when, and for how much.{0}")]
    NoOrders(String),
    /// Something that only people know.
    #[error("the files do not say {0}")]
    Asked(String),
    /// A currency that is none.
    #[error("`{0}` is no currency of ISO 4217; write its code, as --currency EUR")]
    Currency(String),
}

/// Writes a playbook for what was found, and returns its text. It has been checked as `playbook check --file-only` does.
///
/// # Errors
/// Where something is asked for, where `out` is there already, or where the brand has no name that a playbook takes.
pub fn init(host: &Host, draft: &Draft, known: &Known<'_>, out: &Path) -> Result<String> {
    let taken = || InitError::Taken(out.to_owned());
    if out.symlink_metadata().is_ok() {
        return Err(taken().into());
    }
    if !draft.has_orders() {
        return Err(InitError::NoOrders(draft.left_out_words()).into());
    }
    let facts = known.facts(draft)?;
    let text = write::text(draft, &facts);
    let absolute = std::path::absolute(out).map_err(FileError::of("create", out))?;
    host.load(&absolute, &[], &Unwritten { path: &absolute, text: &text })?;
    if write_new(out, text.as_bytes())? { Ok(text) } else { Err(taken().into()) }
}

/// What is not known, with the flags that say it.
fn asked(currency: Option<&str>, time_zone: Option<&str>) -> InitError {
    let mut wanted = Vec::new();
    if currency.is_none() {
        wanted.push("in which currency amounts are: pass it, as --currency EUR");
    }
    if time_zone.is_none() {
        wanted.push("in which time zone dates are meant: pass it, as --time-zone Europe/Berlin");
    }
    InitError::Asked(wanted.join("; nor "))
}

/// A playbook that is not on the disk yet.
#[derive(Debug)]
struct Unwritten<'a> {
    path: &'a Path,
    text: &'a str,
}

impl ReadFiles for Unwritten<'_> {
    fn read(&self, path: &Path, _: usize) -> io::Result<Vec<u8>> {
        if path == self.path {
            Ok(self.text.as_bytes().to_vec())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }
}

#[cfg(test)]
mod tests;
