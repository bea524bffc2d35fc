//! MySQL and MariaDB; without the feature, what to do instead.

#[cfg(feature = "mysql")]
mod client;
#[cfg(feature = "mysql")]
mod deliver;
#[cfg(feature = "mysql")]
mod take;

#[cfg(feature = "mysql")]
pub(crate) use deliver::deliver;
#[cfg(feature = "mysql")]
pub(crate) use take::take;

#[cfg(not(feature = "mysql"))]
pub(crate) use absent::{deliver, take};

#[cfg(not(feature = "mysql"))]
mod absent {
    use playbook_model::{Connection, DatabaseServer};

    use crate::{Parcel, Result, SourcesError, Wanted, Watch};

    const NOT_BUILT: SourcesError = SourcesError::NotBuilt { what: "MySQL", feature: "mysql" };

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
