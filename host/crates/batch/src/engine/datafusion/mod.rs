//! DataFusion as the engine: settings that bound memory and make results repeatable, and the running of SQL.

mod files;
pub(crate) mod functions;
pub(crate) mod sums;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SQLOptions;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use futures::StreamExt;
use parquet::errors::ParquetError;
use playbook_model::SqlLimits;
use tokio::runtime::Runtime;

use crate::caught::{Panicked, caught_waiting, thread_is_caught};
use crate::column_files::ColumnFile;
use crate::engine::{Engine, Plan, Take, TakePart};
use crate::error::io;
use crate::free::check::Parameters;
use crate::{BatchError, BrandClock, Cancel, Result};
use datafusion::catalog::TableProvider as _;
use files::Files;

/// Stack of a thread of the engine.
const STACK_BYTES: usize = 16 << 20;
/// How often a running query looks whether the run was cancelled.
const CANCEL_EVERY: Duration = Duration::from_millis(20);
/// Greatest build side of a hash join that is built once for all threads; beyond it both sides are repartitioned.
const BUILD_BYTES_MAX: usize = 256 << 20;
const BUILD_ROWS_MAX: usize = 1 << 24;
/// Stage that errors of tables and views name.
const VIEWS: &str = "views";
/// Stage that errors name where a playbook's own SQL fails through no fault of its own.
const FREE: &str = "free SQL";

/// Contexts over the same tables, one for each [`Plan`], and the threads.
pub(crate) struct DataFusion {
    parallel: SessionContext,
    selective: SessionContext,
    in_order: SessionContext,
    /// For queries of the playbook.
    free: SessionContext,
    /// The files of all tables.
    files: Mutex<Vec<ColumnFile>>,
    /// `None` once the engine ends.
    runtime: Option<Runtime>,
    cancel: Cancel,
}

impl Drop for DataFusion {
    /// Does not wait for threads that are still busy with an abandoned query.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for DataFusion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataFusion").finish_non_exhaustive()
    }
}

impl DataFusion {
    /// Starts `partitions` threads.
    pub(crate) fn start(
        partitions: usize,
        clock: &BrandClock,
        salt: &str,
        cancel: Cancel,
    ) -> Result<Self> {
        let mut config = SessionConfig::new()
            .with_target_partitions(partitions)
            .with_batch_size(8192)
            .with_information_schema(false);
        let options = config.options_mut();
        options.execution.collect_statistics = true;
        options.execution.parquet.pushdown_filters = false;
        options.optimizer.prefer_existing_sort = false;
        // In the host's joins the members are the left (build) side, which is built once, and events the probe side.
        options.optimizer.hash_join_single_partition_threshold = BUILD_BYTES_MAX;
        options.optimizer.hash_join_single_partition_threshold_rows = BUILD_ROWS_MAX;
        options.optimizer.join_reordering = false;
        let state = SessionStateBuilder::new().with_config(config).with_default_features().build();
        let parallel = SessionContext::new_with_state(state);
        functions::register(&parallel, clock);
        // Copied before the transforms are registered: the playbook's own SQL must not reach the brand's salt.
        let mut of_playbook = parallel.copied_config();
        of_playbook.options_mut().optimizer.join_reordering = true;
        let free = crate::free::context(parallel.state(), of_playbook);
        let free = free.map_err(fault("functions"))?;
        functions::register_transforms(&parallel, salt);
        let mut pushes_filters = parallel.copied_config();
        pushes_filters.options_mut().execution.parquet.pushdown_filters = true;
        let with = |config| {
            let state = SessionStateBuilder::new_from_existing(parallel.state())
                .with_config(config)
                .build();
            SessionContext::new_with_state(state)
        };
        let selective = with(pushes_filters.clone());
        let in_order = with(pushes_filters.with_target_partitions(1));
        crate::free::make_schema(&free).map_err(fault("functions"))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(partitions)
            .thread_name("batch")
            // The engine walks plans by recursion, and a condition of many terms is a deep tree.
            .thread_stack_size(STACK_BYTES)
            .enable_time()
            .on_thread_start(thread_is_caught)
            .build()
            .map_err(io("create", Path::new("threads")))?;
        let files = Mutex::default();
        Ok(Self { parallel, selective, in_order, free, files, runtime: Some(runtime), cancel })
    }

