//! The trait of SQL engines. All code of this room but `engine/datafusion/` and `free/` knows the trait alone; the
//! engine is chosen in `session.rs`.

pub(crate) mod datafusion;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use playbook_model::SqlLimits;

use crate::Result;
use crate::free::check::Parameters;

/// `local_to_unix(ms)`: unix-ms of a local time of the brand's zone, given in milliseconds.
pub(crate) const LOCAL_TO_UNIX: &str = "local_to_unix";
/// `money_from_real(real, shift)`: real × 10^shift where that is a whole number but for floating-point error; else
/// null.
pub(crate) const MONEY: &str = "money_from_real";

/// `trimmed(text)`: without blanks at both ends. Null where nothing is left, as with the two below.
pub(crate) const TRIMMED: &str = "trimmed";
/// `lowered(text)`: the same in lower case.
pub(crate) const LOWERED: &str = "lowered";
/// `pseudonym(text)`: SHA-256 hex of the trimmed text with the playbook's salt.
pub(crate) const PSEUDONYM: &str = "pseudonym";

/// Callback for the batches of a query, called by one thread.
pub(crate) type Take<'a> = dyn FnMut(RecordBatch) -> Result<()> + 'a;
/// Callback for the batches of a parallel scan, each with the number of its partition; called by many threads at once.
/// `Break` ends the scan of that partition.
pub(crate) type TakePart = dyn Fn(usize, &RecordBatch) -> Result<ControlFlow<()>> + Send + Sync;

/// How one of the host's own queries is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// On all threads; rows come in any order.
    Parallel,
    /// The same with filters pushed down into the decoding of files, which pays where few rows pass.
    Selective,
    /// On one thread; rows come in the order of the files.
    InOrder,
}

/// An SQL engine over the tables of one cycle.
///
/// It must provide the functions of `playbook_features::function`, those named above, and a `sum` of integers that
/// fails with [`crate::overflow::Overflow`] where 64 bits do not hold the result. All are pure but for the brand's
/// time zone and the playbook's salt. A playbook's own SQL must not reach the functions of texts, which know the salt.
pub(crate) trait Engine: std::fmt::Debug + Send + Sync {
    /// Registers Parquet files as a table; returns the schema that they share.
    fn add_files(&self, stage: &'static str, name: &str, files: &[PathBuf]) -> Result<SchemaRef>;

    /// Hides rows of a table of files from all queries. Row numbers ascend, and count rows in the order of
    /// [`Plan::InOrder`]. Only the first call for a table has an effect.
    fn leave_out(&self, stage: &'static str, name: &str, rows: &[u64]) -> Result<()>;

    /// Registers batches of one schema as a table, and replaces any of that name.
    fn add_batches(
        &self,
        stage: &'static str,
        name: &str,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
    ) -> Result<()>;

    /// Registers a view, and replaces any table of that name; the query may read the table that it replaces.
    fn add_view(&self, name: &str, sql: &str) -> Result<()>;

    /// Registers a view for the playbook's own SQL, which sees only such views.
    fn show(&self, name: &str, sql: &str) -> Result<()>;

    /// Removes a name; views over it keep working.
    fn forget(&self, name: &str) -> Result<()>;

    /// The columns of a table.
    fn schema(&self, name: &str) -> Result<SchemaRef>;

    /// Runs one of the host's own queries and calls `take` with each batch. Ends early where the run is cancelled.
    fn stream(&self, stage: &'static str, sql: &str, plan: Plan, take: &mut Take<'_>)
    -> Result<()>;

    /// Runs one of the host's own queries on all threads, each of which calls `take` with its batches. Ends early
    /// where the run is cancelled.
    fn scan(&self, stage: &'static str, sql: &str, take: Arc<TakePart>) -> Result<()>;

    /// Runs a query of the playbook under its limits, on one thread in the order of the files, and calls `take` with
    /// each batch. At a limit or a cancelled run it is abandoned at once, even in the middle of a computation.
    fn free_query(
        &self,
        feature: &str,
        sql: &str,
        given: &Parameters,
        limits: &SqlLimits,
        take: &mut Take<'_>,
    ) -> Result<()>;
}
