//! The engine's session: settings that bound memory and keep results the same, and running SQL.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use playbook_model::SqlLimits;
use tokio::runtime::Runtime;

use crate::error::{engine, go_on, io};
use crate::files::Files;
use crate::{BatchError, BrandClock, Cancel, Progress, Result};

/// Stack of a thread of the engine.
const STACK_BYTES: usize = 16 << 20;
/// How often a query that runs is asked whether it is to stop.
const CANCEL_EVERY: Duration = Duration::from_millis(20);

/// An SQL engine with its threads.
pub(crate) struct Session {
    pub(crate) context: SessionContext,
    /// The same tables, for selective queries: filters are evaluated while Parquet files are decoded.
    selective: SessionContext,
    /// The same, on one thread.
    in_order: SessionContext,
    /// The same, for queries of the playbook.
    free: SessionContext,
    /// `None` once the session ends.
    runtime: Option<Runtime>,
    cancel: Cancel,
}

impl Drop for Session {
    /// Leaves threads alone that are still busy with a query that was given up.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Starts an engine of `partitions` threads.
    pub(crate) fn new(partitions: usize, clock: &BrandClock, cancel: Cancel) -> Result<Self> {
        let mut config = SessionConfig::new()
            .with_target_partitions(partitions)
            .with_batch_size(8192)
            .with_information_schema(false);
        let options = config.options_mut();
        options.execution.collect_statistics = true;
        options.execution.parquet.pushdown_filters = false;
        options.optimizer.prefer_existing_sort = false;
        let state = SessionStateBuilder::new().with_config(config).with_default_features().build();
        let context = SessionContext::new_with_state(state);
        crate::functions::register(&context, clock);
        let mut pushes_filters = context.copied_config();
        pushes_filters.options_mut().execution.parquet.pushdown_filters = true;
        let with = |config| {
            let state =
                SessionStateBuilder::new_from_existing(context.state()).with_config(config).build();
            SessionContext::new_with_state(state)
        };
        let selective = with(pushes_filters.clone());
        let in_order = with(pushes_filters.with_target_partitions(1));
        let free = crate::free::context(context.state(), context.copied_config());
        let free = free.map_err(engine("functions"))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(partitions)
            .thread_name("batch")
            // Plans are trees that the engine walks down: a long condition is a deep one.
            .thread_stack_size(STACK_BYTES)
            .enable_time()
            .build()
            .map_err(io("create", Path::new("threads")))?;
        Ok(Self { context, selective, in_order, free, runtime: Some(runtime), cancel })
    }