    /// Runs work of the engine to its end, or until the run is cancelled. An error of a reader names its file.
    fn wait<T>(&self, stage: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let caught = self.runtime().block_on(async {
            tokio::select! {
                done = caught_waiting(work) => done,
                () = cancelled(&self.cancel) => Ok(Err(BatchError::Cancelled)),
            }
        });
        let done =
            caught.unwrap_or_else(|panicked| Err(crate::error::engine(stage)(Box::new(panicked))));
        done.map_err(|error| self.blame(error))
    }

    /// Where a reader failed, the error of the first file that cannot be read to its end; else the error itself.
    /// The engine's own error does not say which file it was.
    fn blame(&self, error: BatchError) -> BatchError {
        if !is_of_a_reader(&error) {
            return error;
        }
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner).clone();
        files.iter().find_map(|file| file.read_through().err()).unwrap_or(error)
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("the runtime lives as long as the engine")
    }

    fn context(&self, plan: Plan) -> &SessionContext {
        match plan {
            Plan::Parallel => &self.parallel,
            Plan::Selective => &self.selective,
            Plan::InOrder => &self.in_order,
        }
    }
}

/// Plans a query; statements that change data or tables are refused.
async fn planned(context: &SessionContext, sql: &str) -> Result<DataFrame, DataFusionError> {
    let reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false);
    context.sql_with_options(sql, reads).await
}

impl Engine for DataFusion {
    fn add_files(&self, stage: &'static str, name: &str, files: &[PathBuf]) -> Result<SchemaRef> {
        let files = files.iter().map(|path| ColumnFile::open(path)).collect::<Result<Vec<_>>>()?;
        let table = Files::new(files.clone()).map_err(fault(stage))?;
        let schema = table.schema();
        self.parallel.register_table(name, Arc::new(table)).map_err(fault(stage))?;
        self.files.lock().unwrap_or_else(PoisonError::into_inner).extend(files);
        Ok(schema)
    }

    fn leave_out(&self, stage: &'static str, name: &str, rows: &[u64]) -> Result<()> {
        let table = self.runtime().block_on(self.parallel.table_provider(name));
        match table.map_err(fault(stage))?.downcast_ref::<Files>() {
            Some(files) => {
                files.leave_out(rows);
                Ok(())
            }
            None => Err(fault(stage)(DataFusionError::Internal(format!(
                "`{name}` is no table of files"
            )))),
        }
    }

    fn add_batches(
        &self,
        stage: &'static str,
        name: &str,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
    ) -> Result<()> {
        let table = MemTable::try_new(schema, vec![batches]).map_err(fault(stage))?;
        self.parallel.deregister_table(name).map_err(fault(stage))?;
        self.parallel.register_table(name, Arc::new(table)).map_err(fault(stage))?;
        Ok(())
    }

    fn add_view(&self, name: &str, sql: &str) -> Result<()> {
        let query = self.runtime().block_on(planned(&self.parallel, sql)).map_err(fault(VIEWS))?;
        self.forget(name)?;
        self.parallel.register_table(name, query.into_view()).map_err(fault(VIEWS))?;
        Ok(())
    }

    fn show(&self, name: &str, sql: &str) -> Result<()> {
        let query = self.runtime().block_on(planned(&self.parallel, sql)).map_err(fault(VIEWS))?;
        self.free.register_table(name, query.into_view()).map_err(fault(VIEWS))?;
        Ok(())
    }

    fn forget(&self, name: &str) -> Result<()> {
        self.parallel.deregister_table(name).map_err(fault(VIEWS))?;
        Ok(())
    }

    fn schema(&self, name: &str) -> Result<SchemaRef> {
        let table = self.runtime().block_on(self.parallel.table_provider(name));
        Ok(table.map_err(fault(VIEWS))?.schema())
    }

    fn stream(
        &self,
        stage: &'static str,
        sql: &str,
        plan: Plan,
        take: &mut Take<'_>,
    ) -> Result<()> {
        tracing::debug!(stage, sql, ?plan, "query");
        self.wait(stage, async {
            let query = planned(self.context(plan), sql).await.map_err(fault(stage))?;
            let mut stream = query.execute_stream().await.map_err(fault(stage))?;
            while let Some(batch) = stream.next().await {
                take(batch.map_err(fault(stage))?)?;
            }
            Ok(())
        })
    }

