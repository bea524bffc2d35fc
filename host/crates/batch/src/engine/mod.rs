//! What this room asks of an SQL engine. Members, subjects, identity, refunds and the intake know this trait and no
//! engine; which one stands behind it is chosen in `session.rs`.

pub(crate) mod datafusion;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use playbook_model::{SqlLimits, UnixMs};

use crate::Result;

/// `local_to_unix(ms)`: unix-ms of milliseconds on the brand's wall clock.
pub(crate) const LOCAL_TO_UNIX: &str = "local_to_unix";
/// `money_from_real(real, shift)`: a real times 10^shift where that is a whole number, up to what a binary number adds
/// to a decimal one; else missing.
pub(crate) const MONEY: &str = "money_from_real";

/// `trimmed(text)`: without blanks at both ends; missing where nothing is left, here and below.
pub(crate) const TRIMMED: &str = "trimmed";
/// `lowered(text)`: the same in lower case.
pub(crate) const LOWERED: &str = "lowered";
/// `pseudonym(text)`: SHA-256 hex of the trimmed text with the playbook's salt.
pub(crate) const PSEUDONYM: &str = "pseudonym";

/// What hears the batches of a query, one after another.
pub(crate) type Take<'a> = dyn FnMut(RecordBatch) -> Result<()> + 'a;
/// What hears the batches of a scan, with the number of their partition, from many threads at once; it says when
/// that partition may end.
pub(crate) type TakePart = dyn Fn(usize, &RecordBatch) -> Result<ControlFlow<()>> + Send + Sync;

/// How a query of the host's own is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// On all threads, rows in any order.
    Parallel,
    /// The same, for queries that want few of the rows: filters are evaluated while files are decoded.
    Selective,
    /// On one thread, rows in the order of the files.
    InOrder,
}

/// An SQL engine over the tables of one cycle.
///
/// It must also know the functions of `playbook_features::function` and those named above, and a `sum` of integers
/// that fails with [`crate::overflow::Overflow`] where 64 bits do not hold the result: all are made of the brand's
/// time zone, the playbook's salt and their arguments alone. A playbook's own SQL does not reach the functions of texts.
pub(crate) trait Engine: std::fmt::Debug + Send + Sync {
    /// Makes Parquet files a table; returns the schema that they share.
    fn add_files(&self, stage: &'static str, name: &str, files: &[PathBuf]) -> Result<SchemaRef>;

    /// Leaves rows out of a table of files for all queries: their numbers, ascending, in the order of
    /// [`Plan::InOrder`]. A second call changes nothing.
    fn leave_out(&self, stage: &'static str, name: &str, rows: &[u64]) -> Result<()>;

    /// Makes batches of one schema a table, in place of any of that name.
    fn add_batches(
        &self,
        stage: &'static str,
        name: &str,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
    ) -> Result<()>;

    /// Gives a query a name, in place of any table of that name, which the query itself may still read.
    fn add_view(&self, name: &str, sql: &str) -> Result<()>;

    /// Gives a query a name in the playbook's own SQL, which sees nothing else.
    fn show(&self, name: &str, sql: &str) -> Result<()>;

    /// Takes a name away; views over it keep working.
    fn forget(&self, name: &str) -> Result<()>;

    /// The columns of a table.
    fn schema(&self, name: &str) -> Result<SchemaRef>;

    /// Runs a query of the host's own and hands each batch to `take`. Ends early where the run is cancelled.
    fn stream(&self, stage: &'static str, sql: &str, plan: Plan, take: &mut Take<'_>)
    -> Result<()>;

    /// Runs a query of the host's own; each thread hands its batches to `take`. Ends early where the run is
    /// cancelled.
    fn scan(&self, stage: &'static str, sql: &str, take: Arc<TakePart>) -> Result<()>;

    /// Runs a query of the playbook under its limits and hands each batch to `take`: on one thread, in the order of
    /// the files. It is given up at the first sign of a limit or of a cancelled run, whatever it does just then.
    fn free_query(
        &self,
        feature: &str,
        sql: &str,
        as_of: UnixMs,
        limits: &SqlLimits,
        take: &mut Take<'_>,
    ) -> Result<()>;
}