    /// Waits for work of the engine; a run that is cancelled does not wait for it to end.
    fn wait<T, E: From<BatchError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.runtime().block_on(async {
            tokio::select! {
                done = work => done,
                () = cancelled(&self.cancel) => Err(BatchError::Cancelled.into()),
            }
        })
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("the runtime lives as long as the session")
    }

    /// Runs a query of the host's own and hands each batch to `take`.
    pub(crate) fn stream(
        &self,
        stage: &'static str,
        sql: &str,
        progress: &dyn Progress,
        mut take: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<SchemaRef> {
        tracing::debug!(stage, sql, "query");
        self.wait(async {
            let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false);
            let frame = self.context.sql_with_options(sql, options).await.map_err(engine(stage))?;
            let mut stream = frame.execute_stream().await.map_err(engine(stage))?;
            let schema = stream.schema();
            while let Some(batch) = stream.next().await {
                go_on(&self.cancel)?;
                let batch = batch.map_err(engine(stage))?;
                progress.advanced(stage, batch.num_rows() as u64, None);
                take(batch)?;
            }
            Ok(schema)
        })
    }

    /// Runs a query of the host's own; each thread of the engine hands its batches to `take`, with the number of
    /// their partition, until that says to stop.
    pub(crate) fn scan(
        &self,
        stage: &'static str,
        sql: &str,
        progress: &Arc<dyn Progress>,
        take: impl Fn(usize, &RecordBatch) -> Result<ControlFlow<()>> + Send + Sync + 'static,
    ) -> Result<()> {
        tracing::debug!(stage, sql, "scan");
        let take = Arc::new(take);
        self.wait(async {
            let frame = self.context.sql(sql).await.map_err(engine(stage))?;
            let streams = frame.execute_stream_partitioned().await.map_err(engine(stage))?;
            let mut tasks: tokio::task::JoinSet<Result<()>> = tokio::task::JoinSet::new();
            for (partition, mut stream) in streams.into_iter().enumerate() {
                let (take, cancel, progress) =
                    (Arc::clone(&take), self.cancel.clone(), Arc::clone(progress));
                tasks.spawn(async move {
                    while let Some(batch) = stream.next().await {
                        go_on(&cancel)?;
                        let batch = batch.map_err(engine(stage))?;
                        if take(partition, &batch)?.is_break() {
                            break;
                        }
                        progress.advanced(stage, batch.num_rows() as u64, None);
                    }
                    Ok(())
                });
            }
            while let Some(done) = tasks.join_next().await {
                done.map_err(|error| engine(stage)(DataFusionError::External(Box::new(error))))??;
            }
            Ok(())
        })
    }

    /// Runs a query of the host's own; each partition folds its batches into a state of its own.
    pub(crate) fn fold<S: Default + Send + 'static>(
        &self,
        stage: &'static str,
        sql: &str,
        add: impl Fn(&mut S, &RecordBatch) + Send + Sync + 'static,
    ) -> Result<Vec<S>> {
        let states: Arc<Mutex<BTreeMap<usize, S>>> = Arc::default();
        let shared = Arc::clone(&states);
        let silent: Arc<dyn Progress> = Arc::new(crate::Silent);
        self.scan(stage, sql, &silent, move |partition, batch| {
            let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
            let mut state = lock().remove(&partition).unwrap_or_default();
            add(&mut state, batch);
            lock().insert(partition, state);
            Ok(ControlFlow::Continue(()))
        })?;
        let states = std::mem::take(&mut *states.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(states.into_values().collect())
    }

    /// Runs a query on one thread, so that rows come in the order of the files.
    pub(crate) fn stream_in_order(
        &self,
        stage: &'static str,
        sql: &str,
        mut take: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        self.wait(async {
            let frame = self.in_order.sql(sql).await.map_err(engine(stage))?;
            let mut stream = frame.execute_stream().await.map_err(engine(stage))?;
            while let Some(batch) = stream.next().await {
                go_on(&self.cancel)?;
                take(batch.map_err(engine(stage))?)?;
            }
            Ok(())
        })
    }

    /// Runs a query and keeps its batches.
    pub(crate) fn collect(&self, stage: &'static str, sql: &str) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        self.stream(stage, sql, &crate::Silent, |batch| {
            batches.push(batch);
            Ok(())
        })?;
        Ok(batches)
    }

    /// Runs a selective query and keeps its batches.
    pub(crate) fn collect_selective(
        &self,
        stage: &'static str,
        sql: &str,
    ) -> Result<Vec<RecordBatch>> {
        tracing::debug!(stage, sql, "selective query");
        let work = async { self.selective.sql(sql).await?.collect().await };
        self.wait(async { work.await.map_err(engine(stage)) })
    }

    /// Runs a query of the playbook under its limits and hands each batch to `take`.
    ///
    /// It runs on threads of its own and is given up at the first sign of a limit or of Ctrl-C, whatever it does
    /// just then.
    pub(crate) fn free_query(
        &self,
        feature: &str,
        sql: &str,
        limits: &SqlLimits,
        mut take: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let bounded = crate::free::bounded(&self.free, limits.memory_bytes_max);
        let bounded = bounded.map_err(feature_sql(feature))?;
        let (give, mut given) = tokio::sync::mpsc::channel(1);
        let (name, sql) = (feature.to_owned(), sql.to_owned());
        let query = self.runtime().spawn(async move {
            let refused = |source| BatchError::SqlRefused { feature: name.clone(), source };
            let plan = crate::free::check::plan(&bounded, &sql).await.map_err(refused)?;
            let fault = feature_sql(&name);
            let frame = bounded.execute_logical_plan(plan).await.map_err(&fault)?;
            let mut stream = frame.execute_stream().await.map_err(&fault)?;
            while let Some(batch) = stream.next().await {
                // Nobody listens any more where the query was given up.
                if give.send(batch.map_err(&fault)?).await.is_err() {
                    break;
                }
            }
            Ok(())
        });
        let giving_up = query.abort_handle();
        let done = self.wait(async {
            let limit = Duration::from_millis(limits.time_ms_max);
            let all = async {
                while let Some(batch) = given.recv().await {
                    take(batch)?;
                }
                query.await.map_err(|error| {
                    feature_sql(feature)(DataFusionError::External(Box::new(error)))
                })?
            };
            tokio::time::timeout(limit, all).await.unwrap_or_else(|_| {
                Err(BatchError::SqlTime { feature: feature.to_owned(), ms_max: limits.time_ms_max })
            })
        });
        giving_up.abort();
        done.map_err(|error| over_memory(error, limits.memory_bytes_max))
    }

    /// Makes Parquet files a table; returns its schema.
    pub(crate) fn register_parquet(
        &self,
        name: &str,
        paths: &[PathBuf],
        schema: Option<SchemaRef>,
    ) -> Result<SchemaRef, DataFusionError> {
        let urls = paths.iter().map(|path| listing_url(path)).collect::<Result<Vec<_>, _>>()?;
        let options =
            ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
        let schema = match schema {
            Some(schema) => schema,
            None => {
                let state = self.context.state();
                let mut schemas = Vec::new();
                for url in &urls {
                    let schema = self.runtime().block_on(options.infer_schema(&state, url))?;
                    schemas.push(Schema::clone(&schema));
                }
                Arc::new(Schema::try_merge(schemas)?)
            }
        };
        let config = ListingTableConfig::new_with_multi_paths(urls)
            .with_listing_options(options)
            .with_schema(Arc::clone(&schema));
        let table = ListingTable::try_new(config)?;
        self.context.register_table(name, Arc::new(Files::new(table)))?;
        Ok(schema)
    }

    /// Leaves rows out of a table of Parquet files for all queries: their numbers, ascending, in the order of
    /// [`Session::stream_in_order`].
    pub(crate) fn leave_out(&self, name: &str, rows: &[u64]) -> Result<(), DataFusionError> {
        self.runtime().block_on(async {
            let table = self.context.table_provider(name).await?;
            match table.downcast_ref::<Files>() {
                Some(files) => files.leave_out(&self.in_order.state(), rows).await,
                None => Err(DataFusionError::Internal(format!("`{name}` is no table of files"))),
            }
        })
    }

    /// Casts batches to the types that a table has for columns of the same names.
    pub(crate) fn as_in(
        &self,
        table: &str,
        batches: &[RecordBatch],
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let stage = "views";
        let frame = self.runtime().block_on(self.context.table(table)).map_err(engine(stage))?;
        let wanted = frame.schema();
        let found = batches[0].schema();
        let fields = found.fields().iter().map(|field| {
            let wanted = wanted.field_with_unqualified_name(field.name());
            let wanted = wanted.map_or(field.data_type(), |wanted| wanted.data_type());
            field.as_ref().clone().with_data_type(wanted.clone()).with_nullable(true)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let cast_all = |batch: &RecordBatch| {
            let columns = batch.columns().iter().zip(schema.fields());
            let columns = columns
                .map(|(column, field)| cast(column, field.data_type()))
                .collect::<Result<_, _>>()?;
            RecordBatch::try_new(Arc::clone(&schema), columns)
        };
        let batches = batches.iter().map(cast_all).collect::<Result<_, _>>();
        let batches = batches.map_err(|error| engine(stage)(error.into()))?;
        Ok((schema, batches))
    }

    /// Makes a function known to all queries.
    pub(crate) fn register(&self, function: ScalarUDF) {
        self.selective.register_udf(function.clone());
        self.free.register_udf(function.clone());
        self.in_order.register_udf(function.clone());
        self.context.register_udf(function);
    }

    /// Gives a query a name that another view may have had, and which it may read itself.
    pub(crate) fn replace_view(&self, name: &str, sql: &str) -> Result<()> {
        let stage = "views";
        let frame = self.runtime().block_on(self.context.sql(sql)).map_err(engine(stage))?;
        self.forget(name)?;
        self.context.register_table(name, frame.into_view()).map_err(engine(stage))?;
        Ok(())
    }

    /// Takes a name away; views over it keep working.
    pub(crate) fn forget(&self, name: &str) -> Result<()> {
        self.context.deregister_table(name).map_err(engine("views"))?;
        Ok(())
    }

    /// Gives a query a name under which later queries read it.
    pub(crate) fn create_view(&self, name: &str, sql: &str) -> Result<()> {
        tracing::debug!(name, sql, "view");
        let stage = "views";
        let frame = self.runtime().block_on(self.context.sql(sql)).map_err(engine(stage))?;
        self.context.register_table(name, frame.into_view()).map_err(engine(stage))?;
        Ok(())
    }
}

/// Names a file so that no letter of its path is read as a pattern.
fn listing_url(path: &Path) -> Result<ListingTableUrl, DataFusionError> {
    let path = path.canonicalize()?;
    let mut url = "file://".to_owned();
    for byte in path.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    ListingTableUrl::parse(url)
}

/// Ends once the work is to stop.
async fn cancelled(cancel: &Cancel) {
    while !cancel.is_cancelled() {
        tokio::time::sleep(CANCEL_EVERY).await;
    }
}

/// Names the feature whose SQL failed.
pub(crate) fn feature_sql(feature: &str) -> impl Fn(DataFusionError) -> BatchError {
    let feature = feature.to_owned();
    move |source| BatchError::FeatureSql { feature: feature.clone(), source: Box::new(source) }
}

/// Says which key of the playbook bounds the memory of a query that asked for more.
fn over_memory(error: BatchError, bytes_max: u64) -> BatchError {
    match error {
        BatchError::FeatureSql { feature, source }
            if matches!(source.find_root(), DataFusionError::ResourcesExhausted(_)) =>
        {
            BatchError::SqlMemory { feature, bytes_max, source }
        }
        other => other,
    }
}
