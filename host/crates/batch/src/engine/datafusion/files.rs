//! A `TableProvider` over Parquet files, some rows of which may be hidden. The engine reads the files through the
//! host's own readers, which give it footers without statistics of values (see `column_files`).

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, ParquetFileReaderFactory, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, RowSelection};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use crate::column_files::ColumnFile;

/// A table of files. Hidden rows are left out by a row selection, so that they are not even decoded.
#[derive(Debug)]
pub(crate) struct Files {
    files: Arc<[ColumnFile]>,
    schema: SchemaRef,
    /// The row selection of each file; `None` for a file of which no row is hidden.
    kept: OnceLock<Vec<Option<ParquetRowSelection>>>,
}

impl Files {
    /// Makes a table of files whose columns have the same types.
    pub(crate) fn new(files: Vec<ColumnFile>) -> Result<Self> {
        let schemas = files.iter().map(|file| Schema::clone(file.schema()));
        let schema = Arc::new(Schema::try_merge(schemas)?);
        Ok(Self { files: files.into(), schema, kept: OnceLock::new() })
    }

    /// Hides rows for good. Numbers ascend, and count rows in the order of the files. Only the first call has an
    /// effect.
    pub(crate) fn leave_out(&self, rows: &[u64]) {
        let (mut first, mut rows) = (0, rows);
        let mut kept = Vec::new();
        for file in &*self.files {
            let count = file.rows();
            let end = first + count as u64;
            let (inside, later) = rows.split_at(rows.partition_point(|row| *row < end));
            let place = |row: &u64| usize::try_from(row - first).unwrap_or(count);
            kept.push((!inside.is_empty()).then(|| {
                let ranges = between(inside.iter().map(place), count);
                RowSelection::from_consecutive_ranges(ranges, count).into()
            }));
            (first, rows) = (end, later);
        }
        // Fails where a selection was set before: that one stays.
        self.kept.set(kept).ok();
    }

    /// The statistics for the planner: the number of rows alone, inexact where some are hidden.
    fn statistics(&self, rows: usize) -> Statistics {
        let rows = Precision::Exact(rows);
        let known = Statistics::new_unknown(&self.schema);
        match self.kept.get() {
            Some(_) => known.with_num_rows(rows.to_inexact()),
            None => known.with_num_rows(rows),
        }
    }
}

/// The ranges of `0..count` between the given rows, which ascend; a range may be empty.
fn between(rows: impl Iterator<Item = usize>, count: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    rows.chain([count]).map(move |row| std::mem::replace(&mut start, row + 1)..row)
}

#[async_trait]
impl TableProvider for Files {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let readers = Arc::new(Readers(Arc::clone(&self.files)));
        let source = ParquetSource::new(Arc::clone(&self.schema))
            .with_parquet_file_reader_factory(readers)
            .with_enable_page_index(false)
            .with_bloom_filter_on_read(false);
        let kept = self.kept.get();
        let files = self.files.iter().enumerate().map(|(number, file)| {
            let statistics = self.statistics(file.rows());
            let listed = PartitionedFile::new(name_of(number), file.length())
                .with_arrow_schema(Arc::clone(file.schema()))
                .with_statistics(Arc::new(statistics));
            match kept.and_then(|kept| kept[number].as_ref()) {
                Some(kept) => listed.with_extension(kept.clone()),
                None => listed,
            }
        });
        let files: FileGroup = files.collect::<Vec<_>>().into();
        let rows = self.files.iter().map(ColumnFile::rows).sum();
        let config =
            FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
                .with_file_groups(files.split_files(state.config().target_partitions()))
                .with_statistics(self.statistics(rows))
                .with_projection_indices(projection.cloned())?
                // The engine drops files that a limit does not need by their row counts, which are wrong where rows
                // are hidden.
                .with_limit(limit.filter(|_| kept.is_none()));
        Ok(DataSourceExec::from_data_source(config.build()))
    }
}

/// The name of a file for the engine: its number, padded, because the engine sorts files by name.
fn name_of(number: usize) -> String {
    format!("{number:010}")
}

/// The reader factory: finds the open file by the number in its name.
#[derive(Debug)]
struct Readers(Arc<[ColumnFile]>);

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        _partition: usize,
        file: PartitionedFile,
        _size_hint: Option<usize>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let number = file.object_meta.location.as_ref().parse::<usize>().ok();
        let file = number.and_then(|number| self.0.get(number));
        let file = file.ok_or_else(|| DataFusionError::Internal("an unknown file".to_owned()))?;
        Ok(Box::new(Reader(file.clone())))
    }
}

/// Reads one file. Its futures are ready at once: a read waits for the local disk alone, so it is done in place.
struct Reader(ColumnFile);

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        let bytes = self.0.read(range).map_err(|error| ParquetError::External(Box::new(error)));
        std::future::ready(bytes).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        std::future::ready(Ok(Arc::clone(self.0.metadata()))).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn ranges_lie_between_the_rows_that_are_left_out() {
        let ranges: Vec<_> =
            between([0, 3, 4].into_iter(), 6).filter(|range| !range.is_empty()).collect();
        assert_eq!(ranges, [1..3, 5..6]);
        assert!(between(std::iter::empty(), 2).eq(std::iter::once(0..2)));
    }
}
