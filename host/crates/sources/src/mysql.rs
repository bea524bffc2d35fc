//! MySQL and MariaDB; without the feature, what to do instead.

#[cfg(feature = "mysql")]
mod take;

#[cfg(feature = "mysql")]
pub(crate) use take::take;

#[cfg(not(feature = "mysql"))]
pub(crate) use absent::take;

#[cfg(not(feature = "mysql"))]
mod absent {
    use playbook_model::{Connection, DatabaseServer};

    use crate::{Result, SourcesError, Wanted, Watch};

    pub(crate) fn take(
        _: &Connection,
        _: &DatabaseServer,
        _: &[Wanted<'_>],
        _: &Watch<'_>,
    ) -> Result<Vec<u64>> {
        Err(SourcesError::NotBuilt { what: "MySQL", feature: "mysql" })
    }
}
