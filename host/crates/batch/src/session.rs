//! The engine of one cycle. All queries go through it: it reports their progress and ends them where the run is
//! cancelled.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use playbook_model::SqlLimits;

use crate::engine::datafusion::DataFusion;
use crate::engine::{Engine, Plan};
use crate::error::{engine, go_on};
use crate::free::check::Parameters;
use crate::{BrandClock, Cancel, Progress, Result};

/// An SQL engine and the run that it works for.
#[derive(Debug)]
pub(crate) struct Session {
    engine: Box<dyn Engine>,
    cancel: Cancel,
}

impl Session {
    /// Starts an engine of `partitions` threads.
    pub(crate) fn new(
        partitions: usize,
        clock: &BrandClock,
        salt: &str,
        cancel: Cancel,
    ) -> Result<Self> {
        let engine = Box::new(DataFusion::start(partitions, clock, salt, cancel.clone())?);
        Ok(Self { engine, cancel })
    }

    /// Runs one of the host's own queries and calls `take` with each batch.
    pub(crate) fn stream(
        &self,
        stage: &'static str,
        sql: &str,
        progress: &dyn Progress,
        mut take: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        self.engine.stream(stage, sql, Plan::Parallel, &mut |batch| {
            go_on(&self.cancel)?;
            progress.advanced(stage, batch.num_rows() as u64, None);
            take(batch)
        })
    }

    /// Runs one of the host's own queries on all threads, each of which calls `take` with its batches and the number of
    /// their partition until `take` breaks.
    pub(crate) fn scan(
        &self,
        stage: &'static str,
        sql: &str,
        progress: &Arc<dyn Progress>,
        take: impl Fn(usize, &RecordBatch) -> Result<ControlFlow<()>> + Send + Sync + 'static,
    ) -> Result<()> {
        let (cancel, progress) = (self.cancel.clone(), Arc::clone(progress));
        let take = move |partition, batch: &RecordBatch| {
            go_on(&cancel)?;
            let flow = take(partition, batch)?;
            if flow.is_continue() {
                progress.advanced(stage, batch.num_rows() as u64, None);
            }
            Ok(flow)
        };
        self.engine.scan(stage, sql, Arc::new(take))
    }

    /// Runs one of the host's own queries; each partition folds its batches into its own state. Returns the states.
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

    /// Runs a query on one thread; rows come in the order of the files.
    pub(crate) fn stream_in_order(
        &self,
        stage: &'static str,
        sql: &str,
        mut take: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        self.engine.stream(stage, sql, Plan::InOrder, &mut |batch| {
            go_on(&self.cancel)?;
            take(batch)
        })
    }

    /// Runs a query and keeps its batches.
    pub(crate) fn collect(&self, stage: &'static str, sql: &str) -> Result<Vec<RecordBatch>> {
        self.collected(stage, sql, Plan::Parallel)
    }

    /// Runs a selective query and keeps its batches.
    pub(crate) fn collect_selective(
        &self,
        stage: &'static str,
        sql: &str,
    ) -> Result<Vec<RecordBatch>> {
        self.collected(stage, sql, Plan::Selective)
    }

    /// Runs a selective query and keeps the rows of each batch that `keep` marks.
    pub(crate) fn pick_selective(
        &self,
        stage: &'static str,
        sql: &str,
        keep: impl Fn(&RecordBatch) -> Result<BooleanArray, ArrowError>,
    ) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        self.engine.stream(stage, sql, Plan::Selective, &mut |batch| {
            go_on(&self.cancel)?;
            let kept = keep(&batch).and_then(|rows| filter_record_batch(&batch, &rows));
            batches.push(kept.map_err(|error| engine(stage)(error.into()))?);
            Ok(())
        })?;
        Ok(batches)
    }

    fn collected(&self, stage: &'static str, sql: &str, plan: Plan) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        self.engine.stream(stage, sql, plan, &mut |batch| {
            go_on(&self.cancel)?;
            batches.push(batch);
            Ok(())
        })?;
        Ok(batches)
    }

    /// Registers a view for the playbook's own SQL.
    pub(crate) fn show(&self, name: &str, sql: &str) -> Result<()> {
        self.engine.show(name, sql)
    }

    /// Runs a query of the playbook under its limits and calls `take` with each batch.
    pub(crate) fn free_query(
        &self,
        feature: &str,
        sql: &str,
        given: &Parameters,
        limits: &SqlLimits,
        mut take: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        self.engine.free_query(feature, sql, given, limits, &mut take)
    }

    /// Registers Parquet files as a table; returns its schema.
    pub(crate) fn add_files(
        &self,
        stage: &'static str,
        name: &str,
        files: &[PathBuf],
    ) -> Result<SchemaRef> {
        self.engine.add_files(stage, name, files)
    }

    /// Hides rows of a table of files from all queries. Row numbers ascend, and count rows in the order of
    /// [`Session::stream_in_order`].
    pub(crate) fn leave_out(&self, stage: &'static str, name: &str, rows: &[u64]) -> Result<()> {
        self.engine.leave_out(stage, name, rows)
    }

    /// Registers batches of one schema as a table, and replaces any of that name.
    pub(crate) fn add_batches(
        &self,
        stage: &'static str,
        name: &str,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
    ) -> Result<()> {
        self.engine.add_batches(stage, name, schema, batches)
    }

    /// Casts batches to the types that a table has for columns of the same names.
    pub(crate) fn as_in(
        &self,
        table: &str,
        batches: &[RecordBatch],
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let wanted = self.engine.schema(table)?;
        let found = batches[0].schema();
        let fields = found.fields().iter().map(|field| {
            let wanted = wanted.field_with_name(field.name());
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
        let batches = batches.map_err(|error| engine("views")(error.into()))?;
        Ok((schema, batches))
    }

    /// Registers a view, and replaces any of that name; the query may read the view that it replaces.
    pub(crate) fn add_view(&self, name: &str, sql: &str) -> Result<()> {
        tracing::debug!(name, sql, "view");
        self.engine.add_view(name, sql)
    }

    /// Removes a name; views over it keep working.
    pub(crate) fn forget(&self, name: &str) -> Result<()> {
        self.engine.forget(name)
    }
}
