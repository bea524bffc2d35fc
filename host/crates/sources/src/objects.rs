//! Object stores and web servers; without the feature, what to do instead.

#[cfg(feature = "object-store")]
mod store;
#[cfg(feature = "object-store")]
mod transfer;

use std::path::PathBuf;

#[cfg(feature = "object-store")]
pub(crate) use transfer::{deliver, take};

#[cfg(not(feature = "object-store"))]
pub(crate) use absent::{deliver, take};

/// Objects that one source may have.
pub const OBJECTS_MAX: usize = 10_000;

/// An object that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenObject {
    /// Path below the connection's place.
    pub name: String,
    /// The copy.
    pub path: PathBuf,
}

#[cfg(not(feature = "object-store"))]
mod absent {
    use std::path::Path;

    use playbook_model::{Connection, ObjectPlace};

    use super::TakenObject;
    use crate::{Parcel, Result, SourcesError, Watch};

    const NOT_BUILT: SourcesError =
        SourcesError::NotBuilt { what: "object stores", feature: "object-store" };

    pub(crate) fn take(
        _: &Connection,
        _: &ObjectPlace,
        _: &str,
        _: &Path,
        _: &Watch<'_>,
    ) -> Result<Vec<TakenObject>> {
        Err(NOT_BUILT)
    }

    pub(crate) fn deliver(
        _: &Connection,
        _: &ObjectPlace,
        _: &Parcel<'_>,
        _: &Watch<'_>,
    ) -> Result<()> {
        Err(NOT_BUILT)
    }
}
