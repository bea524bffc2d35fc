//! The engine's session: settings that bound memory and keep results the same, and running SQL.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

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
use tokio::runtime::Runtime;

use crate::error::{engine, go_on, io};
use crate::files::Files;
use crate::{BatchError, BrandClock, Cancel, Progress, Result};

/// An SQL engine with its threads.
pub(crate) struct Session {
    pub(crate) context: SessionContext,
    /// The same tables, for queries that look for few rows among many.
    few: SessionContext,
    /// The same, on one thread.
    in_order: SessionContext,
    runtime: Runtime,
    cancel: Cancel,
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
        let mut selective = context.copied_config();
        selective.options_mut().execution.parquet.pushdown_filters = true;
        let with = |config| {
            let state =
                SessionStateBuilder::new_from_existing(context.state()).with_config(config).build();
            SessionContext::new_with_state(state)
        };
        let few = with(selective.clone());
        let in_order = with(selective.with_target_partitions(1));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(partitions)
            .thread_name("batch")
            .build()
            .map_err(io("create", Path::new("threads")))?;
        Ok(Self { context, few, in_order, runtime, cancel })
    }

    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
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

    /// Runs a query that takes few rows of many and keeps its batches.
    pub(crate) fn collect_few(&self, stage: &'static str, sql: &str) -> Result<Vec<RecordBatch>> {
        tracing::debug!(stage, sql, "query of few rows");
        self.wait(async { self.few.sql(sql).await?.collect().await }).map_err(engine(stage))
    }

    /// Runs a query of the playbook: one that reads, nothing else.
    pub(crate) fn feature_query(&self, feature: &str, sql: &str) -> Result<Vec<RecordBatch>> {
        let options = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        self.wait(async {
            let frame = self.context.sql_with_options(sql, options).await?;
            frame.collect().await
        })
        .map_err(feature_sql(feature))
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
                    let schema = self.wait(options.infer_schema(&state, url))?;
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
        self.wait(async {
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
        let frame = self.wait(self.context.table(table)).map_err(engine(stage))?;
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
        self.few.register_udf(function.clone());
        self.in_order.register_udf(function.clone());
        self.context.register_udf(function);
    }

    /// Gives a query a name that another view may have had, and which it may read itself.
    pub(crate) fn replace_view(&self, name: &str, sql: &str) -> Result<()> {
        let stage = "views";
        let frame = self.wait(self.context.sql(sql)).map_err(engine(stage))?;
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
        let frame = self.wait(self.context.sql(sql)).map_err(engine(stage))?;
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

/// Names the feature whose SQL failed.
pub(crate) fn feature_sql(feature: &str) -> impl Fn(DataFusionError) -> BatchError {
    let feature = feature.to_owned();
    move |source| BatchError::FeatureSql { feature: feature.clone(), source: Box::new(source) }
}
