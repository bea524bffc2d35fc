//! Excel workbooks; without the feature, what to do instead.

#[cfg(feature = "excel")]
mod cells;
#[cfg(feature = "excel")]
mod take;

#[cfg(feature = "excel")]
pub(crate) use take::{sheets, take};

#[cfg(not(feature = "excel"))]
pub(crate) use absent::{sheets, take};

#[cfg(not(feature = "excel"))]
mod absent {
    use std::path::Path;

    use crate::{Result, SourcesError, Watch};

    const NOT_BUILT: SourcesError =
        SourcesError::NotBuilt { what: "Excel workbooks", feature: "excel" };

    pub(crate) fn take(_: &Path, _: Option<&str>, _: &Path, _: &Watch<'_>) -> Result<u64> {
        Err(NOT_BUILT)
    }

    pub(crate) fn sheets(_: &Path, _: &Watch<'_>) -> Result<Vec<String>> {
        Err(NOT_BUILT)
    }
}