    fn scan(&self, stage: &'static str, sql: &str, take: Arc<TakePart>) -> Result<()> {
        tracing::debug!(stage, sql, "scan");
        self.wait(stage, async {
            let query = planned(&self.parallel, sql).await.map_err(fault(stage))?;
            let streams = query.execute_stream_partitioned().await.map_err(fault(stage))?;
            let mut tasks: tokio::task::JoinSet<Result<()>> = tokio::task::JoinSet::new();
            for (partition, mut stream) in streams.into_iter().enumerate() {
                let take = Arc::clone(&take);
                tasks.spawn(async move {
                    while let Some(batch) = stream.next().await {
                        if take(partition, &batch.map_err(fault(stage))?)?.is_break() {
                            break;
                        }
                    }
                    Ok(())
                });
            }
            while let Some(done) = tasks.join_next().await {
                done.map_err(|error| fault(stage)(DataFusionError::External(Box::new(error))))??;
            }
            Ok(())
        })
    }

    fn free_query(
        &self,
        feature: &str,
        sql: &str,
        given: &Parameters,
        limits: &SqlLimits,
        take: &mut Take<'_>,
    ) -> Result<()> {
        let bounded = crate::free::bounded(&self.free, limits.memory_bytes_max);
        let bounded = bounded.map_err(feature_fault(feature))?;
        let (give, mut taken) = tokio::sync::mpsc::channel(1);
        let (name, sql, facts) = (feature.to_owned(), sql.to_owned(), given.clone());
        // Spawned, so that it can be abandoned while it computes.
        let query = self.runtime().spawn(async move {
            let refused = |source| BatchError::SqlRefused { feature: name.clone(), source };
            let plan = crate::free::check::plan(&bounded, &sql, &facts).await.map_err(refused)?;
            let fault = feature_fault(&name);
            let query = bounded.execute_logical_plan(plan).await.map_err(&fault)?;
            let mut stream = query.execute_stream().await.map_err(&fault)?;
            while let Some(batch) = stream.next().await {
                // The receiver is gone where the query was abandoned.
                if give.send(batch.map_err(&fault)?).await.is_err() {
                    break;
                }
            }
            Ok(())
        });
        let giving_up = query.abort_handle();
        let done = self.wait(FREE, async {
            let limit = Duration::from_millis(limits.time_ms_max);
            let all = async {
                while let Some(batch) = taken.recv().await {
                    take(batch)?;
                }
                query.await.map_err(|error| {
                    feature_fault(feature)(DataFusionError::External(Box::new(error)))
                })?
            };
            tokio::time::timeout(limit, all).await.unwrap_or_else(|_| {
                Err(BatchError::SqlTime { feature: feature.to_owned(), ms_max: limits.time_ms_max })
            })
        });
        giving_up.abort();
        done.map_err(|error| over_memory(error, limits.memory_bytes_max))
    }
}

/// Whether the error came from a reader of files, and not from a value or the query.
fn is_of_a_reader(error: &BatchError) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        let arrow = error.downcast_ref::<ArrowError>();
        if error.is::<ParquetError>()
            || error.is::<Panicked>()
            || error.is::<tokio::task::JoinError>()
            || matches!(arrow, Some(ArrowError::ParquetError(_) | ArrowError::IoError(..)))
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// Ends when the run is cancelled.
async fn cancelled(cancel: &Cancel) {
    while !cancel.is_cancelled() {
        tokio::time::sleep(CANCEL_EVERY).await;
    }
}

/// Adds the stage to an error of the engine.
fn fault(stage: &'static str) -> impl Fn(DataFusionError) -> BatchError {
    move |source| crate::error::engine(stage)(source.into())
}

/// Adds the feature to an error of its SQL.
fn feature_fault(feature: &str) -> impl Fn(DataFusionError) -> BatchError {
    let named = crate::error::feature_sql(feature);
    move |source| named(source.into())
}

/// Turns an error of the memory pool into one that names the playbook's key for the bound.
fn over_memory(error: BatchError, bytes_max: u64) -> BatchError {
    let is_memory = |source: &DataFusionError| {
        matches!(source.find_root(), DataFusionError::ResourcesExhausted(_))
    };
    match error {
        BatchError::FeatureSql { feature, source }
            if source.downcast_ref().is_some_and(is_memory) =>
        {
            BatchError::SqlMemory { feature, bytes_max, source }
        }
        other => other,
    }
}
