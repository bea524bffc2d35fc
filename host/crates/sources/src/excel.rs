//! Excel workbooks; without the feature, what to do instead.

#[cfg(feature = "excel")]
mod cells;
#[cfg(feature = "excel")]
mod take;

#[cfg(feature = "excel")]
pub(crate) use take::take;

#[cfg(not(feature = "excel"))]
pub(crate) use absent::take;

#[cfg(not(feature = "excel"))]
mod absent {
    use std::path::Path;

    use crate::{Result, SourcesError, Watch};

    pub(crate) fn take(_: &Path, _: Option<&str>, _: &Path, _: &Watch<'_>) -> Result<u64> {
        Err(SourcesError::NotBuilt { what: "Excel workbooks", feature: "excel" })
    }
}
