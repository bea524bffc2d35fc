//! PostgreSQL; without the feature, what to do instead.

#[cfg(feature = "postgres")]
mod access;
#[cfg(feature = "postgres")]
mod client;
#[cfg(feature = "postgres")]
mod deliver;
#[cfg(feature = "postgres")]
mod take;

#[cfg(feature = "postgres")]
pub use access::{Access, access};
#[cfg(feature = "postgres")]
pub(crate) use deliver::deliver;
#[cfg(feature = "postgres")]
pub(crate) use take::take;

#[cfg(not(feature = "postgres"))]
pub(crate) use absent::{deliver, take};

#[cfg(not(feature = "postgres"))]
mod absent {
    use playbook_model::{Connection, DatabaseServer};

    use crate::{Parcel, Result, SourcesError, Wanted, Watch};

    const NOT_BUILT: SourcesError =
        SourcesError::NotBuilt { what: "PostgreSQL", feature: "postgres" };

    pub(crate) fn take(
        _: &Connection,
        _: &DatabaseServer,
        _: &[Wanted<'_>],
        _: &Watch<'_>,
    ) -> Result<Vec<u64>> {
        Err(NOT_BUILT)
    }

    pub(crate) fn deliver(
        _: &Connection,
        _: &DatabaseServer,
        _: &Parcel<'_>,
        _: &Watch<'_>,
    ) -> Result<()> {
        Err(NOT_BUILT)
    }
}
