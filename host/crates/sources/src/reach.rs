//! Waiting for what is far away: under a bound of time, and no longer than the run wants it.

use std::fmt;

/// What takes part in a wait: who may stop it, who hears of rows, and how much may come.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Whether work was asked to stop.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    /// Hears of more rows of a source.
    pub advanced: &'a (dyn Fn(&str, u64) + Sync),
    /// Longest time of a local file, in milliseconds.
    pub time_ms_max: u64,
    /// Most bytes of a local file's rows.
    pub bytes_max: u64,
    /// After how many rows reading ends, as if there were no more: of who only looks.
    pub rows_max: u64,
}

/// Rows between two words of how far it is.
const ROWS_TOLD: u64 = 8192;

impl Watch<'_> {
    /// Tells, once in a while, that so many rows of a source were read; whether more are wanted.
    pub(crate) fn counted(&self, source: &str, rows: u64) -> bool {
        if rows.is_multiple_of(ROWS_TOLD) {
            (self.advanced)(source, ROWS_TOLD);
        }
        rows < self.rows_max
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("bytes_max", &self.bytes_max).finish_non_exhaustive()
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) use waiting::each;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "object-store"))]
pub(crate) use waiting::{Bound, wait, within};

#[cfg(any(feature = "postgres", feature = "mysql", feature = "object-store"))]
mod waiting {
    use std::future::Future;
    use std::time::Duration;

    use playbook_model::Connection;

    use super::Watch;
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    use crate::Wanted;
    use crate::{Result, SourcesError};

    /// How often a wait asks whether it is still wanted.
    const ASKED_EVERY: Duration = Duration::from_millis(50);

    /// A bound of time and the key that sets it.
    #[derive(Debug, Clone, Copy)]
    pub(crate) enum Bound {
        Connecting,
        Working,
    }

    /// Runs work until it is done or no longer wanted.
    pub(crate) fn wait<T>(watch: &Watch<'_>, work: impl Future<Output = Result<T>>) -> Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| SourcesError::Columns(source.into()))?;
        let unwanted = async {
            while !(watch.cancelled)() {
                tokio::time::sleep(ASKED_EVERY).await;
            }
        };
        let done = runtime.block_on(async {
            tokio::select! {
                done = work => done,
                () = unwanted => Err(SourcesError::Cancelled),
            }
        });
        // A name that is being looked up holds a thread, for which nobody waits.
        runtime.shutdown_background();
        done
    }

    /// Reads one source after the other, each under the bound of time; `read` hears what it is doing. A fault names the
    /// source.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) async fn each(
        connection: &Connection,
        wanted: &[Wanted<'_>],
        mut read: impl AsyncFnMut(&Wanted<'_>, &str) -> Result<u64>,
    ) -> Result<Vec<u64>> {
        let mut rows = Vec::new();
        for one in wanted {
            let doing = format!("reading {}", one.words);
            let reading = within(connection, Bound::Working, &doing, read(one, &doing)).await;
            rows.push(reading.map_err(|fault| fault.of(&one.source))?);
        }
        Ok(rows)
    }

    /// Bounds a part of the work.
    pub(crate) async fn within<T>(
        connection: &Connection,
        bound: Bound,
        doing: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let (key, ms) = match bound {
            Bound::Connecting => ("connect_timeout", connection.connect_ms_max),
            Bound::Working => ("time", connection.time_ms_max),
        };
        let done = tokio::time::timeout(Duration::from_millis(ms), work).await;
        done.unwrap_or_else(|_| {
            Err(SourcesError::TimedOut {
                connection: connection.name.clone(),
                doing: doing.to_owned(),
                seconds: ms.div_ceil(1_000),
                key,
            })
        })
    }
}
