//! The engine's session: settings that bound memory and keep results the same, and running SQL.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SQLOptions;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use tokio::runtime::Runtime;

use crate::error::{engine, io};
use crate::{BatchError, BrandClock, Cancel, Progress, Result};

/// An SQL engine with its threads.
pub(crate) struct Session {
    pub(crate) context: SessionContext,
    /// The same tables, read on one thread.
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
        let one = context.copied_config().with_target_partitions(1);
        let state = SessionStateBuilder::new_from_existing(context.state()).with_config(one).build();
        let in_order = SessionContext::new_with_state(state);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(partitions)
            .thread_name("batch")
            .build()
            .map_err(io("create", Path::new("threads")))?;
        Ok(Self { context, in_order, runtime, cancel })
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
            let frame =
                self.context.sql_with_options(sql, options).await.map_err(engine(stage))?;
            let mut stream = frame.execute_stream().await.map_err(engine(stage))?;
            let schema = stream.schema();
            while let Some(batch) = stream.next().await {
                self.cancel.check()?;
                let batch = batch.map_err(engine(stage))?;
                progress.advanced(stage, batch.num_rows() as u64);
                take(batch)?;
            }
            Ok(schema)
        })
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
                self.cancel.check()?;
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
        let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
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
        self.context.register_table(name, Arc::new(table))?;
        Ok(schema)
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
