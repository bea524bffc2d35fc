//! Files and folders that are whole or absent, paths with their links resolved, CSV text, readers that panic. Knows nothing
//! of runs.

pub mod caught;
mod csv;
mod error;
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod exchange;
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
#[path = "exchange_absent.rs"]
mod exchange;
mod file;
mod folder;
mod path;

pub use csv::{Csv, neutral_cell, plain_cell};
pub use error::FileError;
pub use file::{
    WholeFile, open_regular, read_regular, write_new, write_secret, write_secret_once, write_whole,
};
pub use folder::{WholeFolder, recover};
pub use path::{files_below, real_path};
